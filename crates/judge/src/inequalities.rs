//! Inequalities and limits.

use super::budget::Inputs;
use super::number::{Number, Scores};
use super::trial::{InRequest, Side, Trial};
use super::{LOSSES, Law};
use intnacl_reference::inside::Problems;
use intnacl_reference::{Loss, Negatives, Tuples};
use nalgebra::DMatrix;

pub(super) const LAWS: &[Law] = &[
    Law {
        name: "values_lie_in_their_range",
        statement: "0 < ℓ <= log(1 + N e^{2/t}/M) for NCA and its special cases; every loss is at least 0",
        losses: LOSSES,
        check: |trial, name| {
            let (loss, data) = (trial.loss(name)?, trial.tuples());
            let side = trial.evaluate(loss, &data)?;
            let scores = Scores::new(trial.case.temperature, trial.case.normalize);
            // Rows that are a rounding off the sphere have scores beyond 1/t.
            let own = data.each_row().into_iter().map(|row| scores.score(&row, &row));
            let largest =
                own.fold(-scores.log_floor(), |largest, own| if own > largest { own } else { largest });
            for i in 0..data.anchor.nrows() {
                let (value, request) = (side.number(i, Inputs::Same), &side.request);
                let zero = Number::new(0.0, [0.0; 3]);
                trial.at_most(|| format!("0 <= per_anchor[{i}]"), zero, value, request);
                let (positives, prior) = match loss {
                    Loss::SimClr => (1, 0.0),
                    Loss::Debiased { tau_plus } | Loss::HardNegative { tau_plus, .. } => (1, tau_plus),
                    Loss::Nca { negatives } => (data.positives[i].nrows(), prior(negatives)),
                    _ => continue,
                };
                // τ raises g1 and g2 by up to 1/(1-τ), and scores reach from -r²/t to r²/t.
                let log_n = scores.ln(data.negatives[i].nrows() as f64);
                let log_ratio = log_n - &scores.ln(positives as f64) - &scores.ln_of_one_less(prior);
                let above = scores.softplus(log_ratio + &largest.times_f64(2.0));
                trial.at_most(|| format!("per_anchor[{i}] <= bound"), value, Number::exact(above), request);
            }
            Ok(())
        },
    },
    Law {
        name: "g2_at_least_g1",
        statement: "g2 >= g1 for β >= 0, so Debiased+HardNeg is at least Debiased, and grows with β",
        losses: &["hard_negative"],
        check: |trial, _| {
            let (tau_plus, beta) = (trial.case.tau_plus, trial.case.beta);
            let data = trial.tuples();
            let debiased = trial.evaluate(Loss::Debiased { tau_plus }, &data)?;
            let hard = trial.evaluate(Loss::HardNegative { tau_plus, beta }, &data)?;
            let harder = trial.evaluate(Loss::HardNegative { tau_plus, beta: beta + 1.0 }, &data)?;
            not_above(trial, &debiased, &hard);
            not_above(trial, &hard, &harder);
            Ok(())
        },
    },
    Law {
        name: "large_beta_gives_the_maximum",
        statement: "max h · N^{-1/β} <= g2 <= max h at τ = 0: as β grows, g2 tends to the largest kernel",
        losses: &["hard_negative"],
        check: |trial, _| {
            let beta = 64.0;
            let data = trial.tuples();
            let side = trial.evaluate(Loss::HardNegative { tau_plus: 0.0, beta }, &data)?;
            let scores = Scores::new(trial.case.temperature, trial.case.normalize);
            for i in 0..data.anchor.nrows() {
                let (positive, negatives) = scores.of_anchor(&data, i);
                let Some(largest) = negatives.iter().copied().reduce(|a, b| if a > b { a } else { b }) else {
                    continue;
                };
                let count = scores.ln(negatives.len() as f64);
                // Rows that are a rounding off the sphere can have kernels below the floor.
                let loss = |log_g| {
                    Number::exact(scores.softplus(count + &scores.at_least_the_floor(log_g) - &positive))
                };
                let (value, request) = (side.number(i, Inputs::Same), &side.request);
                let low = loss(largest - &count.times_f64(beta.recip()));
                trial.at_most(|| format!("lower bound of per_anchor[{i}]"), low, value, request);
                trial.at_most(|| format!("per_anchor[{i}] <= upper bound"), value, loss(largest), request);
            }
            Ok(())
        },
    },
    Law {
        name: "more_negatives_raise_the_loss",
        statement: "a further negative raises SimCLR and NCA with g0; a further positive lowers NCA",
        losses: &["simclr", "nca"],
        check: |trial, name| {
            let loss = if name == "nca" { Loss::Nca { negatives: Negatives::G0 } } else { Loss::SimClr };
            // Optional arrays follow the number of negatives; these losses do not read them.
            let more = Tuples { mixed: None, mixed_negatives: None, ..trial.tuples() };
            let mut fewer = more.clone();
            let less = |matrix: &DMatrix<f64>| matrix.rows(0, matrix.nrows() - 1).into_owned();
            if fewer.negatives.iter().all(|matrix| matrix.nrows() > 1) {
                fewer.negatives = more.negatives.iter().map(less).collect();
                let (fewer, more) = (trial.evaluate(loss, &fewer)?, trial.evaluate(loss, &more)?);
                not_above(trial, &fewer, &more);
            }
            let mut fewer = more.clone();
            if name == "nca" && fewer.positives.iter().all(|matrix| matrix.nrows() > 1) {
                fewer.positives = more.positives.iter().map(less).collect();
                let (fewer, more) = (trial.evaluate(loss, &fewer)?, trial.evaluate(loss, &more)?);
                not_above(trial, &more, &fewer);
            }
            Ok(())
        },
    },
];

/// `a <= b` anchor by anchor.
fn not_above<L: InRequest>(trial: &Trial<'_>, a: &Side<L>, b: &Side<L>) {
    for (i, (below, above)) in a.numbers(Inputs::Same).into_iter().zip(b.numbers(Inputs::Same)).enumerate() {
        trial.at_most(|| format!("order of per_anchor[{i}]"), below, above, &b.request);
    }
}

fn prior(negatives: Negatives) -> f64 {
    match negatives {
        Negatives::G0 => 0.0,
        Negatives::G1 { tau_plus } | Negatives::G2 { tau_plus, .. } => tau_plus,
    }
}

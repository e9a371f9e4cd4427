//! Inequalities and limits.

use super::budget::Inputs;
use super::number::{ExactScores, Number};
use super::outcome::Stop;
use super::side::{InRequest, Side};
use super::trial::Trial;
use super::{LOSSES, Law};
use intnacl_reference::inside::Dd;
use intnacl_reference::{Batch, Layout, Loss, Negatives, Tuples};
use nalgebra::DMatrix;

pub(super) const LAWS: &[Law] = &[
    Law {
        name: "values_lie_in_their_range",
        statement: "0 < ℓ <= log(1 + N e^{2/t}/M) for NCA and its special cases; every loss is at least 0",
        losses: LOSSES,
        check: |trial, name| {
            let loss = trial.loss(name)?;
            let of_tuples = || {
                let data = trial.tuples();
                in_range(trial, loss, &data, data.positives[0].nrows(), data.negatives[0].nrows())
            };
            let of_batch = || {
                let data = trial.batch();
                in_range(trial, loss, &data, data.views.len() - 1, 2 * (data.views[0].nrows() - 1))
            };
            trial.by_layout(of_tuples, of_batch)
        },
    },
    Law {
        name: "g2_at_least_g1",
        statement: "g2 >= g1 for β >= 0, so Debiased+HardNeg is at least Debiased, and grows with β",
        losses: &["hard_negative"],
        check: |trial, _| {
            trial.by_layout(
                || grows_with_hardness(trial, &trial.tuples()),
                || grows_with_hardness(trial, &trial.batch()),
            )
        },
    },
    Law {
        name: "large_beta_gives_the_maximum",
        statement: "max h · N^{-1/β} <= g2 <= max h at τ = 0: as β grows, g2 tends to the largest kernel",
        losses: &["hard_negative"],
        check: |trial, _| {
            let beta = 64.0;
            let loss = Loss::HardNegative { tau_plus: 0.0, beta };
            let scores = ExactScores::new(trial.case.temperature, trial.case.normalize);
            let bound = |positive: Dd, negatives: &[Dd], share: f64| {
                let largest = negatives.iter().copied().reduce(|a, b| if a > b { a } else { b });
                let count = scores.ln(negatives.len() as f64);
                let log_g = largest.map_or(scores.log_floor(), |largest| largest - &count.times_f64(share));
                // Rows that are a rounding off the sphere can have kernels below the floor.
                Number::exact(scores.softplus(count + &scores.at_least_the_floor(log_g) - &positive))
            };
            let low = |positive: Dd, negatives: &[Dd]| bound(positive, negatives, beta.recip());
            let high = |positive: Dd, negatives: &[Dd]| bound(positive, negatives, 0.0);
            let of_tuples = || {
                let data = trial.tuples();
                let side = trial.evaluate(loss, &data)?;
                between(trial, &side, &scores.of_tuples(&data, &low), &scores.of_tuples(&data, &high));
                Ok(())
            };
            let of_batch = || {
                let data = trial.batch();
                let side = trial.evaluate(loss, &data)?;
                between(trial, &side, &scores.of_batch(&data, &low), &scores.of_batch(&data, &high));
                Ok(())
            };
            trial.by_layout(of_tuples, of_batch)
        },
    },
    Law {
        name: "more_negatives_raise_the_loss",
        statement: "a further negative raises SimCLR and NCA with g0; a further positive lowers NCA",
        losses: &["simclr", "nca"],
        check: |trial, name| {
            let loss = if name == "nca" { Loss::Nca { negatives: Negatives::G0 } } else { Loss::SimClr };
            trial.by_layout(|| fewer_of_tuples(trial, loss), || fewer_of_batch(trial, loss))
        },
    },
];

/// Values of data in which every anchor has `m` positives and `n` negatives.
fn in_range<L: InRequest>(trial: &Trial<'_>, loss: Loss, data: &L, m: usize, n: usize) -> Result<(), Stop> {
    let side = trial.evaluate(loss, data)?;
    let scores = ExactScores::new(trial.case.temperature, trial.case.normalize);
    // Rows that are a rounding off the sphere have scores beyond 1/t.
    let own = data.each_row().into_iter().map(|row| scores.score(&row, &row));
    let largest = own.fold(-scores.log_floor(), |largest, own| if own > largest { own } else { largest });
    let of_positives = match loss {
        Loss::SimClr => Some((1, 0.0)),
        Loss::Debiased { tau_plus } | Loss::HardNegative { tau_plus, .. } => Some((1, tau_plus)),
        Loss::Nca { negatives } => Some((m, prior(negatives))),
        _ => None,
    };
    let above = of_positives.map(|(positives, prior)| {
        // τ raises g1 and g2 by up to 1/(1-τ), and scores reach from -r²/t to r²/t.
        let log_n = scores.ln(n as f64);
        let log_ratio = log_n - &scores.ln(positives as f64) - &scores.ln_of_one_less(prior);
        Number::exact(scores.softplus(log_ratio + &largest.times_f64(2.0)))
    });
    for (name, value) in side.values(Inputs::Same) {
        let zero = Number::new(0.0, [0.0; 3]);
        trial.at_most(|| format!("0 <= {name}"), zero, value, &side.request);
        if let Some(above) = above {
            trial.at_most(|| format!("{name} <= bound"), value, above, &side.request);
        }
    }
    Ok(())
}

fn grows_with_hardness<L: InRequest>(trial: &Trial<'_>, data: &L) -> Result<(), Stop> {
    let (tau_plus, beta) = (trial.case.tau_plus, trial.case.beta);
    let hard = |beta: f64| trial.evaluate(Loss::HardNegative { tau_plus, beta }, data);
    let above_debiased = || {
        not_above(trial, &trial.evaluate(Loss::Debiased { tau_plus }, data)?, &hard(beta)?);
        Ok(())
    };
    let growing = || {
        not_above(trial, &hard(beta)?, &hard(beta + 1.0)?);
        Ok(())
    };
    trial.each(&[&above_debiased, &growing])
}

/// Each value lies between two numbers.
fn between<L: InRequest>(trial: &Trial<'_>, side: &Side<L>, low: &[Number], high: &[Number]) {
    let whole = || vec![(Number::mean(low), Number::mean(high))];
    let each = || low.iter().copied().zip(high.iter().copied()).collect();
    let bounds: Vec<(Number, Number)> = if side.is_a_mean() { whole() } else { each() };
    for ((name, value), (low, high)) in side.values(Inputs::Same).into_iter().zip(bounds) {
        trial.at_most(|| format!("lower bound of {name}"), low, value, &side.request);
        trial.at_most(|| format!("{name} <= upper bound"), value, high, &side.request);
    }
}

fn fewer_of_tuples(trial: &Trial<'_>, loss: Loss) -> Result<(), Stop> {
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
    if loss.reads_all_positives() && fewer.positives.iter().all(|matrix| matrix.nrows() > 1) {
        fewer.positives = more.positives.iter().map(less).collect();
        let (fewer, more) = (trial.evaluate(loss, &fewer)?, trial.evaluate(loss, &more)?);
        not_above(trial, &more, &fewer);
    }
    Ok(())
}

/// A further image is two further negatives of every other one. Where only the mean is known, so is the sum, to which that
/// image itself adds no less than 0.
fn fewer_of_batch(trial: &Trial<'_>, loss: Loss) -> Result<(), Stop> {
    let more = Batch { mixed: None, ..trial.batch() };
    let count = more.views[0].nrows();
    let of_negatives = || {
        if count < 3 {
            return Err(Trial::not_supported("three images"));
        }
        let fewer = more.map_matrices(|matrix| matrix.rows(0, count - 1).into_owned());
        let (fewer, more) = (trial.evaluate(loss, &fewer)?, trial.evaluate(loss, &more)?);
        if more.is_a_mean() {
            let sum = |side: &Side<Batch>, images: usize| side.mean(Inputs::Same).times(images as f64);
            let (below, above) = (sum(&fewer, count - 1), sum(&more, count));
            trial.at_most(|| "order of the sums".into(), below, above, &more.request);
        } else {
            // The values of one image fewer end before that image's own.
            not_above(trial, &fewer, &more);
        }
        Ok(())
    };
    let of_positives = || {
        if !loss.reads_all_positives() || more.views.len() < 3 {
            return Err(Trial::not_supported("three views"));
        }
        let mut fewer = more.clone();
        fewer.views.pop();
        let (fewer, more) = (trial.evaluate(loss, &fewer)?, trial.evaluate(loss, &more)?);
        not_above(trial, &more, &fewer);
        Ok(())
    };
    trial.each(&[&of_negatives, &of_positives])
}

/// `a <= b` anchor by anchor, of as many anchors.
fn not_above<L: InRequest>(trial: &Trial<'_>, a: &Side<L>, b: &Side<L>) {
    for ((name, below), (_, above)) in a.values(Inputs::Same).into_iter().zip(b.values(Inputs::Same)) {
        trial.at_most(|| format!("order of {name}"), below, above, &b.request);
    }
}

fn prior(negatives: Negatives) -> f64 {
    match negatives {
        Negatives::G0 => 0.0,
        Negatives::G1 { tau_plus } | Negatives::G2 { tau_plus, .. } => tau_plus,
    }
}

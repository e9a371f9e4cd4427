//! Inequalities, limits, and values that are known in closed form.

use super::trial::{InRequest, Inputs, Side, Trial};
use super::{LOSSES, Law};
use crate::vocabulary::{Loss, Negatives, Neighborhood, Tuples};
use nalgebra::DMatrix;

pub(super) const LAWS: &[Law] = &[
    Law {
        name: "values_lie_in_their_range",
        statement: "0 < ℓ <= log(1 + N e^{2/t}/M) for NCA and its special cases; every loss is at least 0",
        losses: LOSSES,
        check: |trial, name| {
            let (loss, data) = (trial.case.loss(name), trial.case.tuples());
            let side = trial.evaluate(loss, &data)?;
            for (i, value) in side.evaluation.per_anchor.iter().enumerate() {
                let budget = side.value_budget(i, trial.implementation.float(), Inputs::Rounded);
                trial.at_most(&format!("0 <= per_anchor[{i}]"), -value, 0.0, budget, side.request());
                let positives = match loss {
                    Loss::SimClr | Loss::Debiased { .. } | Loss::HardNegative { .. } => 1,
                    Loss::Nca { .. } => data.positives[i].nrows(),
                    _ => continue,
                };
                let ratio = data.negatives[i].nrows() as f64 / positives as f64;
                let exponent = 2.0 / trial.case.temperature + ratio.ln();
                let above = exponent.max(0.0) + (-exponent.abs()).exp().ln_1p();
                // τ raises g1 and g2 by up to 1/(1-τ).
                let above = above - (1.0 - prior(loss)).ln();
                trial.at_most(&format!("per_anchor[{i}] <= bound"), *value, above, budget, side.request());
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
            let data = trial.case.tuples();
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
            let data = trial.case.tuples();
            let side = trial.evaluate(Loss::HardNegative { tau_plus: 0.0, beta }, &data)?;
            for i in 0..data.anchor.nrows() {
                let scores = Scores::of(trial, &data, i);
                let n = scores.negatives.len() as f64;
                let largest = scores.negatives.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
                let loss = |log_g: f64| softplus(n.ln() + log_g - scores.positive);
                let budget = side.value_budget(i, trial.implementation.float(), Inputs::Rounded);
                let value = side.evaluation.per_anchor[i];
                let (low, high) = (loss(largest - n.ln() / beta), loss(largest));
                trial.at_most(&format!("lower bound of per_anchor[{i}]"), low, value, budget, side.request());
                trial.at_most(
                    &format!("per_anchor[{i}] <= upper bound"),
                    value,
                    high,
                    budget,
                    side.request(),
                );
            }
            Ok(())
        },
    },
    Law {
        name: "hard_negative_is_its_formula",
        statement: "at τ = 0, ℓ = -log h⁺/(h⁺ + N Σ h^{β+1} / Σ h^β): the weights are divided by their mean",
        losses: &["hard_negative"],
        check: |trial, _| {
            let beta = trial.case.beta;
            let data = trial.case.tuples();
            let side = trial.evaluate(Loss::HardNegative { tau_plus: 0.0, beta }, &data)?;
            let expected: Vec<f64> = (0..data.anchor.nrows())
                .map(|i| {
                    let scores = Scores::of(trial, &data, i);
                    let sum = |factor: f64| log_sum_exp(scores.negatives.iter().map(|s| factor * s));
                    let log_g = sum(beta + 1.0) - sum(beta);
                    softplus((scores.negatives.len() as f64).ln() + log_g - scores.positive)
                })
                .collect();
            trial.same_values(&side, &expected, &side, Inputs::Rounded);
            Ok(())
        },
    },
    Law {
        name: "the_floor_holds",
        statement: "g1 and g2 never fall below e^{-1/t}, and where they would, the negatives have no gradient",
        losses: &["debiased", "hard_negative"],
        check: |trial, name| {
            let tau_plus = trial.case.tau_plus;
            let mut data = trial.case.tuples();
            // Draws of positives at the anchor itself, negatives away from it: the difference is negative.
            let anchor = data.anchor.clone();
            let rows =
                |i: usize, sign: f64| DMatrix::from_fn(1, anchor.ncols(), |_, k| sign * anchor[(i, k)]);
            data.debias_positives = Some((0..anchor.nrows()).map(|i| rows(i, 1.0)).collect());
            data.negatives = (0..anchor.nrows()).map(|i| rows(i, -1.0)).collect();
            let floored = trial.evaluate(trial.case.loss(name), &data)?;
            let t = trial.case.temperature;
            let apart = tau_plus * (1.0 / t).exp() > 2.0 * (-1.0 / t).exp();
            for i in 0..anchor.nrows() {
                let value = floored.evaluation.per_anchor[i];
                let positive = Scores::of(trial, &data, i).positive;
                let budget = floored.value_budget(i, trial.implementation.float(), Inputs::Rounded);
                let least = softplus(-1.0 / t - positive);
                let request = floored.request();
                trial.at_most(&format!("floor <= per_anchor[{i}]"), least, value, budget, request);
                if apart && floored.branch_is_clear(trial.implementation.float(), Inputs::Rounded) {
                    trial.at_most(&format!("per_anchor[{i}] at the floor"), value, least, budget, request);
                    let moved = floored.evaluation.gradient.negatives[i].amax();
                    trial.measure("gradient of the negatives at the floor", moved, 0.0, request);
                }
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
            let mut fewer = trial.case.tuples();
            // Optional arrays follow the number of negatives; these losses do not read them.
            (fewer.mixed, fewer.mixed_negatives) = (None, None);
            let less = |matrix: &DMatrix<f64>| matrix.rows(0, matrix.nrows() - 1).into_owned();
            let more = fewer.clone();
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
    let float = trial.implementation.float();
    for (i, (below, above)) in a.evaluation.per_anchor.iter().zip(&b.evaluation.per_anchor).enumerate() {
        let budget = a.value_budget(i, float, Inputs::Same) + b.value_budget(i, float, Inputs::Same);
        trial.at_most(&format!("order of per_anchor[{i}]"), *below, *above, budget, b.request());
    }
}

fn prior(loss: Loss) -> f64 {
    let of = |negatives| match negatives {
        Negatives::G0 => 0.0,
        Negatives::G1 { tau_plus } | Negatives::G2 { tau_plus, .. } => tau_plus,
    };
    match loss {
        Loss::Debiased { tau_plus } | Loss::HardNegative { tau_plus, .. } => tau_plus,
        Loss::Nca { negatives } => of(negatives),
        Loss::IntNaCl { negatives, neighborhood: Neighborhood::Nca, .. } => of(negatives),
        _ => 0.0,
    }
}

/// The scores of one tuple, in plain f64: closed forms are checked with arithmetic of their own.
struct Scores {
    positive: f64,
    negatives: Vec<f64>,
}

impl Scores {
    fn of(trial: &Trial<'_>, data: &Tuples, anchor: usize) -> Self {
        let unit = |row: Vec<f64>| -> Vec<f64> {
            let norm = if trial.case.normalize { row.iter().map(|x| x * x).sum::<f64>().sqrt() } else { 1.0 };
            row.iter().map(|x| x / norm).collect()
        };
        let row = |matrix: &DMatrix<f64>, i: usize| unit(matrix.row(i).iter().copied().collect());
        let x = row(&data.anchor, anchor);
        let score = |y: &[f64]| x.iter().zip(y).map(|(a, b)| a * b).sum::<f64>() / trial.case.temperature;
        let negatives = &data.negatives[anchor];
        Self {
            positive: score(&row(&data.positives[anchor], 0)),
            negatives: (0..negatives.nrows()).map(|i| score(&row(negatives, i))).collect(),
        }
    }
}

fn log_sum_exp(scores: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = scores.clone().fold(f64::NEG_INFINITY, f64::max);
    largest + scores.map(|s| (s - largest).exp()).sum::<f64>().ln()
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

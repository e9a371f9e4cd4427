//! The implementation against the exact reference, and its gradient against its own values.

use super::invariances::map_batch;
use super::trial::{InRequest, Inputs, Stop, Trial};
use super::{Float, LOSSES, Law};
use crate::vocabulary::{Batch, Loss, RobustTerm, Weight};
use nalgebra::DMatrix;

pub(super) const LAWS: &[Law] = &[
    Law {
        name: "agrees_with_the_reference",
        statement: "values, per-anchor values and gradients are those of the exact reference, in both layouts",
        losses: LOSSES,
        check: |trial, name| {
            let loss = trial.case.loss(name);
            agrees(trial, loss, &trial.case.tuples())?;
            agrees(trial, loss, &trial.case.batch())
        },
    },
    Law {
        name: "the_gradient_is_the_derivative_of_the_value",
        statement: "differences of the value along a random direction are the gradient's component",
        losses: LOSSES,
        check: |trial, name| differences(trial, with_flowing_weight(trial.case.loss(name))),
    },
];

fn agrees<L: InRequest>(trial: &Trial<'_>, loss: Loss, data: &L) -> Result<(), Stop> {
    let side = trial.evaluate(loss, data)?;
    let reference = trial.reference(&side)?;
    trial.same(&side, &reference, Inputs::Same);
    Ok(())
}

/// A stopped weight is not part of the gradient, so differences cannot see it.
fn with_flowing_weight(loss: Loss) -> Loss {
    let flow = |weight| if weight == Weight::Adversarial { Weight::AdversarialWithGradient } else { weight };
    let term = |robust: RobustTerm| RobustTerm { weight: flow(robust.weight), ..robust };
    match loss {
        Loss::Robust { negatives, weight, weight_negatives } => {
            Loss::Robust { negatives, weight: flow(weight), weight_negatives }
        }
        Loss::IntCl { negatives, alpha, robust } => Loss::IntCl { negatives, alpha, robust: term(robust) },
        Loss::IntNaCl { negatives, alpha, robust, neighborhood } => {
            Loss::IntNaCl { negatives, alpha, robust: term(robust), neighborhood }
        }
        other => other,
    }
}

/// How far the fourth-order difference steps, in units of the temperature.
const STEP: f64 = 2e-3;
/// What its truncation leaves, relative to the gradient: derivatives of order 5 by a score stay below about
/// 5⁵ for β up to 8, the scores move by `STEP`, and the formula divides by 30.
const TRUNCATION: f64 = 2e-6;

fn differences(trial: &Trial<'_>, loss: Loss) -> Result<(), Stop> {
    let float = trial.implementation.float();
    if !matches!(float, Float::Exact | Float::F64) {
        // The difference of two f32 values says nothing; agreement with the reference judges those.
        return Ok(());
    }
    let batch = trial.case.batch();
    let middle = trial.evaluate(loss, &batch)?;
    let step = STEP * trial.case.temperature.min(1.0);
    let mut rng = trial.case.rng(5);
    let mut direction = |matrix: &DMatrix<f64>| {
        DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |_, _| rng.normal() / (matrix.ncols() as f64).sqrt())
    };
    let directions = map_batch(&batch, &mut direction);
    let settings = crate::Settings { norm_tolerance: 1.0, ..trial.case.settings() };
    let at = |distance: f64| trial.evaluate_with(loss, &combine(&batch, &directions, distance), settings);
    let (near, far) = ((at(step)?, at(-step)?), (at(2.0 * step)?, at(-2.0 * step)?));
    let sides = [&near.0, &near.1, &far.0, &far.1];
    // A maximum that changes its side in between has no derivative there.
    if sides.iter().any(|side| side.floored() != middle.floored()) {
        return Ok(());
    }
    let value = |side: &super::trial::Side<Batch>| side.evaluation.value;
    let difference =
        (8.0 * (value(&near.0) - value(&near.1)) - (value(&far.0) - value(&far.1))) / (12.0 * step);
    let dot = |a: &DMatrix<f64>, b: &DMatrix<f64>| a.dot(b);
    let product: f64 = all(&middle.evaluation.gradient).zip(all(&directions)).map(|(a, b)| dot(a, b)).sum();
    let rounding = (0..middle.evaluation.per_anchor.len())
        .map(|i| middle.value_budget(i, float, Inputs::Rounded))
        .fold(0.0, f64::max)
        / step;
    // Cancellation inside an estimator by a factor A makes each further derivative A times larger.
    let size = middle.total_magnitude() * middle.amplification().powi(4);
    trial.measure(
        "directional derivative",
        (difference - product).abs(),
        rounding + TRUNCATION * size,
        middle.request(),
    );
    Ok(())
}

fn all(batch: &Batch) -> impl Iterator<Item = &DMatrix<f64>> {
    batch.views.iter().chain(batch.mixed.iter().flatten()).chain(&batch.adversarial)
}

fn combine(batch: &Batch, directions: &Batch, distance: f64) -> Batch {
    let mut steps = all(directions);
    map_batch(batch, |matrix| steps.next().map_or_else(|| matrix.clone(), |step| matrix + step * distance))
}

//! Supervised NCA.

use super::Law;
use super::budget::{OUTPUT_ROUNDINGS, ROUNDINGS};
use super::number::{Bounds, Number};
use super::outcome::Stop;
use super::trial::Trial;
use intnacl_reference::EvaluateSupervised;
use intnacl_reference::{Answer, Request};
use intnacl_reference::{Evaluation, Labelled, Objective};
use nalgebra::DMatrix;
use std::rc::Rc;

const SUPERVISED: &[&str] = &["supervised_nca"];

pub(super) const LAWS: &[Law] = &[
    Law {
        name: "rows_of_p_sum_to_1",
        statement: "Σ_j p_ij = 1: moving a point to the other of two classes turns 1 - p_i into p_i",
        losses: SUPERVISED,
        check: |trial, _| {
            let data = points(trial, 2);
            let (answer, request) = evaluate(trial, Objective::TotalVariation, &data)?;
            for i in 0..data.labels.len() {
                let mut moved = data.clone();
                moved.labels[i] = 1 - moved.labels[i];
                let (other, _) = evaluate(trial, Objective::TotalVariation, &moved)?;
                let sum = answer.per_anchor[i] + other.per_anchor[i];
                let budget = budget(trial, &data, 1.0);
                trial.measure(|| format!("Σ_j p_{i}j"), (sum - 1.0).abs(), budget, &request);
            }
            Ok(())
        },
    },
    Law {
        name: "total_variation_is_at_most_kullback_leibler",
        statement: "1 - p <= -log p: the total-variation objective is the smaller one, and is at most 1 a point",
        losses: SUPERVISED,
        check: |trial, _| {
            let data = points(trial, 3);
            let (kl, request) = evaluate(trial, Objective::KullbackLeibler, &data)?;
            let (tv, _) = evaluate(trial, Objective::TotalVariation, &data)?;
            for (i, (kl, tv)) in kl.per_anchor.iter().zip(&tv.per_anchor).enumerate() {
                let off = budget(trial, &data, 1.0 + kl);
                let (kl, tv) = (Number::new(*kl, off), Number::new(*tv, off));
                let known = |x: f64| Number::new(x, [0.0; 3]);
                trial.at_most(|| format!("order at point {i}"), tv, kl, &request);
                trial.at_most(|| format!("1 - p_{i} <= 1"), tv, known(1.0), &request);
                trial.at_most(|| format!("0 <= 1 - p_{i}"), known(0.0), tv, &request);
            }
            Ok(())
        },
    },
    Law {
        name: "supervised_agrees_with_the_reference",
        statement: "both objectives and their gradients are those of the exact reference",
        losses: SUPERVISED,
        check: |trial, _| {
            let data = points(trial, 3);
            for objective in [Objective::KullbackLeibler, Objective::TotalVariation] {
                agrees(trial, objective, &data)?;
            }
            Ok(())
        },
    },
    Law {
        name: "translation_of_all_points",
        statement: "distances do not change when all points move together: the points' gradients sum to 0",
        losses: SUPERVISED,
        check: |trial, _| {
            let data = points(trial, 3);
            let (answer, request) = evaluate(trial, Objective::KullbackLeibler, &data)?;
            let sum = answer.gradient.points.row_sum().norm();
            let (a, x) = (data.transform.norm(), 2.0 * widest(&data.points));
            // As itself and as a neighbour, each point moves by up to 4 ‖A‖² ‖x‖ for each of the points.
            let size = 8.0 * data.labels.len() as f64 * a * a * x;
            let budget = of_gradient(trial, &data, size, data.points.len());
            trial.measure(|| "sum of the points' gradients".into(), sum, budget, &request);
            Ok(())
        },
    },
];

pub(super) fn agrees(trial: &Trial<'_>, objective: Objective, data: &Labelled) -> Result<(), Stop> {
    let (found, request) = evaluate(trial, objective, data)?;
    let exact = objective.evaluate(data).map_err(|error| Stop::new(error.to_string(), &request))?;
    for (i, (a, b)) in found.per_anchor.iter().zip(&exact.per_anchor).enumerate() {
        let budget = budget(trial, data, 1.0 + b.abs());
        trial.measure(|| format!("per_anchor[{i}]"), (a - b).abs(), budget, &request);
    }
    let total: f64 = exact.per_anchor.iter().sum();
    let budget_of_value = budget(trial, data, exact.per_anchor.len() as f64 + total);
    trial.measure(|| "value".into(), (found.value - exact.value).abs(), budget_of_value, &request);
    // Each of n² terms moves the transform by up to 2 ‖A‖ ‖x‖², a point by up to 2 ‖A‖² ‖x‖.
    let (a, x) = (data.transform.norm(), 2.0 * widest(&data.points));
    let n = data.labels.len() as f64;
    let error = (&found.gradient.transform - &exact.gradient.transform).norm();
    let of_transform = of_gradient(trial, data, 2.0 * n * a * x * x, data.transform.len());
    trial.measure(|| "gradient.transform".into(), error, of_transform, &request);
    let error = (&found.gradient.points - &exact.gradient.points).norm();
    let of_points = of_gradient(trial, data, 4.0 * n * a * a * x, data.points.len());
    trial.measure(|| "gradient.points".into(), error, of_points, &request);
    Ok(())
}

fn evaluate(
    trial: &Trial<'_>,
    objective: Objective,
    data: &Labelled,
) -> Result<(Evaluation<Labelled>, Rc<Request>), Stop> {
    let request = Rc::new(Request::Supervised { objective, data: data.clone() });
    if !trial.implementation.support().has(SUPERVISED[0]) {
        return Err(Stop { request: Some(request), ..Trial::not_supported("another loss") });
    }
    match trial.answer(&request)? {
        Answer::Supervised(evaluation) => Ok((evaluation, request)),
        _ => Err(Stop::new("answered in another layout".into(), &request)),
    }
}

/// Roundings of a squared distance reach the exponent, so the unit is multiplied by the largest of them; an exact
/// program has none there. Every program is careful here: probabilities are sums of terms of one sign.
fn budget(trial: &Trial<'_>, data: &Labelled, size: f64) -> Bounds {
    let row = trial.float().row();
    let distance = 2.0 * widest(&data.points) * data.transform.norm();
    let of = |exponents: f64| {
        2.0 * ROUNDINGS * row.unit * size * exponents + row.tiny + OUTPUT_ROUNDINGS * row.output_unit * size
    };
    let usual = of(1.0 + distance * distance);
    [usual, usual, of(1.0)]
}

/// That of a gradient, each entry of which may underflow as it is given out.
fn of_gradient(trial: &Trial<'_>, data: &Labelled, size: f64, entries: usize) -> Bounds {
    let underflow = trial.float().row().tiny_output * entries as f64;
    budget(trial, data, size).map(|budget| budget + underflow)
}

/// The largest norm of a row.
fn widest(points: &DMatrix<f64>) -> f64 {
    points.row_iter().map(|row| row.norm()).fold(0.0, f64::max)
}

/// At least three points in each class, so that one can move out and leave a pair.
pub(super) fn points(trial: &Trial<'_>, classes: i64) -> Labelled {
    let mut rng = trial.case.rng(6);
    let (n, features) = (3 * classes as usize + trial.case.images, trial.case.dimension);
    let spread = trial.case.temperature;
    let representable = |x: f64| trial.float().representable(x);
    Labelled {
        transform: DMatrix::from_fn(trial.case.positives, features, |_, _| {
            representable(rng.normal() / (features as f64).sqrt())
        }),
        points: DMatrix::from_fn(n, features, |_, _| representable(spread * rng.normal())),
        labels: (0..n as i64).map(|i| i % classes).collect(),
    }
}

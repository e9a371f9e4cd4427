//! The implementation against the exact reference, and its gradient against its own values.

use super::budget::{Float, Inputs, OUTPUT_ROUNDINGS};
use super::number::{Bounds, Number};
use super::outcome::Stop;
use super::side::{InRequest, Side};
use super::trial::{Trial, with_flowing_weight};
use super::{LOSSES, Law, supervised};
use intnacl_reference::Layout;
use intnacl_reference::condition::ImageTolerance;
use intnacl_reference::{Loss, Request, Settings, Tuples};
use nalgebra::DMatrix;

pub(super) const LAWS: &[Law] = &[
    Law {
        name: "agrees_with_the_reference",
        statement: "values, per-anchor values and gradients are those of the exact reference, in both layouts",
        losses: LOSSES,
        check: |trial, name| {
            let loss = trial.loss(name)?;
            let (mut tuples, mut batch) = (trial.tuples(), trial.batch());
            // Half of the requests leave out the arrays that the loss does not read.
            if trial.case.seed % 2 == 1 {
                if !loss.needs_mixed() {
                    (tuples.mixed, tuples.mixed_negatives, batch.mixed) = (None, None, None);
                }
                if !loss.needs_adversarial() {
                    (tuples.adversarial, batch.adversarial) = (None, None);
                }
            }
            trial.each(&[&|| agrees(trial, loss, &tuples, trial.settings()), &|| {
                agrees(trial, loss, &batch, trial.settings())
            }])
        },
    },
    Law {
        name: "the_gradient_is_the_derivative_of_the_value",
        statement: "differences of the value along a random direction are the gradient's component",
        losses: LOSSES,
        check: |trial, name| {
            // A stopped weight is not part of the gradient, so differences cannot see it.
            let loss = with_flowing_weight(trial.loss(name)?);
            if matches!(trial.float(), Float::F64 | Float::F32) {
                trial.each(&[&|| by_anchor(trial, loss), &|| by_batch(trial, loss)])?;
            }
            // Other types do not have the points in between, or not the digits of their difference.
            Ok(())
        },
    },
];

/// Agreement on any request.
pub(super) fn agrees_on(trial: &Trial<'_>, request: &Request) -> Result<(), Stop> {
    match request {
        Request::Tuples { loss, settings, data } => agrees(trial, *loss, data, *settings),
        Request::Batch { loss, settings, data } => agrees(trial, *loss, data, *settings),
        Request::Supervised { objective, data } => supervised::agrees(trial, *objective, data),
    }
}

fn agrees<L: InRequest>(trial: &Trial<'_>, loss: Loss, data: &L, settings: Settings) -> Result<(), Stop> {
    let side = trial.evaluate_with(loss, data, settings)?;
    let reference = trial.reference(&side)?;
    trial.same(&side, &reference, Inputs::Same);
    Ok(())
}

/// The steps of a five-point difference.
const STEPS: [f64; 4] = [1.0, -1.0, 2.0, -2.0];
/// What its truncation leaves, in units of `θ⁴ V/ρ`, for `θ` up to [`LONGEST`].
const TRUNCATION: f64 = 5.0;
/// The longest step, in units of the radius.
const LONGEST: f64 = 0.2;
/// The shortest: below it, the roundings of a difference drown everything.
const SHORTEST: f64 = 1e-4;

/// A step along a line on which every row moves by a vector of norm 1 (under normalisation, of its own norm).
///
/// Within a radius `ρ`, in the complex plane too, no score moves by more than the reach of the estimators, so the value
/// moves by at most `V` there, and by Cauchy's estimate its derivatives of order `k` are at most `k! V/ρ^k`. A step of `θρ`
/// makes the difference `(8(f₁ - f₋₁) - (f₂ - f₋₂))/(12θρ)` wrong by at most `5 θ⁴ V/ρ`, and the roundings `E` of the values
/// by `1.5 E/(θρ)`; `θ` balances both.
struct Line {
    radius: f64,
    step: f64,
    variation: f64,
}

impl Line {
    fn new(reach: f64, variation: f64, off: f64, settings: &Settings, norm: f64) -> Self {
        let t = settings.temperature;
        // |Δs| <= (2 r ρ + ρ²)/t; a normalised row moves by at most 2.4 ρ for ρ up to 0.1.
        let radius = if settings.normalize {
            (((1.0 + reach * t).sqrt() - 1.0) / 2.4).min(0.1)
        } else {
            (norm * norm + reach * t).sqrt() - norm
        };
        let balance = if variation > 0.0 { (0.3 * off / variation).powf(0.2) } else { LONGEST };
        Self { radius, step: radius * balance.clamp(SHORTEST, LONGEST), variation }
    }

    fn truncation(&self) -> f64 {
        TRUNCATION * (self.step / self.radius).powi(4) * self.variation / self.radius
    }

    /// The difference of four values, and how far it may be off.
    fn difference(&self, values: [Number; 4]) -> Number {
        let [near, back, far, farther_back] = values;
        let sum = (near - back).times(8.0) - (far - farther_back);
        let mut difference = sum.over(12.0 * self.step);
        difference.off = difference.off.map(|off| off + self.truncation());
        difference
    }
}

/// A direction for every row of some data.
fn directions<L: InRequest>(trial: &Trial<'_>, data: &L, settings: &Settings) -> L {
    let mut rng = trial.case.rng(5);
    data.map_matrices(|matrix| {
        let mut direction = DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |_, _| rng.normal());
        for (mut row, x) in direction.row_iter_mut().zip(matrix.row_iter()) {
            let norm = if settings.normalize { x.norm() } else { 1.0 };
            row *= norm / row.norm();
        }
        direction
    })
}

/// The component of a gradient along directions, and how far it may be off: row by row.
fn component<'a, L: InRequest>(
    side: &Side<L>,
    rows: impl Iterator<Item = (usize, (&'a [f64], &'a [f64]))>,
    output_unit: f64,
) -> (f64, Bounds) {
    let tolerance = side.tolerance(Inputs::Rounded);
    let (mut sum, mut off) = (0.0, [0.0; 3]);
    for (row, (gradient, direction)) in rows {
        let products = gradient.iter().zip(direction).map(|(g, u)| g * u);
        sum += products.clone().sum::<f64>();
        let [right, careful] = tolerance.rows[row].error;
        let output = OUTPUT_ROUNDINGS * output_unit * products.map(f64::abs).sum::<f64>();
        off = [off[0] + right + output, off[1] + careful + output, off[2] + careful + output];
    }
    (sum, off)
}

/// Every row of some data: its number in the problem, its gradient and its direction.
fn rows_of<L: InRequest>(gradient: &L, directions: &L) -> Vec<(Vec<f64>, Vec<f64>)> {
    gradient.each_row().into_iter().zip(directions.each_row()).collect()
}

/// Tuples, whose anchors share nothing: each gets a step of its own, and is judged by itself.
fn by_anchor(trial: &Trial<'_>, loss: Loss) -> Result<(), Stop> {
    let data = trial.tuples();
    let middle = trial.evaluate(loss, &data)?;
    if middle.is_a_mean() {
        return as_a_whole(trial, &data, &middle);
    }
    let settings = Settings { norm_tolerance: 1.0, ..middle.settings };
    let directions = directions(trial, &data, &settings);
    let norm = largest_norm(&data);
    let images = &middle.tolerance(Inputs::Rounded).images;
    let line =
        |image: &ImageTolerance| Line::new(image.reach, image.variation, image.value[1], &settings, norm);
    let lines: Vec<Line> = images.iter().map(line).collect();
    let mut sides = Vec::with_capacity(STEPS.len());
    for step in STEPS {
        let steps: Vec<f64> = lines.iter().map(|line| step * line.step).collect();
        let moved = trial.representable(&moved_by_anchor(&data, &directions, &steps));
        sides.push(trial.evaluate_with(loss, &moved, settings)?.numbers(Inputs::Rounded));
    }
    let rows = rows_of(&middle.evaluation.gradient, &directions);
    let anchors = anchors_of_rows(&data);
    let count = lines.len() as f64;
    // At a tie there is no line on which the maximum stays on one side.
    for (i, line) in lines.iter().enumerate().filter(|(_, line)| line.radius > 0.0) {
        let difference = line.difference([0, 1, 2, 3].map(|s: usize| sides[s][i]));
        let mine = anchors.iter().enumerate().filter(|(_, anchor)| **anchor == i).map(|(row, _)| row);
        let mine = mine.map(|row| (row, (&rows[row].0[..], &rows[row].1[..])));
        let (product, off) = component(&middle, mine, trial.float().row().output_unit);
        // The gradient is that of the mean.
        let product = Number::new(product, off).times(count);
        let budgets = [0, 1, 2].map(|s| difference.off[s] + product.off[s]);
        let error = (difference - product).to_f64().abs();
        trial.measure(|| format!("derivative of per_anchor[{i}]"), error, budgets, &middle.request);
    }
    Ok(())
}

fn by_batch(trial: &Trial<'_>, loss: Loss) -> Result<(), Stop> {
    let data = trial.batch();
    let middle = trial.evaluate(loss, &data)?;
    as_a_whole(trial, &data, &middle)
}

/// All rows at once, by the value alone.
fn as_a_whole<L: InRequest>(trial: &Trial<'_>, data: &L, middle: &Side<L>) -> Result<(), Stop> {
    let loss = middle.loss;
    let settings = Settings { norm_tolerance: 1.0, ..middle.settings };
    let directions = directions(trial, data, &settings);
    let images = &middle.tolerance(Inputs::Rounded).images;
    let reach = images.iter().map(|image| image.reach).fold(f64::INFINITY, f64::min);
    let variation = images.iter().map(|image| image.variation).sum::<f64>() / images.len() as f64;
    let line =
        Line::new(reach, variation, middle.mean(Inputs::Rounded).off[1], &settings, largest_norm(data));
    if line.radius == 0.0 {
        return Ok(());
    }
    let mut values = Vec::with_capacity(STEPS.len());
    for step in STEPS {
        let mut lists = directions.matrices().into_iter();
        let moved = data.map_matrices(|matrix| match lists.next() {
            Some((_, direction)) => matrix + direction * (step * line.step),
            None => matrix.clone(),
        });
        let side = trial.evaluate_with(loss, &trial.representable(&moved), settings)?;
        values.push(side.mean(Inputs::Rounded));
    }
    let difference = line.difference([0, 1, 2, 3].map(|s: usize| values[s]));
    let rows = rows_of(&middle.evaluation.gradient, &directions);
    let rows = rows.iter().map(|(gradient, direction)| (&gradient[..], &direction[..])).enumerate();
    let (product, off) = component(middle, rows, trial.float().row().output_unit);
    let budgets = [0, 1, 2].map(|s| difference.off[s] + off[s]);
    let error = (difference - Number::new(product, off)).to_f64().abs();
    trial.measure(|| "derivative of value".into(), error, budgets, &middle.request);
    Ok(())
}

/// The largest norm of a row, at least 1.
fn largest_norm<L: InRequest>(data: &L) -> f64 {
    let matrices = data.matrices();
    matrices.iter().flat_map(|(_, matrix)| matrix.row_iter()).map(|row| row.norm()).fold(1.0, f64::max)
}

/// The anchor that each row of tuples belongs to.
fn anchors_of_rows(data: &Tuples) -> Vec<usize> {
    let each = |matrix: &DMatrix<f64>| (0..matrix.nrows()).collect::<Vec<_>>();
    let list = |matrices: &[DMatrix<f64>]| -> Vec<usize> {
        matrices.iter().enumerate().flat_map(|(i, matrix)| vec![i; matrix.nrows()]).collect()
    };
    let lists = data.mixed_negatives.iter().flatten().enumerate();
    let mixed_negatives = lists.flat_map(|(i, list)| list.iter().flat_map(move |m| vec![i; m.nrows()]));
    [
        each(&data.anchor),
        list(&data.positives),
        list(&data.negatives),
        list(data.debias_positives.as_deref().unwrap_or_default()),
        list(data.mixed.as_deref().unwrap_or_default()),
        mixed_negatives.collect(),
        data.adversarial.as_ref().map(each).unwrap_or_default(),
        list(data.adversarial_negatives.as_deref().unwrap_or_default()),
    ]
    .concat()
}

/// Every row moved along its direction by the step of its anchor.
fn moved_by_anchor(data: &Tuples, directions: &Tuples, steps: &[f64]) -> Tuples {
    let anchors = anchors_of_rows(data);
    let mut directions = directions.matrices().into_iter();
    let mut first = 0;
    data.map_matrices(|matrix| {
        let mut matrix = matrix.clone();
        let anchors = &anchors[first..first + matrix.nrows()];
        first += matrix.nrows();
        if let Some((_, direction)) = directions.next() {
            for (i, mut row) in matrix.row_iter_mut().enumerate() {
                row += direction.row(i) * steps[anchors[i]];
            }
        }
        matrix
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Case;

    #[test]
    fn every_row_of_tuples_belongs_to_the_anchor_that_it_was_made_for() {
        let case = Case { images: 3, positives: 3, negatives: 4, debias: 2, ..Case::default() };
        let data = case.tuples();
        let anchors = anchors_of_rows(&data);
        let rows: usize = data.matrices().iter().map(|(_, matrix)| matrix.nrows()).sum();
        assert_eq!(anchors.len(), rows);
        // 1 anchor, 3 positives, 4 negatives, 2 draws, 2 mixed with 4 negatives each, 1 adversarial with 5.
        assert!((0..3).all(|i| anchors.iter().filter(|&&anchor| anchor == i).count() == 26));
    }
}

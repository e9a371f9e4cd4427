//! The condition of a problem: how far a right program may be off, image by image and row by row.
//!
//! A program in a floating type knows a score to `ε = u_s κ r²/t + u_k log n`: the roundings of a product of `d`
//! entries and of a sum over `n` kernels, `r` being the largest norm and `κ = max(1, √d/16)` what longer products lose. From
//! there on the error is that of the equations themselves. `term` follows `ε` through one `-log Ω` and gives the error
//! of its value and of its slopes by the scores; this module adds the terms of a loss up and carries slopes over to the
//! embeddings: a slope's error reaches the anchor's row multiplied by the partner's norm, and the other way round.
//!
//! Every size is that of one image. An anchor whose estimator is near its floor has a large tolerance, and its
//! neighbours do not.
//!
//! The two standards differ in one place. A *careful* program is off by `ε` times what the loss depends on its
//! scores (`ω` for `-log Ω`), so it keeps the digits of a small loss. A *right* program may form `-log Ω` as a
//! difference of two scores, and is off by `ε` whatever the loss.

mod plan;
mod term;

use crate::layout::{Problem, Problems, Roles};
use crate::real::{Dd, DdContext, Real};
use crate::score::{Arithmetic, Contrast, Scores};
use crate::vocabulary::{Loss, Settings};
use plan::Sum;

/// A bound for each of the two standards: right, careful.
pub type Off = [f64; 2];

/// How one image's value may move.
#[derive(Debug, Clone, Copy)]
pub struct ImageTolerance {
    /// By how much a program's value may be off.
    pub value: Off,
    /// By how much the value moves at most, in the complex plane too, while no score moves by more than `reach`.
    pub variation: f64,
    /// A change of the scores that leaves every estimator on its side of its maximum.
    pub reach: f64,
    /// Whether every estimator of the image is at its floor, and no rounding lifts it off.
    pub floored: bool,
}

/// How the gradient by one row may be off.
#[derive(Debug, Clone, Copy, Default)]
pub struct RowTolerance {
    /// The norm of the gradient if nothing cancelled.
    pub size: f64,
    /// By how much a program's gradient may be off; under normalisation, times the norm of the row.
    pub error: Off,
}

/// How far an evaluation may be off.
#[derive(Debug, Clone)]
pub struct Tolerance {
    /// For each image (in the tuple layout: each anchor).
    pub images: Vec<ImageTolerance>,
    /// For each row of the data, in the order of their fields.
    pub rows: Vec<RowTolerance>,
}

/// The roundings of a program, as the model counts them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Roundings {
    /// Of a score, relative to the largest.
    pub scores: f64,
    /// Of sums, exponentials and logarithms.
    pub kernels: f64,
    /// Of the rows that carry a slope from a score to its partner.
    pub rows: f64,
    /// What underflow may lose.
    pub tiny: f64,
}

/// What all terms of a problem have in common.
pub(super) struct Model {
    pub(super) roundings: Roundings,
    pub(super) field: Arithmetic<Dd>,
    /// `u_s κ r²/t`.
    score: f64,
}

impl Model {
    /// `ε` of a sum over `count` kernels.
    pub(super) fn epsilon(&self, count: usize) -> f64 {
        self.score + self.roundings.kernels * (count.max(2) as f64).ln()
    }
}

/// The tolerance of a loss on validated data, for a program with these roundings.
pub fn tolerance<L: Problems>(loss: &Loss, data: &L, settings: &Settings, roundings: Roundings) -> Tolerance {
    let problem = data.problem(loss);
    let radius = problem.radius(settings.normalize);
    let field = Arithmetic::<Dd>::new(settings.temperature, radius, DdContext::Full);
    let length = (problem.d as f64).sqrt() / 16.0;
    let score = roundings.scores * length.max(1.0) * radius * radius / settings.temperature;
    let model = Model { roundings, field, score };
    let rows = Rows::new(&problem, settings);

    let mut tolerance = Tolerance {
        images: Vec::with_capacity(problem.images.len()),
        rows: vec![RowTolerance::default(); problem.rows.len() / problem.d],
    };
    // Scores are 1/t products, and the loss is a mean over the images.
    let share = 1.0 / (settings.temperature * problem.images.len() as f64);
    // A gradient under normalisation is what is left of another once a part of it is taken away.
    let share = if settings.normalize { 2.0 * share } else { share };
    for roles in &problem.images {
        let scores = rows.scores(roles);
        let sum = Sum::of(loss, &scores, &model);
        for (contrast, roles) in sum.contrasts.iter().zip(roles.all()) {
            let lists = [&roles.positives, &roles.negatives, &roles.debias];
            for (ranges, slopes) in lists.into_iter().zip(&contrast.lists) {
                for (row, slope) in ranges.iter().cloned().flatten().zip(slopes) {
                    // A row that was rounded on the way carries the slope to its partner as it is now.
                    let by_rows = roundings.rows * slope.size;
                    let slope = RowTolerance { error: slope.error.map(|error| error + by_rows), ..*slope };
                    tolerance.rows[roles.anchor].add(&slope, share * rows.norms[row]);
                    tolerance.rows[row].add(&slope, share * rows.norms[roles.anchor]);
                }
            }
        }
        tolerance.images.push(sum.image());
    }
    tolerance
}

impl RowTolerance {
    fn add(&mut self, slope: &RowTolerance, factor: f64) {
        // Nothing of a slope that has no bound is nothing.
        if factor == 0.0 {
            return;
        }
        self.size += factor * slope.size;
        for (into, error) in self.error.iter_mut().zip(slope.error) {
            *into += factor * error;
        }
    }
}

/// The rows of a problem, on the sphere where they are to be.
struct Rows {
    d: usize,
    rows: Vec<Dd>,
    norms: Vec<f64>,
    inverse_temperature: Dd,
}

impl Rows {
    fn new(problem: &Problem, settings: &Settings) -> Self {
        let context = DdContext::Full;
        let (mut rows, mut norms) = (Vec::with_capacity(problem.rows.len()), Vec::new());
        for row in problem.rows.chunks_exact(problem.d) {
            let (row, _) = crate::evaluate::lift_row::<Dd>(row, settings.normalize, context);
            norms.push(row.iter().map(|x| x.to_f64().powi(2)).sum::<f64>().sqrt());
            rows.extend(row);
        }
        let inverse_temperature = Dd::lift(1.0, context) / &Dd::lift(settings.temperature, context);
        Self { d: problem.d, rows, norms, inverse_temperature }
    }

    fn row(&self, row: usize) -> &[Dd] {
        &self.rows[row * self.d..][..self.d]
    }

    fn scores(&self, roles: &Roles) -> Scores<Dd> {
        roles.scores(|contrast, ranges| {
            let anchor = self.row(contrast.anchor);
            let score = |row| Dd::dot(anchor, self.row(row), DdContext::Full) * &self.inverse_temperature;
            ranges.iter().cloned().flatten().map(score).collect()
        })
    }
}

/// The positives of a contrast that a term reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Positives {
    First,
    All,
}

impl Positives {
    pub(super) fn of(self, contrast: &Contrast<Dd>) -> &[Dd] {
        match self {
            Positives::First => &contrast.positives[..1],
            Positives::All => &contrast.positives,
        }
    }
}

//! Answers as plain numbers, and how far two of them are apart.

use crate::side::InRequest;
use intnacl_reference::Evaluation;
use intnacl_reference::inside::norm;

/// How near numbers have to be to count as the same: well above roundings, well below what slips do.
pub(super) const NEAR: f64 = 2e-3;

/// An answer with its gradient row by row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Flat {
    pub(super) value: f64,
    pub(super) per_anchor: Vec<f64>,
    /// The array and the gradient of each row.
    pub(super) rows: Vec<(String, Vec<f64>)>,
}

impl Flat {
    pub(super) fn of<L: InRequest>(evaluation: &Evaluation<L>) -> Self {
        let rows = evaluation.gradient.matrices().into_iter().flat_map(|(name, matrix)| {
            let rows = matrix.row_iter().map(|row| row.iter().copied().collect::<Vec<f64>>());
            rows.map(|row| (name.clone(), row)).collect::<Vec<_>>()
        });
        Self { value: evaluation.value, per_anchor: evaluation.per_anchor.clone(), rows: rows.collect() }
    }
}

/// What roundings may do to an answer, by the standard *right*.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slack {
    pub(super) value: f64,
    /// Of the gradient by each row.
    pub(super) rows: Vec<f64>,
}

impl Slack {
    pub(super) fn none(of: &Flat) -> Self {
        Self { value: 0.0, rows: vec![0.0; of.rows.len()] }
    }
}

/// How far two answers are apart, relative to their size and beyond what roundings may do; what is absent is NaN and fits
/// everything.
pub(super) fn distance(a: &Flat, b: &Flat, slack: &Slack) -> f64 {
    let size = a.value.abs().max(b.value.abs());
    let of_values = |a: f64, b: f64| {
        let error = (a - b).abs() - slack.value;
        if error > 0.0 { error / a.abs().max(b.abs()).max(1e-2 * size) } else { 0.0 }
    };
    let each = a.per_anchor.iter().zip(&b.per_anchor).map(|(a, b)| of_values(*a, *b));
    let rows = || a.rows.iter().zip(&b.rows).map(|((_, a), (_, b))| (a, b));
    let norms = |(a, b): (&Vec<f64>, &Vec<f64>)| norm(a.iter().copied()).max(norm(b.iter().copied()));
    let largest = rows().map(norms).filter(|size| size.is_finite()).fold(0.0, f64::max);
    let of_rows = rows().zip(&slack.rows).map(|((a, b), slack)| {
        let error = norm(a.iter().zip(b).map(|(a, b)| a - b)) - slack;
        if error > 0.0 { error / norms((a, b)).max(1e-2 * largest) } else { 0.0 }
    });
    each.chain(of_rows).fold(of_values(a.value, b.value), f64::max)
}

/// Whether two answers are the same, up to roundings.
pub(super) fn alike(a: &Flat, b: &Flat) -> bool {
    distance(a, b, &Slack::none(a)) <= NEAR
}

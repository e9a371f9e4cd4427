//! Products of matrices in double-double throughout.

use super::{Dd, DdContext};
use crate::parallel;
use crate::real::Real;

/// All scores between rows: `result[i·n + j] = row_i · row_j`.
pub(super) fn gram(rows: &[Dd], d: usize) -> Vec<Dd> {
    let n = rows.len() / d;
    let mut scores = vec![Dd::ZERO; n * n];
    let lines = scores.chunks_exact_mut(n).zip(rows.chunks_exact(d)).collect();
    parallel::map(lines, n * d, |(into, row): (&mut [Dd], &[Dd])| {
        for (into, other) in into.iter_mut().zip(rows.chunks_exact(d)) {
            *into = Dd::dot(row, other, DdContext::Full);
        }
    });
    scores
}

/// `into_i += Σ_j (weights_ij + weights_ji) · row_j`.
pub(super) fn spread(into: &mut [Dd], weights: &[Dd], rows: &[Dd], d: usize) {
    let n = rows.len() / d;
    let lines = into.chunks_exact_mut(d).enumerate().collect();
    parallel::map(lines, 2 * n * d, |(i, into): (usize, &mut [Dd])| {
        for (j, row) in rows.chunks_exact(d).enumerate() {
            let weight = weights[i * n + j].plus(weights[j * n + i]);
            Dd::add_scaled(into, &weight, row);
        }
    });
}

//! The rows of a problem, on the sphere.

use crate::layout::Problem;
use crate::real::Real;
use std::ops::Range;

/// A row on the sphere, and by what it was multiplied to get there: a power of 2, then the inverse norm.
pub fn lift_row<R: Real>(row: &[f64], normalize: bool, context: R::Context) -> (Vec<R>, Option<(f64, R)>) {
    if !normalize {
        return (row.iter().map(|&x| R::lift(x, context)).collect(), None);
    }
    // Squares of the entries stay in range after an exact scaling.
    let largest = row.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    let power = (-largest.log2().round().clamp(-1000.0, 1000.0)).exp2();
    let mut lifted: Vec<R> = row.iter().map(|&x| R::lift(x * power, context)).collect();
    let inverse_norm = R::lift(1.0, context) / &R::dot(&lifted, &lifted, context).sqrt(context);
    R::scale_all(&mut lifted, &inverse_norm);
    (lifted, Some((power, inverse_norm)))
}

/// All rows of a problem, on the sphere.
pub(super) struct Rows<R> {
    d: usize,
    rows: Vec<R>,
    factors: Vec<(f64, R)>,
}

impl<R: Real> Rows<R> {
    pub(super) fn lift(problem: &Problem, normalize: bool, context: R::Context) -> Self {
        let mut lifted =
            Self { d: problem.d, rows: Vec::with_capacity(problem.rows.len()), factors: Vec::new() };
        for row in problem.rows.chunks_exact(problem.d) {
            let (row, factor) = lift_row(row, normalize, context);
            lifted.rows.extend(row);
            lifted.factors.extend(factor);
        }
        lifted
    }

    pub(super) fn row(&self, row: usize) -> &[R] {
        &self.rows[row * self.d..][..self.d]
    }

    /// Rows that follow each other.
    pub(super) fn run(&self, run: Range<usize>) -> &[R] {
        &self.rows[run.start * self.d..run.end * self.d]
    }

    /// `z = x/‖x‖`, so `∂/∂x = (∂/∂z - z (z·∂/∂z)) / ‖x‖`.
    pub(super) fn through_normalization(
        &self,
        gradient: &mut [R],
        magnitude: &mut [f64],
        context: R::Context,
    ) {
        for (i, (power, inverse_norm)) in self.factors.iter().enumerate() {
            let z = self.row(i);
            let gradient = &mut gradient[i * self.d..][..self.d];
            let radial = R::dot(z, gradient, context);
            R::add_scaled(gradient, &-radial, z);
            R::scale_all(gradient, inverse_norm);
            for x in gradient {
                *x = x.scale(*power, context);
            }
            magnitude[i] *= 2.0 * inverse_norm.to_f64() * power;
        }
    }
}

//! From one evaluation to the numbers that are handed out, where its precision was enough.

use super::image::Repeat;
use super::pass::Pass;
use crate::layout::Problem;
use crate::real::Real;

/// Numbers that are ready to be handed out.
pub(super) struct Rounded {
    pub(super) value: f64,
    pub(super) per_image: Vec<f64>,
    pub(super) gradient: Vec<f64>,
}

impl<R: Repeat> Pass<R> {
    /// The result in f64, or nothing where this precision was not enough. The last precision always is:
    /// a gradient that it cannot tell from 0 is 0.
    pub(super) fn rounded(self, problem: &Problem, last: bool) -> Option<Rounded> {
        let certain =
            self.certain && self.values.iter().all(|value| value.log2_abs() > -960.0 || R::UNBOUNDED);
        if !certain && !last {
            return None;
        }
        let d = problem.d;
        let mut gradient: Vec<f64> = self.gradient.iter().map(R::to_f64).collect();
        for array in &problem.arrays {
            let magnitude = norm(self.magnitude[array.clone()].iter().copied());
            if magnitude == 0.0 {
                continue;
            }
            let error = magnitude.log2() + self.spread_error;
            let entries = array.start * d..array.end * d;
            // A result that no f64 holds is an overflow, however large the terms that it is made of.
            if gradient[entries.clone()].iter().any(|x| x.is_infinite()) {
                continue;
            }
            let size = log2_norm(&self.gradient[entries.clone()], &gradient[entries]);
            // NaN for a gradient that vanished: not certain either.
            if size - error >= 52.0 {
                continue;
            }
            if !last {
                return None;
            }
            // Row by row: terms that cancel in one row say nothing against a small gradient by another.
            for row in array.clone() {
                let entries = row * d..(row + 1) * d;
                let error = self.magnitude[row].log2() + self.spread_error;
                let stands_out =
                    log2_norm(&self.gradient[entries.clone()], &gradient[entries.clone()]) > error;
                if !stands_out {
                    gradient[entries].fill(0.0);
                }
            }
        }
        let context = self.field.context;
        let sum = R::sum(&self.values, context);
        let value = sum / &R::lift(self.values.len() as f64, context);
        Some(Rounded {
            value: value.to_f64(),
            per_image: self.values.iter().map(R::to_f64).collect(),
            gradient,
        })
    }
}

/// The Euclidean norm, its squares kept in range.
pub fn norm(numbers: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = numbers.clone().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * numbers.map(|x| (x / largest).powi(2)).sum::<f64>().sqrt()
}

/// `log2` of the norm of numbers of which the nearest f64 are known too; NaN if they are all 0.
pub(super) fn log2_norm<R: Real>(numbers: &[R], nearest: &[f64]) -> f64 {
    let mut squares = [0.0; 8];
    for numbers in nearest.chunks(squares.len()) {
        for (sum, x) in squares.iter_mut().zip(numbers) {
            *sum += x * x;
        }
    }
    let square: f64 = squares.iter().sum();
    if (1e-250..1e250).contains(&square) {
        return 0.5 * square.log2();
    }
    // In units of the largest, so that no square leaves the range.
    let sizes: Vec<f64> = numbers.iter().map(R::log2_abs).collect();
    let top = sizes.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
    top + 0.5 * sizes.iter().map(|s| (2.0 * (s - top)).exp2()).sum::<f64>().log2()
}

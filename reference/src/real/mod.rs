//! The numbers that the equations are written in.
//!
//! Every equation is generic over [`Real`], and is evaluated in double-double arithmetic first. Where a
//! cancellation eats the precision, which each evaluation reports, the same equation is evaluated again
//! with as many bits as it needs (Ziv's strategy).

mod big;
mod double_double;
#[cfg(test)]
mod tests;

pub(crate) use big::Big;
pub use double_double::{Dd, DdContext};

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A real number of some precision, and the few operations that the equations need.
pub trait Real:
    Clone
    + Send
    + Sync
    + PartialOrd
    + Neg<Output = Self>
    + for<'a> Add<&'a Self, Output = Self>
    + for<'a> Sub<&'a Self, Output = Self>
    + for<'a> Mul<&'a Self, Output = Self>
    + for<'a> Div<&'a Self, Output = Self>
{
    /// The context that a number needs to be made: its precision.
    type Context: Copy + Send + Sync;

    /// The number of bits to which an operation, `exp` included, is right.
    fn bits(context: Self::Context) -> f64;
    /// The number `x`, exactly.
    fn lift(x: f64, context: Self::Context) -> Self;
    /// The nearest f64.
    fn to_f64(&self) -> f64;
    /// `log2 |self|`, to a few digits; `-inf` for 0.
    fn log2_abs(&self) -> f64;
    /// The nearest double-double.
    fn to_double_double(&self) -> Dd;
    /// `e^self`; 0 where that underflows.
    fn exp(&self, context: Self::Context) -> Self;
    /// `log self`.
    fn ln(&self, context: Self::Context) -> Self;
    /// `log(1 + self)`, with its relative precision kept for small `self`.
    fn ln_1p(&self, context: Self::Context) -> Self;
    /// The square root.
    fn sqrt(&self, context: Self::Context) -> Self;

    /// `self · x`.
    fn scale(&self, x: f64, context: Self::Context) -> Self {
        self.clone() * &Self::lift(x, context)
    }

    /// Each number's exponential, `e^(x - shift)`.
    fn exp_all(numbers: &[Self], shift: &Self, context: Self::Context) -> Vec<Self> {
        numbers.iter().map(|x| (x.clone() - shift).exp(context)).collect()
    }

    /// The sum.
    fn sum(numbers: &[Self], context: Self::Context) -> Self {
        numbers.iter().fold(Self::lift(0.0, context), |sum, x| sum + x)
    }

    /// Each number times `factor`.
    fn scale_all(numbers: &mut [Self], factor: &Self) {
        for x in numbers {
            *x = x.clone() * factor;
        }
    }

    /// `Σ_k a_k b_k`.
    fn dot(a: &[Self], b: &[Self], context: Self::Context) -> Self {
        a.iter().zip(b).fold(Self::lift(0.0, context), |sum, (x, y)| sum + &(x.clone() * y))
    }

    /// `into += factor · row`.
    fn add_scaled(into: &mut [Self], factor: &Self, row: &[Self]) {
        for (into, x) in into.iter_mut().zip(row) {
            *into = into.clone() + &(x.clone() * factor);
        }
    }

    /// All scores between the rows of a matrix of `d` columns: `result[i·n + j] = row_i · row_j`.
    fn gram(rows: &[Self], d: usize, context: Self::Context) -> Vec<Self> {
        let n = rows.len() / d;
        let mut result = vec![Self::lift(0.0, context); n * n];
        for i in 0..n {
            for j in 0..=i {
                let dot = Self::dot(&rows[i * d..][..d], &rows[j * d..][..d], context);
                result[j * n + i] = dot.clone();
                result[i * n + j] = dot;
            }
        }
        result
    }

    /// `into_i += Σ_j (weights_ij + weights_ji) · row_j`: how weights on the scores reach the rows.
    fn spread(into: &mut [Self], weights: &[Self], rows: &[Self], d: usize, _context: Self::Context) {
        let n = rows.len() / d;
        for i in 0..n {
            for j in 0..n {
                let weight = weights[i * n + j].clone() + &weights[j * n + i];
                Self::add_scaled(&mut into[i * d..][..d], &weight, &rows[j * d..][..d]);
            }
        }
    }
}

/// The larger of two.
pub fn max<R: Real>(a: &R, b: &R) -> R {
    if a >= b { a.clone() } else { b.clone() }
}

/// The largest of some numbers and `start`.
pub fn max_of<'a, R: Real + 'a>(start: &R, numbers: impl IntoIterator<Item = &'a R>) -> R {
    let mut largest = start;
    for x in numbers {
        if x > largest {
            largest = x;
        }
    }
    largest.clone()
}

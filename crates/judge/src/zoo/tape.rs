//! Reverse-mode differentiation of a few operations on numbers of a floating type, as the usual frameworks do it.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A floating type that programs compute in.
pub(super) trait Element:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    fn of(x: f64) -> Self;
    fn to_f64(self) -> f64;
    fn exp(self) -> Self;
    fn ln(self) -> Self;
    fn ln_1p(self) -> Self;
    fn sqrt(self) -> Self;
}

macro_rules! element {
    ($type:ty) => {
        impl Element for $type {
            fn of(x: f64) -> Self {
                x as $type
            }
            fn to_f64(self) -> f64 {
                self as f64
            }
            fn exp(self) -> Self {
                <$type>::exp(self)
            }
            fn ln(self) -> Self {
                <$type>::ln(self)
            }
            fn ln_1p(self) -> Self {
                <$type>::ln_1p(self)
            }
            fn sqrt(self) -> Self {
                <$type>::sqrt(self)
            }
        }
    };
}
element!(f32);
element!(f64);

/// A number on the tape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Var(usize);

/// What was computed, and from what with which derivative.
pub(super) struct Tape<F> {
    values: Vec<F>,
    parents: Vec<Vec<(Var, F)>>,
}

impl<F: Element> Tape<F> {
    pub(super) fn new() -> Self {
        Self { values: Vec::new(), parents: Vec::new() }
    }

    fn push(&mut self, value: F, parents: Vec<(Var, F)>) -> Var {
        self.values.push(value);
        self.parents.push(parents);
        Var(self.values.len() - 1)
    }

    pub(super) fn leaf(&mut self, value: F) -> Var {
        self.push(value, Vec::new())
    }

    pub(super) fn constant(&mut self, x: f64) -> Var {
        self.leaf(F::of(x))
    }

    pub(super) fn value(&self, x: Var) -> F {
        self.values[x.0]
    }

    /// The same number without its history.
    pub(super) fn detached(&mut self, x: Var) -> Var {
        self.leaf(self.value(x))
    }

    pub(super) fn add(&mut self, x: Var, y: Var) -> Var {
        let one = F::of(1.0);
        self.push(self.value(x) + self.value(y), vec![(x, one), (y, one)])
    }

    pub(super) fn sub(&mut self, x: Var, y: Var) -> Var {
        self.push(self.value(x) - self.value(y), vec![(x, F::of(1.0)), (y, F::of(-1.0))])
    }

    pub(super) fn mul(&mut self, x: Var, y: Var) -> Var {
        let (a, b) = (self.value(x), self.value(y));
        self.push(a * b, vec![(x, b), (y, a)])
    }

    pub(super) fn div(&mut self, x: Var, y: Var) -> Var {
        let (a, b) = (self.value(x), self.value(y));
        self.push(a / b, vec![(x, F::of(1.0) / b), (y, -(a / b) / b)])
    }

    pub(super) fn scale(&mut self, x: Var, factor: f64) -> Var {
        self.push(self.value(x) * F::of(factor), vec![(x, F::of(factor))])
    }

    pub(super) fn exp(&mut self, x: Var) -> Var {
        let value = self.value(x).exp();
        self.push(value, vec![(x, value)])
    }

    pub(super) fn ln(&mut self, x: Var) -> Var {
        let a = self.value(x);
        self.push(a.ln(), vec![(x, F::of(1.0) / a)])
    }

    pub(super) fn ln_1p(&mut self, x: Var) -> Var {
        let a = self.value(x);
        self.push(a.ln_1p(), vec![(x, F::of(1.0) / (F::of(1.0) + a))])
    }

    /// `max(x, least)`; at a tie the gradient is that of `x`.
    pub(super) fn clamp(&mut self, x: Var, least: Var) -> Var {
        let (a, b) = (self.value(x), self.value(least));
        if a >= b { self.push(a, vec![(x, F::of(1.0))]) } else { self.push(b, vec![(least, F::of(1.0))]) }
    }

    pub(super) fn sum(&mut self, list: &[Var]) -> Var {
        let value = list.iter().fold(F::of(0.0), |sum, x| sum + self.value(*x));
        self.push(value, list.iter().map(|x| (*x, F::of(1.0))).collect())
    }

    pub(super) fn largest(&self, list: &[Var]) -> F {
        let mut largest = self.value(list[0]);
        for x in &list[1..] {
            let x = self.value(*x);
            if x > largest {
                largest = x;
            }
        }
        largest
    }

    /// `log Σ e^x`; its gradient is `e^{x - result}`, with the rounded result.
    pub(super) fn log_sum_exp(&mut self, list: &[Var]) -> Var {
        let largest = self.largest(list);
        let sum = list.iter().fold(F::of(0.0), |sum, x| sum + (self.value(*x) - largest).exp());
        let value = largest + sum.ln();
        let parents = list.iter().map(|x| (*x, (self.value(*x) - value).exp())).collect();
        self.push(value, parents)
    }

    /// `log(1 + e^x)`, linear from `threshold` on.
    pub(super) fn softplus(&mut self, x: Var, threshold: f64) -> Var {
        let a = self.value(x);
        let (zero, one) = (F::of(0.0), F::of(1.0));
        if a > F::of(threshold) {
            return self.push(a, vec![(x, one)]);
        }
        let small = if a > zero { (-a).exp() } else { a.exp() };
        let value = if a > zero { a + small.ln_1p() } else { small.ln_1p() };
        let slope = if a > zero { one / (one + small) } else { small / (one + small) };
        self.push(value, vec![(x, slope)])
    }

    /// The binary cross entropy of a logit, `max(z, 0) - λz + log(1 + e^{-|z|})`, with the slope `σ(z) - λ`.
    pub(super) fn cross_entropy_with_logit(&mut self, z: Var, lambda: f64) -> Var {
        let a = self.value(z);
        let (zero, one) = (F::of(0.0), F::of(1.0));
        let small = if a > zero { (-a).exp() } else { a.exp() };
        let value = if a > zero { a } else { zero } - a * F::of(lambda) + small.ln_1p();
        let logistic = if a > zero { one / (one + small) } else { small / (one + small) };
        self.push(value, vec![(z, logistic - F::of(lambda))])
    }

    /// The derivatives of `result` by everything on the tape.
    pub(super) fn backward(&self, result: Var) -> Vec<F> {
        let mut slopes = vec![F::of(0.0); self.values.len()];
        slopes[result.0] = F::of(1.0);
        for at in (0..=result.0).rev() {
            let slope = slopes[at];
            if slope == F::of(0.0) {
                continue;
            }
            for (parent, by) in &self.parents[at] {
                slopes[parent.0] = slopes[parent.0] + slope * *by;
            }
        }
        slopes
    }

    pub(super) fn slope(slopes: &[F], x: Var) -> F {
        slopes[x.0]
    }
}

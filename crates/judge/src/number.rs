//! Numbers that a law computes with: exact arithmetic on answers that may be off.
//!
//! A law that adds, multiplies or subtracts answers needs to know how far off the result may be. A [`Number`] carries
//! that along for each standard, and is computed in double-double, so that the law's own arithmetic is below all of
//! it.

use intnacl_reference::inside::{self, Arithmetic};
use intnacl_reference::inside::{Dd, DdContext, Real};
use std::ops::{Add, Mul, Sub};

/// A bound for each standard: right, careful, exact.
pub(super) type Bounds = [f64; 3];

/// The image of a row under reflections `x - 2 v (v·x)/(v·v)`, rounded once.
pub(super) fn reflected(row: &[f64], mirrors: &[Vec<f64>]) -> Vec<f64> {
    let lift = |row: &[f64]| row.iter().map(|&x| exactly(x)).collect::<Vec<Dd>>();
    let mut image = lift(row);
    for mirror in mirrors {
        let mirror = lift(mirror);
        let share = Dd::dot(&mirror, &image, CONTEXT) / &Dd::dot(&mirror, &mirror, CONTEXT);
        Dd::add_scaled(&mut image, &share.times_f64(-2.0), &mirror);
    }
    image.iter().map(Dd::to_f64).collect()
}

/// The precision of laws.
const CONTEXT: DdContext = DdContext::Full;

/// An answer, or what is made of answers, with a bound on how far it may be off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number {
    value: Dd,
    pub(super) off: Bounds,
}

impl Number {
    pub(super) fn new(value: f64, off: Bounds) -> Self {
        Self { value: exactly(value), off }
    }

    /// A number that the law knows: to the last bit of f64, down to where double-double has no exponentials.
    pub(super) fn exact(value: Dd) -> Self {
        Self { value, off: [4.0 * f64::MIN_POSITIVE; 3] }
    }

    pub(super) fn to_f64(self) -> f64 {
        self.value.to_f64()
    }

    /// `|self - x|`.
    pub(super) fn distance(self, x: f64) -> f64 {
        (self.value - &exactly(x)).to_f64().abs()
    }

    pub(super) fn times(self, factor: f64) -> Self {
        Self { value: self.value.times_f64(factor), off: self.off.map(|off| factor.abs() * off) }
    }

    pub(super) fn over(self, divisor: f64) -> Self {
        let value = self.value / &exactly(divisor);
        Self { value, off: self.off.map(|off| off / divisor.abs()) }
    }

    pub(super) fn mean(numbers: &[Self]) -> Self {
        let sum = numbers.iter().fold(Self::new(0.0, [0.0; 3]), |sum, x| sum + *x);
        sum.over(numbers.len() as f64)
    }

    /// Times a number that the law knows exactly.
    pub(super) fn times_exactly(self, factor: Dd) -> Self {
        let size = factor.to_f64().abs();
        Self { value: self.value * &factor, off: self.off.map(|off| size * off) }
    }

    /// `-log(1 - e^{-self})`: from `-log Ω` to `-log(1-Ω)`.
    pub(super) fn complement(self) -> Self {
        let complement = |x: f64| if x < 0.5 { -(-(-x).exp_m1()).ln() } else { -(-(-x).exp()).ln_1p() };
        let middle = self.to_f64();
        // The function falls and is convex, so that the lower end is the farther one.
        let farther = |off: f64| {
            if off < middle { complement(middle - off) - complement(middle) } else { f64::INFINITY }
        };
        // Double-double has no exponentials below the normal numbers.
        let off = self.off.map(|off| farther(off) + 4.0 * f64::MIN_POSITIVE);
        let x = self.value;
        if middle < 1e-200 {
            // Double-double ends here; the logarithm is large, and its last bit far below what it may be off.
            return Self { value: exactly(-middle.ln()), off: off.map(|off| off + 2e-13) };
        }
        let value = if middle < 1e-5 {
            // 1 - e^{-x} = x (1 - x/2 + x²/6 - …), which keeps the digits of x.
            let series = [120.0, -24.0, 6.0, -2.0, 1.0]
                .into_iter()
                .fold(exactly(0.0), |sum, factorial| sum * &x + &(exactly(1.0) / &exactly(factorial)));
            -(x * &series).ln(CONTEXT)
        } else {
            -(-(-x).exp(CONTEXT)).ln_1p(CONTEXT)
        };
        Self { value, off }
    }
}

/// How far a product may be off.
fn product_off(a: f64, a_off: f64, b: f64, b_off: f64) -> f64 {
    a.abs() * b_off + b.abs() * a_off + a_off * b_off
}

/// A number that the law knows, as it is.
pub(super) fn exactly(x: f64) -> Dd {
    Dd::lift(x, CONTEXT)
}

/// `1 - x`, exactly.
pub(super) fn one_less(x: f64) -> Dd {
    exactly(1.0) - &exactly(x)
}

/// `x + 1`, exactly.
pub(super) fn one_more(x: f64) -> Dd {
    exactly(1.0) + &exactly(x)
}

impl Add for Number {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { value: self.value + &other.value, off: [0, 1, 2].map(|s| self.off[s] + other.off[s]) }
    }
}

impl Sub for Number {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + other.times(-1.0)
    }
}

impl Mul for Number {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let off = [0, 1, 2].map(|s| product_off(self.to_f64(), self.off[s], other.to_f64(), other.off[s]));
        Self { value: self.value * &other.value, off }
    }
}

/// Exact scores and the functions of them that closed forms are made of.
pub(super) struct ExactScores {
    field: Arithmetic<Dd>,
    inverse_temperature: Dd,
    normalize: bool,
}

impl ExactScores {
    pub(super) fn new(temperature: f64, normalize: bool) -> Self {
        let field = Arithmetic::<Dd>::new(temperature, 1.0, CONTEXT);
        let inverse_temperature = -field.log_floor;
        Self { field, inverse_temperature, normalize }
    }

    /// `-1/t`.
    pub(super) fn log_floor(&self) -> Dd {
        self.field.log_floor
    }

    pub(super) fn at_least_the_floor(&self, log: Dd) -> Dd {
        if log > self.log_floor() { log } else { self.log_floor() }
    }

    /// `x·y/t`.
    pub(super) fn score(&self, x: &[f64], y: &[f64]) -> Dd {
        let lift = |row: &[f64]| intnacl_reference::inside::lift_row::<Dd>(row, self.normalize, CONTEXT).0;
        Dd::dot(&lift(x), &lift(y), CONTEXT) * &self.inverse_temperature
    }

    pub(super) fn log_sum_exp(&self, scores: &[Dd]) -> Dd {
        inside::log_sum_exp(scores, &self.field).0
    }

    pub(super) fn softplus(&self, x: Dd) -> Dd {
        inside::softplus(&x, &self.field).0
    }

    pub(super) fn ln(&self, x: f64) -> Dd {
        exactly(x).ln(CONTEXT)
    }

    /// `log(1 - x)`.
    pub(super) fn ln_of_one_less(&self, x: f64) -> Dd {
        one_less(x).ln(CONTEXT)
    }
}

//! Double-double arithmetic: the unevaluated sum of two f64, about 106 bits.
//!
//! The error-free transformations are Dekker's and Knuth's; everything on a hot path is branch-free and
//! inlined, so that the compiler turns loops over slices into vector code inside [`inside_vector_code`].

mod exponential;
mod full;
mod quick;
mod vector;

use super::Real;
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};
use vector::vector_code;

/// `hi + lo` with `|lo| <= ulp(hi)/2`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Dd {
    /// The nearest f64.
    pub hi: f64,
    /// The rest.
    pub lo: f64,
}

/// The ways to carry out the two expensive operations on many numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DdContext {
    /// Scores by matrix products and a shorter exponential: about 63 bits, enough where nothing cancels.
    Quick,
    /// Everything to about 96 bits.
    Full,
}

/// `a + b` and its rounding error.
#[inline(always)]
pub fn two_sum(a: f64, b: f64) -> Dd {
    let hi = a + b;
    let b_part = hi - a;
    Dd { hi, lo: (a - (hi - b_part)) + (b - b_part) }
}

/// The same for `|a| >= |b|`.
#[inline(always)]
fn quick_two_sum(a: f64, b: f64) -> Dd {
    let hi = a + b;
    Dd { hi, lo: b - (hi - a) }
}

/// `a · b` and its rounding error.
#[inline(always)]
fn two_product(a: f64, b: f64) -> Dd {
    let hi = a * b;
    Dd { hi, lo: a.mul_add(b, -hi) }
}

impl Dd {
    /// 0.
    pub const ZERO: Self = Self { hi: 0.0, lo: 0.0 };

    #[inline(always)]
    /// The number of two parts that do not overlap.
    pub const fn new(hi: f64, lo: f64) -> Self {
        Self { hi, lo }
    }

    #[inline(always)]
    /// `self + other`.
    pub fn plus(self, other: Self) -> Self {
        let high = two_sum(self.hi, other.hi);
        let low = two_sum(self.lo, other.lo);
        let high = quick_two_sum(high.hi, high.lo + low.hi);
        quick_two_sum(high.hi, high.lo + low.lo)
    }

    #[inline(always)]
    /// `self · other`.
    pub fn times(self, other: Self) -> Self {
        let product = two_product(self.hi, other.hi);
        let cross = self.hi.mul_add(other.lo, self.lo * other.hi);
        quick_two_sum(product.hi, product.lo + cross)
    }

    #[inline(always)]
    /// `self · x`.
    pub fn times_f64(self, x: f64) -> Self {
        let product = two_product(self.hi, x);
        quick_two_sum(product.hi, self.lo.mul_add(x, product.lo))
    }

    #[inline(always)]
    /// `-self`.
    pub fn negated(self) -> Self {
        Self { hi: -self.hi, lo: -self.lo }
    }

    #[inline(always)]
    fn over(self, other: Self) -> Self {
        let first = self.hi / other.hi;
        let rest = self.plus(other.times_f64(-first));
        let second = rest.hi / other.hi;
        let rest = rest.plus(other.times_f64(-second));
        let third = rest.hi / other.hi;
        quick_two_sum(first, second).plus(Self::new(third, 0.0))
    }
}

impl PartialOrd for Dd {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match self.hi.partial_cmp(&other.hi) {
            Some(Ordering::Equal) => self.lo.partial_cmp(&other.lo),
            order => order,
        }
    }
}

impl Neg for Dd {
    type Output = Self;
    fn neg(self) -> Self {
        self.negated()
    }
}
impl Add<&Self> for Dd {
    type Output = Self;
    fn add(self, other: &Self) -> Self {
        self.plus(*other)
    }
}
impl Sub<&Self> for Dd {
    type Output = Self;
    fn sub(self, other: &Self) -> Self {
        self.plus(other.negated())
    }
}
impl Mul<&Self> for Dd {
    type Output = Self;
    fn mul(self, other: &Self) -> Self {
        self.times(*other)
    }
}
impl Div<&Self> for Dd {
    type Output = Self;
    fn div(self, other: &Self) -> Self {
        over(self, *other)
    }
}

/// The partial sums that a reduction keeps: two vectors of the widest kind, to hide latency.
const LANES: usize = 16;

impl Real for Dd {
    type Context = DdContext;

    fn bits(context: DdContext) -> f64 {
        match context {
            // The bounds of `quick`, with the exponential's error.
            DdContext::Quick => 63.0,
            DdContext::Full => 95.0,
        }
    }

    fn lift(x: f64, _: DdContext) -> Self {
        Self::new(x, 0.0)
    }

    fn to_f64(&self) -> f64 {
        self.hi + self.lo
    }

    fn log2_abs(&self) -> f64 {
        self.hi.abs().log2()
    }

    fn to_double_double(&self) -> Dd {
        *self
    }

    fn exp(&self, _: DdContext) -> Self {
        exp(*self)
    }

    fn ln(&self, _: DdContext) -> Self {
        ln(*self)
    }

    fn ln_1p(&self, _: DdContext) -> Self {
        ln_1p(*self)
    }

    fn sqrt(&self, _: DdContext) -> Self {
        if self.hi <= 0.0 {
            return Self::ZERO;
        }
        let guess = self.hi.sqrt();
        let rest = self.plus(two_product(guess, guess).negated());
        Self::new(guess, 0.0).plus(Self::new(rest.hi / (2.0 * guess), 0.0))
    }

    fn exp_all(numbers: &[Self], shift: &Self, context: DdContext) -> Vec<Self> {
        let mut result = vec![Self::ZERO; numbers.len()];
        match context {
            DdContext::Quick => exp_all::<false>(&mut result, numbers, shift.negated()),
            DdContext::Full => exp_all::<true>(&mut result, numbers, shift.negated()),
        }
        result
    }

    fn sum(numbers: &[Self], context: DdContext) -> Self {
        match context {
            DdContext::Quick => sum::<false>(numbers),
            DdContext::Full => sum::<true>(numbers),
        }
    }

    fn scale_all(numbers: &mut [Self], factor: &Self) {
        scale_all(numbers, *factor);
    }

    fn dot(a: &[Self], b: &[Self], _: DdContext) -> Self {
        dot(a, b)
    }

    fn add_scaled(into: &mut [Self], factor: &Self, row: &[Self]) {
        add_scaled(into, *factor, row);
    }

    fn gram(rows: &[Self], d: usize, context: DdContext) -> Vec<Self> {
        match context {
            DdContext::Quick => quick::gram(rows, d),
            DdContext::Full => full::gram(rows, d),
        }
    }

    fn spread(into: &mut [Self], weights: &[Self], rows: &[Self], d: usize, context: DdContext) {
        match context {
            DdContext::Quick => quick::spread(into, weights, rows, d),
            DdContext::Full => full::spread(into, weights, rows, d),
        }
    }
}

vector_code! {
    fn exp(_, x: Dd) -> Dd {
        x.exponential_any()
    }

    fn ln(_, x: Dd) -> Dd {
        x.logarithm()
    }

    fn ln_1p(_, x: Dd) -> Dd {
        x.logarithm_1p()
    }

    fn over(_, x: Dd, y: Dd) -> Dd {
        x.over(y)
    }

    fn exp_all<const FULL: bool>(_, into: &mut [Dd], numbers: &[Dd], shift: Dd) {
        for (into, x) in into.iter_mut().zip(numbers) {
            *into = x.plus(shift).exponential::<FULL>();
        }
    }

    fn sum<const FULL: bool>(_, numbers: &[Dd]) -> Dd {
        let mut lanes = [Dd::ZERO; LANES];
        let chunks = numbers.chunks_exact(LANES);
        let rest = chunks.remainder();
        for chunk in chunks {
            for (lane, x) in lanes.iter_mut().zip(chunk) {
                *lane = if FULL { lane.plus(*x) } else { lane.roughly_plus(*x) };
            }
        }
        lanes.iter().chain(rest).fold(Dd::ZERO, |sum, x| sum.plus(*x))
    }

    fn scale_all(_, numbers: &mut [Dd], factor: Dd) {
        for x in numbers {
            *x = x.times(factor);
        }
    }

    fn dot(_, a: &[Dd], b: &[Dd]) -> Dd {
        let mut lanes = [Dd::ZERO; LANES];
        let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
        let (a_rest, b_rest) = (a_chunks.remainder(), b_chunks.remainder());
        for (a, b) in a_chunks.zip(b_chunks) {
            for ((lane, x), y) in lanes.iter_mut().zip(a).zip(b) {
                *lane = lane.plus(x.times(*y));
            }
        }
        let mut sum = lanes.iter().fold(Dd::ZERO, |sum, x| sum.plus(*x));
        for (x, y) in a_rest.iter().zip(b_rest) {
            sum = sum.plus(x.times(*y));
        }
        sum
    }

    fn add_scaled(_, into: &mut [Dd], factor: Dd, row: &[Dd]) {
        for (into, x) in into.iter_mut().zip(row) {
            *into = into.plus(x.times(factor));
        }
    }
}

//! Double-double arithmetic: the unevaluated sum of two f64, about 106 bits.
//!
//! The error-free transformations are Dekker's and Knuth's; everything on a hot path is branch-free and
//! inlined, so that the compiler turns loops over slices into vector code inside [`inside_vector_code`].

mod products;
mod tile;
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

    /// The sum with its low part added up in f64, so that `n` of them are right to `2⁻¹⁰⁶n²`.
    #[inline(always)]
    fn roughly_plus(self, other: Self) -> Self {
        let high = two_sum(self.hi, other.hi);
        Self::new(high.hi, self.lo + (high.lo + other.lo))
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

    /// `e^x - 1` for `|x| < 0.36`, to a relative 2⁻⁹⁸.
    #[inline(always)]
    fn exp_m1_full(self) -> Self {
        // Halved often enough for a short Taylor series, then E(2x) = 2E(x) + E(x)².
        const SCALE: f64 = 1.0 / 16.0;
        let mut result = Self::new(self.hi * SCALE, self.lo * SCALE).taylor_full();
        for _ in 0..4 {
            let square = result.times(result);
            // |2E| > |E²| on this range, so the short sum is safe.
            let high = quick_two_sum(2.0 * result.hi, square.hi);
            let low = 2.0 * result.lo + square.lo;
            result = quick_two_sum(high.hi, high.lo + low);
        }
        result
    }

    /// `e^x - 1` for `|x| < 0.0225`: terms above x⁷ reach the result below its 98th bit even in f64.
    #[inline(always)]
    fn taylor_full(self) -> Self {
        // Reciprocals of 2!..6! as double-doubles, then of 7!..13! as f64.
        const DOUBLE: [Dd; 5] = [
            Dd::new(0.5, 0.0),
            Dd::new(1.666_666_666_666_666_6e-1, 9.251_858_538_542_97e-18),
            Dd::new(4.166_666_666_666_666_4e-2, 2.312_964_634_635_742_7e-18),
            Dd::new(8.333_333_333_333_333e-3, 1.156_482_317_317_871_4e-19),
            Dd::new(1.388_888_888_888_889e-3, -5.300_543_954_373_577e-20),
        ];
        let x = self.hi;
        let mut tail = 1.0 / 6_227_020_800.0;
        for reciprocal in [
            1.0 / 479_001_600.0,
            1.0 / 39_916_800.0,
            1.0 / 3_628_800.0,
            1.0 / 362_880.0,
            1.0 / 40_320.0,
            1.0 / 5_040.0,
        ] {
            tail = x.mul_add(tail, reciprocal);
        }
        let product = two_product(tail, x);
        let mut sum = Self::new(product.hi, self.lo.mul_add(tail, product.lo));
        for coefficient in DOUBLE.iter().rev() {
            let high = quick_two_sum(coefficient.hi, sum.hi);
            sum = quick_two_sum(high.hi, high.lo + (coefficient.lo + sum.lo)).times(self);
        }
        // sum = x/2! + x²/3! + ...; the result is x + x·sum.
        let rest = sum.times(self);
        let high = quick_two_sum(self.hi, rest.hi);
        quick_two_sum(high.hi, high.lo + (self.lo + rest.lo))
    }

    /// `e^x - 1` for `|x| < 0.36`, to an absolute 2⁻⁶⁶: terms above x⁴ reach that in f64.
    #[inline(always)]
    fn exp_m1_quick(self) -> Self {
        // Reciprocals of 17!..5! as f64, then of 4!..1! as double-doubles.
        const TAIL: [f64; 12] = [
            1.0 / 20_922_789_888_000.0,
            1.0 / 1_307_674_368_000.0,
            1.0 / 87_178_291_200.0,
            1.0 / 6_227_020_800.0,
            1.0 / 479_001_600.0,
            1.0 / 39_916_800.0,
            1.0 / 3_628_800.0,
            1.0 / 362_880.0,
            1.0 / 40_320.0,
            1.0 / 5_040.0,
            1.0 / 720.0,
            1.0 / 120.0,
        ];
        const DOUBLE: [Dd; 4] = [
            Dd::new(4.166_666_666_666_666_4e-2, 2.312_964_634_635_742_7e-18),
            Dd::new(1.666_666_666_666_666_6e-1, 9.251_858_538_542_97e-18),
            Dd::new(0.5, 0.0),
            Dd::new(1.0, 0.0),
        ];
        let x = self.hi;
        let mut tail = 1.0 / 355_687_428_096_000.0;
        for reciprocal in TAIL {
            tail = x.mul_add(tail, reciprocal);
        }
        let mut sum = Self::new(tail * x, 0.0);
        for coefficient in DOUBLE {
            let high = quick_two_sum(coefficient.hi, sum.hi);
            let low = high.lo + (coefficient.lo + sum.lo);
            let product = two_product(high.hi, x);
            sum = Self::new(product.hi, high.hi.mul_add(self.lo, low.mul_add(x, product.lo)));
        }
        sum
    }

    /// `e^x`, and 0 below `x = -708`. `x` must be at most 709.
    #[inline(always)]
    pub fn exponential<const FULL: bool>(self) -> Self {
        // The integer nearest to x/log 2 appears in the low bits of this sum.
        const ROUND: f64 = 6_755_399_441_055_744.0;
        // log 2 in three parts, the first short enough for k·part to be exact.
        const PARTS: [f64; 3] =
            [6.931_471_805_598_903e-1, 5.497_923_018_708_371e-14, 1.947_045_092_380_75e-31];
        let x = self.hi.max(-708.0);
        let shifted = x.mul_add(std::f64::consts::LOG2_E, ROUND);
        let k = shifted - ROUND;
        let high = k.mul_add(-PARTS[0], x);
        let middle = two_product(k, -PARTS[1]);
        let sum = two_sum(high, middle.hi);
        let low = two_sum(self.lo, sum.lo);
        let low = Self::new(low.hi, k.mul_add(-PARTS[2], low.lo + middle.lo));
        let reduced = quick_two_sum(sum.hi, low.hi);
        let reduced = quick_two_sum(reduced.hi, reduced.lo + low.lo);
        let small = if FULL { reduced.exp_m1_full() } else { reduced.exp_m1_quick() };
        let one = quick_two_sum(1.0, small.hi);
        let result = quick_two_sum(one.hi, one.lo + small.lo);
        let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits());
        let power = f64::from_bits(exponent.wrapping_add(1023) << 52);
        let power = if self.hi < -708.0 { 0.0 } else { power };
        Self::new(result.hi * power, result.lo * power)
    }

    #[inline(always)]
    fn logarithm(self) -> Self {
        // One Newton step on exp doubles the bits of the f64 logarithm.
        let guess = self.hi.ln();
        let rest = Self::new(-guess, 0.0).exponential_any().times(self).plus(Self::new(-1.0, 0.0));
        let correction = rest.plus(rest.times(rest).times_f64(-0.5));
        Self::new(guess, 0.0).plus(correction)
    }

    /// `e^x` over the whole range of f64, in two factors where one would overflow.
    #[inline(always)]
    fn exponential_any(self) -> Self {
        if self.hi.abs() < 700.0 {
            return self.exponential::<true>();
        }
        let half = Self::new(self.hi * 0.5, self.lo * 0.5).exponential::<true>();
        half.times(half)
    }

    #[inline(always)]
    fn logarithm_1p(self) -> Self {
        if self.hi.abs() > 0.25 {
            return self.plus(Self::new(1.0, 0.0)).logarithm();
        }
        let guess = self.hi.ln_1p();
        let reached = Self::new(guess, 0.0).exp_m1_full();
        let rest = self.plus(reached.negated());
        Self::new(guess, 0.0).plus(rest.over(reached.plus(Self::new(1.0, 0.0))))
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
            // The bounds of `products`, with the exponential's error.
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
            DdContext::Quick => products::gram(rows, d),
            DdContext::Full => products::full_gram(rows, d),
        }
    }

    fn spread(into: &mut [Self], weights: &[Self], rows: &[Self], d: usize, context: DdContext) {
        match context {
            DdContext::Quick => products::spread(into, weights, rows, d),
            DdContext::Full => products::full_spread(into, weights, rows, d),
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

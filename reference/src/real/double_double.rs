//! Double-double arithmetic: the unevaluated sum of two f64, about 106 bits.
//!
//! The error-free transformations are Dekker's and Knuth's; everything on a hot path is branch-free and
//! inlined, so that the compiler turns loops over slices into vector code inside [`inside_vector_code`].

use super::Real;
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// `hi + lo` with `|lo| <= ulp(hi)/2`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Dd {
    pub(crate) hi: f64,
    pub(crate) lo: f64,
}

/// How the two expensive operations on many numbers are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DdContext {
    /// Scores by matrix products and a shorter exponential: about 64 bits, enough where nothing cancels.
    Quick,
    /// Everything to about 96 bits.
    Full,
}

/// Runs `work` compiled for the best vector instructions of this machine.
#[inline(always)]
pub(crate) fn inside_vector_code<T>(work: impl FnOnce() -> T) -> T {
    struct Work<F>(F);
    impl<T, F: FnOnce() -> T> pulp::NullaryFnOnce for Work<F> {
        type Output = T;
        #[inline(always)]
        fn call(self) -> T {
            (self.0)()
        }
    }
    pulp::Arch::new().dispatch(Work(work))
}

/// `a + b` and its rounding error.
#[inline(always)]
pub(crate) fn two_sum(a: f64, b: f64) -> Dd {
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
    pub(crate) const ZERO: Self = Self { hi: 0.0, lo: 0.0 };

    #[inline(always)]
    pub(crate) const fn new(hi: f64, lo: f64) -> Self {
        Self { hi, lo }
    }

    #[inline(always)]
    pub(crate) fn plus(self, other: Self) -> Self {
        let high = two_sum(self.hi, other.hi);
        let low = two_sum(self.lo, other.lo);
        let high = quick_two_sum(high.hi, high.lo + low.hi);
        quick_two_sum(high.hi, high.lo + low.lo)
    }

    #[inline(always)]
    pub(crate) fn times(self, other: Self) -> Self {
        let product = two_product(self.hi, other.hi);
        let cross = self.hi.mul_add(other.lo, self.lo * other.hi);
        quick_two_sum(product.hi, product.lo + cross)
    }

    #[inline(always)]
    pub(crate) fn times_f64(self, x: f64) -> Self {
        let product = two_product(self.hi, x);
        quick_two_sum(product.hi, self.lo.mul_add(x, product.lo))
    }

    #[inline(always)]
    pub(crate) fn negated(self) -> Self {
        Self { hi: -self.hi, lo: -self.lo }
    }

    fn over(self, other: Self) -> Self {
        let first = self.hi / other.hi;
        let rest = self.plus(other.times_f64(-first));
        let second = rest.hi / other.hi;
        let rest = rest.plus(other.times_f64(-second));
        let third = rest.hi / other.hi;
        quick_two_sum(first, second).plus(Self::new(third, 0.0))
    }

    /// `e^x - 1` for `|x| < 0.36`, to a relative 2⁻⁹⁸ (`FULL`) or an absolute 2⁻⁷¹.
    #[inline(always)]
    fn exp_m1_small<const FULL: bool>(self) -> Self {
        // Halved often enough for a short Taylor series, then E(2x) = 2E(x) + E(x)².
        let halvings = if FULL { 4 } else { 3 };
        let scale = if FULL { 1.0 / 16.0 } else { 1.0 / 8.0 };
        let x = Self::new(self.hi * scale, self.lo * scale);
        let mut result = if FULL { x.taylor_full() } else { x.taylor_quick() };
        for _ in 0..halvings {
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

    /// `e^x - 1` for `|x| < 0.045`, to an absolute 2⁻⁷⁵.
    #[inline(always)]
    fn taylor_quick(self) -> Self {
        const SIXTH: Dd = Dd::new(1.666_666_666_666_666_6e-1, 9.251_858_538_542_97e-18);
        let x = self.hi;
        let mut tail = 1.0 / 39_916_800.0;
        for reciprocal in [
            1.0 / 3_628_800.0,
            1.0 / 362_880.0,
            1.0 / 40_320.0,
            1.0 / 5_040.0,
            1.0 / 720.0,
            1.0 / 120.0,
            1.0 / 24.0,
        ] {
            tail = x.mul_add(tail, reciprocal);
        }
        let high = quick_two_sum(SIXTH.hi, tail * x);
        let sum = Self::new(high.hi, high.lo + SIXTH.lo).times(self);
        let high = quick_two_sum(0.5, sum.hi);
        let sum = Self::new(high.hi, high.lo + sum.lo).times(self).times(self);
        let high = quick_two_sum(self.hi, sum.hi);
        Self::new(high.hi, high.lo + (self.lo + sum.lo))
    }

    /// `e^x`, and 0 below `x = -708`. `x` must be at most 709.
    #[inline(always)]
    pub(crate) fn exponential<const FULL: bool>(self) -> Self {
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
        let small = reduced.exp_m1_small::<FULL>();
        let one = quick_two_sum(1.0, small.hi);
        let result = quick_two_sum(one.hi, one.lo + small.lo);
        let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits());
        let power = f64::from_bits(exponent.wrapping_add(1023) << 52);
        let power = if self.hi < -708.0 { 0.0 } else { power };
        Self::new(result.hi * power, result.lo * power)
    }

    fn logarithm(self) -> Self {
        // One Newton step on exp doubles the bits of the f64 logarithm.
        let guess = self.hi.ln();
        let rest = Self::new(-guess, 0.0).exponential_any().times(self).plus(Self::new(-1.0, 0.0));
        let correction = rest.plus(rest.times(rest).times_f64(-0.5));
        Self::new(guess, 0.0).plus(correction)
    }

    /// `e^x` over the whole range of f64, in two factors where one would overflow.
    fn exponential_any(self) -> Self {
        if self.hi.abs() < 700.0 {
            return self.exponential::<true>();
        }
        let half = Self::new(self.hi * 0.5, self.lo * 0.5).exponential::<true>();
        half.times(half)
    }

    fn logarithm_1p(self) -> Self {
        if self.hi.abs() > 0.25 {
            return self.plus(Self::new(1.0, 0.0)).logarithm();
        }
        let guess = self.hi.ln_1p();
        let reached = Self::new(guess, 0.0).exp_m1_small::<true>();
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
        self.over(*other)
    }
}

/// How many partial sums a reduction keeps: two vectors of the widest kind, to hide latency.
const LANES: usize = 16;

impl Real for Dd {
    type Context = DdContext;

    fn bits(context: DdContext) -> f64 {
        match context {
            DdContext::Quick => 64.0,
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
        self.exponential_any()
    }

    fn ln(&self, _: DdContext) -> Self {
        self.logarithm()
    }

    fn ln_1p(&self, _: DdContext) -> Self {
        self.logarithm_1p()
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
        let shift = shift.negated();
        let mut result = vec![Self::ZERO; numbers.len()];
        inside_vector_code(|| match context {
            DdContext::Quick => {
                for (into, x) in result.iter_mut().zip(numbers) {
                    *into = x.plus(shift).exponential::<false>();
                }
            }
            DdContext::Full => {
                for (into, x) in result.iter_mut().zip(numbers) {
                    *into = x.plus(shift).exponential::<true>();
                }
            }
        });
        result
    }

    fn sum(numbers: &[Self], _: DdContext) -> Self {
        inside_vector_code(|| {
            let mut lanes = [Self::ZERO; LANES];
            let chunks = numbers.chunks_exact(LANES);
            let rest = chunks.remainder();
            for chunk in chunks {
                for (lane, x) in lanes.iter_mut().zip(chunk) {
                    *lane = lane.plus(*x);
                }
            }
            lanes.iter().chain(rest).fold(Self::ZERO, |sum, x| sum.plus(*x))
        })
    }

    fn scale_all(numbers: &mut [Self], factor: &Self) {
        let factor = *factor;
        inside_vector_code(|| {
            for x in numbers {
                *x = x.times(factor);
            }
        });
    }

    fn dot(a: &[Self], b: &[Self], _: DdContext) -> Self {
        inside_vector_code(|| {
            let mut lanes = [Self::ZERO; LANES];
            let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
            let (a_rest, b_rest) = (a_chunks.remainder(), b_chunks.remainder());
            for (a, b) in a_chunks.zip(b_chunks) {
                for ((lane, x), y) in lanes.iter_mut().zip(a).zip(b) {
                    *lane = lane.plus(x.times(*y));
                }
            }
            let mut sum = lanes.iter().fold(Self::ZERO, |sum, x| sum.plus(*x));
            for (x, y) in a_rest.iter().zip(b_rest) {
                sum = sum.plus(x.times(*y));
            }
            sum
        })
    }

    fn add_scaled(into: &mut [Self], factor: &Self, row: &[Self]) {
        let factor = *factor;
        inside_vector_code(|| {
            for (into, x) in into.iter_mut().zip(row) {
                *into = into.plus(x.times(factor));
            }
        });
    }
}

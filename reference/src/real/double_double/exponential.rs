//! Exponentials and logarithms.

use super::{Dd, quick_two_sum, two_product, two_sum};

impl Dd {
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
    pub(super) fn logarithm(self) -> Self {
        // One Newton step on exp doubles the bits of the f64 logarithm.
        let guess = self.hi.ln();
        let rest = Self::new(-guess, 0.0).exponential_any().times(self).plus(Self::new(-1.0, 0.0));
        let correction = rest.plus(rest.times(rest).times_f64(-0.5));
        Self::new(guess, 0.0).plus(correction)
    }

    /// `e^x` over the whole range of f64, in two factors where one would overflow.
    #[inline(always)]
    pub(super) fn exponential_any(self) -> Self {
        if self.hi.abs() < 700.0 {
            return self.exponential::<true>();
        }
        let half = Self::new(self.hi * 0.5, self.lo * 0.5).exponential::<true>();
        half.times(half)
    }

    #[inline(always)]
    pub(super) fn logarithm_1p(self) -> Self {
        if self.hi.abs() > 0.25 {
            return self.plus(Self::new(1.0, 0.0)).logarithm();
        }
        let guess = self.hi.ln_1p();
        let reached = Self::new(guess, 0.0).exp_m1_full();
        let rest = self.plus(reached.negated());
        Self::new(guess, 0.0).plus(rest.over(reached.plus(Self::new(1.0, 0.0))))
    }
}

//! A shorter exponential and shorter sums.

use super::super::{Dd, quick_two_sum, two_product, two_sum};

impl Dd {
    /// The sum with its low part added up in f64, so that `n` of them are right to `2⁻¹⁰⁶n²`.
    #[inline(always)]
    pub(crate) fn roughly_plus(self, other: Self) -> Self {
        let high = two_sum(self.hi, other.hi);
        Self::new(high.hi, self.lo + (high.lo + other.lo))
    }

    /// `e^x - 1` for `|x| < 0.36`, to an absolute 2⁻⁶⁶: terms above x⁴ reach that in f64.
    #[inline(always)]
    pub(crate) fn exp_m1_quick(self) -> Self {
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
}

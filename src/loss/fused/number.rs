//! What the fused engine computes in: `f32` and `f64`, alone and by vectors.

use pulp::Simd;
use std::ops::{Add, AddAssign, Mul, Sub};
use tch::kind::Element;

/// Numbers that loops over entries are cut into, so that a compiler makes vectors of them.
pub const LANES: usize = 16;

/// A floating type of the engine.
pub trait Number:
    Element
    + Copy
    + Default
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + AddAssign
    + 'static
{
    /// What stands in a tile for the scores that are none, such as an image's with itself. No score is as low.
    const ABSENT: Self;
    /// Several numbers, in a register.
    type Vector<S: Simd>: Copy;

    fn from_f64(number: f64) -> Self;
    fn to_f64(self) -> f64;
    fn mul_add(self, factor: Self, term: Self) -> Self;
    fn max(self, other: Self) -> Self;
    /// `2^x` for `x = score · scale - shift`, given in two parts each, to a few units in the last place whatever
    /// the size of the parts; of `x < -125`, something below `2^-125`.
    fn power_of_two(score: Self, scale: Parts<Self>, shift: Parts<Self>) -> Self;

    fn splat<S: Simd>(simd: S, number: Self) -> Self::Vector<S>;
    fn add_vectors<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S>;
    fn multiply_add<S: Simd>(
        simd: S,
        x: Self::Vector<S>,
        y: Self::Vector<S>,
        z: Self::Vector<S>,
    ) -> Self::Vector<S>;
    fn vectors<S: Simd>(numbers: &[Self]) -> &[Self::Vector<S>];
    fn vectors_mut<S: Simd>(numbers: &mut [Self]) -> &mut [Self::Vector<S>];
}

/// A number as the sum of two, the first of which is its rounding.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Parts<T> {
    pub(super) high: T,
    pub(super) low: T,
}

impl<T: Number> Parts<T> {
    pub(super) fn of(number: f64) -> Self {
        let high = T::from_f64(number);
        Self { high, low: T::from_f64(number - high.to_f64()) }
    }
}

macro_rules! number {
    ($type:ident, $bits:ident, $mantissa:literal, $terms:literal, $vector:ident,
     $splat:ident, $add:ident, $mul_add:ident, $view:ident, $view_mut:ident) => {
        impl Number for $type {
            const ABSENT: Self = -1e30;
            type Vector<S: Simd> = S::$vector;

            #[inline(always)]
            fn from_f64(number: f64) -> Self {
                number as $type
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn mul_add(self, factor: Self, term: Self) -> Self {
                $type::mul_add(self, factor, term)
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                if self > other { self } else { other }
            }
            #[inline(always)]
            fn power_of_two(score: Self, scale: Parts<Self>, shift: Parts<Self>) -> Self {
                // A number of this size has no digits behind the point: adding it rounds to an integer, which
                // then stands in the lowest bits.
                const ROUND: $type = 1.5 * (1_u64 << $mantissa) as $type;
                let rounded = Number::max(score.mul_add(scale.high, -shift.high), -125.0) + ROUND;
                let integer = rounded - ROUND;
                // `shift + integer` is exact where the two nearly cancel.
                let rest =
                    score.mul_add(scale.high, -(shift.high + integer)) + score.mul_add(scale.low, -shift.low);
                let rest = Number::max(rest, -1.0);
                const TERMS: [$type; $terms] = taylor();
                let mut sum = TERMS[$terms - 1];
                let mut term = $terms - 1;
                while term > 0 {
                    term -= 1;
                    sum = sum.mul_add(rest, TERMS[term]);
                }
                $type::from_bits(sum.to_bits().wrapping_add(rounded.to_bits() << $mantissa))
            }

            #[inline(always)]
            fn splat<S: Simd>(simd: S, number: Self) -> Self::Vector<S> {
                simd.$splat(number)
            }
            #[inline(always)]
            fn add_vectors<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S> {
                simd.$add(x, y)
            }
            #[inline(always)]
            fn multiply_add<S: Simd>(
                simd: S,
                x: Self::Vector<S>,
                y: Self::Vector<S>,
                z: Self::Vector<S>,
            ) -> Self::Vector<S> {
                simd.$mul_add(x, y, z)
            }
            #[inline(always)]
            fn vectors<S: Simd>(numbers: &[Self]) -> &[Self::Vector<S>] {
                S::$view(numbers).0
            }
            #[inline(always)]
            fn vectors_mut<S: Simd>(numbers: &mut [Self]) -> &mut [Self::Vector<S>] {
                S::$view_mut(numbers).0
            }
        }

        /// `ln(2)^k / k!`: on `[-1/2, 1/2]` what follows is below the rounding of the sum.
        const fn taylor<const TERMS: usize>() -> [$type; TERMS] {
            let (mut terms, mut term, mut k) = ([0.0; TERMS], 1.0_f64, 0);
            while k < TERMS {
                terms[k] = term as $type;
                k += 1;
                term *= std::f64::consts::LN_2 / k as f64;
            }
            terms
        }
    };
}

mod single {
    use super::{Number, Parts, Simd};
    number!(f32, u32, 23, 8, f32s, splat_f32s, add_f32s, mul_add_e_f32s, as_simd_f32s, as_mut_simd_f32s);
}

mod double {
    use super::{Number, Parts, Simd};
    number!(f64, u64, 52, 14, f64s, splat_f64s, add_f64s, mul_add_e_f64s, as_simd_f64s, as_mut_simd_f64s);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest relative error of `2^x` over a range that the engine meets, in units of `f64`'s or `f32`'s
    /// rounding.
    fn worst<T: Number>(unit: f64) -> f64 {
        let scale = std::f64::consts::LOG2_E * 16.0;
        let error = |step: i32| {
            let score = T::from_f64(f64::from(step) / 1024.0 - 1.0);
            let found = T::power_of_two(score, Parts::of(scale), Parts::of(scale)).to_f64();
            let exact = ((score.to_f64() - 1.0) * 16.0).exp();
            (found / exact - 1.0).abs() / unit
        };
        (0..=2048).map(error).fold(0.0, f64::max)
    }

    #[test]
    fn powers_of_two_are_right_to_two_roundings() {
        for (worst, kind) in [(worst::<f32>(f64::from(f32::EPSILON)), "f32"), (worst::<f64>(f64::EPSILON), "f64")] {
            assert!(worst < 2.0, "{kind}: {worst}");
        }
    }

    #[test]
    fn powers_of_two_do_not_leave_the_range() {
        for score in [-1.0_f32, -1e30, 0.0, 0.5] {
            let power = f32::power_of_two(score, Parts::of(300.0), Parts::of(300.0));
            assert!(power > 0.0 && power < 1e-37, "{score}: {power}");
        }
        assert_eq!(f32::power_of_two(1.0, Parts::of(300.3), Parts::of(300.3)), 1.0);
    }
}

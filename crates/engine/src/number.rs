//! The numbers that the engine computes in: `f32` and `f64`, alone and by vectors.

use crate::precision::Precision;
use pulp::Simd;
use pulp::bytemuck::cast;
use std::fmt::Debug;
use std::ops::{Add, AddAssign, Mul, Sub};

/// The operations of the engine on numbers of its types.
pub trait Number:
    Copy
    + Debug
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
    const PRECISION: Precision;
    /// The number that stands in a tile where there is no score, such as an image's with itself. No score is as low.
    const ABSENT: Self;
    /// Several numbers, in a register.
    type Vector<S: Simd>: Copy;

    fn from_f64(number: f64) -> Self;
    fn to_f64(self) -> f64;
    fn max(self, other: Self) -> Self;
    /// `2^x` for `x = score · scale - shift`, given in two parts each, to a few units in the last place whatever
    /// the size of the parts; where that is below the range of normal numbers, something smaller than it
    /// or near.
    fn power_of_two(score: Self, scale: Parts<Self>, shift: Parts<Self>) -> Self;

    fn splat<S: Simd>(simd: S, number: Self) -> Self::Vector<S>;
    fn add_each<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S>;
    fn subtract_each<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S>;
    fn multiply_each<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S>;
    fn multiply_add_each<S: Simd>(
        simd: S,
        x: Self::Vector<S>,
        y: Self::Vector<S>,
        z: Self::Vector<S>,
    ) -> Self::Vector<S>;
    fn max_each<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S>;
    /// `numbers` where `scores` are present, else 0.
    fn where_present<S: Simd>(simd: S, scores: Self::Vector<S>, numbers: Self::Vector<S>) -> Self::Vector<S>;
    /// [`power_of_two`](Self::power_of_two) of each score, to the same bits.
    fn powers_of_two<S: Simd>(
        simd: S,
        scores: Self::Vector<S>,
        scale: Parts<Self::Vector<S>>,
        shift: Parts<Self::Vector<S>>,
    ) -> Self::Vector<S>;
    fn sum_up<S: Simd>(simd: S, numbers: Self::Vector<S>) -> Self;
    fn largest<S: Simd>(simd: S, numbers: Self::Vector<S>) -> Self;
    /// The full vectors that the numbers make, without a rest.
    fn vectors<S: Simd>(numbers: &[Self]) -> &[Self::Vector<S>];
    fn vectors_mut<S: Simd>(numbers: &mut [Self]) -> &mut [Self::Vector<S>];
}

/// A type that embeddings come in: `f32` or `f64`.
pub trait Element: Number {}

impl Element for f32 {}
impl Element for f64 {}

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

    #[inline(always)]
    pub(super) fn splat<S: Simd>(self, simd: S) -> Parts<T::Vector<S>> {
        Parts { high: T::splat(simd, self.high), low: T::splat(simd, self.low) }
    }
}

macro_rules! number {
    (
        $type:ident, $precision:ident, mantissa: $mantissa:literal, terms: $terms:literal, mark: $mark:literal, shift: $shift:literal,
        $vector:ident, $as_simd:ident, $as_mut_simd:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident,
        $mul_add:ident, $max:ident, $greater_than:ident, $select:ident, $reduce_sum:ident, $reduce_max:ident
    ) => {
        impl Number for $type {
            const PRECISION: Precision = Precision::$precision;
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
            fn max(self, other: Self) -> Self {
                if self > other { self } else { other }
            }
            #[inline(always)]
            fn power_of_two(score: Self, scale: Parts<Self>, shift: Parts<Self>) -> Self {
                let rounded = Number::max(score.mul_add(scale.high, -shift.high), LOWEST) + ROUND;
                let integer = rounded - ROUND;
                // `shift + integer` is exact where the two nearly cancel.
                let rest =
                    score.mul_add(scale.high, -(shift.high + integer)) + score.mul_add(scale.low, -shift.low);
                let rest = Number::max(rest, -1.0);
                let mut sum = TERMS[TERMS.len() - 1];
                let mut term = TERMS.len() - 1;
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
            fn add_each<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S> {
                simd.$add(x, y)
            }
            #[inline(always)]
            fn subtract_each<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S> {
                simd.$sub(x, y)
            }
            #[inline(always)]
            fn multiply_each<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S> {
                simd.$mul(x, y)
            }
            #[inline(always)]
            fn multiply_add_each<S: Simd>(
                simd: S,
                x: Self::Vector<S>,
                y: Self::Vector<S>,
                z: Self::Vector<S>,
            ) -> Self::Vector<S> {
                simd.$mul_add(x, y, z)
            }
            #[inline(always)]
            fn max_each<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S> {
                simd.$max(x, y)
            }
            #[inline(always)]
            fn where_present<S: Simd>(
                simd: S,
                scores: Self::Vector<S>,
                numbers: Self::Vector<S>,
            ) -> Self::Vector<S> {
                let absent = simd.$splat(Self::ABSENT);
                let present = simd.$greater_than(scores, absent);
                simd.$select(present, numbers, simd.$splat(0.0))
            }
            #[inline(always)]
            fn powers_of_two<S: Simd>(
                simd: S,
                scores: Self::Vector<S>,
                scale: Parts<Self::Vector<S>>,
                shift: Parts<Self::Vector<S>>,
            ) -> Self::Vector<S> {
                if size_of::<Self::Vector<S>>() == size_of::<Self>() {
                    // A vector of one: its bits cannot be shifted by halves.
                    let parts = |parts: Parts<_>| Parts { high: cast(parts.high), low: cast(parts.low) };
                    return cast(Self::power_of_two(cast(scores), parts(scale), parts(shift)));
                }
                let splat = |number| Self::splat(simd, number);
                let minus = |x| Self::subtract_each(simd, splat(-0.0), x);
                let exponent = Self::multiply_add_each(simd, scores, scale.high, minus(shift.high));
                let rounded =
                    Self::add_each(simd, Self::max_each(simd, exponent, splat(LOWEST)), splat(ROUND));
                let integer = Self::subtract_each(simd, rounded, splat(ROUND));
                let high = minus(Self::add_each(simd, shift.high, integer));
                let rest = Self::add_each(
                    simd,
                    Self::multiply_add_each(simd, scores, scale.high, high),
                    Self::multiply_add_each(simd, scores, scale.low, minus(shift.low)),
                );
                let rest = Self::max_each(simd, rest, splat(-1.0));
                let mut sum = splat(TERMS[TERMS.len() - 1]);
                let mut term = TERMS.len() - 1;
                while term > 0 {
                    term -= 1;
                    sum = Self::multiply_add_each(simd, sum, rest, splat(TERMS[term]));
                }
                // The integer in the lowest bits of a number's upper 32, or of its 32, and then in its exponent.
                let marked: S::u32s = cast(Self::add_each(simd, integer, splat($mark)));
                let exponent = simd.wrapping_dyn_shl_u32s(marked, simd.splat_u32s($shift));
                cast(simd.add_u32s(cast(sum), exponent))
            }
            #[inline(always)]
            fn sum_up<S: Simd>(simd: S, numbers: Self::Vector<S>) -> Self {
                simd.$reduce_sum(numbers)
            }
            #[inline(always)]
            fn largest<S: Simd>(simd: S, numbers: Self::Vector<S>) -> Self {
                simd.$reduce_max(numbers)
            }
            #[inline(always)]
            fn vectors<S: Simd>(numbers: &[Self]) -> &[Self::Vector<S>] {
                S::$as_simd(numbers).0
            }
            #[inline(always)]
            fn vectors_mut<S: Simd>(numbers: &mut [Self]) -> &mut [Self::Vector<S>] {
                S::$as_mut_simd(numbers).0
            }
        }

        /// Exponents are not below.
        const LOWEST: $type = $type::MIN_EXP as $type;
        /// A number of this size has no digits behind the point: adding it rounds to an integer, which then stands in
        /// the lowest bits.
        const ROUND: $type = 1.5 * (1_u64 << $mantissa) as $type;
        /// `ln(2)^k / k!`: on `[-1/2, 1/2]` what follows is below the rounding of the sum.
        const TERMS: [$type; $terms] = {
            let (mut terms, mut term, mut k) = ([0.0; $terms], 1.0_f64, 0);
            while k < $terms {
                terms[k] = term as $type;
                k += 1;
                term *= std::f64::consts::LN_2 / k as f64;
            }
            terms
        };
    };
}

mod single {
    use super::{Number, Parts, Precision, Simd, cast};
    number!(
        f32, Single, mantissa: 23, terms: 8, mark: 12_582_912.0, shift: 23,
        f32s, as_simd_f32s, as_mut_simd_f32s, splat_f32s, add_f32s, sub_f32s, mul_f32s, mul_add_f32s, max_f32s, greater_than_f32s, select_f32s, reduce_sum_f32s, reduce_max_f32s
    );
}

mod double {
    use super::{Number, Parts, Precision, Simd, cast};
    number!(
        f64, Double, mantissa: 52, terms: 14, mark: 1_572_864.0, shift: 20,
        f64s, as_simd_f64s, as_mut_simd_f64s, splat_f64s, add_f64s, sub_f64s, mul_f64s, mul_add_f64s, max_f64s, greater_than_f64s, select_f64s, reduce_sum_f64s, reduce_max_f64s
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{forced, vector_code};

    /// The largest relative error of `2^x` over a range that the engine meets, in units of `f64`'s or `f32`'s
    /// rounding.
    fn worst<T: Number>(unit: f64) -> f64 {
        let scale = 24.0;
        let error = |step: i32| {
            let score = T::from_f64(f64::from(step) / 1024.0 - 1.0);
            let found = T::power_of_two(score, Parts::of(scale), Parts::of(scale)).to_f64();
            let exact = ((score.to_f64() - 1.0) * 24.0).exp2();
            (found / exact - 1.0).abs() / unit
        };
        (0..=2048).map(error).fold(0.0, f64::max)
    }

    #[test]
    fn powers_of_two_are_right_to_two_roundings() {
        for (worst, kind) in
            [(worst::<f32>(f64::from(f32::EPSILON)), "f32"), (worst::<f64>(f64::EPSILON), "f64")]
        {
            assert!(worst < 2.0, "{kind}: {worst}");
        }
    }

    #[test]
    fn powers_of_two_do_not_leave_the_range() {
        for score in [-1.0_f32, -1e30, 0.0, 0.5] {
            let power = f32::power_of_two(score, Parts::of(300.0), Parts::of(300.0));
            assert!(power > 0.0 && power < 2e-38, "{score}: {power}");
        }
        assert_eq!(f32::power_of_two(1.0, Parts::of(300.3), Parts::of(300.3)), 1.0);
    }

    vector_code! {
        fn powers<T: Number>(simd, scores: &[T], scale: Parts<T>, shift: Parts<T>, out: &mut [T]) {
            let (scale, shift) = (scale.splat(simd), shift.splat(simd));
            for (out, scores) in T::vectors_mut::<S>(out).iter_mut().zip(T::vectors::<S>(scores)) {
                *out = T::powers_of_two(simd, *scores, scale, shift);
            }
        }
    }

    /// Vectors of powers against single ones, by the instructions that are in force.
    fn same_bits<T: Number>(instructions: &str) {
        let mut scores: Vec<T> = (0..1024).map(|step| T::from_f64(f64::from(step) / 512.0 - 1.0)).collect();
        scores[..4].copy_from_slice(&[T::ABSENT, T::from_f64(1e-30), T::from_f64(-1e6), T::from_f64(1.0)]);
        for exponent in [1e-3, 0.3, 24.0, 300.3, 1442.7, 1e6, 1e17] {
            for shift in [0.0, exponent] {
                let (scale, shift) = (Parts::<T>::of(exponent), Parts::<T>::of(shift));
                let largest = 60.0 / exponent + shift.high.to_f64() / exponent;
                let scores: Vec<T> = scores
                    .iter()
                    .map(|score| if score.to_f64() > largest { T::default() } else { *score })
                    .collect();
                let mut found = vec![T::default(); scores.len()];
                powers(&scores, scale, shift, &mut found);
                for (found, score) in found.iter().zip(&scores) {
                    let one = T::power_of_two(*score, scale, shift);
                    assert!(
                        *found == one,
                        "{instructions}: 2^({score:?} {scale:?} - {shift:?}) = {found:?}, not {one:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn powers_of_two_have_the_same_bits_alone_and_in_vectors() {
        let all = forced::all();
        assert!(matches!(all[0], ("scalar", Some(_))), "every machine has these: {all:?}");
        for (name, arch) in all {
            let Some(arch) = arch else { continue };
            forced::using(arch, || {
                same_bits::<f32>(name);
                same_bits::<f64>(name);
            });
        }
    }
}

//! Big floats at a working precision that is set once per case.

use astro_float::{BigFloat, Consts, Radix, RoundingMode};
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

const NEAREST: RoundingMode = RoundingMode::ToEven;

thread_local! {
    static PRECISION: Cell<usize> = const { Cell::new(256) };
    static CONSTANTS: RefCell<Consts> = RefCell::new(Consts::new().expect("no memory for constants"));
}

/// Runs `work` with every operation rounded to `bits`, and restores the precision that was in force.
pub fn at_precision<T>(bits: usize, work: impl FnOnce() -> T) -> T {
    struct Restore(usize);
    impl Drop for Restore {
        fn drop(&mut self) {
            PRECISION.set(self.0);
        }
    }
    let _restore = Restore(PRECISION.replace(bits));
    work()
}

/// The bits in force.
pub fn precision() -> usize {
    PRECISION.get()
}

/// A big float. Operators round to the precision in force; an f64 converts without rounding.
#[derive(Debug, Clone)]
pub struct Big(BigFloat);

impl Big {
    /// Wraps a result, which must be a number: an overflow or a NaN in the truth is a mistake in the truth.
    fn new(value: BigFloat) -> Self {
        assert!(!value.is_nan() && !value.is_inf(), "the truth is not finite");
        Self(value)
    }

    /// `2^exponent`.
    pub fn power_of_two(exponent: i32) -> Self {
        let mut one = BigFloat::from_word(1, 64);
        one.set_exponent(exponent + 1);
        Self::new(one)
    }

    /// Reads a decimal, rounded to the precision in force.
    pub fn parse(decimal: &str) -> Self {
        CONSTANTS
            .with_borrow_mut(|c| Self::new(BigFloat::parse(decimal, Radix::Dec, precision(), NEAREST, c)))
    }

    pub fn zero() -> Self {
        Self::from(0.0)
    }

    pub fn one() -> Self {
        Self::from(1.0)
    }

    pub fn exp(&self) -> Self {
        CONSTANTS.with_borrow_mut(|c| Self::new(self.0.exp(precision(), NEAREST, c)))
    }

    pub fn ln(&self) -> Self {
        CONSTANTS.with_borrow_mut(|c| Self::new(self.0.ln(precision(), NEAREST, c)))
    }

    /// `log(1 + self)` for `self >= 0`, with a relative error of the working precision however small it is.
    pub fn ln_1p(&self) -> Self {
        assert!(!self.0.is_negative() || self.is_zero());
        let Some(exponent) = self.exponent() else { return Self::zero() };
        if exponent > -64 {
            return at_precision(precision() + 64, || &Self::one() + self).ln();
        }
        // x - x^2/2 + x^3/3 - ...: each term adds 64 bits.
        let mut sum = self.clone();
        let mut power = self.clone();
        for k in 2..=precision() / 64 + 2 {
            power = -&(&power * self);
            sum += &(&power / &Self::from(k as f64));
        }
        sum
    }

    pub fn sqrt(&self) -> Self {
        Self::new(self.0.sqrt(precision(), NEAREST))
    }

    pub fn abs(&self) -> Self {
        if self < &Self::zero() { -self } else { self.clone() }
    }

    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// The `e` of `2^(e-1) <= |self| < 2^e`; zero has none.
    pub fn exponent(&self) -> Option<i64> {
        if self.is_zero() { None } else { self.0.exponent().map(i64::from) }
    }

    /// The nearest f64 (almost: the first 64 bits are rounded), or infinity; what f64 has only as subnormals
    /// comes out as zero.
    pub fn to_f64(&self) -> f64 {
        let Some(exponent) = self.exponent() else { return 0.0 };
        let (words, _, sign, _, _) = self.0.as_raw_parts().expect("a finite number has parts");
        let top = words.last().map_or(0.0, |&word| word as f64) * 2f64.powi(-64);
        let magnitude = match exponent {
            1025.. => f64::INFINITY,
            ..-1021 => 0.0,
            // Two factors, since 2^1024 alone would overflow.
            _ => top * 2f64.powi(exponent as i32 - 1) * 2.0,
        };
        if sign.is_negative() { -magnitude } else { magnitude }
    }
}

impl From<f64> for Big {
    fn from(value: f64) -> Self {
        if value != 0.0 && value.abs() < f64::MIN_POSITIVE {
            // astro-float 0.9.6 reads a subnormal as half of what it is.
            return &Self::from(value * 2f64.powi(64)) * &Self::power_of_two(-64);
        }
        Self::new(BigFloat::from_f64(value, 64))
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident) => {
        impl $trait for &Big {
            type Output = Big;
            fn $method(self, other: &Big) -> Big {
                Big::new(self.0.$method(&other.0, precision(), NEAREST))
            }
        }
    };
}
operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

impl AddAssign<&Big> for Big {
    fn add_assign(&mut self, other: &Big) {
        *self = &*self + other;
    }
}

impl Neg for &Big {
    type Output = Big;
    fn neg(self) -> Big {
        Big(BigFloat::neg(&self.0))
    }
}

impl PartialEq for Big {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Big {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.0.cmp(&other.0).map(|sign| sign.cmp(&0))
    }
}

/// `a·b`.
pub fn dot(a: &[Big], b: &[Big]) -> Big {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(Big::zero(), |sum, (x, y)| &sum + &(x * y))
}

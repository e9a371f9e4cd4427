//! Numbers with as many bits as asked for, for what double-double cannot decide.

use super::{Dd, Real};
use dashu_float::{FBig, round::mode::HalfEven};
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

type Float = FBig<HalfEven, 2>;

/// A floating number of chosen precision and practically unbounded exponent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Big(Float);

impl PartialOrd for Big {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.0.partial_cmp(&other.0)
    }
}

impl Neg for Big {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

macro_rules! operator {
    ($($name:ident $method:ident),*) => {$(
        impl $name<&Self> for Big {
            type Output = Self;
            fn $method(self, other: &Self) -> Self {
                Self($name::$method(self.0, &other.0))
            }
        }
    )*};
}
operator!(Add add, Sub sub, Mul mul, Div div);

impl Real for Big {
    /// The number of bits.
    type Context = usize;

    fn bits(bits: usize) -> f64 {
        bits as f64 - 8.0
    }

    fn lift(x: f64, bits: usize) -> Self {
        // Inputs are finite (validated at the door), so the conversion cannot fail.
        Self(Float::try_from(x).unwrap_or(Float::ZERO).with_precision(bits).value())
    }

    fn to_f64(&self) -> f64 {
        self.0.to_f64().value()
    }

    fn log2_abs(&self) -> f64 {
        // The exponent is kept apart, since it can be far outside that of f64.
        let repr = self.0.repr();
        if repr.significand().is_zero() {
            return f64::NEG_INFINITY;
        }
        (repr.digits() as f64) + (repr.exponent() as f64)
    }

    fn to_double_double(&self) -> Dd {
        let hi = self.to_f64();
        if !hi.is_finite() {
            return Dd::new(hi, 0.0);
        }
        let rest = self.clone() - &Self::lift(hi, self.0.precision());
        Dd::new(hi, rest.to_f64())
    }

    fn exp(&self, _: usize) -> Self {
        Self(self.0.exp())
    }

    fn ln(&self, _: usize) -> Self {
        Self(self.0.ln())
    }

    fn ln_1p(&self, _: usize) -> Self {
        Self(self.0.ln_1p())
    }

    fn sqrt(&self, _: usize) -> Self {
        Self(self.0.sqrt())
    }
}

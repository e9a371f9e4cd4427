//! Numbers with as many bits as asked for, for what double-double cannot decide.

use super::{Dd, Real};
use dashu_base::Sign;
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

impl Big {
    /// A function at a stated precision: exact results such as `e^0` would come back with none.
    fn apply(&self, bits: usize, function: impl FnOnce(Float) -> Float) -> Self {
        Self(function(self.0.clone().with_precision(bits).value()).with_precision(bits).value())
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
operator!(Add add, Sub sub, Mul mul);

impl Div<&Self> for Big {
    type Output = Self;
    /// A quotient by 0 is 0: it is only met where numerator and denominator both underflowed.
    fn div(self, other: &Self) -> Self {
        if other.0.repr().significand().is_zero() { Self(other.0.clone()) } else { Self(self.0 / &other.0) }
    }
}

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

    fn exp(&self, bits: usize) -> Self {
        // Where even this exponent range ends: no kernel so small changes any sum.
        if self.0.sign() == Sign::Negative && self.log2_abs() > 50.0 {
            return Self::lift(0.0, bits);
        }
        self.apply(bits, |x| x.exp())
    }

    fn ln(&self, bits: usize) -> Self {
        // log x = g + log(1 + (x e^{-g} - 1)) for an f64 guess g: what is left is tiny, so its series is short.
        // Several times faster than the library's logarithm of a number that is not near 1.
        let exponent = self.log2_abs();
        if !exponent.is_finite() || exponent.abs() > 1e15 {
            return self.apply(bits, |x| x.ln());
        }
        let mantissa = Self(self.0.clone() >> exponent as isize).to_f64();
        let guess = Self::lift(exponent.mul_add(std::f64::consts::LN_2, mantissa.ln()), bits);
        let rest = self.clone() * &(-guess.clone()).exp(bits) - &Self::lift(1.0, bits);
        guess + &rest.ln_1p(bits)
    }

    fn ln_1p(&self, bits: usize) -> Self {
        self.apply(bits, |x| x.ln_1p())
    }

    fn exp_all(numbers: &[Self], shift: &Self, bits: usize) -> Vec<Self> {
        // Problems that need this many bits are mostly degenerate: few distinct scores, each many times.
        let mut kernels: Vec<Self> = Vec::with_capacity(numbers.len());
        for (i, x) in numbers.iter().enumerate() {
            let seen = numbers[..i].iter().position(|other| other == x);
            let kernel = seen.map_or_else(|| (x.clone() - shift).exp(bits), |j| kernels[j].clone());
            kernels.push(kernel);
        }
        kernels
    }

    fn sqrt(&self, bits: usize) -> Self {
        self.apply(bits, |x| x.sqrt())
    }
}

//! The types that losses are computed in, and the numbers that these can hold.

use std::fmt;

/// A floating type that a loss is computed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// `f32`.
    Single,
    /// `f64`.
    Double,
}

impl Precision {
    /// The largest finite number.
    pub fn largest(self) -> f64 {
        match self {
            Precision::Single => f64::from(f32::MAX),
            Precision::Double => f64::MAX,
        }
    }

    /// The spacing of numbers at 1.
    pub fn spacing(self) -> f64 {
        match self {
            Precision::Single => f64::from(f32::EPSILON),
            Precision::Double => f64::EPSILON,
        }
    }

    /// The smallest positive number that has all digits.
    pub fn smallest(self) -> f64 {
        match self {
            Precision::Single => f64::from(f32::MIN_POSITIVE),
            Precision::Double => f64::MIN_POSITIVE,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Precision::Single => "f32",
            Precision::Double => "f64",
        })
    }
}

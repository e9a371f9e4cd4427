//! The allowances, with their reasons. Every tolerance of these tests derives from them.

use approx::ulps_eq;
use intnacl_reference::derivation::Line;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

/// The distance that two numbers may have.
#[derive(Clone, Copy)]
pub struct Allowance {
    /// In units in the last place, or in `f64::EPSILON` of the scale that a comparison names.
    pub units: u32,
    pub why: &'static str,
}

/// Two steps under their assumption.
pub const ONE_NUMBER: Allowance =
    Allowance { units: 1, why: "one real number, known to 56 bits or more and rounded once by each side" };
/// A mean against a sum that the test divides.
pub const ONE_NUMBER_DIVIDED: Allowance =
    Allowance { units: 2, why: "as one number, and the division rounds too" };
/// A step against what the crate evaluates elsewhere.
pub const LOSS: Allowance =
    Allowance { units: 5, why: "a loss is documented to be within 4 units, and the step rounds once" };
/// The difference of two steps against its closed form.
pub const DIFFERENCE: Allowance =
    Allowance { units: 2, why: "three roundings to f64 and that of the subtraction, half a unit each" };
/// A broken line against the amount that the test computes in f64 from a score and a logarithm.
pub const AMOUNT: Allowance = Allowance {
    units: 8,
    why: "the score, the logarithm, two values and two subtractions round once each at the given scale, \
          exp and log within a unit",
};
/// A sum over the points that the test adds up in f64.
pub const SUM: Allowance =
    Allowance { units: 16, why: "at most 9 points: a rounding of each term and one of each partial sum" };
/// A transform that holds a rounded `1/√(2t)`.
pub const ROOT: Allowance = Allowance {
    units: 10,
    why: "root and reciprocal round (2 halves), the square doubles it, exponents reach 2/t, numerator and \
          denominator each move by as much (8 in all), and both values round",
};
/// A value against a closed form in f64.
pub const CLOSED_FORM: Allowance = Allowance {
    units: 4,
    why: "exp, quotient, product and log of f64, each within a unit, of exact arguments",
};

pub fn one(found: f64, expected: f64, allowance: Allowance) -> TestCaseResult {
    let Allowance { units, why } = allowance;
    let holds = ulps_eq!(found, expected, epsilon = 0.0, max_ulps = units);
    prop_assert!(holds, "{found:e} is not within {units} ulp of {expected:e} ({why})");
    Ok(())
}

pub fn each(found: &[f64], expected: &[f64], allowance: Allowance) -> TestCaseResult {
    prop_assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).try_for_each(|(found, expected)| one(*found, *expected, allowance))
}

pub fn close(found: f64, expected: f64, scale: f64, allowance: Allowance) -> TestCaseResult {
    let Allowance { units, why } = allowance;
    // Below the normal numbers a unit in the last place no longer shrinks with the scale.
    let unit = (f64::EPSILON * scale).max(f64::from_bits(1));
    let allowed = f64::from(units) * unit;
    let holds = (found - expected).abs() <= allowed;
    prop_assert!(holds, "{found:e} is not within {allowed:e} of {expected:e} ({why})");
    Ok(())
}

pub fn same_line(found: &Line, expected: &Line) -> TestCaseResult {
    one(found.value, expected.value, ONE_NUMBER)?;
    each(&found.per_anchor, &expected.per_anchor, ONE_NUMBER)
}

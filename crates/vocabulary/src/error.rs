//! The errors of data and parameters, and their messages.

use nalgebra::DMatrix;
use thiserror::Error;

/// An input that was refused.
///
/// Every variant names the argument by its field name, with the indices of the offending entry in
/// brackets (`positives[3][0]`), the value that was found, and what was expected.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter is outside its range, or not a number.
    #[error("{argument} = {value}: expected {expected}")]
    OutOfRange {
        /// The parameter.
        argument: String,
        /// The value that was given.
        value: f64,
        /// The range that is accepted.
        expected: &'static str,
    },
    /// An entry of an array is NaN or infinite.
    #[error("{argument} = {value}: expected a finite number")]
    NotFinite {
        /// The array and the indices of the entry.
        argument: String,
        /// The value that was given.
        value: f64,
    },
    /// An array is needed and absent.
    #[error("{argument} is missing: expected {expected}")]
    Missing {
        /// The array.
        argument: String,
        /// Its shape, or why it is needed.
        expected: String,
    },
    /// An array has another shape than its neighbours ask for.
    #[error("{argument} has shape {found}: expected {expected}")]
    Shape {
        /// The array, with indices where one of a list is meant.
        argument: String,
        /// The shape that was given.
        found: String,
        /// The shape that fits.
        expected: String,
    },
    /// A row is not on the unit sphere.
    #[error(
        "{argument} has norm {norm}: expected 1 within {tolerance} (ask for normalisation, or raise norm_tolerance)"
    )]
    NotUnit {
        /// The row.
        argument: String,
        /// Its Euclidean norm.
        norm: f64,
        /// The tolerance in force.
        tolerance: f64,
    },
    /// A row cannot be normalised.
    #[error("{argument} has norm 0: expected a vector that can be normalised")]
    ZeroVector {
        /// The row.
        argument: String,
    },
    /// A point is alone in its class, so its leave-one-out probability is 0 and its logarithm infinite.
    #[error("labels[{index}] = {label}: expected a class with at least two points")]
    LonelyPoint {
        /// The point.
        index: usize,
        /// Its class.
        label: i64,
    },
    /// The result exists but is larger than the largest f64.
    #[error("{argument} = {value}: the result overflows f64, expected a value that keeps it below 1.8e308")]
    Overflow {
        /// The parameter that causes it.
        argument: String,
        /// Its value.
        value: f64,
    },
}

/// The result of everything in this crate that takes input.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Refuses a row with an entry that is not finite, which is named with its index.
///
/// # Errors
/// [`Error::NotFinite`].
pub fn finite_row<'a>(
    argument: impl FnOnce() -> String,
    row: impl IntoIterator<Item = &'a f64>,
) -> Result<()> {
    match row.into_iter().enumerate().find(|(_, value)| !value.is_finite()) {
        Some((k, &value)) => Err(Error::NotFinite { argument: format!("{}[{k}]", argument()), value }),
        None => Ok(()),
    }
}

/// Refuses a matrix with an entry that is not finite: the first, row by row.
///
/// # Errors
/// [`Error::NotFinite`].
pub fn finite_rows(argument: &str, matrix: &DMatrix<f64>) -> Result<()> {
    let mut rows = matrix.row_iter().enumerate();
    rows.try_for_each(|(i, row)| finite_row(|| format!("{argument}[{i}]"), row.iter()))
}

/// Refuses a parameter that is not in its range.
///
/// # Errors
/// [`Error::OutOfRange`], unless the range `holds`.
pub fn in_range(argument: &str, value: f64, holds: bool, expected: &'static str) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::OutOfRange { argument: argument.into(), value, expected })
}

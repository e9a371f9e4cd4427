//! Nested arrays have one shape: every entry has that of the first.

use nalgebra::DMatrix;

use super::error::{Error, Result};

/// An array of any depth.
pub(super) trait Shape {
    /// The lengths, from the outside in.
    fn shape_of(&self) -> Vec<usize>;
}

impl Shape for DMatrix<f64> {
    fn shape_of(&self) -> Vec<usize> {
        vec![self.nrows(), self.ncols()]
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn shape_of(&self) -> Vec<usize> {
        let mut shape = vec![self.len()];
        shape.extend(self.first().into_iter().flat_map(T::shape_of));
        shape
    }
}

/// Refuses entries of different shapes.
pub(super) fn even<T: Shape>(entries: Vec<T>, path: &str) -> Result<Vec<T>> {
    if let Some((first, others)) = entries.split_first() {
        let expected = first.shape_of();
        for (index, other) in others.iter().enumerate() {
            let found = other.shape_of();
            if found != expected {
                let expected = format!("{}, as {path}[0]", in_brackets(&expected));
                return Err(of_shape(format!("{path}[{}]", index + 1), in_brackets(&found), expected));
            }
        }
    }
    Ok(entries)
}

/// An array that has another shape than it must have.
pub(super) fn mismatch(path: &str, found: &[usize], expected: &[usize]) -> Error {
    of_shape(path.into(), in_brackets(found), in_brackets(expected))
}

fn of_shape(argument: String, found: String, expected: String) -> Error {
    Error::Value { parent: "", source: crate::Error::Shape { argument, found, expected } }
}

/// A shape as errors have it: `[2][3]`.
pub(super) fn in_brackets(shape: &[usize]) -> String {
    shape.iter().map(|length| format!("[{length}]")).collect()
}

//! The checks that both layouts share.

use crate::Settings;
use crate::error::{Error, Result, finite_row};
use nalgebra::DMatrix;

/// Checks arrays of one dimension.
pub(super) struct Checker<'a> {
    pub(super) d: usize,
    pub(super) settings: &'a Settings,
}

impl Checker<'_> {
    pub(super) fn missing(&self, argument: &str, expected: String) -> Error {
        Error::Missing { argument: argument.into(), expected }
    }

    pub(super) fn at_least(&self, argument: &str, found: usize, least: usize, expected: &str) -> Result<()> {
        if found >= least {
            return Ok(());
        }
        Err(Error::Shape {
            argument: argument.into(),
            found: format!("[{found}]"),
            expected: expected.into(),
        })
    }

    pub(super) fn not_empty(&self, argument: &str, rows: usize) -> Result<()> {
        self.at_least(argument, rows, 1, "at least 1 row")
    }

    pub(super) fn dimension(&self, argument: &str) -> Result<()> {
        if self.d > 0 {
            return Ok(());
        }
        let found = format!("[..][{}]", self.d);
        Err(Error::Shape { argument: argument.into(), found, expected: "at least 1 column".into() })
    }

    pub(super) fn count(&self, argument: &str, found: usize, expected: usize) -> Result<()> {
        if found == expected {
            return Ok(());
        }
        let expected = format!("[{expected}], as many entries as there are anchors (or mixed terms)");
        Err(Error::Shape { argument: argument.into(), found: format!("[{found}]"), expected })
    }

    /// A list of matrices, one an anchor, of equally many rows and of at least `least`.
    pub(super) fn list(
        &self,
        argument: &str,
        matrices: &[DMatrix<f64>],
        count: usize,
        least: usize,
    ) -> Result<()> {
        self.count(argument, matrices.len(), count)?;
        let rows = matrices.first().map(DMatrix::nrows);
        for (i, matrix) in matrices.iter().enumerate() {
            let argument = format!("{argument}[{i}]");
            self.at_least(&argument, matrix.nrows(), least, "at least 1 row")?;
            self.matrix(&argument, matrix, rows)?;
        }
        Ok(())
    }

    /// A matrix of `d` columns: finite entries, and rows on the unit sphere or at least not zero.
    pub(super) fn matrix(&self, argument: &str, matrix: &DMatrix<f64>, rows: Option<usize>) -> Result<()> {
        let rows = rows.unwrap_or(matrix.nrows());
        if matrix.nrows() != rows || (matrix.ncols() != self.d && rows > 0) {
            return Err(Error::Shape {
                argument: argument.into(),
                found: format!("[{}][{}]", matrix.nrows(), matrix.ncols()),
                expected: format!("[{rows}][{}]", self.d),
            });
        }
        for (i, row) in matrix.row_iter().enumerate() {
            let argument = || format!("{argument}[{i}]");
            finite_row(argument, row.iter())?;
            if self.settings.normalize {
                if row.iter().all(|&x| x == 0.0) {
                    return Err(Error::ZeroVector { argument: argument() });
                }
            } else {
                let norm = row.norm();
                let tolerance = self.settings.norm_tolerance;
                if (norm - 1.0).abs() > tolerance {
                    return Err(Error::NotUnit { argument: argument(), norm, tolerance });
                }
            }
        }
        Ok(())
    }
}

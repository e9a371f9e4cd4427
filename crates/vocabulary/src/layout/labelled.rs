//! The validation of the data of supervised NCA.

use crate::Labelled;
use crate::error::{Error, Result, finite_rows};
use std::collections::HashMap;

impl Labelled {
    /// Refuses data that supervised NCA cannot take.
    ///
    /// # Errors
    /// [`Error::Shape`] for empty arrays or shapes that differ, [`Error::NotFinite`], and
    /// [`Error::LonelyPoint`] for a point that is alone in its class, where `p_i = 0`.
    pub fn validate(&self) -> Result<()> {
        let shape = |argument: &str, found: String, expected: String| {
            Err(Error::Shape { argument: argument.into(), found, expected })
        };
        let (dimension, features) = self.transform.shape();
        let (n, columns) = self.points.shape();
        if dimension == 0 || features == 0 {
            return shape("transform", format!("[{dimension}][{features}]"), "at least [1][1]".into());
        }
        if n == 0 || columns != features {
            return shape("points", format!("[{n}][{columns}]"), format!("[n][{features}], n at least 2"));
        }
        if self.labels.len() != n {
            return shape("labels", format!("[{}]", self.labels.len()), format!("[{n}], one a point"));
        }
        for (name, matrix) in [("transform", &self.transform), ("points", &self.points)] {
            finite_rows(name, matrix)?;
        }
        let mut sizes = HashMap::new();
        for label in &self.labels {
            *sizes.entry(*label).or_insert(0) += 1;
        }
        match self.labels.iter().position(|label| sizes[label] < 2) {
            Some(index) => Err(Error::LonelyPoint { index, label: self.labels[index] }),
            None => Ok(()),
        }
    }
}

//! The temperature, and how norms are taken.

use crate::error::Result;
use crate::parameter::Range;

/// The settings that a loss is evaluated with, beside its own parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// `t > 0`, finite.
    pub temperature: f64,
    /// `true`: rows are divided by their norm inside, and gradients are by the rows as given.
    pub normalize: bool,
    /// The distance from 1 that a row's norm may have when `normalize` is `false`.
    pub norm_tolerance: f64,
}

impl Settings {
    /// The tolerance on norms unless another is given.
    pub const NORM_TOLERANCE: f64 = 1e-6;

    /// The settings of a temperature: embeddings as given, of unit norm within `1e-6`.
    pub fn new(temperature: f64) -> Self {
        Self { temperature, normalize: false, norm_tolerance: Self::NORM_TOLERANCE }
    }

    /// The same with normalisation inside.
    pub fn normalizing(self) -> Self {
        Self { normalize: true, ..self }
    }

    /// Refuses settings out of range.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange), naming the setting.
    pub fn validate(&self) -> Result<()> {
        Range::POSITIVE.check("temperature", self.temperature)?;
        Range::NOT_NEGATIVE.check("norm_tolerance", self.norm_tolerance)
    }
}

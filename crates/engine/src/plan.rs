//! A loss with its settings, ready to be computed in a type.

use crate::error::{Error, Result};
use crate::names::{Loss, Settings};
use crate::precision::Precision;
use crate::recipe::{Recipe, Robust};

/// A loss and its settings, once they have been found to be in range, with the bounds that follow from a type.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// The terms of the loss.
    pub recipe: Recipe,
    /// Whether rows are divided by their norms first.
    pub normalize: bool,
    /// `1/t`. Scores are multiplied by it and the floor is its negative, so that both round alike and a
    /// score of exactly `-1/t` meets the floor exactly.
    pub inverse_temperature: f64,
    /// The type that the loss is computed in.
    pub precision: Precision,
    /// The largest derivative of the loss by an estimate of the negatives, relative to its shift, with which the gradient
    /// by the embeddings is still in range.
    pub largest_derivative: f64,
    /// The smallest estimate by which a derivative stays below that, whatever the loss.
    pub least_divisor: f64,
}

impl Plan {
    /// A plan for embeddings whose gradient may be as large as `range`: the largest number of the type that they are
    /// stored in, which may be a narrower one than they are computed in.
    ///
    /// # Errors
    /// [`Error::Input`] for a parameter or setting out of range, [`Error::Unrepresentable`] for an `alpha` that the type
    /// cannot hold, and for a temperature so small that scores overflow in it.
    pub fn new(loss: &Loss, settings: &Settings, precision: Precision, range: f64) -> Result<Self> {
        loss.validate()?;
        settings.validate()?;
        let largest = precision.largest();
        let recipe = Recipe::new(loss);
        if let Some(Robust { alpha, .. }) = recipe.robust.filter(|robust| robust.alpha > largest) {
            let bound = format!("at most {largest:e}");
            return Err(Error::Unrepresentable { argument: "alpha", value: alpha, precision, bound });
        }
        let inverse_temperature = settings.temperature.recip();
        // Differences of two scores off the sphere are still well below this bound.
        let largest_score = largest / 1e3;
        if inverse_temperature > largest_score {
            return Err(Error::Unrepresentable {
                argument: "temperature",
                value: settings.temperature,
                precision,
                bound: format!("at least {:e}", largest_score.recip()),
            });
        }
        // By scores, rows and sums over them; rows of small norms have large gradients.
        let later = if settings.normalize { 2_f64.powi(30) } else { 2_f64.powi(10) };
        let largest_derivative = range / later / inverse_temperature.max(1.0);
        // A robust term multiplies its gradient by α and by a weight, which is itself a loss.
        let weight = 4.0 * inverse_temperature + 64.0;
        let gain = recipe.robust.map_or(1.0, |robust| 1.0 + robust.alpha * weight);
        let least_divisor = (gain / largest_derivative).min(largest);
        let normalize = settings.normalize;
        Ok(Self { recipe, normalize, inverse_temperature, precision, largest_derivative, least_divisor })
    }
}

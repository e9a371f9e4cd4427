//! A loss evaluated, whoever computed it.

use super::operators::score::mean_of;
use crate::error::Result;
use tch::Tensor;

/// A loss evaluated.
#[derive(Debug)]
pub struct Outcome {
    /// The mean, which carries the gradient.
    pub(crate) value: Tensor,
    /// `[B]`; whether it carries a gradient depends on what was asked for, and on who computed.
    pub(crate) per_anchor: Tensor,
}

impl Outcome {
    /// The outcome that the losses of all images make.
    pub(crate) fn of(per_anchor: Tensor) -> Result<Self> {
        Ok(Self { value: mean_of(&per_anchor)?, per_anchor })
    }
}

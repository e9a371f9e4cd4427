//! Who computes, by choice: for measurements. Nothing here is stable.

use super::batch::Batch;
use super::route::{Embeddings, evaluate_by};
use crate::error::Result;
use intnacl_reference::{Loss, Settings};
use tch::Tensor;

pub use super::route::Engine;

/// The mean loss of a batch by an engine; its gradient is in the graph.
///
/// # Errors
/// As [`Layout::value`](crate::Layout::value).
pub fn value(batch: &Batch, loss: &Loss, settings: &Settings, engine: Engine) -> Result<Tensor> {
    Ok(evaluate_by(engine, Embeddings::Batch(batch), loss, settings)?.value)
}

//! The engine by itself: its pieces in the corners, its gradients against finite differences.

mod gradients;
mod kept;
mod laws;
mod negatives;
mod paths;
mod refusals;
mod scores;
mod stream;
mod stress;

use super::route::Embeddings;
use super::{Engine, Outcome, evaluate_by};
use crate::error::Result;
use crate::{Batch, Loss, Settings};

/// The outcome of a batch by an engine.
fn by(engine: Engine, batch: &Batch, loss: &Loss, settings: &Settings) -> Result<Outcome> {
    evaluate_by(engine, Embeddings::Batch(batch), loss, settings)
}

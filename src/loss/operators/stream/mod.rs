//! The negatives of a batch in memory that does not grow with the square of the batch, by libtorch's operators.
//!
//! Every loss reads the negatives of an anchor through a few sums `Σ_j φ(s_ij)` alone. So there are two
//! passes over tiles of the scores, each of which is formed, used and overwritten:
//!
//! 1. [`sums`] accumulates the sums. The statistics of them that the estimators read become leaves, from which
//!    the engine computes the loss, and libtorch the derivatives `g` by them.
//! 2. [`weights`] turns each tile into `∂loss/∂s_ij = Σ g_i φ'(s_ij) + Σ g_j φ'(s_ij)` and multiplies it with
//!    the embeddings.
//!
//! Scores are symmetric: only tiles at and above the diagonal are formed, and serve the anchors on their rows
//! and on their columns.

mod kernel;
mod sums;
mod tiles;
mod weights;

use super::engine::Contrasted;
use super::known::once_differentiable;
use super::score::Scorer;
use crate::error::Result;
use intnacl_reference::Negatives;
use kernel::{Shift, Work};
use sums::Sums;
use tch::{Tensor, no_grad};
use tiles::Tiles;

/// The negatives of a pair of views, summed.
#[derive(Debug)]
pub struct Streamed {
    /// `[2, B, d]`, in the graph of the caller.
    pair: Tensor,
    tiles: Tiles,
    shift: Shift,
    work: Work,
    /// The sums of each estimator, with the leaf `[A, B]` that the loss is computed from.
    sums: Vec<(Sums, Tensor)>,
    inverse_temperature: f64,
    /// The name of the gradient by the pair in an error.
    name: &'static str,
}

impl Streamed {
    /// Sums over the negatives of the first `anchors` of two views `[2, B, d]`, for each estimator.
    pub(crate) fn new(
        name: &'static str,
        pair: &Tensor,
        anchors: i64,
        estimators: &[Negatives],
        scorer: &Scorer,
        width: Option<i64>,
    ) -> Result<Self> {
        let rows = pair.f_flatten(0, 1)?;
        let wanted = pair.requires_grad();
        let tiles = Tiles::new(rows.f_detach()?.f_contiguous()?, anchors, width);
        let (shift, sums, work) = no_grad(|| sums::sum(&tiles, estimators, scorer))?;
        let with_leaf = |sums: Sums| {
            let leaf = no_grad(|| sums.statistic(&tiles, &shift))?.f_set_requires_grad(wanted)?;
            Ok((sums, leaf))
        };
        let sums = sums.into_iter().map(with_leaf).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            pair: pair.shallow_clone(),
            tiles,
            shift,
            work,
            sums,
            inverse_temperature: scorer.inverse_temperature,
            name,
        })
    }

    /// The summaries that the engine reads.
    pub(crate) fn summaries(&self) -> Result<Contrasted> {
        let summary = |(sums, leaf): &(Sums, Tensor)| {
            Ok((sums.estimator, sums.summary(&self.tiles, &self.shift, leaf)?))
        };
        let of = self.sums.iter().map(summary).collect::<Result<Vec<_>>>()?;
        Ok(Contrasted::Summaries { count: (self.tiles.count() - 2) as f64, of })
    }

    /// The gradient of the loss by the rows, by way of the sums, from the derivatives by the leaves.
    fn gradient(&self, derivatives: impl Iterator<Item = Tensor>) -> Result<Tensor> {
        no_grad(|| {
            let sums: Vec<_> = self.sums.iter().map(|(sums, _)| sums).zip(derivatives).collect();
            weights::gradient(&self.tiles, &self.shift, &sums, &self.work, self.inverse_temperature)
        })
    }
}

/// A loss that was computed from the leaves of passes, with the gradient by their embeddings in the graph.
pub(crate) fn differentiable(value: Tensor, passes: &[Streamed]) -> Result<Tensor> {
    if !value.requires_grad() || !passes.iter().any(|pass| pass.pair.requires_grad()) {
        return Ok(value);
    }
    let passes = || passes.iter().filter(|pass| pass.pair.requires_grad());
    let leaves: Vec<&Tensor> = passes().flat_map(|pass| &pass.sums).map(|(_, leaf)| leaf).collect();
    let mut derivatives = Tensor::f_run_backward(&[&value], &leaves, true, false)?.into_iter();
    let mut gradients = Vec::new();
    for pass in passes() {
        let derivatives = derivatives.by_ref().take(pass.sums.len());
        gradients.push((pass.name, &pass.pair, pass.gradient(derivatives)?));
    }
    once_differentiable(value, gradients)
}

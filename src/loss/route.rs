//! Who computes a loss: the one place that decides.

use super::batch::Batch;
use super::fused;
use super::operators::score::{Scorer, mean_of, plan};
use super::operators::stream::{self, Streamed};
use super::outcome::Outcome;
use super::tuples::Tuples;
use crate::device::is_on_processor;
use crate::error::Result;
use intnacl_engine::Plan;
use intnacl_reference::{Loss, Settings};
use tch::{Kind, Tensor};

/// Embeddings in one of the layouts.
#[derive(Debug, Clone, Copy)]
pub enum Embeddings<'a> {
    Tuples(&'a Tuples),
    Batch(&'a Batch),
}

/// The result that is asked for, with its gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The mean; the losses of the images come without a gradient, if that is cheaper.
    Mean,
    /// The loss of each image.
    EachImage,
}

/// Who computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The fused engine, in blocks of a number of rows or of a size that suits.
    Fused(Option<usize>),
    /// libtorch's operators, in tiles of a number of rows and columns or of a size that suits.
    Tiles(Option<i64>),
    /// libtorch's operators on all scores at once.
    AllScores,
}

/// Evaluates a loss by the engine that suits.
pub(crate) fn evaluate(
    embeddings: Embeddings<'_>,
    loss: &Loss,
    settings: &Settings,
    asked: Asked,
) -> Result<Outcome> {
    let engine = Engine::of(embeddings, asked)?;
    evaluate_by(engine, embeddings, loss, settings)
}

/// Evaluates a loss by an engine; tuples have all scores alone.
pub(crate) fn evaluate_by(
    engine: Engine,
    embeddings: Embeddings<'_>,
    loss: &Loss,
    settings: &Settings,
) -> Result<Outcome> {
    // Shapes, kinds and devices are refused here, and then parameters: on every path once.
    let (common, batch) = match embeddings {
        Embeddings::Tuples(tuples) => (tuples.common(loss)?, None),
        Embeddings::Batch(batch) => {
            let (common, form) = batch.common(loss)?;
            (common, Some((batch, form)))
        }
    };
    let plan = plan(loss, settings, common.kind)?;
    match (batch, engine) {
        (Some((batch, form)), Engine::Fused(width)) => fused::evaluate(batch, form, &plan, width),
        (Some((batch, _)), Engine::Tiles(width)) => tiles(batch, &plan, common.kind, width),
        (_, Engine::AllScores) | (None, _) => {
            let scorer = Scorer::new(&plan, common.kind);
            let scores = match embeddings {
                Embeddings::Tuples(tuples) => tuples.scores(&plan.recipe, &scorer)?,
                Embeddings::Batch(batch) => batch.all_scores(&plan.recipe, &scorer)?,
            };
            Outcome::of(scores.per_image(&plan.recipe, &scorer)?)
        }
    }
}

impl Engine {
    fn of(embeddings: Embeddings<'_>, asked: Asked) -> Result<Self> {
        let Embeddings::Batch(batch) = embeddings else { return Ok(Engine::AllScores) };
        if asked == Asked::EachImage && batch.wants_gradient()? {
            return Ok(Engine::AllScores);
        }
        let on_processor = batch.views.defined() && is_on_processor(&batch.views);
        Ok(if on_processor { Engine::Fused(None) } else { Engine::Tiles(None) })
    }
}

impl<'a> Embeddings<'a> {
    /// Every tensor that is given, with its name.
    pub(crate) fn tensors(self) -> Vec<(&'static str, &'a Tensor)> {
        match self {
            Embeddings::Tuples(tuples) => tuples.tensors(),
            Embeddings::Batch(batch) => batch.tensors(),
        }
    }
}

/// The outcome of a batch by libtorch's operators, in tiles of `width` rows and columns.
fn tiles(batch: &Batch, plan: &Plan, kind: Kind, width: Option<i64>) -> Result<Outcome> {
    let scorer = Scorer::new(plan, kind);
    let mut passes = Vec::new();
    let scores = batch.scores(&plan.recipe, &scorer, |name, pair, estimators| {
        let pass = Streamed::new(name, pair, batch.anchors(), estimators, &scorer, width)?;
        let summaries = pass.summaries()?;
        passes.push(pass);
        Ok(summaries)
    })?;
    let per_anchor = scores.per_image(&plan.recipe, &scorer)?;
    let value = stream::differentiable(mean_of(&per_anchor)?, &passes)?;
    Ok(Outcome { value, per_anchor: per_anchor.f_detach()? })
}

//! The batch layout: the views of the same images are each other's positives and negatives.

use super::check::{self, Common};
use super::operators::engine::{Contrasted, Contrasts, MixedScores, ScoreTensors};
use super::operators::score::{Scorer, off_diagonal};
use crate::error::Result;
use intnacl_engine::{Form, Recipe, Shape};
use intnacl_reference::{Loss, Negatives};
use tch::Tensor;

/// Embeddings as a training step has them: `1+M` views of the same `B` images.
///
/// - Anchors: view 0 and, if `symmetric`, view 1; the loss of an image is the mean over both.
/// - Positives of image `i`: its other one of views 0 and 1, then its views 2 to `M`. The `v` of `g1` and
///   `g2`: its other one of views 0 and 1.
/// - Negatives of image `i`: views 0 and 1 of every other image, so `N = 2(B-1)`.
/// - Mixed terms: anchor view 0, the same negatives.
/// - Robust term: view 0 and the adversarial view play the parts of views 0 and 1. The weight of an image is
///   its clean single-positive loss.
///
/// [`value`](crate::Layout::value) and its gradient are computed tile by tile: the `2B × 2B` scores are never held, and
/// memory grows with `B·d`. On a processor that is an engine of this crate's own, elsewhere libtorch's operators; both
/// give the same bits every time, the former with any number of threads. The gradient cannot be differentiated again:
/// who tries gets libtorch's error that a derivative (of `_segment_reduce_backward`) is not implemented.
/// [`per_anchor`](crate::Layout::per_anchor) of tensors that need a gradient is made of libtorch's own operations on all scores,
/// takes memory of the order `B²`, and can be differentiated twice.
///
/// On a processor, where looking at values costs nothing, `value` refuses entries that are not finite and, with
/// [`Settings::normalize`](crate::Settings::normalize), rows that are zero.
///
/// With two views this is the layout of SimCLR, Debiased and HardNeg as they were published. All tensors have
/// one floating kind and lie on one device.
///
/// # Examples
/// ```
/// use intnacl::{Batch, Layout, Loss, Settings};
/// use tch::{Device, Kind, Tensor};
///
/// // Two views of 64 images.
/// let views = Tensor::randn([2, 64, 128], (Kind::Float, Device::Cpu)).set_requires_grad(true);
/// let batch = Batch::new(views.shallow_clone());
/// let loss = Loss::HardNegative { tau_plus: 0.1, beta: 1.0 };
/// let value = batch.value(&loss, &Settings::new(0.5).normalizing())?;
/// value.f_backward()?;
/// assert_eq!(views.grad().size(), [2, 64, 128]);
/// # Ok::<(), intnacl::Error>(())
/// ```
#[derive(Debug)]
pub struct Batch {
    /// `[1+M, B, d]`; view 0 is the anchor, the others its positives. `B >= 2`, so that there are negatives.
    pub views: Tensor,
    /// Whether view 1 is an anchor too (in the robust term: the adversarial view).
    pub symmetric: bool,
    /// `[M-1, B, d]`: embeddings of mixed inputs.
    pub mixed: Option<Tensor>,
    /// `[B, d]`.
    pub adversarial: Option<Tensor>,
}

impl Batch {
    /// A symmetric batch of views.
    pub fn new(views: Tensor) -> Self {
        Self { views, symmetric: true, mixed: None, adversarial: None }
    }

    /// Every tensor that is given, with its name.
    pub(crate) fn tensors(&self) -> Vec<(&'static str, &Tensor)> {
        let optional = [("mixed", &self.mixed), ("adversarial", &self.adversarial)];
        let given = optional.into_iter().filter_map(|(name, tensor)| Some((name, tensor.as_ref()?)));
        [("views", &self.views)].into_iter().chain(given).collect()
    }

    /// Whether a gradient by any of the tensors is wanted.
    pub(crate) fn wants_gradient(&self) -> Result<bool> {
        // A slice of a tensor needs a gradient if the tensor does and gradients are enabled at all.
        for (_, tensor) in self.tensors() {
            if tensor.defined() && tensor.f_alias()?.requires_grad() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Refuses tensors that do not fit each other or the loss; what they have in common, and their shapes.
    pub(crate) fn common(&self, loss: &Loss) -> Result<(Common, Form)> {
        let common = Common::of("views", &self.views)?;
        Ok((common, self.form(loss, &common)?))
    }

    fn form(&self, loss: &Loss, common: &Common) -> Result<Form> {
        check::has_shape("views", &self.views, &[None, None, None], "[1+M, B, d]")?;
        let (views, b, d) = self.views.size3()?;
        let shape = Shape::new(views as usize, b as usize, d as usize)?;
        let (b, d) = (Some(b), Some(d));
        if let Some(mixed) = &self.mixed {
            common.fits("mixed", mixed, &[None, b, d], "[M-1, B, d]")?;
        } else if loss.needs_mixed() && views > 2 {
            return Err(check::missing("mixed", "[M-1, B, d], embeddings of mixed inputs"));
        }
        if let Some(adversarial) = &self.adversarial {
            common.fits("adversarial", adversarial, &[b, d], "[B, d]")?;
        } else if loss.needs_adversarial() {
            return Err(check::missing("adversarial", "[B, d], adversarial embeddings"));
        }
        let mixed = self.mixed.as_ref().map(|mixed| mixed.size()[0] as usize);
        Ok(Form { shape, symmetric: self.symmetric, mixed, adversarial: self.adversarial.is_some() })
    }

    /// The contrasts of two views `[2, B, d]` of the images. `more`: further positives `[K, B, d]`.
    fn contrasts(
        &self,
        pair: &Tensor,
        more: Option<&Tensor>,
        negatives: Contrasted,
        scorer: &Scorer,
    ) -> Result<Contrasts> {
        let anchors = pair.f_narrow(0, 0, self.anchors())?;
        let (a, b) = (anchors.size()[0], anchors.size()[1]);
        let other = scorer.paired(&pair.f_select(0, 0)?, &pair.f_select(0, 1)?)?;
        let other = other.f_unsqueeze(-1)?.f_unsqueeze(0)?.f_expand([a, b, 1], false)?;
        let positives = match more {
            Some(more) => {
                let scores = scorer.paired(&anchors.f_unsqueeze(1)?, more)?.f_permute([0, 2, 1])?;
                Tensor::f_cat(&[&other, &scores], -1)?
            }
            None => other.shallow_clone(),
        };
        Ok(Contrasts { positives, negatives, debias: other })
    }

    /// The number of anchors among two views.
    pub(crate) fn anchors(&self) -> i64 {
        if self.symmetric { 2 } else { 1 }
    }

    /// The scores of the anchors in a pair of views `[2, B, d]` with all their negatives, `[A, B, N]`.
    fn all_negatives(&self, pair: &Tensor, scorer: &Scorer) -> Result<Contrasted> {
        let anchors = pair.f_narrow(0, 0, self.anchors())?;
        let (a, b) = (anchors.size()[0], anchors.size()[1]);
        // [A, 2, B, B]: each anchor view with both views; the same image is on the diagonals.
        let all = scorer.all(&anchors.f_unsqueeze(1)?, pair)?;
        let rows = off_diagonal(&all)?.f_permute([0, 2, 1, 3])?;
        Ok(Contrasted::Scores(rows.f_reshape([a, b, 2 * (b - 1)])?))
    }

    /// The scores that a recipe reads; `negatives` makes those of a pair of views from a name for the gradient by it,
    /// the pair and the estimators that are read of it.
    pub(crate) fn scores(
        &self,
        recipe: &Recipe,
        scorer: &Scorer,
        mut negatives: impl FnMut(&'static str, &Tensor, &[Negatives]) -> Result<Contrasted>,
    ) -> Result<ScoreTensors> {
        let pair = scorer.prepare(&self.views.f_narrow(0, 0, 2)?)?;
        let mut scores = ScoreTensors::default();
        if recipe.reads_clean() {
            let further = self.views.size()[0] - 2;
            let more = match recipe.joint && further > 0 {
                true => Some(scorer.prepare(&self.views.f_narrow(0, 2, further)?)?),
                false => None,
            };
            let negatives = negatives("gradient.views", &pair, &recipe.clean_estimators())?;
            scores.clean = Some(self.contrasts(&pair, more.as_ref(), negatives, scorer)?);
        }
        if let (Some(mixed), Some(_)) = (&self.mixed, recipe.lambda)
            && mixed.size()[0] > 0
        {
            let positives =
                scorer.paired(&pair.f_select(0, 0)?, &scorer.prepare(mixed)?)?.f_transpose(0, 1)?;
            scores.mixed = Some(MixedScores { positives, negatives: None });
        }
        if let (Some(adversarial), Some(robust)) = (&self.adversarial, &recipe.robust) {
            let pair = Tensor::f_stack(&[pair.f_select(0, 0)?, scorer.prepare(adversarial)?], 0)?;
            let negatives = negatives("gradient.(views[0], adversarial)", &pair, &[robust.negatives])?;
            scores.robust = Some(self.contrasts(&pair, None, negatives, scorer)?);
        }
        Ok(scores)
    }

    /// All scores that a recipe reads, at once.
    pub(crate) fn all_scores(&self, recipe: &Recipe, scorer: &Scorer) -> Result<ScoreTensors> {
        self.scores(recipe, scorer, |_, pair, _| self.all_negatives(pair, scorer))
    }
}

//! The losses on libtorch tensors: one recipe for each loss, which engines follow.
//!
//! embeddings → scores ([`score`], by [`tuples`] or [`batch`]) → loss of each image ([`engine`], with
//! [`negatives`]), as the [`recipe`] of the loss says, by operations that libtorch differentiates. The negatives of a
//! batch are too many for that: [`stream`] forms their scores tile by tile, by libtorch's operators on any device, and
//! their gradient in closed form; [`fused`] computes the whole batch so on a processor, two to three times as fast.

mod batch;
mod check;
mod engine;
mod fused;
mod negatives;
mod recipe;
mod score;
mod stream;
mod tuples;

#[cfg(test)]
mod tests;

use crate::device::is_on_processor;
use crate::error::Result;
use intnacl_reference::{Loss, Settings};
use recipe::Recipe;
use score::Scorer;
use tch::Tensor;

pub use batch::Batch;
pub(crate) use check::{Common, at_least, defined, floating, has_shape, overflow, wrong_kind};
pub(crate) use score::{compute_kind, largest, softplus, sum_last};
pub(crate) use sealed::Scored;
pub use tuples::Tuples;

/// A way to lay out embeddings: [`Tuples`] or [`Batch`].
///
/// With `s(x,y) = x·y/t`, `h = exp s`, positives `x⁺_j`, an estimate `G` of the mean of `h` over the `N`
/// negatives ([`Negatives`](crate::Negatives)), mixed embeddings `z_j` and `Ω_j = h(x,z_j)/(h(x,z_j) + N·G)`:
///
/// | loss | of an anchor `x` |
/// |---|---|
/// | `SimClr`, `Debiased`, `HardNegative` | `-log h(x,x⁺)/(h(x,x⁺) + N·G)` with `g0`, `g1`, `g2` |
/// | `Nca` | `-log Σ_j h(x,x⁺_j)/(Σ_j h(x,x⁺_j) + N·G)` |
/// | `MixNca` | `-log h(x,x⁺)/(h(x,x⁺) + N·G) - λ/(M-1) Σ_j log Ω_j - (1-λ)/(M-1) Σ_j log(1-Ω_j)` |
/// | `Robust` | `-w(x)·log h(x,x^adv)/(h(x,x^adv) + N·G)` |
/// | `Adversarial` | SimCLR, plus `α` times SimCLR of the adversarial view |
/// | `IntCl`, `IntNaCl` | the single-positive or neighbourhood loss, plus `α` times the robust one |
///
/// (Ko et al. 2022, equations 2 to 5, 8 and 9 and Table 5.)
///
/// Everything is computed on the tensors' device and in their kind (`BFloat16` and `Half`: in `Float`), in
/// the logarithmic domain, so values and gradients are finite and accurate at every temperature from `1e-3` to 10, and
/// beyond, wherever the kind can hold the true result. Where it cannot, entries of the gradient are infinite, unless it
/// is computed together with the value ([`value`](Layout::value) of a [`Batch`] on a processor): then that is an error.
///
/// `g1` and `g2` can come so near to their floor that rounding decides the side, and the gradient above it is up to
/// `e^{2/t}`. Where that is out of range, the gradient below it, 0, is taken.
///
/// The host never waits for a device here; what needs to look at values is in [`check`](Layout::check).
pub trait Layout: sealed::Scored {
    /// The loss of each anchor (in a [`Batch`]: of each image, the mean over its anchors), `[B]`.
    ///
    /// # Errors
    /// - [`Error::Input`](crate::Error::Input): a parameter out of range, a tensor that is missing or of a
    ///   shape that does not fit.
    /// - [`Error::Kind`](crate::Error::Kind), [`Error::Device`](crate::Error::Device): tensors that are not
    ///   floating, or differ.
    /// - [`Error::Unrepresentable`](crate::Error::Unrepresentable): a parameter beyond the kind's range.
    /// - [`Error::Torch`](crate::Error::Torch): libtorch could not.
    ///
    /// - [`Error::OutOfMemory`](crate::Error::OutOfMemory): the system could not.
    ///
    /// On other devices than a processor, and in tuples, values are not looked at: NaN in gives NaN out. See
    /// [`check`](Layout::check).
    fn per_anchor(&self, loss: &Loss, settings: &Settings) -> Result<Tensor> {
        self.per_image(loss, settings)
    }

    /// The loss: the mean over the anchors, a scalar tensor. Of a [`Batch`] it takes less memory and time than
    /// the mean of [`per_anchor`](Layout::per_anchor), and can be differentiated once.
    ///
    /// # Errors
    /// Those of [`per_anchor`](Layout::per_anchor); and [`Error::Overflow`](crate::Error::Overflow), which names an
    /// entry, if the gradient of a batch on a processor leaves the range of the kind that it is computed in.
    fn value(&self, loss: &Loss, settings: &Settings) -> Result<Tensor> {
        Ok(self.outcome(loss, settings)?.value)
    }

    /// Refuses entries that are not finite, and rows that are not on the unit sphere (with
    /// [`Settings::normalize`]: that are zero).
    ///
    /// This waits for the device, which is why the losses do not do it by themselves. A row may leave the
    /// sphere by `norm_tolerance` plus the spacing of its kind's numbers at 1.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input), naming the entry or row.
    ///
    /// # Examples
    /// ```
    /// use intnacl::{Batch, Layout, Settings};
    /// use tch::{Device, Kind, Tensor};
    ///
    /// let views = Tensor::zeros([2, 4, 3], (Kind::Float, Device::Cpu));
    /// let error = Batch::new(views).check(&Settings::new(0.5)).unwrap_err();
    /// assert!(error.to_string().starts_with("views[0][0] has norm 0"));
    /// ```
    fn check(&self, settings: &Settings) -> Result<()> {
        self.rows().into_iter().try_for_each(|(name, rows)| check::values(name, rows, settings))
    }
}

/// A value that has given gradients, and no second ones. Gradients come with the name of what they are by.
///
/// libtorch holds the gradients constant. What has no derivative of its own in libtorch's book stands behind them, so
/// that who asks for a second derivative gets an error, not a part of it.
///
/// # Errors
/// [`Error::Overflow`](crate::Error::Overflow) on a processor, where looking at a number costs nothing, if a gradient is not finite.
pub(crate) fn once_differentiable<'a>(
    value: Tensor,
    gradients: impl IntoIterator<Item = (&'static str, &'a Tensor, Tensor)>,
) -> Result<Tensor> {
    let kind = value.f_kind()?;
    let mut sum: Option<Tensor> = None;
    for (name, tensor, gradient) in gradients {
        let zero = zero_with_gradient(&tensor.f_to_kind(kind)?, &gradient)?;
        if is_on_processor(&zero) && !zero.f_double_value(&[])?.is_finite() {
            return Err(check::overflow(name, &gradient.f_reshape(tensor.size())?)?);
        }
        sum = Some(match sum {
            Some(sum) => sum.f_add(&zero)?,
            None => zero,
        });
    }
    let Some(zero) = sum.filter(Tensor::requires_grad) else { return Ok(value) };
    let zero = zero.f_reshape([1])?;
    let one = Tensor::f_ones([1], (tch::Kind::Int64, value.device()))?;
    let zero =
        Tensor::f_segment_reduce(&zero, "sum", Some(&one), None::<&Tensor>, None::<&Tensor>, 0, true, 0.0)?;
    Ok(value.f_add(&zero.f_reshape(value.size())?)?)
}

/// A scalar 0 that has a given gradient by a tensor, if that is finite; else NaN.
fn zero_with_gradient(tensor: &Tensor, gradient: &Tensor) -> Result<Tensor> {
    let (tensor, gradient) = (tensor.f_flatten(0, -1)?, gradient.f_flatten(0, -1)?);
    if is_on_processor(&tensor) {
        let product = tensor.f_dot(&gradient)?;
        if product.f_double_value(&[])?.is_finite() {
            return Ok(product.f_sub(&product.f_detach()?)?);
        }
    }
    // The product may be out of range where the gradient is not. That with zeros is not, but they take memory.
    Ok(tensor.f_sub(&tensor.f_detach()?)?.f_dot(&gradient)?)
}

/// A loss evaluated.
#[derive(Debug)]
pub struct Outcome {
    /// The mean, which carries the gradient.
    pub(crate) value: Tensor,
    /// `[B]`; whether it carries a gradient is up to the layout.
    pub(crate) per_anchor: Tensor,
}

pub(crate) mod sealed {
    use super::{Common, Loss, Outcome, Recipe, Result, Scorer, Settings, Tensor};
    use super::{check, compute_kind, engine::Scores, score::mean_of};

    /// What the engine asks of a layout.
    pub trait Scored {
        /// Refuses tensors that do not fit each other or the loss; what they have in common.
        fn common(&self, loss: &Loss) -> Result<Common>;
        /// The scores that a recipe reads.
        fn scores(&self, recipe: &Recipe, scorer: &Scorer) -> Result<Scores>;
        /// Every tensor of embeddings, with its name.
        fn rows(&self) -> Vec<(&'static str, &Tensor)>;

        /// Refuses what does not fit; what the engine does otherwise, and on which scores.
        fn configure(&self, loss: &Loss, settings: &Settings) -> Result<(Recipe, Scorer)> {
            let kind = self.common(loss)?.kind;
            check::parameters(loss, settings, compute_kind(kind))?;
            let recipe = Recipe::new(loss);
            let scorer = Scorer::new(settings, &recipe, kind)?;
            Ok((recipe, scorer))
        }
        /// The loss of each image from all scores, `[B]`, by operations that libtorch differentiates.
        fn dense(&self, loss: &Loss, settings: &Settings) -> Result<Tensor> {
            let (recipe, scorer) = self.configure(loss, settings)?;
            self.scores(&recipe, &scorer)?.per_image(&recipe, &scorer)
        }
        /// The loss of each image, `[B]`, with its gradient.
        fn per_image(&self, loss: &Loss, settings: &Settings) -> Result<Tensor> {
            self.dense(loss, settings)
        }
        /// The loss with its gradient, and that of each image.
        fn outcome(&self, loss: &Loss, settings: &Settings) -> Result<Outcome> {
            let per_anchor = self.per_image(loss, settings)?;
            Ok(Outcome { value: mean_of(&per_anchor)?, per_anchor })
        }
    }
}

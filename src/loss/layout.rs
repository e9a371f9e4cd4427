//! A loss of embeddings, in whatever layout.

use super::batch::Batch;
use super::check;
use super::route::{self, Asked, Embeddings};
use super::tuples::Tuples;
use crate::error::Result;
use intnacl_reference::{Loss, Settings};
use tch::Tensor;

/// A way to lay out embeddings: [`Tuples`] or [`Batch`].
///
/// With scores `s(x,y) = x·y/t`, kernels `h = exp s`, positives `$x^+_j$`, an estimate `$G$` of the mean of `h` over the `N`
/// negatives ([`Negatives`](crate::Negatives)), and mixed embeddings `$z_j$` with
///
/// ```math
/// \Omega_j = \frac{h(x,z_j)}{h(x,z_j) + N G(x)},
/// ```
///
/// a loss has the terms of this table. The variants of [`Loss`] state the same equations with their shapes.
///
///
/// | loss | of an anchor `x` |
/// |---|---|
/// | `SimClr`, `Debiased`, `HardNegative` | `$\displaystyle -\log \frac{h(x,x^+)}{h(x,x^+) + N G(x)}$` with `$g_0$`, `$g_1$`, `$g_2$` |
/// | `Nca` | `$\displaystyle -\log \frac{\sum_j h(x,x^+_j)}{\sum_j h(x,x^+_j) + N G(x)}$` |
/// | `MixNca` | `$\displaystyle -\log \frac{h(x,x^+)}{h(x,x^+) + N G(x)} - \frac{\lambda}{M-1} \sum_j \log \Omega_j - \frac{1-\lambda}{M-1} \sum_j \log(1-\Omega_j)$` |
/// | `Robust` | `$\displaystyle -w(x) \log \frac{h(x,x^{\mathrm{adv}})}{h(x,x^{\mathrm{adv}}) + N G(x)}$` |
/// | `Adversarial` | SimCLR, plus `$\alpha$` times SimCLR of the adversarial view |
/// | `IntCl`, `IntNaCl` | the single-positive or neighbourhood loss, plus `$\alpha$` times the robust one |
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
pub trait Layout: sealed::Sealed {
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
        Ok(route::evaluate(self.embeddings(), loss, settings, Asked::EachImage)?.per_anchor)
    }

    /// The loss: the mean over the anchors, a scalar tensor. Of a [`Batch`] it takes less memory and time than
    /// the mean of [`per_anchor`](Layout::per_anchor), and can be differentiated once.
    ///
    /// # Errors
    /// The errors of [`per_anchor`](Layout::per_anchor); and [`Error::Overflow`](crate::Error::Overflow), which names an
    /// entry, if the gradient of a batch on a processor leaves the range of the kind that it is computed in.
    fn value(&self, loss: &Loss, settings: &Settings) -> Result<Tensor> {
        Ok(route::evaluate(self.embeddings(), loss, settings, Asked::Mean)?.value)
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
        self.embeddings()
            .tensors()
            .into_iter()
            .try_for_each(|(name, rows)| check::values(name, rows, settings))
    }
}

impl Layout for Batch {}
impl Layout for Tuples {}

pub(crate) mod sealed {
    use super::{Batch, Embeddings, Tuples};

    /// Whose embeddings there are losses of.
    pub trait Sealed {
        /// The embeddings, as one of the layouts.
        fn embeddings(&self) -> Embeddings<'_>;
    }

    impl Sealed for Batch {
        fn embeddings(&self) -> Embeddings<'_> {
            Embeddings::Batch(self)
        }
    }

    impl Sealed for Tuples {
        fn embeddings(&self) -> Embeddings<'_> {
            Embeddings::Tuples(self)
        }
    }
}

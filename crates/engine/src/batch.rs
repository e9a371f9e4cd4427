//! A batch in slices.

use crate::aligned::zeros;
use crate::arrays::{Array, Arrays, Form, Shape};
use crate::error::{Error, Result};
use crate::names::{Loss, Settings};
use crate::number::Element;
use crate::plan::Plan;
use crate::step::evaluate;
use crate::team::Threads;

/// Embeddings of a batch as slices: `1+M` views of the same `B` images, each a row of `d` numbers, one behind the other.
///
/// - Anchors: view 0 and, if `symmetric`, view 1; the loss of an image is the mean over both.
/// - Positives of image `i`: its other one of views 0 and 1, then its views 2 to `M`. The `v` of `g1` and
///   `g2`: its other one of views 0 and 1.
/// - Negatives of image `i`: views 0 and 1 of every other image, so `N = 2(B-1)`.
/// - Mixed terms: anchor view 0, the same negatives.
/// - Robust term: view 0 and the adversarial view play the parts of views 0 and 1. The weight of an image is
///   its clean single-positive loss.
///
/// Rows are on the unit sphere, or become so by [`Settings::normalize`](crate::Settings::normalize). Others are computed
/// with as they are.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a, T> {
    /// The shape of the views.
    pub shape: Shape,
    /// `[1+M, B, d]`; view 0 is the anchor, the others its positives.
    pub views: &'a [T],
    /// Whether view 1 is an anchor too (in the robust term: the adversarial view).
    pub symmetric: bool,
    /// `[M-1, B, d]`: embeddings of mixed inputs.
    pub mixed: Option<&'a [T]>,
    /// `[B, d]`: embeddings of adversarial inputs.
    pub adversarial: Option<&'a [T]>,
}

/// A loss with its gradient.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Evaluation<T> {
    /// The mean over the images, as it was before it is rounded to the type.
    pub value: f64,
    /// The loss of each image, the mean over its anchors, `[B]`.
    pub per_image: Vec<f64>,
    /// The gradient of the value by each array that was given; 0 where the loss does not read it.
    pub gradient: Gradient<T>,
}

/// A number for each entry of a batch, in the arrays' own shapes.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradient<T> {
    /// `[1+M, B, d]`.
    pub views: Vec<T>,
    /// `[M-1, B, d]`.
    pub mixed: Option<Vec<T>>,
    /// `[B, d]`.
    pub adversarial: Option<Vec<T>>,
}

impl<'a, T: Element> Batch<'a, T> {
    /// A symmetric batch of views.
    pub fn new(shape: Shape, views: &'a [T]) -> Self {
        Self { shape, views, symmetric: true, mixed: None, adversarial: None }
    }

    /// The loss, that of each image, and the gradient, computed on some threads.
    ///
    /// # Errors
    /// - [`Error::Input`]: a parameter or setting out of range; an array that is missing or of another length; an entry
    ///   that is not finite; with [`Settings::normalize`](crate::Settings::normalize) a row of zeros.
    /// - [`Error::Unrepresentable`]: an `alpha` or a temperature beyond the type's range.
    /// - [`Error::Overflow`]: a result beyond the type's range, by the name of the entry.
    /// - [`Error::OutOfMemory`].
    ///
    /// # Examples
    /// ```
    /// use intnacl_engine::{Batch, Loss, Settings, Shape, Started};
    ///
    /// let views = [1.0, 0.0, 0.0, 1.0, 0.6, 0.8, -0.8, 0.6];
    /// let batch = Batch::new(Shape::new(2, 2, 2)?, &views);
    /// let evaluation = batch.evaluate(&Loss::SimClr, &Settings::new(0.5), &Started(2))?;
    /// assert_eq!(evaluation.per_image.len(), 2);
    /// assert_eq!(evaluation.gradient.views.len(), 8);
    /// # Ok::<(), intnacl_engine::Error>(())
    /// ```
    pub fn evaluate(&self, loss: &Loss, settings: &Settings, threads: &dyn Threads) -> Result<Evaluation<T>> {
        let plan = Plan::new(loss, settings, T::PRECISION, T::PRECISION.largest())?;
        let form = self.form()?;
        let mut slices = Slices { batch: *self, gradients: Vec::new() };
        let outcome = evaluate(&plan, form, &mut slices, threads, None)?;
        if let Some(image) = outcome.per_image.iter().position(|loss| !loss.is_finite()) {
            let argument = format!("per_image[{image}]");
            return Err(Error::Overflow {
                argument,
                value: outcome.per_image[image],
                precision: T::PRECISION,
            });
        }
        if !outcome.value.is_finite() {
            let argument = "value".into();
            return Err(Error::Overflow { argument, value: outcome.value, precision: T::PRECISION });
        }
        let mut gradient = |array| {
            let place = slices.gradients.iter().position(|(known, _)| *known == array);
            match place {
                Some(place) => Ok(slices.gradients.swap_remove(place).1),
                None => zeros(self.array(array).map_or(0, <[T]>::len)),
            }
        };
        let (views, mixed, adversarial) =
            (gradient(Array::Views)?, gradient(Array::Mixed)?, gradient(Array::Adversarial)?);
        for (array, gradient) in
            [(Array::Views, &views), (Array::Mixed, &mixed), (Array::Adversarial, &adversarial)]
        {
            self.require_finite(array, gradient)?;
        }
        let gradient = Gradient {
            views,
            mixed: self.mixed.map(|_| mixed),
            adversarial: self.adversarial.map(|_| adversarial),
        };
        Ok(Evaluation { value: outcome.value, per_image: outcome.per_image, gradient })
    }

    fn array(&self, array: Array) -> Option<&'a [T]> {
        match array {
            Array::Views => Some(self.views),
            Array::Mixed => self.mixed,
            Array::Adversarial => self.adversarial,
        }
    }

    /// The form that the slices have.
    fn form(&self) -> Result<Form> {
        // A length that is no multiple is refused below.
        let size = self.shape.images().saturating_mul(self.shape.columns());
        let form = Form {
            shape: self.shape,
            symmetric: self.symmetric,
            mixed: self.mixed.map(|mixed| mixed.len() / size),
            adversarial: self.adversarial.is_some(),
        };
        for array in [Array::Views, Array::Mixed, Array::Adversarial] {
            if let Some(entries) = self.array(array) {
                form.fits(array, entries.len())?;
            }
        }
        Ok(form)
    }

    /// Refuses a gradient with an entry that left the type's range; an infinite one says more than NaN, which may come
    /// of it.
    fn require_finite(&self, array: Array, gradient: &[T]) -> Result<()> {
        let infinite = gradient.iter().position(|entry| entry.to_f64().is_infinite());
        let place = infinite.or_else(|| gradient.iter().position(|entry| entry.to_f64().is_nan()));
        let Some(place) = place else { return Ok(()) };
        let (row, column) = (place / self.shape.columns(), place % self.shape.columns());
        let row = array.row(row / self.shape.images(), row % self.shape.images());
        let argument = format!("gradient.{row}[{column}]");
        Err(Error::Overflow { argument, value: gradient[place].to_f64(), precision: T::PRECISION })
    }
}

/// Slices with the gradients by them.
struct Slices<'a, T> {
    batch: Batch<'a, T>,
    gradients: Vec<(Array, Vec<T>)>,
}

impl<T: Element> Arrays<T> for Slices<'_, T> {
    type Error = Error;

    fn copy(&self, array: Array, view: usize, first: usize, rows: &mut [T]) -> Result<()> {
        let start = (view * self.batch.shape.images() + first) * self.batch.shape.columns();
        let entries = self.batch.array(array).unwrap_or_default();
        rows.copy_from_slice(&entries[start..][..rows.len()]);
        Ok(())
    }

    fn wants(&self, array: Array) -> bool {
        self.batch.array(array).is_some()
    }

    fn gradients(&mut self, wanted: &[Array]) -> Result<Vec<(Array, &mut [T])>> {
        for array in wanted {
            let entries = self.batch.array(*array).unwrap_or_default();
            self.gradients.push((*array, zeros(entries.len())?));
        }
        Ok(self.gradients.iter_mut().map(|(array, gradient)| (*array, gradient.as_mut_slice())).collect())
    }
}

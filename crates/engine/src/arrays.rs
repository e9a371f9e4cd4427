//! The arrays of a batch: their shapes, and what the engine asks of whoever holds them.

use crate::error::{Error, Result};
use crate::names::InputError;
use crate::recipe::Recipe;

/// An array of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Array {
    /// `[1+M, B, d]`; view 0 is the anchor, the others its positives.
    Views,
    /// `[M-1, B, d]`: embeddings of mixed inputs.
    Mixed,
    /// `[B, d]`: embeddings of adversarial inputs.
    Adversarial,
}

impl Array {
    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Array::Views => "views",
            Array::Mixed => "mixed",
            Array::Adversarial => "adversarial",
        }
    }

    /// The name of the row of an image in a view, such as `views[1][70]`.
    pub(crate) fn row(self, view: usize, image: usize) -> String {
        match self {
            Array::Adversarial => format!("adversarial[{image}]"),
            _ => format!("{}[{view}][{image}]", self.name()),
        }
    }
}

/// The shape of the views, `[1+M, B, d]`, which fits a batch.
///
/// # Examples
/// ```
/// use intnacl_engine::Shape;
///
/// let shape = Shape::new(3, 64, 128)?;
/// assert_eq!((shape.views(), shape.images(), shape.columns()), (3, 64, 128));
/// let error = Shape::new(2, 1, 128).unwrap_err().to_string();
/// assert!(error.starts_with("views has shape [2, 1, 128]: expected at least 2 in dimension 1"));
/// # Ok::<(), intnacl_engine::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    views: usize,
    images: usize,
    columns: usize,
}

impl Shape {
    /// `views`: `1+M >= 2`, an anchor and its positives. `images`: `B >= 2`, so that there are negatives. `columns`:
    /// `d >= 1`.
    ///
    /// # Errors
    /// [`InputError::Shape`] for a dimension that is smaller.
    pub fn new(views: usize, images: usize, columns: usize) -> Result<Self> {
        let least = [
            (views, 2, "an anchor and a positive"),
            (images, 2, "images, so that there are negatives"),
            (columns, 1, "columns"),
        ];
        for (dimension, (size, least, why)) in least.into_iter().enumerate() {
            if size < least {
                let expected = format!("at least {least} in dimension {dimension}: {why}");
                return Err(wrong_shape("views", &[views, images, columns], expected));
            }
        }
        Ok(Self { views, images, columns })
    }

    /// `1+M`.
    pub fn views(self) -> usize {
        self.views
    }

    /// `B`.
    pub fn images(self) -> usize {
        self.images
    }

    /// `d`.
    pub fn columns(self) -> usize {
        self.columns
    }
}

/// The form of a batch: the shapes of its arrays, and which rows are anchors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// The shape of the views.
    pub shape: Shape,
    /// Whether view 1 is an anchor too (in the robust term: the adversarial view).
    pub symmetric: bool,
    /// The number of views of mixed inputs, `M-1`, if that array is there.
    pub mixed: Option<usize>,
    /// Whether there is an adversarial view.
    pub adversarial: bool,
}

impl Form {
    /// The number of views of an array.
    pub(crate) fn views(&self, array: Array) -> usize {
        match array {
            Array::Views => self.shape.views,
            Array::Mixed => self.mixed.unwrap_or(0),
            Array::Adversarial => usize::from(self.adversarial),
        }
    }

    /// Refuses a form without an array that the recipe reads.
    pub(crate) fn serves(&self, recipe: &Recipe) -> Result<()> {
        let missing = |argument: &str, expected: &str| {
            Err(InputError::Missing { argument: argument.into(), expected: expected.into() }.into())
        };
        if recipe.robust.is_some() && !self.adversarial {
            return missing("adversarial", "[B, d], adversarial embeddings");
        }
        if recipe.lambda.is_some() && self.mixed.is_none() && self.shape.views > 2 {
            return missing("mixed", "[M-1, B, d], embeddings of mixed inputs");
        }
        Ok(())
    }

    /// Refuses memory for an array, or for the gradient by it, that has another length.
    pub(crate) fn fits(&self, array: Array, len: usize) -> Result<()> {
        let Shape { images, columns, .. } = self.shape;
        let shape = match array {
            Array::Adversarial => vec![images, columns],
            _ => vec![self.views(array), images, columns],
        };
        // A product that no memory could have the length of is no length that was given.
        let expected = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
        if expected == Some(len) {
            return Ok(());
        }
        Err(wrong_shape(array.name(), &[len], format!("the entries of {shape:?} in order")))
    }
}

fn wrong_shape(argument: &str, found: &[usize], expected: String) -> Error {
    InputError::Shape { argument: argument.into(), found: format!("{found:?}"), expected }.into()
}

/// The arrays of a batch, wherever they lie and whatever they are stored in: the engine copies the rows that a loss
/// reads, a few at a time, and writes the gradient in the end.
///
/// A [`Batch`](crate::Batch) holds slices and needs nothing of this. It is for programs whose arrays are not slices, or of
/// a narrower type.
pub trait Arrays<T> {
    /// The errors of the arrays, the engine's own included.
    type Error: From<Error>;

    /// Copies the rows of a view from image `first` on, as many as `rows` holds.
    ///
    /// # Errors
    /// Whatever the arrays cannot give.
    fn copy(&self, array: Array, view: usize, first: usize, rows: &mut [T]) -> Result<(), Self::Error>;

    /// Whether the gradient by an array is wanted.
    fn wants(&self, array: Array) -> bool;

    /// Memory for the gradients by some arrays, in the arrays' own shapes. The gradient by views that the loss does not
    /// read is not written, so they are 0 before.
    ///
    /// It is asked for once, at the end, when the engine has given back the memory that scores took.
    ///
    /// # Errors
    /// Whatever memory there is none for.
    fn gradients(&mut self, wanted: &[Array]) -> Result<Vec<(Array, &mut [T])>, Self::Error>;
}

//! The two layouts of embeddings, and what both refuse.

mod batch;
mod check;
mod labelled;
mod tuples;

use crate::error::Result;
use crate::{Batch, Loss, Settings, Tuples};
use nalgebra::DMatrix;

/// A way to lay out embeddings: [`Tuples`] or [`Batch`].
pub trait Layout: Sized + sealed::Sealed {
    /// Refuses data that do not fit `loss`, and parameters or settings out of range.
    ///
    /// # Errors
    /// [`Error`](crate::Error): every variant but the two of supervised NCA.
    fn validate(&self, loss: &Loss, settings: &Settings) -> Result<()>;

    /// The data, as the one of the two layouts that they are in.
    fn embeddings(&self) -> Embeddings<'_>;

    /// Every matrix with its name, such as `views[1]`, in the order of the fields.
    fn matrices(&self) -> Vec<(String, &DMatrix<f64>)>;

    /// Data of the same layout, with every matrix replaced by another, in the order of the fields.
    fn map_matrices(&self, replace: impl FnMut(&DMatrix<f64>) -> DMatrix<f64>) -> Self;
}

/// Embeddings in either layout.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Embeddings<'a> {
    /// Tuples.
    Tuples(&'a Tuples),
    /// A batch.
    Batch(&'a Batch),
}

fn named<'a>(name: &str, matrices: &'a [DMatrix<f64>]) -> Vec<(String, &'a DMatrix<f64>)> {
    matrices.iter().enumerate().map(|(i, matrix)| (format!("{name}[{i}]"), matrix)).collect()
}

fn named_if_given<'a>(
    name: &str,
    matrices: &'a Option<Vec<DMatrix<f64>>>,
) -> Vec<(String, &'a DMatrix<f64>)> {
    named(name, matrices.as_deref().unwrap_or_default())
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::Tuples {}
    impl Sealed for crate::Batch {}
}

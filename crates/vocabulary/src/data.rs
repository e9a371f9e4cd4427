//! The data that losses are evaluated on, and the value that comes out.

use nalgebra::DMatrix;

/// Embeddings as tuples: each of `B` anchors with positives and negatives of its own.
///
/// Every matrix has an embedding a row, `d` columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuples {
    /// `B × d`.
    pub anchor: DMatrix<f64>,
    /// `B` matrices `M × d`.
    pub positives: Vec<DMatrix<f64>>,
    /// `B` matrices `N × d`.
    pub negatives: Vec<DMatrix<f64>>,
    /// `B` matrices `m × d`: the `v` of `g1` and `g2`, in every term (default: the first positive).
    pub debias_positives: Option<Vec<DMatrix<f64>>>,
    /// `B` matrices `(M-1) × d`: embeddings of mixed inputs.
    pub mixed: Option<Vec<DMatrix<f64>>>,
    /// `B` lists of `M-1` matrices `N × d`: the negatives of each mixed term (default: `negatives`).
    pub mixed_negatives: Option<Vec<Vec<DMatrix<f64>>>>,
    /// `B × d`.
    pub adversarial: Option<DMatrix<f64>>,
    /// `B` matrices `N' × d`: the negatives of the robust term (default: `negatives`).
    pub adversarial_negatives: Option<Vec<DMatrix<f64>>>,
}

impl Tuples {
    /// Tuples with the arrays that every loss needs.
    pub fn new(anchor: DMatrix<f64>, positives: Vec<DMatrix<f64>>, negatives: Vec<DMatrix<f64>>) -> Self {
        Self {
            anchor,
            positives,
            negatives,
            debias_positives: None,
            mixed: None,
            mixed_negatives: None,
            adversarial: None,
            adversarial_negatives: None,
        }
    }
}

/// Embeddings as a training step has them: `1+M` views of the same `B` images.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// `1+M` matrices `B × d`; view 0 is the anchor, the others its positives.
    pub views: Vec<DMatrix<f64>>,
    /// Whether view 1 is an anchor too (in the robust term: the adversarial view).
    pub symmetric: bool,
    /// `M-1` matrices `B × d`: embeddings of mixed inputs.
    pub mixed: Option<Vec<DMatrix<f64>>>,
    /// `B × d`.
    pub adversarial: Option<DMatrix<f64>>,
}

impl Batch {
    /// A symmetric batch of views.
    pub fn new(views: Vec<DMatrix<f64>>) -> Self {
        Self { views, symmetric: true, mixed: None, adversarial: None }
    }
}

/// Labelled points and the transform that supervised NCA learns.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// `A`, `D × F`.
    pub transform: DMatrix<f64>,
    /// `n × F`.
    pub points: DMatrix<f64>,
    /// `n` class labels.
    pub labels: Vec<i64>,
}

/// A loss value with its gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation<D> {
    /// The mean over the anchors (supervised NCA: the sum over the points).
    pub value: f64,
    /// The value of each anchor; in the batch layout of each image, the mean over its anchors;
    /// for supervised NCA of each point.
    pub per_anchor: Vec<f64>,
    /// The gradient of `value`, in the shape of the data.
    pub gradient: D,
}

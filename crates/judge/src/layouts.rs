//! Batches as tuples.

use intnacl_reference::{Batch, Tuples};
use nalgebra::DMatrix;

/// The tuples of a batch in which `first` and `second` play views 0 and 1, for the anchors in `first`.
pub(super) fn tuples_of_pair(first: &DMatrix<f64>, second: &DMatrix<f64>, more: &[DMatrix<f64>]) -> Tuples {
    let (b, d) = first.shape();
    let row = |matrix: &DMatrix<f64>, i: usize| matrix.row(i).iter().copied().collect::<Vec<f64>>();
    let stack = |rows: Vec<Vec<f64>>| DMatrix::from_fn(rows.len(), d, |i, k| rows[i][k]);
    let others = |i: usize| (0..b).filter(move |&k| k != i);
    let positives = |i| stack(std::iter::once(second).chain(more).map(|view| row(view, i)).collect());
    let negatives = |i| {
        let of = |view| others(i).map(move |k| row(view, k));
        stack(of(first).chain(of(second)).collect())
    };
    Tuples::new(first.clone(), (0..b).map(positives).collect(), (0..b).map(negatives).collect())
}

/// The tuples of a batch's view 0, with its mixed and adversarial embeddings.
pub(super) fn tuples_of_view_0(batch: &Batch) -> Tuples {
    let (views, b, d) = (&batch.views, batch.views[0].nrows(), batch.views[0].ncols());
    let mut tuples = tuples_of_pair(&views[0], &views[1], &views[2..]);
    let mixed = batch.mixed.as_deref().unwrap_or_default();
    let of_image = |i: usize| DMatrix::from_fn(mixed.len(), d, |j, k| mixed[j][(i, k)]);
    tuples.mixed = Some((0..b).map(of_image).collect());
    if let Some(adversarial) = &batch.adversarial {
        tuples.adversarial_negatives = Some(tuples_of_pair(&views[0], adversarial, &[]).negatives);
        tuples.adversarial = Some(adversarial.clone());
    }
    tuples
}

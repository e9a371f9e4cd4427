//! Embeddings, or gradients by them, as arrays of rows.

use intnacl_reference::{Answer, Batch, Tuples};
use nalgebra::DMatrix;

/// An array of a request, its matrices one behind the other.
pub(super) struct Array {
    pub(super) name: &'static str,
    pub(super) rows: Vec<Vec<f64>>,
}

pub(super) trait Arrays {
    fn matrices(&self) -> Vec<(&'static str, Vec<&DMatrix<f64>>)>;
}

impl Arrays for Tuples {
    fn matrices(&self) -> Vec<(&'static str, Vec<&DMatrix<f64>>)> {
        let mut all = vec![
            ("anchor", vec![&self.anchor]),
            ("positives", self.positives.iter().collect()),
            ("negatives", self.negatives.iter().collect()),
        ];
        all.extend(self.debias_positives.as_ref().map(|list| ("debias_positives", list.iter().collect())));
        all.extend(self.mixed.as_ref().map(|list| ("mixed", list.iter().collect())));
        all.extend(
            self.mixed_negatives.as_ref().map(|lists| ("mixed_negatives", lists.iter().flatten().collect())),
        );
        all.extend(self.adversarial.as_ref().map(|matrix| ("adversarial", vec![matrix])));
        let negatives = self.adversarial_negatives.as_ref();
        all.extend(negatives.map(|list| ("adversarial_negatives", list.iter().collect())));
        all
    }
}

impl Arrays for Batch {
    fn matrices(&self) -> Vec<(&'static str, Vec<&DMatrix<f64>>)> {
        let mut all = vec![("views", self.views.iter().collect())];
        all.extend(self.mixed.as_ref().map(|views| ("mixed", views.iter().collect())));
        all.extend(self.adversarial.as_ref().map(|matrix| ("adversarial", vec![matrix])));
        all
    }
}

pub(super) fn arrays(data: &impl Arrays) -> Vec<Array> {
    let rows = |matrices: Vec<&DMatrix<f64>>| {
        matrices
            .into_iter()
            .flat_map(|matrix| matrix.row_iter().map(|row| row.iter().copied().collect()).collect::<Vec<_>>())
            .collect()
    };
    data.matrices().into_iter().map(|(name, matrices)| Array { name, rows: rows(matrices) }).collect()
}

/// The value, the values of the anchors, and the gradient.
pub(super) fn parts(answer: &Answer) -> (f64, &[f64], Vec<Array>) {
    match answer {
        Answer::Tuples(found) => (found.value, &found.per_anchor, arrays(&found.gradient)),
        Answer::Batch(found) => (found.value, &found.per_anchor, arrays(&found.gradient)),
        Answer::Supervised(_) => unreachable!("not drawn"),
    }
}

//! The matrices of some data by name: one list for whoever goes through all of them.

use crate::vocabulary::{Batch, Tuples};
use nalgebra::DMatrix;

/// Data that consist of named matrices, in the order of their problem's rows.
pub(crate) trait Arrays: Sized {
    /// Every matrix with its name, such as `views[1]`.
    fn matrices(&self) -> Vec<(String, &DMatrix<f64>)>;

    /// Every matrix replaced by another.
    #[cfg(feature = "law")]
    fn map(&self, map: impl FnMut(&DMatrix<f64>) -> DMatrix<f64>) -> Self;

    /// Every row as a list, in order.
    #[cfg(feature = "law")]
    fn each_row(&self) -> Vec<Vec<f64>> {
        let matrices = self.matrices();
        let rows = matrices.iter().flat_map(|(_, matrix)| matrix.row_iter());
        rows.map(|row| row.iter().copied().collect()).collect()
    }
}

fn list<'a>(name: &str, matrices: &'a [DMatrix<f64>]) -> Vec<(String, &'a DMatrix<f64>)> {
    matrices.iter().enumerate().map(|(i, matrix)| (format!("{name}[{i}]"), matrix)).collect()
}

fn optional<'a>(name: &str, matrices: &'a Option<Vec<DMatrix<f64>>>) -> Vec<(String, &'a DMatrix<f64>)> {
    list(name, matrices.as_deref().unwrap_or_default())
}

impl Arrays for Tuples {
    fn matrices(&self) -> Vec<(String, &DMatrix<f64>)> {
        let mut named = vec![("anchor".to_owned(), &self.anchor)];
        named.extend(list("positives", &self.positives));
        named.extend(list("negatives", &self.negatives));
        named.extend(optional("debias_positives", &self.debias_positives));
        named.extend(optional("mixed", &self.mixed));
        for (i, matrices) in self.mixed_negatives.iter().flatten().enumerate() {
            named.extend(list(&format!("mixed_negatives[{i}]"), matrices));
        }
        named.extend(self.adversarial.as_ref().map(|matrix| ("adversarial".to_owned(), matrix)));
        named.extend(optional("adversarial_negatives", &self.adversarial_negatives));
        named
    }

    #[cfg(feature = "law")]
    fn map(&self, mut map: impl FnMut(&DMatrix<f64>) -> DMatrix<f64>) -> Self {
        type Map<'a> = &'a mut dyn FnMut(&DMatrix<f64>) -> DMatrix<f64>;
        fn list(matrices: &[DMatrix<f64>], map: Map<'_>) -> Vec<DMatrix<f64>> {
            matrices.iter().map(map).collect()
        }
        let map: Map<'_> = &mut map;
        Self {
            anchor: map(&self.anchor),
            positives: list(&self.positives, map),
            negatives: list(&self.negatives, map),
            debias_positives: self.debias_positives.as_ref().map(|matrices| list(matrices, map)),
            mixed: self.mixed.as_ref().map(|matrices| list(matrices, map)),
            mixed_negatives: self
                .mixed_negatives
                .as_ref()
                .map(|lists| lists.iter().map(|matrices| list(matrices, map)).collect()),
            adversarial: self.adversarial.as_ref().map(&mut *map),
            adversarial_negatives: self.adversarial_negatives.as_ref().map(|matrices| list(matrices, map)),
        }
    }
}

impl Arrays for Batch {
    fn matrices(&self) -> Vec<(String, &DMatrix<f64>)> {
        let mut named = list("views", &self.views);
        named.extend(optional("mixed", &self.mixed));
        named.extend(self.adversarial.as_ref().map(|matrix| ("adversarial".to_owned(), matrix)));
        named
    }

    #[cfg(feature = "law")]
    fn map(&self, mut map: impl FnMut(&DMatrix<f64>) -> DMatrix<f64>) -> Self {
        Self {
            views: self.views.iter().map(&mut map).collect(),
            symmetric: self.symmetric,
            mixed: self.mixed.as_ref().map(|list| list.iter().map(&mut map).collect()),
            adversarial: self.adversarial.as_ref().map(&mut map),
        }
    }
}

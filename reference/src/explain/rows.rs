//! The rows of the data by name, in the order of a problem's rows.

use crate::vocabulary::{Batch, Tuples};
use nalgebra::DMatrix;

/// Data whose rows have names.
pub(super) trait Named {
    /// The name of each row, in the order in which the layout lists them for its problem.
    fn row_names(&self) -> Vec<String>;
}

pub(super) fn matrix_rows(name: &str, matrix: &DMatrix<f64>) -> Vec<String> {
    (0..matrix.nrows()).map(|row| format!("{name}[{row}]")).collect()
}

fn list_rows(name: &str, matrices: &[DMatrix<f64>]) -> Vec<String> {
    let matrices = matrices.iter().enumerate();
    matrices.flat_map(|(index, matrix)| matrix_rows(&format!("{name}[{index}]"), matrix)).collect()
}

impl Named for Tuples {
    fn row_names(&self) -> Vec<String> {
        let list = |name: &str, matrices: &Option<Vec<DMatrix<f64>>>| {
            matrices.as_ref().map_or_else(Vec::new, |matrices| list_rows(name, matrices))
        };
        let mut names = matrix_rows("anchor", &self.anchor);
        names.extend(list_rows("positives", &self.positives));
        names.extend(list_rows("negatives", &self.negatives));
        names.extend(list("debias_positives", &self.debias_positives));
        names.extend(list("mixed", &self.mixed));
        for (index, matrices) in self.mixed_negatives.iter().flatten().enumerate() {
            names.extend(list_rows(&format!("mixed_negatives[{index}]"), matrices));
        }
        names.extend(self.adversarial.iter().flat_map(|matrix| matrix_rows("adversarial", matrix)));
        names.extend(list("adversarial_negatives", &self.adversarial_negatives));
        names
    }
}

impl Named for Batch {
    fn row_names(&self) -> Vec<String> {
        let mut names = list_rows("views", &self.views);
        names.extend(self.mixed.iter().flat_map(|matrices| list_rows("mixed", matrices)));
        names.extend(self.adversarial.iter().flat_map(|matrix| matrix_rows("adversarial", matrix)));
        names
    }
}

//! The arrays of each layout under one naming, shared by data and gradients.

use intnacl_reference::{Answer, Batch, Labelled, Request, Tuples};
use nalgebra::DMatrix;

/// An array with its name: the field, with indices where the field is a list.
pub type Named<'a> = (String, &'a DMatrix<f64>);

/// Data, or its gradient, as a list of matrices.
pub trait Arrays {
    /// Every matrix that is present, always in the same order.
    fn arrays(&self) -> Vec<Named<'_>>;
}

fn list<'a>(name: &str, matrices: &'a [DMatrix<f64>]) -> impl Iterator<Item = Named<'a>> {
    matrices.iter().enumerate().map(move |(index, matrix)| (format!("{name}[{index}]"), matrix))
}

impl Arrays for Tuples {
    fn arrays(&self) -> Vec<Named<'_>> {
        let mut all = vec![("anchor".to_owned(), &self.anchor)];
        all.extend(list("positives", &self.positives));
        all.extend(list("negatives", &self.negatives));
        all.extend(self.debias_positives.iter().flat_map(|m| list("debias_positives", m)));
        all.extend(self.mixed.iter().flat_map(|m| list("mixed", m)));
        for (b, matrices) in self.mixed_negatives.iter().flatten().enumerate() {
            all.extend(list(&format!("mixed_negatives[{b}]"), matrices));
        }
        all.extend(self.adversarial.iter().map(|m| ("adversarial".to_owned(), m)));
        all.extend(self.adversarial_negatives.iter().flat_map(|m| list("adversarial_negatives", m)));
        all
    }
}

impl Arrays for Batch {
    fn arrays(&self) -> Vec<Named<'_>> {
        let mut all: Vec<_> = list("views", &self.views).collect();
        all.extend(self.mixed.iter().flat_map(|m| list("mixed", m)));
        all.extend(self.adversarial.iter().map(|m| ("adversarial".to_owned(), m)));
        all
    }
}

impl Arrays for Labelled {
    fn arrays(&self) -> Vec<Named<'_>> {
        vec![("transform".to_owned(), &self.transform), ("points".to_owned(), &self.points)]
    }
}

impl Arrays for Request {
    fn arrays(&self) -> Vec<Named<'_>> {
        match self {
            Request::Tuples { data, .. } => data.arrays(),
            Request::Batch { data, .. } => data.arrays(),
            Request::Supervised { data, .. } => data.arrays(),
        }
    }
}

/// The arrays of an answer's gradient.
impl Arrays for Answer {
    fn arrays(&self) -> Vec<Named<'_>> {
        match self {
            Answer::Tuples(evaluation) => evaluation.gradient.arrays(),
            Answer::Batch(evaluation) => evaluation.gradient.arrays(),
            Answer::Supervised(evaluation) => evaluation.gradient.arrays(),
        }
    }
}

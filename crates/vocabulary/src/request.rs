//! A loss, its settings and its data in one value: what travels between programs.

use crate::{Batch, Evaluation, Labelled, Loss, Objective, Settings, Tuples};

/// One evaluation that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// A loss in the tuple layout.
    Tuples {
        /// The loss.
        loss: Loss,
        /// Temperature and normalisation.
        settings: Settings,
        /// The embeddings.
        data: Tuples,
    },
    /// A loss in the batch layout.
    Batch {
        /// The loss.
        loss: Loss,
        /// Temperature and normalisation.
        settings: Settings,
        /// The embeddings.
        data: Batch,
    },
    /// Supervised NCA.
    Supervised {
        /// The objective.
        objective: Objective,
        /// The labelled points and the transform.
        data: Labelled,
    },
}

/// The evaluation, in the layout of its request.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// To [`Request::Tuples`].
    Tuples(Evaluation<Tuples>),
    /// To [`Request::Batch`].
    Batch(Evaluation<Batch>),
    /// To [`Request::Supervised`].
    Supervised(Evaluation<Labelled>),
}

/// An answer that need not give everything.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The answer, NaN where something is absent.
    pub answer: Answer,
    /// The arrays of the gradient that are absent, by the names of the data's fields, and `per_anchor`.
    pub absent: Vec<&'static str>,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self { answer, absent: Vec::new() }
    }
}

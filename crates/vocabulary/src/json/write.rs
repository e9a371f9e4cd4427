//! From a request or an answer to text.

/// Declares an object whose fields are written if they are there.
macro_rules! written {
    ($name:ident $(<$life:lifetime>)? { $($field:ident: $form:ty,)* }) => {
        #[derive(Default)]
        pub(super) struct $name $(<$life>)? {
            $($field: Option<$form>,)*
        }

        impl $(<$life>)? serde::Serialize for $name $(<$life>)? {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                $(if let Some(value) = &self.$field {
                    serde::ser::SerializeMap::serialize_entry(&mut map, stringify!($field), value)?;
                })*
                serde::ser::SerializeMap::end(map)
            }
        }
    };
}

mod parameters;

use nalgebra::DMatrix;
use serde::ser::{Serialize, Serializer};

use crate::{Answer, Request};
use crate::{Batch, Evaluation, Labelled, Loss, SUPERVISED_NCA, Settings, Tuples};
use parameters::Parameters;

/// Whether fields that have their default are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// They are.
    Full,
    /// They are left out.
    Terse,
}

impl Style {
    /// A field, which has its default or not.
    fn field<T>(self, value: T, is_default: bool) -> Option<T> {
        (self == Style::Full || !is_default).then_some(value)
    }
}

pub(super) fn request(request: &Request, style: Style) -> String {
    let written = match request {
        Request::Tuples { loss, settings, data } => {
            let arrays = Arrays { layout: Some("tuples"), ..Arrays::tuples(data) };
            with_settings(loss, settings, arrays, style)
        }
        Request::Batch { loss, settings, data } => {
            let symmetric = style.field(data.symmetric, data.symmetric);
            let arrays = Arrays { layout: Some("batch"), symmetric, ..Arrays::batch(data) };
            with_settings(loss, settings, arrays, style)
        }
        Request::Supervised { objective, data } => RequestWritten {
            loss: Some(SUPERVISED_NCA.name),
            parameters: Some(Parameters::of_objective(*objective)),
            data: Some(Arrays { labels: Some(&data.labels), ..Arrays::labelled(data) }),
            ..RequestWritten::default()
        },
    };
    line(&written)
}

fn with_settings<'a>(loss: &Loss, settings: &Settings, data: Arrays<'a>, style: Style) -> RequestWritten<'a> {
    let Settings { temperature, normalize, norm_tolerance } = *settings;
    let none = loss.declaration().parameters.is_empty();
    RequestWritten {
        loss: Some(loss.name()),
        temperature: Some(temperature),
        normalize: style.field(normalize, !normalize),
        norm_tolerance: style.field(norm_tolerance, norm_tolerance == Settings::NORM_TOLERANCE),
        parameters: style.field(Parameters::of_loss(loss, style), none),
        data: Some(data),
    }
}

pub(super) fn answer(answer: &Answer) -> String {
    fn written<'a, D>(evaluation: &'a Evaluation<D>, arrays: fn(&'a D) -> Arrays<'a>) -> String {
        let Evaluation { value, per_anchor, gradient } = evaluation;
        line(&AnswerWritten {
            value: Some(*value),
            per_anchor: Some(per_anchor),
            gradient: Some(arrays(gradient)),
        })
    }
    match answer {
        Answer::Tuples(evaluation) => written(evaluation, Arrays::tuples),
        Answer::Batch(evaluation) => written(evaluation, Arrays::batch),
        Answer::Supervised(evaluation) => written(evaluation, Arrays::labelled),
    }
}

fn line(value: &impl Serialize) -> String {
    // Only a map whose keys are no strings can fail, or a `Serialize` that says so, and there is neither.
    serde_json::to_string(value).unwrap_or_default()
}

written!(RequestWritten<'a> {
    loss: &'static str,
    temperature: f64,
    normalize: bool,
    norm_tolerance: f64,
    parameters: Parameters,
    data: Arrays<'a>,
});

written!(AnswerWritten<'a> {
    value: f64,
    per_anchor: &'a [f64],
    gradient: Arrays<'a>,
});

// The arrays of data or of a gradient; what only data have is left out until it is set.
written!(Arrays<'a> {
    layout: &'static str,
    anchor: Rows<'a>,
    positives: Vec<Rows<'a>>,
    negatives: Vec<Rows<'a>>,
    debias_positives: Vec<Rows<'a>>,
    views: Vec<Rows<'a>>,
    symmetric: bool,
    mixed: Vec<Rows<'a>>,
    mixed_negatives: Vec<Vec<Rows<'a>>>,
    adversarial: Rows<'a>,
    adversarial_negatives: Vec<Rows<'a>>,
    transform: Rows<'a>,
    points: Rows<'a>,
    labels: &'a [i64],
});

impl<'a> Arrays<'a> {
    fn tuples(data: &'a Tuples) -> Self {
        let nested = |lists: &'a Vec<Vec<_>>| lists.iter().map(|matrices| list(matrices)).collect();
        Arrays {
            anchor: Some(Rows(&data.anchor)),
            positives: Some(list(&data.positives)),
            negatives: Some(list(&data.negatives)),
            debias_positives: data.debias_positives.as_deref().map(list),
            mixed: data.mixed.as_deref().map(list),
            mixed_negatives: data.mixed_negatives.as_ref().map(nested),
            adversarial: data.adversarial.as_ref().map(Rows),
            adversarial_negatives: data.adversarial_negatives.as_deref().map(list),
            ..Arrays::default()
        }
    }

    fn batch(data: &'a Batch) -> Self {
        Arrays {
            views: Some(list(&data.views)),
            mixed: data.mixed.as_deref().map(list),
            adversarial: data.adversarial.as_ref().map(Rows),
            ..Arrays::default()
        }
    }

    fn labelled(data: &'a Labelled) -> Self {
        Arrays {
            transform: Some(Rows(&data.transform)),
            points: Some(Rows(&data.points)),
            ..Arrays::default()
        }
    }
}

/// A matrix, a row after the other.
struct Rows<'a>(&'a DMatrix<f64>);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.0.nrows()).map(|row| Row { matrix: self.0, row }))
    }
}

struct Row<'a> {
    matrix: &'a DMatrix<f64>,
    row: usize,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.matrix.row(self.row).iter())
    }
}

fn list(matrices: &[DMatrix<f64>]) -> Vec<Rows<'_>> {
    matrices.iter().map(Rows).collect()
}

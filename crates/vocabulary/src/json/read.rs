//! From text to a request or an answer.

use serde::Deserialize;

use super::array::Number;
use super::data;
use super::error::{Error, Result, shorten, written};
use super::forms::{AnswerForm, RequestForm};
use super::gradient;
use super::parameters::{self, Asked};
use super::shape::mismatch;
use crate::{Answer, Evaluation, Reply, Request, SUPERVISED_NCA, Settings};

/// The version of requests and answers.
const VERSION: f64 = 1.0;

/// Reads one JSON value that is the whole text.
pub(super) fn parse<'de, T: Deserialize<'de>>(text: &'de str, whole: &'static str) -> Result<T> {
    if text.len() > super::LONGEST {
        return Err(Error::TooLong { whole, length: text.len() });
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| Error::of_serde(written(error.path(), whole), error.inner(), text))?;
    deserializer.end().map_err(|error| Error::of_serde(whole.into(), &error, text))?;
    Ok(value)
}

pub(super) fn request(form: RequestForm) -> Result<Request> {
    version(form.version)?;
    let name = form.loss.ok_or_else(|| missing("loss", parameters::losses()))?;
    let asked = parameters::asked(&name, form.parameters.unwrap_or_default())?;
    let mut settings = Settings::new(1.0);
    if let Some(Number(temperature)) = form.temperature {
        settings.temperature = temperature;
    } else if matches!(asked, Asked::Loss(_)) {
        return Err(missing("temperature", "a number above 0"));
    }
    if let Some(normalize) = form.normalize {
        settings.normalize = normalize;
    }
    if let Some(Number(tolerance)) = form.norm_tolerance {
        settings.norm_tolerance = tolerance;
    }
    let mut arrays = form.data.ok_or_else(|| missing("data", "an object with the arrays of a layout"))?;
    match asked {
        Asked::Supervised(_) if settings.normalize => Err(Error::form(
            "normalize",
            format!("true, expected false: {} takes its points as given", SUPERVISED_NCA.name),
        )),
        Asked::Supervised(objective) => {
            settings.validate()?;
            Ok(Request::Supervised { objective, data: data::labelled(arrays)? })
        }
        Asked::Loss(loss) => match arrays.layout.take() {
            Some(layout) if layout == "tuples" => {
                Ok(Request::Tuples { loss, settings, data: data::tuples(arrays)? })
            }
            Some(layout) if layout == "batch" => {
                Ok(Request::Batch { loss, settings, data: data::batch(arrays)? })
            }
            Some(layout) if layout == "pairs" => Err(parameters::unknown(
                "data.layout",
                &layout,
                "tuples or batch (pairs is reserved for later)",
            )),
            Some(layout) => Err(parameters::unknown("data.layout", &layout, "tuples or batch")),
            None => Err(missing("data.layout", "tuples or batch")),
        },
    }
}

pub(super) fn answer(form: AnswerForm, request: &Request) -> Result<Answer> {
    version(form.version)?;
    if let Some(refusal) = form.error {
        // The other program's words, which need not be one line.
        let words: Vec<&str> = refusal.split_whitespace().collect();
        return Err(Error::Refused(shorten(&words.join(" "))));
    }
    let Number(value) = form.value.ok_or_else(|| missing("value", "a number"))?;
    let per_anchor = form.per_anchor.ok_or_else(|| missing("per_anchor", "an array of numbers"))?;
    let anchors = anchors(request);
    if per_anchor.len() != anchors {
        return Err(mismatch("per_anchor", &[per_anchor.len()], &[anchors]));
    }
    let per_anchor = per_anchor.into_iter().map(|Number(of_anchor)| of_anchor).collect();
    let form = form.gradient.ok_or_else(|| missing("gradient", "an object with every array of the data"))?;
    Ok(match request {
        Request::Tuples { data, .. } => {
            Answer::Tuples(Evaluation { value, per_anchor, gradient: gradient::tuples(form, data)? })
        }
        Request::Batch { data, .. } => {
            Answer::Batch(Evaluation { value, per_anchor, gradient: gradient::batch(form, data)? })
        }
        Request::Supervised { data, .. } => {
            Answer::Supervised(Evaluation { value, per_anchor, gradient: gradient::labelled(form, data)? })
        }
    })
}

/// An answer of a program that need not give everything: arrays that are absent are filled with NaN, and named.
pub(super) fn reply(mut form: AnswerForm, request: &Request) -> Result<Reply> {
    let mut absent = Vec::new();
    if form.error.is_none() {
        let gradient = form.gradient.get_or_insert_default();
        match request {
            Request::Tuples { data, .. } => gradient::fill_tuples(gradient, data, &mut absent),
            Request::Batch { data, .. } => gradient::fill_batch(gradient, data, &mut absent),
            Request::Supervised { data, .. } => gradient::fill_labelled(gradient, data, &mut absent),
        }
        if form.per_anchor.is_none() {
            form.per_anchor = Some(vec![Number(f64::NAN); anchors(request)]);
            absent.push("per_anchor");
        }
    }
    Ok(Reply { answer: answer(form, request)?, absent })
}

fn anchors(request: &Request) -> usize {
    match request {
        Request::Tuples { data, .. } => data.anchor.nrows(),
        Request::Batch { data, .. } => data.views.first().map_or(0, |view| view.nrows()),
        Request::Supervised { data, .. } => data.points.nrows(),
    }
}

/// Refuses every version of requests and answers but this one, which need not be given.
fn version(given: Option<Number>) -> Result<()> {
    match given {
        Some(Number(version)) if version != VERSION => {
            Err(Error::form("version", format!("{version}, expected {VERSION}")))
        }
        _ => Ok(()),
    }
}

fn missing(path: &str, expected: impl Into<String>) -> Error {
    Error::Missing { path: path.into(), expected: expected.into() }
}

//! Requests and answers as JSON: what the command line, the servers and other languages exchange.
//!
//! A request names a loss, its settings, its parameters and its data; the answer has the value, the value
//! of each anchor and the gradient by every array of the data. Numbers are written with the fewest digits
//! that read back as the same `f64`; a negative zero stays one.
//!
//! Reading is strict: an unknown or repeated field, a `null`, a number in quotes, a ragged array or a name
//! that is not known is an [`Error`], whose one line says where. What the numbers are worth (ranges, unit
//! norms, shapes that fit each other) is judged by whoever evaluates the request; such errors become an
//! [`Error`] with the same kind of path by `From`.

mod array;
mod data;
mod error;
mod forms;
mod gradient;
mod not_finite;
mod parameters;
mod read;
mod shape;
mod write;

#[cfg(test)]
mod tests;

pub use error::{Error, Result};

use crate::{Answer, Reply, Request};

/// The longest text that is read, in bytes.
pub const LONGEST: usize = 1 << 30;

/// Reads a request.
///
/// ```json
/// { "loss": "int_nacl", "temperature": 0.5, "normalize": false, "norm_tolerance": 1e-6,
///   "parameters": { "...": "those of the loss" }, "data": { "...": "a layout" } }
/// ```
///
/// `normalize` is `false` and `norm_tolerance` `1e-6` unless given. Supervised NCA has no temperature: one
/// that is given is not read further than to see that it is in range. `"version": 1` may be given; the fields
/// `cotangent` and `temperature_gradient` and the layout `pairs` are reserved.
///
/// # Errors
/// All of [`Error`] but [`Error::Refused`], and [`Error::Value`] only for the settings of supervised NCA.
///
/// # Examples
/// ```
/// use intnacl_vocabulary::json;
///
/// let text = r#"{"loss": "nca", "temperature": 0.5, "parameters": {"negatives": {"estimator": "g0"}},
///     "data": {"layout": "tuples", "anchor": [[1, 0]], "positives": [[[0, 1]]], "negatives": [[[0, -1]]]}}"#;
/// let request = json::read_request(text)?;
/// assert_eq!(json::read_request(&json::write_request(&request))?, request);
///
/// let refused = json::read_request(&text.replace("-1", "\"-1\"")).unwrap_err();
/// assert_eq!(
///     refused.to_string(),
///     r#"data.negatives[0][0][1]: invalid type: string "-1", expected a number"#
/// );
/// # Ok::<(), json::Error>(())
/// ```
pub fn read_request(text: &str) -> Result<Request> {
    read::request(read::parse(text, "the request")?)
}

/// Writes a request as one line, without a line break at its end.
///
/// It reads back as the same request. Only a number that JSON does not have (NaN, an infinity), which no
/// evaluation accepts either, becomes `null`, which no reader accepts.
///
/// # Examples
/// ```
/// use intnacl_vocabulary::{Labelled, Objective, Request, json};
/// use nalgebra::dmatrix;
///
/// let request = Request::Supervised {
///     objective: Objective::TotalVariation,
///     data: Labelled { transform: dmatrix![1.0, -0.0], points: dmatrix![1.0, 2.0; 0.1, 4.0], labels: vec![3, 3] },
/// };
/// assert_eq!(
///     json::write_request(&request),
///     r#"{"loss":"supervised_nca","parameters":{"objective":"total_variation"},"data":{"transform":[[1.0,-0.0]],"points":[[1.0,2.0],[0.1,4.0]],"labels":[3,3]}}"#
/// );
/// ```
pub fn write_request(request: &Request) -> String {
    write::request(request, write::Style::Full)
}

/// Writes a request as [`write_request`] does, without the fields that have their default.
///
/// These are `"symmetric": true`, `"normalize": false`, `"norm_tolerance": 1e-6`, `weight_negatives` that are the
/// `negatives`, `"joined": true`, and no parameters. It reads back as the same request.
///
/// # Examples
/// ```
/// use intnacl_vocabulary::{Batch, Loss, Request, Settings, json};
/// use nalgebra::dmatrix;
///
/// let data = Batch::new(vec![dmatrix![1.0; -1.0], dmatrix![1.0; 1.0]]);
/// let request = Request::Batch { loss: Loss::SimClr, settings: Settings::new(0.5), data };
/// assert_eq!(
///     json::write_request_tersely(&request),
///     r#"{"loss":"simclr","temperature":0.5,"data":{"layout":"batch","views":[[[1.0],[-1.0]],[[1.0],[1.0]]]}}"#
/// );
/// ```
pub fn write_request_tersely(request: &Request) -> String {
    write::request(request, write::Style::Terse)
}

/// Writes an answer as one line, without a line break at its end:
/// `{"value": …, "per_anchor": […], "gradient": {…}}`, the gradient with every array of the data.
///
/// # Examples
/// ```
/// use intnacl_vocabulary::{Answer, Evaluation, Tuples, json};
/// use nalgebra::dmatrix;
///
/// let gradient = Tuples::new(dmatrix![1.0, 0.0], vec![dmatrix![0.5, 0.0]], vec![dmatrix![0.0, 2.0]]);
/// let answer = Answer::Tuples(Evaluation { value: 0.25, per_anchor: vec![0.25], gradient });
/// assert_eq!(
///     json::write_answer(&answer),
///     r#"{"value":0.25,"per_anchor":[0.25],"gradient":{"anchor":[[1.0,0.0]],"positives":[[[0.5,0.0]]],"negatives":[[[0.0,2.0]]]}}"#
/// );
/// ```
pub fn write_answer(answer: &Answer) -> String {
    write::answer(answer)
}

/// Reads the answer to `request`, as this or any other implementation wrote it.
///
/// # Errors
/// [`Error::Refused`] if the answer is `{"error": "…"}`; otherwise as [`read_request`], and
/// [`Error::Value`] if an array of the gradient, or `per_anchor`, has another shape than the data ask for.
///
/// # Examples
/// ```
/// use intnacl_vocabulary::json;
///
/// let text = r#"{"loss": "simclr", "temperature": 1, "data": {"layout": "tuples",
///     "anchor": [[1, 0]], "positives": [[[0, 1]]], "negatives": [[[0, -1]]]}}"#;
/// let request = json::read_request(text)?;
/// let answer = r#"{"value": 0.7, "per_anchor": [0.7], "gradient": {"anchor": [[0, -1]]}}"#;
/// let refused = json::read_answer(answer, &request).unwrap_err();
/// assert_eq!(refused.to_string(), "gradient.positives is missing: expected an array of shape [1][1][2]");
/// # Ok::<(), json::Error>(())
/// ```
pub fn read_answer(text: &str, request: &Request) -> Result<Answer> {
    read::answer(read::parse(text, "the answer")?, request)
}

/// Reads the answer of a program that need not give everything: `per_anchor` and arrays of the gradient may be absent.
///
/// NaN and infinities are found where other programs write them, although JSON has no such numbers.
///
/// # Errors
/// [`Error::NotFinite`], with the number's place; otherwise as [`read_answer`].
///
/// # Examples
/// ```
/// use intnacl_vocabulary::json;
///
/// let text = r#"{"loss": "simclr", "temperature": 1, "data": {"layout": "tuples",
///     "anchor": [[1, 0]], "positives": [[[0, 1]]], "negatives": [[[0, -1]]]}}"#;
/// let request = json::read_request(text)?;
/// let reply = json::read_reply(r#"{"value": 0.7, "gradient": {"anchor": [[0, -1]]}}"#, &request)?;
/// assert_eq!(reply.absent, ["positives", "negatives", "per_anchor"]);
///
/// let answer = r#"{"value": 0.7, "gradient": {"anchor": [[0, NaN]]}}"#;
/// let error = json::read_reply(answer, &request).unwrap_err();
/// assert_eq!(error.to_string(), "gradient.anchor[0][1] is NaN: expected a finite number");
/// # Ok::<(), json::Error>(())
/// ```
pub fn read_reply(text: &str, request: &Request) -> Result<Reply> {
    match not_finite::find(text) {
        Some(error) => Err(error),
        None => read::reply(read::parse(text, "the answer")?, request),
    }
}

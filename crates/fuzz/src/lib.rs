//! What outsiders send, as properties that hold for any bytes.
//!
//! Each target is a function that panics where a promise is broken. `cargo xtask fuzz` has libFuzzer look for such bytes; the
//! tests run each target on its committed corpus, a part of what libFuzzer found to reach the most code with the fewest files.
//!
//! | target | bytes are | promise |
//! |---|---|---|
//! | [`requests`] | the JSON of a request | refused with a place, or read; what is read is written and read as the same |
//! | [`answers`] | the number of a request, and a program's answer | refused with a place, or judged |
//! | [`results`] | a file for `intnacl vectors check` | refused with a place, or judged |
//! | [`numbers`] | draws for a request of any loss, layout and size of numbers | a typed error, or finite results |
//! | [`c_border`] | text, or a batch with strides, sizes and pointers of any kind, for C's functions | a code with a message, or what the engine gives for the same entries; no byte is touched that was not handed over |

#![deny(unsafe_code)]

mod border;
mod draw;

pub use border::c_border;

use std::collections::HashMap;
use std::sync::LazyLock;

use intnacl_engine::{Element, Shape, Started};
use intnacl_judge::vectors::{self, Vector};
use intnacl_judge::{Float, agreement_of};
use intnacl_reference::explain::explain;
use intnacl_reference::{Answer, Batch, EvaluateRequest, Loss, Request, Settings, json};
use intnacl_vocabulary::Layout;

static PUBLISHED: LazyLock<Vec<Vector>> = LazyLock::new(vectors::published);

static BY_ID: LazyLock<HashMap<String, Vector>> = LazyLock::new(vectors::by_id);

/// A promise about any bytes.
pub type Target = fn(&[u8]);

/// The targets, by name.
pub const TARGETS: [(&str, Target); 5] = [
    ("requests", requests),
    ("answers", answers),
    ("results", results),
    ("numbers", numbers),
    ("c_border", c_border),
];

/// Reads a request, writes it, and evaluates it.
pub fn requests(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(request) = json::read_request(text) else { return };
    for written in [json::write_request(&request), json::write_request_tersely(&request)] {
        assert_eq!(json::read_request(&written).as_ref(), Ok(&request), "written as {written}");
    }
    evaluated(&request);
}

/// Reads an answer to a vector's request, and judges it.
pub fn answers(bytes: &[u8]) {
    let Some((number, answer)) = bytes.split_first() else { return };
    let Ok(answer) = std::str::from_utf8(answer) else { return };
    let request = &PUBLISHED[usize::from(*number) % PUBLISHED.len()].request;
    let reply = json::read_reply(answer, request).map_err(|error| error.to_string());
    agreement_of(request, reply, Float::F32);
}

/// Reads the lines of a file of results, and judges them.
pub fn results(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for line in text.lines() {
        let Ok((vector, reply)) = vectors::read_result(line, &BY_ID) else { continue };
        vectors::judge(vector, reply, Float::F64);
    }
}

/// Evaluates a request with numbers of any size, by the reference and by the engine.
pub fn numbers(bytes: &[u8]) {
    let Ok(request) = draw::request(bytes) else { return };
    evaluated(&request);
    if let Request::Batch { loss, settings, data } = &request {
        by_engine::<f64>(loss, settings, data);
        by_engine::<f32>(loss, settings, data);
    }
}

/// Evaluates a request: an error, or the same finite answer each time, which is written and read as the same.
fn evaluated(request: &Request) {
    let evaluate = || request.evaluate().map_err(|error| error.to_string());
    let answer = evaluate();
    assert_eq!(answer, evaluate(), "asked twice: {}", json::write_request(request));
    let explanation = explain(request);
    let Ok(answer) = answer else {
        assert!(explanation.is_err(), "explained without an answer: {}", json::write_request(request));
        return;
    };
    assert!(is_finite(&answer), "{answer:?} to {}", json::write_request(request));
    let written = json::write_answer(&answer);
    assert_eq!(json::read_answer(&written, request).as_ref(), Ok(&answer), "written as {written}");
    if let Ok(explanation) = explanation {
        let text = explanation.to_json(&[], 3);
        assert!(
            !text.contains("NaN") && !text.contains("null"),
            "{text} of {}",
            json::write_request(request)
        );
    }
}

fn is_finite(answer: &Answer) -> bool {
    let (value, per_anchor, gradient) = match answer {
        Answer::Tuples(answer) => (answer.value, &answer.per_anchor, matrices(&answer.gradient)),
        Answer::Batch(answer) => (answer.value, &answer.per_anchor, matrices(&answer.gradient)),
        Answer::Supervised(answer) => {
            let gradient = [&answer.gradient.transform, &answer.gradient.points];
            (
                answer.value,
                &answer.per_anchor,
                gradient.iter().flat_map(|matrix| matrix.iter().copied()).collect(),
            )
        }
    };
    [value].iter().chain(per_anchor).chain(&gradient).all(|number| number.is_finite())
}

fn matrices(gradient: &impl Layout) -> Vec<f64> {
    gradient.matrices().into_iter().flat_map(|(_, matrix)| matrix.iter().copied()).collect()
}

/// Evaluates a batch by the engine: an error, or a finite evaluation.
fn by_engine<T: Element>(loss: &Loss, settings: &Settings, data: &Batch) {
    let Some((images, columns)) = data.views.first().map(|view| view.shape()) else { return };
    if data.validate(loss, settings).is_err() {
        return;
    }
    let entries = |matrices: &[nalgebra::DMatrix<f64>]| -> Vec<T> {
        matrices
            .iter()
            .flat_map(|matrix| matrix.transpose().iter().map(|x| T::from_f64(*x)).collect::<Vec<_>>())
            .collect()
    };
    let Ok(shape) = Shape::new(data.views.len(), images, columns) else { return };
    let views = entries(&data.views);
    let mixed = data.mixed.as_deref().map(entries);
    let adversarial = data.adversarial.as_ref().map(|matrix| entries(std::slice::from_ref(matrix)));
    let batch = intnacl_engine::Batch {
        symmetric: data.symmetric,
        mixed: mixed.as_deref(),
        adversarial: adversarial.as_deref(),
        ..intnacl_engine::Batch::new(shape, &views)
    };
    let Ok(found) = batch.evaluate(loss, settings, &Started(1)) else { return };
    let gradient = [Some(found.gradient.views), found.gradient.mixed, found.gradient.adversarial];
    let mut gradient = gradient.into_iter().flatten().flatten().map(T::to_f64);
    let finite = found.value.is_finite() && found.per_image.iter().all(|value| value.is_finite());
    assert!(finite && gradient.all(f64::is_finite), "the engine on {loss:?}, {settings:?}, {data:?}");
}

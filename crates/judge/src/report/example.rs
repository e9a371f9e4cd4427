//! A counterexample: its request, the right answer and the program's, and what the loss is made of.

use super::Check;
use super::quantities::Quantities;
use super::written::{count, number};
use crate::agreement::agrees_on;
use crate::check::Given;
use crate::trial::Trial;
use crate::{Case, Counterexample, Finding, Float, Standard};
use intnacl_reference::inside::norm;
use intnacl_reference::{Answer, EvaluateRequest, Layout, Reply, Request, Settings};
use intnacl_vocabulary::json;
use nalgebra::DMatrix;
use std::cell::Cell;
use std::collections::HashMap;

/// How many numbers of an answer are shown: those that are the farthest off.
const MOST: usize = 24;
/// How many entries of a row are shown.
const ENTRIES: usize = 4;
/// The digits of a number that is compared with another one.
const DIGITS: usize = 8;

/// A failure as the page tells it.
pub(super) struct Example {
    pub(super) id: String,
    pub(super) law: &'static str,
    pub(super) statement: &'static str,
    pub(super) column: String,
    pub(super) message: String,
    pub(super) known: Option<String>,
    pub(super) note: Option<String>,
    pub(super) code: Option<String>,
    pub(super) asked: Option<Asked>,
}

/// The request and both answers.
pub(super) struct Asked {
    pub(super) request: String,
    /// The request in words.
    pub(super) words: String,
    pub(super) rows: Vec<Row>,
    /// Why rows are absent, or are not all.
    pub(super) remark: Option<String>,
    pub(super) quantities: Option<Quantities>,
}

/// A number or a row of numbers in both answers.
pub(super) struct Row {
    pub(super) what: String,
    pub(super) right: String,
    pub(super) found: String,
    pub(super) off: String,
    /// How far it may be off, where that is known.
    pub(super) budget: String,
    pub(super) breaks: bool,
    error: f64,
}

impl Example {
    pub(super) fn new(at: usize, check: &Check<'_>, found: &Counterexample) -> Self {
        let report = check.report;
        let law = crate::laws().into_iter().find(|law| law.name == report.law);
        Self {
            id: format!("failure-{at}"),
            law: report.law,
            statement: law.map_or("", |law| law.statement),
            column: format!("{} in {}", report.loss, check.float),
            message: found.message.clone(),
            known: check.known.clone(),
            note: check.note.clone(),
            code: check.code.clone(),
            asked: found
                .request
                .as_ref()
                .map(|request| Asked::new(request, found.answer.as_ref(), check.float, report.standard)),
        }
    }
}

impl Asked {
    fn new(request: &Request, reply: Option<&Reply>, float: Float, standard: Standard) -> Self {
        let (mut rows, mut remark) = (Vec::new(), None);
        match (request.evaluate(), reply) {
            (Ok(exact), Some(reply)) => {
                rows = compared(request, &exact, reply, float, standard);
                let all = rows.len();
                if all > MOST {
                    rows.sort_by(|a, b| b.breaks.cmp(&a.breaks).then(b.error.total_cmp(&a.error)));
                    rows.truncate(MOST);
                    remark = Some(format!("The {MOST} that are the farthest off, of {all}."));
                } else if rows.iter().all(|row| !row.breaks && !row.budget.is_empty()) {
                    remark = Some(
                        "The answer to this request alone is right: the law compares it with the answer to another one."
                            .into(),
                    );
                }
            }
            (Ok(exact), None) => {
                rows = flat(&exact)
                    .into_iter()
                    .take(MOST)
                    .map(|(what, right)| Row::alone(what, &right))
                    .collect();
                remark = Some("The program gave no answer.".into());
            }
            (Err(error), _) => remark = Some(format!("The reference has no answer: {error}.")),
        }
        let per_anchor = reply.map_or(&[][..], |reply| per_anchor(&reply.answer));
        Self {
            request: json::write_request(request),
            words: in_words(request),
            rows,
            remark,
            quantities: Quantities::new(request, per_anchor),
        }
    }
}

fn per_anchor(answer: &Answer) -> &[f64] {
    match answer {
        Answer::Tuples(of) => &of.per_anchor,
        Answer::Batch(of) => &of.per_anchor,
        Answer::Supervised(of) => &of.per_anchor,
    }
}

/// Every number of an answer, the gradient by rows, under the names that measurements have.
fn flat(answer: &Answer) -> Vec<(String, Vec<f64>)> {
    let (value, matrices) = match answer {
        Answer::Tuples(of) => (of.value, of.gradient.matrices()),
        Answer::Batch(of) => (of.value, of.gradient.matrices()),
        Answer::Supervised(of) => {
            let gradient = [("transform", &of.gradient.transform), ("points", &of.gradient.points)];
            (of.value, gradient.map(|(name, matrix)| (name.to_owned(), matrix)).into())
        }
    };
    let mut all = vec![("value".to_owned(), vec![value])];
    let anchors = per_anchor(answer).iter().enumerate();
    all.extend(anchors.map(|(i, value)| (format!("per_anchor[{i}]"), vec![*value])));
    for (name, matrix) in matrices {
        let rows = matrix.row_iter().enumerate();
        all.extend(rows.map(|(i, row)| (format!("gradient.{name}[{i}]"), row.iter().copied().collect())));
    }
    all
}

/// Both answers number by number; what the program left out is left out.
fn compared(request: &Request, exact: &Answer, reply: &Reply, float: Float, standard: Standard) -> Vec<Row> {
    let case = Case::default();
    let given = Given { float, reply: Cell::new(Some(Ok(reply.clone()))) };
    let trial = Trial::recording(&case, &given);
    // Where a number is not finite there are no measurements, and no budgets to show.
    let measured: HashMap<String, Finding> = match agrees_on(&trial, request) {
        Ok(()) => {
            trial.recorded(standard).into_iter().map(|finding| (finding.what.clone(), finding)).collect()
        }
        Err(_) => HashMap::new(),
    };
    let is_absent = |what: &str| {
        let name = what.trim_start_matches("gradient.");
        reply.absent.contains(&name.split('[').next().unwrap_or(name))
    };
    let pairs = flat(exact).into_iter().zip(flat(&reply.answer)).filter(|((what, _), _)| !is_absent(what));
    let rows = pairs.map(|((what, right), (_, found))| {
        let is_finite = found.iter().all(|x| x.is_finite());
        let difference =
            if is_finite { norm(right.iter().zip(&found).map(|(a, b)| a - b)) } else { f64::NAN };
        let measured = measured.get(&what).filter(|finding| finding.budget.is_finite());
        let error = measured.map_or(difference, |finding| finding.error);
        Row {
            right: written(&right),
            found: written(&found),
            off: number(error, 2),
            budget: measured.map_or_else(String::new, |finding| number(finding.budget, 2)),
            breaks: measured.map_or(!is_finite, Finding::breaks),
            what,
            error,
        }
    });
    rows.collect()
}

impl Row {
    fn alone(what: String, right: &[f64]) -> Self {
        let (found, off, budget) = ("none".into(), String::new(), String::new());
        Self { what, right: written(right), found, off, budget, breaks: true, error: f64::INFINITY }
    }
}

/// A number, or a row of some.
fn written(row: &[f64]) -> String {
    match row {
        [x] => number(*x, DIGITS),
        _ if row.iter().all(|x| x.is_nan()) => "NaN".into(),
        _ => {
            let entries: Vec<String> = row.iter().take(ENTRIES).map(|x| number(*x, DIGITS)).collect();
            format!("{}{}", entries.join(", "), if row.len() > ENTRIES { ", …" } else { "" })
        }
    }
}

/// What is asked, in words.
fn in_words(request: &Request) -> String {
    let head = |loss: &str, settings: &Settings| {
        let inside = if settings.normalize { ", rows normalised inside" } else { "" };
        format!("{loss} at t = {}{inside}", number(settings.temperature, 6))
    };
    let images = |matrix: &DMatrix<f64>| {
        format!("{} in {}", matrix.nrows(), count(matrix.ncols(), "dimension", "dimensions"))
    };
    match request {
        Request::Tuples { loss, settings, data } => format!(
            "{}; anchors: {}; each with {} and {}",
            head(loss.name(), settings),
            images(&data.anchor),
            count(data.positives.first().map_or(0, DMatrix::nrows), "positive", "positives"),
            count(data.negatives.first().map_or(0, DMatrix::nrows), "negative", "negatives"),
        ),
        Request::Batch { loss, settings, data } => format!(
            "{}; images: {}; {}{}",
            head(loss.name(), settings),
            data.views.first().map_or_else(String::new, images),
            count(data.views.len(), "view", "views"),
            if data.symmetric { "" } else { "; view 0 alone is an anchor" },
        ),
        Request::Supervised { data, .. } => format!("supervised NCA; points: {}", images(&data.points)),
    }
}

//! The intermediate quantities of a loss, in the form of `intnacl explain --json`.

use intnacl_reference::explain::{Anchor, Derivative, Role, Term, explain as explained};
use intnacl_reference::{Negatives, Request};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::{Value, json};

use crate::evaluate::interruptible;
use crate::{arrays, refused};

/// The quantities of a request as JSON, `largest` derivatives of each term.
#[pyfunction]
pub fn explain(py: Python<'_>, head: &str, data: &Bound<'_, PyDict>, largest: usize) -> PyResult<String> {
    let request = arrays::request(head, data)?;
    let (name, temperature, kind) = match &request {
        Request::Tuples { loss, settings, .. } => (loss.name(), settings.temperature, "anchor"),
        Request::Batch { loss, settings, .. } => (loss.name(), settings.temperature, "image"),
        Request::Supervised { .. } => ("supervised_nca", 1.0, "point"),
    };
    let explanation = interruptible(py, move || explained(&request))?.map_err(refused)?;
    let anchors: Vec<Value> = explanation
        .anchors
        .iter()
        .enumerate()
        .map(|(index, anchor)| of_anchor(index, anchor, largest))
        .collect();
    let whole = json!({
        "loss": name,
        "value": explanation.value,
        "log_floor": -1.0 / temperature,
        "anchors_are": kind,
        "anchors": anchors,
    });
    Ok(whole.to_string())
}

fn of_anchor(index: usize, anchor: &Anchor, largest: usize) -> Value {
    let terms: Vec<Value> = anchor.terms.iter().map(|term| of_term(term, largest)).collect();
    json!({ "index": index, "value": anchor.value, "terms": terms })
}

fn of_term(term: &Term, largest: usize) -> Value {
    let estimator = match term.estimator {
        Negatives::G0 => json!({ "estimator": "g0" }),
        Negatives::G1 { tau_plus } => json!({ "estimator": "g1", "tau_plus": tau_plus }),
        Negatives::G2 { tau_plus, beta } => json!({ "estimator": "g2", "tau_plus": tau_plus, "beta": beta }),
    };
    let [positives, negatives, draws] = term.counts;
    json!({
        "name": term.name,
        "anchor": term.anchor,
        "negatives": estimator,
        "coefficient": term.coefficient,
        "gradient_coefficient": term.gradient_coefficient,
        "value": term.value,
        "counts": { "positives": positives, "negatives": negatives, "draws": draws },
        "log_positives": term.log_positives,
        "log_mean_negatives": term.log_mean_negatives,
        "log_mean_draws": term.log_mean_draws,
        "log_estimate": term.log_estimate,
        "floored": term.floored,
        "omega": term.omega,
        "effective_negatives": {
            "hardness": term.effective_negatives.hardness,
            "softmax": term.effective_negatives.softmax,
        },
        "bits_lost": {
            "estimator": term.bits_lost.estimator,
            "logarithms": term.bits_lost.logarithms,
            "slope": term.bits_lost.slope,
        },
        "score_gradient": term.gradient.iter().take(largest).map(of_derivative).collect::<Vec<_>>(),
    })
}

fn of_derivative(entry: &Derivative) -> Value {
    let role = match entry.role {
        Role::Positive => "positive",
        Role::Negative => "negative",
        Role::Draw => "draw",
    };
    json!({ "row": entry.row, "role": role, "score": entry.score, "derivative": entry.derivative })
}

//! An explanation as JSON, the form that programs exchange.

use super::{Derivative, Explanation, Term};
use crate::vocabulary::Negatives;
use serde_json::{Value, json};

impl Explanation {
    /// The quantities of some anchors as one line of JSON, with the `largest` derivatives of each term.
    ///
    /// Indices beyond the last anchor are left out.
    ///
    /// # Examples
    /// ```
    /// use intnacl_reference::{Loss, Request, Settings, Tuples, explain::explain};
    /// use nalgebra::dmatrix;
    ///
    /// let data = Tuples::new(dmatrix![1.0], vec![dmatrix![1.0]], vec![dmatrix![1.0]]);
    /// let request = Request::Tuples { loss: Loss::SimClr, settings: Settings::new(0.5), data };
    /// let line = explain(&request)?.to_json(&[0], 1);
    /// assert!(line.contains(r#""loss":"simclr""#) && line.contains(r#""omega":0.5"#));
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn to_json(&self, anchors: &[usize], largest: usize) -> String {
        let chosen = anchors.iter().filter_map(|index| Some((index, self.anchors.get(*index)?)));
        let anchors: Vec<Value> = chosen
            .map(|(index, anchor)| {
                let terms: Vec<Value> = anchor.terms.iter().map(|term| of_term(term, largest)).collect();
                json!({ "index": index, "value": anchor.value, "terms": terms })
            })
            .collect();
        let explained = json!({
            "loss": self.loss,
            "value": self.value,
            "log_floor": self.log_floor,
            "anchors_are": self.anchors_are,
            "anchors": anchors,
        });
        explained.to_string()
    }
}

fn of_term(term: &Term, largest: usize) -> Value {
    let estimator = match term.estimator {
        Negatives::G0 => json!({ "estimator": "g0" }),
        Negatives::G1 { tau_plus } => json!({ "estimator": "g1", "tau_plus": tau_plus }),
        Negatives::G2 { tau_plus, beta } => json!({ "estimator": "g2", "tau_plus": tau_plus, "beta": beta }),
    };
    let entry = |entry: &Derivative| {
        json!({
            "row": entry.row,
            "role": entry.role.to_string(),
            "score": entry.score,
            "derivative": entry.derivative,
        })
    };
    let gradient: Vec<Value> = term.gradient.iter().take(largest).map(entry).collect();
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
        "score_gradient": gradient,
    })
}

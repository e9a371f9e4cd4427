//! Shared parts of the unit tests: random numbers, one loss of every form, and requests about random embeddings.

use intnacl_judge::images::Rng;
use intnacl_reference::{Answer, Loss, LossName, Negatives, Neighborhood, Request, RobustTerm, Weight, json};
use serde_json::{Value, json};

/// Random numbers, and rows and matrices of them.
pub(crate) struct Random(pub(crate) Rng);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Rng::new(seed))
    }

    /// Uniform in `[-1, 1)`.
    pub(crate) fn uniform(&mut self) -> f64 {
        2.0 * self.0.uniform() - 1.0
    }

    /// A vector of unit norm that leans towards the first axis, the more so the larger `pull`; its entries
    /// are rounded to `f32`, so that all kinds but the halves get the same input.
    pub(crate) fn unit(&mut self, d: usize, pull: f64) -> Vec<f64> {
        let mut row: Vec<f64> = (0..d).map(|_| self.uniform()).collect();
        row[0] += pull;
        let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        row.iter().map(|x| f64::from((x / norm) as f32)).collect()
    }

    pub(crate) fn rows(&mut self, count: usize, d: usize, pull: f64) -> Vec<Vec<f64>> {
        (0..count).map(|_| self.unit(d, pull)).collect()
    }

    pub(crate) fn matrices(&mut self, count: usize, rows: usize, d: usize, pull: f64) -> Vec<Vec<Vec<f64>>> {
        (0..count).map(|_| self.rows(rows, d, pull)).collect()
    }
}

/// Every loss, with every estimator, weight and neighbourhood in some of them.
pub(crate) fn losses() -> Vec<Loss> {
    let g1 = Negatives::G1 { tau_plus: 0.1 };
    let g2 = Negatives::G2 { tau_plus: 0.05, beta: 0.5 };
    let robust = |weight| RobustTerm { negatives: g2, weight };
    let with = |neighborhood, weight| Loss::IntNaCl {
        negatives: g1,
        alpha: 0.7,
        robust: robust(weight),
        neighborhood,
    };
    let of = |name: &LossName| match name {
        LossName::SimClr => vec![Loss::SimClr],
        LossName::Debiased => vec![Loss::Debiased { tau_plus: 0.1 }],
        LossName::HardNegative => vec![
            Loss::HardNegative { tau_plus: 0.1, beta: 1.0 },
            Loss::HardNegative { tau_plus: 0.0, beta: 2.0 },
        ],
        LossName::Adversarial => vec![Loss::Adversarial { alpha: 0.5 }],
        LossName::Nca => vec![
            Loss::Nca { negatives: Negatives::G0 },
            Loss::Nca { negatives: g1 },
            Loss::Nca { negatives: g2 },
        ],
        LossName::MixNca => vec![
            Loss::MixNca { negatives: Negatives::G0, lambda: 0.7 },
            Loss::MixNca { negatives: g2, lambda: 0.9 },
        ],
        LossName::Robust => vec![
            Loss::Robust { negatives: g1, weight: Weight::One, weight_negatives: Negatives::G0 },
            Loss::Robust { negatives: g2, weight: Weight::Adversarial, weight_negatives: g1 },
            Loss::Robust { negatives: g1, weight: Weight::AdversarialWithGradient, weight_negatives: g2 },
        ],
        LossName::IntCl => vec![
            Loss::IntCl { negatives: g1, alpha: 2.0, robust: robust(Weight::Adversarial) },
            Loss::IntCl { negatives: g2, alpha: 0.0, robust: robust(Weight::One) },
        ],
        LossName::IntNaCl => vec![
            with(Neighborhood::Nca, Weight::AdversarialWithGradient),
            with(Neighborhood::MixNca { lambda: 0.6 }, Weight::Adversarial),
            with(Neighborhood::Combined { lambda: 0.6, joined: true }, Weight::One),
            with(Neighborhood::Combined { lambda: 0.3, joined: false }, Weight::Adversarial),
        ],
    };
    LossName::ALL.iter().flat_map(of).collect()
}

/// Tuples of 3 anchors with all optional arrays, in 5 dimensions.
pub(crate) fn tuples(seed: u64, pull: f64) -> Value {
    let (b, m, n, d) = (3, 3, 6, 5);
    let r = &mut Random::new(seed);
    json!({
        "layout": "tuples",
        "anchor": r.rows(b, d, pull),
        "positives": r.matrices(b, m, d, pull),
        "negatives": r.matrices(b, n, d, 0.0),
        "debias_positives": r.matrices(b, 2, d, pull),
        "mixed": r.matrices(b, m - 1, d, pull),
        "mixed_negatives": (0..b).map(|_| r.matrices(m - 1, n - 1, d, 0.0)).collect::<Vec<_>>(),
        "adversarial": r.rows(b, d, pull),
        "adversarial_negatives": r.matrices(b, n + 1, d, 0.0),
    })
}

/// The same with nothing that has a default.
pub(crate) fn plain_tuples(seed: u64, pull: f64) -> Value {
    let mut data = tuples(seed, pull);
    for name in ["debias_positives", "mixed_negatives", "adversarial_negatives"] {
        data.as_object_mut().unwrap().remove(name);
    }
    data
}

/// A batch of 4 images in 4 views, with mixed and adversarial views.
pub(crate) fn batch(seed: u64, symmetric: bool) -> Value {
    let (b, m, d) = (4, 3, 5);
    let r = &mut Random::new(seed);
    json!({
        "layout": "batch", "symmetric": symmetric, "views": r.matrices(m + 1, b, d, 0.0),
        "mixed": r.matrices(m - 1, b, d, 0.0), "adversarial": r.rows(b, d, 0.0),
    })
}

/// Points of two classes whose squared distances under the transform are about `size`.
pub(crate) fn labelled(seed: u64, size: f64) -> Value {
    let r = &mut Random::new(seed);
    let scale = |rows: Vec<Vec<f64>>| -> Vec<Vec<f64>> {
        rows.into_iter().map(|row| row.into_iter().map(|x| x * size.sqrt()).collect()).collect()
    };
    json!({
        "transform": scale(r.rows(2, 4, 0.0)),
        "points": r.rows(8, 4, 0.3),
        "labels": [0, 1, 1, 0, 1, 0, 0, 1],
    })
}

/// A request about data that were written as JSON; `loss` replaces the one that it is read with.
pub(crate) fn request(loss: Loss, temperature: f64, data: &Value) -> Request {
    let text = json!({"loss": "simclr", "temperature": temperature, "data": data}).to_string();
    let mut request = json::read_request(&text).unwrap();
    match &mut request {
        Request::Tuples { loss: read, .. } | Request::Batch { loss: read, .. } => *read = loss,
        Request::Supervised { .. } => unreachable!(),
    }
    request
}

pub(crate) fn supervised(objective: &str, data: &Value) -> Request {
    let parameters = json!({ "objective": objective });
    let request = json!({"loss": "supervised_nca", "parameters": parameters, "data": data});
    json::read_request(&request.to_string()).unwrap()
}

/// An answer's value with the values per anchor, and its gradient by each array.
pub(crate) fn numbers(answer: &Answer) -> (Vec<f64>, Vec<(String, Vec<f64>)>) {
    let answer: Value = serde_json::from_str(&json::write_answer(answer)).unwrap();
    let mut values = flat(&answer["value"]);
    values.extend(flat(&answer["per_anchor"]));
    let gradient = answer["gradient"].as_object().unwrap();
    (values, gradient.iter().map(|(name, array)| (name.clone(), flat(array))).collect())
}

fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(entries) => entries.iter().flat_map(flat).collect(),
        Value::Number(number) => vec![number.as_f64().unwrap()],
        _ => Vec::new(),
    }
}

/// The largest relative error of the values, and the largest error of the gradient relative to its largest
/// entry. Differences as small as `underflow` do not count.
pub(crate) fn errors(found: &Answer, exact: &Answer, underflow: f64) -> (f64, f64) {
    let ((found, found_gradient), (exact, exact_gradient)) = (numbers(found), numbers(exact));
    let apart = |found: &[f64], exact: &[f64]| -> Vec<f64> {
        assert_eq!(found.len(), exact.len());
        found.iter().zip(exact).map(|(x, y)| ((x - y).abs() - underflow).max(0.0)).collect()
    };
    let relative = |(apart, exact): (f64, &f64)| if apart == 0.0 { 0.0 } else { apart / exact.abs() };
    let value = apart(&found, &exact).into_iter().zip(&exact).map(relative).fold(0.0, f64::max);

    let norm = exact_gradient.iter().flat_map(|(_, g)| g).fold(0.0, |norm: f64, x| norm.max(x.abs()));
    let mut gradient: f64 = 0.0;
    for ((name, found), (same, exact)) in found_gradient.iter().zip(&exact_gradient) {
        assert_eq!(name, same);
        let worst = apart(found, exact).into_iter().fold(0.0, f64::max);
        gradient = gradient.max(relative((worst, &norm)));
    }
    (value, gradient)
}

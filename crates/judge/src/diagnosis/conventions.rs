//! Other conventions: what a program may have computed in place of what was asked for.

use super::explain::{explains, flat};
use super::probe::Probe;
use crate::layouts::tuples_of_pair;
use intnacl_reference::{
    Answer, Batch, EvaluateRequest, Evaluation, Loss, Negatives, Request, RobustTerm, Settings,
};
use nalgebra::DMatrix;

/// A convention, and the right answer by it.
type Convention = (&'static str, fn(&Request) -> Option<Answer>);

const CONVENTIONS: [Convention; 12] = [
    ("one direction: view 1 is no anchor", |request| exact(&with_symmetric(request, false))),
    ("both directions: view 1 is an anchor too, whatever `symmetric` says", |request| {
        exact(&with_symmetric(request, true))
    }),
    ("rows are normalised inside, so the gradient has no part along them", |request| {
        exact(&with_settings(request, |settings| settings.normalizing()))
    }),
    ("the views of an image are in the other order", swapped),
    ("the negatives are those of the other view alone, N = B-1", |request| of_half(request, false)),
    ("the negatives are those of the anchor's own view alone, N = B-1", |request| of_half(request, true)),
    ("the temperature has no effect: it is 1", |request| at_temperature(request, |_| 1.0)),
    ("scores are multiplied by the temperature, not divided by it", |request| {
        at_temperature(request, f64::recip)
    }),
    ("scores are divided by the temperature twice", |request| at_temperature(request, |t| t * t)),
    ("τ has no effect: it is 0", |request| exact(&with_estimators(request, |_, beta| (0.0, beta)))),
    ("β has no effect: it is 0", |request| exact(&with_estimators(request, |tau_plus, _| (tau_plus, 0.0)))),
    ("the hardness weights have β+1 for β", |request| {
        exact(&with_estimators(request, |tau_plus, beta| (tau_plus, beta + 1.0)))
    }),
];

/// The convention by which all answers are right.
pub(super) fn conventions(probes: &[Probe]) -> Option<&'static str> {
    let explained = |answer: fn(&Request) -> Option<Answer>| {
        explains(probes, |probe| answer(&probe.request).as_ref().and_then(flat))
    };
    CONVENTIONS.into_iter().find_map(|(name, answer)| explained(answer).then_some(name))
}

/// The answers to a request by each convention.
pub(super) fn answers(request: &Request) -> impl Iterator<Item = Option<Answer>> {
    CONVENTIONS.into_iter().map(|(_, answer)| answer(request))
}

fn exact(request: &Request) -> Option<Answer> {
    request.evaluate().ok()
}

fn with_symmetric(request: &Request, symmetric: bool) -> Request {
    let mut request = request.clone();
    if let Request::Batch { data, .. } = &mut request {
        data.symmetric = symmetric;
    }
    request
}

fn with_settings(request: &Request, change: impl Fn(Settings) -> Settings) -> Request {
    let mut request = request.clone();
    if let Request::Batch { settings, .. } | Request::Tuples { settings, .. } = &mut request {
        *settings = change(*settings);
    }
    request
}

/// Below the temperatures that the laws draw, an exact value takes long.
fn at_temperature(request: &Request, of: fn(f64) -> f64) -> Option<Answer> {
    let (Request::Batch { settings, .. } | Request::Tuples { settings, .. }) = request else { return None };
    let temperature = of(settings.temperature);
    if temperature < 1e-3 {
        return None;
    }
    exact(&with_settings(request, |settings| Settings { temperature, ..settings }))
}

/// The request with other `τ` and `β` in every estimator that has them.
fn with_estimators(request: &Request, change: fn(f64, f64) -> (f64, f64)) -> Request {
    let estimator = |negatives: Negatives| match negatives {
        Negatives::G0 => Negatives::G0,
        Negatives::G1 { tau_plus } => Negatives::G1 { tau_plus: change(tau_plus, 0.0).0 },
        Negatives::G2 { tau_plus, beta } => {
            let (tau_plus, beta) = change(tau_plus, beta);
            Negatives::G2 { tau_plus, beta }
        }
    };
    let term = |robust: RobustTerm| RobustTerm { negatives: estimator(robust.negatives), ..robust };
    let mut request = request.clone();
    if let Request::Batch { loss, .. } | Request::Tuples { loss, .. } = &mut request {
        match loss {
            Loss::SimClr | Loss::Adversarial { .. } => {}
            Loss::Debiased { tau_plus } => *tau_plus = change(*tau_plus, 0.0).0,
            Loss::HardNegative { tau_plus, beta } => (*tau_plus, *beta) = change(*tau_plus, *beta),
            Loss::Nca { negatives } | Loss::MixNca { negatives, .. } => *negatives = estimator(*negatives),
            Loss::Robust { negatives, weight_negatives, .. } => {
                (*negatives, *weight_negatives) = (estimator(*negatives), estimator(*weight_negatives));
            }
            Loss::IntCl { negatives, robust, .. } | Loss::IntNaCl { negatives, robust, .. } => {
                (*negatives, *robust) = (estimator(*negatives), term(*robust));
            }
        }
    }
    request
}

fn swapped(request: &Request) -> Option<Answer> {
    let mut request = request.clone();
    if let Request::Batch { data, .. } = &mut request {
        data.views.swap(0, 1);
    }
    let mut answer = exact(&request)?;
    if let Answer::Batch(of) = &mut answer {
        of.gradient.views.swap(0, 1);
    }
    Some(answer)
}

/// The answer where an anchor's negatives are those of one view alone. Tuples name their negatives one by one.
fn of_half(request: &Request, own: bool) -> Option<Answer> {
    let Request::Batch { loss, settings, data } = request else { return exact(request) };
    if loss.needs_mixed() || loss.needs_adversarial() {
        return None;
    }
    let sides: &[[usize; 2]] = if data.symmetric { &[[0, 1], [1, 0]] } else { &[[0, 1]] };
    let others = data.views[0].nrows() - 1;
    let share = 1.0 / sides.len() as f64;
    let zero = |matrix: &DMatrix<f64>| matrix * 0.0;
    let mut total = Evaluation {
        value: 0.0,
        per_anchor: vec![0.0; others + 1],
        gradient: intnacl_reference::Layout::map_matrices(data, zero),
    };
    for &[first, second] in sides {
        let mut tuples = tuples_of_pair(&data.views[first], &data.views[second], &data.views[2..]);
        let start = if own { 0 } else { others };
        let half = |matrix: &DMatrix<f64>| matrix.rows(start, others).into_owned();
        tuples.negatives = tuples.negatives.iter().map(half).collect();
        let Answer::Tuples(of) = exact(&Request::Tuples { loss: *loss, settings: *settings, data: tuples })?
        else {
            return None;
        };
        total.value += share * of.value;
        total.per_anchor.iter_mut().zip(&of.per_anchor).for_each(|(sum, x)| *sum += share * x);
        let views = &mut total.gradient.views;
        views[first] += share * &of.gradient.anchor;
        let negatives = if own { first } else { second };
        for (i, (near, far)) in of.gradient.positives.iter().zip(&of.gradient.negatives).enumerate() {
            for (j, row) in near.row_iter().enumerate() {
                let mut into = views[if j == 0 { second } else { 1 + j }].row_mut(i);
                into += share * row;
            }
            for (k, row) in far.row_iter().enumerate() {
                let mut into = views[negatives].row_mut(k + usize::from(k >= i));
                into += share * row;
            }
        }
    }
    Some(Answer::Batch(Evaluation {
        gradient: Batch { symmetric: data.symmetric, ..total.gradient },
        ..total
    }))
}

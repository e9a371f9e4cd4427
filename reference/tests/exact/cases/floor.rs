//! Data whose g1 or g2 lies at its floor, or as close to it as an f64 allows, on either side.
//!
//! The branch that is taken shows in the gradient, so that a difference that is known to too few digits gives
//! a wrong one, not a slightly inaccurate one.

use super::geometry::{basis, matrix, scaled, unit};
use super::rng::Rng;
use super::{Case, TEMPERATURES};
use crate::arrays::Arrays;
use crate::big::{Big, at_precision};
use crate::formula::unfloored;
use crate::sheet::Sheet;
use crate::truth::Precision;
use intnacl_reference::{Loss, Negatives, Request, Settings, Tuples};

/// On which side of the floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// The largest unfloored value below it.
    Below,
    /// One last place of one coordinate further.
    Above,
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for t in TEMPERATURES {
        cases.push(Case::new(format!("floor: exact tie keeps the gradient, t={t}"), move || {
            tie(t, 0.0, false)
        }));
        cases.push(Case::new(format!("floor: exact tie of rows to normalise, t={t}"), move || {
            tie(t, 0.0, true)
        }));
        for side in [Side::Below, Side::Above] {
            for (estimator, beta) in [("g1", None), ("g2", Some(1.5))] {
                for draw_score in [1.0, -0.6] {
                    let label = beta.map_or(String::new(), |beta| format!(" beta={beta}"));
                    let name = format!(
                        "floor: {side:?} by a last place, {estimator}{label}, v at {draw_score}, t={t}"
                    );
                    cases.push(Case::new(name, move || near(t, beta, draw_score, side)));
                }
            }
        }
    }
    for beta in [0.0, 1.0, 8.0] {
        let name = format!("floor: all negatives opposite, tau=0, beta={beta}: g is the floor itself");
        cases.push(Case::new(name, move || opposite(beta)));
    }
    cases
}

/// `u = (x, -x)` and `v = x` with `τ = 1/2`: `[(h + 1/h)/2 - h/2]/(1/2) = 1/h`, the floor exactly.
fn tie(t: f64, beta: f64, normalize: bool) -> Request {
    let x = if normalize { vec![0.0, 3.0, 4.0] } else { basis(3, 1) };
    let data = Tuples::new(
        matrix(std::slice::from_ref(&x)),
        vec![matrix(std::slice::from_ref(&x))],
        vec![matrix(&[x.clone(), scaled(&x, -1.0)])],
    );
    let settings = Settings { normalize, ..Settings::new(t) };
    Request::Tuples { loss: Loss::HardNegative { tau_plus: 0.5, beta }, settings, data }
}

/// Negatives opposite to the anchor up to rounding: `h` may be a hair under the floor.
fn opposite(beta: f64) -> Request {
    let rng = &mut Rng::new(77);
    let x = super::geometry::on_sphere(rng, 5);
    let away = scaled(&x, -1.0);
    let down: Vec<_> = away.iter().map(|entry| entry * (1.0 - 2f64.powi(-50))).collect();
    let data = Tuples::new(
        matrix(&[x.clone(), x.clone()]),
        vec![matrix(&[super::geometry::on_sphere(rng, 5)]), matrix(&[x])],
        vec![matrix(&[away.clone(), away.clone()]), matrix(&[down.clone(), down])],
    );
    let loss = Loss::HardNegative { tau_plus: 0.0, beta };
    Request::Tuples { loss, settings: Settings::new(0.5), data }
}

/// Three negatives in the plane of the anchor, tuned one after the other until the last place of the third
/// decides on which side of the floor the estimate lies.
fn near(t: f64, beta: Option<f64>, draw_score: f64, side: Side) -> Request {
    // τ that the tuning can reach the floor with: the first negative can outweigh v, the least cannot.
    let tau_plus = 0.3;
    let negatives = match beta {
        None => Negatives::G1 { tau_plus },
        Some(beta) => Negatives::G2 { tau_plus, beta },
    };
    let mut cosines = [-1.0, -1.0, -1.0];
    let request = |cosines: &[f64]| {
        let at = |cosine: f64| vec![cosine, (1.0 - cosine * cosine).sqrt()];
        let mut data = Tuples::new(
            matrix(&[basis(2, 0)]),
            vec![matrix(&[unit(vec![0.6, -0.8])])],
            vec![matrix(&cosines.iter().map(|&cosine| at(cosine)).collect::<Vec<_>>())],
        );
        data.debias_positives = Some(vec![matrix(&[at(draw_score)])]);
        Request::Tuples { loss: Loss::Nca { negatives }, settings: Settings::new(t), data }
    };
    let mut last = None;
    for k in 0..cosines.len() {
        let below = |cosine: f64| {
            let mut tried = cosines;
            tried[k] = cosine;
            excess(&request(&tried), negatives) < Big::zero()
        };
        if let Some((low, high)) = boundary(below) {
            cosines[k] = low;
            last = Some((k, high));
        }
    }
    let (k, high) = last.expect("the floor is within reach");
    if side == Side::Above {
        cosines[k] = high;
    }
    request(&cosines)
}

/// Two neighbouring f64s in `[-1, 1]`, the first below and the second not; none if the ends agree.
fn boundary(below: impl Fn(f64) -> bool) -> Option<(f64, f64)> {
    let (mut low, mut high) = (-1.0, 1.0);
    if !below(low) || below(high) {
        return None;
    }
    loop {
        let middle = low + (high - low) / 2.0;
        if middle == low || middle == high {
            return Some((low, high));
        }
        *(if below(middle) { &mut low } else { &mut high }) = middle;
    }
}

/// The unfloored estimate less the floor.
fn excess(request: &Request, negatives: Negatives) -> Big {
    let Request::Tuples { settings, .. } = request else { unreachable!("tuned cases are tuples") };
    let precision = Precision::for_temperature(settings.temperature);
    at_precision(precision.bits, || {
        let mut sheet = Sheet::new(request.arrays(), settings, precision, None);
        let row = |sheet: &Sheet, name: &str| sheet.rows(name);
        let anchor = row(&sheet, "anchor")[0];
        let (u, v) = (row(&sheet, "negatives[0]"), row(&sheet, "debias_positives[0]"));
        let (u, v) = (sheet.scores(anchor, &u), sheet.scores(anchor, &v));
        let unfloored = unfloored(&mut sheet, negatives, &u, &v);
        sheet.tape.value(unfloored) - &sheet.floor()
    })
}

//! Requests that a program is asked, with its answers and the exact ones.

use super::flat::{Flat, Slack, alike};
use super::{Part, WrongArray};
use crate::budget::{Inputs, Standard};
use crate::outcome::Excuse;
use crate::side::InRequest;
use crate::trial::Trial;
use crate::{Case, Combination, Estimator, Finding, Geometry, Implementation};
use intnacl_reference::inside::{Rng, norm};
use intnacl_reference::{Request, Tuples, Weight};

/// How an answer stands to the exact one, by the standard *right*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Right,
    WrongGradient,
    WrongValue,
    /// A refusal, or a number that is not finite.
    NoAnswer,
}

/// A request with both answers.
pub(super) struct Probe {
    pub(super) case: Case,
    pub(super) request: Request,
    pub(super) found: Option<Flat>,
    pub(super) exact: Flat,
    pub(super) state: State,
    pub(super) slack: Slack,
    /// The arrays whose gradients exceed their budgets.
    pub(super) wrong: Vec<String>,
    pub(super) failure: Option<String>,
    rows: Vec<Vec<f64>>,
}

/// The probes of a loss, and how many requests the program does not claim.
pub(super) fn probes(
    implementation: &dyn Implementation,
    loss: &str,
    seed: u64,
    adapted: &dyn Fn(Case) -> Case,
) -> (Vec<Probe>, usize) {
    let mut rng = Rng::new(seed ^ 0x0070_726f_6265);
    let (mut probes, mut unsupported) = (Vec::new(), 0);
    for index in 0..PROBES {
        let case = adapted(case(index, &mut rng)).within(implementation.float());
        let trial = Trial::recording(&case, implementation);
        let probe = if is_batch(implementation, index) {
            probe(&trial, loss, &trial.batch())
        } else {
            let full = trial.tuples();
            // Some leave out what has a default.
            let lean = Tuples {
                debias_positives: None,
                mixed_negatives: None,
                adversarial_negatives: None,
                ..full.clone()
            };
            probe(&trial, loss, if index % 4 == 1 { &lean } else { &full })
        };
        match probe {
            Some(probe) => probes.push(probe),
            None => unsupported += 1,
        }
    }
    (probes, unsupported)
}

const PROBES: usize = 96;

/// Whether a request is a batch: every second one, where both layouts are claimed.
fn is_batch(implementation: &dyn Implementation, index: usize) -> bool {
    let support = implementation.support();
    if support.tuples && support.batches { index.is_multiple_of(2) } else { support.batches }
}

/// Ordinary cases: sizes, temperatures and parameters vary one beside the other, so that whatever decides shows.
fn case(index: usize, rng: &mut Rng) -> Case {
    let mut pick = |choices: &[f64]| choices[rng.below(choices.len())];
    let small = index % 8 != 7;
    Case {
        geometry: if index % 5 == 4 { Geometry::Digits } else { Geometry::Random },
        images: if small { pick(&[2.0, 3.0, 4.0, 5.0]) } else { pick(&[8.0, 12.0]) } as usize,
        positives: if small { pick(&[1.0, 1.0, 2.0, 3.0]) } else { pick(&[1.0, 6.0]) } as usize,
        negatives: if small { pick(&[1.0, 2.0, 4.0, 7.0]) } else { pick(&[11.0, 17.0]) } as usize,
        debias: pick(&[1.0, 1.0, 2.0, 3.0]) as usize,
        dimension: if small { pick(&[2.0, 3.0, 8.0]) } else { pick(&[16.0, 20.0]) } as usize,
        temperature: if index % 6 == 5 {
            pick(&[0.0012, 0.002, 0.01, 0.03])
        } else {
            pick(&[0.07, 0.2, 0.5, 1.0, 2.5])
        },
        tau_plus: pick(&[0.02, 0.1, 0.3]),
        beta: pick(&[0.5, 1.0, 2.0]),
        alpha: pick(&[0.5, 1.0, 2.0]),
        lambda: pick(&[0.3, 0.5, 0.9]),
        estimators: {
            let estimators = [Estimator::G0, Estimator::G1, Estimator::G2];
            (estimators[pick(&[0.0, 1.0, 2.0]) as usize], estimators[pick(&[0.0, 1.0, 2.0]) as usize])
        },
        weight: [Weight::One, Weight::Adversarial, Weight::AdversarialWithGradient]
            [pick(&[0.0, 1.0, 2.0]) as usize],
        neighborhood: [Combination::Nca, Combination::MixNca, Combination::Joined, Combination::Sum]
            [pick(&[0.0, 1.0, 2.0, 3.0]) as usize],
        symmetric: pick(&[0.0, 1.0, 1.0]) == 1.0,
        normalize: pick(&[0.0, 1.0]) == 1.0,
        decades: if index % 7 == 3 { 5.0 } else { 0.4 },
        seed: rng.bits() >> 20,
    }
}

fn probe<L: InRequest>(trial: &Trial<'_>, loss: &str, data: &L) -> Option<Probe> {
    let loss = trial.loss(loss).ok()?;
    let settings = trial.settings();
    let exact = intnacl_reference::Evaluate::evaluate(&loss, data, &settings).ok()?;
    let exact = Flat::of(&exact);
    let mut probe = Probe {
        case: trial.case.clone(),
        request: L::request(loss, settings, data.clone()),
        found: None,
        slack: Slack::none(&exact),
        exact,
        state: State::Right,
        wrong: Vec::new(),
        failure: None,
        rows: data.each_row(),
    };
    let side = match trial.evaluate_with(loss, data, settings) {
        Ok(side) => side,
        Err(stop) if stop.excuse == Some(Excuse::NotSupported) => return None,
        Err(stop) => {
            probe.state = State::NoAnswer;
            probe.failure = Some(stop.message);
            return Some(probe);
        }
    };
    let reference = trial.reference(&side).ok()?;
    trial.same(&side, &reference, Inputs::Same);
    probe.found = Some(Flat::of(&side.evaluation));
    let findings = trial.recorded(Standard::Right);
    let finite = |finding: &&Finding| finding.budget.is_finite();
    let of_values = findings.iter().filter(finite).filter(|finding| !finding.what.starts_with("gradient."));
    probe.slack.value = of_values.map(|finding| finding.budget).fold(0.0, f64::max);
    let of_rows = findings.iter().filter(finite).filter(|finding| finding.what.starts_with("gradient."));
    // A slip may give a gradient to rows that the right loss does not reach.
    let largest = of_rows.map(|finding| finding.budget).fold(0.0, f64::max);
    for (slack, row) in probe.slack.rows.iter_mut().zip(&probe.rows) {
        *slack = largest / if settings.normalize { norm(row.iter().copied()) } else { 1.0 };
    }
    for finding in findings.into_iter().filter(Finding::breaks) {
        match finding.what.strip_prefix("gradient.").and_then(|of| of.rsplit_once('[')) {
            Some((array, _)) if !probe.wrong.iter().any(|known| known == array) => {
                probe.wrong.push(array.to_owned());
            }
            Some(_) => {}
            None => probe.state = State::WrongValue,
        }
    }
    if probe.state == State::Right && !probe.wrong.is_empty() {
        probe.state = State::WrongGradient;
    }
    Some(probe)
}

/// The arrays with wrong gradients, and the part that is wrong in all of them.
pub(super) fn wrong_arrays(probes: &[&Probe]) -> Vec<WrongArray> {
    let mut arrays: Vec<WrongArray> = Vec::new();
    for probe in probes.iter().filter(|probe| probe.state == State::WrongGradient) {
        let Some(found) = &probe.found else { continue };
        for name in &probe.wrong {
            // Along and across, each as a part of the whole error.
            let (mut along, mut across, mut size) = (0.0_f64, 0.0_f64, 0.0_f64);
            for (((of, found), (_, exact)), x) in found.rows.iter().zip(&probe.exact.rows).zip(&probe.rows) {
                let length = norm(x.iter().copied());
                if of != name || length == 0.0 || found.iter().any(|entry| entry.is_nan()) {
                    continue;
                }
                size = size.max(norm(found.iter().copied()));
                let error: Vec<f64> = found.iter().zip(exact).map(|(a, b)| (a - b) * length).collect();
                let radial = error.iter().zip(x).map(|(e, x)| e * x / length).sum::<f64>();
                along = along.hypot(radial);
                across =
                    across.hypot((norm(error.iter().copied()).powi(2) - radial * radial).max(0.0).sqrt());
            }
            let part = match (along, across) {
                _ if size == 0.0 => Part::Missing,
                _ if across <= 1e-3 * along => Part::Radial,
                _ if along <= 1e-3 * across => Part::Tangential,
                _ => Part::Both,
            };
            match arrays.iter_mut().find(|known| known.name == *name) {
                Some(known) if known.part != part => known.part = Part::Both,
                Some(_) => {}
                None => arrays.push(WrongArray { name: name.clone(), part }),
            }
        }
    }
    arrays
}

/// Whether the same request gets another answer the second time, with another one in between.
pub(super) fn forgets_nothing(
    implementation: &dyn Implementation,
    loss: &str,
    seed: u64,
    adapted: &dyn Fn(Case) -> Case,
) -> bool {
    let mut rng = Rng::new(seed ^ 0x7374_6174_6500);
    (0..4).any(|index| {
        let case = adapted(Case { normalize: false, ..case(index, &mut rng) });
        let trial = Trial::recording(&case, implementation);
        let ask = || -> Option<Flat> {
            let loss = trial.loss(loss).ok()?;
            Some(if is_batch(implementation, index) {
                Flat::of(&trial.evaluate(loss, &trial.batch()).ok()?.evaluation)
            } else {
                Flat::of(&trial.evaluate(loss, &trial.tuples()).ok()?.evaluation)
            })
        };
        let (first, again) = (ask(), ask());
        // Sums in another order differ in their last bits.
        matches!((first, again), (Some(first), Some(again)) if !alike(&first, &again))
    })
}

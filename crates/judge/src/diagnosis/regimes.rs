//! Where a wrong program is right.

use super::probe::{Probe, State};
use intnacl_reference::Request;

/// A number that depends on the request.
type Number = fn(&Probe) -> f64;

/// A property of a request, in words.
type Property = (&'static str, fn(&Probe) -> bool);

const PROPERTIES: [Property; 10] = [
    ("at M = 1 only", |probe| probe.case.positives == 1),
    ("where rows are normalised inside only", |probe| probe.case.normalize),
    ("where rows are given on the sphere only", |probe| !probe.case.normalize),
    ("in the tuple layout only", |probe| matches!(probe.request, Request::Tuples { .. })),
    ("in the batch layout only", |probe| matches!(probe.request, Request::Batch { .. })),
    ("where view 1 is an anchor too only", |probe| probe.case.symmetric),
    ("where view 0 alone is an anchor only", |probe| !probe.case.symmetric),
    ("at t = 1 only", |probe| probe.case.temperature == 1.0),
    ("at β = 1 only", |probe| probe.case.beta == 1.0),
    ("with one draw of positives only", |probe| probe.case.debias == 1),
];

/// The properties of exactly the requests that were answered rightly.
pub(super) fn regimes(probes: &[Probe]) -> Vec<String> {
    let right = |probe: &&Probe| probe.state == State::Right;
    let mut found: Vec<String> = PROPERTIES
        .into_iter()
        .filter(|(_, holds)| {
            let with: Vec<&Probe> = probes.iter().filter(|probe| holds(probe)).collect();
            let without: Vec<&Probe> = probes.iter().filter(|probe| !holds(probe)).collect();
            let rights = |list: &[&Probe]| list.iter().filter(|probe| right(probe)).count();
            with.len() >= 3
                && without.len() >= 3
                && rights(&with) == with.len()
                // A few may be right by chance, where the slip does nothing.
                && 5 * rights(&without) <= without.len()
        })
        .map(|(name, _)| name.to_owned())
        .collect();
    let thresholds: [(&str, Number); 4] = [
        ("t", |probe| probe.case.temperature),
        ("N", negatives),
        ("M", |probe| probe.case.positives as f64),
        ("d", |probe| probe.case.dimension as f64),
    ];
    found.extend(thresholds.into_iter().filter_map(|(name, of)| threshold(probes, name, of)));
    found
}

fn negatives(probe: &Probe) -> f64 {
    match &probe.request {
        Request::Batch { data, .. } => 2.0 * (data.views[0].nrows() as f64 - 1.0),
        _ => probe.case.negatives as f64,
    }
}

/// Whether a number separates right from wrong.
fn threshold(probes: &[Probe], name: &str, of: fn(&Probe) -> f64) -> Option<String> {
    let ends = |right: bool| {
        let numbers = probes.iter().filter(|probe| (probe.state == State::Right) == right).map(of);
        let (mut low, mut high, mut count) = (f64::INFINITY, f64::NEG_INFINITY, 0);
        for x in numbers {
            (low, high, count) = (low.min(x), high.max(x), count + 1);
        }
        (count >= 3).then_some((low, high))
    };
    let ((right_low, right_high), (wrong_low, wrong_high)) = (ends(true)?, ends(false)?);
    if right_low > wrong_high {
        Some(format!("from {name} = {right_low} up, and wrong from {name} = {wrong_high} down"))
    } else if right_high < wrong_low {
        Some(format!("up to {name} = {right_high}, and wrong from {name} = {wrong_low} up"))
    } else {
        None
    }
}

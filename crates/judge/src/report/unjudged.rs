//! What was not judged, and why.

use super::Check;
use super::written::count;
use crate::Report;

/// A reason, and what it kept from being judged.
pub(super) struct Unjudged {
    pub(super) reason: String,
    pub(super) what: Vec<String>,
}

/// Whether nothing was judged of the loss of a check, in its type.
pub(super) fn is_idle(checks: &[Check<'_>], check: &Check<'_>) -> bool {
    let same = |other: &&Check<'_>| other.report.loss == check.report.loss && other.float == check.float;
    !checks.iter().filter(same).any(|other| other.report.judged())
}

pub(super) fn unjudged(checks: &[Check<'_>]) -> Vec<Unjudged> {
    let mut all: Vec<Unjudged> = Vec::new();
    let mut add = |reason: String, what: String| match all.iter_mut().find(|known| known.reason == reason) {
        Some(known) => known.what.push(what),
        None => all.push(Unjudged { reason, what: vec![what] }),
    };
    let is_of_one_type = checks.iter().all(|check| check.float == checks[0].float);
    for (at, check) in checks.iter().enumerate() {
        let Some(reason) = check.report.why_not_judged("the program") else { continue };
        let (law, loss) = (check.report.law, &check.report.loss);
        let float = if is_of_one_type { String::new() } else { format!(" in {}", check.float) };
        let is_same = |other: &Check<'_>| other.report.loss == *loss && other.float == check.float;
        if !is_idle(checks, check) {
            add(reason, format!("{law} of {loss}{float}"));
        } else if !checks[..at].iter().any(is_same) {
            add(reason, format!("every law of {loss}{float}"));
        }
    }
    let sum = |of: fn(&Report) -> u32| {
        checks
            .iter()
            .filter(|check| check.report.judged())
            .map(|check| of(check.report) as usize)
            .sum::<usize>()
    };
    let skipped = [
        (sum(|report| report.not_supported), "the program does not claim it, or it was not asked for"),
        (
            sum(|report| report.beyond_the_type),
            "its gradient leaves the range of the type, and the program said so",
        ),
    ];
    for (cases, reason) in skipped.into_iter().filter(|(cases, _)| *cases > 0) {
        add(
            reason.into(),
            format!("{} of laws that were judged by their other cases", count(cases, "case", "cases")),
        );
    }
    all
}

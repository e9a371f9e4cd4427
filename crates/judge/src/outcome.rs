//! What became of a law on a case: measurements against their budgets, and why it ended.

use super::budget::Standard;
use intnacl_reference::{Reply, Request};
use std::fmt;
use std::rc::Rc;

/// A measurement against its budget.
#[derive(Debug, Clone, Default)]
pub struct Finding {
    /// What was measured.
    pub what: String,
    /// How far it is from where it should be.
    pub error: f64,
    /// How far it may be.
    pub budget: f64,
}

impl Finding {
    /// The error in budgets; more than 1 breaks the law.
    pub fn ratio(&self) -> f64 {
        ratio(self.error, self.budget)
    }

    /// Whether the budget is exceeded; a NaN exceeds every budget.
    pub fn breaks(&self) -> bool {
        breaks(self.ratio())
    }

    /// The one of two that is farther from holding.
    pub(super) fn worse(self, other: Self) -> Self {
        if self.what.is_empty() || exceeds(other.ratio(), self.ratio()) { other } else { self }
    }
}

/// An infinite budget compares nothing.
pub(super) fn ratio(error: f64, budget: f64) -> f64 {
    if error == 0.0 || budget == f64::INFINITY { 0.0 } else { error / budget }
}

fn breaks(ratio: f64) -> bool {
    ratio.is_nan() || ratio > 1.0
}

/// Whether a ratio is worse than another one; NaN is the worst.
pub(super) fn exceeds(ratio: f64, than: f64) -> bool {
    !than.is_nan() && (ratio.is_nan() || ratio > than)
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: error {:.3e}, budget {:.3e}", self.what, self.error, self.budget)
    }
}

/// Why a case ended early.
#[derive(Debug, Clone)]
pub struct Stop {
    /// What happened.
    pub message: String,
    /// The request that was being evaluated.
    pub request: Option<Rc<Request>>,
    /// Why the case says nothing of the implementation, if it does not.
    pub excuse: Option<Excuse>,
}

/// Why a case says nothing of an implementation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excuse {
    /// Terms of the gradient leave the range of the type, so that an error is the only honest answer.
    BeyondTheType,
    /// The implementation does not claim such requests ([`Support`](super::Support)).
    NotSupported,
}

impl Stop {
    pub(super) fn new(message: String, request: &Request) -> Self {
        Self { message, request: Some(Rc::new(request.clone())), excuse: None }
    }
}

/// What became of one law on one case.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// For each standard the measurement that came closest to its budget, or exceeded it most.
    pub worst: [Finding; 3],
    /// The request of each of these.
    pub requests: [Option<Rc<Request>>; 3],
    /// What was answered to these, and to the request at which the case ended.
    pub answers: Vec<(Rc<Request>, Reply)>,
    /// How many comparisons were made.
    pub comparisons: u32,
    /// Why the case ended early, if it did.
    pub stop: Option<Stop>,
}

impl Outcome {
    /// That of a case that a program is not asked.
    pub fn not_asked() -> Self {
        let stop =
            Stop { message: "not supported".into(), request: None, excuse: Some(Excuse::NotSupported) };
        Self {
            worst: Default::default(),
            requests: Default::default(),
            answers: Vec::new(),
            comparisons: 0,
            stop: Some(stop),
        }
    }

    /// What breaks the law at a standard, in words, and the request whose answer does.
    pub fn broken(&self, standard: Standard) -> Option<(String, Option<Rc<Request>>)> {
        match &self.stop {
            Some(stop) if stop.excuse.is_none() => return Some((stop.message.clone(), stop.request.clone())),
            _ => {}
        }
        let (worst, request) = (&self.worst[standard as usize], &self.requests[standard as usize]);
        worst.breaks().then(|| (worst.to_string(), request.clone()))
    }

    /// What was answered to a request that the outcome names, if anything was.
    pub fn answer_to(&self, request: &Rc<Request>) -> Option<&Reply> {
        self.answers.iter().find(|(asked, _)| Rc::ptr_eq(asked, request)).map(|(_, answer)| answer)
    }
}

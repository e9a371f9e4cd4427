//! What any implementation of these losses must satisfy, as a library.
//!
//! A [`Law`] is data: a name, the losses that it speaks of, and a check. [`laws`] lists all of them; the
//! tests, the command line and other programs read that one list. A check is given a [`Case`], which is
//! drawn and shrunk by [`proptest`], and an [`Implementation`], which may be the reference, production, or
//! yours:
//!
//! ```
//! use intnacl_reference::law::{Reference, check_all};
//!
//! let reports = check_all(&Reference, 4, 1, |law, loss| law.name == "m_1_gives_simclr" && loss == "nca");
//! assert!(reports.iter().all(|report| report.holds()));
//! ```

mod agreement;
mod bounds;
pub mod budget;
mod case;
pub mod images;
mod invariances;
mod kept;
mod reductions;
mod supervised;
mod table_1;
mod trial;

pub use budget::Float;
pub use case::{Case, Geometry, cases};
pub use trial::{Finding, Stop, Trial};

use crate::request::{Answer, Request};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::cell::RefCell;

/// A program that evaluates requests.
pub trait Implementation {
    /// The type that it computes in, which decides the budgets.
    fn float(&self) -> Float;
    /// Evaluates a request.
    ///
    /// # Errors
    /// A message, if the request was refused or the program failed.
    fn evaluate(&self, request: &Request) -> Result<Answer, String>;
}

/// The reference itself, which must satisfy the laws to its own, much smaller budgets.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reference;

impl Implementation for Reference {
    fn float(&self) -> Float {
        Float::Exact
    }
    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        request.evaluate().map_err(|error| error.to_string())
    }
}

/// A statement about losses that every implementation must satisfy.
#[derive(Clone, Copy)]
pub struct Law {
    /// The claim, as an identifier.
    pub name: &'static str,
    /// The claim, as a sentence or an equation.
    pub statement: &'static str,
    /// The losses that it speaks of.
    pub losses: &'static [&'static str],
    /// Measures the claim on one case; an error stops the case.
    pub check: fn(&Trial<'_>, &str) -> Result<(), Stop>,
}

impl std::fmt::Debug for Law {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Law").field("name", &self.name).field("losses", &self.losses).finish()
    }
}

/// The losses that have both layouts, by name.
pub const LOSSES: &[&str] =
    &["simclr", "debiased", "hard_negative", "adversarial", "nca", "mix_nca", "robust", "int_cl", "int_nacl"];

/// Every law.
pub fn laws() -> Vec<Law> {
    [reductions::LAWS, table_1::LAWS, bounds::LAWS, invariances::LAWS, agreement::LAWS, supervised::LAWS]
        .concat()
}

/// What became of one law on one loss.
#[derive(Debug, Clone)]
pub struct Report {
    /// The law's name.
    pub law: &'static str,
    /// The loss.
    pub loss: String,
    /// The cases that were tried.
    pub cases: u32,
    /// The measurement that came closest to its budget, or exceeded it most.
    pub worst: Finding,
    /// The smallest case that was found to break the law.
    pub counterexample: Option<Counterexample>,
}

/// A broken law, made small.
#[derive(Debug, Clone)]
pub struct Counterexample {
    /// The case.
    pub case: Case,
    /// What was measured, or why the evaluation stopped.
    pub message: String,
    /// The request whose answer breaks the law.
    pub request: Option<Request>,
}

impl Report {
    /// Whether no case broke the law.
    pub fn holds(&self) -> bool {
        self.counterexample.is_none()
    }
}

/// Checks one law on one loss: the cases that once broke it, then `cases_count` cases from `seed`, a failure
/// shrunk.
pub fn check(
    law: &Law,
    loss: &str,
    implementation: &dyn Implementation,
    cases_count: u32,
    seed: u64,
) -> Report {
    let worst = RefCell::new(Finding::default());
    let config =
        Config { cases: cases_count, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    // Every law and loss draws from a stream of its own, so that leaving one out changes no other.
    let stream = law.name.bytes().chain(loss.bytes()).fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&stream.to_le_bytes());
    bytes[8..16].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    for (_, _, case) in kept::KEPT.iter().filter(|(name, of, _)| *name == law.name && *of == loss) {
        let (finding, broken) = try_case(law, loss, implementation, case);
        if let Some((message, request)) = broken {
            let counterexample = Some(Counterexample { case: case.clone(), message, request });
            return Report { law: law.name, loss: loss.into(), cases: 1, worst: finding, counterexample };
        }
    }
    let shrinking = std::cell::Cell::new(false);
    let result = runner.run(&cases(), |case| {
        let (finding, broken) = try_case(law, loss, implementation, &case);
        if !shrinking.get() {
            let mut worst = worst.borrow_mut();
            *worst = worst.clone().worse(finding);
        }
        match broken {
            None => Ok(()),
            Some((message, _)) => {
                shrinking.set(true);
                Err(TestCaseError::fail(message))
            }
        }
    });
    let counterexample = match result {
        Ok(()) => None,
        Err(TestError::Fail(reason, case)) => {
            let request = try_case(law, loss, implementation, &case).1.and_then(|(_, request)| request);
            Some(Counterexample { case, message: reason.message().into(), request })
        }
        Err(TestError::Abort(reason)) => Some(Counterexample {
            case: Case::default(),
            message: format!("no cases could be drawn: {}", reason.message()),
            request: None,
        }),
    };
    Report { law: law.name, loss: loss.into(), cases: cases_count, worst: worst.into_inner(), counterexample }
}

/// The worst finding of a case, and what broke the law, if anything did.
pub fn try_case(
    law: &Law,
    loss: &str,
    implementation: &dyn Implementation,
    case: &Case,
) -> (Finding, Option<(String, Option<Request>)>) {
    let trial = Trial::new(case, implementation);
    let result = (law.check)(&trial, loss);
    let (finding, request) = trial.into_worst();
    let broken = match result {
        Err(stop) if stop.excused => None,
        Err(stop) => Some((stop.message, stop.request.map(|request| *request))),
        Ok(()) if finding.breaks() => Some((finding.to_string(), request)),
        Ok(()) => None,
    };
    (finding, broken)
}

/// How many cases each loss of a law gets, for at least `cases` in all and at least 32 each.
pub fn share(law: &Law, cases_count: u32) -> u32 {
    cases_count.div_ceil(law.losses.len() as u32).max(32)
}

/// Checks every law on every loss that `wanted` picks, in order.
pub fn check_all(
    implementation: &dyn Implementation,
    cases_count: u32,
    seed: u64,
    wanted: impl Fn(&Law, &str) -> bool,
) -> Vec<Report> {
    let pairs = laws().into_iter().flat_map(|law| law.losses.iter().map(move |loss| (law, *loss)));
    pairs
        .filter(|(law, loss)| wanted(law, loss))
        .map(|(law, loss)| check(&law, loss, implementation, cases_count, seed))
        .collect()
}

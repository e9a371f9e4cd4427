//! What any implementation of these losses must satisfy, as a library.
//!
//! A [`Law`] is data: a name, the losses that it speaks of, and a check. [`laws()`] lists all of them; the
//! tests, the command line and other programs read that one list. A check is given a [`Case`], which is
//! drawn and shrunk by [`proptest`], and an [`Implementation`], which may be the reference, production, or
//! yours:
//!
//! ```
//! use intnacl_judge::{Reference, Standard, check, laws};
//!
//! let law = laws().into_iter().find(|law| law.name == "m_1_gives_simclr").unwrap();
//! let report = check(&law, "nca", &Reference, 4, 1, Standard::Exact);
//! assert_eq!(report.reached(), Some(Standard::Exact));
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod agreement;
pub mod budget;
#[cfg(test)]
mod calibration;
mod case;
mod check;
mod closed_forms;
pub mod diagnosis;
pub mod images;
mod inequalities;
mod invariances;
mod kept;
mod layouts;
mod lists;
mod named;
mod number;
mod outcome;
mod reductions;
#[cfg(feature = "report")]
pub mod report;
mod side;
mod supervised;
mod support;
mod table_1;
mod tests_of_laws;
mod trial;
#[cfg(feature = "vectors")]
pub mod vectors;
pub mod zoo;

pub use budget::{Float, Standard};
pub use case::{Case, Combination, Estimator, Geometry, cases};
pub use check::{
    Counterexample, Drawn, Options, Report, agreement, agreement_of, breaks, check, check_all, check_by,
    fresh_seed, pairs, seed_from_environment, share, try_case,
};
pub use outcome::{Excuse, Finding, Outcome, Stop};
pub use support::Support;
pub use tests_of_laws::{assert_law, named_source};
pub use trial::Trial;

use intnacl_reference::EvaluateRequest;
use intnacl_reference::{Answer, LossName, Reply, Request};

/// A program that evaluates requests.
pub trait Implementation {
    /// The type that it computes in, which decides the budgets.
    fn float(&self) -> Float;
    /// The standard that it claims.
    fn standard(&self) -> Standard {
        Standard::Right
    }
    /// The requests that it claims to answer. Others are counted as not supported, and judge nothing.
    fn support(&self) -> Support {
        Support::default()
    }
    /// Evaluates a request.
    ///
    /// # Errors
    /// A message, if the request was refused or the program failed.
    fn evaluate(&self, request: &Request) -> Result<Answer, String>;
    /// Evaluates a request, and says what of the answer it does not claim; that is not judged.
    ///
    /// # Errors
    /// As [`evaluate`](Implementation::evaluate).
    fn reply(&self, request: &Request) -> Result<Reply, String> {
        self.evaluate(request).map(Reply::from)
    }
}

/// The reference itself, which must satisfy the laws to its own, much smaller budgets.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reference;

impl Implementation for Reference {
    fn float(&self) -> Float {
        Float::F64
    }
    fn standard(&self) -> Standard {
        Standard::Exact
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
pub const LOSSES: &[&str] = LossName::NAMES;

/// Every law.
pub fn laws() -> Vec<Law> {
    [
        agreement::LAWS,
        reductions::LAWS,
        table_1::LAWS,
        inequalities::LAWS,
        closed_forms::LAWS,
        invariances::LAWS,
        supervised::LAWS,
    ]
    .concat()
}

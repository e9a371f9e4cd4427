//! The laws of a loss, and those among them that a function of one layout can be held to.

use intnacl_judge::{Case, Float, Implementation, Law, Reference, Support, fresh_seed as fresh, try_case};
use intnacl_reference::{Answer, Request};
use pyo3::prelude::*;

/// The laws of a loss.
pub fn of_loss(loss: &str) -> Vec<Law> {
    intnacl_judge::laws().into_iter().filter(|law| law.losses.contains(&loss)).collect()
}

/// The reference, as far as it claims to answer.
struct Partial(Support);

impl Implementation for Partial {
    fn float(&self) -> Float {
        Float::F64
    }
    fn support(&self) -> Support {
        self.0.clone()
    }
    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        Reference.evaluate(request)
    }
}

/// Whether a law compares anything in one layout, of a function that takes everything else.
fn speaks_of(law: &Law, loss: &str, layout: &str) -> bool {
    let support = Support {
        losses: Some(vec![loss.to_owned()]),
        tuples: layout == "tuples",
        batches: layout == "batch",
        ..Support::default()
    };
    // Large enough for every law, and with plain estimators, of which some speak alone.
    let case = Case { images: 3, positives: 3, negatives: 3, debias: 2, dimension: 3, ..Case::default() };
    try_case(law, loss, &Partial(support), &case).comparisons > 0
}

/// The laws of a loss, all or those that a function of a layout can be held to: name and statement.
#[pyfunction]
#[pyo3(signature = (loss, layout = None))]
pub fn laws(loss: &str, layout: Option<&str>) -> Vec<(&'static str, &'static str)> {
    let wanted = |law: &Law| layout.is_none_or(|layout| speaks_of(law, loss, layout));
    of_loss(loss).into_iter().filter(wanted).map(|law| (law.name, law.statement)).collect()
}

/// A seed that was not drawn before.
#[pyfunction]
pub fn fresh_seed() -> u64 {
    fresh()
}

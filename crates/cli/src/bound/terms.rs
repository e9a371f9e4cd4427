//! The terms of the bound in both readings, each with what the audit says of it.

use intnacl_reference::Result;
use intnacl_reference::bound::{Estimator, Term, Verdict};
use serde::{Serialize, Serializer};

use super::subject::Subject;

/// A term in one reading.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Valued {
    /// Its value.
    pub value: f64,
    /// What the audit says.
    #[serde(serialize_with = "name")]
    pub verdict: Verdict,
}

impl Valued {
    fn of(term: &Term) -> Self {
        Self { value: term.value, verdict: term.verdict }
    }
}

/// A verdict by its name, as the reference has no serde without its feature `json`.
fn name<S: Serializer>(verdict: &Verdict, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(verdict.name())
}

/// A verdict in a table, where a failure is to be seen.
pub fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fails => "FAILS",
        Verdict::NotMet => "not met",
        Verdict::Part => "-",
        Verdict::Holds | Verdict::Open | Verdict::Met => verdict.name(),
    }
}

/// A line of the table.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its name.
    pub term: &'static str,
    /// `g0` or `g1` where it depends on that.
    pub estimator: Option<&'static str>,
    /// Its formula.
    pub formula: &'static str,
    /// Where it is from.
    pub source: &'static str,
    /// `Σ_j` over the positives against `N` negative means.
    pub sum: Valued,
    /// The mean over the positives against `N` negative means.
    pub mean: Valued,
    /// What the verdict goes by.
    pub why: &'static str,
}

/// Every term with `g0`, and with `g1` those that it changes, if there is a bound for it.
///
/// # Errors
/// As [`Theorem::terms`].
pub fn rows(subject: &Subject) -> Result<Vec<Row>> {
    // The parameters of g1 are checked whether or not there is a bound for it.
    subject.setting(subject.setting.counts, subject.debiased()).validate()?;
    let mut rows = of_estimator(subject, "g0", Estimator::TrueNegatives)?;
    if subject.covers_debiased() {
        let of_debiased = of_estimator(subject, "g1", subject.debiased())?;
        rows.extend(of_debiased.into_iter().filter(|row| row.estimator.is_some()));
    }
    Ok(rows)
}

fn of_estimator(subject: &Subject, label: &'static str, estimator: Estimator) -> Result<Vec<Row>> {
    let terms = |counts| subject.setting(counts, estimator).terms(&subject.source());
    let (sum, mean) = (terms(subject.setting.counts)?, terms(subject.setting.counts.normalized())?);
    let row = |(term, other): (&Term, &Term)| Row {
        term: term.name,
        estimator: term.depends_on_estimator.then_some(label),
        formula: term.formula,
        source: term.source,
        sum: Valued::of(term),
        mean: Valued::of(other),
        why: term.why,
    };
    Ok(sum.iter().zip(&mean).map(row).collect())
}

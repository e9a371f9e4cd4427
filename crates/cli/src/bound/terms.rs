//! The terms of the bound in both readings, each with what the audit says of it.

use intnacl_reference::Result;
use intnacl_reference::bound::{Counts, Estimator, Source, Term, Theorem, Verdict};
use serde::{Serialize, Serializer};

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

/// What the table is about.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    /// In the sum reading, with `g0`.
    pub setting: Theorem,
    /// `τ` of `g1`.
    pub tau_plus: f64,
    /// `|F|`.
    pub encoders: usize,
}

impl Subject {
    /// The setting in a reading and with an estimator.
    pub fn setting(&self, counts: Counts, estimator: Estimator) -> Theorem {
        Theorem { counts, ..self.setting.with(estimator) }
    }

    /// `g1` with one draw of a positive, as the batch layout has it.
    pub fn debiased(&self) -> Estimator {
        Estimator::Debiased { tau_plus: self.tau_plus, positive_draws: 1 }
    }

    /// Where encoders come from finitely many, fixed before the training tuples are drawn.
    pub fn source(&self) -> Source {
        Source::FiniteClass { functions: self.encoders }
    }

    /// Whether the corrected theorem speaks of this `g1`.
    pub fn covers_debiased(&self) -> bool {
        self.setting.with(self.debiased()).covers_estimator()
    }

    /// What the table cannot say, and why.
    pub fn note(&self) -> Option<String> {
        let (tau_plus, smallest) = (self.tau_plus, 1.0 / self.setting.rarity);
        let note = || {
            format!(
                "g1: tau_plus = {tau_plus} is above the smallest class probability, {smallest:.4}; no bound is known"
            )
        };
        (!self.covers_debiased()).then(note)
    }

    /// Every term with `g0`, and with `g1` those that it changes, if there is a bound for it.
    ///
    /// # Errors
    /// As [`Theorem::terms`].
    pub fn rows(&self) -> Result<Vec<Row>> {
        // The parameters of g1 are checked whether or not there is a bound for it.
        self.setting(self.setting.counts, self.debiased()).validate()?;
        let mut rows = self.of_estimator("g0", Estimator::TrueNegatives)?;
        if self.covers_debiased() {
            let of_debiased = self.of_estimator("g1", self.debiased())?;
            rows.extend(of_debiased.into_iter().filter(|row| row.estimator.is_some()));
        }
        Ok(rows)
    }

    fn of_estimator(&self, label: &'static str, estimator: Estimator) -> Result<Vec<Row>> {
        let terms = |counts| self.setting(counts, estimator).terms(&self.source());
        let (sum, mean) = (terms(self.setting.counts)?, terms(self.setting.counts.normalized())?);
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

    /// The right side of the theorem as published, beyond the contrastive loss, at a setting of this subject, with
    /// Massart's bound in the place of `R_S(F)`.
    ///
    /// # Errors
    /// As [`Theorem::published`].
    pub fn published(&self, setting: &Theorem) -> Result<f64> {
        setting.published(setting.massart_of_features(self.encoders)?, Theorem::hidden_constants())
    }
}

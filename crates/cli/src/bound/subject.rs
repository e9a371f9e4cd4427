//! What the bound is evaluated at: the first stage of the command.

use intnacl_reference::bound::{Counts, Estimator, Source, Theorem};

use super::BoundArgs;
use super::digits::{self, Digits};
use super::set::Set;
use crate::error::Error;

/// What the bound is evaluated at.
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
    /// What the arguments ask for, at the classes of a set or at equally likely ones.
    ///
    /// # Errors
    /// [`Error`]: arguments out of range.
    pub fn new(args: &BoundArgs, set: Option<&Set>) -> Result<Self, Error> {
        let counts = Counts::new(args.positives, args.negatives);
        let setting = match set {
            Some(set) => Theorem::of(&set.world(args.temperature)?, counts, args.samples, args.delta),
            None => {
                let classes = args.classes.unwrap_or(10);
                if classes < 2 {
                    let (argument, value) = ("classes".into(), classes as f64);
                    let expected = "a count of at least 2";
                    return Err(intnacl_reference::Error::OutOfRange { argument, value, expected }.into());
                }
                Theorem::new(classes, counts, args.samples, args.delta, args.temperature)
            }
        };
        let tau_plus = args.tau_plus.unwrap_or(1.0 / setting.rarity);
        let encoders = match args.digits {
            Some(Digits::Trained) => digits::checkpoints(args.steps),
            Some(Digits::Raw) | None => 1,
        };
        Ok(Self { setting, tau_plus, encoders })
    }

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

    /// The right side of the theorem as published, beyond the contrastive loss, at a setting of this subject, with
    /// Massart's bound in the place of `R_S(F)`.
    ///
    /// # Errors
    /// As [`Theorem::published`].
    pub fn published(&self, setting: &Theorem) -> intnacl_reference::Result<f64> {
        setting.published(setting.massart_of_features(self.encoders)?, Theorem::hidden_constants())
    }
}

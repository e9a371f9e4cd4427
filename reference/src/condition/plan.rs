//! The terms of a loss, added up.

use super::term::{Slopes, Term};
use super::{ImageTolerance, Model, Off, Positives, RowTolerance};
use crate::real::Dd;
use crate::score::{Contrast, Scores};
use crate::vocabulary::{Loss, Negatives, Neighborhood, RobustTerm, Weight};

/// The mean of a term over the contrasts of one part.
struct Mean {
    value: f64,
    error: Off,
    variation: f64,
    /// The first of the contrasts among all of the image, and the slopes of each.
    first: usize,
    slopes: Vec<Slopes>,
}

/// The slopes of one contrast.
#[derive(Clone)]
pub(super) struct ContrastSlopes {
    /// By positives, negatives and draws of positives.
    pub(super) lists: [Vec<RowTolerance>; 3],
}

/// A loss of one image as a sum of terms.
pub(super) struct Sum<'a> {
    scores: &'a Scores<Dd>,
    model: &'a Model,
    /// The loss's `α`.
    alpha: f64,
    error: Off,
    variation: f64,
    reach: f64,
    floored: bool,
    /// In the order of [`Roles::all`](crate::layout::Roles::all).
    pub(super) contrasts: Vec<ContrastSlopes>,
}

impl<'a> Sum<'a> {
    pub(super) fn of(loss: &Loss, scores: &'a Scores<Dd>, model: &'a Model) -> Self {
        let nothing = |contrast: &Contrast<Dd>| {
            let list = |scores: &[Dd]| vec![RowTolerance::default(); scores.len()];
            let lists = [list(&contrast.positives), list(&contrast.negatives), list(&contrast.debias)];
            ContrastSlopes { lists }
        };
        let contrasts = scores.clean.iter().chain(&scores.mixed).chain(&scores.robust).map(nothing).collect();
        let alpha = match *loss {
            Loss::Adversarial { alpha } | Loss::IntCl { alpha, .. } | Loss::IntNaCl { alpha, .. } => alpha,
            Loss::SimClr
            | Loss::Debiased { .. }
            | Loss::HardNegative { .. }
            | Loss::Nca { .. }
            | Loss::MixNca { .. }
            | Loss::Robust { .. } => 1.0,
        };
        let mut sum = Self {
            alpha,
            scores,
            model,
            error: [0.0; 2],
            variation: 0.0,
            reach: f64::INFINITY,
            floored: true,
            contrasts,
        };
        sum.add_loss(loss);
        sum
    }

    pub(super) fn image(&self) -> ImageTolerance {
        let Self { error, variation, reach, floored, .. } = *self;
        ImageTolerance { value: error, variation, reach, floored }
    }

    fn add_loss(&mut self, loss: &Loss) {
        match *loss {
            Loss::SimClr => self.add_clean(Positives::First, Negatives::G0),
            Loss::Debiased { tau_plus } => self.add_clean(Positives::First, Negatives::G1 { tau_plus }),
            Loss::HardNegative { tau_plus, beta } => {
                self.add_clean(Positives::First, Negatives::G2 { tau_plus, beta });
            }
            Loss::Adversarial { alpha } => {
                self.add_clean(Positives::First, Negatives::G0);
                self.add_robust(
                    alpha,
                    RobustTerm { negatives: Negatives::G0, weight: Weight::One },
                    Negatives::G0,
                );
            }
            Loss::Nca { negatives } => self.add_clean(Positives::All, negatives),
            Loss::MixNca { negatives, lambda } => {
                self.add_clean(Positives::First, negatives);
                self.add_mixed(negatives, lambda);
            }
            Loss::Robust { negatives, weight, weight_negatives } => {
                self.add_robust(1.0, RobustTerm { negatives, weight }, weight_negatives);
            }
            Loss::IntCl { negatives, alpha, robust } => {
                self.add_clean(Positives::First, negatives);
                self.add_robust(alpha, robust, negatives);
            }
            Loss::IntNaCl { negatives, alpha, robust, neighborhood } => {
                match neighborhood {
                    Neighborhood::Nca => self.add_clean(Positives::All, negatives),
                    Neighborhood::MixNca { lambda } => {
                        self.add_clean(Positives::First, negatives);
                        self.add_mixed(negatives, lambda);
                    }
                    Neighborhood::Combined { lambda, joined } => {
                        self.add_clean(Positives::All, negatives);
                        if !joined {
                            self.add_clean(Positives::First, negatives);
                        }
                        self.add_mixed(negatives, lambda);
                    }
                }
                self.add_robust(alpha, robust, negatives);
            }
        }
    }

    fn add_clean(&mut self, positives: Positives, negatives: Negatives) {
        let mean = self.mean(0, &self.scores.clean, positives, negatives, None);
        self.add(&mean, 1.0, [0.0; 2]);
        self.add_value(mean.error, mean.variation);
    }

    fn add_mixed(&mut self, negatives: Negatives, lambda: f64) {
        if !self.scores.mixed.is_empty() {
            let first = self.scores.clean.len();
            let mean = self.mean(first, &self.scores.mixed, Positives::First, negatives, Some(lambda));
            self.add(&mean, 1.0, [0.0; 2]);
            self.add_value(mean.error, mean.variation);
        }
    }

    /// `α · w · term`: an error of one factor is multiplied by the other one and by its error.
    fn add_robust(&mut self, alpha: f64, robust: RobustTerm, weight_negatives: Negatives) {
        if alpha == 0.0 || self.scores.robust.is_empty() {
            return;
        }
        let first = self.scores.clean.len() + self.scores.mixed.len();
        let term = self.mean(first, &self.scores.robust, Positives::First, robust.negatives, None);
        if robust.weight == Weight::One {
            self.add(&term, alpha, [0.0; 2]);
            return self.add_value(term.error.map(|error| alpha * error), alpha * term.variation);
        }
        let weight = self.mean(0, &self.scores.clean, Positives::First, weight_negatives, None);
        let product = |standard: usize| {
            let (by_weight, by_term) = (weight.error[standard], term.error[standard]);
            let own = self.model.roundings.kernels * weight.value * term.value;
            let error = weight.value * by_term + term.value * by_weight + by_weight * by_term;
            alpha * (error + own + self.model.roundings.tiny)
        };
        let error = [product(0), product(1)];
        let variation =
            weight.value * term.variation + term.value * weight.variation + weight.variation * term.variation;
        self.add(&term, alpha * weight.value, weight.error.map(|error| alpha * error));
        if robust.weight == Weight::AdversarialWithGradient {
            self.add(&weight, alpha * term.value, term.error.map(|error| alpha * error));
        }
        self.add_value(error, alpha * variation);
    }

    fn mean(
        &mut self,
        first: usize,
        contrasts: &'a [Contrast<Dd>],
        positives: Positives,
        negatives: Negatives,
        mix: Option<f64>,
    ) -> Mean {
        let share = 1.0 / contrasts.len() as f64;
        let mut mean = Mean { value: 0.0, error: [0.0; 2], variation: 0.0, first, slopes: Vec::new() };
        for contrast in contrasts {
            let mut term = Term::new(contrast, positives, negatives, mix, self.model);
            mean.value += share * term.value;
            mean.variation += share * term.variation;
            for (into, error) in mean.error.iter_mut().zip(term.error) {
                *into += share * error;
            }
            self.reach = self.reach.min(term.reach);
            self.floored &= term.floored;
            for (factor, lost) in term.slopes.factors.iter_mut().zip(&mut term.slopes.underflow) {
                *factor = factor.times(share, [0.0; 2]);
                *lost *= share;
            }
            mean.slopes.push(term.slopes);
        }
        mean
    }

    /// Adds the slopes of a term that is multiplied by a coefficient, which may itself be off.
    fn add(&mut self, mean: &Mean, coefficient: f64, coefficient_off: Off) {
        for (into, slopes) in self.contrasts[mean.first..].iter_mut().zip(&mean.slopes) {
            for (list, into) in into.lists.iter_mut().enumerate() {
                let factor = slopes.factors[list].times(coefficient, coefficient_off);
                // A product with a tiny coefficient underflows by itself; under a huge one all terms may be scaled together.
                let lost = coefficient.max(self.alpha).max(1.0) * slopes.underflow[list];
                for (into, share) in into.iter_mut().zip(&slopes.shares[list]) {
                    into.add(&factor, *share);
                    into.error = into.error.map(|error| error + lost);
                }
            }
        }
    }

    fn add_value(&mut self, error: Off, variation: f64) {
        for (into, error) in self.error.iter_mut().zip(error) {
            *into += error;
        }
        self.variation += variation;
    }
}

impl RowTolerance {
    /// A product with a coefficient that may be off.
    fn times(self, coefficient: f64, coefficient_off: Off) -> Self {
        if coefficient == 0.0 && coefficient_off == [0.0; 2] {
            return Self::default();
        }
        let error = |standard: usize| {
            // A size of 0 is no part of the gradient, even where the other factor has no bound.
            let beside = if self.size == 0.0 && self.error[standard] == 0.0 {
                0.0
            } else {
                coefficient_off[standard] * (self.size + self.error[standard])
            };
            coefficient * self.error[standard] + beside
        };
        Self { size: coefficient * self.size, error: [error(0), error(1)] }
    }
}

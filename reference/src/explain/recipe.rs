//! The terms of each loss: over which rows, with which estimator, and how they stand in the sum.

use crate::layout::{ContrastRoles, Roles};
use crate::loss::Part;
use crate::vocabulary::{Loss, Negatives, Neighborhood, Weight};

/// One kind of term.
pub(super) struct TermKind {
    pub(super) label: &'static str,
    pub(super) part: Part,
    pub(super) positives: Positives,
    pub(super) negatives: Negatives,
    pub(super) outcome: Outcome,
    pub(super) stands: Stands,
}

/// Which of the positives the term sums over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Positives {
    First,
    All,
}

/// A term as a function of `Ω = P/(P + N·G)`.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Outcome {
    /// `-log Ω`.
    Attraction,
    /// `-λ log Ω - (1-λ) log(1-Ω)`.
    Mixed { lambda: f64 },
    /// `1 - Ω`.
    Miss,
}

/// The way in which the mean of the terms enters the loss.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Stands {
    /// Times a constant.
    Times(f64),
    /// Times a constant and the weight.
    Weighted(f64),
    /// It is the weight of another term, which `alpha` is multiplied with.
    AsWeight { alpha: f64, flows: bool },
}

impl TermKind {
    fn clean(label: &'static str, positives: Positives, negatives: Negatives) -> Self {
        let (part, outcome, stands) = (Part::Clean, Outcome::Attraction, Stands::Times(1.0));
        Self { label, part, positives, negatives, outcome, stands }
    }

    pub(super) fn contrasts<'a>(&self, roles: &'a Roles) -> &'a [ContrastRoles] {
        match self.part {
            Part::Clean => &roles.clean,
            Part::Mixed => &roles.mixed,
            Part::Robust => &roles.robust,
        }
    }

    pub(super) fn name(&self, index: usize) -> String {
        let Self { label, .. } = self;
        match (self.part, self.positives, *label) {
            (Part::Mixed, ..) => format!("{label} {index}"),
            (_, _, "both") => {
                let which = if self.positives == Positives::All { "all positives" } else { "first positive" };
                format!("clean side {index}, {which}")
            }
            _ => format!("{label} side {index}"),
        }
    }
}

/// The terms of a loss, in the order of its equation.
pub(super) fn recipes(loss: &Loss) -> Vec<TermKind> {
    let single = |negatives| TermKind::clean("clean", Positives::First, negatives);
    let nca = |negatives| TermKind::clean("clean", Positives::All, negatives);
    match *loss {
        Loss::SimClr => vec![single(Negatives::G0)],
        Loss::Debiased { tau_plus } => vec![single(Negatives::G1 { tau_plus })],
        Loss::HardNegative { tau_plus, beta } => vec![single(Negatives::G2 { tau_plus, beta })],
        Loss::Adversarial { alpha } => {
            let mut terms = vec![single(Negatives::G0)];
            terms.extend(robust(alpha, Negatives::G0, Weight::One, Negatives::G0));
            terms
        }
        Loss::Nca { negatives } => vec![nca(negatives)],
        Loss::MixNca { negatives, lambda } => vec![single(negatives), mixed(negatives, lambda)],
        Loss::Robust { negatives, weight, weight_negatives } => {
            robust(1.0, negatives, weight, weight_negatives)
        }
        Loss::IntCl { negatives, alpha, robust: term } => {
            let mut terms = vec![single(negatives)];
            terms.extend(robust(alpha, term.negatives, term.weight, negatives));
            terms
        }
        Loss::IntNaCl { negatives, alpha, robust: term, neighborhood } => {
            let mut terms = match neighborhood {
                Neighborhood::Nca => vec![nca(negatives)],
                Neighborhood::MixNca { lambda } => vec![single(negatives), mixed(negatives, lambda)],
                Neighborhood::Combined { lambda, joined: true } => {
                    vec![nca(negatives), mixed(negatives, lambda)]
                }
                Neighborhood::Combined { lambda, joined: false } => {
                    let both = |positives| TermKind::clean("both", positives, negatives);
                    vec![both(Positives::All), both(Positives::First), mixed(negatives, lambda)]
                }
            };
            terms.extend(robust(alpha, term.negatives, term.weight, negatives));
            terms
        }
    }
}

fn mixed(negatives: Negatives, lambda: f64) -> TermKind {
    TermKind {
        label: "mixed",
        part: Part::Mixed,
        outcome: Outcome::Mixed { lambda },
        ..TermKind::clean("mixed", Positives::First, negatives)
    }
}

/// The robust term and its weight; nothing where `alpha` switches them off.
fn robust(alpha: f64, negatives: Negatives, weight: Weight, weight_negatives: Negatives) -> Vec<TermKind> {
    if alpha == 0.0 {
        return Vec::new();
    }
    let clean = TermKind::clean("robust", Positives::First, negatives);
    let robust = |stands| TermKind { part: Part::Robust, stands, ..clean };
    if weight == Weight::One {
        return vec![robust(Stands::Times(alpha))];
    }
    let flows = weight == Weight::AdversarialWithGradient;
    let weight = TermKind::clean("weight", Positives::First, weight_negatives);
    vec![robust(Stands::Weighted(alpha)), TermKind { stands: Stands::AsWeight { alpha, flows }, ..weight }]
}

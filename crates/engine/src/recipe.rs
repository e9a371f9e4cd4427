//! Which terms make up which loss: the one table that configures every engine.

use crate::names::{Loss, Negatives, Neighborhood, Weight};

/// The terms that an engine computes for a loss. With `ℓ(P) = -log P/(P + N·G)`, per image
///
/// `[single] ℓ(h(x,x⁺)) + [joint] ℓ(Σ_j h(x,x⁺_j)) + mixed terms + α·w·ℓ(h(x,x^adv))`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Recipe {
    /// Whether the first positive has a term of its own.
    pub single: bool,
    /// Whether all positives have a term together.
    pub joint: bool,
    /// `G` of the terms above and of the mixed ones.
    pub negatives: Negatives,
    /// `λ` of the mixed terms, if there are any.
    pub lambda: Option<f64>,
    /// The robust term, unless its weight is zero.
    pub robust: Option<Robust>,
}

/// `α·w(x)·(-log h(x,x^adv)/(h(x,x^adv) + N·G))`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Robust {
    /// `α`.
    pub alpha: f64,
    /// `G`.
    pub negatives: Negatives,
    /// `w`.
    pub weight: Weight,
    /// `G` inside an adversarial weight.
    pub weight_negatives: Negatives,
}

impl Robust {
    /// `α` as a product of two numbers, neither of which is extreme.
    pub fn alpha_in_two(&self) -> [f64; 2] {
        const ORDINARY: std::ops::Range<f64> = 1e-12..1e12;
        if self.alpha == 0.0 || ORDINARY.contains(&self.alpha) {
            return [self.alpha, 1.0];
        }
        let power = (0.5 * self.alpha.log2()).round().exp2();
        [self.alpha / power, power]
    }
}

impl Recipe {
    /// The terms of a loss.
    pub fn new(loss: &Loss) -> Self {
        let single = |negatives| Self { single: true, joint: false, negatives, lambda: None, robust: None };
        match *loss {
            Loss::SimClr => single(Negatives::G0),
            Loss::Debiased { tau_plus } => single(Negatives::G1 { tau_plus }),
            Loss::HardNegative { tau_plus, beta } => single(Negatives::G2 { tau_plus, beta }),
            Loss::Adversarial { alpha } => {
                single(Negatives::G0).with_robust(alpha, Negatives::G0, Weight::One, Negatives::G0)
            }
            Loss::Nca { negatives } => single(negatives).among(Neighborhood::Nca),
            Loss::MixNca { negatives, lambda } => single(negatives).among(Neighborhood::MixNca { lambda }),
            Loss::Robust { negatives, weight, weight_negatives } => {
                let nothing = Self { single: false, ..single(weight_negatives) };
                nothing.with_robust(1.0, negatives, weight, weight_negatives)
            }
            Loss::IntCl { negatives, alpha, robust } => {
                single(negatives).with_robust(alpha, robust.negatives, robust.weight, negatives)
            }
            Loss::IntNaCl { negatives, alpha, robust, neighborhood } => single(negatives)
                .among(neighborhood)
                .with_robust(alpha, robust.negatives, robust.weight, negatives),
        }
    }

    /// Replaces the single-positive term by a neighbourhood loss.
    fn among(self, neighborhood: Neighborhood) -> Self {
        match neighborhood {
            Neighborhood::Nca => Self { single: false, joint: true, ..self },
            Neighborhood::MixNca { lambda } => Self { lambda: Some(lambda), ..self },
            Neighborhood::Combined { lambda, joined } => {
                Self { single: !joined, joint: true, lambda: Some(lambda), ..self }
            }
        }
    }

    /// Adds the robust term. A zero `alpha` leaves it out, so that the adversarial views are not read.
    fn with_robust(
        self,
        alpha: f64,
        negatives: Negatives,
        weight: Weight,
        weight_negatives: Negatives,
    ) -> Self {
        let robust = Robust { alpha, negatives, weight, weight_negatives };
        Self { robust: (alpha != 0.0).then_some(robust), ..self }
    }

    /// Whether anything is computed from the clean positives and negatives.
    pub fn reads_clean(&self) -> bool {
        let weighted = self.robust.is_some_and(|robust| robust.weight != Weight::One);
        self.single || self.joint || self.lambda.is_some() || weighted
    }

    /// The estimators that are read of the clean negatives, each once.
    pub fn clean_estimators(&self) -> Vec<Negatives> {
        let terms = self.single || self.joint || self.lambda.is_some();
        let weight = self.robust.filter(|robust| robust.weight != Weight::One);
        let mut all: Vec<Negatives> = terms.then_some(self.negatives).into_iter().collect();
        all.extend(weight.map(|robust| robust.weight_negatives).filter(|read| !all.contains(read)));
        all
    }
}

//! The names that both implementations share: losses, their parameters, and the data that they take.

use crate::error::{Result, in_range};
use nalgebra::DMatrix;

/// How the negative term is estimated from the scores of the negatives (theory: `g0`, `g1`, `g2`).
///
/// With `h(x, y) = exp(f(x)·f(y)/t)`, negatives `u_1..u_n` and draws of positives `v_1..v_m`:
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Negatives {
    /// `g0 = (1/n) Σ_i h(x, u_i)`: the plain mean (Chen et al. 2020, SimCLR).
    G0,
    /// `g1 = max{ [(1/n) Σ_i h(x, u_i) - τ (1/m) Σ_j h(x, v_j)] / (1-τ), e^{-1/t} }` (Chuang et al. 2020).
    G1 {
        /// The class prior `τ` in `[0, 1)`.
        tau_plus: f64,
    },
    /// As `G1`, the mean replaced by `Σ_i h(x, u_i)^{β+1} / Σ_i h(x, u_i)^β` (Robinson et al. 2021).
    G2 {
        /// The class prior `τ` in `[0, 1)`.
        tau_plus: f64,
        /// The hardness `β >= 0`, finite.
        beta: f64,
    },
}

/// The weight `w(x)` of the robust term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// `w(x) = 1`.
    One,
    /// `ŵ(x) = -log h(x,x⁺)/(h(x,x⁺) + N·G)`, held constant when the gradient is taken.
    Adversarial,
    /// The same, its gradient flowing.
    AdversarialWithGradient,
}

/// The robust term inside IntCl and IntNaCl; the adversarial weight uses the loss's own `G¹`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RobustTerm {
    /// `G²`.
    pub negatives: Negatives,
    /// `w`.
    pub weight: Weight,
}

/// Which neighbourhood loss `NaCl(G¹, M, λ)` stands in IntNaCl.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Neighborhood {
    /// NCA over all `M` positives.
    Nca,
    /// MIXNCA: one positive and `M-1` mixed ones.
    MixNca {
        /// The mixing weight `λ` in `[0, 1]`.
        lambda: f64,
    },
    /// Both (the paper's Table 5).
    Combined {
        /// The mixing weight `λ` in `[0, 1]`.
        lambda: f64,
        /// `true`: MIXNCA with its single-positive term replaced by the NCA term. `false`: the sum of both.
        joined: bool,
    },
}

/// A loss of the paper with its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// (2) SimCLR.
    SimClr,
    /// (3) Debiased.
    Debiased {
        /// `τ` in `[0, 1)`.
        tau_plus: f64,
    },
    /// (4) Debiased+HardNeg; with `tau_plus = 0`, HardNeg.
    HardNegative {
        /// `τ` in `[0, 1)`.
        tau_plus: f64,
        /// `β >= 0`.
        beta: f64,
    },
    /// (5) Adv: SimCLR on the positive, plus `alpha` times SimCLR on the adversarial view.
    Adversarial {
        /// `α >= 0`.
        alpha: f64,
    },
    /// NCA over `M` positives, (8) with a chosen estimator.
    Nca {
        /// `G`.
        negatives: Negatives,
    },
    /// MIXNCA.
    MixNca {
        /// `G`.
        negatives: Negatives,
        /// `λ` in `[0, 1]`.
        lambda: f64,
    },
    /// The robust term alone.
    Robust {
        /// `G` of the term.
        negatives: Negatives,
        /// `w`.
        weight: Weight,
        /// `G` inside an adversarial weight.
        weight_negatives: Negatives,
    },
    /// IntCl: a single-positive loss plus `alpha` times the robust term.
    IntCl {
        /// `G¹`.
        negatives: Negatives,
        /// `α >= 0`.
        alpha: f64,
        /// `G²` and `w`.
        robust: RobustTerm,
    },
    /// (9) IntNaCl: a neighbourhood loss plus `alpha` times the robust term.
    IntNaCl {
        /// `G¹`.
        negatives: Negatives,
        /// `α >= 0`.
        alpha: f64,
        /// `G²` and `w`.
        robust: RobustTerm,
        /// NCA, MIXNCA or both.
        neighborhood: Neighborhood,
    },
}

/// The objective of supervised NCA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// (7) `Σ_i -log p_i`.
    KullbackLeibler,
    /// `Σ_i (1 - p_i)`.
    TotalVariation,
}

/// What a loss is evaluated with, beside its own parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// `t > 0`, finite.
    pub temperature: f64,
    /// `true`: rows are divided by their norm inside, and gradients are by the rows as given.
    pub normalize: bool,
    /// How far from 1 a row's norm may be when `normalize` is `false`.
    pub norm_tolerance: f64,
}

impl Settings {
    /// The settings of a temperature: embeddings as given, of unit norm within `1e-6`.
    pub fn new(temperature: f64) -> Self {
        Self { temperature, normalize: false, norm_tolerance: 1e-6 }
    }

    /// The same with normalisation inside.
    pub fn normalizing(self) -> Self {
        Self { normalize: true, ..self }
    }

    /// Refuses settings out of range.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange), naming the setting.
    pub fn validate(&self) -> Result<()> {
        let t = self.temperature;
        in_range("temperature", t, t > 0.0 && t.is_finite(), "a finite number above 0")?;
        let tolerance = self.norm_tolerance;
        let holds = tolerance >= 0.0 && tolerance.is_finite();
        in_range("norm_tolerance", tolerance, holds, "a finite number of at least 0")
    }
}

/// Embeddings as tuples: each of `B` anchors with positives and negatives of its own.
///
/// Every matrix has an embedding a row, `d` columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuples {
    /// `B × d`.
    pub anchor: DMatrix<f64>,
    /// `B` matrices `M × d`.
    pub positives: Vec<DMatrix<f64>>,
    /// `B` matrices `N × d`.
    pub negatives: Vec<DMatrix<f64>>,
    /// `B` matrices `m × d`: the `v` of `g1` and `g2`, in every term (default: the first positive).
    pub debias_positives: Option<Vec<DMatrix<f64>>>,
    /// `B` matrices `(M-1) × d`: embeddings of mixed inputs.
    pub mixed: Option<Vec<DMatrix<f64>>>,
    /// `B` lists of `M-1` matrices `N × d`: the negatives of each mixed term (default: `negatives`).
    pub mixed_negatives: Option<Vec<Vec<DMatrix<f64>>>>,
    /// `B × d`.
    pub adversarial: Option<DMatrix<f64>>,
    /// `B` matrices `N' × d`: the negatives of the robust term (default: `negatives`).
    pub adversarial_negatives: Option<Vec<DMatrix<f64>>>,
}

impl Tuples {
    /// Tuples with the arrays that every loss needs.
    pub fn new(anchor: DMatrix<f64>, positives: Vec<DMatrix<f64>>, negatives: Vec<DMatrix<f64>>) -> Self {
        Self {
            anchor,
            positives,
            negatives,
            debias_positives: None,
            mixed: None,
            mixed_negatives: None,
            adversarial: None,
            adversarial_negatives: None,
        }
    }
}

/// Embeddings as a training step has them: `1+M` views of the same `B` images.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// `1+M` matrices `B × d`; view 0 is the anchor, the others its positives.
    pub views: Vec<DMatrix<f64>>,
    /// Whether view 1 is an anchor too (in the robust term: the adversarial view).
    pub symmetric: bool,
    /// `M-1` matrices `B × d`: embeddings of mixed inputs.
    pub mixed: Option<Vec<DMatrix<f64>>>,
    /// `B × d`.
    pub adversarial: Option<DMatrix<f64>>,
}

impl Batch {
    /// A symmetric batch of views.
    pub fn new(views: Vec<DMatrix<f64>>) -> Self {
        Self { views, symmetric: true, mixed: None, adversarial: None }
    }
}

/// Labelled points and the transform that supervised NCA learns.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// `A`, `D × F`.
    pub transform: DMatrix<f64>,
    /// `n × F`.
    pub points: DMatrix<f64>,
    /// `n` class labels.
    pub labels: Vec<i64>,
}

/// A loss value with its gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation<D> {
    /// The mean over the anchors (supervised NCA: the sum over the points).
    pub value: f64,
    /// The value of each anchor; in the batch layout of each image, the mean over its anchors;
    /// for supervised NCA of each point.
    pub per_anchor: Vec<f64>,
    /// The gradient of `value`, in the shape of the data.
    pub gradient: D,
}

impl Negatives {
    fn validate(&self, prefix: &str) -> Result<()> {
        let tau = |tau: f64| {
            in_range(&format!("{prefix}tau_plus"), tau, (0.0..1.0).contains(&tau), "a number in [0, 1)")
        };
        match *self {
            Negatives::G0 => Ok(()),
            Negatives::G1 { tau_plus } => tau(tau_plus),
            Negatives::G2 { tau_plus, beta } => {
                tau(tau_plus)?;
                let holds = beta >= 0.0 && beta.is_finite();
                in_range(&format!("{prefix}beta"), beta, holds, "a finite number of at least 0")
            }
        }
    }
}

fn validate_lambda(lambda: f64) -> Result<()> {
    in_range("lambda", lambda, (0.0..=1.0).contains(&lambda), "a number in [0, 1]")
}

fn validate_alpha(alpha: f64) -> Result<()> {
    in_range("alpha", alpha, alpha >= 0.0 && alpha.is_finite(), "a finite number of at least 0")
}

impl Loss {
    /// Refuses parameters outside their ranges.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange), naming the parameter.
    pub fn validate(&self) -> Result<()> {
        match *self {
            Loss::SimClr => Ok(()),
            Loss::Debiased { tau_plus } => Negatives::G1 { tau_plus }.validate(""),
            Loss::HardNegative { tau_plus, beta } => Negatives::G2 { tau_plus, beta }.validate(""),
            Loss::Adversarial { alpha } => validate_alpha(alpha),
            Loss::Nca { negatives } => negatives.validate("negatives."),
            Loss::MixNca { negatives, lambda } => {
                negatives.validate("negatives.")?;
                validate_lambda(lambda)
            }
            Loss::Robust { negatives, weight_negatives, .. } => {
                negatives.validate("negatives.")?;
                weight_negatives.validate("weight_negatives.")
            }
            Loss::IntCl { negatives, alpha, robust } => {
                negatives.validate("negatives.")?;
                validate_alpha(alpha)?;
                robust.negatives.validate("robust.negatives.")
            }
            Loss::IntNaCl { negatives, alpha, robust, neighborhood } => {
                negatives.validate("negatives.")?;
                validate_alpha(alpha)?;
                robust.negatives.validate("robust.negatives.")?;
                match neighborhood {
                    Neighborhood::Nca => Ok(()),
                    Neighborhood::MixNca { lambda } | Neighborhood::Combined { lambda, .. } => {
                        validate_lambda(lambda)
                    }
                }
            }
        }
    }

    /// The loss's name in requests, tables and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Loss::SimClr => "simclr",
            Loss::Debiased { .. } => "debiased",
            Loss::HardNegative { .. } => "hard_negative",
            Loss::Adversarial { .. } => "adversarial",
            Loss::Nca { .. } => "nca",
            Loss::MixNca { .. } => "mix_nca",
            Loss::Robust { .. } => "robust",
            Loss::IntCl { .. } => "int_cl",
            Loss::IntNaCl { .. } => "int_nacl",
        }
    }

    /// Whether the loss reads the mixed embeddings.
    pub fn needs_mixed(&self) -> bool {
        matches!(
            self,
            Loss::MixNca { .. }
                | Loss::IntNaCl {
                    neighborhood: Neighborhood::MixNca { .. } | Neighborhood::Combined { .. },
                    ..
                }
        )
    }

    /// Whether the loss reads the adversarial embeddings. A zero `alpha` switches the term off, so that
    /// they need not be given.
    pub fn needs_adversarial(&self) -> bool {
        match *self {
            Loss::Robust { .. } => true,
            Loss::Adversarial { alpha } | Loss::IntCl { alpha, .. } | Loss::IntNaCl { alpha, .. } => {
                alpha != 0.0
            }
            _ => false,
        }
    }
}

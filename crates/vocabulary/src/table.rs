//! The table of losses.
//!
//! A loss is declared here, once. Names, validation, the arrays that are read, requests and answers as JSON, and
//! the documentation derive from the declaration; where an implementation computes, a `match` on [`Loss`] without
//! a wildcard asks for its code.

use crate::declaration::{Declaration, Reads, losses};
use crate::parameter::{Negatives, Neighborhood, Parameter, RobustTerm, Weight};

losses! {
    SimClr => {
        name: "simclr",
        title: "(2) SimCLR",
        equation: "-log h(x,x⁺) / (h(x,x⁺) + Σ_i h(x,x⁻_i))",
        tex: r"-\log \frac{h(x,x^+)}{h(x,x^+) + \sum_{i=1}^N h(x,x_i^-)}",
        source: "Chen et al. 2020",
        example: Loss::SimClr,
        all_positives: [never],
        debias_positives: [never],
        mixed: [never],
        adversarial: [never],
    }
    Debiased { tau_plus: f64 as TauPlus } => {
        name: "debiased",
        title: "(3) Debiased",
        equation: "-log h(x,x⁺) / (h(x,x⁺) + N·g1(x; τ))",
        tex: r"-\log \frac{h(x,x^+)}{h(x,x^+) + N g_1(x; \tau)}",
        source: "Chuang et al. 2020",
        example: Loss::Debiased { tau_plus: 0.1 },
        all_positives: [never],
        debias_positives: [always],
        mixed: [never],
        adversarial: [never],
    }
    HardNegative { tau_plus: f64 as TauPlus, beta: f64 as Beta } => {
        name: "hard_negative",
        title: "(4) Debiased+HardNeg; with `tau_plus` 0, HardNeg",
        equation: "-log h(x,x⁺) / (h(x,x⁺) + N·g2(x; τ, β))",
        tex: r"-\log \frac{h(x,x^+)}{h(x,x^+) + N g_2(x; \tau, \beta)}",
        source: "Robinson et al. 2021",
        example: Loss::HardNegative { tau_plus: 0.1, beta: 1.0 },
        all_positives: [never],
        debias_positives: [always],
        mixed: [never],
        adversarial: [never],
    }
    Adversarial { alpha: f64 as Alpha } => {
        name: "adversarial",
        title: "(5) Adv",
        equation: "SimCLR(x, x⁺) + α·SimCLR(x, x^adv)",
        tex: r"L_{\mathrm{SimCLR}}(x, x^+) + \alpha L_{\mathrm{SimCLR}}(x, x^{\mathrm{adv}})",
        source: "Ho and Vasconcelos 2020",
        example: Loss::Adversarial { alpha: 1.0 },
        all_positives: [never],
        debias_positives: [never],
        mixed: [never],
        adversarial: [when alpha != 0.0, "`alpha` is not 0"],
    }
    Nca { negatives: Negatives as Negatives } => {
        name: "nca",
        title: "NCA, (8) with a chosen estimator",
        equation: "-log Σ_j h(x,x⁺_j) / (Σ_j h(x,x⁺_j) + N·G(x))",
        tex: r"-\log \frac{\sum_{j=1}^M h(x,x_j^+)}{\sum_{j=1}^M h(x,x_j^+) + N G(x)}",
        source: "Ko et al. 2022",
        example: Loss::Nca { negatives: Negatives::G2 { tau_plus: 0.1, beta: 1.0 } },
        all_positives: [always],
        debias_positives: [when negatives.debiases(), "`negatives` is g1 or g2"],
        mixed: [never],
        adversarial: [never],
    }
    MixNca { negatives: Negatives as Negatives, lambda: f64 as Lambda } => {
        name: "mix_nca",
        title: "MIXNCA",
        equation: "-log h(x,x⁺)/(h(x,x⁺) + N·G(x)) - λ/(M-1) Σ_j log Ω_j - (1-λ)/(M-1) Σ_j log(1-Ω_j), \
                   Ω_j = h(x,z_j)/(h(x,z_j) + N·G(x)), z_j mixed",
        tex: r"-\log \frac{h(x,x^+)}{h(x,x^+) + N G(x)} - \frac{\lambda}{M-1} \sum_{j=1}^{M-1} \log \Omega_j - \frac{1-\lambda}{M-1} \sum_{j=1}^{M-1} \log (1-\Omega_j)",
        source: "Ko et al. 2022",
        example: Loss::MixNca { negatives: Negatives::G1 { tau_plus: 0.1 }, lambda: 0.5 },
        all_positives: [never],
        debias_positives: [when negatives.debiases(), "`negatives` is g1 or g2"],
        mixed: [always],
        adversarial: [never],
    }
    Robust {
        negatives: Negatives as Negatives,
        weight: Weight as Weight,
        weight_negatives: Negatives as WeightNegatives,
    } => {
        name: "robust",
        title: "the robust term alone",
        equation: "w(x) · (-log h(x,x^adv)/(h(x,x^adv) + N·G(x)))",
        tex: r"-w(x) \log \frac{h(x,x^{\mathrm{adv}})}{h(x,x^{\mathrm{adv}}) + N G(x)}",
        source: "Ko et al. 2022",
        example: Loss::Robust { negatives: Negatives::G0, weight: Weight::Adversarial, weight_negatives: Negatives::G0 },
        all_positives: [never],
        debias_positives: [
            when negatives.debiases() || (weight != Weight::One && weight_negatives.debiases()),
            "an estimator in use is g1 or g2"
        ],
        mixed: [never],
        adversarial: [always],
    }
    IntCl { negatives: Negatives as Negatives, alpha: f64 as Alpha, robust: RobustTerm as Robust } => {
        name: "int_cl",
        title: "IntCl",
        equation: "-log h(x,x⁺)/(h(x,x⁺) + N·G¹(x)) + α·Robust(x; G², w)",
        tex: r"-\log \frac{h(x,x^+)}{h(x,x^+) + N G^1(x)} + \alpha L_{\mathrm{Robust}}(x; G^2, w)",
        source: "Ko et al. 2022",
        example: Loss::IntCl {
            negatives: Negatives::G2 { tau_plus: 0.1, beta: 1.0 },
            alpha: 1.0,
            robust: RobustTerm { negatives: Negatives::G0, weight: Weight::Adversarial },
        },
        all_positives: [never],
        debias_positives: [
            when negatives.debiases() || (alpha != 0.0 && robust.negatives.debiases()),
            "an estimator in use is g1 or g2"
        ],
        mixed: [never],
        adversarial: [when alpha != 0.0, "`alpha` is not 0"],
    }
    IntNaCl {
        negatives: Negatives as Negatives,
        alpha: f64 as Alpha,
        robust: RobustTerm as Robust,
        neighborhood: Neighborhood as Neighborhood,
    } => {
        name: "int_nacl",
        title: "(9) IntNaCl",
        equation: "NaCl(x; G¹, M, λ) + α·Robust(x; G², w), NaCl being NCA, MIXNCA or both",
        tex: r"L_{\mathrm{NaCl}}(x; G^1, M, \lambda) + \alpha L_{\mathrm{Robust}}(x; G^2, w)",
        source: "Ko et al. 2022",
        example: Loss::IntNaCl {
            negatives: Negatives::G2 { tau_plus: 0.1, beta: 1.0 },
            alpha: 1.0,
            robust: RobustTerm { negatives: Negatives::G0, weight: Weight::Adversarial },
            neighborhood: Neighborhood::MixNca { lambda: 0.5 },
        },
        all_positives: [when neighborhood.has_nca(), "`neighborhood` is nca or combined"],
        debias_positives: [
            when negatives.debiases() || (alpha != 0.0 && robust.negatives.debiases()),
            "an estimator in use is g1 or g2"
        ],
        mixed: [when neighborhood.has_mix_nca(), "`neighborhood` is mix_nca or combined"],
        adversarial: [when alpha != 0.0, "`alpha` is not 0"],
    }
}

/// Supervised NCA, whose data are labelled points: [`Objective`](crate::Objective) is its parameter.
pub const SUPERVISED_NCA: Declaration = Declaration {
    name: "supervised_nca",
    title: "(6), (7) supervised NCA",
    equation: "Σ_i -log p_i or Σ_i (1 - p_i), p_i = Σ_{j: c_j = c_i, j ≠ i} exp(-‖A x_i - A x_j‖²) / \
               Σ_{k ≠ i} exp(-‖A x_i - A x_k‖²)",
    tex: r"\sum_i -\log p_i, \quad p_i = \sum_{j \ne i,\, c_j = c_i} \frac{e^{-\lVert A x_i - A x_j \rVert^2}}{\sum_{k \ne i} e^{-\lVert A x_i - A x_k \rVert^2}}",
    source: "Goldberger et al. 2004",
    parameters: &[Parameter::Objective],
    reads: None,
};

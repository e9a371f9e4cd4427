//! The parameters of a loss, as a request has them.

use crate::vocabulary::{Loss, Negatives, Neighborhood, Objective, RobustTerm, Weight};

written!(Parameters {
    tau_plus: f64,
    beta: f64,
    alpha: f64,
    negatives: Estimator,
    lambda: f64,
    weight: &'static str,
    weight_negatives: Estimator,
    robust: Robust,
    neighborhood: &'static str,
    joined: bool,
    objective: &'static str,
});

written!(Robust {
    negatives: Estimator,
    weight: &'static str,
});

written!(Estimator {
    estimator: &'static str,
    tau_plus: f64,
    beta: f64,
});

impl Parameters {
    pub(super) fn of_objective(objective: Objective) -> Self {
        let name = match objective {
            Objective::KullbackLeibler => "kl",
            Objective::TotalVariation => "total_variation",
        };
        Parameters { objective: Some(name), ..Parameters::default() }
    }

    pub(super) fn of_loss(loss: &Loss) -> Self {
        let none = Parameters::default();
        match *loss {
            Loss::SimClr => none,
            Loss::Debiased { tau_plus } => Parameters { tau_plus: Some(tau_plus), ..none },
            Loss::HardNegative { tau_plus, beta } => {
                Parameters { tau_plus: Some(tau_plus), beta: Some(beta), ..none }
            }
            Loss::Adversarial { alpha } => Parameters { alpha: Some(alpha), ..none },
            Loss::Nca { negatives } => Parameters { negatives: Some(negatives.into()), ..none },
            Loss::MixNca { negatives, lambda } => {
                Parameters { negatives: Some(negatives.into()), lambda: Some(lambda), ..none }
            }
            Loss::Robust { negatives, weight, weight_negatives } => {
                // Without an adversarial weight they mean nothing: a reader may not know them there.
                let needed = weight != Weight::One || weight_negatives != negatives;
                Parameters {
                    negatives: Some(negatives.into()),
                    weight: Some(weight_name(weight)),
                    weight_negatives: needed.then(|| weight_negatives.into()),
                    ..none
                }
            }
            Loss::IntCl { negatives, alpha, robust } => Parameters {
                negatives: Some(negatives.into()),
                alpha: Some(alpha),
                robust: Some(robust.into()),
                ..none
            },
            Loss::IntNaCl { negatives, alpha, robust, neighborhood } => {
                let (neighborhood, lambda, joined) = match neighborhood {
                    Neighborhood::Nca => ("nca", None, None),
                    Neighborhood::MixNca { lambda } => ("mix_nca", Some(lambda), None),
                    Neighborhood::Combined { lambda, joined } => ("combined", Some(lambda), Some(joined)),
                };
                Parameters {
                    negatives: Some(negatives.into()),
                    alpha: Some(alpha),
                    robust: Some(robust.into()),
                    neighborhood: Some(neighborhood),
                    lambda,
                    joined,
                    ..none
                }
            }
        }
    }
}

impl From<Negatives> for Estimator {
    fn from(negatives: Negatives) -> Self {
        let (estimator, tau_plus, beta) = match negatives {
            Negatives::G0 => ("g0", None, None),
            Negatives::G1 { tau_plus } => ("g1", Some(tau_plus), None),
            Negatives::G2 { tau_plus, beta } => ("g2", Some(tau_plus), Some(beta)),
        };
        Estimator { estimator: Some(estimator), tau_plus, beta }
    }
}

impl From<RobustTerm> for Robust {
    fn from(robust: RobustTerm) -> Self {
        Robust { negatives: Some(robust.negatives.into()), weight: Some(weight_name(robust.weight)) }
    }
}

fn weight_name(weight: Weight) -> &'static str {
    match weight {
        Weight::One => "one",
        Weight::Adversarial => "adversarial",
        Weight::AdversarialWithGradient => "adversarial_with_gradient",
    }
}

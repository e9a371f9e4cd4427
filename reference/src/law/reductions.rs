//! The reductions of the paper: each loss is another one at some value of a parameter.

use super::trial::{InRequest, Inputs, Stop, Trial};
use super::{LOSSES, Law};
use crate::vocabulary::{Batch, Loss, Negatives, Neighborhood, RobustTerm, Tuples, Weight};

pub(super) const LAWS: &[Law] = &[
    Law {
        name: "m_1_gives_simclr",
        statement: "with M = 1 and G = g0, NCA and MIXNCA are SimCLR",
        losses: &["nca", "mix_nca", "int_nacl"],
        check: |trial, loss| {
            let negatives = Negatives::G0;
            let reduced = match loss {
                "nca" => Loss::Nca { negatives },
                "mix_nca" => Loss::MixNca { negatives, lambda: trial.case.lambda },
                _ => int_nacl(trial, negatives, 0.0),
            };
            both_layouts_with_one_positive(trial, reduced, Loss::SimClr)
        },
    },
    Law {
        name: "beta_0_gives_debiased",
        statement: "with β = 0, g2 is g1: Debiased+HardNeg is Debiased, and so in every loss with a G",
        losses: &["hard_negative", "nca", "mix_nca", "robust", "int_cl", "int_nacl"],
        check: |trial, loss| {
            let tau_plus = trial.case.tau_plus;
            both_layouts(
                trial,
                with_estimators(trial, loss, Negatives::G2 { tau_plus, beta: 0.0 }),
                with_estimators(trial, loss, Negatives::G1 { tau_plus }),
            )
        },
    },
    Law {
        name: "tau_0_beta_0_gives_simclr",
        statement: "with τ = 0 and β = 0, g2 and g1 are g0",
        losses: &["debiased", "hard_negative", "nca", "mix_nca", "robust", "int_cl", "int_nacl"],
        check: |trial, loss| {
            let plain = match loss {
                "debiased" | "hard_negative" => Loss::SimClr,
                _ => with_estimators(trial, loss, Negatives::G0),
            };
            let g1 = Negatives::G1 { tau_plus: 0.0 };
            let g2 = Negatives::G2 { tau_plus: 0.0, beta: 0.0 };
            both_layouts(trial, with_estimators(trial, loss, g1), plain)?;
            both_layouts(trial, with_estimators(trial, loss, g2), plain)
        },
    },
    Law {
        name: "tau_0_gives_hard_negative",
        statement: "with τ = 0, Debiased+HardNeg is HardNeg: the draws of positives do not matter",
        losses: &["hard_negative", "nca", "mix_nca", "robust", "int_cl", "int_nacl"],
        check: |trial, loss| {
            let loss = with_estimators(trial, loss, Negatives::G2 { tau_plus: 0.0, beta: trial.case.beta });
            let data = trial.case.tuples();
            let mut other = data.clone();
            // In place of the draws of positives, the negatives.
            other.debias_positives = Some(data.negatives.clone());
            let (a, b) = (trial.evaluate(loss, &data)?, trial.evaluate(loss, &other)?);
            trial.same_values(&a, &b.evaluation.per_anchor, &b, Inputs::Same);
            let mut expected = b.evaluation.gradient.clone();
            expected.debias_positives =
                data.debias_positives.as_ref().map(|list| list.iter().map(|matrix| matrix * 0.0).collect());
            trial.same_gradients(&a, &expected, &b, Inputs::Same);
            Ok(())
        },
    },
    Law {
        name: "alpha_0_gives_nacl",
        statement: "with α = 0, IntNaCl is NaCl, IntCl its single-positive loss, and Adv is SimCLR",
        losses: &["int_nacl", "int_cl", "adversarial"],
        check: |trial, loss| {
            let negatives = trial.case.first_estimator();
            let lambda = trial.case.lambda;
            let robust = trial.case.robust();
            match loss {
                "adversarial" => both_layouts(trial, Loss::Adversarial { alpha: 0.0 }, Loss::SimClr),
                "int_cl" => {
                    let int_cl = Loss::IntCl { negatives, alpha: 0.0, robust };
                    both_layouts(trial, int_cl, single(negatives))
                }
                _ => {
                    let with = |neighborhood| Loss::IntNaCl { negatives, alpha: 0.0, robust, neighborhood };
                    both_layouts(trial, with(Neighborhood::Nca), Loss::Nca { negatives })?;
                    let mix = Loss::MixNca { negatives, lambda };
                    both_layouts(trial, with(Neighborhood::MixNca { lambda }), mix)
                }
            }
        },
    },
    Law {
        name: "nca_and_mix_nca_meet_at_m_1",
        statement: "with M = 1, NCA and MIXNCA are the same loss, for every G",
        losses: &["mix_nca"],
        check: |trial, _| {
            let negatives = trial.case.first_estimator();
            let mix = Loss::MixNca { negatives, lambda: trial.case.lambda };
            both_layouts_with_one_positive(trial, mix, Loss::Nca { negatives })
        },
    },
    Law {
        name: "int_nacl_at_m_1_gives_int_cl",
        statement: "with M = 1, IntNaCl is IntCl, for every neighbourhood but the plain sum",
        losses: &["int_nacl"],
        check: |trial, _| {
            let (negatives, alpha, robust) =
                (trial.case.first_estimator(), trial.case.alpha, trial.case.robust());
            let lambda = trial.case.lambda;
            let int_cl = Loss::IntCl { negatives, alpha, robust };
            for neighborhood in [
                Neighborhood::Nca,
                Neighborhood::MixNca { lambda },
                Neighborhood::Combined { lambda, joined: true },
            ] {
                let int_nacl = Loss::IntNaCl { negatives, alpha, robust, neighborhood };
                both_layouts_with_one_positive(trial, int_nacl, int_cl)?;
            }
            Ok(())
        },
    },
    Law {
        name: "int_cl_with_g0_and_unit_weight_gives_adversarial",
        statement: "with G¹ = G² = g0 and w = 1, IntCl is Adv",
        losses: &["int_cl"],
        check: |trial, _| {
            let alpha = trial.case.alpha;
            let robust = RobustTerm { negatives: Negatives::G0, weight: Weight::One };
            let int_cl = Loss::IntCl { negatives: Negatives::G0, alpha, robust };
            both_layouts(trial, int_cl, Loss::Adversarial { alpha })
        },
    },
    Law {
        name: "mix_nca_at_lambda_1",
        statement: "with λ = 1, MIXNCA is the single-positive loss plus its mean over the mixed as positives",
        losses: &["mix_nca"],
        check: |trial, _| {
            let negatives = trial.case.first_estimator();
            let data = trial.case.tuples();
            let terms = data.mixed.as_ref().map_or(0, |mixed| mixed[0].nrows());
            let mix = trial.evaluate(Loss::MixNca { negatives, lambda: 1.0 }, &data)?;
            let first = trial.evaluate(single(negatives), &data)?;
            let mut expected = first.evaluation.per_anchor.clone();
            let mut budget_side = first;
            for j in 0..terms {
                let mut swapped = data.clone();
                let mixed = data.mixed.iter().flatten();
                swapped.positives = mixed.map(|matrix| matrix.rows(j, 1).into_owned()).collect();
                if let Some(lists) = &data.mixed_negatives {
                    swapped.negatives = lists.iter().map(|list| list[j].clone()).collect();
                }
                // The draws of positives stay those of the anchor.
                swapped.debias_positives = Some(data.debias_positives.clone().unwrap_or_else(|| {
                    data.positives.iter().map(|matrix| matrix.rows(0, 1).into_owned()).collect()
                }));
                let side = trial.evaluate(single(negatives), &swapped)?;
                for (sum, value) in expected.iter_mut().zip(&side.evaluation.per_anchor) {
                    *sum += value / terms as f64;
                }
                budget_side = side;
            }
            trial.same_values(&mix, &expected, &budget_side, Inputs::Rounded);
            Ok(())
        },
    },
    Law {
        name: "unread_arrays_have_no_gradient",
        statement: "arrays that a loss does not read do not move it: their gradient is exactly 0",
        losses: LOSSES,
        check: |trial, loss| {
            let loss = trial.case.loss(loss);
            let side = trial.evaluate(loss, &trial.case.batch())?;
            let gradient = &side.evaluation.gradient;
            let zero = |what: &str, matrix: &nalgebra::DMatrix<f64>| {
                trial.measure(what, matrix.amax(), 0.0, side.request());
            };
            if !loss.needs_adversarial() {
                gradient.adversarial.iter().for_each(|matrix| zero("adversarial", matrix));
            }
            if !loss.needs_mixed() {
                gradient.mixed.iter().flatten().for_each(|matrix| zero("mixed", matrix));
            }
            Ok(())
        },
    },
];

/// The single-positive loss of an estimator.
pub(super) fn single(negatives: Negatives) -> Loss {
    match negatives {
        Negatives::G0 => Loss::SimClr,
        Negatives::G1 { tau_plus } => Loss::Debiased { tau_plus },
        Negatives::G2 { tau_plus, beta } => Loss::HardNegative { tau_plus, beta },
    }
}

/// The loss of a name with all its estimators replaced.
fn with_estimators(trial: &Trial<'_>, loss: &str, negatives: Negatives) -> Loss {
    let robust = RobustTerm { negatives, weight: trial.case.weight };
    match trial.case.loss(loss) {
        Loss::Nca { .. } => Loss::Nca { negatives },
        Loss::MixNca { lambda, .. } => Loss::MixNca { negatives, lambda },
        Loss::Robust { weight, .. } => Loss::Robust { negatives, weight, weight_negatives: negatives },
        Loss::IntCl { alpha, .. } => Loss::IntCl { negatives, alpha, robust },
        Loss::IntNaCl { alpha, neighborhood, .. } => Loss::IntNaCl { negatives, alpha, robust, neighborhood },
        _ => single(negatives),
    }
}

fn int_nacl(trial: &Trial<'_>, negatives: Negatives, alpha: f64) -> Loss {
    // The plain sum of NCA and MIXNCA is twice SimCLR at M = 1, by its definition.
    let neighborhood = match trial.case.neighborhood() {
        Neighborhood::Combined { lambda, .. } => Neighborhood::Combined { lambda, joined: true },
        other => other,
    };
    Loss::IntNaCl { negatives, alpha, robust: trial.case.robust(), neighborhood }
}

/// Both losses agree, in value and gradient, in both layouts.
pub(super) fn both_layouts(trial: &Trial<'_>, a: Loss, b: Loss) -> Result<(), Stop> {
    same(trial, a, b, &trial.case.tuples())?;
    same(trial, a, b, &trial.case.batch())
}

/// The same with data of `M = 1`.
pub(super) fn both_layouts_with_one_positive(trial: &Trial<'_>, a: Loss, b: Loss) -> Result<(), Stop> {
    let case = super::Case { positives: 1, ..trial.case.clone() };
    let tuples = Tuples { mixed: None, mixed_negatives: None, ..case.tuples() };
    same(trial, a, b, &tuples)?;
    same(trial, a, b, &Batch { mixed: None, ..case.batch() })
}

fn same<L: InRequest>(trial: &Trial<'_>, a: Loss, b: Loss, data: &L) -> Result<(), Stop> {
    let (a, b) = (trial.evaluate(a, data)?, trial.evaluate(b, data)?);
    trial.same(&a, &b, Inputs::Same);
    Ok(())
}

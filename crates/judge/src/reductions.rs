//! The reductions of the paper: each loss is another one at some value of a parameter.

use super::budget::Inputs;
use super::lists::{WITH_BETA, WITH_TAU};
use super::outcome::Stop;
use super::side::InRequest;
use super::trial::{Trial, largest};
use super::{LOSSES, Law};
use intnacl_reference::Layout;
use intnacl_reference::{Batch, Loss, Negatives, Neighborhood, RobustTerm, Tuples, Weight};
use nalgebra::DMatrix;

pub(super) const LAWS: &[Law] = &[
    Law {
        name: "m_1_gives_simclr",
        statement: "with M = 1 and G = g0, NCA and MIXNCA are SimCLR",
        losses: &["nca", "mix_nca", "int_nacl"],
        check: |trial, loss| {
            let negatives = Negatives::G0;
            let reduced = match trial.loss(loss)? {
                Loss::Nca { .. } => Loss::Nca { negatives },
                Loss::MixNca { lambda, .. } => Loss::MixNca { negatives, lambda },
                _ => int_nacl(trial, negatives, 0.0),
            };
            both_layouts_with_one_positive(trial, reduced, Loss::SimClr)
        },
    },
    Law {
        name: "beta_0_gives_debiased",
        statement: "with β = 0, g2 is g1: Debiased+HardNeg is Debiased, and so in every loss with a G",
        losses: WITH_BETA,
        check: |trial, loss| {
            let tau_plus = trial.case.tau_plus;
            both_layouts(
                trial,
                with_estimators(trial, loss, Negatives::G2 { tau_plus, beta: 0.0 })?,
                with_estimators(trial, loss, Negatives::G1 { tau_plus })?,
            )
        },
    },
    Law {
        name: "tau_0_beta_0_gives_simclr",
        statement: "with τ = 0 and β = 0, g2 and g1 are g0",
        losses: WITH_TAU,
        check: |trial, loss| {
            let plain = match trial.loss(loss)? {
                Loss::Debiased { .. } | Loss::HardNegative { .. } => Loss::SimClr,
                _ => with_estimators(trial, loss, Negatives::G0)?,
            };
            let g1 = Negatives::G1 { tau_plus: 0.0 };
            let g2 = Negatives::G2 { tau_plus: 0.0, beta: 0.0 };
            // A row that is a rounding off the sphere can have a kernel below the floor, which g0 does not have.
            for reduced in [with_estimators(trial, loss, g1)?, with_estimators(trial, loss, g2)?] {
                trial.each(&[&|| same(trial, reduced, plain, &trial.tuples(), Inputs::Rounded), &|| {
                    same(trial, reduced, plain, &trial.batch(), Inputs::Rounded)
                }])?;
            }
            Ok(())
        },
    },
    Law {
        name: "tau_0_gives_hard_negative",
        statement: "with τ = 0, Debiased+HardNeg is HardNeg: the draws of positives do not matter",
        losses: WITH_BETA,
        check: |trial, loss| {
            let loss = with_estimators(trial, loss, Negatives::G2 { tau_plus: 0.0, beta: trial.case.beta })?;
            let data = trial.tuples();
            let mut other = data.clone();
            // In place of the draws of positives, the negatives.
            other.debias_positives = Some(data.negatives.clone());
            let (a, b) = (trial.evaluate(loss, &data)?, trial.evaluate(loss, &other)?);
            trial.same_values_as(&a, &b, Inputs::Same);
            let mut expected = b.evaluation.gradient.clone();
            expected.debias_positives =
                data.debias_positives.as_ref().map(|list| list.iter().map(|matrix| matrix * 0.0).collect());
            trial.same_gradients(&a, &expected, Inputs::Same);
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
            match trial.loss(loss)? {
                Loss::Adversarial { .. } => {
                    both_layouts(trial, Loss::Adversarial { alpha: 0.0 }, Loss::SimClr)
                }
                Loss::IntCl { .. } => {
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
            let data = trial.tuples();
            let terms = data.mixed.as_ref().map_or(0, |mixed| mixed[0].nrows());
            let mix = trial.evaluate(Loss::MixNca { negatives, lambda: 1.0 }, &data)?;
            let mut expected = trial.evaluate(single(negatives), &data)?.numbers(Inputs::Same);
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
                for (sum, value) in expected.iter_mut().zip(side.numbers(Inputs::Same)) {
                    *sum = *sum + value.over(terms as f64);
                }
            }
            trial.same_values(&mix, &expected, Inputs::Same);
            Ok(())
        },
    },
    Law {
        name: "unread_arrays_do_not_matter",
        statement: "arrays that a loss does not read may be left out, and have exactly no gradient where they are given",
        losses: LOSSES,
        check: |trial, name| {
            let loss = trial.loss(name)?;
            trial.each(&[&|| unread_arrays_of_a_batch(trial, loss), &|| unread_arrays_of_tuples(trial, loss)])
        },
    },
];

fn unread_arrays_of_a_batch(trial: &Trial<'_>, loss: Loss) -> Result<(), Stop> {
    let batch = trial.batch();
    let mut lean = batch.clone();
    if !loss.needs_adversarial() {
        lean.adversarial = None;
    }
    if !loss.needs_mixed() {
        lean.mixed = None;
    }
    if !loss.reads_all_positives() {
        lean.views.truncate(2);
    }
    // Where an implementation takes less, nothing may be left to be left out.
    let support = trial.implementation.support();
    if lean == batch && (support.arrays.is_some() || support.positives.is_some()) {
        return Err(Trial::not_supported("arrays that are not taken"));
    }
    let (full, lean) = (trial.evaluate(loss, &batch)?, trial.evaluate(loss, &lean)?);
    trial.same_values_as(&full, &lean, Inputs::Same);
    let mut expected = batch.map_matrices(|matrix| matrix * 0.0);
    let from = &lean.evaluation.gradient;
    expected.views.iter_mut().zip(&from.views).for_each(|(into, from)| into.copy_from(from));
    if from.adversarial.is_some() {
        expected.adversarial.clone_from(&from.adversarial);
    }
    if from.mixed.is_some() {
        expected.mixed.clone_from(&from.mixed);
    }
    // Rows that no score reads have a size of 0, so a budget of 0.
    trial.same_gradients(&full, &expected, Inputs::Same);
    Ok(())
}

fn unread_arrays_of_tuples(trial: &Trial<'_>, loss: Loss) -> Result<(), Stop> {
    let side = trial.evaluate(loss, &trial.tuples())?;
    let gradient = &side.evaluation.gradient;
    let zero = |what: &str, matrix: &DMatrix<f64>| {
        trial.measure(|| format!("gradient.{what}"), largest(matrix), [0.0; 3], &side.request);
    };
    if !loss.needs_adversarial() {
        gradient.adversarial.iter().for_each(|matrix| zero("adversarial", matrix));
        gradient
            .adversarial_negatives
            .iter()
            .flatten()
            .for_each(|matrix| zero("adversarial_negatives", matrix));
    }
    if !loss.needs_mixed() {
        gradient.mixed.iter().flatten().for_each(|matrix| zero("mixed", matrix));
        gradient
            .mixed_negatives
            .iter()
            .flatten()
            .flatten()
            .for_each(|matrix| zero("mixed_negatives", matrix));
    }
    if !loss.reads_all_positives() {
        for matrix in &gradient.positives {
            zero("positives", &matrix.rows(1, matrix.nrows() - 1).into_owned());
        }
    }
    if matches!(loss, Loss::SimClr | Loss::Adversarial { .. }) {
        gradient.debias_positives.iter().flatten().for_each(|matrix| zero("debias_positives", matrix));
    }
    Ok(())
}

/// The single-positive loss of an estimator.
pub(super) fn single(negatives: Negatives) -> Loss {
    match negatives {
        Negatives::G0 => Loss::SimClr,
        Negatives::G1 { tau_plus } => Loss::Debiased { tau_plus },
        Negatives::G2 { tau_plus, beta } => Loss::HardNegative { tau_plus, beta },
    }
}

/// The loss of a name with all its estimators replaced.
fn with_estimators(trial: &Trial<'_>, loss: &str, negatives: Negatives) -> Result<Loss, Stop> {
    let robust = RobustTerm { negatives, weight: trial.case.weight };
    Ok(match trial.loss(loss)? {
        Loss::Nca { .. } => Loss::Nca { negatives },
        Loss::MixNca { lambda, .. } => Loss::MixNca { negatives, lambda },
        Loss::Robust { weight, .. } => Loss::Robust { negatives, weight, weight_negatives: negatives },
        Loss::IntCl { alpha, .. } => Loss::IntCl { negatives, alpha, robust },
        Loss::IntNaCl { alpha, neighborhood, .. } => Loss::IntNaCl { negatives, alpha, robust, neighborhood },
        Loss::SimClr | Loss::Debiased { .. } | Loss::HardNegative { .. } | Loss::Adversarial { .. } => {
            single(negatives)
        }
    })
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
    trial.each(&[&|| same(trial, a, b, &trial.tuples(), Inputs::Same), &|| {
        same(trial, a, b, &trial.batch(), Inputs::Same)
    }])
}

/// The same with data of `M = 1`.
pub(super) fn both_layouts_with_one_positive(trial: &Trial<'_>, a: Loss, b: Loss) -> Result<(), Stop> {
    let case = super::Case { positives: 1, ..trial.case.clone() };
    let tuples = Tuples { mixed: None, mixed_negatives: None, ..trial.tuples_of(&case) };
    let batch = Batch { mixed: None, ..trial.batch_of(&case) };
    trial.each(&[&|| same(trial, a, b, &tuples, Inputs::Same), &|| same(trial, a, b, &batch, Inputs::Same)])
}

fn same<L: InRequest>(trial: &Trial<'_>, a: Loss, b: Loss, data: &L, inputs: Inputs) -> Result<(), Stop> {
    let (a, b) = (trial.evaluate(a, data)?, trial.evaluate(b, data)?);
    trial.same(&a, &b, inputs);
    Ok(())
}

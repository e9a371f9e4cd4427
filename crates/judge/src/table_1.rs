//! Every row of the paper's Table 1: which loss IntNaCl is at which parameters.

use super::Law;
use super::budget::Inputs;
use super::number::Number;
use super::outcome::Stop;
use super::reductions::{both_layouts, both_layouts_with_one_positive};
use super::trial::Trial;
use intnacl_reference::{Loss, Negatives, Neighborhood, RobustTerm, Weight};

const INT_NACL: &[&str] = &["int_nacl"];

pub(super) const LAWS: &[Law] = &[
    Law {
        name: "table_1_simclr",
        statement: "IntNaCl with G¹ = g0, M = 1, α = 0 is SimCLR",
        losses: INT_NACL,
        check: |trial, _| single_positive_row(trial, Negatives::G0, Loss::SimClr),
    },
    Law {
        name: "table_1_debiased",
        statement: "IntNaCl with G¹ = g1, M = 1, α = 0 is Debiased",
        losses: INT_NACL,
        check: |trial, _| {
            let tau_plus = trial.case.tau_plus;
            single_positive_row(trial, Negatives::G1 { tau_plus }, Loss::Debiased { tau_plus })
        },
    },
    Law {
        name: "table_1_debiased_hard_negative",
        statement: "IntNaCl with G¹ = g2, M = 1, α = 0 is Debiased+HardNeg",
        losses: INT_NACL,
        check: |trial, _| {
            let (tau_plus, beta) = (trial.case.tau_plus, trial.case.beta);
            single_positive_row(
                trial,
                Negatives::G2 { tau_plus, beta },
                Loss::HardNegative { tau_plus, beta },
            )
        },
    },
    Law {
        name: "table_1_adversarial",
        statement: "IntNaCl with G¹ = G² = g0, M = 1, α = 1, w = 1 is Adv",
        losses: INT_NACL,
        check: |trial, _| {
            let robust = RobustTerm { negatives: Negatives::G0, weight: Weight::One };
            every_neighborhood_at_m_1(trial, Negatives::G0, 1.0, robust, Loss::Adversarial { alpha: 1.0 })
        },
    },
    Law {
        name: "table_1_int_cl",
        statement: "IntNaCl with G¹ = G² = g2, M = 1, α = 1, w = ŵ is IntCl",
        losses: INT_NACL,
        check: |trial, _| {
            let negatives = hard(trial);
            let robust = RobustTerm { negatives, weight: Weight::Adversarial };
            let int_cl = Loss::IntCl { negatives, alpha: 1.0, robust };
            every_neighborhood_at_m_1(trial, negatives, 1.0, robust, int_cl)
        },
    },
    Law {
        name: "table_1_int_nacl",
        statement: "IntNaCl with G¹ = G² = g2, α = 1, w = ŵ is MIXNCA (or NCA) plus the robust term",
        losses: INT_NACL,
        check: |trial, _| {
            let (negatives, lambda) = (hard(trial), trial.case.lambda);
            sum_of_parts(trial, negatives, negatives, 1.0, Weight::Adversarial, lambda)
        },
    },
    Law {
        name: "table_1_row_of_table_2",
        statement: "IntNaCl with G¹ = g0 or g2, any M, α = 0 is NCA or MIXNCA",
        losses: INT_NACL,
        check: |trial, _| {
            let lambda = trial.case.lambda;
            for negatives in [Negatives::G0, hard(trial)] {
                let with = |neighborhood| Loss::IntNaCl {
                    negatives,
                    alpha: 0.0,
                    robust: trial.case.robust(),
                    neighborhood,
                };
                both_layouts(trial, with(Neighborhood::Nca), Loss::Nca { negatives })?;
                let mix = Loss::MixNca { negatives, lambda };
                both_layouts(trial, with(Neighborhood::MixNca { lambda }), mix)?;
            }
            Ok(())
        },
    },
    Law {
        name: "table_1_row_of_table_4",
        statement: "IntNaCl with G² = g2 and either weight is NaCl plus the robust term",
        losses: INT_NACL,
        check: |trial, _| {
            let (negatives, lambda) = (hard(trial), trial.case.lambda);
            for weight in [Weight::Adversarial, Weight::One] {
                sum_of_parts(trial, Negatives::G0, negatives, trial.case.alpha, weight, lambda)?;
            }
            Ok(())
        },
    },
    Law {
        name: "combined_is_made_of_its_parts",
        statement: "Combined as a plain sum is NCA plus MIXNCA; joined, it is that less the single-positive loss",
        losses: INT_NACL,
        check: |trial, _| {
            let (negatives, lambda) = (trial.case.first_estimator(), trial.case.lambda);
            let with = |joined| Loss::IntNaCl {
                negatives,
                alpha: 0.0,
                robust: trial.case.robust(),
                neighborhood: Neighborhood::Combined { lambda, joined },
            };
            let data = trial.batch();
            let nca = trial.evaluate(Loss::Nca { negatives }, &data)?;
            let mix = trial.evaluate(Loss::MixNca { negatives, lambda }, &data)?;
            let single = trial.evaluate(super::reductions::single(negatives), &data)?;
            let sum = trial.evaluate(with(false), &data)?;
            let joined = trial.evaluate(with(true), &data)?;
            let sums = |a: &[Number], b: &[Number]| a.iter().zip(b).map(|(a, b)| *a + *b).collect::<Vec<_>>();
            let [nca, mix, single, joined] =
                [&nca, &mix, &single, &joined].map(|side| side.numbers(Inputs::Same));
            trial.same_values(&sum, &sums(&nca, &mix), Inputs::Same);
            trial.same_values(&sum, &sums(&joined, &single), Inputs::Same);
            Ok(())
        },
    },
];

fn hard(trial: &Trial<'_>) -> Negatives {
    Negatives::G2 { tau_plus: trial.case.tau_plus, beta: trial.case.beta }
}

/// A row with `M = 1` and `α = 0`, for both neighbourhood losses.
fn single_positive_row(trial: &Trial<'_>, negatives: Negatives, expected: Loss) -> Result<(), Stop> {
    every_neighborhood_at_m_1(trial, negatives, 0.0, trial.case.robust(), expected)
}

fn every_neighborhood_at_m_1(
    trial: &Trial<'_>,
    negatives: Negatives,
    alpha: f64,
    robust: RobustTerm,
    expected: Loss,
) -> Result<(), Stop> {
    for neighborhood in [Neighborhood::Nca, Neighborhood::MixNca { lambda: trial.case.lambda }] {
        let int_nacl = Loss::IntNaCl { negatives, alpha, robust, neighborhood };
        both_layouts_with_one_positive(trial, int_nacl, expected)?;
    }
    Ok(())
}

/// IntNaCl is its neighbourhood loss plus `α` times its robust term.
fn sum_of_parts(
    trial: &Trial<'_>,
    first: Negatives,
    second: Negatives,
    alpha: f64,
    weight: Weight,
    lambda: f64,
) -> Result<(), Stop> {
    let data = trial.batch();
    let robust = Loss::Robust { negatives: second, weight, weight_negatives: first };
    let robust = trial.evaluate(robust, &data)?;
    for (neighborhood, alone) in [
        (Neighborhood::Nca, Loss::Nca { negatives: first }),
        (Neighborhood::MixNca { lambda }, Loss::MixNca { negatives: first, lambda }),
    ] {
        let term = RobustTerm { negatives: second, weight };
        let whole = Loss::IntNaCl { negatives: first, alpha, robust: term, neighborhood };
        let (whole, alone) = (trial.evaluate(whole, &data)?, trial.evaluate(alone, &data)?);
        let values = alone.numbers(Inputs::Same).into_iter().zip(robust.numbers(Inputs::Same));
        let values: Vec<Number> = values.map(|(alone, robust)| alone + robust.times(alpha)).collect();
        trial.same_values(&whole, &values, Inputs::Same);
        let mut gradient = alone.evaluation.gradient.clone();
        let add = |into: &mut nalgebra::DMatrix<f64>, from: &nalgebra::DMatrix<f64>| *into += from * alpha;
        gradient
            .views
            .iter_mut()
            .zip(&robust.evaluation.gradient.views)
            .for_each(|(into, from)| add(into, from));
        gradient
            .adversarial
            .iter_mut()
            .zip(&robust.evaluation.gradient.adversarial)
            .for_each(|(into, from)| add(into, from));
        // The law adds up gradients that are given in f64, so the last bits are its own.
        trial.same_gradients(&whole, &gradient, Inputs::Rounded);
    }
    Ok(())
}

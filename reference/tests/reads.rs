//! The table of losses says which arrays a loss reads: the gradients say the same.

use intnacl_reference::law::{Case, Combination, Estimator, LOSSES};
use intnacl_reference::{Evaluate, Loss, Weight};
use nalgebra::DMatrix;

/// Cases with every combination of estimators, weights, neighbourhoods and a zero `alpha`.
fn cases() -> impl Iterator<Item = Case> {
    use Estimator::{G0, G1, G2};
    let weights = [Weight::One, Weight::Adversarial, Weight::AdversarialWithGradient];
    let combinations = [Combination::Nca, Combination::MixNca, Combination::Joined, Combination::Sum];
    let estimators = [(G0, G0), (G0, G1), (G1, G0), (G2, G2)];
    let all = estimators.into_iter().flat_map(move |estimators| {
        weights.into_iter().flat_map(move |weight| {
            combinations.into_iter().flat_map(move |neighborhood| {
                [0.0, 1.0].map(move |alpha| Case {
                    estimators,
                    weight,
                    neighborhood,
                    alpha,
                    ..Case::default()
                })
            })
        })
    });
    // In eight dimensions no estimator is at its floor.
    all.map(|case| Case { positives: 3, negatives: 5, debias: 2, dimension: 8, seed: 5, ..case })
}

#[test]
fn a_loss_has_a_gradient_by_exactly_the_arrays_that_it_reads() {
    for case in cases() {
        for name in LOSSES {
            let loss: Loss = case.loss(name).unwrap();
            let gradient = loss.evaluate(&case.tuples(), &case.settings()).unwrap().gradient;
            let zero = |matrix: &DMatrix<f64>| matrix.iter().all(|&x| x == 0.0);
            let later = |matrix: &DMatrix<f64>| matrix.rows(1, matrix.nrows() - 1).into_owned();
            let arrays = [
                ("all_positives", loss.reads_all_positives(), gradient.positives.iter().map(later).collect()),
                (
                    "debias_positives",
                    loss.reads_debias_positives(),
                    gradient.debias_positives.clone().unwrap_or_default(),
                ),
                ("mixed", loss.needs_mixed(), gradient.mixed.clone().unwrap_or_default()),
                (
                    "adversarial",
                    loss.needs_adversarial(),
                    gradient.adversarial.clone().into_iter().collect::<Vec<_>>(),
                ),
            ];
            for (array, is_read, gradient) in arrays {
                assert!(!gradient.is_empty(), "{array} is not there");
                let found = gradient.iter().any(|matrix| !zero(matrix));
                assert_eq!(found, is_read, "{array} of {loss:?}");
            }
        }
    }
}

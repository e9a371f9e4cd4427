//! The table of losses says which arrays a loss reads: the values say the same.

use intnacl_judge::{Case, Combination, Estimator, LOSSES};
use intnacl_reference::{Evaluate, Tuples, Weight};

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
fn a_loss_depends_on_exactly_the_arrays_that_it_reads() {
    for case in cases() {
        let (data, other) = (case.tuples(), Case { seed: 6, ..case.clone() }.tuples());
        let mut later_positives = other.positives.clone();
        for (into, from) in later_positives.iter_mut().zip(&data.positives) {
            into.set_row(0, &from.row(0));
        }
        let with = |change: fn(&mut Tuples, Tuples)| {
            let mut changed = data.clone();
            change(&mut changed, Tuples { positives: later_positives.clone(), ..other.clone() });
            changed
        };
        let later = with(|data, other| data.positives = other.positives);
        let debias = with(|data, other| data.debias_positives = other.debias_positives);
        let mixed = with(|data, other| data.mixed = other.mixed);
        let adversarial = with(|data, other| data.adversarial = other.adversarial);
        for name in LOSSES {
            let loss = case.loss(name).unwrap();
            let value = |data: &Tuples| loss.evaluate(data, &case.settings()).unwrap().value;
            let arrays = [
                ("positives after the first", &later, loss.reads_all_positives()),
                ("debias_positives", &debias, loss.reads_debias_positives()),
                ("mixed", &mixed, loss.needs_mixed()),
                ("adversarial", &adversarial, loss.needs_adversarial()),
            ];
            for (array, changed, is_read) in arrays {
                assert_eq!(value(changed) != value(&data), is_read, "{array} of {loss:?}");
            }
        }
    }
}

//! Tiny and huge temperatures, one negative, duplicates, antipodes, large counts.

use crate::budget::ROUNDING;
use crate::worlds::{antipodal_pairs, collapsed};
use intnacl_reference::bound::{
    Class, Counts, Effort, Estimator, Method, Norm, ScoresOf, Solver, Source, Theorem, World, jensen_gap,
    jensen_gap_limit, jensen_peak, lipschitz, multisets, range,
};
use nalgebra::{DMatrix, dmatrix};

fn estimators() -> [Estimator; 4] {
    [
        Estimator::TrueNegatives,
        Estimator::Unlabelled,
        Estimator::Debiased { tau_plus: 0.5, positive_draws: 2 },
        Estimator::HardNegative { tau_plus: 0.5, beta: 3.0, positive_draws: 1 },
    ]
}

#[test]
fn every_loss_is_finite_from_t_0_001_to_a_billion() {
    for temperature in [1e-3, 5e-3, 0.05, 1.0, 1e3, 1e9] {
        let world = antipodal_pairs(2, 0.3, temperature);
        for estimator in estimators() {
            for counts in [Counts::new(1, 1), Counts::new(3, 2), Counts::new(2, 5).normalized()] {
                for of in [World::limit, World::loss, World::deviation] {
                    let value = of(&world, &estimator, &counts, &Effort::default()).expect("valid").value;
                    assert!(value.is_finite() && value >= 0.0, "{value} at t = {temperature}");
                    let most = range(&estimator, &counts, temperature).expect("valid");
                    assert!(value <= most * (1.0 + ROUNDING), "{value} above {most} at t = {temperature}");
                }
            }
        }
        let mean = world.mean_classifier_loss().expect("valid");
        let fit = world.best_linear(1.0, &Solver { tolerance: 1e-6, iterations: 200 }).expect("valid");
        assert!(mean.is_finite() && fit.upper.is_finite() && fit.lower <= fit.upper);
        for m in [1, 2, 3, 50] {
            let gap = jensen_gap(m, temperature).expect("valid");
            assert!(gap.is_finite() && gap >= 0.0 && gap <= jensen_gap_limit(temperature).expect("valid"));
        }
        for side in [ScoresOf::Positives, ScoresOf::Negatives] {
            for norm in [Norm::Sum, Norm::Euclidean, Norm::Largest] {
                let found = lipschitz(&Counts::new(3, 2), temperature, side, norm).expect("valid");
                assert!(
                    found.constant > 0.0 && found.constant <= 1.0,
                    "{temperature} {side:?} {norm:?} {}",
                    found.constant
                );
            }
        }
    }
}

#[test]
fn as_t_grows_all_losses_tend_to_those_of_a_collapsed_world() {
    let counts = Counts::new(2, 6);
    let of = |world: &World| {
        world.loss(&Estimator::TrueNegatives, &counts, &Effort::default()).expect("valid").value
    };
    let (far, all) = (of(&antipodal_pairs(3, 0.4, 1e9)), of(&collapsed(3, 1.0)));
    approx::assert_relative_eq!(far, all, max_relative = 1e-8);
    approx::assert_relative_eq!(all, 4_f64.ln(), max_relative = ROUNDING);
}

#[test]
fn duplicated_points_change_nothing() {
    let apart = World::new(
        &[
            Class::uniform(0.5, dmatrix![1.0, 0.0; 0.6, 0.8]),
            Class { probability: 0.5, points: vec![0.25, 0.75], embeddings: dmatrix![0.0, 1.0; 0.8, 0.6] },
        ],
        0.5,
    );
    let doubled = World::new(
        &[
            Class::uniform(0.5, dmatrix![1.0, 0.0; 0.6, 0.8; 1.0, 0.0; 0.6, 0.8]),
            Class::uniform(0.5, dmatrix![0.8, 0.6; 0.8, 0.6; 0.0, 1.0; 0.8, 0.6]),
        ],
        0.5,
    );
    let (apart, doubled) = (apart.expect("valid"), doubled.expect("valid"));
    for estimator in estimators() {
        let of = |world: &World| {
            world.loss(&estimator, &Counts::new(2, 3), &Effort::default()).expect("valid").value
        };
        approx::assert_relative_eq!(of(&apart), of(&doubled), max_relative = ROUNDING);
    }
    let counts = Counts::new(2, 3);
    let terms = |world: &World| match world
        .loss(&Estimator::TrueNegatives, &counts, &Effort::default())
        .expect("valid")
        .method
    {
        Method::Enumerated { terms } => terms / world.points() as f64,
        Method::Sampled { .. } => f64::NAN,
    };
    assert_eq!(terms(&apart), terms(&doubled), "equal scores are one value");
}

#[test]
fn a_thousand_positives_and_negatives_are_exact_where_scores_take_two_values() {
    let line = World::new(
        &[Class::uniform(0.5, dmatrix![1.0; -1.0]), Class::uniform(0.5, dmatrix![1.0; -1.0])],
        1.0,
    );
    let line = line.expect("valid");
    let counts = Counts::new(1000, 1000);
    let loss = line.loss(&Estimator::TrueNegatives, &counts, &Effort::default()).expect("valid");
    assert_eq!(loss.method, Method::Enumerated { terms: 4.0 * 1001.0 * 1001.0 });
    // Both means are within a few parts in a hundred of cosh 1.
    assert!((loss.value - 2_f64.ln()).abs() < 1e-3, "{}", loss.value);
    assert_eq!(multisets(4, 1000), 167_668_501.0);
    assert_eq!(multisets(1, 7), 1.0);
    assert!(multisets(10_000, 10_000).is_infinite());
}

#[test]
fn the_peak_and_the_gap_have_their_closed_limits() {
    for t in [0.3, 1.0, 3.0_f64] {
        let c = 1.0 / t;
        let peak = c / c.tanh() - 1.0 + (c.sinh() / c).ln();
        assert!((jensen_peak(20_000, t).expect("valid") - peak).abs() < 2e-3 * peak);
        let limit = jensen_gap_limit(t).expect("valid");
        assert!((jensen_gap(20_000, t).expect("valid") - limit).abs() < 2e-3 * limit);
        approx::assert_relative_eq!(limit, c.cosh().ln(), max_relative = ROUNDING);
    }
}

#[test]
fn one_of_everything() {
    let world = collapsed(2, 1.0);
    let counts = Counts::new(1, 1);
    let loss = world.loss(&Estimator::Unlabelled, &counts, &Effort::default()).expect("valid");
    approx::assert_relative_eq!(loss.value, 2_f64.ln(), max_relative = ROUNDING);
    let setting = Theorem::of(&world, counts, 1, 0.5);
    let bound = setting.corrected(&Source::FiniteClass { functions: 1 }).expect("valid");
    assert_eq!((bound.chain, bound.complexity), (0.0, 0.0));
}

#[test]
fn a_class_of_a_single_antipode() {
    let world = World::new(
        &[Class::uniform(0.5, dmatrix![1.0]), Class::uniform(0.5, DMatrix::from_element(1, 1, -1.0))],
        0.5,
    );
    let loss = world.expect("valid").loss(&Estimator::TrueNegatives, &Counts::new(3, 2), &Effort::default());
    let expected = (2.0 / 3.0 * (-4_f64).exp()).ln_1p();
    approx::assert_relative_eq!(loss.expect("valid").value, expected, max_relative = ROUNDING);
}

/// `κ = K - 1` exactly, although `(1-ρ)/(1-ρ)` of rounded priors need not be 1.
#[test]
fn two_classes_of_any_size_have_an_imbalance_of_1_or_more() {
    for share in 1..200 {
        let p = f64::from(share) / 200.0;
        let class = |p| Class::uniform(p, dmatrix![1.0]);
        let world = World::new(&[class(p), class(1.0 - p)], 1.0).expect("valid");
        assert!(world.imbalance() >= 1.0 && world.rarity() >= 2.0);
        let setting = Theorem::of(&world, Counts::new(2, 3), 10, 0.1);
        assert!(setting.corrected(&Source::FiniteClass { functions: 2 }).is_ok());
    }
}

//! `Λ`: no tuple has a steeper loss in its stacked embeddings, by the exact gradients of the reference.

use crate::budget::{ROUNDING, cancellation};
use crate::worlds::{config, temperatures};
use intnacl_reference::bound::{Counts, Estimator, Theorem, range};
use intnacl_reference::{Evaluate, Loss, Negatives, Neighborhood, RobustTerm, Settings, Tuples, Weight};
use nalgebra::DMatrix;
use proptest::prelude::*;
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// Angles on a circle, many of them where the extremes are: at the anchor's angle 0, opposite, at right angles.
fn angles(count: usize) -> impl Strategy<Value = Vec<f64>> {
    let angle = prop_oneof![
        0.0..TAU,
        Just(0.0),
        Just(PI),
        Just(FRAC_PI_2),
        Just(-FRAC_PI_2),
        (0.0..PI).prop_map(|near| 0.1 * near),
    ];
    prop::collection::vec(angle, count)
}

fn rows(angles: &[f64]) -> DMatrix<f64> {
    DMatrix::from_fn(angles.len(), 2, |i, j| if j == 0 { angles[i].cos() } else { angles[i].sin() })
}

/// The norm of the gradient by all embeddings together.
fn stacked_norm(loss: Loss, tuples: &Tuples, t: f64) -> f64 {
    let gradient = loss.evaluate(tuples, &Settings::new(t)).expect("valid").gradient;
    let squares = |arrays: &[DMatrix<f64>]| arrays.iter().map(DMatrix::norm_squared).sum::<f64>();
    let optional = |arrays: &Option<Vec<DMatrix<f64>>>| arrays.as_deref().map_or(0.0, squares);
    let adversarial = gradient.adversarial.as_ref().map_or(0.0, DMatrix::norm_squared);
    let parts = [
        gradient.anchor.norm_squared(),
        squares(&gradient.positives),
        squares(&gradient.negatives),
        optional(&gradient.debias_positives),
        optional(&gradient.mixed),
        optional(&gradient.adversarial_negatives),
        adversarial,
    ];
    parts.iter().sum::<f64>().sqrt()
}

fn constant(counts: Counts, estimator: Estimator, t: f64) -> f64 {
    Theorem::new(2, counts, 1, 0.5, t).with(estimator).feature_constant().expect("valid")
}

/// The excess that rounding may give a gradient over its bound: that of a difference that cancels, relative to the floor.
fn slack(t: f64) -> f64 {
    ROUNDING + cancellation(t)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8 * config().cases, ..config() })]

    #[test]
    fn no_tuple_is_steeper_in_its_embeddings_than_the_constant(
        angles in angles(16), m in 1..=4_usize, n in 1..=5_usize, draws in 1..=3_usize,
        tau_plus in prop_oneof![0.0..0.9, Just(0.5)], beta in prop_oneof![Just(0.0), 0.0..3.0], which in 0..3_usize,
        t in temperatures(),
    ) {
        let mut tuples = Tuples::new(rows(&angles[..1]), vec![rows(&angles[1..1 + m])], vec![rows(&angles[5..5 + n])]);
        tuples.debias_positives = Some(vec![rows(&angles[10..10 + draws])]);
        let (negatives, estimator) = [
            (Negatives::G0, Estimator::TrueNegatives),
            (Negatives::G1 { tau_plus }, Estimator::Debiased { tau_plus, positive_draws: draws }),
            (Negatives::G2 { tau_plus, beta }, Estimator::HardNegative { tau_plus, beta, positive_draws: draws }),
        ][which];
        let found = stacked_norm(Loss::Nca { negatives }, &tuples, t);
        let setting = Theorem::new(2, Counts::new(m, n), 1, 0.5, t).with(estimator);
        let most = setting.feature_constant().expect("valid");
        prop_assert!(found <= most * (1.0 + slack(t)), "{found} above {most}");
        // Each part has its own.
        let gradient = Loss::Nca { negatives }.evaluate(&tuples, &Settings::new(t)).expect("valid").gradient;
        let debiasing = gradient.debias_positives.map_or(0.0, |draws| draws[0].norm_squared());
        let parts = setting.feature_constants().expect("valid");
        for (found, most) in [
            (gradient.anchor.norm(), parts.anchor),
            (gradient.positives[0].norm(), parts.positives),
            ((gradient.negatives[0].norm_squared() + debiasing).sqrt(), parts.negatives),
        ] {
            prop_assert!(found <= most * (1.0 + slack(t)), "{found} above {most}");
        }
    }

    /// With `g0`, `Λ <= √6 ω₊/t` and `ω₊ <= ν e^{2/t}`: at a fixed `N` it falls like `1/M`.
    #[test]
    fn the_constant_of_g0_is_at_most_that_of_the_largest_omega(
        m in 1..=5000_usize, n in 1..=50_usize, t in temperatures(),
    ) {
        let counts = Counts::new(m, n);
        let grown = counts.ratio() * (2.0 / t).exp();
        let most = 6_f64.sqrt() * grown / (1.0 + grown) / t;
        let found = constant(counts, Estimator::TrueNegatives, t);
        prop_assert!(found <= most * (1.0 + ROUNDING), "{found} above {most}");
    }

    /// The constants of a sum add up; a product of a weight up to `B_w` and a loss up to `B_r` has
    /// `B_w Λ_r + B_r Λ_w`.
    #[test]
    fn mixed_and_integrated_losses_have_the_constants_of_their_parts(
        angles in angles(20), m in 1..=3_usize, n in 1..=4_usize, tau_plus in 0.0..0.5, lambda in 0.0..=1.0,
        alpha in 0.0..3.0, weighted in any::<bool>(), mixed in any::<bool>(), t in temperatures(),
    ) {
        let mut tuples = Tuples::new(rows(&angles[..1]), vec![rows(&angles[1..1 + m])], vec![rows(&angles[4..4 + n])]);
        tuples.debias_positives = Some(vec![rows(&angles[19..])]);
        tuples.mixed = Some(vec![rows(&angles[8..7 + m])]);
        tuples.adversarial = Some(rows(&angles[10..11]));
        tuples.adversarial_negatives = Some(vec![rows(&angles[11..11 + n])]);
        let single = Counts::new(1, n);
        let of_mixed = if m == 1 { 1.0 } else { 2.0 } * 6_f64.sqrt() / t;
        let (neighborhood, clean) = if mixed {
            (Neighborhood::MixNca { lambda }, of_mixed)
        } else {
            (Neighborhood::Nca, constant(Counts::new(m, n), Estimator::TrueNegatives, t))
        };
        let debiased = Estimator::Debiased { tau_plus, positive_draws: 1 };
        let (of_weight, largest_weight, weight) = if weighted {
            let largest = range(&Estimator::TrueNegatives, &single, t).expect("valid");
            (constant(single, Estimator::TrueNegatives, t), largest, Weight::AdversarialWithGradient)
        } else {
            (0.0, 1.0, Weight::One)
        };
        let of_robust = constant(single, debiased, t);
        let largest_robust = range(&debiased, &single, t).expect("valid");
        let most = clean + alpha * (largest_weight * of_robust + largest_robust * of_weight);
        let robust = RobustTerm { negatives: Negatives::G1 { tau_plus }, weight };
        let loss = Loss::IntNaCl { negatives: Negatives::G0, alpha, robust, neighborhood };
        let found = stacked_norm(loss, &tuples, t);
        prop_assert!(found <= most * (1.0 + slack(t)), "{found} above {most}");
    }
}

/// With `g1` the negative mean exceeds every kernel, and the loss is steeper in its positives than with `g0`:
/// 0.875 against 0.830 at `t = 0.5`, `M = 2`, `ν = 1`, `τ = 0.5`.
#[test]
fn with_g1_the_positives_are_steeper_than_the_constant_of_g0() {
    use intnacl_reference::bound::{Norm, ScoresOf, lipschitz};
    let (t, tau_plus) = (0.5_f64, 0.5);
    let counts = Counts::new(2, 2);
    let plain = lipschitz(&counts, t, ScoresOf::Positives, Norm::Euclidean).expect("valid").constant;
    let steepest = (0..=2000)
        .map(|step| {
            let s = (f64::from(step) / 1000.0 - 1.0).acos();
            let mut tuples = Tuples::new(rows(&[0.0]), vec![rows(&[s, PI])], vec![rows(&[0.0, 0.0])]);
            tuples.debias_positives = Some(vec![rows(&[PI])]);
            let loss = Loss::Nca { negatives: Negatives::G1 { tau_plus } };
            let gradient = loss.evaluate(&tuples, &Settings::new(t)).expect("valid").gradient;
            gradient.positives[0].norm() * t
        })
        .fold(0.0, f64::max);
    let debiased = Estimator::Debiased { tau_plus, positive_draws: 1 };
    let parts = Theorem::new(2, counts, 1, 0.5, t).with(debiased).feature_constants().expect("valid");
    assert!(steepest <= parts.positives * t && steepest > 0.999 * parts.positives * t);
    println!("sup ‖∂ℓ/∂s‖₂ at t = {t}, M = 2, ν = 1, τ = {tau_plus}: g0 {plain:.3}, g1 {steepest:.3}");
    assert!((plain - 0.830).abs() < 5e-4 && (steepest - 0.875).abs() < 5e-4, "{plain}, {steepest}");
}

/// With `g2` the derivatives by the data sum up to more than `ω`: one negative at the anchor among hundreds opposite
/// weighs a part of the whole, and these push the other way.
#[test]
fn with_g2_the_data_are_steeper_than_their_mean() {
    let (t, beta, n) = (0.5, 1.0, 401);
    let opposite = [vec![0.0], vec![PI; n - 1]].concat();
    let tuples = Tuples::new(rows(&[0.0]), vec![rows(&[PI])], vec![rows(&opposite)]);
    let negatives = Negatives::G2 { tau_plus: 0.0, beta };
    let gradient = Loss::Nca { negatives }.evaluate(&tuples, &Settings::new(t)).expect("valid").gradient;
    let estimator = Estimator::HardNegative { tau_plus: 0.0, beta, positive_draws: 1 };
    let setting = Theorem::new(2, Counts::new(1, n), 1, 0.5, t).with(estimator);
    let found = gradient.anchor.norm() * t;
    let most = setting.feature_constants().expect("valid").anchor * t;
    println!("anchor's part at t = {t}, β = {beta}: {found:.2}, at most {most:.2}");
    assert!(found > 3.0 && found <= most);
}

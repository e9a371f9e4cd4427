//! Lipschitz constants: suprema that no point exceeds and one attains.

use crate::budget::ROUNDING;
use crate::worlds::{config, temperatures};
use intnacl_reference::bound::{Counts, Norm, ScoresOf, lipschitz};
use proptest::prelude::*;

/// The gradient of the loss with `g0` on one side, from its formula.
fn gradient(counts: &Counts, positives: &[f64], negatives: &[f64], side: ScoresOf) -> Vec<f64> {
    let mean = |scores: &[f64]| scores.iter().map(|s| s.exp()).sum::<f64>() / scores.len() as f64;
    let (p, q) = (mean(positives), counts.ratio() * mean(negatives));
    let omega = q / (p + q);
    let (own, sum) = match side {
        ScoresOf::Positives => (positives, p * positives.len() as f64),
        ScoresOf::Negatives => (negatives, mean(negatives) * negatives.len() as f64),
    };
    own.iter().map(|s| omega * s.exp() / sum).collect()
}

fn dual(gradient: &[f64], norm: Norm) -> f64 {
    match norm {
        Norm::Sum => gradient.iter().copied().fold(0.0, f64::max),
        Norm::Euclidean => gradient.iter().map(|x| x * x).sum::<f64>().sqrt(),
        Norm::Largest => gradient.iter().sum(),
    }
}

fn sides() -> impl Strategy<Value = ScoresOf> {
    prop_oneof![Just(ScoresOf::Positives), Just(ScoresOf::Negatives)]
}

fn norms() -> impl Strategy<Value = Norm> {
    prop_oneof![Just(Norm::Sum), Just(Norm::Euclidean), Just(Norm::Largest)]
}

/// Scores in `[-1, 1]`, to be scaled: anywhere, or at an end.
fn scores() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(prop_oneof![-1.0..1.0, Just(1.0), Just(-1.0)], 8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32 * config().cases, ..config() })]

    #[test]
    fn no_scores_are_steeper(
        m in 1..=8_usize, n in 1..=8_usize, t in temperatures(), normalized in any::<bool>(),
        s in scores(), u in scores(), side in sides(), norm in norms(),
    ) {
        let counts = if normalized { Counts::new(m, n).normalized() } else { Counts::new(m, n) };
        let most = lipschitz(&counts, t, side, norm).expect("valid");
        let scale = |scores: &[f64], count: usize| -> Vec<f64> { scores[..count].iter().map(|s| s / t).collect() };
        let found = dual(&gradient(&counts, &scale(&s, m), &scale(&u, n), side), norm);
        prop_assert!(found <= most.constant * (1.0 + ROUNDING), "{found} above {}", most.constant);
    }

    #[test]
    fn the_point_that_is_named_attains_the_constant(
        m in 1..=12_usize, n in 1..=12_usize, t in temperatures(), side in sides(), norm in norms(),
    ) {
        let counts = Counts::new(m, n);
        let most = lipschitz(&counts, t, side, norm).expect("valid");
        prop_assert_eq!((most.positives.len(), most.negatives.len()), (m, n));
        let all = most.positives.iter().chain(&most.negatives);
        prop_assert!(all.clone().all(|s| s.abs() <= 1.0 / t));
        let found = dual(&gradient(&counts, &most.positives, &most.negatives, side), norm);
        prop_assert!((found - most.constant).abs() <= ROUNDING * most.constant);
    }

    /// No single score moves the loss by more than its own move: the constant for sums is below 1.
    #[test]
    fn every_constant_is_below_1(m in 1..=12_usize, n in 1..=12_usize, t in temperatures(), side in sides()) {
        for norm in [Norm::Sum, Norm::Euclidean, Norm::Largest] {
            prop_assert!(lipschitz(&Counts::new(m, n), t, side, norm).expect("valid").constant <= 1.0);
        }
    }
}

/// A grid over the box, fine enough to come within a part in a thousand, finds nothing above the supremum and
/// something close to it.
#[test]
fn a_grid_search_agrees() {
    let grid: Vec<f64> = (-20..=20).map(|i| f64::from(i) / 20.0).collect();
    for t in [0.3, 1.0, 3.0] {
        let counts = Counts::new(3, 2);
        for norm in [Norm::Sum, Norm::Euclidean] {
            let most = lipschitz(&counts, t, ScoresOf::Positives, norm).expect("valid").constant;
            let mut largest: f64 = 0.0;
            for a in &grid {
                for b in &grid {
                    for c in &grid {
                        let positives = [a / t, b / t, c / t];
                        let found = gradient(&counts, &positives, &[1.0 / t; 2], ScoresOf::Positives);
                        largest = largest.max(dual(&found, norm));
                    }
                }
            }
            assert!(largest <= most * (1.0 + ROUNDING) && largest >= 0.99 * most, "{largest} against {most}");
        }
    }
}

/// The paper's `λ_M = 1/M` as a bound on each single derivative: it holds where scores hardly differ, at
/// `N >= 1` and high temperatures.
#[test]
fn one_over_m_bounds_the_single_derivatives_at_high_temperatures() {
    for m in 1..=10 {
        let constant =
            lipschitz(&Counts::new(m, m), 100.0, ScoresOf::Positives, Norm::Sum).expect("valid").constant;
        assert!(constant <= 1.0 / m as f64, "M = {m}: {constant}");
    }
}

/// And it does not at `t <= 1`, in any of the norms, from `M = 2` on and with `N = M(K-1)`, `K = 10`.
#[test]
fn one_over_m_bounds_no_gradient_at_usual_temperatures() {
    for t in [0.1, 0.5, 1.0] {
        for m in 2..=10 {
            let counts = Counts::new(m, 9 * m);
            for norm in [Norm::Sum, Norm::Euclidean, Norm::Largest] {
                let constant = lipschitz(&counts, t, ScoresOf::Positives, norm).expect("valid").constant;
                assert!(constant > 1.0 / m as f64, "t = {t}, M = {m}, {norm:?}: {constant}");
            }
        }
    }
}

//! Theorem B.1: how far the loss of `N` negatives is from its limit, by every constant.

use crate::budget::ROUNDING;
use crate::worlds::{Balance, config, worlds};
use intnacl_reference::bound::{
    Class, Counts, Effort, Estimator, World, concentration, hoeffding_constant, limit_excess,
    published_constant, range, variance_constant,
};
use nalgebra::DMatrix;
use proptest::prelude::*;

struct Distances {
    limit: f64,
    loss: f64,
    deviation: f64,
}

fn distances(world: &World, estimator: &Estimator, counts: &Counts) -> Distances {
    let effort = Effort::default();
    let value = |of: fn(&World, &Estimator, &Counts, &Effort) -> _| {
        let result: intnacl_reference::Result<intnacl_reference::bound::Expectation> =
            of(world, estimator, counts, &effort);
        result.expect("valid").value
    };
    Distances { limit: value(World::limit), loss: value(World::loss), deviation: value(World::deviation) }
}

/// All that is claimed of an estimator whose limit is where it should be.
fn claims(world: &World, estimator: &Estimator, counts: &Counts) -> Result<(), TestCaseError> {
    let t = world.temperature();
    let found = distances(world, estimator, counts);
    let slack = ROUNDING * (1.0 + found.limit + 1.0 / t);
    let by = |constant: f64| concentration(estimator, counts.negatives, t, constant).expect("valid");
    prop_assert!((found.limit - found.loss).abs() <= found.deviation + slack);
    prop_assert!(found.deviation <= by(variance_constant(t).expect("valid")) + slack);
    prop_assert!(found.deviation <= by(hoeffding_constant(t).expect("valid")) + slack);
    let excess = limit_excess(estimator, counts.negatives, t).expect("valid");
    prop_assert!(found.limit - found.loss <= excess + slack, "{} - {} > {excess}", found.limit, found.loss);
    prop_assert!(found.loss > 0.0);
    prop_assert!(found.loss <= range(estimator, counts, t).expect("valid") + slack);
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn g0_concentrates(
        world in worlds(Balance::Nothing), m in 1..=2_usize, n in 1..=5_usize, labelled in any::<bool>(),
    ) {
        let estimator = if labelled { Estimator::TrueNegatives } else { Estimator::Unlabelled };
        claims(&world, &estimator, &Counts::new(m, n))?;
    }

    #[test]
    fn g1_concentrates_up_to_the_smallest_class_prior(
        world in worlds(Balance::Nothing), share in prop_oneof![Just(1.0), 0.0..1.0],
        m in 1..=2_usize, n in 1..=4_usize, positive_draws in 1..=3_usize,
    ) {
        let tau_plus = share / world.rarity();
        claims(&world, &Estimator::Debiased { tau_plus, positive_draws }, &Counts::new(m, n))?;
    }

    #[test]
    fn g2_concentrates_with_the_constant_that_the_paper_leaves_open(
        world in worlds(Balance::Nothing), share in prop_oneof![Just(1.0), 0.0..1.0],
        n in 1..=4_usize, positive_draws in 1..=2_usize, beta in 0.0..2.0,
    ) {
        let tau_plus = share / world.rarity();
        let estimator = Estimator::HardNegative { tau_plus, beta, positive_draws };
        claims(&world, &estimator, &Counts::new(1, n))?;
    }

    /// `R - E R̂ <= b^{2β}(1 - b^{-β})(b - 1/b)/(2n)` of the ratio `R̂` of two means of `n` kernels in `[1/b, b]`, and
    /// its mean square, `E(R̂ - R)² <= b^{4β}(b - 1/b)²/(4n)`: both over all sequences.
    #[test]
    fn a_ratio_of_means_has_the_bias_and_the_spread_that_the_excess_of_g2_allows_for(
        points in prop::collection::vec((prop_oneof![Just(-1.0), Just(1.0), -1.0..1.0], 1e-4..1.0_f64), 2..=4),
        log_b in 0.05..3.0_f64, beta in 0.0..3.0, n in 1..=5_usize,
    ) {
        let total: f64 = points.iter().map(|point| point.1).sum();
        let kernels: Vec<(f64, f64)> = points.iter().map(|(s, w)| ((s * log_b).exp(), w / total)).collect();
        let mean = |power: f64| kernels.iter().map(|(h, p)| p * h.powf(power)).sum::<f64>();
        let limit = mean(beta + 1.0) / mean(beta);
        let (mut expected, mut square) = (0.0, 0.0);
        for code in 0..kernels.len().pow(n as u32) {
            let drawn = (0..n as u32).map(|i| kernels[code / kernels.len().pow(i) % kernels.len()]);
            let sum = |power: f64| drawn.clone().map(|(h, _)| h.powf(power)).sum::<f64>();
            let (ratio, p) = (sum(beta + 1.0) / sum(beta), drawn.clone().map(|(_, p)| p).product::<f64>());
            expected += p * ratio;
            square += p * (ratio - limit).powi(2);
        }
        let (b, n) = (log_b.exp(), n as f64);
        let bias = b.powf(2.0 * beta) * (1.0 - b.powf(-beta)) * (b - 1.0 / b) / (2.0 * n);
        let spread = b.powf(4.0 * beta) * (b - 1.0 / b).powi(2) / (4.0 * n);
        prop_assert!(limit - expected <= bias + ROUNDING * b, "{limit} - {expected} > {bias}");
        prop_assert!(square <= spread + ROUNDING * b * b, "{square} > {spread}");
    }

    /// `|L∞ - L_NCA| <= C/√N` with the published `C` of `t = 1`, wherever it was proved.
    #[test]
    fn the_published_constant_holds_at_its_temperature_and_down_to_0_482(
        world in worlds(Balance::Nothing), t in prop_oneof![Just(1.0), 0.482..2.0],
        m in 1..=2_usize, n in 1..=6_usize,
    ) {
        let world = world.at_temperature(t).expect("valid");
        let counts = Counts::new(m, n);
        let found = distances(&world, &Estimator::TrueNegatives, &counts);
        let published = published_constant() / (n as f64).sqrt();
        prop_assert!((found.limit - found.loss).abs() <= published);
        // The mean distance that the proof works with is covered down to 0.80.
        prop_assert!(t < 0.8 || found.deviation <= published);
    }

    #[test]
    fn the_excess_proves_the_published_constant_down_to_0_482(n in 1..=1_000_000_usize, t in 0.482..10.0) {
        let excess = limit_excess(&Estimator::TrueNegatives, n, t).expect("valid");
        prop_assert!(excess <= published_constant() / (n as f64).sqrt());
    }
}

/// The published constant of `g1` at `t = 1`: `C/(τ⁻√n) + C τ/(τ⁻√m)`.
#[test]
fn the_published_constant_of_g1_exceeds_the_proved_one_at_t_1() {
    let estimator = Estimator::Debiased { tau_plus: 0.1, positive_draws: 1 };
    let by = |constant| concentration(&estimator, 64, 1.0, constant).expect("valid");
    assert!(by(variance_constant(1.0).expect("valid")) < by(published_constant()));
    assert!(by(published_constant()) < by(hoeffding_constant(1.0).expect("valid")));
}

/// The rate `1/N` of the excess is right: two values of the negatives, and `N` times the excess has a limit,
/// `ν²μ-curvature`: half the variance over the squared mean, as positives lose their weight.
#[test]
fn the_excess_falls_like_one_over_n_and_no_faster() {
    let own = Class::uniform(0.5, DMatrix::from_element(1, 1, 1.0));
    let other = Class::uniform(0.5, DMatrix::from_row_slice(2, 1, &[1.0, -1.0]));
    let world = World::new(&[own, other], 1.0).expect("valid");
    let times_n = |n: usize| {
        let found = distances(&world, &Estimator::TrueNegatives, &Counts::new(1, n).normalized());
        (found.limit - found.loss) * n as f64
    };
    // The anchors of the first class see a variance of sinh²1 about cosh 1; half the anchors are of it.
    let expected = 0.25 * 1_f64.tanh().powi(2);
    let found = times_n(4000);
    assert!((found - expected).abs() < 0.02 * expected, "{found} against {expected}");
}

/// The excess of `g2`, from its formula; at `β = 0` it is that of `g1`.
#[test]
fn the_excess_of_g2_has_a_variance_and_a_bias() {
    let (t, tau_plus, n, m): (f64, f64, f64, f64) = (0.7, 0.2, 30.0, 2.0);
    let of = |beta| {
        let estimator = Estimator::HardNegative { tau_plus, beta, positive_draws: 2 };
        limit_excess(&estimator, 30, t).expect("valid")
    };
    let b = (1.0 / t).exp();
    for beta in [0.0, 0.5, 2.0] {
        let c = 0.5 * (b * b - 1.0);
        let variance = (c / 0.8).powi(2) * (b.powf(4.0 * beta) / n + 0.04 / m);
        let bias = c * b.powf(2.0 * beta) * (1.0 - b.powf(-beta)) / (0.8 * n);
        approx::assert_relative_eq!(of(beta), (variance + bias).ln_1p(), max_relative = ROUNDING);
    }
    let plain = Estimator::Debiased { tau_plus, positive_draws: 2 };
    assert_eq!(of(0.0), limit_excess(&plain, 30, t).expect("valid"));
}

/// The ratio of means in `g2` is biased, but its bias is of the order `1/N`, like its variance. As positives lose
/// their weight, `N (L∞ - L_NCA)` tends to half of `Var(h^{β+1})/(E h^{β+1})² - Var(h^β)/(E h^β)²`, the mean over the
/// anchors.
#[test]
fn the_excess_of_g2_falls_like_one_over_n_too() {
    let own = Class::uniform(0.5, DMatrix::from_element(1, 1, 1.0));
    let other = Class::uniform(0.5, DMatrix::from_row_slice(2, 1, &[1.0, -1.0]));
    let world = World::new(&[own, other], 1.0).expect("valid");
    for beta in [0.0, 0.5, 1.0, 2.0] {
        let estimator = Estimator::HardNegative { tau_plus: 0.0, beta, positive_draws: 1 };
        let times_n = [50, 200, 800, 4000].map(|n| {
            let found = distances(&world, &estimator, &Counts::new(1, n).normalized());
            (found.limit - found.loss) * n as f64
        });
        // Three quarters of the anchors and of the data are at 1.
        let spread = |power: f64, share: f64| {
            let (mean, range) = (share * power.exp() + (1.0 - share) * (-power).exp(), 2.0 * power.sinh());
            share * (1.0 - share) * (range / mean).powi(2)
        };
        let of = |share: f64| 0.5 * (spread(beta + 1.0, share) - spread(beta, share));
        let expected = 0.75 * of(0.75) + 0.25 * of(0.25);
        println!(
            "β = {beta}: N (L∞ - L_NCA(g2)) = {times_n:.4?} at N = 50, 200, 800, 4000; limit {expected:.4}"
        );
        assert!((times_n[3] - expected).abs() < 0.02 * expected.abs() + 1e-4, "{times_n:?}, {expected}");
    }
}

/// The largest loss is attained: negatives at the anchor, positives opposite.
#[test]
fn the_range_is_attained() {
    let labels = [0, 0, 1, 1];
    let embeddings = DMatrix::from_column_slice(4, 1, &[1.0, -1.0, 1.0, -1.0]);
    let world = World::empirical(&embeddings, &labels, 0.5).expect("valid");
    let counts = Counts::new(3, 5);
    let samples = [intnacl_reference::bound::Sample {
        anchor: 0,
        positives: vec![1; 3],
        negatives: vec![2; 5],
        positive_draws: vec![],
    }];
    let loss = world.losses(&Estimator::TrueNegatives, &counts, &samples).expect("valid")[0];
    let most = range(&Estimator::TrueNegatives, &counts, 0.5).expect("valid");
    approx::assert_relative_eq!(loss, most, max_relative = ROUNDING);
    approx::assert_relative_eq!(most, (5.0 * 4_f64.exp() / 3.0).ln_1p(), max_relative = ROUNDING);
}

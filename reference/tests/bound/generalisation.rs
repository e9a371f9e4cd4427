//! Rademacher complexities, and the theorem as a whole over drawn training sets.

use crate::budget::{FALSE_ALARM, ROUNDING, SOLVED};
use crate::worlds::{Balance, config, worlds};
use intnacl_reference::bound::{
    Counts, Effort, Estimator, Source, Theorem, World, massart, rademacher, sampled_rademacher,
};
use nalgebra::DMatrix;
use proptest::prelude::*;
use statrs::distribution::{Beta, ContinuousCDF};

/// The upper end of the one-sided Clopper-Pearson interval.
fn clopper_pearson_upper(failures: u64, trials: u64, confidence: f64) -> f64 {
    if failures == trials {
        return 1.0;
    }
    let beta = Beta::new(failures as f64 + 1.0, (trials - failures) as f64).expect("positive shapes");
    beta.inverse_cdf(confidence)
}

fn values() -> impl Strategy<Value = DMatrix<f64>> {
    (1..=6_usize, 1..=10_usize).prop_flat_map(|(functions, samples)| {
        prop::collection::vec(0.0..3.0_f64, functions * samples)
            .prop_map(move |entries| DMatrix::from_vec(functions, samples, entries))
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_gray_code_visits_every_sign_vector(values in values()) {
        let samples = values.ncols();
        let largest = |signs: u32| {
            let sign = |i: usize| if signs >> i & 1 == 1 { -1.0 } else { 1.0 };
            let sum = |row: usize| (0..samples).map(|i| sign(i) * values[(row, i)]).sum::<f64>();
            (0..values.nrows()).map(sum).fold(f64::NEG_INFINITY, f64::max)
        };
        let truth = (0..1_u32 << samples).map(largest).sum::<f64>() / f64::from(1_u32 << samples) / samples as f64;
        prop_assert!((rademacher(&values).expect("valid") - truth).abs() < ROUNDING);
    }

    #[test]
    fn exact_and_sampled_complexity_agree_and_are_below_massart(values in values(), seed in any::<u64>()) {
        let exact = rademacher(&values).expect("valid");
        let effort = Effort { draws: 2000, seed, confidence: 1.0 - FALSE_ALARM, ..Effort::default() };
        let sampled = sampled_rademacher(&values, &effort).expect("valid");
        prop_assert!(sampled.lower - ROUNDING <= exact && exact <= sampled.upper + ROUNDING);
        let most = massart(3.0, values.nrows(), values.ncols()).expect("valid");
        prop_assert!(-ROUNDING <= exact && exact <= most + ROUNDING);
    }

    /// Contraction: the complexity of the losses is at most `√2 Λ R_S(F)/T`, with `R_S(F)` over all
    /// coordinates of all embeddings.
    #[test]
    fn contraction_bounds_the_complexity_of_the_losses(
        world in worlds(Balance::Classes), angles in prop::collection::vec(0.0..std::f64::consts::TAU, 48), seed in any::<u64>(),
        m in 1..=2_usize, n in 1..=2_usize, share in 0.0..1.0, beta in 0.0..1.0, which in 0..3_usize,
    ) {
        let tau_plus = share / world.rarity();
        let estimator = [
            Estimator::TrueNegatives,
            Estimator::Debiased { tau_plus, positive_draws: 1 },
            Estimator::HardNegative { tau_plus, beta, positive_draws: 1 },
        ][which];
        let (counts, samples) = (Counts::new(m, n), 3);
        let encoders = encoders(&world, &angles, 4);
        let set = world.training_set(&estimator, &counts, samples, seed).expect("valid");
        let losses = losses(&encoders, &estimator, &counts, &set);
        // The stacked embeddings: 3 tuples of at most 6 points in 2 dimensions. Sampled, since 2^36 is many;
        // the margin is on the side of refuting.
        let stacked = stacked(&encoders, &set);
        let effort = Effort { draws: 4000, seed, confidence: 1.0 - FALSE_ALARM, ..Effort::default() };
        let features = sampled_rademacher(&stacked, &effort).expect("valid").upper * stacked.ncols() as f64;
        let setting = Theorem::of(&world, counts, samples, 0.1).with(estimator);
        let most = 2_f64.sqrt() * setting.feature_constant().expect("valid") * features.max(0.0) / samples as f64;
        prop_assert!(rademacher(&losses).expect("valid") <= most);
    }
}

/// Encoders of a world's points: each puts them on a circle at its own angles.
fn encoders(world: &World, angles: &[f64], count: usize) -> Vec<World> {
    let embedding = |encoder: usize| {
        DMatrix::from_fn(world.points(), 2, |i, j| {
            let angle = angles[(encoder * world.points() + i) % angles.len()];
            if j == 0 { angle.cos() } else { angle.sin() }
        })
    };
    (0..count).map(|encoder| world.with_embeddings(&embedding(encoder)).expect("on the circle")).collect()
}

fn losses(
    encoders: &[World],
    estimator: &Estimator,
    counts: &Counts,
    set: &[intnacl_reference::bound::Sample],
) -> DMatrix<f64> {
    let rows: Vec<Vec<f64>> =
        encoders.iter().map(|world| world.losses(estimator, counts, set).expect("valid")).collect();
    DMatrix::from_fn(rows.len(), set.len(), |f, i| rows[f][i])
}

fn stacked(encoders: &[World], set: &[intnacl_reference::bound::Sample]) -> DMatrix<f64> {
    let points: Vec<usize> = set
        .iter()
        .flat_map(|sample| {
            let anchor = vec![sample.anchor];
            [anchor, sample.positives.clone(), sample.negatives.clone(), sample.positive_draws.clone()]
                .concat()
        })
        .collect();
    DMatrix::from_fn(encoders.len(), 2 * points.len(), |f, column| {
        encoders[f].embeddings()[(points[column / 2], column % 2)]
    })
}

/// The failures of `L_Sup(f̂) <= min_f L_NCA(f) + total` over drawn training sets.
fn failures(
    encoders: &[World],
    setting: &Theorem,
    trials: u64,
    additions: impl Fn(&DMatrix<f64>) -> f64,
) -> u64 {
    let effort = Effort::default();
    let supervised: Vec<f64> =
        encoders.iter().map(|world| world.best_linear(1.0, &SOLVED).expect("valid").upper).collect();
    let expected = encoders
        .iter()
        .map(|world| world.loss(&setting.estimator, &setting.counts, &effort).expect("valid").value)
        .fold(f64::INFINITY, f64::min);
    let fails = |seed: &u64| {
        let set = encoders[0].training_set(&setting.estimator, &setting.counts, setting.samples, *seed);
        let losses = losses(encoders, &setting.estimator, &setting.counts, &set.expect("valid"));
        let empirical = |f: &usize| losses.row(*f).sum();
        let chosen =
            (0..encoders.len()).min_by(|f, g| empirical(f).total_cmp(&empirical(g))).expect("encoders");
        supervised[chosen] > expected + additions(&losses)
    };
    (0..trials).filter(fails).count() as u64
}

fn a_world(temperature: f64) -> (World, Vec<World>) {
    let angles: Vec<f64> = (0..60).map(|i| f64::from(i * i * 7 % 60) * 0.1047).collect();
    let world = crate::worlds::antipodal_pairs(3, 0.7, temperature);
    let encoders = encoders(&world, &angles, 8);
    (world, encoders)
}

/// The corrected theorem with its own constants, Massart's and the exact complexity of the losses.
#[test]
fn the_corrected_theorem_holds_in_the_share_of_training_sets_that_it_promises() {
    let (trials, delta) = (400, 0.1);
    for temperature in [0.5, 2.0] {
        let (world, encoders) = a_world(temperature);
        for (m, n) in [(1, 2), (2, 4), (3, 3)] {
            for estimator in [
                Estimator::TrueNegatives,
                Estimator::Unlabelled,
                Estimator::Debiased { tau_plus: 1.0 / 3.0, positive_draws: 1 },
                Estimator::HardNegative { tau_plus: 1.0 / 3.0, beta: 0.5, positive_draws: 1 },
            ] {
                let setting = Theorem::of(&world, Counts::new(m, n), 12, delta).with(estimator);
                let finite = setting.corrected(&Source::FiniteClass { functions: 8 }).expect("valid").total();
                let exact = |losses: &DMatrix<f64>| {
                    let complexity = rademacher(losses).expect("valid");
                    setting.corrected(&Source::Losses(complexity)).expect("valid").total()
                };
                let few = trials / 4;
                for (broken, trials) in [
                    (failures(&encoders, &setting, trials, |_| finite), trials),
                    (failures(&encoders, &setting, few, exact), few),
                ] {
                    let upper = clopper_pearson_upper(broken, trials, 0.999);
                    assert!(upper <= delta, "{broken} failures, at most {upper} of the training sets");
                }
            }
        }
    }
}

/// The step from the empirical loss to the expected one on its own, at a size where it is not lost in the
/// other terms: `sup_f (L - L̂) <= 2R̂ + 3B√(log(4/δ)/2T)` fails in no more than `δ/2` of the sets.
#[test]
fn the_uniform_deviation_is_within_its_bound() {
    let (trials, delta) = (400_u64, 0.1);
    let (world, encoders) = a_world(1.0);
    let setting = Theorem::of(&world, Counts::new(2, 4), 200, delta);
    let effort = Effort::default();
    let expected: Vec<f64> = encoders
        .iter()
        .map(|world| world.loss(&setting.estimator, &setting.counts, &effort).expect("valid").value)
        .collect();
    let bound = setting.corrected(&Source::FiniteClass { functions: 8 }).expect("valid");
    let mut largest: f64 = 0.0;
    let mut failures = 0;
    for seed in 0..trials {
        let set =
            world.training_set(&setting.estimator, &setting.counts, setting.samples, seed).expect("valid");
        let losses = losses(&encoders, &setting.estimator, &setting.counts, &set);
        let deviation = |f: usize| expected[f] - losses.row(f).mean();
        let worst = (0..encoders.len()).map(deviation).fold(f64::NEG_INFINITY, f64::max);
        largest = largest.max(worst);
        failures += u64::from(worst > bound.complexity + bound.confidence);
    }
    assert!(clopper_pearson_upper(failures, trials, 0.999) <= delta / 2.0);
    assert!(largest > 0.05 * (bound.complexity + bound.confidence), "the bound is never near: {largest}");
}

/// A bound that is too small is caught by the same count: without the terms of complexity and confidence.
#[test]
fn the_count_of_failures_can_tell() {
    let (world, encoders) = a_world(2.0);
    let setting = Theorem::of(&world, Counts::new(1, 2), 12, 0.1);
    let broken = failures(&encoders, &setting, 100, |_| -0.3);
    assert!(broken > 50, "{broken}");
}

//! The losses of a world, against sums over sequences written out and against the reference's own losses.

use crate::budget::{FALSE_ALARM, ROUNDING, cancellation};
use crate::worlds::{Balance, config, worlds};
use intnacl_reference::bound::{Counts, Effort, Estimator, Method, World};
use intnacl_reference::{Evaluate, Loss, Negatives, Settings, Tuples};
use nalgebra::DMatrix;
use proptest::prelude::*;

/// Every sequence of `draws` rows with its probability.
fn sequences(rows: &[(usize, f64)], draws: usize) -> Vec<(Vec<usize>, f64)> {
    let mut all = vec![(Vec::new(), 1.0)];
    for _ in 0..draws {
        let longer = |(sequence, p): &(Vec<usize>, f64)| {
            let append = |(row, q): &(usize, f64)| ([sequence.clone(), vec![*row]].concat(), p * q);
            rows.iter().map(append).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// The rows that a condition on their class selects, with probabilities that sum to 1.
fn rows(world: &World, probability: &[f64], of: impl Fn(usize) -> bool) -> Vec<(usize, f64)> {
    let chosen = (0..world.points()).filter(|&i| world.class_of(i).is_some_and(&of));
    let chosen: Vec<(usize, f64)> = chosen.map(|i| (i, probability[i])).collect();
    let total: f64 = chosen.iter().map(|row| row.1).sum();
    chosen.into_iter().map(|(i, p)| (i, p / total)).collect()
}

/// Probabilities of the points, from what is public: each class's mean loss over a one-point indicator would
/// be roundabout, so the worlds of these tests have equally likely points.
fn uniform(world: &World) -> Vec<f64> {
    vec![1.0 / world.points() as f64; world.points()]
}

fn matrix(world: &World, indices: &[usize]) -> DMatrix<f64> {
    DMatrix::from_fn(indices.len(), world.dimension(), |i, j| world.embeddings()[(indices[i], j)])
}

/// `E L_NCA(G, M)` by brute force over sequences, each loss evaluated by the exact reference.
fn by_sequences(world: &World, estimator: &Estimator, m: usize, n: usize) -> f64 {
    let p = uniform(world);
    let data = rows(world, &p, |_| true);
    let (loss, from_others, draws) = match *estimator {
        Estimator::TrueNegatives => (Negatives::G0, true, 1),
        Estimator::Unlabelled => (Negatives::G0, false, 1),
        Estimator::Debiased { tau_plus, positive_draws } => {
            (Negatives::G1 { tau_plus }, false, positive_draws)
        }
        Estimator::HardNegative { tau_plus, beta, positive_draws } => {
            (Negatives::G2 { tau_plus, beta }, false, positive_draws)
        }
    };
    let mut total = 0.0;
    for &(anchor, weight) in &data {
        let class = world.class_of(anchor).expect("a row");
        let own = rows(world, &p, |c| c == class);
        let source = if from_others { rows(world, &p, |c| c != class) } else { data.clone() };
        let (mut tuples, mut weights) = (Tuples::new(DMatrix::zeros(0, 0), vec![], vec![]), Vec::new());
        let mut debias = Vec::new();
        for (positives, p) in sequences(&own, m) {
            for (negatives, q) in sequences(&source, n) {
                for (v, r) in sequences(&own, draws) {
                    tuples.positives.push(matrix(world, &positives));
                    tuples.negatives.push(matrix(world, &negatives));
                    debias.push(matrix(world, &v));
                    weights.push(p * q * r);
                }
            }
        }
        tuples.anchor = matrix(world, &vec![anchor; weights.len()]);
        tuples.debias_positives = Some(debias);
        let evaluation = Loss::Nca { negatives: loss }
            .evaluate(&tuples, &Settings::new(world.temperature()))
            .expect("valid tuples");
        let sum: f64 = evaluation.per_anchor.iter().zip(&weights).map(|(loss, weight)| loss * weight).sum();
        total += weight * sum;
    }
    total
}

fn estimators() -> impl Strategy<Value = Estimator> {
    prop_oneof![
        Just(Estimator::TrueNegatives),
        Just(Estimator::Unlabelled),
        (0.0..0.9, 1..=2_usize)
            .prop_map(|(tau_plus, positive_draws)| Estimator::Debiased { tau_plus, positive_draws }),
        (0.0..0.9, 0.0..2.0, 1..=2_usize).prop_map(|(tau_plus, beta, positive_draws)| {
            Estimator::HardNegative { tau_plus, beta, positive_draws }
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: config().cases.min(24), ..config() })]

    #[test]
    fn multisets_give_what_the_exact_loss_gives_over_all_sequences(
        world in worlds(Balance::Classes),
        estimator in estimators(),
        m in 1..=2_usize,
        n in 1..=2_usize,
    ) {
        let labels: Vec<i64> = (0..world.points()).filter_map(|i| world.class_of(i)).map(|c| c as i64).collect();
        let world = World::empirical(world.embeddings(), &labels, world.temperature()).expect("a world");
        prop_assume!(world.points() <= 7);
        let loss = world.loss(&estimator, &Counts::new(m, n), &Effort::default()).expect("valid");
        let truth = by_sequences(&world, &estimator, m, n);
        let lost = if matches!(estimator, Estimator::Debiased { .. } | Estimator::HardNegative { .. }) { cancellation(world.temperature()) } else { 0.0 };
        let slack = (ROUNDING + lost) * (1.0 + truth);
        prop_assert!((loss.value - truth).abs() <= slack, "{} against {truth}", loss.value);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_mean_reading_is_the_sum_reading_at_m_times_the_negatives(
        world in worlds(Balance::Nothing), m in 1..=4_usize, n in 1..=9_usize,
    ) {
        let loss = |counts: Counts| {
            world.limit(&Estimator::TrueNegatives, &counts, &Effort::default()).expect("valid").value
        };
        let (mean, sum) = (loss(Counts::new(m, n).normalized()), loss(Counts::new(m, m * n)));
        prop_assert!((mean - sum).abs() <= ROUNDING * (1.0 + sum));
    }

    #[test]
    fn more_positives_at_the_same_ratio_lower_the_unbiased_loss(
        world in worlds(Balance::Nothing), m in 1..=5_usize, n in 1..=9_usize,
    ) {
        let loss = |m: usize| {
            let counts = Counts::new(m, n).normalized();
            world.limit(&Estimator::TrueNegatives, &counts, &Effort::default()).expect("valid").value
        };
        prop_assert!(loss(m + 1) <= loss(m) + ROUNDING * (1.0 + loss(m)));
    }

    /// The first step of the paper's B.2: `N = K - 1` gives the smallest loss of all `N >= K - 1`.
    #[test]
    fn more_negatives_raise_the_unbiased_loss(
        world in worlds(Balance::Nothing), m in 1..=4_usize, n in 1..=9_usize,
    ) {
        let loss = |n: usize| {
            world.limit(&Estimator::TrueNegatives, &Counts::new(m, n), &Effort::default()).expect("valid").value
        };
        prop_assert!(loss(n) < loss(n + 1));
    }

    #[test]
    fn with_g0_the_loss_of_finitely_many_negatives_is_below_its_limit(
        world in worlds(Balance::Nothing), m in 1..=2_usize, n in 1..=3_usize,
    ) {
        for estimator in [Estimator::TrueNegatives, Estimator::Unlabelled] {
            let counts = Counts::new(m, n);
            let loss = world.loss(&estimator, &counts, &Effort::default()).expect("valid").value;
            let limit = world.limit(&estimator, &counts, &Effort::default()).expect("valid").value;
            prop_assert!(loss <= limit + ROUNDING * (1.0 + limit));
        }
    }

    #[test]
    fn the_bracket_has_the_loss_in_it_and_narrows_like_one_over_n(
        world in worlds(Balance::Nothing), m in 1..=2_usize, n in 1..=4_usize,
    ) {
        for estimator in [Estimator::TrueNegatives, Estimator::Unlabelled] {
            let bracket = |n: usize| {
                world.bracket(&estimator, &Counts::new(m, n).normalized(), &Effort::default()).expect("valid")
            };
            let found = bracket(n);
            let counts = Counts::new(m, n).normalized();
            let loss = world.loss(&estimator, &counts, &Effort::default()).expect("valid").value;
            let slack = ROUNDING * (1.0 + loss);
            prop_assert!(found.lower - slack <= loss && loss <= found.upper + slack);
            prop_assert_eq!(found.value, 0.5 * (found.lower + found.upper));
            // log(1 + v/N) with v at most the variance constant's square, whatever the positives.
            let far = bracket(1_000_000);
            let most = ((1.0 / world.temperature()).exp_m1().powi(2) / 1e6).ln_1p();
            prop_assert!(far.upper - far.lower <= most + ROUNDING * (1.0 + far.upper));
        }
    }

    #[test]
    fn g2_is_at_least_g1_in_the_limit(
        world in worlds(Balance::Nothing), tau_plus in 0.0..0.9, beta in 0.0..4.0, m in 1..=3_usize,
    ) {
        let counts = Counts::new(m, 3 * m);
        let loss = |estimator| world.limit(&estimator, &counts, &Effort::default()).expect("valid").value;
        let hard = loss(Estimator::HardNegative { tau_plus, beta, positive_draws: 1 });
        let plain = loss(Estimator::Debiased { tau_plus, positive_draws: 1 });
        let slack = (ROUNDING + cancellation(world.temperature())) * (1.0 + plain);
        prop_assert!(hard >= plain - slack, "{hard} below {plain}");
    }

    #[test]
    fn a_sampled_loss_has_the_enumerated_one_in_its_interval(
        world in worlds(Balance::Nothing), estimator in estimators(), m in 1..=2_usize, n in 1..=3_usize,
        seed in any::<u64>(),
    ) {
        let counts = Counts::new(m, n);
        let sampling = Effort { terms: 0.0, draws: 2000, seed, confidence: 1.0 - FALSE_ALARM };
        for of in [World::loss, World::deviation, World::limit] {
            let exact = of(&world, &estimator, &counts, &Effort::default()).expect("valid");
            let sampled = of(&world, &estimator, &counts, &sampling).expect("valid");
            let is_sampled = matches!(sampled.method, Method::Sampled { .. });
            prop_assert!(is_sampled);
            let slack = ROUNDING * (1.0 + exact.value);
            prop_assert!(sampled.lower - slack <= exact.value && exact.value <= sampled.upper + slack);
        }
    }
}

/// The limit of the estimators: `g1` at the class prior is without bias, so it and true negatives agree.
#[test]
fn at_the_class_prior_the_limit_of_g1_is_the_unbiased_loss() {
    let world = crate::worlds::antipodal_pairs(4, 0.3, 0.7);
    let counts = Counts::new(2, 6);
    let loss = |estimator| world.limit(&estimator, &counts, &Effort::default()).expect("valid").value;
    let debiased = loss(Estimator::Debiased { tau_plus: 0.25, positive_draws: 1 });
    let truth = loss(Estimator::TrueNegatives);
    approx::assert_relative_eq!(debiased, truth, max_relative = ROUNDING);
}

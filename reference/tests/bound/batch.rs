//! The theorem and the batch layout: draws `v` that are the positives, and negatives that come in pairs of views.

use crate::budget::{ROUNDING, cancellation};
use crate::worlds::{Balance, config, worlds};
use intnacl_reference::bound::{Counts, Effort, Estimator, Sample, World, limit_excess};
use proptest::prelude::*;

/// The world of the same points, each row equally likely: what a data set is.
fn rows_equally_likely(world: &World) -> World {
    let labels: Vec<i64> =
        (0..world.points()).filter_map(|i| world.class_of(i)).map(|class| class as i64).collect();
    World::empirical(world.embeddings(), &labels, world.temperature()).expect("a world")
}

/// All sequences of `count` rows out of `rows`.
fn sequences(rows: &[usize], count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..count {
        all = all
            .iter()
            .flat_map(|sequence: &Vec<usize>| {
                rows.iter().map(move |row| [sequence.clone(), vec![*row]].concat())
            })
            .collect();
    }
    all
}

/// `E L_NCA(G, M)` where `v` is the first positive, and each of `blocks` draws of a row brings `views` of it.
fn loss_of_batches(
    world: &World,
    estimator: &Estimator,
    counts: &Counts,
    blocks: usize,
    views: impl Fn(usize) -> Vec<usize>,
) -> f64 {
    let all: Vec<usize> = (0..world.points()).collect();
    let images = sequences(&all, blocks);
    let draws = usize::from(!matches!(estimator, Estimator::TrueNegatives | Estimator::Unlabelled));
    let mut total = 0.0;
    for &anchor in &all {
        let own: Vec<usize> =
            all.iter().copied().filter(|&i| world.class_of(i) == world.class_of(anchor)).collect();
        let mut samples = Vec::new();
        for positives in sequences(&own, counts.positives) {
            for images in &images {
                let negatives = images.iter().flat_map(|&image| views(image)).collect();
                let positive_draws = positives[..draws].to_vec();
                samples.push(Sample { anchor, positives: positives.clone(), negatives, positive_draws });
            }
        }
        let losses = world.losses(estimator, counts, &samples).expect("valid");
        total += losses.iter().sum::<f64>() / losses.len() as f64;
    }
    total / all.len() as f64
}

fn estimators() -> impl Strategy<Value = (f64, f64, bool)> {
    (prop_oneof![Just(1.0), 0.0..1.0], prop_oneof![Just(0.0), 0.0..2.0], any::<bool>())
}

fn estimator(world: &World, (share, beta, debiased): (f64, f64, bool)) -> Estimator {
    if debiased {
        Estimator::HardNegative { tau_plus: share / world.rarity(), beta, positive_draws: 1 }
    } else {
        Estimator::Unlabelled
    }
}

proptest! {
    #![proptest_config(config())]

    /// `E[D/Y∞] <= 0` by Chebyshev's inequality, as `1/Y∞` falls in `h(x⁺)`: the excess is no larger than for
    /// independent draws.
    #[test]
    fn with_the_positive_itself_as_the_draw_v_the_excess_keeps_its_bound(
        world in worlds(Balance::Nothing), parameters in estimators(), m in 1..=2_usize, n in 1..=2_usize,
        normalized in any::<bool>(),
    ) {
        let world = rows_equally_likely(&world);
        prop_assume!(world.points() <= 8);
        let estimator = estimator(&world, parameters);
        let counts = if normalized { Counts::new(m, n).normalized() } else { Counts::new(m, n) };
        let t = world.temperature();
        let loss = loss_of_batches(&world, &estimator, &counts, n, |image| vec![image]);
        let limit = world.limit(&estimator, &counts, &Effort::default()).expect("valid").value;
        let excess = limit_excess(&estimator, n, t).expect("valid");
        let slack = (ROUNDING + cancellation(t)) * (1.0 + limit);
        prop_assert!(limit - loss <= excess + slack, "{limit} - {loss} > {excess}");
    }

    /// A batch in two views has `2(B-1)` negatives of `B-1` images: only these are independent, and the excess
    /// counts them.
    #[test]
    fn of_negatives_in_pairs_of_views_the_excess_counts_the_images(
        world in worlds(Balance::Nothing), parameters in estimators(), images in 1..=3_usize, shift in 0..6_usize,
    ) {
        let world = rows_equally_likely(&world);
        prop_assume!(world.points() <= 7);
        let estimator = estimator(&world, parameters);
        let counts = Counts::new(1, 2 * images);
        // A permutation, so that each view on its own is a draw of the data.
        let partner = |image: usize| vec![image, (image + shift) % world.points()];
        let t = world.temperature();
        let loss = loss_of_batches(&world, &estimator, &counts, images, partner);
        let limit = world.limit(&estimator, &counts, &Effort::default()).expect("valid").value;
        let excess = limit_excess(&estimator, images, t).expect("valid");
        let slack = (ROUNDING + cancellation(t)) * (1.0 + limit);
        prop_assert!(limit - loss <= excess + slack, "{limit} - {loss} > {excess}");
    }
}

/// Views that are the same draw twice are worth one: counted as independent draws, the excess would fall by half.
#[test]
fn two_equal_views_have_the_excess_of_half_as_many_draws() {
    use nalgebra::dmatrix;
    let embeddings = dmatrix![1.0; -1.0; 1.0; -1.0];
    let world = World::empirical(&embeddings, &[0, 0, 1, 1], 1.0).expect("valid");
    let estimator = Estimator::Unlabelled;
    let counts = Counts::new(1, 4);
    let doubled = loss_of_batches(&world, &estimator, &counts, 2, |image| vec![image, image]);
    let single = loss_of_batches(&world, &estimator, &counts, 4, |image| vec![image]);
    let limit = world.limit(&estimator, &counts, &Effort::default()).expect("valid").value;
    assert!(limit - doubled > 1.5 * (limit - single), "{limit} {doubled} {single}");
}

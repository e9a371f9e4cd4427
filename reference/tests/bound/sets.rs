//! A labelled set as a world, at the size of real ones.

use crate::budget::SOLVED;
use intnacl_reference::bound::{Counts, Effort, Estimator, Method, Source, Theorem, World, chain_gap};
use nalgebra::DMatrix;

/// `n` points in `d` dimensions about ten random directions, from a congruence.
fn set(n: usize, d: usize) -> (DMatrix<f64>, Vec<i64>) {
    let mut state = 12_345_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let centres = DMatrix::from_fn(10, d, |_, _| uniform());
    let labels: Vec<i64> = (0..n).map(|i| (i * i % 10) as i64).collect();
    let mut embeddings = DMatrix::from_fn(n, d, |i, j| centres[(labels[i] as usize, j)] + 0.7 * uniform());
    for mut row in embeddings.row_iter_mut() {
        let norm = row.norm();
        row /= norm;
    }
    (embeddings, labels)
}

#[test]
fn every_loss_of_a_set_of_hundreds_is_had_within_its_effort() {
    let (embeddings, labels) = set(600, 64);
    let world = World::empirical(&embeddings, &labels, 0.5).expect("valid");
    let effort = Effort { terms: 1e7, draws: 4000, ..Effort::default() };
    let counts = Counts::new(1, 30);
    let limit = world.limit(&Estimator::TrueNegatives, &counts, &effort).expect("valid");
    assert!(matches!(limit.method, Method::Enumerated { .. }));
    let loss = world.loss(&Estimator::TrueNegatives, &counts, &effort).expect("valid");
    assert!(matches!(loss.method, Method::Sampled { draws: 4000, .. }));
    assert!(loss.lower <= limit.value, "with g0 the limit is above the loss");
    let again = world.loss(&Estimator::TrueNegatives, &counts, &effort).expect("valid");
    assert_eq!(loss, again, "a seed gives the same draws");

    let fit = world.best_linear(1.0, &SOLVED).expect("valid");
    assert!(fit.gap() <= SOLVED.tolerance, "gap {}", fit.gap());
    let mean = world.mean_classifier_loss().expect("valid");
    assert!(fit.lower <= mean);
    let gap = chain_gap(1, counts.ratio() / world.imbalance(), 0.5).expect("valid");
    assert!(mean <= limit.value + gap);
    let setting = Theorem::of(&world, counts, 600, 0.05);
    let terms = setting.terms(&Source::FiniteClass { functions: 1 }).expect("valid");
    assert!(terms.iter().all(|term| term.value.is_finite()));
}

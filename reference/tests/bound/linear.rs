//! The best linear classifier, and the gap that certifies it.

use crate::budget::{ROUNDING, SOLVED};
use crate::worlds::{Balance, antipodal_pairs, config, worlds};
use intnacl_reference::bound::{Class, Solver, World};
use nalgebra::{DMatrix, dmatrix};
use proptest::prelude::*;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_classifier_in_the_ball_is_below_the_certified_lower_end(
        world in worlds(Balance::Nothing), radius in 0.1..4.0, entries in prop::collection::vec(-1.0..1.0_f64, 12),
    ) {
        let fit = world.best_linear(radius, &SOLVED).expect("valid");
        prop_assert!(fit.weights.row_iter().all(|row| row.norm() <= radius * (1.0 + ROUNDING)));
        let loss = world.supervised_loss(&fit.weights).expect("valid");
        prop_assert!((loss - fit.upper).abs() <= ROUNDING * (1.0 + loss));
        let mut other = DMatrix::from_fn(world.classes(), world.dimension(), |c, j| entries[3 * c + j]);
        for mut row in other.row_iter_mut() {
            let norm = row.norm().max(1e-9);
            row *= radius / norm;
        }
        prop_assert!(world.supervised_loss(&other).expect("valid") >= fit.lower - ROUNDING);
    }

    #[test]
    fn more_norm_is_no_worse_and_no_bound_is_best(world in worlds(Balance::Nothing)) {
        let solver = SOLVED;
        let (small, large) = (world.best_linear(1.0, &solver), world.best_linear(3.0, &solver));
        let (small, large) = (small.expect("valid"), large.expect("valid"));
        let free = world.best_unconstrained(&solver).expect("valid");
        prop_assert!(large.lower <= small.upper + ROUNDING);
        prop_assert!(free.lower <= large.upper + ROUNDING);
        prop_assert!(free.lower <= free.upper);
    }

    /// The entropy of the priors is what a constant embedding leaves, whatever the classifier: with one point
    /// for all, the best is known in closed form.
    #[test]
    fn on_a_collapsed_world_the_best_classifier_learns_the_priors(a in 0.1..0.9) {
        let class = |p| Class::uniform(p, dmatrix![1.0]);
        let world = World::new(&[class(a), class(1.0 - a)], 1.0).expect("valid");
        let entropy = -a * a.ln() - (1.0 - a) * (1.0 - a).ln();
        let fit = world.best_unconstrained(&Solver::default()).expect("valid");
        prop_assert!(fit.lower <= entropy + ROUNDING && entropy <= fit.upper + ROUNDING);
        prop_assert!(fit.gap() <= 1e-8, "gap {}", fit.gap());
    }
}

#[test]
fn classes_that_can_be_separated_have_an_unconstrained_infimum_of_0() {
    let first = Class::uniform(0.5, dmatrix![1.0, 0.0; 0.8, 0.6]);
    let second = Class::uniform(0.5, dmatrix![-1.0, 0.0; -0.8, 0.6]);
    let world = World::new(&[first, second], 1.0).expect("valid");
    let fit = world.best_unconstrained(&Solver::default()).expect("valid");
    assert_eq!((fit.lower, fit.upper), (0.0, 0.0));
}

#[test]
fn on_antipodal_pairs_the_best_classifier_is_the_zero_classifier() {
    let fit = antipodal_pairs(4, 0.5, 0.2).best_linear(1.0, &Solver::default()).expect("valid");
    assert!(fit.gap() <= ROUNDING);
    approx::assert_abs_diff_eq!(fit.upper, 4_f64.ln(), epsilon = ROUNDING);
}

//! `L_Sup <= L^μ_Sup <= L_Unb`: where the paper's Lemma B.3 holds as it stands.

use crate::budget::{ROUNDING, SOLVED};
use crate::worlds::{Balance, config, worlds};
use intnacl_reference::bound::{Counts, Effort, Estimator, World};
use proptest::prelude::*;

fn unbiased(world: &World, counts: &Counts) -> f64 {
    world.limit(&Estimator::TrueNegatives, counts, &Effort::default()).expect("valid").value
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_best_linear_classifier_is_no_worse_than_the_mean_classifier(world in worlds(Balance::Nothing)) {
        let fit = world.best_linear(1.0, &SOLVED).expect("valid");
        let mean = world.mean_classifier_loss().expect("valid");
        // By the certified lower end: this would show a solver that stops early, and no gap hides it.
        prop_assert!(fit.lower <= mean + ROUNDING * (1.0 + mean));
        prop_assert!(fit.gap() <= SOLVED.tolerance, "gap {}", fit.gap());
    }

    #[test]
    fn with_one_positive_and_balanced_classes_the_mean_classifier_is_below_the_unbiased_loss(
        world in worlds(Balance::Classes), more in 0..5_usize,
    ) {
        let counts = Counts::new(1, world.classes() - 1 + more);
        let (mean, loss) = (world.mean_classifier_loss().expect("valid"), unbiased(&world, &counts));
        prop_assert!(mean <= loss + ROUNDING * (1.0 + loss), "{mean} above {loss}");
    }

    #[test]
    fn with_one_positive_and_any_classes_it_is_from_the_imbalance_on(world in worlds(Balance::Nothing)) {
        let counts = Counts::new(1, world.imbalance().ceil() as usize);
        let (mean, loss) = (world.mean_classifier_loss().expect("valid"), unbiased(&world, &counts));
        prop_assert!(mean <= loss + ROUNDING * (1.0 + loss), "{mean} above {loss}");
    }
}

/// The condition on `N` is sharp at `M = 1`: in a collapsed world one negative fewer is one too few.
#[test]
fn with_one_positive_fewer_than_k_minus_1_negatives_do_not_suffice() {
    for classes in 3..10 {
        let world = crate::worlds::collapsed(classes, 1.0);
        let mean = world.mean_classifier_loss().expect("valid");
        assert!(mean > unbiased(&world, &Counts::new(1, classes - 2)));
        assert!(mean <= unbiased(&world, &Counts::new(1, classes - 1)) + ROUNDING);
    }
}

//! Losses that the paper leaves open: MIXNCA and the integrated ones. (For `g2` see `concentration` and `repair`.)

use crate::budget::ROUNDING;
use crate::worlds::{config, temperatures};
use intnacl_reference::bound::{Counts, Estimator, chain_gap, integrated_range, mix_nca_range, range};
use intnacl_reference::{Evaluate, Loss, Negatives, Neighborhood, RobustTerm, Settings, Tuples, Weight};
use nalgebra::DMatrix;
use proptest::prelude::*;

fn rows(angles: &[f64]) -> DMatrix<f64> {
    DMatrix::from_fn(angles.len(), 2, |i, j| if j == 0 { angles[i].cos() } else { angles[i].sin() })
}

proptest! {
    #![proptest_config(config())]

    /// All its terms are negative logarithms of probabilities: it is at least the loss of its one positive,
    /// whose bound needs no repair, and at most its range. Its other positives are mixed, of no class, so the
    /// supervised loss says nothing of them.
    #[test]
    fn mix_nca_is_at_least_its_single_positive_term_and_at_most_its_range(
        angles in prop::collection::vec(0.0..std::f64::consts::TAU, 12), m in 1..=4_usize, n in 1..=6_usize,
        lambda in 0.0..=1.0, t in temperatures(),
    ) {
        let positive = vec![rows(&angles[1..2])];
        let mut tuples = Tuples::new(rows(&angles[..1]), positive, vec![rows(&angles[2..2 + n])]);
        tuples.mixed = Some(vec![rows(&angles[8..7 + m])]);
        let value = |loss: Loss| loss.evaluate(&tuples, &Settings::new(t)).expect("valid").value;
        let mixed = value(Loss::MixNca { negatives: Negatives::G0, lambda });
        let single = value(Loss::Nca { negatives: Negatives::G0 });
        prop_assert!(mixed >= single);
        prop_assert!(mixed <= mix_nca_range(m, n, lambda, t).expect("valid") * (1.0 + ROUNDING));
        prop_assert_eq!(chain_gap(1, n as f64, t).expect("valid"), 0.0);
    }

    /// IntNaCl, IntCl and Adv are the clean loss and a term that is not negative, at most `α B_w B_r`.
    #[test]
    fn integrated_losses_are_between_the_clean_loss_and_their_range(
        angles in prop::collection::vec(prop_oneof![0.0..std::f64::consts::TAU, Just(0.0), Just(std::f64::consts::PI)], 16),
        m in 1..=3_usize, n in 1..=4_usize, lambda in 0.0..=1.0, alpha in 0.0..3.0, tau_plus in 0.0..0.5,
        t in temperatures(), adversarial in any::<bool>(), mixed in any::<bool>(),
    ) {
        let estimator = Estimator::Debiased { tau_plus, positive_draws: 1 };
        let mut tuples = Tuples::new(rows(&angles[..1]), vec![rows(&angles[1..1 + m])], vec![rows(&angles[4..4 + n])]);
        tuples.mixed = Some(vec![rows(&angles[8..7 + m])]);
        tuples.adversarial = Some(rows(&angles[10..11]));
        tuples.adversarial_negatives = Some(vec![rows(&angles[11..11 + n])]);
        tuples.debias_positives = Some(vec![rows(&angles[1..2])]);
        let value = |loss: Loss| loss.evaluate(&tuples, &Settings::new(t)).expect("valid").value;
        let (g0, g1) = (Negatives::G0, Negatives::G1 { tau_plus });
        let weight = if adversarial { Weight::Adversarial } else { Weight::One };
        let robust = RobustTerm { negatives: g1, weight };
        let of = |estimator: &Estimator, m: usize| range(estimator, &Counts::new(m, n), t).expect("valid");
        let clean = if mixed {
            (Loss::MixNca { negatives: g0, lambda }, mix_nca_range(m, n, lambda, t).expect("valid"))
        } else {
            (Loss::Nca { negatives: g0 }, of(&Estimator::TrueNegatives, m))
        };
        let of_weight = if adversarial { of(&Estimator::TrueNegatives, 1) } else { 1.0 };
        let most = integrated_range(clean.1, alpha, of_weight, of(&estimator, 1)).expect("valid");
        let neighborhood = if mixed { Neighborhood::MixNca { lambda } } else { Neighborhood::Nca };
        let found = value(Loss::IntNaCl { negatives: g0, alpha, robust, neighborhood });
        prop_assert!(value(clean.0) <= found * (1.0 + ROUNDING) && found <= most * (1.0 + ROUNDING), "{found}, {most}");
    }
}

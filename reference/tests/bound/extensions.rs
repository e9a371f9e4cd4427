//! What the paper leaves open: MIXNCA. (For `g2` see `concentration` and `repair`.)

use crate::budget::ROUNDING;
use crate::worlds::{config, temperatures};
use intnacl_reference::bound::{chain_gap, mix_nca_range};
use intnacl_reference::{Loss, Negatives, Settings, Tuples};
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
}

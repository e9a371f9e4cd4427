//! `λ_M = 1/M`, the constant by which the paper contracts the Rademacher complexity.

use crate::budget::ROUNDING;
use intnacl_reference::bound::{Counts, Norm, ScoresOf, lipschitz};
use intnacl_reference::{Evaluate, Loss, Negatives, Settings, Tuples};
use nalgebra::DMatrix;

/// In the Euclidean norm, which contraction for vectors of scores uses, it fails at every temperature: where
/// all scores are equal the gradient in the positives is `ω/M` in each, `ω = N/(M+N)`, of norm `ω/√M`, and
/// `ω/√M > 1/M` is `N² M > (M+N)²`, in integers. For ten classes and `N = M(K-1)` that is so from `M = 2` on.
#[test]
fn one_over_m_is_no_euclidean_constant_at_any_temperature() {
    for m in 2..=20_u64 {
        let n = 9 * m;
        assert!(n * n * m > (m + n) * (m + n));
        let counts = Counts::new(m as usize, n as usize);
        for t in [0.01, 0.5, 1.0, 100.0] {
            let constant =
                lipschitz(&counts, t, ScoresOf::Positives, Norm::Euclidean).expect("valid").constant;
            assert!(constant > 1.0 / m as f64);
        }
    }
}

/// The bound on each single derivative fails too, at `t = 1/ln 3 = 0.91`, `M = N = 2`: at scores
/// `(1/t, -1/t)` against `(1/t, 1/t)` the derivative is `6/(28/3) · 3/(10/3) = 81/140`, and `162 > 140`.
#[test]
fn one_over_m_is_no_bound_on_single_derivatives_at_a_temperature_of_0_91() {
    let t = 1.0 / 3_f64.ln();
    let found = lipschitz(&Counts::new(2, 2), t, ScoresOf::Positives, Norm::Sum).expect("valid");
    assert!(found.constant >= 81.0 / 140.0 * (1.0 - ROUNDING), "{found:?}");
}

/// From which temperature on each single derivative is at most `1/M`, for `N = M(K-1)`, `K = 10`: printed for
/// the notes, and the bracket is tested.
#[test]
fn the_temperature_from_which_single_derivatives_are_below_one_over_m() {
    for m in [2, 3, 5, 10] {
        let counts = Counts::new(m, 9 * m);
        let exceeds = |t: f64| {
            lipschitz(&counts, t, ScoresOf::Positives, Norm::Sum).expect("valid").constant > 1.0 / m as f64
        };
        let (mut low, mut high) = (0.5, 1000.0);
        assert!(exceeds(low) && !exceeds(high));
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if exceeds(middle) { low = middle } else { high = middle }
        }
        println!("M = {m}, N = {}: |∂ℓ/∂s_j| <= 1/M from t = {high:.3} on", 9 * m);
    }
}

/// Contraction passes through the embeddings, and the anchor's meets all scores at once: with all positives at
/// `-y`, all negatives at `y` and the anchor at right angles to `y`, the gradient by the anchor is
/// `2ω/t`, tangential to the sphere. With `N = M(K-1)`, as the repaired lemma wants it, `ω` is the same for all `M`.
#[test]
fn where_n_is_m_times_k_minus_1_the_anchors_part_does_not_fall_with_m() {
    let (t, classes) = (0.5, 10);
    for m in [1, 2, 5, 25] {
        let n = m * (classes - 1);
        let rows =
            |count: usize, sign: f64| DMatrix::from_fn(count, 2, |_, j| if j == 1 { sign } else { 0.0 });
        let anchor = DMatrix::from_row_slice(1, 2, &[1.0, 0.0]);
        let tuples = Tuples::new(anchor, vec![rows(m, -1.0)], vec![rows(n, 1.0)]);
        let evaluation =
            Loss::Nca { negatives: Negatives::G0 }.evaluate(&tuples, &Settings::new(t)).expect("valid");
        let gradient = evaluation.gradient.anchor;
        let expected = 2.0 * (1.0 - 1.0 / classes as f64) / t;
        assert!(gradient[(0, 0)].abs() < ROUNDING, "tangential");
        approx::assert_relative_eq!(gradient.norm(), expected, max_relative = ROUNDING);
    }
}

/// At a fixed number of negatives, as the paper has it, all of `Λ` falls like `1/M`, once `M` is well above
/// `N e^{2/t}`: printed for the notes.
#[test]
fn at_a_fixed_number_of_negatives_the_constant_in_the_embeddings_falls_like_one_over_m() {
    use intnacl_reference::bound::Theorem;
    let (t, n) = (0.5, 9);
    let grown = n as f64 * (2.0_f64 / t).exp();
    for (m, expected) in [(1, 4.78), (100, 3.44), (1000, 1.34), (10_000, 0.19), (100_000, 0.02)] {
        let found = Theorem::new(10, Counts::new(m, n), 1, 0.5, t).feature_constant().expect("valid");
        println!("N = {n}, t = {t}, M = {m}: Λ = {found:.4}, M Λ = {:.0}", m as f64 * found);
        assert!((found - expected).abs() < 5e-3);
        assert!(found <= 6_f64.sqrt() / t * grown / (m as f64 + grown));
    }
}

/// The constants beside `1/M`, for `K = 10` and `N = M(K-1)`: printed for the notes.
#[test]
fn the_euclidean_constant_falls_with_m_only_where_m_exceeds_the_spread_of_kernels() {
    use intnacl_reference::bound::Theorem;
    println!("   t   M    1/M  single  positives  negatives  features");
    for t in [0.5, 1.0] {
        let mut last = f64::INFINITY;
        for m in [1, 2, 5, 10, 100] {
            let counts = Counts::new(m, 9 * m);
            let of = |side, norm| lipschitz(&counts, t, side, norm).expect("valid").constant;
            let features = Theorem::new(10, counts, 1, 0.5, t).feature_constant().expect("valid");
            println!(
                "{t:>4} {m:>3} {:>6.3} {:>7.4} {:>10.4} {:>10.4} {features:>9.4}",
                1.0 / m as f64,
                of(ScoresOf::Positives, Norm::Sum),
                of(ScoresOf::Positives, Norm::Euclidean),
                of(ScoresOf::Negatives, Norm::Euclidean),
            );
            assert!(features <= last && features >= 2.0 * 0.9 / t);
            last = features;
        }
    }
}

//! Upper bounds by their formulas, written a second time: a bound that is too large breaks no inequality.

use crate::budget::ROUNDING;
use intnacl_reference::bound::{
    Class, Counts, Effort, Estimator, Method, Source, Theorem, World, concentration, massart, range,
};
use nalgebra::dmatrix;

#[track_caller]
fn same(found: f64, expected: f64) {
    assert!((found - expected).abs() <= ROUNDING * expected.abs(), "{found}, not {expected}");
}

/// `(c/√N · e^{2β/t} + τ c/√m)/(1-τ)`, with `β = 0` for `g1`.
#[test]
fn concentration_is_its_formula() {
    for (tau_plus, beta, positive_draws, n, t) in
        [(0.1, 0.0, 1, 100, 1.0), (0.3, 0.7, 4, 9, 0.5), (0.02, 2.0, 25, 4000, 3.0)]
    {
        let estimator = match beta {
            0.0 => Estimator::Debiased { tau_plus, positive_draws },
            _ => Estimator::HardNegative { tau_plus, beta, positive_draws },
        };
        let root = |count: usize| 2.5 / f64::sqrt(count as f64);
        let data = root(n) * f64::exp(2.0 * beta / t);
        let expected = (data + tau_plus * root(positive_draws)) / (1.0 - tau_plus);
        same(concentration(&estimator, n, t, 2.5).expect("valid"), expected);
    }
}

/// `2√2 Λ R/T` for a complexity `R` of the embeddings, `2R` for one of the losses, twice Massart's bound for finitely many.
#[test]
fn the_complexity_of_the_theorem_is_its_formula() {
    let theorem = Theorem::new(10, Counts::new(3, 40), 5000, 0.05, 0.7);
    let complexity = |source| theorem.corrected(&source).expect("valid").complexity;
    let steepness = theorem.feature_constant().expect("valid");
    for of_features in [0.25, 7.0, 300.0] {
        same(
            complexity(Source::Features(of_features)),
            2.0 * f64::sqrt(2.0) * steepness * of_features / 5000.0,
        );
        same(complexity(Source::Losses(of_features)), 2.0 * of_features);
    }
    let range = range(&theorem.estimator, &theorem.counts, 0.7).expect("valid");
    same(complexity(Source::FiniteClass { functions: 12 }), 2.0 * massart(range, 12, 5000).expect("valid"));
}

/// The interval of a sampled gap is that of a variable in `[-2/t, 2/t]`: its second term alone is `7 (4/t) L/(3(n-1))`.
#[test]
fn a_sampled_gap_has_the_interval_of_its_range() {
    let pair = Class::uniform(0.5, dmatrix![1.0; -1.0]);
    for t in [0.5, 2.0] {
        let world = World::new(&[pair.clone(), pair.clone()], t).expect("valid");
        let effort = Effort { terms: 0.0, draws: 2000, ..Effort::default() };
        let gap = world.positive_gap(3, &effort).expect("valid");
        let Method::Sampled { draws, confidence, .. } = gap.method else { panic!("enumerated") };
        let log = (4.0 / (1.0 - confidence)).ln();
        let of_range = 7.0 * (4.0 / t) * log / (3.0 * (draws as f64 - 1.0));
        // The variance of a variable in that range is at most the square of half of it.
        let of_variance = (2.0 * (2.0 / t) * (2.0 / t) * log / draws as f64).sqrt() * 1.001;
        let margin = gap.upper - gap.value;
        assert!(of_range <= margin && margin <= of_range + of_variance, "{margin} at t = {t}");
        let exact = world.positive_gap(3, &Effort::default()).expect("valid").value;
        assert!(gap.lower <= exact && exact <= gap.upper);
    }
}

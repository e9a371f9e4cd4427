//! Theorem 3.1 as a whole: no constants in its `O(·)` make it true for all `K` and `M`.
//!
//! In both families `F` is a single encoder, so `f̂ = f` and `R_S(F) = E⟨σ, f(S)⟩ = 0`; `T` is as large as it
//! takes for the last term to be below 1/100. `N = K - 1`, as the theorem allows.

use intnacl_reference::bound::{Class, Counts, Effort, Estimator, Setting, World, jensen_gap};
use nalgebra::DMatrix;

const HIDDEN: [f64; 4] = [1.0, 6.0, 100.0, 1000.0];

/// `L_Sup - L_NCA - O(·)` with the hidden constants all equal to `hidden`.
fn violation(supervised: f64, contrastive: f64, counts: Counts, classes: usize, t: f64, hidden: f64) -> f64 {
    let samples = 1 << 52;
    let setting = Setting::new(classes, counts, samples, 0.05, t);
    let addition = setting.published(0.0, [hidden; 3]).expect("valid");
    supervised - contrastive - addition
}

/// Sum reading: all points at one place, `M = K²`. `L_Sup = log K`, `L_NCA = log(1 + (K-1)/M) < 1/K`.
#[test]
fn no_hidden_constants_save_the_sum_reading() {
    for hidden in HIDDEN {
        let found = (1..40).map(|exponent| 1_usize << exponent).find(|&classes| {
            let counts = Counts::new(classes * classes, classes - 1);
            let contrastive = counts.ratio().ln_1p();
            violation((classes as f64).ln(), contrastive, counts, classes, 1.0, hidden) > 0.05
        });
        println!("sum reading, constants {hidden}: K = {found:?}");
        assert!(found.is_some());
    }
    // The closed forms are those of the world.
    let class = Class::uniform(1.0 / 16.0, DMatrix::from_element(1, 1, 1.0));
    let world = World::new(&vec![class; 16], 1.0).expect("valid");
    let counts = Counts::new(256, 15);
    let loss = world.loss(&Estimator::TrueNegatives, &counts, &Effort::default()).expect("valid").value;
    approx::assert_relative_eq!(loss, counts.ratio().ln_1p(), max_relative = 1e-12);
    let best = world.best_unconstrained(&Default::default()).expect("valid");
    assert!(best.lower > 16_f64.ln() - 1e-12);
}

/// Mean reading: antipodal pairs on orthogonal axes, `M = 2`, `t = 1/2`. `L_Sup = log K`, and `L_NCA` is at most
/// its limit `¼ log(1 + (K-1)e^{1/t}) + ¼ log(1 + (K-1)e^{-1/t}) + ½ log(1 + (K-1)/cosh(1/t))`, which is below
/// by nearly `½ log cosh(1/t)`.
#[test]
fn no_hidden_constants_save_the_mean_reading() {
    let t = 0.5_f64;
    let limit = |classes: f64| {
        let term = |kernel: f64| ((classes - 1.0) / kernel).ln_1p();
        0.25 * term((1.0 / t).exp()) + 0.25 * term((-1.0 / t).exp()) + 0.5 * term((1.0 / t).cosh())
    };
    for hidden in HIDDEN {
        let found = (1..40).map(|exponent| 1_usize << exponent).find(|&classes| {
            let counts = Counts::new(2, classes - 1).normalized();
            let of = classes as f64;
            violation(of.ln(), limit(of), counts, classes, t, hidden) > 0.05
        });
        println!("mean reading, constants {hidden}: K = {found:?}");
        assert!(found.is_some());
    }
    approx::assert_relative_eq!(
        1e12_f64.ln() - limit(1e12),
        jensen_gap(2, t).expect("valid"),
        max_relative = 1e-9
    );
}

/// With the published constant of Theorem B.1 and `t = 1` the sum reading needs only a dozen classes.
#[test]
fn with_the_published_constant_the_sum_reading_fails_at_twelve_classes() {
    let fails = |classes: usize| {
        let counts = Counts::new(1000, classes - 1);
        let constant = intnacl_reference::bound::published_constant();
        violation((classes as f64).ln(), counts.ratio().ln_1p(), counts, classes, 1.0, constant) > 0.0
    };
    let first = (2..100).find(|&classes| fails(classes));
    println!("published constant, M = 1000, N = K - 1: fails from K = {first:?}");
    assert!(first.is_some_and(|classes| classes <= 12));
}

/// `B = log N` is 0 at `N = 1`, `K = 2`, where losses still differ from tuple to tuple.
#[test]
fn log_n_is_0_where_losses_are_not_constant() {
    let pair = || Class::uniform(0.5, DMatrix::from_column_slice(2, 1, &[1.0, -1.0]));
    let world = World::new(&[pair(), pair()], 1.0).expect("valid");
    let counts = Counts::new(1, 1);
    let set = world.training_set(&Estimator::TrueNegatives, &counts, 50, 1).expect("valid");
    let losses = world.losses(&Estimator::TrueNegatives, &counts, &set).expect("valid");
    let largest = losses.iter().copied().fold(0.0, f64::max);
    let smallest = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(largest - smallest > 1.9, "{smallest} to {largest}");
    let setting = Setting::new(2, counts, 50, 0.05, 1.0);
    assert_eq!(setting.published(0.0, [0.0, 0.0, 1e9]).expect("valid"), 0.0);
}

//! `λ_M = 1/M` in Theorem B.4: not only is 1/M no Lipschitz constant, the inequality of complexities fails.
//!
//! Class 1 is `{a, p}`, class 2 is `{n}`, equally likely; `p = -e₂`, `n = e₂`, `t = 1/2`. Two encoders differ in `a`
//! alone: `(cos 0.3, ± sin 0.3)`. With `N = M` their losses differ by a constant, whatever `M`, while `R_S(F)` sees
//! some `M T` signs of one number.

use crate::budget::FALSE_ALARM;
use intnacl_reference::bound::{
    Class, Counts, Effort, Estimator, Sample, Theorem, World, sampled_rademacher,
};
use nalgebra::{DMatrix, dmatrix};

const T: usize = 200;
const TEMPERATURE: f64 = 0.5;
const ANGLE: f64 = 0.3;
/// The row of `a`.
const A: usize = 0;

fn encoders() -> [World; 2] {
    [1.0, -1.0].map(|sign: f64| {
        let own = Class::uniform(0.5, dmatrix![ANGLE.cos(), sign * ANGLE.sin(); 0.0, -1.0]);
        let other = Class::uniform(0.5, dmatrix![0.0, 1.0]);
        World::new(&[own, other], TEMPERATURE).expect("valid")
    })
}

/// `E|σ_1 + ... + σ_n|`, exactly: `Π_{j < k} (2j+1)/(2j)` at `n = 2k` and `n = 2k - 1`.
fn mean_distance(n: usize) -> f64 {
    if n == 0 { 0.0 } else { (1..n.div_ceil(2)).map(|j| (2 * j + 1) as f64 / (2 * j) as f64).product() }
}

/// `R_S(F)`: the encoders differ in the second coordinate of `a`, by `2 sin 0.3`, at each place where it was drawn.
fn features(set: &[Sample]) -> f64 {
    let count = |rows: &[usize]| rows.iter().filter(|&&row| row == A).count();
    let of = |s: &Sample| usize::from(s.anchor == A) + count(&s.positives) + count(&s.negatives);
    ANGLE.sin() * mean_distance(set.iter().map(of).sum())
}

struct Found {
    /// `R_S(F)/T`.
    features: f64,
    /// `R̂_S(ℓ∘F)`, between its certified ends.
    losses: (f64, f64),
    /// The differences of the two losses on tuples whose anchor is `a`.
    differences: Vec<f64>,
}

fn draw(counts: Counts, seed: u64) -> Found {
    let encoders = encoders();
    let estimator = Estimator::TrueNegatives;
    let set = encoders[0].training_set(&estimator, &counts, T, seed).expect("valid");
    let losses = encoders.each_ref().map(|world| world.losses(&estimator, &counts, &set).expect("valid"));
    // Adding one function to all of a class changes no complexity: half the difference, to both sides.
    let half: Vec<f64> = losses[0].iter().zip(&losses[1]).map(|(x, y)| 0.5 * (x - y)).collect();
    let values = DMatrix::from_fn(2, T, |f, i| if f == 0 { half[i] } else { -half[i] });
    let effort = Effort { draws: 4000, seed, confidence: 1.0 - FALSE_ALARM, ..Effort::default() };
    let sampled = sampled_rademacher(&values, &effort).expect("valid");
    // Khintchine's inequality and Jensen's: E|Σ σ_i h_i| is between ‖h‖/√2 and ‖h‖.
    let norm = half.iter().map(|x| x * x).sum::<f64>().sqrt() / T as f64;
    assert!(sampled.upper >= norm / 2_f64.sqrt() && sampled.lower <= norm);
    let own = set.iter().enumerate().filter(|(_, sample)| sample.anchor == A);
    let differences = own.map(|(i, _)| (losses[0][i] - losses[1][i]).abs()).collect();
    let losses = (sampled.lower.max(norm / 2_f64.sqrt()), sampled.upper.min(norm));
    Found { features: features(&set) / T as f64, losses, differences }
}

/// The proof's claims about a drawn set with at least `T/8` anchors at `a`, for every `M` with `N = M`: each of them
/// has losses at least `log(1 + e^{s-2}) - log(1 + e^{-s-2}) = 0.146` apart, `s = 2 sin 0.3`, so that by Khintchine's
/// inequality `R̂ >= 0.146 √(1/8)/(2√2 √T)`; and `R_S(F)/T <= sin 0.3 √((1 + 2M)/T)`.
fn claims(m: usize, seed: u64) -> (f64, Found) {
    let found = draw(Counts::new(m, m), seed);
    let s = 2.0 * ANGLE.sin();
    let least = (s - 2.0).exp().ln_1p() - (-s - 2.0).exp().ln_1p();
    assert!(found.differences.iter().all(|difference| *difference >= least * (1.0 - 1e-12)));
    assert!(found.differences.len() >= T / 8, "a chance below 1e-4");
    let of_losses = least * (1.0_f64 / 8.0).sqrt() / (2.0 * 2_f64.sqrt() * (T as f64).sqrt());
    assert!(found.losses.0 >= of_losses * (1.0 - 1e-12), "M = {m}: {:?} below {of_losses}", found.losses);
    let of_features = ANGLE.sin() * ((1 + 2 * m) as f64 / T as f64).sqrt();
    assert!(found.features <= of_features);
    (of_losses / of_features, found)
}

/// `R̂_S(ℓ∘F) <= C (1/M) R_S(F)/T` fails for every `C` as `M = N` grows: the ratio of the two sides grows like `√M`.
#[test]
fn no_constant_makes_one_over_m_contract_where_n_is_m() {
    println!("    M   R̂ at N = M   M R̂/(R_S/T) at N = M   at N = 1   √2 M Λ at N = 1");
    let mut last = 0.0;
    for m in [1, 4, 16, 64, 256, 1024, 4096] {
        let (proved, found) = claims(m, 1);
        let ratio = m as f64 * found.losses.0 / found.features;
        assert!(ratio >= m as f64 * proved && proved * (m as f64).sqrt() > 0.03);
        let fixed = Counts::new(m, 1);
        let few = draw(fixed, 1);
        let of_few = m as f64 * few.losses.1 / few.features;
        let factor = Theorem::new(2, fixed, T, 0.5, TEMPERATURE).feature_constant().expect("valid");
        let factor = 2_f64.sqrt() * m as f64 * factor;
        println!(
            "{m:>5} {:>12.4} {ratio:>23.2} {of_few:>10.2} {factor:>17.1}",
            0.5 * (found.losses.0 + found.losses.1)
        );
        // At a fixed N it is right, with a constant that knows N.
        let most = 12_f64.sqrt() * (2.0 / TEMPERATURE).exp() / TEMPERATURE;
        assert!(of_few <= factor && factor <= most);
        assert!(m < 64 || ratio > 1.8 * last, "it doubles where M is four times as large, nearly");
        last = ratio;
    }
}

/// The same over many training sets.
#[test]
fn over_many_training_sets_the_complexity_of_the_losses_stays_and_that_of_the_features_over_m_falls() {
    for seed in 100..130 {
        for m in [1, 3, 30, 300] {
            claims(m, seed);
        }
    }
}

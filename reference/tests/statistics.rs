//! Claims about random draws, each with the probability that chance alone breaks its test.

use intnacl_judge::images::Rng;
use intnacl_reference::{Evaluate, Loss, Settings, Tuples};
use nalgebra::DMatrix;
use statrs::distribution::{ContinuousCDF, Normal};

/// A test that holds fails this often on a new seed; the seeds here are fixed.
const FALSE_ALARM: f64 = 1e-6;

fn standard_normal() -> Normal {
    Normal::new(0.0, 1.0).expect("the parameters are valid")
}

/// Kolmogorov and Smirnov: the largest distance of the empirical distribution from the claimed one, against
/// the bound of Dvoretzky, Kiefer, Wolfowitz and Massart, `P(D > ε) <= 2 exp(-2nε²)`.
fn follows(mut draws: Vec<f64>, cdf: impl Fn(f64) -> f64) {
    draws.sort_by(f64::total_cmp);
    let n = draws.len() as f64;
    let distance = draws.iter().enumerate().map(|(i, x)| {
        let (below, above) = (i as f64 / n, (i + 1) as f64 / n);
        (cdf(*x) - below).abs().max((cdf(*x) - above).abs())
    });
    let bound = ((2.0 / FALSE_ALARM).ln() / (2.0 * n)).sqrt();
    let distance = distance.fold(0.0, f64::max);
    assert!(distance < bound, "distance {distance}, bound {bound}");
}

#[test]
fn the_generator_draws_uniform_and_normal_numbers() {
    let mut rng = Rng::new(11);
    follows((0..20_000).map(|_| rng.uniform()).collect(), |x| x.clamp(0.0, 1.0));
    let normal = standard_normal();
    follows((0..20_000).map(|_| rng.normal()).collect(), |x| normal.cdf(x));
}

/// Chuang et al. 2020: for `u` from the data, a mixture of the positives' class with weight `τ` and the others,
/// and `v` from the positives' class, `(E h(u) - τ E h(v))/(1-τ)` is the mean of `h` over the other classes.
/// So `g1`, where its floor is out of reach, estimates the negatives without bias from unlabelled draws.
#[test]
fn g1_is_unbiased() {
    let (tau_plus, temperature, n) = (0.3, 2.0, 64);
    let angle = |degrees: f64| -> [f64; 2] { [degrees.to_radians().cos(), degrees.to_radians().sin()] };
    // The class of the anchor (at 0 degrees), and the others.
    let own = [angle(5.0), angle(-20.0), angle(30.0)];
    let others = [angle(60.0), angle(-90.0), angle(100.0), angle(-150.0)];
    let kernel = |point: [f64; 2]| (point[0] / temperature).exp();
    let truth = others.iter().map(|&point| kernel(point)).sum::<f64>() / others.len() as f64;

    let mut rng = Rng::new(12);
    let mut draw = |count: usize, prior: f64| {
        let rows = (0..count).flat_map(|_| {
            if rng.uniform() < prior { own[rng.below(own.len())] } else { others[rng.below(others.len())] }
        });
        DMatrix::from_row_iterator(count, 2, rows.collect::<Vec<f64>>())
    };
    let anchor = DMatrix::from_row_slice(1, 2, &angle(0.0));
    let positive = DMatrix::from_row_slice(1, 2, &own[0]);
    let loss = Loss::Debiased { tau_plus };
    let estimates: Vec<f64> = (0..4000)
        .map(|_| {
            let mut data = Tuples::new(anchor.clone(), vec![positive.clone()], vec![draw(n, tau_plus)]);
            data.debias_positives = Some(vec![draw(n, 1.0)]);
            let value = loss.evaluate(&data, &Settings::new(temperature)).expect("valid data").value;
            // ℓ = log(1 + N g1/h⁺), solved for g1.
            value.exp_m1() * kernel(own[0]) / n as f64
        })
        .collect();

    let count = estimates.len() as f64;
    let mean = estimates.iter().sum::<f64>() / count;
    let variance = estimates.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let quantile = standard_normal().inverse_cdf(1.0 - FALSE_ALARM / 2.0);
    let margin = quantile * (variance / count).sqrt();
    assert!((mean - truth).abs() < margin, "mean {mean}, truth {truth}, margin {margin}");
    // The test can tell: forgetting the correction is far outside the margin.
    let biased = (1.0 - tau_plus) * truth + tau_plus * own.iter().map(|&p| kernel(p)).sum::<f64>() / 3.0;
    assert!((biased - truth).abs() > 10.0 * margin, "the plain mean is not told from the debiased one");
}

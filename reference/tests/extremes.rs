//! Where others leave the rails: temperatures, parameters and rows at the ends of their ranges. Nothing
//! panics, and what comes back is finite or a typed error.

use intnacl_judge::budget::EXACT_GRADIENT_UNITS;
use intnacl_reference::{
    Batch, Error, Evaluate, Loss, Negatives, Neighborhood, RobustTerm, Settings, Tuples, Weight,
};
use nalgebra::{DMatrix, dmatrix};

fn tuples() -> Tuples {
    let mut data =
        Tuples::new(dmatrix![1.0, 0.0], vec![dmatrix![0.6, 0.8]], vec![dmatrix![0.0, 1.0; -1.0, 0.0]]);
    data.adversarial = Some(dmatrix![0.0, -1.0]);
    data.mixed = Some(vec![dmatrix![0.8, 0.6]]);
    data
}

fn losses(tau_plus: f64, beta: f64, alpha: f64) -> Vec<Loss> {
    let mut losses = vec![Loss::SimClr, Loss::Adversarial { alpha }];
    for negatives in [Negatives::G0, Negatives::G1 { tau_plus }, Negatives::G2 { tau_plus, beta }] {
        let lambda = 0.5;
        for weight in [Weight::One, Weight::AdversarialWithGradient] {
            let robust = RobustTerm { negatives, weight };
            losses.push(Loss::Robust { negatives, weight, weight_negatives: negatives });
            losses.push(Loss::IntCl { negatives, alpha, robust });
            for neighborhood in
                [Neighborhood::MixNca { lambda }, Neighborhood::Combined { lambda, joined: false }]
            {
                losses.push(Loss::IntNaCl { negatives, alpha, robust, neighborhood });
            }
        }
    }
    losses
}

/// Finite, or an overflow that says so.
fn is_honest(loss: &Loss, data: &Tuples, temperature: f64) {
    match loss.evaluate(data, &Settings::new(temperature)) {
        Ok(evaluation) => {
            assert!(evaluation.value.is_finite(), "{loss:?} at t = {temperature}");
            assert!(
                evaluation.gradient.anchor.iter().all(|x| x.is_finite()),
                "{loss:?} at t = {temperature}"
            );
        }
        Err(Error::Overflow { .. }) => {}
        Err(error) => panic!("{loss:?} at t = {temperature}: {error}"),
    }
}

#[test]
fn no_temperature_panics() {
    for temperature in [5e-324, 1e-300, 1e-5, 0.003, 1e7, 1e300, f64::MAX] {
        for loss in losses(0.5, 1.0, 1.0) {
            is_honest(&loss, &tuples(), temperature);
        }
    }
}

#[test]
fn no_parameter_panics() {
    for (tau_plus, beta, alpha) in
        [(0.0, 0.0, 0.0), (0.999_999, 1e300, 1e300), (5e-324, 5e-324, 5e-324), (0.5, 1e5, 1e-300)]
    {
        for temperature in [1e-300, 1e-3, 1.0] {
            for loss in losses(tau_plus, beta, alpha) {
                is_honest(&loss, &tuples(), temperature);
            }
        }
    }
}

/// d = 1: rows are ±1, scores tie exactly, and logarithms are of exact numbers.
#[test]
fn one_dimension_is_full_of_ties() {
    let column = |signs: [f64; 3]| DMatrix::from_row_slice(3, 1, &signs);
    for views in [
        [column([1.0, -1.0, 1.0]), column([1.0, 1.0, -1.0])],
        [column([-1.0, -1.0, -1.0]), column([-1.0, -1.0, -1.0])],
    ] {
        let mut batch = Batch::new(views.to_vec());
        batch.adversarial = Some(views[0].clone());
        batch.mixed = Some(vec![views[1].clone()]);
        for (tau_plus, beta, alpha) in [(0.0, 1e5, 1.0), (0.5, 1.0, 1e300), (0.5, 8.0, 0.0)] {
            for loss in losses(tau_plus, beta, alpha) {
                for temperature in [0.005, 1.0] {
                    let result = loss.evaluate(&batch, &Settings::new(temperature));
                    match result {
                        Ok(evaluation) => assert!(evaluation.value.is_finite(), "{loss:?}"),
                        Err(Error::Overflow { .. }) => {}
                        Err(error) => panic!("{loss:?}: {error}"),
                    }
                }
            }
        }
    }
}

#[test]
fn rows_of_any_length_are_normalized() {
    let mut data = tuples();
    for (k, scale) in [1e-320, 1e-300, 1e-150, 1e150, 1e300].into_iter().enumerate() {
        data.positives = vec![dmatrix![0.6, 0.8] * scale];
        let evaluation = Loss::SimClr.evaluate(&data, &Settings::new(0.5).normalizing());
        match evaluation {
            // The gradient by a row of length 1e-320 is about 1e320.
            Err(error) => assert!(k < 1 && matches!(error, Error::Overflow { .. }), "{scale:e}: {error}"),
            Ok(evaluation) => {
                let exact = Loss::SimClr.evaluate(&tuples(), &Settings::new(0.5).normalizing()).unwrap();
                // At 1e-320 the row itself has but a few bits.
                let close = if k == 0 { 1e-2 } else { 1e-15 };
                assert!((evaluation.value - exact.value).abs() < close, "{scale:e}");
            }
        }
    }
}

/// However large β is, it is told from β+1: the weighted mean is the largest kernel.
#[test]
fn a_huge_hardness_gives_the_largest_kernel() {
    let anchor = dmatrix![1.0, 0.0];
    let negatives = dmatrix![0.0, 1.0; 0.6, 0.8; 0.6, -0.8; -1.0, 0.0];
    let data = Tuples::new(anchor, vec![dmatrix![0.8, 0.6]], vec![negatives]);
    for beta in [1e3, 1e15, 1e17, 1e40, 1e300] {
        for t in [0.5, 0.015, 0.002] {
            let loss = Loss::HardNegative { tau_plus: 0.0, beta };
            let found = loss.evaluate(&data, &Settings::new(t)).unwrap().value;
            let x = 4.0_f64.ln() + (0.6 - 0.8) / t;
            let expected = x.max(0.0) + (-x.abs()).exp().ln_1p();
            // Scores are rounded where the expectation is formed.
            let allowed = 8.0 * f64::EPSILON * expected * (1.0 + 1.0 / t);
            assert!((found - expected).abs() <= allowed, "β = {beta:e}, t = {t}: {found}, not {expected}");
        }
    }
}

/// At a tie with the floor of kernels that differ, the gradient is some e^{2/t}, which no f64 holds here. The other image's
/// gradient must not be lost because of it.
#[test]
fn a_tie_beyond_the_range_is_an_overflow() {
    let ones = dmatrix![1.0; 1.0];
    let mut data =
        Tuples::new(ones.clone(), vec![-ones.rows(0, 1); 2], vec![dmatrix![1.0; -1.0], ones.clone()]);
    data.debias_positives = Some(vec![ones.rows(0, 1).into_owned(); 2]);
    let answer = Loss::Debiased { tau_plus: 0.5 }.evaluate(&data, &Settings::new(0.0014));
    assert!(matches!(answer, Err(Error::Overflow { .. })), "{answer:?}");
}

/// The other negative's gradient cancels to exactly 0, this one's never cancels.
#[test]
fn a_small_gradient_beside_one_that_cancels_is_kept() {
    let data =
        Tuples::new(dmatrix![0.0, -1.0], vec![dmatrix![0.0, -1.0]], vec![dmatrix![0.96, -0.28; 0.0, -1.0]]);
    let loss = Loss::HardNegative { tau_plus: 0.5, beta: 50.0 };
    let evaluation = loss.evaluate(&data, &Settings::new(0.1).normalizing()).expect("valid");
    let gradient = &evaluation.gradient.negatives[0];
    let share = -(0.72 / 0.1) * 50.0 / std::f64::consts::LN_10;
    let size = gradient.row(0).norm().log10();
    assert!((size - share).abs() < 6.0, "10^{size} beside a share of 10^{share}");
    assert_eq!(gradient.row(1).norm(), 0.0);
}

/// `Ω = 1/(1 + e^d)` is 1/2 to forty digits where the scores differ by `d = 1e-40`; the gradient `(Ω - λ)/t` is not 0 for that.
#[test]
fn a_slope_that_nearly_vanishes_is_not_lost() {
    let data = |x: f64| {
        let positives = vec![dmatrix![0.0, 1.0; 0.6, 0.8]];
        // Of unit norm: for a tiny x, the other entry is 1.
        let mut data = Tuples::new(dmatrix![1.0, 0.0], positives, vec![dmatrix![x, (1.0 - x * x).sqrt()]]);
        data.mixed = Some(vec![dmatrix![0.0, 1.0]]);
        data
    };
    let loss = Loss::MixNca { negatives: Negatives::G0, lambda: 0.5 };
    for (x, t) in [(1e-40, 0.5), (-3e-90, 2.0), (1e-300, 1.0), (-1.0, 1e9), (0.5, 1e100), (-1.0, 1e150)] {
        let found = loss.evaluate(&data(x), &Settings::new(t)).expect("a value").gradient.mixed;
        // dℓ/dd = tanh(d/2)/2, d = x/t the score of the negative above that of the mixed positive.
        let expected = -x / (4.0 * t * t);
        let found = found.expect("a gradient")[0][(0, 0)];
        let budget = EXACT_GRADIENT_UNITS * f64::EPSILON / 2.0 * expected.abs();
        assert!((found - expected).abs() <= budget, "x = {x}: {found}, not {expected}");
    }
    let tie = loss.evaluate(&data(0.0), &Settings::new(1.0)).expect("a value").gradient.mixed;
    assert_eq!(tie.expect("a gradient")[0][(0, 0)], 0.0);
}

/// `A - τB` lies below the floor by `2τ/t`, as long as `t` is a number: the negatives have no gradient.
#[test]
fn the_floor_is_told_from_a_tie_at_any_temperature() {
    let data = |positive: f64| {
        Tuples::new(dmatrix![1.0, 0.0], vec![dmatrix![positive, 0.0]], vec![dmatrix![-1.0, 0.0; -1.0, 0.0]])
    };
    for temperature in [1.0, 1e3, 1e9, 1e40, 1e100, 1e200] {
        for loss in [Loss::Debiased { tau_plus: 0.1 }, Loss::HardNegative { tau_plus: 0.1, beta: 1.0 }] {
            let by_negatives = |positive| {
                let found = loss.evaluate(&data(positive), &Settings::new(temperature)).expect("a value");
                found.gradient.negatives[0][(0, 0)]
            };
            assert_eq!(by_negatives(1.0), 0.0, "{loss:?} at t = {temperature}");
            // The same score for all: A - τB is the floor itself, and keeps its gradient.
            assert!(by_negatives(-1.0) > 0.0, "{loss:?} at t = {temperature}");
        }
    }
}

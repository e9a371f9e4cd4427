//! Cases that once gave NaN, kept: a test for each cause, on a small case that shows it.

use crate::bridge::{evaluate, evaluate_by};
use crate::loss::Engine;
use crate::testing::errors;
use crate::{Error, Labelled, Objective, Settings};
use intnacl_reference::{Answer, EvaluateRequest, Request, json};
use tch::{Device, Kind, Tensor};

const ENGINES: [Engine; 2] = [Engine::Fused(None), Engine::Tiles(None)];

fn read(request: &str) -> Request {
    json::read_request(request).unwrap()
}

/// A batch's answers by both engines.
fn batches(request: &Request, kind: Kind) -> impl Iterator<Item = Answer> {
    ENGINES.into_iter().map(move |engine| evaluate_by(request, Device::Cpu, kind, Some(engine)).unwrap())
}

/// Every answer that comes out is finite: the bridge refuses others.
fn assert_agrees(found: &Answer, request: &Request, tolerance: f64) {
    let (value, gradient) = errors(found, &request.evaluate().unwrap(), 1e-36);
    assert!(value <= tolerance && gradient <= tolerance, "value off by {value:e}, gradient by {gradient:e}");
}

/// `A` and `τB` cancel to the floor, `e^{-2/t}` as large as they are: less than `f32` can divide by, or hold.
#[test]
fn a_tie_at_a_floor_that_the_type_cannot_hold_is_finite_in_batches() {
    for temperature in [0.02, 0.005, 0.001] {
        let request = read(&format!(
            r#"{{"loss": "mix_nca", "temperature": {temperature},
                "parameters": {{"negatives": {{"estimator": "g1", "tau_plus": 0.5}}, "lambda": 0.0}},
                "data": {{"layout": "batch", "views": [[[1], [-1]], [[1], [1]], [[1], [1]]], "mixed": [[[1], [1]]]}}}}"#
        ));
        for kind in [Kind::Double, Kind::Float, Kind::BFloat16, Kind::Half] {
            for answer in batches(&request, kind) {
                let Answer::Batch(found) = answer else { unreachable!() };
                // With log N = log 2, the floor against a positive at 1/t, and a mixed embedding there; and beside that an
                // anchor whose positive is at the floor too, and a mixed one.
                let (inverse, log_2) = (1.0 / temperature, 2_f64.ln());
                let first = 2.0 * inverse - log_2;
                assert!(
                    (found.per_anchor[0] - first).abs() < 1e-3 * inverse,
                    "{kind:?}: {}",
                    found.per_anchor[0]
                );
                assert!(found.per_anchor[1] > inverse && found.per_anchor[1] < 2.0 * inverse);
            }
        }
    }
}

#[test]
fn a_tie_at_a_floor_that_the_type_cannot_hold_is_finite_in_tuples() {
    let request = |temperature: f64| {
        read(&format!(
            r#"{{"loss": "int_cl", "temperature": {temperature},
                "parameters": {{"alpha": 1.0, "negatives": {{"estimator": "g2", "tau_plus": 0.5, "beta": 0.0}},
                    "robust": {{"negatives": {{"estimator": "g2", "tau_plus": 0.5, "beta": 0.0}}, "weight": "one"}}}},
                "data": {{"layout": "tuples", "anchor": [[1]], "positives": [[[-1]]],
                    "negatives": [[[1], [-1], [-1], [-1]]], "debias_positives": [[[-1], [1]]],
                    "adversarial": [[-1]], "adversarial_negatives": [[[-1], [-1], [1], [1], [1]]]}}}}"#
        ))
    };
    for temperature in [0.02, 0.005, 0.001] {
        for kind in [Kind::Double, Kind::Float, Kind::BFloat16, Kind::Half] {
            let Answer::Tuples(found) = evaluate(&request(temperature), Device::Cpu, kind).unwrap() else {
                unreachable!()
            };
            // The clean term is log(1 + 4), the robust one that of 5 negatives of which 2 kernels e^{1/t} remain.
            assert!(
                found.value > 2.0 / temperature && found.value < 2.0 / temperature + 3.0,
                "{}",
                found.value
            );
        }
    }
}

/// The product of embeddings and gradient leaves the range, neither of the two does.
#[test]
fn gradients_near_the_largest_number_leave_the_value_as_it_is() {
    let request = read(
        r#"{"loss": "adversarial", "temperature": 0.5, "parameters": {"alpha": 7.9e37}, "data": {"layout": "batch",
            "views": [[[1, 0], [0, 1], [0, -1]], [[1, 0], [0, 1], [0, -1]]], "adversarial": [[-1, 0], [0, -1], [0, 1]]}}"#,
    );
    for answer in batches(&request, Kind::Float) {
        assert_agrees(&answer, &request, 1e-6);
    }
}

/// `α` times the loss leaves the range, times a tiny weight it does not.
#[test]
fn a_tiny_weight_keeps_an_immense_alpha_in_range() {
    for (layout, views) in [("batch", true), ("tuples", false)] {
        let data = if views {
            r#""views": [[[1, 0], [0, 1]], [[1, 0], [0, 1]]], "adversarial": [[-1, 0], [0, -1]]"#
        } else {
            r#""anchor": [[1, 0]], "positives": [[[1, 0]]], "negatives": [[[0, 1]]], "adversarial": [[-1, 0]]"#
        };
        let request = read(&format!(
            r#"{{"loss": "int_cl", "temperature": 0.05,
                "parameters": {{"alpha": 1e38, "negatives": {{"estimator": "g0"}},
                    "robust": {{"negatives": {{"estimator": "g0"}}, "weight": "adversarial"}}}},
                "data": {{"layout": "{layout}", {data}}}}}"#
        ));
        if views {
            batches(&request, Kind::Float).for_each(|answer| assert_agrees(&answer, &request, 1e-5));
        } else {
            let answer = evaluate(&request, Device::Cpu, Kind::Float).unwrap();
            assert_agrees(&answer, &request, 1e-5);
        }
    }
}

/// The first positive is a positive and a draw of positives. By either the derivative leaves the range of `f16`; they
/// cancel.
#[test]
fn derivatives_of_one_tensor_are_summed_before_they_are_rounded_to_its_kind() {
    let request = read(
        r#"{"loss": "mix_nca", "temperature": 0.001, "normalize": true,
            "parameters": {"negatives": {"estimator": "g1", "tau_plus": 0.5}, "lambda": 0.0},
            "data": {"layout": "tuples", "anchor": [[1, 0]], "positives": [[[0, 0.00390625], [1, 0]]],
                "negatives": [[[0, 1]]], "mixed": [[[1, 0]]]}}"#,
    );
    let Answer::Tuples(found) = evaluate(&request, Device::Cpu, Kind::Half).unwrap() else { unreachable!() };
    assert!(
        found.gradient.positives[0].iter().all(|entry| entry.abs() < 1.0),
        "{:?}",
        found.gradient.positives
    );
}

/// A `β` that the type rounds to 0 meets the score of an image with itself, `-∞`; a huge one meets kernels that underflow.
#[test]
fn any_beta_is_finite() {
    for (kind, tolerance) in [(Kind::Double, 1e-12), (Kind::Float, 1e-4)] {
        for beta in [1e-310, 1e-40, 1e-30, 1e5, 1e12, 1e20, 1e30] {
            let request = read(&format!(
                r#"{{"loss": "hard_negative", "temperature": 0.02, "parameters": {{"tau_plus": 0.1, "beta": {beta:e}}},
                    "data": {{"layout": "batch", "views": [[[1, 0], [0, 1], [0.6, 0.8]], [[0.8, 0.6], [0, -1], [-1, 0]]]}}}}"#
            ));
            let Request::Batch { settings, data, loss } = &request else { unreachable!() };
            let settings = Settings { norm_tolerance: 1e-6, ..*settings };
            let request = Request::Batch { loss: *loss, settings, data: data.clone() };
            for answer in batches(&request, kind) {
                assert_agrees(&answer, &request, tolerance);
            }
        }
    }
}

/// Squared distances beyond the range belong to no set that is empty.
#[test]
fn a_distance_that_overflows_is_an_error_and_no_finite_value() {
    let points = [0.0_f32, 1e20, 1.0, 2.0];
    let labelled = |points: &[f32]| Labelled {
        transform: Tensor::ones([1, 1], (Kind::Float, Device::Cpu)),
        points: Tensor::from_slice(points).reshape([4, 1]),
        labels: Tensor::from_slice(&[0_i64, 0, 1, 1]),
    };
    // -log p is the squared distance, 1e40.
    let values = labelled(&points).per_point(Objective::KullbackLeibler).unwrap();
    assert_eq!(values.double_value(&[0]), f64::INFINITY);
    // 1e38 is a number as good as any other, whatever stands for a set without points.
    let values = labelled(&[0.0, 1e19, 1.0, 2.0]).per_point(Objective::KullbackLeibler).unwrap();
    assert!((values.double_value(&[0]) / 1e38 - 1.0).abs() < 1e-6, "{values}");
}

/// A result that does not fit is an error that names it, never NaN.
#[test]
fn gradients_beyond_the_range_are_errors_that_name_an_entry() {
    // Normalisation multiplies the gradient by 2^10, and 1/t by 1000.
    let batch = r#"{"loss": "simclr", "temperature": 0.001, "normalize": true, "data": {"layout": "batch",
        "views": [[[1, 0], [0, 0.0009765625]], [[0.0009765625, 0], [0, -1]]]}}"#;
    let tuples = r#"{"loss": "simclr", "temperature": 0.001, "normalize": true, "data": {"layout": "tuples",
        "anchor": [[1, 0]], "positives": [[[0, 0.0009765625]]], "negatives": [[[1, 0]]]}}"#;
    for (request, start) in [(batch, "gradient.views["), (tuples, "gradient.positives[0][0]")] {
        let request = read(request);
        for engine in ENGINES {
            match evaluate_by(&request, Device::Cpu, Kind::Half, Some(engine)) {
                Err(Error::Overflow { argument, value, kind: Kind::Half }) => {
                    assert!(argument.starts_with(start) && value.is_infinite(), "{argument} = {value}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let huge = read(
        r#"{"loss": "adversarial", "temperature": 0.01, "parameters": {"alpha": 3e38}, "data": {"layout": "batch",
            "views": [[[1, 0], [0, 1]], [[1, 0], [0, 1]]], "adversarial": [[0, 1], [1, 0]]}}"#,
    );
    for engine in ENGINES {
        match evaluate_by(&huge, Device::Cpu, Kind::Float, Some(engine)) {
            Err(Error::Overflow { value, .. }) => assert!(value.is_infinite(), "{value}"),
            other => panic!("{other:?}"),
        }
    }
}

/// The norms are a rounding of `f32` above 1, so that the antipode is below the floor and the gradient is 0. In `f32` that
/// is a tie, above which the gradient is out of range.
#[test]
fn a_tie_of_rounding_does_not_lose_a_gradient_that_fits() {
    for temperature in [0.0232, 0.024] {
        let rows = r#""anchor": [[0.6, 0.8]], "positives": [[[0.6, 0.8], [0.6, 0.8]]],
            "negatives": [[[0.6, 0.8], [-0.6, -0.8]]], "mixed": [[[0.6, 0.8]]]"#;
        let request = read(&format!(
            r#"{{"loss": "mix_nca", "temperature": {temperature},
                "parameters": {{"negatives": {{"estimator": "g1", "tau_plus": 0.5}}, "lambda": 0.0}},
                "data": {{"layout": "tuples", {rows}}}}}"#
        ));
        let Answer::Tuples(found) = evaluate(&request, Device::Cpu, Kind::Float).unwrap() else {
            unreachable!()
        };
        assert!(
            found.gradient.negatives[0].iter().all(|entry| *entry == 0.0),
            "{:?}",
            found.gradient.negatives
        );
    }
}

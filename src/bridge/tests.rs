//! Production against the reference, on data that all kinds can hold exactly.

use super::evaluate;
use crate::Error;
use crate::testing::*;
use intnacl_reference::{Answer, EvaluateRequest, Loss, Request};
use serde_json::Value;
use tch::{Device, Kind};

/// A few times the error of the scores: dot products near 1, divided by the temperature, are known to about
/// `epsilon/t`; differences of kernels in `g1` and `g2` make more of it.
fn budget(kind: Kind, temperature: f64) -> f64 {
    let epsilon = if kind == Kind::Double { f64::EPSILON } else { f64::from(f32::EPSILON) };
    32.0 * epsilon * temperature.recip().max(1.0)
}

fn assert_agrees(request: &Request, kind: Kind, budget: f64) {
    let found = evaluate(request, Device::Cpu, kind).unwrap();
    let underflow = if kind == Kind::Double { 1e-300 } else { 1e-36 };
    let (value, gradient) = errors(&found, &request.evaluate().unwrap(), underflow);
    assert!(value <= budget, "{kind:?} {request:?}: value off by {value:e}, budget {budget:e}");
    assert!(gradient <= budget, "{kind:?} {request:?}: gradient off by {gradient:e}, budget {budget:e}");
}

fn assert_all_agree(data: &Value) {
    for (i, loss) in losses().into_iter().enumerate() {
        let t = [0.02, 0.07, 0.5, 10.0][i % 4];
        for kind in [Kind::Double, Kind::Float] {
            assert_agrees(&request(loss, t, data), kind, budget(kind, t));
            assert_agrees(&request(loss, 0.5, data), kind, budget(kind, 0.5));
        }
    }
}

#[test]
fn tuples_agree_with_the_reference() {
    assert_all_agree(&tuples(1, 1.0));
    assert_all_agree(&plain_tuples(2, 0.0));
    // Positives so near that losses are tiny.
    assert_all_agree(&plain_tuples(3, 4.0));
}

#[test]
fn batches_agree_with_the_reference() {
    assert_all_agree(&batch(4, true));
    assert_all_agree(&batch(5, false));
}

#[test]
fn supervised_nca_agrees_with_the_reference() {
    for objective in ["kl", "total_variation"] {
        for size in [0.1, 1.0, 10.0, 100.0] {
            let request = supervised(objective, &labelled(7, size));
            for kind in [Kind::Double, Kind::Float] {
                // Squared distances play the part of scores.
                assert_agrees(&request, kind, budget(kind, size.recip()));
            }
        }
    }
}

#[test]
fn one_class_only_has_value_and_gradient_0() {
    let mut data = labelled(8, 1.0);
    data["labels"] = serde_json::json!([3, 3, 3, 3, 3, 3, 3, 3]);
    for objective in ["kl", "total_variation"] {
        let answer = evaluate(&supervised(objective, &data), Device::Cpu, Kind::Double).unwrap();
        let (values, gradient) = numbers(&answer);
        assert!(values.iter().chain(gradient.iter().flat_map(|(_, g)| g)).all(|x| *x == 0.0));
    }
}

#[test]
fn half_precision_costs_the_rounding_of_inputs_and_gradients() {
    // These rows are exact in both kinds, so that what is left is the rounding of the gradient.
    let data = serde_json::json!({
        "layout": "batch",
        "views": [[[1, 0], [0, 1], [0, -1]], [[0, 1], [1, 0], [-1, 0]]],
        "adversarial": [[0, 1], [0, 1], [1, 0]],
    });
    for (kind, spacing) in [(Kind::Half, 2_f64.powi(-10)), (Kind::BFloat16, 2_f64.powi(-7))] {
        for loss in losses().into_iter().filter(|loss| !loss.needs_mixed()) {
            assert_agrees(&request(loss, 0.5, &data), kind, spacing);
        }
    }
}

#[test]
fn a_second_evaluation_gives_the_same() {
    let request = request(losses()[18], 0.5, &batch(9, true));
    let answer = || evaluate(&request, Device::Cpu, Kind::Float).unwrap();
    assert_eq!(answer(), answer());
}

#[test]
fn adversarial_views_that_are_not_read_have_gradient_0() {
    let loss = Loss::Adversarial { alpha: 0.0 };
    let mut data = batch(10, true);
    let request_with = request(loss, 0.5, &data);
    let Answer::Batch(with) = evaluate(&request_with, Device::Cpu, Kind::Double).unwrap() else { panic!() };
    assert!(with.gradient.adversarial.unwrap().iter().all(|x| *x == 0.0));

    data.as_object_mut().unwrap().remove("adversarial");
    let without = request(loss, 0.5, &data);
    let Answer::Batch(without) = evaluate(&without, Device::Cpu, Kind::Double).unwrap() else { panic!() };
    assert!(without.gradient.adversarial.is_none());
    assert_eq!(without.value, with.value);
}

#[test]
fn refusals_are_those_of_the_reference() {
    let mut far = batch(11, true);
    far["views"][1][2] = serde_json::json!([2, 0, 0, 0, 0]);
    let missing = plain_tuples(12, 0.0);
    let mut missing = request(Loss::Adversarial { alpha: 1.0 }, 0.5, &missing);
    let Request::Tuples { data, .. } = &mut missing else { panic!() };
    data.adversarial = None;
    for request in [request(Loss::SimClr, 0.5, &far), missing, request(Loss::SimClr, -1.0, &batch(13, true))]
    {
        match evaluate(&request, Device::Cpu, Kind::Double) {
            Err(Error::Input(error)) => assert_eq!(error, request.evaluate().unwrap_err()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_a_kind_cannot_hold_is_refused() {
    let request = request(Loss::SimClr, 1e-39, &batch(14, true));
    assert!(matches!(evaluate(&request, Device::Cpu, Kind::Float), Err(Error::Unrepresentable { .. })));
    let supervised = supervised("kl", &labelled(15, 1e39));
    assert!(matches!(evaluate(&supervised, Device::Cpu, Kind::Float), Err(Error::Overflow { .. })));
    assert!(matches!(evaluate(&supervised, Device::Cpu, Kind::Int64), Err(Error::Kind { .. })));

    let mut ragged = self::request(Loss::SimClr, 0.5, &tuples(16, 0.0));
    let Request::Tuples { data, .. } = &mut ragged else { panic!() };
    let lists = data.mixed_negatives.as_mut().unwrap();
    lists[2] = lists[2].iter().map(|matrix| matrix.rows(0, 2).into_owned()).collect();
    let message = evaluate(&ragged, Device::Cpu, Kind::Double).unwrap_err().to_string();
    assert!(message.starts_with("mixed_negatives[2]"), "{message}");
    let message = evaluate(&supervised, Device::Cuda(99), Kind::Float).unwrap_err().to_string();
    assert!(message.starts_with("device = cuda:99: expected one of cpu"), "{message}");
}

//! Good requests: exit status 0, and an answer with every array of the data.

use std::fs;

use intnacl_reference::LossName;
use serde_json::{Value, json};

use crate::requests::{batch, int_nacl, request, simclr, supervised, tuples, units, with, without};
use crate::{intnacl, loss, production_is_built};

/// Two exact values, each within its budget, and the roundings of a sum.
pub const LAST_BITS: f64 = 4.0 * intnacl_judge::budget::EXACT_VALUE_ULP * f64::EPSILON;

/// Every loss of embeddings, with parameters in each of their forms.
pub fn losses() -> Vec<(&'static str, Value)> {
    let g0 = json!({"estimator": "g0"});
    let g1 = json!({"estimator": "g1", "tau_plus": 0.1});
    let g2 = json!({"estimator": "g2", "tau_plus": 0.1, "beta": 0.5});
    let robust = json!({"negatives": g2, "weight": "adversarial"});
    let int_nacl = |neighborhood: Value| {
        let mut parameters = json!({"negatives": g1, "alpha": 1, "robust": robust});
        let object = parameters.as_object_mut().expect("an object");
        object.extend(neighborhood.as_object().expect("an object").clone());
        parameters
    };
    let of = |name: LossName| match name {
        LossName::SimClr => vec![json!({})],
        LossName::Debiased => vec![json!({"tau_plus": 0.1})],
        LossName::HardNegative => vec![json!({"tau_plus": 0.1, "beta": 1})],
        LossName::Adversarial => vec![json!({"alpha": 0.5})],
        LossName::Nca => vec![json!({"negatives": g0}), json!({"negatives": g1}), json!({"negatives": g2})],
        LossName::MixNca => vec![json!({"negatives": g1, "lambda": 0.5})],
        LossName::Robust => vec![
            json!({"negatives": g2, "weight": "one"}),
            json!({"negatives": g2, "weight": "adversarial"}),
            json!({"negatives": g2, "weight": "adversarial_with_gradient", "weight_negatives": g0}),
        ],
        LossName::IntCl => vec![json!({"negatives": g1, "alpha": 1, "robust": robust})],
        LossName::IntNaCl => vec![
            int_nacl(json!({"neighborhood": "nca"})),
            int_nacl(json!({"neighborhood": "mix_nca", "lambda": 0.5})),
            int_nacl(json!({"neighborhood": "combined", "lambda": 0.5})),
            int_nacl(json!({"neighborhood": "combined", "lambda": 0.5, "joined": false})),
        ],
    };
    let all = LossName::ALL.iter();
    all.flat_map(|name| of(*name).into_iter().map(|parameters| (name.name(), parameters))).collect()
}

/// The lengths of nested arrays of finite numbers, from the outside in.
fn shape(array: &Value) -> Vec<usize> {
    match array {
        Value::Array(entries) => {
            let inner: Vec<_> = entries.iter().map(shape).collect();
            assert!(inner.windows(2).all(|pair| pair[0] == pair[1]), "ragged: {array}");
            [vec![entries.len()], inner.into_iter().next().unwrap_or_default()].concat()
        }
        Value::Number(number) if number.as_f64().is_some_and(f64::is_finite) => vec![],
        other => panic!("not a number: {other}"),
    }
}

/// The answer of the reference to a request, once it was seen to have the right form.
#[track_caller]
fn answer(request: &Value) -> Value {
    checked(request, &loss(request.to_string()).result())
}

/// The answer that was printed, once it was seen to have the right form.
#[track_caller]
fn checked(request: &Value, output: &str) -> Value {
    assert_eq!(output.lines().count(), 1, "not one line: {output}");
    let answer: Value = serde_json::from_str(output).expect("JSON");
    let keys: Vec<&String> = answer.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["gradient", "per_anchor", "value"]);
    assert!(shape(&answer["value"]).is_empty());

    let data = request["data"].as_object().expect("an object");
    let is_array = |name: &str| !["layout", "symmetric", "labels"].contains(&name);
    let arrays: Vec<(&String, Vec<usize>)> =
        data.iter().filter(|(name, _)| is_array(name)).map(|(name, array)| (name, shape(array))).collect();
    let gradient = answer["gradient"].as_object().expect("an object");
    let gradients: Vec<(&String, Vec<usize>)> =
        gradient.iter().map(|(name, array)| (name, shape(array))).collect();
    assert_eq!(gradients, arrays, "the gradient has every array of the data");

    let anchors = match data.get("layout").and_then(Value::as_str) {
        Some("tuples") => shape(&data["anchor"])[0],
        Some(_) => shape(&data["views"])[1],
        None => shape(&data["points"])[0],
    };
    assert_eq!(shape(&answer["per_anchor"]), [anchors]);
    answer
}

fn value(request: &Value) -> f64 {
    answer(request)["value"].as_f64().expect("a number")
}

/// The mean of `per_anchor` is the value, to the rounding of a sum.
fn assert_mean(answer: &Value) {
    let per_anchor: Vec<f64> =
        answer["per_anchor"].as_array().expect("an array").iter().filter_map(Value::as_f64).collect();
    let mean = per_anchor.iter().sum::<f64>() / per_anchor.len() as f64;
    approx::assert_relative_eq!(answer["value"].as_f64().expect("a number"), mean, max_relative = LAST_BITS);
}

#[test]
fn every_loss_of_tuples() {
    for (loss, parameters) in losses() {
        assert_mean(&answer(&request(loss, parameters, tuples())));
    }
}

#[test]
fn every_loss_of_a_batch() {
    for (loss, parameters) in losses() {
        assert_mean(&answer(&request(loss, parameters, batch())));
    }
}

#[test]
fn every_objective_of_supervised_nca() {
    answer(&supervised());
    answer(&with(supervised(), "/parameters/objective", json!("total_variation")));
}

#[test]
fn tuples_with_nothing_optional() {
    let data = json!({"layout": "tuples", "anchor": units(0, &[2]), "positives": units(3, &[2, 2]),
        "negatives": units(9, &[2, 1])});
    answer(&request("simclr", json!({}), data.clone()));
    answer(&request("nca", json!({"negatives": {"estimator": "g1", "tau_plus": 0.5}}), data.clone()));
    answer(&request("adversarial", json!({"alpha": 0}), data));
}

#[test]
fn one_positive_and_no_mixed_rows() {
    let parameters = json!({"negatives": {"estimator": "g0"}, "lambda": 0.5});
    let mut data = json!({"layout": "tuples", "anchor": units(0, &[2]), "positives": units(3, &[2, 1]),
        "negatives": units(9, &[2, 3])});
    let absent = value(&request("mix_nca", parameters.clone(), data.clone()));
    data["mixed"] = json!([[], []]);
    data["mixed_negatives"] = json!([[], []]);
    assert_eq!(value(&request("mix_nca", parameters, data)), absent);
}

#[test]
fn what_is_left_out_has_its_default() {
    let full = with(with(simclr(), "/normalize", json!(false)), "/norm_tolerance", json!(1e-6));
    assert_eq!(answer(&without(full.clone(), "/parameters")), answer(&full));
    let batch = request("simclr", json!({}), batch());
    assert_eq!(answer(&without(batch.clone(), "/data/symmetric")), answer(&batch));
    let combined = with(int_nacl(), "/parameters/neighborhood", json!("combined"));
    assert_eq!(answer(&combined), answer(&with(combined.clone(), "/parameters/joined", json!(true))));
}

#[test]
fn normalised_inside_if_asked() {
    let long = with(simclr(), "/data/anchor/0", json!([3, 0, 4]));
    let long = with(long, "/normalize", json!(true));
    let unit = with(simclr(), "/data/anchor/0", json!([0.6, 0, 0.8]));
    approx::assert_relative_eq!(value(&long), value(&unit), max_relative = LAST_BITS);
}

#[test]
fn whole_numbers_are_numbers() {
    let request = with(simclr(), "/temperature", json!(1));
    let request = with(request, "/data/anchor/0", json!([0, -1, 0]));
    let with_points = request.to_string().replace("[0,-1,0]", "[0.0,-1.0,-0.0]");
    assert_eq!(loss(request.to_string()).result(), loss(with_points).result());
}

#[test]
fn a_file_is_read_as_standard_input_is() {
    let file = format!("{}/request.json", env!("CARGO_TARGET_TMPDIR"));
    fs::write(&file, int_nacl().to_string()).expect("a file is written");
    let of_file = intnacl(&["loss", &file], b"").result();
    assert_eq!(of_file, loss(int_nacl().to_string()).result());
    // Over several lines, as people write it.
    fs::write(&file, format!("{:#}\n", int_nacl())).expect("a file is written");
    assert_eq!(intnacl(&["loss", &file], b"").result(), of_file);
}

#[test]
fn the_same_request_has_the_same_answer_to_the_byte() {
    let text = int_nacl().to_string();
    assert_eq!(loss(&text).result(), loss(&text).result());
}

/// That its numbers are right is for the laws to say; here it is asked as a shell asks.
#[test]
fn production_answers_in_the_same_form() {
    production_is_built();
    let mut requests = vec![supervised()];
    for (loss, parameters) in losses() {
        requests.push(request(loss, parameters.clone(), tuples()));
        requests.push(request(loss, parameters, batch()));
    }
    for request in requests {
        let arguments = ["loss", "--implementation", "production", "--device", "cpu", "--dtype", "f32", "-"];
        checked(&request, &intnacl(&arguments, request.to_string().as_bytes()).result());
    }
}

//! Bad requests: exit status 2, and one line that names the field, its value and what was expected.

use serde_json::{Value, json};

use crate::loss;
use crate::requests::{batch, int_nacl, request, simclr, supervised, tuples, units, with, without};

/// The refusal of a request says all of this.
#[track_caller]
fn refused(request: impl ToString, all_of: &[&str]) {
    let line = loss(request.to_string()).refusal();
    for part in all_of {
        assert!(line.contains(part), "{part:?} is not in: {line}");
    }
    assert!(line.contains("expected"), "what was expected is not in: {line}");
}

/// The request as text with a token in a place where JSON would not have it.
fn with_token(request: Value, pointer: &str, token: &str) -> String {
    with(request, pointer, json!("TOKEN")).to_string().replace("\"TOKEN\"", token)
}

#[test]
fn as_many_positives_as_anchors() {
    refused(with(simclr(), "/data/positives", units(0, &[3, 2])), &["data.positives", "[3]"]);
}

#[test]
fn as_many_adversarial_as_anchors() {
    refused(with(int_nacl(), "/data/adversarial", units(0, &[3])), &["data.adversarial", "[3][3]", "[2][3]"]);
}

#[test]
fn rows_of_one_dimension_everywhere() {
    let plane = json!([[[1, 0]], [[0, 1]]]);
    refused(with(simclr(), "/data/negatives", plane), &["data.negatives[0]", "[1][2]", "[1][3]"]);
}

#[test]
fn views_of_one_shape() {
    let request = with(request("simclr", json!({}), batch()), "/data/views/2", units(0, &[2]));
    refused(request, &["data.views[2]", "[2][3]", "[3][3]"]);
}

#[test]
fn as_many_labels_as_points() {
    refused(with(supervised(), "/data/labels", json!([3, 3, 3])), &["data.labels", "[3]", "[4]"]);
}

#[test]
fn no_ragged_matrix() {
    refused(with(simclr(), "/data/anchor/1", json!([1, 0])), &["data.anchor[1]", "ragged", "2 numbers"]);
    refused(with(simclr(), "/data/negatives/1/2", json!([1])), &["data.negatives[1][2]", "1 numbers"]);
}

#[test]
fn no_ragged_list() {
    refused(with(simclr(), "/data/positives/1", units(0, &[2])), &["data.positives[1]", "[2][3]", "[3][3]"]);
    let uneven = with(simclr(), "/data/mixed_negatives/1/1", units(0, &[3]));
    refused(uneven, &["data.mixed_negatives[1][1]", "[3][3]", "[4][3]"]);
}

#[test]
fn no_empty_anchors() {
    refused(with(simclr(), "/data/anchor", json!([])), &["data.anchor", "empty"]);
}

#[test]
fn at_least_one_positive() {
    refused(with(simclr(), "/data/positives", json!([[], []])), &["data.positives[0]", "empty"]);
    refused(with(simclr(), "/data/positives", json!([])), &["data.positives", "empty"]);
}

#[test]
fn at_least_one_negative() {
    refused(with(simclr(), "/data/negatives", json!([[], []])), &["data.negatives[0]", "empty"]);
}

#[test]
fn at_least_one_draw_of_positives() {
    let request = with(simclr(), "/data/debias_positives", json!([[], []]));
    refused(request, &["data.debias_positives[0]", "empty"]);
}

#[test]
fn at_least_two_images_in_a_batch() {
    let one = json!({"layout": "batch", "views": units(0, &[2, 1])});
    refused(request("simclr", json!({}), one), &["data.views[0]", "[1]", "at least 2"]);
}

#[test]
fn at_least_two_views_in_a_batch() {
    let one = json!({"layout": "batch", "views": units(0, &[1, 3])});
    refused(request("simclr", json!({}), one), &["data.views", "[1]", "at least 2"]);
}

#[test]
fn at_least_one_dimension() {
    refused(with(simclr(), "/data/anchor", json!([[], []])), &["data.anchor[0]", "empty"]);
    let flat = json!({"layout": "batch", "views": [[[], []], [[], []]]});
    refused(request("simclr", json!({}), flat), &["data.views[0][0]", "empty"]);
}

#[test]
fn no_nan() {
    refused(with_token(simclr(), "/data/anchor/1/2", "NaN"), &["data.anchor[1][2]", "NaN"]);
    refused(with_token(supervised(), "/data/points/3/1", "NaN"), &["data.points[3][1]", "NaN"]);
}

#[test]
fn no_infinity() {
    refused(with_token(simclr(), "/data/anchor/1/2", "1e999"), &["data.anchor[1][2]", "1e999"]);
    refused(with_token(simclr(), "/data/anchor/0/0", "-1e999"), &["data.anchor[0][0]", "-1e999"]);
    refused(with_token(simclr(), "/data/anchor/0/0", "Infinity"), &["data.anchor[0][0]", "Infinity"]);
}

#[test]
fn no_zero_vector_to_normalise() {
    let request = with(simclr(), "/normalize", json!(true));
    refused(with(request, "/data/negatives/1/3", json!([0, 0, 0])), &["data.negatives[1][3]", "norm 0"]);
}

#[test]
fn no_row_off_the_unit_sphere() {
    refused(with(simclr(), "/data/positives/1/0", json!([0, 0, 1.5])), &["data.positives[1][0]", "norm 1.5"]);
    let request = with(simclr(), "/norm_tolerance", json!(1e-9));
    refused(with(request, "/data/anchor/0", json!([0, 0, 1.0000001])), &["data.anchor[0]", "1.0000001"]);
}

#[test]
fn temperature_above_0() {
    refused(with(simclr(), "/temperature", json!(0)), &["temperature = 0"]);
    refused(with(simclr(), "/temperature", json!(-1)), &["temperature = -1"]);
    refused(with_token(simclr(), "/temperature", "NaN"), &["temperature", "NaN"]);
}

#[test]
fn tolerance_from_0() {
    refused(with(simclr(), "/norm_tolerance", json!(-1e-6)), &["norm_tolerance = -0.000001"]);
    refused(with_token(simclr(), "/norm_tolerance", "1e999"), &["norm_tolerance", "1e999"]);
}

#[test]
fn tau_from_0_to_1() {
    for tau in [1.0, -0.1] {
        let value = format!("tau_plus = {tau}");
        refused(request("debiased", json!({"tau_plus": tau}), tuples()), &["parameters.", &value]);
        let request = with(int_nacl(), "/parameters/robust/negatives/tau_plus", json!(tau));
        refused(request, &["parameters.robust.negatives.", &value]);
    }
}

#[test]
fn beta_from_0() {
    let request = |beta| request("hard_negative", json!({"tau_plus": 0.1, "beta": beta}), tuples());
    refused(request(json!(-0.5)), &["parameters.beta = -0.5"]);
    let infinite = request(json!("TOKEN")).to_string().replace("\"TOKEN\"", "1e999");
    refused(infinite, &["parameters.beta", "1e999"]);
}

#[test]
fn lambda_from_0_to_1() {
    for lambda in [1.5, -0.5] {
        let value = format!("parameters.lambda = {lambda}");
        let negatives = json!({"estimator": "g0"});
        refused(request("mix_nca", json!({"negatives": negatives, "lambda": lambda}), tuples()), &[&value]);
        refused(with(int_nacl(), "/parameters/lambda", json!(lambda)), &[&value]);
    }
}

#[test]
fn alpha_from_0() {
    refused(request("adversarial", json!({"alpha": -1}), tuples()), &["parameters.alpha = -1"]);
}

#[test]
fn no_class_of_one_point() {
    refused(with(supervised(), "/data/labels", json!([3, -3, 7, -3])), &["data.labels[0] = 3", "two points"]);
}

#[test]
fn no_unknown_field() {
    refused(with(simclr(), "/temperatur", json!(1)), &["temperatur:", "temperature"]);
    refused(with(simclr(), "/data/negative", json!([])), &["data.negative:", "negatives"]);
    refused(with(simclr(), "/parameters/tau", json!(1)), &["parameters.tau:", "tau_plus"]);
    let request = with(int_nacl(), "/parameters/robust/negatives/gamma", json!(1));
    refused(request, &["parameters.robust.negatives.gamma:", "beta"]);
}

#[test]
fn no_field_of_another_loss_or_layout() {
    refused(with(simclr(), "/parameters/beta", json!(1)), &["parameters.beta", "simclr", "no parameters"]);
    refused(with(simclr(), "/data/views", json!([[[1]]])), &["data.views", "tuples"]);
    let request = with(int_nacl(), "/parameters/neighborhood", json!("nca"));
    refused(request, &["parameters.lambda", "int_nacl"]);
}

#[test]
fn no_unknown_name() {
    refused(with(simclr(), "/loss", json!("SimCLR")), &["loss = \"SimCLR\"", "simclr", "supervised_nca"]);
    refused(with(simclr(), "/data/layout", json!("rows")), &["data.layout = \"rows\"", "tuples or batch"]);
    let request = with(int_nacl(), "/parameters/negatives/estimator", json!("g3"));
    refused(request, &["parameters.negatives.estimator = \"g3\"", "g0, g1 or g2"]);
    let request = with(int_nacl(), "/parameters/robust/weight", json!("two"));
    refused(request, &["parameters.robust.weight = \"two\"", "one, adversarial"]);
    let request = with(int_nacl(), "/parameters/neighborhood", json!("mix"));
    refused(request, &["parameters.neighborhood = \"mix\"", "nca, mix_nca or combined"]);
    let request = with(supervised(), "/parameters/objective", json!("tv"));
    refused(request, &["parameters.objective = \"tv\"", "kl or total_variation"]);
}

#[test]
fn no_missing_field() {
    for pointer in ["/loss", "/temperature", "/data", "/data/layout", "/data/anchor", "/data/negatives"] {
        let path = pointer[1..].replace('/', ".");
        refused(without(simclr(), pointer), &[&format!("{path} is missing")]);
    }
    for pointer in
        ["/parameters/alpha", "/parameters/lambda", "/parameters/robust/weight", "/data/adversarial"]
    {
        let path = pointer[1..].replace('/', ".");
        refused(without(int_nacl(), pointer), &[&format!("{path} is missing")]);
    }
    refused(without(int_nacl(), "/data/mixed"), &["data.mixed"]);
    refused(without(supervised(), "/data/labels"), &["data.labels is missing"]);
}

#[test]
fn no_number_in_quotes() {
    refused(with(simclr(), "/temperature", json!("0.5")), &["temperature", "\"0.5\"", "a number"]);
    refused(with(simclr(), "/data/anchor/1/0", json!("0.5")), &["data.anchor[1][0]", "\"0.5\"", "a number"]);
    refused(with(supervised(), "/data/labels/2", json!("3")), &["data.labels[2]", "\"3\"", "an integer"]);
}

#[test]
fn no_null_and_no_boolean_for_a_number() {
    refused(with(simclr(), "/temperature", json!(null)), &["temperature", "null", "a number"]);
    refused(with(simclr(), "/data/anchor/1/0", json!(true)), &["data.anchor[1][0]", "true", "a number"]);
    refused(with(simclr(), "/data/mixed", json!(null)), &["data.mixed", "null"]);
    refused(with(simclr(), "/normalize", json!(1)), &["normalize", "1", "a boolean"]);
}

#[test]
fn no_other_depth() {
    refused(with(simclr(), "/data/anchor/1", json!(1)), &["data.anchor[1]", "1", "an array of numbers"]);
    refused(with(simclr(), "/data/positives", units(0, &[2])), &["data.positives[0][0]"]);
    refused(with(simclr(), "/data/anchor", units(0, &[2, 2])), &["data.anchor[0][0]", "a number"]);
}

#[test]
fn no_truncated_text() {
    let text = simclr().to_string();
    for length in 1..text.len() {
        if length % 97 == 1 {
            refused(&text[..length], &["line 1 column"]);
        }
    }
}

#[test]
fn nothing_after_the_request() {
    refused(format!("{} {{}}", simclr()), &["trailing characters", "`{`"]);
}

#[test]
fn no_repeated_field() {
    let twice = |old: &str, new: &str| int_nacl().to_string().replacen(old, new, 1);
    refused(twice("{", "{\"temperature\": 0.5, "), &["temperature: given twice"]);
    refused(twice("\"lambda\"", "\"lambda\": 0.5, \"lambda\""), &["parameters.lambda: given twice"]);
    refused(twice("\"anchor\"", "\"anchor\": [[1]], \"anchor\""), &["data.anchor: given twice"]);
}

#[test]
fn no_array_for_an_object() {
    refused(json!(["simclr", 0.5, false, 1e-6, {}, tuples()]), &["the request", "sequence", "an object"]);
}

#[test]
fn no_nesting_10_000_deep() {
    let (open, close) = ("[".repeat(10_000), "]".repeat(10_000));
    refused(format!("{open}{close}"), &["the request", "an object"]);
    let deep = |pointer| with_token(simclr(), pointer, &format!("{open}1{close}"));
    refused(deep("/data/anchor"), &["data.anchor[0][0]", "a number"]);
    refused(deep("/loss"), &["loss", "a string"]);
    refused(deep("/data/else"), &["data.else", "unknown field"]);
    let objects = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    refused(with_token(simclr(), "/parameters", &objects), &["parameters.a", "unknown field"]);
}

#[test]
fn a_line_of_100_mb_with_a_fault_at_its_end() {
    let row = "[0.57735026918962576,0.57735026918962576,0.57735026918962576]";
    let rows = 100_000_000 / (row.len() + 1) + 1;
    let mut text = format!("[[{row}{}, [0, 0, 2]]]", format!(",{row}").repeat(rows - 1));
    assert!(text.len() > 100_000_000);
    let data = json!({"layout": "tuples", "anchor": units(0, &[1]), "positives": units(1, &[1, 1]), "negatives": []});
    text = with_token(request("simclr", json!({}), data), "/data/negatives", &text);
    refused(text, &[&format!("data.negatives[0][{rows}]"), "norm 2"]);
}

#[test]
fn a_name_of_100_mb() {
    let line = loss(with(simclr(), "/loss", json!("é".repeat(50_000_000))).to_string()).refusal();
    assert!(line.starts_with("loss = \"éé") && line.len() < 2_000, "{} bytes", line.len());
}

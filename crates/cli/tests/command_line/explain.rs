//! `intnacl explain`: its numbers add up to those of `intnacl loss`; its table and its refusals.

use serde_json::{Value, json};

use crate::answered::{LAST_BITS, losses};
use crate::requests::{batch, int_nacl, request, simclr, supervised, tuples, with};
use crate::{intnacl, loss};

fn explain(request: &Value, options: &[&str]) -> String {
    intnacl(&[&["explain", "-"], options].concat(), request.to_string().as_bytes()).result()
}

/// The explanation with every derivative.
fn explained(request: &Value) -> Value {
    serde_json::from_str(&explain(request, &["--json", "--largest", "1000"])).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value}"))
}

/// The JSON pointer of a row's name: `/anchor/0` of `anchor[0]`.
fn pointer(row: &str) -> String {
    format!("/{}", row.replace('[', "/").replace(']', ""))
}

/// The gradient by a row as the sum over the scores that it is in, `∂s(x,y)/∂x = y/t`, with the sum of the sizes.
fn gradient_by(row: &str, request: &Value, explanation: &Value) -> (Vec<f64>, f64) {
    let (data, t) = (&request["data"], number(&request["temperature"]));
    let anchors = list(&explanation["anchors"]);
    let (mut gradient, mut size) = (vec![0.0; 3], 0.0);
    for term in anchors.iter().flat_map(|anchor| list(&anchor["terms"])) {
        let factor = number(&term["gradient_coefficient"]) / anchors.len() as f64 / t;
        for entry in list(&term["score_gradient"]) {
            let (anchor, other) =
                (term["anchor"].as_str().expect("a name"), entry["row"].as_str().expect("a name"));
            let weight = factor * number(&entry["derivative"]);
            for partner in [(anchor, other), (other, anchor)].into_iter().filter(|pair| pair.0 == row) {
                let partner = list(data.pointer(&pointer(partner.1)).expect("a row"));
                for (into, x) in gradient.iter_mut().zip(partner) {
                    *into += weight * number(x);
                }
                size += weight.abs();
            }
        }
    }
    (gradient, size)
}

/// The names of all rows below a value of the data.
fn rows(name: &str, value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Array(entries) if entries.first().is_some_and(Value::is_number) => into.push(name.into()),
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                rows(&format!("{name}[{index}]"), entry, into);
            }
        }
        _ => {}
    }
}

#[test]
fn derivatives_by_scores_and_names_of_rows_give_the_gradient_of_every_loss() {
    for data in
        [tuples(), batch(), with(json!({"data": batch()}), "/data/symmetric", json!(false))["data"].clone()]
    {
        for (name, parameters) in losses() {
            let request = request(name, parameters, data.clone());
            let explanation = explained(&request);
            let answer: Value = serde_json::from_str(&loss(request.to_string()).result()).expect("JSON");
            let mut names = Vec::new();
            for (array, value) in data.as_object().expect("an object") {
                rows(array, value, &mut names);
            }
            assert!(names.len() > 12, "{names:?}");
            for row in &names {
                let (found, size) = gradient_by(row, &request, &explanation);
                let expected = list(answer["gradient"].pointer(&pointer(row)).expect("a row"));
                for (found, expected) in found.iter().zip(expected) {
                    let off = (found - number(expected)).abs();
                    assert!(
                        off <= LAST_BITS * size,
                        "{name}: {row} is {found}, not {expected}: {explanation}"
                    );
                }
            }
        }
    }
}

#[test]
fn values_are_those_of_the_loss_and_terms_add_up_to_them() {
    let mut requests =
        vec![supervised(), with(supervised(), "/parameters/objective", json!("total_variation"))];
    for (name, parameters) in losses() {
        requests.push(request(name, parameters.clone(), tuples()));
        requests.push(request(name, parameters, batch()));
    }
    for request in requests {
        let answer: Value = serde_json::from_str(&loss(request.to_string()).result()).expect("JSON");
        let explanation = explained(&request);
        assert_eq!(explanation["value"], answer["value"]);
        assert_eq!(explanation["loss"], request["loss"]);
        let anchors = list(&explanation["anchors"]);
        let values: Vec<&Value> = anchors.iter().map(|anchor| &anchor["value"]).collect();
        assert_eq!(values, list(&answer["per_anchor"]).iter().collect::<Vec<_>>());
        for anchor in anchors {
            let product = |term: &Value| number(&term["coefficient"]) * number(&term["value"]);
            let sum: f64 = list(&anchor["terms"]).iter().map(product).sum();
            approx::assert_relative_eq!(sum, number(&anchor["value"]), max_relative = LAST_BITS);
        }
    }
}

#[test]
fn a_term_says_what_it_is_made_of() {
    let explanation = explained(&int_nacl());
    let terms = list(&explanation["anchors"][1]["terms"]);
    let names: Vec<&str> = terms.iter().filter_map(|term| term["name"].as_str()).collect();
    assert_eq!(names, ["clean side 0", "mixed 0", "mixed 1", "robust side 0", "weight side 0"]);
    let mut keys: Vec<&String> = terms[0].as_object().expect("an object").keys().collect();
    keys.sort_unstable();
    let expected = [
        "anchor",
        "bits_lost",
        "coefficient",
        "counts",
        "effective_negatives",
        "floored",
        "gradient_coefficient",
        "log_estimate",
        "log_mean_draws",
        "log_mean_negatives",
        "log_positives",
        "name",
        "negatives",
        "omega",
        "score_gradient",
        "value",
    ];
    assert_eq!(keys, expected);
    assert_eq!(terms[0]["negatives"], json!({"estimator": "g1", "tau_plus": 0.1}));
    assert_eq!(terms[3]["negatives"], json!({"estimator": "g2", "tau_plus": 0.1, "beta": 1.0}));
    assert_eq!(terms[3]["counts"], json!({"positives": 1, "negatives": 5, "draws": 2}));
    assert_eq!(terms[3]["anchor"], "anchor[1]");
    assert_eq!(explanation["log_floor"], -2.0);
}

#[test]
fn the_table_has_a_line_a_term_and_the_largest_derivatives_first() {
    let table = explain(&int_nacl(), &["--anchor", "1", "--largest", "2"]);
    let starts = |start: &str| table.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!((starts("int_nacl = "), starts("anchor 0: "), starts("anchor 1: ")), (1, 0, 1), "{table}");
    for term in ["clean side 0", "mixed 0", "mixed 1", "robust side 0", "weight side 0"] {
        assert_eq!((starts(&format!("  {term}  ")) + starts(&format!("  {term} by"))), 2, "{term}: {table}");
    }
    let derivatives: Vec<&str> = table.lines().filter(|line| line.contains("  by ")).collect();
    assert_eq!(derivatives.len(), 10, "{table}");
    let terms = explained(&int_nacl());
    let first = &terms["anchors"][1]["terms"][0]["score_gradient"][0];
    assert!(derivatives[0].contains(first["row"].as_str().expect("a name")), "{table}");
    let head = table.lines().find(|line| line.trim_start().starts_with("term ")).expect("a head");
    for column in
        ["log P", "log A", "log B", "log G", "floor", "omega", "hard", "soft", "A-tB", "logs", "slope"]
    {
        assert!(head.contains(column), "{column} is not in {head}");
    }
    assert!(explain(&request("simclr", json!({}), batch()), &[]).contains("image 2: "));
    assert!(explain(&supervised(), &[]).contains("point 3: "));
}

#[test]
fn the_example_of_help_runs() {
    let help = intnacl(&["explain", "--help"], b"").result();
    let (_, example) = help.split_once("echo '").expect("an example");
    let (request, _) = example.split_once("' | intnacl explain -").expect("a pipe");
    let table = intnacl(&["explain", "-"], request.as_bytes()).result();
    assert!(table.starts_with("debiased = "), "{table}");
}

#[test]
fn a_request_is_refused_as_by_loss_and_an_anchor_that_is_not_there_by_its_index() {
    let refused = |request: &Value, options: &[&str]| {
        intnacl(&[&["explain", "-"], options].concat(), request.to_string().as_bytes()).refusal()
    };
    let bad = with(simclr(), "/data/negatives/1/0/2", json!(7));
    assert_eq!(refused(&bad, &[]), loss(bad.to_string()).refusal());
    let bad = with(simclr(), "/temperature", json!(0));
    assert_eq!(refused(&bad, &["--json"]), loss(bad.to_string()).refusal());
    let line = refused(&simclr(), &["--anchor", "2"]);
    assert_eq!(line, "--anchor 2: expected an index below 2, the number of anchors");
    assert!(refused(&simclr(), &["--largest=-1"]).contains("--largest"));
}

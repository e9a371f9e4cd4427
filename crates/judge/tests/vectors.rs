//! The published vectors are what they say they are.

use intnacl_judge::vectors::{FILES, SCHEMA, generate, judge, published};
use intnacl_judge::zoo::{Bug, Program, Style};
use intnacl_judge::{Float, Implementation, Standard};
use intnacl_reference::{EvaluateRequest, Reply, Request};
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn every_file_follows_the_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for (name, text) in FILES.iter().filter(|(name, _)| *name != "schema.json") {
        let file: Value = serde_json::from_str(text).expect("JSON");
        if let Err(error) = validator.validate(&file) {
            panic!("{name}: {error} at {}", error.instance_path());
        }
    }
}

#[test]
fn the_files_are_made_anew_to_the_byte() {
    let made = generate(2);
    assert_eq!(made.len(), FILES.len());
    for ((name, text), (known, published)) in made.iter().zip(FILES) {
        assert_eq!(name, known);
        assert!(text == published, "{name} differs: `intnacl vectors generate --out crates/judge/vectors`");
    }
    let bytes: usize = FILES.iter().map(|(_, text)| text.len()).sum();
    assert!(bytes <= 2_000_000, "{bytes} bytes");
}

#[test]
fn every_slip_that_one_answer_can_show_fails_a_vector() {
    let flags: BTreeSet<&str> =
        published().iter().flat_map(|vector| vector.flags.clone()).map(Bug::name).collect();
    let missing: Vec<&str> =
        Bug::ALL.iter().map(|bug| bug.name()).filter(|name| !flags.contains(name)).collect();
    assert_eq!(missing, ["gradient-accumulates"], "which only a second request shows");
}

#[test]
fn right_programs_pass_and_flagged_slips_fail() {
    for vector in published() {
        let exact = vector.request.evaluate().map(Reply::from).map_err(|error| error.to_string());
        for float in [Float::F64, Float::F32] {
            let right = Program::new(Style::LogDomain, float).evaluate(&vector.request).map(Reply::from);
            let outcome = judge(&vector, right, float);
            assert!(outcome.broken(Standard::Right).is_none(), "{}: {outcome:?}", vector.id);
            assert!(outcome.comparisons > 0, "{}", vector.id);
        }
        assert!(judge(&vector, exact, Float::F64).broken(Standard::Exact).is_none(), "{}", vector.id);
        for bug in &vector.flags {
            let wrong =
                Program::new(bug.style(), Float::F64).with(*bug).evaluate(&vector.request).map(Reply::from);
            let outcome = judge(&vector, wrong, Float::F64);
            assert!(outcome.broken(Standard::Right).is_some(), "{} does not show {}", vector.id, bug.name());
        }
    }
}

/// All numbers below a value, in order.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap_or(f64::NAN)],
    }
}

/// How the ids of a file begin.
fn prefix(name: &str) -> String {
    format!("{}-", name.trim_end_matches(".json"))
}

/// As a reader of the files alone would judge.
#[test]
fn right_programs_stay_within_the_tolerances_that_are_written() {
    for (name, text) in
        FILES.iter().filter(|(name, _)| *name != "schema.json" && *name != "supervised_nca.json")
    {
        let file: Value = serde_json::from_str(text).expect("JSON");
        let cases = file["groups"]
            .as_array()
            .expect("groups")
            .iter()
            .flat_map(|group| group["cases"].as_array().expect("cases"));
        for (vector, case) in
            published().iter().filter(|vector| vector.id.starts_with(&prefix(name))).zip(cases)
        {
            assert_eq!(case["id"], vector.id.as_str());
            for (style, standard) in [(Style::CrossEntropy, "right"), (Style::LogDomain, "careful")] {
                let answer = Program::new(style, Float::F32).evaluate(&vector.request).expect("an answer");
                let found: Value =
                    serde_json::from_str(&intnacl_vocabulary::json::write_answer(&answer)).expect("JSON");
                let bounds = &case["tolerance"]["f32"][standard];
                let values = ["value", "per_anchor"].into_iter().flat_map(|part| {
                    let of = |value: &Value| numbers(&value[part]);
                    of(&found).into_iter().zip(of(&case["answer"])).zip(of(bounds)).collect::<Vec<_>>()
                });
                for ((found, exact), bound) in values {
                    assert!((found - exact).abs() <= bound, "{}, {standard}: {found} for {exact}", vector.id);
                }
                for (array, exact) in case["answer"]["gradient"].as_object().expect("arrays") {
                    let d = match &vector.request {
                        Request::Tuples { data, .. } => data.anchor.ncols(),
                        Request::Batch { data, .. } => data.views[0].ncols(),
                        Request::Supervised { .. } => unreachable!("left out above"),
                    };
                    let (found, exact) = (numbers(&found["gradient"][array]), numbers(exact));
                    let bounds = numbers(&bounds["gradient"][array]);
                    assert_eq!(bounds.len() * d, exact.len(), "{} {array}", vector.id);
                    for ((found, exact), bound) in found.chunks(d).zip(exact.chunks(d)).zip(bounds) {
                        let error = found.iter().zip(exact).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                        assert!(error <= bound, "{}, {standard}, {array}: {error} beyond {bound}", vector.id);
                    }
                }
            }
        }
    }
}

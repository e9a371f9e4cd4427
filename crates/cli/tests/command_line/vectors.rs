//! `intnacl vectors check`: right answers pass, slips are named, and what is no answer is refused.

use intnacl_judge::vectors::published;
use intnacl_judge::zoo::{Bug, Program, Style};
use intnacl_judge::{Float, Implementation};
use intnacl_reference::json;

use crate::{Outcome, intnacl};

/// A line a vector: the answers of a program.
fn answers(program: &Program, loss: &str) -> String {
    let vectors = published().into_iter().filter(|vector| vector.id.starts_with(&format!("{loss}-")));
    let line = |vector: intnacl_judge::vectors::Vector| {
        let answer = json::write_answer(&program.evaluate(&vector.request).expect("an answer"));
        format!("{{\"id\":\"{}\",{}\n", vector.id, &answer[1..])
    };
    vectors.map(line).collect()
}

fn check(options: &[&str], lines: &str) -> Outcome {
    intnacl(&[&["vectors", "check", "-"], options].concat(), lines.as_bytes())
}

#[test]
fn answers_of_right_programs_pass() {
    for (style, float, options) in [
        (Style::CrossEntropy, Float::F32, &["--dtype", "f32"][..]),
        (Style::LogDomain, Float::F64, &["--standard", "careful"]),
    ] {
        let lines = answers(&Program::new(style, float), "hard_negative");
        let output = check(options, &lines).result();
        let count = lines.lines().count();
        assert!(output.starts_with(&format!("{count} of {count} answers are ")), "{output}");
        assert!(output.contains("have no answer"), "{output}");
    }
}

#[test]
fn a_slip_fails_and_is_named() {
    let program = Program::new(Style::CrossEntropy, Float::F64).with(Bug::SelfPairKept);
    let outcome = check(&[], &answers(&program, "simclr"));
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.output.contains("simclr-batch-1 fails: "), "{}", outcome.output);
    assert!(outcome.output.contains("self-pair-kept"), "{}", outcome.output);
}

#[test]
fn numbers_that_are_not_finite_fail_at_their_place() {
    let outcome =
        check(&[], r#"{"value": 1, "per_anchor": [0, NaN, 1], "gradient": {}, "id": "simclr-batch-1"}"#);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.output.contains("per_anchor[1] is NaN"), "{}", outcome.output);
}

#[test]
fn lines_that_are_no_answers_to_vectors_are_refused() {
    let refusal = |lines: &str| check(&[], lines).refusal();
    assert_eq!(
        refusal(r#"{"id": "simclr-batch-0", "value": 1}"#),
        "-, line 1: id = \"simclr-batch-0\": expected that of a vector, such as simclr-batch-1"
    );
    assert_eq!(refusal(r#"{"value": 1}"#), "-, line 1: id is missing: expected a string");
    let line = r#"{"id": "simclr-batch-1", "value": 1}"#;
    let twice = format!("{line}\n\n{line}");
    assert_eq!(
        refusal(&twice),
        "-, line 3: id = \"simclr-batch-1\" is given twice: expected one answer a vector"
    );
    assert!(intnacl(&["vectors", "check", "absent.jsonl"], b"").refusal().starts_with("absent.jsonl"));
}

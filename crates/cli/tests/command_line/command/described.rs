//! What a program says of itself, what is expected of it, and how the results are written.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{AGREES, Scratch, python_is_here};
use crate::run;

#[test]
fn a_command_that_is_no_program_is_refused() {
    let scratch = Scratch::new();
    let refused = |command: &str, options: &[&str], part: &str| {
        let line = scratch.verify(command, options).refusal();
        assert!(line.contains(part) && line.contains("expected"), "{part:?} is not in: {line}");
    };
    refused("no-such-program --fast", &[], "no-such-program --fast does not start: No such file");
    refused("/", &[], "/ does not start: ");
    refused("  ", &[], "it is empty");
    refused("python3 'loss.py", &[], "missing closing quote");
    refused("true", &["--timeout", "0"], "--timeout");
    refused("true", &["--timeout", "inf"], "--timeout");
    refused("true", &["--threads", "0"], "--threads");
    refused("true", &["--device", "cpu"], "--device cpu");
    refused("true", &["--implementation", "reference"], "cannot be used with");
    refused("true", &["--law", "a law"], "--law a law");
}

#[test]
fn a_command_is_split_as_a_shell_does_and_no_shell_expands_it() {
    let scratch = Scratch::new();
    scratch.write("with space.sh", "printf '%s|' \"$@\" >&2; exit 1\n");
    let outcome = scratch.verify("sh 'with space.sh' 'a b' $HOME \"it's\" c\\ d", AGREES);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.output.contains("before it answered: a b|$HOME|it's|c d|"), "{}", outcome.output);
}

/// A program that answers every line with the same one.
fn always(answer: &str) -> String {
    format!("sh -c 'while read -r line; do echo \"$0\"; done' '{answer}'")
}

#[test]
fn a_description_by_what_is_not_known_is_refused_by_name() {
    let scratch = Scratch::new();
    for (description, part) in [
        (r#"{"dtype": "f8"}"#, "dtype = \"f8\": expected f64"),
        (r#"{"losses": ["simclr", "triplet"]}"#, "losses[1] = \"triplet\": expected one of"),
        (r#"{"layouts": ["pairs"]}"#, "layouts[0] = \"pairs\": expected one of tuples, batch"),
        (r#"{"temperatures": [2, 1]}"#, "temperatures = [2.0, 1.0]: expected [low, high]"),
        (r#"{"dtype": 64}"#, "dtype: invalid type: integer `64`"),
    ] {
        let line = scratch.verify(&always(description), AGREES).refusal();
        assert!(line.starts_with("the description of sh ") && line.contains(part), "{line}");
    }
    let line = scratch.verify(
        &always(r#"{"temperatures": [0.5, 1]}"#),
        &[AGREES, &["--temperatures", "0.1..0.2"]].concat(),
    );
    let line = line.refusal();
    assert!(line.contains("--temperatures 0.1..0.2") && line.contains("claims 0.5..1"), "{line}");
}

#[test]
fn a_description_is_honoured() {
    let scratch = Scratch::new();
    let options = [AGREES, &["--json", "results.json", "--loss", "nca"]].concat();
    let description = r#"{"name": "refuses", "losses": ["nca"], "layouts": ["tuples"], "dtype": "half",
        "device": "abacus", "temperatures": [0.5, 1]}"#;
    let outcome = scratch.verify(&always(&description.replace('\n', " ")), &options);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    for part in ["refuses on abacus in f16", "not judged, by any law: simclr", "temperatures 0.5..1"] {
        assert!(outcome.output.contains(part), "{part:?} is not in: {}", outcome.output);
    }
    let results: Value = serde_json::from_str(&scratch.read("results.json")).expect("JSON");
    let simclr = &results["reports"][0];
    assert_eq!((&simclr["loss"], &simclr["judged"]), (&"simclr".into(), &false.into()));
    assert_eq!(simclr["not_supported"], simclr["cases"]);
    // The option says more than the description.
    for (option, name) in
        [("tf32", "f32 with TF32 scores"), ("bf16-scores", "f32 with bf16 scores"), ("f64", "f64")]
    {
        let outcome = scratch
            .verify(&always(&description.replace('\n', " ")), &[AGREES, &["--dtype", option]].concat());
        assert!(outcome.output.contains(&format!("on abacus in {name} to")), "{}", outcome.output);
    }
}

#[test]
fn a_run_that_judges_nothing_does_not_hold() {
    let scratch = Scratch::new();
    let outcome = scratch.verify(&always(r#"{"losses": []}"#), AGREES);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.output.contains("not judged: no comparison was made"), "{}", outcome.output);
}

#[test]
fn types_that_only_programs_have_are_refused_for_production() {
    for command in ["verify", "soak"] {
        for dtype in ["tf32", "bf16-scores"] {
            let mut intnacl = Command::new(env!("CARGO_BIN_EXE_intnacl"));
            let line = run(intnacl.args([command, "--dtype", dtype]), b"").refusal();
            assert_eq!(line, format!("--dtype {dtype}: expected only with verify --command"));
        }
    }
}

#[test]
fn parts_that_are_absent_are_reported_as_not_claimed() {
    if !python_is_here() {
        return;
    }
    let scratch = Scratch::new();
    let outcome = scratch.simclr("--value-only", &["--loss", "simclr", "--json", "results.json"]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    for part in ["not claimed, being absent: ", "per_anchor in ", "the gradient by views in "] {
        assert!(outcome.output.contains(part), "{part:?} is not in: {}", outcome.output);
    }
    let results: Value = serde_json::from_str(&scratch.read("results.json")).expect("JSON");
    assert_eq!(results["not_claimed"]["views"], results["answers"]);
    let outcome = scratch.simclr("--value-only --self-pair", &["--loss", "simclr"]);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
}

const KNOWN: &str = r#"
[[known]]
law = "agrees_with_the_reference"
loss = "simclr"
reason = "the diagonal <is> 0, issue 7"

[[known]]
law = "identical_embeddings_have_a_known_loss"
reason = "for the same reason"

[[known]]
law = "rotation_of_all_embeddings"
loss = "simclr"
reason = "was wrong once"

[[known]]
law = "batch_equals_tuples"
reason = "nobody looks at this"

[[known]]
law = "values_lie_in_their_range"
reason = "its losses leave the range"
"#;

#[test]
fn known_failures_do_not_count_and_those_that_hold_are_reported() {
    if !python_is_here() {
        return;
    }
    let scratch = Scratch::new();
    let known = scratch.write("known.toml", KNOWN);
    let options = ["--loss", "simclr", "--known", &known, "--json", "results.json", "--junit", "results.xml"];
    let outcome = scratch.simclr("--self-pair", &options);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    for part in [
        "known: agrees_with_the_reference on simclr fails: the diagonal <is> 0, issue 7",
        "known: identical_embeddings_have_a_known_loss on simclr fails: for the same reason",
        "known, but no longer fails: rotation_of_all_embeddings on simclr, listed as: was wrong once",
        "3 known failures, all others hold",
    ] {
        assert!(outcome.output.contains(part), "{part:?} is not in: {}", outcome.output);
    }
    assert!(!outcome.output.contains("nobody looks"), "nothing was judged of it: {}", outcome.output);
    let results: Value = serde_json::from_str(&scratch.read("results.json")).expect("JSON");
    assert_eq!(results["reports"][0]["known"], "the diagonal <is> 0, issue 7");
    assert_eq!(results["known_no_longer_fail"][0]["law"], "rotation_of_all_embeddings");
    // One entry less, and the run fails.
    let known = scratch
        .write("known.toml", &KNOWN.replace("identical_embeddings_have_a_known_loss", "g2_at_least_g1"));
    let outcome = scratch.simclr("--self-pair", &["--loss", "simclr", "--known", &known]);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.output.contains("2 known failures, 1 of 12 checks FAIL"), "{}", outcome.output);
}

#[test]
fn a_list_of_known_failures_with_a_mistake_is_refused() {
    let scratch = Scratch::new();
    let known = scratch.write("known.toml", &KNOWN.replace("rotation_of_all_embeddings", "rotation"));
    let line = scratch.verify("true", &["--known", &known]).refusal();
    assert!(line.starts_with("known.toml: known[2].law = \"rotation\": expected one of"), "{line}");
    let line = scratch.verify("true", &["--known", "none.toml"]).refusal();
    assert!(line.contains("none.toml") && line.contains("expected a readable file"), "{line}");
}

/// Reads the XML with another reader than this project's: the tags and attributes of every element.
fn elements(xml: &Path) -> Vec<Value> {
    let script = "import json, sys, xml.etree.ElementTree as tree\n\
        print(json.dumps([[e.tag, e.attrib, e.text] for e in tree.parse(sys.argv[1]).iter()]))";
    let read = Command::new("python3").args(["-c", script]).arg(xml).output().expect("python3 runs");
    assert!(read.status.success(), "{read:?}");
    serde_json::from_slice(&read.stdout).expect("JSON")
}

#[test]
fn the_results_are_junit_xml() {
    if !python_is_here() {
        return;
    }
    let scratch = Scratch::new();
    let known = scratch
        .write("known.toml", &KNOWN.replace("identical_embeddings_have_a_known_loss", "g2_at_least_g1"));
    let options = ["--loss", "simclr", "--known", &known, "--junit", "results.xml"];
    assert_eq!(scratch.simclr("--self-pair", &options).status, Some(1));
    let elements = elements(&scratch.path("results.xml"));
    let all = |tag: &str| elements.iter().filter(|element| element[0] == tag).collect::<Vec<_>>();
    let root = &all("testsuites")[0][1];
    assert_eq!(
        (&root["tests"], &root["failures"], &root["errors"]),
        (&"15".into(), &"1".into(), &"0".into())
    );
    assert_eq!((all("testsuite").len(), all("testcase").len()), (15, 15));
    let failures = all("failure");
    assert_eq!(failures.len(), 1);
    assert!(
        failures[0][1]["message"].as_str().is_some_and(|message| message.starts_with("per_anchor[0]: error"))
    );
    let skipped = all("skipped");
    assert_eq!(skipped[0][1]["message"], "the diagonal <is> 0, issue 7");
    assert_eq!(skipped[0][1]["type"], "known");
    assert_eq!(skipped[1][1]["message"], "its losses leave the range");
    let is_known = |element: &&&Value| element[1]["type"] == "known";
    assert_eq!(skipped.iter().filter(is_known).count(), 2);
    for element in skipped.iter().filter(|element| !is_known(element)) {
        assert!(element[1]["message"].as_str().is_some_and(|m| m.starts_with("not judged")), "{element}");
    }
    // What a program says may hold what XML does not.
    let script = scratch.write("loud.sh", "printf '\\033[31m<red> & ]]> \\001\\377\\n' >&2; exit 1\n");
    let outcome = scratch.verify(&format!("sh {script}"), &[AGREES, &["--junit", "loud.xml"]].concat());
    assert_eq!(outcome.status, Some(1));
    let elements = self::elements(&scratch.path("loud.xml"));
    let failure = elements.iter().find(|element| element[0] == "failure").expect("a failure");
    assert!(
        failure[1]["message"].as_str().is_some_and(|message| message.contains("<red> & ]]>")),
        "{failure}"
    );
}

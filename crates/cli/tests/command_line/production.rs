//! `--implementation production`: the program beside this one, or another in its place.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::installed::installed;
use crate::requests::{simclr, with};
use crate::{Outcome, run};

fn ask(program: &Path, request: &str) -> Outcome {
    let mut command = Command::new(program);
    // A program of that name may be installed on this machine.
    command.env_remove("PATH").args(["loss", "--implementation", "production", "-"]);
    run(&mut command, request.as_bytes())
}

#[test]
fn a_missing_program_names_the_command_that_builds_it() {
    let line = ask(&installed("missing", &[]), &simclr().to_string()).refusal();
    assert!(line.contains("intnacl-production is missing"), "{line}");
    assert!(line.contains("cargo build --package intnacl --bins"), "{line}");
}

#[test]
fn what_the_reference_refuses_is_not_even_sent() {
    let program = installed("not-sent", &[]);
    let request = with(simclr(), "/temperature", (-1).into()).to_string();
    assert_eq!(ask(&program, &request).refusal(), "temperature = -1: expected a finite number above 0");
}

#[test]
fn a_program_that_ends_is_reported_with_its_last_words() {
    let line =
        ask(&installed("ends", &[("intnacl-production", "/bin/false")]), &simclr().to_string()).refusal();
    assert!(line.contains("intnacl-production stopped (exit status: 1)"), "{line}");
    // It takes no such options, and says so.
    let line =
        ask(&installed("words", &[("intnacl-production", "/bin/cat")]), &simclr().to_string()).refusal();
    assert!(line.contains("stopped (exit status: 1)") && line.contains("device"), "{line}");
}

#[test]
fn an_answer_that_is_none_is_refused() {
    let line =
        ask(&installed("echo", &[("intnacl-production", "/bin/echo")]), &simclr().to_string()).refusal();
    assert!(line.starts_with("the answer: ") && line.contains("--device"), "{line}");
}

#[test]
fn a_program_in_the_path_is_found_too() {
    let program = installed("not-beside", &[]);
    let elsewhere = installed("elsewhere", &[("intnacl-production", "/bin/false")]);
    let mut command = Command::new(program);
    command.env("PATH", elsewhere.parent().expect("a folder"));
    command.args(["loss", "--implementation", "production", "-"]);
    let line = run(&mut command, simclr().to_string().as_bytes()).refusal();
    assert!(line.contains("intnacl-production stopped (exit status: 1)"), "{line}");
}

#[test]
fn verified_production_that_ends_is_judged_and_started_again() {
    const SCRIPT: &str = r#"#!/bin/sh
echo start >> starts
read -r line && echo '{"device": "the script", "dtype": "f64", "libtorch": null}'
read -r line
echo "out of order" >&2
exit 9
"#;
    let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let script = folder.path().join("script");
    fs::write(&script, SCRIPT).expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("made a program");
    let program = installed("judged", &[("intnacl-production", script.to_str().expect("UTF-8"))]);
    let mut command = Command::new(program);
    command.current_dir(folder.path()).args([
        "verify",
        "--loss",
        "simclr",
        "--law",
        "agrees_with_the_reference",
    ]);
    let outcome = run(command.args(["--threads", "1"]), b"");
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    // It answers a request by its description first, which is no answer; then it ends.
    for part in ["device: unknown field", "intnacl-production stopped (exit status: 9)", "out of order"] {
        assert!(outcome.output.contains(part), "{part:?} is not in: {}", outcome.output);
    }
    let starts = fs::read_to_string(folder.path().join("starts")).expect("it was started");
    assert!(starts.lines().count() > 2, "{starts}");
}

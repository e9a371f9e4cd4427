//! `--implementation production`: the program beside this one, or another in its place.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::requests::{simclr, with};
use crate::{Outcome, run};

/// A second name of `intnacl` in a folder of its own, where `production` (if any) stands for production.
fn installed(folder: &str, production: Option<&str>) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
        _ => fs::create_dir(&folder).expect("a folder"),
    }
    let program = folder.join("intnacl");
    // A copy could still be open for writing, in another test's child, when it is started.
    fs::hard_link(env!("CARGO_BIN_EXE_intnacl"), &program).expect("a link");
    if let Some(production) = production {
        symlink(production, folder.join("intnacl-production")).expect("a link");
    }
    program
}

fn ask(program: &Path, request: &str) -> Outcome {
    run(Command::new(program).args(["loss", "--implementation", "production", "-"]), request.as_bytes())
}

#[test]
fn a_missing_program_names_the_command_that_builds_it() {
    let line = ask(&installed("missing", None), &simclr().to_string()).refusal();
    assert!(line.contains("intnacl-production is missing"), "{line}");
    assert!(line.contains("cargo build --package intnacl --bins"), "{line}");
}

#[test]
fn what_the_reference_refuses_is_not_even_sent() {
    let program = installed("not-sent", None);
    let request = with(simclr(), "/temperature", (-1).into()).to_string();
    assert_eq!(ask(&program, &request).refusal(), "temperature = -1: expected a finite number above 0");
}

#[test]
fn a_program_that_ends_is_reported_with_its_last_words() {
    let line = ask(&installed("ends", Some("/bin/false")), &simclr().to_string()).refusal();
    assert!(line.contains("intnacl-production stopped (exit status: 1)"), "{line}");
    // It takes no such options, and says so.
    let line = ask(&installed("words", Some("/bin/cat")), &simclr().to_string()).refusal();
    assert!(line.contains("stopped (exit status: 1)") && line.contains("device"), "{line}");
}

#[test]
fn an_answer_that_is_none_is_refused() {
    let line = ask(&installed("echo", Some("/bin/echo")), &simclr().to_string()).refusal();
    assert!(line.starts_with("the answer: ") && line.contains("--device"), "{line}");
}

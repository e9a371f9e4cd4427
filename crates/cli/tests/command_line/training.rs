//! `intnacl train`, `evaluate` and `reproduce`: the program beside this one, with the same words.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

use crate::installed::installed;
use crate::{Outcome, intnacl, run};

fn ask(program: &Path, words: &[&str]) -> Outcome {
    run(Command::new(program).env_remove("PATH").args(words), b"")
}

#[test]
fn the_words_are_handed_on_as_they_are() {
    let program = installed("training", &[("intnacl-training", "/bin/echo")]);
    for words in [
        &["train"][..],
        &["train", "--data", "cifar10:my folder", "--epochs=3"],
        &["evaluate", "--help"],
        &["reproduce", "loss", "-", "--dtype", "-V"],
    ] {
        assert_eq!(ask(&program, words).result(), format!("{}\n", words.join(" ")));
    }
}

#[test]
fn its_exit_status_is_the_commands() {
    let program = installed("training-fails", &[("intnacl-training", "/bin/false")]);
    assert_eq!(ask(&program, &["train"]).status, Some(1));
}

#[test]
fn a_missing_program_names_the_command_that_builds_it() {
    let program = installed("no-training", &[]);
    for command in ["train", "evaluate", "reproduce"] {
        let line = ask(&program, &[command, "--epochs", "3"]).refusal();
        assert!(line.contains("intnacl-training is missing"), "{line}");
        assert!(line.contains("cargo build --package intnacl-training --bins"), "{line}");
    }
}

#[test]
fn a_program_that_is_none_is_refused() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let line = ask(&installed("no-program", &[("intnacl-training", file)]), &["train"]).refusal();
    assert!(line.contains("intnacl-training") && line.contains("expected a program that starts"), "{line}");
}

#[test]
fn help_of_this_program_says_where_the_words_go() {
    let help = intnacl(&["help", "train"], b"").result();
    assert!(help.contains("intnacl-training") && help.contains("Example"), "{help}");
}

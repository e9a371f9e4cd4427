//! Arguments, files and pipes.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::requests::simclr;
use crate::{intnacl, run};

#[track_caller]
fn refused(arguments: &[&str], input: &[u8], all_of: &[&str]) {
    let line = intnacl(arguments, input).refusal();
    for part in all_of.iter().chain(&["expected"]) {
        assert!(line.contains(part), "{part:?} is not in: {line}");
    }
}

#[test]
fn help_has_an_example_and_status_0() {
    for arguments in [
        &["--help"][..],
        &["loss", "--help"],
        &["explain", "--help"],
        &["verify", "--help"],
        &["bound", "--help"],
    ] {
        let help = intnacl(arguments, b"").result();
        assert!(help.contains("Example"), "{help}");
        assert!(help.contains("Usage: intnacl"), "{help}");
    }
    assert!(intnacl(&["--version"], b"").result().starts_with("intnacl "));
}

/// The example of `intnacl loss --help`, as a shell would run it.
#[test]
fn the_example_runs() {
    let help = intnacl(&["loss", "--help"], b"").result();
    let (_, example) = help.split_once("echo '").expect("an example");
    let (request, _) = example.split_once("' | intnacl loss -").expect("a pipe");
    assert!(intnacl(&["loss", "-"], request.as_bytes()).result().starts_with("{\"value\":"));
}

#[test]
fn arguments_that_are_not_known() {
    refused(&[], b"", &["no command", "loss", "verify"]);
    refused(&["loose"], b"", &["'loose'", "loss", "verify"]);
    refused(&["loss"], b"", &["<REQUEST.json>"]);
    refused(&["loss", "--device", "-"], b"", &["--device"]);
    refused(&["loss", "a", "b"], b"", &["'b'", "intnacl loss"]);
    refused(&["loss", "--typ\ne", "f32"], b"", &["--typ e", "intnacl loss"]);
}

#[test]
fn values_that_are_not_known() {
    let line = intnacl(&["loss", "--implementation", "torch", "-"], b"").refusal();
    assert!(line.contains("'torch'") && line.contains("reference, production"), "{line}");
    for device in ["gpu", "cuda", "cuda:", "cuda:x", "cuda:-1", "cuda:+1", "CPU"] {
        let device = format!("--device={device}");
        refused(
            &["loss", "--implementation", "production", &device, "-"],
            b"",
            &["--device", "cpu", "cuda:N"],
        );
    }
}

#[test]
fn the_reference_has_neither_device_nor_type() {
    refused(&["loss", "--device", "cuda:0", "-"], b"", &["--device cuda:0", "--implementation production"]);
    refused(&["loss", "--dtype", "f64", "-"], b"", &["--dtype f64", "--implementation production"]);
}

#[test]
fn files_that_are_none() {
    refused(&["loss", "no such file.json"], b"", &["no such file.json"]);
    refused(&["loss", env!("CARGO_TARGET_TMPDIR")], b"", &["a folder", "a file"]);
}

#[test]
fn an_input_that_is_no_text() {
    refused(&["loss", "-"], b"", &["standard input is empty"]);
    refused(&["loss", "-"], b" \n\t\n", &["standard input is empty"]);
    refused(&["loss", "-"], b"{\"loss\": \"\xff\"}", &["0xff at 10", "UTF-8"]);
}

#[test]
fn a_reader_that_stops_early_is_no_error() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_intnacl"));
    command.args(["loss", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    // Closed before there is anything to read.
    drop(child.stdout.take());
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(simclr().to_string().as_bytes()).expect("a request is sent");
    drop(input);
    let ended = child.wait_with_output().expect("the command ends");
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}

#[test]
#[cfg(target_os = "linux")]
fn an_output_that_is_full_is_an_error() {
    let command = format!("'{}' loss - > /dev/full", env!("CARGO_BIN_EXE_intnacl"));
    let line = run(Command::new("sh").args(["-c", &command]), simclr().to_string().as_bytes()).refusal();
    assert!(line.starts_with("standard output: "), "{line}");
}

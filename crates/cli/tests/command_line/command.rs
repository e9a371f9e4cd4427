//! `intnacl verify --command`: programs of somebody else.
//!
//! They are Python programs of this folder; without Python 3 these tests say so, and pass.
#![cfg(unix)]

mod described;
mod report;

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::{Outcome, run};

/// The path of a program of this folder.
fn program(name: &str) -> String {
    format!("{}/tests/command_line/programs/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Whether there is a Python to run them.
fn python_is_here() -> bool {
    let here = Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success());
    if !here {
        eprintln!("skipped: there is no python3, in which the programs are written");
    }
    here
}

/// A folder to verify in, where counterexamples are saved.
struct Scratch(TempDir);

impl Scratch {
    fn new() -> Self {
        Self(TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).expect("written");
        name.into()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("the file is there")
    }

    fn command(&self, of_program: &str, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_intnacl"));
        command.current_dir(self.0.path()).args(["verify", "--command", of_program]).args(options);
        command
    }

    fn verify(&self, of_program: &str, options: &[&str]) -> Outcome {
        run(&mut self.command(of_program, options), b"")
    }

    /// Verifies the right program, with options of its own.
    fn simclr(&self, own: &str, options: &[&str]) -> Outcome {
        self.verify(&format!("python3 '{}' {own}", program("simclr.py")), options)
    }

    /// The program that misbehaves; its processes are noted in the file `pids`.
    fn misbehaving(mode: &str) -> String {
        format!("python3 '{}' pids {mode}", program("misbehaving.py"))
    }

    /// The numbers of the processes that were noted.
    fn pids(&self) -> Vec<String> {
        fs::read_to_string(self.path("pids")).unwrap_or_default().lines().map(String::from).collect()
    }

    /// Waits until none of the noted processes lives.
    #[track_caller]
    fn all_have_ended(&self) {
        let pids = self.pids();
        assert!(!pids.is_empty(), "no program was started");
        // A process that was killed takes a moment to go.
        let since = Instant::now();
        while let Some(pid) = pids.iter().find(|pid| lives(pid)) {
            assert!(since.elapsed() < Duration::from_secs(5), "the process {pid} lives on");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Whether a process runs; one that has ended and that nobody has waited for does not.
fn lives(pid: &str) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().expect("ps runs");
    let state = String::from_utf8_lossy(&output.stdout);
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}

const AGREES: &[&str] = &["--law", "agrees_with_the_reference", "--loss", "simclr", "--cases", "48"];

#[test]
fn a_right_program_holds_at_fresh_seeds() {
    if !python_is_here() {
        return;
    }
    let scratch = Scratch::new();
    for _ in 0..5 {
        let seed = intnacl_judge::fresh_seed().to_string();
        let outcome = scratch.simclr("", &["--seed", &seed, "--cases", "32"]);
        let (status, output) = (outcome.status, outcome.output);
        assert_eq!((status, outcome.errors.as_str()), (Some(0), ""), "seed {seed}: {output}");
        assert!(output.contains("verified plain SimCLR on cpu in f64 to the standard \"right\""), "{output}");
        assert!(output.contains("all hold"), "{output}");
    }
}

#[test]
fn a_constant_pair_of_the_anchor_with_itself_is_found() {
    if !python_is_here() {
        return;
    }
    let scratch = Scratch::new();
    for seed in ["1", "2", "3"] {
        let outcome = scratch.simclr("--self-pair", &["--seed", seed, "--loss", "simclr"]);
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        assert!(outcome.output.contains("WRONG: "), "{}", outcome.output);
        assert!(outcome.output.contains("self-pair-zeroed"), "not named: {}", outcome.output);
        let request = scratch.read("counterexamples/agrees_with_the_reference-simclr.json");
        let request: Value = serde_json::from_str(&request).expect("a request");
        assert_eq!(
            request["data"]["views"][0].as_array().map(Vec::len),
            Some(2),
            "not the smallest: {request}"
        );
    }
}

/// Verifies a program that misbehaves, and expects these words of what it did.
#[track_caller]
fn fails_with(timeout: &str, more: &[&str], mode: &str, all_of: &[&str]) -> Scratch {
    let options = [AGREES, &["--threads", "1", "--timeout", timeout], more].concat();
    let scratch = Scratch::new();
    let outcome = scratch.verify(&Scratch::misbehaving(mode), &options);
    assert_eq!((outcome.status, outcome.errors.as_str()), (Some(1), ""), "{mode}: {outcome:?}");
    for part in all_of.iter().chain(&["agrees_with_the_reference fails for simclr", "checks FAIL"]) {
        assert!(outcome.output.contains(part), "{mode}: {part:?} is not in: {}", outcome.output);
    }
    // The case was shrunk as far as the program still misbehaves.
    let request = scratch.read("counterexamples/agrees_with_the_reference-simclr.json");
    let request: Value = serde_json::from_str(&request).expect("a request");
    assert_eq!(request["data"]["views"][0].as_array().map(Vec::len), Some(3), "{mode}: {request}");
    scratch.all_have_ended();
    scratch
}

/// The same, however long it takes.
#[track_caller]
fn fails(mode: &str, all_of: &[&str]) -> Scratch {
    fails_with("60", &[], mode, all_of)
}

/// The same, and the program is started again.
#[track_caller]
fn fails_and_is_started_again(mode: &str, all_of: &[&str]) {
    is_started_again("60", &[], mode, all_of);
}

#[track_caller]
fn is_started_again(timeout: &str, more: &[&str], mode: &str, all_of: &[&str]) {
    let words = format!("about to: {mode}");
    let scratch = fails_with(
        timeout,
        more,
        mode,
        &[all_of, &[words.as_str(), "each time to be started again"]].concat(),
    );
    // One says what it is, others are judged, each until it fails.
    assert!(scratch.pids().len() >= 3, "{mode}: {:?}", scratch.pids());
}

#[test]
fn a_program_that_ends_is_judged_and_started_again() {
    if !python_is_here() {
        return;
    }
    fails_and_is_started_again("crash", &["stopped (exit status: 3) before it answered: about to: crash"]);
    fails_and_is_started_again("abort", &["stopped (signal: 6"]);
    let scratch = fails("loud", &["stopped (exit status: 5) before it answered: x"]);
    assert!(scratch.pids().len() >= 3);
}

#[track_caller]
fn hangs(mode: &str) {
    if python_is_here() {
        // A law that is given up leaves the program to the next.
        let more = ["--law", "permutation_of_images"];
        is_started_again(
            "3",
            &more,
            mode,
            &["gave no answer within 3 s (--timeout)", "given up after an answer"],
        );
    }
}

#[test]
fn a_program_that_hangs_is_judged_and_started_again() {
    hangs("hang");
}

#[test]
fn a_program_that_hangs_ends_with_its_child() {
    hangs("hang-with-child");
}

#[test]
fn an_answer_without_an_end_of_line_is_waited_for_in_vain() {
    hangs("no-end-of-line");
}

#[test]
fn a_program_that_closes_its_output_and_goes_on_is_judged_and_started_again() {
    if python_is_here() {
        is_started_again(
            "60",
            &["--law", "permutation_of_images"],
            "close",
            &["closed its output before it answered, and did not end"],
        );
    }
}

#[test]
fn a_program_that_dies_and_leaves_its_output_to_a_child_is_judged() {
    if python_is_here() {
        fails_and_is_started_again("die-with-child", &["stopped (exit status: 4)"]);
    }
}

#[test]
fn output_that_is_no_answer_is_judged_and_the_program_started_again() {
    if !python_is_here() {
        return;
    }
    fails_and_is_started_again("garbage", &["the answer: ", "near `Segmentation`: expected JSON"]);
    fails_and_is_started_again("bytes", &["the answer has the byte 0xff at 0: expected UTF-8"]);
    fails_and_is_started_again("twice", &["wrote more than one line for a request"]);
    fails_and_is_started_again("endless-lines", &["wrote more than one line for a request"]);
    fails_and_is_started_again("endless-line", &["wrote a line of more than", "bytes"]);
}

/// Only Linux limits a process's memory by `ulimit`.
#[test]
#[cfg(target_os = "linux")]
fn endless_output_takes_bounded_memory() {
    if !python_is_here() {
        return;
    }
    let scratch = Scratch::new();
    for mode in ["endless-line", "endless-lines", "loud"] {
        let verify = scratch.command(&Scratch::misbehaving(mode), &[AGREES, &["--threads", "1"]].concat());
        let mut limited = Command::new("sh");
        limited.args(["-c", "ulimit -v 1500000 && exec \"$0\" \"$@\""]).arg(verify.get_program());
        limited.args(verify.get_args()).current_dir(scratch.0.path());
        let outcome = run(&mut limited, b"");
        assert_eq!((outcome.status, outcome.errors.as_str()), (Some(1), ""), "{mode}: {outcome:?}");
        assert!(outcome.output.contains("1 of 1 checks FAIL"), "{mode}: {}", outcome.output);
        scratch.all_have_ended();
    }
}

#[test]
fn an_answer_that_is_short_or_not_finite_is_judged() {
    if !python_is_here() {
        return;
    }
    fails("short", &["gradient.views[1]", "(it said: about to: short)"]);
    fails("nan", &["gradient.views[1][2][0] is NaN: expected a finite number", "(it said: about to: nan)"]);
    fails("deep", &["the answer: invalid type: sequence"]);
    fails("nothing", &["value is missing"]);
    fails("error", &["refused: the implementation refused the request: three images are too many"]);
}

#[test]
fn a_program_that_always_fails_is_given_up() {
    if !python_is_here() {
        return;
    }
    let scratch = Scratch::new();
    let options = ["--threads", "1", "--loss", "simclr", "--json", "results.json"];
    let outcome = scratch.verify(&Scratch::misbehaving("crash always"), &options);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    for part in [
        "stopped (exit status: 3)",
        "given up after 5 failures in a row",
        "not asked any more: 10 laws in a row",
        "every loss, layout and temperature is assumed",
        "f32 is assumed",
    ] {
        assert!(outcome.output.contains(part), "{part:?} is not in: {}", outcome.output);
    }
    // Once to be described, and five times a law for ten laws.
    assert_eq!(scratch.pids().len(), 1 + 5 * 10);
    scratch.all_have_ended();
    let results: Value = serde_json::from_str(&scratch.read("results.json")).expect("JSON");
    assert_eq!(results["reports"][0]["program_failures"], 5);
    assert_eq!(results["reports"][0]["given_up"], "after 5 failures in a row");
}

#[test]
fn a_program_that_greets_on_its_output_is_told_that() {
    if !python_is_here() {
        return;
    }
    let scratch = Scratch::new();
    let outcome = scratch.verify(&Scratch::misbehaving("banner"), AGREES);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(
        outcome.output.contains("the answer: expected value at line 1 column 1, near `Loading`"),
        "{}",
        outcome.output
    );
    scratch.all_have_ended();
}

#[test]
fn a_program_that_reads_nothing_is_given_up_in_time() {
    if !python_is_here() {
        return;
    }
    let scratch = Scratch::new();
    let start = Instant::now();
    let options = ["--timeout", "0.3", "--loss", "simclr", "--dtype", "f64"];
    let outcome = scratch.verify(&Scratch::misbehaving("deaf"), &options);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.output.contains("gave no answer within 0.3 s"), "{}", outcome.output);
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    scratch.all_have_ended();
}

#[test]
fn processes_that_a_program_has_started_end_with_it() {
    if !python_is_here() {
        return;
    }
    let scratch = Scratch::new();
    let options = [AGREES, &["--threads", "1"]].concat();
    let outcome = scratch.verify(&Scratch::misbehaving("child"), &options);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    // One program is asked what it is, one is judged, and each has a child.
    assert_eq!(scratch.pids().len(), 4);
    scratch.all_have_ended();
}

/// A run that waits for a program with a child, started by a program such as `nohup` or by none.
struct Waiting {
    verify: Child,
    scratch: Scratch,
}

impl Waiting {
    #[track_caller]
    fn start(by: Option<&str>) -> Self {
        let scratch = Scratch::new();
        let of_program = scratch.command(&Scratch::misbehaving("hang-with-child"), AGREES);
        let mut command = match by {
            Some(by) => {
                let mut command = Command::new(by);
                command.arg(of_program.get_program()).args(of_program.get_args());
                command.current_dir(scratch.0.path());
                command
            }
            None => of_program,
        };
        command.args(["--timeout", "600", "--threads", "1"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let verify = command.spawn().expect("the command starts");
        let since = Instant::now();
        // The one that is asked what it is, the one that hangs, and its child.
        while !scratch.path("pids").exists() || scratch.pids().len() < 3 {
            assert!(since.elapsed() < Duration::from_secs(60), "no program was asked");
            thread::sleep(Duration::from_millis(10));
        }
        assert!(scratch.pids().iter().any(|pid| lives(pid)), "nothing is left to be ended");
        Self { verify, scratch }
    }

    #[track_caller]
    fn send(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.verify.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    #[track_caller]
    fn ends_with_all(mut self) {
        let status = self.verify.wait().expect("the command ends");
        assert_eq!(status.code(), Some(130), "{status}");
        self.scratch.all_have_ended();
    }
}

/// Whether this process ignores a signal, and so whatever it starts: bit `number - 1` of the mask that Linux shows.
fn ignores(number: u32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (number - 1) & 1 == 1
}

#[test]
fn an_interrupted_run_leaves_no_process_behind() {
    if !python_is_here() {
        return;
    }
    for (signal, number) in [("-INT", 2), ("-TERM", 15), ("-HUP", 1)] {
        if ignores(number) {
            eprintln!("{signal} is skipped: these tests were started to ignore it");
            continue;
        }
        let waiting = Waiting::start(None);
        waiting.send(signal);
        waiting.ends_with_all();
    }
}

#[test]
fn a_run_that_is_to_ignore_a_hang_up_does_and_still_hears_the_other_signals() {
    if !python_is_here() || ignores(15) {
        return;
    }
    let mut waiting = Waiting::start(Some("nohup"));
    waiting.send("-HUP");
    thread::sleep(Duration::from_millis(300));
    assert!(waiting.verify.try_wait().expect("the system tells").is_none(), "the hang-up ended it");
    waiting.send("-TERM");
    waiting.ends_with_all();
}

//! Fuzzing: libFuzzer on the targets of `crates/fuzz`.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::{Result, cargo, tools};

const TARGETS: [&str; 5] = ["requests", "answers", "results", "numbers", "c_border"];

/// How long a target is fuzzed if nothing is asked for.
const MINUTES: f64 = 20.0;

/// Longer inputs find nothing that these do not, and slow the search down.
const LONGEST: &str = "-max_len=4096";

/// What is committed of a corpus: so many files of at most so many bytes.
const MOST_COMMITTED: usize = 100;
const LONGEST_COMMITTED: u64 = 1536;

/// Inputs take microseconds, and seconds where exact arithmetic goes to its last precision: after this many it hangs.
const PATIENCE: &str = "-timeout=120";

/// Fuzzes targets, all of them in turn if none is named. What libFuzzer has found so far is kept in `target/fuzz`, so that a
/// second run goes on; with `--commit` a part of the smallest set that reaches all of it becomes the committed corpus.
pub fn run(workspace: &Path, args: &[String]) -> Result<ExitCode> {
    let Asked { targets, minutes, commits } = parse(args)?;
    let fuzz = tools::provide(workspace, "cargo-fuzz", "0.13.2")?;
    let cargo_fuzz = |command: &str, target: &str| {
        let mut program = Command::new(&fuzz);
        // Stable Rust has all that coverage needs; a sanitizer of memory would find nothing in code without `unsafe`.
        program.args(["fuzz", command, "--sanitizer", "none", "--features", "libfuzzer", "--fuzz-dir"]);
        program.arg(workspace.join("crates/fuzz")).arg(target).current_dir(workspace);
        program
    };
    for target in targets {
        let committed = workspace.join("crates/fuzz/corpus").join(target);
        let found = folder(workspace, target)?;
        println!("fuzz: {target} for {minutes} minutes");
        let seconds = format!("-max_total_time={}", (60.0 * minutes).round());
        let mut program = cargo_fuzz("run", target);
        program.arg(&found).arg(&committed).arg("--").args([
            &seconds,
            LONGEST,
            PATIENCE,
            "-print_final_stats=1",
        ]);
        if !succeeds(&mut program)? {
            eprintln!("fuzz: {target} breaks a promise; the bytes are the file that is named above");
            return Ok(ExitCode::FAILURE);
        }
        if !commits {
            continue;
        }
        let smallest = found.with_extension("smallest");
        let _ = fs::remove_dir_all(&smallest);
        let copied = |error: std::io::Error| format!("{}: {error}", smallest.display());
        fs::create_dir_all(&smallest).map_err(copied)?;
        let mut program = cargo_fuzz("run", target);
        program.args([&smallest, &found, &committed]).args(["--", "-set_cover_merge=1", LONGEST, PATIENCE]);
        if !succeeds(&mut program)? {
            return Ok(ExitCode::FAILURE);
        }
        commit(&smallest, &committed).map_err(copied)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Replaces the committed corpus by files of another: those that are not long, and of these as many of each length as there
/// are, up to a hundred in all. Files that a person has named stay: they are the cases that were found.
fn commit(from: &Path, committed: &Path) -> std::io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let length = entry.metadata()?.len();
        if length <= LONGEST_COMMITTED {
            files.push((length, entry.file_name()));
        }
    }
    files.sort();
    for entry in fs::read_dir(committed)? {
        let entry = entry?;
        if is_libfuzzers(&entry.file_name()) {
            fs::remove_file(entry.path())?;
        }
    }
    let every = files.len().div_ceil(MOST_COMMITTED).max(1);
    for (_, name) in files.iter().step_by(every) {
        fs::copy(from.join(name), committed.join(name))?;
    }
    Ok(())
}

/// Whether libFuzzer has named a file: by its SHA-1.
fn is_libfuzzers(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.len() == 40 && name.chars().all(|digit| digit.is_ascii_hexdigit()))
}

/// What the command was asked for.
#[derive(Debug, PartialEq)]
struct Asked<'a> {
    targets: Vec<&'a str>,
    minutes: f64,
    commits: bool,
}

fn parse(args: &[String]) -> Result<Asked<'_>> {
    let (mut targets, mut minutes, mut commits) = (Vec::new(), MINUTES, false);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--minutes" {
            let given = args.next().and_then(|given| given.parse::<f64>().ok());
            minutes =
                given.filter(|given| *given > 0.0 && *given <= 1e5).ok_or("--minutes: expected a number")?;
        } else if arg == "--commit" {
            commits = true;
        } else if let Some(target) = TARGETS.iter().find(|target| *target == arg) {
            targets.push(*target);
        } else {
            return Err(format!("`cargo xtask fuzz` has no target `{arg}`: expected {}", TARGETS.join(", ")));
        }
    }
    if targets.is_empty() {
        targets = TARGETS.to_vec();
    }
    Ok(Asked { targets, minutes, commits })
}

fn folder(workspace: &Path, target: &str) -> Result<PathBuf> {
    let folder = cargo::target(workspace).join("fuzz").join(target);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

fn succeeds(program: &mut Command) -> Result<bool> {
    let status = program.status();
    status
        .map(|status| status.success())
        .map_err(|error| format!("{}: {error}", program.get_program().display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn targets_and_minutes_are_read() {
        let asked = |targets, minutes, commits| Asked { targets, minutes, commits };
        assert_eq!(parse(&[]).unwrap(), asked(TARGETS.to_vec(), 20.0, false));
        let some = words("numbers --minutes 0.5 --commit");
        assert_eq!(parse(&some).unwrap(), asked(vec!["numbers"], 0.5, true));
        for wrong in ["--minutes", "--minutes 0", "--minutes NaN", "nubmers"] {
            assert!(parse(&words(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_hundred_files_of_all_lengths_are_committed() {
        let scratch = crate::manifest::tests::Scratch::new("corpus");
        let (from, committed) = (scratch.path().join("from"), scratch.path().join("committed"));
        for folder in [&from, &committed] {
            fs::create_dir_all(folder).unwrap();
        }
        for length in 0..2000 {
            fs::write(from.join(format!("{length:040x}")), vec![0; length]).unwrap();
        }
        fs::write(committed.join("a-case-that-was-found"), [0; 700]).unwrap();
        fs::write(committed.join("f".repeat(40)), [0; 800]).unwrap();
        commit(&from, &committed).unwrap();
        assert!(committed.join("a-case-that-was-found").exists(), "what a person has named stays");
        assert!(!committed.join("f".repeat(40)).exists());
        let lengths: Vec<u64> =
            fs::read_dir(&committed).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).collect();
        assert!((90..=101).contains(&lengths.len()), "{}", lengths.len());
        assert!(lengths.iter().any(|length| *length < 20) && lengths.iter().any(|length| *length > 1500));
    }

    #[test]
    fn the_targets_are_those_of_the_crate() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/fuzz/Cargo.toml");
        let manifest = fs::read_to_string(manifest).unwrap();
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
        assert!(TARGETS.iter().all(|target| manifest.contains(&format!("path = \"targets/{target}.rs\""))));
    }
}

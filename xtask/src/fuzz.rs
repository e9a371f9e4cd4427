//! Fuzzing: libFuzzer on the targets of `crates/fuzz`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::{Result, cargo, tools};

const TARGETS: [&str; 4] = ["requests", "answers", "results", "numbers"];

/// How long a target is fuzzed if nothing is asked for.
const MINUTES: f64 = 20.0;

/// Longer inputs find nothing that these do not, and slow the search down.
const LONGEST: &str = "-max_len=4096";

/// One input takes microseconds to milliseconds: after this many seconds it hangs.
const PATIENCE: &str = "-timeout=20";

/// Fuzzes targets, all of them in turn if none is named. What libFuzzer has found so far is kept in `target/fuzz`, so that a
/// second run goes on; in the end the smallest set of files that reaches all of it becomes the committed corpus.
pub fn run(workspace: &Path, args: &[String]) -> Result<ExitCode> {
    let (targets, minutes) = parse(args)?;
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
        folder(workspace, &format!("{target}.broken"))?;
        println!("fuzz: {target} for {minutes} minutes");
        let seconds = format!("-max_total_time={}", (60.0 * minutes).round());
        let mut program = cargo_fuzz("run", target);
        program.arg(&found).arg(&committed).arg("--").args([
            &seconds,
            LONGEST,
            PATIENCE,
            "-print_final_stats=1",
        ]);
        let status = status(&mut program)?;
        if !status {
            eprintln!("fuzz: {target} breaks a promise; the bytes are the file that is named above");
            return Ok(ExitCode::FAILURE);
        }
        // The smallest set is made of both and takes the place of the committed one.
        let smallest = found.with_extension("smallest");
        let _ = fs::remove_dir_all(&smallest);
        let copied = |error: std::io::Error| format!("{}: {error}", smallest.display());
        fs::create_dir_all(&smallest).map_err(copied)?;
        let mut program = cargo_fuzz("run", target);
        program.args([&smallest, &found, &committed]).args(["--", "-set_cover_merge=1", LONGEST, PATIENCE]);
        if !self::status(&mut program)? {
            return Ok(ExitCode::FAILURE);
        }
        fs::remove_dir_all(&committed).map_err(copied)?;
        fs::create_dir_all(&committed).map_err(copied)?;
        for entry in fs::read_dir(&smallest).map_err(copied)? {
            let path = entry.map_err(copied)?.path();
            if let Some(name) = path.file_name() {
                fs::copy(&path, committed.join(name)).map_err(copied)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn parse(args: &[String]) -> Result<(Vec<&str>, f64)> {
    let (mut targets, mut minutes) = (Vec::new(), MINUTES);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--minutes" {
            let given = args.next().and_then(|given| given.parse::<f64>().ok());
            minutes =
                given.filter(|given| *given > 0.0 && *given <= 1e5).ok_or("--minutes: expected a number")?;
        } else if let Some(target) = TARGETS.iter().find(|target| *target == arg) {
            targets.push(*target);
        } else {
            return Err(format!("`cargo xtask fuzz` has no target `{arg}`: expected {}", TARGETS.join(", ")));
        }
    }
    if targets.is_empty() {
        targets = TARGETS.to_vec();
    }
    Ok((targets, minutes))
}

fn folder(workspace: &Path, target: &str) -> Result<PathBuf> {
    let folder = cargo::target(workspace).join("fuzz").join(target);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

fn status(program: &mut Command) -> Result<bool> {
    // This process runs under cargo, whose variables would choose another toolchain's defaults for what it starts.
    let name = program.get_program().to_owned();
    let status = program.env("CARGO_INCREMENTAL", "0").status();
    status.map(|status| status.success()).map_err(|error| format!("{}: {error}", name.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn targets_and_minutes_are_read() {
        assert_eq!(parse(&[]).unwrap(), (TARGETS.to_vec(), 20.0));
        assert_eq!(parse(&words("numbers --minutes 0.5")).unwrap(), (vec!["numbers"], 0.5));
        for wrong in ["--minutes", "--minutes 0", "--minutes NaN", "nubmers"] {
            assert!(parse(&words(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_targets_are_those_of_the_crate() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/fuzz/Cargo.toml");
        let manifest = fs::read_to_string(manifest).unwrap();
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
        assert!(TARGETS.iter().all(|target| manifest.contains(&format!("path = \"targets/{target}.rs\""))));
    }
}

//! Everything that only a graphics card can tell, measured by one command: `cargo xtask gpu-report`.
//!
//! Each step is a command that anybody can run alone; what it found is kept, so that a run which was stopped goes on. Where
//! there is no card, the same is measured on the processor, and each row of the card says that it was skipped.

mod calculated;
mod report;
mod steps;
mod table;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use clap::Parser;
use report::Machine;
use steps::{CARD, Found, PROCESSOR, Step};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Measures what only a graphics card can tell, and writes it to notes/gpu, a file a card.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask gpu-report",
    after_help = "\
Takes about half an hour. What was found is kept in cargo's target folder, for each commit: a run that was stopped goes on.
The libtorch that can use a card is set up by `--cuda`:
  cargo xtask --cuda gpu-report"
)]
struct Args {
    /// For how many minutes the laws are tried at fresh seeds, on each device.
    #[arg(long, default_value_t = 3.0, value_parser = minutes)]
    soak_minutes: f64,
    /// Forget what was found for this commit.
    #[arg(long)]
    fresh: bool,
    /// Only write the report of what was found so far.
    #[arg(long)]
    report: bool,
    /// The folder for the report [default: notes/gpu].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

fn minutes(text: &str) -> std::result::Result<f64, String> {
    let minutes = text.parse().ok().filter(|minutes: &f64| (0.0..=1440.0).contains(minutes));
    minutes.ok_or_else(|| "expected a number of minutes from 0 to 1440".to_owned())
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all steps were done.
fn run(args: &Args) -> Result<bool> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
    let commit = commit(&workspace);
    let work = target.join("gpu-report").join(&commit);
    if args.fresh && work.exists() {
        std::fs::remove_dir_all(&work)?;
    }
    std::fs::create_dir_all(&work)?;

    let devices = Step::devices();
    let listed = match devices.found(&work)? {
        Some(listed) => listed,
        None if args.report => {
            return Err("nothing was found for this commit so far: leave out --report".into());
        }
        None => {
            devices.run(&workspace, &work)?;
            devices.found(&work)?.ok_or("the list of devices was not written")?
        }
    };
    let has_card = listed.as_array().into_iter().flatten().any(|device| device == CARD);
    if !has_card {
        eprintln!("no CUDA device: its rows are skipped, and the processor alone is measured");
    }
    let device_list: &[&'static str] = if has_card { &[CARD, PROCESSOR] } else { &[PROCESSOR] };
    let steps: Vec<Step> =
        device_list.iter().flat_map(|device| steps::of(device, args.soak_minutes)).collect();

    let start = Instant::now();
    let mut failed = Vec::new();
    for (number, step) in steps.iter().enumerate().filter(|_| !args.report) {
        if step.found(&work)?.is_some() {
            continue;
        }
        let minutes = start.elapsed().as_secs_f64() / 60.0;
        eprintln!("[{} of {}, {minutes:.0} min] {}", number + 1, steps.len(), step.command());
        // One step that fails, for want of a network perhaps, leaves the others.
        if let Err(error) = step.run(&workspace, &work) {
            eprintln!("  not measured: {error}");
            failed.push(step);
        }
    }

    let mut found = Found::default();
    for step in &steps {
        if let Some(value) = step.found(&work)? {
            found.insert(step, value);
        }
    }
    let machine = Machine { commit, processor: processor(), card: has_card.then(card) };
    let folder = args.out.clone().unwrap_or_else(|| workspace.join("notes/gpu"));
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{}.md", machine.file_name()));
    std::fs::write(&file, report::text(&machine, &found, &steps))?;
    println!("{}", file.display());
    for step in &failed {
        eprintln!("not measured, and tried again by the next run: {}", step.command());
    }
    Ok(failed.is_empty())
}

/// The first line that a program prints.
fn line_of(program: &str, args: &[&str], folder: &Path) -> Option<String> {
    let output = Command::new(program).args(args).current_dir(folder).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().lines().next()?.to_owned();
    output.status.success().then_some(text)
}

/// The last commit of what is measured, and whether it was changed since. Notes are no part of it: this page is one.
fn commit(workspace: &Path) -> String {
    let code = ["--", ".", ":(exclude)notes"];
    let git = |args: &[&str]| line_of("git", &[args, &code].concat(), workspace);
    let commit = git(&["log", "-1", "--abbrev=10", "--format=%h"]).unwrap_or_else(|| "unknown".into());
    match git(&["status", "--porcelain"]) {
        Some(_) => format!("{commit}-dirty"),
        None => commit,
    }
}

/// The processor and its cores.
fn processor() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let name = name.map_or("a processor that the system does not name", |(_, name)| name.trim());
    format!("{name}, {cores} cores")
}

/// The card's name, its driver and its memory.
fn card() -> String {
    let query = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader", "--id=0"];
    line_of("nvidia-smi", &query, Path::new("."))
        .unwrap_or_else(|| "a card that nvidia-smi does not name".into())
}

//! A sample of mutants of the code that computes, and the share of them that the tests notice.
//!
//! `cargo-mutants` lists the mutants; this program draws a sample, stratified by file, and tries each on the tests that bite
//! fast, then, if it survives them, on more. What was found is kept after each mutant, so that a run which was stopped goes on.
//! (`cargo-mutants` itself tries all mutants or those that match a pattern, and neither draws nor goes by stages.)

mod report;
mod sample;
mod suite;
mod tree;
mod trial;

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;
use sample::Mutant;
use suite::{SUITES, Suite};
use trial::{Outcome, Trial};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Breaks the code in sampled places, one at a time, and sees whether the tests notice.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask mutants")]
struct Args {
    /// The program `cargo-mutants`.
    #[arg(long, hide = true)]
    tool: PathBuf,
    /// How many mutants are drawn; each file has at least one.
    #[arg(long, default_value_t = 160, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// The seed of the sample.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the suites of these names: reference, bound, engine, operators.
    #[arg(long, value_delimiter = ',')]
    suites: Vec<String>,
    /// Only mutants whose names contain one of these texts; may be repeated.
    #[arg(long = "name")]
    names: Vec<String>,
    /// Only say what was found so far.
    #[arg(long)]
    report: bool,
    /// Forget what was found, and copy and sample the code anew.
    #[arg(long)]
    fresh: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    if let Some(name) = args.suites.iter().find(|name| !SUITES.iter().any(|suite| suite.name == **name)) {
        let names: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
        return Err(format!("--suites {name}: expected some of {}", names.join(", ")).into());
    }
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
    let work = target.join("mutants").join(format!("seed-{}-count-{}", args.seed, args.count));
    if args.fresh && work.exists() {
        std::fs::remove_dir_all(&work)?;
    }
    let tree = target.join("mutants/tree");
    let listed = work.join("mutants.json");
    if !listed.exists() {
        tree::copy(&workspace, &tree)?;
        let output = Command::new(&args.tool)
            .args(["mutants", "--workspace", "--list", "--json"])
            .current_dir(&tree)
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        std::fs::create_dir_all(&work)?;
        std::fs::write(&listed, &output.stdout)?;
    }
    let all = sample::parse(&serde_json::from_slice(&std::fs::read(&listed)?)?)?;
    let sample = sample::draw(&all, args.count as usize, args.seed);
    let log = work.join("outcomes.jsonl");
    if !args.report {
        trial::restore(&work)?;
        let wanted = |mutant: &Mutant, suite: &Suite| {
            (args.suites.is_empty() || args.suites.iter().any(|name| name == suite.name))
                && (args.names.is_empty() || args.names.iter().any(|name| mutant.name.contains(name)))
        };
        let mut trial = Trial::new(&tree, &work);
        let stages = SUITES.iter().map(|suite| suite.stages.len()).max().unwrap_or_default();
        // All mutants go through the tests that bite fast before any goes further.
        for stage in 0..stages {
            let found = report::outcomes(&log)?;
            let is_due = |mutant: &Mutant, suite: &Suite| match found.get(&mutant.name) {
                None => stage == 0,
                Some(Outcome::Passed(passed)) => passed + 1 == stage && stage < suite.stages.len(),
                Some(_) => false,
            };
            let all = sample.iter().filter_map(|mutant| Some((*mutant, suite::of(mutant)?)));
            let due: Vec<_> =
                all.filter(|(mutant, suite)| wanted(mutant, suite) && is_due(mutant, suite)).collect();
            for (number, (mutant, suite)) in due.iter().enumerate() {
                print!("stage {}, {} of {}: {}: ", stage + 1, number + 1, due.len(), mutant.name);
                std::io::stdout().flush()?;
                let outcome = trial.run(mutant, suite, stage)?;
                println!("{outcome}");
                report::keep(&log, mutant, &outcome)?;
            }
        }
    }
    print!("{}", report::table(&all, &sample, &report::outcomes(&log)?));
    Ok(())
}

//! A sample of mutants of the code that computes, and the share of them that the tests notice.
//!
//! `cargo-mutants` lists the mutants and tries them; this program draws a sample, stratified by file, and runs it in shards, so
//! that a run which was stopped goes on. A mutant is tried on the tests that bite fast; whoever survives them is tried on more.

mod report;
mod sample;
mod suite;
mod tree;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;
use serde_json::Value;

use sample::Mutant;
use suite::{SUITES, Suite};

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
    /// How many mutants are tried before what was found is kept.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    shard: u32,
    /// Only the suites of these names: reference, bound, engine, operators.
    #[arg(long, value_delimiter = ',')]
    suites: Vec<String>,
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
    if !args.report {
        let wanted =
            |suite: &&Suite| args.suites.is_empty() || args.suites.iter().any(|name| name == suite.name);
        for suite in SUITES.iter().filter(wanted) {
            let mutants: Vec<&Mutant> = sample.iter().copied().filter(|mutant| suite.has(mutant)).collect();
            let mut left = mutants;
            for stage in 0..suite.stages.len() {
                for (number, shard) in left.chunks(args.shard as usize).enumerate() {
                    let folder = work.join(format!("{}-{stage}-{number}", suite.name));
                    shard_of(args, &tree, suite.stages[stage], shard, &folder)?;
                    println!("{}", report::line(suite, stage, &report::outcomes(&work)?, &sample));
                }
                let found = report::outcomes(&work)?;
                left.retain(|mutant| {
                    found.get(&mutant.name).is_some_and(|outcome| outcome == "MissedMutant")
                });
            }
        }
    }
    print!("{}", report::table(&all, &sample, &report::outcomes(&work)?));
    Ok(())
}

/// Tries some mutants on the tests of a stage, unless that was done.
fn shard_of(args: &Args, tree: &Path, tests: &[&str], shard: &[&Mutant], folder: &Path) -> Result<()> {
    let done = folder.join("done");
    if done.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    let mut tool = Command::new(&args.tool);
    tool.args([
        "mutants",
        "--in-place",
        "--baseline=skip",
        "--timeout=240",
        "--no-shuffle",
        "--colors=never",
    ]);
    tool.arg("--output").arg(folder).current_dir(tree);
    for mutant in shard {
        tool.arg("--re").arg(format!("^{}$", escaped(&mutant.name)));
    }
    let (packages, tests): (Vec<&str>, Vec<&str>) =
        tests.iter().partition(|test| test.starts_with("--test-package"));
    tool.args(packages).arg("--").args(tests);
    tool.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1").env("CARGO_PROFILE_DEV_DEBUG", "none");
    tool.env("PROPTEST_RNG_SEED", "1").env("CARGO_TARGET_DIR", tree.with_file_name("built"));
    let status = tool.status()?;
    // 2: some were missed; 3: some ran out of time. Anything else is no result.
    if !matches!(status.code(), Some(0 | 2 | 3)) {
        return Err(format!("cargo-mutants ended with {status}; its log is in {}", folder.display()).into());
    }
    let outcomes: Value = serde_json::from_slice(&std::fs::read(folder.join("mutants.out/outcomes.json"))?)?;
    let tried = outcomes["total_mutants"].as_u64().unwrap_or(0);
    if tried != shard.len() as u64 {
        return Err(format!("{tried} of {} mutants were tried; see {}", shard.len(), folder.display()).into());
    }
    std::fs::write(done, "")?;
    Ok(())
}

/// A text as a regular expression that only it matches.
fn escaped(text: &str) -> String {
    // A backslash before other characters may have a meaning of its own.
    let special = |letter: char| r"\.+*?()|[]{}^$#&-~".contains(letter);
    text.chars().flat_map(|letter| special(letter).then_some('\\').into_iter().chain([letter])).collect()
}

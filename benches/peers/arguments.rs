//! The arguments of the command line.

use super::measure::case::{self, Case};
use clap::Parser;
use std::path::PathBuf;

/// All batches of a run that names none.
pub const BATCHES: [usize; 9] = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096];
/// The batches of the losses of which no figure is asked: fewer, for time.
const OTHER_BATCHES: [usize; 4] = [16, 256, 1024, 4096];
/// Batches that are allowed. The largest takes hours; beyond, indices would not be exact in f32.
const LEAST_BATCH: usize = 2;
const MOST_BATCH: usize = 1 << 20;
const MOST_THREADS: i64 = 1024;

/// Times the losses beside PyTorch, the two products and the reference, in turns.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask bench --peers",
    after_help = "\
Tables and pictures go to `bench` in cargo's target folder.

Example:
  cargo xtask bench --peers --loss simclr,hard_negative --batch 256,1024 --json figures.json"
)]
pub struct Arguments {
    /// Only these losses, separated by commas (repeatable); of nca, M = 1 and M = 5 are measured.
    #[arg(long = "loss", value_name = "NAMES", value_delimiter = ',', value_parser = loss)]
    pub losses: Vec<String>,
    /// These numbers of images, separated by commas (repeatable); beyond 4096 only production runs.
    #[arg(long = "batch", value_name = "NUMBERS", value_delimiter = ',', value_parser = batch)]
    pub batches: Vec<usize>,
    /// Only these devices, such as cpu or cuda:0 [default: every one there is].
    #[arg(long = "device", value_name = "NAMES", value_delimiter = ',', value_parser = device)]
    pub devices: Vec<String>,
    /// Threads of each side [default: those of libtorch, no more than the processors allowed].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=MOST_THREADS))]
    pub threads: Option<i32>,
    /// Also writes the figures as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Times only.
    #[arg(long)]
    pub no_memory: bool,
    /// A Python that imports PyTorch [default: python3, with PyTorch from the cache folder if need be].
    #[arg(long, value_name = "PROGRAM")]
    pub python: Option<String>,
    /// A folder in which that Python is to look for packages first.
    #[arg(long, value_name = "DIR", hide = true)]
    pub python_path: Option<PathBuf>,
    /// Says only whether the arguments are good.
    #[arg(long, hide = true)]
    pub check: bool,
    /// Cargo gives this argument to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    /// Reads the words after the program's name.
    pub fn read(words: impl IntoIterator<Item = String>) -> Result<Self, clap::Error> {
        let mut arguments = Self::try_parse_from(std::iter::once("bench".to_owned()).chain(words))?;
        arguments.batches.sort_unstable();
        arguments.batches.dedup();
        arguments.devices.dedup();
        Ok(arguments)
    }

    /// Cases with their batches, in the order in which they are measured.
    pub fn plan(&self) -> Vec<(Case, usize)> {
        let wanted = |case: &Case| self.losses.is_empty() || self.losses.iter().any(|loss| loss == case.name);
        let batches = |case: &Case| match (self.batches.is_empty(), case.asked) {
            (false, _) => self.batches.clone(),
            (true, true) => BATCHES.to_vec(),
            (true, false) => OTHER_BATCHES.to_vec(),
        };
        let cases = case::cases().into_iter().filter(wanted);
        cases.flat_map(|case| batches(&case).into_iter().map(move |images| (case, images))).collect()
    }
}

/// The names of the cases, each once.
fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = case::cases().iter().map(|case| case.name).collect();
    names.dedup();
    names
}

fn loss(word: &str) -> Result<String, String> {
    let names = names();
    match names.contains(&word) {
        true => Ok(word.to_owned()),
        false => Err(format!("expected one of {}", names.join(", "))),
    }
}

fn batch(word: &str) -> Result<usize, String> {
    let number = word.parse().ok().filter(|number| (LEAST_BATCH..=MOST_BATCH).contains(number));
    number.ok_or_else(|| format!("expected a whole number from {LEAST_BATCH} to {MOST_BATCH}"))
}

fn device(word: &str) -> Result<String, String> {
    intnacl::device(word).map(intnacl::device_name).map_err(|error| expected(&error.to_string()).to_owned())
}

/// The expectation that an error of the library states, without its own name for the argument.
fn expected(message: &str) -> &str {
    message.find("expected").map_or(message, |start| &message[start..])
}

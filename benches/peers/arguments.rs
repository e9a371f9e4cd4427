//! The arguments of the command line.

use super::measure::case::{self, Case};
use std::path::PathBuf;

/// All batches of a run that names none.
pub const BATCHES: [usize; 9] = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096];
/// The batches of the losses of which no figure is asked: fewer, for time.
const OTHER_BATCHES: [usize; 4] = [16, 256, 1024, 4096];
/// Batches that are allowed. The largest takes hours; beyond, indices would not be exact in f32.
const LEAST_BATCH: usize = 2;
const MOST_BATCH: usize = 1 << 20;
const MOST_THREADS: i32 = 1024;

pub const HELP: &str = "\
Times the losses beside PyTorch, the two products and the reference, in turns.

Usage: cargo xtask bench --peers [OPTIONS]

Options:
  --loss NAMES      only these losses, separated by commas (repeatable); of nca, M = 1 and M = 5 are measured
  --batch NUMBERS   these numbers of images, separated by commas (repeatable); beyond 4096 only production runs
  --device NAMES    only these devices: cpu, cuda:0 (default: every one there is)
  --threads N       threads of each side (default: those of libtorch, no more than the processors allowed)
  --json FILE       also write the figures as JSON
  --no-memory       times only
  --python PROGRAM  a Python that imports PyTorch (default: python3, with PyTorch from the cache folder if need be)
  -h, --help        this text

Tables and pictures go to `bench` in cargo's target folder.

Example:
  cargo xtask bench --peers --loss simclr,hard_negative --batch 256,1024 --json figures.json
";

/// A run.
#[derive(Debug, Default, PartialEq)]
pub struct Arguments {
    pub help: bool,
    /// Says only whether the arguments are good.
    pub check: bool,
    pub losses: Vec<String>,
    pub batches: Vec<usize>,
    pub devices: Vec<String>,
    pub threads: Option<i32>,
    pub json: Option<PathBuf>,
    pub no_memory: bool,
    /// A Python that imports torch; without one PyTorch is left out.
    pub python: Option<String>,
    /// A folder in which that Python is to look for packages first.
    pub python_path: Option<PathBuf>,
}

impl Arguments {
    /// Reads the words after the program's name. An error is one line that names the argument.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let (name, attached) = match word.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
                _ => (word, None),
            };
            let mut value = || {
                let value = attached.clone().or_else(|| words.next()).filter(|value| !value.is_empty());
                value.ok_or_else(|| format!("{name}: expected a value after it"))
            };
            match name.as_str() {
                "-h" | "--help" => arguments.help = true,
                // Cargo gives this argument to every bench.
                "--bench" => {}
                "--check" => arguments.check = true,
                "--no-memory" => arguments.no_memory = true,
                "--loss" => arguments.losses.extend(list(&value()?, loss)?),
                "--batch" => arguments.batches.extend(list(&value()?, batch)?),
                "--device" => arguments.devices.extend(list(&value()?, device)?),
                "--threads" => arguments.threads = Some(threads(&value()?)?),
                "--json" => arguments.json = Some(value()?.into()),
                "--python" => arguments.python = Some(value()?),
                "--python-path" => arguments.python_path = Some(value()?.into()),
                other => {
                    return Err(format!(
                        "{other}: expected one of --loss, --batch, --device, --threads, --json, --no-memory, \
                         --help"
                    ));
                }
            }
        }
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

fn list<T>(text: &str, item: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    text.split(',').map(|word| item(word.trim())).collect()
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
        false => Err(format!("--loss {word}: expected one of {}", names.join(", "))),
    }
}

fn batch(word: &str) -> Result<usize, String> {
    let number = word.parse().ok().filter(|number| (LEAST_BATCH..=MOST_BATCH).contains(number));
    number
        .ok_or_else(|| format!("--batch {word}: expected a whole number from {LEAST_BATCH} to {MOST_BATCH}"))
}

fn device(word: &str) -> Result<String, String> {
    intnacl::device(word)
        .map(intnacl::device_name)
        .map_err(|error| format!("--device {word}: {}", expected(&error.to_string())))
}

/// The expectation that an error of the library states, without its own name for the argument.
fn expected(message: &str) -> &str {
    message.find("expected").map_or(message, |start| &message[start..])
}

fn threads(word: &str) -> Result<i32, String> {
    let number = word.parse().ok().filter(|number| (1..=MOST_THREADS).contains(number));
    number.ok_or_else(|| format!("--threads {word}: expected a whole number from 1 to {MOST_THREADS}"))
}

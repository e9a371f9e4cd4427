//! `intnacl vectors`: test vectors for programs in any language.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use intnacl_judge::vectors::{by_id, generate, judge, read_result};
use intnacl_judge::{Float, Outcome, Standard};

use super::error::Error;
use super::implementation::Dtype;
use super::input;
use super::verify::StandardName;
use super::{print, write_whole};

/// Writes test vectors, and judges answers to them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct VectorsArgs {
    #[command(subcommand)]
    pub action: Action,
}

const EXAMPLES: &str = "\
A file holds the vectors of one loss: requests, exact answers, what a program may be off by, and which known slips
each vector shows. `schema.json` describes the files.

Examples:
  intnacl vectors generate --out vectors
  intnacl vectors check --dtype f32 answers.jsonl";

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Writes the files; the same ones, to the byte, every time.
    Generate {
        /// The folder that they are written into.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Judges answers: JSON lines, each an answer with the `id` of its vector.
    Check {
        /// The files; `-` is standard input.
        #[arg(value_name = "RESULTS", required = true)]
        results: Vec<PathBuf>,
        /// The type that the program computes in.
        #[arg(long, value_enum, default_value_t = Dtype::F64)]
        dtype: Dtype,
        /// The standard that is asked for.
        #[arg(long, value_enum, default_value_t = StandardName::Right)]
        standard: StandardName,
    },
}

/// Writes or checks vectors; whether all answers reached the standard.
///
/// # Errors
/// [`Error`]: a file that cannot be read or written, a line that is no answer or has an id that no vector has.
pub fn run(args: &VectorsArgs) -> Result<bool, Error> {
    match &args.action {
        Action::Generate { out } => {
            fs::create_dir_all(out)
                .map_err(|source| Error::WriteFile { name: out.display().to_string(), source })?;
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            for (name, text) in generate(threads) {
                write_whole(&out.join(name), &text)?;
            }
            Ok(true)
        }
        Action::Check { results, dtype, standard } => check(results, dtype.float(), (*standard).into()),
    }
}

fn check(results: &[PathBuf], float: Float, standard: Standard) -> Result<bool, Error> {
    let all = by_id();
    let mut outcomes: BTreeMap<&str, Outcome> = BTreeMap::new();
    for path in results {
        let text = input::read(path)?;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let refused = |problem| Error::Vector {
                place: format!("{}, line {}", path.display(), number + 1),
                problem,
            };
            let (vector, reply) = read_result(line, &all).map_err(refused)?;
            if outcomes.insert(&vector.id, judge(vector, reply, float)).is_some() {
                return Err(refused(format!(
                    "id = {:?} is given twice: expected one answer a vector",
                    vector.id
                )));
            }
        }
    }
    let mut wrong = 0;
    for (id, outcome) in &outcomes {
        let Some((what, _)) = outcome.broken(standard) else { continue };
        wrong += 1;
        let vector = &all[*id];
        let flags: Vec<&str> = vector.flags.iter().map(|bug| bug.name()).collect();
        print(&format!("{id} fails: {what}\n  {}; shows {}\n", vector.comment, flags.join(", ")))?;
    }
    let (answered, missing) = (outcomes.len(), all.len() - outcomes.len());
    let absent = if missing == 0 { String::new() } else { format!("; {missing} have no answer") };
    print(&format!(
        "{} of {answered} answers are {standard} in {float}, of {} vectors{absent}\n",
        answered - wrong,
        all.len()
    ))?;
    Ok(wrong == 0)
}

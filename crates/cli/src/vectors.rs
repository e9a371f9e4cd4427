//! `intnacl vectors`: test vectors for programs in any language.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use intnacl_judge::vectors::{Vector, generate, judge, published};
use intnacl_judge::{Float, Outcome, Standard};
use intnacl_reference::json;

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
    let all: HashMap<String, Vector> =
        published().into_iter().map(|vector| (vector.id.clone(), vector)).collect();
    let mut outcomes: BTreeMap<String, Outcome> = BTreeMap::new();
    for path in results {
        let text = input::read(path)?;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let place = || format!("{}, line {}", path.display(), number + 1);
            let (id, answer) = with_id(line).map_err(|problem| Error::Vector { place: place(), problem })?;
            let vector = all.get(&id).ok_or_else(|| Error::Vector {
                place: place(),
                problem: format!("id = {id:?}: expected that of a vector, such as simclr-batch-1"),
            })?;
            let reply = json::read_reply(&answer, &vector.request).map_err(|error| error.to_string());
            if outcomes.insert(id.clone(), judge(vector, reply, float)).is_some() {
                let problem = format!("id = {id:?} is given twice: expected one answer a vector");
                return Err(Error::Vector { place: place(), problem });
            }
        }
    }
    let mut wrong = 0;
    for (id, outcome) in &outcomes {
        let Some((what, _)) = outcome.broken(standard) else { continue };
        wrong += 1;
        let flags: Vec<&str> = all[id].flags.iter().map(|bug| bug.name()).collect();
        print(&format!("{id} fails: {what}\n  {}; shows {}\n", all[id].comment, flags.join(", ")))?;
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

/// The id of a line, and the line without it.
fn with_id(line: &str) -> Result<(String, String), String> {
    // Numbers that are no JSON are left to the reader of answers, which tells their place.
    let start = line.find("\"id\"").ok_or("id is missing: expected a string")?;
    let rest = line[start + 4..].trim_start().strip_prefix(':').ok_or("id: expected a string")?.trim_start();
    let end = rest.strip_prefix('"').and_then(|rest| rest.find('"')).ok_or("id: expected a string")?;
    let id = rest[1..=end].to_owned();
    let after = rest[end + 2..].trim_start();
    let before = line[..start].trim_end();
    let (before, after) = match after.strip_prefix(',') {
        Some(after) => (before, after),
        None => (before.trim_end_matches(','), after),
    };
    Ok((id, format!("{before}{after}")))
}

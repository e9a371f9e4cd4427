//! `intnacl verify`: the laws, run on an implementation.

use std::path::PathBuf;

use clap::Args;

use super::error::Error;
use super::implementation::{Implementation, Target};

/// Runs the laws on an implementation and prints a table; for a failure, the smallest counterexample.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct VerifyArgs {
    /// Who computes.
    #[arg(long, value_enum, default_value_t = Implementation::Production)]
    pub implementation: Implementation,
    #[command(flatten)]
    pub target: Target,
    /// How many cases of each law and loss.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub cases: Option<u32>,
    /// The seed of the cases: the same seed gives the same cases.
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
    /// Only this law; may be given several times.
    #[arg(long = "law", value_name = "NAME")]
    pub laws: Vec<String>,
    /// Only this loss; may be given several times.
    #[arg(long = "loss", value_name = "NAME")]
    pub losses: Vec<String>,
    /// Also writes the results to this file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  intnacl verify
  intnacl verify --implementation reference --cases 100 --seed 7
  intnacl verify --device cuda:0 --dtype bf16 --loss int_nacl --json verified.json";

/// Runs the laws; whether all held.
///
/// # Errors
/// [`Error`]: options that do not fit each other, a law or loss that is not known, an implementation that
/// does not start.
pub fn run(args: &VerifyArgs) -> Result<bool, Error> {
    args.target.check(args.implementation)?;
    Err(Error::NotThere("verify"))
}

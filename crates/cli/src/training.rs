//! `intnacl train`, `intnacl evaluate` and `intnacl reproduce`: the program `intnacl-training`, with the same words.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Args;

use crate::error::Error;
use crate::sibling::Sibling;

const TRAINING: Sibling =
    Sibling { name: "intnacl-training", build: "cargo build --package intnacl-training --bins" };

/// Words that are not for this program to read, `--help` among them.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct TrainingArgs {
    /// Handed on to intnacl-training as they are.
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// Lets `intnacl-training COMMAND ARGS...` do the work; its exit status is this program's.
///
/// # Errors
/// [`Error::Sibling`] if there is no such program, [`Error::Start`] if the system does not start it.
pub fn run(command: &str, args: &TrainingArgs) -> Result<ExitCode, Error> {
    let program = TRAINING.find()?;
    let mut training = Command::new(&program);
    training.arg(command).args(&args.words);
    become_program(program, training)
}

/// Takes this process's place, where the system has that, so that signals need no passing on.
#[cfg(unix)]
fn become_program(program: PathBuf, mut command: Command) -> Result<ExitCode, Error> {
    use std::os::unix::process::CommandExt;
    Err(Error::Start { program, source: command.exec() })
}

#[cfg(not(unix))]
fn become_program(program: PathBuf, mut command: Command) -> Result<ExitCode, Error> {
    let status = command.status().map_err(|source| Error::Start { program, source })?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

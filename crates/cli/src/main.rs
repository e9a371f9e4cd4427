//! The command `intnacl`: a loss, the laws, and what else works on requests; a file a command.
//!
//! It uses the crate `intnacl-reference` alone, so that it builds and starts where there is no libtorch.
//! What libtorch computes comes from programs beside this one, which [`sibling`] finds.

mod arrays;
mod bound;
mod description;
mod error;
mod explain;
mod group;
mod images;
mod implementation;
mod input;
mod judged;
mod junit;
mod known;
mod last_words;
mod loss;
mod patience;
mod production;
mod program;
mod report;
mod results;
mod sibling;
mod soak;
mod training;
mod vectors;
mod verify;

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use error::Error;
use indicatif::{ProgressBar, ProgressStyle};

/// Contrastive losses as neighbourhood component analysis: values, gradients, and checks of both.
#[derive(Parser)]
#[command(name = "intnacl", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Loss(loss::LossArgs),
    Explain(explain::ExplainArgs),
    Verify(verify::VerifyArgs),
    Soak(soak::SoakArgs),
    Bound(bound::BoundArgs),
    Vectors(vectors::VectorsArgs),
    /// Trains an encoder (the program intnacl-training).
    #[command(after_help = TRAINING)]
    Train(training::TrainingArgs),
    /// Measures standard and robust accuracy of a checkpoint (the program intnacl-training).
    #[command(after_help = TRAINING)]
    Evaluate(training::TrainingArgs),
    /// Repeats the paper's tables (the program intnacl-training).
    #[command(after_help = TRAINING)]
    Reproduce(training::TrainingArgs),
}

const TRAINING: &str = "\
The words are handed on to the program intnacl-training, beside this one or in PATH, which needs libtorch.

Examples:
  intnacl train --epochs 5
  intnacl evaluate --help";

const EXAMPLES: &str = "\
Examples:
  intnacl loss request.json
  intnacl explain request.json
  intnacl verify --device cuda:0 --dtype bf16
  intnacl verify --command 'python3 my_loss.py'
  intnacl bound --classes 10 --positives 5 --negatives 510

Exit status: 0 if done and all held, 1 if a check failed, 2 if the input was refused.";

/// A text without line breaks and other control characters, which file names and arguments may bring in.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Runs the command that was asked for: status 0 (done, all held), 1 (a check failed) or 2 (refused, with
/// one line on standard error).
fn main() -> ExitCode {
    match run() {
        Ok(status) => status,
        Err(error) => {
            // With standard error closed there is nobody to tell.
            let _ = writeln!(io::stderr(), "intnacl: {}", one_line(&error.to_string()));
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<ExitCode, Error> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            return print(error.render().to_string().trim_end()).map(done);
        }
        Err(error) => return Err(Error::Arguments(expected_arguments(&error))),
    };
    match cli.command {
        Command::Loss(args) => loss::run(&args).map(done),
        Command::Explain(args) => explain::run(&args).map(done),
        Command::Verify(args) => verify::run(&args).map(held),
        Command::Soak(args) => soak::run(&args).map(held),
        Command::Bound(args) => bound::run(&args).map(done),
        Command::Vectors(args) => vectors::run(&args).map(held),
        Command::Train(args) => training::run("train", &args),
        Command::Evaluate(args) => training::run("evaluate", &args),
        Command::Reproduce(args) => training::run("reproduce", &args),
    }
}

fn done((): ()) -> ExitCode {
    ExitCode::SUCCESS
}

fn held(all: bool) -> ExitCode {
    if all { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// Writes a result to standard output. A reader that has gone (`| head`) has had enough: no error.
fn print(text: &str) -> Result<(), Error> {
    let mut output = io::stdout().lock();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.write_all(b"\n"));
    match written.and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Write(error)),
        _ => Ok(()),
    }
}

/// Writes a file that is there as a whole or not at all: under another name first. What is no file, such as
/// `/dev/null`, is written to as it is.
fn write_whole(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |source| Error::WriteFile { name: path.display().to_string(), source };
    if path.exists() && !path.is_file() {
        return fs::write(path, text).map_err(failed);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // Temporary files are for their owner alone; this one is to be a file like others.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// A bar on a terminal, nothing elsewhere.
fn progress(length: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// What clap says over several lines, as one: what is wrong, and how the command is used.
fn expected_arguments(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let problem = text.split("\n\n").next().unwrap_or_default();
    let problem = problem.strip_prefix("error: ").unwrap_or(problem);
    let no_command = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if no_command || error.kind() == ErrorKind::InvalidSubcommand {
        let cli = Cli::command();
        let commands: Vec<&str> = cli.get_subcommands().map(clap::Command::get_name).collect();
        let problem = if no_command { "no command" } else { problem };
        return format!("{problem}: expected one of {} (more with --help)", commands.join(", "));
    }
    let usage = text.lines().find_map(|line| line.strip_prefix("Usage: "));
    match usage {
        Some(usage) => format!("{problem}: expected {usage}"),
        None => format!("{problem} (more with --help)"),
    }
}

//! Commands, their output and their exit status.

mod error;
mod implementation;
mod input;
mod loss;
mod production;
mod verify;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use error::{Error, one_line};

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
    Verify(verify::VerifyArgs),
}

const EXAMPLES: &str = "\
Examples:
  intnacl loss request.json
  intnacl verify --device cuda:0 --dtype bf16

Exit status: 0 if done and all held, 1 if a check failed, 2 if the input was refused.";

/// Runs the command that was asked for: status 0 (done, all held), 1 (a check failed) or 2 (refused, with
/// one line on standard error).
pub fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // With standard error closed there is nobody to tell.
            let _ = writeln!(io::stderr(), "intnacl: {}", one_line(&error.to_string()));
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool, Error> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            return print(error.render().to_string().trim_end()).map(|()| true);
        }
        Err(error) => return Err(Error::Arguments(expected_arguments(&error))),
    };
    match cli.command {
        Command::Loss(args) => loss::run(&args).map(|()| true),
        Command::Verify(args) => verify::run(&args),
    }
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

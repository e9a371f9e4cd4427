//! Trains encoders with the paper's losses, and measures how accurate and robust they are.

mod command;

use clap::{Parser, Subcommand};
use intnacl_training::Error;
use std::process::ExitCode;

/// Trains encoders with contrastive losses, and measures how accurate and robust they are.
#[derive(Parser)]
#[command(name = "intnacl-training", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Train(command::train::Arguments),
    Evaluate(command::evaluate::Arguments),
    Reproduce(command::reproduce::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Train(arguments) => command::train::run(&arguments),
        Command::Evaluate(arguments) => command::evaluate::run(&arguments),
        Command::Reproduce(arguments) => command::reproduce::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            if error.is_refusal() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// The result of a command.
type Result<T> = std::result::Result<T, Error>;

//! Trains encoders with the paper's losses, and measures how accurate and robust they are.

mod command;

use clap::{Parser, Subcommand};
use intnacl_training::{Error, memory};
use std::process::ExitCode;

/// Trains encoders with contrastive losses, and measures how accurate and robust they are.
#[derive(Parser)]
#[command(name = "intnacl-training", version)]
struct Arguments {
    /// Threads of libtorch on a processor (default: one for each core)
    #[arg(long, global = true, value_parser = clap::value_parser!(i32).range(1..=1024))]
    threads: Option<i32>,
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
    let Arguments { threads, command } = Arguments::parse();
    memory::keep_freed();
    if let Some(threads) = threads {
        tch::set_num_threads(threads);
    }
    let done = match command {
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

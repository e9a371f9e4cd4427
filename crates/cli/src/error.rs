//! What a command refuses.

use std::io;
use std::path::PathBuf;

use intnacl_reference::json;
use thiserror::Error;

use super::{program, sibling};

/// Why a command did not run to its end.
#[derive(Debug, Error)]
pub enum Error {
    /// The arguments are not those of a command.
    #[error("{0}")]
    Arguments(String),
    /// An option that the chosen implementation does not have.
    #[error("{option} {value}: expected only with --implementation production")]
    OnlyProduction {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
    },
    /// An option, or a value of one, that only a program named by `--command` may have.
    #[error("{option} {value}: expected only with verify --command")]
    OnlyProgram {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
    },
    /// `--command` is no program with arguments.
    #[error("--command {command:?}: {problem}: expected a program and its arguments, quoted as for a shell")]
    Command {
        /// As it was given.
        command: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A program describes itself by what is not known.
    #[error("the description of {name}: {problem}")]
    Description {
        /// The program.
        name: String,
        /// What is wrong, and what was expected.
        problem: String,
    },
    /// A program claims no temperature that was asked for.
    #[error("--temperatures {wanted}: {name} claims {claimed}: expected ranges that meet")]
    Temperatures {
        /// What was asked for.
        wanted: String,
        /// The program.
        name: String,
        /// Its range.
        claimed: String,
    },
    /// An entry of the list of known failures.
    #[error("{file}: {problem}")]
    Known {
        /// The file.
        file: String,
        /// The field, its value, and what was expected.
        problem: String,
    },
    /// An input cannot be read.
    #[error("{name}: {source}: expected a readable file")]
    Read {
        /// The file.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// An input is not what its command reads.
    #[error("{name} {problem}")]
    Input {
        /// The file.
        name: String,
        /// What it is, and what was expected.
        problem: String,
    },
    /// A request, or the answer to it, has the wrong form or wrong values.
    #[error(transparent)]
    Json(#[from] json::Error),
    /// The reference refuses a value.
    #[error(transparent)]
    Reference(#[from] intnacl_reference::Error),
    /// Production, or another program, did not answer.
    #[error(transparent)]
    Program(#[from] program::Error),
    /// A program that stands beside this one is not there.
    #[error(transparent)]
    Sibling(#[from] sibling::Error),
    /// A program is there, but the system does not start it.
    #[error("{}: {source}: expected a program that starts", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Standard output does not take the result.
    #[error("standard output: {0}: expected to write the result there")]
    Write(io::Error),
    /// No law or loss of that name.
    #[error("--{option} {name}: expected one of {known}")]
    Unknown {
        /// The option.
        option: &'static str,
        /// Its value.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// No law speaks of the losses that were chosen.
    #[error("no law speaks of that loss: {0}")]
    NothingToVerify(String),
    /// A result file cannot be written.
    #[error("{name}: {source}: expected a file that can be written")]
    WriteFile {
        /// The file.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// A line of answers to vectors is none.
    #[error("{place}: {problem}")]
    Vector {
        /// File and line.
        place: String,
        /// What was found, and what was expected.
        problem: String,
    },
}

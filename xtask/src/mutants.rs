//! Mutants: `cargo-mutants` is installed, and `crates/mutants` told where it is.

use std::path::Path;
use std::process::ExitCode;

use crate::{Result, cargo, tools};

pub fn run(workspace: &Path, libtorch: &Path, args: Vec<String>) -> Result<ExitCode> {
    let program = tools::provide(workspace, "cargo-mutants", "27.1.0")?;
    let run = ["run", "--quiet", "--package", "intnacl-mutants", "--"].map(String::from);
    let tool = ["--tool".to_owned(), program.to_string_lossy().into_owned()];
    cargo::become_cargo(workspace, libtorch, &run.into_iter().chain(tool).chain(args).collect::<Vec<_>>())
}

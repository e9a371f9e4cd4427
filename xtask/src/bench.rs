//! `cargo xtask bench`: measures the package's losses.

use std::path::Path;
use std::process::ExitCode;

use crate::{Result, cargo};

pub fn run(workspace: &Path, libtorch: &Path, args: Vec<String>) -> Result<ExitCode> {
    let bench = ["bench", "--package", "intnacl"].map(String::from).into_iter();
    cargo::become_cargo(workspace, libtorch, &bench.chain(args).collect::<Vec<_>>())
}

//! What only a graphics card can tell: `crates/gpu-report` measures it.

use std::path::Path;
use std::process::ExitCode;

use crate::{Result, cargo};

pub fn run(workspace: &Path, libtorch: &Path, args: Vec<String>) -> Result<ExitCode> {
    let run = ["run", "--quiet", "--package", "intnacl-gpu-report", "--"].map(String::from);
    cargo::become_cargo(workspace, libtorch, &run.into_iter().chain(args).collect::<Vec<_>>())
}

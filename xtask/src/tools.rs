//! Programs of cargo that only some chores need: installed into the target folder when they are first asked for.

use std::env;
use std::path::{Path, PathBuf};

use crate::{Result, cargo};

/// A program of the registry in a version, and installs it where it is not yet.
pub fn provide(workspace: &Path, name: &str, version: &str) -> Result<PathBuf> {
    let root = cargo::target(workspace).join("tools").join(format!("{name}-{version}"));
    let program = root.join("bin").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    if !program.exists() {
        eprintln!("{name} {version} is installed into {}", root.display());
        let mut install = cargo::plain();
        install.args(["install", "--locked", "--quiet", "--version", version, name, "--root"]).arg(&root);
        let status = install.status().map_err(|error| format!("cargo could not be started: {error}"))?;
        if !status.success() {
            return Err(format!("{name} {version} could not be installed"));
        }
    }
    Ok(program)
}

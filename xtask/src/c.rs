//! `cargo xtask c`: the library for C and C++, with its headers and the files of pkg-config and CMake.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::{Result, cargo};

#[path = "../../bindings/c/install/mod.rs"]
mod files;

/// Builds the library with all optimisations, and copies it with what belongs to it into a folder.
pub fn run(workspace: &Path, args: &[String]) -> Result<ExitCode> {
    let prefix = prefix(workspace, args)?;
    let mut build = cargo::plain();
    build.args(["build", "--release", "--locked", "--package", "intnacl-c"]).current_dir(workspace);
    let status = build.status().map_err(|error| format!("cargo could not be started: {error}"))?;
    if !status.success() {
        return Ok(cargo::exit_code(status));
    }
    let built = cargo::target(workspace).join("release");
    files::install(&built, &prefix, &version(workspace)?).map_err(|error| error.to_string())?;
    println!("{}", prefix.display());
    Ok(ExitCode::SUCCESS)
}

/// Where the files go: `target/c` unless a folder is given.
fn prefix(workspace: &Path, args: &[String]) -> Result<PathBuf> {
    match args {
        [] => Ok(cargo::target(workspace).join("c")),
        [option, folder] if option == "--prefix" => Ok(PathBuf::from(folder)),
        _ => Err(format!("`cargo xtask c` takes only --prefix DIR, not `{}`", args.join(" "))),
    }
}

/// The version of the workspace's packages.
fn version(workspace: &Path) -> Result<String> {
    let path = workspace.join("Cargo.toml");
    let manifest = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let package = manifest.split("[workspace.package]").nth(1).unwrap_or_default();
    let line = package.lines().find_map(|line| line.strip_prefix("version = "));
    line.map(|version| version.trim_matches('"').to_owned())
        .ok_or_else(|| format!("{}: the workspace has no version", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_taken_and_nothing_else() {
        let workspace = cargo::workspace();
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert!(prefix(&workspace, &[]).unwrap().ends_with("c"));
        assert_eq!(prefix(&workspace, &words("--prefix /opt")).unwrap(), Path::new("/opt"));
        for wrong in ["--prefix", "/opt", "--prefix /opt --fast"] {
            assert!(prefix(&workspace, &words(wrong)).unwrap_err().contains(wrong));
        }
    }

    #[test]
    fn the_version_is_that_of_this_package() {
        assert_eq!(version(&cargo::workspace()).unwrap(), env!("CARGO_PKG_VERSION"));
    }
}

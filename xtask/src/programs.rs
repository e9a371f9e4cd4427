//! The programs of the workspace: the command `intnacl`, and those that it starts from beside it.

use std::path::Path;
use std::process::ExitCode;

use crate::{Result, cargo};

/// The packages that have them. They are also the workspace's default members, so that what is built here is
/// what a plain `cargo build` or `cargo run` takes for up to date.
const PACKAGES: [&str; 2] = ["intnacl-cli", "intnacl"];

/// How the programs are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Dev,
    Release,
}

impl Profile {
    fn option(self) -> Option<&'static str> {
        match self {
            Self::Dev => None,
            Self::Release => Some("--release"),
        }
    }
}

/// Builds the programs, and lets `intnacl COMMAND ARGS...` take this process's place.
pub fn run(
    workspace: &Path,
    libtorch: &Path,
    profile: Profile,
    command: &str,
    args: Vec<String>,
) -> Result<ExitCode> {
    let built = cargo::run(workspace, libtorch, &build(profile))?;
    if !built.success() {
        return Ok(cargo::exit_code(built));
    }
    cargo::become_cargo(workspace, libtorch, &start(profile, command, args))
}

fn build(profile: Profile) -> Vec<String> {
    let packages = PACKAGES.iter().flat_map(|package| ["--package", package]);
    ["build", "--bins"].into_iter().chain(packages).chain(profile.option()).map(String::from).collect()
}

/// `cargo run` knows where the program lies, whatever the target folder is set to.
fn start(profile: Profile, command: &str, args: Vec<String>) -> Vec<String> {
    let words = ["run", "--quiet", "--bin", "intnacl"].into_iter().chain(profile.option());
    words.chain(["--", command]).map(String::from).chain(args).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packages_are_the_default_members_so_that_nothing_is_built_twice() {
        let workspace = cargo::workspace();
        let manifest = std::fs::read_to_string(workspace.join("Cargo.toml")).unwrap();
        let line = manifest.lines().find_map(|line| line.strip_prefix("default-members = ")).unwrap();
        let members = line.trim_matches(['[', ']']).split(", ").map(|member| member.trim_matches('"'));
        let mut names: Vec<String> = members
            .map(|member| {
                let manifest = std::fs::read_to_string(workspace.join(member).join("Cargo.toml")).unwrap();
                let (_, package) = manifest.split_once("[package]\n").unwrap();
                let name = package.lines().find_map(|line| line.strip_prefix("name = ")).unwrap();
                name.trim_matches('"').to_owned()
            })
            .collect();
        let mut packages = PACKAGES.map(String::from);
        names.sort();
        packages.sort();
        assert_eq!(names, packages);
    }

    #[test]
    fn a_soak_is_built_and_run_with_all_optimisations() {
        assert!(build(Profile::Release).contains(&"--release".to_owned()));
        let words = start(Profile::Release, "soak", vec!["--release".to_owned()]);
        assert_eq!(words.join(" "), "run --quiet --bin intnacl --release -- soak --release");
        assert!(!build(Profile::Dev).contains(&"--release".to_owned()));
    }
}

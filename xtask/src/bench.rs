//! `cargo xtask bench`: measures the package's losses.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::{Result, cargo, peers};

/// The word that asks for PyTorch beside them.
const PEERS: &str = "--peers";

pub fn run(workspace: &Path, libtorch: &Path, mut args: Vec<String>) -> Result<ExitCode> {
    let own = args.iter().position(|word| word == "--").unwrap_or(args.len());
    let Some(place) = args[..own].iter().position(|word| word == PEERS) else {
        let bench = ["bench", "--package", "intnacl"].map(String::from).into_iter();
        return cargo::become_cargo(workspace, libtorch, &bench.chain(args).collect::<Vec<_>>());
    };
    args.remove(place);
    beside_pytorch(workspace, libtorch, &args)
}

/// Builds the measuring program, has it look at its arguments before anything is downloaded for them, and runs
/// it with a Python that has PyTorch.
fn beside_pytorch(workspace: &Path, libtorch: &Path, args: &[String]) -> Result<ExitCode> {
    let build = ["bench", "--no-run", "--package", "intnacl", "--bench", "peers"];
    let build = build.into_iter().chain(["--message-format", "json-render-diagnostics"]).map(String::from);
    let (status, messages) = cargo::output(workspace, libtorch, &build.collect::<Vec<_>>())?;
    if !status.success() {
        return Ok(cargo::exit_code(status));
    }
    let program = messages.lines().rev().find_map(|line| executable(line, "peers"));
    let program = program.ok_or("cargo does not tell which program it has built")?;
    let measure = || {
        let mut command = Command::new(&program);
        command.args(args);
        command
    };
    if args.iter().any(|word| word == "-h" || word == "--help") {
        return cargo::become_program(measure());
    }
    let checked = measure().arg("--check").status();
    let checked = checked.map_err(|error| format!("{}: {error}", program.display()))?;
    if !checked.success() {
        return Ok(cargo::exit_code(checked));
    }
    let mut command = measure();
    // Whoever names a Python has set it up.
    if !args.iter().any(|word| word == "--python" || word.starts_with("--python=")) {
        let python = peers::provide()?;
        command.arg("--python").arg(python.program);
        if let Some(folder) = python.folder {
            command.arg("--python-path").arg(folder);
        }
    }
    cargo::become_program(command)
}

/// The program that a line of cargo's messages tells of, if it is that of target `name`.
fn executable(line: &str, name: &str) -> Option<PathBuf> {
    if !line.contains(&format!("\"name\":\"{name}\"")) {
        return None;
    }
    let (_, rest) = line.split_once("\"executable\":\"")?;
    let mut path = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return Some(PathBuf::from(path)),
            // Of what JSON can escape, only these two stand in paths.
            '\\' => path.push(characters.next().filter(|next| matches!(next, '\\' | '"' | '/'))?),
            character => path.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_read_from_cargos_messages() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"peers"},"executable":"/a b/peers-1"}"#;
        assert_eq!(executable(line, "peers"), Some(PathBuf::from("/a b/peers-1")));
        assert_eq!(executable(line, "losses"), None);
        let line = r#"{"target":{"name":"peers"},"executable":"C:\\a\\peers.exe","fresh":true}"#;
        assert_eq!(executable(line, "peers"), Some(PathBuf::from(r"C:\a\peers.exe")));
        let none = [r#"{"target":{"name":"peers"},"executable":null}"#, r#"{"reason":"build-finished"}"#, ""];
        assert!(none.iter().all(|line| executable(line, "peers").is_none()));
    }
}

//! Finds libtorch, or has it installed.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, cargo_config, install, pip};

/// The version of torch that the `tch` in Cargo.toml is made for: they change together.
pub const VERSION: &str = "2.13.0";

/// Which libtorch to install where none is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Set {
    /// Computes on the CPU only: a sixth of the size.
    Cpu,
    /// With CUDA and all of its libraries.
    Cuda,
    /// The whole wheel with all that it requires, as this version of Python imports it.
    Python(u32, u32),
}

/// Where a libtorch was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    Variable,
    Python,
    Cache,
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Variable => "the variable LIBTORCH",
            Self::Python => "the installed Python package `torch`",
            Self::Cache => "the cache folder",
        })
    }
}

/// The file name of a shared library on this system.
pub fn library(name: &str) -> String {
    format!("{}{name}{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX)
}

/// What keeps `folder` from being a libtorch that programs can be linked with and run, if anything.
pub fn flaw(folder: &Path, set: Set) -> Option<String> {
    let header = folder.join("include/torch/csrc/api/include/torch/torch.h");
    if !header.is_file() {
        return Some(format!("{} is missing", header.display()));
    }
    let needed: &[&str] = match set {
        Set::Cpu | Set::Python(..) => &["c10", "torch", "torch_cpu"],
        Set::Cuda => &["c10", "torch", "torch_cpu", "torch_cuda"],
    };
    needed.iter().find_map(|name| {
        let library = folder.join("lib").join(library(name));
        if !library.is_file() {
            return Some(format!("{} is missing", library.display()));
        }
        // libtorch.so itself is there to be named to the linker: it has nothing to load.
        let lacking = if *name == "torch" { Vec::new() } else { unresolved(&library) };
        let lacking = lacking.join(", ");
        (!lacking.is_empty()).then(|| format!("{} needs {lacking}, not found", library.display()))
    })
}

/// The libraries that `library` needs, directly or not, and the loader does not find. Only asked on
/// Linux: elsewhere libtorch comes in one piece.
pub fn unresolved(library: &Path) -> Vec<String> {
    if !cfg!(target_os = "linux") {
        return Vec::new();
    }
    let Ok(output) = Command::new("ldd").arg(library).output() else {
        return Vec::new();
    };
    not_found(&String::from_utf8_lossy(&output.stdout))
}

/// The libraries that the output of `ldd` marks as not found.
fn not_found(ldd: &str) -> Vec<String> {
    let lines = ldd.lines().filter(|line| line.ends_with("=> not found"));
    let mut names: Vec<String> =
        lines.filter_map(|line| line.split_whitespace().next()).map(String::from).collect();
    names.sort();
    names.dedup();
    names
}

/// Tells where Python would import `torch` from, and its version, without importing it: that takes
/// seconds, and fails where Python's part of it lacks something that libtorch can do without.
const ASK_PYTHON: &str = "
import importlib.metadata, importlib.util, sys
sys.path = [path for path in sys.path if path]
found = importlib.util.find_spec('torch')
if found and found.submodule_search_locations:
    print(importlib.metadata.version('torch'))
    print(list(found.submodule_search_locations)[0])
";

/// The folder of an installed Python `torch` of the right version that has what `set` asks for.
fn in_python(set: Set) -> Option<PathBuf> {
    let output = pip::python().args(["-c", ASK_PYTHON]).output().ok()?;
    let folder = answered_folder(&String::from_utf8(output.stdout).ok()?)?;
    match flaw(&folder, set) {
        None => Some(folder),
        Some(flaw) => {
            eprintln!("libtorch: Python's torch {VERSION} is of no use here: {flaw}");
            None
        }
    }
}

/// The folder in Python's answer, if the version there is the right one, whatever it was built for.
fn answered_folder(answer: &str) -> Option<PathBuf> {
    let (version, folder) = answer.trim_end().split_once('\n')?;
    let release = version.split_once('+').map_or(version, |(release, _)| release);
    (release == VERSION).then(|| PathBuf::from(folder.trim_end()))
}

/// The first of the three places that has a libtorch; each is only asked when those before it had none.
fn choose(
    variable: Option<PathBuf>,
    python: impl FnOnce() -> Option<PathBuf>,
    cache: impl FnOnce() -> Result<PathBuf>,
) -> Result<(PathBuf, Source)> {
    if let Some(folder) = variable {
        return Ok((folder, Source::Variable));
    }
    match python() {
        Some(folder) => Ok((folder, Source::Python)),
        None => Ok((cache()?, Source::Cache)),
    }
}

/// The variable LIBTORCH as a person set it, checked. What an earlier search wrote into
/// `.cargo/libtorch.toml` is no such setting, though cargo shows it to this program as one.
fn variable(workspace: &Path, set: Set) -> Result<Option<PathBuf>> {
    let Some(value) = env::var_os("LIBTORCH").filter(|value| value != OsStr::new("")) else {
        return Ok(None);
    };
    let recorded = cargo_config::path(workspace);
    let file = fs::read_to_string(&recorded).unwrap_or_default();
    if value.to_str().is_some_and(|value| cargo_config::was_found_by_search(&file, value)) {
        return Ok(None);
    }
    let folder = std::path::absolute(&value).map_err(|error| format!("LIBTORCH: {error}"))?;
    // A library that is found only by LD_LIBRARY_PATH or the like is the setter's own business.
    match flaw(&folder, Set::Cpu) {
        Some(flaw) => Err(format!(
            "LIBTORCH is {}, but {flaw}.\n\
             Set it to a folder with the lib/ and include/ of libtorch {VERSION}, or unset it and delete\n\
             {}, which remembers it, to have libtorch looked for.",
            folder.display(),
            recorded.display()
        )),
        None => {
            if let (Set::Cuda, Some(flaw)) = (set, flaw(&folder, set)) {
                eprintln!("libtorch: LIBTORCH is set, and will work without CUDA: {flaw}");
            }
            Ok(Some(folder))
        }
    }
}

/// Finds or installs libtorch, tells cargo of it, and gives its folder.
pub fn set_up(workspace: &Path, set: Set) -> Result<PathBuf> {
    let variable = variable(workspace, set)?;
    let (folder, source) = choose(variable, || in_python(set), || install::provide(set))?;
    cargo_config::write(workspace, &folder, source)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> PathBuf {
        PathBuf::from(text)
    }

    #[test]
    fn the_variable_wins_over_python_and_python_over_the_cache() {
        let chosen = choose(Some(path("/v")), || panic!("asked"), || panic!("asked"));
        assert_eq!(chosen.unwrap(), (path("/v"), Source::Variable));
        let chosen = choose(None, || Some(path("/p")), || panic!("asked"));
        assert_eq!(chosen.unwrap(), (path("/p"), Source::Python));
        let chosen = choose(None, || None, || Ok(path("/c")));
        assert_eq!(chosen.unwrap(), (path("/c"), Source::Cache));
        let chosen = choose(None, || None, || Err("no network".to_owned()));
        assert_eq!(chosen.unwrap_err(), "no network");
    }

    #[test]
    fn only_the_right_version_of_pythons_torch_counts() {
        let answer = |version: &str| answered_folder(&format!("{version}\n/a b/torch\n"));
        for version in ["2.13.0", "2.13.0+cpu", "2.13.0+cu130"] {
            assert_eq!(answer(version), Some(path("/a b/torch")), "{version}");
        }
        for version in ["2.13.1", "2.12.0", "2.13.0a0", "2.1"] {
            assert_eq!(answer(version), None, "{version}");
        }
        assert_eq!(answered_folder(""), None);
    }

    #[test]
    fn missing_libraries_are_read_from_ldd() {
        let ldd = "\tlinux-vdso.so.1 (0x00007ffe)\n\
                   \tlibcudart.so.13 => not found\n\
                   \tlibc.so.6 => /lib/libc.so.6 (0x00007f)\n\
                   \tlibcupti.so.13 => not found\n\
                   \tlibcudart.so.13 => not found\n";
        assert_eq!(not_found(ldd), ["libcudart.so.13", "libcupti.so.13"]);
    }

    #[test]
    fn an_empty_folder_is_no_libtorch() {
        let scratch = crate::manifest::tests::Scratch::new("flaw");
        assert!(flaw(scratch.path(), Set::Cpu).unwrap().contains("torch.h is missing"));
        let header = scratch.path().join("include/torch/csrc/api/include/torch/torch.h");
        fs::create_dir_all(header.parent().unwrap()).unwrap();
        fs::write(&header, "").unwrap();
        assert!(flaw(scratch.path(), Set::Cpu).unwrap().contains("c10"));
    }
}

//! Finds libtorch, or has it installed.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::torch::{Set, Source, VERSION, flaw};
use crate::{Result, cargo_config, install, pip};

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
}

//! The Python package: its wheel, its tests with NumPy, JAX and PyTorch, and the scoreboard of published losses.
//!
//! Everything that pip installs goes into folders of the cache, once for all checkouts, as libtorch does. Of PyTorch
//! the smallest set that imports is taken: its wheel for Linux requires 3 GB of CUDA, of which nothing runs on a
//! processor; the loader only asks for libraries of these names, so empty ones stand in for them.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::torch::{self, Set, VERSION};
use crate::{Result, cargo, install, manifest, pip, requirements};

const MATURIN: &str = "maturin==1.16.0";

/// What the tests import beside PyTorch.
const PACKAGES: [&str; 3] = ["numpy>=2,<3", "pytest>=8,<10", "jax[cpu]==0.10.2"];

/// What `import torch` imports beside PyTorch itself.
const OF_TORCH: [&str; 6] = ["typing_extensions", "sympy", "filelock", "networkx", "jinja2", "fsspec"];

/// Functions of libraries that are not there are looked for when they are called: never.
const LAZY: &str = "import os, sys\nsys.setdlopenflags(os.RTLD_LAZY)\n";

/// Builds the wheel, and tells where it lies.
pub fn build(workspace: &Path) -> Result<PathBuf> {
    let tools = provide("maturin-1.16.0", "maturin", |folder| install_all(folder, &[MATURIN], true))?;
    let wheels = cargo::target(workspace).join("wheels");
    for old in wheels_in(&wheels) {
        fs::remove_file(&old).map_err(|error| format!("{}: {error}", old.display()))?;
    }
    let mut maturin =
        Command::new(tools.join("bin").join(format!("maturin{}", std::env::consts::EXE_SUFFIX)));
    maturin
        .args(["build", "--release", "--locked", "--interpreter", pip::PROGRAM, "--manifest-path"])
        .arg(workspace.join("bindings/python/Cargo.toml"))
        .arg("--out")
        .arg(&wheels)
        .current_dir(workspace);
    run(&mut maturin, "maturin")?;
    wheels_in(&wheels).pop().ok_or_else(|| "maturin has left no wheel".to_owned())
}

/// Builds the wheel and runs the tests of Python. What cannot be installed is no failure: it is said, and skipped.
pub fn test(workspace: &Path, args: &[String]) -> Result<ExitCode> {
    let skipped = |reason: String| {
        eprintln!("python: the tests are skipped: {reason}");
        Ok(ExitCode::SUCCESS)
    };
    let (version, packages) = match packages() {
        Ok(found) => found,
        Err(reason) => return skipped(reason),
    };
    let mut paths = vec![cargo::target(workspace).join("python-test"), packages];
    match torch(version) {
        Ok(folder) => paths.extend(folder),
        Err(reason) => eprintln!("python: the tests with PyTorch are skipped: {reason}"),
    }
    let wheel = match build(workspace) {
        Ok(wheel) => wheel,
        // Without a network there may be no maturin; a build that fails is a failure.
        Err(reason) if reason.contains("could not be installed") => return skipped(reason),
        Err(reason) => return Err(reason),
    };
    unpack(&wheel, &paths[0])?;
    let path = std::env::join_paths(&paths).map_err(|error| error.to_string())?;
    let mut pytest = pip::python();
    pytest
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
        .args(args)
        .current_dir(workspace.join("bindings/python"))
        .env("PYTHONPATH", path)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    // Made by `cargo test` of the workspace; where it is absent, the test that runs it says so and is skipped.
    let program = format!("debug/intnacl-training{}", std::env::consts::EXE_SUFFIX);
    pytest.env("INTNACL_TRAINING", cargo::target(workspace).join(program));
    let status = pytest.status().map_err(|error| format!("python3 could not be started: {error}"))?;
    Ok(cargo::exit_code(status))
}

/// Judges the losses of published packages, and writes `notes/scoreboard.md`. `args` are those of `board.py`.
pub fn scoreboard(workspace: &Path, args: &[String]) -> Result<ExitCode> {
    let (version, packages) = packages()?;
    let target = cargo::target(workspace);
    let mut paths = vec![target.join("python-test"), packages];
    paths.extend(torch(version)?);
    unpack(&build(workspace)?, &paths[0])?;
    let path = std::env::join_paths(&paths).map_err(|error| error.to_string())?;
    let mut board = pip::python();
    board
        .arg(workspace.join("bindings/python/scoreboard/board.py"))
        .arg("--packages")
        .arg(install::own_cache()?.join("scoreboard"))
        .arg("--work")
        .arg(target.join("scoreboard"))
        .args(args)
        .env("PYTHONPATH", path)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let status = board.status().map_err(|error| format!("python3 could not be started: {error}"))?;
    Ok(cargo::exit_code(status))
}

/// Python's version, and the folder of the packages that the wheel is used with, PyTorch apart.
fn packages() -> Result<((u32, u32), PathBuf)> {
    let version = pip::check()?;
    if !pip::has_wheel(version) {
        return Err(format!("Python {}.{} is not among 3.10 to 3.14", version.0, version.1));
    }
    let name = format!("python{}.{}-tests-1", version.0, version.1);
    Ok((version, provide(&name, "python", |folder| install_all(folder, &PACKAGES, true))?))
}

fn wheels_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "whl")).collect()
}

/// Installs the wheel alone into a folder, anew.
fn unpack(wheel: &Path, folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(format!("{}: {error}", folder.display()));
        }
        _ => {}
    }
    let mut pip = pip::python();
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--disable-pip-version-check",
        "--target",
    ])
    .arg(folder)
    .arg(wheel)
    .env("PIP_ROOT_USER_ACTION", "ignore");
    run(&mut pip, "pip")
}

/// Where PyTorch is imported from, beside Python's own folders: nothing where Python has it.
fn torch(version: (u32, u32)) -> Result<Option<PathBuf>> {
    if imports_torch(None) {
        return Ok(None);
    }
    for set in [Set::Cuda, Set::Python(version.0, version.1)] {
        let folder = install::ready(set).and_then(|torch| torch.parent().map(Path::to_path_buf));
        if let Some(folder) = folder.filter(|folder| imports_torch(Some(folder))) {
            return Ok(Some(folder));
        }
    }
    let name = format!("torch-{VERSION}-python{}.{}-cpu", version.0, version.1);
    provide(&name, "PyTorch for the CPU, 0.5 GB to download", install_torch).map(Some)
}

fn install_torch(folder: &Path) -> Result<()> {
    install_all(folder, &[&format!("torch=={VERSION}")], false)?;
    install_all(folder, &OF_TORCH, true)?;
    let at = |error: std::io::Error| format!("{}: {error}", folder.display());
    if cfg!(target_os = "linux") {
        let info = folder.join(format!("torch-{VERSION}.dist-info/METADATA"));
        let companions = requirements::cpu_companions(&fs::read_to_string(info).map_err(at)?, true);
        if !companions.is_empty() {
            install_all(folder, &companions.iter().map(String::as_str).collect::<Vec<_>>(), true)?;
        }
        let libraries = folder.join("torch/lib");
        for library in ["torch_python", "torch_cuda"].map(|name| libraries.join(torch::library(name))) {
            for missing in torch::unresolved(&library) {
                empty_library(&libraries, &missing)?;
            }
        }
        fs::write(folder.join("sitecustomize.py"), LAZY).map_err(at)?;
    }
    // What C++ programs are built with, a tenth of the size.
    let _ = fs::remove_dir_all(folder.join("torch/include"));
    match imports_torch(Some(folder)) {
        true => Ok(()),
        false => Err("what was installed cannot be imported".to_owned()),
    }
}

/// A library without functions, under a name that the loader asks for.
fn empty_library(folder: &Path, name: &str) -> Result<()> {
    let mut compiler = Command::new("cc");
    compiler
        .args(["-shared", "-nostdlib", "-x", "c", "/dev/null", "-o"])
        .arg(folder.join(name))
        .arg(format!("-Wl,-soname,{name}"));
    run(&mut compiler, "cc")
}

fn imports_torch(folder: Option<&Path>) -> bool {
    let mut python = pip::python();
    python.args(["-c", "import torch; torch.ones(2).sum()"]).stdin(Stdio::null()).stderr(Stdio::null());
    if let Some(folder) = folder {
        python.env("PYTHONPATH", folder);
    }
    python.status().is_ok_and(|status| status.success())
}

/// A folder of the cache, filled by `fill` where it is not there and whole.
fn provide(name: &str, what: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let cache = install::own_cache()?;
    let folder = cache.join(name);
    let whole = || manifest::check(&folder) == manifest::State::Complete;
    if whole() {
        return Ok(folder);
    }
    let at = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&cache).map_err(at)?;
    let _lock = install::lock(&cache.join(format!("{name}.lock")))?;
    // Another checkout may have installed it while this one waited for the lock.
    if whole() {
        return Ok(folder);
    }
    eprintln!("python: installing {what} into {}", folder.display());
    let staging = install::beside(&folder, "partial");
    for old in [&staging, &folder] {
        if old.exists() {
            fs::remove_dir_all(old).map_err(at)?;
        }
    }
    fs::create_dir_all(&staging).map_err(at)?;
    fill(&staging).map_err(|reason| format!("{what} could not be installed: {reason}"))?;
    manifest::write(&staging).map_err(at)?;
    fs::rename(&staging, &folder).map_err(at)?;
    Ok(folder)
}

/// Installs packages into a folder; pip's own words go to standard error.
fn install_all(folder: &Path, packages: &[&str], dependencies: bool) -> Result<()> {
    let mut pip = pip::python();
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--no-user",
        "--only-binary",
        ":all:",
        "--upgrade",
    ])
    .arg("--target")
    .arg(folder)
    .args(packages)
    .env("PIP_REQUIRE_VIRTUALENV", "0")
    .env("PIP_ROOT_USER_ACTION", "ignore")
    .env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    if !dependencies {
        pip.arg("--no-deps");
    }
    run(&mut pip, "pip")
}

/// Runs a program whose output is for people: nothing of it goes to standard output.
fn run(program: &mut Command, name: &str) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        if let Ok(stderr) = std::io::stderr().as_fd().try_clone_to_owned() {
            program.stdout(Stdio::from(stderr));
        }
    }
    let status = program.stdin(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name} ended with {status}")),
        Err(error) => {
            let program = OsString::from(program.get_program());
            Err(format!("{}: could not be started: {error}", program.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::tests::Scratch;

    #[test]
    fn only_wheels_are_taken_for_wheels() {
        let scratch = Scratch::new("wheels");
        for name in ["intnacl-0.1.0-cp310-abi3-linux.whl", "intnacl.tar.gz", "note"] {
            fs::write(scratch.path().join(name), "").unwrap();
        }
        assert_eq!(wheels_in(scratch.path()), [scratch.path().join("intnacl-0.1.0-cp310-abi3-linux.whl")]);
        assert!(wheels_in(&scratch.path().join("absent")).is_empty());
    }

    #[test]
    fn a_program_that_fails_or_is_absent_is_named() {
        assert!(run(&mut Command::new("/no/such/program"), "it").unwrap_err().contains("/no/such/program"));
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        assert!(run(cargo.arg("no-such-command"), "cargo").unwrap_err().starts_with("cargo ended"));
    }
}

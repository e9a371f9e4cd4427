//! Installs libtorch from PyPI's wheel of torch into the user's cache folder, once for all checkouts.
//!
//! Everything is put together in a staging folder beside the final one, which then gets its final name
//! in one step, under a lock: what has the final name was whole at that time, and its list of sizes
//! (see `manifest`) shows whether it still is.

use std::env;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::manifest::{self, State};
use crate::torch::{self, Set, VERSION};
use crate::{Result, pip, requirements};

/// The wheel's own shared libraries that programs on the CPU load or are linked with.
const CPU_LIBRARIES: [&str; 4] = ["c10", "torch", "torch_cpu", "torch_global_deps"];

/// Stands in for `libtorch.so` where CUDA is taken out. The wheel's has no function of torch, but needs
/// `libtorch_cuda.so`, and instances of C++ templates for which GNU's linker may choose to need it.
/// Linkers read this text instead of a library, and no program will ask for it.
const LINKER_SCRIPT: &str =
    "/* What libtorch.so stands for, without CUDA. */\nINPUT(AS_NEEDED(-ltorch_cpu))\n";

impl Set {
    /// The name of the set's folder.
    fn name(self) -> String {
        match self {
            Self::Cpu => "cpu".to_owned(),
            Self::Cuda => "cuda".to_owned(),
            // A wheel fits one version of Python.
            Self::Python(major, minor) => format!("python{major}.{minor}"),
        }
    }

    fn size(self) -> &'static str {
        match self {
            Self::Cpu => "0.6 GB to download",
            Self::Cuda => "about 3 GB to download",
            Self::Python(..) if cfg!(target_os = "linux") => "up to 3 GB to download",
            Self::Python(..) => "about 0.2 GB to download",
        }
    }

    fn folder(self, cache: &Path) -> PathBuf {
        cache.join(format!("libtorch-{VERSION}-{}", self.name()))
    }
}

/// This project's part of the user's cache folder.
fn cache(variable: impl Fn(&str) -> Option<PathBuf>, macos: bool) -> Option<PathBuf> {
    // By the rule for these variables a relative path is to be ignored.
    let absolute = |name| variable(name).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| {
        let home = absolute("HOME")?;
        Some(if macos { home.join("Library/Caches") } else { home.join(".cache") })
    })?;
    Some(caches.join("intnacl"))
}

/// The cache folder of whoever runs this.
pub fn own_cache() -> Result<PathBuf> {
    let variable = |name: &str| env::var_os(name).map(PathBuf::from);
    cache(variable, cfg!(target_os = "macos"))
        .ok_or_else(|| "no cache folder to install libtorch into: set XDG_CACHE_HOME or HOME".to_owned())
}

/// The folder of a set that was installed earlier and is whole, if it is this very one.
pub fn ready(set: Set) -> Option<PathBuf> {
    let folder = set.folder(&own_cache().ok()?);
    (manifest::check(&folder) == State::Complete).then(|| folder.join("torch"))
}

/// The installed libtorch, installed first where it is not there or damaged.
pub fn provide(set: Set) -> Result<PathBuf> {
    if set == Set::Cuda && !cfg!(target_os = "linux") {
        return Err("the libtorch to install has CUDA on Linux only: leave out --cuda".to_owned());
    }
    let cache = own_cache()?;
    if let Some(installed) = installed(&cache, set) {
        return Ok(installed);
    }
    let at = |error: io::Error| format!("{}: {error}", cache.display());
    fs::create_dir_all(&cache).map_err(at)?;
    let lock = lock(&cache.join(format!("libtorch-{VERSION}.lock")))?;
    // Another checkout may have installed it while this one waited for the lock.
    if let Some(installed) = installed(&cache, set) {
        return Ok(installed);
    }
    for set in serving(set) {
        if let State::Damaged(file) = manifest::check(&set.folder(&cache)) {
            eprintln!("libtorch: {} is damaged", file.display());
        }
    }
    let folder = set.folder(&cache);
    install(set, &folder, &lock)
        .map_err(|error| format!("libtorch could not be installed: {error}.\n{}", advice(set, &folder)))?;
    Ok(folder.join("torch"))
}

/// The sets that do what `set` is for, the best first: the one with CUDA does both, and someone who has
/// asked for it once has meant it.
fn serving(set: Set) -> Vec<Set> {
    match set {
        Set::Cpu => vec![Set::Cuda, Set::Cpu],
        Set::Cuda | Set::Python(..) => vec![set],
    }
}

/// A whole set that is there already and does what `set` is for.
fn installed(cache: &Path, set: Set) -> Option<PathBuf> {
    let mut folders = serving(set).into_iter().map(|set| set.folder(cache));
    folders.find(|folder| manifest::check(folder) == State::Complete).map(|folder| folder.join("torch"))
}

/// What to do where the install fails, most often for want of a network.
fn advice(set: Set, folder: &Path) -> String {
    let other = match set {
        Set::Python(..) => format!("name a Python that imports torch {VERSION} with --python PROGRAM"),
        _ => format!("set LIBTORCH to a folder with the lib/ and include/ of libtorch {VERSION}"),
    };
    format!(
        "Nothing half installed is used. Any one of these helps:\n  \
         - with a network, run the same command again\n  \
         - {other}\n  \
         - python3 -m pip install torch=={VERSION}\n  \
         - copy {}\n    from a machine that has it, or set XDG_CACHE_HOME to a cache folder that holds it",
        folder.display()
    )
}

/// Waits until no other checkout installs. The lock is let go of when the file is closed, at the latest
/// when the processes that have it open have ended, however they end.
pub fn lock(path: &Path) -> Result<File> {
    let at = |error: io::Error| format!("{}: {error}", path.display());
    let file = File::options().create(true).append(true).open(path).map_err(at)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            eprintln!("libtorch: waiting for another install to end ({})", path.display());
            file.lock().map_err(at)?;
        }
        Err(TryLockError::Error(error)) => return Err(at(error)),
    }
    Ok(file)
}

/// Installs `set` as `folder`, replacing what is there. The caller has the lock.
fn install(set: Set, folder: &Path, lock: &File) -> Result<()> {
    let version = pip::check()?;
    let (staging, old) = (beside(folder, "partial"), beside(folder, "old"));
    let fresh = |folder: &Path| match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", folder.display()))
        }
        _ => Ok(()),
    };
    fresh(&staging)?;
    fresh(&old)?;
    let temporary = staging.join("tmp");
    let at = |error: io::Error| format!("{}: {error}", staging.display());
    fs::create_dir_all(&temporary).map_err(at)?;

    let (name, size) = (set.name(), set.size());
    eprintln!("libtorch: installing {VERSION} ({name}, {size}) into {}", folder.display());
    let pip = |requirements: &[String], dependencies| {
        let target = &staging;
        let (imported, temporary) = (matches!(set, Set::Python(..)), &temporary);
        pip::Install { version, requirements, dependencies, imported, target, temporary, lock }.run()
    };
    pip(&[format!("torch=={VERSION}")], set != Set::Cpu)?;
    if set == Set::Cpu {
        let info = staging.join(format!("torch-{VERSION}.dist-info/METADATA"));
        let metadata = fs::read_to_string(&info).map_err(|error| format!("torch's METADATA: {error}"))?;
        let companions = requirements::cpu_companions(&metadata, cfg!(target_os = "linux"));
        if !companions.is_empty() {
            pip(&companions, true)?;
        }
    }

    eprintln!("libtorch: checking");
    verify(&staging)?;
    fs::remove_dir_all(&temporary).map_err(at)?;
    if set == Set::Cpu {
        prune(&staging).map_err(at)?;
    }
    if let Some(flaw) = torch::flaw(&staging.join("torch"), set) {
        return Err(format!("the installed files do not work together: {flaw}"));
    }
    manifest::write(&staging).map_err(at)?;
    if folder.exists() {
        // A running program goes on with the files it has open.
        fs::rename(folder, &old).map_err(at)?;
    }
    fs::rename(&staging, folder).map_err(at)?;
    // It is in place; what is left of the old one goes at the next install at the latest.
    let _ = fs::remove_dir_all(&old);
    Ok(())
}

pub fn beside(folder: &Path, suffix: &str) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(format!(".{suffix}"));
    PathBuf::from(name)
}

/// Compares the installed files with the sizes and hashes that the wheels list, by the Python that is
/// there anyway: the standard library here has no SHA-256. Pip has compared the downloads with the
/// index; this finds what went wrong between there and the disk.
const COMPARE: &str = r#"
import base64, csv, hashlib, pathlib, sys
root = pathlib.Path(sys.argv[1])
for record in sorted(root.glob('*.dist-info/RECORD')):
    for name, digest, size in csv.reader(record.open(encoding='utf-8', newline='')):
        path = root / name
        # Without a digest: RECORD itself. Upwards: launchers that pip writes for Python's own folders.
        if not digest or name.startswith('..'):
            continue
        algorithm, _, expected = digest.partition('=')
        actual = hashlib.new(algorithm)
        try:
            if size and path.stat().st_size != int(size):
                sys.exit(name + ' has another size than its wheel lists')
            with path.open('rb') as file:
                while part := file.read(1 << 20):
                    actual.update(part)
        except OSError as error:
            sys.exit(name + ': ' + str(error))
        if base64.urlsafe_b64encode(actual.digest()).rstrip(b'=').decode() != expected:
            sys.exit(name + ' has another content than its wheel lists')
"#;

fn verify(staging: &Path) -> Result<()> {
    let output = pip::python().args(["-c", COMPARE]).arg(staging).output();
    let output = output.map_err(|error| format!("python3 could not be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&output.stderr);
    Err(message.lines().last().unwrap_or("the files could not be checked").trim().to_owned())
}

/// Takes what a program on the CPU has no use for out of a set without CUDA's libraries: half of it.
///
/// That includes Python's part. `import torch` would not work here with all of it left in place either:
/// `libtorch_python.so` needs `libtorch_cuda.so`, cuDNN, NCCL and cuFile by name, so for Python there is
/// nothing between this set and the one with CUDA. The licences in the `dist-info` folders stay.
fn prune(staging: &Path) -> io::Result<()> {
    keep(staging, |name| name == "torch" || name == "nvidia" || name.ends_with(".dist-info"))?;
    let torch = staging.join("torch");
    keep(&torch, |name| name == "include" || name == "lib")?;
    keep(&torch.join("lib"), |name| {
        let torch = ["libtorch", "libc10", "libcaffe2", "libshm"];
        let of_torch = torch.iter().any(|start| name.starts_with(start));
        // What the libraries bring along for themselves, such as OpenMP's, has other names.
        !of_torch || CPU_LIBRARIES.iter().any(|kept| name == torch::library(kept))
    })?;
    if cfg!(target_os = "linux") {
        let library = torch.join("lib").join(torch::library("torch"));
        fs::remove_file(&library)?;
        fs::write(library, LINKER_SCRIPT)?;
    }
    // `nvidia/PACKAGE/{include,lib}`, or nothing at all.
    for package in fs::read_dir(staging.join("nvidia")).into_iter().flatten() {
        let package = package?.path();
        if package.is_dir() {
            keep(&package, |name| name == "lib")?;
            keep(&package.join("lib"), |name| name.contains(".so"))?;
        }
    }
    Ok(())
}

/// Removes what is in `folder` under a name that is not wanted.
fn keep(folder: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(&wanted) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::tests::Scratch;

    fn cache_with(variables: &[(&str, &str)], macos: bool) -> Option<PathBuf> {
        let variable = |name: &str| {
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| PathBuf::from(value))
        };
        cache(variable, macos)
    }

    #[test]
    fn the_cache_folder_follows_the_variables() {
        let home = ("HOME", "/users/me");
        let is = |variables: &[_], macos, expected: &str| {
            assert_eq!(cache_with(variables, macos), Some(PathBuf::from(expected)));
        };
        is(&[home, ("XDG_CACHE_HOME", "/fast/cache")], false, "/fast/cache/intnacl");
        is(&[home, ("XDG_CACHE_HOME", "/fast/cache")], true, "/fast/cache/intnacl");
        is(&[home], false, "/users/me/.cache/intnacl");
        is(&[home], true, "/users/me/Library/Caches/intnacl");
        is(&[home, ("XDG_CACHE_HOME", "")], false, "/users/me/.cache/intnacl");
        is(&[home, ("XDG_CACHE_HOME", "relative")], false, "/users/me/.cache/intnacl");
        assert_eq!(cache_with(&[], false), None);
    }

    #[test]
    fn the_set_with_cuda_serves_both() {
        let scratch = Scratch::new("sets");
        let put = |set: Set| {
            fs::create_dir_all(set.folder(scratch.path())).unwrap();
            manifest::write(&set.folder(scratch.path())).unwrap();
        };
        assert_eq!(installed(scratch.path(), Set::Cpu), None);
        put(Set::Cpu);
        let cpu = Set::Cpu.folder(scratch.path()).join("torch");
        assert_eq!(installed(scratch.path(), Set::Cpu), Some(cpu));
        assert_eq!(installed(scratch.path(), Set::Cuda), None);
        put(Set::Cuda);
        let cuda = Set::Cuda.folder(scratch.path()).join("torch");
        assert_eq!(installed(scratch.path(), Set::Cpu), Some(cuda.clone()));
        assert_eq!(installed(scratch.path(), Set::Cuda), Some(cuda));
    }

    #[test]
    fn pruning_leaves_what_the_cpu_needs() {
        let scratch = Scratch::new("prune");
        let kept = [
            "torch/include/torch/torch.h",
            "torch/lib/libgomp.so.1",
            "nvidia/cu13/lib/libcudart.so.13",
            "torch-2.13.0.dist-info/licenses/LICENSE",
        ];
        let libraries = CPU_LIBRARIES.map(|name| format!("torch/lib/{}", torch::library(name)));
        let dropped = [
            "torch/__init__.py",
            "torch/lib/libtorch_cuda.so",
            "torch/lib/libc10_cuda.so",
            "torch/lib/libtorch_python.so",
            "nvidia/cu13/lib/libcudadevrt.a",
            "nvidia/cu13/include/cuda.h",
            "functorch/__init__.py",
            "bin/torchrun",
        ];
        let kept = kept.into_iter().chain(libraries.iter().map(String::as_str));
        for file in kept.clone().chain(dropped) {
            let path = scratch.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        prune(scratch.path()).unwrap();
        for file in kept {
            assert!(scratch.path().join(file).is_file(), "{file}");
        }
        for file in dropped {
            assert!(!scratch.path().join(file).exists(), "{file}");
        }
    }

    #[test]
    fn the_lock_is_exclusive() {
        let scratch = Scratch::new("lock");
        let path = scratch.path().join("lock");
        let first = lock(&path).unwrap();
        assert!(matches!(File::open(&path).unwrap().try_lock(), Err(TryLockError::WouldBlock)));
        drop(first);
        drop(lock(&path).unwrap());
    }

    #[test]
    fn the_advice_is_a_few_lines() {
        let advice = advice(Set::Cpu, Path::new("/users/me/.cache/intnacl/libtorch"));
        for word in ["LIBTORCH", "pip install torch==2.13.0", "XDG_CACHE_HOME"] {
            assert!(advice.contains(word), "{word}");
        }
        assert!(advice.lines().count() < 8);
    }

    #[test]
    fn pythons_set_is_for_one_version_and_serves_nothing_else() {
        let folder = Set::Python(3, 12).folder(Path::new("/c"));
        assert_eq!(folder, Path::new(&format!("/c/libtorch-{VERSION}-python3.12")));
        assert!(!serving(Set::Cpu).contains(&Set::Python(3, 12)));
        assert!(super::advice(Set::Python(3, 12), &folder).contains("--python PROGRAM"));
    }
}

//! Lets the programs that use libtorch find it when they run, and makes them load its CUDA part.
//!
//! The command `intnacl` has none of this: it is a crate of its own, which builds and starts without libtorch.
//!
//! The crate depends on `torch-sys` beside `tch` only for `DEP_TCH_LIBTORCH_LIB`, which names the folder
//! whose libraries are linked, wherever they were found.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// The targets that use libtorch: as cargo names them in `rustc-link-arg-NAME=`, and where they lie.
/// Cargo refuses arguments for targets that a package does not have.
const TARGETS: [(&str, &str); 4] = [
    ("bin=intnacl-production", "src/bin/intnacl-production.rs"),
    ("tests", "tests"),
    ("benches", "benches"),
    ("examples", "examples"),
];

/// Whether `path` is a source file, or a folder with one.
fn has_source(path: &Path) -> bool {
    let is_source = |path: &Path| path.extension().is_some_and(|extension| extension == "rs");
    let mut entries = fs::read_dir(path).into_iter().flatten().flatten();
    path.is_file() && is_source(path) || entries.any(|entry| is_source(&entry.path()))
}

fn link_arg(argument: &str) {
    for (target, _) in TARGETS.iter().filter(|(_, path)| has_source(Path::new(path))) {
        println!("cargo:rustc-link-arg-{target}={argument}");
    }
}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let Some(folder) = env::var_os("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from) else {
        return;
    };
    // Libraries may come to be there, or go.
    println!("cargo:rerun-if-changed={}", folder.display());
    let system = env::var("CARGO_CFG_TARGET_OS").expect("cargo tells the target");
    if system == "windows" {
        return;
    }
    link_arg(&format!("-Wl,-rpath,{}", folder.display()));
    lead_cargo_to(&folder).expect("a link in the build script's own folder");
    if system == "linux" {
        load_cuda(&folder);
    }
}

/// Unit tests and the examples in the documentation cannot be given linker arguments of their own. But
/// cargo puts the folders that build scripts search into the library path of all that it runs, if they
/// are below the target folder: so libtorch gets a second name there.
fn lead_cargo_to(folder: &Path) -> io::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo gives a folder"));
    let link = out.join("libtorch");
    match fs::remove_file(&link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder, &link)?;
    println!("cargo:rustc-link-search=native={}", link.display());
    Ok(())
}

/// libtorch registers its CUDA kernels when `libtorch_cuda` is loaded, and nobody calls a function of
/// it, so the linker would leave it out. It is only asked for where it can be loaded: with the rest of
/// CUDA missing no program would start.
fn load_cuda(folder: &Path) {
    let library = folder.join("libtorch_cuda.so");
    if !library.exists() {
        return;
    }
    let missing = missing(&library);
    if missing.is_empty() {
        for argument in ["-Wl,--push-state", "-Wl,--no-as-needed", "-ltorch_cuda", "-Wl,--pop-state"] {
            link_arg(argument);
        }
    } else {
        let missing = missing.join(", ");
        println!("cargo:warning=CUDA is left out: {} needs {missing}", library.display());
    }
}

/// The libraries that the loader does not find for `library`.
fn missing(library: &Path) -> Vec<String> {
    let output = match Command::new("ldd").arg(library).output() {
        Ok(output) if output.status.success() => output.stdout,
        _ => return vec!["a look at it by `ldd`, which failed".to_owned()],
    };
    String::from_utf8_lossy(&output)
        .lines()
        .filter_map(|line| line.trim().strip_suffix(" => not found"))
        .map(String::from)
        .collect()
}

//! Lets the program and the tests of this package find libtorch when they run, and makes them load its CUDA part.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

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
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
    lead_cargo_to(&folder).expect("a link in the build script's own folder");
    if system == "linux" {
        load_cuda(&folder);
    }
}

/// Cargo puts the folders that build scripts search into the library path of all that it runs, if they are below the
/// target folder: so the examples in the documentation, which take no linker arguments, find libtorch there.
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

/// libtorch registers its CUDA kernels when `libtorch_cuda` is loaded, and nobody calls a function of it, so the
/// linker would leave it out. It is only asked for where it can be loaded; the package `intnacl` says what is missing.
fn load_cuda(folder: &Path) {
    let library = folder.join("libtorch_cuda.so");
    let loadable = Command::new("ldd").arg(&library).output().is_ok_and(|output| {
        output.status.success() && !String::from_utf8_lossy(&output.stdout).contains("=> not found")
    });
    if library.exists() && loadable {
        for argument in ["-Wl,--push-state", "-Wl,--no-as-needed", "-ltorch_cuda", "-Wl,--pop-state"] {
            println!("cargo:rustc-link-arg={argument}");
        }
    }
}

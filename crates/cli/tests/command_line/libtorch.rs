//! The command builds, links and starts without libtorch.

use std::process::Command;

/// The packages that a build of this one compiles.
fn packages() -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "tree",
        "--offline",
        "--package",
        "intnacl-cli",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
    ]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("names in UTF-8")
}

#[test]
fn no_package_that_is_compiled_for_it_needs_libtorch() {
    let packages = packages();
    let names: Vec<&str> = packages.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains(&"intnacl-reference"), "{packages}");
    for name in ["tch", "torch-sys", "intnacl"] {
        assert!(!names.contains(&name), "{name} is among them");
    }
}

/// Only on Linux with glibc, where `ldd` tells what the loader would load.
#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn no_library_of_libtorch_is_loaded() {
    let output =
        Command::new("ldd").arg(env!("CARGO_BIN_EXE_intnacl")).output().expect("glibc comes with ldd");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("paths in UTF-8");
    let libraries: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(libraries.iter().any(|library| library.starts_with("libc.")), "{text}");
    for prefix in ["libtorch", "libc10", "libcudart"] {
        assert!(!libraries.iter().any(|library| library.starts_with(prefix)), "{text}");
    }
}

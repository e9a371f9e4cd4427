//! What is loaded: the programs that compute have libtorch, and its CUDA part wherever that can be loaded.
//!
//! Only on Linux with glibc, where a process can look at its own libraries and `ldd` at a program's.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tch::{Device, Kind, Tensor};

/// The shared libraries that this process has loaded.
fn loaded() -> BTreeSet<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").expect("Linux tells what is loaded");
    maps.lines()
        .filter_map(|line| line.find('/').map(|start| PathBuf::from(&line[start..])))
        .filter(|path| path.to_string_lossy().contains(".so"))
        .collect()
}

fn named<'a>(libraries: &'a BTreeSet<PathBuf>, name: &str) -> Option<&'a Path> {
    libraries.iter().find(|path| path.file_name().is_some_and(|file| file == name)).map(PathBuf::as_path)
}

/// What the loader would load for a program or a library.
fn ldd(path: impl AsRef<Path>) -> String {
    let output = Command::new("ldd").arg(path.as_ref()).output().expect("glibc comes with ldd");
    assert!(output.status.success(), "ldd refuses {}", path.as_ref().display());
    String::from_utf8(output.stdout).expect("paths in UTF-8")
}

#[test]
fn a_program_with_libtorch_computes() {
    let ones = Tensor::ones([2, 3], (Kind::Double, Device::Cpu));
    assert_eq!(ones.sum(Kind::Double).double_value(&[]), 6.0);
}

#[test]
fn cuda_is_loaded_exactly_when_all_of_it_is_there() {
    let _ = Tensor::from(1.0);
    let loaded = loaded();
    let cpu = named(&loaded, "libtorch_cpu.so").expect("this test is linked with libtorch");
    let cuda = cpu.with_file_name("libtorch_cuda.so");
    let loadable = cuda.exists() && !ldd(&cuda).contains("not found");
    assert_eq!(named(&loaded, "libtorch_cuda.so").is_some(), loadable, "{}", cuda.display());
}

#[test]
fn the_program_that_serves_production_finds_libtorch() {
    let program = ldd(env!("CARGO_BIN_EXE_intnacl-production"));
    assert!(program.contains("libtorch_cpu.so => /"), "{program}");
    assert!(!program.contains("not found"), "{program}");
}

//! libtorch itself: its version, what can be installed of it, and what a folder of it may lack.

use std::env;
use std::fmt;
use std::path::Path;
use std::process::Command;

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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

//! The programs that stand beside this one: `intnacl-production` and `intnacl-training`.
//!
//! They link libtorch, so that this program need not. One rule finds them all: the folder of the running
//! program first, then the folders of `PATH`.

use std::env;
use std::io;
use std::path::{Path, PathBuf};

/// A program that this one starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sibling {
    /// Its name, without the ending that some systems give to programs.
    pub name: &'static str,
    /// The command that builds it.
    pub build: &'static str,
}

/// Why a sibling was not found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is neither beside this program nor in the path.
    #[error("{} is missing, and no folder of PATH has it: build it with `{build}`", program.display())]
    Missing {
        /// Where it was looked for first.
        program: PathBuf,
        /// The command that builds it.
        build: &'static str,
    },
    /// The system does not tell where this program is.
    #[error("the folder of this program: {0}: expected a path")]
    Nowhere(#[from] io::Error),
}

impl Sibling {
    /// The program's path.
    ///
    /// # Errors
    /// [`Error`].
    pub fn find(self) -> Result<PathBuf, Error> {
        let beside = env::current_exe()?.with_file_name(format!("{}{}", self.name, env::consts::EXE_SUFFIX));
        let path = env::var_os("PATH").unwrap_or_default();
        first_program(&beside, env::split_paths(&path))
            .ok_or(Error::Missing { program: beside, build: self.build })
    }
}

/// `beside` if it is there, else a file of the same name in the first of `folders` that has one.
fn first_program(beside: &Path, folders: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    let name = beside.file_name()?;
    // An empty entry of PATH stands for the working folder, from which nobody expects programs.
    let in_path = folders.filter(|folder| folder.is_absolute()).map(|folder| folder.join(name));
    std::iter::once(beside.to_path_buf()).chain(in_path).find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_own_folder_comes_first_and_then_the_path_in_order() {
        let scratch = tempfile::tempdir().expect("a folder");
        let folder = |name: &str| scratch.path().join(name);
        let folders = || ["empty", "first", "second"].map(folder).into_iter();
        for name in ["own", "first", "second"] {
            fs::create_dir(folder(name)).expect("a folder");
        }
        let beside = folder("own").join("program");
        assert_eq!(first_program(&beside, folders()), None);
        for name in ["second", "first", "own"] {
            let program = folder(name).join("program");
            fs::write(&program, "").expect("a file");
            assert_eq!(first_program(&beside, folders()), Some(program));
        }
    }

    #[test]
    fn a_folder_of_that_name_and_the_working_folder_are_passed_over() {
        let scratch = tempfile::tempdir().expect("a folder");
        let beside = scratch.path().join("Cargo.toml");
        fs::create_dir(&beside).expect("a folder");
        // The tests' working folder is the package's, which has a file of that name.
        assert!(Path::new("Cargo.toml").is_file());
        assert_eq!(first_program(&beside, [PathBuf::new(), PathBuf::from(".")].into_iter()), None);
    }
}

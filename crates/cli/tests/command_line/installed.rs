//! The command in a folder of its own, with the programs beside it that a test chooses.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A second name of `intnacl` in an empty folder, and beside it `siblings`: names, and what stands for them.
pub fn installed(folder: &str, siblings: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
        _ => fs::create_dir(&folder).expect("a folder"),
    }
    let program = folder.join("intnacl");
    // A copy could still be open for writing, in another test's child, when it is started.
    fs::hard_link(env!("CARGO_BIN_EXE_intnacl"), &program).expect("a link");
    for (name, target) in siblings {
        symlink(target, folder.join(name)).expect("a link");
    }
    program
}

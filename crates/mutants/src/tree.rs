//! A copy of the code, in which mutants are made.

use std::path::Path;
use std::process::Command;

use crate::Result;

/// Copies what git knows, and where libtorch is. Files that are the same stay as they are, so that cargo need not build
/// them again; files that are gone are taken away.
pub fn copy(workspace: &Path, tree: &Path) -> Result<()> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(workspace).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let listed = String::from_utf8(output.stdout)?;
    let files: Vec<&str> = listed.split('\0').filter(|file| !file.is_empty()).collect();
    let known = tree.join("files.list");
    let before = std::fs::read_to_string(&known).unwrap_or_default();
    for gone in before.split('\0').filter(|file| !file.is_empty() && !files.contains(file)) {
        let _ = std::fs::remove_file(tree.join(gone));
    }
    for file in files.into_iter().chain([".cargo/libtorch.toml"]) {
        let Ok(bytes) = std::fs::read(workspace.join(file)) else { continue };
        let to = tree.join(file);
        if std::fs::read(&to).is_ok_and(|there| there == bytes) {
            continue;
        }
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(to, bytes)?;
    }
    std::fs::write(known, listed)?;
    Ok(())
}

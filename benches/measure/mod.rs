//! What the measuring programs share: the cases, their inputs, what is run, statistics, memory and pictures.

pub mod case;
pub mod memory;
pub mod plot;
pub mod run;
pub mod statistics;

use std::path::{Path, PathBuf};

/// Where tables and pictures go: `bench` in cargo's target folder, whatever that is set to. The program lies in
/// `TARGET/PROFILE/deps`.
pub fn output_folder() -> std::io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(3).unwrap_or(Path::new("target"));
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

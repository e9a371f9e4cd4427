//! Shared parts of the measuring programs: cases, their inputs, what is run, statistics, memory and pictures.

pub mod case;
pub mod memory;
pub mod plot;
pub mod report;
pub mod run;
pub mod statistics;

use case::{DIMENSION, TEMPERATURE};
use report::Measured;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fs, io, thread};

/// Cargo's target folder, whatever that is set to. The program lies in `TARGET/PROFILE/deps`.
pub fn target_folder() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.ancestors().nth(3).unwrap_or(Path::new("target")).to_path_buf())
}

/// Where the tables and pictures of a measuring program go.
pub fn output_folder(name: &str) -> io::Result<PathBuf> {
    let folder = target_folder()?.join("bench").join(name);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The number of threads that libtorch takes, but no more than the processors that this process may run on: threads that
/// share a processor wait for each other.
pub fn default_threads() -> i32 {
    let allowed = thread::available_parallelism().map_or(1, |count| count.get());
    intnacl::tch::get_num_threads().min(i32::try_from(allowed).unwrap_or(i32::MAX)).max(1)
}

/// Prints the tables and keeps them with the pictures, in `folder`.
pub fn publish(all: &[Measured], folder: &Path, threads: i32, remark: &str) -> Result<(), Box<dyn Error>> {
    let conditions = format!("{threads} threads, f32, d = {DIMENSION}, t = {TEMPERATURE}");
    let text = format!("Value and gradient; {conditions}.\n{remark}\n\n{}", report::tables(all));
    print!("{text}");
    let mut files = vec![folder.join("table.md")];
    fs::write(&files[0], text)?;
    files.extend(report::pictures(all, folder, &conditions)?);
    eprintln!("written:");
    for file in files {
        eprintln!("  {}", file.display());
    }
    Ok(())
}

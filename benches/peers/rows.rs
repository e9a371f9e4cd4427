//! Figures as rows of JSON.

use super::measure::case::DIMENSION;
use super::measure::report::Measured;
use super::measure::run::Implementation::{self, Floor, Reference};
use super::measure::statistics::spread;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// One object a figure; what was not measured is `null`.
pub fn rows(all: &[Measured]) -> Value {
    let rows = all.iter().flat_map(|measured| {
        measured.figures.iter().map(|figure| {
            json!({
                "loss": measured.case.name,
                "batch": measured.images,
                "dimension": DIMENSION,
                "positives": measured.case.positives,
                "dtype": dtype(figure.implementation),
                "device": measured.device,
                "implementation": figure.implementation.name(),
                "median_ms": spread(&figure.milliseconds).map(|spread| spread.median),
                "ratio_to_floor":
                    measured.ratio(figure.implementation, Floor).map(|spread| spread.median),
                "peak_bytes_above_inputs": figure.peak_bytes,
            })
        })
    });
    Value::Array(rows.collect())
}

/// Whether a file can be written, without touching one that is there.
pub fn check(file: &Path) -> Result<(), String> {
    let beside = beside(file);
    let tried = match file.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => fs::write(&beside, "").and_then(|()| fs::remove_file(&beside)),
    };
    tried.map_err(|error| refused(file, &error))
}

/// Writes rows to a file that is whole at any time.
pub fn write(all: &[Measured], file: &Path) -> Result<(), String> {
    let beside = beside(file);
    let Value::Array(rows) = rows(all) else { return Ok(()) };
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    let text = format!("[\n{}\n]\n", lines.join(",\n"));
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, file));
    written.map_err(|error| refused(file, &error))
}

fn refused(file: &Path, error: &io::Error) -> String {
    format!("--json {}: expected a file that can be written: {error}", file.display())
}

fn beside(file: &Path) -> PathBuf {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".partial");
    PathBuf::from(beside)
}

fn dtype(implementation: Implementation) -> &'static str {
    if implementation == Reference { "f64" } else { "f32" }
}

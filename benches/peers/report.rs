//! Figures as rows, tables and pictures.

use super::measure::case::{Case, DIMENSION};
use super::measure::plot::{self, Line, Picture, Style};
use super::measure::run::Implementation::{self, Floor, Production, Reference, TorchCompile, TorchEager};
use super::measure::statistics::{Spread, ratios, spread};
use serde_json::{Value, json};
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// One case at one size on one device.
pub struct Measured {
    pub case: Case,
    pub images: usize,
    pub device: String,
    pub figures: Vec<Figure>,
}

/// Of one implementation.
pub struct Figure {
    pub implementation: Implementation,
    /// Of each round, in order.
    pub milliseconds: Vec<f64>,
    pub peak_bytes: Option<u64>,
}

impl Measured {
    fn figure(&self, implementation: Implementation) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.implementation == implementation)
    }

    fn median(&self, implementation: Implementation) -> Option<f64> {
        Some(spread(&self.figure(implementation)?.milliseconds)?.median)
    }

    /// The time of `above` over that of `below`, round by round.
    fn ratio(&self, above: Implementation, below: Implementation) -> Option<Spread> {
        ratios(&self.figure(above)?.milliseconds, &self.figure(below)?.milliseconds)
    }

    fn peak(&self, implementation: Implementation) -> Option<u64> {
        self.figure(implementation)?.peak_bytes
    }
}

/// One object a figure; what was not measured is `null`.
pub fn rows(all: &[Measured]) -> Value {
    let rows = all.iter().flat_map(|measured| {
        measured.figures.iter().map(|figure| {
            json!({
                "loss": measured.case.name,
                "batch": measured.images,
                "dimension": DIMENSION,
                "positives": measured.case.positives,
                "dtype": figure.implementation.dtype(),
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

/// Writes rows to a file that is whole at any time.
pub fn write_rows(all: &[Measured], file: &Path) -> Result<(), String> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".partial");
    let beside = PathBuf::from(beside);
    let Value::Array(rows) = rows(all) else { return Ok(()) };
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    let text = format!("[\n{}\n]\n", lines.join(",\n"));
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, file));
    written
        .map_err(|error| format!("--json {}: expected a file that can be written: {error}", file.display()))
}

/// The tables of times and of memory.
pub fn tables(all: &[Measured]) -> String {
    let mut text = String::from(
        "Medians in milliseconds. A ratio is the median of the ratios within the rounds, with its quartiles.\n\n\
         | loss | M | B | device | floor | production | production / floor | eager | eager / production \
         | compile | compile / production | reference (f64) | rounds |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for measured in all {
        let time = |implementation| measured.median(implementation).map_or("–".to_owned(), digits);
        let ratio = |above, below| match measured.ratio(above, below) {
            Some(Spread { lower, median, upper }) => format!("{median:.2} ({lower:.2} to {upper:.2})"),
            None => "–".to_owned(),
        };
        let Case { name, positives, .. } = measured.case;
        let (images, device) = (measured.images, &measured.device);
        let rounds = measured.figures.iter().map(|figure| figure.milliseconds.len()).max().unwrap_or(0);
        let cells = [
            time(Floor),
            time(Production),
            ratio(Production, Floor),
            time(TorchEager),
            ratio(TorchEager, Production),
            time(TorchCompile),
            ratio(TorchCompile, Production),
            time(Reference),
        ];
        let cells = cells.join(" | ");
        let _ = writeln!(text, "| {name} | {positives} | {images} | {device} | {cells} | {rounds} |");
    }
    if all.iter().any(|measured| measured.figures.iter().any(|figure| figure.peak_bytes.is_some())) {
        text.push_str(
            "\nThe most memory above the inputs, in MiB, each in a process of its own; less than 1 is noise.\n\n\
             | loss | M | B | floor | production | eager | compile |\n|---|---|---|---|---|---|---|\n",
        );
        for measured in all {
            let peaks = [Floor, Production, TorchEager, TorchCompile].map(|implementation| {
                let mebibytes = |bytes: u64| format!("{:.1}", bytes as f64 / MEBIBYTE);
                measured.peak(implementation).map_or("–".to_owned(), mebibytes)
            });
            let Case { name, positives, .. } = measured.case;
            let _ = writeln!(text, "| {name} | {positives} | {} | {} |", measured.images, peaks.join(" | "));
        }
    }
    text
}

const MEBIBYTE: f64 = 1048576.0;

/// Three digits.
pub fn digits(value: f64) -> String {
    let places = (2.0 - value.log10().floor()).clamp(0.0, 3.0) as usize;
    format!("{value:.places$}")
}

fn style(implementation: Implementation) -> (&'static str, Style) {
    match implementation {
        Floor => ("floor: two products", plot::BLACK_DASHED),
        Production => ("intnacl", plot::BLUE),
        TorchEager => ("PyTorch, eager", plot::ORANGE),
        TorchCompile => ("torch.compile", plot::GREEN),
        Reference => ("reference (f64)", plot::PURPLE),
    }
}

/// Draws time and memory of each loss, and NCA by its positives; gives the files.
pub fn pictures(all: &[Measured], folder: &Path, conditions: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    let mut draw = |name: String, picture: Picture<'_>| -> Result<(), Box<dyn Error>> {
        let file = folder.join(name + ".svg");
        if picture.draw(&file)? {
            files.push(file);
        }
        Ok(())
    };
    let mut seen: Vec<(&Case, &str)> = Vec::new();
    for measured in all {
        let key = (&measured.case, measured.device.as_str());
        if !seen.contains(&key) {
            seen.push(key);
        }
    }
    let milliseconds = |measured: &Measured, implementation| measured.median(implementation);
    let mebibytes = |measured: &Measured, implementation| {
        // Below, it is the system's bookkeeping that is seen.
        measured.peak(implementation).map(|bytes| bytes as f64 / MEBIBYTE).filter(|size| *size >= 1.0)
    };
    for (case, device) in &seen {
        let lines = |value: &dyn Fn(&Measured, Implementation) -> Option<f64>| -> Vec<Line> {
            let line = |implementation| {
                let (name, style) = style(implementation);
                let of_case =
                    all.iter().filter(|measured| measured.case == **case && measured.device == *device);
                let points = of_case
                    .filter_map(|measured| Some((measured.images as f64, value(measured, implementation)?)));
                Line { name: name.to_owned(), style, points: points.collect() }
            };
            Implementation::ALL.map(line).into_iter().filter(|line| !line.points.is_empty()).collect()
        };
        let (label, file) = (case.label(), format!("{}-{}", case.file_label(), device.replace(':', "-")));
        let subtitle = format!("{device}, {conditions}");
        draw(
            format!("time-{file}"),
            Picture {
                title: format!("{label}: value and gradient"),
                subtitle: subtitle.clone(),
                quantity: "median time, ms",
                lines: lines(&milliseconds),
            },
        )?;
        draw(
            format!("memory-{file}"),
            Picture {
                title: format!("{label}: memory above the inputs"),
                subtitle,
                quantity: "peak memory, MiB",
                lines: lines(&mebibytes),
            },
        )?;
    }
    for device in seen.iter().map(|(_, device)| *device).collect::<std::collections::BTreeSet<_>>() {
        let of = |positives: usize, implementation, name: &str, style| {
            let points = all.iter().filter(|measured| {
                let Case { name, positives: found, .. } = measured.case;
                name == "nca" && found == positives && measured.device == device
            });
            let points = points
                .filter_map(|measured| Some((measured.images as f64, measured.median(implementation)?)))
                .collect();
            Line { name: name.to_owned(), style, points }
        };
        draw(
            format!("nca-positives-{}", device.replace(':', "-")),
            Picture {
                title: "NCA: five positives against one".to_owned(),
                subtitle: format!("{device}, {conditions}"),
                quantity: "median time, ms",
                lines: vec![
                    of(1, Floor, "floor: two products", plot::BLACK_DASHED),
                    of(1, Production, "intnacl, M = 1", plot::SKY),
                    of(5, Production, "intnacl, M = 5", plot::BLUE),
                    of(1, TorchCompile, "torch.compile, M = 1", plot::YELLOW),
                    of(5, TorchCompile, "torch.compile, M = 5", plot::GREEN),
                ],
            },
        )?;
    }
    Ok(files)
}

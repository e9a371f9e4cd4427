//! Figures as rows, tables and pictures.

use super::case::Case;
use super::plot::{self, Line, Picture, Style};
use super::run::Implementation::{self, Floor, Production, Reference, TorchCompile, TorchEager};
use super::statistics::{Spread, ratios, spread};
use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// One case at one size on one device.
pub struct Measured {
    pub case: Case,
    pub images: usize,
    pub device: String,
    pub figures: Vec<Figure>,
    /// The share of their time in which threads had work and no processor, if it is known: 0 on a quiet machine.
    pub waited: Option<f64>,
}

/// The measurements of one implementation.
pub struct Figure {
    pub implementation: Implementation,
    /// The time of each round, in order.
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
    pub fn ratio(&self, above: Implementation, below: Implementation) -> Option<Spread> {
        ratios(&self.figure(above)?.milliseconds, &self.figure(below)?.milliseconds)
    }

    fn peak(&self, implementation: Implementation) -> Option<u64> {
        self.figure(implementation)?.peak_bytes
    }
}

/// The tables of times and of memory, without columns in which nothing was measured.
pub fn tables(all: &[Measured]) -> String {
    let ratio = |measured: &Measured, above, below| {
        measured.ratio(above, below).map(|Spread { lower, median, upper }| match lower == upper {
            true => format!("{median:.2}"),
            false => format!("{median:.2} ({lower:.2} to {upper:.2})"),
        })
    };
    let time = |measured: &Measured, implementation| measured.median(implementation).map(digits);
    let rounds = |measured: &Measured| {
        let rounds = measured.figures.iter().map(|figure| figure.milliseconds.len()).max().unwrap_or(0);
        (rounds > 1).then(|| rounds.to_string())
    };
    let waited = |measured: &Measured| measured.waited.map(|share| format!("{:.0} %", 100.0 * share));
    let times: [Column<'_>; 10] = [
        ("floor", &|measured| time(measured, Floor)),
        ("production", &|measured| time(measured, Production)),
        ("production / floor", &|measured| ratio(measured, Production, Floor)),
        ("eager", &|measured| time(measured, TorchEager)),
        ("eager / production", &|measured| ratio(measured, TorchEager, Production)),
        ("compile", &|measured| time(measured, TorchCompile)),
        ("compile / production", &|measured| ratio(measured, TorchCompile, Production)),
        ("reference (f64)", &|measured| time(measured, Reference)),
        ("rounds", &rounds),
        ("waited", &waited),
    ];
    let mut text = String::from("Medians in milliseconds:\n\n") + &table(all, &times);

    let peak = |measured: &Measured, implementation| {
        measured.peak(implementation).map(|bytes| format!("{:.1}", bytes as f64 / MEBIBYTE))
    };
    let peaks: [Column<'_>; 4] = [
        ("floor", &|measured| peak(measured, Floor)),
        ("production", &|measured| peak(measured, Production)),
        ("eager", &|measured| peak(measured, TorchEager)),
        ("compile", &|measured| peak(measured, TorchCompile)),
    ];
    if all.iter().any(|measured| measured.figures.iter().any(|figure| figure.peak_bytes.is_some())) {
        text.push_str("\nThe most memory above the inputs, in MiB, each in a process of its own; less than 1 is noise:\n\n");
        text.push_str(&table(all, &peaks));
    }
    text
}

/// A heading, and what stands below it; `None` where nothing was measured.
type Column<'a> = (&'a str, &'a dyn Fn(&Measured) -> Option<String>);

fn table(all: &[Measured], columns: &[Column<'_>]) -> String {
    let columns: Vec<&Column<'_>> =
        columns.iter().filter(|(_, cell)| all.iter().any(|measured| cell(measured).is_some())).collect();
    let headings: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
    let mut text = format!("| loss | M | B | device | {} |\n", headings.join(" | "));
    let _ = writeln!(text, "|---|---|---|---|{}", "---|".repeat(columns.len()));
    for measured in all {
        let cells = columns.iter().map(|(_, cell)| cell(measured).unwrap_or_else(|| "–".to_owned()));
        let cells = cells.collect::<Vec<_>>().join(" | ");
        let Case { name, positives, .. } = measured.case;
        let _ =
            writeln!(text, "| {name} | {positives} | {} | {} | {cells} |", measured.images, measured.device);
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
        let both = [1, 5].map(|positives| of(positives, Production, "", plot::BLUE).points);
        if both.iter().any(Vec::is_empty) {
            continue;
        }
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

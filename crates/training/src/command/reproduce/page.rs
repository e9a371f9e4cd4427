//! Our numbers beside the paper's.

use super::plan::{Arguments, Entry};
use super::trials::{Found, Trial};
use crate::Result;
use intnacl_training::evaluate::Report;
use intnacl_training::paper::{Published, Table, published_of};
use intnacl_training::statistics::{mean_and_deviation, paired};
use std::fmt::Write;

/// A column of ours: what it is called, and where its number is found.
pub struct Column {
    /// As in the tables of the paper: `standard`, `FGSM`, `PGD`.
    pub name: &'static str,
    /// Whether it is of the images of the transfer.
    transfer: bool,
    of: fn(&Report) -> f64,
}

const COLUMNS: [Column; 7] = [
    Column { name: "standard", transfer: false, of: |report| report.standard },
    Column { name: "FGSM", transfer: false, of: |report| report.fgsm },
    Column { name: "PGD", transfer: false, of: |report| report.pgd },
    Column { name: "neighbours", transfer: false, of: |report| report.knn },
    Column { name: "transfer", transfer: true, of: |report| report.standard },
    Column { name: "transfer FGSM", transfer: true, of: |report| report.fgsm },
    Column { name: "transfer PGD", transfer: true, of: |report| report.pgd },
];

impl Column {
    /// The percentages of a configuration's trials after some epochs.
    pub fn numbers(&self, trials: &[Trial], epoch: u64) -> Vec<f64> {
        let found = trials.iter().filter_map(|trial| trial.get(&epoch));
        let report = |found: &Found| match self.transfer {
            false => Some((self.of)(&found.own)),
            true => found.transfer.as_ref().map(self.of),
        };
        found.filter_map(report).map(|share| 100.0 * share).collect()
    }

    /// What the paper has for a preset: of the images that its encoders of the table were trained on, or of CIFAR-10
    /// for the transfer.
    fn published(&self, preset: &str, table: &Table) -> Option<Published> {
        let attack = match self.name.rsplit(' ').next()? {
            "FGSM" => "-fgsm",
            "PGD" => "-pgd",
            "neighbours" => return None,
            _ => "",
        };
        let own = table.images();
        let images = if self.transfer { "cifar10" } else { own.name() };
        published_of(preset, &[format!("{images}{attack}")]).first().copied()
    }
}

/// The columns that there are numbers for.
pub fn columns(with_transfer: bool) -> impl Iterator<Item = &'static Column> {
    COLUMNS.iter().filter(move |column| with_transfer || !column.transfer)
}

/// `57.32 ± 0.17`.
fn cell(mean: f64, deviation: Option<f64>) -> String {
    match deviation.filter(|deviation| deviation.is_finite()) {
        Some(deviation) => format!("{mean:.2} ± {deviation:.2}"),
        None => format!("{mean:.2}"),
    }
}

pub fn text(table: &Table, entries: &[Entry], all: &[Vec<Trial>], arguments: &Arguments) -> Result<String> {
    let mut text = String::from("Accuracies in percent, mean ± standard deviation over the trials");
    let _ = writeln!(text, "; in brackets the paper's, trained on {}.", table.images().name());
    let of_columns = table.epochs(1).len() > 1;
    if of_columns {
        text.push_str(&by_epoch(table, entries, all));
    } else {
        let _ = writeln!(text, "\n## Equal epochs\n");
        let of = |entry: &Entry| entry.config.epochs;
        text.push_str(&section(table, entries, all, arguments, of)?);
        if arguments.equal_passes {
            let _ = writeln!(text, "\n## Equal encoder passes\n");
            let of = |entry: &Entry| entry.equal.unwrap_or(entry.config.epochs);
            text.push_str(&section(table, entries, all, arguments, of)?);
        }
    }
    Ok(text)
}

/// Accuracies, then paired differences to the first configuration.
fn section(
    table: &Table,
    entries: &[Entry],
    all: &[Vec<Trial>],
    arguments: &Arguments,
    epoch_of: impl Fn(&Entry) -> u64,
) -> Result<String> {
    let columns: Vec<&Column> = columns(arguments.transfer.is_some()).collect();
    let head = |first: &[&str]| {
        let names: Vec<&str> =
            first.iter().copied().chain(columns.iter().map(|column| column.name)).collect();
        format!("| {} |\n|{}\n", names.join(" | "), "---|".repeat(names.len()))
    };
    let mut text = head(&["configuration", "epochs", "passes an image"]);
    for (entry, trials) in entries.iter().zip(all) {
        let epoch = epoch_of(entry);
        let _ = write!(text, "| {} | {epoch} | {} |", entry.name, epoch as f64 * entry.passes());
        for column in &columns {
            let (mean, deviation) = mean_and_deviation(&column.numbers(trials, epoch));
            let paper = column.published(&entry.name, table);
            let paper =
                paper.map_or(String::new(), |paper| format!(" ({})", cell(paper.mean, paper.deviation)));
            let _ = write!(text, " {}{paper} |", cell(mean, Some(deviation)));
        }
        text.push('\n');
    }
    let (Some(base), Some(theirs)) = (entries.first(), all.first()) else { return Ok(text) };
    if arguments.trials() < 2 || entries.len() < 2 {
        return Ok(text);
    }
    let _ = writeln!(
        text,
        "\nDifferences to {}, paired by the trials (the same images and, where the form is the same, initial weights), with \
         intervals at 95 % by Student's t. An interval that contains 0, or has no width, is *not resolved*.\n",
        base.name
    );
    text.push_str(&head(&["configuration"]));
    for (entry, trials) in entries.iter().zip(all).skip(1) {
        let _ = write!(text, "| {} |", entry.name);
        for column in &columns {
            let ours = column.numbers(trials, epoch_of(entry));
            let (mean, half) = paired(&ours, &column.numbers(theirs, epoch_of(base)))?;
            // Shares of few images may differ alike by chance: an interval without width is none.
            let resolved = if half > 0.0 && mean.abs() > half { "" } else { ", not resolved" };
            let _ = write!(text, " {mean:+.2} ± {half:.2}{resolved} |");
        }
        text.push('\n');
    }
    Ok(text)
}

/// Table S6: standard accuracy after different numbers of epochs.
fn by_epoch(table: &Table, entries: &[Entry], all: &[Vec<Trial>]) -> String {
    let Some(first) = entries.first() else { return String::new() };
    let epochs = table.epochs(first.config.epochs);
    let names: Vec<String> = epochs.iter().map(u64::to_string).collect();
    let mut text = format!("\n| epochs | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(epochs.len()));
    for (entry, trials) in entries.iter().zip(all) {
        let row = table.rows.iter().find(|row| row.preset == entry.name);
        let _ = write!(text, "| {} |", entry.name);
        for (column, epoch) in epochs.iter().enumerate() {
            let (mean, deviation) = mean_and_deviation(&COLUMNS[0].numbers(trials, *epoch));
            let paper = row.and_then(|row| row.published.get(column));
            let paper = paper.map_or(String::new(), |paper| format!(" ({:.2})", paper.mean));
            let _ = write!(text, " {}{paper} |", cell(mean, Some(deviation)));
        }
        text.push('\n');
    }
    text
}

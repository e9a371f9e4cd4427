//! The paper's figures from our trials: 1 and S1 from Table 1, S2 from the tables that vary λ, S3 from Table S6.

use super::page::{Column, columns};
use super::plan::Entry;
use super::trials::Trial;
use crate::Result;
use crate::command::figure::{Extent, Figure, Series};
use intnacl_training::paper::Table;
use intnacl_training::statistics::mean_and_deviation;
use intnacl_training::{Error, checkpoint};
use std::path::{Path, PathBuf};

/// Draws the figures that a table has the numbers of, and says where they are.
pub fn draw(table: &Table, entries: &[Entry], all: &[Vec<Trial>], out: &Path) -> Result<Vec<PathBuf>> {
    let view = View { entries, all };
    let figures = match table.name.as_str() {
        "1" => [view.figure_1(false), view.figure_1(true), view.figure_s1()].into_iter().flatten().collect(),
        "S6" => view.figure_s3(table).into_iter().collect(),
        _ => view.figure_s2(),
    };
    let mut paths = Vec::new();
    for (name, figure) in figures {
        let path = out.join(name);
        let svg = figure.svg();
        let svg = svg.map_err(|error| Error::File { path: path.clone(), reason: error.to_string() })?;
        checkpoint::write_whole(&path, svg.as_bytes())?;
        paths.push(path);
    }
    Ok(paths)
}

type Named = (String, Figure);

struct View<'a> {
    entries: &'a [Entry],
    all: &'a [Vec<Trial>],
}

/// A column of ours by its name.
fn column(name: &str) -> Option<&'static Column> {
    columns(true).find(|column| column.name == name)
}

impl View<'_> {
    fn rows(&self) -> impl Iterator<Item = (&Entry, &[Trial])> {
        self.entries.iter().zip(self.all.iter().map(Vec::as_slice))
    }

    /// Standard against robust accuracy.
    fn figure_1(&self, transfer: bool) -> Option<Named> {
        let (standard, robust, what, name) = match transfer {
            false => (column("standard")?, column("FGSM")?, "on the encoder's own images", "figure-1.svg"),
            true => (column("transfer")?, column("transfer FGSM")?, "transferred", "figure-1-transfer.svg"),
        };
        let epsilon = self.entries.first()?.config.attack.epsilon;
        let mut series = Vec::new();
        for (entry, trials) in self.rows() {
            let of = |column: &Column| mean_and_deviation(&column.numbers(trials, entry.config.epochs));
            let ((x, across), (y, along)) = (of(standard), of(robust));
            if !x.is_finite() {
                continue;
            }
            series.push(Series {
                name: entry.name.clone(),
                points: vec![(x, y)],
                spread: Some((across, along)),
                joined: false,
            });
        }
        let figure = Figure {
            title: format!("Standard and robust accuracy, {what}"),
            below: "Mean over the trials, bars of one standard deviation".into(),
            x: ("standard accuracy, %".into(), Extent::Around),
            y: (format!("accuracy under FGSM, ε = {epsilon}, %"), Extent::Around),
            series,
        };
        (!figure.series.is_empty()).then(|| (name.into(), figure))
    }

    /// Robust accuracy against the attack's strength.
    fn figure_s1(&self) -> Option<Named> {
        let mut series = Vec::new();
        for (entry, trials) in self.rows() {
            let found: Vec<_> = trials.iter().filter_map(|trial| trial.get(&entry.config.epochs)).collect();
            let Some(first) = found.first() else { continue };
            let point = |at: usize| {
                let sum: f64 =
                    found.iter().filter_map(|found| found.own.sweep.get(at)).map(|(_, share)| share).sum();
                (first.own.sweep[at].0, 100.0 * sum / found.len() as f64)
            };
            let points = (0..first.own.sweep.len()).map(point).collect();
            series.push(Series { name: entry.name.clone(), points, spread: None, joined: true });
        }
        let figure = Figure {
            title: "Robust accuracy under FGSM of growing strength".into(),
            below: "Mean over the trials".into(),
            x: ("ε".into(), Extent::Decades),
            y: ("accuracy, %".into(), Extent::FromZero),
            series,
        };
        (!figure.series.is_empty()).then(|| ("figure-s1.svg".into(), figure))
    }

    /// Accuracies against λ, a curve for each number of positives and a figure for each estimator.
    fn figure_s2(&self) -> Vec<Named> {
        let mut named = Vec::new();
        for (negatives, on) in [("g0", "SimCLR"), ("g2", "Debiased+HardNeg")] {
            for column in columns(true) {
                let mut series: Vec<Series> = Vec::new();
                for (entry, trials) in self.rows() {
                    let mixed = entry.name.strip_prefix(&format!("mixnca-{negatives}-"));
                    let Some((lambda, positives)) = mixed.and_then(|rest| rest.split_once("-m")) else {
                        continue;
                    };
                    let Ok(lambda) = lambda.parse::<f64>() else { continue };
                    let (mean, _) = mean_and_deviation(&column.numbers(trials, entry.config.epochs));
                    if !mean.is_finite() {
                        continue;
                    }
                    let name = format!("M = {positives}");
                    match series.iter_mut().find(|series| series.name == name) {
                        Some(series) => series.points.push((lambda, mean)),
                        None => series.push(Series {
                            name,
                            points: vec![(lambda, mean)],
                            spread: None,
                            joined: true,
                        }),
                    }
                }
                if series.iter().any(|series| series.points.len() > 1) {
                    let figure = Figure {
                        title: format!("MIXNCA on {on}: {} accuracy by λ", column.name),
                        below: "Mean over the trials".into(),
                        x: ("λ".into(), Extent::Around),
                        y: ("accuracy, %".into(), Extent::Around),
                        series,
                    };
                    let name = column.name.to_lowercase().replace(' ', "-");
                    named.push((format!("figure-s2-{negatives}-{name}.svg"), figure));
                }
            }
        }
        named
    }

    /// Standard accuracy against the epochs trained.
    fn figure_s3(&self, table: &Table) -> Option<Named> {
        let standard = column("standard")?;
        let mut series = Vec::new();
        for (entry, trials) in self.rows() {
            let mut best: f64 = 0.0;
            let points = table.epochs(entry.config.epochs).into_iter().map(|epoch| {
                best = best.max(mean_and_deviation(&standard.numbers(trials, epoch)).0);
                (epoch as f64, best)
            });
            series.push(Series {
                name: entry.name.clone(),
                points: points.collect(),
                spread: None,
                joined: true,
            });
        }
        let figure = Figure {
            title: "Best standard accuracy so far, by the epochs trained".into(),
            below: "Mean over the trials".into(),
            x: ("epochs".into(), Extent::Around),
            y: ("accuracy, %".into(), Extent::Around),
            series,
        };
        (!figure.series.is_empty()).then(|| ("figure-s3.svg".into(), figure))
    }
}

//! What `--json` writes, and the same as a table.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::curves::{Curves, Violations};
use super::digits::Trained;
use super::measure::{Claim, Contrastive, Interval, Measured, Supervised};
use super::subject::Subject;
use super::terms::{Row, words};
use super::worlds::Worlds;

/// The version of the form that `--json` writes. A field that is added leaves it as it is.
pub const VERSION: u32 = 1;

/// The result of `intnacl bound`.
///
/// ```json
/// { "version": 1,
///   "setting": { "classes", "positives", "negatives", "samples", "delta", "temperature", "tau_plus",
///                "imbalance", "encoders" },
///   "terms": [{ "term", "estimator", "formula", "source", "why",
///               "sum": { "value", "verdict" }, "mean": { "value", "verdict" } }],
///   "note": null or why there is no bound for g1,
///   "data": null or { "name", "points", "dimension", "classes": [{ "label", "points" }] },
///   "training": null or { "loss", "seed", "losses": [...],
///                         "checkpoints": [{ "step", "contrastive", "mean_classifier", "best_linear", ... }] },
///   "measured": null or { "supervised", "contrastive", "claims" },
///   "curves": { "reading", "panels": [{ "grows", "series": [{ "curve", "band", "points": [{ "x", "y",
///               "lower", "upper" }] }] }], "violations": [...] } }
/// ```
#[derive(Debug, Serialize)]
pub struct Report {
    /// [`VERSION`].
    pub version: u32,
    /// What the terms are evaluated at.
    pub setting: SettingReport,
    /// The terms of the bound.
    pub terms: Vec<Row>,
    /// What the terms leave open, and why.
    pub note: Option<String>,
    /// What was measured, if anything.
    pub data: Option<Data>,
    /// How the encoder was trained, if one was.
    pub training: Option<TrainingReport>,
    /// The losses at the embeddings.
    pub measured: Option<Measured>,
    /// The points of the plots.
    pub curves: Option<Curves>,
}

/// The parameters of the bound.
#[derive(Debug, Clone, Serialize)]
pub struct SettingReport {
    /// `K`.
    pub classes: usize,
    /// `M`.
    pub positives: usize,
    /// `N`.
    pub negatives: usize,
    /// `T`.
    pub samples: usize,
    /// `δ`.
    pub delta: f64,
    /// `t`.
    pub temperature: f64,
    /// `τ`.
    pub tau_plus: f64,
    /// `κ`.
    pub imbalance: f64,
    /// `|F|`.
    pub encoders: usize,
}

/// A labelled set.
#[derive(Debug, Clone, Serialize)]
pub struct Data {
    /// A file, or which digits.
    pub name: String,
    /// `n`.
    pub points: usize,
    /// `d`.
    pub dimension: usize,
    /// In ascending order of labels.
    pub classes: Vec<ClassReport>,
}

/// A class of a set.
#[derive(Debug, Clone, Serialize)]
pub struct ClassReport {
    /// Its label.
    pub label: i64,
    /// How many points have it.
    pub points: usize,
}

/// How an encoder was trained.
#[derive(Debug, Clone, Serialize)]
pub struct TrainingReport {
    /// The loss that was minimised.
    pub loss: String,
    /// The seed.
    pub seed: u64,
    /// The loss of each step's batch.
    pub losses: Vec<f64>,
    /// The class of encoders: those of some steps.
    pub checkpoints: Vec<CheckpointReport>,
}

/// An encoder on its way.
#[derive(Debug, Clone, Serialize)]
pub struct CheckpointReport {
    /// The steps that it has seen.
    pub step: usize,
    /// Its supervised losses.
    #[serde(flatten)]
    pub supervised: Supervised,
}

impl SettingReport {
    fn new(subject: &Subject) -> Self {
        let Subject { setting, tau_plus, encoders } = *subject;
        Self {
            classes: setting.classes,
            positives: setting.counts.positives,
            negatives: setting.counts.negatives,
            samples: setting.samples,
            delta: setting.delta,
            temperature: setting.temperature,
            tau_plus,
            imbalance: setting.imbalance,
            encoders,
        }
    }
}

impl Data {
    fn new(worlds: &Worlds) -> Self {
        let mut classes = BTreeMap::new();
        for label in &worlds.set.labels {
            *classes.entry(*label).or_insert(0) += 1;
        }
        let classes = classes.into_iter().map(|(label, points)| ClassReport { label, points }).collect();
        let world = worlds.last();
        Self { name: worlds.set.name.clone(), points: world.points(), dimension: world.dimension(), classes }
    }
}

impl TrainingReport {
    /// What training left, with the supervised losses of its checkpoints.
    fn new(trained: Trained, of_encoders: &[Supervised]) -> Self {
        let Trained { loss, seed, checkpoints, losses } = trained;
        let checkpoints = checkpoints.iter().zip(of_encoders);
        let checkpoints = checkpoints
            .map(|(kept, supervised)| CheckpointReport { step: kept.step, supervised: *supervised });
        Self { loss: loss.into(), seed, losses, checkpoints: checkpoints.collect() }
    }
}

impl Report {
    /// All stages in one.
    pub fn new(
        subject: &Subject,
        terms: Vec<Row>,
        worlds: Option<Worlds>,
        measured: Option<Measured>,
        curves: Option<Curves>,
    ) -> Self {
        let (setting, note) = (SettingReport::new(subject), subject.note());
        let data = worlds.as_ref().map(Data::new);
        let training = worlds.and_then(|worlds| worlds.training).zip(measured.as_ref());
        let training =
            training.map(|(trained, measured)| TrainingReport::new(trained, &measured.of_encoders));
        Self { version: VERSION, setting, terms, note, data, training, measured, curves }
    }

    /// What stands under a plot's title: the data, and the parameters that do not grow in it.
    pub fn caption(&self, grows: &str) -> String {
        let setting = &self.setting;
        let data = self.data.as_ref().map_or_else(String::new, |data| format!("{}; ", data.name));
        let parameters = [
            ("classes", format!("K = {}", setting.classes)),
            ("positives", format!("M = {}", setting.positives)),
            ("negatives", format!("N = {}", setting.negatives)),
            ("samples", format!("T = {}", setting.samples)),
            ("delta", format!("δ = {}", setting.delta)),
            ("temperature", format!("t = {}", setting.temperature)),
        ];
        let fixed = parameters.into_iter().filter(|(name, _)| *name != grows).map(|(_, text)| text);
        let encoders = match (grows, setting.encoders) {
            ("samples", 2..) => format!(", {} encoders", setting.encoders),
            _ => String::new(),
        };
        format!("{data}{}{encoders}, sum reading", fixed.collect::<Vec<_>>().join(", "))
    }

    /// The whole, as text for people.
    pub fn table(&self) -> String {
        let setting = &self.setting;
        let mut text = format!(
            "Theorem 3.1 at K = {}, M = {}, N = {}, T = {}, δ = {}, t = {}, τ = {:.4}; encoders: {}\n\n",
            setting.classes,
            setting.positives,
            setting.negatives,
            setting.samples,
            setting.delta,
            setting.temperature,
            setting.tau_plus,
            setting.encoders
        );
        text += &terms(&self.terms);
        if let Some(note) = &self.note {
            text += &format!("{note}\n");
        }
        if let Some(data) = &self.data {
            let (points, dimension, classes) = (data.points, data.dimension, data.classes.len());
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "\n{}: {points} points in {dimension} dimensions, {classes} classes",
                data.name
            );
        }
        if let Some(training) = &self.training {
            text += &trained(training);
        }
        if let Some(measured) = &self.measured {
            text += &losses(measured);
            text += &claims(&measured.claims);
        }
        if let Some(curves) = &self.curves {
            text += &violations(&curves.violations);
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// Columns as wide as their widest cell; those of `right` are set flush right.
fn columns(rows: &[Vec<String>], right: &[usize]) -> String {
    let count = rows.first().map_or(0, Vec::len);
    let length = |text: &str| text.chars().count();
    let widths: Vec<usize> =
        (0..count).map(|c| rows.iter().map(|row| length(&row[c])).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (c, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[c] - length(cell));
            line += &if right.contains(&c) { format!("{pad}{cell}  ") } else { format!("{cell}{pad}  ") };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

fn cells<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(String::from).to_vec()
}

fn terms(rows: &[Row]) -> String {
    let mut lines = vec![cells(["term", "G", "formula", "sum", "mean", "audit", "source"])];
    for row in rows {
        let (sum, mean) = (words(row.sum.verdict), words(row.mean.verdict));
        let audit = if sum == mean { sum.to_owned() } else { format!("{sum} / {mean}") };
        let (sum, mean) = (number(row.sum.value), number(row.mean.value));
        let estimator = row.estimator.unwrap_or_default();
        lines.push(cells([row.term, estimator, row.formula, &sum, &mean, &audit, row.source]));
    }
    columns(&lines, &[3, 4])
        + "sum, mean: the two readings of Σ_j over the positives; audit: of both, or of sum / mean\n"
}

fn trained(training: &TrainingReport) -> String {
    let TrainingReport { loss, seed, losses, checkpoints } = training;
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len().max(1) as f64;
    let tenth = (losses.len() / 10).max(1).min(losses.len());
    let mut text = format!(
        "trained with {loss}, seed {seed}: its loss fell from {} (first {tenth} steps) to {} (last {tenth})\n",
        number(mean(&losses[..tenth])),
        number(mean(&losses[losses.len() - tenth..]))
    );
    let mut lines = vec![cells(["  step", "mean classifier", "its accuracy", "best linear, norm ≤ 1"])];
    for checkpoint in checkpoints {
        let supervised = &checkpoint.supervised;
        let (step, mean) = (checkpoint.step.to_string(), number(supervised.mean_classifier));
        let accuracy = format!("{:.1} %", 100.0 * supervised.mean_classifier_accuracy);
        lines.push(cells([&step, &mean, &accuracy, &number(supervised.best_linear.value)]));
    }
    text += &columns(&lines, &[0, 1, 2, 3]);
    text
}

fn losses(measured: &Measured) -> String {
    let supervised = &measured.supervised;
    let accuracy = format!("{:.1} % right", 100.0 * supervised.mean_classifier_accuracy);
    let lines = [
        cells(["supervised loss", "value", "certified gap"]),
        cells(["mean classifier", &number(supervised.mean_classifier), &accuracy]),
        cells([
            "best linear, norm ≤ 1",
            &number(supervised.best_linear.value),
            &gap(&supervised.best_linear),
        ]),
        cells([
            "best linear, any norm",
            &number(measured.unconstrained.value),
            &gap(&measured.unconstrained),
        ]),
    ];
    let mut text = format!("\n{}", columns(&lines, &[1]));
    let mut lines = vec![cells(["contrastive loss", "sum", "±", "mean", "±", ""])];
    for Contrastive { name, meaning, sum, mean } in &measured.contrastive {
        let values = [sum, mean].map(|interval| (number(interval.value), margin(interval)));
        let [(sum, of_sum), (mean, of_mean)] = &values;
        lines.push(cells([name, sum, of_sum, mean, of_mean, meaning]));
    }
    text += &format!("\n{}", columns(&lines, &[1, 2, 3, 4]));
    text
}

fn gap(interval: &Interval) -> String {
    format!("{:.1e}", interval.upper - interval.lower)
}

fn margin(interval: &Interval) -> String {
    match interval.draws {
        None => "exact".into(),
        Some(_) => format!("{:.4}", (interval.upper - interval.value).max(interval.value - interval.lower)),
    }
}

fn claims(claims: &[Claim]) -> String {
    let mut lines = vec![cells(["claim at these embeddings", "reading", "left", "right", ""])];
    for claim in claims {
        let verdict = match claim.holds {
            Some(true) => "holds",
            Some(false) => "FAILS",
            None => "undecided",
        };
        let (left, right) = (number(claim.left), number(claim.right));
        lines.push(cells([claim.claim, claim.reading.unwrap_or_default(), &left, &right, verdict]));
    }
    format!("\n{}", columns(&lines, &[2, 3]))
}

fn violations(violations: &[Violations]) -> String {
    if violations.is_empty() {
        return String::new();
    }
    let head = ["T", "training sets", "above published", "95 %", "above corrected", "95 %"];
    let mut lines = vec![cells(head)];
    let interval = |[lower, upper]: [f64; 2]| format!("[{lower:.3}, {upper:.3}]");
    for violation in violations {
        let Violations { samples, draws, published, corrected, .. } = violation;
        let numbers = [samples, draws, published, corrected].map(ToString::to_string);
        let [samples, draws, published, corrected] = &numbers;
        let (of_published, of_corrected) =
            (interval(violation.published_interval), interval(violation.corrected_interval));
        lines.push(cells([samples, draws, published, &of_published, corrected, &of_corrected]));
    }
    format!(
        "\ntraining sets whose f̂ has L_Sup above the right side (Clopper and Pearson's interval for their share)\n{}",
        columns(&lines, &[0, 1, 2, 3, 4, 5])
    )
}

/// Four decimals, or powers of ten where those would say nothing.
fn number(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 || (1e-3..1e5).contains(&size) { format!("{x:.4}") } else { format!("{x:.3e}") }
}

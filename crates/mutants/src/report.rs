//! What became of the mutants.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde_json::Value;
use statrs::distribution::{Beta, ContinuousCDF};

use crate::Result;
use crate::sample::Mutant;
use crate::suite::{self, SUITES, Suite};

/// Mutants that no test can notice, each with the reason: `file: what is replaced`, a tab, the reason.
const EQUIVALENT: &str = include_str!("../equivalent.txt");

/// The last outcome of each mutant that was tried, by its name.
pub fn outcomes(work: &Path) -> Result<BTreeMap<String, String>> {
    let mut found: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for entry in std::fs::read_dir(work)? {
        let folder = entry?.path();
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stage = name.split('-').nth(1).and_then(|stage| stage.parse::<usize>().ok());
        let (Some(stage), Ok(text)) = (stage, std::fs::read(folder.join("mutants.out/outcomes.json"))) else {
            continue;
        };
        let file: Value = serde_json::from_slice(&text)?;
        for outcome in file["outcomes"].as_array().into_iter().flatten() {
            let mutant = outcome["scenario"]["Mutant"]["name"].as_str();
            let (Some(mutant), Some(summary)) = (mutant, outcome["summary"].as_str()) else { continue };
            let known = found.entry(mutant.to_owned()).or_insert((stage, summary.to_owned()));
            if stage >= known.0 {
                *known = (stage, summary.to_owned());
            }
        }
    }
    Ok(found.into_iter().map(|(name, (_, summary))| (name, summary)).collect())
}

/// How far a suite is.
pub fn line(suite: &Suite, stage: usize, found: &BTreeMap<String, String>, sample: &[&Mutant]) -> String {
    let of_suite = || sample.iter().filter(|mutant| suite.has(mutant));
    let tried = of_suite().filter_map(|mutant| found.get(&mutant.name));
    let missed = tried.clone().filter(|outcome| *outcome == "MissedMutant").count();
    format!(
        "{}, stage {}: {} of {} tried, {missed} not noticed so far",
        suite.name,
        stage + 1,
        tried.count(),
        of_suite().count()
    )
}

/// The name without line and column, which move.
fn key(mutant: &Mutant) -> String {
    let what = mutant.name.splitn(4, ':').nth(3).unwrap_or(&mutant.name);
    format!("{}:{what}", mutant.file)
}

fn reason(mutant: &Mutant) -> Option<&'static str> {
    let lines = EQUIVALENT.lines().filter_map(|line| line.split_once('\t'));
    lines.filter(|(name, _)| *name == key(mutant)).map(|(_, reason)| reason).next()
}

/// The bounds of a share by Clopper and Pearson (1934), at 95 %.
fn interval(hits: usize, of: usize) -> (f64, f64) {
    let quantile = |a: usize, b: usize, p: f64| {
        Beta::new(a as f64, b as f64).map_or(f64::NAN, |beta| beta.inverse_cdf(p))
    };
    let low = if hits == 0 { 0.0 } else { quantile(hits, of - hits + 1, 0.025) };
    let high = if hits == of { 1.0 } else { quantile(hits + 1, of - hits, 0.975) };
    (low, high)
}

/// The table of the notes, in Markdown.
pub fn table(all: &[Mutant], sample: &[&Mutant], found: &BTreeMap<String, String>) -> String {
    let mut text = String::from(
        "| code | mutants | tried | do not compile | noticed | by time | equivalent | not noticed | share noticed (95 %) |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    let mut survivors = Vec::new();
    let mut row = |name: &str, wanted: &dyn Fn(&Mutant) -> bool, keep: bool| {
        let tried: Vec<(&Mutant, &str)> = sample
            .iter()
            .filter(|mutant| wanted(mutant))
            .filter_map(|mutant| Some((*mutant, found.get(&mutant.name)?.as_str())))
            .collect();
        let count = |summary: &str| tried.iter().filter(|(_, found)| *found == summary).count();
        let missed: Vec<&Mutant> =
            tried.iter().filter(|(_, found)| *found == "MissedMutant").map(|(mutant, _)| *mutant).collect();
        let equivalent = missed.iter().filter(|mutant| reason(mutant).is_some()).count();
        let (caught, late) = (count("CaughtMutant"), count("Timeout"));
        let noticed = caught + late;
        let of = noticed + missed.len() - equivalent;
        let (low, high) = interval(noticed, of);
        let share = if of == 0 {
            "none tried".to_owned()
        } else {
            format!("{:.1} % ({:.1} to {:.1})", 100.0 * noticed as f64 / of as f64, 100.0 * low, 100.0 * high)
        };
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {caught} | {late} | {equivalent} | {} | {share} |",
            all.iter().filter(|mutant| wanted(mutant)).count(),
            tried.len(),
            count("Unviable"),
            missed.len() - equivalent
        );
        if keep {
            survivors.extend(missed.into_iter().cloned());
        }
    };
    for suite in SUITES {
        row(suite.name, &|mutant| suite.has(mutant), true);
    }
    row("all", &|mutant| suite::of(mutant).is_some(), false);
    for mutant in survivors {
        let why = reason(&mutant)
            .map_or_else(|| "NOT NOTICED".to_owned(), |reason| format!("equivalent: {reason}"));
        let _ = writeln!(text, "- `{}`: {why}", mutant.name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_binomial() {
        // 0 of n: 1 - 0.025^(1/n).
        let (low, high) = interval(0, 10);
        assert!(low == 0.0 && (high - (1.0 - 0.025_f64.powf(0.1))).abs() < 1e-9, "{low}, {high}");
        let (low, high) = interval(10, 10);
        assert!(high == 1.0 && (low - 0.025_f64.powf(0.1)).abs() < 1e-9, "{low}, {high}");
        let (low, high) = interval(5, 10);
        assert!((low + high - 1.0).abs() < 1e-9 && (low - 0.1871).abs() < 1e-4, "{low}, {high}");
    }

    #[test]
    fn equivalent_mutants_are_named_with_a_reason() {
        for line in EQUIVALENT.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (name, reason) = line.split_once('\t').expect("a tab");
            assert!(name.contains(".rs: ") && reason.len() > 10, "{line}");
            let file = name.split(':').next().unwrap_or_default();
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
            assert!(path.exists(), "{file} is gone");
        }
    }
}

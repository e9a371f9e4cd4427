//! What became of the mutants.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use statrs::distribution::{Beta, ContinuousCDF};

use crate::Result;
use crate::sample::Mutant;
use crate::suite::{self, SUITES};
use crate::trial::Outcome;

/// Mutants that no test can notice, each with the reason: `file:column: what is replaced`, a tab, the reason.
const EQUIVALENT: &str = include_str!("../equivalent.txt");

/// What became of each mutant that was tried, by its name.
pub fn outcomes(log: &Path) -> Result<BTreeMap<String, Outcome>> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let outcome = |line: &str| -> Result<(String, Outcome)> {
        let value: Value = serde_json::from_str(line)?;
        let stage = value["stage"].as_u64().map(|stage| stage as usize);
        let outcome = match (value["outcome"].as_str(), stage) {
            (Some("does not compile"), _) => Outcome::DoesNotCompile,
            (Some("noticed"), Some(stage)) => Outcome::Noticed(stage),
            (Some("took too long"), Some(stage)) => Outcome::TookTooLong(stage),
            (Some("passed"), Some(stage)) => Outcome::Passed(stage),
            (Some("survived"), _) => Outcome::Survived,
            _ => return Err(format!("{}: {line}: expected an outcome", log.display()).into()),
        };
        let name = value["name"].as_str().ok_or("a mutant without a name")?;
        Ok((name.to_owned(), outcome))
    };
    text.lines().map(outcome).collect()
}

/// Writes down what became of a mutant.
pub fn keep(log: &Path, mutant: &Mutant, outcome: &Outcome) -> Result<()> {
    let (word, stage) = match *outcome {
        Outcome::DoesNotCompile => ("does not compile", None),
        Outcome::Noticed(stage) => ("noticed", Some(stage)),
        Outcome::TookTooLong(stage) => ("took too long", Some(stage)),
        Outcome::Passed(stage) => ("passed", Some(stage)),
        Outcome::Survived => ("survived", None),
    };
    let line = json!({ "name": mutant.name, "outcome": word, "stage": stage });
    let mut file = OpenOptions::new().create(true).append(true).open(log)?;
    Ok(writeln!(file, "{line}")?)
}

/// The name without the line, which moves.
fn key(mutant: &Mutant) -> String {
    let within_line = mutant.name.splitn(3, ':').nth(2).unwrap_or(&mutant.name);
    format!("{}:{within_line}", mutant.file)
}

fn reason(mutant: &Mutant) -> Option<&'static str> {
    let lines = EQUIVALENT.lines().filter_map(|line| line.split_once('\t'));
    lines.filter(|(name, _)| *name == key(mutant)).map(|(_, reason)| reason).next()
}

/// The bounds of a share by Clopper and Pearson (1934), at 95 %.
fn interval(hits: usize, of: usize) -> [f64; 2] {
    let quantile = |a: usize, b: usize, p: f64| {
        Beta::new(a as f64, b as f64).map_or(f64::NAN, |beta| beta.inverse_cdf(p))
    };
    let low = if hits == 0 { 0.0 } else { quantile(hits, of - hits + 1, 0.025) };
    let high = if hits == of { 1.0 } else { quantile(hits + 1, of - hits, 0.975) };
    [low, high]
}

/// The table of the notes, in Markdown.
pub fn table(all: &[Mutant], sample: &[&Mutant], found: &BTreeMap<String, Outcome>) -> String {
    let mut text = String::from(
        "| code | mutants | tried | do not compile | noticed at once | noticed later | too slow | equivalent | survived | open \
         | share noticed (95 %) |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let mut row = |name: &str, wanted: &dyn Fn(&Mutant) -> bool| {
        let of = |mutant: &Mutant| found.get(&mutant.name).copied();
        let tried: Vec<(&Mutant, Outcome)> = sample
            .iter()
            .filter(|mutant| wanted(mutant))
            .filter_map(|mutant| Some((*mutant, of(mutant)?)))
            .collect();
        let count = |is: &dyn Fn(Outcome) -> bool| tried.iter().filter(|(_, outcome)| is(*outcome)).count();
        let at_once = count(&|outcome| outcome == Outcome::Noticed(0));
        let noticed = count(&|outcome| matches!(outcome, Outcome::Noticed(_)));
        let slow = count(&|outcome| matches!(outcome, Outcome::TookTooLong(_)));
        let unknown = |mutant: &Mutant| reason(mutant).is_none();
        let unnoticed = |outcome| matches!(outcome, Outcome::Survived | Outcome::Passed(_));
        let equivalent =
            tried.iter().filter(|(mutant, outcome)| unnoticed(*outcome) && !unknown(mutant)).count();
        let of_outcome = |is: &dyn Fn(Outcome) -> bool| {
            tried.iter().filter(|(mutant, outcome)| is(*outcome) && unknown(mutant)).count()
        };
        let survived = of_outcome(&|outcome| outcome == Outcome::Survived);
        // Until all tests have been tried, a mutant that has passed some counts as not noticed.
        let open = of_outcome(&|outcome| matches!(outcome, Outcome::Passed(_)));
        let of = noticed + slow + survived + open;
        let share = if of == 0 {
            "none tried".to_owned()
        } else {
            let [low, high] = interval(noticed + slow, of).map(|share| 100.0 * share);
            format!("{:.1} % ({low:.1} to {high:.1})", 100.0 * (noticed + slow) as f64 / of as f64)
        };
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {at_once} | {} | {slow} | {equivalent} | {} | {} | {share} |",
            all.iter().filter(|mutant| wanted(mutant)).count(),
            tried.len(),
            count(&|outcome| outcome == Outcome::DoesNotCompile),
            noticed - at_once,
            survived,
            open
        );
    };
    for suite in SUITES {
        row(suite.name, &|mutant| suite::of(mutant).is_some_and(|found| found.name == suite.name));
    }
    row("all", &|mutant| suite::of(mutant).is_some());
    text.push('\n');
    for mutant in sample {
        let what = match found.get(&mutant.name) {
            Some(Outcome::Survived) => "survived".to_owned(),
            Some(passed @ Outcome::Passed(_)) => passed.to_string(),
            _ => continue,
        };
        let why = reason(mutant).map_or(what, |reason| format!("no test can notice it: {reason}"));
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
        let [low, high] = interval(0, 10);
        assert!(low == 0.0 && (high - (1.0 - 0.025_f64.powf(0.1))).abs() < 1e-9, "{low}, {high}");
        let [low, high] = interval(10, 10);
        assert!(high == 1.0 && (low - 0.025_f64.powf(0.1)).abs() < 1e-9, "{low}, {high}");
        let [low, high] = interval(5, 10);
        assert!((low + high - 1.0).abs() < 1e-9 && (low - 0.1871).abs() < 1e-4, "{low}, {high}");
    }

    #[test]
    fn equivalent_mutants_are_named_with_a_reason() {
        for line in EQUIVALENT.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (name, reason) = line.split_once('\t').expect("a tab");
            assert!(name.contains(".rs:") && reason.len() > 10, "{line}");
            let file = name.split(':').next().unwrap_or_default();
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
            assert!(path.exists(), "{file} is gone");
        }
    }
}

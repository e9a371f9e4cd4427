//! The results of `intnacl verify`: who was judged, what is to be said beside the verdict, and all of it as JSON.

use std::path::{Path, PathBuf};

use intnacl_judge::diagnosis::Diagnosis;
use intnacl_judge::{Report, Standard};
use serde_json::{Value, json};

use super::judged::Checked;
use super::known::Known;
use super::patience::LAWS;

/// Where counterexamples are saved.
pub const COUNTEREXAMPLES: &str = "counterexamples";

/// Where the request of a failure is saved.
pub fn saved_as(report: &Report) -> PathBuf {
    Path::new(COUNTEREXAMPLES).join(format!("{}-{}.json", report.law, report.loss))
}

/// What is verified, in words.
pub struct Subject {
    /// Its name.
    pub implementation: String,
    /// Where it computes.
    pub device: String,
    /// In what it computes.
    pub dtype: String,
    /// What is asked for.
    pub standard: Standard,
    /// What it claims, and what was assumed.
    pub notes: Vec<String>,
    /// The failures that do not count.
    pub known: Known,
}

impl Subject {
    /// The reports that count: all but those of known failures.
    pub fn counted<'a>(&self, reports: &'a [Report]) -> Vec<&'a Report> {
        reports.iter().filter(|report| self.known.excuse(report).is_none()).collect()
    }
}

/// The highest standard at which all laws hold.
pub fn reached(reports: &[&Report]) -> Option<Standard> {
    let judged = reports.iter().filter(|report| report.judged());
    judged.map(|report| report.reached()).min().unwrap_or(None)
}

/// All of the results.
pub fn as_json(subject: &Subject, seed: u64, checked: &Checked, diagnoses: &[(&str, Diagnosis)]) -> Value {
    let reports = &checked.reports;
    let rows: Vec<Value> =
        reports.iter().enumerate().map(|(i, report)| row(subject, checked, i, report)).collect();
    let held = subject.known.no_longer_fail(reports).into_iter();
    let held: Vec<Value> =
        held.map(|[law, loss, reason]| json!({"law": law, "loss": loss, "reason": reason})).collect();
    json!({
        "implementation": subject.implementation,
        "device": subject.device,
        "dtype": subject.dtype,
        "seed": seed,
        "standard": subject.standard.to_string(),
        "standard_reached": reached(&subject.counted(reports)).map(|standard| standard.to_string()),
        "notes": subject.notes,
        "answers": checked.answers,
        "not_claimed": checked.absent,
        "known_no_longer_fail": held,
        "diagnoses": diagnoses.iter().map(|(loss, diagnosis)| of_loss(loss, diagnosis)).collect::<Vec<_>>(),
        "reports": rows,
    })
}

fn of_loss(loss: &str, diagnosis: &Diagnosis) -> Value {
    json!({
        "loss": loss,
        "text": diagnosis.to_string(),
        "asked": diagnosis.asked,
        "wrong": diagnosis.wrong,
        "values_are_right": diagnosis.values_are_right,
        "factor": diagnosis.factor.as_ref().map(|factor| factor.name),
        "convention": diagnosis.convention,
        "bug": diagnosis.bug.map(|bug| bug.name()),
    })
}

fn row(subject: &Subject, checked: &Checked, i: usize, report: &Report) -> Value {
    let failures = checked.failures.get(&i);
    json!({
        "law": report.law,
        "loss": report.loss,
        "cases": report.cases,
        "comparisons": report.comparisons,
        "not_supported": report.not_supported,
        "beyond_the_type": report.beyond_the_type,
        "worst": report.worst().what,
        "error": report.worst().error,
        "budget": report.worst().budget,
        "judged": report.judged(),
        "holds": report.holds(),
        "standard_reached": report.reached().filter(|_| report.judged()).map(|s| s.to_string()),
        "counterexample": report.counterexample.as_ref().map(|found| &found.message),
        "known": subject.known.excuse(report),
        "program_failures": failures.map_or(0, |failures| failures.count),
        "given_up": failures.and_then(|failures| failures.given_up.as_deref()),
    })
}

/// What was assumed, not judged, not claimed, given up and expected, a line each.
pub fn remarks(subject: &Subject, checked: &Checked) -> Vec<String> {
    let reports = &checked.reports;
    let mut lines = subject.notes.clone();
    let skipped = |count: &dyn Fn(&Report) -> u32| reports.iter().map(count).map(u64::from).sum::<u64>();
    let (unsupported, beyond) = (skipped(&|r| r.not_supported), skipped(&|r| r.beyond_the_type));
    if unsupported + beyond > 0 {
        lines.push(format!(
            "not judged: {unsupported} cases that are not claimed or were not asked for, {beyond} whose gradient leaves \
             the range of {}",
            subject.dtype
        ));
    }
    lines.extend(idle(reports));
    lines.extend(of_the_run(checked));
    for report in reports {
        if let Some(reason) = subject.known.excuse(report) {
            lines.push(format!("known: {} on {} fails: {reason}", report.law, report.loss));
        }
    }
    for [law, loss, reason] in subject.known.no_longer_fail(reports) {
        lines.push(format!("known, but no longer fails: {law} on {loss}, listed as: {reason}"));
    }
    lines
}

/// What was absent from answers, and how the program failed, a line each.
pub fn of_the_run(checked: &Checked) -> Vec<String> {
    let reports = &checked.reports;
    let mut lines = Vec::new();
    if !checked.absent.is_empty() {
        let parts = checked.absent.iter().map(|(part, count)| match *part {
            "per_anchor" => format!("per_anchor in {count}"),
            array => format!("the gradient by {array} in {count}"),
        });
        let parts: Vec<String> = parts.collect();
        lines.push(format!("not claimed, being absent: {} of {} answers", parts.join(", "), checked.answers));
    }
    let count: u32 = checked.failures.values().map(|failures| failures.count).sum();
    if let Some((_, failures)) = checked.failures.first_key_value() {
        let message = &failures.last.0;
        lines.push(format!(
            "the program failed {count} times, each time to be started again, e.g.: {message}"
        ));
    }
    let given_up = checked.failures.iter().filter_map(|(i, failures)| {
        let report = &reports[*i];
        failures.given_up.as_ref().map(|why| format!("{} on {} {why}", report.law, report.loss))
    });
    let given_up: Vec<String> = given_up.collect();
    if !given_up.is_empty() {
        lines.push(format!("given up: {}", given_up.join(", ")));
    }
    if checked.hopeless {
        lines.push(format!(
            "the program was not asked any more: {LAWS} laws in a row were given up without an answer"
        ));
    }
    lines
}

/// The losses of which nothing was judged.
pub fn idle_losses(reports: &[Report]) -> Vec<&str> {
    let mut losses: Vec<&str> = reports.iter().map(|report| report.loss.as_str()).collect();
    losses.sort_unstable();
    losses.dedup();
    losses.retain(|loss| reports.iter().all(|report| report.loss != *loss || !report.judged()));
    losses
}

/// These, and the other checks that compared nothing.
fn idle(reports: &[Report]) -> Vec<String> {
    let losses = idle_losses(reports);
    let others = reports.iter().filter(|report| !report.judged() && !losses.contains(&report.loss.as_str()));
    let others: Vec<String> = others.map(|report| format!("{} on {}", report.law, report.loss)).collect();
    let mut lines = Vec::new();
    if !losses.is_empty() {
        lines.push(format!("not judged, by any law: {}", losses.join(", ")));
    }
    if !others.is_empty() {
        lines.push(format!("not judged: {}", others.join(", ")));
    }
    lines
}

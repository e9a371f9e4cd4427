//! The results as a page for people.

use std::path::Path;
use std::time::Duration;

use intnacl_judge::Float;
use intnacl_judge::diagnosis::Diagnosis;
use intnacl_judge::report::{Check, Page, Sweep};

use super::error::Error;
use super::judged::Checked;
use super::results::{self, Subject, reached, saved_as};
use super::write_whole;

/// How the results came about.
pub struct Run<'a> {
    /// The program that was asked for, where it is none of ours.
    pub command: Option<&'a str>,
    /// The seed of the cases.
    pub seed: u64,
    /// The type that decides the budgets.
    pub float: Float,
    /// How long it took.
    pub took: Duration,
    /// The verdict in words.
    pub verdict: &'a str,
}

/// Writes the page.
///
/// # Errors
/// [`Error::WriteFile`].
pub fn write(
    path: &Path,
    subject: &Subject,
    checked: &Checked,
    diagnoses: &[(&str, Diagnosis)],
    sweeps: &[Sweep],
    run: &Run<'_>,
) -> Result<(), Error> {
    let reports = &checked.reports;
    let cases: u64 = reports.iter().map(|report| u64::from(report.cases)).sum();
    let comparisons: u64 = reports.iter().map(|report| report.comparisons).sum();
    let mut facts = vec![
        ("device", subject.device.clone()),
        ("type", subject.dtype.clone()),
        ("cases", cases.to_string()),
        ("comparisons", comparisons.to_string()),
        ("seed", run.seed.to_string()),
        ("time", format!("{:.0} s", run.took.as_secs_f64())),
    ];
    facts.extend(run.command.map(|command| ("command", command.to_owned())));
    let checks = reports.iter().enumerate().map(|(i, report)| {
        let failed = checked.failures.get(&i);
        let known = subject.known.reason(report).map(String::from);
        let saved =
            report.counterexample.as_ref().is_some_and(|found| found.request.is_some()) && known.is_none();
        let notes = [
            saved.then(|| format!("Its request is saved: intnacl explain {}.", saved_as(report).display())),
            failed.and_then(|failed| {
                failed.given_up.as_ref().map(|why| format!("Given up {why}: smaller cases may fail too."))
            }),
        ];
        let notes: Vec<String> = notes.into_iter().flatten().collect();
        let note = (!notes.is_empty()).then(|| notes.join(" "));
        Check { report, float: run.float, known, note, code: None }
    });
    let mut remarks = subject.notes.clone();
    remarks.extend(results::of_the_run(checked));
    let held = subject.known.no_longer_fail(reports).into_iter();
    remarks.extend(held.map(|[law, loss, reason]| {
        format!("known, but no longer fails: {law} on {loss}, listed as: {reason}")
    }));
    let page = Page {
        name: &subject.implementation,
        verdict: run.verdict,
        reached: reached(&subject.counted(reports)),
        standard: subject.standard,
        facts,
        checks: checks.collect(),
        diagnoses: diagnoses.iter().map(|(loss, found)| ((*loss).to_owned(), found.to_string())).collect(),
        sweeps,
        remarks,
    };
    let html = page.html().map_err(|error| Error::WriteFile {
        name: path.display().to_string(),
        source: std::io::Error::other(error),
    })?;
    write_whole(path, &html)
}

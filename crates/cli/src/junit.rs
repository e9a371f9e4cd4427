//! The results as JUnit XML, which services for continuous integration show.

use std::io;
use std::path::Path;
use std::time::Duration;

use intnacl_judge::Report;
use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};

use super::error::Error;
use super::known::Known;
use super::results::Subject;
use super::write_whole;

/// Writes a test suite a law, a test case a loss; known failures are skipped with their reason, as expected ones of
/// pytest are.
///
/// # Errors
/// [`Error::WriteFile`].
pub fn write(
    path: &Path,
    subject: &Subject,
    seed: u64,
    reports: &[Report],
    took: Duration,
) -> Result<(), Error> {
    let mut all = quick_junit::Report::new(format!("intnacl verify {}", subject.implementation));
    all.set_time(took);
    let properties = [
        ("device", subject.device.clone()),
        ("dtype", subject.dtype.clone()),
        ("standard", subject.standard.to_string()),
        ("seed", seed.to_string()),
    ];
    for of_law in reports.chunk_by(|a, b| a.law == b.law) {
        let mut suite = TestSuite::new(of_law[0].law);
        suite.add_properties(properties.iter().map(|(name, value)| Property::new(*name, value.as_str())));
        suite.add_test_cases(of_law.iter().map(|report| test_case(report, &subject.known)));
        all.add_test_suite(suite);
    }
    let text = all.to_string().map_err(|error| Error::WriteFile {
        name: path.display().to_string(),
        source: io::Error::other(error),
    })?;
    write_whole(path, &text)
}

fn test_case(report: &Report, known: &Known) -> TestCase {
    let status = match (&report.counterexample, known.excuse(report)) {
        (Some(found), Some(reason)) => {
            let mut status = TestCaseStatus::skipped();
            status.set_type("known").set_message(reason).set_description(&*found.message);
            status
        }
        (Some(found), None) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let case = format!("{}\n{:?}", found.message, found.case);
            status
                .set_type(format!("not {}", report.standard))
                .set_message(&*found.message)
                .set_description(case);
            status
        }
        (None, _) if report.judged() => TestCaseStatus::success(),
        (None, _) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message("not judged: nothing that the law compares is claimed");
            status
        }
    };
    let mut case = TestCase::new(&*report.loss, status);
    case.set_classname(report.law).set_assertions(usize::try_from(report.comparisons).unwrap_or(usize::MAX));
    case
}

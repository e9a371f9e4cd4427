//! A page of HTML that tells what became of a program, for its author and for whom they send it to.
//!
//! The page is one file: it needs no network and runs no script. It has the verdict in words, the worst error of each law
//! over its budget, errors against the temperature and the size of the loss, counterexamples with both answers, and what
//! was not judged.
//!
//! ```
//! use intnacl_judge::report::{Check, Page, sweep};
//! use intnacl_judge::{Float, Standard, check, laws};
//! use intnacl_judge::zoo::{Bug, Program, Style};
//!
//! let program = Program::new(Style::CrossEntropy, Float::F32).with(Bug::PriorForgotten);
//! let law = laws().into_iter().find(|law| law.name == "agrees_with_the_reference").unwrap();
//! let report = check(&law, "debiased", &program, 8, 1, Standard::Right);
//! let sweeps = [sweep(&program, "debiased", 1, Standard::Right, &|case| case)];
//! let page = Page {
//!     name: "my program",
//!     verdict: "WRONG: 1 of 1 checks fail",
//!     reached: report.reached(),
//!     standard: Standard::Right,
//!     facts: vec![("seed", "1".into())],
//!     checks: vec![Check::new(&report, Float::F32)],
//!     diagnoses: Vec::new(),
//!     sweeps: &sweeps,
//!     remarks: Vec::new(),
//! };
//! let html = page.html()?;
//! assert!(html.starts_with("<!DOCTYPE html>") && html.contains("my program is wrong"));
//! # Ok::<(), intnacl_judge::report::Unwritten>(())
//! ```

mod example;
mod filters;
mod plot;
mod quantities;
mod sweep;
mod table;
#[cfg(test)]
mod tests;
mod unjudged;
mod written;

pub use sweep::{Point, REQUESTS, Sweep, Unanswered, sweep};

use crate::{Float, Report, Standard};
use askama::Template;
use example::Example;
use plot::{Against, Plot, Standing, in_words, plot};
use std::fmt;
use table::Table;
use unjudged::{Unjudged, is_idle, unjudged};
use written::{count, number};

/// What a page tells.
#[derive(Debug, Clone)]
pub struct Page<'a> {
    /// What the program is called.
    pub name: &'a str,
    /// The verdict in a sentence.
    pub verdict: &'a str,
    /// The highest standard at which all laws hold that count.
    pub reached: Option<Standard>,
    /// The standard that was asked for.
    pub standard: Standard,
    /// What else is to be known of the run: a name and its value each.
    pub facts: Vec<(&'a str, String)>,
    /// What became of each law.
    pub checks: Vec<Check<'a>>,
    /// What is wrong: a heading, such as the loss, and the words of a [`Diagnosis`](crate::diagnosis::Diagnosis).
    pub diagnoses: Vec<(String, String)>,
    /// The errors of each loss.
    pub sweeps: &'a [Sweep],
    /// What was assumed, not claimed or given up, a sentence each.
    pub remarks: Vec<String>,
}

/// What became of a law, and what the run knows beside it.
#[derive(Debug, Clone)]
pub struct Check<'a> {
    /// What became of it.
    pub report: &'a Report,
    /// The type that the program computed in.
    pub float: Float,
    /// Why the law may fail, if it may.
    pub known: Option<String>,
    /// What is to be said of its counterexample, such as where the request is saved.
    pub note: Option<String>,
    /// A program that shows the counterexample without the judge.
    pub code: Option<String>,
}

impl<'a> Check<'a> {
    /// What became of a law, and nothing beside it.
    pub fn new(report: &'a Report, float: Float) -> Self {
        Self { report, float, known: None, note: None, code: None }
    }

    fn is_failure(&self) -> bool {
        self.report.counterexample.is_some() && self.known.is_none()
    }
}

/// A page that could not be written.
#[derive(Debug)]
pub struct Unwritten(askama::Error);

impl fmt::Display for Unwritten {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the report could not be written: {}", self.0)
    }
}

impl std::error::Error for Unwritten {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl Page<'_> {
    /// The page.
    ///
    /// # Errors
    /// [`Unwritten`], where the template cannot be filled.
    pub fn html(&self) -> Result<String, Unwritten> {
        View::new(self).render().map_err(Unwritten)
    }
}

/// The page as the template reads it.
#[derive(Template)]
#[template(path = "report/page.html")]
struct View<'a> {
    page: &'a Page<'a>,
    headline: &'static str,
    /// `good`, `bad` or `none`.
    mood: &'static str,
    /// What became of the standard that was asked for.
    asked: String,
    table: Table,
    figures: Vec<Figures>,
    failures: Vec<Example>,
    unjudged: Vec<Unjudged>,
    requests: usize,
    version: &'static str,
}

/// The drawings of the values or the gradients of a loss.
struct Figures {
    id: String,
    heading: String,
    words: String,
    plots: [Plot; 2],
    spread_of_points: bool,
    points: Vec<Shown>,
    unanswered: Vec<[String; 2]>,
}

/// A point in words.
struct Shown {
    standing: &'static str,
    what: String,
    /// Temperature, size, error, and what it may be: careful, right.
    numbers: [String; 5],
}

impl<'a> View<'a> {
    fn new(page: &'a Page<'a>) -> Self {
        let failing = page.checks.iter().filter(|check| check.is_failure()).count();
        let judged = page.checks.iter().filter(|check| check.report.judged()).count();
        let known =
            page.checks.iter().filter(|check| check.report.counterexample.is_some()).count() - failing;
        let (headline, mood) = match (judged, page.reached) {
            (0, _) => ("was not judged", "none"),
            (_, None) => ("is wrong", "bad"),
            (_, Some(Standard::Right)) => ("is right", "good"),
            (_, Some(Standard::Careful)) => ("is careful", "good"),
            (_, Some(Standard::Exact)) => ("is exact", "good"),
        };
        let checks = |number: usize| count(number, "check that was judged", "checks that were judged");
        let asked = match (judged, failing) {
            (0, _) => "nothing was compared".to_owned(),
            (_, 0) if known > 0 => {
                format!("{known} of {} fail as known, and all others hold", checks(judged))
            }
            (_, 0) => format!("no failure in {}", checks(judged)),
            _ => format!("{} in {}", count(failing, "failure", "failures"), checks(judged)),
        };
        let shown: Vec<Check<'_>> =
            page.checks.iter().filter(|check| !is_idle(&page.checks, check)).cloned().collect();
        let failures = shown.iter().enumerate().filter_map(|(at, check)| {
            check.report.counterexample.as_ref().map(|found| Example::new(at, check, found))
        });
        let mut failures: Vec<Example> = failures.collect();
        // What is known comes last.
        failures.sort_by_key(|failure| failure.known.is_some());
        Self {
            page,
            headline,
            mood: if failing > 0 { "bad" } else { mood },
            asked,
            table: Table::new(&shown),
            figures: page.sweeps.iter().enumerate().flat_map(|(at, sweep)| Figures::of(at, sweep)).collect(),
            failures,
            unjudged: unjudged(&page.checks),
            requests: REQUESTS,
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

impl Figures {
    fn of(at: usize, sweep: &Sweep) -> Vec<Self> {
        let kinds = [("values", &sweep.values), ("gradients", &sweep.gradients)];
        let told = kinds.into_iter().filter(|(kind, points)| {
            !points.is_empty() || (*kind == "values" && !sweep.unanswered.is_empty())
        });
        let figures = told.map(|(kind, points)| {
            let id = format!("{kind}-{at}");
            let of = |against, name: &str| plot(sweep, points, against, kind, format!("{id}-{name}"));
            Self {
                heading: format!("{} of {} in {}", capitalised(kind), sweep.loss, sweep.float),
                words: in_words(sweep, points),
                plots: [of(Against::Temperature, "temperature"), of(Against::Size, "size")],
                spread_of_points: sweep.loss == intnacl_reference::SUPERVISED_NCA.name,
                points: points.iter().map(Shown::new).collect(),
                unanswered: sweep
                    .unanswered
                    .iter()
                    .map(|lost| [number(lost.temperature, 3), number(lost.size, 3)])
                    .collect(),
                id,
            }
        });
        figures.collect()
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

impl Shown {
    fn new(point: &Point) -> Self {
        let numbers = [point.temperature, point.size, point.error, point.careful, point.right];
        Self {
            standing: Standing::of(point).word(),
            what: point.what.clone(),
            numbers: numbers.map(|x| number(x, 3)),
        }
    }
}

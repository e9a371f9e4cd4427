//! The table of laws: the worst error of each over its budget.

use super::Check;
use super::written::{count, number};

/// A row for each law, a column for each loss in each type.
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
    /// Whether columns are so many that their heads are written upright.
    pub(super) is_wide: bool,
}

pub(super) struct Column {
    pub(super) loss: String,
    pub(super) float: &'static str,
}

pub(super) struct Row {
    pub(super) law: &'static str,
    pub(super) statement: &'static str,
    /// A cell a column; none where the law does not speak of the loss.
    pub(super) cells: Vec<Option<Cell>>,
}

/// What became of a law.
pub(super) struct Cell {
    /// `holds`, `fails`, `known` or `idle`.
    pub(super) state: &'static str,
    /// The worst error over its budget.
    pub(super) ratio: String,
    pub(super) words: &'static str,
    /// How long its bar is, in percent: each decade from a thousandth of the budget to a thousand budgets is a sixth.
    pub(super) bar: u32,
    /// Where the counterexample stands on the page.
    pub(super) link: Option<String>,
    /// On how many cases it was tried, and how many numbers were compared.
    pub(super) detail: String,
}

impl Table {
    pub(super) fn new(checks: &[Check<'_>]) -> Self {
        let mut keys: Vec<(&str, &'static str)> = Vec::new();
        let mut laws: Vec<&'static str> = Vec::new();
        for check in checks {
            let key = (check.report.loss.as_str(), check.float.row().name);
            if !keys.contains(&key) {
                keys.push(key);
            }
            if !laws.contains(&check.report.law) {
                laws.push(check.report.law);
            }
        }
        let cell = |law: &str, key: &(&str, &str)| {
            let of_cell = |check: &Check<'_>| {
                check.report.law == law && (check.report.loss.as_str(), check.float.row().name) == *key
            };
            checks
                .iter()
                .enumerate()
                .find(|(_, check)| of_cell(check))
                .map(|(at, check)| Cell::new(at, check))
        };
        let statements = crate::laws();
        let statement =
            |name: &str| statements.iter().find(|law| law.name == name).map_or("", |law| law.statement);
        let row = |law: &&'static str| Row {
            law,
            statement: statement(law),
            cells: keys.iter().map(|key| cell(law, key)).collect(),
        };
        let columns = keys.iter().map(|(loss, float)| Column { loss: (*loss).into(), float });
        let rows = laws.iter().map(row).collect();
        Self { columns: columns.collect(), rows, is_wide: keys.len() > 3 }
    }

    /// Whether all columns are of one type, which then need not be said in each.
    pub(super) fn is_of_one_type(&self) -> bool {
        self.columns.iter().all(|column| column.float == self.columns[0].float)
    }
}

impl Cell {
    fn new(at: usize, check: &Check<'_>) -> Self {
        let report = check.report;
        let (state, words) = match (report.judged(), report.counterexample.is_some(), check.known.is_some()) {
            (false, ..) => ("idle", "not judged"),
            (true, false, false) => ("holds", "holds"),
            (true, false, true) => ("holds", "holds, though known to fail"),
            (true, true, false) => ("fails", "fails"),
            (true, true, true) => ("known", "fails, as known"),
        };
        let worst = report.worst();
        let ratio = worst.ratio();
        // A program that gave no answer was not measured.
        let measured = report.judged() && report.comparisons > 0;
        let is_told = measured && (worst.breaks() || report.counterexample.is_none());
        Self {
            state,
            words,
            ratio: if is_told { number(ratio, 2) } else { String::new() },
            bar: match (is_told, report.counterexample.is_some()) {
                (true, _) => bar(ratio),
                (false, true) => 100,
                (false, false) => 0,
            },
            link: report.counterexample.as_ref().map(|_| format!("failure-{at}")),
            detail: if measured {
                format!(
                    "{}, {}",
                    count(report.cases as usize, "case", "cases"),
                    count(report.comparisons as usize, "comparison", "comparisons")
                )
            } else {
                String::new()
            },
        }
    }
}

fn bar(ratio: f64) -> u32 {
    if ratio.is_nan() {
        return 100;
    }
    (((ratio.max(1e-3).log10() + 3.0) / 6.0) * 100.0).clamp(2.0, 100.0).round() as u32
}

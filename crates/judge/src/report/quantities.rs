//! What a loss is made of, term by term, beside what the program's values say of it.

use super::written::number;
use intnacl_reference::explain::{Anchor, Term, explain};
use intnacl_reference::{Negatives, Request};

/// How many terms are shown.
const TERMS: usize = 6;
const DIGITS: usize = 6;

/// The quantities of `intnacl explain`, a column a term.
pub(super) struct Quantities {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Quantity>,
    /// How many terms are left out.
    pub(super) more: usize,
}

/// One quantity of each term.
pub(super) struct Quantity {
    pub(super) symbol: &'static str,
    pub(super) meaning: &'static str,
    pub(super) cells: Vec<String>,
    /// Whether it comes from the program.
    pub(super) is_of_the_program: bool,
}

/// A term, its anchor, and the value that the program gave to the anchor.
struct Column<'a> {
    index: usize,
    anchor: &'a Anchor,
    term: &'a Term,
    found: Option<f64>,
}

impl Column<'_> {
    /// `N·G/P` as a value of the anchor has it, `e^value - 1`, where the anchor is the mean of terms `log(1 + N·G/P)`: of
    /// several, `1 + N·G/P` is the geometric mean.
    fn negatives_beside_positives(&self, value: f64) -> Option<f64> {
        let terms = &self.anchor.terms;
        let is_mean = (terms.iter().map(|term| term.coefficient).sum::<f64>() - 1.0).abs() < 1e-12;
        let is_attraction = |term: &Term| (term.omega + (-term.value).exp_m1()).abs() <= 1e-9;
        (is_mean && terms.iter().all(is_attraction)).then(|| value.exp_m1())
    }
}

impl Quantities {
    /// Those of a request that the reference accepts; `found` are the values that the program gave to the anchors.
    pub(super) fn new(request: &Request, found: &[f64]) -> Option<Self> {
        let explanation = explain(request).ok()?;
        let found = |index: usize| found.get(index).copied().filter(|value| !value.is_nan());
        let mut all = Vec::new();
        for (index, anchor) in explanation.anchors.iter().enumerate() {
            all.extend(anchor.terms.iter().map(|term| Column { index, anchor, term, found: found(index) }));
        }
        let shown = &all[..all.len().min(TERMS)];
        let row = |symbol, meaning, cell: &dyn Fn(&Column<'_>) -> Option<String>| Quantity {
            symbol,
            meaning,
            cells: shown.iter().map(|column| cell(column).unwrap_or_else(|| "–".into())).collect(),
            is_of_the_program: false,
        };
        let of_program = |row: Quantity| Quantity { is_of_the_program: true, ..row };
        let is_told = |row: &Quantity| row.cells.iter().any(|cell| cell != "–");
        let short = |x: f64| number(x, DIGITS);
        let mut rows = vec![
            row("value", "of the anchor, exact", &|c| Some(short(c.anchor.value))),
            of_program(row("value", "of the anchor, the program's", &|c| c.found.map(short))),
            row("term", "its value, times its factor in the anchor's", &|c| {
                Some(format!("{} × {}", short(c.term.value), number(c.term.coefficient, 3)))
            }),
            row("ω", "N·G/(P + N·G)", &|c| Some(short(c.term.omega))),
            row("N·G/P", "negatives beside positives: e^value − 1", &|c| {
                c.negatives_beside_positives(c.anchor.value).map(short)
            }),
            of_program(row("N·G/P", "the program's", &|c| {
                c.negatives_beside_positives(c.found?).map(short)
            })),
            row("log P", "P: the sum of exp(score) over the positives", &|c| {
                Some(short(c.term.log_positives))
            }),
            row("log A", "A: the mean over the negatives", &|c| Some(short(c.term.log_mean_negatives))),
            row("log B", "B: the mean over the draws of positives", &|c| c.term.log_mean_draws.map(short)),
            row("log G", "G: the estimate of a negative", &|c| Some(short(c.term.log_estimate))),
            row("floor", "whether G is at e^(−1/t)", &|c| {
                let reads_floor = c.term.estimator != Negatives::G0;
                reads_floor.then(|| if c.term.floored { "yes" } else { "no" }.into())
            }),
            row("M, N, m", "positives, negatives, draws", &|c| {
                let [positives, negatives, draws] = c.term.counts;
                Some(format!("{positives}, {negatives}, {draws}"))
            }),
            row("hard", "negatives that count under the hardness weights", &|c| {
                Some(number(c.term.effective_negatives.hardness, 3))
            }),
            row("soft", "negatives that count under a softmax", &|c| {
                Some(number(c.term.effective_negatives.softmax, 3))
            }),
            row("bits lost", "by cancellation in A − τB", &|c| {
                Some(number(c.term.bits_lost.estimator, 3))
            }),
            row("bits lost", "by cancellation in log(P + N·G) − log P", &|c| {
                Some(number(c.term.bits_lost.logarithms, 3))
            }),
            row("slope", "the largest derivative by a score", &|c| {
                let largest = c.term.gradient.first()?;
                Some(format!("{} by {} ({})", number(largest.derivative, 4), largest.row, largest.role))
            }),
        ];
        rows.retain(is_told);
        let columns =
            shown.iter().map(|c| format!("{} {}: {}", explanation.anchors_are, c.index, c.term.name));
        Some(Self { columns: columns.collect(), rows, more: all.len() - shown.len() })
    }
}

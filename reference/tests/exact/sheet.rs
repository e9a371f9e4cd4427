//! Embeddings, the scores taken between them, and the way back from score derivatives to embeddings.

use crate::arrays::Named;
use crate::big::{Big, dot};
use crate::tape::{Derivative, Tape, Var};
use crate::truth::{ArrayTruth, Nudge, Precision};
use intnacl_reference::Settings;
use std::collections::HashMap;
use std::ops::Range;

/// A row of one of the arrays.
pub type Row = usize;

/// A tape whose leaves are the scores between rows of named arrays.
pub struct Sheet {
    pub tape: Tape,
    pub precision: Precision,
    temperature: Big,
    arrays: Vec<(String, Range<Row>)>,
    by_name: HashMap<String, Range<Row>>,
    /// The rows that scores are taken of: as given, or divided by their norm.
    rows: Vec<Vec<Big>>,
    /// The norms that the rows were divided by.
    norms: Option<Vec<Big>>,
    scores: Vec<(Var, Row, Row)>,
}

impl Sheet {
    pub fn new(
        arrays: Vec<Named<'_>>,
        settings: &Settings,
        precision: Precision,
        nudge: Option<&Nudge>,
    ) -> Self {
        let mut rows = Vec::new();
        let mut ranges = Vec::new();
        for (name, matrix) in arrays {
            let start = rows.len();
            for row in matrix.row_iter() {
                rows.push(row.iter().map(|&entry| Big::from(entry)).collect::<Vec<_>>());
            }
            if let Some(nudge) = nudge.filter(|nudge| nudge.array == name) {
                rows[start + nudge.row][nudge.column] += &nudge.by;
            }
            ranges.push((name, start..rows.len()));
        }
        let norms = settings.normalize.then(|| {
            let norms: Vec<_> = rows.iter().map(|row| dot(row, row).sqrt()).collect();
            for (row, norm) in rows.iter_mut().zip(&norms) {
                row.iter_mut().for_each(|entry| *entry = &*entry / norm);
            }
            norms
        });
        Self {
            tape: Tape::default(),
            precision,
            temperature: Big::from(settings.temperature),
            by_name: ranges.iter().cloned().collect(),
            arrays: ranges,
            rows,
            norms,
            scores: Vec::new(),
        }
    }

    /// The rows of the array called `name`, if it was given.
    pub fn find(&self, name: &str) -> Option<Vec<Row>> {
        self.by_name.get(name).map(|range| range.clone().collect())
    }

    /// The rows of an array that must be there.
    pub fn rows(&self, name: &str) -> Vec<Row> {
        self.find(name).unwrap_or_else(|| panic!("no array {name}"))
    }

    /// `s(a, b) = a·b/t`.
    pub fn score(&mut self, a: Row, b: Row) -> Var {
        let score = &dot(&self.rows[a], &self.rows[b]) / &self.temperature;
        let var = self.tape.leaf(score);
        self.scores.push((var, a, b));
        var
    }

    pub fn scores(&mut self, anchor: Row, others: &[Row]) -> Vec<Var> {
        others.iter().map(|&other| self.score(anchor, other)).collect()
    }

    /// `e^{-1/t}`.
    pub fn floor(&self) -> Big {
        (-&(&Big::one() / &self.temperature)).exp()
    }

    /// The gradient of `output` by every array.
    pub fn gradient(&self, output: Var) -> Vec<ArrayTruth> {
        let width = self.rows.first().map_or(0, Vec::len);
        let mut by_row = vec![vec![Derivative::default(); width]; self.rows.len()];
        let derivatives = self.tape.derivatives(output);
        let inverse = &Big::one() / &self.temperature;
        for &(score, a, b) in &self.scores {
            let mut scaled = Derivative::default();
            scaled.accumulate(derivatives.by(score), &inverse);
            if scaled.terms.is_none() {
                continue;
            }
            for (to, from) in [(a, b), (b, a)] {
                for (entry, factor) in by_row[to].iter_mut().zip(&self.rows[from]) {
                    entry.accumulate(&scaled, factor);
                }
            }
        }
        if let Some(norms) = &self.norms {
            for ((gradient, row), norm) in by_row.iter_mut().zip(&self.rows).zip(norms) {
                *gradient = through_normalisation(gradient, row, norm);
            }
        }
        let part = |(name, range): &(String, Range<Row>)| ArrayTruth::new(name, &by_row[range.clone()]);
        self.arrays.iter().map(part).collect()
    }
}

/// The gradient by a row `r`, from the one by `row = r/|r|`: `(I - row rowᵀ) gradient / |r|`.
fn through_normalisation(gradient: &[Derivative], row: &[Big], norm: &Big) -> Vec<Derivative> {
    let mut along = Derivative::default();
    for (entry, direction) in gradient.iter().zip(row) {
        along.accumulate(entry, direction);
    }
    let inverse = &Big::one() / norm;
    let project = |(entry, direction): (&Derivative, &Big)| {
        let mut across = entry.clone();
        across.accumulate(&along, &-direction);
        let mut scaled = Derivative::default();
        scaled.accumulate(&across, &inverse);
        scaled
    };
    gradient.iter().zip(row).map(project).collect()
}

//! The two layouts as one list of roles: data become anchors with their positives and negatives.

mod batch;
mod tuples;

use crate::score::{Contrast, Scores};
use crate::vocabulary::{Embeddings, Layout, Loss};
use nalgebra::DMatrix;
use std::ops::Range;

/// Data of either layout as one list of rows, and back.
pub trait Problems: Layout {
    /// The roles of all rows.
    fn problem(&self, loss: &Loss) -> Problem {
        match self.embeddings() {
            Embeddings::Tuples(data) => tuples::problem(data, loss),
            Embeddings::Batch(data) => batch::problem(data, loss),
        }
    }

    /// Data of this shape, filled from rows in the problem's order.
    fn filled(&self, mut rows: &[f64]) -> Self {
        self.map_matrices(|matrix| {
            let (mine, rest) = rows.split_at(matrix.len());
            rows = rest;
            DMatrix::from_row_slice(matrix.nrows(), matrix.ncols(), mine)
        })
    }

    /// Every row as a list, in the problem's order.
    fn each_row(&self) -> Vec<Vec<f64>> {
        let matrices = self.matrices();
        let rows = matrices.iter().flat_map(|(_, matrix)| matrix.row_iter());
        rows.map(|row| row.iter().copied().collect()).collect()
    }
}

impl<L: Layout> Problems for L {}

/// All rows of the data in one list, and what each is to each anchor.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The number of columns.
    pub d: usize,
    /// Row-major, `d` columns.
    pub rows: Vec<f64>,
    /// The largest norm of a row as given, at least 1.
    pub largest_norm: f64,
    /// The arrays of the data, in order: their rows' ranges.
    pub arrays: Vec<Range<usize>>,
    /// Who is what to whom, for each image.
    pub images: Vec<Roles>,
    /// Sets of rows among which all scores are needed.
    pub blocks: Vec<Block>,
}

/// Rows whose scores among each other are all needed: two equally long runs.
#[derive(Debug, Clone)]
pub struct Block {
    pub halves: [Range<usize>; 2],
}

impl Block {
    /// Where a row stands in the block.
    pub fn position(&self, row: usize) -> Option<usize> {
        let [first, second] = &self.halves;
        if first.contains(&row) {
            Some(row - first.start)
        } else if second.contains(&row) {
            Some(first.len() + row - second.start)
        } else {
            None
        }
    }

    pub fn len(&self) -> usize {
        self.halves[0].len() + self.halves[1].len()
    }

    /// All rows, if they follow each other.
    pub fn run(&self) -> Option<Range<usize>> {
        let [first, second] = &self.halves;
        (first.end == second.start).then_some(first.start..second.end)
    }
}

/// The rows of one image (in the tuple layout: of one anchor).
#[derive(Debug, Clone, Default)]
pub struct Roles {
    /// The roles around the clean anchors.
    pub clean: Vec<ContrastRoles>,
    /// The roles in the mixed terms.
    pub mixed: Vec<ContrastRoles>,
    /// The roles around the robust anchors.
    pub robust: Vec<ContrastRoles>,
}

impl Roles {
    /// All contrasts, in this order.
    pub fn all(&self) -> impl Iterator<Item = &ContrastRoles> {
        self.clean.iter().chain(&self.mixed).chain(&self.robust)
    }

    /// The scores of all contrasts, from the scores of one anchor with runs of rows.
    pub fn scores<T>(&self, score: impl Fn(&ContrastRoles, &[Range<usize>]) -> Vec<T>) -> Scores<T> {
        let contrast = |roles: &ContrastRoles| Contrast {
            positives: score(roles, &roles.positives),
            negatives: score(roles, &roles.negatives),
            debias: score(roles, &roles.debias),
        };
        Scores {
            clean: self.clean.iter().map(contrast).collect(),
            mixed: self.mixed.iter().map(contrast).collect(),
            robust: self.robust.iter().map(contrast).collect(),
        }
    }
}

/// The rows of one contrast.
#[derive(Debug, Clone)]
pub struct ContrastRoles {
    /// The anchor's row.
    pub anchor: usize,
    /// Runs of its positives.
    pub positives: Vec<Range<usize>>,
    /// Runs of its negatives.
    pub negatives: Vec<Range<usize>>,
    /// Runs of its draws of positives.
    pub debias: Vec<Range<usize>>,
    /// The block that holds the anchor and the negatives, if one does.
    pub block: Option<usize>,
}

impl ContrastRoles {
    /// Each run list with the list of numbers that belongs to it.
    pub fn lists<'a, T>(
        &'a self,
        contrast: &'a mut Contrast<T>,
    ) -> [(&'a [Range<usize>], &'a mut Vec<T>); 3] {
        [
            (&self.positives, &mut contrast.positives),
            (&self.negatives, &mut contrast.negatives),
            (&self.debias, &mut contrast.debias),
        ]
    }
}

impl Problem {
    /// A row, as it was given.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.rows[row * self.d..][..self.d]
    }

    /// The most bits `k` that an entry has below 1, or below the largest entry of its row where rows are normalised: then
    /// inner products are multiples of `2^{-2k}`.
    pub fn bits_of_entries(&self, normalize: bool) -> f64 {
        let of_row = |row: &[f64]| {
            let largest = row.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
            let top = if normalize { largest.log2() } else { 0.0 };
            let lowest = row.iter().filter(|x| **x != 0.0).map(|x| lowest_bit(*x)).min();
            lowest.map_or(0.0, |lowest| top - f64::from(lowest))
        };
        self.rows.chunks_exact(self.d.max(1)).map(of_row).fold(0.0, f64::max)
    }

    /// The largest norm of an embedding, at least 1.
    pub fn radius(&self, normalize: bool) -> f64 {
        if normalize { 1.0 } else { self.largest_norm }
    }
}

/// The exponent of the lowest bit of a number that is not 0.
fn lowest_bit(x: f64) -> i32 {
    let bits = x.to_bits();
    let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i32, bits & ((1 << 52) - 1));
    let significand = if exponent == 0 { fraction } else { fraction | 1 << 52 };
    exponent.max(1) - 1075 + significand.trailing_zeros() as i32
}

/// One run of rows.
pub fn run(first: usize, count: usize) -> Vec<Range<usize>> {
    std::iter::once(first..first + count).collect()
}

/// Collects rows, array by array.
#[derive(Debug, Default)]
pub struct Pool {
    rows: Vec<f64>,
    count: usize,
    arrays: Vec<Range<usize>>,
}

impl Pool {
    /// Appends an array's matrices and returns the first row of each.
    pub fn append<'a>(&mut self, matrices: impl IntoIterator<Item = &'a DMatrix<f64>>) -> Vec<usize> {
        let start = self.count;
        let mut firsts = Vec::new();
        for matrix in matrices {
            firsts.push(self.count);
            for row in matrix.row_iter() {
                self.rows.extend(row.iter());
            }
            self.count += matrix.nrows();
        }
        self.arrays.push(start..self.count);
        firsts
    }

    pub fn problem(self, d: usize, images: Vec<Roles>, blocks: Vec<Block>) -> Problem {
        let squares = self.rows.chunks_exact(d.max(1)).map(|row| row.iter().map(|x| x * x).sum::<f64>());
        let largest_norm = squares.fold(1.0, f64::max).sqrt();
        Problem { d, rows: self.rows, largest_norm, arrays: self.arrays, images, blocks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Loss, Tuples};
    use nalgebra::dmatrix;

    #[test]
    fn the_rows_are_those_of_the_problem_in_its_order() {
        let mut data =
            Tuples::new(dmatrix![1.0, 0.0], vec![dmatrix![0.6, 0.8]], vec![dmatrix![0.0, 1.0; -1.0, 0.0]]);
        data.adversarial = Some(dmatrix![0.8, 0.6]);
        let problem = data.problem(&Loss::Adversarial { alpha: 1.0 });
        let expected = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [-1.0, 0.0], [0.8, 0.6]].map(Vec::from);
        assert_eq!(data.each_row(), expected);
        assert_eq!(problem.rows, expected.concat());
    }

    #[test]
    fn the_bits_of_entries_are_counted_from_1_or_from_the_largest() {
        for (x, lowest) in
            [(1.0, 0), (-1.5, -1), (0.1, -55), (1e300, 946), (5e-324, -1074), (1.0 + f64::EPSILON, -52)]
        {
            assert_eq!(lowest_bit(x), lowest, "{x}");
        }
        let of = |anchor: DMatrix<f64>, normalize| {
            let data = Tuples::new(anchor, vec![dmatrix![1.0, 0.0]], vec![dmatrix![0.0, 1.0]]);
            data.problem(&Loss::SimClr).bits_of_entries(normalize)
        };
        assert_eq!(of(dmatrix![1.0, 0.0], false), 0.0);
        assert_eq!(of(dmatrix![1.0, 2.0_f64.powi(-400)], false), 400.0);
        assert_eq!(of(dmatrix![2.0_f64.powi(-300), 2.0_f64.powi(-400)], true), 100.0);
        assert_eq!(of(dmatrix![0.0, 0.0], true), 0.0);
    }
}

//! The quick way: all products among the rows of a batch as one product of matrices, and so the way back.
//!
//! The matrices serve twice: once an image has read the products of its anchors, it leaves its weights in their place.

use super::path::{OfImage, Pair, Path, Plain, PlainImage};
use super::rows::Rows;
use crate::layout::{Block, ContrastRoles, Problem};
use crate::real::{DdContext, Real};
use std::borrow::Cow;
use std::ops::Range;

/// Temperatures at which the quick scores are good enough for everything but cancellations.
const QUICK_FROM: f64 = 0.1;
/// The dimension up to which the bound on the quick scores holds.
const QUICK_DIMENSION: usize = 512;

/// All products of a block of rows at once; others, of which there are few, as [`Plain`] has them.
pub(super) struct Quick;

/// The rows of the blocks' matrices that belong to one image's anchors: nobody else reads or writes them.
pub(super) struct QuickImage<'a, R: Real> {
    problem: &'a Problem,
    rows: Vec<&'a mut [R]>,
    others: PlainImage<'a, R>,
}

/// Where the products of an anchor with a run of rows stand.
struct Place {
    /// In which of the image's rows.
    row: usize,
    /// From which column on.
    first: usize,
}

impl Path for Quick {
    /// For each block of rows the matrix of their products, later that of the weights on them.
    type Shared<R: Real> = Vec<Vec<R>>;
    type OfImage<'a, R: Real + 'a> = QuickImage<'a, R>;

    fn doubles(problem: &Problem, temperature: f64) -> &'static [DdContext] {
        let quick = !problem.blocks.is_empty() && problem.d <= QUICK_DIMENSION && temperature >= QUICK_FROM;
        if quick { &[DdContext::Quick, DdContext::Full] } else { &[DdContext::Full] }
    }

    fn shared<R: Real>(problem: &Problem, rows: &Rows<R>, context: R::Context) -> Vec<Vec<R>> {
        problem.blocks.iter().map(|block| R::gram(&rows_of(rows, block), problem.d, context)).collect()
    }

    fn of_images<'a, R: Real>(
        shared: &'a mut Vec<Vec<R>>,
        problem: &'a Problem,
        rows: &'a Rows<R>,
        context: R::Context,
    ) -> Vec<QuickImage<'a, R>> {
        let image = |_| QuickImage { problem, rows: Vec::new(), others: PlainImage::new(rows, context) };
        let mut images: Vec<QuickImage<R>> = problem.images.iter().map(image).collect();
        for (block, matrix) in problem.blocks.iter().zip(shared) {
            for (position, row) in matrix.chunks_exact_mut(block.len()).enumerate() {
                images[position % block.halves[0].len()].rows.push(row);
            }
        }
        images
    }

    fn spread<R: Real>(
        shared: &Vec<Vec<R>>,
        problem: &Problem,
        rows: &Rows<R>,
        gradient: &mut [R],
        context: R::Context,
    ) {
        let d = problem.d;
        for (block, weights) in problem.blocks.iter().zip(shared) {
            let block_rows = rows_of(rows, block);
            if let Some(run) = block.run() {
                R::spread(&mut gradient[run.start * d..run.end * d], weights, &block_rows, d, context);
                continue;
            }
            let mut reached = vec![R::lift(0.0, context); block_rows.len()];
            R::spread(&mut reached, weights, &block_rows, d, context);
            let mut reached = reached.into_iter();
            for half in &block.halves {
                for (into, x) in gradient[half.start * d..half.end * d].iter_mut().zip(&mut reached) {
                    *into = into.clone() + &x;
                }
            }
        }
    }

    fn steps(problem: &Problem) -> usize {
        if problem.blocks.is_empty() { Plain::steps(problem) } else { 0 }
    }
}

impl<R: Real> QuickImage<'_, R> {
    /// The place of a run in its contrast's block, if it has one there.
    fn place(&self, contrast: &ContrastRoles, run: &Range<usize>) -> Option<Place> {
        let index = contrast.block?;
        let block = &self.problem.blocks[index];
        let side = block.position(contrast.anchor)? / block.halves[0].len();
        Some(Place { row: 2 * index + side, first: block.position(run.start)? })
    }
}

impl<R: Real> OfImage<R> for QuickImage<'_, R> {
    fn products(&self, contrast: &ContrastRoles, run: &Range<usize>, into: &mut Vec<R>) {
        match self.place(contrast, run) {
            Some(Place { row, first }) => into.extend_from_slice(&self.rows[row][first..][..run.len()]),
            None => self.others.products(contrast, run, into),
        }
    }

    fn forget(&mut self) {
        let zero = R::lift(0.0, self.others.context);
        self.rows.iter_mut().for_each(|row| row.fill(zero.clone()));
    }

    fn weigh(&mut self, contrast: &ContrastRoles, run: &Range<usize>, weights: &[R], factor: &R) {
        match self.place(contrast, run) {
            Some(Place { row, first }) => R::add_scaled(&mut self.rows[row][first..], factor, weights),
            None => self.others.weigh(contrast, run, weights, factor),
        }
    }

    fn pairs(self) -> Vec<Pair<R>> {
        self.others.pairs()
    }
}

/// The rows of a block, one after the other.
fn rows_of<'a, R: Real>(rows: &'a Rows<R>, block: &Block) -> Cow<'a, [R]> {
    match block.run() {
        Some(run) => Cow::Borrowed(rows.run(run)),
        None => block.halves.iter().flat_map(|half| rows.run(half.clone())).cloned().collect(),
    }
}

//! One evaluation of a whole problem at one precision.

use super::image::{ImageLoss, Repeat};
use super::rows::Rows;
use crate::layout::{Block, ContrastRoles, Place, Problem, Roles};
use crate::loss::OfScores;
use crate::parallel;
use crate::real::Real;
use crate::score::{Arithmetic, Trust};
use crate::vocabulary::{Loss, Settings};
use std::ops::Range;

/// The Euclidean norm, its squares kept in range.
pub fn norm(numbers: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = numbers.clone().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * numbers.map(|x| (x / largest).powi(2)).sum::<f64>().sqrt()
}

/// Numbers that are ready to be handed out.
pub(super) struct Rounded {
    pub(super) value: f64,
    pub(super) per_image: Vec<f64>,
    pub(super) gradient: Vec<f64>,
}

/// One evaluation at one precision.
pub(super) struct Pass<R: Real> {
    pub(super) field: Arithmetic<R>,
    pub(super) values: Vec<R>,
    /// By the rows as given.
    pub(super) gradient: Vec<R>,
    /// For each row the norm that its gradient would have if nothing cancelled.
    pub(super) magnitude: Vec<f64>,
    /// `log2` of the error of each gradient, relative to that magnitude.
    pub(super) spread_error: f64,
    pub(super) trust: Trust,
    /// Whether every image was certain at this precision or settled at the last one.
    pub(super) certain: bool,
}

/// The rest of an image, once its weights have been handed over to the blocks.
pub(super) struct Weighed<R> {
    value: R,
    trust: Trust,
    log2_error: f64,
    certain: bool,
    /// An anchor, another row and their weight, for pairs outside all blocks.
    pairs: Vec<(usize, usize, R)>,
}

/// The images that one thread worked on.
pub(super) struct Share<R> {
    images: Vec<Weighed<R>>,
    /// For each row the sum of the sizes of the derivatives by its scores.
    magnitude: Vec<f64>,
}

impl<R: Repeat> Pass<R> {
    pub(super) fn run(problem: &Problem, loss: &Loss, settings: &Settings, context: R::Context) -> Self {
        Self::run_with(problem, loss, settings, context, |image, roles| {
            if image.is_certain() { image } else { R::repeat(image, problem, roles, loss, settings) }
        })
    }

    pub(super) fn run_with(
        problem: &Problem,
        loss: &Loss,
        settings: &Settings,
        context: R::Context,
        settle: impl Fn(ImageLoss<R>, &Roles) -> ImageLoss<R> + Sync,
    ) -> Self {
        let task = Task::<R>::new(problem, loss, settings, context);
        let products = |block| R::gram(&task.rows.of_block(block), problem.d, context);
        let mut blocks: Vec<Vec<R>> = problem.blocks.iter().map(products).collect();
        let images = problem.images.iter().zip(rows_of_images(problem, &mut blocks)).collect();
        let shares = parallel::split(images, task.cost(), |images| {
            let mut magnitude = vec![0.0; problem.rows.len() / problem.d];
            let weigh = |(roles, rows)| task.weigh(roles, rows, &mut magnitude, &settle);
            let images = images.map(weigh).collect();
            Share { images, magnitude }
        });
        let mut pass = Self::empty(problem, task.field);
        pass.collect(problem, &task.rows, shares, &blocks);
        let factor = task.factor.to_f64();
        pass.magnitude.iter_mut().for_each(|magnitude| *magnitude *= factor);
        task.rows.through_normalization(&mut pass.gradient, &mut pass.magnitude, context);
        pass
    }

    fn empty(problem: &Problem, field: Arithmetic<R>) -> Self {
        let zero = field.number(0.0);
        let rows = problem.rows.len() / problem.d;
        Self {
            values: Vec::with_capacity(problem.images.len()),
            gradient: vec![zero; problem.rows.len()],
            magnitude: vec![0.0; rows],
            spread_error: 0.0,
            trust: Trust::FULL,
            certain: true,
            field,
        }
    }

    /// Carries the gradients by scores over to the rows: `∂s(x,y)/∂x = y/t`, `∂s(x,y)/∂y = x/t`.
    fn collect(&mut self, problem: &Problem, rows: &Rows<R>, shares: Vec<Share<R>>, weights: &[Vec<R>]) {
        let (d, context) = (problem.d, self.field.context);
        let mut worst_error = f64::NEG_INFINITY;
        for share in shares {
            for (total, magnitude) in self.magnitude.iter_mut().zip(share.magnitude) {
                *total += magnitude;
            }
            for image in share.images {
                self.certain &= image.certain;
                self.trust = self.trust.and(image.trust);
                worst_error = worst_error.max(image.log2_error);
                self.values.push(image.value);
                for (anchor, row, weight) in image.pairs {
                    R::add_scaled(&mut self.gradient[anchor * d..][..d], &weight, rows.row(row));
                    R::add_scaled(&mut self.gradient[row * d..][..d], &weight, rows.row(anchor));
                }
            }
        }
        for (block, weights) in problem.blocks.iter().zip(weights) {
            let block_rows = rows.of_block(block);
            if let Some(run) = block.run() {
                R::spread(&mut self.gradient[run.start * d..run.end * d], weights, &block_rows, d, context);
                continue;
            }
            let mut reached = vec![self.field.number(0.0); block_rows.len()];
            R::spread(&mut reached, weights, &block_rows, d, context);
            let mut reached = reached.into_iter();
            for half in &block.halves {
                for (into, x) in self.gradient[half.start * d..half.end * d].iter_mut().zip(&mut reached) {
                    *into = into.clone() + &x;
                }
            }
        }
        self.spread_error = worst_error.max(-R::bits(context)) + 1.0;
    }

    /// The result in f64, or nothing where this precision was not enough. The last precision always is:
    /// a gradient that it cannot tell from 0 is 0.
    pub(super) fn rounded(self, problem: &Problem, last: bool) -> Option<Rounded> {
        let certain =
            self.certain && self.values.iter().all(|value| value.log2_abs() > -960.0 || R::UNBOUNDED);
        if !certain && !last {
            return None;
        }
        let d = problem.d;
        let mut gradient: Vec<f64> = self.gradient.iter().map(R::to_f64).collect();
        for array in &problem.arrays {
            let magnitude = norm(self.magnitude[array.clone()].iter().copied());
            if magnitude == 0.0 {
                continue;
            }
            let error = magnitude.log2() + self.spread_error;
            let entries = array.start * d..array.end * d;
            // A result that no f64 holds is an overflow, however large the terms that it is made of.
            if gradient[entries.clone()].iter().any(|x| x.is_infinite()) {
                continue;
            }
            let size = log2_norm(&self.gradient[entries.clone()], &gradient[entries]);
            // NaN for a gradient that vanished: not certain either.
            if size - error >= 52.0 {
                continue;
            }
            if !last {
                return None;
            }
            // Row by row: terms that cancel in one row say nothing against a small gradient by another.
            for row in array.clone() {
                let entries = row * d..(row + 1) * d;
                let error = self.magnitude[row].log2() + self.spread_error;
                let stands_out =
                    log2_norm(&self.gradient[entries.clone()], &gradient[entries.clone()]) > error;
                if !stands_out {
                    gradient[entries].fill(0.0);
                }
            }
        }
        let context = self.field.context;
        let sum = R::sum(&self.values, context);
        let value = sum / &R::lift(self.values.len() as f64, context);
        Some(Rounded {
            value: value.to_f64(),
            per_image: self.values.iter().map(R::to_f64).collect(),
            gradient,
        })
    }
}

/// The data that all images of a pass share.
pub(super) struct Task<'a, R: Real> {
    problem: &'a Problem,
    loss: &'a Loss,
    rows: Rows<R>,
    field: Arithmetic<R>,
    inverse_temperature: R,
    /// By what derivatives by scores are multiplied: scores are `1/t` products, the loss is a mean.
    factor: R,
}

impl<'a, R: Real> Task<'a, R> {
    fn new(problem: &'a Problem, loss: &'a Loss, settings: &Settings, context: R::Context) -> Self {
        let field = Arithmetic::<R>::new(settings.temperature, problem.radius(settings.normalize), context);
        let inverse_temperature = -field.log_floor.clone();
        let share = field.number(1.0) / &field.number(problem.images.len() as f64);
        Self {
            problem,
            loss,
            rows: Rows::lift(problem, settings.normalize, context),
            factor: share * &inverse_temperature,
            inverse_temperature,
            field,
        }
    }

    /// The elementary steps that an image takes.
    fn cost(&self) -> usize {
        self.problem.images.first().map_or(0, |roles| {
            let count: usize =
                roles.all().flat_map(|contrast| &contrast.negatives).map(ExactSizeIterator::len).sum();
            count * if self.problem.blocks.is_empty() { self.problem.d + 15 } else { 15 }
        })
    }

    /// Works out an image's loss and replaces its rows of products in the blocks by its weights.
    fn weigh(
        &self,
        roles: &Roles,
        mut block_rows: Vec<&mut [R]>,
        magnitude: &mut [f64],
        settle: impl Fn(ImageLoss<R>, &Roles) -> ImageLoss<R>,
    ) -> Weighed<R> {
        let scores = roles.scores(|contrast, ranges| self.scores(contrast, ranges, &block_rows));
        let mut image = settle(ImageLoss::new(self.loss.of_scores(&scores, &self.field), &self.field), roles);
        let zero = self.field.number(0.0);
        block_rows.iter_mut().for_each(|row| row.fill(zero.clone()));
        let mut pairs = Vec::new();
        for (contrast, gradient) in roles.all().zip(image.gradient.all_mut()) {
            for (ranges, list) in contrast.lists(gradient) {
                let mut list = &list[..];
                for range in ranges {
                    let (weights, rest) = list.split_at(range.len().min(list.len()));
                    list = rest;
                    magnitude[contrast.anchor] += add_sizes(&mut magnitude[range.clone()], weights);
                    if let Some(place) = self.problem.place(contrast, range) {
                        let row = &mut block_rows[place.row_of_image(self.problem)][place.first..];
                        R::add_scaled(row, &self.factor, weights);
                    } else {
                        let anchor = contrast.anchor;
                        let pair = |(row, weight): (usize, &R)| (anchor, row, weight.clone() * &self.factor);
                        pairs.extend(range.clone().zip(weights).map(pair));
                    }
                }
            }
        }
        let certain = image.is_certain();
        let ImageLoss { value, trust, log2_error, .. } = image;
        Weighed { value, trust, log2_error, certain, pairs }
    }

    /// The scores of a contrast's anchor with runs of rows.
    fn scores(&self, contrast: &ContrastRoles, ranges: &[Range<usize>], block_rows: &[&mut [R]]) -> Vec<R> {
        let mut scores = Vec::with_capacity(ranges.iter().map(ExactSizeIterator::len).sum());
        for range in ranges {
            if let Some(place) = self.problem.place(contrast, range) {
                let row = &block_rows[place.row_of_image(self.problem)][place.first..];
                scores.extend_from_slice(&row[..range.len()]);
            } else {
                let anchor = self.rows.row(contrast.anchor);
                let product = |row| R::dot(anchor, self.rows.row(row), self.field.context);
                scores.extend(range.clone().map(product));
            }
        }
        R::scale_all(&mut scores, &self.inverse_temperature);
        scores
    }
}

/// For each image the rows of its anchors in every block: nobody else reads or writes them.
pub(super) fn rows_of_images<'a, R>(problem: &Problem, blocks: &'a mut [Vec<R>]) -> Vec<Vec<&'a mut [R]>> {
    let mut rows: Vec<Vec<&mut [R]>> = problem.images.iter().map(|_| Vec::new()).collect();
    for (block, matrix) in problem.blocks.iter().zip(blocks) {
        for (position, row) in matrix.chunks_exact_mut(block.len()).enumerate() {
            rows[position % block.halves[0].len()].push(row);
        }
    }
    rows
}

impl Block {
    /// All rows, if they follow each other.
    pub(super) fn run(&self) -> Option<Range<usize>> {
        let [first, second] = &self.halves;
        (first.end == second.start).then_some(first.start..second.end)
    }
}

impl Place {
    /// Which of its image's rows ([`rows_of_images`]) this is.
    fn row_of_image(&self, problem: &Problem) -> usize {
        let half = problem.blocks[self.block].halves[0].len();
        2 * self.block + self.anchor / half
    }
}

/// Adds the size of each weight to a number of its own, and returns their sum.
pub(super) fn add_sizes<R: Real>(into: &mut [f64], weights: &[R]) -> f64 {
    // Several sums, since each has to wait for its last addition.
    let mut sums = [0.0; 8];
    for (into, weights) in into.chunks_mut(sums.len()).zip(weights.chunks(sums.len())) {
        for ((into, weight), sum) in into.iter_mut().zip(weights).zip(&mut sums) {
            let size = weight.to_f64().abs();
            *into += size;
            *sum += size;
        }
    }
    sums.iter().sum()
}

/// `log2` of the norm of numbers of which the nearest f64 are known too; NaN if they are all 0.
pub(super) fn log2_norm<R: Real>(numbers: &[R], nearest: &[f64]) -> f64 {
    let mut squares = [0.0; 8];
    for numbers in nearest.chunks(squares.len()) {
        for (sum, x) in squares.iter_mut().zip(numbers) {
            *sum += x * x;
        }
    }
    let square: f64 = squares.iter().sum();
    if (1e-250..1e250).contains(&square) {
        return 0.5 * square.log2();
    }
    // In units of the largest, so that no square leaves the range.
    let sizes: Vec<f64> = numbers.iter().map(R::log2_abs).collect();
    let top = sizes.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
    top + 0.5 * sizes.iter().map(|s| (2.0 * (s - top)).exp2()).sum::<f64>().log2()
}

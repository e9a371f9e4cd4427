//! One evaluation of a whole problem at one precision.

use super::image::{ImageLoss, Repeat};
use super::path::{OfImage, Pair, Path};
use super::rows::Rows;
use crate::layout::{ContrastRoles, Problem, Roles};
use crate::loss::OfScores;
use crate::parallel;
use crate::real::Real;
use crate::score::{Arithmetic, Trust};
use crate::vocabulary::{Loss, Settings};
use std::ops::Range;

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

/// The rest of an image, once its weights have been handed over.
struct Weighed<R> {
    value: R,
    trust: Trust,
    log2_error: f64,
    certain: bool,
    pairs: Vec<Pair<R>>,
}

/// The images that one thread worked on.
struct Share<R> {
    images: Vec<Weighed<R>>,
    /// For each row the sum of the sizes of the derivatives by its scores.
    magnitude: Vec<f64>,
}

impl<R: Repeat> Pass<R> {
    /// From rows to products by a path, from products to scores, to the loss and its gradient, and back to the rows.
    pub(super) fn run<P: Path>(
        problem: &Problem,
        loss: &Loss,
        settings: &Settings,
        context: R::Context,
    ) -> Self {
        let task = Task::<R>::new(problem, loss, settings, context);
        let mut shared = P::shared(problem, &task.rows, context);
        let images = P::of_images(&mut shared, problem, &task.rows, context);
        let images = problem.images.iter().zip(images).collect();
        let shares =
            parallel::split(images, task.scores_of_an_image() * (P::steps(problem) + 15), |images| {
                let mut magnitude = vec![0.0; problem.rows.len() / problem.d];
                let weigh = |(roles, products)| task.weigh(roles, products, &mut magnitude);
                let images = images.map(weigh).collect();
                Share { images, magnitude }
            });
        let mut pass = Self::empty(problem, task.field);
        pass.collect(problem, &task.rows, shares);
        P::spread(&shared, problem, &task.rows, &mut pass.gradient, context);
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

    /// Takes over what the images have found, and carries their own weights to the rows.
    fn collect(&mut self, problem: &Problem, rows: &Rows<R>, shares: Vec<Share<R>>) {
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
                for pair in image.pairs {
                    pair.spread(rows, problem.d, &mut self.gradient);
                }
            }
        }
        self.spread_error = worst_error.max(-R::bits(self.field.context)) + 1.0;
    }
}

/// The data that all images of a pass share.
struct Task<'a, R: Real> {
    problem: &'a Problem,
    loss: &'a Loss,
    settings: &'a Settings,
    rows: Rows<R>,
    field: Arithmetic<R>,
    inverse_temperature: R,
    /// By what derivatives by scores are multiplied: scores are `1/t` products, the loss is a mean.
    factor: R,
}

impl<'a, R: Repeat> Task<'a, R> {
    fn new(problem: &'a Problem, loss: &'a Loss, settings: &'a Settings, context: R::Context) -> Self {
        let field = Arithmetic::<R>::new(settings.temperature, problem.radius(settings.normalize), context);
        let inverse_temperature = -field.log_floor.clone();
        let share = field.number(1.0) / &field.number(problem.images.len() as f64);
        Self {
            problem,
            loss,
            settings,
            rows: Rows::lift(problem, settings.normalize, context),
            factor: share * &inverse_temperature,
            inverse_temperature,
            field,
        }
    }

    /// How many scores an image has, about.
    fn scores_of_an_image(&self) -> usize {
        self.problem.images.first().map_or(0, |roles| {
            roles.all().flat_map(|contrast| &contrast.negatives).map(ExactSizeIterator::len).sum()
        })
    }

    /// Works out an image's loss, and replaces its products by its weights.
    fn weigh(&self, roles: &Roles, mut products: impl OfImage<R>, magnitude: &mut [f64]) -> Weighed<R> {
        let scores = roles.scores(|contrast, ranges| self.scores(contrast, ranges, &products));
        let mut image = ImageLoss::new(self.loss.of_scores(&scores, &self.field), &self.field);
        if !image.is_certain() {
            image = R::repeat(image, self.problem, roles, self.loss, self.settings);
        }
        products.forget();
        for (contrast, gradient) in roles.all().zip(image.gradient.all_mut()) {
            for (ranges, list) in contrast.lists(gradient) {
                let mut list = &list[..];
                for range in ranges {
                    let (weights, rest) = list.split_at(range.len().min(list.len()));
                    list = rest;
                    magnitude[contrast.anchor] += add_sizes(&mut magnitude[range.clone()], weights);
                    products.weigh(contrast, range, weights, &self.factor);
                }
            }
        }
        let certain = image.is_certain();
        let ImageLoss { value, trust, log2_error, .. } = image;
        Weighed { value, trust, log2_error, certain, pairs: products.pairs() }
    }

    /// The scores of a contrast's anchor with runs of rows: `x·y/t`.
    fn scores(
        &self,
        contrast: &ContrastRoles,
        ranges: &[Range<usize>],
        products: &impl OfImage<R>,
    ) -> Vec<R> {
        let mut scores = Vec::with_capacity(ranges.iter().map(ExactSizeIterator::len).sum());
        for range in ranges {
            products.products(contrast, range, &mut scores);
        }
        R::scale_all(&mut scores, &self.inverse_temperature);
        scores
    }
}

/// Adds the size of each weight to a number of its own, and returns their sum.
fn add_sizes<R: Real>(into: &mut [f64], weights: &[R]) -> f64 {
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

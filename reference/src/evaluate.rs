//! From embeddings to scores, and from the gradient by scores to the gradient by embeddings.
//!
//! Both arrows are written once, for every loss and both layouts. Around them stands the precision: an
//! evaluation reports how many bits cancellation took from it, and is repeated with more where too few are
//! left (Ziv's strategy). First a single image is repeated, from its embeddings to its scores' gradient;
//! the whole only where embedding gradients of many images cancel each other.

use crate::error::{Error, Result};
use crate::layout::{Block, ContrastRoles, Layout, Place, Problem, Roles};
use crate::loss::Total;
use crate::parallel;
use crate::real::{Big, Dd, DdContext, Real};
use crate::score::{Field, Scores, Trust};
use crate::vocabulary::{Evaluation, Loss, Settings};
use std::borrow::Cow;
use std::ops::Range;

/// The bits that a value or a score gradient needs to round to the nearest f64 or its neighbour.
const BITS_NEEDED: f64 = 56.0;
/// The first precision beyond double-double.
const BITS_MORE: usize = 256;
/// The last precision, as far as patience goes; reached only below a temperature of 6e-4.
const BITS_MOST: usize = 8_192;
/// Temperatures at which no kernel that matters leaves the range of f64.
const DOUBLE_RANGE: Range<f64> = 0.004..1e6;
/// Temperatures at which the quick scores are good enough for everything but cancellations.
const QUICK_FROM: f64 = 0.1;
/// The dimension up to which the bound on the quick scores holds.
const QUICK_DIMENSION: usize = 512;

impl Loss {
    /// The loss and its gradient by every embedding, exact to the last bits of f64.
    ///
    /// `data` is a [`Tuples`](crate::Tuples) or a [`Batch`](crate::Batch); the gradient has its shape, and
    /// is 0 for arrays that the loss does not read. Values are within 4 ulp of the true result, gradients
    /// within `8·2⁻⁵³` of the norm of the array that they belong to, cancellation included.
    ///
    /// # Errors
    /// [`Error`], naming argument, index and value: shapes that differ, empty arrays, numbers that are not
    /// finite, rows off the unit sphere (or zero, under normalisation), parameters out of range, arrays
    /// that the loss needs and that are absent, results that overflow.
    ///
    /// # Examples
    /// Two images in two views each, two-dimensional embeddings:
    /// ```
    /// use intnacl_reference::{Batch, Loss, Settings};
    /// use nalgebra::dmatrix;
    ///
    /// let views = vec![dmatrix![1.0, 0.0; 0.0, 1.0], dmatrix![0.6, 0.8; -0.8, 0.6]];
    /// let evaluation = Loss::SimClr.evaluate(&Batch::new(views), &Settings::new(0.5))?;
    /// assert_eq!(evaluation.per_anchor.len(), 2);
    /// assert_eq!(evaluation.gradient.views[0].shape(), (2, 2));
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn evaluate<L: Layout>(&self, data: &L, settings: &Settings) -> Result<Evaluation<L>> {
        data.validate(self, settings)?;
        let problem = data.problem(self);
        let result = solve(&problem, self, settings);
        let all = result.per_image.iter().chain(&result.gradient).chain([&result.value]);
        if all.into_iter().any(|x| !x.is_finite()) {
            return Err(Error::Overflow { argument: "temperature".into(), value: settings.temperature });
        }
        let gradient = data.filled(&result.gradient);
        Ok(Evaluation { value: result.value, per_anchor: result.per_image, gradient })
    }
}

/// How sensitive an evaluation is to rounding: what error budgets are made of.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    /// By how much cancellation inside the estimators magnifies relative errors of the kernels, for the
    /// value and for the gradient.
    pub(crate) value_amplification: f64,
    pub(crate) gradient_amplification: f64,
    /// The same for values of estimators at their floor, if an error lifted them off it.
    pub(crate) floor_amplification: f64,
    /// For each array, a norm of its gradient in which nothing cancels.
    pub(crate) magnitudes: Vec<f64>,
    /// For each image, the sum of the absolute derivatives by its scores.
    pub(crate) sensitivities: Vec<f64>,
    /// `log2` of the relative distance of the closest maximum from its tie.
    pub(crate) margin: f64,
    /// How many estimators are at their floor.
    pub(crate) floored: usize,
}

/// The condition of an evaluation of validated data.
pub(crate) fn condition<L: Layout>(loss: &Loss, data: &L, settings: &Settings) -> Condition {
    let problem = data.problem(loss);
    // Nothing is repeated: that bits were lost is what is asked.
    let pass = Pass::<Dd>::run_with(&problem, loss, settings, DdContext::Full, |image, _| image);
    let magnitude = |array: &Range<usize>| norm(pass.magnitude[array.clone()].iter().copied());
    Condition {
        value_amplification: pass.trust.value_bits_lost.exp2(),
        gradient_amplification: pass.trust.gradient_bits_lost.exp2(),
        floor_amplification: pass.trust.floor_bits.exp2(),
        magnitudes: problem.arrays.iter().map(magnitude).collect(),
        sensitivities: pass.sensitivities,
        margin: pass.trust.margin,
        floored: pass.trust.floored,
    }
}

/// The Euclidean norm, its squares kept in range.
fn norm(numbers: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = numbers.clone().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * numbers.map(|x| (x / largest).powi(2)).sum::<f64>().sqrt()
}

/// Numbers that are ready to be handed out.
struct Rounded {
    value: f64,
    per_image: Vec<f64>,
    gradient: Vec<f64>,
}

/// The precisions in the order in which they are tried.
fn solve(problem: &Problem, loss: &Loss, settings: &Settings) -> Rounded {
    // Scores reach radius²/t.
    let t = settings.temperature / problem.radius(settings.normalize).powi(2);
    if DOUBLE_RANGE.contains(&t) {
        let quick = !problem.blocks.is_empty() && problem.d <= QUICK_DIMENSION && t >= QUICK_FROM;
        let contexts = if quick { &[DdContext::Quick, DdContext::Full][..] } else { &[DdContext::Full] };
        for &context in contexts {
            if let Some(result) = Pass::<Dd>::run(problem, loss, settings, context).rounded(problem, false) {
                return result;
            }
        }
    }
    let most = most_bits(t);
    if most > BITS_MORE
        && let Some(result) = Pass::<Big>::run(problem, loss, settings, BITS_MORE).rounded(problem, false)
    {
        return result;
    }
    let pass = Pass::<Big>::run(problem, loss, settings, most);
    pass.rounded(problem, true).unwrap_or(Rounded {
        value: f64::NAN,
        per_image: Vec::new(),
        gradient: Vec::new(),
    })
}

/// Enough bits for kernels that agree to `e^{-2/t}`, and for as many again that cancel afterwards.
fn most_bits(temperature: f64) -> usize {
    let kernels = 2.0 / temperature * std::f64::consts::LOG2_E;
    BITS_MORE + (2.0 * kernels).min((BITS_MOST - BITS_MORE) as f64) as usize
}

/// One evaluation at one precision.
struct Pass<R: Real> {
    field: Field<R>,
    values: Vec<R>,
    /// By the rows as given.
    gradient: Vec<R>,
    /// For each row the norm that its gradient would have if nothing cancelled.
    magnitude: Vec<f64>,
    /// `log2` of the error of each gradient, relative to that magnitude.
    spread_error: f64,
    /// For each image, the sum of the absolute derivatives by its scores.
    sensitivities: Vec<f64>,
    trust: Trust,
    /// Whether every image was certain at this precision or settled at the last one.
    certain: bool,
}

/// A loss of one image with the gradient by its scores.
struct ImageLoss<R> {
    value: R,
    gradient: Scores<R>,
    trust: Trust,
    /// `log2` of the relative error of value and gradient.
    log2_error: f64,
}

/// What is left of an image once its weights have been handed over to the blocks.
struct Weighed<R> {
    value: R,
    trust: Trust,
    log2_error: f64,
    certain: bool,
    sensitivity: f64,
    /// An anchor, another row and their weight, for pairs outside all blocks.
    pairs: Vec<(usize, usize, R)>,
}

/// The images that one thread worked on.
struct Share<R> {
    images: Vec<Weighed<R>>,
    /// For each row the sum of the sizes of the derivatives by its scores.
    magnitude: Vec<f64>,
}

impl<R: Repeat> Pass<R> {
    fn run(problem: &Problem, loss: &Loss, settings: &Settings, context: R::Context) -> Self {
        Self::run_with(problem, loss, settings, context, |image, roles| {
            if image.is_certain() { image } else { R::repeat(image, problem, roles, loss, settings) }
        })
    }

    fn run_with(
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

    fn empty(problem: &Problem, field: Field<R>) -> Self {
        let zero = field.number(0.0);
        let rows = problem.rows.len() / problem.d;
        Self {
            values: Vec::with_capacity(problem.images.len()),
            gradient: vec![zero; problem.rows.len()],
            magnitude: vec![0.0; rows],
            spread_error: 0.0,
            sensitivities: Vec::with_capacity(problem.images.len()),
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
                self.sensitivities.push(image.sensitivity);
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
    fn rounded(self, problem: &Problem, last: bool) -> Option<Rounded> {
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
            let size = log2_norm(&self.gradient[entries.clone()], &gradient[entries]);
            // NaN for a gradient that vanished: not certain either.
            if size - error >= 52.0 {
                continue;
            }
            if !last {
                return None;
            }
            let stands_out = size > error;
            if !stands_out {
                gradient[array.start * d..array.end * d].fill(0.0);
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

/// What all images of a pass have in common.
struct Task<'a, R: Real> {
    problem: &'a Problem,
    loss: &'a Loss,
    rows: Rows<R>,
    field: Field<R>,
    inverse_temperature: R,
    /// By what derivatives by scores are multiplied: scores are `1/t` products, the loss is a mean.
    factor: R,
}

impl<'a, R: Real> Task<'a, R> {
    fn new(problem: &'a Problem, loss: &'a Loss, settings: &Settings, context: R::Context) -> Self {
        let field = Field::<R>::new(settings.temperature, problem.radius(settings.normalize), context);
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
        let sensitivity = image.gradient.absolute_sum();
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
        Weighed { value, trust, log2_error, certain, sensitivity, pairs }
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
fn rows_of_images<'a, R>(problem: &Problem, blocks: &'a mut [Vec<R>]) -> Vec<Vec<&'a mut [R]>> {
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
    fn run(&self) -> Option<Range<usize>> {
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

/// `log2` of the norm of numbers of which the nearest f64 are known too; NaN if they are all 0.
fn log2_norm<R: Real>(numbers: &[R], nearest: &[f64]) -> f64 {
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

impl<R: Real> ImageLoss<R> {
    fn new(total: Total<R>, field: &Field<R>) -> Self {
        let lost = total.trust.gradient_bits_lost.max(total.trust.value_bits_lost);
        Self {
            value: total.value,
            gradient: total.gradient,
            trust: total.trust,
            log2_error: lost - field.bits,
        }
    }

    fn is_certain(&self) -> bool {
        self.trust.decided && self.log2_error <= -BITS_NEEDED
    }
}

/// What is done about an image that one precision cannot decide.
trait Repeat: Real {
    /// Whether exponents are unbounded in practice.
    const UNBOUNDED: bool;

    fn repeat(
        image: ImageLoss<Self>,
        problem: &Problem,
        roles: &Roles,
        loss: &Loss,
        settings: &Settings,
    ) -> ImageLoss<Self>;
}

impl Repeat for Big {
    const UNBOUNDED: bool = true;

    /// Nothing: the whole pass is repeated with more bits.
    fn repeat(image: ImageLoss<Self>, _: &Problem, _: &Roles, _: &Loss, _: &Settings) -> ImageLoss<Self> {
        image
    }
}

impl Repeat for Dd {
    const UNBOUNDED: bool = false;

    /// The image again with more bits, rounded to double-double.
    fn repeat(
        _: ImageLoss<Self>,
        problem: &Problem,
        roles: &Roles,
        loss: &Loss,
        settings: &Settings,
    ) -> ImageLoss<Self> {
        let full = repeat_at::<Dd>(problem, roles, loss, settings, DdContext::Full);
        if full.is_certain() {
            return full;
        }
        let most = most_bits(settings.temperature / problem.radius(settings.normalize).powi(2));
        let mut more = repeat_at::<Big>(problem, roles, loss, settings, BITS_MORE);
        if !more.is_certain() && most > BITS_MORE {
            more = repeat_at::<Big>(problem, roles, loss, settings, most);
        }
        // What the last precision leaves open is settled: a tie is a tie, and 0 is 0.
        ImageLoss {
            value: more.value.to_double_double(),
            gradient: more.gradient.map(Big::to_double_double),
            trust: Trust { decided: true, ..more.trust },
            log2_error: more.log2_error.clamp(-104.0, -BITS_NEEDED),
        }
    }
}

/// One image by itself, at a precision of its own.
fn repeat_at<R: Real>(
    problem: &Problem,
    roles: &Roles,
    loss: &Loss,
    settings: &Settings,
    context: R::Context,
) -> ImageLoss<R> {
    let field = Field::<R>::new(settings.temperature, problem.radius(settings.normalize), context);
    let inverse_temperature = -field.log_floor.clone();
    let lift = |row: usize| lift_row::<R>(problem.row(row), settings.normalize, context).0;
    let scores = roles.scores(|contrast, ranges| {
        let anchor = lift(contrast.anchor);
        let rows = ranges.iter().cloned().flatten();
        rows.map(|row| R::dot(&anchor, &lift(row), context) * &inverse_temperature).collect()
    });
    let total = loss.of_scores(&scores, &field);
    ImageLoss::new(total, &field)
}

/// A row on the sphere, and by what it was multiplied to get there: a power of 2, then the inverse norm.
fn lift_row<R: Real>(row: &[f64], normalize: bool, context: R::Context) -> (Vec<R>, Option<(f64, R)>) {
    if !normalize {
        return (row.iter().map(|&x| R::lift(x, context)).collect(), None);
    }
    // Squares of the entries stay in range after an exact scaling.
    let largest = row.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    let power = (-largest.log2().round().clamp(-1000.0, 1000.0)).exp2();
    let mut lifted: Vec<R> = row.iter().map(|&x| R::lift(x * power, context)).collect();
    let inverse_norm = R::lift(1.0, context) / &R::dot(&lifted, &lifted, context).sqrt(context);
    R::scale_all(&mut lifted, &inverse_norm);
    (lifted, Some((power, inverse_norm)))
}

/// All rows of a problem, on the sphere.
struct Rows<R> {
    d: usize,
    rows: Vec<R>,
    factors: Vec<(f64, R)>,
}

impl<R: Real> Rows<R> {
    fn lift(problem: &Problem, normalize: bool, context: R::Context) -> Self {
        let mut lifted =
            Self { d: problem.d, rows: Vec::with_capacity(problem.rows.len()), factors: Vec::new() };
        for row in problem.rows.chunks_exact(problem.d) {
            let (row, factor) = lift_row(row, normalize, context);
            lifted.rows.extend(row);
            lifted.factors.extend(factor);
        }
        lifted
    }

    fn row(&self, row: usize) -> &[R] {
        &self.rows[row * self.d..][..self.d]
    }

    fn of_block(&self, block: &Block) -> Cow<'_, [R]> {
        if let Some(run) = block.run() {
            return Cow::Borrowed(&self.rows[run.start * self.d..run.end * self.d]);
        }
        let runs = block.halves.iter().map(|half| &self.rows[half.start * self.d..half.end * self.d]);
        runs.flatten().cloned().collect()
    }

    /// `z = x/‖x‖`, so `∂/∂x = (∂/∂z - z (z·∂/∂z)) / ‖x‖`.
    fn through_normalization(&self, gradient: &mut [R], magnitude: &mut [f64], context: R::Context) {
        for (i, (power, inverse_norm)) in self.factors.iter().enumerate() {
            let z = self.row(i);
            let gradient = &mut gradient[i * self.d..][..self.d];
            let radial = R::dot(z, gradient, context);
            R::add_scaled(gradient, &-radial, z);
            R::scale_all(gradient, inverse_norm);
            for x in gradient {
                *x = x.scale(*power, context);
            }
            magnitude[i] *= 2.0 * inverse_norm.to_f64() * power;
        }
    }
}

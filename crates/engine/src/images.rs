//! The loss of an image from what was read of its positives and negatives, with the derivatives.

use super::contrast::{ByStatistic, Contrast, Statistic};
use super::number::Number;
use super::schedule::Blocks;
use super::team::Team;
use crate::estimator::{tau_plus, uncertainty};
use crate::names::{Negatives, Weight};
use crate::plan::Plan;
use crate::recipe::Robust;

/// Something about each pair of views whose rows of an image are positives: which these are, the inner products of
/// their rows, or the derivatives of the loss by those scores.
#[derive(Debug, Clone, Default)]
pub struct Positives<N> {
    /// Views 0 and 1 with each other.
    pub(super) pair: Option<N>,
    /// Each anchor with each further view, `[A][M-1]`.
    pub(super) further: Vec<Vec<N>>,
    /// View 0 with each mixed one, `[M-1]`.
    pub(super) mixed: Vec<N>,
    /// View 0 with the adversarial one.
    pub(super) adversarial: Option<N>,
}

impl<N> Positives<N> {
    pub(super) fn map<O>(&self, mut make: impl FnMut(&N) -> O) -> Positives<O> {
        Positives {
            pair: self.pair.as_ref().map(&mut make),
            further: self.further.iter().map(|all| all.iter().map(&mut make).collect()).collect(),
            mixed: self.mixed.iter().map(&mut make).collect(),
            adversarial: self.adversarial.as_ref().map(&mut make),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &N> {
        self.pair.iter().chain(self.further.iter().flatten()).chain(&self.mixed).chain(&self.adversarial)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut N> {
        let further = self.further.iter_mut().flatten();
        self.pair.iter_mut().chain(further).chain(&mut self.mixed).chain(&mut self.adversarial)
    }
}

/// The number of an image, where there are numbers.
fn at(numbers: &Option<Vec<f64>>, image: usize) -> f64 {
    numbers.as_ref().map_or(f64::NAN, |numbers| numbers[image])
}

fn add(numbers: &mut Option<Vec<f64>>, image: usize, term: f64) {
    if let Some(numbers) = numbers {
        numbers[image] += term;
    }
}

/// The input of the losses of all images.
pub struct Images<'a, T> {
    pub(super) plan: &'a Plan,
    pub(super) anchors: usize,
    pub(super) images: usize,
    pub(super) positives: &'a Positives<Vec<f64>>,
    pub(super) clean: Option<&'a Contrast<'a, T>>,
    pub(super) robust: Option<&'a Contrast<'a, T>>,
}

/// `log(N·G)` of an anchor, with its derivatives.
#[derive(Debug, Clone, Copy)]
struct LogEstimate {
    log: f64,
    by_value: f64,
    by_debias: f64,
    /// Whether rounding decides that this is not below the floor, where the derivatives are 0.
    uncertain: bool,
}

/// The loss of each image and, as of their mean, the derivatives.
pub struct Losses {
    /// The image that comes first.
    first: usize,
    pub(super) per_image: Vec<f64>,
    pub(super) by_positives: Positives<Vec<f64>>,
    /// The derivatives by the statistics of the clean and of the robust contrast.
    pub(super) by_statistic: [ByStatistic; 2],
}

impl Losses {
    /// The largest derivative.
    pub(super) fn largest(&self) -> f64 {
        let statistics = self.by_statistic.iter().flatten().flatten();
        let all = self.by_positives.iter().chain(statistics).flatten();
        all.fold(0.0, |largest: f64, derivative| largest.max(derivative.abs()))
    }

    /// Appends the losses of the next images.
    fn append(&mut self, next: Self) {
        self.per_image.extend(next.per_image);
        for (numbers, next) in self.by_positives.iter_mut().zip(next.by_positives.iter()) {
            numbers.extend(next);
        }
        let estimates = self.by_statistic.iter_mut().flatten().flatten();
        for (numbers, next) in estimates.zip(next.by_statistic.iter().flatten().flatten()) {
            numbers.extend(next);
        }
    }
}

/// Images that a thread takes at a time.
const CHUNK: usize = 64;

const CLEAN: usize = 0;
const ROBUST: usize = 1;

impl<T: Number> Images<'_, T> {
    pub(super) fn losses(&self, team: &Team) -> Losses {
        let chunks: Vec<_> = (0..self.images).step_by(CHUNK).collect();
        let parts = Blocks::new(chunks.iter().map(|_| None));
        team.each(
            chunks.len(),
            || (),
            |(), index| {
                let first = chunks[index];
                *parts.only(index) = Some(self.losses_of(first..(first + CHUNK).min(self.images)));
            },
        );
        let mut all = self.none(0);
        parts.into_parts().flatten().for_each(|part| all.append(part));
        all
    }

    /// No losses yet, from an image on.
    fn none(&self, first: usize) -> Losses {
        let estimates = |contrast: Option<&Contrast<'_, T>>| {
            contrast.map_or(Vec::new(), |contrast| {
                contrast.estimates.iter().map(|_| [Vec::new(), Vec::new()]).collect()
            })
        };
        Losses {
            first,
            per_image: Vec::new(),
            by_positives: self.positives.map(|_| Vec::new()),
            by_statistic: [estimates(self.clean), estimates(self.robust)],
        }
    }

    fn losses_of(&self, images: std::ops::Range<usize>) -> Losses {
        let mut losses = self.none(images.start);
        losses.by_positives.iter_mut().for_each(|numbers| numbers.resize(images.len(), 0.0));
        let estimates = losses.by_statistic.iter_mut().flatten().flatten();
        estimates.for_each(|numbers| numbers.resize(images.len(), 0.0));
        for image in images {
            let loss = self.loss(image, &mut losses);
            losses.per_image.push(loss);
        }
        losses
    }

    fn loss(&self, image: usize, out: &mut Losses) -> f64 {
        let recipe = &self.plan.recipe;
        let mut loss = 0.0;
        let mut known = None;
        if let Some(clean) = self.clean.filter(|_| recipe.single || recipe.joint) {
            let product = at(&self.positives.pair, image);
            let estimates = self.estimates(clean, &recipe.negatives, image, product);
            let mut by_log = [0.0; 2];
            if recipe.single {
                let mut by_score = 0.0;
                loss += self.single(&estimates, product, [1.0; 2], &mut by_log, &mut by_score);
                add(&mut out.by_positives.pair, image - out.first, by_score);
            }
            if recipe.joint {
                loss += self.joint(&estimates, image, &mut by_log, out);
            }
            if let Some(lambda) = recipe.lambda {
                loss += self.mixed(estimates[0].log, lambda, image, &mut by_log[0], out);
            }
            self.spread(CLEAN, &recipe.negatives, &estimates, by_log, image, out);
            known = Some(estimates);
        }
        if let (Some(contrast), Some(robust)) = (self.robust, &recipe.robust) {
            let product = at(&self.positives.adversarial, image);
            let estimates = self.estimates(contrast, &robust.negatives, image, product);
            let known = known.filter(|_| robust.weight_negatives == recipe.negatives);
            let weight = self.weight(robust, known, image);
            // A tiny weight may keep the product in range where `α` times the loss is not.
            let [first, second] = robust.alpha_in_two();
            let first_of = |weight: f64| [first * weight, second];
            let factors = first_of(weight.as_ref().map_or(1.0, |(weight, _)| *weight));
            let (mut by_log, mut by_score) = ([0.0; 2], 0.0);
            let term = self.single(&estimates, product, factors, &mut by_log, &mut by_score);
            add(&mut out.by_positives.adversarial, image - out.first, by_score);
            self.spread(ROBUST, &robust.negatives, &estimates, by_log, image, out);
            if let (Weight::AdversarialWithGradient, Some((_, estimates))) = (robust.weight, &weight) {
                let (mut by_log, mut by_score) = ([0.0; 2], 0.0);
                let product = at(&self.positives.pair, image);
                self.single(estimates, product, first_of(term), &mut by_log, &mut by_score);
                add(&mut out.by_positives.pair, image - out.first, by_score);
                self.spread(CLEAN, &robust.weight_negatives, estimates, by_log, image, out);
            }
            loss += factors[0] * term * second;
        }
        loss
    }

    /// The clean single-positive loss, with what it was made of; nothing where the weight is 1.
    fn weight(
        &self,
        robust: &Robust,
        known: Option<[LogEstimate; 2]>,
        image: usize,
    ) -> Option<(f64, [LogEstimate; 2])> {
        let clean = self.clean.filter(|_| robust.weight != Weight::One)?;
        let product = at(&self.positives.pair, image);
        let estimates =
            known.unwrap_or_else(|| self.estimates(clean, &robust.weight_negatives, image, product));
        let weight = self.single(&estimates, product, [1.0; 2], &mut [0.0; 2], &mut 0.0);
        Some((weight, estimates))
    }

    /// The mean over the anchors of `-log h/(h + N·G)`; adds its derivatives times both factors.
    fn single(
        &self,
        estimates: &[LogEstimate; 2],
        product: f64,
        factors: [f64; 2],
        by_log: &mut [f64; 2],
        by_score: &mut f64,
    ) -> f64 {
        let anchors = self.anchors as f64;
        let mut sum = 0.0;
        for (estimate, by_log) in estimates.iter().zip(by_log).take(self.anchors) {
            let (value, slope) = softplus(estimate.log - product * self.plan.inverse_temperature);
            sum += value;
            let derivative = factors[0] * slope * factors[1] / anchors;
            *by_log += derivative;
            *by_score -= derivative;
        }
        sum / anchors
    }

    /// The mean over the anchors of `-log P/(P + N·G)` with the sum `P` over all positives.
    fn joint(
        &self,
        estimates: &[LogEstimate; 2],
        image: usize,
        by_log: &mut [f64; 2],
        out: &mut Losses,
    ) -> f64 {
        let (by, place) = (&mut out.by_positives, image - out.first);
        let share = (self.anchors as f64).recip();
        let mut sum = 0.0;
        for anchor in 0..self.anchors {
            let further = self.positives.further.get(anchor).map_or(&[][..], Vec::as_slice);
            let products = || {
                let further = further.iter().map(|products| products[image]);
                std::iter::once(at(&self.positives.pair, image)).chain(further)
            };
            let largest = products().fold(f64::NEG_INFINITY, f64::max);
            let kernel = |product: f64| ((product - largest) * self.plan.inverse_temperature).exp();
            let total: f64 = products().map(kernel).sum();
            let log_positives = largest * self.plan.inverse_temperature + total.ln();
            let (value, slope) = softplus(estimates[anchor].log - log_positives);
            sum += value;
            by_log[anchor] += share * slope;
            let further = by.further.get_mut(anchor).into_iter().flatten();
            let targets = by.pair.iter_mut().chain(further).map(|numbers| &mut numbers[place]);
            for (product, target) in products().zip(targets) {
                *target -= share * slope * kernel(product) / total;
            }
        }
        sum * share
    }

    /// `-λ/(M-1) Σ_j log Ω_j - (1-λ)/(M-1) Σ_j log(1-Ω_j)`, with `Ω_j = h_j/(h_j + N·G)`.
    fn mixed(&self, log: f64, lambda: f64, image: usize, by_log: &mut f64, out: &mut Losses) -> f64 {
        let (by, place) = (&mut out.by_positives.mixed, image - out.first);
        let share = (self.positives.mixed.len() as f64).recip();
        let mut sum = 0.0;
        for (products, by) in self.positives.mixed.iter().zip(by) {
            let margin = log - products[image] * self.plan.inverse_temperature;
            let (towards, slope_towards) = softplus(margin);
            let (away, slope_away) = softplus(-margin);
            sum += lambda * towards + (1.0 - lambda) * away;
            let slope = share * (lambda * slope_towards - (1.0 - lambda) * slope_away);
            *by_log += slope;
            by[place] -= slope;
        }
        if self.positives.mixed.is_empty() { 0.0 } else { sum * share }
    }

    /// The estimate of each anchor; `debias`: the product of the two anchors, the `v` of `g1` and `g2`.
    fn estimates(
        &self,
        contrast: &Contrast<'_, T>,
        estimator: &Negatives,
        image: usize,
        debias: f64,
    ) -> [LogEstimate; 2] {
        let estimate = contrast.estimates.iter().find(|known| known.estimator == *estimator);
        let count = (2 * self.images - 2) as f64;
        std::array::from_fn(|anchor| match estimate.filter(|_| anchor < self.anchors) {
            Some(estimate) => {
                let statistic = contrast.statistic(estimate, anchor, image);
                self.log_estimate(contrast, estimator, &statistic, debias, count)
            }
            None => LogEstimate { log: f64::NAN, by_value: 0.0, by_debias: 0.0, uncertain: false },
        })
    }

    fn uncertainty(&self, estimator: &Negatives, count: f64) -> f64 {
        uncertainty(estimator, self.plan.precision, self.plan.inverse_temperature, count)
    }

    /// `log(N·G)`, with the mean `A` of `h` over the negatives, by the weights of the estimator, and `B` of the debiasing
    /// positive:
    ///
    /// - `g0`: `log Σ_i h(x,u_i)`,
    /// - `g1` and `g2`: `log N + log max{ (A - τB)/(1-τ), e^{-1/t} }`.
    ///
    /// At an exact tie with the floor the gradient of the unfloored branch is taken, below the floor it is 0.
    fn log_estimate(
        &self,
        contrast: &Contrast<'_, T>,
        estimator: &Negatives,
        statistic: &Statistic<T>,
        debias: f64,
        count: f64,
    ) -> LogEstimate {
        let shift = statistic.offset.to_f64() * self.plan.inverse_temperature;
        let value = statistic.value;
        if *estimator == Negatives::G0 {
            let (log, by_value) = (value.ln() + shift, value.recip());
            return LogEstimate { log, by_value, by_debias: 0.0, uncertain: false };
        }
        let tau_plus = tau_plus(estimator);
        let floor = statistic.floor.to_f64();
        let (mut excess, mut by_debias) = (value, 0.0);
        // `A + τB`.
        let mut size = value + floor;
        if tau_plus > 0.0 {
            // A score at the bound already puts `τh` far above the mean, below the floor: nothing changes beyond.
            let (kernel, bounded) = contrast.kernel(debias, statistic, 1.0 - tau_plus.ln());
            excess -= tau_plus * (kernel - floor);
            by_debias = if bounded { 0.0 } else { -tau_plus * kernel };
            size += tau_plus * kernel;
        }
        // The excess has the floor that the type can hold, since that cancels in it. What is left of kernels that cancel
        // is the floor itself, which `f64` holds where `f32` does not.
        let exact = (-self.plan.inverse_temperature - shift).exp();
        let numerator = excess + floor.min(exact) * (1.0 - tau_plus);
        // Written so that NaN is not floored, but comes through.
        if excess < 0.0 || numerator < f64::MIN_POSITIVE {
            let log = count.ln() - self.plan.inverse_temperature;
            return LogEstimate { log, by_value: 0.0, by_debias: 0.0, uncertain: false };
        }
        LogEstimate {
            log: numerator.ln() - (-tau_plus).ln_1p() + shift + count.ln(),
            by_value: numerator.recip(),
            by_debias: by_debias / numerator,
            uncertain: numerator < self.uncertainty(estimator, count) * size,
        }
    }

    /// Hands the derivatives by `log(N·G)` on to what it was computed from.
    fn spread(
        &self,
        part: usize,
        estimator: &Negatives,
        estimates: &[LogEstimate; 2],
        by_log: [f64; 2],
        image: usize,
        out: &mut Losses,
    ) {
        let contrast = if part == CLEAN { self.clean } else { self.robust };
        let known = contrast.into_iter().flat_map(|contrast| &contrast.estimates);
        let Some(index) = known.into_iter().position(|known| known.estimator == *estimator) else { return };
        let place = image - out.first;
        for anchor in 0..self.anchors {
            let (estimate, by_log) = (&estimates[anchor], by_log[anchor]);
            let by_value = by_log * estimate.by_value;
            // Either gradient may be the right one, and above the floor it leaves the range of numbers.
            if estimate.uncertain && by_value.abs() > self.plan.largest_derivative {
                continue;
            }
            out.by_statistic[part][index][anchor][place] += by_value;
            let positives = &mut out.by_positives;
            let debias = if part == CLEAN { &mut positives.pair } else { &mut positives.adversarial };
            add(debias, place, by_log * estimate.by_debias);
        }
    }
}

/// `log(1 + e^x)` and its derivative, accurate relative to their values.
fn softplus(x: f64) -> (f64, f64) {
    let small = (-x.abs()).exp();
    let slope = if x > 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) };
    (x.max(0.0) + small.ln_1p(), slope)
}

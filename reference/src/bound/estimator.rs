//! What stands for the negatives in a loss: an estimator of finitely many draws, and its limit.

use super::multiset::{Distribution, Drawn, log_sum};
use super::world::World;
use crate::error::{Error, Result, in_range};

/// How a sum over positives is set against the negatives: the two readings of the unbiased loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As the paper's Table S1 writes the loss: `Σ_j h(x,x⁺_j)` over the `M` positives against `N` times the
    /// negative mean.
    Sum,
    /// Normalised: the mean `(1/M) Σ_j h(x,x⁺_j)` against `N` times the negative mean. It is the sum reading
    /// at `M·N` negatives.
    Mean,
}

/// How many positives and negatives a loss has, and how they are weighed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counts {
    /// `M`.
    pub positives: usize,
    /// `N`: the draws in the negative estimator, and its factor.
    pub negatives: usize,
    /// Sum or mean over the positives.
    pub reading: Reading,
}

impl Counts {
    /// Counts of the sum reading, the paper's Table S1.
    pub fn new(positives: usize, negatives: usize) -> Self {
        Self { positives, negatives, reading: Reading::Sum }
    }

    /// The same counts in the mean reading.
    pub fn normalized(self) -> Self {
        Self { reading: Reading::Mean, ..self }
    }

    /// `ν`, the factor of the negative mean relative to the mean positive: `N/M` in the sum reading, `N` in
    /// the mean reading. Both readings are `E softplus(log ν + log G - log((1/M) Σ_j h(x,x⁺_j)))`, so what
    /// holds for one holds for the other at the same `M` and `ν`.
    pub fn ratio(&self) -> f64 {
        match self.reading {
            Reading::Sum => self.negatives as f64 / self.positives as f64,
            Reading::Mean => self.negatives as f64,
        }
    }

    pub(crate) fn validate(&self) -> Result<()> {
        at_least_1("positives", self.positives)?;
        at_least_1("negatives", self.negatives)
    }
}

pub(crate) fn at_least_1(argument: &str, count: usize) -> Result<()> {
    in_range(argument, count as f64, count >= 1, "a count of at least 1")
}

/// The negative term of a loss: from which draws it is computed and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Estimator {
    /// `g0` of draws from the other classes, `p⁻_x`: the estimator whose limit is the unbiased loss.
    TrueNegatives,
    /// `g0` of draws from the data, the anchor's class included: what unlabelled training does.
    Unlabelled,
    /// `g1` of `N` draws from the data and `positive_draws` from the anchor's class (Chuang et al. 2020).
    Debiased {
        /// `τ` in `[0, 1)`.
        tau_plus: f64,
        /// `m`.
        positive_draws: usize,
    },
    /// `g2`, the same with the mean over the data reweighted by `h^β` (Robinson et al. 2021).
    HardNegative {
        /// `τ` in `[0, 1)`.
        tau_plus: f64,
        /// `β >= 0`.
        beta: f64,
        /// `m`.
        positive_draws: usize,
    },
}

impl Estimator {
    pub(crate) fn validate(&self) -> Result<()> {
        let Some((tau_plus, beta, positive_draws)) = self.debiasing() else { return Ok(()) };
        in_range("tau_plus", tau_plus, (0.0..1.0).contains(&tau_plus), "a number in [0, 1)")?;
        in_range("beta", beta, beta >= 0.0 && beta.is_finite(), "a finite number of at least 0")?;
        at_least_1("positive_draws", positive_draws)
    }

    /// `τ`, `β` and `m` of the estimators that have them.
    pub(crate) fn debiasing(&self) -> Option<(f64, f64, usize)> {
        match *self {
            Self::TrueNegatives | Self::Unlabelled => None,
            Self::Debiased { tau_plus, positive_draws } => Some((tau_plus, 0.0, positive_draws)),
            Self::HardNegative { tau_plus, beta, positive_draws } => Some((tau_plus, beta, positive_draws)),
        }
    }
}

/// What one anchor sees: the distributions of its scores.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// Scores of a positive, `p⁺_x`.
    pub(crate) positive: Distribution,
    /// Scores of a true negative, `p⁻_x`.
    pub(crate) other: Distribution,
    /// Scores of a draw from the data.
    pub(crate) data: Distribution,
    /// `-1/t`.
    pub(crate) log_floor: f64,
}

impl View {
    /// The scores of a row take `n·d` steps, sorting them `n log n`.
    pub(crate) fn new(world: &World, anchor: usize) -> Self {
        let scores = world.scores(anchor);
        let class = world.class(anchor);
        let all = || scores.iter().copied().zip(0..);
        let joint = |(score, point)| (score, world.probability(point));
        Self {
            positive: Distribution::new(world.rows(class).map(|point| (scores[point], world.within(point)))),
            other: Distribution::new(all().filter(|pair| world.class(pair.1) != class).map(joint)),
            data: Distribution::new(all().map(joint)),
            log_floor: -1.0 / world.temperature(),
        }
    }

    /// `log G` in the limit of infinitely many draws.
    pub(crate) fn limit(&self, estimator: &Estimator) -> f64 {
        match *estimator {
            Estimator::TrueNegatives => self.other.log_mean_exp(1.0),
            Estimator::Unlabelled => self.data.log_mean_exp(1.0),
            Estimator::Debiased { tau_plus, .. } => {
                let (data, positive) = (self.data.log_mean_exp(1.0), self.positive.log_mean_exp(1.0));
                debiased(data, positive, tau_plus, self.log_floor)
            }
            Estimator::HardNegative { tau_plus, beta, .. } => {
                let data = self.data.log_mean_exp(beta + 1.0) - self.data.log_mean_exp(beta);
                debiased(data, self.positive.log_mean_exp(1.0), tau_plus, self.log_floor)
            }
        }
    }

    /// The multisets that [`View::estimates`] visits.
    pub(crate) fn estimate_count(&self, estimator: &Estimator, negatives: usize) -> f64 {
        match estimator.debiasing() {
            None => self.source(estimator).multisets(negatives),
            Some((_, _, draws)) => self.data.multisets(negatives) * self.positive.multisets(draws),
        }
    }

    /// Where the `N` draws come from.
    pub(crate) fn source(&self, estimator: &Estimator) -> &Distribution {
        if *estimator == Estimator::TrueNegatives { &self.other } else { &self.data }
    }

    /// The distribution of `log G` over its draws, as pairs of value and probability.
    pub(crate) fn estimates(&self, estimator: &Estimator, negatives: usize) -> Vec<(f64, f64)> {
        let source = self.source(estimator);
        let Some((tau_plus, beta, draws)) = estimator.debiasing() else {
            return source.log_mean_kernels(negatives);
        };
        let hard = |drawn: &[Drawn]| {
            source.log_mean_kernel(drawn, negatives, beta + 1.0)
                - source.log_mean_kernel(drawn, negatives, beta)
        };
        let numerators = source.statistic(negatives, hard);
        let positives = self.positive.log_mean_kernels(draws);
        let pairs = numerators.iter().flat_map(|a| positives.iter().map(move |b| (a, b)));
        pairs.map(|((a, p), (b, q))| (debiased(*a, *b, tau_plus, self.log_floor), p * q)).collect()
    }

    /// `log G` of scores that were drawn.
    pub(crate) fn estimate(log_floor: f64, estimator: &Estimator, scores: &[f64], positives: &[f64]) -> f64 {
        let mean = |scores: &[f64], factor: f64| {
            log_sum(scores.iter().map(|score| (factor * score, 1.0 / scores.len() as f64)))
        };
        let Some((tau_plus, beta, _)) = estimator.debiasing() else { return mean(scores, 1.0) };
        let data = mean(scores, beta + 1.0) - if beta == 0.0 { 0.0 } else { mean(scores, beta) };
        debiased(data, mean(positives, 1.0), tau_plus, log_floor)
    }
}

/// `log max{(A - τB)/(1-τ), e^{-1/t}}` from `log A` and `log B`.
fn debiased(log_a: f64, log_b: f64, tau_plus: f64, log_floor: f64) -> f64 {
    if tau_plus == 0.0 {
        return log_a.max(log_floor);
    }
    // A over the common factor e^{log A}: what remains is at most 1, and the floor catches the rest.
    let share = (1.0 - tau_plus * (log_b - log_a).exp()) / (1.0 - tau_plus);
    (log_a + share.max(0.0).ln()).max(log_floor)
}

/// Refuses a result that f64 has no number for, naming the temperature, which is what causes it.
pub(crate) fn finite(value: f64, temperature: f64) -> Result<f64> {
    if value.is_finite() {
        return Ok(value);
    }
    Err(Error::Overflow { argument: "temperature".into(), value: temperature })
}

//! Sums over all anchors, positives and negatives of a world, or means over drawn ones.

use super::estimator::{Counts, Estimator, View};
use super::expectation::{Effort, Expectation};
use super::multiset::{Distribution, log_sum};
use super::table::Table;
use super::world::World;
use crate::error::Result;
use crate::parallel;
use crate::random::Rng;

/// A nanosecond is a step of `parallel`; a term of a sum is a few exponentials and a logarithm.
const STEPS_A_TERM: f64 = 150.0;

/// What a quantity depends on beside its anchor, and the interval that it lies in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Over {
    /// The positives alone.
    Positives { low: f64, high: f64 },
    /// Positives and negatives.
    Both { low: f64, high: f64 },
}

/// What an anchor sees of the world, whatever is drawn.
pub(crate) struct Seen {
    /// `log G∞`.
    pub(crate) limit: f64,
    /// `E s(x,x⁺)`.
    pub(crate) mean: f64,
    /// The largest score of a negative: the kernels below are in units of its kernel.
    pub(crate) unit: f64,
    /// The least kernel of a negative.
    pub(crate) least: f64,
    /// The variance of the kernels of negatives.
    pub(crate) variance: f64,
}

impl Seen {
    fn new(view: &View, estimator: &Estimator) -> Self {
        let source = view.source(estimator);
        // Values are sorted.
        let ends = source.values.first().zip(source.values.last());
        let (first, unit) = ends.map_or((0.0, 0.0), |(first, last)| (*first, *last));
        let pairs = || source.values.iter().map(|value| (value - unit).exp()).zip(&source.probabilities);
        let mean: f64 = pairs().map(|(kernel, p)| kernel * p).sum();
        Self {
            limit: view.limit(estimator),
            mean: view.positive.mean(),
            unit,
            // Above 0, so that no quotient is 0/0 where kernels underflow.
            least: (first - unit).exp().max(f64::MIN_POSITIVE),
            variance: pairs().map(|(kernel, p)| (kernel - mean).powi(2) * p).sum(),
        }
    }
}

impl World {
    /// `E of(seen, log((1/M) Σ_j h(x,x⁺_j)), log G)`; over the positives alone, `log G` is not given.
    pub(crate) fn expectation(
        &self,
        estimator: &Estimator,
        counts: &Counts,
        effort: &Effort,
        over: Over,
        of: impl Fn(&Seen, f64, f64) -> f64 + Sync,
    ) -> Result<Expectation> {
        estimator.validate()?;
        counts.validate()?;
        effort.validate()?;
        let (both, low, high) = match over {
            Over::Positives { low, high } => (false, low, high),
            Over::Both { low, high } => (true, low, high),
        };
        let anchors = || (0..self.points()).collect::<Vec<usize>>();
        let terms = parallel::map(anchors(), self.view_cost(), |anchor| {
            let view = View::new(self, anchor);
            let negatives = if both { view.estimate_count(estimator, counts.negatives) } else { 1.0 };
            negatives * view.positive.multisets(counts.positives)
        });
        let total: f64 = terms.iter().sum();
        if total > effort.terms {
            let draws = self.draws(estimator, counts, effort, both, of);
            return Ok(Expectation::sampled(&draws, (low, high), effort));
        }
        let cost = self.view_cost() + (STEPS_A_TERM * total / self.points() as f64) as usize;
        let parts = parallel::map(anchors(), cost, |anchor| {
            let view = View::new(self, anchor);
            let seen = Seen::new(&view, estimator);
            let positives = view.positive.log_mean_kernels(counts.positives);
            let estimates =
                if both { view.estimates(estimator, counts.negatives) } else { vec![(f64::NAN, 1.0)] };
            let inner =
                |log_g: f64| positives.iter().map(|(log_p, p)| p * of(&seen, *log_p, log_g)).sum::<f64>();
            self.probability(anchor) * estimates.iter().map(|(log_g, p)| p * inner(*log_g)).sum::<f64>()
        });
        Ok(Expectation::exact(parts.iter().sum(), total))
    }

    /// Independent draws of anchor, positives and negatives; the anchors are sorted so that each is seen once.
    fn draws(
        &self,
        estimator: &Estimator,
        counts: &Counts,
        effort: &Effort,
        both: bool,
        of: impl Fn(&Seen, f64, f64) -> f64 + Sync,
    ) -> Vec<f64> {
        let mut random = Rng::new(effort.seed);
        let table = Table::new((0..self.points()).map(|point| self.probability(point)));
        let mut seeds = vec![Vec::new(); self.points()];
        for _ in 0..effort.draws {
            seeds[table.draw(&mut random)].push(random.bits());
        }
        let items: Vec<(usize, Vec<u64>)> = seeds.into_iter().enumerate().collect();
        let draws = parallel::map(items, self.view_cost(), |(anchor, seeds)| {
            if seeds.is_empty() {
                return Vec::new();
            }
            let view = View::new(self, anchor);
            let (sampler, seen) = (Sampler::new(&view, estimator), Seen::new(&view, estimator));
            let draw = |seed| {
                let mut random = Rng::new(seed);
                let log_p = sampler.positives(&view, counts.positives, &mut random);
                let log_g = if both {
                    sampler.estimate(&view, estimator, counts.negatives, &mut random)
                } else {
                    f64::NAN
                };
                of(&seen, log_p, log_g)
            };
            seeds.into_iter().map(draw).collect()
        });
        draws.into_iter().flatten().collect()
    }

    /// The steps of a view: its scores, and sorting them.
    fn view_cost(&self) -> usize {
        self.points() * (self.dimension() + 60)
    }
}

/// Where an anchor's draws come from.
struct Sampler {
    positive: Table,
    source: Table,
}

impl Sampler {
    fn new(view: &View, estimator: &Estimator) -> Self {
        let table = |distribution: &Distribution| Table::new(distribution.probabilities.iter().copied());
        Self { positive: table(&view.positive), source: table(view.source(estimator)) }
    }

    /// `log((1/M) Σ_j h(x,x⁺_j))` of drawn positives.
    fn positives(&self, view: &View, count: usize, random: &mut Rng) -> f64 {
        let scores = scores(&self.positive, &view.positive, count, random);
        log_sum(scores.iter().map(|score| (*score, 1.0 / count as f64)))
    }

    /// `log G` of drawn negatives.
    fn estimate(&self, view: &View, estimator: &Estimator, count: usize, random: &mut Rng) -> f64 {
        let negatives = scores(&self.source, view.source(estimator), count, random);
        let draws = estimator.debiasing().map_or(0, |(_, _, draws)| draws);
        let debias = scores(&self.positive, &view.positive, draws, random);
        View::estimate(view.log_floor, estimator, &negatives, &debias)
    }
}

fn scores(table: &Table, distribution: &Distribution, count: usize, random: &mut Rng) -> Vec<f64> {
    (0..count).map(|_| distribution.values[table.draw(random)]).collect()
}

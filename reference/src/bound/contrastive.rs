//! The contrastive losses of a world as expectations.

use super::constants::range;
use super::estimator::{Counts, Estimator, View};
use super::expectation::{Effort, Expectation, Method};
use super::multiset::{Law, log_sum, softplus};
use super::random::{Random, Table};
use super::world::World;
use crate::error::{Result, in_range};
use crate::parallel;

/// A nanosecond is a step of `parallel`; a term of a sum is a few exponentials and a logarithm.
const STEPS_A_TERM: f64 = 150.0;

impl World {
    /// The loss in the limit of infinitely many negatives at the same weight:
    /// `E softplus(log ν + log G∞(x) - log((1/M) Σ_j h(x,x⁺_j)))`, `G∞` the limit of the estimator and `ν`
    /// the [`ratio`](Counts::ratio) of the counts.
    ///
    /// With [`Estimator::TrueNegatives`] it is the unbiased loss `L_Unb^{M,N}` of the paper's Appendix B.1:
    /// the negative mean is `E[h(x,x⁻)]` over the other classes.
    ///
    /// Exact enumeration has `C(M+k-1, k-1)` terms for an anchor whose class shows `k` distinct scores, and
    /// `n·d` steps an anchor for the scores.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) for counts of 0, parameters of the estimator and of the
    /// effort.
    ///
    /// # Examples
    /// A world in which all points coincide: `L_Unb = log(1 + ν)`.
    /// ```
    /// use intnacl_reference::bound::{Class, Counts, Effort, Estimator, World};
    /// use nalgebra::dmatrix;
    ///
    /// let class = Class::uniform(0.5, dmatrix![1.0]);
    /// let world = World::new(&[class.clone(), class], 1.0)?;
    /// let loss = world.limit(&Estimator::TrueNegatives, &Counts::new(2, 1), &Effort::default())?;
    /// assert!((loss.value - 1.5_f64.ln()).abs() < 1e-15);
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn limit(&self, estimator: &Estimator, counts: &Counts, effort: &Effort) -> Result<Expectation> {
        let log_ratio = counts.ratio().ln();
        let of = move |fixed: &Fixed, log_p: f64| softplus(log_ratio + fixed.limit - log_p);
        let term = move |fixed: &Fixed, kernel: &Kernel| kernel.sum_positives(|log_p| of(fixed, log_p));
        let draw = move |fixed: &Fixed, log_p: f64, _: f64| of(fixed, log_p);
        self.expectation(estimator, counts, effort, Visits::Positives, term, draw)
    }

    /// The loss of finitely many negatives: `E softplus(log ν + log G - log((1/M) Σ_j h(x,x⁺_j)))`, where `G`
    /// is the estimator of `N` draws. It is the expectation over training tuples of the paper's `L_NCA(G, M)`.
    ///
    /// Exact enumeration has, for each anchor, as many terms as multisets of positives times multisets of
    /// negatives (times multisets of positive draws in `g1` and `g2`).
    ///
    /// # Errors
    /// As [`World::limit`].
    ///
    /// # Examples
    /// ```
    /// use intnacl_reference::bound::{Class, Counts, Effort, Estimator, World};
    /// use nalgebra::dmatrix;
    ///
    /// let pair = Class::uniform(0.5, dmatrix![1.0; -1.0]);
    /// let world = World::new(&[pair.clone(), pair], 1.0)?;
    /// let (counts, effort) = (Counts::new(2, 8), Effort::default());
    /// let estimator = Estimator::Debiased { tau_plus: 0.5, positive_draws: 1 };
    /// let loss = world.loss(&estimator, &counts, &effort)?;
    /// assert_eq!((loss.lower, loss.upper), (loss.value, loss.value)); // enumerated
    /// assert!(loss.value > 0.0);
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn loss(&self, estimator: &Estimator, counts: &Counts, effort: &Effort) -> Result<Expectation> {
        let log_ratio = counts.ratio().ln();
        let of = move |log_g: f64, log_p: f64| softplus(log_ratio + log_g - log_p);
        let term = move |_: &Fixed, kernel: &Kernel| kernel.sum(of);
        let draw = move |_: &Fixed, log_p: f64, log_g: f64| of(log_g, log_p);
        self.expectation(estimator, counts, effort, Visits::Both, term, draw)
    }

    /// The loss with `g0` between certified ends, at any `N` for the cost of [`World::limit`]:
    /// `L∞ - E log(1 + σ²/(N (P + h_min)(P + μ))) <= L_NCA(g0) <= L∞`.
    ///
    /// `μ`, `σ²` and `h_min` are mean, variance and minimum of an anchor's negative kernels, and
    /// `P = (1/(νM)) Σ_j h(x,x⁺_j)`. The upper end is Jensen's inequality; for the lower one, with
    /// `Y = P + g0`, `E log(E Y/Y) <= log E[E Y/Y]` and `E[E Y/Y] - 1 = E[(Y - E Y)²/(Y·E Y)]`. The width falls
    /// with `1/N`, so that it is narrow where enumeration becomes impossible. `value` is the middle.
    ///
    /// # Errors
    /// As [`World::limit`], and [`Error::OutOfRange`](crate::Error::OutOfRange) for an estimator with `τ > 0`,
    /// named `tau_plus`, or with `β > 0`, since only the plain mean is without bias and without floor.
    ///
    /// # Examples
    /// ```
    /// use intnacl_reference::bound::{Class, Counts, Effort, Estimator, World};
    /// use nalgebra::dmatrix;
    ///
    /// let pair = Class::uniform(0.5, dmatrix![1.0; -1.0]);
    /// let world = World::new(&[pair.clone(), pair], 1.0)?;
    /// let (counts, effort) = (Counts::new(2, 500), Effort::default());
    /// let between = world.bracket(&Estimator::Unlabelled, &counts, &effort)?;
    /// let exact = world.loss(&Estimator::Unlabelled, &counts, &effort)?;
    /// assert!(between.lower <= exact.value && exact.value <= between.upper);
    /// assert!(between.upper - between.lower < 0.01);
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn bracket(&self, estimator: &Estimator, counts: &Counts, effort: &Effort) -> Result<Expectation> {
        if let Some((tau_plus, beta, _)) = estimator.debiasing() {
            in_range("tau_plus", tau_plus, tau_plus == 0.0, "0: only g0 has a bracket")?;
            in_range("beta", beta, beta == 0.0, "0: only g0 has a bracket")?;
        }
        let upper = self.limit(estimator, counts, effort)?;
        let (log_ratio, negatives) = (counts.ratio().ln(), counts.negatives as f64);
        let of = move |fixed: &Fixed, log_p: f64| {
            let positive = (log_p - log_ratio - fixed.unit).exp();
            let spread = fixed.variance / (positive + fixed.least) / (positive + fixed.relative_limit());
            (softplus(log_ratio + fixed.limit - log_p) - (spread / negatives).ln_1p()).max(0.0)
        };
        let term = move |fixed: &Fixed, kernel: &Kernel| kernel.sum_positives(|log_p| of(fixed, log_p));
        let draw = move |fixed: &Fixed, log_p: f64, _: f64| of(fixed, log_p);
        let lower = self.expectation(estimator, counts, effort, Visits::Positives, term, draw)?;
        let value = 0.5 * (lower.lower + upper.upper);
        Ok(Expectation { value, lower: lower.lower, upper: upper.upper, method: upper.method })
    }

    /// `E|ℓ - ℓ∞|`: how far the loss of a tuple is from what infinitely many negatives would give it, on
    /// average. It is at least `|loss - limit|`, and is what the proof of Theorem B.1 bounds.
    ///
    /// # Errors
    /// As [`World::limit`].
    ///
    /// # Examples
    /// ```
    /// use intnacl_reference::bound::{Class, Counts, Effort, Estimator, World, variance_constant};
    /// use nalgebra::dmatrix;
    ///
    /// let pair = Class::uniform(0.5, dmatrix![1.0; -1.0]);
    /// let world = World::new(&[pair.clone(), pair], 1.0)?;
    /// let found = world.deviation(&Estimator::TrueNegatives, &Counts::new(1, 25), &Effort::default())?;
    /// assert!(found.value <= variance_constant(1.0)? / 5.0);
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn deviation(&self, estimator: &Estimator, counts: &Counts, effort: &Effort) -> Result<Expectation> {
        let log_ratio = counts.ratio().ln();
        let of = move |fixed: &Fixed, log_g: f64, log_p: f64| {
            (softplus(log_ratio + log_g - log_p) - softplus(log_ratio + fixed.limit - log_p)).abs()
        };
        let term = move |fixed: &Fixed, kernel: &Kernel| kernel.sum(|log_g, log_p| of(fixed, log_g, log_p));
        let draw = move |fixed: &Fixed, log_p: f64, log_g: f64| of(fixed, log_g, log_p);
        self.expectation(estimator, counts, effort, Visits::Both, term, draw)
    }

    /// `E[log((1/M) Σ_j h(x,x⁺_j)) - E s(x,x⁺)]`: how much Jensen's inequality loses on the positives of this
    /// world, the term that the repaired lemma needs. At most
    /// [`jensen_gap`](super::jensen_gap) whatever the world.
    ///
    /// # Errors
    /// As [`World::limit`].
    ///
    /// # Examples
    /// An antipodal pair attains the most:
    /// ```
    /// use intnacl_reference::bound::{Class, Effort, World, jensen_gap};
    /// use nalgebra::dmatrix;
    ///
    /// let pair = Class::uniform(0.5, dmatrix![1.0; -1.0]);
    /// let world = World::new(&[pair.clone(), pair], 0.5)?;
    /// let gap = world.positive_gap(3, &Effort::default())?;
    /// assert!((gap.value - jensen_gap(3, 0.5)?).abs() < 1e-14);
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn positive_gap(&self, positives: usize, effort: &Effort) -> Result<Expectation> {
        let counts = Counts::new(positives, 1);
        let term = |fixed: &Fixed, kernel: &Kernel| kernel.sum_positives(|log_p| log_p - fixed.mean);
        let draw = |fixed: &Fixed, log_p: f64, _: f64| log_p - fixed.mean;
        let estimator = Estimator::TrueNegatives;
        let mut gap = self.expectation(&estimator, &counts, effort, Visits::Positives, term, draw)?;
        let width = 2.0 / self.temperature();
        if let Method::Sampled { .. } = gap.method {
            // The draws lie in an interval of another width than a loss's.
            let draws = self.draws(&estimator, &counts, effort, draw);
            gap = Expectation::sampled(&draws, (-width, width), effort);
        }
        Ok(gap)
    }

    fn expectation(
        &self,
        estimator: &Estimator,
        counts: &Counts,
        effort: &Effort,
        visits: Visits,
        term: impl Fn(&Fixed, &Kernel) -> f64 + Sync,
        draw: impl Fn(&Fixed, f64, f64) -> f64 + Sync,
    ) -> Result<Expectation> {
        estimator.validate()?;
        counts.validate()?;
        effort.validate()?;
        let anchors = || (0..self.points()).collect::<Vec<usize>>();
        let score_cost = self.points() * (self.dimension() + 60);
        let terms = parallel::map(anchors(), score_cost, |anchor| {
            let view = View::new(self, anchor);
            let negatives = match visits {
                Visits::Positives => 1.0,
                Visits::Both => view.estimate_count(estimator, counts.negatives),
            };
            negatives * view.positive.multisets(counts.positives)
        });
        let total: f64 = terms.iter().sum();
        if total > effort.terms {
            let draws = self.draws(estimator, counts, effort, draw);
            return Ok(Expectation::sampled(
                &draws,
                (0.0, range(estimator, counts, self.temperature())?),
                effort,
            ));
        }
        let cost = score_cost + (STEPS_A_TERM * total / self.points() as f64) as usize;
        let parts = parallel::map(anchors(), cost, |anchor| {
            let view = View::new(self, anchor);
            let positives = view.positive.log_mean_kernels(counts.positives);
            let estimates = match visits {
                Visits::Positives => Vec::new(),
                Visits::Both => view.estimates(estimator, counts.negatives),
            };
            self.probability(anchor) * term(&Fixed::new(&view, estimator), &Kernel { positives, estimates })
        });
        Ok(Expectation::exact(parts.iter().sum(), total))
    }

    /// Independent draws of anchor, positives and negatives; the anchors are sorted so that each is seen once.
    fn draws(
        &self,
        estimator: &Estimator,
        counts: &Counts,
        effort: &Effort,
        of: impl Fn(&Fixed, f64, f64) -> f64 + Sync,
    ) -> Vec<f64> {
        let mut random = Random::new(effort.seed);
        let table = Table::new((0..self.points()).map(|point| self.probability(point)));
        let mut seeds = vec![Vec::new(); self.points()];
        for _ in 0..effort.draws {
            seeds[table.draw(&mut random)].push(random.bits());
        }
        let cost = self.points() * (self.dimension() + 60);
        let items: Vec<(usize, Vec<u64>)> = seeds.into_iter().enumerate().collect();
        let draws = parallel::map(items, cost, |(anchor, seeds)| {
            if seeds.is_empty() {
                return Vec::new();
            }
            let view = View::new(self, anchor);
            let (sampler, fixed) = (Sampler::new(&view, estimator), Fixed::new(&view, estimator));
            let draw = |seed| {
                let (log_positive, log_estimate) = sampler.draw(&view, estimator, counts, seed);
                of(&fixed, log_positive, log_estimate)
            };
            seeds.into_iter().map(draw).collect()
        });
        draws.into_iter().flatten().collect()
    }
}

/// Which draws a sum runs over.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Visits {
    Positives,
    Both,
}

/// What is the same for all draws of an anchor.
struct Fixed {
    /// `log G∞`.
    limit: f64,
    /// `E s(x,x⁺)`.
    mean: f64,
    /// The largest score of a negative: the kernels below are in units of its kernel.
    unit: f64,
    /// The least kernel of a negative.
    least: f64,
    /// The variance of the kernels of negatives.
    variance: f64,
}

impl Fixed {
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
            least: (first - unit).exp().max(f64::MIN_POSITIVE),
            variance: pairs().map(|(kernel, p)| (kernel - mean).powi(2) * p).sum(),
        }
    }

    fn relative_limit(&self) -> f64 {
        (self.limit - self.unit).exp()
    }
}

/// The distributions of the two logarithms that a loss is made of.
struct Kernel {
    /// `log((1/M) Σ_j h(x,x⁺_j))`.
    positives: Vec<(f64, f64)>,
    /// `log G`.
    estimates: Vec<(f64, f64)>,
}

impl Kernel {
    fn sum_positives(&self, of: impl Fn(f64) -> f64) -> f64 {
        self.positives.iter().map(|(log_p, p)| p * of(*log_p)).sum()
    }

    fn sum(&self, of: impl Fn(f64, f64) -> f64) -> f64 {
        let inner = |log_g: f64| self.positives.iter().map(|(log_p, p)| p * of(log_g, *log_p)).sum::<f64>();
        self.estimates.iter().map(|(log_g, p)| p * inner(*log_g)).sum()
    }
}

struct Sampler {
    positive: Table,
    source: Table,
}

impl Sampler {
    fn new(view: &View, estimator: &Estimator) -> Self {
        let table = |law: &Law| Table::new(law.probabilities.iter().copied());
        Self { positive: table(&view.positive), source: table(view.source(estimator)) }
    }

    fn draw(&self, view: &View, estimator: &Estimator, counts: &Counts, seed: u64) -> (f64, f64) {
        let mut random = Random::new(seed);
        let mut scores = |table: &Table, values: &[f64], count: usize| -> Vec<f64> {
            (0..count).map(|_| values[table.draw(&mut random)]).collect()
        };
        let positives = scores(&self.positive, &view.positive.values, counts.positives);
        let negatives = scores(&self.source, &view.source(estimator).values, counts.negatives);
        let draws = estimator.debiasing().map_or(0, |(_, _, draws)| draws);
        let debias = scores(&self.positive, &view.positive.values, draws);
        let weights = positives.iter().map(|score| (*score, 1.0 / positives.len() as f64));
        let log_positive = log_sum(weights);
        (log_positive, View::estimate(view.log_floor, estimator, &negatives, &debias))
    }
}

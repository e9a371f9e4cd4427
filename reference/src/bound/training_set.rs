//! Training sets drawn from a world, for the theorem as a whole.

use super::estimator::{Counts, Estimator, View};
use super::multiset::{log_sum, softplus};
use super::table::Table;
use super::world::World;
use crate::error::{Error, Result};
use crate::random::Rng;
use nalgebra::DMatrix;

/// Points of a world that make one training tuple, as rows of [`World::embeddings`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// `x`.
    pub anchor: usize,
    /// `x⁺_1..x⁺_M`.
    pub positives: Vec<usize>,
    /// The draws of the negative estimator, `N` of them.
    pub negatives: Vec<usize>,
    /// `v_1..v_m` of `g1` and `g2`.
    pub positive_draws: Vec<usize>,
}

impl World {
    /// `samples` independent training tuples; the same seed gives the same tuples.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for counts of 0 and parameters of the estimator.
    ///
    /// # Examples
    /// The mean loss of many tuples is near the expected loss:
    /// ```
    /// use intnacl_reference::bound::{Class, Counts, Effort, Estimator, World};
    /// use nalgebra::dmatrix;
    ///
    /// let pair = Class::uniform(0.5, dmatrix![1.0; -1.0]);
    /// let world = World::new(&[pair.clone(), pair], 1.0)?;
    /// let (estimator, counts) = (Estimator::TrueNegatives, Counts::new(2, 2));
    /// let tuples = world.training_set(&estimator, &counts, 4000, 7)?;
    /// let losses = world.losses(&estimator, &counts, &tuples)?;
    /// let mean = losses.iter().sum::<f64>() / 4000.0;
    /// let expected = world.loss(&estimator, &counts, &Effort::default())?.value;
    /// assert!((mean - expected).abs() < 0.1);
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn training_set(
        &self,
        estimator: &Estimator,
        counts: &Counts,
        samples: usize,
        seed: u64,
    ) -> Result<Vec<Sample>> {
        estimator.validate()?;
        counts.validate()?;
        super::estimator::at_least_1("samples", samples)?;
        let mut random = Rng::new(seed);
        let data = Table::new((0..self.points()).map(|point| self.probability(point)));
        let table = |own: bool| {
            let weight = move |class| {
                Table::new((0..self.points()).map(move |point| {
                    if (self.class(point) == class) == own { self.probability(point) } else { 0.0 }
                }))
            };
            (0..self.classes()).map(weight).collect::<Vec<Table>>()
        };
        let (own, other) = (table(true), table(false));
        let draws = estimator.debiasing().map_or(0, |(_, _, draws)| draws);
        let mut tuple = || {
            let anchor = data.draw(&mut random);
            let class = self.class(anchor);
            let source = if *estimator == Estimator::TrueNegatives { &other[class] } else { &data };
            let mut list = |table: &Table, count| (0..count).map(|_| table.draw(&mut random)).collect();
            Sample {
                anchor,
                positives: list(&own[class], counts.positives),
                negatives: list(source, counts.negatives),
                positive_draws: list(&own[class], draws),
            }
        };
        Ok((0..samples).map(|_| tuple()).collect())
    }

    /// The losses of training tuples under this world's embedding. Worlds with the same points and other
    /// embeddings are a class of encoders: each gives the tuples its own losses.
    ///
    /// # Errors
    /// [`Error::Shape`] for a tuple with a point that the world does not have or without positives or
    /// negatives, and for tuples without the positive draws that the estimator needs.
    pub fn losses(&self, estimator: &Estimator, counts: &Counts, samples: &[Sample]) -> Result<Vec<f64>> {
        estimator.validate()?;
        counts.validate()?;
        let log_ratio = counts.ratio().ln();
        let loss = |(i, sample): (usize, &Sample)| {
            let draws = estimator.debiasing().map_or(0, |(_, _, draws)| draws);
            self.check(i, "anchor", &[sample.anchor], 1)?;
            self.check(i, "positives", &sample.positives, counts.positives)?;
            self.check(i, "negatives", &sample.negatives, counts.negatives)?;
            self.check(i, "positive_draws", &sample.positive_draws, draws)?;
            let score = |point: &usize| self.score(sample.anchor, *point);
            let scores = |points: &[usize]| points.iter().map(score).collect::<Vec<f64>>();
            let share = 1.0 / counts.positives as f64;
            let log_p = log_sum(sample.positives.iter().map(|point| (score(point), share)));
            let (negatives, draws) = (scores(&sample.negatives), scores(&sample.positive_draws));
            let log_g = View::estimate(-1.0 / self.temperature(), estimator, &negatives, &draws);
            Ok(softplus(log_ratio + log_g - log_p))
        };
        samples.iter().enumerate().map(loss).collect()
    }

    /// This world with other embeddings of the same points: another encoder.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`] and [`Error::NotUnit`] for the embeddings.
    pub fn with_embeddings(&self, embeddings: &DMatrix<f64>) -> Result<Self> {
        self.embedded(embeddings)
    }

    fn score(&self, x: usize, y: usize) -> f64 {
        let dot = self.embeddings().row(x).dot(&self.embeddings().row(y));
        dot.clamp(-1.0, 1.0) / self.temperature()
    }

    fn check(&self, sample: usize, list: &str, points: &[usize], count: usize) -> Result<()> {
        let (argument, found) = (format!("samples[{sample}].{list}"), format!("{points:?}"));
        let expected = format!("{count} rows below {}", self.points());
        if points.len() == count && points.iter().all(|&point| point < self.points()) {
            return Ok(());
        }
        Err(Error::Shape { argument, found, expected })
    }
}

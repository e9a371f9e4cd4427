//! Draws from finite distributions.

use crate::random::Rng;

/// A finite distribution to draw indices from.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    cumulative: Vec<f64>,
}

impl Table {
    /// Weights need not sum to 1; an index of weight 0 is not drawn.
    pub(crate) fn new(weights: impl Iterator<Item = f64>) -> Self {
        let cumulative = weights.scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        Self { cumulative: cumulative.collect() }
    }

    pub(crate) fn draw(&self, random: &mut Rng) -> usize {
        let total = self.cumulative.last().copied().unwrap_or(0.0);
        let target = random.uniform() * total;
        self.cumulative.partition_point(|sum| *sum <= target).min(self.cumulative.len().saturating_sub(1))
    }
}

//! Seeded draws: the same seed gives the same training sets on every machine.

/// SplitMix64 (Steele, Lea and Flood 2014): a counter in steps of the golden ratio, mixed.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    counter: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { counter: seed }
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.counter = self.counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.counter ^ (self.counter >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in `[0, 1)`.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn sign(&mut self) -> f64 {
        if self.bits() >> 63 == 0 { 1.0 } else { -1.0 }
    }
}

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

    pub(crate) fn draw(&self, random: &mut Random) -> usize {
        let total = self.cumulative.last().copied().unwrap_or(0.0);
        let target = random.uniform() * total;
        self.cumulative.partition_point(|sum| *sum <= target).min(self.cumulative.len().saturating_sub(1))
    }
}

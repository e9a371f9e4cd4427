//! Seeded random numbers.

/// SplitMix64 (Steele, Lea and Flood, 2014): one word of state and a bijective finaliser.
///
/// A law that fails prints its seed, and that seed must bring the failure back years later. So the
/// generator is written out here, where no update of a dependency can change its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// The stream of a seed. Any seed is as good as another, 0 included.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// Uniform in `[0, 1)`, a multiple of `2⁻⁵³`.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (f64::EPSILON / 2.0)
    }

    /// 1 or -1, equally likely.
    pub fn sign(&mut self) -> f64 {
        if self.bits() >> 63 == 0 { 1.0 } else { -1.0 }
    }
}

impl Rng {
    /// Uniform in `[low, high)`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Standard normal, by Box and Muller. `1 - u` is never 0, so neither is the logarithm infinite.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Uniform in `0..bound`; 0 where `bound` is 0.
    ///
    /// The product's high word is biased by less than `bound / 2⁶⁴`, which no test here could see.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.bits()) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        let mut rng = Rng::new(1_234_567);
        let words: Vec<u64> = (0..3).map(|_| rng.bits()).collect();
        assert_eq!(words, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut rng = Rng::new(7);
        let count = 100_000;
        let moments = |draws: Vec<f64>| {
            let mean = draws.iter().sum::<f64>() / count as f64;
            (mean, draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / count as f64)
        };
        // Five standard errors: 1/√n of the normal's mean, √(2/n) of its variance, and so on.
        let (mean, variance) = moments((0..count).map(|_| rng.normal()).collect());
        assert!(mean.abs() < 0.016 && (variance - 1.0).abs() < 0.023, "normal: {mean}, {variance}");
        let (mean, variance) = moments((0..count).map(|_| rng.uniform()).collect());
        assert!((mean - 0.5).abs() < 0.005 && (variance - 1.0 / 12.0).abs() < 0.0012, "{mean}, {variance}");
    }

    #[test]
    fn below_stays_below_and_reaches_every_number() {
        let mut rng = Rng::new(3);
        let mut seen = [0; 7];
        (0..7000).for_each(|_| seen[rng.below(7)] += 1);
        assert!(seen.iter().all(|&times| (850..1150).contains(&times)), "{seen:?}");
        assert_eq!(rng.below(0), 0);
    }
}

//! Expectations: exact where the terms can be counted out, sampled with a certified interval elsewhere.

use crate::error::{Result, in_range};

/// How much work an expectation may take before it is sampled instead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effort {
    /// The most terms of an exact sum, over all anchors. A term takes about 150 ns of one core.
    pub terms: f64,
    /// The draws of a sampled mean.
    pub draws: usize,
    /// The seed of the draws.
    pub seed: u64,
    /// The probability with which the interval of a sampled mean covers the truth, in `(0, 1)`.
    pub confidence: f64,
}

impl Default for Effort {
    /// Thirty million terms, or a hundred thousand draws of seed 0 at confidence 0.999.
    fn default() -> Self {
        Self { terms: 3e7, draws: 100_000, seed: 0, confidence: 0.999 }
    }
}

impl Effort {
    pub(crate) fn validate(&self) -> Result<()> {
        in_range(
            "terms",
            self.terms,
            self.terms >= 0.0 && self.terms.is_finite(),
            "a finite number of at least 0",
        )?;
        in_range("draws", self.draws as f64, self.draws >= 2, "a count of at least 2")?;
        let holds = self.confidence > 0.0 && self.confidence < 1.0;
        in_range("confidence", self.confidence, holds, "a number in (0, 1)")
    }
}

/// How an expectation was come by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// Every term was summed; what is off is rounding, some units in the last place.
    Enumerated {
        /// How many terms.
        terms: f64,
    },
    /// A mean of independent draws.
    Sampled {
        /// How many.
        draws: usize,
        /// Their seed.
        seed: u64,
        /// The probability with which the interval covers the truth.
        confidence: f64,
    },
}

/// An expectation, and the interval that it is known to lie in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expectation {
    /// The best value.
    pub value: f64,
    /// The interval's lower end; `value` itself where it was enumerated.
    pub lower: f64,
    /// The interval's upper end.
    pub upper: f64,
    /// How it was come by.
    pub method: Method,
}

impl Expectation {
    pub(crate) fn exact(value: f64, terms: f64) -> Self {
        Self { value, lower: value, upper: value, method: Method::Enumerated { terms } }
    }

    /// The mean of draws of a variable in `[low, high]`, with the empirical Bernstein interval (Maurer and
    /// Pontil 2009, Theorem 4, at both sides): with `V` the sample variance, `L = log(4/(1-confidence))`,
    /// `±(√(2VL/n) + 7(high-low)L/(3(n-1)))`. It holds at every `n`, not only in the limit.
    pub(crate) fn sampled(draws: &[f64], (low, high): (f64, f64), effort: &Effort) -> Self {
        let n = draws.len() as f64;
        let value = draws.iter().sum::<f64>() / n;
        let variance = draws.iter().map(|x| (x - value).powi(2)).sum::<f64>() / (n - 1.0);
        let log = (4.0 / (1.0 - effort.confidence)).ln();
        let margin = (2.0 * variance * log / n).sqrt() + 7.0 * (high - low) * log / (3.0 * (n - 1.0));
        let Effort { draws, seed, confidence, .. } = *effort;
        Self {
            value,
            lower: (value - margin).max(low),
            upper: (value + margin).min(high),
            method: Method::Sampled { draws, seed, confidence },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a thousand draws, half 0 and half 1, the sample variance is `250/999`.
    #[test]
    fn the_margin_of_sampled_draws_is_that_of_maurer_and_pontil() {
        let draws: Vec<f64> = (0..1000).map(|k| f64::from(k % 2)).collect();
        for (low, high) in [(0.0, 1.0), (-3.0, 2.0)] {
            let found = Expectation::sampled(&draws, (low, high), &Effort::default());
            let log = (4.0 / (1.0 - Effort::default().confidence)).ln();
            let margin =
                (2.0 * (250.0 / 999.0) * log / 1000.0).sqrt() + 7.0 * (high - low) * log / (3.0 * 999.0);
            assert_eq!(found.value, 0.5);
            // The ends are rounded once, and the margin is computed here in the same way.
            let rounding = 2.0 * f64::EPSILON;
            assert!(
                (found.upper - 0.5 - margin).abs() <= rounding
                    && (0.5 - found.lower - margin).abs() <= rounding
            );
        }
    }
}

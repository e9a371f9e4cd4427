//! Intervals of big floating numbers, every operation rounded outwards.

use astro_float::{BigFloat, Consts, RoundingMode};

/// The bits of both ends.
const BITS: usize = 192;

/// Encloses a number above 0.
#[derive(Debug, Clone)]
pub struct Interval {
    low: BigFloat,
    high: BigFloat,
}

impl Interval {
    /// A natural number, exactly.
    pub fn natural(x: u64) -> Self {
        let x = BigFloat::from_u64(x, BITS);
        Self { low: x.clone(), high: x }
    }

    pub fn plus(&self, other: &Self) -> Self {
        Self {
            low: self.low.add(&other.low, BITS, RoundingMode::Down),
            high: self.high.add(&other.high, BITS, RoundingMode::Up),
        }
    }

    /// The difference, which may be of either sign.
    pub fn minus(&self, other: &Self) -> Self {
        Self {
            low: self.low.sub(&other.high, BITS, RoundingMode::Down),
            high: self.high.sub(&other.low, BITS, RoundingMode::Up),
        }
    }

    /// The product of numbers that are not negative.
    pub fn times(&self, other: &Self) -> Self {
        Self {
            low: self.low.mul(&other.low, BITS, RoundingMode::Down),
            high: self.high.mul(&other.high, BITS, RoundingMode::Up),
        }
    }

    /// The quotient of positive numbers.
    pub fn over(&self, other: &Self) -> Self {
        Self {
            low: self.low.div(&other.high, BITS, RoundingMode::Down),
            high: self.high.div(&other.low, BITS, RoundingMode::Up),
        }
    }

    pub fn ln(&self, constants: &mut Consts) -> Self {
        Self {
            low: self.low.ln(BITS, RoundingMode::Down, constants),
            high: self.high.ln(BITS, RoundingMode::Up, constants),
        }
    }

    /// Whether all of this interval is above a ratio of naturals.
    pub fn is_above(&self, numerator: u64, denominator: u64) -> bool {
        let scaled = self.low.mul(&BigFloat::from_u64(denominator, BITS), BITS, RoundingMode::Down);
        scaled > BigFloat::from_u64(numerator, BITS)
    }

    /// Whether all of it is below.
    pub fn is_below(&self, numerator: u64, denominator: u64) -> bool {
        let scaled = self.high.mul(&BigFloat::from_u64(denominator, BITS), BITS, RoundingMode::Up);
        scaled < BigFloat::from_u64(numerator, BITS)
    }
}

#[test]
fn an_enclosure_of_log_2_is_narrow_and_right() {
    let mut constants = Consts::new().expect("memory");
    let log = Interval::natural(2).ln(&mut constants);
    assert!(log.is_above(693_147_180_559_945_309, 1_000_000_000_000_000_000));
    assert!(log.is_below(693_147_180_559_945_310, 1_000_000_000_000_000_000));
}

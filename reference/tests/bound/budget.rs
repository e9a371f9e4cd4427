//! The allowed distances of results from the truth: one table for all tests of the bound.

use intnacl_reference::bound::Solver;

/// Losses are sums of some thousand terms, each right to a few units in the last place; relative to 1 plus the
/// loss.
pub const ROUNDING: f64 = 1e-12;

/// A linear classifier in the tests: certified to this gap, in at most so many steps.
pub const SOLVED: Solver = Solver { tolerance: 1e-6, iterations: 4000 };

/// The probability with which a sampled interval may miss the truth, for each interval of a test.
pub const FALSE_ALARM: f64 = 1e-9;

/// The loss of the difference inside `g1` and `g2`: its terms can exceed the floor by `e^{2/t}`, and are right
/// to some units in the last place of f64.
pub fn cancellation(temperature: f64) -> f64 {
    (2.0 / temperature).exp() * 8.0 * f64::EPSILON
}

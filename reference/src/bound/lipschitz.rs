//! How steep the loss is in its scores: exact suprema over the box `[-1/t, 1/t]^{M+N}`, and where they are.
//!
//! The loss is `softplus(log ν + log((1/N) Σ_i e^{u_i}) - log((1/M) Σ_j e^{s_j}))` with `g0`. Its gradient is
//! `-ω softmax(s)` in the positive scores and `ω softmax(u)` in the negative ones, `ω = Q/(P+Q)`,
//! `P = Σ_j e^{s_j}` and `Q = (νM/N) Σ_i e^{u_i}`.

use super::estimator::Counts;
use super::world::validate_temperature;
use crate::error::Result;

/// By which scores the loss is differentiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoresOf {
    /// The `M` scores of positives.
    Positives,
    /// The `N` scores of negatives.
    Negatives,
}

/// In which norm two score vectors are compared. The loss changes by at most the constant times the distance;
/// the constant is the supremum of the gradient in the dual norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Norm {
    /// `Σ|x_i|`; the constant is the largest single derivative, to which the paper's `λ_M = 1/M` can refer.
    Sum,
    /// The Euclidean norm, which contraction for vectors of scores works with (Maurer 2016).
    Euclidean,
    /// `max|x_i|`; the constant is the sum of the derivatives' sizes.
    Largest,
}

/// A supremum, and scores at which it is attained.
#[derive(Debug, Clone, PartialEq)]
pub struct Lipschitz {
    /// The Lipschitz constant.
    pub constant: f64,
    /// The positive scores of the point, `M` of them.
    pub positives: Vec<f64>,
    /// The negative scores, `N` of them.
    pub negatives: Vec<f64>,
}

/// The exact Lipschitz constant of the loss with `g0` in the scores of one side, over all scores of both sides.
///
/// The gradient in the positives grows with `Q`, so the negatives are all at `1/t`; that in the negatives
/// falls with `P`, so the positives are all at `-1/t`. On the side itself:
///
/// - [`Norm::Largest`]: `ω` alone, largest where that side too is extreme: `ν e^{2/t}/(1 + ν e^{2/t})`.
/// - [`Norm::Sum`]: one score `s` against the others at `-1/t`; for positives the optimum is
///   `e^{2s} = R(R+Q)`, `R` the others' sum, clamped to the box, for negatives `s = 1/t`.
/// - [`Norm::Euclidean`]: at a fixed sum of kernels the sum of their squares is convex, so all scores but one
///   are at an end of the box. For negatives that one is too; for positives its kernel `z` is an end or the
///   larger root of `z³ - (R(R+Q) - 2S)z + S(2R+Q) = 0`, `R` and `S` the sums of the others' kernels and of
///   their squares. All numbers of scores at the upper end are tried: `M` or `N` steps.
///
/// # Errors
/// [`Error::OutOfRange`](crate::Error::OutOfRange) for counts of 0 and the temperature.
///
/// # Examples
/// ```
/// use intnacl_reference::bound::{Counts, Norm, ScoresOf, lipschitz};
/// let claimed = 1.0 / 4.0;
/// let largest = lipschitz(&Counts::new(4, 12), 1.0, ScoresOf::Positives, Norm::Euclidean)?;
/// assert!(largest.constant > claimed);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn lipschitz(counts: &Counts, temperature: f64, side: ScoresOf, norm: Norm) -> Result<Lipschitz> {
    validate_temperature(temperature)?;
    counts.validate()?;
    let (top, bottom) = (1.0 / temperature, lowest_kernel(temperature));
    let ratio = counts.ratio();
    let (own, other) = match side {
        // Kernels in units of e^{1/t}: the negatives' are 1.
        ScoresOf::Positives => (counts.positives, ratio * counts.positives as f64),
        ScoresOf::Negatives => (counts.negatives, bottom * counts.negatives as f64 / ratio),
    };
    let (constant, kernels) = steepest(own, other, bottom, side, norm);
    let own = kernels.scores(top);
    let (positives, negatives) = match side {
        ScoresOf::Positives => (own, vec![top; counts.negatives]),
        ScoresOf::Negatives => (vec![-top; counts.positives], own),
    };
    Ok(Lipschitz { constant, positives, negatives })
}

/// The constant in the scores of `positives` positives where the negative mean can be `largest` times `e^{1/t}`:
/// with `g1` and `g2` it can exceed every kernel. The gradient grows with the negative mean, so that this is all
/// that changes.
pub(crate) fn positives_constant(
    positives: usize,
    ratio: f64,
    largest: f64,
    temperature: f64,
    norm: Norm,
) -> f64 {
    let other = ratio * largest * positives as f64;
    steepest(positives, other, lowest_kernel(temperature), ScoresOf::Positives, norm).0
}

/// `e^{-2/t}`, the lowest kernel in units of the highest. Below 1e-300 a kernel makes no difference to any sum,
/// and a kernel of 0 would leave quotients undefined.
fn lowest_kernel(temperature: f64) -> f64 {
    (-2.0 / temperature).exp().max(1e-300)
}

/// The largest steepness, and where it is.
fn steepest(own: usize, other: f64, bottom: f64, side: ScoresOf, norm: Norm) -> (f64, Kernels) {
    let mut best: Option<(f64, Kernels)> = None;
    for kernels in candidates(own, other, bottom, side, norm) {
        // Below 1 by its formula, which rounding need not know.
        let value = steepness(&kernels, other, side, norm).min(1.0);
        if best.as_ref().is_none_or(|(largest, _)| value > *largest) {
            best = Some((value, kernels));
        }
    }
    best.unwrap_or((0.0, Kernels { high: 0, free: 1.0, low: 0, bottom }))
}

/// Kernels of one side in units of `e^{1/t}`: some at 1, one anywhere, the others at `e^{-2/t}`.
#[derive(Debug, Clone)]
struct Kernels {
    high: usize,
    free: f64,
    low: usize,
    bottom: f64,
}

impl Kernels {
    fn sum(&self) -> f64 {
        self.high as f64 + self.free + self.low as f64 * self.bottom
    }

    fn squares(&self) -> f64 {
        self.high as f64 + self.free * self.free + self.low as f64 * self.bottom * self.bottom
    }

    /// The root of [`Kernels::squares`], also where squares underflow.
    fn norm(&self) -> f64 {
        if self.high > 0 {
            return self.squares().sqrt();
        }
        let unit = self.free.max(self.bottom);
        let squares = (self.free / unit).powi(2) + self.low as f64 * (self.bottom / unit).powi(2);
        unit * squares.sqrt()
    }

    fn largest(&self) -> f64 {
        if self.high > 0 { 1.0 } else { self.free }
    }

    fn scores(&self, top: f64) -> Vec<f64> {
        let mut scores = vec![top; self.high];
        // Through the logarithm the end of the box would come back with a rounding.
        let free = if self.free == self.bottom { -top } else { (top + self.free.ln()).clamp(-top, top) };
        scores.push(free);
        scores.extend(std::iter::repeat_n(-top, self.low));
        scores
    }
}

/// The gradient's dual norm. `other` is `Q` for the positives, and `P` in units of the negatives' weight for
/// the negatives.
fn steepness(kernels: &Kernels, other: f64, side: ScoresOf, norm: Norm) -> f64 {
    let sum = kernels.sum();
    let size = match norm {
        Norm::Sum => kernels.largest(),
        Norm::Euclidean => kernels.norm(),
        Norm::Largest => sum,
    };
    match side {
        ScoresOf::Positives => other / (sum + other) * (size / sum),
        ScoresOf::Negatives => size / (sum + other),
    }
}

/// The points among which the supremum is attained.
fn candidates(own: usize, other: f64, bottom: f64, side: ScoresOf, norm: Norm) -> Vec<Kernels> {
    let mut list = Vec::new();
    for high in 0..own {
        let low = own - 1 - high;
        let mut push = |free: f64| list.push(Kernels { high, free: free.clamp(bottom, 1.0), low, bottom });
        push(bottom);
        push(1.0);
        if side == ScoresOf::Positives {
            let rest = Kernels { high, free: 0.0, low, bottom };
            let (sum, squares) = (rest.sum(), rest.squares());
            match norm {
                Norm::Sum => push((sum * (sum + other)).sqrt()),
                Norm::Euclidean => {
                    let slope = sum * (sum + other) - 2.0 * squares;
                    let constant = squares * (2.0 * sum + other);
                    push(larger_root(slope, constant, 1.0));
                }
                Norm::Largest => {}
            }
        }
    }
    list
}

/// The larger root of `z³ - slope·z + constant` up to `end`, for `constant >= 0`: above the minimum at
/// `√(slope/3)` the cubic rises. Where there is none, some point of the interval, which does no harm among
/// candidates.
fn larger_root(slope: f64, constant: f64, end: f64) -> f64 {
    let (mut low, mut high) = ((slope.max(0.0) / 3.0).sqrt().min(end), end);
    for _ in 0..80 {
        let z = 0.5 * (low + high);
        if z * z * z - slope * z + constant > 0.0 { high = z } else { low = z }
    }
    0.5 * (low + high)
}

//! One term `-λ log Ω - (1-λ) log(1-Ω)`, `Ω = P/(P + N·G)`; with `λ = 1` the term of every other loss.
//!
//! Let `x = log(N·G) - log P`, so that `-log Ω = softplus(x)` and `-log(1-Ω) = softplus(-x)`, and `ω = σ(x)`. Roundings
//! move `log P` by up to `ε`. They move the two means `A` and `τB` of an estimator by up to `ε b A` and `ε b τB`, `b = 2β+1`
//! since the hardness stretches the exponents. Near the floor the derivative says nothing, so `G` is followed to both ends of
//! what `A - τB ± ε b (A + τB)` allows, the floor included.

use super::{Model, Off, Positives, RowTolerance};
use crate::real::{Dd, Real, max_of};
use crate::score::{Contrast, log_sum_exp};
use crate::vocabulary::Negatives;

/// How far the kernels may move for the bound on the variation to hold, relative to what is left of them.
const ROOM: f64 = 0.15;
/// By how much `softplus` moves at most, in units of its slope, while `log G` and `log P` move by `ROOM` each.
const VARIATION: f64 = 0.75;

/// The largest exponent of a slope: f64 holds no steeper one.
const MOST: f64 = 700.0;

/// A term's value, its slopes by the scores, and how far both may be off.
pub(super) struct Term {
    pub(super) value: f64,
    pub(super) error: Off,
    pub(super) variation: f64,
    pub(super) reach: f64,
    pub(super) floored: bool,
    pub(super) slopes: Slopes,
}

/// A slope for each score of a contrast: a factor for each of its three lists, and each score's share in it. Whatever
/// its share, a kernel that underflows is off by the floor of the type.
#[derive(Clone)]
pub(super) struct Slopes {
    pub(super) factors: [RowTolerance; 3],
    pub(super) underflow: [f64; 3],
    pub(super) shares: [Vec<f64>; 3],
}

impl Term {
    /// The term on one contrast; `mix` is `λ` where the term is a mixed one.
    pub(super) fn new(
        contrast: &Contrast<Dd>,
        positives: Positives,
        negatives: Negatives,
        mix: Option<f64>,
        model: &Model,
    ) -> Self {
        let positives = positives.of(contrast);
        let epsilon = model.epsilon(positives.len() + contrast.negatives.len());
        let estimate = Estimate::new(contrast, negatives, epsilon, model);
        let (log_p, softmax) = log_sum_exp(positives, &model.field);
        let count = model.field.number(contrast.negatives.len() as f64).ln(model.field.context);
        let x = (count + &estimate.log - &log_p).to_f64();
        let (near, far) = mix.map_or((1.0, 0.0), |lambda| (lambda, 1.0 - lambda));

        // Both ends of what roundings allow, as changes of log G and of x.
        let ends = [(estimate.up, estimate.up + epsilon), (estimate.down, estimate.down - epsilon)];
        // Where roundings decide the side of the maximum, the truth may lie at one end and a program at the other.
        let largest = |change: &dyn Fn(f64) -> f64| {
            let [up, down] = ends.map(|end| change(end.1).abs());
            if estimate.straddles { up + down } else { up.max(down) }
        };
        let value = near * softplus(x) + far * softplus(-x);
        let careful = near * largest(&|by| softplus_change(x, by))
            + far * largest(&|by| softplus_change(-x, -by))
            + model.roundings.kernels * value
            + model.roundings.tiny;
        let slope = near * logistic(x) + far * logistic(-x);
        let tiny = model.roundings.tiny;
        let turned = largest(&|by| logistic_change(x, by));

        let beside = careful_and_right(epsilon * slope + (near + far) * turned, epsilon);
        let positive = RowTolerance { size: slope, error: beside };
        let by_mean = |log_ratio: f64, log_at_floor: f64| {
            // Ratio times slope, in logarithms, since one can be as large as the other one is small.
            let weight = |log: f64, x: f64| {
                near * (log - softplus(-x)).min(MOST).exp() + far * (log - softplus(x)).min(MOST).exp()
            };
            let size = weight(log_ratio, x);
            let moved = ends.iter().map(|end| (weight(log_ratio - end.0, x + end.1) - size).abs());
            let (mut moved, mut steepest) = (moved.fold(0.0, f64::max), log_ratio.min(MOST).exp());
            if estimate.straddles {
                let floor = weight(log_at_floor, x + estimate.to_floor);
                // Either side of the maximum is right, so its gradient has half of the budget.
                moved = 2.0 * moved.max(floor).max(size);
                steepest = steepest.max(log_at_floor.min(MOST).exp());
            }
            let careful = moved + epsilon * (1.0 + estimate.spread) * size;
            // The slope of a mixed term may be formed as σ(x) - λ, whose error does not fall with its halves.
            let more = if mix.is_some() { epsilon * (1.0 + estimate.spread) * steepest } else { 0.0 };
            (
                RowTolerance { size, error: careful_and_right(careful, more) },
                // Nothing is lost of a mean that has no part in the gradient.
                if steepest > 0.0 || log_ratio > f64::NEG_INFINITY {
                    tiny * estimate.spread * steepest.max(1.0)
                } else {
                    0.0
                },
            )
        };
        let (by_negatives, lost) = by_mean(estimate.log_ratios[0], estimate.log_ratios_at_floor[0]);
        let (by_debias, lost_draw) = by_mean(estimate.log_ratios[1], estimate.log_ratios_at_floor[1]);
        Self {
            value,
            error: careful_and_right(careful, epsilon),
            variation: VARIATION * slope,
            reach: estimate.reach,
            floored: estimate.floored && !estimate.straddles,
            slopes: Slopes {
                factors: [positive, by_negatives, by_debias],
                underflow: [tiny, lost, lost_draw],
                shares: [softmax.iter().map(Dd::to_f64).collect(), estimate.negatives, estimate.debias],
            },
        }
    }
}

/// What a careful program may be off by, and a right one, which may be off by `more` beside it.
fn careful_and_right(careful: f64, more: f64) -> Off {
    [careful + more, careful]
}

/// An estimator, and where roundings may take it.
struct Estimate {
    log: Dd,
    /// By how much roundings raise and lower `log G`.
    up: f64,
    down: f64,
    /// From `log G` to the logarithm of the floor.
    to_floor: f64,
    floored: bool,
    /// Whether roundings decide which side the maximum takes.
    straddles: bool,
    /// `b`.
    spread: f64,
    /// The logarithms of `A/F` and `τB/F`, `F = (1-τ)G`, which are 0 at the floor.
    log_ratios: [f64; 2],
    /// The same with `F` at the floor.
    log_ratios_at_floor: [f64; 2],
    /// Each negative's share in the slope of `log A`, without its sign.
    negatives: Vec<f64>,
    /// Each draw's share in the slope of `log B`.
    debias: Vec<f64>,
    reach: f64,
}

impl Estimate {
    fn new(contrast: &Contrast<Dd>, negatives: Negatives, epsilon: f64, model: &Model) -> Self {
        match negatives {
            Negatives::G0 => Self::mean(contrast, 0.0, epsilon, model),
            Negatives::G1 { tau_plus } => {
                Self::mean(contrast, 0.0, epsilon, model).debiased(contrast, tau_plus, epsilon, model)
            }
            Negatives::G2 { tau_plus, beta } => {
                Self::mean(contrast, beta, epsilon, model).debiased(contrast, tau_plus, epsilon, model)
            }
        }
    }

    /// `Σ h^{β+1} / Σ h^β`, without a floor.
    fn mean(contrast: &Contrast<Dd>, beta: f64, epsilon: f64, model: &Model) -> Self {
        // Below the largest score, so that a large hardness does not drown what the mean is known to.
        let field = &model.field;
        let largest = max_of(&contrast.negatives[0], &contrast.negatives);
        let below: Vec<Dd> = contrast.negatives.iter().map(|score| *score - &largest).collect();
        let sharpened = |factor: f64| {
            let mut exponents = below.clone();
            Dd::scale_all(&mut exponents, &field.number(factor));
            // Of these the exponential is 0, and double-double has none of much less.
            let least = field.number(-1e4);
            exponents.iter_mut().filter(|exponent| **exponent < least).for_each(|exponent| *exponent = least);
            log_sum_exp(&exponents, field)
        };
        let ((above, sharp), (under, blunt)) = (sharpened(beta + 1.0), sharpened(beta));
        let spread = 2.0 * beta + 1.0;
        // Where the hardness magnifies what a score is known to beyond a tie, any of the largest may have the share of all.
        let share = |below: &Dd, exact: &Dd, factor: f64| {
            let blur = 2.0 * factor * epsilon;
            let most = (factor * below.to_f64() + blur).min(0.0).exp();
            factor * if blur > 0.1 { most.max(exact.to_f64()) } else { exact.to_f64() }
        };
        let shares = below.iter().zip(sharp.iter().zip(&blunt));
        let shares =
            shares.map(|(below, (sharp, blunt))| share(below, sharp, beta + 1.0) + share(below, blunt, beta));
        // The mean lies between max h · n^{-1/β} and max h, so no hardness moves it farther than that.
        let count = contrast.negatives.len() as f64;
        let moved = (spread * epsilon).min(epsilon + count.ln() / beta);
        Self {
            log: largest + &(above - &under),
            up: moved,
            down: -moved,
            to_floor: f64::NEG_INFINITY,
            floored: false,
            straddles: false,
            spread,
            log_ratios: [0.0, f64::NEG_INFINITY],
            log_ratios_at_floor: [f64::NEG_INFINITY; 2],
            negatives: shares.collect(),
            debias: vec![0.0; contrast.debias.len()],
            reach: ROOM.ln_1p() / spread,
        }
    }

    /// `max{ (A - τB)/(1-τ), e^{-1/t} }`.
    fn debiased(self, contrast: &Contrast<Dd>, tau_plus: f64, epsilon: f64, model: &Model) -> Self {
        let field = &model.field;
        let context = field.context;
        let (log_sum, softmax) = log_sum_exp(&contrast.debias, field);
        let log_b = log_sum - &field.number(contrast.debias.len() as f64).ln(context);
        let log_a = self.log;
        // Where nothing is subtracted, the draws may be as near as they like.
        let subtracted = if tau_plus > 0.0 { &log_b } else { &log_a };
        let shift = max_of(&log_a, [subtracted, &field.log_floor]);
        let above_shift = |log: &Dd| *log - &shift;
        let (a, tau_b) =
            (above_shift(&log_a).exp(context), above_shift(subtracted).exp(context).scale(tau_plus, context));
        let rest = (field.number(1.0) - &field.number(tau_plus)).ln(context);
        let log_floor = (above_shift(&field.log_floor) + &rest).to_f64();
        let total = (a + &tau_b).to_f64();
        let difference = (a - &tau_b).to_f64();
        let noise = self.up.exp_m1().max(epsilon) * total;

        let log_difference = if difference > 0.0 { difference.ln() } else { f64::NEG_INFINITY };
        let floored = log_difference < log_floor;
        let log_g = log_difference.max(log_floor);
        let upper = if difference + noise > 0.0 { (difference + noise).ln() } else { f64::NEG_INFINITY };
        let lower = if difference - noise > 0.0 { (difference - noise).ln() } else { f64::NEG_INFINITY };
        let straddles = if floored { upper > log_floor } else { lower <= log_floor };
        let (up, down) = match (floored, straddles) {
            (true, false) => (0.0, 0.0),
            (true, true) => (upper - log_floor, 0.0),
            (false, true) => ((noise / difference).ln_1p(), log_floor - log_g),
            (false, false) => ((noise / difference).ln_1p(), (-noise / difference).ln_1p()),
        };
        let log_tau_b = above_shift(&log_b).to_f64() + tau_plus.ln();
        let logs = [above_shift(&log_a).to_f64(), log_tau_b];
        let over = |log: f64| logs.map(|mean| mean - log);
        // Until the maximum would change its side, and what is left of the difference is no longer most of it.
        let gap = (difference - log_floor.exp()).abs() / total;
        let room = if floored { ROOM } else { ROOM * (difference / total).min(1.0) };
        Self {
            log: if floored { field.log_floor } else { shift + &field.number(log_g) - &rest },
            up,
            down,
            to_floor: log_floor - log_g,
            floored,
            straddles,
            log_ratios: if floored { [f64::NEG_INFINITY; 2] } else { over(log_g) },
            log_ratios_at_floor: over(log_floor),
            debias: softmax.iter().map(Dd::to_f64).collect(),
            reach: room.min(0.5 * gap).ln_1p() / self.spread,
            ..self
        }
    }
}

pub(super) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

pub(super) fn logistic(x: f64) -> f64 {
    if x > 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

/// `softplus(x + by) - softplus(x)`, to its own digits where `by` is small.
fn softplus_change(x: f64, by: f64) -> f64 {
    if by.abs() < 1.0 { (logistic(x) * by.exp_m1()).ln_1p() } else { softplus(x + by) - softplus(x) }
}

/// `σ(x + by) - σ(x)`.
fn logistic_change(x: f64, by: f64) -> f64 {
    if by.abs() < 1.0 {
        let turn = by.exp_m1();
        logistic(x) * logistic(-x) * turn / (1.0 + logistic(x) * turn)
    } else if x > 0.0 {
        logistic(-x) - logistic(-x - by)
    } else {
        logistic(x + by) - logistic(x)
    }
}

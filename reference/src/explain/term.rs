//! One term as numbers, at the precision that it needs.

use super::recipe::{Outcome, Positives, TermKind};
use super::{BitsLost, Derivative, EffectiveNumber, Role, Term};
use crate::evaluate::{fine_bits, lift_row};
use crate::layout::{ContrastRoles, Problem};
use crate::negatives::{Estimate, Estimation};
use crate::precision::{BITS_MORE, BITS_MOST, BITS_NEEDED, settle};
use crate::real::{Big, Dd, DdContext, Real};
use crate::score::{Arithmetic, Contrast, log_sum_exp, softplus};
use crate::vocabulary::{Labelled, Negatives, Settings};
use nalgebra::DMatrix;
use std::ops::Range;

/// Largest scores at which no kernel leaves the range of f64.
const DOUBLE_SCORES: Range<f64> = 0.0..250.0;

/// Where scores come from.
pub(super) trait Exponents {
    /// A bound on the size of a score.
    fn largest(&self) -> f64;
    /// The bits by which the nearest scores differ, beyond those that there are anyway.
    fn fine_bits(&self) -> f64;
    /// `t`.
    fn temperature(&self) -> f64;
    fn contrast<R: Real>(&self, context: R::Context) -> Contrast<R>;
    /// The anchor's row, then those of the contrast's three lists.
    fn rows(&self) -> (usize, Contrast<usize>);
}

/// `f(x)·f(y)/t`.
pub(super) struct OfRows<'a> {
    pub(super) problem: &'a Problem,
    pub(super) settings: &'a Settings,
    pub(super) contrast: &'a ContrastRoles,
}

impl Exponents for OfRows<'_> {
    fn largest(&self) -> f64 {
        self.problem.radius(self.settings.normalize).powi(2) / self.settings.temperature
    }

    fn fine_bits(&self) -> f64 {
        fine_bits(self.problem, self.settings)
    }

    fn temperature(&self) -> f64 {
        self.settings.temperature
    }

    fn contrast<R: Real>(&self, context: R::Context) -> Contrast<R> {
        let lift = |row: usize| lift_row::<R>(self.problem.row(row), self.settings.normalize, context).0;
        let anchor = lift(self.contrast.anchor);
        let inverse_temperature = R::lift(1.0, context) / &R::lift(self.settings.temperature, context);
        let score = |&row: &usize| R::dot(&anchor, &lift(row), context) * &inverse_temperature;
        let (_, rows) = self.rows();
        Contrast {
            positives: rows.positives.iter().map(score).collect(),
            negatives: rows.negatives.iter().map(score).collect(),
            debias: rows.debias.iter().map(score).collect(),
        }
    }

    fn rows(&self) -> (usize, Contrast<usize>) {
        let list = |runs: &[Range<usize>]| runs.iter().cloned().flatten().collect();
        let ContrastRoles { anchor, positives, negatives, debias, .. } = self.contrast;
        (*anchor, Contrast { positives: list(positives), negatives: list(negatives), debias: list(debias) })
    }
}

/// `-‖A x_i - A x_j‖²`, the points of the own class being the positives.
pub(super) struct OfSquares<'a> {
    pub(super) data: &'a Labelled,
    pub(super) point: usize,
}

impl Exponents for OfSquares<'_> {
    fn largest(&self) -> f64 {
        let (_, rows) = self.rows();
        let image = |row: usize| &self.data.transform * self.data.points.row(row).transpose();
        let anchor = image(self.point);
        let rows = rows.positives.iter().chain(&rows.negatives);
        // A bound only: where it overflows, precision is as far as patience goes.
        rows.map(|&row| (image(row) - &anchor).norm_squared()).fold(0.0, f64::max)
    }

    fn fine_bits(&self) -> f64 {
        0.0
    }

    fn temperature(&self) -> f64 {
        1.0
    }

    fn contrast<R: Real>(&self, context: R::Context) -> Contrast<R> {
        let Labelled { transform, points, .. } = self.data;
        let lift = |matrix: &DMatrix<f64>, row: usize| -> Vec<R> {
            matrix.row(row).iter().map(|&x| R::lift(x, context)).collect()
        };
        let transform: Vec<Vec<R>> = (0..transform.nrows()).map(|row| lift(transform, row)).collect();
        let anchor = lift(points, self.point);
        let score = |&row: &usize| {
            let apart = anchor.iter().zip(lift(points, row)).map(|(a, b)| a.clone() - &b);
            let apart: Vec<R> = apart.collect();
            let image: Vec<R> = transform.iter().map(|row| R::dot(row, &apart, context)).collect();
            -R::dot(&image, &image, context)
        };
        let (_, rows) = self.rows();
        Contrast {
            positives: rows.positives.iter().map(score).collect(),
            negatives: rows.negatives.iter().map(score).collect(),
            debias: Vec::new(),
        }
    }

    fn rows(&self) -> (usize, Contrast<usize>) {
        let labels = &self.data.labels;
        let others = (0..labels.len()).filter(|&row| row != self.point);
        let (positives, negatives) = others.partition(|&row| labels[row] == labels[self.point]);
        (self.point, Contrast { positives, negatives, debias: Vec::new() })
    }
}

/// The term, at the first precision that leaves enough bits, or the last.
pub(super) fn settled(recipe: &TermKind, exponents: &impl Exponents, names: &[String]) -> Term {
    let largest = exponents.largest();
    let doubles: &[DdContext] = if DOUBLE_SCORES.contains(&largest) { &[DdContext::Full] } else { &[] };
    // Enough for kernels that agree to e^{-2 largest} or in all bits of scores but the last, for as many bits again that
    // cancel afterwards, and for exponents that the hardness stretches.
    let stretched = 3.0 * (2.0 * hardness(recipe.negatives) + 1.0).log2();
    let more = 4.0 * largest * std::f64::consts::LOG2_E + 2.0 * exponents.fine_bits() + stretched;
    let enough = |(term, enough): (Term, bool)| enough.then_some(term);
    settle(
        doubles,
        || BITS_MORE + more.min((BITS_MOST - BITS_MORE) as f64) as usize,
        |context| enough(at::<Dd>(recipe, exponents, names, context)),
        |bits| enough(at::<Big>(recipe, exponents, names, bits)),
        |bits| at::<Big>(recipe, exponents, names, bits).0,
    )
}

fn hardness(negatives: Negatives) -> f64 {
    match negatives {
        Negatives::G2 { beta, .. } => beta,
        Negatives::G0 | Negatives::G1 { .. } => 0.0,
    }
}

/// `log Σ_i h_i^power`.
fn log_power_sum<R: Real>(scores: &[R], power: &R, field: &Arithmetic<R>) -> R {
    let mut scores = scores.to_vec();
    R::scale_all(&mut scores, power);
    log_sum_exp(&scores, field).0
}

/// `(Σ_i h_i^b)² / Σ_i h_i^{2b}`.
fn effective<R: Real>(scores: &[R], b: f64, field: &Arithmetic<R>) -> f64 {
    if b == 0.0 || scores.is_empty() {
        return scores.len() as f64;
    }
    let (once, twice) = (field.number(b), field.number(b).scale(2.0, field.context));
    let square = log_power_sum(scores, &once, field).scale(2.0, field.context);
    (square - &log_power_sum(scores, &twice, field)).exp(field.context).to_f64()
}

/// `log2 |x|`, to all digits; `-inf` for 0.
fn log2<R: Real>(x: &R, field: &Arithmetic<R>) -> f64 {
    let zero = field.number(0.0);
    if *x == zero {
        return f64::NEG_INFINITY;
    }
    let size = if *x < zero { -x.clone() } else { x.clone() };
    size.ln(field.context).to_f64() * std::f64::consts::LOG2_E
}

/// `log2` of the larger of two sides over their difference, at least 0.
fn lost<R: Real>(sides: [&R; 2], difference: &R, field: &Arithmetic<R>) -> f64 {
    (log2(sides[0], field).max(log2(sides[1], field)) - log2(difference, field)).max(0.0)
}

/// The term at one precision, and whether that was enough.
fn at<R: Real>(
    recipe: &TermKind,
    exponents: &impl Exponents,
    names: &[String],
    context: R::Context,
) -> (Term, bool) {
    let radius = (exponents.largest() * exponents.temperature()).min(f64::MAX).sqrt();
    let field = &Arithmetic::<R>::new(exponents.temperature(), radius, context);
    let contrast = &exponents.contrast::<R>(context);
    let (anchor, rows) = exponents.rows();
    let positives = match recipe.positives {
        Positives::First => &contrast.positives[..contrast.positives.len().min(1)],
        Positives::All => &contrast.positives,
    };
    let (log_p, mut by_positives) = log_sum_exp(positives, field);
    let beta = hardness(recipe.negatives);
    let mut term = Term {
        name: recipe.label.into(),
        anchor: names[anchor].clone(),
        estimator: recipe.negatives,
        coefficient: 1.0,
        gradient_coefficient: 1.0,
        value: 0.0,
        counts: [positives.len(), contrast.negatives.len(), 0],
        log_positives: log_p.to_f64(),
        log_mean_negatives: f64::NEG_INFINITY,
        log_mean_draws: None,
        log_estimate: f64::NEG_INFINITY,
        floored: false,
        omega: 0.0,
        effective_negatives: EffectiveNumber {
            hardness: effective(&contrast.negatives, beta, field),
            softmax: effective(&contrast.negatives, 1.0, field),
        },
        bits_lost: BitsLost { estimator: 0.0, logarithms: 0.0, slope: 0.0 },
        gradient: Vec::new(),
    };
    let lists = [
        (Role::Positive, &rows.positives, &contrast.positives),
        (Role::Negative, &rows.negatives, &contrast.negatives),
        (Role::Draw, &rows.debias, &contrast.debias),
    ];
    if contrast.negatives.is_empty() {
        // Points of one class: Ω is 1, whatever the scores.
        R::scale_all(&mut by_positives, &field.number(0.0));
        term.gradient = derivatives(lists, [&by_positives, &[], &[]], names);
        return (term, true);
    }

    let Estimate { log: log_g, mut negatives, mut debias, floored, trust } =
        recipe.negatives.estimate(contrast, field);
    let means = Means::new(recipe.negatives, contrast, field);
    let log_q = field.number(contrast.negatives.len() as f64).ln(context) + &log_g;
    let outcome = Quotient::new(recipe.outcome, &log_p, &log_q, field);
    R::scale_all(&mut by_positives, &-outcome.slope.clone());
    R::scale_all(&mut negatives, &outcome.slope);
    R::scale_all(&mut debias, &outcome.slope);

    let slope_bits = outcome.slope_bits_lost;
    let bits_lost = trust.value_bits_lost.max(trust.gradient_bits_lost) + slope_bits;
    let certain = trust.decided && field.bits - bits_lost >= BITS_NEEDED;
    term.value = outcome.value.to_f64();
    term.counts[2] = debias.len();
    term.log_mean_negatives = means.log_a.to_f64();
    term.log_mean_draws = means.log_b.as_ref().map(R::to_f64);
    term.log_estimate = log_g.to_f64();
    term.floored = floored;
    term.omega = outcome.omega.to_f64();
    term.bits_lost = BitsLost {
        estimator: if floored { 0.0 } else { means.bits_lost(recipe.negatives, field) },
        logarithms: outcome.logarithm_bits_lost,
        slope: slope_bits,
    };
    term.gradient = derivatives(lists, [&by_positives, &negatives, &debias], names);
    (term, certain)
}

type List<'a, R> = (Role, &'a Vec<usize>, &'a Vec<R>);

/// The derivatives by all scores, the largest first. Lists that are shorter than the scores' are of those that
/// the term reads.
fn derivatives<R: Real>(lists: [List<R>; 3], slopes: [&[R]; 3], names: &[String]) -> Vec<Derivative> {
    let mut all = Vec::new();
    for ((role, rows, scores), slopes) in lists.into_iter().zip(slopes) {
        for ((&row, score), slope) in rows.iter().zip(scores).zip(slopes) {
            let (score, derivative) = (score.to_f64(), slope.to_f64());
            all.push(Derivative { role, row: names[row].clone(), score, derivative });
        }
    }
    all.sort_by(|a, b| b.derivative.abs().total_cmp(&a.derivative.abs()));
    all
}

/// The two means of an estimator.
struct Means<R> {
    log_a: R,
    log_b: Option<R>,
}

impl<R: Real> Means<R> {
    fn new(negatives: Negatives, contrast: &Contrast<R>, field: &Arithmetic<R>) -> Self {
        let context = field.context;
        let count = |list: &[R]| field.number(list.len() as f64).ln(context);
        let beta = hardness(negatives);
        let log_a = if beta == 0.0 {
            log_sum_exp(&contrast.negatives, field).0 - &count(&contrast.negatives)
        } else {
            let beta = field.number(beta);
            let sharp = log_power_sum(&contrast.negatives, &(field.number(1.0) + &beta), field);
            sharp - &log_power_sum(&contrast.negatives, &beta, field)
        };
        let reads_draws = negatives != Negatives::G0;
        let log_b = reads_draws.then(|| log_sum_exp(&contrast.debias, field).0 - &count(&contrast.debias));
        Self { log_a, log_b }
    }

    /// The bits that the difference `A - τB` loses; all of them where this precision cannot tell that it is above 0.
    fn bits_lost(&self, negatives: Negatives, field: &Arithmetic<R>) -> f64 {
        let (Some(log_b), Negatives::G1 { tau_plus } | Negatives::G2 { tau_plus, .. }) =
            (&self.log_b, negatives)
        else {
            return 0.0;
        };
        if tau_plus == 0.0 {
            return 0.0;
        }
        let log_ratio = log_b.clone() - &self.log_a + &field.number(tau_plus).ln(field.context);
        if log_ratio >= field.number(0.0) {
            return f64::INFINITY;
        }
        let ratio = log_ratio.exp(field.context);
        let one = field.number(1.0);
        lost([&one, &ratio], &(one.clone() - &ratio), field)
    }
}

/// A function of `Ω = P/(P + N·G)`, and its derivative by `log N·G - log P`.
struct Quotient<R> {
    value: R,
    slope: R,
    omega: R,
    logarithm_bits_lost: f64,
    slope_bits_lost: f64,
}

impl<R: Real> Quotient<R> {
    fn new(outcome: Outcome, log_p: &R, log_q: &R, field: &Arithmetic<R>) -> Self {
        let difference = log_q.clone() - log_p;
        let (near, omega) = softplus(&difference, field);
        let (far, rest) = softplus(&-difference, field);
        // log(P + N·G) minus one of its two parts.
        let log_total = log_p.clone() + &near;
        let near_lost = lost([&log_total, log_p], &near, field);
        let far_lost = lost([&log_total, log_q], &far, field);
        match outcome {
            Outcome::Attraction => Self {
                value: near,
                slope: omega.clone(),
                omega,
                logarithm_bits_lost: near_lost,
                slope_bits_lost: 0.0,
            },
            Outcome::Mixed { lambda } => {
                let (same, other) = (field.number(lambda), field.number(1.0) - &field.number(lambda));
                let (up, down) = (same.clone() * &omega, other.clone() * &rest);
                let slope = up.clone() - &down;
                let used = |weight: f64, lost: f64| if weight > 0.0 { lost } else { 0.0 };
                Self {
                    value: same * &near + &(other * &far),
                    slope_bits_lost: lost([&up, &down], &slope, field),
                    slope,
                    omega,
                    logarithm_bits_lost: used(lambda, near_lost).max(used(1.0 - lambda, far_lost)),
                }
            }
            Outcome::Miss => Self {
                logarithm_bits_lost: (-log2(&omega, field)).max(0.0),
                value: omega.clone(),
                slope: omega.clone() * &rest,
                omega,
                slope_bits_lost: 0.0,
            },
        }
    }
}

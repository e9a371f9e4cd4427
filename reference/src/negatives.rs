//! The negative estimators `g0`, `g1`, `g2` (theory: section 3; Chen et al. 2020, Chuang et al. 2020,
//! Robinson et al. 2021), in the log domain.

use crate::real::{Real, max, max_of};
use crate::score::{Arithmetic, Contrast, Term, Trust, log_sum_exp, softplus};
use crate::vocabulary::Negatives;

/// `log G` of one anchor, its gradient, and how far both can be trusted.
pub(crate) struct Estimate<R> {
    /// `log G`.
    pub(crate) log: R,
    /// `∂ log G / ∂ u_i`.
    pub(crate) negatives: Vec<R>,
    /// `∂ log G / ∂ v_j`.
    pub(crate) debias: Vec<R>,
    /// Whether `G` is the floor, in place of what lies below it.
    pub(crate) floored: bool,
    pub(crate) trust: Trust,
}

impl<R: Real> Estimate<R> {
    /// `-log P/(P + N·G)` for the positives' `log P` and its gradient, the softmax of their scores.
    pub(crate) fn against(self, positives: (R, Vec<R>), count: usize, field: &Arithmetic<R>) -> Term<R> {
        let (log_p, mut softmax) = positives;
        let log_q = field.number(count as f64).ln(field.context) + &self.log;
        let (value, omega) = softplus(&(log_q - &log_p), field);
        let (mut negatives, mut debias) = (self.negatives, self.debias);
        R::scale_all(&mut negatives, &omega);
        R::scale_all(&mut debias, &omega);
        R::scale_all(&mut softmax, &-omega);
        Term { value, gradient: Contrast { positives: softmax, negatives, debias }, trust: self.trust }
    }
}

/// The estimators, as functions of scores.
pub(crate) trait Estimation {
    /// `log G` from the scores of the negatives and of the draws of positives.
    fn estimate<R: Real>(&self, contrast: &Contrast<R>, field: &Arithmetic<R>) -> Estimate<R>;
}

impl Estimation for Negatives {
    fn estimate<R: Real>(&self, contrast: &Contrast<R>, field: &Arithmetic<R>) -> Estimate<R> {
        match *self {
            Negatives::G0 => mean(&contrast.negatives, field),
            Negatives::G1 { tau_plus } => {
                debiased(mean(&contrast.negatives, field), tau_plus, contrast, field)
            }
            Negatives::G2 { tau_plus, beta } => {
                debiased(hard_mean(&contrast.negatives, beta, field), tau_plus, contrast, field)
            }
        }
    }
}

/// `log g0 = logsumexp(u) - log n`.
fn mean<R: Real>(negatives: &[R], field: &Arithmetic<R>) -> Estimate<R> {
    let (log_sum, softmax) = log_sum_exp(negatives, field);
    let log = log_sum - &field.number(negatives.len() as f64).ln(field.context);
    Estimate { log, negatives: softmax, debias: Vec::new(), floored: false, trust: Trust::FULL }
}

/// `log R`, `R = Σ h^{β+1} / Σ h^β`, and `∂ log R/∂u_i = (β+1) softmax((β+1)u)_i - β softmax(βu)_i`.
fn hard_mean<R: Real>(negatives: &[R], beta: f64, field: &Arithmetic<R>) -> Estimate<R> {
    let sharpened = |factor: &R| {
        let mut scores = negatives.to_vec();
        R::scale_all(&mut scores, factor);
        log_sum_exp(&scores, field)
    };
    let beta_number = field.number(beta);
    let beta_plus_1 = field.number(1.0) + &beta_number;
    let (numerator, mut above) = sharpened(&beta_plus_1);
    let (denominator, mut below) = sharpened(&beta_number);
    R::scale_all(&mut above, &beta_plus_1);
    R::scale_all(&mut below, &beta_number);
    let gradient = above.into_iter().zip(&below).map(|(above, below)| above - below).collect();
    // The exponents stretch errors in the scores by up to 2β+1, and so does the difference of two softmaxes.
    let spread = (2.0 * beta + 1.0).log2();
    Estimate {
        log: numerator - &denominator,
        negatives: gradient,
        debias: Vec::new(),
        floored: false,
        trust: Trust { value_bits_lost: spread, gradient_bits_lost: 2.0 * spread, ..Trust::FULL },
    }
}

/// `max{ (A - τB)/(1-τ), e^{-1/t} }` for `A` an estimate and `B = (1/m) Σ_j h(v_j)`.
fn debiased<R: Real>(
    estimate: Estimate<R>,
    tau_plus: f64,
    contrast: &Contrast<R>,
    field: &Arithmetic<R>,
) -> Estimate<R> {
    if tau_plus == 0.0 {
        return at_least_floor_without_prior(estimate, contrast, field);
    }
    let context = field.context;
    let (log_sum, softmax) = log_sum_exp(&contrast.debias, field);
    let log_b = log_sum - &field.number(contrast.debias.len() as f64).ln(context);
    let log_a = estimate.log;

    // All three candidates over one common exponent.
    let shift = max_of(&log_a, [&log_b, &field.log_floor]);
    let kernel = |log: &R| (log.clone() - &shift).exp(context);
    let (a, floor) = (kernel(&log_a), kernel(&field.log_floor));
    let tau_b = kernel(&log_b).scale(tau_plus, context);
    let rest = field.number(1.0) - &field.number(tau_plus);
    let numerator = a.clone() - &tau_b;
    let floored = rest.clone() * &floor;

    let magnitude = (a.clone() + &tau_b).log2_abs();
    let value = max(&numerator, &floored);
    let gap = (numerator.clone() - &floored).log2_abs();
    let before = estimate.trust.value_bits_lost;
    let lost = before + (magnitude - value.log2_abs()).max(0.0);
    let trust = Trust {
        value_bits_lost: lost,
        gradient_bits_lost: lost.max(estimate.trust.gradient_bits_lost),
        decided: gap - magnitude > -(field.bits - before - 4.0),
    };

    // A difference that no precision can tell from 0 is a tie, and a tie takes the unfloored gradient.
    if trust.decided && numerator < floored {
        let zero = field.number(0.0);
        return Estimate {
            log: field.log_floor.clone(),
            negatives: vec![zero.clone(); contrast.negatives.len()],
            debias: vec![zero; contrast.debias.len()],
            floored: true,
            // Which branch it is was decided, and on this one nothing cancels.
            trust: Trust::FULL,
        };
    }
    let mut negatives = estimate.negatives;
    R::scale_all(&mut negatives, &(a / &value));
    let mut debias = softmax;
    R::scale_all(&mut debias, &(-(tau_b / &value)));
    // The floor itself underflows only where 2/t exceeds every exponent; the maximum is then the floor.
    let log = if value > field.number(0.0) {
        shift + &(value / &rest).ln(context)
    } else {
        field.log_floor.clone()
    };
    Estimate { log, negatives, debias, floored: false, trust }
}

/// With `τ = 0` nothing is subtracted; on the unit sphere the floor is inactive since every `h` reaches it.
/// Off the sphere, by the tolerance on norms, it can still be active.
fn at_least_floor_without_prior<R: Real>(
    estimate: Estimate<R>,
    contrast: &Contrast<R>,
    field: &Arithmetic<R>,
) -> Estimate<R> {
    let zero = field.number(0.0);
    let debias = vec![zero.clone(); contrast.debias.len()];
    let gap = estimate.log.clone() - &field.log_floor;
    let decided = gap.log2_abs() > -(field.bits - estimate.trust.value_bits_lost - 4.0);
    let trust = Trust { decided, ..estimate.trust };
    if decided && gap < zero {
        let negatives = vec![zero; contrast.negatives.len()];
        let log = field.log_floor.clone();
        return Estimate { log, negatives, debias, floored: true, trust: Trust::FULL };
    }
    Estimate { debias, trust, ..estimate }
}

//! The negative term: `log G` of the estimators `g0`, `g1` and `g2`, from scores.

use super::score::{largest, mean_over, sum_last};
use crate::error::Result;
use intnacl_reference::Negatives;
use tch::{Kind, Tensor};

/// What an estimator knows of the negatives of each anchor, `[..]`.
#[derive(Debug)]
pub enum Summary {
    /// For `g0`: `log Σ_i h(x,u_i)`.
    LogSum(Tensor),
    /// For `g1` and `g2`, relative to `e^shift`.
    Excess {
        /// Not below any score that the mean below weighs by more than nothing; held constant.
        shift: Tensor,
        /// `F = e^{-1/t}`, from [`relative_floor`].
        floor: Tensor,
        /// `A - F`, with a weighted mean `A` of the kernel.
        mean: Tensor,
    },
}

impl Summary {
    /// That of scores `[.., N]`.
    pub(crate) fn of(estimator: &Negatives, scores: &Tensor, inverse_temperature: f64) -> Result<Self> {
        if *estimator == Negatives::G0 {
            return Ok(Summary::LogSum(scores.f_logsumexp([-1], false)?));
        }
        // The result does not depend on the shift, so it is held constant.
        let shift = scores.f_detach()?.f_amax([-1], true)?;
        let exponents = scores.f_sub(&shift)?;
        let floor = relative_floor(estimator, &shift, inverse_temperature)?;
        let above_floor = exponents.f_exp()?.f_sub(&floor)?;
        let mean = match exponent(estimator, scores.f_kind()?) {
            None => mean_over(-1, &above_floor)?,
            Some(beta) => {
                let weights = exponents.f_mul_scalar(beta)?.f_softmax(-1, None)?;
                sum_last(&weights.f_mul(&above_floor)?)?
            }
        };
        Ok(Summary::Excess { shift: shift.f_squeeze_dim(-1)?, floor: floor.f_squeeze_dim(-1)?, mean })
    }
}

/// The exponent `β` of the weights `h^β` in the mean, if they are not all 1.
pub(crate) fn exponent(estimator: &Negatives, kind: Kind) -> Option<f64> {
    match *estimator {
        // Beyond the kind's largest number, β means what it means there: only the maximum counts.
        Negatives::G2 { beta, .. } if beta != 0.0 => Some(beta.min(largest(kind))),
        _ => None,
    }
}

pub(crate) fn tau_plus(estimator: &Negatives) -> f64 {
    match *estimator {
        Negatives::G0 => 0.0,
        Negatives::G1 { tau_plus } | Negatives::G2 { tau_plus, .. } => tau_plus,
    }
}

/// `F = e^{-1/t}` relative to `e^shift`.
///
/// Off the unit sphere even the largest score may lie below the floor, by so much that `F` overflows. A bound
/// keeps it finite and still above all that could outweigh it.
pub(crate) fn relative_floor(
    estimator: &Negatives,
    shift: &Tensor,
    inverse_temperature: f64,
) -> Result<Tensor> {
    let floor = shift.f_neg()?.f_sub_scalar(inverse_temperature)?;
    Ok(floor.f_clamp_max(1.0 - (-tau_plus(estimator)).ln_1p())?.f_exp()?)
}

/// `log(N·G)` `[..]` of a summary of `N` negatives and debiasing positives' scores `[.., m]`.
///
/// - `g0 = (1/N) Σ_i h(x,u_i)`
/// - `g1 = max{ [(1/N) Σ_i h(x,u_i) - τ (1/m) Σ_j h(x,v_j)] / (1-τ), e^{-1/t} }`
/// - `g2`: as `g1`, with the mean replaced by `Σ_i h(x,u_i)^{β+1} / Σ_i h(x,u_i)^β`
///
/// At an exact tie with the floor the gradient of the unfloored branch is taken, below the floor it is 0.
pub(crate) fn log_estimate(
    estimator: &Negatives,
    summary: &Summary,
    debias: &Tensor,
    inverse_temperature: f64,
    count: f64,
) -> Result<Tensor> {
    match summary {
        Summary::LogSum(sum) => Ok(sum.shallow_clone()),
        Summary::Excess { shift, floor, mean } => {
            let log = debiased(tau_plus(estimator), shift, floor, mean, debias, inverse_temperature)?;
            Ok(log.f_add_scalar(count.ln())?)
        }
    }
}

/// `log max{ (A - τB)/(1-τ), F }` with the mean `B` of the kernel over the positives.
///
/// Everything is taken relative to `e^shift`, so that `A` neither over- nor underflows. What is compared with
/// 0 is the excess over the floor, `E = (A - F) - τ(B - F)`, which is exactly 0 where all scores sit at the
/// floor, in any number type.
fn debiased(
    tau_plus: f64,
    shift: &Tensor,
    floor: &Tensor,
    mean: &Tensor,
    debias: &Tensor,
    inverse_temperature: f64,
) -> Result<Tensor> {
    let mut excess = mean.shallow_clone();
    if tau_plus > 0.0 {
        // A prior too small to be multiplied by goes into the exponent.
        let (factor, offset) = if tau_plus > 1e-20 { (tau_plus, 0.0) } else { (1.0, tau_plus.ln()) };
        // Scores at the bound already put B far above A, below the floor: nothing changes beyond it, but
        // without it the exponential could overflow, and its gradient with it.
        let bound = (last_dimension(debias) / factor).ln() + 1.0;
        let exponents = debias.f_sub(&shift.f_unsqueeze(-1)?)?.f_add_scalar(offset)?;
        let kernel = exponents.f_clamp_max(bound)?.f_exp()?;
        let above_floor = kernel.f_sub(&floor.f_unsqueeze(-1)?.f_mul_scalar(offset.exp())?)?;
        excess = excess.f_sub(&mean_over(-1, &above_floor)?.f_mul_scalar(factor)?)?;
    }
    let numerator = excess.f_add(&floor.f_mul_scalar(1.0 - tau_plus)?)?;

    // Below the floor the logarithm's argument is replaced before the logarithm is taken: a gradient of
    // zero times infinity would not be zero. A floor that underflows leaves the second condition. Written
    // so that NaN is not floored, but comes through.
    let floored = excess.f_lt(0.0)?.f_logical_or(&numerator.f_le(0.0)?)?;
    let log = numerator.f_masked_fill(&floored, 1.0)?.f_log()?.f_sub_scalar((-tau_plus).ln_1p())?;
    Ok(log.f_add(shift)?.f_masked_fill(&floored, -inverse_temperature)?)
}

fn last_dimension(x: &Tensor) -> f64 {
    x.size().last().map_or(0.0, |&size| size as f64)
}

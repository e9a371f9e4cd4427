//! The negative term: `log G` of the estimators `g0`, `g1` and `g2`, from scores.

use super::score::{Scorer, mean_over, precision, sum_last};
use crate::error::Result;
use intnacl_engine::{exponent, tau_plus, uncertainty};
use intnacl_reference::Negatives;
use tch::{Kind, Tensor};

/// The summary of the negatives of each anchor that an estimator reads, `[..]`.
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
    /// The summary of scores `[.., N]`.
    pub(crate) fn of(estimator: &Negatives, scores: &Tensor, scorer: &Scorer) -> Result<Self> {
        if *estimator == Negatives::G0 {
            return Ok(Summary::LogSum(scores.f_logsumexp([-1], false)?));
        }
        // The result does not depend on the shift, so it is held constant.
        let shift = scores.f_detach()?.f_amax([-1], true)?;
        let exponents = scores.f_sub(&shift)?;
        let floor = relative_floor(estimator, &shift, scorer.inverse_temperature)?;
        let above_floor = exponents.f_exp()?.f_sub(&floor)?;
        let mean = match exponent(estimator, precision(scorer.kind)) {
            None => mean_over(-1, &above_floor)?,
            Some(beta) => {
                let weights = exponents.f_mul_scalar(beta)?.f_softmax(-1, None)?;
                sum_last(&weights.f_mul(&above_floor)?)?
            }
        };
        Ok(Summary::Excess { shift: shift.f_squeeze_dim(-1)?, floor: floor.f_squeeze_dim(-1)?, mean })
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
/// At an exact tie with the floor the gradient of the unfloored branch is taken, below the floor it is 0. A tie may be
/// rounding's doing, where `A` and `τB` have cancelled to less than their [`uncertainty`]: then either gradient may be
/// the right one, and where that of the unfloored branch, up to `e^{2/t}`, leaves the range of numbers, 0 is taken.
pub(crate) fn log_estimate(
    estimator: &Negatives,
    summary: &Summary,
    debias: &Tensor,
    scorer: &Scorer,
    count: f64,
) -> Result<Tensor> {
    match summary {
        Summary::LogSum(sum) => Ok(sum.shallow_clone()),
        Summary::Excess { shift, floor, mean } => {
            let precision = precision(scorer.kind);
            let uncertainty = uncertainty(estimator, precision, scorer.inverse_temperature, count);
            let log = debiased(tau_plus(estimator), shift, floor, mean, debias, scorer, uncertainty)?;
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
    scorer: &Scorer,
    uncertainty: f64,
) -> Result<Tensor> {
    let mut excess = mean.shallow_clone();
    // `A + τB`, where there is a `B`.
    let mut size = None;
    if tau_plus > 0.0 {
        // A prior too small to be multiplied by goes into the exponent.
        let least = if scorer.kind == Kind::Double { 1e-290 } else { 1e-30 };
        let (factor, offset) = if tau_plus > least { (tau_plus, 0.0) } else { (1.0, tau_plus.ln()) };
        // Scores at the bound already put B far above A, below the floor: nothing changes beyond it, but
        // without it the exponential could overflow, and its gradient with it.
        let bound = (last_dimension(debias) / factor).ln() + 1.0;
        let exponents = debias.f_sub(&shift.f_unsqueeze(-1)?)?.f_add_scalar(offset)?;
        let kernel = exponents.f_clamp_max(bound)?.f_exp()?;
        let above_floor = kernel.f_sub(&floor.f_unsqueeze(-1)?.f_mul_scalar(offset.exp())?)?;
        excess = excess.f_sub(&mean_over(-1, &above_floor)?.f_mul_scalar(factor)?)?;
        let subtracted = mean_over(-1, &kernel.f_detach()?)?.f_mul_scalar(factor)?;
        size = Some(subtracted.f_add(&mean.f_detach()?)?.f_add(floor)?);
    }
    let numerator = excess.f_add(&floor.f_mul_scalar(1.0 - tau_plus)?)?;

    // Below the floor the logarithm's argument is replaced before the logarithm is taken: a gradient of
    // zero times infinity would not be zero. A floor that underflows, or nearly so, leaves the second
    // condition. Written so that NaN is not floored, but comes through.
    let floored = excess.f_lt(0.0)?.f_logical_or(&numerator.f_lt(precision(scorer.kind).smallest())?)?;
    let mut divisor = numerator.f_masked_fill(&floored, 1.0)?;
    if let Some(size) = size {
        let least = size.f_mul_scalar(uncertainty)?.f_clamp_max(scorer.least_divisor)?;
        divisor = divisor.f_detach()?.f_where_self(&divisor.f_lt_tensor(&least)?, &divisor)?;
    }
    let log = divisor.f_log()?.f_sub_scalar((-tau_plus).ln_1p())?;
    Ok(log.f_add(shift)?.f_masked_fill(&floored, -scorer.inverse_temperature)?)
}

fn last_dimension(x: &Tensor) -> f64 {
    x.size().last().map_or(0.0, |&size| size as f64)
}

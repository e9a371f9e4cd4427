//! The negative term: `log G` of the estimators `g0`, `g1` and `g2`, from scores.

use super::score::{largest, mean_over, sum_last};
use crate::error::Result;
use intnacl_reference::Negatives;
use tch::Tensor;

/// `log G` `[..]` of negatives' scores `[.., N]` and debiasing positives' scores `[.., m]`.
///
/// - `g0 = (1/N) Σ_i h(x,u_i)`
/// - `g1 = max{ [(1/N) Σ_i h(x,u_i) - τ (1/m) Σ_j h(x,v_j)] / (1-τ), e^{-1/t} }`
/// - `g2`: as `g1`, with the mean replaced by `Σ_i h(x,u_i)^{β+1} / Σ_i h(x,u_i)^β`
///
/// At an exact tie with the floor the gradient of the unfloored branch is taken, below the floor it is 0.
pub(crate) fn log_estimate(
    estimator: &Negatives,
    negatives: &Tensor,
    debias: &Tensor,
    inverse_temperature: f64,
) -> Result<Tensor> {
    let count = last_dimension(negatives);
    match *estimator {
        Negatives::G0 => Ok(negatives.f_logsumexp([-1], false)?.f_sub_scalar(count.ln())?),
        Negatives::G1 { tau_plus } => {
            debiased(negatives, debias, tau_plus, inverse_temperature, |_, kernel| mean_over(-1, kernel))
        }
        Negatives::G2 { tau_plus, beta } => {
            // Beyond the kind's largest number, β means what it means there: only the maximum counts.
            let beta = beta.min(largest(negatives.f_kind()?));
            debiased(negatives, debias, tau_plus, inverse_temperature, |exponents, kernel| {
                let weights = exponents.f_mul_scalar(beta)?.f_softmax(-1, None)?;
                sum_last(&weights.f_mul(kernel)?)
            })
        }
    }
}

/// `log max{ (A - τB)/(1-τ), F }` with a weighted mean `A` of the kernel over the negatives, its mean `B`
/// over the positives, and `F = e^{-1/t}`.
///
/// Everything is taken relative to `e^m`, `m` the largest score of a negative, so that `A ∈ [1/N, 1]`
/// neither over- nor underflows. What is compared with 0 is the excess over the floor,
/// `E = (A - F) - τ(B - F)`, which is exactly 0 where all scores sit at the floor, in any number type.
fn debiased(
    negatives: &Tensor,
    debias: &Tensor,
    tau_plus: f64,
    inverse_temperature: f64,
    weighted_mean: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    // The result does not depend on the shift, so it is held constant.
    let shift = negatives.f_detach()?.f_amax([-1], true)?;
    let exponents = negatives.f_sub(&shift)?;
    // Off the unit sphere even the largest score may lie below the floor, by so much that F overflows.
    // The bound keeps F finite and still above all that could outweigh it.
    let floor = shift.f_neg()?.f_sub_scalar(inverse_temperature)?;
    let floor = floor.f_clamp_max(1.0 - (-tau_plus).ln_1p())?.f_exp()?;

    let mut excess = weighted_mean(&exponents, &exponents.f_exp()?.f_sub(&floor)?)?;
    if tau_plus > 0.0 {
        // A prior too small to be multiplied by goes into the exponent.
        let (factor, offset) = if tau_plus > 1e-20 { (tau_plus, 0.0) } else { (1.0, tau_plus.ln()) };
        // Scores at the bound already put B far above A, below the floor: nothing changes beyond it, but
        // without it the exponential could overflow, and its gradient with it.
        let bound = (last_dimension(debias) / factor).ln() + 1.0;
        let kernel = debias.f_sub(&shift)?.f_add_scalar(offset)?.f_clamp_max(bound)?.f_exp()?;
        let above_floor = kernel.f_sub(&floor.f_mul_scalar(offset.exp())?)?;
        excess = excess.f_sub(&mean_over(-1, &above_floor)?.f_mul_scalar(factor)?)?;
    }
    let numerator = excess.f_add(&floor.f_squeeze_dim(-1)?.f_mul_scalar(1.0 - tau_plus)?)?;

    // Below the floor the logarithm's argument is replaced before the logarithm is taken: a gradient of
    // zero times infinity would not be zero. A floor that underflows leaves the second condition. Written
    // so that NaN is not floored, but comes through.
    let floored = excess.f_lt(0.0)?.f_logical_or(&numerator.f_le(0.0)?)?;
    let log = numerator.f_masked_fill(&floored, 1.0)?.f_log()?.f_sub_scalar((-tau_plus).ln_1p())?;
    Ok(log.f_add(&shift.f_squeeze_dim(-1)?)?.f_masked_fill(&floored, -inverse_temperature)?)
}

fn last_dimension(x: &Tensor) -> f64 {
    x.size().last().map_or(0.0, |&size| size as f64)
}

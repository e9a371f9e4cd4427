//! The constants of the bound: how far finitely many negatives are from their limit, and how large a loss is.
//!
//! Throughout `c = 1/t`, the largest score, and `ν` is the [`ratio`](super::Counts::ratio) of the counts.

use super::estimator::{Counts, Estimator, at_least_1, finite};
use super::multiset::softplus;
use super::world::validate_temperature;
use crate::error::{Result, in_range};
use std::f64::consts::PI;

/// `e^{3/2}√(π/2) = 5.617`, the constant of Theorem B.1 as published, for `t = 1` (Chuang et al. 2020,
/// Theorem 3, which the paper's appendix takes over): `|L∞ - L_NCA(g0)| <= C/√N`.
///
/// It holds for every `t >= 0.482` by [`limit_excess`], and fails at small temperatures (`notes/theorem.md`).
///
/// # Examples
/// ```
/// assert!((intnacl_reference::bound::published_constant() - 5.617).abs() < 1e-3);
/// ```
pub fn published_constant() -> f64 {
    1.5_f64.exp() * (PI / 2.0).sqrt()
}

/// `(e^{2/t} - 1)√(π/2)`: what Hoeffding's inequality gives for the same at any temperature.
///
/// Both logarithms have arguments of at least `ν e^{-1/t}`, so that the loss is Lipschitz in the negative mean
/// with `e^{1/t}`; the mean of `N` kernels in `[e^{-1/t}, e^{1/t}]` deviates by more than `ε` with probability
/// at most `2 exp(-2Nε²/(e^{1/t} - e^{-1/t})²)`; its integral over `ε` is the constant.
///
/// # Errors
/// [`Error::OutOfRange`](crate::Error::OutOfRange) for the temperature,
/// [`Error::Overflow`](crate::Error::Overflow) where `e^{2/t}` has no f64.
///
/// # Examples
/// ```
/// use intnacl_reference::bound::{hoeffding_constant, published_constant};
/// assert!(published_constant() < hoeffding_constant(1.0)?);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn hoeffding_constant(temperature: f64) -> Result<f64> {
    Ok(2.0 * variance_constant(temperature)? * (PI / 2.0).sqrt())
}

/// `(e^{2/t} - 1)/2`: the constant by the variance instead of the tail, `2.507` times smaller than
/// [`hoeffding_constant`] at every temperature.
///
/// `E|mean - E mean|` is at most the standard deviation, by Popoviciu's inequality at most
/// `(e^{1/t} - e^{-1/t})/(2√N)`; times the Lipschitz constant `e^{1/t}`. At `t = 1` it is 3.195, which proves
/// the published 5.617 there, and down to `t = 0.80`, for `E|ℓ - ℓ∞|` too.
///
/// # Errors
/// As [`hoeffding_constant`].
///
/// # Examples
/// ```
/// use intnacl_reference::bound::{published_constant, variance_constant};
/// assert!(variance_constant(0.8)? < published_constant());
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn variance_constant(temperature: f64) -> Result<f64> {
    validate_temperature(temperature)?;
    finite((2.0 / temperature).exp_m1() / 2.0, temperature)
}

/// The bound on `E|ℓ - ℓ∞|` of an estimator whose constant for a plain mean is `constant`:
///
/// - `g0`: `C/√N`;
/// - `g1`: `C/((1-τ)√N) + C·τ/((1-τ)√m)` (Chuang et al. 2020, Theorem 3), where `τ` is at most the anchor's
///   class probability, so that the limit is above the floor;
/// - `g2`: the same with `C e^{2β/t}` in the first term: the ratio of two means deviates by at most the mean of
///   `h^β (h - R)`, whose range is `e^{β/t}(e^{1/t} - e^{-1/t})`, over a mean of at least `e^{-β/t}`.
///
/// # Errors
/// [`Error::OutOfRange`](crate::Error::OutOfRange) for a constant that is negative or NaN, a count of 0 and
/// parameters of the estimator.
///
/// # Examples
/// ```
/// use intnacl_reference::bound::{Estimator, concentration, published_constant};
/// let g0 = concentration(&Estimator::TrueNegatives, 100, 1.0, published_constant())?;
/// assert_eq!(g0, published_constant() / 10.0);
/// let g1 = Estimator::Debiased { tau_plus: 0.1, positive_draws: 1 };
/// assert!(concentration(&g1, 100, 1.0, published_constant())? > g0);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn concentration(
    estimator: &Estimator,
    negatives: usize,
    temperature: f64,
    constant: f64,
) -> Result<f64> {
    validate_temperature(temperature)?;
    estimator.validate()?;
    at_least_1("negatives", negatives)?;
    in_range("constant", constant, constant >= 0.0 && constant.is_finite(), "a finite number of at least 0")?;
    let rate = |count: usize| constant / (count as f64).sqrt();
    let Some((tau_plus, beta, draws)) = estimator.debiasing() else { return Ok(rate(negatives)) };
    let data = rate(negatives) * (2.0 * beta / temperature).exp();
    finite((data + tau_plus * rate(draws)) / (1.0 - tau_plus), temperature)
}

/// How much the limit can exceed the loss of finitely many negatives, `L∞ - L_NCA`, the only side that the
/// theorem needs. It falls with `1/N`, not `1/√N`:
///
/// - `g0`: `log(1 + (e^{1/t} - 1)²/N)`;
/// - `g1`: `log(1 + (e^{2/t} - 1)²/(4(1-τ)²) · (1/N + τ²/m))`, `τ` at most the anchor's class
///   probability;
/// - `g2`: `log(1 + (C/(1-τ))² (e^{4β/t}/N + τ²/m) + C e^{2β/t} (1 - e^{-β/t})/((1-τ) N))` with
///   `C = (e^{2/t} - 1)/2`, the [`variance_constant`]. The first summand is the variance, the second the bias of
///   a ratio of means; at `β = 0` there is no bias, and it is that of `g1`.
///
/// For `g0` the loss is concave in the negative mean: `L_NCA(g0) <= L∞`. The draws `v` may be the positives
/// themselves, as in a batch, and the negatives may come in independent blocks, `N` of them. The proofs are in
/// `notes/theorem.md`.
///
/// # Errors
/// As [`concentration`].
///
/// # Examples
/// ```
/// use intnacl_reference::bound::{Estimator, limit_excess};
/// let excess = limit_excess(&Estimator::TrueNegatives, 512, 0.5)?;
/// assert!((excess - ((2_f64.exp() - 1.0).powi(2) / 512.0).ln_1p()).abs() < 1e-15);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn limit_excess(estimator: &Estimator, negatives: usize, temperature: f64) -> Result<f64> {
    validate_temperature(temperature)?;
    estimator.validate()?;
    at_least_1("negatives", negatives)?;
    let n = negatives as f64;
    let Some((tau_plus, beta, draws)) = estimator.debiasing() else {
        let variance = (1.0 / temperature).exp_m1().powi(2) / n;
        return Ok(finite(variance, temperature)?.ln_1p());
    };
    let base = variance_constant(temperature)? / (1.0 - tau_plus);
    let tilt = (2.0 * beta / temperature).exp();
    let variance = base * base * (tilt * tilt / n + tau_plus * tau_plus / draws as f64);
    let bias = -base * tilt * (-beta / temperature).exp_m1() / n;
    Ok(finite(variance + bias, temperature)?.ln_1p())
}

/// `B`, the largest value that a loss can take: `log(1 + ν e^{2/t})` with `g0`, and
/// `log(1 + ν (e^{2/t} - τ)/(1-τ))` with `g1` and `g2`. In the sum reading with `g0` it is
/// `log(1 + N e^{2/t}/M)`, which is what the paper's `B = O(log N)` stands for.
///
/// # Errors
/// [`Error::OutOfRange`](crate::Error::OutOfRange) for the temperature, a count of 0 and parameters of the
/// estimator.
///
/// # Examples
/// ```
/// use intnacl_reference::bound::{Counts, Estimator, range};
/// let range = range(&Estimator::TrueNegatives, &Counts::new(2, 6), 1.0)?;
/// assert!((range - (1.0 + 3.0 * 2_f64.exp()).ln()).abs() < 1e-14);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn range(estimator: &Estimator, counts: &Counts, temperature: f64) -> Result<f64> {
    validate_temperature(temperature)?;
    estimator.validate()?;
    counts.validate()?;
    let tau_plus = estimator.debiasing().map_or(0.0, |(tau_plus, _, _)| tau_plus);
    let width = 2.0 / temperature;
    let largest = width + (-tau_plus * (-width).exp()).ln_1p() - (1.0 - tau_plus).ln();
    Ok(softplus(counts.ratio().ln() + largest))
}

/// `B` of MIXNCA with `g0`: `(1 + λ) log(1 + N e^{2/t}) + (1-λ) log(1 + e^{2/t}/N)` for `M >= 2`, and
/// `log(1 + N e^{2/t})` at `M = 1`, where there are no mixed terms.
///
/// Every term of MIXNCA is the negative logarithm of a probability, so that it is at least its first, the loss
/// of a single positive; with this range, the theorem of `M = 1` extends to it (`notes/theorem.md`).
///
/// # Errors
/// [`Error::OutOfRange`](crate::Error::OutOfRange) for the temperature, counts of 0 and `lambda`.
///
/// # Examples
/// ```
/// use intnacl_reference::bound::mix_nca_range;
/// let one = mix_nca_range(1, 4, 0.5, 1.0)?;
/// assert!((one - (1.0 + 4.0 * 2_f64.exp()).ln()).abs() < 1e-14);
/// assert!(mix_nca_range(3, 4, 0.5, 1.0)? > one);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn mix_nca_range(positives: usize, negatives: usize, lambda: f64, temperature: f64) -> Result<f64> {
    at_least_1("positives", positives)?;
    in_range("lambda", lambda, (0.0..=1.0).contains(&lambda), "a number in [0, 1]")?;
    let single = range(&Estimator::TrueNegatives, &Counts::new(1, negatives), temperature)?;
    if positives == 1 {
        return Ok(single);
    }
    let mixed = softplus(2.0 / temperature - (negatives as f64).ln());
    Ok((1.0 + lambda) * single + (1.0 - lambda) * mixed)
}

/// `B` of IntNaCl, IntCl and Adv: `B_NaCl + α B_w B_r`, where the weighted robust term is at most the product of
/// the largest weight and the largest robust loss.
///
/// `base` is `B_NaCl`, the [`range`] or [`mix_nca_range`] of the clean loss. `robust` is `B_r`, the [`range`] at one
/// positive with `G²` and its number of negatives. `weight` is `B_w`: 1 for `w = 1`, and for the adversarial
/// weight `ŵ`, which is a loss itself, its [`range`] at one positive with `G¹`. Adv is SimCLR with `w = 1`.
///
/// The added term is not negative, so that the theorem of the clean loss extends to these losses with this
/// range (`notes/theorem.md`).
///
/// # Errors
/// [`Error::OutOfRange`](crate::Error::OutOfRange) for an argument that is negative, NaN or infinite, by its
/// name.
///
/// # Examples
/// IntCl with `g0`, `α = 1`, `t = 1`, 4 negatives in both terms and the adversarial weight:
/// ```
/// use intnacl_reference::bound::{Counts, Estimator, integrated_range, range};
/// let single = range(&Estimator::TrueNegatives, &Counts::new(1, 4), 1.0)?;
/// assert_eq!(integrated_range(single, 1.0, single, single)?, single + single * single);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn integrated_range(base: f64, alpha: f64, weight: f64, robust: f64) -> Result<f64> {
    for (name, value) in [("base", base), ("alpha", alpha), ("weight", weight), ("robust", robust)] {
        in_range(name, value, value >= 0.0 && value.is_finite(), "a finite number of at least 0")?;
    }
    Ok(base + alpha * weight * robust)
}

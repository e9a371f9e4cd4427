//! What Jensen's inequality loses on several positives: the constant of the repaired lemma.
//!
//! With `c = 1/t` let `φ(k) = log((k e^c + (M-k) e^{-c})/M)`, the log-mean-exp of `M` scores of which `k` are
//! `c` and the others `-c`, and `Δ_M(p) = E φ(k) - (2p-1)c` for `k` binomial with `M` and `p`. The proofs of
//! what is said of them here are in `notes/theorem.md`.

use super::estimator::at_least_1;
use super::multiset::softplus;
use super::world::validate_temperature;
use crate::error::{Result, in_range};

/// `D*_M(t) = Δ_M(1/2) = 2^{-M} Σ_k C(M,k) log((k e^{1/t} + (M-k) e^{-1/t})/M)`: the most that
/// `E[log((1/M) Σ_j h(x,x⁺_j)) - E s(x,x⁺)]` can be over all distributions of classes on the sphere.
///
/// It is 0 at `M = 1`, `½ log cosh(1/t)` at `M = 2`, grows with `M` and stays below `log cosh(1/t)`, hence
/// below `1/t` and Hoeffding's `1/(2t²)`. A class that is one antipodal pair attains it. The sum has `M + 1`
/// terms.
///
/// # Errors
/// [`Error::OutOfRange`](crate::Error::OutOfRange) for `positives = 0` and for the temperature.
///
/// # Examples
/// ```
/// use intnacl_reference::bound::jensen_gap;
/// assert_eq!(jensen_gap(1, 0.5)?, 0.0);
/// assert!((jensen_gap(2, 0.5)? - 0.5 * 2_f64.cosh().ln()).abs() < 1e-15);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn jensen_gap(positives: usize, temperature: f64) -> Result<f64> {
    at_least_1("positives", positives)?;
    validate_temperature(temperature)?;
    Ok(Bernstein::new(positives, temperature).gap(0.5))
}

/// `log cosh(1/t)`, the limit and least upper bound of [`jensen_gap`] over `M`.
///
/// # Errors
/// [`Error::OutOfRange`](crate::Error::OutOfRange) for the temperature.
///
/// # Examples
/// ```
/// use intnacl_reference::bound::{jensen_gap, jensen_gap_limit};
/// assert!(jensen_gap(100, 0.5)? < jensen_gap_limit(0.5)?);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn jensen_gap_limit(temperature: f64) -> Result<f64> {
    validate_temperature(temperature)?;
    Ok(log_cosh(1.0 / temperature))
}

/// `max over p of Δ_M(p)`: the most that one anchor can lose, where [`jensen_gap`] is a mean over the anchors
/// of a class. The two agree up to `M = 2`; for large `M` it tends to
/// `(1/t) coth(1/t) - 1 + log(t sinh(1/t))`.
///
/// `Δ_M` is concave, so a bisection on its derivative finds the maximum; each step has `M` terms.
///
/// # Errors
/// As [`jensen_gap`].
///
/// # Examples
/// ```
/// use intnacl_reference::bound::{jensen_gap, jensen_peak};
/// assert_eq!(jensen_peak(2, 0.5)?, jensen_gap(2, 0.5)?);
/// assert!(jensen_peak(5, 0.5)? > jensen_gap(5, 0.5)?);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn jensen_peak(positives: usize, temperature: f64) -> Result<f64> {
    at_least_1("positives", positives)?;
    validate_temperature(temperature)?;
    if positives <= 2 {
        return jensen_gap(positives, temperature);
    }
    let bernstein = Bernstein::new(positives, temperature);
    let (mut low, mut high) = (0.0, 0.5);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if bernstein.slope(middle) > 0.0 { low = middle } else { high = middle }
    }
    Ok(bernstein.gap(0.5 * (low + high)).max(bernstein.gap(0.5)))
}

/// The extra term of the repaired lemma: for a world with [`imbalance`](super::World::imbalance) `κ`
/// (`K - 1` for balanced classes) and counts with [`ratio`](super::Counts::ratio) `ν`,
/// `L^μ_Sup <= L_Unb^{M,N} + chain_gap(M, ν/κ, t)`.
///
/// With `r = log(ν/κ)` it is `D* - r` for `r <= 0` and `D*·max{0, 1 - r/D^max}` above, `D*` the
/// [`jensen_gap`] and `D^max` the [`jensen_peak`]. So it is 0 at `M = 1` for every `N >= K - 1`, which is the
/// paper's Lemma B.3, and at any `M` from `ν >= κ e^{D^max}` on.
///
/// # Errors
/// [`Error::OutOfRange`](crate::Error::OutOfRange) for `positives = 0`, a ratio that is not above 0, and the
/// temperature.
///
/// # Examples
/// Five classes, two positives, `t = 1`: with 8 negatives in the sum reading `ν = K - 1`, and the term is
/// `½ log cosh 1`; with 10 negatives there is none.
/// ```
/// use intnacl_reference::bound::{Counts, chain_gap};
/// assert!((chain_gap(2, Counts::new(2, 8).ratio() / 4.0, 1.0)? - 0.5 * 1_f64.cosh().ln()).abs() < 1e-15);
/// assert_eq!(chain_gap(2, Counts::new(2, 10).ratio() / 4.0, 1.0)?, 0.0);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn chain_gap(positives: usize, ratio: f64, temperature: f64) -> Result<f64> {
    in_range("ratio", ratio, ratio > 0.0 && ratio.is_finite(), "a finite number above 0")?;
    let gap = jensen_gap(positives, temperature)?;
    let log_ratio = ratio.ln();
    if log_ratio <= 0.0 {
        return Ok(gap - log_ratio);
    }
    if gap == 0.0 {
        return Ok(0.0);
    }
    Ok(gap * (1.0 - log_ratio / jensen_peak(positives, temperature)?).max(0.0))
}

/// [`chain_gap`] for a world with imbalance `κ`, somewhat smaller: `softplus(a) - softplus(a - γ)` with `γ` the
/// [`chain_gap`] and `a = log κ + 2/t`, the largest argument that softplus can have there. It tends to `γ` as
/// classes are added, and is below `a + log 2` however large `γ` is.
///
/// # Errors
/// As [`chain_gap`], and for an imbalance below 1.
///
/// # Examples
/// ```
/// use intnacl_reference::bound::{Counts, chain_gap, chain_gap_of_classes};
/// let ratio = Counts::new(100, 1).ratio(); // two classes, N = K - 1, the sum reading
/// assert!(chain_gap_of_classes(1.0, 100, ratio, 1.0)? < 0.5 * chain_gap(100, ratio, 1.0)?);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn chain_gap_of_classes(imbalance: f64, positives: usize, ratio: f64, temperature: f64) -> Result<f64> {
    let holds = imbalance >= 1.0 && imbalance.is_finite();
    in_range("imbalance", imbalance, holds, "a finite number of at least 1")?;
    let gap = chain_gap(positives, ratio, temperature)?;
    let most = imbalance.ln() + 2.0 / temperature;
    // softplus(x) = x + log(1 + e^{-x}) on both sides, so that the gap is not lost in a large `most`.
    let tail = |x: f64| (-x).exp().ln_1p();
    Ok(if gap <= most { gap + tail(most) - tail(most - gap) } else { softplus(most) - softplus(most - gap) })
}

/// `log cosh x` without overflow.
pub(crate) fn log_cosh(x: f64) -> f64 {
    let x = x.abs();
    // Below 1 through sinh, since 1 + (cosh x - 1) would round the whole away.
    if x < 1.0 {
        0.5 * x.sinh().powi(2).ln_1p()
    } else {
        x + (-2.0 * x).exp().ln_1p() - std::f64::consts::LN_2
    }
}

/// `E φ(k)`, a Bernstein polynomial, and its derivative.
struct Bernstein {
    score: f64,
    /// `φ(k)`.
    values: Vec<f64>,
    log_factorials: Vec<f64>,
}

impl Bernstein {
    fn new(draws: usize, temperature: f64) -> Self {
        let score = 1.0 / temperature;
        let value = |k: usize| {
            let share = k as f64 / draws as f64;
            // With e^c or with e^{-c} taken out, whichever keeps the logarithm's argument near 1.
            if 2 * k >= draws {
                score + ((1.0 - share) * (-2.0 * score).exp_m1()).ln_1p()
            } else {
                -score + log_1p_scaled_exp_m1(share, 2.0 * score)
            }
        };
        let mut log_factorials = vec![0.0];
        for k in 1..=draws {
            log_factorials.push(log_factorials[k - 1] + (k as f64).ln());
        }
        Self { score, values: (0..=draws).map(value).collect(), log_factorials }
    }

    fn weight(&self, draws: usize, k: usize, p: f64) -> f64 {
        let power = |count: usize, log: f64| if count == 0 { 0.0 } else { count as f64 * log };
        let log = self.log_factorials[draws] - self.log_factorials[k] - self.log_factorials[draws - k];
        (log + power(k, p.ln()) + power(draws - k, (-p).ln_1p())).exp()
    }

    fn gap(&self, p: f64) -> f64 {
        let draws = self.values.len() - 1;
        if draws == 1 {
            return 0.0; // One score is its own log-mean-exp.
        }
        let mean: f64 = (0..=draws).map(|k| self.weight(draws, k, p) * self.values[k]).sum();
        mean - (2.0 * p - 1.0) * self.score
    }

    fn slope(&self, p: f64) -> f64 {
        let draws = self.values.len() - 1;
        let step = |k: usize| self.weight(draws - 1, k, p) * (self.values[k + 1] - self.values[k]);
        draws as f64 * (0..draws).map(step).sum::<f64>() - 2.0 * self.score
    }
}

/// `log(1 + share·(e^x - 1))` for `x >= 0`, also where `e^x` overflows.
fn log_1p_scaled_exp_m1(share: f64, x: f64) -> f64 {
    if x < 700.0 {
        return (share * x.exp_m1()).ln_1p();
    }
    if share == 0.0 { 0.0 } else { x + share.ln() }
}

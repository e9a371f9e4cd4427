//! The parameters of the estimators `g0`, `g1` and `g2` of the negatives, as a type can follow them.

use crate::names::Negatives;
use crate::precision::Precision;

/// The class prior `τ⁺`, which is 0 in `g0`.
pub fn tau_plus(estimator: &Negatives) -> f64 {
    match *estimator {
        Negatives::G0 => 0.0,
        Negatives::G1 { tau_plus } | Negatives::G2 { tau_plus, .. } => tau_plus,
    }
}

/// The exponent `β` of the weights `h^β` in the mean, if they are not all 1.
pub fn exponent(estimator: &Negatives, precision: Precision) -> Option<f64> {
    // A β that the type cannot hold is 0 there, and 0 times the exponent of an absent score, `-∞`, is NaN.
    let least = precision.smallest();
    // Where β separates any two scores that the type can tell apart, only the maximum counts, and a larger β would not
    // change that. It would meet kernels that underflow, though, whose products with it must vanish.
    let most = precision.spacing().powi(-2);
    match *estimator {
        Negatives::G2 { beta, .. } if beta >= least => Some(beta.min(most)),
        _ => None,
    }
}

/// The largest distance of `A - τB` from the floor that rounding may close, in units of `A + τB`; `count`: `N`.
///
/// A score is known to `ε`, a few `u/t`, and a sum over `N` negatives to `u log N` more. Weights `h^β` magnify that, but
/// keep the mean between `max h · N^{-1/β}` and `max h`.
pub fn uncertainty(estimator: &Negatives, precision: Precision, inverse_temperature: f64, count: f64) -> f64 {
    let epsilon = 8.0 * precision.spacing() * (inverse_temperature + count.ln() + 1.0);
    match exponent(estimator, precision) {
        None => epsilon,
        Some(beta) => ((2.0 * beta + 1.0) * epsilon).min(epsilon + count.ln() / beta),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ε = 8u(1/t + log N + 1)`, times `2β + 1` for small `β`, and `log(N)/β` more for large.
    #[test]
    fn the_uncertainty_is_its_formula() {
        let of = |estimator, count| uncertainty(&estimator, Precision::Single, 2.0, count);
        let unit = f64::from(f32::EPSILON);
        let g2 = |beta| Negatives::G2 { tau_plus: 0.1, beta };
        for (count, epsilon) in [(1.0, 24.0 * unit), (1000.0, 8.0 * unit * (3.0 + f64::ln(1000.0)))] {
            for estimator in [Negatives::G0, Negatives::G1 { tau_plus: 0.1 }, g2(0.0)] {
                assert_eq!(of(estimator, count), epsilon, "{estimator:?}, N = {count}");
            }
            assert_eq!(of(g2(f64::INFINITY), count), epsilon + f64::ln(count) * unit * unit);
        }
        let epsilon = of(Negatives::G0, 1000.0);
        assert_eq!(of(g2(1.5), 1000.0), 4.0 * epsilon);
        assert_eq!(of(g2(1e6), 1000.0), epsilon + f64::ln(1000.0) / 1e6);
    }
}

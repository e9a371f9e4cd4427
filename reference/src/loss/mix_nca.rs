//! MIXNCA: one positive, and mixed inputs that belong to the positive's class with probability `λ`.

use super::{Part, Total, single::single};
use crate::negatives::Estimation;
use crate::real::Real;
use crate::score::{Arithmetic, Contrast, Term, Trust, softplus};
use crate::vocabulary::Negatives;

/// `-log h(x,x⁺)/(h(x,x⁺) + N·G) - λ/(M-1) Σ_j log Ω_j - (1-λ)/(M-1) Σ_j log(1-Ω_j)`.
pub(crate) fn mix_nca<R: Real>(total: &mut Total<R>, negatives: Negatives, lambda: f64) {
    total.add_mean(Part::Clean, |contrast, field| single(contrast, negatives, field));
    add_mixed(total, negatives, lambda);
}

/// The two sums over the mixed embeddings; nothing at `M = 1`.
pub(crate) fn add_mixed<R: Real>(total: &mut Total<R>, negatives: Negatives, lambda: f64) {
    total.add_mean(Part::Mixed, |contrast, field| mixed(contrast, negatives, lambda, field));
}

/// `-λ log Ω - (1-λ) log(1-Ω)`, `Ω = h(x,z)/(h(x,z) + N·G)`, for one mixed embedding `z`.
fn mixed<R: Real>(
    contrast: &Contrast<R>,
    negatives: Negatives,
    lambda: f64,
    field: &Arithmetic<R>,
) -> Term<R> {
    let estimate = negatives.estimate(contrast, field);
    let count = field.number(contrast.negatives.len() as f64).ln(field.context);
    let difference = count + &estimate.log - &contrast.positives[0];
    let (near, near_slope) = softplus(&difference, field);
    let (far, far_slope) = softplus(&-difference, field);
    let (same, other) = (field.number(lambda), field.number(1.0) - &field.number(lambda));
    let value = same.clone() * &near + &(other.clone() * &far);

    // The slope vanishes where Ω = λ; how near it is to that decides how many bits are left.
    let (up, down) = (same * &near_slope, other * &far_slope);
    let magnitude = (up.clone() + &down).log2_abs();
    let mut slope = up - &down;
    let mut slope_bits_lost = (magnitude - slope.log2_abs()).max(0.0);
    let mut decided = estimate.trust.decided;
    if slope_bits_lost > field.bits - estimate.trust.value_bits_lost {
        // Not to be told from 0. More bits may tell; where none do, it is 0, and nothing of it is lost.
        (slope, slope_bits_lost, decided) = (field.number(0.0), 0.0, false);
    }
    let (mut by_negatives, mut by_debias) = (estimate.negatives, estimate.debias);
    R::scale_all(&mut by_negatives, &slope);
    R::scale_all(&mut by_debias, &slope);
    let gradient = Contrast { positives: vec![-slope], negatives: by_negatives, debias: by_debias };
    let gradient_bits_lost = estimate.trust.gradient_bits_lost + slope_bits_lost;
    let trust = Trust { gradient_bits_lost, decided, ..estimate.trust };
    Term { value, gradient, trust }
}

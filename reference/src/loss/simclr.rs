//! (2) SimCLR (Chen et al. 2020).

use crate::real::Real;
use crate::score::{Arithmetic, Contrast, Term, Trust, log_sum_exp, softplus};

/// `-log h(x,x⁺) / (h(x,x⁺) + Σ_i h(x,x⁻_i))`.
pub(crate) fn simclr<R: Real>(contrast: &Contrast<R>, field: &Arithmetic<R>) -> Term<R> {
    let (log_sum, mut softmax) = log_sum_exp(&contrast.negatives, field);
    let (value, omega) = softplus(&(log_sum - &contrast.positives[0]), field);
    R::scale_all(&mut softmax, &omega);
    let gradient = Contrast { positives: vec![-omega], negatives: softmax, debias: Vec::new() };
    Term { value, gradient, trust: Trust::FULL }
}

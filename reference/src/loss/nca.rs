//! NCA: (8) with a chosen negative estimator.

use crate::negatives::Estimation;
use crate::real::Real;
use crate::score::{Arithmetic, Contrast, Term, log_sum_exp};
use crate::vocabulary::Negatives;

/// `-log Σ_j h(x,x⁺_j) / (Σ_j h(x,x⁺_j) + N·G)`, `j = 1..M`.
pub(crate) fn nca<R: Real>(contrast: &Contrast<R>, negatives: Negatives, field: &Arithmetic<R>) -> Term<R> {
    let positives = log_sum_exp(&contrast.positives, field);
    negatives.estimate(contrast, field).against(positives, contrast.negatives.len(), field)
}

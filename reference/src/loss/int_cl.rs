//! IntCl: a single-positive loss, integrated with the robust term.

use super::{Part, Total, robust::robust, single::single};
use crate::real::Real;
use crate::vocabulary::{Negatives, RobustTerm};

/// `-log h(x,x⁺)/(h(x,x⁺) + N·G¹) + α·Robust(G²,w)`.
pub(crate) fn int_cl<R: Real>(total: &mut Total<R>, negatives: Negatives, alpha: f64, term: RobustTerm) {
    total.add_mean(Part::Clean, |contrast, field| single(contrast, negatives, field));
    total.times(alpha, |total| robust(total, term.negatives, term.weight, negatives));
}

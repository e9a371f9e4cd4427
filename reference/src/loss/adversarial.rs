//! (5) Adv (Ho & Vasconcelos 2020).

use super::{Part, Total, simclr::simclr};
use crate::real::Real;

/// SimCLR on `(x, x⁺)` plus `α` times SimCLR on `(x, x^adv)`.
pub(crate) fn adversarial<R: Real>(total: &mut Total<R>, alpha: f64) {
    total.add_mean(Part::Clean, simclr);
    total.times(alpha, |total| total.add_mean(Part::Robust, simclr));
}

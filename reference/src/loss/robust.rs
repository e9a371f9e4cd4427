//! The robust term `w(x) · ( -log h(x,x^adv)/(h(x,x^adv) + N·G) )`.

use super::{Part, Total, single::single};
use crate::real::Real;
use crate::vocabulary::{Negatives, Weight};

/// Adds the robust term; `weight_negatives` is the estimator inside an adversarial weight.
pub(crate) fn robust<R: Real>(
    total: &mut Total<R>,
    negatives: Negatives,
    weight: Weight,
    weight_negatives: Negatives,
) {
    let term = total.mean(Part::Robust, |contrast, field| single(contrast, negatives, field));
    if weight == Weight::One {
        return total.add(term);
    }
    let weight_term = total.mean(Part::Clean, |contrast, field| single(contrast, weight_negatives, field));
    total.add_product(weight_term, term, weight == Weight::AdversarialWithGradient);
}

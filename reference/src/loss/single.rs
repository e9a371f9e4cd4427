//! The single-positive loss with a chosen estimator: the standard term of IntCl, the first term of
//! MIXNCA, and the adversarial weight.

use crate::negatives::Estimation;
use crate::real::Real;
use crate::score::{Arithmetic, Contrast, Term};
use crate::vocabulary::Negatives;

/// `-log h(x,x⁺) / (h(x,x⁺) + N·G)`.
pub(crate) fn single<R: Real>(
    contrast: &Contrast<R>,
    negatives: Negatives,
    field: &Arithmetic<R>,
) -> Term<R> {
    let positive = (contrast.positives[0].clone(), vec![field.number(1.0)]);
    negatives.estimate(contrast, field).against(positive, contrast.negatives.len(), field)
}

//! (3) Debiased (Chuang et al. 2020).

use crate::negatives::Estimation;
use crate::real::Real;
use crate::score::{Arithmetic, Contrast, Term};
use crate::vocabulary::Negatives;

/// `-log h(x,x⁺) / (h(x,x⁺) + N·g1(x, {u}, {v}))`.
pub(crate) fn debiased<R: Real>(contrast: &Contrast<R>, tau_plus: f64, field: &Arithmetic<R>) -> Term<R> {
    let positive = (contrast.positives[0].clone(), vec![field.number(1.0)]);
    let g1 = Negatives::G1 { tau_plus }.estimate(contrast, field);
    g1.against(positive, contrast.negatives.len(), field)
}

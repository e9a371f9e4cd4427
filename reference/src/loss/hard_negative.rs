//! (4) Debiased+HardNeg, and HardNeg at `τ = 0` (Robinson et al. 2021).

use crate::negatives::Estimation;
use crate::real::Real;
use crate::score::{Arithmetic, Contrast, Term};
use crate::vocabulary::Negatives;

/// `-log h(x,x⁺) / (h(x,x⁺) + N·g2(x, {u}, {v}))`.
pub(crate) fn hard_negative<R: Real>(
    contrast: &Contrast<R>,
    tau_plus: f64,
    beta: f64,
    field: &Arithmetic<R>,
) -> Term<R> {
    let positive = (contrast.positives[0].clone(), vec![field.number(1.0)]);
    let g2 = Negatives::G2 { tau_plus, beta }.estimate(contrast, field);
    g2.against(positive, contrast.negatives.len(), field)
}

//! Scores from embeddings, and the few operations on them that every loss uses.

use crate::error::Result;
use intnacl_engine::{Plan, Precision};
use intnacl_reference::{Loss, Settings};
use tch::{Kind, Tensor};

/// The map from embeddings to scores: the temperature, and whether rows are normalised first.
#[derive(Debug, Clone, Copy)]
pub struct Scorer {
    pub(crate) normalize: bool,
    /// `1/t`, as in the plan.
    pub(crate) inverse_temperature: f64,
    /// The kind that scores are computed in.
    pub(crate) kind: Kind,
    /// The smallest estimate by which a derivative of the loss keeps the gradient in the range of the tensors' kind.
    pub(crate) least_divisor: f64,
}

/// The plan for a loss of tensors of a kind.
///
/// # Errors
/// [`Input`](crate::Error::Input) and [`Unrepresentable`](crate::Error::Unrepresentable) for parameters and settings out
/// of range, and those that the kind cannot compute with.
pub(crate) fn plan(loss: &Loss, settings: &Settings, given: Kind) -> Result<Plan> {
    let precision = precision(compute_kind(given));
    let range = if given == Kind::Half { 65504.0 } else { precision.largest() };
    Ok(Plan::new(loss, settings, precision, range)?)
}

impl Scorer {
    /// A scorer for tensors of the kind that a plan was made for.
    pub(crate) fn new(plan: &Plan, given: Kind) -> Self {
        Self {
            normalize: plan.normalize,
            inverse_temperature: plan.inverse_temperature,
            kind: compute_kind(given),
            least_divisor: plan.least_divisor,
        }
    }

    /// Embeddings in the type that the loss is computed in, of unit norm if that was asked for.
    pub(crate) fn prepare(&self, rows: &Tensor) -> Result<Tensor> {
        let rows = rows.f_to_kind(compute_kind(rows.f_kind()?))?;
        if !self.normalize {
            return Ok(rows);
        }
        // The direction does not depend on this factor, which keeps the squares from over- and underflow.
        // So it may be held constant.
        let largest = rows.f_detach()?.f_abs()?.f_amax([-1], true)?;
        let rows = rows.f_div(&largest)?;
        Ok(rows.f_div(&sum_last(&rows.f_mul(&rows)?)?.f_sqrt()?.f_unsqueeze(-1)?)?)
    }

    /// The scores of rows `[.., d]` with rows `[.., d]`, one with one.
    pub(crate) fn paired(&self, x: &Tensor, y: &Tensor) -> Result<Tensor> {
        Ok(sum_last(&x.f_mul(y)?)?.f_mul_scalar(self.inverse_temperature)?)
    }

    /// The scores `[B, K]` of anchors `[B, d]`, each with rows `[B, K, d]` of its own.
    pub(crate) fn own(&self, anchor: &Tensor, rows: &Tensor) -> Result<Tensor> {
        let scores = rows.f_matmul(&anchor.f_unsqueeze(-1)?)?.f_squeeze_dim(-1)?;
        Ok(scores.f_mul_scalar(self.inverse_temperature)?)
    }

    /// The scores `[.., B, C]` of rows `[.., B, d]` with rows `[.., C, d]`, all with all.
    pub(crate) fn all(&self, x: &Tensor, y: &Tensor) -> Result<Tensor> {
        Ok(x.f_matmul(&y.f_transpose(-1, -2)?)?.f_mul_scalar(self.inverse_temperature)?)
    }
}

/// The type that a loss of such inputs is computed in: half precision is widened to `f32`.
pub(crate) fn compute_kind(kind: Kind) -> Kind {
    match kind {
        Kind::Half | Kind::BFloat16 => Kind::Float,
        other => other,
    }
}

/// A kind that losses are computed in, in the engine's word.
pub(crate) fn precision(kind: Kind) -> Precision {
    match kind {
        Kind::Double => Precision::Double,
        _ => Precision::Single,
    }
}

/// The largest finite number of a kind that losses are computed in.
pub(crate) fn largest(kind: Kind) -> f64 {
    precision(kind).largest()
}

/// `log(1 + e^x)`, accurate relative to its value from `e^x` for very negative `x` to `x` for large.
///
/// libtorch's own `softplus` switches to `x` at 20, which costs `f64` six digits there. The logarithm of the
/// sigmoid has no such switch, and its derivative is exact at 0 as well.
pub(crate) fn softplus(x: &Tensor) -> Result<Tensor> {
    Ok(x.f_neg()?.f_log_sigmoid()?.f_neg()?)
}

/// The sum over the last dimension.
pub(crate) fn sum_last(x: &Tensor) -> Result<Tensor> {
    Ok(x.f_sum_dim_intlist([-1].as_slice(), false, None)?)
}

/// The mean of a loss over images, whose sum may be out of range where the mean is not.
pub(crate) fn mean_of(per_image: &Tensor) -> Result<Tensor> {
    let share = (per_image.numel().max(1) as f64).recip();
    Ok(per_image.f_mul_scalar(share)?.f_sum(None::<Kind>)?)
}

/// The mean over one dimension.
pub(crate) fn mean_over(dimension: i64, x: &Tensor) -> Result<Tensor> {
    Ok(x.f_mean_dim([dimension].as_slice(), false, None)?)
}

/// Square matrices `[.., B, B]` without their diagonals: `[.., B, B-1]`, the order kept.
///
/// By slices alone: behind the first entry, each run of `B+1` entries ends in a diagonal one.
pub(crate) fn off_diagonal(square: &Tensor) -> Result<Tensor> {
    let mut shape = square.size();
    let b = shape.pop().unwrap_or(0);
    let runs = [&shape[..shape.len().saturating_sub(1)], &[b - 1, b + 1]].concat();
    let rest = [&shape[..], &[b - 1]].concat();
    let behind_first = square.f_flatten(-2, -1)?.f_narrow(-1, 1, b * b - 1)?;
    Ok(behind_first.f_reshape(runs)?.f_narrow(-1, 0, b)?.f_reshape(rest)?)
}

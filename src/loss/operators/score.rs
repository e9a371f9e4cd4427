//! Scores from embeddings, and the few operations on them that every loss uses.

use super::recipe::Recipe;
use crate::error::{Error, Result};
use intnacl_reference::Settings;
use tch::{Kind, Tensor};

/// What turns embeddings into scores: the temperature, and whether rows are normalised first.
#[derive(Debug, Clone, Copy)]
pub struct Scorer {
    pub(crate) normalize: bool,
    /// `1/t`. Scores are multiplied by it and the floor is its negative, so that both round alike and a
    /// score of exactly `-1/t` meets the floor exactly.
    pub(crate) inverse_temperature: f64,
    /// The kind that scores are computed in.
    pub(crate) kind: Kind,
    /// The largest derivative of the loss by an estimate of the negatives, relative to its shift, with which the gradient
    /// by the embeddings is still in the range of their kind.
    pub(crate) largest_derivative: f64,
    /// The smallest estimate by which a derivative stays below that, whatever the loss.
    pub(crate) least_divisor: f64,
}

impl Scorer {
    /// A scorer for tensors of one kind, and what a recipe makes of their scores.
    ///
    /// # Errors
    /// [`Error::Unrepresentable`] for a temperature so small that scores overflow in that kind.
    pub(crate) fn new(settings: &Settings, recipe: &Recipe, given: Kind) -> Result<Self> {
        let kind = compute_kind(given);
        let inverse_temperature = settings.temperature.recip();
        // Differences of two scores off the sphere are still well below this bound.
        let largest = largest(kind) / 1e3;
        if inverse_temperature > largest {
            return Err(Error::Unrepresentable {
                argument: "temperature",
                value: settings.temperature,
                kind,
                bound: format!("at least {:e}", largest.recip()),
            });
        }
        // By scores, rows and sums over them; rows of small norms have large gradients.
        let later = if settings.normalize { 2_f64.powi(30) } else { 2_f64.powi(10) };
        let range = if given == Kind::Half { 65504.0 } else { self::largest(given) };
        let largest_derivative = range / later / inverse_temperature.max(1.0);
        // A robust term multiplies its gradient by α and by a weight, which is itself a loss.
        let weight = 4.0 * inverse_temperature + 64.0;
        let gain = recipe.robust.map_or(1.0, |robust| 1.0 + robust.alpha * weight);
        let least_divisor = (gain / largest_derivative).min(self::largest(kind));
        let normalize = settings.normalize;
        Ok(Self { normalize, inverse_temperature, kind, largest_derivative, least_divisor })
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

/// The largest finite number of a kind that losses are computed in.
pub(crate) fn largest(kind: Kind) -> f64 {
    match kind {
        Kind::Double => f64::MAX,
        _ => f64::from(f32::MAX),
    }
}

/// The spacing of numbers at 1 in a kind that losses are computed in.
pub(crate) fn spacing(kind: Kind) -> f64 {
    match kind {
        Kind::Double => f64::EPSILON,
        _ => f64::from(f32::EPSILON),
    }
}

/// The smallest number of a kind that losses are computed in to have all digits.
pub(crate) fn smallest(kind: Kind) -> f64 {
    match kind {
        Kind::Double => f64::MIN_POSITIVE,
        _ => f64::from(f32::MIN_POSITIVE),
    }
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

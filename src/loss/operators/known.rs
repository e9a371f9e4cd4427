//! Gradients that are known, on their way into libtorch's graph.

use crate::device::is_on_processor;
use crate::error::Result;
use crate::loss::check;
use tch::Tensor;

/// A value that has given gradients, and no second ones. Gradients come with the name of what they are by.
///
/// libtorch holds the gradients constant. What has no derivative of its own in libtorch's book stands behind them, so
/// that who asks for a second derivative gets an error, not a part of it.
///
/// # Errors
/// [`Error::Overflow`](crate::Error::Overflow) on a processor, where looking at a number costs nothing, if a gradient is not finite.
pub(crate) fn once_differentiable<'a>(
    value: Tensor,
    gradients: impl IntoIterator<Item = (&'static str, &'a Tensor, Tensor)>,
) -> Result<Tensor> {
    let kind = value.f_kind()?;
    let mut sum: Option<Tensor> = None;
    for (name, tensor, gradient) in gradients {
        let zero = zero_with_gradient(&tensor.f_to_kind(kind)?, &gradient)?;
        if is_on_processor(&zero) && !zero.f_double_value(&[])?.is_finite() {
            return Err(check::overflow(name, &gradient.f_reshape(tensor.size())?)?);
        }
        sum = Some(match sum {
            Some(sum) => sum.f_add(&zero)?,
            None => zero,
        });
    }
    let Some(zero) = sum.filter(Tensor::requires_grad) else { return Ok(value) };
    let zero = zero.f_reshape([1])?;
    let one = Tensor::f_ones([1], (tch::Kind::Int64, value.device()))?;
    let zero =
        Tensor::f_segment_reduce(&zero, "sum", Some(&one), None::<&Tensor>, None::<&Tensor>, 0, true, 0.0)?;
    Ok(value.f_add(&zero.f_reshape(value.size())?)?)
}

/// A scalar 0 that has a given gradient by a tensor, if that is finite; else NaN.
fn zero_with_gradient(tensor: &Tensor, gradient: &Tensor) -> Result<Tensor> {
    let (tensor, gradient) = (tensor.f_flatten(0, -1)?, gradient.f_flatten(0, -1)?);
    if is_on_processor(&tensor) {
        let product = tensor.f_dot(&gradient)?;
        if product.f_double_value(&[])?.is_finite() {
            return Ok(product.f_sub(&product.f_detach()?)?);
        }
    }
    // The product may be out of range where the gradient is not. That with zeros is not, but they take memory.
    Ok(tensor.f_sub(&tensor.f_detach()?)?.f_dot(&gradient)?)
}

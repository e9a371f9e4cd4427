//! Crop, resize and flip as two products with matrices of weights.
//!
//! A row of a view is a weighted sum of the image's rows, a column one of its columns. The weights are those of a
//! triangle that is as wide as the pixels of the source or of the view, whichever are larger (what `interpolate` does
//! with `mode="bilinear", antialias=True`), cut off at the crop's edges and made to sum to 1. A flip reverses the
//! columns' order.

use super::Draw;
use crate::error::Result;
use tch::{Device, Kind, Tensor};

/// Views of the size of the images.
pub(super) fn resize(images: &Tensor, draws: &[Draw]) -> Result<Tensor> {
    let (count, channels, height, width) = images.size4()?;
    let device = images.device();
    let numbers =
        |of: &dyn Fn(&Draw) -> i64| -> Vec<f32> { draws.iter().map(|draw| of(draw) as f32).collect() };
    let axis = |start, length, flip: &dyn Fn(&Draw) -> i64, size| -> Result<Tensor> {
        weights(&numbers(start), &numbers(length), &numbers(flip), size, device)
    };
    let columns = axis(&|draw| draw.crop.left, &|draw| draw.crop.width, &|draw| draw.flip.into(), width)?;
    let rows = axis(&|draw| draw.crop.top, &|draw| draw.crop.height, &|_| 0, height)?;
    // [B, C·H, W] · [B, W, W'], then [B, 1, H', H] · [B, C, H, W'].
    let wide = images.f_reshape([count, channels * height, width])?.f_bmm(&columns.f_transpose(1, 2)?)?;
    let wide = wide.f_reshape([count, channels, height, width])?;
    Ok(rows.f_unsqueeze(1)?.f_matmul(&wide)?)
}

/// The weights `[B, size, size]` of the source's pixels (last) in those of the view.
fn weights(start: &[f32], length: &[f32], flip: &[f32], size: i64, device: Device) -> Result<Tensor> {
    let column = |values: &[f32]| -> Result<Tensor> {
        Ok(Tensor::f_from_slice(values)?.f_to_device(device)?.f_reshape([-1, 1, 1])?)
    };
    let (start, length, flip) = (column(start)?, column(length)?, column(flip)?);
    let range = Tensor::f_arange(size, (Kind::Float, device))?;
    let view = range.f_reshape([1, size, 1])?;
    // o, or size-1-o where flipped.
    let mirrored = view.f_mul_scalar(-2.0)?.f_add_scalar(size as f64 - 1.0)?;
    let view = view.f_add(&flip.f_mul(&mirrored)?)?;
    let source = range.f_reshape([1, 1, size])?.f_sub(&start)?;

    let scale = length.f_div_scalar(size as f64)?;
    let support = scale.f_clamp_min(1.0)?;
    let center = scale.f_mul(&view.f_add_scalar(0.5)?)?;
    let distance = source.f_sub(&center)?.f_add_scalar(0.5)?.f_div(&support)?;
    let triangle = distance.f_abs()?.f_neg()?.f_add_scalar(1.0)?.f_clamp_min(0.0)?;
    let inside = source.f_ge(0.0)?.f_logical_and(&source.f_lt_tensor(&length)?)?;
    let triangle = triangle.f_mul(&inside.f_to_kind(Kind::Float)?)?;
    let sum = triangle.f_sum_dim_intlist([-1].as_slice(), true, None)?;
    Ok(triangle.f_div(&sum)?)
}

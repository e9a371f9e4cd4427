//! Changes of colour: each of four, on those images of a batch whose turn it is.

use super::{Change, Draw};
use crate::error::Result;
use tch::{Kind, Tensor};

/// The weights of red, green and blue in gray (ITU-R BT.601, as torchvision rounds them).
const GRAY: [f32; 3] = [0.2989, 0.587, 0.114];

/// Colour jitter, each image's changes in its own order, then grayscale. Gray images know brightness and contrast
/// alone.
pub(super) fn recolor(mut views: Tensor, draws: &[Draw], channels: i64) -> Result<Tensor> {
    for turn in 0..4 {
        for change in [Change::Brightness, Change::Contrast, Change::Saturation, Change::Hue] {
            if channels != 3 && matches!(change, Change::Saturation | Change::Hue) {
                continue;
            }
            let (indices, factors): (Vec<i64>, Vec<f32>) = (0..)
                .zip(draws)
                .filter_map(|(i, draw)| Some((i, draw.jitter.as_ref()?)))
                .filter(|(_, jitter)| jitter.order[turn] == change)
                .map(|(i, jitter)| (i, jitter.amount(change) as f32))
                .unzip();
            replace(&mut views, &indices, |chosen| {
                let factors = Tensor::f_from_slice(&factors)?.f_reshape([-1, 1, 1, 1])?;
                changed(chosen, change, &factors.f_to_device(chosen.device())?)
            })?;
        }
    }
    if channels == 3 {
        let gray: Vec<i64> = (0..).zip(draws).filter(|(_, draw)| draw.grayscale).map(|(i, _)| i).collect();
        replace(&mut views, &gray, |chosen| Ok(grayscale(chosen)?.f_expand_as(chosen)?))?;
    }
    Ok(views)
}

impl super::Jitter {
    fn amount(&self, change: Change) -> f64 {
        match change {
            Change::Brightness => self.brightness,
            Change::Contrast => self.contrast,
            Change::Saturation => self.saturation,
            Change::Hue => self.hue,
        }
    }
}

/// Puts `change` of the images of some indices in their places.
fn replace(
    views: &mut Tensor,
    indices: &[i64],
    change: impl FnOnce(&Tensor) -> Result<Tensor>,
) -> Result<()> {
    if indices.is_empty() {
        return Ok(());
    }
    let indices = Tensor::f_from_slice(indices)?.f_to_device(views.device())?;
    let changed = change(&views.f_index_select(0, &indices)?)?;
    let _ = views.f_index_copy_(0, &indices, &changed)?;
    Ok(())
}

/// One change of images `[B, C, H, W]` by factors `[B, 1, 1, 1]`.
fn changed(images: &Tensor, change: Change, factors: &Tensor) -> Result<Tensor> {
    match change {
        Change::Brightness => Ok(images.f_mul(factors)?.f_clamp(0.0, 1.0)?),
        Change::Contrast => {
            let mean = grayscale(images)?.f_mean_dim([1, 2, 3].as_slice(), true, None)?;
            blend(images, &mean, factors)
        }
        Change::Saturation => blend(images, &grayscale(images)?, factors),
        Change::Hue => turn_hue(images, factors),
    }
}

/// `factor·image + (1 - factor)·other`, within `[0, 1]`.
fn blend(images: &Tensor, other: &Tensor, factors: &Tensor) -> Result<Tensor> {
    let rest = factors.f_neg()?.f_add_scalar(1.0)?.f_mul(other)?;
    Ok(images.f_mul(factors)?.f_add(&rest)?.f_clamp(0.0, 1.0)?)
}

/// `[B, 1, H, W]`.
fn grayscale(images: &Tensor) -> Result<Tensor> {
    if images.size()[1] != 3 {
        return Ok(images.shallow_clone());
    }
    let weights = Tensor::f_from_slice(&GRAY)?.f_to_device(images.device())?.f_reshape([1, 3, 1, 1])?;
    Ok(images.f_mul(&weights)?.f_sum_dim_intlist([1].as_slice(), true, None)?)
}

/// The hue turned by shares of the circle, saturation and value kept.
///
/// With value `v`, chroma `c` and hue `6h` in sixths, channel `n` (5, 3, 1 for red, green, blue) is
/// `v - c·max(0, min(k, 4-k, 1))`, `k = (n + 6h) mod 6`.
fn turn_hue(images: &Tensor, turns: &Tensor) -> Result<Tensor> {
    let (value, which) = images.f_max_dim(1, true)?;
    let least = images.f_amin([1], true)?;
    let chroma = value.f_sub(&least)?;
    // Gray pixels have no hue; any divisor does, since their chroma is 0.
    let divisor = chroma.f_add(&chroma.f_eq(0.0)?.f_to_kind(Kind::Float)?)?;
    // For the largest channel r, g or b: (g-b)/c, 2 + (b-r)/c, 4 + (r-g)/c. At ties the first counts.
    let next = images.f_roll([-1], [1])?;
    let last = images.f_roll([1], [1])?;
    let offsets = next.f_sub(&last)?.f_gather(1, &which, false)?.f_div(&divisor)?;
    let sixths = offsets.f_add(&which.f_to_kind(Kind::Float)?.f_mul_scalar(2.0)?)?;
    let sixths = sixths.f_add(&turns.f_mul_scalar(6.0)?)?;
    let channel = Tensor::f_from_slice(&[5.0f32, 3.0, 1.0])?.f_to_device(images.device())?;
    let k = sixths.f_add(&channel.f_reshape([1, 3, 1, 1])?)?.f_remainder(6.0)?;
    let ramp = k.f_minimum(&k.f_neg()?.f_add_scalar(4.0)?)?.f_clamp(0.0, 1.0)?;
    Ok(value.f_sub(&chroma.f_mul(&ramp)?)?)
}

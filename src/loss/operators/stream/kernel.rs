//! The kernel `h = exp s` of a tile, shifted so that it neither overflows nor vanishes.

use super::tiles::{Anchors, Buffer, Tile, Tiles};
use crate::error::Result;
use crate::loss::operators::score::{Scorer, largest};
use tch::Tensor;

/// The shift of scores before they are exponentiated.
///
/// On the unit sphere no score is above `1/t`, and where `h^{β+1}` relative to `e^{(β+1)/t}` cannot underflow,
/// that is the shift of all: then one exponential of a score serves both of its anchors. Otherwise each
/// anchor has its own largest score, which takes a pass to find.
#[derive(Debug)]
pub struct Shift {
    /// `[R]`.
    pub(crate) of: Tensor,
    /// Whether it is `1/t` for all.
    pub(crate) shared: bool,
    inverse_temperature: f64,
    scale: Tensor,
}

impl Shift {
    /// The shift that suits powers of `h` up to `power`.
    pub(crate) fn new(tiles: &Tiles, power: f64, scorer: &Scorer) -> Result<Self> {
        let options = tiles.options()?;
        let inverse_temperature = scorer.inverse_temperature;
        // Half of the range is left for what is multiplied with the kernel.
        let shared = scorer.normalize && 2.0 * power * inverse_temperature < 0.5 * largest(options.0).ln();
        let of = match shared {
            true => Tensor::f_full([tiles.count()], inverse_temperature, options)?,
            false => largest_products(tiles)?.f_mul_scalar(inverse_temperature)?,
        };
        let scale = Tensor::f_full([1], inverse_temperature, options)?;
        Ok(Self { of, shared, inverse_temperature, scale })
    }

    /// The sides of a tile, in groups that have their exponents in common.
    pub(crate) fn groups(&self) -> &'static [&'static [Anchors]] {
        match self.shared {
            true => &[&[Anchors::Rows, Anchors::Columns]],
            false => &[&[Anchors::Rows], &[Anchors::Columns]],
        }
    }

    /// Makes [`exponents`](Self::exponents) of inner products possible, in place.
    pub(crate) fn prepare(&self, mut products: Tensor) -> Result<Tensor> {
        // A fused multiplication and addition would not give 0 for the largest score, but its rounding error,
        // which at low temperatures is anything. A shared shift is small enough for that.
        if !self.shared {
            let _ = products.f_mul_scalar_(self.inverse_temperature)?;
        }
        Ok(products)
    }

    /// `s - shift` of the anchors on a side.
    pub(crate) fn exponents(
        &self,
        tile: &Tile,
        side: Anchors,
        prepared: &Tensor,
        buffer: &Buffer,
    ) -> Result<Tensor> {
        let out = buffer.of(tile)?;
        let shift = tile.meet(side, &self.of)?;
        if self.shared {
            return Ok(shift.f_neg()?.f_addcmul_out(&out, prepared, &self.scale)?);
        }
        Ok(prepared.f_sub_out(&out, &shift)?)
    }
}

/// Memory for what a tile goes through, all of it for the next tile again.
#[derive(Debug)]
pub struct Work {
    pub(crate) scores: Buffer,
    pub(crate) exponents: Buffer,
    pub(crate) kernel: Buffer,
    pub(crate) power: Buffer,
    pub(crate) values: Buffer,
    pub(crate) total: Buffer,
}

impl Work {
    /// The least work that will do for estimators whose weights have these exponents.
    pub(crate) fn new(tiles: &Tiles, shift: &Shift, betas: &[Option<f64>]) -> Result<Self> {
        let scores = tiles.buffer()?;
        // The scores are needed until the last exponents are made of them, and these for powers.
        let exponents = if shift.shared { scores.alias() } else { tiles.buffer()? };
        let powers = betas.iter().flatten().any(|beta| *beta != 1.0);
        let (kernel, power) = match powers {
            true => (tiles.buffer()?, tiles.buffer()?),
            false => (exponents.alias(), exponents.alias()),
        };
        let values = tiles.buffer()?;
        let total = if shift.shared && betas.len() == 1 { values.alias() } else { tiles.buffer()? };
        Ok(Self { scores, exponents, kernel, power, values, total })
    }
}

/// `h^β` relative to the shift.
pub(crate) fn power(
    beta: f64,
    exponents: &Tensor,
    kernel: &Tensor,
    tile: &Tile,
    buffer: &Buffer,
) -> Result<Tensor> {
    if beta == 1.0 {
        return Ok(kernel.shallow_clone());
    }
    Ok(exponents.f_mul_scalar_out(&buffer.of(tile)?, beta)?.f_exp_()?)
}

/// The largest inner product of each anchor with a negative, `[R]`.
fn largest_products(tiles: &Tiles) -> Result<Tensor> {
    let largest = Tensor::f_full([tiles.count()], f64::NEG_INFINITY, tiles.options()?)?;
    let buffer = tiles.buffer()?;
    for tile in tiles.all() {
        let products = tiles.products(&tile, &buffer)?;
        for side in tile.sides(&[Anchors::Rows, Anchors::Columns]) {
            let (span, dimension) = tile.along(*side);
            let known = span.of(&largest)?;
            let _ = known.f_maximum_out(&known, &products.f_amax([dimension], false)?)?;
        }
    }
    Ok(largest)
}

//! The first pass: sums of powers of the kernel over the negatives of each anchor.

use super::kernel::{Shift, Work, power};
use super::tiles::{Anchors, Tile, Tiles};
use crate::error::Result;
use crate::loss::operators::negatives::{Summary, relative_floor};
use crate::loss::operators::score::{Scorer, largest, precision};
use intnacl_engine::exponent;
use intnacl_reference::Negatives;
use tch::Tensor;

/// The sums that an estimator reads, relative to the shift.
#[derive(Debug)]
pub struct Sums {
    pub(crate) estimator: Negatives,
    /// `β` of the weights `w = h^β`, if they are not all 1.
    pub(crate) beta: Option<f64>,
    /// `F`, `[R]`; nothing for `g0`.
    pub(crate) floor: Option<Tensor>,
    /// `Σ w (h - F)`, `[R]`; for `g0` `Σ h`.
    pub(crate) total: Tensor,
    /// `Σ w`, `[R]`.
    pub(crate) weight: Tensor,
}

impl Sums {
    fn new(estimator: Negatives, tiles: &Tiles, shift: &Shift, scorer: &Scorer) -> Result<Self> {
        let options = tiles.options()?;
        let floor = match estimator {
            Negatives::G0 => None,
            _ => Some(relative_floor(&estimator, &shift.of, scorer.inverse_temperature)?),
        };
        let beta = exponent(&estimator, precision(options.0));
        let weight = if beta.is_some() { 0 } else { tiles.count() - 2 };
        let weight = Tensor::f_full([tiles.count()], weight, options)?;
        Ok(Self { estimator, beta, floor, total: Tensor::f_zeros([tiles.count()], options)?, weight })
    }

    /// `A - F`, `[R]`.
    pub(crate) fn mean(&self) -> Result<Tensor> {
        Ok(self.total.f_div(&self.weight)?)
    }

    /// The summary of the anchors `[A, B]`, made of a leaf.
    pub(crate) fn summary(&self, tiles: &Tiles, shift: &Shift, leaf: &Tensor) -> Result<Summary> {
        Ok(match &self.floor {
            None => Summary::LogSum(leaf.shallow_clone()),
            Some(floor) => Summary::Excess {
                shift: per_anchor(&shift.of, tiles)?,
                floor: per_anchor(floor, tiles)?,
                mean: leaf.shallow_clone(),
            },
        })
    }

    /// The number by which the summary's derivative is taken, `[A, B]`.
    pub(crate) fn statistic(&self, tiles: &Tiles, shift: &Shift) -> Result<Tensor> {
        match self.floor {
            None => per_anchor(&self.total.f_log()?.f_add(&shift.of)?, tiles),
            Some(_) => per_anchor(&self.mean()?, tiles),
        }
    }
}

/// `[R]` as `[A, B]`, without the embeddings that are no anchors.
fn per_anchor(numbers: &Tensor, tiles: &Tiles) -> Result<Tensor> {
    let images = tiles.count() / 2;
    Ok(numbers.f_narrow(0, 0, tiles.anchors * images)?.f_reshape([tiles.anchors, images])?)
}

/// The shift that suits the estimators, their sums, and the memory that they were made in.
pub(crate) fn sum(
    tiles: &Tiles,
    estimators: &[Negatives],
    scorer: &Scorer,
) -> Result<(Shift, Vec<Sums>, Work)> {
    let kind = tiles.options()?.0;
    let powers = estimators.iter().map(|estimator| 1.0 + exponent(estimator, precision(kind)).unwrap_or(0.0));
    let shift = Shift::new(tiles, powers.fold(1.0, f64::max).min(largest(kind)), scorer)?;
    let sums = estimators.iter().map(|estimator| Sums::new(*estimator, tiles, &shift, scorer));
    let sums = sums.collect::<Result<Vec<_>>>()?;

    let betas: Vec<_> = sums.iter().map(|sum| sum.beta).collect();
    let work = Work::new(tiles, &shift, &betas)?;
    for tile in tiles.all() {
        let prepared = shift.prepare(tiles.products(&tile, &work.scores)?)?;
        for group in shift.groups() {
            let sides = tile.sides(group);
            let Some(side) = sides.first() else { continue };
            let exponents = shift.exponents(&tile, *side, &prepared, &work.exponents)?;
            let kernel = exponents.f_exp_out(&work.kernel.of(&tile)?)?;
            for sum in &sums {
                let Some(floor) = &sum.floor else {
                    add(&tile, sides, &sum.total, &kernel)?;
                    continue;
                };
                let mut above_floor = kernel.f_sub_out(&work.values.of(&tile)?, &tile.meet(*side, floor)?)?;
                match sum.beta {
                    None => tiles.fill_own(&tile, &above_floor, 0.0)?,
                    Some(beta) => {
                        let weights = power(beta, &exponents, &kernel, &tile, &work.power)?;
                        add(&tile, sides, &sum.weight, &weights)?;
                        let _ = above_floor.f_mul_(&weights)?;
                    }
                }
                add(&tile, sides, &sum.total, &above_floor)?;
            }
        }
    }
    Ok((shift, sums, work))
}

/// Adds the sums over the scores of each anchor on some sides of a tile.
fn add(tile: &Tile, sides: &[Anchors], sums: &Tensor, values: &Tensor) -> Result<()> {
    for side in sides {
        let (span, dimension) = tile.along(*side);
        let more = values.f_sum_dim_intlist([dimension].as_slice(), false, None)?;
        let _ = span.of(sums)?.f_add_(&more)?;
    }
    Ok(())
}

//! The second pass: the gradient by the embeddings, from the derivatives by the sums.

use super::kernel::{Shift, Work, power};
use super::sums::Sums;
use super::tiles::{Anchors, Tile, Tiles};
use crate::error::Result;
use tch::Tensor;

/// A number for each anchor, `[R]`, with what the derivative by a score takes of it.
///
/// With the derivative `g` by `log Σ h` or by the mean `A - F`, the derivative by a score is
///
/// - `a h` with `a = g / Σ h` for `g0` and `a = g / N` for `g1`,
/// - `a w (h + β (h - A))` with `a = g / Σ w` for `g2`.
struct Factors<'a> {
    sums: &'a Sums,
    /// `a`; of a shared shift `(β+1) a`.
    by_kernel: Tensor,
    /// `A - F`; of a shared shift `β a A`.
    offset: Option<Tensor>,
}

impl<'a> Factors<'a> {
    fn new(sums: &'a Sums, derivative: &Tensor, tiles: &Tiles, shift: &Shift) -> Result<Self> {
        // Embeddings that are no anchors have no derivative.
        let given = derivative.f_detach()?.f_reshape([-1])?;
        let rest = tiles.count() - given.size()[0];
        let derivative = given.f_constant_pad_nd([0, rest])?;
        let divisor = if sums.floor.is_some() { &sums.weight } else { &sums.total };
        let by_kernel = derivative.f_div(divisor)?;
        let (Some(beta), Some(floor)) = (sums.beta, &sums.floor) else {
            return Ok(Self { sums, by_kernel, offset: None });
        };
        let mean = sums.mean()?;
        if !shift.shared {
            return Ok(Self { sums, by_kernel, offset: Some(mean) });
        }
        let offset = mean.f_add(floor)?.f_mul(&by_kernel)?.f_mul_scalar(beta)?;
        Ok(Self { sums, by_kernel: by_kernel.f_mul_scalar(beta + 1.0)?, offset: Some(offset) })
    }

    /// The derivatives by the scores of a tile, of the anchors on both of its sides together.
    fn of_both(&self, tile: &Tile, exponents: &Tensor, kernel: &Tensor, work: &Work) -> Result<Tensor> {
        let rows = tile.meet(Anchors::Rows, &self.by_kernel)?;
        let columns = tile.meet(Anchors::Columns, &self.by_kernel)?;
        let mut weights = rows.f_add_out(&work.values.of(tile)?, &columns)?.f_mul_(kernel)?;
        if let (Some(beta), Some(offset)) = (self.sums.beta, &self.offset) {
            let _ = weights.f_sub_(&tile.meet(Anchors::Rows, offset)?)?;
            let _ = weights.f_sub_(&tile.meet(Anchors::Columns, offset)?)?;
            let _ = weights.f_mul_(&power(beta, exponents, kernel, tile, &work.power)?)?;
        }
        Ok(weights)
    }

    /// The derivatives by the scores of a tile, of the anchors on one side.
    ///
    /// For any `β`: what cancels is subtracted before it is multiplied.
    fn of_one(
        &self,
        tile: &Tile,
        side: Anchors,
        exponents: &Tensor,
        kernel: &Tensor,
        work: &Work,
    ) -> Result<Tensor> {
        let out = work.values.of(tile)?;
        let by_kernel = tile.meet(side, &self.by_kernel)?;
        let (Some(beta), Some(floor), Some(mean)) = (self.sums.beta, &self.sums.floor, &self.offset) else {
            return Ok(kernel.f_mul_out(&out, &by_kernel)?);
        };
        let power = power(beta, exponents, kernel, tile, &work.power)?;
        let mut weights = kernel.f_sub_out(&out, &tile.meet(side, floor)?)?;
        let _ = weights.f_sub_(&tile.meet(side, mean)?)?.f_mul_(&power)?.f_mul_scalar_(beta)?;
        Ok(weights.f_addcmul_(kernel, &power)?.f_mul_(&by_kernel)?)
    }
}

/// The gradient by the embeddings `[R, d]`, from the derivatives `[A, B]` by the statistics of the sums; a
/// derivative that is not there is 0.
pub(crate) fn gradient(
    tiles: &Tiles,
    shift: &Shift,
    sums: &[(&Sums, Tensor)],
    work: &Work,
    scale: f64,
) -> Result<Tensor> {
    let gradient = tiles.rows.f_zeros_like()?;
    let factors = sums
        .iter()
        .filter(|(_, derivative)| derivative.defined())
        .map(|(sums, derivative)| Factors::new(sums, derivative, tiles, shift))
        .collect::<Result<Vec<_>>>()?;
    if factors.is_empty() {
        return Ok(gradient);
    }
    for tile in tiles.all() {
        let weights = weights(&tile, tiles, shift, &factors, work)?;
        let (rows, columns) = (tile.rows, tile.columns);
        let _ = rows.of(&gradient)?.f_addmm_(&weights, &columns.of(&tiles.rows)?)?;
        // With a shared shift the weights of a diagonal tile are those of its rows and columns already.
        if !(tile.is_diagonal() && shift.shared) {
            let mirrored = weights.f_transpose(0, 1)?;
            let _ = columns.of(&gradient)?.f_addmm_(&mirrored, &rows.of(&tiles.rows)?)?;
        }
    }
    Ok(gradient.f_mul_scalar(scale)?)
}

/// The derivatives by the scores of a tile, summed over estimators and sides.
fn weights(
    tile: &Tile,
    tiles: &Tiles,
    shift: &Shift,
    factors: &[Factors<'_>],
    work: &Work,
) -> Result<Tensor> {
    let prepared = shift.prepare(tiles.products(tile, &work.scores)?)?;
    let single = shift.shared && factors.len() == 1;
    let mut total = work.total.of(tile)?;
    if !single {
        let _ = total.f_zero_()?;
    }
    for group in shift.groups() {
        let Some(side) = tile.sides(group).first() else { continue };
        let exponents = shift.exponents(tile, *side, &prepared, &work.exponents)?;
        let kernel = exponents.f_exp_out(&work.kernel.of(tile)?)?;
        for factors in factors {
            let weights = match shift.shared {
                true => factors.of_both(tile, &exponents, &kernel, work)?,
                false => factors.of_one(tile, *side, &exponents, &kernel, work)?,
            };
            if single {
                return Ok(weights);
            }
            let _ = total.f_add_(&weights)?;
        }
    }
    Ok(total)
}

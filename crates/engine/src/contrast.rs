//! The negatives of a pair of views: what the estimators read of them, and the gradient by way of that.

use super::aligned::Aligned;
use super::number::{Number, Parts};
use super::products::{add_by_columns, add_by_rows, scores};
use super::schedule::{Blocks, Tile, tournament};
use super::team::Team;
use super::tile::{self, Anchors, Exponents, Kernel, Sides, Sums};
use super::vectors::vector_code;
use super::view::{Cut, View};
use crate::error::Result;
use crate::estimator::{exponent as exponent_of, tau_plus};
use crate::names::Negatives;
use std::f64::consts::LOG2_E;
use std::sync::OnceLock;

/// Bytes of scores that are kept from pass to pass, rather than formed again.
const KEPT: usize = 12 << 20;

/// A pair of views whose rows are anchors, and each other's negatives.
#[derive(Debug)]
pub struct Contrast<'a, T> {
    pair: [&'a View<T>; 2],
    cut: Cut,
    tiles: Vec<Tile>,
    /// The inner products of each tile, where there is memory for them.
    kept: Vec<OnceLock<Aligned<T>>>,
    exponents: Exponents<T>,
    shared: bool,
    team: &'a Team<'a>,
    /// `log2(e)/t`.
    exponent: f64,
    /// The product whose kernel is 1 to each anchor, of each block.
    offsets: Vec<Vec<T>>,
    pub(super) estimates: Vec<Estimate<T>>,
}

/// An estimator with its sums.
#[derive(Debug)]
pub struct Estimate<T> {
    pub(super) estimator: Negatives,
    kernel: Kernel<T>,
    /// The anchors of each block.
    anchors: Vec<Anchors<T>>,
    /// The sums of each block: totals, and the sums of the weights that divide them.
    sums: Vec<Vec<[f64; 2]>>,
}

/// The summary of the negatives of one anchor that an estimator reads.
#[derive(Debug, Clone, Copy)]
pub struct Statistic<T> {
    /// The product whose kernel is 1 in what follows.
    pub(super) offset: T,
    /// `F`.
    pub(super) floor: T,
    /// `g0`: `Σ h`; else the mean of `h - F`.
    pub(super) value: f64,
}

/// The derivatives by what the estimates of a contrast read of each anchor: by estimate, anchor and image.
pub type ByStatistic = Vec<[Vec<f64>; 2]>;

impl<'a, T: Number> Contrast<'a, T> {
    /// Sums over the negatives of the rows of both views, or of the first alone.
    pub(super) fn new(
        pair: [&'a View<T>; 2],
        anchors: usize,
        estimators: &[Negatives],
        inverse_temperature: f64,
        team: &'a Team<'a>,
    ) -> Self {
        let cut = pair[0].cut;
        let tiles = tournament(2 * cut.blocks(), anchors * cut.blocks());
        let bytes = tiles.len() * cut.width * cut.width * size_of::<T>();
        let kept = if bytes <= KEPT { tiles.iter().map(|_| OnceLock::new()).collect() } else { Vec::new() };
        let exponent = LOG2_E * inverse_temperature;

        // The shift: where the highest power of a kernel relative to e^{bound/t} cannot underflow, that is the shift of all
        // anchors, and one exponential of a score serves the anchors on both of its sides. Else each anchor is shifted by
        // its own largest score, which takes a pass over the tiles to find.
        let betas = estimators.iter().map(|estimator| exponent_of(estimator, T::PRECISION));
        let power = betas.fold(1.0, |power: f64, beta| power.max(1.0 + beta.unwrap_or(0.0)));
        let bound = T::from_f64(pair[0].largest_square().max(pair[1].largest_square())).to_f64();
        // Half of the range is left for what is multiplied with the kernel.
        let shared = 2.0 * power * inverse_temperature * bound < 0.5 * T::PRECISION.largest().ln();
        let mut contrast = Self {
            pair,
            cut,
            tiles,
            kept,
            exponents: Exponents {
                scale: Parts::of(exponent),
                shift: Parts::of(if shared { bound * exponent } else { 0.0 }),
            },
            shared,
            team,
            exponent,
            offsets: vec![vec![T::from_f64(bound); cut.width]; 2 * cut.blocks()],
            estimates: Vec::new(),
        };
        if !shared {
            contrast.find_offsets();
        }
        let estimates = estimators.iter().map(|estimator| contrast.estimate(*estimator, bound)).collect();
        contrast.estimates = estimates;
        contrast.sum();
        contrast
    }

    fn block(&self, block: usize) -> (&'a View<T>, usize) {
        let blocks = self.cut.blocks();
        (self.pair[block / blocks], block % blocks)
    }

    /// Does `work` for each tile and its inner products.
    fn each_tile<W: Send>(&self, scratch: impl Fn() -> W + Sync, work: impl Fn(&mut W, &Tile, &[T]) + Sync) {
        let len = self.cut.width * self.cut.width;
        let own = || (Vec::new(), scratch());
        self.team.each(self.tiles.len(), own, |(memory, scratch), index| {
            let tile = &self.tiles[index];
            // A tile's products are taken from an earlier pass, or formed and kept for later ones, or, where there are too
            // many to keep, formed in memory that this thread uses for one tile after the other.
            let kept = self.kept.get(index);
            if let Some(kept) = kept.and_then(OnceLock::get) {
                return work(scratch, tile, kept);
            }
            if let (Some(kept), Ok(mut products)) = (kept, Aligned::zeros(len)) {
                self.form(tile, &mut products);
                return work(scratch, tile, kept.get_or_init(|| products));
            }
            if memory.is_empty() {
                memory.resize(len, T::default());
            }
            self.form(tile, memory);
            work(scratch, tile, memory);
        });
    }

    /// The inner products of a tile. Those of an image with itself, in either view, are absent.
    fn form(&self, tile: &Tile, products: &mut [T]) {
        let (rows, row_block) = self.block(tile.rows);
        let (columns, column_block) = self.block(tile.columns);
        let width = self.cut.width;
        form(rows.panels(row_block), columns.across(column_block), width, products);
        if row_block == column_block {
            products.iter_mut().step_by(width + 1).for_each(|own| *own = T::ABSENT);
        }
        // The last block of a view may be padded; nothing is there.
        let (present_rows, present) =
            (self.cut.images_of(row_block).len(), self.cut.images_of(column_block).len());
        products[present_rows * width..].fill(T::ABSENT);
        products.chunks_mut(width).for_each(|row| row[present..].fill(T::ABSENT));
    }

    /// The largest product of each anchor.
    fn find_offsets(&mut self) {
        let unknown = || vec![T::ABSENT; self.cut.width];
        let known = Blocks::new(self.offsets.iter().map(|_| unknown()));
        self.each_tile(
            || [unknown(), unknown()],
            |[rows, columns], tile, products| {
                rows.fill(T::ABSENT);
                columns.fill(T::ABSENT);
                tile::largest(products, rows, columns);
                let keep = |known: &mut [T], found: &[T]| {
                    known
                        .iter_mut()
                        .zip(found)
                        .for_each(|(known, found)| *known = Number::max(*known, *found));
                };
                keep(&mut known.rows(tile), rows);
                if !tile.is_diagonal() {
                    keep(&mut known.columns(tile), columns);
                }
            },
        );
        // Rows of the padding have no products.
        let offset = |largest: T| if largest > T::ABSENT { largest } else { T::default() };
        self.offsets = known.into_parts().map(|known| known.into_iter().map(offset).collect()).collect();
    }

    fn estimate(&self, estimator: Negatives, bound: f64) -> Estimate<T> {
        let kernel = match (estimator, exponent_of(&estimator, T::PRECISION)) {
            (Negatives::G0, _) => Kernel::Plain,
            (_, None) => Kernel::AboveFloor,
            (_, Some(1.0)) => Kernel::Weighted,
            (_, Some(beta)) => {
                let scale = self.exponent * beta;
                let shift = if self.shared { bound * scale } else { 0.0 };
                let exponents = Exponents { scale: Parts::of(scale), shift: Parts::of(shift) };
                Kernel::Powers { beta: T::from_f64(beta), exponents }
            }
        };
        let anchors = |offset: &Vec<T>| {
            let zeros = || vec![T::default(); offset.len()];
            let floor = match estimator {
                Negatives::G0 => zeros(),
                _ => offset.iter().map(|offset| self.floor(&estimator, *offset)).collect(),
            };
            Anchors { offset: offset.clone(), floor, factor: zeros(), mean: zeros() }
        };
        let sums = self.offsets.iter().map(|offset| vec![[0.0; 2]; offset.len()]).collect();
        Estimate { estimator, kernel, anchors: self.offsets.iter().map(anchors).collect(), sums }
    }

    /// `F = e^{-1/t}` relative to the shift, rounded as the kernel of a score of `-1/t` is.
    ///
    /// Off the unit sphere even the largest score may lie below the floor, by so much that `F` overflows. A bound
    /// keeps it finite and still above all that could outweigh it.
    fn floor(&self, estimator: &Negatives, offset: T) -> T {
        self.relative(-1.0, offset, (1.0 - (-tau_plus(estimator)).ln_1p()) * LOG2_E).0
    }

    /// The kernel of a product relative to an anchor's shift, at most 2 to the power `bound`; and whether it is that.
    fn relative(&self, product: f64, offset: T, bound: f64) -> (T, bool) {
        let product = T::from_f64(product);
        if (product.to_f64() - offset.to_f64()) * self.exponent > bound {
            return (T::from_f64(bound.exp2()), true);
        }
        let product = if self.shared { product } else { product - offset };
        (T::power_of_two(product, self.exponents.scale, self.exponents.shift), false)
    }

    fn sum(&mut self) {
        let width = self.cut.width;
        for index in 0..self.estimates.len() {
            let estimate = &self.estimates[index];
            let known = Blocks::new(self.offsets.iter().map(|_| vec![[0.0; 2]; width]));
            self.each_tile(
                || Sums::new(width),
                |found, tile, products| {
                    tile::sum(estimate.kernel, products, self.sides(estimate, tile), found);
                    // Within a tile sums are of the type, across tiles of f64. A diagonal tile holds each score twice, so
                    // its rows are all there is to add.
                    for (known, found) in known.rows(tile).iter_mut().zip(&found.rows) {
                        known.iter_mut().zip(found).for_each(|(known, found)| *known += found.to_f64());
                    }
                    if !tile.is_diagonal() {
                        let mut known = known.columns(tile);
                        for (k, found) in found.columns.iter().enumerate() {
                            known.iter_mut().zip(found).for_each(|(known, found)| known[k] += found.to_f64());
                        }
                    }
                },
            );
            let sums = known.into_parts().collect();
            self.estimates[index].sums = sums;
        }
    }

    fn sides<'b>(&self, estimate: &'b Estimate<T>, tile: &Tile) -> Sides<'b, T> {
        let (rows, columns) = (&estimate.anchors[tile.rows], &estimate.anchors[tile.columns]);
        Sides { rows, columns, exponents: self.exponents, shared: self.shared }
    }

    /// Where the anchor of an image in one of the views is.
    fn place(&self, view: usize, image: usize) -> (usize, usize) {
        (view * self.cut.blocks() + image / self.cut.width, image % self.cut.width)
    }

    /// The summary of the negatives of an anchor for an estimate.
    pub(super) fn statistic(&self, estimate: &Estimate<T>, view: usize, image: usize) -> Statistic<T> {
        let (block, row) = self.place(view, image);
        let [total, weight] = estimate.sums[block][row];
        // Every anchor has 2B-2 negatives: both views of the other images.
        let value = match estimate.kernel {
            Kernel::Plain => total,
            Kernel::AboveFloor => total / (2 * self.cut.images - 2) as f64,
            _ => total / weight,
        };
        Statistic { offset: self.offsets[block][row], floor: estimate.anchors[block].floor[row], value }
    }

    /// The kernel of a product relative to a statistic's shift, at most `e^bound`; and whether it is that.
    pub(super) fn kernel(&self, product: f64, statistic: &Statistic<T>, bound: f64) -> (f64, bool) {
        let (kernel, bounded) = self.relative(product, statistic.offset, bound * LOG2_E);
        (kernel.to_f64(), bounded)
    }

    /// Remembers the derivatives of the loss by the [statistics](Self::statistic), times `share`.
    pub(super) fn derive(&mut self, derivatives: &ByStatistic, share: f64) {
        let count = (2 * self.cut.images - 2) as f64;
        for (index, by_anchor) in derivatives.iter().enumerate() {
            for (view, by_image) in by_anchor.iter().enumerate() {
                for (image, derivative) in by_image.iter().enumerate() {
                    let (block, row) = self.place(view, image);
                    let estimate = &mut self.estimates[index];
                    let [total, weight] = estimate.sums[block][row];
                    let (divisor, mean) = match estimate.kernel {
                        Kernel::Plain => (1.0, 0.0),
                        Kernel::AboveFloor => (count, 0.0),
                        // A view that is no anchor has no weights, and no derivatives.
                        _ if weight == 0.0 => (1.0, 0.0),
                        _ => (weight, total / weight),
                    };
                    let anchors = &mut estimate.anchors[block];
                    anchors.factor[row] = T::from_f64(share * derivative / divisor);
                    anchors.mean[row] = T::from_f64(mean);
                }
            }
        }
    }

    /// The gradient by the inner products, times the rows of the other side: blocks of both views.
    pub(super) fn gradient(&self) -> Result<[Vec<Aligned<T>>; 2]> {
        let (blocks, size, width) = (self.cut.blocks(), self.cut.size(), self.cut.width);
        let parts = (0..2 * blocks).map(|_| Aligned::zeros(size)).collect::<Result<Vec<_>>>()?;
        let parts = Blocks::new(parts);
        self.each_tile(
            || vec![T::default(); width * width],
            |weights, tile, products| {
                weights.fill(T::default());
                for estimate in &self.estimates {
                    tile::weigh(estimate.kernel, products, self.sides(estimate, tile), weights);
                }
                let (rows, row_block) = self.block(tile.rows);
                let (columns, column_block) = self.block(tile.columns);
                add_rows(weights, columns.panels(column_block), width, &mut parts.rows(tile));
                // The weights of a diagonal tile are those of its rows and columns already.
                if !tile.is_diagonal() {
                    add_columns(weights, rows.panels(row_block), width, &mut parts.columns(tile));
                }
            },
        );
        let mut parts = parts.into_parts();
        let first = parts.by_ref().take(blocks).collect();
        Ok([first, parts.collect()])
    }
}

vector_code! {
    fn form<T: Number>(simd, x: &[T], across: &[T], width: usize, out: &mut [T]) {
        scores(simd, width, x, across, out);
    }
    fn add_rows<T: Number>(simd, weights: &[T], y: &[T], width: usize, out: &mut [T]) {
        add_by_rows(simd, width, weights, y, out);
    }
    fn add_columns<T: Number>(simd, weights: &[T], x: &[T], width: usize, out: &mut [T]) {
        add_by_columns(simd, width, weights, x, out);
    }
}

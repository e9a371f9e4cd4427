//! Embeddings on their way in, and gradients on their way out.

use super::aligned::{Aligned, zeros};
use super::number::Number;
use super::products::PANEL;
use super::schedule::Blocks;
use super::team::Team;
use super::vectors::vector_code;
use crate::arrays::{Array, Arrays};
use crate::error::{Error, Result};
use crate::names::InputError;

/// The sizes of the blocks that the rows of all views are cut into.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// `B`.
    pub(super) images: usize,
    /// `d`.
    pub(super) columns: usize,
    /// Rows of a block, a multiple of [`PANEL`].
    pub(super) width: usize,
}

impl Cut {
    /// Blocks of `width` rows, or of a size that suits their number.
    pub(super) fn new(images: usize, columns: usize, width: Option<usize>) -> Self {
        // A tile and its rows stay in the cache of one core, and there are several for each thread.
        let suitable = (images / 4).next_power_of_two();
        let width = width.unwrap_or(suitable).clamp(PANEL, 4 * PANEL).next_multiple_of(PANEL);
        Self { images, columns, width }
    }

    pub(super) fn blocks(&self) -> usize {
        self.images.div_ceil(self.width)
    }

    /// The images of a block.
    pub(super) fn images_of(&self, block: usize) -> std::ops::Range<usize> {
        block * self.width..((block + 1) * self.width).min(self.images)
    }

    /// `d`, padded.
    fn depth(&self) -> usize {
        self.columns.next_multiple_of(PANEL)
    }

    /// Numbers in a block.
    pub(super) fn size(&self) -> usize {
        self.width * self.depth()
    }
}

/// The embeddings of one view of all images, in blocks of rows that are padded by zeros.
#[derive(Debug)]
pub struct View<T> {
    pub(super) cut: Cut,
    /// The panels of each block, `[d/PANEL][width][PANEL]`.
    panels: Aligned<T>,
    /// The panels of each block, `[width/PANEL][d][PANEL]`, with the rows as columns; empty unless they were asked for.
    across: Aligned<T>,
    /// The divisor of each row, if it was divided; else its norm.
    norms: Vec<f64>,
    normalized: bool,
}

impl<T: Number> View<T> {
    /// Prepares a view of an array.
    ///
    /// # Errors
    /// [`InputError::NotFinite`] and, where rows are to be normalised, [`InputError::ZeroVector`], which name the entry or
    /// row; where they are not, [`Error::Overflow`] of a norm; [`Error::OutOfMemory`]; those of the arrays.
    pub(super) fn new<A: Arrays<T>>(
        arrays: &A,
        (array, index): (Array, usize),
        cut: Cut,
        transposed: bool,
        normalize: bool,
        team: &Team<'_>,
    ) -> Result<Self, A::Error> {
        let (blocks, size) = (cut.blocks(), cut.size());
        let mut panels = Aligned::zeros(blocks * size)?;
        let mut across = Aligned::zeros(if transposed { blocks * size } else { 0 })?;
        let mut norms = zeros::<f64>(cut.images)?;
        // A few blocks at a time, so that what is widened or made contiguous on the way is never much.
        let together = ((1 << 20) / (size * size_of::<T>())).max(1);
        let mut rows = zeros::<T>(together.min(blocks) * cut.width * cut.columns)?;
        let mut across_parts = across.chunks_mut(together * size);
        for (chunk, (panels, norms)) in
            panels.chunks_mut(together * size).zip(norms.chunks_mut(together * cut.width)).enumerate()
        {
            let start = chunk * together * cut.width;
            let rows = &mut rows[..norms.len() * cut.columns];
            arrays.copy(array, index, start, rows)?;
            let mut across_parts = across_parts.next().unwrap_or_default().chunks_mut(size);
            let parts = panels.chunks_mut(size).zip(norms.chunks_mut(cut.width));
            let parts = parts.zip(rows.chunks_mut(cut.width * cut.columns));
            let parts = parts.map(|((panels, norms), rows)| (panels, norms, rows, across_parts.next()));
            let parts: Vec<_> = parts.collect();
            let blocks = parts.len();
            let parts = Blocks::new(parts);
            team.each(
                blocks,
                || (),
                |(), block| {
                    let (panels, norms, rows, across) = &mut *parts.only(block);
                    prepare(rows, norms, cut.columns, normalize);
                    for (r, row) in rows.chunks(cut.columns).enumerate() {
                        for (k, entries) in row.chunks(PANEL).enumerate() {
                            let at = (k * cut.width + r) * PANEL;
                            panels[at..at + entries.len()].copy_from_slice(entries);
                        }
                    }
                    if let Some(across) = across {
                        transpose(panels, across, cut.width);
                    }
                },
            );
        }

        // NaN is no number that anything is equal to.
        let bad = |norm: &f64| !norm.is_finite() || (normalize && *norm == 0.0);
        if let Some(image) = norms.iter().position(bad) {
            return Err(refusal(arrays, array, index, image, cut.columns)?);
        }
        Ok(Self { cut, panels, across, norms, normalized: normalize })
    }

    pub(super) fn panels(&self, block: usize) -> &[T] {
        &self.panels[block * self.cut.size()..][..self.cut.size()]
    }

    pub(super) fn across(&self, block: usize) -> &[T] {
        &self.across[block * self.cut.size()..][..self.cut.size()]
    }

    /// No inner product of two rows of such views is larger than the larger of these.
    pub(super) fn largest_square(&self) -> f64 {
        if self.normalized {
            return 1.0;
        }
        self.norms.iter().fold(0.0, |largest: f64, norm| largest.max(norm * norm))
    }

    /// The inner products of the rows of a block with those of another view, one with one.
    pub(super) fn products_with(&self, other: &Self, block: usize, out: &mut [f64]) {
        paired(self.panels(block), other.panels(block), self.cut.width, out);
    }

    /// Turns a block of the gradient by the prepared rows into that by the rows as they were given, times `scale`.
    pub(super) fn finish(&self, block: usize, gradient: &[T], scale: f64, out: &mut [T]) {
        let norms = self.normalized.then(|| &self.norms[self.cut.images_of(block)]);
        finish(self.panels(block), gradient, norms, scale, self.cut, out);
    }

    /// Gives back the memory of what only scores are made of.
    pub(super) fn forget_across(&mut self) {
        self.across = Aligned::empty();
    }
}

/// The error about the row of an image, which has a number that is not finite, only zeros, or a norm beyond the range.
fn refusal<T: Number, A: Arrays<T>>(
    arrays: &A,
    array: Array,
    view: usize,
    image: usize,
    columns: usize,
) -> Result<A::Error, A::Error> {
    let mut row = vec![T::default(); columns];
    arrays.copy(array, view, image, &mut row)?;
    let argument = array.row(view, image);
    let error = match row.iter().position(|number| !number.to_f64().is_finite()) {
        Some(column) => {
            let argument = format!("{argument}[{column}]");
            Error::from(InputError::NotFinite { argument, value: row[column].to_f64() })
        }
        None if row.iter().all(|number| number.to_f64() == 0.0) => InputError::ZeroVector { argument }.into(),
        // Only rows that are not normalised may have squares beyond the range.
        None => Error::Overflow {
            argument: format!("norm of {argument}"),
            value: f64::INFINITY,
            precision: T::PRECISION,
        },
    };
    Ok(error.into())
}

/// The sum of products, in `f64`.
#[inline(always)]
fn dot<T: Number>(x: &[T; PANEL], y: &[T; PANEL], sums: &mut [f64; PANEL]) {
    for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
        *sum = x.to_f64().mul_add(y.to_f64(), *sum);
    }
}

/// The sum of partial sums, by halves: one behind the other they would wait for each other.
#[inline(always)]
fn add_up(mut sums: [f64; PANEL]) -> f64 {
    let mut half = PANEL / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0]
}

vector_code! {
    /// Norms of rows, and the rows divided by them.
    fn prepare<T: Number>(_, rows: &mut [T], norms: &mut [f64], columns: usize, normalize: bool) {
        for (row, norm) in rows.chunks_mut(columns).zip(norms) {
            let square = |x: f64| x * x;
            let mut sums = [0.0; PANEL];
            let (parts, rest) = row.as_chunks::<PANEL>();
            for part in parts {
                dot(part, part, &mut sums);
            }
            *norm = (add_up(sums) + rest.iter().map(|x| square(x.to_f64())).sum::<f64>()).sqrt();
            if !normalize || (*norm == 0.0 && row.iter().all(|x| x.to_f64() == 0.0)) || norm.is_nan() {
                continue;
            }
            if (1e-100..1e100).contains(norm) {
                let factor = norm.recip();
                row.iter_mut().for_each(|x| *x = T::from_f64(x.to_f64() * factor));
            } else {
                // The squares left the range of numbers, not the row.
                let largest = row.iter().fold(0.0, |largest: f64, x| largest.max(x.to_f64().abs()));
                let relative = row.iter().map(|x| square(x.to_f64() / largest)).sum::<f64>().sqrt();
                row.iter_mut().for_each(|x| *x = T::from_f64(x.to_f64() / largest / relative));
                *norm = relative * largest;
            }
        }
    }

    /// Panels of rows as panels of columns.
    fn transpose<T: Number>(_, panels: &[T], across: &mut [T], width: usize) {
        let depth = panels.len() / width;
        for (k, panel) in panels.chunks_exact(width * PANEL).enumerate() {
            for (strip, rows) in panel.as_chunks::<PANEL>().0.chunks_exact(PANEL).enumerate() {
                let at = (strip * depth + k * PANEL) * PANEL;
                let (across, _) = across[at..at + PANEL * PANEL].as_chunks_mut::<PANEL>();
                for (j, across) in across.iter_mut().enumerate() {
                    for (across, row) in across.iter_mut().zip(rows) {
                        *across = row[j];
                    }
                }
            }
        }
    }

    /// The inner products of rows, one with one, of blocks in panels.
    fn paired<T: Number>(_, x: &[T], y: &[T], width: usize, out: &mut [f64]) {
        for (r, out) in out.iter_mut().enumerate() {
            let mut sums = [0.0; PANEL];
            let rows = x.as_chunks::<PANEL>().0.iter().zip(y.as_chunks::<PANEL>().0).skip(r).step_by(width);
            for (x, y) in rows {
                dot(x, y, &mut sums);
            }
            *out = add_up(sums);
        }
    }

    /// `target_r += factors[r] source_r`, of blocks in panels.
    pub fn add_scaled<T: Number>(simd, source: &[T], factors: &[f64], width: usize, target: &mut [T]) {
        for (source, target) in source.chunks_exact(width * PANEL).zip(target.chunks_exact_mut(width * PANEL)) {
            let rows = source.chunks_exact(PANEL).zip(target.chunks_exact_mut(PANEL));
            for ((source, target), factor) in rows.zip(factors) {
                let factor = T::splat(simd, T::from_f64(*factor));
                for (target, source) in T::vectors_mut::<S>(target).iter_mut().zip(T::vectors::<S>(source)) {
                    *target = T::multiply_add_each(simd, *source, factor, *target);
                }
            }
        }
    }

    /// `scale·g`, and where rows `z` were normalised `scale·(g - (g·z) z)/norm`, from panels to rows.
    fn finish<T: Number>(
        _,
        panels: &[T],
        gradient: &[T],
        norms: Option<&[f64]>,
        scale: f64,
        cut: Cut,
        out: &mut [T],
    ) {
        let (panels, gradient) = (panels.as_chunks::<PANEL>().0, gradient.as_chunks::<PANEL>().0);
        for (r, out) in out.chunks_mut(cut.columns).enumerate() {
            let z = || panels.iter().skip(r).step_by(cut.width);
            let g = || gradient.iter().skip(r).step_by(cut.width);
            let (along, factor) = match norms {
                Some(norms) => {
                    let mut sums = [0.0; PANEL];
                    for (z, g) in z().zip(g()) {
                        dot(z, g, &mut sums);
                    }
                    (add_up(sums), scale / norms[r])
                }
                None => (0.0, scale),
            };
            for (out, (z, g)) in out.chunks_mut(PANEL).zip(z().zip(g())) {
                for (out, (z, g)) in out.iter_mut().zip(z.iter().zip(g)) {
                    *out = T::from_f64((g.to_f64() - along * z.to_f64()) * factor);
                }
            }
        }
    }
}

//! Small products of f64 matrices that stay in registers, and how their factors are laid out in memory.

use crate::real::Dd;
use pulp::Simd;

/// `sum_rc = Σ_k a_kr · b_kc`.
#[inline(always)]
fn tile<S: Simd, const R: usize, const C: usize>(simd: S, a: &[[f64; R]], b: &[[f64; C]]) -> [[f64; C]; R] {
    match C / S::F64_LANES {
        1 => tile_of_vectors::<S, R, C, 1>(simd, a, b),
        2 => tile_of_vectors::<S, R, C, 2>(simd, a, b),
        4 => tile_of_vectors::<S, R, C, 4>(simd, a, b),
        _ => tile_of_vectors::<S, R, C, 8>(simd, a, b),
    }
}

/// The same for rows of `V` vectors.
#[inline(always)]
fn tile_of_vectors<S: Simd, const R: usize, const C: usize, const V: usize>(
    simd: S,
    a: &[[f64; R]],
    b: &[[f64; C]],
) -> [[f64; C]; R] {
    let mut sums = [[simd.splat_f64s(0.0); V]; R];
    for (a, b) in a.iter().zip(b) {
        let (b, _) = S::as_simd_f64s(b);
        for (sums, a) in sums.iter_mut().zip(a) {
            let a = simd.splat_f64s(*a);
            for (sum, b) in sums.iter_mut().zip(b) {
                *sum = simd.mul_add_f64s(a, *b, *sum);
            }
        }
    }
    let mut result = [[0.0; C]; R];
    for (result, sums) in result.iter_mut().zip(&sums) {
        S::as_mut_simd_f64s(result).0.copy_from_slice(sums);
    }
    result
}

/// A number as a multiple of `grid` and the rest, for `|x| <= 2⁵¹ grid`.
#[inline(always)]
pub(super) fn split(x: Dd, grid: f64) -> (f64, f64) {
    let shift = grid * 6_755_399_441_055_744.0;
    let high = (x.hi + shift) - shift;
    (high, (x.hi - high) + x.lo)
}

/// `R` rows of a left factor: their high parts along the depth, then the low ones, then their sums.
pub(super) struct Left<const R: usize> {
    pub(super) panel: Vec<[f64; R]>,
}

impl<const R: usize> Left<R> {
    /// Replaces the rows by at most `R` others of `depth` numbers each.
    #[inline(always)]
    pub(super) fn set_rows(&mut self, rows: &[Dd], depth: usize, grid: f64) {
        self.panel.clear();
        self.panel.resize(3 * depth, [0.0; R]);
        let (high, rest) = self.panel.split_at_mut(depth);
        let (low, whole) = rest.split_at_mut(depth);
        for (r, row) in rows.chunks_exact(depth).enumerate() {
            for (((x, high), low), whole) in row.iter().zip(&mut *high).zip(&mut *low).zip(&mut *whole) {
                (high[r], low[r]) = split(*x, grid);
                whole[r] = x.hi;
            }
        }
    }
}

/// A right factor: `C` columns a panel, in each the high parts along `depth`, then the low ones.
pub(super) struct Right<const C: usize> {
    depth: usize,
    panels: Vec<[f64; C]>,
}

impl<const C: usize> Right<C> {
    /// From rows of `depth` numbers each, which become columns.
    #[inline(always)]
    pub(super) fn of_rows(rows: &[Dd], depth: usize, grid: f64) -> Self {
        let mut panels = vec![[0.0; C]; 2 * depth * (rows.len() / depth).div_ceil(C)];
        for (rows, panel) in rows.chunks(C * depth).zip(panels.chunks_exact_mut(2 * depth)) {
            let (high, low) = panel.split_at_mut(depth);
            for (c, row) in rows.chunks_exact(depth).enumerate() {
                for ((x, high), low) in row.iter().zip(&mut *high).zip(&mut *low) {
                    (high[c], low[c]) = split(*x, grid);
                }
            }
        }
        Self { depth, panels }
    }

    /// From rows of `d` numbers each, which stay rows: their number is the depth.
    #[inline(always)]
    pub(super) fn of_columns(rows: &[Dd], d: usize, grid: f64) -> Self {
        let depth = rows.len() / d;
        let mut panels = vec![[0.0; C]; 2 * depth * d.div_ceil(C)];
        for (k, row) in rows.chunks_exact(d).enumerate() {
            for (row, panel) in row.chunks(C).zip(panels.chunks_exact_mut(2 * depth)) {
                let (high, low) = panel.split_at_mut(depth);
                for ((x, high), low) in row.iter().zip(&mut high[k]).zip(&mut low[k]) {
                    (*high, *low) = split(*x, grid);
                }
            }
        }
        Self { depth, panels }
    }

    pub(super) fn panels(&self) -> impl Iterator<Item = &[[f64; C]]> {
        self.panels.chunks_exact(2 * self.depth)
    }
}

/// The product of two panels, as the product of the high parts, which is exact on suitable grids, and the
/// rest: `(A₁ + A₂)(B₁ + B₂) = A₁B₁ + [A₂ A][B₁ B₂]`.
#[inline(always)]
pub(super) fn product<S: Simd, const R: usize, const C: usize>(
    simd: S,
    left: &Left<R>,
    right: &[[f64; C]],
) -> ([[f64; C]; R], [[f64; C]; R]) {
    let depth = right.len() / 2;
    let (high, low_and_whole) = left.panel.split_at(depth);
    (tile(simd, high, &right[..depth]), tile(simd, low_and_whole, right))
}

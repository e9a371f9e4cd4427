//! Products of matrices to more than 60 bits, at a few times the cost of one f64 product.
//!
//! Each factor is cut into a part on a grid, so coarse that all sums of products of such parts are exact in
//! f64, in whatever order they are formed, and a rest some 2⁻²⁷ as large, for which plain f64 does (Ozaki et
//! al. 2012, with two parts).
//!
//! # Bounds
//! A grid is 2⁻²⁶ of a power of 2, its unit, which is 0.8 to 1.6 times a size. For rows the size is the largest
//! norm. Their parts on the grid have norms below 1.26 units, so that each partial sum of a product of two is
//! a multiple of 2⁻⁵² units², and below 2 units²: exact. The rests have norms below `√d·2⁻²⁷` units, and `2d`
//! products with them are summed in f64, so that a product of two rows is right to `4·1.6·d·√d·2⁻⁸⁰` of the
//! largest squared norm: 2⁻⁶³·⁸ at d = 512.
//!
//! Weights are cut on a grid for each run of [`DEPTH`] of a row, whose size is the run's absolute sum `S`. The
//! rests add up to `1.6·DEPTH·2⁻²⁷·S`, and meet rows of norm 1; the weights themselves meet the rests of rows,
//! of norm `1.6·√d·2⁻²⁷`. Both together are less than `2⁻¹⁹·S` up to d = 512, and f64 sums of `2·DEPTH` such
//! products are right to `2⁻⁶⁴·S`. The runs are added up in double-double.

mod exponential;
mod tile;

use super::vector::{arch, vector_code};
use super::{Dd, two_sum};
use crate::parallel;
use pulp::Simd;
use tile::{Left, Right, product, split};

/// Rows in a block of scores, and in a strip of gradients.
const SIDE: usize = 64;
/// Weights of one row that are cut on the same grid.
const DEPTH: usize = 128;
/// A unit's grid.
const GRID: f64 = 1.0 / (1 << 26) as f64;

/// The grid for numbers of absolute sum or norm `size`.
#[inline(always)]
fn grid(size: f64) -> f64 {
    const EXPONENT: u64 = 0x7ff << 52;
    f64::from_bits((1.6 * size).to_bits() & EXPONENT) * GRID
}

/// The grid on which rows of `d` numbers are cut.
fn grid_of_rows(rows: &[Dd], d: usize) -> f64 {
    grid(largest_square(rows, d).sqrt())
}

vector_code! {
    /// The largest squared norm of a row.
    fn largest_square(_, rows: &[Dd], d: usize) -> f64 {
        let mut largest: f64 = 0.0;
        for row in rows.chunks_exact(d) {
            let mut sums = [0.0; 8];
            for row in row.chunks(8) {
                for (sum, x) in sums.iter_mut().zip(row) {
                    *sum += x.hi * x.hi;
                }
            }
            largest = largest.max(sums.iter().sum());
        }
        largest
    }
}

/// The number of f64 in a vector of the instructions in use.
pub(super) fn lanes() -> usize {
    struct Lanes;
    impl pulp::WithSimd for Lanes {
        type Output = usize;
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F64_LANES
        }
    }
    arch().dispatch(Lanes)
}

/// All scores between rows: `result[i·n + j] = row_i · row_j`.
pub(super) fn gram(rows: &[Dd], d: usize) -> Vec<Dd> {
    if lanes() >= 8 { gram_in_tiles::<8, 16>(rows, d) } else { gram_in_tiles::<4, 8>(rows, d) }
}

fn gram_in_tiles<const R: usize, const C: usize>(rows: &[Dd], d: usize) -> Vec<Dd> {
    let n = rows.len() / d;
    let grid = grid_of_rows(rows, d);
    let mut scores = vec![Dd::ZERO; n * n];
    parallel::split(pairs_of_blocks(&mut scores, n), SIDE * SIDE * d / 8, |pairs| {
        fill_pairs::<R, C>(pairs, rows, d, grid);
    });
    scores
}

/// A block of scores above the diagonal with its mirror image below; on the diagonal the mirror is empty.
struct Pair<'a> {
    row: usize,
    column: usize,
    block: Vec<&'a mut [Dd]>,
    mirror: Vec<&'a mut [Dd]>,
}

/// The blocks of a symmetric matrix of `n` rows.
fn pairs_of_blocks(matrix: &mut [Dd], n: usize) -> Vec<Pair<'_>> {
    let count = n.div_ceil(SIDE);
    let mut blocks: Vec<Vec<&mut [Dd]>> = (0..count * count).map(|_| Vec::with_capacity(SIDE)).collect();
    for (i, row) in matrix.chunks_exact_mut(n).enumerate() {
        for (j, part) in row.chunks_mut(SIDE).enumerate() {
            blocks[i / SIDE * count + j].push(part);
        }
    }
    let mut pairs = Vec::with_capacity(count * (count + 1) / 2);
    for column in 0..count {
        for row in 0..=column {
            let block = std::mem::take(&mut blocks[row * count + column]);
            let mirror = std::mem::take(&mut blocks[column * count + row]);
            pairs.push(Pair { row, column, block, mirror });
        }
    }
    pairs
}

vector_code! {
    /// Fills pairs of blocks of scores, those of the same columns one after the other.
    fn fill_pairs<const R: usize, const C: usize>(
        simd,
        pairs: std::vec::IntoIter<Pair<'_>>,
        rows: &[Dd],
        d: usize,
        grid: f64,
    ) {
        let block_of = |index: usize| &rows[index * SIDE * d..rows.len().min((index + 1) * SIDE * d)];
        let mut left = Left::<R> { panel: Vec::new() };
        let mut columns: Option<(usize, Right<C>)> = None;
        for mut pair in pairs {
            let right = match columns.take() {
                Some((column, right)) if column == pair.column => right,
                _ => Right::of_rows(block_of(pair.column), d, grid),
            };
            for (p, rows) in block_of(pair.row).chunks(R * d).enumerate() {
                left.set_rows(rows, d, grid);
                for (q, right) in right.panels().enumerate() {
                    let (exact, rest) = product(simd, &left, right);
                    pair.put(p * R, q * C, &sums(&exact, &rest));
                }
            }
            columns = Some((pair.column, right));
        }
    }
}

#[inline(always)]
fn sums<const R: usize, const C: usize>(exact: &[[f64; C]; R], rest: &[[f64; C]; R]) -> [[Dd; C]; R] {
    let mut sums = [[Dd::ZERO; C]; R];
    for (sums, (exact, rest)) in sums.iter_mut().zip(exact.iter().zip(rest)) {
        for (sum, (exact, rest)) in sums.iter_mut().zip(exact.iter().zip(rest)) {
            *sum = two_sum(*exact, *rest);
        }
    }
    sums
}

impl Pair<'_> {
    /// Writes scores, from a row and a column of the block on; those outside the block are dropped.
    #[inline(always)]
    fn put<const R: usize, const C: usize>(&mut self, row: usize, column: usize, scores: &[[Dd; C]; R]) {
        for (into, scores) in self.block.iter_mut().skip(row).zip(scores) {
            put(&mut into[column..], scores);
        }
        for (c, into) in self.mirror.iter_mut().skip(column).take(C).enumerate() {
            put(&mut into[row..], &scores.map(|scores| scores[c]));
        }
    }
}

/// Copies as many numbers as there is room for, all of them without a call in the common case.
#[inline(always)]
fn put<const N: usize>(into: &mut [Dd], numbers: &[Dd; N]) {
    match into.first_chunk_mut::<N>() {
        Some(into) => *into = *numbers,
        None => into.iter_mut().zip(numbers).for_each(|(into, x)| *into = *x),
    }
}

/// `into_i += Σ_j (weights_ij + weights_ji) · row_j`.
pub(super) fn spread(into: &mut [Dd], weights: &[Dd], rows: &[Dd], d: usize) {
    if lanes() >= 8 {
        spread_in_tiles::<8, 16>(into, weights, rows, d);
    } else {
        spread_in_tiles::<4, 8>(into, weights, rows, d);
    }
}

fn spread_in_tiles<const R: usize, const C: usize>(into: &mut [Dd], weights: &[Dd], rows: &[Dd], d: usize) {
    let n = rows.len() / d;
    let grid = grid_of_rows(rows, d);
    let strips = into.chunks_mut(SIDE * d).enumerate().collect();
    parallel::split(strips, SIDE * n * d / 8, |strips| {
        fill_strips::<R, C>(strips.collect(), weights, rows, d, grid);
    });
}

vector_code! {
    /// Adds to strips of `SIDE` rows what weights bring them.
    fn fill_strips<const R: usize, const C: usize>(
        simd,
        strips: Vec<(usize, &mut [Dd])>,
        weights: &[Dd],
        rows: &[Dd],
        d: usize,
        grid: f64,
    ) {
        let (n, mut strips) = (rows.len() / d, strips);
        let mut left = Left::<R> { panel: Vec::new() };
        let mut below = vec![[Dd::ZERO; SIDE]; DEPTH];
        for (k, rows) in rows.chunks(DEPTH * d).enumerate() {
            let (right, depth) = (Right::<C>::of_columns(rows, d, grid), rows.len() / d);
            for (strip, into) in &mut strips {
                let first = *strip * SIDE;
                // In long runs, since neighbours in a column are far apart in memory.
                for (below, row) in below.iter_mut().zip(weights[k * DEPTH * n..].chunks_exact(n)) {
                    let run = &row[first..n.min(first + SIDE)];
                    below[..run.len()].copy_from_slice(run);
                }
                for (p, into) in into.chunks_mut(R * d).enumerate() {
                    let above = &weights[(first + p * R) * n..];
                    left.set_sums(above, n, k * DEPTH, &below[..depth], p * R);
                    for (q, right) in right.panels().enumerate() {
                        let (exact, rest) = product(simd, &left, right);
                        let sums = sums(&exact, &rest);
                        for (into, sums) in into.chunks_exact_mut(d).zip(&sums) {
                            for (into, sum) in into[q * C..].iter_mut().zip(sums) {
                                *into = into.plus(*sum);
                            }
                        }
                    }
                }
            }
        }
    }
}

impl<const R: usize> Left<R> {
    /// Replaces the rows by sums of weights: on one side `R` rows of `n`, from a column on, on the other as
    /// many rows as the sums are deep, from position `first` on.
    #[inline(always)]
    fn set_sums(&mut self, above: &[Dd], n: usize, column: usize, below: &[[Dd; SIDE]], first: usize) {
        let depth = below.len();
        let none = [Dd::ZERO; DEPTH];
        let above: [&[Dd]; R] = std::array::from_fn(|r| {
            let start = r * n + column;
            above.get(start..start + depth).unwrap_or(&none[..depth])
        });
        self.panel.clear();
        self.panel.resize(3 * depth, [0.0; R]);
        let (high, rest) = self.panel.split_at_mut(depth);
        let (low, whole) = rest.split_at_mut(depth);
        let mut sizes = [0.0; R];
        for (k, ((low, whole), below)) in low.iter_mut().zip(&mut *whole).zip(below).enumerate() {
            for (r, below) in below[first..first + R].iter().enumerate() {
                let sum = two_sum(above[r][k].hi, below.hi);
                (whole[r], low[r]) = (sum.hi, sum.lo + (above[r][k].lo + below.lo));
                sizes[r] += sum.hi.abs();
            }
        }
        let grids = sizes.map(grid);
        for ((high, low), whole) in high.iter_mut().zip(low).zip(whole) {
            for r in 0..R {
                (high[r], low[r]) = split(Dd::new(whole[r], low[r]), grids[r]);
            }
        }
    }
}

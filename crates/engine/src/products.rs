//! The products of a tile: scores of rows with rows, and weights with rows.
//!
//! Each is a sum of outer products, whose results stay in registers: of `MR` rows by [`VECTORS`] vectors of
//! columns. Matrices lie in *panels* of [`PANEL`] columns, row behind row, so that what is read together lies
//! together.

use super::number::Number;
use pulp::Simd;

/// Columns of a panel.
pub const PANEL: usize = 32;
/// Vectors of columns that a product is formed of at a time.
const VECTORS: usize = 2;

/// Compiles a body for as many rows at a time as the registers hold.
macro_rules! by_registers {
    ($simd:ident, $rows:ident => $body:expr) => {
        if S::REGISTER_COUNT >= 32 {
            const $rows: usize = 8;
            $body
        } else {
            const $rows: usize = 4;
            $body
        }
    };
}

/// `out[i][j] = Σ_k x_i[k] y_j[k]`, for `width` rows each.
///
/// `x`: panels `[d/PANEL][width][PANEL]`. `across`: the transposed of the `y`, panels `[width/PANEL][d][PANEL]`.
/// `out`: `[width][width]`.
#[inline(always)]
pub fn scores<S: Simd, T: Number>(simd: S, width: usize, x: &[T], across: &[T], out: &mut [T]) {
    by_registers!(simd, ROWS => scores_by::<S, T, ROWS>(simd, width, x, across, out));
}

#[inline(always)]
fn scores_by<S: Simd, T: Number, const ROWS: usize>(
    simd: S,
    width: usize,
    x: &[T],
    across: &[T],
    out: &mut [T],
) {
    let depth = across.len() / width;
    let step = VECTORS * lanes::<S, T>();
    // The two outer loops and `offset` pick a patch of the result, `ROWS` rows by `step` columns. The inner ones go over
    // the `d` columns of the embeddings and add an outer product to the patch for each. It is written once, at the end.
    for (panel, across) in across.chunks_exact(depth * PANEL).enumerate() {
        for (strip, out) in out.chunks_exact_mut(ROWS * width).enumerate() {
            for offset in (0..PANEL).step_by(step) {
                let mut sums = [[T::splat(simd, T::default()); VECTORS]; ROWS];
                for (x, across) in x.chunks_exact(width * PANEL).zip(across.chunks_exact(PANEL * PANEL)) {
                    let x: [&[T; PANEL]; ROWS] = rows(&x[strip * ROWS * PANEL..]);
                    // A panel's columns `k`: one number of each of the rows, and a run of numbers of the other side's.
                    for (k, across) in across.as_chunks::<PANEL>().0.iter().enumerate() {
                        let y = pair::<S, T>(&across[offset..offset + step]);
                        let x: [T; ROWS] = std::array::from_fn(|row| x[row][k]);
                        accumulate(simd, &mut sums, x, y);
                    }
                }
                for (row, sums) in sums.iter().enumerate() {
                    let at = row * width + panel * PANEL + offset;
                    T::vectors_mut::<S>(&mut out[at..at + step]).copy_from_slice(sums);
                }
            }
        }
    }
}

/// `out_i += Σ_j weights[i][j] y_j`; `y` and `out` in panels `[d/PANEL][width][PANEL]`.
#[inline(always)]
pub fn add_by_rows<S: Simd, T: Number>(simd: S, width: usize, weights: &[T], y: &[T], out: &mut [T]) {
    by_registers!(simd, ROWS => add_by_rows_by::<S, T, ROWS>(simd, width, weights, y, out));
}

#[inline(always)]
fn add_by_rows_by<S: Simd, T: Number, const ROWS: usize>(
    simd: S,
    width: usize,
    weights: &[T],
    y: &[T],
    out: &mut [T],
) {
    let step = VECTORS * lanes::<S, T>();
    for (y, out) in y.chunks_exact(width * PANEL).zip(out.chunks_exact_mut(width * PANEL)) {
        for (weights, out) in weights.chunks_exact(ROWS * width).zip(out.chunks_exact_mut(ROWS * PANEL)) {
            // The weights of `ROWS` rows, cut into runs of `PANEL`, so that the compiler knows their length.
            let weights: [&[[T; PANEL]]; ROWS] =
                std::array::from_fn(|row| weights[row * width..][..width].as_chunks().0);
            for offset in (0..PANEL).step_by(step) {
                let mut sums = [[T::splat(simd, T::default()); VECTORS]; ROWS];
                for (block, y) in y.chunks_exact(PANEL * PANEL).enumerate() {
                    let weights: [&[T; PANEL]; ROWS] = std::array::from_fn(|row| &weights[row][block]);
                    for (j, y) in y.as_chunks::<PANEL>().0.iter().enumerate() {
                        let y = pair::<S, T>(&y[offset..offset + step]);
                        let weights: [T; ROWS] = std::array::from_fn(|row| weights[row][j]);
                        accumulate(simd, &mut sums, weights, y);
                    }
                }
                add(simd, &sums, out, offset);
            }
        }
    }
}

/// `out_j += Σ_i weights[i][j] x_i`; `x` and `out` in panels `[d/PANEL][width][PANEL]`.
#[inline(always)]
pub fn add_by_columns<S: Simd, T: Number>(simd: S, width: usize, weights: &[T], x: &[T], out: &mut [T]) {
    by_registers!(simd, ROWS => add_by_columns_by::<S, T, ROWS>(simd, width, weights, x, out));
}

#[inline(always)]
fn add_by_columns_by<S: Simd, T: Number, const ROWS: usize>(
    simd: S,
    width: usize,
    weights: &[T],
    x: &[T],
    out: &mut [T],
) {
    let step = VECTORS * lanes::<S, T>();
    for (x, out) in x.chunks_exact(width * PANEL).zip(out.chunks_exact_mut(width * PANEL)) {
        for (strip, out) in out.chunks_exact_mut(ROWS * PANEL).enumerate() {
            for offset in (0..PANEL).step_by(step) {
                let mut sums = [[T::splat(simd, T::default()); VECTORS]; ROWS];
                // A row `i` of the tile: its embedding, and its weights with the strip's `ROWS` columns.
                for (x, weights) in x.as_chunks::<PANEL>().0.iter().zip(weights.chunks_exact(width)) {
                    let y = pair::<S, T>(&x[offset..offset + step]);
                    let weights: &[T; ROWS] = &weights.as_chunks().0[strip];
                    accumulate(simd, &mut sums, *weights, y);
                }
                add(simd, &sums, out, offset);
            }
        }
    }
}

#[inline(always)]
const fn lanes<S: Simd, T: Number>() -> usize {
    size_of::<T::Vector<S>>() / size_of::<T>()
}

/// The first `ROWS` rows of a panel.
#[inline(always)]
fn rows<T, const ROWS: usize>(panel: &[T]) -> [&[T; PANEL]; ROWS] {
    let panel = &panel.as_chunks::<PANEL>().0[..ROWS];
    std::array::from_fn(|row| &panel[row])
}

#[inline(always)]
fn pair<S: Simd, T: Number>(numbers: &[T]) -> [T::Vector<S>; VECTORS] {
    let vectors = T::vectors::<S>(numbers);
    [vectors[0], vectors[1]]
}

#[inline(always)]
fn accumulate<S: Simd, T: Number, const ROWS: usize>(
    simd: S,
    sums: &mut [[T::Vector<S>; VECTORS]; ROWS],
    x: [T; ROWS],
    y: [T::Vector<S>; VECTORS],
) {
    for (sums, x) in sums.iter_mut().zip(x) {
        let x = T::splat(simd, x);
        for (sum, y) in sums.iter_mut().zip(y) {
            *sum = T::multiply_add_each(simd, x, y, *sum);
        }
    }
}

#[inline(always)]
fn add<S: Simd, T: Number, const ROWS: usize>(
    simd: S,
    sums: &[[T::Vector<S>; VECTORS]; ROWS],
    out: &mut [T],
    offset: usize,
) {
    let step = VECTORS * lanes::<S, T>();
    for (sums, out) in sums.iter().zip(out.chunks_exact_mut(PANEL)) {
        for (sum, out) in sums.iter().zip(T::vectors_mut::<S>(&mut out[offset..offset + step])) {
            *out = T::add_each(simd, *sum, *out);
        }
    }
}

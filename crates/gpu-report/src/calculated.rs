//! What a card should take, by calculation: see "On an H100, by calculation" in `notes/performance.md`.

/// From the data sheet of the SXM module of the H100: bytes a second to memory, operations a second in f32 outside the
/// tensor cores, and exponentials a second (132 processors, 16 a cycle each, 1.98 GHz).
const BYTES: f64 = 3.35e12;
const OPERATIONS: f64 = 67e12;
const EXPONENTIALS: f64 = 132.0 * 16.0 * 1.98e9;
/// Seconds that a launch takes.
const LAUNCH: f64 = 4e-6;
/// Operators that a tile goes through in both passes.
const A_TILE: usize = 20;
/// Columns of an embedding, and bytes of a number.
const DIMENSION: f64 = 128.0;
const FLOAT: f64 = 4.0;

/// What is calculated of a loss at a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calculated {
    /// Milliseconds of the two products `Z Zᵀ` and `G Z`, by arithmetic or by memory.
    pub floor_ms: f64,
    /// Milliseconds that a step takes at least, by arithmetic.
    pub least_ms: f64,
    /// Operators on tiles.
    pub kernels: usize,
    /// Milliseconds of their launches, where nothing overlaps.
    pub launches_ms: f64,
    /// Bytes of the scores, which the two products hold.
    pub floor_bytes: f64,
    /// Bytes of the embeddings and their gradient.
    pub least_bytes: f64,
}

/// Of a loss with so many pairs of views that are contrasted, at `B` images.
pub fn of(contrasts: usize, images: usize) -> Calculated {
    let rows = 2.0 * images as f64;
    // A contrast is two products of `2 d` operations for each of `rows²` scores.
    let products = 4.0 * DIMENSION * rows * rows / OPERATIONS;
    let exponentials = rows * rows / EXPONENTIALS;
    let floor_bytes = FLOAT * rows * rows;
    let kernels = contrasts * tiles(2 * images) * A_TILE;
    Calculated {
        // The scores are written and read again.
        floor_ms: 1e3 * products.max(2.0 * floor_bytes / BYTES),
        least_ms: 1e3 * contrasts as f64 * (products + exponentials),
        kernels,
        launches_ms: 1e3 * LAUNCH * kernels as f64,
        floor_bytes,
        least_bytes: 2.0 * FLOAT * DIMENSION * rows,
    }
}

/// The tiles at and above the diagonal, of the width that production takes.
fn tiles(rows: usize) -> usize {
    let width = (rows / 8).clamp(256, 1024).min(rows.max(1));
    let across = rows.div_ceil(width);
    across * (across + 1) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures that `notes/performance.md` gives for `B = 4096`.
    #[test]
    fn the_calculation_is_that_of_the_notes() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 0.01 * b, "{a}, not {b}");
        let simclr = of(1, 4096);
        close(simclr.floor_ms, 0.5129);
        close(simclr.least_ms, 0.5290);
        assert_eq!(simclr.kernels, 36 * 20);
        close(simclr.launches_ms, 2.88);
        let robust = of(2, 4096);
        close(robust.least_ms, 2.0 * simclr.least_ms);
        assert_eq!(robust.kernels, 2 * simclr.kernels);
        // Small batches are one tile, and bound by memory nowhere.
        assert_eq!(of(1, 64).kernels, 20);
    }
}

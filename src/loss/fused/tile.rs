//! What is done with the scores of a tile: sums of the kernel `h = exp s`, and weights from it.
//!
//! Scores come as inner products. Exponentials are relative to a shift of each anchor, so that they neither overflow
//! nor vanish.

use super::number::{LANES, Number, Parts};
use super::vectors::vector_code;

/// What an estimator sums over the negatives of an anchor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kernel<T> {
    /// `g0`: `Σ h`.
    Plain,
    /// `g1`: `Σ (h - F)`.
    AboveFloor,
    /// `g2` with `β = 1`: `Σ w (h - F)` and `Σ w` with `w = h`.
    Weighted,
    /// `g2`: the same with `w = h^β`, whose exponents are these.
    Powers { beta: T, exponents: Exponents<T> },
}

/// How exponents of 2 are made of inner products: `scale (product - offset) - shift`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Exponents<T> {
    pub(super) scale: Parts<T>,
    pub(super) shift: Parts<T>,
}

/// Numbers of the anchors of a block.
#[derive(Debug, Clone)]
pub struct Anchors<T> {
    /// The largest inner product, where anchors have shifts of their own.
    pub(super) offset: Vec<T>,
    /// `F` relative to the shift.
    pub(super) floor: Vec<T>,
    /// The derivative of the loss by the anchor's statistic over the sum that divides it; 0 until it is known.
    pub(super) factor: Vec<T>,
    /// The mean of `h - F` by the weights.
    pub(super) mean: Vec<T>,
}

/// Sums of the anchors on the rows and on the columns of a tile.
#[derive(Debug, Clone, Default)]
pub struct Sums<T> {
    pub(super) rows: Vec<[T; 2]>,
    /// Totals, and then weights.
    pub(super) columns: [Vec<T>; 2],
}

impl<T: Number> Sums<T> {
    pub(super) fn new(width: usize) -> Self {
        let zeros = || vec![T::default(); width];
        Self { rows: vec![[T::default(); 2]; width], columns: [zeros(), zeros()] }
    }
}

/// The anchors of a tile, with what their exponents have in common.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a, T> {
    pub(super) rows: &'a Anchors<T>,
    pub(super) columns: &'a Anchors<T>,
    /// Of `h`.
    pub(super) exponents: Exponents<T>,
    /// Whether no anchor has an offset, so that one exponential of a score serves both of its anchors.
    pub(super) shared: bool,
}

const PLAIN: usize = 0;
const ABOVE_FLOOR: usize = 1;
const WEIGHTED: usize = 2;
const POWERS: usize = 3;

/// Compiles a function for each kernel and kind of shift.
macro_rules! for_each_kernel {
    ($kernel:expr, $shared:expr, $function:ident ( $($argument:expr),* )) => {
        match ($kernel, $shared) {
            (Kernel::Plain, true) => $function::<T, PLAIN, true>($($argument),*),
            (Kernel::Plain, false) => $function::<T, PLAIN, false>($($argument),*),
            (Kernel::AboveFloor, true) => $function::<T, ABOVE_FLOOR, true>($($argument),*),
            (Kernel::AboveFloor, false) => $function::<T, ABOVE_FLOOR, false>($($argument),*),
            (Kernel::Weighted, true) => $function::<T, WEIGHTED, true>($($argument),*),
            (Kernel::Weighted, false) => $function::<T, WEIGHTED, false>($($argument),*),
            (Kernel::Powers { .. }, true) => $function::<T, POWERS, true>($($argument),*),
            (Kernel::Powers { .. }, false) => $function::<T, POWERS, false>($($argument),*),
        }
    };
}

vector_code! {
    /// Overwrites `out` by the sums over a tile.
    pub fn sum<T: Number>(_, kernel: Kernel<T>, scores: &[T], sides: Sides<'_, T>, out: &mut Sums<T>) {
        for_each_kernel!(kernel, sides.shared, sum_by(kernel, scores, sides, out));
    }

    /// Adds the derivatives by the scores of a tile, of the anchors on both of its sides.
    pub fn weigh<T: Number>(_, kernel: Kernel<T>, scores: &[T], sides: Sides<'_, T>, out: &mut [T]) {
        for_each_kernel!(kernel, sides.shared, weigh_by(kernel, scores, sides, out));
    }

    /// The largest score of each row and column, where it is larger than what is known.
    pub fn largest<T: Number>(_, scores: &[T], rows: &mut [T], columns: &mut [T]) {
        let width = columns.len();
        for (scores, row) in scores.chunks_exact(width).zip(rows) {
            let mut largest = [*row; LANES];
            let columns = columns.as_chunks_mut::<LANES>().0;
            for (scores, columns) in scores.as_chunks::<LANES>().0.iter().zip(columns) {
                for ((score, column), largest) in scores.iter().zip(columns).zip(&mut largest) {
                    *column = Number::max(*score, *column);
                    *largest = Number::max(*score, *largest);
                }
            }
            *row = largest.into_iter().fold(*row, Number::max);
        }
    }
}

/// A score as an anchor sees it.
#[derive(Clone, Copy)]
struct Seen<T> {
    /// `h`.
    kernel: T,
    /// `w`.
    weight: T,
    /// `h - F`.
    above_floor: T,
}

#[inline(always)]
fn see<T: Number, const KERNEL: usize, const SHARED: bool>(
    product: T,
    exponents: Exponents<T>,
    powers: Exponents<T>,
    anchors: &Anchors<T>,
    index: usize,
) -> Seen<T> {
    // What cancels is subtracted before it is multiplied; a shared shift is small enough to do without.
    let product = if SHARED { product } else { product - anchors.offset[index] };
    let kernel = T::power_of_two(product, exponents.scale, exponents.shift);
    let weight = match KERNEL {
        POWERS => T::power_of_two(product, powers.scale, powers.shift),
        _ => kernel,
    };
    Seen { kernel, weight, above_floor: kernel - anchors.floor[index] }
}

#[inline(always)]
fn beta_and_exponents<T: Number>(kernel: Kernel<T>) -> (T, Exponents<T>) {
    match kernel {
        Kernel::Powers { beta, exponents } => (beta, exponents),
        _ => (T::from_f64(1.0), Exponents::default()),
    }
}

#[inline(always)]
fn sum_by<T: Number, const KERNEL: usize, const SHARED: bool>(
    kernel: Kernel<T>,
    scores: &[T],
    sides: Sides<'_, T>,
    out: &mut Sums<T>,
) {
    let width = out.rows.len();
    let (_, powers) = beta_and_exponents(kernel);
    let term = |seen: Seen<T>, present: bool| {
        let total = match KERNEL {
            PLAIN => seen.kernel,
            ABOVE_FLOOR => seen.above_floor,
            _ => seen.weight * seen.above_floor,
        };
        let zero = T::default();
        if present { (total, seen.weight) } else { (zero, zero) }
    };
    let [totals, weights] = &mut out.columns;
    totals.fill(T::default());
    weights.fill(T::default());
    for (row, (scores, out)) in scores.chunks_exact(width).zip(&mut out.rows).enumerate() {
        let (mut total, mut weight) = ([T::default(); LANES], [T::default(); LANES]);
        let columns = totals.as_chunks_mut::<LANES>().0.iter_mut().zip(weights.as_chunks_mut::<LANES>().0);
        for (chunk, (scores, (totals, weights))) in
            scores.as_chunks::<LANES>().0.iter().zip(columns).enumerate()
        {
            for lane in 0..LANES {
                let score = scores[lane];
                let present = score > T::ABSENT;
                let (own, own_weight) =
                    term(see::<T, KERNEL, SHARED>(score, sides.exponents, powers, sides.rows, row), present);
                let (other, other_weight) = if SHARED {
                    (own, own_weight)
                } else {
                    let index = chunk * LANES + lane;
                    term(
                        see::<T, KERNEL, SHARED>(score, sides.exponents, powers, sides.columns, index),
                        present,
                    )
                };
                total[lane] += own;
                totals[lane] += other;
                if KERNEL == WEIGHTED || KERNEL == POWERS {
                    weight[lane] += own_weight;
                    weights[lane] += other_weight;
                }
            }
        }
        *out = [add_up(total), add_up(weight)];
    }
}

#[inline(always)]
fn weigh_by<T: Number, const KERNEL: usize, const SHARED: bool>(
    kernel: Kernel<T>,
    scores: &[T],
    sides: Sides<'_, T>,
    out: &mut [T],
) {
    let (rows, columns) = (sides.rows, sides.columns);
    let width = columns.floor.len();
    let (beta, powers) = beta_and_exponents(kernel);
    // The derivative of the weighted mean of `h - F` by a score is `w/Σw (h + β ((h - F) - mean))`: what cancels is
    // subtracted before it is multiplied.
    let share = |seen: Seen<T>, anchors: &Anchors<T>, index: usize| match KERNEL {
        PLAIN | ABOVE_FLOOR => anchors.factor[index],
        _ => (seen.above_floor - anchors.mean[index]).mul_add(beta, seen.kernel) * anchors.factor[index],
    };
    let outer =
        |seen: Seen<T>| if KERNEL == PLAIN || KERNEL == ABOVE_FLOOR { seen.kernel } else { seen.weight };
    for (row, (scores, out)) in scores.chunks_exact(width).zip(out.chunks_exact_mut(width)).enumerate() {
        let lanes = scores.as_chunks::<LANES>().0.iter().zip(out.as_chunks_mut::<LANES>().0);
        for (chunk, (scores, out)) in lanes.enumerate() {
            for lane in 0..LANES {
                let (score, index) = (scores[lane], chunk * LANES + lane);
                let seen = see::<T, KERNEL, SHARED>(score, sides.exponents, powers, rows, row);
                let weight = if SHARED {
                    (share(seen, rows, row) + share(seen, columns, index)) * outer(seen)
                } else {
                    let other = see::<T, KERNEL, SHARED>(score, sides.exponents, powers, columns, index);
                    share(seen, rows, row) * outer(seen) + share(other, columns, index) * outer(other)
                };
                out[lane] += if score > T::ABSENT { weight } else { T::default() };
            }
        }
    }
}

/// The sum of the lanes, in pairs.
#[inline(always)]
fn add_up<T: Number>(mut lanes: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = lanes[lane] + lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

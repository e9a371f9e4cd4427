//! The work on the scores of a tile: sums of the kernel `h = exp s`, and weights from it.
//!
//! Scores come as inner products. Exponentials are relative to a shift of each anchor, so that they neither overflow
//! nor vanish.

use super::number::{Number, Parts};
use super::vectors::vector_code;
use pulp::Simd;

/// The terms that an estimator sums over the negatives of an anchor.
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

/// The map from inner products to exponents of 2: `scale (product - offset) - shift`.
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
    /// The exponents of `h`.
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
    ($simd:ident, $kernel:expr, $shared:expr, $function:ident ( $($argument:expr),* )) => {
        match ($kernel, $shared) {
            (Kernel::Plain, true) => $function::<_, T, PLAIN, true>($simd, $($argument),*),
            (Kernel::Plain, false) => $function::<_, T, PLAIN, false>($simd, $($argument),*),
            (Kernel::AboveFloor, true) => $function::<_, T, ABOVE_FLOOR, true>($simd, $($argument),*),
            (Kernel::AboveFloor, false) => $function::<_, T, ABOVE_FLOOR, false>($simd, $($argument),*),
            (Kernel::Weighted, true) => $function::<_, T, WEIGHTED, true>($simd, $($argument),*),
            (Kernel::Weighted, false) => $function::<_, T, WEIGHTED, false>($simd, $($argument),*),
            (Kernel::Powers { .. }, true) => $function::<_, T, POWERS, true>($simd, $($argument),*),
            (Kernel::Powers { .. }, false) => $function::<_, T, POWERS, false>($simd, $($argument),*),
        }
    };
}

vector_code! {
    /// Overwrites `out` by the sums over a tile.
    pub fn sum<T: Number>(simd, kernel: Kernel<T>, scores: &[T], sides: Sides<'_, T>, out: &mut Sums<T>) {
        for_each_kernel!(simd, kernel, sides.shared, sum_by(kernel, scores, sides, out));
    }

    /// Adds the derivatives by the scores of a tile, of the anchors on both of its sides.
    pub fn weigh<T: Number>(simd, kernel: Kernel<T>, scores: &[T], sides: Sides<'_, T>, out: &mut [T]) {
        for_each_kernel!(simd, kernel, sides.shared, weigh_by(kernel, scores, sides, out));
    }

    /// The largest score of each row and column, where it is larger than what is known.
    pub fn largest<T: Number>(simd, scores: &[T], rows: &mut [T], columns: &mut [T]) {
        let width = columns.len();
        for (scores, row) in scores.chunks_exact(width).zip(rows) {
            let mut largest = T::splat(simd, *row);
            for (score, column) in T::vectors::<S>(scores).iter().zip(T::vectors_mut::<S>(columns)) {
                *column = T::max_each(simd, *score, *column);
                largest = T::max_each(simd, *score, largest);
            }
            *row = T::largest(simd, largest);
        }
    }
}

/// Scores as their anchors see them.
struct Seen<V> {
    /// `h`.
    kernel: V,
    /// `w`.
    weight: V,
    /// `h - F`.
    above_floor: V,
}

/// The map from inner products to exponents, in vectors.
#[derive(Clone, Copy)]
struct Ready<V> {
    exponents: (Parts<V>, Parts<V>),
    powers: (Parts<V>, Parts<V>),
    beta: V,
}

impl<V: Copy> Ready<V> {
    #[inline(always)]
    fn new<S: Simd, T: Number<Vector<S> = V>>(simd: S, kernel: Kernel<T>, exponents: Exponents<T>) -> Self {
        let (beta, powers) = match kernel {
            Kernel::Powers { beta, exponents } => (beta, exponents),
            _ => (T::from_f64(1.0), Exponents::default()),
        };
        let splat = |exponents: Exponents<T>| (exponents.scale.splat(simd), exponents.shift.splat(simd));
        Self { exponents: splat(exponents), powers: splat(powers), beta: T::splat(simd, beta) }
    }

    #[inline(always)]
    fn see<S: Simd, T: Number<Vector<S> = V>, const KERNEL: usize, const SHARED: bool>(
        &self,
        simd: S,
        products: V,
        offset: V,
        floor: V,
    ) -> Seen<V> {
        // Numbers that cancel are subtracted before they are multiplied; a shared shift is small enough to do without.
        let products = if SHARED { products } else { T::subtract_each(simd, products, offset) };
        let kernel = T::powers_of_two(simd, products, self.exponents.0, self.exponents.1);
        let weight = match KERNEL {
            POWERS => T::powers_of_two(simd, products, self.powers.0, self.powers.1),
            _ => kernel,
        };
        Seen { kernel, weight, above_floor: T::subtract_each(simd, kernel, floor) }
    }
}

#[inline(always)]
fn sum_by<S: Simd, T: Number, const KERNEL: usize, const SHARED: bool>(
    simd: S,
    kernel: Kernel<T>,
    scores: &[T],
    sides: Sides<'_, T>,
    out: &mut Sums<T>,
) {
    // A pass over the tile's rows. What belongs to the row's anchor is summed in a register and added up across lanes at
    // the end; what belongs to the columns' anchors is added to the sums in `out`, lane by lane.
    let width = out.rows.len();
    let ready = Ready::new(simd, kernel, sides.exponents);
    let weighted = KERNEL == WEIGHTED || KERNEL == POWERS;
    let (offsets, floors) = (T::vectors::<S>(&sides.columns.offset), T::vectors::<S>(&sides.columns.floor));
    let [totals, weights] = &mut out.columns;
    totals.fill(T::default());
    weights.fill(T::default());
    let (totals, weights) = (T::vectors_mut::<S>(totals), T::vectors_mut::<S>(weights));
    let rows = out.rows.iter_mut().zip(sides.rows.offset.iter().zip(&sides.rows.floor));
    for (scores, (out, (offset, floor))) in scores.chunks_exact(width).zip(rows) {
        let (offset, floor) = (T::splat(simd, *offset), T::splat(simd, *floor));
        let mut total = T::splat(simd, T::default());
        let mut weight = total;
        let anchors = offsets.iter().zip(floors);
        let sums = totals.iter_mut().zip(weights.iter_mut());
        for ((score, (offsets, floors)), (totals, weights)) in
            T::vectors::<S>(scores).iter().zip(anchors).zip(sums)
        {
            let own = ready.see::<S, T, KERNEL, SHARED>(simd, *score, offset, floor);
            let (own, own_weight) = summed::<S, T, KERNEL>(simd, *score, own);
            let (other, other_weight) = if SHARED {
                (own, own_weight)
            } else {
                let other = ready.see::<S, T, KERNEL, SHARED>(simd, *score, *offsets, *floors);
                summed::<S, T, KERNEL>(simd, *score, other)
            };
            total = T::add_each(simd, total, own);
            *totals = T::add_each(simd, *totals, other);
            if weighted {
                weight = T::add_each(simd, weight, own_weight);
                *weights = T::add_each(simd, *weights, other_weight);
            }
        }
        *out = [T::sum_up(simd, total), T::sum_up(simd, weight)];
    }
}

/// The two sums over scores: for the total, and for the weight.
#[inline(always)]
fn summed<S: Simd, T: Number, const KERNEL: usize>(
    simd: S,
    scores: T::Vector<S>,
    seen: Seen<T::Vector<S>>,
) -> (T::Vector<S>, T::Vector<S>) {
    match KERNEL {
        PLAIN => (T::where_present(simd, scores, seen.kernel), seen.weight),
        ABOVE_FLOOR => (T::where_present(simd, scores, seen.above_floor), seen.weight),
        _ => {
            let weight = T::where_present(simd, scores, seen.weight);
            (T::multiply_each(simd, weight, seen.above_floor), weight)
        }
    }
}

#[inline(always)]
fn weigh_by<S: Simd, T: Number, const KERNEL: usize, const SHARED: bool>(
    simd: S,
    kernel: Kernel<T>,
    scores: &[T],
    sides: Sides<'_, T>,
    out: &mut [T],
) {
    let (rows, columns) = (sides.rows, sides.columns);
    let width = columns.floor.len();
    let ready = Ready::new(simd, kernel, sides.exponents);
    let plain = KERNEL == PLAIN || KERNEL == ABOVE_FLOOR;
    // The derivative of the weighted mean of `h - F` by a score is `w/Σw (h + β ((h - F) - mean))`: what cancels is
    // subtracted before it is multiplied.
    let share = |seen: &Seen<T::Vector<S>>, factor: T::Vector<S>, mean: T::Vector<S>| {
        if plain {
            return factor;
        }
        let excess = T::subtract_each(simd, seen.above_floor, mean);
        T::multiply_each(simd, factor, T::multiply_add_each(simd, excess, ready.beta, seen.kernel))
    };
    let outer = |seen: &Seen<T::Vector<S>>| if plain { seen.kernel } else { seen.weight };
    let of_columns = [&columns.offset, &columns.floor, &columns.factor, &columns.mean];
    let [offsets, floors, factors, means] = of_columns.map(|numbers| T::vectors::<S>(numbers));
    for (row, (scores, out)) in scores.chunks_exact(width).zip(out.chunks_exact_mut(width)).enumerate() {
        let of_row = [rows.offset[row], rows.floor[row], rows.factor[row], rows.mean[row]];
        let [offset, floor, factor, mean] = of_row.map(|number| T::splat(simd, number));
        let anchors = offsets.iter().zip(floors).zip(factors.iter().zip(means));
        let tile = T::vectors::<S>(scores).iter().zip(T::vectors_mut::<S>(out));
        // The weight of a score is the derivative by way of the row's anchor and by way of the column's.
        for ((score, out), ((offsets, floors), (factors, means))) in tile.zip(anchors) {
            let own = ready.see::<S, T, KERNEL, SHARED>(simd, *score, offset, floor);
            let own_share = share(&own, factor, mean);
            let weight = if SHARED {
                let shares = T::add_each(simd, own_share, share(&own, *factors, *means));
                T::multiply_each(simd, shares, outer(&own))
            } else {
                let other = ready.see::<S, T, KERNEL, SHARED>(simd, *score, *offsets, *floors);
                let part = T::multiply_each(simd, share(&other, *factors, *means), outer(&other));
                T::multiply_add_each(simd, own_share, outer(&own), part)
            };
            *out = T::add_each(simd, *out, T::where_present(simd, *score, weight));
        }
    }
}

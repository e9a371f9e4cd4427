//! One line of the derivation as numbers: anchor by anchor, at the precision that each needs.

use super::Line;
use crate::error::{Error, Result, finite_rows};
use crate::precision::{BITS_NEEDED, settle};
use crate::real::{Big, Dd, DdContext, Real, max_of};
use crate::vocabulary::Settings;
use nalgebra::DMatrix;

/// The bits that sums of exponents and kernels may take from a result.
const BITS_SLACK: f64 = 4.0;
/// The last one, for exponents up to 1: what is below 2⁻¹⁰⁷⁴ is 0 in f64.
const BITS_MOST: f64 = 1200.0;
/// Enough for sums of products of any f64 to be exact: they lie between 2⁻²¹⁴⁸ and 2²⁰⁴⁸ times a count.
pub(super) const BITS_EXACT: usize = 4352;
/// Exponents beyond this are left to the larger precisions, whose range is unbounded.
const DD_LOG2_EXPONENTS: f64 = 32.0;
/// Temperatures at which double-doubles neither overflow nor lose their low half.
const DD_TEMPERATURES: std::ops::Range<f64> = 1e-100..1e100;
/// A kernel that is `e` to this of the largest is invisible in any f64 that is made of both.
const LOG_INVISIBLE: f64 = -4096.0;

/// A line of the derivation: each anchor's numerator and denominator.
pub(super) trait Step {
    fn ratio<R: Real>(&self, i: usize, context: R::Context) -> Ratio<R>;
}

/// One anchor's quotient.
pub(super) struct Ratio<R> {
    pub(super) log_numerator: R,
    pub(super) log_denominator: R,
    /// Whether both are known to be one number, so that no precision can tell them apart.
    pub(super) equal: bool,
}

impl<R: Real> Ratio<R> {
    /// From the exponents of the kernels; those of the numerator are all in the denominator too.
    pub(super) fn new(numerator: Vec<R>, denominator: Vec<R>, context: R::Context) -> Self {
        Self {
            log_numerator: log_sum(&numerator, context),
            log_denominator: log_sum(&denominator, context),
            equal: numerator.len() == denominator.len(),
        }
    }

    /// `-log` of the quotient, or nothing where its error, `2^log2_error`, is too large for it. At the last
    /// precision none is: a value that it cannot tell from 0 is 0.
    fn rounded(&self, log2_error: f64, last: bool) -> Option<Rounded> {
        let value = self.log_denominator.clone() - &self.log_numerator;
        let left = value.log2_abs() - log2_error;
        let value = match (self.equal, left >= BITS_NEEDED, last) {
            (true, ..) => Dd::ZERO,
            (_, true, _) => value.to_double_double(),
            (_, _, true) if left >= 0.0 => value.to_double_double(),
            (_, _, true) => Dd::ZERO,
            _ => return None,
        };
        Some(Rounded {
            value,
            log_numerator: self.log_numerator.to_f64(),
            log_denominator: self.log_denominator.to_f64(),
        })
    }
}

pub(super) struct Rounded {
    value: Dd,
    log_numerator: f64,
    log_denominator: f64,
}

/// `log Σ_k e^{x_k}`.
pub(super) fn log_sum<R: Real>(exponents: &[R], context: R::Context) -> R {
    let Some((first, rest)) = exponents.split_first() else {
        // No caller has an empty list.
        return R::lift(0.0, context);
    };
    let largest = max_of(first, rest);
    let visible = |x: &&R| ((*x).clone() - &largest).to_f64() >= LOG_INVISIBLE;
    let visible: Vec<R> = exponents.iter().filter(visible).cloned().collect();
    let sum = R::sum(&R::exp_all(&visible, &largest, context), context);
    largest + &sum.ln(context)
}

/// The sizes that decide the precision.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) anchors: usize,
    /// `log2` of a bound on the terms of an exponent.
    pub(super) log2_size: f64,
    pub(super) temperature: f64,
}

impl Extent {
    /// For exponents that are scores, squared norms or squared distances over `t`.
    pub(super) fn of_scores<'a>(
        matrices: impl IntoIterator<Item = &'a DMatrix<f64>>,
        anchors: usize,
        temperature: f64,
    ) -> Self {
        let log2_square = |matrix: &DMatrix<f64>| {
            if matrix.is_empty() {
                0.0
            } else {
                (4.0 * matrix.ncols() as f64).log2() + 2.0 * matrix.amax().log2()
            }
        };
        let log2_square = matrices.into_iter().map(log2_square).fold(0.0, f64::max);
        Self { anchors, log2_size: log2_square + 1.0 - temperature.log2(), temperature }
    }
}

pub(super) enum Total {
    Sum,
    Mean,
}

/// The line in f64; nothing where it overflows.
pub(super) fn evaluate<S: Step>(step: &S, extent: Extent, total: Total) -> Option<Line> {
    let Extent { anchors, log2_size, temperature } = extent;
    let log2_lost = log2_size.max(0.0) + (anchors as f64).log2() + BITS_SLACK;
    let most = (BITS_MOST + log2_lost) as usize;
    let in_big = |i, bits, last| step.ratio::<Big>(i, bits).rounded(log2_lost - Big::bits(bits), last);
    let in_double = |i, context| step.ratio::<Dd>(i, context).rounded(log2_lost - Dd::bits(context), false);
    let fits = log2_size < DD_LOG2_EXPONENTS && DD_TEMPERATURES.contains(&temperature);
    let doubles: &[DdContext] = if fits { &[DdContext::Full] } else { &[] };
    let mut values = Vec::with_capacity(anchors);
    let mut line = Line {
        value: 0.0,
        per_anchor: Vec::with_capacity(anchors),
        log_numerators: Vec::with_capacity(anchors),
        log_denominators: Vec::with_capacity(anchors),
    };
    for i in 0..anchors {
        let rounded = settle(
            doubles,
            || most,
            |context| in_double(i, context).map(Some),
            |bits| in_big(i, bits, false).map(Some),
            |bits| in_big(i, bits, true),
        )?;
        line.per_anchor.push(rounded.value.to_f64());
        line.log_numerators.push(rounded.log_numerator);
        line.log_denominators.push(rounded.log_denominator);
        values.push(rounded.value);
    }
    let sum = Dd::sum(&values, DdContext::Full);
    line.value = match total {
        Total::Sum => sum.to_f64(),
        Total::Mean => (sum / &Dd::lift(anchors as f64, DdContext::Full)).to_f64(),
    };
    let lists = [&line.per_anchor, &line.log_numerators, &line.log_denominators];
    let finite = lists.into_iter().flatten().chain([&line.value]).all(|x| x.is_finite());
    finite.then_some(line)
}

/// Embeddings with classes: what steps 2 to 4 are given.
pub(super) struct Embedded<'a> {
    pub(super) embeddings: &'a DMatrix<f64>,
    pub(super) labels: &'a [i64],
    pub(super) temperature: f64,
}

impl<'a> Embedded<'a> {
    pub(super) fn check(embeddings: &'a DMatrix<f64>, labels: &'a [i64], temperature: f64) -> Result<Self> {
        Settings::new(temperature).validate()?;
        check_matrix("embeddings", embeddings, None)?;
        let n = embeddings.nrows();
        if labels.len() != n {
            let expected = format!("[{n}], one a row of embeddings");
            return shape("labels".into(), format!("[{}]", labels.len()), expected);
        }
        match (0..n).find(|&i| classmates(labels, i).next().is_none()) {
            Some(index) => Err(Error::LonelyPoint { index, label: labels[index] }),
            None => Ok(Self { embeddings, labels, temperature }),
        }
    }

    pub(super) fn line<S: Step>(self, step: impl FnOnce(Self) -> S) -> Result<Line> {
        let temperature = self.temperature;
        let extent = Extent::of_scores([self.embeddings], self.labels.len(), temperature);
        evaluate(&step(self), extent, Total::Sum).ok_or_else(|| overflow(temperature))
    }
}

/// `{k ≠ i}`.
pub(super) fn others(n: usize, i: usize) -> impl Iterator<Item = usize> {
    (0..n).filter(move |&k| k != i)
}

/// `{j ≠ i: c_j = c_i}`.
pub(super) fn classmates(labels: &[i64], i: usize) -> impl Iterator<Item = usize> {
    others(labels.len(), i).filter(move |&j| labels[j] == labels[i])
}

pub(super) fn lift_row<R: Real>(matrix: &DMatrix<f64>, i: usize, context: R::Context) -> Vec<R> {
    matrix.row(i).iter().map(|&x| R::lift(x, context)).collect()
}

pub(super) fn differences<R: Real>(a: &[R], b: &[R]) -> Vec<R> {
    a.iter().zip(b).map(|(a, b)| a.clone() - b).collect()
}

/// Refuses a matrix that is empty, of other than `columns` columns, or not finite.
pub(super) fn check_matrix(name: &str, matrix: &DMatrix<f64>, columns: Option<usize>) -> Result<()> {
    let (n, d) = matrix.shape();
    if n == 0 || d == 0 || columns.is_some_and(|columns| columns != d) {
        let expected = columns.map_or("at least [1][1]".into(), |columns| format!("[at least 1][{columns}]"));
        return shape(name.into(), format!("[{n}][{d}]"), expected);
    }
    finite_rows(name, matrix)
}

pub(super) fn shape<T>(argument: String, found: String, expected: String) -> Result<T> {
    Err(Error::Shape { argument, found, expected })
}

pub(super) fn overflow(temperature: f64) -> Error {
    Error::Overflow { argument: "temperature".into(), value: temperature }
}

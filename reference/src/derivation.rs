//! (7) to (8), a function a step: how supervised NCA becomes the contrastive loss.
//!
//! | step | function | written as |
//! |---|---|---|
//! | 1, (7) | [`metric_learning`] | kernels `exp(-‖A x_i - A x_k‖²)` |
//! | 2, (S1) | [`squared_distances`] | `A x` becomes `f(x)/√(2t)` |
//! | 3, (S2→S3) | [`expanded_squares`] | kernels `exp((f_i·f_k - 1)/t)` |
//! | 4 | [`cancelled_factor`] | kernels `exp(f_i·f_k/t)` |
//! | 5, (S4→S5) | [`split_index_set`] | `{k ≠ i}` becomes positives and negatives |
//! | 6, (8) | [`contrastive`] | tuples `x, x⁺_1..x⁺_M, x⁻_1..x⁻_N` |
//!
//! Each function writes its own line out and calls no other step, so that neighbours can be compared.
//! No function enforces the assumption that leads to its line: it evaluates what is written there, on the
//! sphere or off it, so that an assumption can be dropped and the difference measured. Where the square is
//! expanded off the sphere, [`off_sphere`] and [`exponent_gap`] say what the difference is.
//!
//! A logarithm of a quotient is taken as it stands, numerator over denominator. That cancels where the loss
//! is tiny, so each anchor is evaluated in double-double and, if too few bits are left, again with more.
//! The work grows with the square of the number of points: this is for tens of them.
//!
//! Source: Ko et al. 2022, section 3.1 and Appendix A, there with `t = 1`.

mod evaluation;
mod off_sphere;
mod split;

pub use off_sphere::{exponent_gap, off_sphere};
pub use split::Split;

use crate::error::{Error, Result};
use crate::real::Real;
use crate::vocabulary::{Labelled, Settings, Tuples};
use evaluation::{
    Embedded, Extent, Ratio, Step, Total, check_matrix, classmates, differences, evaluate, lift_row, others,
    overflow, shape,
};
use nalgebra::DMatrix;

/// An objective as one line of the derivation writes it: over all anchors `i` the sum, in (8) the mean, of
/// `-log(numerator_i / denominator_i)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The objective.
    pub value: f64,
    /// `-log(numerator_i / denominator_i)`, right to the last bit or its neighbour even where it is tiny.
    pub per_anchor: Vec<f64>,
    /// `log numerator_i`.
    pub log_numerators: Vec<f64>,
    /// `log denominator_i`.
    pub log_denominators: Vec<f64>,
}

/// Step 1, (7): supervised NCA as metric learning.
///
/// ```math
/// L(A) = \sum_i -\log \frac{\sum_{j \ne i,\, c_j = c_i} e^{-\lVert A x_i - A x_j \rVert^2}}
///   {\sum_{k \ne i} e^{-\lVert A x_i - A x_k \rVert^2}}
/// ```
///
/// Assumes nothing. `data.transform` is `A`, `D × F`; `data.points` is `n × F`, a point a row;
/// `data.labels` are the classes `c`. The value is that of
/// [`Objective::KullbackLeibler`](crate::Objective::KullbackLeibler).
///
/// # Errors
/// The errors of [`Labelled::validate`], and [`Error::Overflow`].
///
/// # Source
/// Goldberger et al. 2004; Ko et al. 2022, equations (6) and (7).
///
/// # Examples
/// ```
/// use intnacl_reference::{Labelled, derivation::metric_learning};
/// use nalgebra::dmatrix;
///
/// // Three neighbours at the same distance, one of them of the own class: p_i = 1/3.
/// let data = Labelled {
///     transform: dmatrix![1.0, 0.0; 0.0, 1.0],
///     points: dmatrix![1.0, 0.0; 1.0, 0.0; 1.0, 0.0; 1.0, 0.0],
///     labels: vec![0, 0, 1, 1],
/// };
/// assert!((metric_learning(&data)?.value - 4.0 * 3.0_f64.ln()).abs() < 1e-15);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn metric_learning(data: &Labelled) -> Result<Line> {
    data.validate()?;
    let (dimension, features) = data.transform.shape();
    let terms = 4.0 * dimension as f64 * (features as f64).powi(2);
    let log2_size = terms.log2() + 2.0 * (data.transform.amax().log2() + data.points.amax().log2());
    let extent = Extent { anchors: data.points.nrows(), log2_size, temperature: 1.0 };
    let line = evaluate(&MetricLearning(data), extent, Total::Sum);
    line.ok_or_else(|| Error::Overflow { argument: "transform".into(), value: data.transform.amax() })
}

struct MetricLearning<'a>(&'a Labelled);

impl Step for MetricLearning<'_> {
    fn ratio<R: Real>(&self, i: usize, context: R::Context) -> Ratio<R> {
        let Self(data) = self;
        let image = |k: usize| -> Vec<R> {
            let point = lift_row(&data.points, k, context);
            let component = |row| R::dot(&lift_row::<R>(&data.transform, row, context), &point, context);
            (0..data.transform.nrows()).map(component).collect()
        };
        let anchor = image(i);
        // -‖A x_i - A x_k‖²
        let exponent = |k: usize| {
            let apart = differences(&anchor, &image(k));
            -R::dot(&apart, &apart, context)
        };
        let numerator = classmates(&data.labels, i).map(exponent).collect();
        let denominator = others(data.labels.len(), i).map(exponent).collect();
        Ratio::new(numerator, denominator, context)
    }
}

/// Step 2, (S1): an encoder in the place of the linear map.
///
/// ```math
/// \sum_i -\log \frac{\sum_{j \ne i,\, c_j = c_i} e^{-\lVert f_i - f_j \rVert^2/(2t)}}
///   {\sum_{k \ne i} e^{-\lVert f_i - f_k \rVert^2/(2t)}}
/// ```
///
/// Equals [`metric_learning`] where `A x = f(x)/√(2t)`, and thereby assumes that a transform may be any
/// function and that positive pairs share a class. `embeddings` is `n × d`, `f_i` a row, of any norm;
/// `labels` are `n` classes; `temperature` is `t > 0`.
///
/// # Errors
/// [`Error::OutOfRange`] for the temperature; [`Error::Shape`] for empty arrays and for labels of another
/// number than the rows; [`Error::NotFinite`]; [`Error::LonelyPoint`] for a point that is alone in its
/// class; [`Error::Overflow`].
///
/// # Source
/// Ko et al. 2022, Appendix A, (S1), there with `f(x)/√2`.
///
/// # Examples
/// ```
/// use intnacl_reference::derivation::squared_distances;
/// use nalgebra::dmatrix;
///
/// // From each point its class at squared distance 0, the two others at 2: p_i = 1/(1 + 2e^{-1/t}).
/// let embeddings = dmatrix![1.0, 0.0; 1.0, 0.0; 0.0, 1.0; 0.0, 1.0];
/// let line = squared_distances(&embeddings, &[0, 0, 1, 1], 0.5)?;
/// assert!((line.per_anchor[0] - (2.0 * (-2.0_f64).exp()).ln_1p()).abs() < 1e-15);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn squared_distances(embeddings: &DMatrix<f64>, labels: &[i64], temperature: f64) -> Result<Line> {
    Embedded::check(embeddings, labels, temperature)?.line(SquaredDistances)
}

struct SquaredDistances<'a>(Embedded<'a>);

impl Step for SquaredDistances<'_> {
    fn ratio<R: Real>(&self, i: usize, context: R::Context) -> Ratio<R> {
        let Self(Embedded { embeddings, labels, temperature }) = self;
        let two_t = R::lift(*temperature, context).scale(2.0, context);
        let anchor = lift_row::<R>(embeddings, i, context);
        // -‖f_i - f_k‖²/(2t)
        let exponent = |k: usize| {
            let apart = differences(&anchor, &lift_row(embeddings, k, context));
            -(R::dot(&apart, &apart, context) / &two_t)
        };
        let numerator = classmates(labels, i).map(exponent).collect();
        let denominator = others(labels.len(), i).map(exponent).collect();
        Ratio::new(numerator, denominator, context)
    }
}

/// Step 3, (S2→S3): the square expanded.
///
/// ```math
/// \sum_i -\log \frac{\sum_{j \ne i,\, c_j = c_i} e^{(f_i \cdot f_j - 1)/t}}
///   {\sum_{k \ne i} e^{(f_i \cdot f_k - 1)/t}}
/// ```
///
/// Equals [`squared_distances`] where `‖f_i‖ = 1`, since then `‖f_i - f_k‖²/(2t) = (1 - f_i·f_k)/t`.
/// The quotients ask for less: that all `‖f_i‖` are the same. Where they are not, the two steps differ by
/// [`off_sphere`], their exponents by [`exponent_gap`]. Arguments are as for [`squared_distances`].
///
/// # Errors
/// The errors of [`squared_distances`].
///
/// # Source
/// Ko et al. 2022, Appendix A, (S2) to (S3).
///
/// # Examples
/// ```
/// use intnacl_reference::derivation::{expanded_squares, squared_distances};
/// use nalgebra::dmatrix;
///
/// let labels = [0, 0, 1, 1];
/// let on_the_sphere = dmatrix![1.0, 0.0; 0.0, 1.0; -1.0, 0.0; 0.0, -1.0];
/// let squared = squared_distances(&on_the_sphere, &labels, 0.1)?;
/// assert_eq!(squared.value, expanded_squares(&on_the_sphere, &labels, 0.1)?.value);
///
/// let off_the_sphere = dmatrix![1.0, 0.0; 0.0, 2.0; -1.0, 0.0; 0.0, -1.0];
/// let squared = squared_distances(&off_the_sphere, &labels, 0.1)?;
/// assert!((squared.value - expanded_squares(&off_the_sphere, &labels, 0.1)?.value).abs() > 1.0);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn expanded_squares(embeddings: &DMatrix<f64>, labels: &[i64], temperature: f64) -> Result<Line> {
    Embedded::check(embeddings, labels, temperature)?.line(ExpandedSquares)
}

struct ExpandedSquares<'a>(Embedded<'a>);

impl Step for ExpandedSquares<'_> {
    fn ratio<R: Real>(&self, i: usize, context: R::Context) -> Ratio<R> {
        let Self(Embedded { embeddings, labels, temperature }) = self;
        let t = R::lift(*temperature, context);
        let one = R::lift(1.0, context);
        let anchor = lift_row::<R>(embeddings, i, context);
        // (f_i·f_k - 1)/t
        let exponent = |k: usize| (R::dot(&anchor, &lift_row(embeddings, k, context), context) - &one) / &t;
        let numerator = classmates(labels, i).map(exponent).collect();
        let denominator = others(labels.len(), i).map(exponent).collect();
        Ratio::new(numerator, denominator, context)
    }
}

/// Step 4: the factor `e^{-1/t}` cancelled.
///
/// ```math
/// \sum_i -\log \frac{\sum_{j \ne i,\, c_j = c_i} e^{f_i \cdot f_j/t}}
///   {\sum_{k \ne i} e^{f_i \cdot f_k/t}}
/// ```
///
/// Equals [`expanded_squares`] always: every kernel of numerator and denominator has had the factor. In one
/// of the two alone it would be worth `1/t` a point. Arguments are as for [`squared_distances`].
///
/// # Errors
/// The errors of [`squared_distances`].
///
/// # Source
/// Ko et al. 2022, Appendix A, (S3) to (S4).
///
/// # Examples
/// ```
/// use intnacl_reference::derivation::{cancelled_factor, expanded_squares};
/// use nalgebra::dmatrix;
///
/// let embeddings = dmatrix![1.0, 0.0; 0.0, 1.0; -1.0, 0.0; 0.0, -1.0];
/// let before = expanded_squares(&embeddings, &[0, 0, 1, 1], 0.5)?;
/// let after = cancelled_factor(&embeddings, &[0, 0, 1, 1], 0.5)?;
/// assert_eq!(before.value, after.value);
/// assert_eq!(before.log_numerators[0], after.log_numerators[0] - 2.0);
/// assert!((before.log_denominators[0] - (after.log_denominators[0] - 2.0)).abs() < 1e-15);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn cancelled_factor(embeddings: &DMatrix<f64>, labels: &[i64], temperature: f64) -> Result<Line> {
    Embedded::check(embeddings, labels, temperature)?.line(CancelledFactor)
}

struct CancelledFactor<'a>(Embedded<'a>);

impl Step for CancelledFactor<'_> {
    fn ratio<R: Real>(&self, i: usize, context: R::Context) -> Ratio<R> {
        let Self(Embedded { embeddings, labels, temperature }) = self;
        let t = R::lift(*temperature, context);
        let anchor = lift_row::<R>(embeddings, i, context);
        // f_i·f_k/t
        let exponent = |k: usize| R::dot(&anchor, &lift_row(embeddings, k, context), context) / &t;
        let numerator = classmates(labels, i).map(exponent).collect();
        let denominator = others(labels.len(), i).map(exponent).collect();
        Ratio::new(numerator, denominator, context)
    }
}

/// Step 5, (S4→S5): the index set split.
///
/// ```math
/// \sum_i -\log \frac{\sum_{j \in P_i} e^{f_i \cdot f_j/t}}
///   {\sum_{j \in P_i} e^{f_i \cdot f_j/t} + \sum_{k \in N_i} e^{f_i \cdot f_k/t}}
/// ```
///
/// Equals [`cancelled_factor`] where `P_i` is the class of `i` without `i`, and `P_i` and `N_i` together are
/// `{k ≠ i}`, nothing in both. `embeddings` is `n × d`, `f_i` a row; `split` has `P_i` and `N_i`.
///
/// # Errors
/// [`Error::OutOfRange`] for the temperature and for an index that is no row; [`Error::Shape`] for empty
/// arrays, another number of lists than rows, and an empty list of positives; [`Error::NotFinite`];
/// [`Error::Overflow`].
///
/// # Source
/// Ko et al. 2022, Appendix A, (S4) to (S5).
///
/// # Examples
/// ```
/// use intnacl_reference::derivation::{Split, split_index_set};
/// use nalgebra::dmatrix;
///
/// let embeddings = dmatrix![1.0, 0.0; 1.0, 0.0; 0.0, 1.0; 0.0, 1.0];
/// let mut split = Split::of_labels(&[0, 0, 1, 1]);
/// let line = split_index_set(&embeddings, &split, 1.0)?;
/// // One positive at score 1, two negatives at score 0.
/// assert!((line.per_anchor[0] - (2.0 * (-1.0_f64).exp()).ln_1p()).abs() < 1e-15);
///
/// // The anchor among its own negatives: its kernel e is as large as the positive's.
/// split.negatives[0].push(0);
/// let line = split_index_set(&embeddings, &split, 1.0)?;
/// assert!((line.per_anchor[0] - (1.0 + 2.0 * (-1.0_f64).exp()).ln_1p()).abs() < 1e-15);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn split_index_set(embeddings: &DMatrix<f64>, split: &Split, temperature: f64) -> Result<Line> {
    Settings::new(temperature).validate()?;
    split.check(embeddings)?;
    let extent = Extent::of_scores([embeddings], embeddings.nrows(), temperature);
    let line = evaluate(&SplitIndexSet { embeddings, split, temperature }, extent, Total::Sum);
    line.ok_or_else(|| overflow(temperature))
}

struct SplitIndexSet<'a> {
    embeddings: &'a DMatrix<f64>,
    split: &'a Split,
    temperature: f64,
}

impl Step for SplitIndexSet<'_> {
    fn ratio<R: Real>(&self, i: usize, context: R::Context) -> Ratio<R> {
        let t = R::lift(self.temperature, context);
        let anchor = lift_row::<R>(self.embeddings, i, context);
        let exponents = |list: &[usize]| -> Vec<R> {
            let score = |&k: &usize| R::dot(&anchor, &lift_row(self.embeddings, k, context), context) / &t;
            list.iter().map(score).collect()
        };
        let positives = exponents(&self.split.positives[i]);
        let negatives = exponents(&self.split.negatives[i]);
        let both = positives.iter().cloned().chain(negatives).collect();
        Ratio::new(positives, both, context)
    }
}

/// Step 6, (8): the contrastive loss.
///
/// ```math
/// \frac{1}{B} \sum_x -\log \frac{\sum_{j=1}^M h(x,x^+_j)}{\sum_{j=1}^M h(x,x^+_j) + \sum_{i=1}^N h(x,x^-_i)},
/// \qquad h(x,y) = e^{f(x) \cdot f(y)/t}
/// ```
///
/// Equals [`split_index_set`] divided by the number of anchors: the sum over the points of a data set has
/// become an expectation over draws of `x`. One positive an anchor is SimCLR,
/// [`Loss::SimClr`](crate::Loss::SimClr); `M` of them are [`Loss::Nca`](crate::Loss::Nca) over
/// [`Negatives::G0`](crate::Negatives::G0), `N·g0` being the sum over the negatives.
///
/// `tuples.anchor` is `B × d`, `tuples.positives` are `B` matrices `M × d`, `tuples.negatives` `B` matrices
/// `N × d`; `M ≥ 1` and `N ≥ 0` may differ between anchors, as classes differ in size. The other arrays are
/// not read.
///
/// # Errors
/// [`Error::OutOfRange`] for the temperature; [`Error::Shape`] for empty anchors or positives and for shapes
/// that differ; [`Error::NotFinite`]; [`Error::Overflow`].
///
/// # Source
/// Ko et al. 2022, equation (8).
///
/// # Examples
/// ```
/// use intnacl_reference::{Tuples, derivation::contrastive};
/// use nalgebra::dmatrix;
///
/// let anchor = dmatrix![1.0, 0.0];
/// let positives = vec![dmatrix![0.6, 0.8; 0.6, -0.8]];
/// let negatives = vec![dmatrix![0.0, 1.0; 0.0, -1.0]];
/// let line = contrastive(&Tuples::new(anchor, positives, negatives), 0.5)?;
/// // Two positives at score 1.2 and two negatives at 0.
/// assert!((line.value - (-1.2_f64).exp().ln_1p()).abs() < 1e-15);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn contrastive(tuples: &Tuples, temperature: f64) -> Result<Line> {
    Settings::new(temperature).validate()?;
    let Tuples { anchor, positives, negatives, .. } = tuples;
    check_matrix("anchor", anchor, None)?;
    let (b, d) = anchor.shape();
    for (name, list, least) in [("positives", positives, 1), ("negatives", negatives, 0)] {
        if list.len() != b {
            let expected = format!("[{b}], a matrix an anchor");
            return shape(name.into(), format!("[{}]", list.len()), expected);
        }
        for (i, matrix) in list.iter().enumerate() {
            if matrix.nrows() > 0 || least > 0 {
                check_matrix(&format!("{name}[{i}]"), matrix, Some(d))?;
            }
        }
    }
    let all = [anchor].into_iter().chain(positives).chain(negatives);
    let extent = Extent::of_scores(all, b, temperature);
    let line = evaluate(&Contrastive { tuples, temperature }, extent, Total::Mean);
    line.ok_or_else(|| overflow(temperature))
}

struct Contrastive<'a> {
    tuples: &'a Tuples,
    temperature: f64,
}

impl Step for Contrastive<'_> {
    fn ratio<R: Real>(&self, i: usize, context: R::Context) -> Ratio<R> {
        let t = R::lift(self.temperature, context);
        let x = lift_row::<R>(&self.tuples.anchor, i, context);
        // log h(x, y)
        let score = |y: Vec<R>| R::dot(&x, &y, context) / &t;
        let scores = |of: &DMatrix<f64>| -> Vec<R> {
            (0..of.nrows()).map(|row| score(lift_row(of, row, context))).collect()
        };
        let positives = scores(&self.tuples.positives[i]);
        let mut all = positives.clone();
        all.extend(scores(&self.tuples.negatives[i]));
        Ratio::new(positives, all, context)
    }
}

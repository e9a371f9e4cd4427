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

use crate::error::{Error, Result};
use crate::real::{Big, Dd, DdContext, Real, max_of};
use crate::vocabulary::{Labelled, Settings, Tuples};
use nalgebra::DMatrix;

/// The bits to which a result is known before it is rounded to f64.
const BITS_NEEDED: f64 = 56.0;
/// The bits that sums of exponents and kernels may take from a result.
const BITS_SLACK: f64 = 4.0;
/// The first precision beyond double-double.
const BITS_MORE: usize = 256;
/// The last one, for exponents up to 1: what is below 2⁻¹⁰⁷⁴ is 0 in f64.
const BITS_MOST: f64 = 1200.0;
/// Enough for sums of products of any f64 to be exact: they lie between 2⁻²¹⁴⁸ and 2²⁰⁴⁸ times a count.
const BITS_EXACT: usize = 4352;
/// Exponents beyond this are left to the larger precisions, whose range is unbounded.
const DD_LOG2_EXPONENTS: f64 = 32.0;
/// Temperatures at which double-doubles neither overflow nor lose their low half.
const DD_TEMPERATURES: std::ops::Range<f64> = 1e-100..1e100;
/// A kernel that is `e` to this of the largest is invisible in any f64 that is made of both.
const LOG_INVISIBLE: f64 = -4096.0;

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
/// `L(A) = Σ_i -log( Σ_{j≠i: c_j = c_i} exp(-‖A x_i - A x_j‖²) / Σ_{k≠i} exp(-‖A x_i - A x_k‖²) )`
///
/// Assumes nothing. `data.transform` is `A`, `D × F`; `data.points` is `n × F`, a point a row;
/// `data.labels` are the classes `c`. The value is that of
/// [`Objective::KullbackLeibler`](crate::Objective::KullbackLeibler).
///
/// # Errors
/// Those of [`Labelled::validate`], and [`Error::Overflow`].
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
/// `Σ_i -log( Σ_{j≠i: c_j = c_i} exp(-‖f_i - f_j‖²/(2t)) / Σ_{k≠i} exp(-‖f_i - f_k‖²/(2t)) )`
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
/// `Σ_i -log( Σ_{j≠i: c_j = c_i} exp((f_i·f_j - 1)/t) / Σ_{k≠i} exp((f_i·f_k - 1)/t) )`
///
/// Equals [`squared_distances`] where `‖f_i‖ = 1`, since then `‖f_i - f_k‖²/(2t) = (1 - f_i·f_k)/t`.
/// The quotients ask for less: that all `‖f_i‖` are the same. Where they are not, the two steps differ by
/// [`off_sphere`], their exponents by [`exponent_gap`]. Arguments are as for [`squared_distances`].
///
/// # Errors
/// Those of [`squared_distances`].
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
/// `Σ_i -log( Σ_{j≠i: c_j = c_i} exp(f_i·f_j/t) / Σ_{k≠i} exp(f_i·f_k/t) )`
///
/// Equals [`expanded_squares`] always: every kernel of numerator and denominator has had the factor. In one
/// of the two alone it would be worth `1/t` a point. Arguments are as for [`squared_distances`].
///
/// # Errors
/// Those of [`squared_distances`].
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

/// For each point `i` two lists of points: the index set `{k ≠ i}`, split.
///
/// The derivation assumes that both lists together hold every `k ≠ i` once, and the positives those of
/// `i`'s class ([`Split::of_labels`]). Nothing enforces it: a list may hold `i` itself, a point twice, or
/// lack one, and [`split_index_set`] then shows what that costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// `n` lists, each of at least one row of the embeddings.
    pub positives: Vec<Vec<usize>>,
    /// `n` lists of rows of the embeddings.
    pub negatives: Vec<Vec<usize>>,
}

impl Split {
    /// The split that the derivation assumes: `{j ≠ i: c_j = c_i}` and `{k: c_k ≠ c_i}`.
    ///
    /// # Examples
    /// ```
    /// use intnacl_reference::derivation::Split;
    ///
    /// let split = Split::of_labels(&[7, 8, 7]);
    /// assert_eq!(split.positives, [vec![2], vec![], vec![0]]);
    /// assert_eq!(split.negatives, [vec![1], vec![0, 2], vec![1]]);
    /// ```
    pub fn of_labels(labels: &[i64]) -> Self {
        let points = 0..labels.len();
        let strangers = |i: usize| points.clone().filter(|&k| labels[k] != labels[i]).collect();
        Self {
            positives: points.clone().map(|i| classmates(labels, i).collect()).collect(),
            negatives: points.clone().map(strangers).collect(),
        }
    }

    /// The embeddings by the names that (8) gives them: for each anchor `x` its `x⁺_j` and its `x⁻_i`.
    ///
    /// # Errors
    /// Those of [`split_index_set`].
    ///
    /// # Examples
    /// ```
    /// use intnacl_reference::derivation::Split;
    /// use nalgebra::dmatrix;
    ///
    /// let embeddings = dmatrix![1.0, 0.0; 0.6, 0.8; -1.0, 0.0; 0.0, -1.0];
    /// let tuples = Split::of_labels(&[0, 0, 1, 1]).tuples(&embeddings)?;
    /// assert_eq!(tuples.positives[0], dmatrix![0.6, 0.8]);
    /// assert_eq!(tuples.negatives[0], dmatrix![-1.0, 0.0; 0.0, -1.0]);
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn tuples(&self, embeddings: &DMatrix<f64>) -> Result<Tuples> {
        self.check(embeddings)?;
        let gather = |lists: &[Vec<usize>]| lists.iter().map(|list| embeddings.select_rows(list)).collect();
        Ok(Tuples::new(embeddings.clone(), gather(&self.positives), gather(&self.negatives)))
    }

    fn check(&self, embeddings: &DMatrix<f64>) -> Result<()> {
        check_matrix("embeddings", embeddings, None)?;
        let n = embeddings.nrows();
        for (name, lists, least) in [("positives", &self.positives, 1), ("negatives", &self.negatives, 0)] {
            if lists.len() != n {
                let expected = format!("[{n}], a list a row of embeddings");
                return shape(format!("split.{name}"), format!("[{}]", lists.len()), expected);
            }
            for (i, list) in lists.iter().enumerate() {
                if list.len() < least {
                    return shape(format!("split.{name}[{i}]"), "[0]".into(), "at least 1 index".into());
                }
                if let Some(place) = list.iter().position(|&k| k >= n) {
                    return Err(Error::OutOfRange {
                        argument: format!("split.{name}[{i}][{place}]"),
                        value: list[place] as f64,
                        expected: "the index of a row of embeddings",
                    });
                }
            }
        }
        Ok(())
    }
}

/// Step 5, (S4→S5): the index set split.
///
/// `Σ_i -log( Σ_{j∈P_i} exp(f_i·f_j/t) / (Σ_{j∈P_i} exp(f_i·f_j/t) + Σ_{k∈N_i} exp(f_i·f_k/t)) )`
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
/// `mean over x of -log( Σ_j h(x,x⁺_j) / (Σ_j h(x,x⁺_j) + Σ_i h(x,x⁻_i)) )`, `h(x,y) = exp(f(x)·f(y)/t)`
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

/// What expanding the square costs off the sphere: [`squared_distances`] minus [`expanded_squares`].
///
/// The exponents `-‖f_i - f_k‖²/(2t)` and `(f_i·f_k - 1)/t` differ by `r_i + r_k` ([`exponent_gap`]), where
/// `r_k = (‖f_k‖² - 1)/(2t)`. The kernels of step 2 are those of step 3 times `e^{-r_i} e^{-r_k}`. The first
/// factor is common to all kernels of the anchor and cancels; the second stays:
///
/// `Σ_i log( Σ_{k≠i} w_ik e^{-r_k} ) - log( Σ_{j≠i: c_j = c_i} v_ij e^{-r_j} )`,
///
/// `w_i` the softmax of `f_i·f_k/t` over `k ≠ i` and `v_i` the same over `i`'s class. It is 0 wherever all
/// norms are equal, 1 or not, and at no anchor outside `±(max r - min r)`. The sums are the line's
/// denominators and numerators. Arguments are as for [`squared_distances`].
///
/// # Errors
/// Those of [`squared_distances`].
///
/// # Examples
/// ```
/// use intnacl_reference::derivation::off_sphere;
/// use nalgebra::dmatrix;
///
/// // All orthogonal to point 0, so its weights are even: (e^{-3/2} + 1 + 1)/3 against e^{-3/2}.
/// let embeddings = dmatrix![1.0, 0.0; 0.0, 2.0; 0.0, 1.0; 0.0, -1.0];
/// let line = off_sphere(&embeddings, &[0, 0, 1, 1], 1.0)?;
/// assert!((line.per_anchor[0] - ((1.0 + 2.0 * 1.5_f64.exp()) / 3.0).ln()).abs() < 1e-15);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn off_sphere(embeddings: &DMatrix<f64>, labels: &[i64], temperature: f64) -> Result<Line> {
    Embedded::check(embeddings, labels, temperature)?.line(OffSphere)
}

struct OffSphere<'a>(Embedded<'a>);

impl Step for OffSphere<'_> {
    fn ratio<R: Real>(&self, i: usize, context: R::Context) -> Ratio<R> {
        let Self(Embedded { embeddings, labels, temperature }) = self;
        let t = R::lift(*temperature, context);
        let two_t = t.scale(2.0, context);
        let one = R::lift(1.0, context);
        let anchor = lift_row::<R>(embeddings, i, context);
        let score = |k: usize| R::dot(&anchor, &lift_row(embeddings, k, context), context) / &t;
        // r_k, on which an even weight would change nothing.
        let excess = |k: usize| {
            let row = lift_row::<R>(embeddings, k, context);
            (R::dot(&row, &row, context) - &one) / &two_t
        };
        let mut neighbours = others(labels.len(), i);
        let first = neighbours.next().map(excess);
        if neighbours.all(|k| Some(excess(k)) == first) {
            // All r_k are one r, and both means e^{-r}.
            let log_mean = -first.unwrap_or(R::lift(0.0, context));
            return Ratio { log_numerator: log_mean.clone(), log_denominator: log_mean, equal: true };
        }
        let shifted = |k: usize| score(k) - &excess(k);
        let numerator = classmates(labels, i).map(shifted).collect();
        let denominator = others(labels.len(), i).map(shifted).collect();
        let means = Ratio::new(numerator, denominator, context);
        let numerator = classmates(labels, i).map(score).collect();
        let denominator = others(labels.len(), i).map(score).collect();
        let weights = Ratio::new(numerator, denominator, context);
        Ratio {
            log_numerator: means.log_numerator - &weights.log_numerator,
            log_denominator: means.log_denominator - &weights.log_denominator,
            equal: means.equal,
        }
    }
}

/// How far the two sides of the expansion are apart:
/// `‖f_i - f_k‖²/(2t) - (1 - f_i·f_k)/t = (‖f_i‖² + ‖f_k‖² - 2)/(2t)` at row `i`, column `k`.
///
/// 0 on the sphere, where `‖f_i‖ = 1`. Of the two norms that of the anchor cancels in the quotients, that
/// of the neighbour does not: [`off_sphere`]. `embeddings` is `n × d`, the result `n × n`.
///
/// # Errors
/// [`Error::OutOfRange`] for the temperature, [`Error::Shape`] for an empty array, [`Error::NotFinite`] and
/// [`Error::Overflow`].
///
/// # Examples
/// ```
/// use intnacl_reference::derivation::exponent_gap;
/// use nalgebra::dmatrix;
///
/// let embeddings = dmatrix![1.0, 0.0; 0.0, 1.0; 0.0, 3.0];
/// let gap = exponent_gap(&embeddings, 0.5)?;
/// assert_eq!(gap, dmatrix![0.0, 0.0, 8.0; 0.0, 0.0, 8.0; 8.0, 8.0, 16.0]);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn exponent_gap(embeddings: &DMatrix<f64>, temperature: f64) -> Result<DMatrix<f64>> {
    Settings::new(temperature).validate()?;
    check_matrix("embeddings", embeddings, None)?;
    let number = |x: f64| Big::lift(x, BITS_EXACT);
    let two_t = number(temperature).scale(2.0, BITS_EXACT);
    let square = |i: usize| {
        let row = lift_row::<Big>(embeddings, i, BITS_EXACT);
        Big::dot(&row, &row, BITS_EXACT)
    };
    let n = embeddings.nrows();
    let squares: Vec<Big> = (0..n).map(square).collect();
    let gap = |i: usize, k: usize| (squares[i].clone() + &squares[k] - &number(2.0)) / &two_t;
    let gaps = DMatrix::from_fn(n, n, |i, k| gap(i, k).to_f64());
    if gaps.iter().any(|gap| !gap.is_finite()) {
        return Err(overflow(temperature));
    }
    Ok(gaps)
}

/// A line of the derivation: each anchor's numerator and denominator.
trait Step {
    fn ratio<R: Real>(&self, i: usize, context: R::Context) -> Ratio<R>;
}

/// One anchor's quotient.
struct Ratio<R> {
    log_numerator: R,
    log_denominator: R,
    /// Whether both are known to be one number, so that no precision can tell them apart.
    equal: bool,
}

impl<R: Real> Ratio<R> {
    /// From the exponents of the kernels; those of the numerator are all in the denominator too.
    fn new(numerator: Vec<R>, denominator: Vec<R>, context: R::Context) -> Self {
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

struct Rounded {
    value: Dd,
    log_numerator: f64,
    log_denominator: f64,
}

/// `log Σ_k e^{x_k}`.
fn log_sum<R: Real>(exponents: &[R], context: R::Context) -> R {
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

/// What decides the precision.
#[derive(Clone, Copy)]
struct Extent {
    anchors: usize,
    /// `log2` of a bound on the terms of an exponent.
    log2_size: f64,
    temperature: f64,
}

impl Extent {
    /// For exponents that are scores, squared norms or squared distances over `t`.
    fn of_scores<'a>(
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

enum Total {
    Sum,
    Mean,
}

/// The line in f64; nothing where it overflows.
fn evaluate<S: Step>(step: &S, extent: Extent, total: Total) -> Option<Line> {
    let Extent { anchors, log2_size, temperature } = extent;
    let log2_lost = log2_size.max(0.0) + (anchors as f64).log2() + BITS_SLACK;
    let most = (BITS_MOST + log2_lost) as usize;
    let in_big = |i, bits, last| step.ratio::<Big>(i, bits).rounded(log2_lost - Big::bits(bits), last);
    let in_double_double = |i| {
        let fits = log2_size < DD_LOG2_EXPONENTS && DD_TEMPERATURES.contains(&temperature);
        let ratio = fits.then(|| step.ratio::<Dd>(i, DdContext::Full));
        ratio?.rounded(log2_lost - Dd::bits(DdContext::Full), false)
    };
    let mut values = Vec::with_capacity(anchors);
    let mut line = Line {
        value: 0.0,
        per_anchor: Vec::with_capacity(anchors),
        log_numerators: Vec::with_capacity(anchors),
        log_denominators: Vec::with_capacity(anchors),
    };
    for i in 0..anchors {
        let rounded = in_double_double(i);
        let rounded = rounded.or_else(|| in_big(i, BITS_MORE, false)).or_else(|| in_big(i, most, true))?;
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
struct Embedded<'a> {
    embeddings: &'a DMatrix<f64>,
    labels: &'a [i64],
    temperature: f64,
}

impl<'a> Embedded<'a> {
    fn check(embeddings: &'a DMatrix<f64>, labels: &'a [i64], temperature: f64) -> Result<Self> {
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

    fn line<S: Step>(self, step: impl FnOnce(Self) -> S) -> Result<Line> {
        let temperature = self.temperature;
        let extent = Extent::of_scores([self.embeddings], self.labels.len(), temperature);
        evaluate(&step(self), extent, Total::Sum).ok_or_else(|| overflow(temperature))
    }
}

/// `{k ≠ i}`.
fn others(n: usize, i: usize) -> impl Iterator<Item = usize> {
    (0..n).filter(move |&k| k != i)
}

/// `{j ≠ i: c_j = c_i}`.
fn classmates(labels: &[i64], i: usize) -> impl Iterator<Item = usize> {
    others(labels.len(), i).filter(move |&j| labels[j] == labels[i])
}

fn lift_row<R: Real>(matrix: &DMatrix<f64>, i: usize, context: R::Context) -> Vec<R> {
    matrix.row(i).iter().map(|&x| R::lift(x, context)).collect()
}

fn differences<R: Real>(a: &[R], b: &[R]) -> Vec<R> {
    a.iter().zip(b).map(|(a, b)| a.clone() - b).collect()
}

/// Refuses a matrix that is empty, of other than `columns` columns, or not finite.
fn check_matrix(name: &str, matrix: &DMatrix<f64>, columns: Option<usize>) -> Result<()> {
    let (n, d) = matrix.shape();
    if n == 0 || d == 0 || columns.is_some_and(|columns| columns != d) {
        let expected = columns.map_or("at least [1][1]".into(), |columns| format!("[at least 1][{columns}]"));
        return shape(name.into(), format!("[{n}][{d}]"), expected);
    }
    for (i, row) in matrix.row_iter().enumerate() {
        if let Some(k) = row.iter().position(|x| !x.is_finite()) {
            return Err(Error::NotFinite { argument: format!("{name}[{i}][{k}]"), value: row[k] });
        }
    }
    Ok(())
}

fn shape<T>(argument: String, found: String, expected: String) -> Result<T> {
    Err(Error::Shape { argument, found, expected })
}

fn overflow(temperature: f64) -> Error {
    Error::Overflow { argument: "temperature".into(), value: temperature }
}

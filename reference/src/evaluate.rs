//! From embeddings to scores, and from the gradient by scores to the gradient by embeddings.
//!
//! Both arrows are written once, for every loss and both layouts. Around them stands the precision: an
//! evaluation reports how many bits cancellation took from it, and is repeated with more where too few are
//! left (Ziv's strategy). First a single image is repeated, from its embeddings to its scores' gradient;
//! the whole only where embedding gradients of many images cancel each other.

mod image;
mod pass;
mod path;
mod quick;
mod rounded;
mod rows;

use crate::error::{Error, Result};
use crate::layout::{Problem, Problems};
use crate::nca;
use crate::precision::{BITS_MORE, BITS_MOST, BITS_NEEDED, settle};
use crate::real::{Big, Dd};
use crate::vocabulary::{
    Answer, Evaluation, Labelled, Layout, Loss, Negatives, Objective, Request, Settings,
};
pub use rounded::norm;
pub use rows::lift_row;

use pass::Pass;
use path::Path;
use quick::Quick;
use rounded::Rounded;
use std::ops::Range;

/// Temperatures at which no kernel that matters leaves the range of f64.
const DOUBLE_RANGE: Range<f64> = 0.004..1e6;
/// Evaluates a contrastive loss.
pub trait Evaluate {
    /// The loss and its gradient by every embedding, exact to the last bits of f64.
    ///
    /// `data` is a [`Tuples`](crate::Tuples) or a [`Batch`](crate::Batch); the gradient has its shape, and
    /// is 0 for arrays that the loss does not read. Values are within 4 ulp of the true result, gradients
    /// within `8·2⁻⁵³` of the norm of the array that they belong to, cancellation included.
    ///
    /// # Errors
    /// [`Error`], naming argument, index and value: shapes that differ, empty arrays, numbers that are not
    /// finite, rows off the unit sphere (or zero, under normalisation), parameters out of range, arrays
    /// that the loss needs and that are absent, results that overflow.
    ///
    /// # Examples
    /// Two images in two views each, two-dimensional embeddings:
    /// ```
    /// use intnacl_reference::{Batch, Evaluate, Loss, Settings};
    /// use nalgebra::dmatrix;
    ///
    /// let views = vec![dmatrix![1.0, 0.0; 0.0, 1.0], dmatrix![0.6, 0.8; -0.8, 0.6]];
    /// let evaluation = Loss::SimClr.evaluate(&Batch::new(views), &Settings::new(0.5))?;
    /// assert_eq!(evaluation.per_anchor.len(), 2);
    /// assert_eq!(evaluation.gradient.views[0].shape(), (2, 2));
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    fn evaluate<L: Layout>(&self, data: &L, settings: &Settings) -> Result<Evaluation<L>>;
}

/// Evaluates supervised NCA.
pub trait EvaluateSupervised {
    /// The objective and its gradient by the transform and the points.
    ///
    /// With `p_ij = exp(-‖A x_i - A x_j‖²) / Σ_{k≠i} exp(-‖A x_i - A x_k‖²)`, `p_ii = 0`, and
    /// `p_i = Σ_{j: c_j = c_i} p_ij`, the value is `Σ_i -log p_i` or `Σ_i (1 - p_i)`.
    /// `data.transform` is `A`, `D × F`; `data.points` is `n × F`.
    ///
    /// # Errors
    /// [`Error::Shape`] for empty arrays or shapes that differ, [`Error::NotFinite`], and
    /// [`Error::LonelyPoint`] for a point that is alone in its class, where `p_i = 0`.
    ///
    /// # Examples
    /// ```
    /// use intnacl_reference::{EvaluateSupervised, Labelled, Objective};
    /// use nalgebra::dmatrix;
    ///
    /// let data = Labelled {
    ///     transform: dmatrix![1.0, 0.0],
    ///     points: dmatrix![0.0, 0.0; 0.1, 1.0; 2.0, 0.0; 2.1, 1.0],
    ///     labels: vec![0, 0, 1, 1],
    /// };
    /// let evaluation = Objective::TotalVariation.evaluate(&data)?;
    /// // Of four points almost none is expected to be misclassified.
    /// assert!(evaluation.value < 0.2);
    /// assert_eq!(evaluation.gradient.transform.shape(), (1, 2));
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    fn evaluate(&self, data: &Labelled) -> Result<Evaluation<Labelled>>;
}

/// Evaluates a request.
pub trait EvaluateRequest {
    /// Evaluates the request with the exact reference.
    ///
    /// # Errors
    /// The errors of [`Evaluate::evaluate`] and [`EvaluateSupervised::evaluate`].
    fn evaluate(&self) -> Result<Answer>;
}

impl Evaluate for Loss {
    fn evaluate<L: Layout>(&self, data: &L, settings: &Settings) -> Result<Evaluation<L>> {
        data.validate(self, settings)?;
        let problem = data.problem(self);
        let overflow = || Error::Overflow { argument: "temperature".into(), value: settings.temperature };
        let result = solve::<Quick>(&problem, self, settings).ok_or_else(overflow)?;
        let all = result.per_image.iter().chain(&result.gradient).chain([&result.value]);
        if all.into_iter().any(|x| !x.is_finite()) {
            return Err(overflow());
        }
        let gradient = data.filled(&result.gradient);
        Ok(Evaluation { value: result.value, per_anchor: result.per_image, gradient })
    }
}

impl EvaluateSupervised for Objective {
    fn evaluate(&self, data: &Labelled) -> Result<Evaluation<Labelled>> {
        nca::evaluate(*self, data)
    }
}

impl EvaluateRequest for Request {
    fn evaluate(&self) -> Result<Answer> {
        Ok(match self {
            Request::Tuples { loss, settings, data } => Answer::Tuples(loss.evaluate(data, settings)?),
            Request::Batch { loss, settings, data } => Answer::Batch(loss.evaluate(data, settings)?),
            Request::Supervised { objective, data } => Answer::Supervised(objective.evaluate(data)?),
        })
    }
}

/// The problem at the first precision that settles all of it.
fn solve<P: Path>(problem: &Problem, loss: &Loss, settings: &Settings) -> Option<Rounded> {
    let t = unit_temperature(problem, settings);
    settle(
        if DOUBLE_RANGE.contains(&t) { P::doubles(problem, t) } else { &[] },
        || most_bits(problem, loss, settings),
        |context| Pass::<Dd>::run::<P>(problem, loss, settings, context).rounded(problem, false).map(Some),
        |bits| Pass::<Big>::run::<P>(problem, loss, settings, bits).rounded(problem, false).map(Some),
        |bits| Pass::<Big>::run::<P>(problem, loss, settings, bits).rounded(problem, true),
    )
}

/// The temperature at which rows of norm 1 would have scores as large: scores reach `radius²/t`.
fn unit_temperature(problem: &Problem, settings: &Settings) -> f64 {
    settings.temperature / problem.radius(settings.normalize).powi(2)
}

/// Enough bits for kernels that agree to `e^{-2/t}` or in all but the last of the bits that tell one score from another,
/// and for as many again that cancel afterwards; and for a hardness that is to be told from itself plus 1.
fn most_bits(problem: &Problem, loss: &Loss, settings: &Settings) -> usize {
    let t = unit_temperature(problem, settings);
    let kernels = 2.0 / t * std::f64::consts::LOG2_E;
    let exponents = (2.0 * hardness(loss) + 1.0).log2();
    let bits = 2.0 * (kernels + exponents + fine_bits(problem, settings));
    BITS_MORE + bits.min((BITS_MOST - BITS_MORE) as f64) as usize
}

/// The bits by which the nearest scores differ, `2^{-2k}/t` for entries of `k` bits, beyond those that there are anyway.
pub(crate) fn fine_bits(problem: &Problem, settings: &Settings) -> f64 {
    let spare = BITS_MORE as f64 - BITS_NEEDED;
    let entries = problem.bits_of_entries(settings.normalize);
    (2.0 * entries + settings.temperature.log2() - spare).max(0.0)
}

/// The largest `β` of a loss.
pub fn hardness(loss: &Loss) -> f64 {
    let of = |negatives: Negatives| if let Negatives::G2 { beta, .. } = negatives { beta } else { 0.0 };
    match *loss {
        Loss::SimClr | Loss::Debiased { .. } | Loss::Adversarial { .. } => 0.0,
        Loss::HardNegative { beta, .. } => beta,
        Loss::Nca { negatives } | Loss::MixNca { negatives, .. } => of(negatives),
        Loss::Robust { negatives, weight_negatives, .. } => of(negatives).max(of(weight_negatives)),
        Loss::IntCl { negatives, robust, .. } | Loss::IntNaCl { negatives, robust, .. } => {
            of(negatives).max(of(robust.negatives))
        }
    }
}

#[cfg(test)]
mod tests;

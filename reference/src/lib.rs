//! Exact reference for contrastive losses as neighbourhood component analysis: values and gradients.
//!
//! The losses are those of Ko et al., *Revisiting Contrastive Learning through the Lens of Neighborhood
//! Component Analysis: an Integrated Framework* (ICML 2022): SimCLR, Debiased, HardNeg, Adv, NCA, MIXNCA, the
//! robust term, IntCl, IntNaCl, and the supervised NCA that they come from. Results are right to the last
//! bits of f64, cancellation included: values within 4 units in the last place of the true number, the
//! gradient by an array within `8·2⁻⁵³` of its norm. So a program in any floating type can be held to them.
//!
//! - [`Loss`] names a loss and its parameters, [`Settings`] the temperature; [`Evaluate::evaluate`] gives an
//!   [`Evaluation`].
//! - [`Tuples`] and [`Batch`] are the two layouts of embeddings: an anchor with positives and negatives of
//!   its own, or the views of a training step.
//! - [`EvaluateSupervised::evaluate`] is supervised NCA, of [`Labelled`] points.
//! - [`derivation`] has every step from supervised NCA to the contrastive loss as a function.
//! - [`explain`] takes a request apart: its intermediate quantities, anchor by anchor.
//! - [`bound`] has the terms of Theorem 3.1, its generalisation bound, and worlds to compute them in.
//! - [`Request`] and [`Answer`] are what travels between programs; with the feature `json`, the module `json`
//!   reads and writes them.
//! - These names are those of the crate `intnacl-vocabulary`, handed on; [`prelude`] has the traits that evaluate.
//! - [`condition`] says how far an answer computed with roundings may be off. The crate `intnacl-judge` goes by it: it has what
//!   every implementation must satisfy, and runs it on yours.
//!
//! Bad input is refused by an [`Error`] that names the argument, the index, the value, and what was expected; NaN
//! and infinities are never results. The crate has no unsafe code, and needs no library in C.
//!
//! # Examples
//! One anchor with one positive at score 1.2 and two negatives at scores 0 and -2, at `t = 0.5`:
//! ```
//! use intnacl_reference::{Evaluate, Loss, Settings, Tuples};
//! use nalgebra::dmatrix;
//!
//! let anchor = dmatrix![1.0, 0.0];
//! let positives = vec![dmatrix![0.6, 0.8]];
//! let negatives = vec![dmatrix![0.0, 1.0; -1.0, 0.0]];
//! let evaluation = Loss::SimClr.evaluate(&Tuples::new(anchor, positives, negatives), &Settings::new(0.5))?;
//!
//! let expected = ((-1.2_f64).exp() + (-3.2_f64).exp()).ln_1p();
//! assert!((evaluation.value - expected).abs() < 1e-15);
//! # Ok::<(), intnacl_reference::Error>(())
//! ```
//!
//! # Source
//! The equations are numbered as in the paper; the other sources (Goldberger et al. 2004 for supervised NCA,
//! Chuang et al. 2020 and Robinson et al. 2021 for the estimators, Ho and Vasconcelos 2020 for Adv) stand
//! beside what was taken from them.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod bound;
pub mod condition;
pub mod derivation;
mod evaluate;
pub mod explain;
mod layout;
mod loss;
mod nca;
mod negatives;
mod parallel;
mod precision;
mod random;
mod real;
mod score;

use intnacl_vocabulary::{self as vocabulary, error};

pub use evaluate::{Evaluate, EvaluateRequest, EvaluateSupervised};
#[cfg(feature = "json")]
pub use intnacl_vocabulary::json;
pub use intnacl_vocabulary::{
    Answer, Batch, Declaration, Error, Evaluation, Labelled, Layout, Loss, LossName, Negatives, Neighborhood,
    Objective, Parameter, Reply, Request, Result, RobustTerm, SUPERVISED_NCA, Settings, Tuples, Weight,
    declarations,
};

/// All that evaluates, for `use intnacl_reference::prelude::*`.
pub mod prelude {
    pub use crate::{Evaluate, EvaluateRequest, EvaluateSupervised};
}

/// The inside that `intnacl-judge` uses: arithmetic in double-double, scores, and the roles of rows. It may change with
/// any version.
#[doc(hidden)]
pub mod inside {
    pub use crate::evaluate::{hardness, lift_row, norm};
    pub use crate::layout::{ContrastRoles, Problem, Problems, Roles};
    pub use crate::random::Rng;
    pub use crate::real::{Dd, DdContext, Real};
    pub use crate::score::{Arithmetic, Contrast, Scores, log_sum_exp, softplus};
}

/// Makes the examples of the README tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// Makes the examples of the manual tests.
#[cfg(doctest)]
#[doc = include_str!("../../notes/requests.md")]
struct Requests;

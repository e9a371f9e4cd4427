//! The names that implementations of contrastive losses share.
//!
//! The losses are those of Ko et al., *Revisiting Contrastive Learning through the Lens of Neighborhood
//! Component Analysis: an Integrated Framework* (ICML 2022).
//!
//! - [`Loss`] is a loss with its parameters, [`Settings`] the temperature.
//! - [`Tuples`] and [`Batch`] are the two [`Layout`]s of embeddings, [`Labelled`] the points of supervised NCA,
//!   whose [`Objective`] is one of two.
//! - [`Request`] and [`Answer`] are what travels between programs; with the feature `json`, the module `json`
//!   reads and writes them.
//!
//! Each refuses what is out of range, or has a shape that does not fit, with an [`Error`] that names the
//! argument, the index, the value, and what was expected. No loss is computed here: implementations share these
//! names and no arithmetic, so that one can judge the other.

//!
//! # Losses
//! `x` is an anchor, `x⁺` its first positive, `x⁻` a negative, and `h(x,y) = exp(f(x)·f(y)/t)`.
//!
#![doc = include_str!("../losses.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod data;
mod declaration;
pub mod error;
#[cfg(feature = "json")]
pub mod json;
mod layout;
mod markdown;
mod parameter;
mod request;
mod settings;
mod table;

pub use data::{Batch, Evaluation, Labelled, Tuples};
pub use declaration::{Declaration, Read, Reads};
pub use error::{Error, Result};
pub use layout::{Embeddings, Layout};
pub use markdown::{declarations, markdown};
pub use parameter::{
    Negatives, Neighborhood, Objective, Parameter, Range, ReadParameters, RobustTerm, Values, Weight,
    WriteParameters,
};
pub use request::{Answer, Reply, Request};
pub use settings::Settings;
pub use table::{LOSSES, Loss, LossName, SUPERVISED_NCA};

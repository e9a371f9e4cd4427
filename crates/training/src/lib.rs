//! The paper's system: data, views, encoder, attacks, training and evaluation, on the losses of the crate `intnacl`.
//!
//! Ko et al., *Revisiting Contrastive Learning through the Lens of Neighborhood Component Analysis: an Integrated
//! Framework* (ICML 2022), section 4 and appendices D to I.

#![warn(missing_docs)]

pub mod adam;
pub mod checkpoint;
pub mod config;
pub mod data;
pub mod encoder;
mod error;
pub mod evaluate;
mod events;
pub mod memory;
pub mod metrics;
pub mod paper;
pub mod random;
pub mod statistics;
pub mod step;
pub mod train;
pub mod views;

pub use data::Dataset;
pub use error::{Error, Result};
pub use train::Run;

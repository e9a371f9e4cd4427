//! reference

pub mod derivation;
mod error;
mod evaluate;
#[cfg(feature = "json")]
pub mod json;
#[cfg(feature = "law")]
pub mod law;
mod layout;
mod loss;
mod nca;
mod negatives;
mod parallel;
mod real;
mod request;
mod score;
mod vocabulary;

pub use error::{Error, Result};
pub use layout::Layout;
pub use request::{Answer, Request};
pub use vocabulary::{
    Batch, Evaluation, Labelled, Loss, Negatives, Neighborhood, Objective, RobustTerm, Settings, Tuples,
    Weight,
};

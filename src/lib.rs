//! Contrastive losses as neighbourhood component analysis, on libtorch.

mod bridge;
mod device;
mod error;
mod loss;
mod supervised;
#[cfg(test)]
mod testing;

pub use bridge::evaluate;
pub use device::{device, device_name, devices, kind, kind_name, libtorch_version};
pub use error::{Error, Result};
pub use intnacl_reference::{
    Answer, Loss, Negatives, Neighborhood, Objective, Request, RobustTerm, Settings, Weight,
};
pub use loss::{Batch, Layout, Tuples};
pub use supervised::Labelled;
pub use tch;

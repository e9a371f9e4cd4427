//! Contrastive losses as neighbourhood component analysis, on libtorch.
//!
//! The losses of Ko et al., *Revisiting Contrastive Learning through the Lens of Neighborhood Component
//! Analysis: an Integrated Framework* (ICML 2022): SimCLR, debiased and hard-negative contrastive losses,
//! NCA, MIXNCA, their robust forms, and IntNaCl, which has them all as configurations. They are functions
//! of [`tch`] tensors, on any device and in any floating type, and libtorch differentiates them.
//!
//! - [`Loss`] names a loss and its parameters, [`Settings`] the temperature.
//! - [`Batch`] and [`Tuples`] hold the embeddings; [`Layout`] has the equations.
//! - [`Labelled`] is supervised NCA, where it all comes from.
//! - [`evaluate`] answers a [`Request`], as `intnacl_reference` does with exact arithmetic of its own. That
//!   crate and this one share the names of things, and no arithmetic.
//!
//! # Examples
//! A training step:
//! ```
//! use intnacl::{Batch, Layout, Loss, Negatives, Settings};
//! use tch::nn::{self, Module, OptimizerConfig};
//! use tch::{Device, Kind, Tensor};
//!
//! let parameters = nn::VarStore::new(Device::Cpu);
//! let encoder = nn::linear(parameters.root(), 32, 16, Default::default());
//! let mut optimizer = nn::Adam::default().build(&parameters, 1e-3)?;
//!
//! // Three views of 64 images, the first of which is the anchor.
//! let images = Tensor::randn([3, 64, 32], (Kind::Float, Device::Cpu));
//! let batch = Batch::new(encoder.forward(&images));
//! let loss = Loss::Nca { negatives: Negatives::G2 { tau_plus: 0.1, beta: 1.0 } };
//! let value = batch.value(&loss, &Settings::new(0.5).normalizing())?;
//! optimizer.backward_step(&value);
//! # Ok::<(), intnacl::Error>(())
//! ```

#![warn(missing_docs)]

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
#[cfg(feature = "engines")]
#[doc(hidden)]
pub use loss::engines;
pub use loss::{Batch, Layout, Tuples};
pub use supervised::Labelled;
pub use tch;

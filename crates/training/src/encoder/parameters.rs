//! An encoder's parameters in one piece of memory, and its buffers.

use crate::error::Result;
use crate::random::Rng;
use tch::{Device, Kind, Tensor};

/// How a parameter is drawn at first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Initial {
    /// Every entry the same.
    Constant(f64),
    /// Normal, with the standard deviation given (He et al. 2015).
    Normal(f64),
    /// Uniform, either way up to the bound given.
    Uniform(f64),
}

/// Parameters under torchvision's names.
///
/// All lie in one flat tensor, so that an optimiser's step is a few operations however many there are. Each is a
/// leaf of its own for libtorch's derivatives.
#[derive(Debug)]
pub struct Parameters {
    /// All entries, one parameter after the other.
    pub(crate) flat: Tensor,
    /// Each parameter's name and the leaf that shares its part of the memory.
    pub(crate) leaves: Vec<(String, Tensor)>,
    /// What is kept beside the parameters: the running means and variances.
    pub(crate) buffers: Vec<(String, Tensor)>,
}

/// Parameters as they are declared, before they have memory.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    entries: Vec<(String, Vec<i64>, Initial)>,
    buffers: Vec<(String, i64, f64)>,
}

/// Where a declared parameter is found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot(usize);

/// Where a declared buffer is found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BufferSlot(usize);

impl Declared {
    pub(crate) fn parameter(&mut self, name: String, shape: &[i64], initial: Initial) -> Slot {
        self.entries.push((name, shape.to_vec(), initial));
        Slot(self.entries.len() - 1)
    }

    pub(crate) fn buffer(&mut self, name: String, size: i64, value: f64) -> BufferSlot {
        self.buffers.push((name, size, value));
        BufferSlot(self.buffers.len() - 1)
    }

    /// Gives them memory and their first values. The draws are the host's, so that every device starts alike.
    pub(crate) fn build(self, rng: &mut Rng, device: Device) -> Result<Parameters> {
        let mut values = Vec::<f32>::new();
        for (_, shape, initial) in &self.entries {
            let count: i64 = shape.iter().product();
            values.extend((0..count).map(|_| match *initial {
                Initial::Constant(value) => value as f32,
                Initial::Normal(deviation) => (deviation * rng.normal()) as f32,
                Initial::Uniform(bound) => rng.between(-bound, bound) as f32,
            }));
        }
        let flat = Tensor::f_from_slice(&values)?.f_to_device(device)?;
        let mut leaves = Vec::new();
        let mut start = 0;
        for (name, shape, _) in self.entries {
            let count: i64 = shape.iter().product();
            let leaf = flat.f_narrow(0, start, count)?.f_view(shape.as_slice())?.f_detach()?;
            leaves.push((name, leaf.f_set_requires_grad(true)?));
            start += count;
        }
        let buffers = self
            .buffers
            .into_iter()
            .map(|(name, size, value)| Ok((name, Tensor::f_full([size], value, (Kind::Float, device))?)));
        Ok(Parameters { flat, leaves, buffers: buffers.collect::<Result<_>>()? })
    }
}

impl Parameters {
    pub(crate) fn at(&self, Slot(index): Slot) -> &Tensor {
        &self.leaves[index].1
    }

    pub(crate) fn buffer(&self, BufferSlot(index): BufferSlot) -> &Tensor {
        &self.buffers[index].1
    }

    /// The gradients of a scalar by all parameters, one after the other in one tensor. A parameter that the scalar
    /// does not depend on has zeros.
    pub(crate) fn gradient(&self, of: &Tensor) -> Result<Tensor> {
        let leaves: Vec<&Tensor> = self.leaves.iter().map(|(_, leaf)| leaf).collect();
        let gradients = Tensor::f_run_backward(&[of], &leaves, false, false)?;
        let flat = gradients.iter().zip(leaves).map(|(gradient, leaf)| {
            Ok(if gradient.defined() {
                gradient.f_flatten(0, -1)?
            } else {
                leaf.f_detach()?.f_zeros_like()?.f_flatten(0, -1)?
            })
        });
        Ok(Tensor::f_cat(&flat.collect::<Result<Vec<_>>>()?, 0)?)
    }

    /// A flat tensor taken apart into one part for each parameter, of its shape.
    pub(crate) fn split(&self, flat: &Tensor) -> Result<Vec<(String, Tensor)>> {
        let mut start = 0;
        let mut parts = Vec::new();
        for (name, leaf) in &self.leaves {
            let count = leaf.numel() as i64;
            parts.push((name.clone(), flat.f_narrow(0, start, count)?.f_view(leaf.size().as_slice())?));
            start += count;
        }
        Ok(parts)
    }
}

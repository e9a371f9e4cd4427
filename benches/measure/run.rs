//! The measurements in this process: the two products, production, and the reference.

use super::case::{Case, Inputs, settings};
use intnacl::tch::{Cuda, Device, TchError, Tensor};
use intnacl::{Layout, Request};
use intnacl_reference::EvaluateRequest;

/// Whose time or memory a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Implementation {
    /// The products `Z Zᵀ` and `G Z` of the `2B` rows and a matrix `G` as large as the scores, through libtorch.
    Floor,
    /// This package.
    Production,
    /// PyTorch, operator by operator.
    TorchEager,
    /// PyTorch, compiled for the very shapes.
    TorchCompile,
    /// `intnacl-reference`, in f64.
    Reference,
}

impl Implementation {
    pub const ALL: [Self; 5] =
        [Self::Floor, Self::Production, Self::TorchEager, Self::TorchCompile, Self::Reference];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Production => "production",
            Self::TorchEager => "torch_eager",
            Self::TorchCompile => "torch_compile",
            Self::Reference => "reference",
        }
    }

    /// The implementation of a name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|implementation| implementation.name() == name)
    }
}

/// The floor, the production step or the reference on some inputs.
pub enum Step<'a> {
    Floor(Tensor),
    Production(&'a Case, &'a Inputs),
    Reference(Box<Request>),
}

impl<'a> Step<'a> {
    /// `None` for what does not run in this process.
    pub fn new(
        implementation: Implementation,
        case: &'a Case,
        inputs: &'a Inputs,
    ) -> Result<Option<Self>, TchError> {
        Ok(match implementation {
            Implementation::Floor => Some(Self::Floor(inputs.rows()?)),
            Implementation::Production => Some(Self::Production(case, inputs)),
            Implementation::Reference => Some(Self::Reference(Box::new(inputs.request(case)?))),
            Implementation::TorchEager | Implementation::TorchCompile => None,
        })
    }

    /// Value and gradient, once; what comes out is dropped.
    pub fn run(&self) -> intnacl::Result<()> {
        match self {
            Self::Floor(rows) => {
                let _ = rows.f_matmul(&rows.f_transpose(0, 1)?)?.f_matmul(rows)?;
            }
            Self::Production(case, inputs) => {
                let _ = gradient(case, inputs)?;
            }
            Self::Reference(request) => {
                request.evaluate()?;
            }
        }
        Ok(())
    }
}

/// Production's value, and its gradient by every input.
pub fn gradient(case: &Case, inputs: &Inputs) -> intnacl::Result<(Tensor, Vec<Tensor>)> {
    with_gradient(inputs.batch.value(&case.loss, &settings())?, inputs)
}

/// A value, and its gradient by every input.
pub fn with_gradient(value: Tensor, inputs: &Inputs) -> intnacl::Result<(Tensor, Vec<Tensor>)> {
    let tensors: Vec<&Tensor> = inputs.tensors().into_iter().map(|(_, tensor)| tensor).collect();
    let gradients = Tensor::f_run_backward(&[&value], &tensors, false, false)?;
    Ok((value.f_detach()?, gradients))
}

/// Waits until the device is done.
pub fn synchronize(device: Device) {
    if let Device::Cuda(index) = device {
        Cuda::synchronize(index as i64);
    }
}

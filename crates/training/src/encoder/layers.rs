//! The layers of an encoder: convolutions, batch normalisation and linear maps, by the slots of their parameters.

use super::parameters::{BufferSlot, Declared, Initial, Parameters, Slot};
use crate::error::Result;
use tch::{Kind, Tensor};

/// Which images a pass is made of, and whether it learns from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Training on clean views: the batch's statistics, which the running ones follow.
    Train,
    /// Training on adversarial views, whose running statistics may be their own.
    TrainAdversarial,
    /// The batch's statistics of adversarial views, and nothing is remembered: how an attack looks at the encoder.
    Attack,
    /// The running statistics.
    Evaluate,
}

/// The elements that convolutions and linear maps compute in. Everything else is in `f32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Precision(pub(crate) Kind);

impl Precision {
    fn of(self, tensor: &Tensor) -> Result<Tensor> {
        Ok(if self.0 == Kind::Float { tensor.shallow_clone() } else { tensor.f_to_kind(self.0)? })
    }
}

/// A convolution without bias.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conv {
    weight: Slot,
    stride: i64,
    padding: i64,
}

impl Conv {
    /// `[out, in, side, side]`, drawn as torchvision does: normal, `√(2/(out·side²))`.
    pub(crate) fn declare(
        declared: &mut Declared,
        name: &str,
        [out, into, side]: [i64; 3],
        stride: i64,
    ) -> Self {
        let deviation = (2.0 / (out * side * side) as f64).sqrt();
        let shape = [out, into, side, side];
        let weight = declared.parameter(format!("{name}.weight"), &shape, Initial::Normal(deviation));
        Self { weight, stride, padding: side / 2 }
    }

    pub(crate) fn forward(self, parameters: &Parameters, x: &Tensor, precision: Precision) -> Result<Tensor> {
        let weight = precision.of(parameters.at(self.weight))?;
        let (mut x, mut stride) = (precision.of(x)?, self.stride);
        // A kernel of one pixel is given the pixels that it reads, and no stride. With a stride and fewer than eight
        // channels oneDNN writes past its memory in the gradient of the weights (uxlfoundation/oneDNN, issue 6035).
        if self.padding == 0 && stride > 1 {
            x = x.f_slice(2, None, None, stride)?.f_slice(3, None, None, stride)?;
            stride = 1;
        }
        let both = |size: i64| [size, size];
        Ok(x.f_conv2d(&weight, None::<&Tensor>, both(stride), both(self.padding), [1, 1], 1)?)
    }
}

/// Batch normalisation, with a second one for adversarial views if their statistics are kept apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Norm {
    clean: OneNorm,
    adversarial: Option<OneNorm>,
}

#[derive(Debug, Clone, Copy)]
struct OneNorm {
    weight: Slot,
    bias: Slot,
    mean: BufferSlot,
    variance: BufferSlot,
}

impl Norm {
    pub(crate) fn declare(declared: &mut Declared, name: &str, channels: i64, apart: bool) -> Self {
        let mut one = |prefix: &str| OneNorm {
            weight: declared.parameter(format!("{prefix}{name}.weight"), &[channels], Initial::Constant(1.0)),
            bias: declared.parameter(format!("{prefix}{name}.bias"), &[channels], Initial::Constant(0.0)),
            mean: declared.buffer(format!("{prefix}{name}.running_mean"), channels, 0.0),
            variance: declared.buffer(format!("{prefix}{name}.running_var"), channels, 1.0),
        };
        Self { clean: one(""), adversarial: apart.then(|| one(super::ADVERSARIAL)) }
    }

    pub(crate) fn forward(self, parameters: &Parameters, x: &Tensor, mode: Mode) -> Result<Tensor> {
        const EPSILON: f64 = 1e-5;
        let (norm, training, momentum) = match mode {
            Mode::Train => (self.clean, true, 0.1),
            Mode::TrainAdversarial => (self.adversarial.unwrap_or(self.clean), true, 0.1),
            Mode::Attack => (self.adversarial.unwrap_or(self.clean), true, 0.0),
            Mode::Evaluate => (self.clean, false, 0.0),
        };
        Ok(Tensor::f_batch_norm(
            x,
            Some(parameters.at(norm.weight)),
            Some(parameters.at(norm.bias)),
            Some(parameters.buffer(norm.mean)),
            Some(parameters.buffer(norm.variance)),
            training,
            momentum,
            EPSILON,
            true,
        )?)
    }
}

/// A linear map with a bias.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Linear {
    weight: Slot,
    bias: Slot,
}

impl Linear {
    /// Drawn as PyTorch does: uniform, up to `1/√in`.
    pub(crate) fn declare(declared: &mut Declared, name: &str, into: i64, out: i64) -> Self {
        let bound = (into as f64).sqrt().recip();
        Self {
            weight: declared.parameter(format!("{name}.weight"), &[out, into], Initial::Uniform(bound)),
            bias: declared.parameter(format!("{name}.bias"), &[out], Initial::Uniform(bound)),
        }
    }

    /// Its weight and bias.
    pub(crate) fn of(self, parameters: &Parameters) -> (&Tensor, &Tensor) {
        (parameters.at(self.weight), parameters.at(self.bias))
    }

    pub(crate) fn forward(self, parameters: &Parameters, x: &Tensor, precision: Precision) -> Result<Tensor> {
        let (weight, bias) = self.of(parameters);
        let (weight, bias) = (precision.of(weight)?, precision.of(bias)?);
        Ok(precision.of(x)?.f_linear(&weight, Some(&bias))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};
    use tch::Device;

    #[test]
    fn a_strided_kernel_of_one_pixel_has_its_gradient_at_any_number_of_channels() {
        tch::manual_seed(1);
        for channels in [1, 2, 3, 4, 7, 8, 9, 16] {
            let (mut declared, out) = (Declared::default(), 2 * channels);
            let conv = Conv::declare(&mut declared, "around", [out, channels, 1], 2);
            let parameters = declared.build(&mut stream(1, Purpose::Weights, &[]), Device::Cpu).unwrap();
            let random = |shape: [i64; 4]| Tensor::randn(shape, (Kind::Float, Device::Cpu));
            let last = |x: Tensor| x.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]);
            let x = last(random([8, channels, 32, 32])).set_requires_grad(true);
            let weights = random([8, out, 16, 16]);
            let y = conv.forward(&parameters, &x, Precision(Kind::Float)).unwrap();
            let gradient = parameters.gradient(&(&y * &weights).sum(Kind::Float)).unwrap();
            let pixels = |x: &Tensor| x.detach().to_kind(Kind::Double).transpose(0, 1).flatten(1, -1);
            let read = pixels(&x.slice(2, None, None, 2).slice(3, None, None, 2));
            let expected = pixels(&weights).matmul(&read.tr()).flatten(0, -1);
            let distance = f64::try_from((gradient - &expected).norm() / expected.norm()).unwrap();
            // Sums of 2048 products, each rounded in f32, that err as a random walk does.
            let walk = 2048_f64.sqrt() * f64::from(f32::EPSILON);
            assert!(distance < walk, "{channels} channels: {distance:e}");
        }
    }
}

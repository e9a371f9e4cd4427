//! The linear probe: softmax regression on frozen features.

use crate::adam::{self, Adam};
use crate::error::{Error, Result, in_range};
use crate::random::{Purpose, permutation, stream};
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor, no_grad};

/// How the probe is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Passes over the training features.
    pub epochs: u64,
    /// Features a step.
    pub batch: usize,
    /// Adam's learning rate.
    pub learning_rate: f64,
}

impl Default for Settings {
    /// The paper's for CIFAR.
    fn default() -> Self {
        Self { epochs: 1000, batch: 256, learning_rate: 3e-4 }
    }
}

impl Settings {
    /// Refuses settings out of range.
    ///
    /// # Errors
    /// [`Error::Setting`], naming the setting.
    pub fn validate(&self) -> Result<()> {
        in_range("probe.batch", self.batch, self.batch >= 1, "a whole number of at least 1")?;
        let rate = self.learning_rate;
        let holds = rate > 0.0 && rate.is_finite();
        in_range("probe.learning_rate", rate, holds, "a finite number above 0")
    }
}

/// A linear map from features to the scores of classes.
#[derive(Debug)]
pub struct Probe {
    /// `[K, F]`.
    pub weight: Tensor,
    /// `[K]`.
    pub bias: Tensor,
}

impl Probe {
    /// Trains a probe on features `[n, F]` and their labels `[n]`. Its weights are 0 at first.
    ///
    /// # Errors
    /// Settings out of range, [`Error::NotFinite`] for features or weights that are not finite, [`Error::Torch`].
    pub fn train(
        settings: &Settings,
        features: &Tensor,
        labels: &Tensor,
        classes: i64,
        seed: u64,
    ) -> Result<Self> {
        settings.validate()?;
        let (count, size) = features.size2()?;
        let device = features.device();
        let mut flat = Tensor::f_zeros([classes * (size + 1)], (Kind::Float, device))?;
        let weight = flat.f_narrow(0, 0, classes * size)?.f_view([classes, size].as_slice())?;
        let bias = flat.f_narrow(0, classes * size, classes)?;
        let rate = settings.learning_rate;
        let mut adam = Adam::new(&adam::Settings { learning_rate: rate, ..Default::default() }, &flat)?;
        let targets = labels.f_one_hot(classes)?.f_to_kind(Kind::Float)?;
        no_grad(|| -> Result<()> {
            for epoch in 0..settings.epochs {
                let order = permutation(count as usize, &mut stream(seed, Purpose::Probe, &[epoch]));
                let order = Tensor::f_from_slice(&order)?.f_to_device(device)?;
                let (x, targets) = (features.f_index_select(0, &order)?, targets.f_index_select(0, &order)?);
                for start in (0..count).step_by(settings.batch) {
                    let size = (settings.batch as i64).min(count - start);
                    let x = x.f_narrow(0, start, size)?;
                    // The gradient of the mean of -log softmax by the scores: (softmax - target)/n.
                    let scores = x.f_linear(&weight, Some(&bias))?;
                    let error = scores.f_softmax(-1, None)?.f_sub(&targets.f_narrow(0, start, size)?)?;
                    let error = error.f_div_scalar(size as f64)?;
                    let by_weight = error.f_transpose(0, 1)?.f_matmul(&x)?.f_flatten(0, -1)?;
                    let by_bias = error.f_sum_dim_intlist([0].as_slice(), false, None)?;
                    adam.step(&mut flat, &Tensor::f_cat(&[by_weight, by_bias], 0)?)?;
                }
            }
            Ok(())
        })?;
        let finite = bool::try_from(flat.f_isfinite()?.f_all()?)?;
        if !finite {
            let what = "the linear probe".to_owned();
            return Err(Error::NotFinite { step: adam.steps as u64, what, saved: String::new() });
        }
        Ok(Self { weight, bias })
    }

    /// The scores `[n, K]` of features `[n, F]`.
    ///
    /// # Errors
    /// [`Error::Torch`].
    pub fn scores(&self, features: &Tensor) -> Result<Tensor> {
        Ok(features.f_linear(&self.weight, Some(&self.bias))?)
    }
}

/// `-log softmax` of the label's score, for each image.
pub(crate) fn cross_entropy(scores: &Tensor, labels: &Tensor, reduction: Reduction) -> Result<Tensor> {
    Ok(scores.f_cross_entropy_loss(labels, None::<&Tensor>, reduction, -100, 0.0)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;
    use tch::Device;

    fn pixels(images: &crate::data::Images) -> Tensor {
        images.range(0, images.count() as i64).unwrap().0.flatten(1, -1)
    }

    #[test]
    fn digits_are_told_apart_by_their_pixels() {
        let data = Dataset::digits().unwrap();
        let settings = Settings { epochs: 60, batch: 128, learning_rate: 1e-2 };
        let probe = Probe::train(&settings, &pixels(&data.train), &data.train.labels, 10, 1).unwrap();
        let classes = probe.scores(&pixels(&data.test)).unwrap().argmax(-1, false);
        let right =
            f64::try_from(classes.eq_tensor(&data.test.labels).to_kind(Kind::Double).mean(None)).unwrap();
        // What logistic regression is known to reach on these images, a little less.
        assert!(right > 0.93, "{right}");
    }

    #[test]
    fn a_step_goes_along_the_derivative_that_libtorch_finds() {
        let (x, labels) =
            (Tensor::rand([6, 3], (Kind::Float, Device::Cpu)), Tensor::from_slice(&[0i64, 1, 2, 3, 1, 1]));
        let settings = Settings { epochs: 1, batch: 6, learning_rate: 1e-2 };
        let probe = Probe::train(&settings, &x, &labels, 4, 1).unwrap();
        let weight = Tensor::zeros([4, 3], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let loss = cross_entropy(&x.linear(&weight, None::<&Tensor>), &labels, Reduction::Mean).unwrap();
        loss.backward();
        // Adam's first step is the learning rate against the sign.
        let distance = (&probe.weight + weight.grad().sign() * 1e-2).abs().max();
        assert!(f64::try_from(distance).unwrap() < 1e-5);
    }

    #[test]
    fn features_that_are_not_finite_are_an_error() {
        let x = Tensor::full([4, 2], f64::NAN, (Kind::Float, Device::Cpu));
        let labels = Tensor::from_slice(&[0i64, 1, 0, 1]);
        let settings = Settings { epochs: 1, ..Settings::default() };
        assert!(matches!(Probe::train(&settings, &x, &labels, 2, 1), Err(Error::NotFinite { .. })));
        let none = Settings { batch: 0, ..Settings::default() };
        assert!(matches!(Probe::train(&none, &x, &labels, 2, 1), Err(Error::Setting { .. })));
    }
}

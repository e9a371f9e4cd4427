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

//! Attacks on a classifier, as Wong, Rice and Kolter (2020) evaluate robustness: within `epsilon` of each pixel.

use super::probe::{Probe, cross_entropy};
use crate::encoder::{Encoder, Mode};
use crate::error::{Result, in_range};
use crate::random::{Purpose, stream};
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor, no_grad};

/// How strong attacks are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How far a pixel may be moved, images being in `[0, 1]`.
    pub epsilon: f64,
    /// PGD: how far a step moves each pixel.
    pub step: f64,
    /// PGD: steps.
    pub iterations: usize,
    /// PGD: random starts.
    pub restarts: usize,
}

impl Default for Settings {
    /// The paper's (appendices E and H).
    fn default() -> Self {
        Self { epsilon: 0.002, step: 0.01, iterations: 10, restarts: 2 }
    }
}

impl Settings {
    /// Refuses settings out of range.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting), naming the setting.
    pub fn validate(&self) -> Result<()> {
        for (argument, value) in [("attack.epsilon", self.epsilon), ("attack.step", self.step)] {
            in_range(argument, value, (0.0..=1.0).contains(&value), "a number in [0, 1]")?;
        }
        let restarts = self.restarts;
        in_range("attack.restarts", restarts, restarts >= 1, "a whole number of at least 1")
    }
}

/// What is attacked.
#[derive(Debug, Clone, Copy)]
pub struct Classifier<'a> {
    /// Its features are frozen, in evaluation mode.
    pub encoder: &'a Encoder,
    /// The scores of the classes.
    pub probe: &'a Probe,
}

impl Classifier<'_> {
    /// The scores `[B, K]` of images `[B, C, H, W]`.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch).
    pub fn scores(&self, images: &Tensor) -> Result<Tensor> {
        self.probe.scores(&self.encoder.features_of(images, Mode::Evaluate)?)
    }

    /// Scores, and the derivative of the mean cross-entropy by the images.
    fn gradient(&self, images: &Tensor, labels: &Tensor) -> Result<(Tensor, Tensor)> {
        let images = images.f_detach()?.f_set_requires_grad(true)?;
        let scores = self.scores(&images)?;
        let loss = cross_entropy(&scores, labels, Reduction::Mean)?;
        let gradient = Tensor::f_run_backward(&[&loss], &[&images], false, false)?;
        Ok((scores.f_detach()?, gradient[0].shallow_clone()))
    }

    /// The fast gradient sign method (Goodfellow et al. 2015): for each `epsilon` the images moved by it along the sign
    /// of the gradient, within `[0, 1]`.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch).
    pub fn fgsm(&self, images: &Tensor, labels: &Tensor, epsilons: &[f64]) -> Result<Vec<Tensor>> {
        let sign = self.gradient(images, labels)?.1.f_sign()?;
        let moved = |&epsilon| Ok(images.f_add(&sign.f_mul_scalar(epsilon)?)?.f_clamp(0.0, 1.0)?);
        epsilons.iter().map(moved).collect()
    }

    /// Projected gradient descent (Madry et al. 2018): `restarts` times from a random start, the steps going on while
    /// an image is still classified rightly; of each image's attempts the one with the largest loss.
    ///
    /// `start` gives the random numbers in `[-1, 1]` of each restart, in the images' shape.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch).
    pub fn pgd(
        &self,
        images: &Tensor,
        labels: &Tensor,
        settings: &Settings,
        mut start: impl FnMut(usize) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let Settings { epsilon, step, iterations, restarts } = *settings;
        let within = |delta: &Tensor| -> Result<Tensor> {
            Ok(images.f_add(&delta.f_clamp(-epsilon, epsilon)?)?.f_clamp(0.0, 1.0)?.f_sub(images)?)
        };
        let mut worst = images.f_zeros_like()?;
        let mut largest = Tensor::f_zeros_like(labels)?.f_to_kind(Kind::Float)?;
        for restart in 0..restarts {
            let mut delta = within(&start(restart)?.f_mul_scalar(epsilon)?)?;
            for _ in 0..iterations {
                let (scores, gradient) = self.gradient(&images.f_add(&delta)?, labels)?;
                let right =
                    scores.f_argmax(-1, false)?.f_eq_tensor(labels)?.f_view([-1, 1, 1, 1].as_slice())?;
                let moved = within(&delta.f_add(&gradient.f_sign()?.f_mul_scalar(step)?)?)?;
                delta = moved.f_where_self(&right, &delta)?;
            }
            let losses =
                no_grad(|| cross_entropy(&self.scores(&images.f_add(&delta)?)?, labels, Reduction::None))?;
            let worse = losses.f_ge_tensor(&largest)?;
            worst = delta.f_where_self(&worse.f_view([-1, 1, 1, 1].as_slice())?, &worst)?;
            largest = largest.f_maximum(&losses)?;
        }
        Ok(images.f_add(&worst)?)
    }
}

/// The random starts of PGD for images from `first` on, each image's from a stream of its own.
pub(crate) fn random_start(seed: u64, restart: usize, first: i64, shape: &[i64]) -> Result<Tensor> {
    let each: i64 = shape[1..].iter().product();
    let mut values = Vec::with_capacity((shape[0] * each) as usize);
    for image in first..first + shape[0] {
        let mut rng = stream(seed, Purpose::Attack, &[restart as u64, image as u64]);
        values.extend((0..each).map(|_| rng.between(-1.0, 1.0) as f32));
    }
    Ok(Tensor::f_from_slice(&values)?.f_view(shape)?)
}

//! Adam (Kingma and Ba 2015), written out so that its state can be saved.
//!
//! With gradient `g`, step count `k` from 1:
//! `m ← m + (1-β₁)(g - m)`, `v ← β₂v + (1-β₂)g²`, `x ← x - η/(1-β₁ᵏ) · m / (√v/√(1-β₂ᵏ) + ε)`,
//! in PyTorch's order of operations.

use crate::error::{Result, in_range};
use serde::{Deserialize, Serialize};
use tch::{Tensor, no_grad};

/// Adam's constants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The learning rate `η`.
    pub learning_rate: f64,
    /// `β₁` and `β₂`.
    pub betas: [f64; 2],
    /// `ε`.
    pub epsilon: f64,
    /// `w`: the gradient is `g + w·x`.
    pub weight_decay: f64,
}

impl Default for Settings {
    /// The paper's learning rate, PyTorch's other constants, no weight decay.
    fn default() -> Self {
        Self { learning_rate: 3e-4, betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.0 }
    }
}

impl Settings {
    /// Refuses constants out of range.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting), naming the setting.
    pub fn validate(&self) -> Result<()> {
        let positive = |x: f64| x > 0.0 && x.is_finite();
        let rate = self.learning_rate;
        in_range("adam.learning_rate", rate, positive(rate), "a finite number above 0")?;
        for (k, beta) in self.betas.into_iter().enumerate() {
            in_range(&format!("adam.betas[{k}]"), beta, (0.0..1.0).contains(&beta), "a number in [0, 1)")?;
        }
        in_range("adam.epsilon", self.epsilon, positive(self.epsilon), "a finite number above 0")?;
        let decay = self.weight_decay;
        in_range(
            "adam.weight_decay",
            decay,
            decay >= 0.0 && decay.is_finite(),
            "a finite number of at least 0",
        )
    }
}

/// Adam's state for one tensor of parameters.
#[derive(Debug)]
pub struct Adam {
    settings: Settings,
    /// How many steps were done.
    pub(crate) steps: i64,
    /// The mean `m` of the gradients.
    pub(crate) first: Tensor,
    /// The mean `v` of their squares.
    pub(crate) second: Tensor,
}

impl Adam {
    /// The state before the first step.
    ///
    /// # Errors
    /// Constants out of range; [`Error::Torch`](crate::Error::Torch).
    pub fn new(settings: &Settings, parameters: &Tensor) -> Result<Self> {
        settings.validate()?;
        let zeros = || -> Result<Tensor> { Ok(parameters.f_detach()?.f_zeros_like()?) };
        Ok(Self { settings: settings.clone(), steps: 0, first: zeros()?, second: zeros()? })
    }

    /// One step: changes `parameters` in place by their gradient.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch), for a gradient of another shape among others.
    pub fn step(&mut self, parameters: &mut Tensor, gradient: &Tensor) -> Result<()> {
        no_grad(|| {
            let Settings { learning_rate, betas: [b1, b2], epsilon, weight_decay } = self.settings;
            self.steps += 1;
            let power = self.steps as f64;
            let gradient = match weight_decay {
                0.0 => gradient.shallow_clone(),
                decay => gradient.f_add(&parameters.f_mul_scalar(decay)?)?,
            };
            let _ = self.first.f_lerp_(&gradient, 1.0 - b1)?;
            let scaled = gradient.f_mul_scalar(1.0 - b2)?;
            let _ = self.second.f_mul_scalar_(b2)?.f_addcmul_(&scaled, &gradient)?;
            let step_size = learning_rate / (1.0 - b1.powf(power));
            let correction = (1.0 - b2.powf(power)).sqrt();
            let denominator = self.second.f_sqrt()?.f_div_scalar_(correction)?.f_add_scalar_(epsilon)?;
            let _ = parameters.f_addcdiv_(&self.first.f_mul_scalar(-step_size)?, &denominator)?;
            Ok(())
        })
    }
}

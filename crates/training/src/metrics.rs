//! What tells more of a batch than its loss, and the lines that are written about a run.

use crate::error::{Error, Result};
use intnacl::{Batch, Loss, Negatives};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use tch::{Kind, Tensor, no_grad};

/// A line of `metrics.jsonl`: means over the steps of an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The epoch, counted from 0.
    pub epoch: u64,
    /// Steps that were done since the start of the run.
    pub step: u64,
    /// When the epoch ended, in seconds since the start of 1970.
    pub time: f64,
    /// The mean loss.
    pub loss: f64,
    /// Of the epoch's last batch; labels have none.
    #[serde(flatten)]
    pub contrast: Option<Contrast>,
    /// Images of the dataset a second (each is seen in several views).
    pub images_per_second: f64,
}

/// How the anchors of a batch stand to their negatives. Anchors are those of view 0; the estimator is that of the
/// loss's first term.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Contrast {
    /// The share of anchors whose estimate is the floor `e^{-1/t}`, so that negatives have no gradient.
    pub floored: f64,
    /// `(Σ w)²/Σ w²` with the hardness weights `w = h^β` of the estimator: how many negatives count. The mean over the
    /// anchors; without hardness all `N`.
    pub effective_negatives: f64,
    /// The share of anchors with `Q/(P + Q) < 1/100`, whose gradient is as good as gone.
    pub saturated: f64,
}

/// The estimator of a loss's first term.
fn estimator(loss: &Loss) -> Negatives {
    match *loss {
        Loss::SimClr | Loss::Adversarial { .. } => Negatives::G0,
        Loss::Debiased { tau_plus } => Negatives::G1 { tau_plus },
        Loss::HardNegative { tau_plus, beta } => Negatives::G2 { tau_plus, beta },
        Loss::Nca { negatives }
        | Loss::MixNca { negatives, .. }
        | Loss::Robust { negatives, .. }
        | Loss::IntCl { negatives, .. }
        | Loss::IntNaCl { negatives, .. } => negatives,
    }
}

impl Contrast {
    /// Of a batch of embeddings as they come from the encoder.
    ///
    /// # Errors
    /// [`Error::Torch`].
    pub fn of(batch: &Batch, loss: &Loss, temperature: f64) -> Result<Self> {
        no_grad(|| {
            let views = batch.views.f_narrow(0, 0, 2)?.f_to_kind(Kind::Double)?;
            let norms = views.f_norm_scalaropt_dim(2, [-1].as_slice(), true)?.f_clamp_min(1e-300)?;
            let views = views.f_div(&norms)?;
            let (anchor, positive) = (views.f_select(0, 0)?, views.f_select(0, 1)?);
            let count = anchor.size()[0];
            let positive = anchor.f_mul(&positive)?.f_sum_dim_intlist([-1].as_slice(), false, None)?;
            let positive = positive.f_div_scalar(temperature)?;
            let all =
                anchor.f_matmul(&views.f_flatten(0, 1)?.f_transpose(0, 1)?)?.f_div_scalar(temperature)?;
            let own = Tensor::f_eye(count, (Kind::Bool, all.device()))?.f_repeat([1, 2])?;
            let n = 2.0 * (count - 1) as f64;

            let (tau, beta) = match estimator(loss) {
                Negatives::G0 => (0.0, 0.0),
                Negatives::G1 { tau_plus } => (tau_plus, 0.0),
                Negatives::G2 { tau_plus, beta } => (tau_plus, beta),
            };
            let sum = |factor: f64| -> Result<Tensor> {
                // A factor of 0 would make NaN of the excluded pairs.
                Ok(all
                    .f_mul_scalar(factor)?
                    .f_masked_fill(&own, f64::NEG_INFINITY)?
                    .f_logsumexp([-1], false)?)
            };
            // Relative to the largest kernel e^{1/t}, nothing overflows.
            let shift = temperature.recip();
            let mean = sum(beta + 1.0)?.f_sub(&sum(beta)?)?.f_sub_scalar(shift)?.f_exp()?;
            let debias = positive.f_sub_scalar(shift)?.f_exp()?.f_mul_scalar(tau)?;
            let estimate = mean.f_sub(&debias)?.f_div_scalar(1.0 - tau)?;
            let floor = (-2.0 * shift).exp();
            let floored = estimate.f_lt(floor)?;
            let log = estimate.f_clamp_min(floor)?.f_log()?.f_add_scalar(n.ln() + shift)?;
            let weight = log.f_sub(&positive)?.f_sigmoid()?;
            let effective = sum(beta)?.f_mul_scalar(2.0)?.f_sub(&sum(2.0 * beta)?)?.f_exp()?;
            let average = |tensor: Tensor| -> Result<f64> {
                Ok(f64::try_from(tensor.f_to_kind(Kind::Double)?.f_mean(Kind::Double)?)?)
            };
            Ok(Self {
                floored: average(floored)?,
                effective_negatives: average(effective)?,
                saturated: average(weight.f_lt(0.01)?)?,
            })
        })
    }
}

/// Appends a line to a file of JSON lines.
pub(crate) fn append(path: &Path, line: &Line) -> Result<()> {
    let text = serde_json::to_string(line).map_err(|error| Error::file(path, error))?;
    let write = || -> std::io::Result<()> {
        let mut file = File::options().create(true).append(true).open(path)?;
        writeln!(file, "{text}")
    };
    write().map_err(|error| Error::file(path, error))
}

/// The lines of epochs before `epoch`. Those after it, or cut off, were written by a run that was stopped before its
/// checkpoint.
pub(crate) fn before(path: &Path, epoch: u64) -> Result<Vec<Line>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::file(path, error)),
    };
    let lines = BufReader::new(file).lines().map_while(|line| serde_json::from_str::<Line>(&line.ok()?).ok());
    Ok(lines.filter(|line| line.epoch < epoch).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    fn batch(views: &[[f64; 2]]) -> Batch {
        let rows = Tensor::from_slice(&views.concat()).reshape([2, views.len() as i64 / 2, 2]);
        Batch::new(rows.to_device(Device::Cpu))
    }

    #[test]
    fn equal_negatives_all_count_and_one_near_one_counts_alone() {
        let loss = |beta| Loss::HardNegative { tau_plus: 0.0, beta };
        let equal = batch(&[[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]);
        let effective =
            |batch: &Batch, beta| Contrast::of(batch, &loss(beta), 0.5).unwrap().effective_negatives;
        assert!((effective(&equal, 1.0) - 2.0).abs() < 1e-12);
        let near = batch(&[[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [-1.0, 0.0]]);
        assert!((effective(&near, 0.0) - 2.0).abs() < 1e-12);
        assert!(effective(&near, 50.0) < 1.0 + 1e-6);
    }

    #[test]
    fn negatives_opposite_to_their_anchors_are_at_the_floor() {
        // Positives at distance 0, negatives at the far end: A = F < B.
        let far = batch(&[[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]]);
        let contrast = Contrast::of(&far, &Loss::Debiased { tau_plus: 0.1 }, 0.1).unwrap();
        assert_eq!((contrast.floored, contrast.saturated), (1.0, 1.0));
        let plain = Contrast::of(&far, &Loss::SimClr, 10.0).unwrap();
        assert_eq!((plain.floored, plain.saturated), (0.0, 0.0));
    }
}

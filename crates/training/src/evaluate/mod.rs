//! How good frozen features are, and how they stand attacks.

pub mod attack;
pub mod knn;
pub mod probe;

use crate::config::Config;
use crate::data::{Dataset, Images};
use crate::encoder::{Encoder, Mode};
use crate::error::Result;
use attack::{Classifier, random_start};
use probe::Probe;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor, no_grad};

/// Images a pass.
const PIECE: i64 = 256;
/// Neighbours that vote: as HCL's and DCL's monitors have it.
pub const NEIGHBOURS: usize = 200;

/// Shares of the test images that are classified rightly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The images: as on the command line.
    pub data: String,
    /// By the linear probe.
    pub standard: f64,
    /// By the linear probe, under FGSM.
    pub fgsm: f64,
    /// By the linear probe, under PGD.
    pub pgd: f64,
    /// By the nearest neighbours.
    pub knn: f64,
    /// The attacks.
    pub attack: attack::Settings,
    /// Further `epsilon`, and the share under FGSM.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sweep: Vec<(f64, f64)>,
}

/// The features of images in evaluation mode, `[n, F]`.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch).
pub fn features(encoder: &Encoder, images: &Images) -> Result<Tensor> {
    no_grad(|| {
        let pieces = images
            .pieces(PIECE)
            .map(|(start, count)| encoder.features_of(&images.range(start, count)?.0, Mode::Evaluate));
        Ok(Tensor::f_cat(&pieces.collect::<Result<Vec<_>>>()?, 0)?)
    })
}

/// Trains a probe on the training images, and attacks it on the test images.
///
/// # Errors
/// Settings out of range; those of [`Probe::train`].
pub fn evaluate(encoder: &Encoder, data: &Dataset, config: &Config, sweep: &[f64]) -> Result<Report> {
    config.attack.validate()?;
    let (train, test) = (features(encoder, &data.train)?, features(encoder, &data.test)?);
    let probe = Probe::train(&config.probe, &train, &data.train.labels, data.classes, config.seed)?;
    let classifier = Classifier { encoder, probe: &probe };
    let mut right = vec![0.0; 3 + sweep.len()];
    for (start, count) in data.test.pieces(PIECE) {
        let (images, labels) = data.test.range(start, count)?;
        let hits = |images: &Tensor| -> Result<f64> {
            let scores = no_grad(|| classifier.scores(images))?;
            Ok(f64::try_from(scores.f_argmax(-1, false)?.f_eq_tensor(&labels)?.f_sum(Kind::Double)?)?)
        };
        right[0] += hits(&images)?;
        let fgsm = |epsilon: f64| hits(&classifier.fgsm(&images, &labels, epsilon)?);
        right[1] += fgsm(config.attack.epsilon)?;
        let shape = images.size();
        right[2] += hits(&classifier.pgd(&images, &labels, &config.attack, |restart| {
            Ok(random_start(config.seed, restart, start, &shape)?.f_to_device(encoder.device())?)
        })?)?;
        for (sum, &epsilon) in right[3..].iter_mut().zip(sweep) {
            *sum += fgsm(epsilon)?;
        }
    }
    let count = data.test.count() as f64;
    let neighbours = (&train, &data.train.labels);
    Ok(Report {
        data: config.data.source.clone(),
        standard: right[0] / count,
        fgsm: right[1] / count,
        pgd: right[2] / count,
        knn: knn::accuracy(neighbours, (&test, &data.test.labels), data.classes, NEIGHBOURS)?,
        attack: config.attack.clone(),
        sweep: sweep.iter().zip(&right[3..]).map(|(&epsilon, right)| (epsilon, right / count)).collect(),
    })
}

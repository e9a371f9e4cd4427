//! How good frozen features are, and how they stand attacks.

pub mod attack;
pub mod knn;
pub mod probe;

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

/// What an evaluation is to be.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The images: as on the command line.
    pub data: &'a str,
    /// The linear probe.
    pub probe: &'a probe::Settings,
    /// The attacks.
    pub attack: &'a attack::Settings,
    /// The seed of the probe and of the attacks' starts.
    pub seed: u64,
    /// Whether these are the images that the encoder was trained on: then a supervised one's own classifier is the
    /// probe.
    pub own: bool,
}

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

/// Trains a probe on the training images, and attacks it on the test images. A supervised encoder brings its own.
///
/// # Errors
/// Settings out of range; those of [`Probe::train`].
pub fn evaluate(encoder: &Encoder, data: &Dataset, plan: &Plan<'_>, sweep: &[f64]) -> Result<Report> {
    plan.attack.validate()?;
    let (train, test) = (features(encoder, &data.train)?, features(encoder, &data.test)?);
    let probe = match encoder.classifier().filter(|_| plan.own) {
        Some((weight, bias)) => Probe { weight: weight.f_detach()?, bias: bias.f_detach()? },
        None => Probe::train(plan.probe, &train, &data.train.labels, data.classes, plan.seed)?,
    };
    let classifier = Classifier { encoder, probe: &probe };
    let epsilons = [&[plan.attack.epsilon], sweep].concat();
    // Images classified rightly: as they are and under PGD, and under FGSM with each epsilon.
    let (mut right, mut fgsm) = ([0.0; 2], vec![0.0; epsilons.len()]);
    for (start, count) in data.test.pieces(PIECE) {
        let (images, labels) = data.test.range(start, count)?;
        let hits = |images: &Tensor| -> Result<f64> {
            let scores = no_grad(|| classifier.scores(images))?;
            Ok(f64::try_from(scores.f_argmax(-1, false)?.f_eq_tensor(&labels)?.f_sum(Kind::Double)?)?)
        };
        right[0] += hits(&images)?;
        let moved = classifier.fgsm(&images, &labels, &epsilons)?;
        for (sum, moved) in fgsm.iter_mut().zip(&moved) {
            *sum += hits(moved)?;
        }
        let shape = images.size();
        right[1] += hits(&classifier.pgd(&images, &labels, plan.attack, |restart| {
            Ok(random_start(plan.seed, restart, start, &shape)?.f_to_device(encoder.device())?)
        })?)?;
    }
    let count = data.test.count() as f64;
    let neighbours = (&train, &data.train.labels);
    Ok(Report {
        data: plan.data.to_owned(),
        standard: right[0] / count,
        fgsm: fgsm[0] / count,
        pgd: right[1] / count,
        knn: knn::accuracy(neighbours, (&test, &data.test.labels), data.classes, NEIGHBOURS)?,
        attack: plan.attack.clone(),
        sweep: sweep.iter().zip(&fgsm[1..]).map(|(&epsilon, right)| (epsilon, right / count)).collect(),
    })
}

//! The embedded digits as labelled sets: their pixels, and what a linear encoder makes of them.

use clap::ValueEnum;
use intnacl_judge::images::{Images, Rng, partners, signed_step};
use intnacl_reference::{
    Batch, Evaluate, Loss, LossName, Negatives, Neighborhood, Result, RobustTerm, Settings, Weight,
};
use nalgebra::DMatrix;

use super::set::Set;

/// Which embedding of the digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Digits {
    /// Pixels, divided by their norm.
    Raw,
    /// A linear encoder, trained on them with one of the losses.
    Trained,
}

/// A loss by its name, with `g1` where it has an estimator, `β = α = 1` and `λ = 1/2`.
pub fn loss(name: &str, tau_plus: f64) -> Option<Loss> {
    let negatives = Negatives::G1 { tau_plus };
    let robust = RobustTerm { negatives, weight: Weight::Adversarial };
    let (alpha, beta, lambda) = (1.0, 1.0, 0.5);
    Some(match LossName::of(name)? {
        LossName::SimClr => Loss::SimClr,
        LossName::Debiased => Loss::Debiased { tau_plus },
        LossName::HardNegative => Loss::HardNegative { tau_plus, beta },
        LossName::Adversarial => Loss::Adversarial { alpha },
        LossName::Nca => Loss::Nca { negatives },
        LossName::MixNca => Loss::MixNca { negatives, lambda },
        LossName::Robust => {
            Loss::Robust { negatives, weight: Weight::Adversarial, weight_negatives: negatives }
        }
        LossName::IntCl => Loss::IntCl { negatives, alpha, robust },
        LossName::IntNaCl => Loss::IntNaCl { negatives, alpha, robust, neighborhood: Neighborhood::Nca },
    })
}

/// The pixels of each digit as a row of norm 1, which an encoder may be trained on.
pub fn raw(digits: Digits) -> Set {
    let name = match digits {
        Digits::Raw => "digits, raw",
        Digits::Trained => "digits, trained",
    };
    let images = Images::digits();
    let rows: Vec<f64> = images.pixels.iter().flatten().copied().collect();
    let mut embeddings = DMatrix::from_row_slice(images.pixels.len(), images.width * images.height, &rows);
    for mut row in embeddings.row_iter_mut() {
        row.normalize_mut();
    }
    Set { name: name.into(), embeddings, labels: images.labels }
}

/// How an encoder is trained.
#[derive(Debug, Clone, Copy)]
pub struct Training {
    /// What is minimised.
    pub loss: Loss,
    /// `t`.
    pub temperature: f64,
    /// `d`.
    pub dimension: usize,
    /// Steps of gradient descent.
    pub steps: usize,
    /// Of the first weights and of every draw.
    pub seed: u64,
}

/// An encoder on its way.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// How many steps it has seen.
    pub step: usize,
    /// Its embedding of every digit.
    pub embeddings: DMatrix<f64>,
}

/// What training leaves behind.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The name of the loss that was minimised.
    pub loss: &'static str,
    /// The seed.
    pub seed: u64,
    /// The encoders of some steps, the first before any and the last after all.
    pub checkpoints: Vec<Checkpoint>,
    /// The loss of each step's batch.
    pub losses: Vec<f64>,
}

/// Images in a batch: the exact gradient of one takes about a millisecond.
const BATCH: usize = 32;
/// `M` of the batches, for the losses that have several.
const POSITIVES: usize = 2;
/// How far the adversarial view moves a pixel, of rows that have norm 1.
const EPSILON: f64 = 0.02;

/// Trains `f(x) = Wx/‖Wx‖` by Adam on the exact gradients of a loss.
///
/// An anchor's positives are other images of its class, as the theorem draws them; the negatives are the rest
/// of the batch, its class included.
///
/// # Errors
/// Those of [`Evaluate::evaluate`].
pub fn train(set: &Set, training: &Training, progress: impl Fn()) -> Result<Trained> {
    let Training { loss, temperature, dimension, steps, seed } = *training;
    let settings = Settings::new(temperature).normalizing();
    let mut rng = Rng::new(seed);
    let pixels = set.embeddings.ncols();
    let mut weights = DMatrix::from_fn(dimension, pixels, |_, _| rng.normal() / (pixels as f64).sqrt());
    let mut adam = Adam::new(&weights);
    let members = members(&set.labels);
    let (mut checkpoints, mut losses) = (vec![checkpoint(set, &weights, 0)], Vec::new());
    for step in 1..=steps {
        let views = views(set, &members, &mut rng);
        let encode = |inputs: &DMatrix<f64>| inputs * weights.transpose();
        let mixed = loss.needs_mixed().then(|| vec![mix(&views[1], &mut rng)]);
        let adversarial = match loss.needs_adversarial() {
            true => {
                let pair = Batch::new(vec![encode(&views[0]), encode(&views[1])]);
                let gradient = Loss::SimClr.evaluate(&pair, &settings)?.gradient;
                let slope = &gradient.views[0] * &weights;
                Some(&views[0] + slope.map(|slope| signed_step(slope, EPSILON)))
            }
            false => None,
        };
        let batch = Batch {
            mixed: mixed.as_ref().map(|mixed| mixed.iter().map(encode).collect()),
            adversarial: adversarial.as_ref().map(encode),
            ..Batch::new(views.iter().map(encode).collect())
        };
        let evaluation = loss.evaluate(&batch, &settings)?;
        losses.push(evaluation.value);
        let inputs = views.iter().chain(mixed.iter().flatten()).chain(&adversarial);
        let Batch { views: of_views, mixed: of_mixed, adversarial: of_adversarial, .. } = evaluation.gradient;
        let gradients = of_views.iter().chain(of_mixed.iter().flatten()).chain(&of_adversarial);
        let mut gradient = DMatrix::zeros(dimension, pixels);
        for (inputs, by_rows) in inputs.zip(gradients) {
            gradient += by_rows.transpose() * inputs;
        }
        adam.step(&mut weights, &gradient);
        if is_kept(step, steps) {
            checkpoints.push(checkpoint(set, &weights, step));
        }
        progress();
    }
    Ok(Trained { loss: loss.name(), seed, checkpoints, losses })
}

/// How many checkpoints training leaves.
pub fn checkpoints(steps: usize) -> usize {
    1 + (1..=steps).filter(|step| is_kept(*step, steps)).count()
}

/// At a ninth and at a third of the way, since most is learnt early, and at its end.
fn is_kept(step: usize, steps: usize) -> bool {
    [9, 3, 1].iter().any(|part| step == steps / part)
}

fn checkpoint(set: &Set, weights: &DMatrix<f64>, step: usize) -> Checkpoint {
    let mut embeddings = &set.embeddings * weights.transpose();
    for mut row in embeddings.row_iter_mut() {
        row.normalize_mut();
    }
    Checkpoint { step, embeddings }
}

/// The images of each image's class.
fn members(labels: &[i64]) -> Vec<Vec<usize>> {
    let of = |label: &i64| (0..labels.len()).filter(|&i| labels[i] == *label).collect();
    labels.iter().map(of).collect()
}

/// `1+M` views: different images, then for each others of its class.
fn views(set: &Set, members: &[Vec<usize>], rng: &mut Rng) -> Vec<DMatrix<f64>> {
    let count = set.labels.len();
    let mut indices: Vec<usize> = (0..count).collect();
    for position in 0..BATCH {
        let other = position + rng.below(count - position);
        indices.swap(position, other);
    }
    indices.truncate(BATCH);
    let mut views = vec![set.embeddings.select_rows(&indices)];
    for _ in 0..POSITIVES {
        let others: Vec<usize> = indices.iter().map(|&i| members[i][rng.below(members[i].len())]).collect();
        views.push(set.embeddings.select_rows(&others));
    }
    views
}

/// Each row half and half with another.
fn mix(rows: &DMatrix<f64>, rng: &mut Rng) -> DMatrix<f64> {
    (rows + rows.select_rows(&partners(rows.nrows(), rng))) * 0.5
}

/// Kingma and Ba 2015.
struct Adam {
    mean: DMatrix<f64>,
    square: DMatrix<f64>,
    steps: i32,
}

impl Adam {
    const RATE: f64 = 0.01;
    const MEAN: f64 = 0.9;
    const SQUARE: f64 = 0.999;

    fn new(like: &DMatrix<f64>) -> Self {
        let zeros = DMatrix::zeros(like.nrows(), like.ncols());
        Self { mean: zeros.clone(), square: zeros, steps: 0 }
    }

    fn step(&mut self, weights: &mut DMatrix<f64>, gradient: &DMatrix<f64>) {
        self.steps += 1;
        self.mean = &self.mean * Self::MEAN + gradient * (1.0 - Self::MEAN);
        self.square = &self.square * Self::SQUARE + gradient.map(|g| g * g) * (1.0 - Self::SQUARE);
        let (mean, square) = (1.0 - Self::MEAN.powi(self.steps), 1.0 - Self::SQUARE.powi(self.steps));
        *weights -=
            self.mean.zip_map(&self.square, |m, s| Self::RATE * (m / mean) / ((s / square).sqrt() + 1e-8));
    }
}

//! One training step: images → views, mixed and adversarial views → embeddings → loss → gradient.

use crate::config::objective::{Objective, numbers};
use crate::encoder::{Encoder, Mode};
use crate::error::{Error, Result, in_range};
use crate::evaluate::probe::cross_entropy;
use crate::random::{Purpose, displacement, stream};
use crate::views;
use intnacl::{Batch, Layout, Loss};
use serde::{Deserialize, Serialize};
use tch::{Reduction, Tensor, no_grad};

/// What the loss is fed with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contrast {
    /// `M`.
    pub positives: usize,
    /// `t`.
    pub temperature: f64,
    /// How far an adversarial view may be from its view, in each pixel.
    pub epsilon: f64,
}

impl Default for Contrast {
    fn default() -> Self {
        Self { positives: 1, temperature: 0.5, epsilon: 0.015 }
    }
}

impl Contrast {
    /// Refuses settings out of range.
    ///
    /// # Errors
    /// [`Error::Setting`], naming the setting.
    pub fn validate(&self) -> Result<()> {
        let m = self.positives;
        in_range("contrast.positives", m, (1..=1024).contains(&m), "a whole number from 1 to 1024")?;
        self.settings().validate().map_err(intnacl::Error::from)?;
        let epsilon = self.epsilon;
        in_range("contrast.epsilon", epsilon, (0.0..=1.0).contains(&epsilon), "a number in [0, 1]")
    }

    /// What the loss is evaluated with.
    pub fn settings(&self) -> intnacl::Settings {
        intnacl::Settings::new(self.temperature).normalizing()
    }
}

/// Which batch of which run a step is made of.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The run's seed.
    pub seed: u64,
    /// The epoch.
    pub epoch: u64,
    /// The images' indices in the dataset.
    pub indices: &'a [i64],
}

/// How many clean views and mixed views a loss reads with `M` positives.
pub fn views_of(loss: &Loss, positives: usize) -> (usize, usize) {
    let mixed = if loss.needs_mixed() { positives - 1 } else { 0 };
    let clean = if loss.reads_all_positives() { 1 + positives } else { 2 };
    (clean, mixed)
}

/// The encoder passes that a step takes for each image, a pass being forward and backward to the weights.
pub fn passes_of(objective: &Objective, positives: usize) -> f64 {
    let Objective::Contrastive(loss) = objective else { return 1.0 };
    let (clean, mixed) = views_of(loss, positives);
    // The attack goes forward from the anchor and its start, and backward to the latter's pixels.
    let adversarial = if loss.needs_adversarial() { 2.0 } else { 0.0 };
    (clean + mixed) as f64 + adversarial
}

/// What a step computes of a batch.
#[derive(Debug)]
pub struct Forward {
    /// The objective's value, or why its loss refused the embeddings.
    pub value: std::result::Result<Tensor, intnacl::Error>,
    /// What the loss was computed from; nothing where labels are.
    pub embedded: Option<Batch>,
}

/// A step as far as its value.
///
/// # Errors
/// [`Error::Torch`]; those of [`views::apply`]; an encoder without a classifier for labels.
pub fn forward(
    encoder: &Encoder,
    (objective, contrast, drawing): (&Objective, &Contrast, &views::Settings),
    (images, labels): (&Tensor, &Tensor),
    place: Place,
) -> Result<Forward> {
    match objective {
        Objective::Contrastive(loss) => {
            let batch = embed(encoder, loss, contrast, drawing, images, place)?;
            Ok(Forward { value: batch.value(loss, &contrast.settings()), embedded: Some(batch) })
        }
        Objective::Supervised => {
            let features = encoder.features_of(&view(drawing, images, place, 0)?, Mode::Train)?;
            let Some((weight, bias)) = encoder.classifier() else {
                return Err(Error::setting(
                    "encoder.classes",
                    "absent",
                    "the number of classes to tell apart",
                ));
            };
            let scores = features.f_linear(weight, Some(bias))?;
            Ok(Forward { value: Ok(cross_entropy(&scores, labels, Reduction::Mean)?), embedded: None })
        }
    }
}

/// A view of each image.
fn view(drawing: &views::Settings, images: &Tensor, place: Place, view: u64) -> Result<Tensor> {
    let (_, _, height, width) = images.size4()?;
    let draws = place.indices.iter().map(|&image| {
        let numbers = [place.epoch, image as u64, view];
        drawing.draw(height, width, &mut stream(place.seed, Purpose::Views, &numbers))
    });
    views::apply(images, &draws.collect::<Vec<_>>())
}

/// Embeddings of everything that a loss reads of a batch.
fn embed(
    encoder: &Encoder,
    loss: &Loss,
    contrast: &Contrast,
    drawing: &views::Settings,
    images: &Tensor,
    place: Place,
) -> Result<Batch> {
    let (clean, mixed) = views_of(loss, contrast.positives);
    let views = (0..clean as u64).map(|number| view(drawing, images, place, number));
    let views = views.collect::<Result<Vec<_>>>()?;
    let adversarial = match loss.needs_adversarial() {
        true => Some(attack(encoder, contrast, &views[0])?),
        false => None,
    };
    let mixes = (0..mixed as u64).map(|k| mix(&views[1], loss, place, k)).collect::<Result<Vec<_>>>()?;

    let embedded = |views: &[Tensor]| -> Result<Tensor> {
        let each = views.iter().map(|view| Ok(encoder.encode(view, Mode::Train)?.embedding));
        Ok(Tensor::f_stack(&each.collect::<Result<Vec<_>>>()?, 0)?)
    };
    let mut batch = Batch::new(embedded(&views)?);
    if !mixes.is_empty() {
        batch.mixed = Some(embedded(&mixes)?);
    }
    if let Some(adversarial) = adversarial {
        batch.adversarial = Some(encoder.encode(&adversarial, Mode::TrainAdversarial)?.embedding);
    }
    Ok(batch)
}

/// `λ·view + (1-λ)·(the view of another image)`.
fn mix(view: &Tensor, loss: &Loss, place: Place, k: u64) -> Result<Tensor> {
    let mut loss = *loss;
    let lambda = numbers(&mut loss).into_iter().find(|(name, _)| *name == "lambda").map_or(1.0, |(_, x)| *x);
    let first = place.indices.first().map_or(0, |&image| image as u64);
    let mut rng = stream(place.seed, Purpose::Mixing, &[place.epoch, first, k]);
    let others = Tensor::f_from_slice(&displacement(place.indices.len(), &mut rng))?;
    let others = view.f_index_select(0, &others.f_to_device(view.device())?)?;
    Ok(view.f_mul_scalar(lambda)?.f_add(&others.f_mul_scalar(1.0 - lambda)?)?)
}

/// Adversarial views (Ho and Vasconcelos 2020): from each view one step of `epsilon` in every pixel that makes
/// SimCLR's loss of the view and its changed copy larger, within `[0, 1]`.
fn attack(encoder: &Encoder, contrast: &Contrast, view: &Tensor) -> Result<Tensor> {
    let anchor = no_grad(|| encoder.encode(view, Mode::Attack))?.embedding;
    let start = view.f_detach()?.f_set_requires_grad(true)?;
    let moved = encoder.encode(&start, Mode::Attack)?.embedding;
    let batch = Batch::new(Tensor::f_stack(&[anchor, moved], 0)?);
    let value = batch.value(&Loss::SimClr, &contrast.settings())?;
    let gradient = Tensor::f_run_backward(&[&value], &[&start], false, false)?;
    let step = gradient[0].f_sign()?.f_mul_scalar(contrast.epsilon)?;
    Ok(start.f_detach()?.f_add(&step)?.f_clamp(0.0, 1.0)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::preset;
    use crate::encoder::Settings;
    use tch::{Device, Kind};

    const EPSILON: f64 = 0.05;

    fn encoder(adversarial_norm: bool) -> Encoder {
        let settings = Settings { width: 0.0625, adversarial_norm, ..Settings::default() };
        Encoder::new(&settings, 3, 1, Device::Cpu).unwrap()
    }

    fn images(count: i64) -> Tensor {
        tch::manual_seed(2);
        Tensor::rand([count, 3, 16, 16], (Kind::Float, Device::Cpu))
    }

    fn statistics(encoder: &Encoder, own: bool) -> Vec<Tensor> {
        let running = encoder.tensors().into_iter().filter(|(name, _)| name.contains("running_"));
        let running = running.filter(|(name, _)| name.starts_with("adversarial.") == own);
        running.map(|(_, tensor)| tensor.copy()).collect()
    }

    #[test]
    fn each_loss_reads_its_views_and_five_positives_take_three_times_the_passes_of_one() {
        for (name, expected) in [
            ("simclr", (2, 0)),
            ("nca-g0-m5", (6, 0)),
            ("mixnca-g2-0.5-m5", (2, 4)),
            ("int-nca-m3", (4, 0)),
            ("combined-0.5-m3", (4, 2)),
            ("intcl", (2, 0)),
        ] {
            let preset = preset(name).unwrap();
            let Objective::Contrastive(loss) = preset.objective else { panic!("{name}") };
            assert_eq!(views_of(&loss, preset.positives), expected, "{name}");
        }
        let passes =
            |name| preset(name).map(|preset| passes_of(&preset.objective, preset.positives)).unwrap();
        assert_eq!(passes("nca-g0-m5") / passes("nca-g0-m1"), 3.0);
    }

    #[test]
    fn adversarial_views_are_near_within_range_and_have_a_larger_loss() {
        let contrast = Contrast { epsilon: EPSILON, ..Contrast::default() };
        for apart in [true, false] {
            let (encoder, view) = (encoder(apart), images(16));
            let before = [statistics(&encoder, false), statistics(&encoder, true)];
            let attacked = attack(&encoder, &contrast, &view).unwrap();
            assert!(
                [statistics(&encoder, false), statistics(&encoder, true)] == before,
                "an attack only looks"
            );
            assert!(f64::try_from((&attacked - &view).abs().max()).unwrap() <= EPSILON + 1e-6);
            assert!(bool::try_from(attacked.ge(0.0).logical_and(&attacked.le(1.0)).all()).unwrap());
            let loss = |moved: &Tensor| {
                let embed = |view: &Tensor| encoder.encode(view, Mode::Attack).unwrap().embedding;
                let batch = Batch::new(Tensor::stack(&[embed(&view), embed(moved)], 0));
                f64::try_from(batch.value(&Loss::SimClr, &contrast.settings()).unwrap()).unwrap()
            };
            assert!(loss(&attacked) > loss(&view));
        }
    }

    #[test]
    fn statistics_kept_apart_do_not_see_the_other_views() {
        let view = images(16);
        for (apart, mode, own) in [
            (true, Mode::Train, false),
            (true, Mode::TrainAdversarial, true),
            (false, Mode::TrainAdversarial, false),
        ] {
            let encoder = encoder(apart);
            let (clean, adversarial) = (statistics(&encoder, false), statistics(&encoder, true));
            encoder.encode(&view, mode).unwrap();
            assert_eq!(statistics(&encoder, false) != clean, !own, "{apart} {mode:?}");
            assert_eq!(statistics(&encoder, true) != adversarial, own, "{apart} {mode:?}");
        }
    }

    #[test]
    fn mixed_views_are_sums_with_another_image() {
        let view = images(8);
        let indices: Vec<i64> = (0..8).collect();
        let place = Place { seed: 3, epoch: 1, indices: &indices };
        let mixed = |lambda| {
            let loss = Loss::MixNca { negatives: intnacl::Negatives::G0, lambda };
            mix(&view, &loss, place, 0).unwrap()
        };
        assert!(mixed(1.0) == view);
        let others = mixed(0.0);
        for i in 0..8 {
            assert!(others.get(i) != view.get(i));
            assert!((0..8).any(|j| others.get(i) == view.get(j)));
        }
        let expected = &view * 0.25 + &others * 0.75;
        assert!(f64::try_from((mixed(0.25) - expected).abs().max()).unwrap() < 1e-6);
    }

    #[test]
    fn convolutions_in_bf16_stay_near_those_in_f32_and_have_gradients() {
        let settings = Settings { width: 0.0625, ..Settings::default() };
        let embedding = |bf16: bool| {
            let encoder = Encoder::new(&Settings { bf16, ..settings.clone() }, 3, 1, Device::Cpu).unwrap();
            let embedding = encoder.encode(&images(8), Mode::Train).unwrap().embedding;
            let gradient = encoder.parameters.gradient(&embedding.square().sum(Kind::Float)).unwrap();
            assert!(bool::try_from(gradient.isfinite().all()).unwrap());
            (embedding.detach(), gradient)
        };
        let ((exact, full), (near, half)) = (embedding(false), embedding(true));
        let distance = |x: &Tensor, y: &Tensor| f64::try_from((x - y).norm() / y.norm()).unwrap();
        // bf16 has 8 bits; twenty layers one after the other.
        assert!(distance(&near, &exact) < 0.1 && distance(&near, &exact) > 1e-5);
        assert!(distance(&half, &full) < 0.3, "{}", distance(&half, &full));
    }
}

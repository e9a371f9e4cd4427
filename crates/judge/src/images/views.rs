//! A batch as a training step makes it.

use super::{Encoder, Images, Rng};
use intnacl_reference::Evaluate;
use intnacl_reference::{Batch, Loss, Settings};
use intnacl_reference::{Error, Result};
use intnacl_vocabulary::error::in_range;
use nalgebra::DMatrix;

/// What a batch of views is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Augmentation {
    /// `M >= 1`: the batch has `1+M` views.
    pub positives: usize,
    /// How many mixed views; MIXNCA's own count is `M-1`. With 0 the batch has none.
    pub mixed: usize,
    /// `λ` in `[0, 1]`.
    pub lambda: f64,
    /// `t` of the SimCLR loss that the adversarial view attacks.
    pub temperature: f64,
    /// How far the attack moves a pixel.
    pub epsilon: f64,
}

impl Augmentation {
    /// `M` positives and the `M-1` mixed views that go with them, at `λ = 1/2`; the attack moves a pixel
    /// by 8/255, the bound customary for small images.
    pub fn new(positives: usize, temperature: f64) -> Self {
        let mixed = positives.saturating_sub(1);
        Self { positives, mixed, lambda: 0.5, temperature, epsilon: 8.0 / 255.0 }
    }
}

/// The symmetric batch of the images at `indices`, which are to differ, as those of [`Images::sample`] do.
///
/// Each image is augmented `1+M` times. A mixed view encodes `λ x + (1-λ) x'`, `x` and `x'` being the inputs
/// of view 1 of the image and of another image of the batch, drawn anew for each. The adversarial view is
/// an FGSM step from the input of view 0, up the SimCLR loss of views 0 and 1.
///
/// # Errors
/// Fewer than two indices, an index out of range, a recipe out of range, images that do not have the size that
/// they state or that `encoder` expects.
pub fn views(
    images: &Images,
    encoder: &Encoder,
    indices: &[usize],
    recipe: &Augmentation,
    rng: &mut Rng,
) -> Result<Batch> {
    let Augmentation { positives, mixed, lambda, temperature, epsilon } = *recipe;
    if indices.len() < 2 {
        return Err(Error::Shape {
            argument: "indices".into(),
            found: indices.len().to_string(),
            expected: "at least 2, so that there are negatives".into(),
        });
    }
    in_range("positives", positives as f64, positives >= 1, "at least 1")?;
    in_range("lambda", lambda, (0.0..=1.0).contains(&lambda), "a number in [0, 1]")?;

    let mut augmented =
        || -> Result<Vec<Vec<f64>>> { indices.iter().map(|&index| images.augment(index, rng)).collect() };
    let (anchors, firsts) = (augmented()?, augmented()?);
    let first = encoder.encode(&firsts)?;
    let mut views = vec![encoder.encode(&anchors)?, first.clone()];
    for _ in 1..positives {
        views.push(encoder.encode(&augmented()?)?);
    }

    let mixed: Vec<DMatrix<f64>> =
        (0..mixed).map(|_| encoder.encode(&mix(&firsts, lambda, rng))).collect::<Result<_>>()?;

    let settings = Settings::new(temperature);
    let attacked = encoder.adversarial(
        &anchors,
        |anchor| {
            let pair = Batch::new(vec![anchor, first]);
            let gradient = Loss::SimClr.evaluate(&pair, &settings)?.gradient;
            gradient.views.into_iter().next().ok_or_else(|| Error::Missing {
                argument: "views[0]".into(),
                expected: "the gradient by the anchors".into(),
            })
        },
        epsilon,
    )?;
    let adversarial = Some(encoder.encode(&attacked)?);
    let mixed = (!mixed.is_empty()).then_some(mixed);
    Ok(Batch { views, symmetric: true, mixed, adversarial })
}

/// Each input mixed with another of the list, which has at least two.
fn mix(inputs: &[Vec<f64>], lambda: f64, rng: &mut Rng) -> Vec<Vec<f64>> {
    let mut mixed = Vec::with_capacity(inputs.len());
    for (input, other) in inputs.iter().zip(partners(inputs.len(), rng)) {
        let partner = inputs.get(other).unwrap_or(input);
        mixed.push(input.iter().zip(partner).map(|(x, y)| lambda * x + (1.0 - lambda) * y).collect());
    }
    mixed
}

/// For each of `count` inputs the index of another one, with which it is mixed; 0 for one that is alone.
pub fn partners(count: usize, rng: &mut Rng) -> Vec<usize> {
    (0..count).map(|own| (own + 1 + rng.below(count - 1)) % count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECIPE: Augmentation =
        Augmentation { positives: 2, mixed: 3, lambda: 0.7, temperature: 0.5, epsilon: 0.03 };

    struct Source {
        images: Images,
        encoder: Encoder,
        indices: Vec<usize>,
    }

    fn source() -> Source {
        let images = Images::digits();
        let indices = images.sample(16, &mut Rng::new(1)).unwrap();
        Source { encoder: Encoder::new(&images, 16).unwrap(), images, indices }
    }

    impl Source {
        fn views(&self, recipe: &Augmentation, seed: u64) -> Result<Batch> {
            views(&self.images, &self.encoder, &self.indices, recipe, &mut Rng::new(seed))
        }
    }

    #[test]
    fn a_batch_has_the_shapes_of_its_recipe() {
        let batch = source().views(&RECIPE, 1).unwrap();
        let mixed = batch.mixed.unwrap();
        assert!(batch.symmetric);
        assert_eq!((batch.views.len(), mixed.len()), (3, 3));
        for rows in batch.views.iter().chain(&mixed).chain(&batch.adversarial) {
            assert_eq!(rows.shape(), (16, 16));
            assert!(rows.row_iter().all(|row| (row.norm() - 1.0).abs() < 2e-15));
        }
        assert_eq!(source().views(&Augmentation::new(1, 0.5), 1).unwrap().mixed, None);
    }

    #[test]
    fn the_same_seed_gives_the_same_batch_and_another_seed_another() {
        let source = source();
        assert_eq!(source.views(&RECIPE, 1).unwrap(), source.views(&RECIPE, 1).unwrap());
        assert_ne!(source.views(&RECIPE, 1).unwrap(), source.views(&RECIPE, 2).unwrap());
    }

    #[test]
    fn lambda_1_gives_view_1_lambda_0_another_image_and_epsilon_0_view_0() {
        let recipe = Augmentation { lambda: 1.0, epsilon: 0.0, ..RECIPE };
        let batch = source().views(&recipe, 1).unwrap();
        assert!(batch.mixed.unwrap().iter().all(|mixed| *mixed == batch.views[1]));
        assert_eq!(batch.adversarial.unwrap(), batch.views[0]);

        let batch = source().views(&Augmentation { lambda: 0.0, ..RECIPE }, 1).unwrap();
        for mixed in batch.mixed.unwrap() {
            for (own, row) in mixed.row_iter().enumerate() {
                let source = batch.views[1].row_iter().position(|view| view == row);
                assert!(source.is_some_and(|source| source != own));
            }
        }
    }

    #[test]
    fn positives_lie_closer_than_negatives() {
        let views = source().views(&RECIPE, 3).unwrap().views;
        let scores = &views[0] * views[1].transpose();
        let positive = scores.trace() / 16.0;
        let negative = (scores.sum() - scores.trace()) / 240.0;
        assert!(positive > negative + 0.2, "{positive}, {negative}");
    }

    #[test]
    fn the_adversarial_view_raises_simclr() {
        let source = source();
        for seed in 0..20 {
            let batch = source.views(&RECIPE, seed).unwrap();
            let second = &batch.views[1];
            let value = |anchor: &DMatrix<f64>| {
                let pair = Batch::new(vec![anchor.clone(), second.clone()]);
                Loss::SimClr.evaluate(&pair, &Settings::new(RECIPE.temperature)).unwrap().value
            };
            let (clean, attacked) = (value(&batch.views[0]), value(batch.adversarial.as_ref().unwrap()));
            assert!(attacked > clean, "{seed}: {clean}, {attacked}");
        }
    }

    #[test]
    fn inputs_are_mixed_with_another_image_not_embeddings() {
        let Source { images, encoder, indices } = source();
        let inputs: Vec<Vec<f64>> = indices.iter().map(|&index| images.pixels[index].clone()).collect();
        let mixed = mix(&inputs, 0.7, &mut Rng::new(8));
        let rows = encoder.encode(&inputs).unwrap();
        let mixed_rows = encoder.encode(&mixed).unwrap();
        for (own, image) in mixed.iter().enumerate() {
            let is_partner = |other: &usize| {
                let blend = inputs[own].iter().zip(&inputs[*other]).map(|(x, y)| 0.7 * x + (1.0 - 0.7) * y);
                *other != own && blend.eq(image.iter().copied())
            };
            let other = (0..16).find(is_partner).unwrap();
            let of_embeddings = (0.7 * rows.row(own) + 0.3 * rows.row(other)).normalize();
            assert!((of_embeddings - mixed_rows.row(own)).norm() > 1e-3);
        }
        assert_eq!(mix(&inputs, 1.0, &mut Rng::new(8)), inputs);
    }

    #[test]
    fn recipes_out_of_range_are_refused() {
        let source = source();
        let refused =
            |recipe: Augmentation| matches!(source.views(&recipe, 1), Err(Error::OutOfRange { .. }));
        assert!(refused(Augmentation { positives: 0, ..RECIPE }));
        assert!(refused(Augmentation { lambda: 1.1, ..RECIPE }));
        assert!(refused(Augmentation { temperature: 0.0, ..RECIPE }));
        assert!(refused(Augmentation { epsilon: f64::NAN, ..RECIPE }));
        let Source { images, encoder, .. } = &source;
        let batch = |indices: &[usize]| views(images, encoder, indices, &RECIPE, &mut Rng::new(1));
        assert!(matches!(batch(&[3]), Err(Error::Shape { .. })));
        assert!(matches!(batch(&[3, 1797]), Err(Error::OutOfRange { .. })));
    }
}

//! A small network from images onto the unit sphere, and its derivative.

use super::{Images, Rng};
use intnacl_reference::{Error, Result};
use intnacl_vocabulary::error::{finite_row, finite_rows, in_range};
use nalgebra::DMatrix;

/// Units of the hidden layer.
const HIDDEN: usize = 32;
/// The weights' seed. The encoder is part of the laws' data, so it never changes between runs.
const SEED: u64 = 0x0dd5_1de5;

/// `f(x) = y/‖y‖` with `y = V tanh(W (x - c))`: weights Gaussian with variance `1/fan_in`, `c` the mean image.
///
/// Without the centring all images would share one large component, and all scores would lie near `1/t`.
/// Sums run in index order, one product after another, so that no machine's vector width enters.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoder {
    centre: Vec<f64>,
    /// A row for each pixel, so that the forward pass is a sum of rows: the compiler vectorises it as written.
    hidden: Vec<[f64; HIDDEN]>,
    /// A row of `dimension` for each hidden unit.
    output: Vec<f64>,
    dimension: usize,
}

/// What the derivative needs of a forward pass.
struct Forward {
    hidden: [f64; HIDDEN],
    embedding: Vec<f64>,
    norm: f64,
}

impl Encoder {
    /// The encoder of images such as these, into `dimension` numbers.
    ///
    /// # Errors
    /// No images, images that do not have the size that they state, or `dimension` 0.
    pub fn new(images: &Images, dimension: usize) -> Result<Self> {
        in_range("dimension", dimension as f64, dimension > 0, "at least 1")?;
        let centre = images.mean()?;
        let mut rng = Rng::new(SEED);
        let scale = 1.0 / (centre.len() as f64).sqrt();
        let hidden = centre.iter().map(|_| std::array::from_fn(|_| scale * rng.normal())).collect();
        let scale = 1.0 / (HIDDEN as f64).sqrt();
        let output = (0..HIDDEN * dimension).map(|_| scale * rng.normal()).collect();
        Ok(Self { centre, hidden, output, dimension })
    }

    /// `d`, the number of columns of an embedding.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The embeddings of images, a row each, of norm 1 within `1e-15`.
    ///
    /// # Errors
    /// An image of another size, one with NaN or infinite pixels, or one that the network sends to 0.
    pub fn encode(&self, images: &[Vec<f64>]) -> Result<DMatrix<f64>> {
        let mut rows = Vec::with_capacity(images.len() * self.dimension);
        for (index, image) in images.iter().enumerate() {
            rows.extend(self.forward(image, index)?.embedding);
        }
        Ok(DMatrix::from_row_slice(images.len(), self.dimension, &rows))
    }

    /// The gradient by the images of a function whose gradient by their embeddings is given.
    ///
    /// With `g` the gradient by the embedding `z`, the gradient by `y` is `(g - z (z·g))/‖y‖`.
    ///
    /// # Errors
    /// As [`encode`](Self::encode), and a gradient that is not a row of `dimension` for each image.
    pub fn vector_jacobian(&self, images: &[Vec<f64>], gradient: &DMatrix<f64>) -> Result<Vec<Vec<f64>>> {
        if gradient.shape() != (images.len(), self.dimension) {
            return Err(Error::Shape {
                argument: "gradient".into(),
                found: format!("{} x {}", gradient.nrows(), gradient.ncols()),
                expected: format!("{} x {}", images.len(), self.dimension),
            });
        }
        finite_rows("gradient", gradient)?;
        let rows = images.iter().zip(gradient.row_iter()).enumerate();
        rows.map(|(index, (image, row))| {
            let Forward { hidden, embedding, norm } = self.forward(image, index)?;
            let along: f64 = embedding.iter().zip(row.iter()).map(|(z, g)| z * g).sum();
            let by_output: Vec<f64> =
                embedding.iter().zip(row.iter()).map(|(z, g)| (g - z * along) / norm).collect();
            let mut by_hidden = [0.0; HIDDEN];
            for ((by, weights), unit) in by_hidden.iter_mut().zip(self.output_rows()).zip(hidden) {
                *by = dot(weights, &by_output) * (1.0 - unit * unit);
            }
            Ok(self.hidden.iter().map(|weights| dot(weights, &by_hidden)).collect())
        })
        .collect()
    }

    /// FGSM (Goodfellow et al. 2015): each pixel moves by `epsilon` in the direction that raises a loss,
    /// and stays in `[0, 1]`. A pixel with gradient 0 stays where it is.
    ///
    /// The loss is known by its gradient: a function from the embeddings to the gradient by them.
    ///
    /// # Errors
    /// As [`encode`](Self::encode) and [`vector_jacobian`](Self::vector_jacobian), those of
    /// `gradient_by_embedding`, and an `epsilon` that is negative or not finite.
    pub fn adversarial(
        &self,
        images: &[Vec<f64>],
        gradient_by_embedding: impl FnOnce(DMatrix<f64>) -> Result<DMatrix<f64>>,
        epsilon: f64,
    ) -> Result<Vec<Vec<f64>>> {
        let holds = epsilon >= 0.0 && epsilon.is_finite();
        in_range("epsilon", epsilon, holds, "a finite number of at least 0")?;
        let gradient = gradient_by_embedding(self.encode(images)?)?;
        let by_pixel = self.vector_jacobian(images, &gradient)?;
        let step = |(pixel, slope): (&f64, &f64)| (pixel + signed_step(*slope, epsilon)).clamp(0.0, 1.0);
        Ok(images.iter().zip(&by_pixel).map(|(image, by)| image.iter().zip(by).map(step).collect()).collect())
    }

    fn forward(&self, image: &[f64], index: usize) -> Result<Forward> {
        let argument = || format!("images[{index}]");
        if image.len() != self.centre.len() {
            return Err(Error::Shape {
                argument: argument(),
                found: image.len().to_string(),
                expected: format!("{} pixels", self.centre.len()),
            });
        }
        finite_row(argument, image)?;
        let mut hidden = [0.0; HIDDEN];
        for ((pixel, centre), weights) in image.iter().zip(&self.centre).zip(&self.hidden) {
            add_scaled(&mut hidden, weights, pixel - centre);
        }
        hidden.iter_mut().for_each(|unit| *unit = unit.tanh());
        let mut embedding = vec![0.0; self.dimension];
        for (unit, weights) in hidden.iter().zip(self.output_rows()) {
            add_scaled(&mut embedding, weights, *unit);
        }
        let norm = norm(&embedding);
        if norm == 0.0 {
            return Err(Error::ZeroVector { argument: argument() });
        }
        if !norm.is_finite() {
            return Err(Error::NotFinite { argument: format!("the norm of {}", argument()), value: norm });
        }
        embedding.iter_mut().for_each(|entry| *entry /= norm);
        Ok(Forward { hidden, embedding, norm })
    }

    fn output_rows(&self) -> impl Iterator<Item = &[f64]> {
        self.output.chunks_exact(self.dimension)
    }
}

/// A step of FGSM: `epsilon` in the direction that raises the loss, 0 where the slope is 0.
pub fn signed_step(slope: f64, epsilon: f64) -> f64 {
    // `signum` of 0 is 1.
    if slope == 0.0 { 0.0 } else { epsilon * slope.signum() }
}

fn add_scaled(sum: &mut [f64], row: &[f64], factor: f64) {
    sum.iter_mut().zip(row).for_each(|(sum, entry)| *sum += factor * entry);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The norm, its squares summed with Kahan's compensation: a plain sum's error grows with the dimension, and
/// would take rows further from the sphere than `1e-15`.
pub(super) fn norm(vector: &[f64]) -> f64 {
    let (mut sum, mut lost) = (0.0, 0.0);
    for entry in vector {
        let term = entry * entry - lost;
        let next = sum + term;
        lost = (next - sum) - term;
        sum = next;
    }
    sum.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(count: usize) -> (Encoder, Vec<Vec<f64>>) {
        let digits = Images::digits();
        let images = digits.pixels.iter().take(count).cloned().collect();
        (Encoder::new(&digits, 16).unwrap(), images)
    }

    #[test]
    fn rows_have_norm_1_in_every_dimension() {
        let digits = Images::digits();
        for dimension in [1, 2, 3, 16, 128, 1000] {
            let rows = Encoder::new(&digits, dimension).unwrap().encode(&digits.pixels).unwrap();
            assert_eq!(rows.shape(), (1797, dimension));
            for row in rows.row_iter() {
                let row: Vec<f64> = row.iter().copied().collect();
                assert!((norm(&row) - 1.0).abs() <= 1e-15, "{dimension}: {}", norm(&row) - 1.0);
            }
        }
    }

    #[test]
    fn embeddings_of_digits_spread_over_the_sphere() {
        let (encoder, images) = digits(200);
        let rows = encoder.encode(&images).unwrap();
        let scores = &rows * rows.transpose();
        assert!(scores.min() < -0.5, "{}", scores.min());
        assert!(scores.mean().abs() < 0.2, "{}", scores.mean());
    }

    #[test]
    fn the_vector_jacobian_is_the_finite_difference() {
        let (encoder, images) = digits(3);
        let mut rng = Rng::new(4);
        let weights = DMatrix::from_fn(3, 16, |_, _| rng.normal());
        let gradient = encoder.vector_jacobian(&images, &weights).unwrap();
        let value = |images: &[Vec<f64>]| encoder.encode(images).unwrap().dot(&weights);
        let step = 1e-5;
        for image in 0..3 {
            for pixel in 0..64 {
                let moved = |by: f64| {
                    let mut images = images.clone();
                    images[image][pixel] += by;
                    value(&images)
                };
                let difference = (moved(step) - moved(-step)) / (2.0 * step);
                let analytic = gradient[image][pixel];
                // The difference's own error: step² times a third derivative, and 2⁻⁵³ over the step.
                assert!((difference - analytic).abs() < 1e-9, "{image}, {pixel}: {difference}, {analytic}");
            }
        }
    }

    #[test]
    fn an_adversarial_image_raises_a_loss_within_epsilon_and_the_unit_interval() {
        let (encoder, images) = digits(20);
        let mut rng = Rng::new(9);
        let weights = DMatrix::from_fn(20, 16, |_, _| rng.normal());
        let attacked = encoder.adversarial(&images, |_| Ok(weights.clone()), 0.02).unwrap();
        let value =
            |images: &[Vec<f64>]| encoder.encode(images).unwrap().component_mul(&weights).column_sum();
        let (before, after) = (value(&images), value(&attacked));
        assert!(before.iter().zip(after.iter()).all(|(before, after)| after > before), "{before} {after}");
        for (pixel, moved) in images.iter().flatten().zip(attacked.iter().flatten()) {
            assert!((0.0..=1.0).contains(moved) && (moved - pixel).abs() <= 0.02 + 1e-15);
        }
        let still = encoder.adversarial(&images, |rows| Ok(0.0 * rows), 0.02).unwrap();
        assert_eq!(still, images);
    }

    #[test]
    fn what_cannot_be_encoded_is_refused() {
        let (encoder, mut images) = digits(2);
        let refused = |images: &[Vec<f64>]| encoder.encode(images).unwrap_err();
        assert!(matches!(refused(&[vec![0.0; 63]]), Error::Shape { .. }));
        assert!(matches!(refused(&[vec![f64::NAN; 64]]), Error::NotFinite { .. }));
        assert!(matches!(refused(std::slice::from_ref(&encoder.centre)), Error::ZeroVector { .. }));
        let (unfit, infinite) = (DMatrix::zeros(2, 15), DMatrix::from_element(2, 16, f64::INFINITY));
        assert!(matches!(encoder.vector_jacobian(&images, &unfit), Err(Error::Shape { .. })));
        assert!(matches!(encoder.vector_jacobian(&images, &infinite), Err(Error::NotFinite { .. })));
        assert!(matches!(encoder.adversarial(&images, Ok, -1.0), Err(Error::OutOfRange { .. })));
        images[1] = vec![f64::MAX; 64];
        assert!(encoder.encode(&images).is_ok_and(|rows| rows.iter().all(|entry| entry.is_finite())));
        assert!(matches!(Encoder::new(&Images::digits(), 0), Err(Error::OutOfRange { .. })));
    }
}

//! Real images, and the way that training goes from them to a loss: augment, mix, attack, encode.
//!
//! Random unit vectors are spread evenly over the sphere; embeddings of images are not: positives lie close,
//! classes cluster, a mixed view lies between its sources and an adversarial one just off its clean one.
//! The laws are to hold there, so they are fed from there.
//!
//! Everything is a function of the images, the indices and the [`Rng`]'s state. `tanh`, `ln`, `sin` and
//! `cos` are the platform's, so two platforms may differ in last bits.
//!
//! ```
//! use intnacl_judge::images::{Encoder, Images, Rng};
//!
//! let digits = Images::digits();
//! let encoder = Encoder::new(&digits, 16)?;
//! let indices = digits.sample(4, &mut Rng::new(1))?;
//! let images: Vec<Vec<f64>> = indices.iter().map(|&index| digits.pixels[index].clone()).collect();
//! assert_eq!(encoder.encode(&images)?.shape(), (4, 16));
//! # Ok::<(), intnacl_reference::Error>(())
//! ```

mod augment;
mod encoder;
mod views;

pub use encoder::{Encoder, signed_step};
pub use intnacl_reference::inside::Rng;
pub use views::{Augmentation, partners, views};

use std::sync::OnceLock;

use intnacl_reference::{Error, Result};
use intnacl_vocabulary::error::in_range;

/// The optical digits; `data/README.md` states their source, licence and layout.
const DIGITS: &[u8] = include_bytes!("../../data/digits.bin");
/// Pixels along a digit's side.
const DIGIT_SIDE: usize = 8;
/// The byte of full ink.
const DIGIT_INK: f64 = 16.0;

/// The fewest images that laws may be fed from: more than a case has.
pub const FEWEST: usize = 32;

static SOURCE: OnceLock<Images> = OnceLock::new();

/// The images that laws are fed from: the digits, unless [`feed`] said otherwise.
pub fn source() -> &'static Images {
    SOURCE.get_or_init(Images::digits)
}

/// Feeds the laws of this process from these images instead of the digits.
///
/// # Errors
/// Fewer than [`FEWEST`] images, images that do not have the size that they state or leave `[0, 1]`, and
/// [`Error::OutOfRange`] for `images` where laws have drawn some already.
pub fn feed(images: Images) -> Result<()> {
    let count = images.pixels.len();
    in_range("images", count as f64, count >= FEWEST, "at least 32 images")?;
    (0..count).try_for_each(|index| images.image(index).map(|_| ()))?;
    SOURCE
        .set(images)
        .or_else(|_| in_range("images", count as f64, false, "to be chosen before a law has drawn any"))
}

/// Labelled images of one size.
#[derive(Debug, Clone, PartialEq)]
pub struct Images {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Planes: 1 for grey, 3 for colour.
    pub channels: usize,
    /// A list for each image: plane after plane, row after row, each pixel in `[0, 1]`.
    pub pixels: Vec<Vec<f64>>,
    /// The class of each image.
    pub labels: Vec<i64>,
}

impl Images {
    /// 1797 handwritten digits, 8×8, grey (E. Alpaydin and C. Kaynak 1998, CC BY 4.0).
    pub fn digits() -> Self {
        let records = DIGITS.chunks_exact(DIGIT_SIDE * DIGIT_SIDE + 1);
        let (pixels, labels) = records
            .filter_map(|record| record.split_last())
            .map(|(label, pixels)| {
                let pixels = pixels.iter().map(|&level| f64::from(level) / DIGIT_INK).collect::<Vec<_>>();
                (pixels, i64::from(*label))
            })
            .unzip();
        Self { width: DIGIT_SIDE, height: DIGIT_SIDE, channels: 1, pixels, labels }
    }

    /// `count` different indices, in random order.
    ///
    /// # Errors
    /// More than there are images.
    pub fn sample(&self, count: usize, rng: &mut Rng) -> Result<Vec<usize>> {
        let total = self.pixels.len();
        if count > total {
            return Err(Error::OutOfRange {
                argument: "count".into(),
                value: count as f64,
                expected: "at most the number of images",
            });
        }
        // The first steps of a Fisher-Yates shuffle.
        let mut indices: Vec<usize> = (0..total).collect();
        for position in 0..count {
            indices.swap(position, position + rng.below(total - position));
        }
        indices.truncate(count);
        Ok(indices)
    }

    /// A view of an image: shifted, turned, scaled, its contrast and brightness jittered, noise added, and
    /// every second time a patch erased.
    ///
    /// # Errors
    /// No image of that index, or an image that does not have the size that is stated, or leaves `[0, 1]`.
    pub fn augment(&self, index: usize, rng: &mut Rng) -> Result<Vec<f64>> {
        Ok(augment::augment(self.image(index)?, self.width, self.height, rng))
    }

    /// The mean image.
    fn mean(&self) -> Result<Vec<f64>> {
        let mut mean = vec![0.0; self.image(0)?.len()];
        for index in 0..self.pixels.len() {
            let image = self.image(index)?;
            mean.iter_mut().zip(image).for_each(|(mean, pixel)| *mean += pixel);
        }
        mean.iter_mut().for_each(|mean| *mean /= self.pixels.len() as f64);
        Ok(mean)
    }

    /// An image that is there, of the size that it should have, which is not 0, and in `[0, 1]`.
    fn image(&self, index: usize) -> Result<&[f64]> {
        let image = self.pixels.get(index).ok_or_else(|| Error::OutOfRange {
            argument: "index".into(),
            value: index as f64,
            expected: "an index below the number of images",
        })?;
        let size = [self.height, self.channels].iter().try_fold(self.width, |size, &by| size.checked_mul(by));
        if size != Some(image.len()) || image.is_empty() {
            return Err(Error::Shape {
                argument: format!("pixels[{index}]"),
                found: image.len().to_string(),
                expected: format!("{} x {} x {}, none of them 0", self.width, self.height, self.channels),
            });
        }
        for (pixel, &value) in image.iter().enumerate() {
            if !(0.0..=1.0).contains(&value) {
                let argument = format!("pixels[{index}][{pixel}]");
                return Err(Error::OutOfRange { argument, value, expected: "a number in [0, 1]" });
            }
        }
        Ok(image)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_are_the_published_ones() {
        let fnv1a = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        assert_eq!(DIGITS.len(), 1797 * 65);
        assert_eq!(DIGITS.iter().fold(0xcbf2_9ce4_8422_2325, fnv1a), 0x7768_69cc_e379_5967);

        let digits = Images::digits();
        assert_eq!((digits.width, digits.height, digits.channels), (8, 8, 1));
        assert_eq!((digits.pixels.len(), digits.labels.len()), (1797, 1797));
        assert!((0..1797).all(|index| digits.image(index).is_ok()));
        assert!(digits.pixels.iter().flatten().all(|pixel| (0.0..=1.0).contains(pixel)));
        let histogram: Vec<usize> =
            (0..10).map(|digit| digits.labels.iter().filter(|&&label| label == digit).count()).collect();
        assert_eq!(histogram, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        let ink: f64 = digits.pixels.iter().flatten().sum::<f64>() * DIGIT_INK;
        assert_eq!(ink, 561_718.0);
    }

    #[test]
    fn a_sample_has_different_indices_and_follows_the_seed() {
        let digits = Images::digits();
        let indices = digits.sample(1797, &mut Rng::new(2)).unwrap();
        let mut sorted = indices.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1797).collect::<Vec<_>>());
        assert_eq!(digits.sample(5, &mut Rng::new(2)).unwrap(), indices[..5]);
        assert_ne!(digits.sample(5, &mut Rng::new(3)).unwrap(), indices[..5]);
        assert!(digits.sample(0, &mut Rng::new(2)).unwrap().is_empty());
        assert!(matches!(digits.sample(1798, &mut Rng::new(2)), Err(Error::OutOfRange { .. })));
    }

    #[test]
    fn images_that_are_not_what_they_state_are_refused() {
        let rng = &mut Rng::new(1);
        let digits = Images { pixels: vec![vec![0.5; 64], vec![0.5; 63]], ..Images::digits() };
        assert!(digits.augment(0, rng).is_ok());
        assert!(matches!(digits.augment(1, rng), Err(Error::Shape { .. })));
        assert!(matches!(digits.augment(2, rng), Err(Error::OutOfRange { .. })));
        assert!(matches!(Encoder::new(&digits, 4), Err(Error::Shape { .. })));
        let blinding = Images { pixels: vec![vec![f64::NAN; 64]], ..digits.clone() };
        assert!(matches!(blinding.augment(0, rng), Err(Error::OutOfRange { .. })));
        let empty = Images { width: 0, pixels: vec![vec![]], ..digits.clone() };
        assert!(matches!(empty.augment(0, rng), Err(Error::Shape { .. })));
        let none = Images { pixels: vec![], ..digits };
        assert!(matches!(Encoder::new(&none, 4), Err(Error::OutOfRange { .. })));
    }
}

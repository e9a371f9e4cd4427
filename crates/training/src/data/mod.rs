//! Labelled images: those that the program carries, and those that others publish.

mod cifar;
mod folders;
mod idx;
mod read;
mod source;

pub use source::Source;

use crate::error::{Error, Result};
use crate::random::{Purpose, permutation, stream};
use intnacl_judge::images;
use tch::{Device, Kind, Tensor};

/// Labelled images of one size.
#[derive(Debug)]
pub struct Images {
    /// `[n, C, H, W]`, whole numbers from 0 to `full` in elements of kind `Uint8`.
    pub pixels: Tensor,
    /// `[n]`, in elements of kind `Int64`.
    pub labels: Tensor,
    /// The number that stands for full intensity.
    pub full: f64,
}

/// Images to train on and others to test on.
#[derive(Debug)]
pub struct Dataset {
    /// What to train on.
    pub train: Images,
    /// What to test on.
    pub test: Images,
    /// How many classes there are.
    pub classes: i64,
}

impl Images {
    /// Images of `shape` (`C, H, W`) from their bytes and labels.
    pub(crate) fn new(pixels: &[u8], labels: &[i64], shape: [i64; 3], full: f64) -> Result<Self> {
        let [c, h, w] = shape;
        let pixels = Tensor::f_from_slice(pixels)?.f_reshape([labels.len() as i64, c, h, w])?;
        Ok(Self { pixels, labels: Tensor::f_from_slice(labels)?, full })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.labels.size().first().map_or(0, |&count| count as usize)
    }

    /// `[C, H, W]`.
    pub fn shape(&self) -> [i64; 3] {
        let size = self.pixels.size();
        [size[1], size[2], size[3]]
    }

    /// The images of some indices, `[B, C, H, W]` in `[0, 1]`.
    ///
    /// # Errors
    /// [`Error::Torch`] for an index that is out of range.
    pub fn select(&self, indices: &Tensor) -> Result<Tensor> {
        Ok(self.pixels.f_index_select(0, indices)?.f_to_kind(Kind::Float)?.f_div_scalar(self.full)?)
    }

    /// The images from `start` on, `count` of them, in `[0, 1]`, and their labels.
    ///
    /// # Errors
    /// [`Error::Torch`] for a range that is not there.
    pub fn range(&self, start: i64, count: i64) -> Result<(Tensor, Tensor)> {
        let pixels = self.pixels.f_narrow(0, start, count)?.f_to_kind(Kind::Float)?;
        Ok((pixels.f_div_scalar(self.full)?, self.labels.f_narrow(0, start, count)?))
    }

    /// Starts and lengths of pieces of at most `batch` images that cover all.
    pub(crate) fn pieces(&self, batch: i64) -> impl Iterator<Item = (i64, i64)> + use<> {
        let count = self.count() as i64;
        (0..count).step_by(batch.max(1) as usize).map(move |start| (start, batch.min(count - start)))
    }

    fn kept(&self, indices: &[i64]) -> Result<Self> {
        let indices = Tensor::f_from_slice(indices)?.f_to_device(self.pixels.device())?;
        Ok(Self {
            pixels: self.pixels.f_index_select(0, &indices)?,
            labels: self.labels.f_index_select(0, &indices)?,
            full: self.full,
        })
    }

    fn to_device(&self, device: Device) -> Result<Self> {
        Ok(Self {
            pixels: self.pixels.f_to_device(device)?,
            labels: self.labels.f_to_device(device)?,
            full: self.full,
        })
    }

    /// A share of the images, the same of each class within one image, drawn by a seed.
    fn share(&self, share: f64, seed: u64) -> Result<Self> {
        let labels = Vec::<i64>::try_from(self.labels.f_to_device(Device::Cpu)?)?;
        let classes = labels.iter().max().map_or(0, |&largest| largest as usize + 1);
        let mut kept = Vec::new();
        for class in 0..classes {
            let members: Vec<i64> =
                (0..labels.len() as i64).filter(|&i| labels[i as usize] == class as i64).collect();
            let order = permutation(members.len(), &mut stream(seed, Purpose::Share, &[class as u64]));
            let count = (members.len() as f64 * share).ceil() as usize;
            kept.extend(order.iter().take(count).map(|&position| members[position as usize]));
        }
        kept.sort_unstable();
        self.kept(&kept)
    }
}

impl Dataset {
    /// The embedded digits: 1797 images, 8×8, grey (E. Alpaydin and C. Kaynak 1998, CC BY 4.0).
    ///
    /// Every fifth image is to test on.
    ///
    /// # Errors
    /// [`Error::Torch`].
    ///
    /// # Examples
    /// ```
    /// let digits = intnacl_training::Dataset::digits()?;
    /// assert_eq!((digits.train.count(), digits.test.count()), (1438, 359));
    /// # Ok::<(), intnacl_training::Error>(())
    /// ```
    pub fn digits() -> Result<Self> {
        const LEVELS: f64 = 16.0;
        let digits = images::Images::digits();
        let shape = [digits.channels as i64, digits.height as i64, digits.width as i64];
        let pixels: Vec<u8> = digits.pixels.iter().flatten().map(|&pixel| (pixel * LEVELS) as u8).collect();
        Self::divided_by_five(&Images::new(&pixels, &digits.labels, shape, LEVELS)?, 10)
    }

    /// Training images and test images out of one set: every fifth is to test on.
    pub(crate) fn divided_by_five(images: &Images, classes: i64) -> Result<Self> {
        let (test, train): (Vec<i64>, Vec<i64>) = (0..images.count() as i64).partition(|i| i % 5 == 4);
        Ok(Self { train: images.kept(&train)?, test: images.kept(&test)?, classes })
    }

    /// The same on a device.
    ///
    /// # Errors
    /// [`Error::Torch`].
    pub fn to_device(&self, device: Device) -> Result<Self> {
        let (train, test) = (self.train.to_device(device)?, self.test.to_device(device)?);
        Ok(Self { train, test, classes: self.classes })
    }

    /// The same with a share of the training images and a share of the test images, each class alike.
    ///
    /// # Errors
    /// A share out of `(0, 1]`.
    pub fn shared(&self, train: f64, test: f64, seed: u64) -> Result<Self> {
        for (argument, share) in [("data.share", train), ("data.test_share", test)] {
            crate::error::in_range(argument, share, share > 0.0 && share <= 1.0, "a number in (0, 1]")?;
        }
        let kept = |images: &Images, share: f64| match share {
            1.0 => images.to_device(images.pixels.device()),
            share => images.share(share, seed),
        };
        Ok(Self { train: kept(&self.train, train)?, test: kept(&self.test, test)?, classes: self.classes })
    }
}

/// Refuses labels that are not below the number of classes.
pub(crate) fn check_labels(path: &std::path::Path, labels: &[i64], classes: i64) -> Result<()> {
    match labels.iter().position(|label| !(0..classes).contains(label)) {
        None => Ok(()),
        Some(at) => {
            let reason = format!("label[{at}] = {}: expected a number below {classes}", labels[at]);
            Err(Error::file(path, reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_come_in_whole_levels_and_ten_classes() {
        let digits = Dataset::digits().unwrap();
        assert_eq!(digits.train.shape(), [1, 8, 8]);
        assert_eq!((digits.train.count(), digits.test.count()), (1438, 359));
        let (pixels, labels) = digits.train.range(0, 4).unwrap();
        let reference = images::Images::digits();
        assert_eq!(Vec::<i64>::try_from(&labels).unwrap(), reference.labels[..4]);
        let pixels = Vec::<f64>::try_from(pixels.flatten(0, -1).to_kind(Kind::Double)).unwrap();
        assert_eq!(pixels, reference.pixels[..4].concat());
    }

    #[test]
    fn a_share_keeps_every_class_and_follows_the_seed() {
        let digits = Dataset::digits().unwrap();
        let share = digits.shared(0.1, 0.5, 3).unwrap();
        let labels = Vec::<i64>::try_from(&share.train.labels).unwrap();
        for class in 0..10 {
            let all = Vec::<i64>::try_from(&digits.train.labels).unwrap();
            let of = |labels: &[i64]| labels.iter().filter(|&&label| label == class).count();
            assert_eq!(of(&labels), (of(&all) as f64 * 0.1).ceil() as usize);
        }
        let again = digits.shared(0.1, 0.5, 3).unwrap();
        assert!(again.train.pixels == share.train.pixels);
        assert!(digits.shared(0.1, 0.5, 4).unwrap().train.pixels != share.train.pixels);
        for refused in [0.0, -1.0, 1.5, f64::NAN] {
            assert!(matches!(digits.shared(refused, 1.0, 1), Err(Error::Setting { .. })));
            assert!(matches!(digits.shared(1.0, refused, 1), Err(Error::Setting { .. })));
        }
    }
}

//! Views of images: random resized crop, flip, colour jitter and grayscale, in batches on the images' device.
//!
//! The draws of each image are its own ([`Draw`]), from a stream that knows the seed, the epoch, the image and the
//! view; what a draw does to an image ([`apply`]) is what torchvision's functional transforms do to a tensor of
//! floating numbers (`resized_crop` with antialiasing, `hflip`, `adjust_brightness`, `adjust_contrast`,
//! `adjust_saturation`, `adjust_hue`, `rgb_to_grayscale`).

mod color;
mod crop;

use crate::error::{Result, in_range};
use crate::random::Rng;
use serde::{Deserialize, Serialize};
use tch::Tensor;

/// How views are drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The least and the largest share of the image's area that a crop has.
    pub crop: [f64; 2],
    /// The least and the largest ratio of a crop's width to its height.
    pub ratio: [f64; 2],
    /// How often a view is flipped left to right.
    pub flip: f64,
    /// `s`: brightness, contrast and saturation change by up to `0.8s`, hue by up to `0.2s`.
    pub jitter: f64,
    /// How often a view is jittered.
    pub jitter_probability: f64,
    /// How often a view loses its colours.
    pub grayscale: f64,
}

impl Default for Settings {
    /// Those of the paper, its appendix H; `s = 1`, and the crops as torchvision draws them unless told otherwise.
    fn default() -> Self {
        Self {
            crop: [0.08, 1.0],
            ratio: [3.0 / 4.0, 4.0 / 3.0],
            flip: 0.5,
            jitter: 1.0,
            jitter_probability: 0.8,
            grayscale: 0.2,
        }
    }
}

impl Settings {
    /// Those for the digits: larger crops of 8×8 pixels, and no flip, which makes other signs of digits.
    pub fn digits() -> Self {
        Self { crop: [0.5, 1.0], flip: 0.0, jitter: 0.5, grayscale: 0.0, ..Self::default() }
    }

    /// Refuses settings out of range.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting), naming the setting.
    pub fn validate(&self) -> Result<()> {
        let pair = |values: [f64; 2]| format!("{values:?}");
        let [least, largest] = self.crop;
        let holds = 0.0 < least && least <= largest && largest <= 1.0;
        in_range("views.crop", pair(self.crop), holds, "two numbers in (0, 1], the smaller first")?;
        let [least, largest] = self.ratio;
        let holds = 0.0 < least && least <= largest && largest.is_finite();
        in_range("views.ratio", pair(self.ratio), holds, "two finite numbers above 0, the smaller first")?;
        for (argument, value) in [
            ("views.flip", self.flip),
            ("views.jitter_probability", self.jitter_probability),
            ("views.grayscale", self.grayscale),
        ] {
            in_range(argument, value, (0.0..=1.0).contains(&value), "a number in [0, 1]")?;
        }
        // 0.2 s is a turn of the hue, which half a circle bounds.
        in_range("views.jitter", self.jitter, (0.0..=2.5).contains(&self.jitter), "a number in [0, 2.5]")
    }

    /// The draw of one view of images of a size.
    pub fn draw(&self, height: i64, width: i64, rng: &mut Rng) -> Draw {
        let crop = self.draw_crop(height, width, rng);
        let flip = rng.uniform() < self.flip;
        let jitter = (rng.uniform() < self.jitter_probability).then(|| self.draw_jitter(rng));
        let grayscale = rng.uniform() < self.grayscale;
        Draw { crop, flip, jitter, grayscale }
    }

    /// As torchvision draws it: ten attempts at an area and a ratio, then the largest crop in the middle that has an
    /// allowed ratio.
    fn draw_crop(&self, height: i64, width: i64, rng: &mut Rng) -> Crop {
        let area = (height * width) as f64;
        let [least, largest] = self.ratio;
        for _ in 0..10 {
            let target = area * rng.between(self.crop[0], self.crop[1]);
            let ratio = rng.between(least.ln(), largest.ln()).exp();
            let w = (target * ratio).sqrt().round_ties_even() as i64;
            let h = (target / ratio).sqrt().round_ties_even() as i64;
            if (1..=width).contains(&w) && (1..=height).contains(&h) {
                let top = rng.below((height - h + 1) as usize) as i64;
                let left = rng.below((width - w + 1) as usize) as i64;
                return Crop { top, left, height: h, width: w };
            }
        }
        let own = width as f64 / height as f64;
        let (h, w) = if own < least {
            ((width as f64 / least).round_ties_even() as i64, width)
        } else if own > largest {
            (height, (height as f64 * largest).round_ties_even() as i64)
        } else {
            (height, width)
        };
        let (h, w) = (h.clamp(1, height), w.clamp(1, width));
        Crop { top: (height - h) / 2, left: (width - w) / 2, height: h, width: w }
    }

    fn draw_jitter(&self, rng: &mut Rng) -> Jitter {
        let strength = 0.8 * self.jitter;
        let mut factor = || rng.between((1.0 - strength).max(0.0), 1.0 + strength);
        let (brightness, contrast, saturation) = (factor(), factor(), factor());
        let hue = rng.between(-0.2 * self.jitter, 0.2 * self.jitter);
        let mut order = [Change::Brightness, Change::Contrast, Change::Saturation, Change::Hue];
        for position in (1..order.len()).rev() {
            order.swap(position, rng.below(position + 1));
        }
        Jitter { order, brightness, contrast, saturation, hue }
    }
}

/// What is done to one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    /// The part of the image that becomes the view.
    pub crop: Crop,
    /// Whether left and right change places.
    pub flip: bool,
    /// The changes of colour, if there are any.
    pub jitter: Option<Jitter>,
    /// Whether the colours are lost.
    pub grayscale: bool,
}

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop {
    /// The first row.
    pub top: i64,
    /// The first column.
    pub left: i64,
    /// Rows.
    pub height: i64,
    /// Columns.
    pub width: i64,
}

/// A change of colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The image times a factor.
    Brightness,
    /// The image's distance from its mean gray times a factor.
    Contrast,
    /// Each pixel's distance from its own gray times a factor.
    Saturation,
    /// A turn of the hue, in circles.
    Hue,
}

/// Four changes of colour in an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Jitter {
    /// The order.
    pub order: [Change; 4],
    /// At least 0.
    pub brightness: f64,
    /// At least 0.
    pub contrast: f64,
    /// At least 0.
    pub saturation: f64,
    /// In `[-0.5, 0.5]`.
    pub hue: f64,
}

/// The views of images `[B, C, H, W]` in `[0, 1]`, as their `B` draws say: of the same shape.
///
/// # Errors
/// - [`Error::Setting`](crate::Error::Setting): another number of draws than of images, or a crop that leaves them.
/// - [`Error::Torch`](crate::Error::Torch): libtorch could not.
///
/// # Examples
/// ```
/// use intnacl_training::random::Rng;
/// use intnacl_training::views::{Settings, apply};
/// use tch::{Device, Kind, Tensor};
///
/// let images = Tensor::rand([4, 3, 32, 32], (Kind::Float, Device::Cpu));
/// let mut rng = Rng::new(1);
/// let draws: Vec<_> = (0..4).map(|_| Settings::default().draw(32, 32, &mut rng)).collect();
/// assert_eq!(apply(&images, &draws)?.size(), [4, 3, 32, 32]);
/// # Ok::<(), intnacl_training::Error>(())
/// ```
pub fn apply(images: &Tensor, draws: &[Draw]) -> Result<Tensor> {
    let (count, channels, height, width) = images.size4()?;
    in_range("draws", draws.len(), draws.len() as i64 == count, format!("{count}, a draw for each image"))?;
    for (i, Draw { crop, .. }) in draws.iter().enumerate() {
        let fits = |start: i64, length: i64, size: i64| start >= 0 && length >= 1 && start + length <= size;
        let holds = fits(crop.top, crop.height, height) && fits(crop.left, crop.width, width);
        in_range(
            &format!("draws[{i}].crop"),
            format!("{crop:?}"),
            holds,
            format!("inside {height} x {width} pixels"),
        )?;
    }
    let views = crop::resize(images, draws)?;
    color::recolor(views, draws, channels)
}

#[cfg(test)]
mod tests;

//! The encoder: ResNet-18 (He et al. 2016) in the form for small images, with a projection head of two layers.
//!
//! `image → (x - 1/2)/(1/2) → stem → four stages of two blocks → mean over the pixels: features → head: embedding`.
//! Parameters have torchvision's names (`conv1.weight`, `layer1.0.conv1.weight`, …); the head's are
//! `projector.0` and `projector.2`, a supervised encoder's classifier is `fc`, and what adversarial views have of their own begins with `adversarial.`.

mod layers;
mod parameters;

pub use layers::Mode;
pub use parameters::Parameters;

use crate::error::{Result, in_range};
use crate::random::{Purpose, stream};
use layers::{Conv, Linear, Norm, Precision};
use parameters::Declared;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

/// What the names of parameters begin with that adversarial views have of their own.
pub(crate) const ADVERSARIAL: &str = "adversarial.";
/// What the names of the projection head's parameters begin with.
pub(crate) const PROJECTOR: &str = "projector.";

/// What comes first in an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Stem {
    /// A convolution of 3×3 pixels: for images of 32 or 64 pixels.
    Cifar,
    /// A convolution of 7×7 pixels at every second one, then the maximum over 3×3 at every second one: torchvision's.
    Imagenet,
}

/// The form of an encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What comes first.
    pub stem: Stem,
    /// How wide each stage is, as a share of 64, 128, 256 and 512 channels.
    pub width: f64,
    /// The dimension of the embedding.
    pub projection: i64,
    /// How many classes a linear map of the features tells apart: that of supervised training, which others lack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<i64>,
    /// Whether adversarial views have batch normalisation of their own.
    pub adversarial_norm: bool,
    /// What is subtracted from each pixel.
    pub mean: f64,
    /// What it is then divided by.
    pub deviation: f64,
    /// Whether convolutions and linear maps compute in `bf16`.
    pub bf16: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            stem: Stem::Cifar,
            width: 1.0,
            projection: 64,
            classes: None,
            adversarial_norm: true,
            mean: 0.5,
            deviation: 0.5,
            bf16: false,
        }
    }
}

impl Settings {
    /// Refuses settings out of range.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting), naming the setting.
    pub fn validate(&self) -> Result<()> {
        let width = self.width;
        let holds = (1.0 / 64.0..=16.0).contains(&width) && (64.0 * width).fract() == 0.0;
        in_range("encoder.width", width, holds, "a multiple of 1/64 from 1/64 to 16")?;
        let holds = (1..=65536).contains(&self.projection);
        in_range("encoder.projection", self.projection, holds, "a whole number from 1 to 65536")?;
        if let Some(classes) = self.classes {
            let holds = (1..=65536).contains(&classes);
            in_range("encoder.classes", classes, holds, "a whole number from 1 to 65536")?;
        }
        in_range("encoder.mean", self.mean, self.mean.is_finite(), "a finite number")?;
        let holds = self.deviation > 0.0 && self.deviation.is_finite();
        in_range("encoder.deviation", self.deviation, holds, "a finite number above 0")
    }

    /// The channels of the first stage.
    fn channels(&self) -> i64 {
        (64.0 * self.width) as i64
    }
}

/// Two convolutions with a way around them.
#[derive(Debug, Clone, Copy)]
struct Block {
    first: (Conv, Norm),
    second: (Conv, Norm),
    around: Option<(Conv, Norm)>,
}

/// A ResNet-18 with a projection head.
#[derive(Debug)]
pub struct Encoder {
    settings: Settings,
    stem: (Conv, Norm),
    blocks: Vec<Block>,
    head: [Linear; 2],
    classifier: Option<Linear>,
    /// Its parameters and buffers.
    pub parameters: Parameters,
}

/// What an encoder makes of images.
#[derive(Debug)]
pub struct Encoded {
    /// `[B, F]`: what a linear probe sees.
    pub features: Tensor,
    /// `[B, d]`: what the loss sees, not yet of unit norm.
    pub embedding: Tensor,
}

impl Encoder {
    /// An encoder of images with some channels, drawn from a seed.
    ///
    /// # Errors
    /// Settings out of range; [`Error::Torch`](crate::Error::Torch).
    ///
    /// # Examples
    /// ```
    /// use intnacl_training::encoder::{Encoder, Mode, Settings};
    /// use tch::{Device, Kind, Tensor};
    ///
    /// let settings = Settings { width: 0.125, ..Settings::default() };
    /// let encoder = Encoder::new(&settings, 3, 1, Device::Cpu)?;
    /// let images = Tensor::rand([2, 3, 32, 32], (Kind::Float, Device::Cpu));
    /// let encoded = encoder.encode(&images, Mode::Evaluate)?;
    /// assert_eq!((encoded.features.size(), encoded.embedding.size()), (vec![2, 64], vec![2, 64]));
    /// # Ok::<(), intnacl_training::Error>(())
    /// ```
    pub fn new(settings: &Settings, channels: i64, seed: u64, device: Device) -> Result<Self> {
        settings.validate()?;
        let apart = settings.adversarial_norm;
        let mut declared = Declared::default();
        let declared_norm =
            |declared: &mut Declared, name: &str, channels| Norm::declare(declared, name, channels, apart);
        let width = settings.channels();
        let (side, stride) = match settings.stem {
            Stem::Cifar => (3, 1),
            Stem::Imagenet => (7, 2),
        };
        let stem = (
            Conv::declare(&mut declared, "conv1", [width, channels, side], stride),
            declared_norm(&mut declared, "bn1", width),
        );
        let mut blocks = Vec::new();
        let mut into = width;
        for stage in 0..4 {
            let out = width << stage;
            for block in 0..2 {
                let name = format!("layer{}.{block}", stage + 1);
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let mut pair = |conv: &str, norm: &str, shape, stride| {
                    let conv = Conv::declare(&mut declared, &format!("{name}.{conv}"), shape, stride);
                    (conv, declared_norm(&mut declared, &format!("{name}.{norm}"), out))
                };
                blocks.push(Block {
                    first: pair("conv1", "bn1", [out, into, 3], stride),
                    second: pair("conv2", "bn2", [out, out, 3], 1),
                    around: (into != out || stride != 1)
                        .then(|| pair("downsample.0", "downsample.1", [out, into, 1], stride)),
                });
                into = out;
            }
        }
        let head = [
            Linear::declare(&mut declared, &format!("{PROJECTOR}0"), into, into),
            Linear::declare(&mut declared, &format!("{PROJECTOR}2"), into, settings.projection),
        ];
        let classifier = settings.classes.map(|classes| Linear::declare(&mut declared, "fc", into, classes));
        let parameters = declared.build(&mut stream(seed, Purpose::Weights, &[]), device)?;
        Ok(Self { settings: settings.clone(), stem, blocks, head, classifier, parameters })
    }

    /// Its form.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where it is.
    pub fn device(&self) -> Device {
        self.parameters.flat.device()
    }

    /// Its parameters and running statistics by name. They share its memory.
    pub fn tensors(&self) -> Vec<(String, Tensor)> {
        let all = self.parameters.leaves.iter().chain(&self.parameters.buffers);
        all.map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect()
    }

    /// How many features it has.
    pub fn features(&self) -> i64 {
        8 * self.settings.channels()
    }

    /// The features of images `[B, C, H, W]` in `[0, 1]`.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch), for a shape that does not fit among others.
    pub fn features_of(&self, images: &Tensor, mode: Mode) -> Result<Tensor> {
        let settings = &self.settings;
        let precision = self.precision();
        let pass = |(conv, norm): (Conv, Norm), x: &Tensor| {
            norm.forward(&self.parameters, &conv.forward(&self.parameters, x, precision)?, mode)
        };
        let x = images.f_sub_scalar(settings.mean)?.f_div_scalar(settings.deviation)?;
        // Channels last in memory: convolutions of few channels take a fifth less time, and all layers keep it so.
        let x = x.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])?;
        let mut x = pass(self.stem, &x)?.f_relu_()?;
        if settings.stem == Stem::Imagenet {
            x = x.f_max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false)?;
        }
        for block in &self.blocks {
            let inner = pass(block.first, &x)?.f_relu_()?;
            let mut sum = pass(block.second, &inner)?;
            let around = match block.around {
                Some(around) => pass(around, &x)?,
                None => x,
            };
            x = sum.f_add_(&around)?.f_relu_()?;
        }
        Ok(x.f_mean_dim([2, 3].as_slice(), false, Kind::Float)?)
    }

    /// Features and embedding.
    ///
    /// # Errors
    /// Those of [`features_of`](Self::features_of).
    pub fn encode(&self, images: &Tensor, mode: Mode) -> Result<Encoded> {
        let features = self.features_of(images, mode)?;
        Ok(Encoded { embedding: self.project(&features)?, features })
    }

    /// The embedding `[B, d]` of features `[B, F]`, by the projection head.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch), for a shape that does not fit among others.
    pub fn project(&self, features: &Tensor) -> Result<Tensor> {
        let [first, second] = self.head;
        let hidden = first.forward(&self.parameters, features, self.precision())?.f_relu()?;
        Ok(second.forward(&self.parameters, &hidden, self.precision())?.f_to_kind(Kind::Float)?)
    }

    /// Weight `[K, F]` and bias `[K]` of the classifier that a supervised encoder has.
    pub fn classifier(&self) -> Option<(&Tensor, &Tensor)> {
        self.classifier.map(|linear| linear.of(&self.parameters))
    }

    fn precision(&self) -> Precision {
        Precision(if self.settings.bf16 { Kind::BFloat16 } else { Kind::Float })
    }
}

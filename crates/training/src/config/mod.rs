//! A run's configuration: a TOML file, and flags that override it.

pub mod objective;
mod presets;

pub use presets::{Preset, family, preset};

use crate::data::Source;
use crate::encoder;
use crate::error::{Error, Result, in_range};
use crate::evaluate::{Plan, attack, probe};
use crate::step::Contrast;
use crate::{adam, views};
use objective::Objective;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Everything that a run's result depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The seed of all draws.
    pub seed: u64,
    /// Passes over the training images.
    pub epochs: u64,
    /// `B`.
    pub batch: usize,
    /// The images.
    pub data: Data,
    /// The loss.
    pub loss: Objective,
    /// What the loss is fed with.
    pub contrast: Contrast,
    /// How views are drawn.
    pub views: views::Settings,
    /// The encoder's form.
    pub encoder: encoder::Settings,
    /// The optimiser.
    pub adam: adam::Settings,
    /// The linear probe.
    pub probe: probe::Settings,
    /// The attacks of the evaluation.
    pub attack: attack::Settings,
}

/// Which images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// As on the command line: `digits`, `cifar10:PATH`, ….
    pub source: String,
    /// The share of the training images that is used.
    pub share: f64,
    /// The share of the test images that is used.
    pub test_share: f64,
}

impl Config {
    /// The evaluation of a run of this configuration on its own images.
    pub fn evaluation(&self) -> Plan<'_> {
        let Self { data, probe, attack, seed, .. } = self;
        Plan { data: &data.source, probe, attack, seed: *seed, own: true }
    }

    /// The evaluation on other images.
    pub fn transfer<'a>(&'a self, data: &'a str) -> Plan<'a> {
        Plan { data, own: false, ..self.evaluation() }
    }

    /// The configuration for a dataset: the paper's, and for the digits one that is done in a minute or two. The loss
    /// is IntNaCl as in the paper's Figure 1.
    ///
    /// # Errors
    /// Never but for a preset that is not known to this program.
    pub fn of(source: &Source) -> Result<Self> {
        let Preset { objective, positives, .. } = preset("intnacl")?;
        let paper = Self {
            seed: 1,
            epochs: 100,
            batch: 256,
            data: Data { source: source.to_string(), share: 1.0, test_share: 1.0 },
            loss: objective,
            contrast: Contrast { positives, ..Contrast::default() },
            views: views::Settings::default(),
            encoder: encoder::Settings::default(),
            adam: adam::Settings::default(),
            probe: probe::Settings::default(),
            attack: attack::Settings::default(),
        };
        Ok(match source {
            Source::Digits => Self {
                epochs: 15,
                batch: 128,
                contrast: Contrast { epsilon: 0.1, ..paper.contrast },
                views: views::Settings::digits(),
                encoder: encoder::Settings { width: 0.125, ..paper.encoder },
                adam: adam::Settings { learning_rate: 2e-3, ..paper.adam },
                probe: probe::Settings { epochs: 300, learning_rate: 1e-2, ..paper.probe },
                attack: attack::Settings { epsilon: 0.1, step: 0.025, ..paper.attack },
                ..paper
            },
            Source::TinyImageNet(_) => {
                Self { batch: 128, probe: probe::Settings { epochs: 200, ..paper.probe }, ..paper }
            }
            _ => paper,
        })
    }

    /// The configuration of a TOML file. What the file leaves out is as in [`Config::of`] its dataset; a `preset`
    /// stands for its loss and positives.
    ///
    /// # Errors
    /// [`Error::File`] for a file that cannot be read, or for a field that is unknown or of another type; a setting
    /// out of range.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::file(path, error))?;
        Self::parse(&text).map_err(|error| Error::file(path, error))
    }

    /// As [`read`](Self::read), from the text.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn parse(text: &str) -> Result<Self> {
        let refused = |error: toml::de::Error| {
            Error::setting("configuration", error.message(), "fields of a configuration with their types")
        };
        let mut given: toml::Table = toml::from_str(text).map_err(refused)?;
        let source = given.get("data").and_then(|data| data.get("source")?.as_str()).unwrap_or("digits");
        let mut config = Self::of(&source.parse()?)?;
        if let Some(name) = given.remove("preset") {
            let name = name.as_str().ok_or_else(|| Error::setting("preset", &name, "a name in quotes"))?;
            config.take(&preset(name)?);
        }
        let mut table =
            toml::Table::try_from(&config).map_err(|error| Error::setting("configuration", error, ""))?;
        merge(&mut table, given);
        let config: Self = table.try_into().map_err(refused)?;
        config.validate()?;
        Ok(config)
    }

    /// Puts a preset's objective and positives in.
    pub fn take(&mut self, preset: &Preset) {
        self.loss = preset.objective;
        self.contrast.positives = preset.positives;
    }

    /// The configuration as a TOML file.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }

    /// The same for a dataset with so many classes: a supervised encoder gets a head for them.
    pub fn for_classes(mut self, classes: i64) -> Self {
        self.encoder.classes = (self.loss == Objective::Supervised).then_some(classes);
        self
    }

    /// Refuses settings out of range.
    ///
    /// # Errors
    /// [`Error::Setting`], or the loss's own error.
    pub fn validate(&self) -> Result<()> {
        in_range("batch", self.batch, self.batch >= 2, "at least 2 images, so that there are negatives")?;
        // Larger numbers do not fit into TOML.
        in_range("seed", self.seed, i64::try_from(self.seed).is_ok(), "a whole number below 2^63")?;
        self.loss.validate()?;
        self.contrast.validate()?;
        self.views.validate()?;
        self.encoder.validate()?;
        self.adam.validate()?;
        self.probe.validate()?;
        self.attack.validate()
    }
}

/// Puts `given` over `table`. A loss is replaced as a whole, since its parameters belong to its name.
fn merge(table: &mut toml::Table, given: toml::Table) {
    for (key, value) in given {
        match (table.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(given)) if key != "loss" => {
                merge(inner, given)
            }
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_read_back_as_written() {
        for source in ["digits", "cifar10:a", "tiny-imagenet:b"] {
            let config = Config::of(&source.parse().unwrap()).unwrap();
            assert_eq!(Config::parse(&config.to_toml()).unwrap(), config);
        }
    }

    #[test]
    fn the_papers_settings_are_the_defaults_for_cifar() {
        let config = Config::of(&"cifar100:x".parse().unwrap()).unwrap();
        assert_eq!((config.batch, config.epochs, config.probe.epochs), (256, 100, 1000));
        assert_eq!((config.adam.learning_rate, config.contrast.temperature), (3e-4, 0.5));
        assert_eq!((config.attack.epsilon, config.attack.step), (0.002, 0.01));
        assert_eq!((config.attack.iterations, config.attack.restarts), (10, 2));
        let tiny = Config::of(&"tiny-imagenet:x".parse().unwrap()).unwrap();
        assert_eq!((tiny.batch, tiny.probe.epochs), (128, 200));
    }

    #[test]
    fn a_file_overrides_what_it_names() {
        let text =
            "preset = \"nca-g0-m3\"\nepochs = 2\n[data]\nsource = \"cifar10:x\"\n[encoder]\nwidth = 0.25\n";
        let config = Config::parse(text).unwrap();
        assert_eq!((config.epochs, config.encoder.width, config.batch), (2, 0.25, 256));
        assert_eq!((config.loss, config.contrast.positives), (preset("nca-g0-m3").unwrap().objective, 3));
        let config = Config::parse("[loss]\nname = \"simclr\"\n").unwrap();
        assert_eq!(config.loss, Objective::Contrastive(intnacl::Loss::SimClr));
    }

    #[test]
    fn wrong_fields_and_values_are_refused_by_name() {
        for (text, words) in [
            ("epoch = 2", "epoch"),
            ("epochs = \"two\"", "two"),
            ("batch = 1", "batch = 1"),
            ("seed = -1", "-1"),
            ("[encoder]\nwidth = 0.3", "encoder.width = 0.3"),
            ("[views]\ncrop = [0.5, 0.1]", "views.crop"),
            ("[contrast]\ntemperature = 0.0", "temperature"),
            ("[attack]\nrestarts = 0", "attack.restarts = 0"),
            ("[data]\nsource = \"imagenet\"", "imagenet"),
            ("preset = 3", "preset = 3"),
        ] {
            let message = Config::parse(text).unwrap_err().to_string();
            assert!(message.contains(words), "{text}: {message}");
        }
    }
}

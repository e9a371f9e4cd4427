//! What is asked: a table's configurations at a scale, and after which epochs each is evaluated.

use crate::Result;
use clap::{Args, ValueEnum};
use intnacl_training::config::objective::Objective;
use intnacl_training::config::{Config, preset};
use intnacl_training::data::Source;
use intnacl_training::paper::Table;
use intnacl_training::step::passes_of;
use std::collections::BTreeSet;
use std::path::PathBuf;
use tch::{Cuda, Device};

const EXAMPLE: &str = "Examples:
  intnacl-training reproduce table-2 --data cifar100:cifar-100-binary --transfer cifar10:cifar-10-batches-bin
      the paper's set-up; how long that takes is said first
  intnacl-training reproduce table-1 --data cifar10:PATH --scale small --equal-passes --device cpu,cpu
      one trial a core, and what each loss reaches with as many encoder passes as SimCLR
  intnacl-training reproduce table-2 --data cifar10:PATH --scale small --only nca-g0-m1,nca-g0-m2,mixnca-g0-0.9-m2";

/// Trains a table's configurations, and prints accuracies beside the paper's
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct Arguments {
    /// table-1 to table-5, table-s2 to table-s6
    pub table: String,
    /// The images to train on
    #[arg(long)]
    pub data: Source,
    /// Images for the transfer columns
    #[arg(long)]
    pub transfer: Option<Source>,
    /// Presets instead of all of the table's, separated by commas; others may be named too
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// How large the experiment is; the flags below change parts of it
    #[arg(long, value_enum, default_value_t = Scale::Paper)]
    pub scale: Scale,
    /// The share of the training images that is used
    #[arg(long, default_value_t = 1.0)]
    pub share: f64,
    /// The share of the test images that is used
    #[arg(long, default_value_t = 1.0)]
    pub test_share: f64,
    /// The encoder's width
    #[arg(long)]
    pub width: Option<f64>,
    /// Passes over the training images
    #[arg(long)]
    pub epochs: Option<u64>,
    /// Passes of the probe over the training features
    #[arg(long)]
    pub probe_epochs: Option<u64>,
    /// Images a step
    #[arg(long)]
    pub batch: Option<usize>,
    /// Adam's learning rate
    #[arg(long)]
    pub learning_rate: Option<f64>,
    /// Trials, with the seeds 1, 2, …
    #[arg(long)]
    pub trials: Option<u64>,
    /// Evaluate every configuration also where it has had as many encoder passes as SimCLR has in its epochs
    #[arg(long)]
    pub equal_passes: bool,
    /// Say how long it takes and stop
    #[arg(long)]
    pub estimate: bool,
    /// The folder of all trials
    #[arg(long, default_value = "reproduce")]
    pub out: PathBuf,
    /// Where to train, separated by commas: cpu, cuda or cuda:N; one trial runs on each at a time. Default: every CUDA
    /// device, or the processor
    #[arg(long, value_delimiter = ',', value_parser = |name: &str| intnacl::device(name))]
    pub device: Vec<Device>,
}

/// How large an experiment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scale {
    /// The paper's own: ResNet-18, 100 epochs, batches of 256, five trials
    Paper,
    /// For a processor: width 1/8, ten epochs, batches of 128, learning rate 1e-3, a probe of 100 epochs, three trials
    Small,
}

impl Scale {
    fn apply(self, config: &mut Config) {
        if self == Self::Small {
            config.encoder.width = 0.125;
            config.epochs = 10;
            config.batch = 128;
            config.adam.learning_rate = 1e-3;
            config.probe.epochs = 100;
            config.probe.learning_rate = 3e-3;
        }
    }

    pub fn trials(self) -> u64 {
        if self == Self::Paper { 5 } else { 3 }
    }
}

impl Arguments {
    fn config(&self, name: &str, seed: u64) -> Result<Config> {
        let mut config = Config::of(&self.data)?;
        self.scale.apply(&mut config);
        config.take(&preset(name)?);
        config.seed = seed;
        config.data.share = self.share;
        config.data.test_share = self.test_share;
        config.encoder.width = self.width.unwrap_or(config.encoder.width);
        config.epochs = self.epochs.unwrap_or(config.epochs);
        config.batch = self.batch.unwrap_or(config.batch);
        config.adam.learning_rate = self.learning_rate.unwrap_or(config.adam.learning_rate);
        config.probe.epochs = self.probe_epochs.unwrap_or(config.probe.epochs);
        config.validate()?;
        Ok(config)
    }

    pub fn trials(&self) -> u64 {
        self.trials.unwrap_or(self.scale.trials())
    }

    pub fn devices(&self) -> Vec<Device> {
        match (self.device.is_empty(), Cuda::device_count()) {
            (false, _) => self.device.clone(),
            (true, 0) => vec![Device::Cpu],
            (true, count) => (0..count as usize).map(Device::Cuda).collect(),
        }
    }

    pub fn presets(&self, table: &Table) -> Vec<String> {
        let names = match self.only.is_empty() {
            true => table.rows.iter().map(|row| row.preset.clone()).collect(),
            false => self.only.clone(),
        };
        // MIXNCA with one positive is NCA with one: the tables repeat that row, and so does this list.
        let mut seen = BTreeSet::new();
        names.into_iter().filter(|name| seen.insert(name.clone())).collect()
    }
}

/// How many times as many epochs the supervised baseline has (appendix I).
const SUPERVISED_EPOCHS: u64 = 10;

/// A configuration of the table.
pub struct Entry {
    pub name: String,
    /// With the first seed.
    pub config: Config,
    /// The epochs after which it is evaluated: those of the table's columns, and the one of equal passes.
    pub epochs: Vec<u64>,
    /// The epoch at which it has had as many encoder passes as SimCLR.
    pub equal: Option<u64>,
}

impl Entry {
    pub fn new(arguments: &Arguments, table: &Table, name: &str) -> Result<Self> {
        let mut config = arguments.config(name, 1)?;
        let epochs = config.epochs;
        if config.loss == Objective::Supervised {
            config.epochs *= SUPERVISED_EPOCHS;
        }
        let equal = arguments.equal_passes.then(|| {
            let passes = passes_of(&config.loss, config.contrast.positives);
            ((epochs as f64 * 2.0 / passes).round() as u64).max(1)
        });
        let mut epochs = table.epochs(config.epochs);
        epochs.extend(equal);
        epochs.sort_unstable();
        epochs.dedup();
        Ok(Self { name: name.to_owned(), config, epochs, equal })
    }

    /// The encoder passes that an epoch takes for each image.
    pub fn passes(&self) -> f64 {
        passes_of(&self.config.loss, self.config.contrast.positives)
    }
}

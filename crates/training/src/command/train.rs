//! `train`: one run, and its evaluation.

use super::progress::Bar;
use super::{percent, picture};
use crate::Result;
use clap::Args;
use intnacl_training::config::objective::{Objective, Overrides, named};
use intnacl_training::config::{Config, preset};
use intnacl_training::data::Source;
use intnacl_training::encoder::Stem;
use intnacl_training::evaluate::{Report, evaluate};
use intnacl_training::train::dataset;
use intnacl_training::{Error, Run, checkpoint};
use std::path::{Path, PathBuf};
use tch::Device;

const EXAMPLE: &str = "Examples:
  intnacl-training train
      digits, IntNaCl beside SimCLR, in a folder `runs/1`, `runs/2`, …
  intnacl-training train --data cifar10:cifar-10-batches-bin --preset mixnca-g2-0.5-m2 --width 0.25 --out mix
  intnacl-training train --config mix.toml --epochs 200 --out mix --resume";

/// Trains an encoder, then prints its standard and robust accuracy
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct Arguments {
    /// A TOML file; the other flags override what it says
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// digits, cifar10:PATH, cifar100:PATH, tiny-imagenet:DIR or fashion-mnist:DIR
    #[arg(long)]
    data: Option<Source>,
    /// A configuration of the paper's tables: simclr, adv, intnacl, nca-g0-m3, mixnca-g2-0.5-m2, …, or supervised
    #[arg(long)]
    preset: Option<String>,
    /// A loss by its name in requests, with the paper's parameters
    #[arg(long, conflicts_with = "preset")]
    loss: Option<String>,
    #[command(flatten)]
    parameters: Overrides,
    /// M
    #[arg(long)]
    positives: Option<usize>,
    /// The temperature
    #[arg(long)]
    temperature: Option<f64>,
    /// The share of the training images that is used
    #[arg(long)]
    share: Option<f64>,
    /// The share of the test images that is used
    #[arg(long)]
    test_share: Option<f64>,
    /// Passes over the training images
    #[arg(long)]
    epochs: Option<u64>,
    /// Images a step
    #[arg(long)]
    batch: Option<usize>,
    /// The encoder's width, as a share of ResNet-18's
    #[arg(long)]
    width: Option<f64>,
    /// What comes first in the encoder
    #[arg(long)]
    stem: Option<Stem>,
    /// Compute convolutions and linear maps in bf16
    #[arg(long)]
    bf16: bool,
    /// The seed of all draws
    #[arg(long)]
    seed: Option<u64>,
    /// The run's folder, which is to be empty or absent
    #[arg(long)]
    out: Option<PathBuf>,
    /// Go on with the run in the folder
    #[arg(long, requires = "out")]
    resume: bool,
    /// cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu", value_parser = |name: &str| intnacl::device(name))]
    device: Device,
}

impl Arguments {
    fn config(&self) -> Result<Config> {
        let mut config = match (&self.config, &self.data) {
            (Some(path), _) => Config::read(path)?,
            (None, source) => Config::of(source.as_ref().unwrap_or(&Source::Digits))?,
        };
        if let Some(source) = &self.data {
            config.data.source = source.to_string();
        }
        if let Some(name) = &self.preset {
            config.take(&preset(name)?);
        }
        if let Some(name) = &self.loss {
            config.loss = Objective::Contrastive(named(name)?);
        }
        config.loss = self.parameters.apply(config.loss)?;
        fn put<T: Copy>(place: &mut T, given: Option<T>) {
            *place = given.unwrap_or(*place);
        }
        put(&mut config.contrast.positives, self.positives);
        put(&mut config.contrast.temperature, self.temperature);
        put(&mut config.data.share, self.share);
        put(&mut config.data.test_share, self.test_share);
        put(&mut config.epochs, self.epochs);
        put(&mut config.batch, self.batch);
        put(&mut config.encoder.width, self.width);
        put(&mut config.encoder.stem, self.stem);
        put(&mut config.seed, self.seed);
        config.encoder.bf16 |= self.bf16;
        config.validate()?;
        Ok(config)
    }

    /// Whether nothing was said about the loss: then SimCLR is trained beside it.
    fn is_plain(&self) -> bool {
        self.config.is_none() && self.preset.is_none() && self.loss.is_none()
    }
}

/// The first of `runs/1`, `runs/2`, … that is not there yet.
fn free_folder() -> PathBuf {
    let folders = (1..).map(|number: u64| Path::new("runs").join(number.to_string()));
    folders.into_iter().find(|folder| !folder.exists()).unwrap_or_else(|| "runs".into())
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let config = arguments.config()?;
    let out = arguments.out.clone().unwrap_or_else(free_folder);
    let main = trained(&config, &out, arguments.resume, arguments.device, "this run")?;
    let beside = match arguments.is_plain() {
        true => {
            let mut simclr = config.clone();
            simclr.take(&preset("simclr")?);
            Some(trained(&simclr, &out.join("simclr"), arguments.resume, arguments.device, "SimCLR")?)
        }
        false => None,
    };
    let name = config.loss.name();
    let line = |of: fn(&Report) -> f64| match &beside {
        Some(beside) => format!("{} ({name}; SimCLR {})", percent(of(&main)), percent(of(beside))),
        None => format!("{} ({name})", percent(of(&main))),
    };
    println!("standard accuracy {}", line(|report| report.standard));
    println!("robust accuracy {} under FGSM, epsilon {}", line(|report| report.fgsm), main.attack.epsilon);
    println!("robust accuracy {} under PGD, epsilon {}", line(|report| report.pgd), main.attack.epsilon);
    println!("weights, metrics, report and a picture of neighbours are in {}", out.display());
    Ok(())
}

/// Trains and evaluates one run, or goes on with it.
fn trained(config: &Config, out: &Path, resume: bool, device: Device, name: &str) -> Result<Report> {
    let data = dataset(config, device)?;
    let config = &config.clone().for_classes(data.classes);
    let channels = data.train.shape()[0];
    let mut run = match resume && Run::exists(out) {
        true => Run::resume(config, out, channels, device)?,
        false => Run::start(config, out, channels, device)?,
    };
    let mut bar = Bar::new(name, run.epoch, config.epochs);
    run.train(&data.train, &mut bar)?;
    let report = evaluate(&run.encoder, &data, &config.evaluation(), &[])?;
    write_report(&out.join("report.json"), &report)?;
    picture::neighbours(&out.join("neighbours.png"), &run.encoder, &data)?;
    Ok(report)
}

/// Writes a report beside its checkpoint.
pub fn write_report(path: &Path, report: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(report);
    let text = text.map_err(|error| Error::File { path: path.into(), reason: error.to_string() })?;
    checkpoint::write_whole(path, (text + "\n").as_bytes())
}

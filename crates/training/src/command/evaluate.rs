//! `evaluate`: a trained encoder on its own images or on others.

use super::percent;
use super::train::write_report;
use crate::Result;
use clap::Args;
use intnacl_training::Error;
use intnacl_training::checkpoint;
use intnacl_training::data::Source;
use intnacl_training::encoder::Encoder;
use intnacl_training::evaluate::{evaluate, features};
use intnacl_training::train::{CHECKPOINT, ENCODER, Run, dataset};
use std::collections::HashMap;
use std::path::PathBuf;
use tch::Device;

const EXAMPLE: &str = "Examples:
  intnacl-training evaluate runs/1
  intnacl-training evaluate mix --data cifar10:cifar-10-batches-bin --sweep 0.002,0.008,0.032
      transfer: the encoder is frozen, the probe is trained on the other images
  intnacl-training evaluate runs/1 --embeddings test.safetensors
      then `intnacl bound --embeddings test.safetensors --normalize` has every term of the paper's bound at them";

/// Trains a linear probe on a run's frozen features, and attacks it
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct Arguments {
    /// The run's folder
    run: PathBuf,
    /// Other images than those that it was trained on
    #[arg(long)]
    data: Option<Source>,
    /// Other weights than the run's: safetensors with torchvision's names
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// How far the attacks may move a pixel
    #[arg(long)]
    epsilon: Option<f64>,
    /// PGD: how far a step moves each pixel
    #[arg(long)]
    step: Option<f64>,
    /// PGD: steps
    #[arg(long)]
    iterations: Option<usize>,
    /// PGD: random starts
    #[arg(long)]
    restarts: Option<usize>,
    /// Further epsilon for FGSM
    #[arg(long, value_delimiter = ',')]
    sweep: Vec<f64>,
    /// Passes of the probe over the training features
    #[arg(long)]
    probe_epochs: Option<u64>,
    /// The seed of the probe's batches and of PGD's starts
    #[arg(long)]
    seed: Option<u64>,
    /// Where to write the report (default: standard output alone)
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where to write what the encoder makes of the test images, as safetensors: `embeddings` [n, d], which the loss
    /// sees, `features` [n, F], which the probe sees, and `labels` [n]
    #[arg(long, value_name = "FILE")]
    embeddings: Option<PathBuf>,
    /// cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu", value_parser = |name: &str| intnacl::device(name))]
    device: Device,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let mut config = Run::config_of(&arguments.run)?;
    let channels = dataset_channels(&config.data.source)?;
    if let Some(source) = &arguments.data {
        config.data =
            intnacl_training::config::Data { source: source.to_string(), share: 1.0, test_share: 1.0 };
    }
    fn put<T: Copy>(place: &mut T, given: Option<T>) {
        *place = given.unwrap_or(*place);
    }
    put(&mut config.attack.epsilon, arguments.epsilon);
    put(&mut config.attack.step, arguments.step);
    put(&mut config.attack.iterations, arguments.iterations);
    put(&mut config.attack.restarts, arguments.restarts);
    put(&mut config.probe.epochs, arguments.probe_epochs);
    put(&mut config.seed, arguments.seed);
    config.validate()?;
    for &epsilon in &arguments.sweep {
        if !(0.0..=1.0).contains(&epsilon) {
            let (argument, value) = ("sweep".to_owned(), epsilon.to_string());
            return Err(Error::Setting { argument, value, expected: "numbers in [0, 1]".into() });
        }
    }
    let data = dataset(&config, arguments.device)?;
    let plan =
        if arguments.data.is_some() { config.transfer(&config.data.source) } else { config.evaluation() };
    let found = data.train.shape()[0];
    if found != channels {
        let (argument, value) = ("data".to_owned(), config.data.source.clone());
        let expected = format!("images with {channels} channels, as the encoder was trained on, not {found}");
        return Err(Error::Setting { argument, value, expected });
    }
    let encoder = Encoder::new(&config.encoder, channels, config.seed, arguments.device)?;
    let weights = arguments.weights.clone().unwrap_or_else(|| {
        // The encoder's own file has no head.
        arguments.run.join(if arguments.embeddings.is_some() { CHECKPOINT } else { ENCODER })
    });
    let (tensors, _) = checkpoint::load(&weights)?;
    checkpoint::put(&weights, &tensors, &encoder)?;
    if let Some(path) = &arguments.embeddings {
        if !checkpoint::has_head(&tensors) {
            let reason =
                "has no projection head, whose embeddings are asked for: name a run's checkpoint".into();
            return Err(Error::File { path: weights, reason });
        }
        let features = features(&encoder, &data.test)?;
        let of_test = [
            ("embeddings", encoder.project(&features)?),
            ("features", features),
            ("labels", data.test.labels.shallow_clone()),
        ];
        checkpoint::save(path, &of_test.map(|(name, tensor)| (name.to_owned(), tensor)), HashMap::new())?;
    }
    let report = evaluate(&encoder, &data, &plan, &arguments.sweep)?;
    println!("standard accuracy {}", percent(report.standard));
    let epsilon = config.attack.epsilon;
    println!("robust accuracy {} under FGSM, epsilon {epsilon}", percent(report.fgsm));
    println!("robust accuracy {} under PGD, epsilon {epsilon}", percent(report.pgd));
    println!("nearest neighbours {}", percent(report.knn));
    for (epsilon, share) in &report.sweep {
        println!("robust accuracy {} under FGSM, epsilon {epsilon}", percent(*share));
    }
    arguments.json.as_ref().map_or(Ok(()), |path| write_report(path, &report))
}

/// The channels of a dataset's images.
fn dataset_channels(source: &str) -> Result<i64> {
    Ok(source.parse::<Source>()?.channels())
}

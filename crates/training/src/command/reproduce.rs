//! `reproduce`: the configurations of a table, one after the other, and our numbers beside the paper's.
//!
//! Every trial is a run in a folder of its own, so that the command goes on where it was stopped: a trial with a
//! report is done, one with a checkpoint is resumed.

use super::progress::Bar;
use super::train::write_report;
use crate::Result;
use clap::Args;
use intnacl_training::config::{Config, preset};
use intnacl_training::data::Source;
use intnacl_training::encoder::Encoder;
use intnacl_training::evaluate::{Report, evaluate};
use intnacl_training::paper::{Published, Table, table};
use intnacl_training::statistics::{mean_and_deviation, paired};
use intnacl_training::step::{Place, embed, passes_of};
use intnacl_training::train::dataset;
use intnacl_training::{Dataset, Error, Run, checkpoint};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tch::{Device, Tensor};

const EXAMPLE: &str = "Examples:
  intnacl-training reproduce table-2 --data cifar100:cifar-100-binary --transfer cifar10:cifar-10-batches-bin
      the paper's set-up; how long that takes is said first
  intnacl-training reproduce table-2 --data cifar10:PATH --share 0.2 --width 0.25 --epochs 20 --trials 3 \\
      --only nca-g0-m1,nca-g0-m2,mixnca-g0-0.9-m2";

/// Trains a table's configurations, and prints accuracies beside the paper's
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct Arguments {
    /// table-1 to table-5, table-s2 to table-s6
    table: String,
    /// The images to train on
    #[arg(long)]
    data: Source,
    /// Images for the transfer columns
    #[arg(long)]
    transfer: Option<Source>,
    /// Presets instead of all of the table's, separated by commas; others may be named too
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The share of the training images that is used
    #[arg(long, default_value_t = 1.0)]
    share: f64,
    /// The share of the test images that is used
    #[arg(long, default_value_t = 1.0)]
    test_share: f64,
    /// The encoder's width
    #[arg(long)]
    width: Option<f64>,
    /// Passes over the training images
    #[arg(long)]
    epochs: Option<u64>,
    /// Passes of the probe over the training features
    #[arg(long)]
    probe_epochs: Option<u64>,
    /// Images a step
    #[arg(long)]
    batch: Option<usize>,
    /// Trials, with the seeds 1, 2, …
    #[arg(long, default_value_t = 5)]
    trials: u64,
    /// Give every configuration as many encoder passes as SimCLR has in its epochs
    #[arg(long)]
    equal_passes: bool,
    /// Say how long it takes and stop
    #[arg(long)]
    estimate: bool,
    /// The folder of all trials
    #[arg(long, default_value = "reproduce")]
    out: PathBuf,
    /// cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu", value_parser = |name: &str| intnacl::device(name))]
    device: Device,
}

impl Arguments {
    fn config(&self, name: &str, seed: u64) -> Result<Config> {
        let mut config = Config::of(&self.data)?;
        let preset = preset(name)?;
        config.take(&preset);
        config.seed = seed;
        config.data.share = self.share;
        config.data.test_share = self.test_share;
        config.encoder.width = self.width.unwrap_or(config.encoder.width);
        config.epochs = self.epochs.unwrap_or(config.epochs);
        config.batch = self.batch.unwrap_or(config.batch);
        config.probe.epochs = self.probe_epochs.unwrap_or(config.probe.epochs);
        if self.equal_passes {
            let passes = passes_of(&preset.loss, preset.positives);
            config.epochs = ((config.epochs as f64 * 2.0 / passes).round() as u64).max(1);
        }
        config.validate()?;
        Ok(config)
    }

    fn presets(&self, table: &Table) -> Vec<String> {
        let mut names: Vec<String> = match self.only.is_empty() {
            true => table.rows.iter().map(|row| row.preset.clone()).collect(),
            false => self.only.clone(),
        };
        // MIXNCA with one positive is NCA with one: the tables repeat that row, and so does this list.
        names.dedup();
        names
    }
}

/// A trial's reports: on its own images, and on those of the transfer.
struct Trial {
    own: Report,
    transfer: Option<Report>,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let table = table(&arguments.table)?;
    let names = arguments.presets(&table);
    let configs = names.iter().map(|name| arguments.config(name, 1)).collect::<Result<Vec<_>>>()?;
    let first = configs.first().ok_or_else(|| Error::Setting {
        argument: "only".into(),
        value: String::new(),
        expected: "at least one preset".into(),
    })?;
    let data = dataset(first, arguments.device)?;
    heading(arguments, &table, first);
    let hours = estimate(first, &configs, &data, arguments)? / 3600.0;
    println!("training takes about {hours:.1} hours on this device, evaluation apart");
    if arguments.estimate {
        return Ok(());
    }
    drop(data);
    let mut all = Vec::new();
    for name in &names {
        let trials =
            (1..=arguments.trials).map(|seed| trial(arguments, name, seed)).collect::<Result<Vec<_>>>()?;
        all.push((name.clone(), trials));
    }
    print(&table, &all, arguments)
}

fn heading(arguments: &Arguments, table: &Table, config: &Config) {
    println!(
        "Table {} on {}: share {}, width {}, {} epochs{}, batch {}, {} trials (the paper: CIFAR-100, 1, 1, 100, 256, 5)",
        table.name,
        config.data.source,
        arguments.share,
        config.encoder.width,
        arguments.epochs.unwrap_or(config.epochs),
        if arguments.equal_passes { " of SimCLR in passes" } else { "" },
        config.batch,
        arguments.trials,
    );
}

/// The seconds that training takes, from two steps of the first configuration and the passes of the others.
fn estimate(first: &Config, configs: &[Config], data: &Dataset, arguments: &Arguments) -> Result<f64> {
    let images = &data.train;
    if images.count() < first.batch {
        let expected = format!("at most {}, the number of images", images.count());
        return Err(Error::Setting { argument: "batch".into(), value: first.batch.to_string(), expected });
    }
    let encoder = Encoder::new(&first.encoder, images.shape()[0], 1, arguments.device)?;
    let indices: Vec<i64> = (0..first.batch as i64).collect();
    let selected = images.select(&Tensor::f_from_slice(&indices)?.f_to_device(arguments.device)?)?;
    let step = || -> Result<f64> {
        use intnacl::Layout;
        let begin = Instant::now();
        let place = Place { seed: 1, epoch: 0, indices: &indices };
        let batch = embed(&encoder, &first.loss.0, &first.contrast, &first.views, &selected, place)?;
        let value = batch.value(&first.loss.0, &first.contrast.settings())?;
        value.f_backward()?;
        // Reading a number waits for the device.
        f64::try_from(value.f_detach()?)?;
        Ok(begin.elapsed().as_secs_f64())
    };
    step()?;
    let seconds = step()? / passes_of(&first.loss.0, first.contrast.positives);
    let steps = (images.count() / first.batch) as f64;
    let passes: f64 = configs
        .iter()
        .map(|config| config.epochs as f64 * passes_of(&config.loss.0, config.contrast.positives))
        .sum();
    Ok(seconds * passes * steps * arguments.trials as f64)
}

fn trial(arguments: &Arguments, name: &str, seed: u64) -> Result<Trial> {
    let config = arguments.config(name, seed)?;
    let folder = arguments.out.join(name).join(format!("seed-{seed}"));
    let report = folder.join("report.json");
    let transfer = folder.join("transfer.json");
    let read = |path: &Path| -> Result<Option<Report>> {
        let Ok(text) = std::fs::read_to_string(path) else { return Ok(None) };
        let read = serde_json::from_str(&text);
        read.map(Some).map_err(|error| Error::File { path: path.into(), reason: error.to_string() })
    };
    // A report counts if it is of this very configuration.
    let data = dataset(&config, arguments.device)?;
    let channels = data.train.shape()[0];
    let mut run = match Run::exists(&folder) {
        true => Run::resume(&config, &folder, channels, arguments.device)?,
        false => Run::start(&config, &folder, channels, arguments.device)?,
    };
    let own = match read(&report)?.filter(|_| run.epoch >= config.epochs) {
        Some(own) => own,
        None => {
            let mut bar = Bar::new(&format!("{name}, seed {seed}"), run.epoch, config.epochs);
            run.train(&data.train, &mut bar)?;
            let own = evaluate(&run.encoder, &data, &config.evaluation(), &[])?;
            write_report(&report, &own)?;
            own
        }
    };
    let Some(source) = &arguments.transfer else { return Ok(Trial { own, transfer: None }) };
    if let Some(kept) = read(&transfer)?.filter(|kept| kept.data == source.to_string()) {
        return Ok(Trial { own, transfer: Some(kept) });
    }
    checkpoint::load_into(&folder.join("encoder.safetensors"), &run.encoder)?;
    let mut other = config.clone();
    other.data = intnacl_training::config::Data { source: source.to_string(), share: 1.0, test_share: 1.0 };
    let kept = evaluate(&run.encoder, &dataset(&other, arguments.device)?, &other.evaluation(), &[])?;
    write_report(&transfer, &kept)?;
    Ok(Trial { own, transfer: Some(kept) })
}

/// Means and deviations beside the paper's, then the differences to the first configuration.
fn print(table: &Table, all: &[(String, Vec<Trial>)], arguments: &Arguments) -> Result<()> {
    let columns = |trials: &[Trial]| -> Vec<(&'static str, Vec<f64>)> {
        let of =
            |get: fn(&Report) -> f64| trials.iter().map(|trial| 100.0 * get(&trial.own)).collect::<Vec<_>>();
        let transfer = |get: fn(&Report) -> f64| {
            trials.iter().filter_map(|trial| Some(100.0 * get(trial.transfer.as_ref()?))).collect::<Vec<_>>()
        };
        let mut columns = vec![
            ("standard", of(|report| report.standard)),
            ("FGSM", of(|report| report.fgsm)),
            ("PGD", of(|report| report.pgd)),
        ];
        if arguments.transfer.is_some() {
            columns.push(("transfer", transfer(|report| report.standard)));
            columns.push(("transfer FGSM", transfer(|report| report.fgsm)));
        }
        columns
    };
    println!();
    for (name, trials) in all {
        let ours = columns(trials).into_iter().map(|(column, numbers)| {
            let (mean, deviation) = mean_and_deviation(&numbers);
            let deviation = if deviation.is_nan() { String::new() } else { format!("±{deviation:.2}") };
            format!("{column} {mean:.2}{deviation}")
        });
        let row = table.rows.iter().find(|row| row.preset == *name);
        let paper = row.map_or_else(String::new, |row| {
            let cells = table.columns.iter().zip(&row.published).map(|(column, published)| {
                let Published { mean, deviation } = published;
                format!("{column} {mean:.2}{}", deviation.map_or_else(String::new, |d| format!("±{d:.2}")))
            });
            cells.collect::<Vec<_>>().join(", ")
        });
        println!("{name:<22} ours: {}", ours.collect::<Vec<_>>().join(", "));
        if !paper.is_empty() {
            println!("{:<22} paper: {paper}", "");
        }
    }
    let Some((base, reference)) = all.first().filter(|_| arguments.trials >= 2 && all.len() > 1) else {
        return Ok(());
    };
    println!(
        "\nDifferences to {base}, paired by seed, with intervals at 95 % (one that contains 0 resolves nothing):"
    );
    for (name, trials) in &all[1..] {
        let pairs = columns(trials).into_iter().zip(columns(reference));
        let cells = pairs.map(|((column, ours), (_, theirs))| {
            let (mean, half) = paired(&ours, &theirs)?;
            let verdict = if mean.abs() > half { "" } else { " (not resolved)" };
            Ok(format!("{column} {mean:+.2}±{half:.2}{verdict}"))
        });
        println!("{name:<22} {}", cells.collect::<Result<Vec<_>>>()?.join(", "));
    }
    Ok(())
}

//! The trials of a table: each is a run in a folder of its own, so that the command goes on where it was stopped. A
//! trial with its reports is done, one with a checkpoint is resumed.

use super::super::progress::Bar;
use super::super::train::write_report;
use super::plan::{Arguments, Entry};
use crate::Result;
use indicatif::MultiProgress;
use intnacl_training::config::{Config, Data};
use intnacl_training::evaluate::{Report, evaluate};
use intnacl_training::train::dataset;
use intnacl_training::{Error, Run};
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use tch::Device;

/// The `ε` of the paper's Figure S1, and smaller ones for encoders that fall sooner.
const SWEEP: [f64; 7] = [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032];

/// What a trial found after some epochs: on its own images, and on those of the transfer.
pub struct Found {
    pub own: Report,
    pub transfer: Option<Report>,
}

/// What a trial found, by the epochs done.
pub type Trial = BTreeMap<u64, Found>;

/// Runs all trials, one on each device at a time, a seed after the other: so that a part of them is comparable. For
/// each entry its trials, by their seeds.
pub fn run(arguments: &Arguments, entries: &[Entry], devices: &[Device]) -> Result<Vec<Vec<Trial>>> {
    let seeds = 1..=arguments.trials();
    let jobs = seeds.flat_map(|seed| (0..entries.len()).map(move |entry| (entry, seed)));
    let queue = Mutex::new(jobs.collect::<VecDeque<_>>());
    let done = Mutex::new(Vec::new());
    let bars = MultiProgress::new();
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let work = |device: Device| {
        while let Some((entry, seed)) = next() {
            let trial = trial(arguments, &entries[entry], seed, device, &bars);
            if let Err(error) = &trial {
                let waits = if devices.len() > 1 { "; trials under way are finished first" } else { "" };
                bars.suspend(|| eprintln!("{}, seed {seed}: {error}{waits}", entries[entry].name));
                queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
            }
            done.lock().unwrap_or_else(PoisonError::into_inner).push((entry, seed, trial));
        }
    };
    thread::scope(|scope| {
        for &device in devices {
            scope.spawn(move || work(device));
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(entry, seed, _)| (*entry, *seed));
    let mut all: Vec<Vec<Trial>> = entries.iter().map(|_| Vec::new()).collect();
    for (entry, _, trial) in done {
        all[entry].push(trial?);
    }
    Ok(all)
}

fn trial(
    arguments: &Arguments,
    entry: &Entry,
    seed: u64,
    device: Device,
    bars: &MultiProgress,
) -> Result<Trial> {
    let Entry { name, epochs, .. } = entry;
    let config = Config { seed, ..entry.config.clone() };
    let folder = arguments.out.join(name).join(format!("seed-{seed}"));
    let data = dataset(&config, device)?;
    let config = config.for_classes(data.classes);
    let channels = data.train.shape()[0];
    // A folder of another configuration is refused here.
    let mut run = match Run::exists(&folder) {
        true => Run::resume(&config, &folder, channels, device)?,
        false => Run::start(&config, &folder, channels, device)?,
    };
    let last = epochs.last().copied().unwrap_or(config.epochs);
    let mut bar = Bar::beside(bars, &format!("{name}, seed {seed}"), run.epoch, last);
    let mut trial = Trial::new();
    for &epoch in epochs {
        let report = folder.join(format!("report-{epoch}.json"));
        let transfer = folder.join(format!("transfer-{epoch}.json"));
        let own = read(&report)?;
        let kept = match &arguments.transfer {
            Some(source) => read(&transfer)?.filter(|kept| kept.data == source.to_string()),
            None => None,
        };
        if let (Some(own), true) = (&own, kept.is_some() || arguments.transfer.is_none()) {
            trial.insert(epoch, Found { own: own.clone(), transfer: kept });
            continue;
        }
        if run.epoch > epoch {
            let reason = format!(
                "has gone on to epoch {}, and was not evaluated at epoch {epoch} as is asked now: name another --out",
                run.epoch
            );
            return Err(Error::File { path: folder, reason });
        }
        run.train_to(epoch, &data.train, &mut bar)?;
        let own = match own {
            Some(own) => own,
            None => {
                let own = evaluate(&run.encoder, &data, &config.evaluation(), &SWEEP)?;
                write_report(&report, &own)?;
                own
            }
        };
        let kept = match (&arguments.transfer, kept) {
            (Some(source), None) => {
                let data = Data { source: source.to_string(), share: 1.0, test_share: 1.0 };
                let other = Config { data, ..config.clone() };
                let kept = evaluate(
                    &run.encoder,
                    &dataset(&other, device)?,
                    &other.transfer(&other.data.source),
                    &[],
                )?;
                write_report(&transfer, &kept)?;
                Some(kept)
            }
            (_, kept) => kept,
        };
        trial.insert(epoch, Found { own, transfer: kept });
    }
    Ok(trial)
}

/// A report, if there is one.
fn read(path: &Path) -> Result<Option<Report>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::File { path: path.into(), reason: error.to_string() }),
    };
    let read = serde_json::from_str(&text);
    read.map(Some).map_err(|error| Error::File { path: path.into(), reason: error.to_string() })
}

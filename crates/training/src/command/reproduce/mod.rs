//! `reproduce`: the configurations of a table, on as many devices as there are, and our numbers beside the paper's.

mod figures;
mod page;
mod plan;
mod trials;

pub use plan::Arguments;

use crate::Result;
use intnacl_training::config::Config;
use intnacl_training::encoder::Encoder;
use intnacl_training::paper::{Table, table};
use intnacl_training::step::{Forward, Place, forward, passes_of};
use intnacl_training::train::dataset;
use intnacl_training::{Dataset, Error, checkpoint};
use plan::Entry;
use std::time::Instant;
use tch::{Device, Tensor};

pub fn run(arguments: &Arguments) -> Result<()> {
    let table = table(&arguments.table)?;
    let entries = arguments.presets(&table).into_iter().map(|name| Entry::new(arguments, &table, &name));
    let entries = entries.collect::<Result<Vec<_>>>()?;
    let first = entries.first().ok_or_else(|| Error::Setting {
        argument: "only".into(),
        value: String::new(),
        expected: "at least one preset".into(),
    })?;
    let devices = arguments.devices();
    let data = dataset(&first.config, devices[0])?;
    let heading = heading(arguments, &table, &first.config)?;
    println!("{heading}");
    let hours = estimate(&first.config, &entries, &data, arguments, &devices)? / 3600.0;
    println!("Training takes about {hours:.1} hours on {}, evaluation apart.", named(&devices));
    if arguments.estimate {
        return Ok(());
    }
    drop(data);
    let all = trials::run(arguments, &entries, &devices)?;
    let page = page::text(&table, &entries, &all, arguments)?;
    println!("\n{page}");
    checkpoint::write_whole(&arguments.out.join("results.md"), format!("# {heading}\n\n{page}").as_bytes())?;
    for path in figures::draw(&table, &entries, &all, &arguments.out)? {
        println!("picture: {}", path.display());
    }
    Ok(())
}

fn named(devices: &[Device]) -> String {
    let names: Vec<String> = devices.iter().map(|device| format!("{device:?}")).collect();
    names.join(", ")
}

/// What is run, and after it in brackets what the paper ran.
fn heading(arguments: &Arguments, table: &Table, config: &Config) -> Result<String> {
    let images = table.images();
    let paper = Config::of(&images)?;
    let numbers = |config: &Config, trials: u64| {
        format!(
            "share {} of the training and {} of the test images, width {}, {} epochs, batch {}, learning rate {}, probe of {} \
             epochs, {trials} trials",
            config.data.share,
            config.data.test_share,
            config.encoder.width,
            config.epochs,
            config.batch,
            config.adam.learning_rate,
            config.probe.epochs,
        )
    };
    Ok(format!(
        "Table {} on {}: {} (the paper, on {}: {})",
        table.name,
        config.data.source,
        numbers(config, arguments.trials()),
        images.name(),
        numbers(&paper, plan::Scale::Paper.trials()),
    ))
}

/// The seconds that training takes, from two steps of the first configuration and the passes of the others.
fn estimate(
    first: &Config,
    entries: &[Entry],
    data: &Dataset,
    arguments: &Arguments,
    devices: &[Device],
) -> Result<f64> {
    let images = &data.train;
    if images.count() < first.batch {
        let expected = format!("at most {}, the number of images", images.count());
        return Err(Error::Setting { argument: "batch".into(), value: first.batch.to_string(), expected });
    }
    let first = first.clone().for_classes(data.classes);
    let encoder = Encoder::new(&first.encoder, images.shape()[0], 1, devices[0])?;
    let indices: Vec<i64> = (0..first.batch as i64).collect();
    let chosen = Tensor::f_from_slice(&indices)?.f_to_device(devices[0])?;
    let (selected, labels) = (images.select(&chosen)?, images.labels.f_index_select(0, &chosen)?);
    let step = || -> Result<f64> {
        let begin = Instant::now();
        let place = Place { seed: 1, epoch: 0, indices: &indices };
        let settings = (&first.loss, &first.contrast, &first.views);
        let Forward { value, .. } = forward(&encoder, settings, (&selected, &labels), place)?;
        let value = value?;
        value.f_backward()?;
        // Reading a number waits for the device.
        f64::try_from(value.f_detach()?)?;
        Ok(begin.elapsed().as_secs_f64())
    };
    step()?;
    let seconds = step()? / passes_of(&first.loss, first.contrast.positives);
    let steps = (images.count() / first.batch) as f64;
    let passes: f64 = entries
        .iter()
        .map(|entry| entry.epochs.last().copied().unwrap_or(entry.config.epochs) as f64 * entry.passes())
        .sum();
    Ok(seconds * passes * steps * arguments.trials() as f64 / devices.len() as f64)
}

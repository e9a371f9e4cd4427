//! What tells a device from a processor: how many operators a loss calls and how often the host waits for them, and how
//! wide the tiles are best. `cargo xtask gpu-report` runs it.
//!
//! On a processor libtorch's operators are measured as well as the fused engine, which takes their place there: their
//! number is the same on a device, where each of them costs a launch.

#[expect(dead_code, reason = "what the other measuring programs need is not needed here")]
mod measure;

use clap::{Parser, ValueEnum};
use intnacl::engines::{self, Engine};
use intnacl::tch::{self, Device};
use intnacl::{device_name, devices};
use measure::case::{Case, Inputs, cases, settings};
use measure::default_threads;
use measure::run::{synchronize, with_gradient};
use measure::statistics::{ratios, spread};
use serde_json::{Value, json};
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Batches whose operators are counted.
const COUNTED: [usize; 3] = [256, 1024, 4096];
/// Batches, losses and widths of tiles that are timed: nothing is the width that production takes.
const TIMED: [usize; 2] = [1024, 4096];
const LOSSES: [&str; 2] = ["simclr", "hard_negative"];
const WIDTHS: [Option<i64>; 6] = [None, Some(256), Some(512), Some(1024), Some(2048), Some(4096)];
/// Rounds in which every width has its turn.
const ROUNDS: usize = 5;

/// Measures what tells a device from a processor.
#[derive(Debug, Parser)]
struct Arguments {
    /// What is measured.
    #[arg(value_enum)]
    what: What,
    /// Where: cpu or cuda:N.
    #[arg(long, default_value = "cpu", value_parser = device)]
    device: Device,
    /// Where the figures go, as JSON.
    #[arg(long, value_name = "FILE")]
    json: PathBuf,
    /// Cargo gives this argument to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// The devices that there are.
    Devices,
    /// The operators that a step calls, and how often the host waits.
    Operators,
    /// The time of a step by the width of its tiles.
    Tiles,
}

fn device(word: &str) -> Result<Device, String> {
    intnacl::device(word).map_err(|error| error.to_string())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    tch::set_num_threads(default_threads());
    let rows = match arguments.what {
        What::Devices => devices().into_iter().map(|device| json!(device_name(device))).collect(),
        What::Operators => operators(arguments.device)?,
        What::Tiles => tiles(arguments.device)?,
    };
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    Ok(fs::write(&arguments.json, format!("[\n{}\n]\n", lines.join(",\n")))?)
}

/// The engines that there are on a device, with their names.
fn engines(device: Device) -> Vec<(&'static str, Engine)> {
    let operators = ("operators", Engine::Tiles(None));
    if device == Device::Cpu { vec![("fused", Engine::Fused(None)), operators] } else { vec![operators] }
}

/// Value and gradient, once.
fn step(case: &Case, inputs: &Inputs, engine: Engine, device: Device) -> intnacl::Result<()> {
    let value = engines::value(&inputs.batch, &case.loss, &settings(), engine)?;
    let _ = with_gradient(value, inputs)?;
    synchronize(device);
    Ok(())
}

fn operators(device: Device) -> Result<Vec<Value>, Box<dyn Error>> {
    let mut rows = Vec::new();
    for case in cases() {
        for images in COUNTED {
            eprintln!("{}, B = {images}", case.label());
            let inputs = Inputs::new(&case, images, device)?;
            for (name, engine) in engines(device) {
                // What is made once for a device does not count.
                step(&case, &inputs, engine, device)?;
                let (done, called) = intnacl_recorder::operators(|| step(&case, &inputs, engine, device));
                done?;
                let called = called.ok_or("somebody else counts libtorch's operators")?;
                rows.push(json!({
                    "loss": case.name,
                    "positives": case.positives,
                    "adversarial": case.loss.needs_adversarial(),
                    "batch": images,
                    "engine": name,
                    "kernels": called.kernels(),
                    "waits": called.waits,
                    "calls": called.calls,
                }));
            }
        }
    }
    Ok(rows)
}

fn tiles(device: Device) -> Result<Vec<Value>, Box<dyn Error>> {
    let mut rows = Vec::new();
    for case in cases().into_iter().filter(|case| LOSSES.contains(&case.name)) {
        for images in TIMED {
            eprintln!("{}, B = {images}", case.label());
            let inputs = Inputs::new(&case, images, device)?;
            let widths = || WIDTHS.into_iter().filter(|width| width.is_none_or(|w| w <= 2 * images as i64));
            let mut milliseconds: Vec<Vec<f64>> = widths().map(|_| Vec::new()).collect();
            // The first round takes what is taken once, and does not count.
            for round in 0..=ROUNDS {
                for (times, width) in milliseconds.iter_mut().zip(widths()) {
                    synchronize(device);
                    let since = Instant::now();
                    step(&case, &inputs, Engine::Tiles(width), device)?;
                    if round > 0 {
                        times.push(1e3 * since.elapsed().as_secs_f64());
                    }
                }
            }
            for (times, width) in milliseconds.iter().zip(widths()) {
                rows.push(json!({
                    "loss": case.name,
                    "batch": images,
                    "width": width,
                    "median_ms": spread(times).map(|spread| spread.median),
                    "ratio_to_default": ratios(times, &milliseconds[0]).map(|spread| spread.median),
                }));
            }
        }
    }
    Ok(rows)
}

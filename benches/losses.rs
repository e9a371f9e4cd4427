//! Every loss, value and gradient: production on every device there is, against the exact reference and the two
//! products that an exact gradient takes.
//!
//! `cargo bench -- simclr` narrows by name. Production is timed in f32, as it is trained, the reference in f64. After
//! criterion's own report, its medians are written as a table and as pictures, with the memory that production takes.

mod measure;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use intnacl::tch::{self, Device};
use intnacl::{device_name, devices};
use measure::case::{Case, Inputs, cases};
use measure::report::{Figure, Measured};
use measure::run::Implementation::{self, Floor, Production, Reference};
use measure::run::{Step, synchronize};
use measure::{default_threads, memory, output_folder, publish, target_folder};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};
use std::{env, fs};

/// Images in a batch.
const BATCHES: [usize; 5] = [16, 64, 256, 1024, 4096];
/// The reference takes part up to here; beyond, it would take most of the time.
const REFERENCE_UP_TO: usize = 256;

fn main() -> ExitCode {
    let done = memory::answer_if_asked().unwrap_or_else(run);
    done.map_or_else(
        |error| {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

fn run() -> Result<(), Box<dyn Error>> {
    let start = SystemTime::now();
    let threads = default_threads();
    tch::set_num_threads(threads);
    let devices = devices();
    let names: Vec<String> = devices.iter().map(|device| device_name(*device)).collect();
    eprintln!("devices: {}; {threads} threads", names.join(", "));

    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500))
        .configure_from_args();
    for device in &devices {
        let floor = cases()[0];
        for images in BATCHES {
            bench(&mut criterion, Floor, &floor, images, *device)?;
        }
    }
    for case in cases() {
        for images in BATCHES {
            for device in &devices {
                bench(&mut criterion, Production, &case, images, *device)?;
            }
            if images <= REFERENCE_UP_TO {
                bench(&mut criterion, Reference, &case, images, Device::Cpu)?;
            }
        }
    }
    criterion.final_summary();

    let mut all = Vec::new();
    for case in cases() {
        for device in &devices {
            for images in BATCHES {
                let mut figures = Vec::new();
                for implementation in [Floor, Production, Reference] {
                    let Some(milliseconds) = median(implementation, &case, images, *device, start)? else {
                        continue;
                    };
                    let peak_bytes = match implementation {
                        Reference => None,
                        _ => memory::peak(implementation, &case, images, *device, threads)?,
                    };
                    figures.push(Figure { implementation, milliseconds: vec![milliseconds], peak_bytes });
                }
                // The floor alone says nothing of a loss.
                if figures.iter().any(|figure| figure.implementation != Floor) {
                    all.push(Measured { case, images, device: device_name(*device), figures, waited: None });
                }
            }
        }
    }
    // Where criterion only lists or tries what there is, nothing was measured.
    if all.is_empty() {
        return Ok(());
    }
    let remark = "Medians of criterion, one after the other: ratios are less sure than those of runs in turns \
                  (cargo xtask bench --peers).";
    publish(&all, &output_folder("losses")?, threads, remark)
}

/// The names of a measurement: its group, and in that its function.
fn names(implementation: Implementation, case: &Case, device: Device) -> (String, String) {
    let group = if implementation == Floor { "floor".to_owned() } else { case.file_label() };
    let device = device_name(device).replace(':', "-");
    match implementation {
        Reference => (group, "reference".to_owned()),
        _ => (group, format!("{}-{device}", implementation.name())),
    }
}

fn bench(
    criterion: &mut Criterion,
    implementation: Implementation,
    case: &Case,
    images: usize,
    device: Device,
) -> Result<(), Box<dyn Error>> {
    let (group, function) = names(implementation, case, device);
    let mut group = criterion.benchmark_group(group);
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(images as u64));
    let inputs = Inputs::new(case, images, device)?;
    let step = Step::new(implementation, case, &inputs)?.ok_or("only PyTorch runs elsewhere")?;
    // Once outside, so that an error is one and not a time.
    let mut tried = None;
    group.bench_function(BenchmarkId::new(function, images), |bencher| {
        if tried.get_or_insert_with(|| step.run()).is_ok() {
            bencher.iter(|| {
                let result = step.run();
                synchronize(device);
                result
            });
        } else {
            bencher.iter(|| ());
        }
    });
    tried.unwrap_or(Ok(())).map_err(|error| format!("{}, B = {images}: {error}", case.label()).into())
}

/// Criterion's estimate in milliseconds, if it was made after `start`.
fn median(
    implementation: Implementation,
    case: &Case,
    images: usize,
    device: Device,
    start: SystemTime,
) -> Result<Option<f64>, Box<dyn Error>> {
    // The reference has no device; it is shown beside the CPU.
    if implementation == Reference && device != Device::Cpu {
        return Ok(None);
    }
    let home = env::var_os("CRITERION_HOME").map(PathBuf::from);
    let home = home.map_or_else(|| Ok(target_folder()?.join("criterion")), Ok::<_, std::io::Error>)?;
    let (group, function) = names(implementation, case, device);
    let file = home.join(group).join(function).join(images.to_string()).join("new/estimates.json");
    let fresh = fs::metadata(&file).and_then(|metadata| metadata.modified()).is_ok_and(|time| time >= start);
    if !fresh {
        return Ok(None);
    }
    let estimates: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
    Ok(estimates["median"]["point_estimate"].as_f64().map(|nanoseconds| nanoseconds / 1e6))
}

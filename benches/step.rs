//! Value and gradient of a batch, timed against the two matrix products that an exact gradient takes.
//!
//! `cargo bench --bench step [-- IMAGES..]` prints medians in milliseconds, of runs that take turns:
//! in f32, with 128 columns, at temperature 0.5. The products are `Z Zᵀ` and `G Z` of the `2B` embeddings `Z`
//! and a matrix `G` as large as the scores.

use intnacl::{Batch, Layout, Loss, Settings, device_name, devices};
use std::time::Instant;
use tch::{Cuda, Device, Kind, Tensor};

/// Columns of an embedding.
const DIMENSION: i64 = 128;
/// Beyond, all scores at once take too much memory.
const DENSE_UP_TO: i64 = 4096;

type Run<'a> = (&'a str, Box<dyn Fn() -> intnacl::Result<()> + 'a>);

fn main() -> intnacl::Result<()> {
    // Cargo hands the options and filters of criterion to every bench; only numbers are meant for this one.
    let given: Vec<i64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let batches = if given.is_empty() { vec![256, 1024, 4096] } else { given };
    for device in devices() {
        println!("{}, {} threads", device_name(device), tch::get_num_threads());
        for images in &batches {
            measure(*images, device)?;
        }
    }
    Ok(())
}

fn measure(images: i64, device: Device) -> intnacl::Result<()> {
    let options = (Kind::Float, device);
    let views = Tensor::f_randn([2, images, DIMENSION], options)?.f_set_requires_grad(true)?;
    let batch = Batch::new(views.shallow_clone());
    let rows = views.f_detach()?.f_flatten(0, 1)?;
    let settings = Settings::new(0.5).normalizing();
    let losses = [Loss::SimClr, Loss::HardNegative { tau_plus: 0.1, beta: 1.0 }];

    let mut runs: Vec<Run<'_>> = Vec::new();
    if images <= DENSE_UP_TO {
        runs.push((
            "two products",
            Box::new(|| {
                let _ = rows.f_matmul(&rows.f_transpose(0, 1)?)?.f_matmul(&rows)?;
                Ok(())
            }),
        ));
    }
    for (loss, names) in losses.iter().zip([["simclr", "simclr, all scores"], ["hard", "hard, all scores"]]) {
        let (batch, settings, views) = (&batch, &settings, &views);
        let streamed = move || {
            Tensor::f_run_backward(&[batch.value(loss, settings)?], &[views], false, false)?;
            Ok(())
        };
        let dense = move || {
            let value = batch.per_anchor(loss, settings)?.f_mean(None)?;
            Tensor::f_run_backward(&[value], &[views], false, false)?;
            Ok(())
        };
        runs.push((names[0], Box::new(streamed)));
        if images <= DENSE_UP_TO {
            runs.push((names[1], Box::new(dense)));
        }
    }

    let rounds = usize::try_from(40_000 / images).unwrap_or(1).clamp(3, 51);
    let mut times = vec![Vec::new(); runs.len()];
    for _ in 0..rounds {
        for ((_, run), times) in runs.iter().zip(&mut times) {
            synchronize(device);
            let start = Instant::now();
            run()?;
            synchronize(device);
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    println!("B = {images}, {rounds} rounds");
    let mut products = None;
    for ((name, _), mut times) in runs.iter().zip(times) {
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        if images <= DENSE_UP_TO {
            let products = *products.get_or_insert(median);
            println!("  {name:20} {median:9.2} ms  {:6.2}", median / products);
        } else {
            println!("  {name:20} {median:9.2} ms");
        }
    }
    Ok(())
}

/// Waits until the device is done.
fn synchronize(device: Device) {
    if let Device::Cuda(index) = device {
        Cuda::synchronize(index as i64);
    }
}

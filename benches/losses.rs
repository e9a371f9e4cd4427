//! Every loss, value and gradient: production on every device there is, against the exact reference.
//!
//! `cargo bench --bench losses -- simclr` narrows by name. Production is timed in f32, as it is trained, the
//! reference in f64.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use intnacl::{device_name, devices, evaluate, tch::Kind};
use intnacl_reference::law::{Case, LOSSES};
use intnacl_reference::{Batch, Loss, Negatives, Request, RobustTerm, Settings, Weight};
use nalgebra::DMatrix;

/// Images in a batch.
const BATCHES: [usize; 4] = [16, 64, 256, 1024];
/// Columns of an embedding.
const DIMENSION: usize = 128;
/// The reference takes part up to here; beyond, it would take most of the time.
const REFERENCE_UP_TO: usize = 256;

fn batch(images: usize) -> Batch {
    let mut rng = Case::default().rng(images as u64);
    let mut view = || {
        let mut rows = DMatrix::from_fn(images, DIMENSION, |_, _| rng.normal());
        rows.row_iter_mut().for_each(|mut row| row /= row.norm());
        rows
    };
    let mut batch = Batch::new(vec![view(), view(), view()]);
    batch.mixed = Some(vec![view()]);
    batch.adversarial = Some(view());
    batch
}

/// Each loss with the parameters of the paper's experiments.
fn loss(name: &str) -> Loss {
    let negatives = Negatives::G2 { tau_plus: 0.01, beta: 1.0 };
    let robust = RobustTerm { negatives, weight: Weight::Adversarial };
    match name {
        "int_cl" => Loss::IntCl { negatives, alpha: 1.0, robust },
        "robust" => Loss::Robust { negatives, weight: Weight::Adversarial, weight_negatives: negatives },
        _ => Case { tau_plus: 0.01, neighborhood: 1, ..Case::default() }.loss(name),
    }
}

fn losses(criterion: &mut Criterion) {
    let devices = devices();
    let names: Vec<String> = devices.iter().map(|device| device_name(*device)).collect();
    eprintln!("devices: {}", names.join(", "));
    for name in LOSSES {
        let mut group = criterion.benchmark_group(*name);
        group.sample_size(10);
        for images in BATCHES {
            let request =
                Request::Batch { loss: loss(name), settings: Settings::new(0.5), data: batch(images) };
            group.throughput(Throughput::Elements(images as u64));
            for (device, label) in devices.iter().zip(&names) {
                let id = BenchmarkId::new(format!("production/{label}"), images);
                group.bench_function(id, |bencher| {
                    bencher.iter(|| evaluate(&request, *device, Kind::Float));
                });
            }
            if images <= REFERENCE_UP_TO {
                let id = BenchmarkId::new("reference", images);
                group.bench_function(id, |bencher| bencher.iter(|| request.evaluate()));
            }
        }
    }
}

criterion_group!(benches, losses);
criterion_main!(benches);

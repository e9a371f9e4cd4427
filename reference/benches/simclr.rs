//! SimCLR in the batch layout, value and gradient: how the exact reference scales.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use intnacl_reference::{Batch, Evaluate, Loss, Settings};
use nalgebra::DMatrix;
use std::hint::black_box;

/// The sizes of `against_pytorch.py`: images and dimension.
const SIZES: [(usize, usize); 4] = [(8, 16), (64, 128), (256, 128), (512, 128)];

/// Two views of rows on the sphere, spread out by an irrational step.
fn batch(images: usize, dimension: usize) -> Batch {
    let view = |view: usize| {
        let entry = |i: usize, k: usize| ((view * images + i) * dimension + k) as f64 * 0.618_034 % 1.0 - 0.5;
        let mut view = DMatrix::from_fn(images, dimension, entry);
        for mut row in view.row_iter_mut() {
            row /= row.norm();
        }
        view
    };
    Batch::new(vec![view(0), view(1)])
}

fn simclr(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("simclr");
    for (images, dimension) in SIZES {
        let batch = batch(images, dimension);
        let name = BenchmarkId::from_parameter(format!("{images}x{dimension}"));
        group.throughput(Throughput::Elements((4 * images * images) as u64));
        group.bench_with_input(name, &batch, |bencher, batch| {
            bencher.iter(|| Loss::SimClr.evaluate(black_box(batch), &Settings::new(0.5)));
        });
    }
    group.finish();
}

criterion_group!(benches, simclr);
criterion_main!(benches);

//! Times SimCLR for `reference/benches/against_pytorch.py`.
//!
//! For each line `B d repetitions` on the standard input, one line of milliseconds, one for each repetition of
//! the loss of `2B` normalised rows with its gradient, at temperature 0.5.

use intnacl_reference::inside::Rng;
use intnacl_reference::{Batch, Evaluate, Loss, Settings};
use nalgebra::DMatrix;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let numbers: Vec<usize> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let &[images, dimension, repetitions] = &numbers[..] else {
            return Err(format!("expected `B d repetitions`, found `{line}`").into());
        };
        let batch = batch(images, dimension);
        let times = (0..repetitions).map(|_| milliseconds(&batch)).collect::<Result<Vec<_>, _>>()?;
        writeln!(output, "{}", times.join(" "))?;
        output.flush()?;
    }
    Ok(())
}

fn milliseconds(batch: &Batch) -> Result<String, intnacl_reference::Error> {
    let start = Instant::now();
    std::hint::black_box(Loss::SimClr.evaluate(batch, &Settings::new(0.5))?);
    Ok((start.elapsed().as_secs_f64() * 1e3).to_string())
}

/// Two views of pseudo-random rows on the sphere.
fn batch(images: usize, dimension: usize) -> Batch {
    let mut rng = Rng::new(1);
    let mut view = || {
        let mut view = DMatrix::from_fn(images, dimension, |_, _| 2.0 * rng.uniform() - 1.0);
        for mut row in view.row_iter_mut() {
            row /= row.norm();
        }
        view
    };
    Batch::new(vec![view(), view()])
}

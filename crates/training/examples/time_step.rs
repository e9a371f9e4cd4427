//! Times the parts of a training step: views, encoder and loss, gradient, Adam.
//!
//! `cargo run --release -p intnacl-training --example time_step -- PRESET SIDE WIDTH BATCH [DEVICE]`

use intnacl::{Layout, device};
use intnacl_training::adam::{self, Adam};
use intnacl_training::config::preset;
use intnacl_training::encoder::{Encoder, Settings};
use intnacl_training::random::{Purpose, stream};
use intnacl_training::step::{Contrast, Place, embed, passes_of, views_of};
use intnacl_training::views;
use std::time::Instant;
use tch::{Cuda, Device, Kind, Tensor};

const USAGE: &str = "time_step PRESET SIDE WIDTH BATCH [DEVICE], as in: time_step intnacl 32 0.25 256 cpu";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, side, width, batch, rest @ ..] = words.as_slice() else { return Err(USAGE.into()) };
    let device = device(rest.first().map_or("cpu", String::as_str))?;
    let (side, width, batch): (i64, f64, i64) = (side.parse()?, width.parse()?, batch.parse()?);
    let preset = preset(name)?;
    let encoder = Encoder::new(&Settings { width, ..Settings::default() }, 3, 1, device)?;
    let mut parameters = Tensor::cat(
        &encoder.tensors().iter().map(|(_, tensor)| tensor.detach().flatten(0, -1)).collect::<Vec<_>>(),
        0,
    );
    let mut adam = Adam::new(&adam::Settings::default(), &parameters)?;
    let gradient = parameters.ones_like();
    let contrast = Contrast { positives: preset.positives, ..Contrast::default() };
    let drawing = views::Settings::default();
    let images = Tensor::rand([batch, 3, side, side], (Kind::Float, device));
    let indices: Vec<i64> = (0..batch).collect();
    let wait = || {
        if let Device::Cuda(index) = device {
            Cuda::synchronize(index as i64);
        }
    };
    let mut times: [Vec<f64>; 4] = Default::default();
    for epoch in 0..7 {
        let mut timed = |part: usize, begin: Instant| {
            wait();
            times[part].push(begin.elapsed().as_secs_f64() * 1e3);
        };
        let begin = Instant::now();
        for view in 0..views_of(&preset.loss, preset.positives).0 as u64 {
            let draws: Vec<_> = indices
                .iter()
                .map(|&i| drawing.draw(side, side, &mut stream(1, Purpose::Views, &[epoch, i as u64, view])))
                .collect();
            drop(views::apply(&images, &draws)?);
        }
        timed(0, begin);
        let begin = Instant::now();
        let place = Place { seed: 1, epoch, indices: &indices };
        let embedded = embed(&encoder, &preset.loss, &contrast, &drawing, &images, place)?;
        let value = embedded.value(&preset.loss, &contrast.settings())?;
        timed(1, begin);
        let begin = Instant::now();
        value.f_backward()?;
        timed(2, begin);
        let begin = Instant::now();
        adam.step(&mut parameters, &gradient)?;
        timed(3, begin);
    }
    let passes = passes_of(&preset.loss, preset.positives);
    let threads = tch::get_num_threads();
    println!("{name}, {batch} images of {side} x {side}, width {width}, {passes} passes, {threads} threads");
    for (part, mut times) in
        ["views alone", "views, encoder, loss", "gradient", "Adam"].into_iter().zip(times)
    {
        // The first run warms up.
        times.remove(0);
        times.sort_by(f64::total_cmp);
        println!("{part:<22} {:>9.2} ms (median of {}, least {:.2})", times[3], times.len(), times[0]);
    }
    Ok(())
}

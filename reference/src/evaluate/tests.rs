//! The quick way and the plain one, on batches of every loss.

use super::path::{Path, Plain};
use super::quick::Quick;
use super::rounded::Rounded;
use super::{Evaluate, most_bits, norm, solve};
use crate::layout::Problems;
use crate::precision::{BITS_MORE, BITS_MOST};
use crate::random::Rng;
use crate::vocabulary::{
    Batch, Loss, LossName, Negatives, Neighborhood, ReadParameters, RobustTerm, Settings, Tuples, Weight,
};
use nalgebra::DMatrix;
use std::convert::Infallible;

/// Parameters of a loss, drawn.
struct Drawn<'a>(&'a mut Rng);

impl ReadParameters for Drawn<'_> {
    type Error = Infallible;

    fn tau_plus(&mut self) -> Result<f64, Infallible> {
        Ok([0.0, 0.1, 0.9][self.0.below(3)])
    }
    fn beta(&mut self) -> Result<f64, Infallible> {
        Ok([0.0, 0.5, 1.0, 7.0][self.0.below(4)])
    }
    fn alpha(&mut self) -> Result<f64, Infallible> {
        Ok(self.0.between(0.1, 2.0))
    }
    fn lambda(&mut self) -> Result<f64, Infallible> {
        Ok([0.0, 0.3, 1.0][self.0.below(3)])
    }
    fn negatives(&mut self) -> Result<Negatives, Infallible> {
        Ok(match self.0.below(3) {
            0 => Negatives::G0,
            1 => Negatives::G1 { tau_plus: self.tau_plus()? },
            _ => Negatives::G2 { tau_plus: self.tau_plus()?, beta: self.beta()? },
        })
    }
    fn weight(&mut self) -> Result<Weight, Infallible> {
        Ok([Weight::One, Weight::Adversarial, Weight::AdversarialWithGradient][self.0.below(3)])
    }
    fn weight_negatives(&mut self) -> Result<Negatives, Infallible> {
        self.negatives()
    }
    fn robust(&mut self) -> Result<RobustTerm, Infallible> {
        Ok(RobustTerm { negatives: self.negatives()?, weight: self.weight()? })
    }
    fn neighborhood(&mut self) -> Result<Neighborhood, Infallible> {
        Ok(match self.0.below(3) {
            0 => Neighborhood::Nca,
            1 => Neighborhood::MixNca { lambda: self.lambda()? },
            _ => Neighborhood::Combined { lambda: self.lambda()?, joined: self.0.below(2) == 0 },
        })
    }
}

/// A batch with every array: rows apart, or with duplicates and antipodes among them.
fn batch(rng: &mut Rng, images: usize, d: usize) -> Batch {
    let mut earlier: Vec<Vec<f64>> = Vec::new();
    let repeats = rng.below(2) == 0;
    let mut view = || {
        let rows = (0..images).map(|_| {
            let row = if repeats && !earlier.is_empty() && rng.below(3) == 0 {
                let sign = rng.sign();
                earlier[rng.below(earlier.len())].iter().map(|x| sign * x).collect()
            } else {
                (0..d).map(|_| rng.normal()).collect::<Vec<f64>>()
            };
            earlier.push(row.clone());
            row
        });
        DMatrix::from_row_iterator(images, d, rows.collect::<Vec<_>>().into_iter().flatten())
    };
    let mut batch = Batch::new((0..3).map(|_| view()).collect());
    batch.mixed = Some(vec![view(), view()]);
    batch.adversarial = Some(view());
    batch
}

/// Both ways; nothing where no precision settles it.
fn both(loss: &Loss, batch: &Batch, settings: &Settings) -> [Option<Rounded>; 2] {
    fn by<P: Path>(loss: &Loss, batch: &Batch, settings: &Settings) -> Option<Rounded> {
        solve::<P>(&batch.problem(loss), loss, settings)
    }
    [by::<Quick>(loss, batch, settings), by::<Plain>(loss, batch, settings)]
}

/// Both are within what is promised of the truth: 4 ulp a value, `8·2⁻⁵³` of an array's norm a gradient.
#[test]
fn the_quick_way_and_the_plain_one_give_the_same() {
    let rng = &mut Rng::new(11);
    for &name in LossName::ALL {
        for case in 0..12 {
            let images = [2, 3, 5, 8, 13, 33, 67][rng.below(7)];
            let d = [1, 2, 3, 9, 17, 40][rng.below(6)];
            let Ok(loss) = name.read(&mut Drawn(rng));
            let mut batch = batch(rng, images, d);
            batch.symmetric = rng.below(2) == 0;
            let temperature = rng.between(1e-3_f64.ln(), 10.0_f64.ln()).exp();
            let settings = Settings::new(temperature).normalizing();
            let [quick, plain] = both(&loss, &batch, &settings);
            let (Some(quick), Some(plain)) = (quick, plain) else {
                panic!("{loss:?} at {temperature}: no precision settles it");
            };
            let context = format!("{loss:?}, case {case}: {images} images of {d} at {temperature}");
            let values = quick.per_image.iter().zip(&plain.per_image);
            for (x, y) in values.chain([(&quick.value, &plain.value)]) {
                assert!((x - y).abs() <= 2.0 * 4.0 * f64::EPSILON * y.abs(), "{context}: {x:e}, not {y:e}");
            }
            for array in batch.problem(&loss).arrays {
                let entries = array.start * d..array.end * d;
                let (x, y) = (&quick.gradient[entries.clone()], &plain.gradient[entries]);
                let size = norm(y.iter().copied());
                let error = norm(x.iter().zip(y).map(|(x, y)| x - y));
                assert!(error <= 2.0 * 4.0 * f64::EPSILON * size, "{context}: {error:e} of {size:e}");
            }
        }
    }
}

/// A kernel of `e^{-1/t}` beside one of `e^{1/t}` has to be told from 0, and what is left of a difference of such
/// kernels from 0 again: twice `log2 e^{2/t}` bits beyond the first ones.
#[test]
fn bits_suffice_for_kernels_that_differ_by_the_whole_range_twice() {
    let bits = |temperature: f64, loss: &Loss, least: f64| {
        let views = vec![DMatrix::from_row_slice(2, 2, &[1.0, 0.0, least, 1.0]); 2];
        most_bits(&Batch::new(views).problem(loss), loss, &Settings::new(temperature)) as f64
    };
    let more = BITS_MORE as f64;
    for temperature in [0.003, 0.05, 0.7] {
        let range = 2.0 / temperature / std::f64::consts::LN_2;
        let found = bits(temperature, &Loss::SimClr, 0.0);
        assert!((found - (more + 2.0 * range)).abs() <= 1.0, "{found} at {temperature}");
    }
    assert_eq!(bits(1e-9, &Loss::SimClr, 0.0), BITS_MOST as f64);
    let hard = Loss::HardNegative { tau_plus: 0.1, beta: 511.5 };
    assert_eq!(bits(0.7, &hard, 0.0) - bits(0.7, &Loss::SimClr, 0.0), 20.0);
    // Scores that differ by 2^-800, or by 2^-800/t: 200 of these bits are there anyway.
    assert_eq!(bits(2.0_f64.powi(500), &Loss::SimClr, 0.0), more + 600.0);
    let fine = bits(2.0_f64.powi(500), &Loss::SimClr, 2.0_f64.powi(-400));
    assert_eq!(fine, more + 2.0 * (800.0 + 500.0 - 200.0));
    // Long rows have larger scores, which are no finer.
    let views = vec![DMatrix::from_row_slice(2, 1, &[2.0_f64.powi(300), 1.0]); 2];
    let settings = Settings { norm_tolerance: f64::MAX, ..Settings::new(2.0_f64.powi(700)) };
    let long = most_bits(&Batch::new(views).problem(&Loss::SimClr), &Loss::SimClr, &settings) as f64;
    assert_eq!(long, more + 2.0 * (700.0 - 200.0));
}

/// `A - τB` is 1/2, beside numbers of `e^576`: bits are to suffice for the norms that rows have, not for those of unit rows.
#[test]
fn long_rows_get_the_bits_that_their_scores_need() {
    let row = |x: f64, y: f64| DMatrix::from_row_slice(1, 2, &[x, y]);
    let data = Tuples {
        anchor: row(24.0, 0.0),
        positives: vec![row(0.0, 24.0)],
        negatives: vec![DMatrix::from_row_slice(2, 2, &[24.0, 0.0, 0.0, 24.0])],
        debias_positives: Some(vec![row(24.0, 0.0)]),
        mixed: None,
        mixed_negatives: None,
        adversarial: None,
        adversarial_negatives: None,
    };
    let settings = Settings { norm_tolerance: 100.0, ..Settings::new(1.0) };
    let found = Loss::Debiased { tau_plus: 0.5 }.evaluate(&data, &settings).unwrap();
    // g1 = ((e^576 + 1)/2 - e^576/2) / (1/2) = 1, and N = 2.
    assert!((found.value - 3.0_f64.ln()).abs() <= 4.0 * f64::EPSILON, "{}", found.value);
}

//! Random requests: every loss at every temperature in turn, everything else drawn.

use super::TEMPERATURES;
use super::geometry::{Cloud, GEOMETRIES, Geometry, Role, matrix, scaled};
use super::rng::Rng;
use intnacl_reference::{
    Batch, Loss, LossName, Negatives, Neighborhood, Request, RobustTerm, Settings, Tuples, Weight,
};
use nalgebra::DMatrix;

const WEIGHTS: [Weight; 3] = [Weight::One, Weight::Adversarial, Weight::AdversarialWithGradient];

/// The number of kinds that [`loss`] makes.
pub const KINDS: usize = 28;

/// The request of a seed: kinds of loss and temperatures go through all their pairs.
pub fn request(seed: u64) -> Request {
    let rng = &mut Rng::new(seed);
    let temperatures = TEMPERATURES.len() as u64;
    let temperature = TEMPERATURES[(seed % temperatures) as usize];
    let loss = loss(rng, (seed / temperatures) as usize % KINDS);
    request_of(rng, loss, temperature)
}

/// A request for a loss with data of random shape and geometry.
pub fn request_of(rng: &mut Rng, loss: Loss, temperature: f64) -> Request {
    let settings = Settings { normalize: rng.chance(0.4), ..Settings::new(temperature) };
    let geometry = rng.pick(&GEOMETRIES);
    // The truth takes more digits at lower temperatures, and more numbers at larger sizes.
    let most_negatives = if temperature < 0.02 { 31 } else { 257 };
    let draw = Draw { loss, geometry, rescale: settings.normalize, most_negatives, most_entries: 8_000 };
    let in_batch = rng.chance(0.35);
    draw.request(rng, settings, in_batch)
}

fn tau(rng: &mut Rng) -> f64 {
    let drawn = rng.between(0.0, 0.5);
    rng.pick(&[drawn, drawn, drawn, 0.0, 0.01, 0.1, 0.5, 0.9, 0.99])
}

fn up_to_8(rng: &mut Rng) -> f64 {
    let drawn = rng.between(0.0, 8.0);
    rng.pick(&[drawn, drawn, drawn, 0.0, 0.5, 1.0, 8.0])
}

fn lambda(rng: &mut Rng) -> f64 {
    let drawn = rng.unit();
    rng.pick(&[drawn, drawn, 0.0, 0.5, 1.0])
}

fn negatives(rng: &mut Rng, kind: usize) -> Negatives {
    match kind {
        0 => Negatives::G0,
        1 => Negatives::G1 { tau_plus: tau(rng) },
        _ => Negatives::G2 { tau_plus: tau(rng), beta: up_to_8(rng) },
    }
}

fn any_negatives(rng: &mut Rng) -> Negatives {
    let kind = rng.below(3);
    negatives(rng, kind)
}

fn neighborhood(rng: &mut Rng, kind: usize) -> Neighborhood {
    match kind {
        0 => Neighborhood::Nca,
        1 => Neighborhood::MixNca { lambda: lambda(rng) },
        _ => Neighborhood::Combined { lambda: lambda(rng), joined: kind == 2 },
    }
}

/// A loss of one of [`KINDS`] kinds, with random parameters.
pub fn loss(rng: &mut Rng, kind: usize) -> Loss {
    let robust =
        |rng: &mut Rng, weight: usize| RobustTerm { negatives: any_negatives(rng), weight: WEIGHTS[weight] };
    match kind {
        0 => Loss::SimClr,
        1 => Loss::Debiased { tau_plus: tau(rng) },
        2 => Loss::HardNegative { tau_plus: tau(rng), beta: up_to_8(rng) },
        3 => Loss::Adversarial { alpha: up_to_8(rng) },
        4..7 => Loss::Nca { negatives: negatives(rng, kind - 4) },
        7..10 => Loss::MixNca { negatives: negatives(rng, kind - 7), lambda: lambda(rng) },
        10..13 => {
            let RobustTerm { negatives, weight } = robust(rng, kind - 10);
            Loss::Robust { negatives, weight, weight_negatives: any_negatives(rng) }
        }
        13..16 => {
            Loss::IntCl { negatives: any_negatives(rng), alpha: up_to_8(rng), robust: robust(rng, kind - 13) }
        }
        16..KINDS => Loss::IntNaCl {
            negatives: any_negatives(rng),
            alpha: up_to_8(rng),
            robust: robust(rng, (kind - 16) % 3),
            neighborhood: neighborhood(rng, (kind - 16) / 3),
        },
        _ => unreachable!("there are {KINDS} kinds"),
    }
}

/// The plan by which the arrays of a request are drawn.
pub struct Draw {
    pub loss: Loss,
    pub geometry: Geometry,
    /// Rows are off the sphere: half of them by a power of two, which keeps parallel ones parallel.
    pub rescale: bool,
    pub most_negatives: usize,
    /// The limit on the numbers in all negatives.
    pub most_entries: usize,
}

impl Draw {
    pub fn request(&self, rng: &mut Rng, settings: Settings, in_batch: bool) -> Request {
        let loss = self.loss;
        if in_batch {
            Request::Batch { loss, settings, data: self.batch(rng) }
        } else {
            Request::Tuples { loss, settings, data: self.tuples(rng) }
        }
    }

    fn finish(&self, rng: &mut Rng, rows: Vec<Vec<f64>>) -> DMatrix<f64> {
        if !self.rescale {
            return matrix(&rows);
        }
        let exact = rng.chance(0.5);
        let rescaled = |row: &Vec<f64>| {
            let factor = if exact { rng.pick(&[0.25, 0.5, 1.0, 2.0, 64.0]) } else { rng.between(0.1, 10.0) };
            scaled(row, factor)
        };
        matrix(&rows.iter().map(rescaled).collect::<Vec<_>>())
    }

    /// An array that the loss reads is there; another one is now and then, and its gradient is zero.
    fn present(&self, rng: &mut Rng, needed: bool) -> bool {
        needed || rng.chance(0.15)
    }

    fn tuples(&self, rng: &mut Rng) -> Tuples {
        let anchors = rng.pick(&[1, 1, 2, 3]);
        let m = rng.pick(&[1, 1, 2, 3, 5, 8]);
        let mut n = rng.pick(&[1, 1, 2, 2, 3, 3, 7, 7, 31, 31, 64, 257]);
        let mut d = rng.pick(&[1, 2, 3, 3, 8, 8, 31, 128, 512]);
        n = n.min(self.most_negatives);
        while anchors * n * d > self.most_entries {
            (n, d) = if n > d { (n / 2, d) } else { (n, d / 2) };
        }
        let of = |rng: &mut Rng, clouds: &mut [Cloud], role, count: usize| -> Vec<_> {
            let rows = |cloud: &mut Cloud| {
                let rows = cloud.rows(rng, role, count);
                self.finish(rng, rows)
            };
            clouds.iter_mut().map(rows).collect()
        };
        let mut clouds: Vec<_> = (0..anchors).map(|_| Cloud::new(rng, self.geometry, d)).collect();
        let anchor = clouds.iter().map(Cloud::anchor).collect();
        let anchor = self.finish(rng, anchor);
        let positives = of(rng, &mut clouds, Role::Own, m);
        let negatives = of(rng, &mut clouds, Role::Negative, n);
        let mut tuples = Tuples::new(anchor, positives, negatives);
        if rng.chance(0.3) {
            let draws = rng.pick(&[1, 2, 3]);
            tuples.debias_positives = Some(of(rng, &mut clouds, Role::Own, draws));
        }
        let needed = self.loss.needs_mixed();
        if m > 1 && self.present(rng, needed) {
            tuples.mixed = Some(of(rng, &mut clouds, Role::Negative, m - 1));
            if rng.chance(0.3) {
                let mut own = |cloud: &mut Cloud| {
                    (1..m)
                        .map(|_| {
                            let rows = cloud.rows(rng, Role::Negative, n);
                            self.finish(rng, rows)
                        })
                        .collect()
                };
                tuples.mixed_negatives = Some(clouds.iter_mut().map(&mut own).collect());
            }
        }
        let needed = self.loss.needs_adversarial();
        if self.present(rng, needed) {
            let rows = clouds.iter_mut().map(|cloud| cloud.row(rng, Role::Own)).collect();
            tuples.adversarial = Some(self.finish(rng, rows));
            if rng.chance(0.4) {
                let count = rng.pick(&[1, 2, 5, 16]);
                tuples.adversarial_negatives = Some(of(rng, &mut clouds, Role::Negative, count));
            }
        }
        tuples
    }

    fn batch(&self, rng: &mut Rng) -> Batch {
        let images = 2 + rng.below(5);
        let m = 1 + rng.below(4);
        let d = rng.pick(&[1, 2, 3, 8, 31, 128]).min(self.most_entries);
        // Only after training do images lie apart from each other; the other geometries span the batch.
        let mut clouds: Vec<_> = if self.geometry == Geometry::Trained {
            (0..images).map(|_| Cloud::new(rng, self.geometry, d)).collect()
        } else {
            vec![Cloud::new(rng, self.geometry, d)]
        };
        let mut view = |rng: &mut Rng, role| {
            let count = clouds.len();
            let rows = (0..images).map(|i| clouds[i % count].row(rng, role)).collect();
            self.finish(rng, rows)
        };
        let views = (0..=m).map(|_| view(rng, Role::Own)).collect();
        let mut batch = Batch { symmetric: rng.chance(0.6), ..Batch::new(views) };
        let needed = self.loss.needs_mixed();
        if m > 1 && self.present(rng, needed) {
            batch.mixed = Some((1..m).map(|_| view(rng, Role::Negative)).collect());
        }
        let needed = self.loss.needs_adversarial();
        if self.present(rng, needed) {
            batch.adversarial = Some(view(rng, Role::Own));
        }
        batch
    }
}

#[test]
fn every_loss_is_drawn() {
    let drawn: Vec<LossName> = (0..KINDS).map(|kind| loss(&mut Rng::new(1), kind).kind()).collect();
    for &name in LossName::ALL {
        assert!(drawn.contains(&name), "{} is none of the kinds", name.name());
    }
}

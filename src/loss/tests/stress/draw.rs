//! Requests beyond those that the laws draw, in numbers that the kind can hold.

use super::ALL_KINDS;
use crate::testing::Random;
use intnacl_reference::{
    Batch, Loss, LossName, Negatives, Neighborhood, Request, RobustTerm, Settings, Tuples, Weight,
};
use nalgebra::DMatrix;
use tch::Kind;

/// The arrangement of the rows of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Geometry {
    Random,
    /// At one point or opposite to it.
    Antipodal,
    /// The same row in all places.
    Identical,
    /// Within about this distance of one point or its antipode.
    Touching(f64),
    /// Along the axes.
    Axes,
    /// Each row is one of the above.
    Mixture,
}

impl Random {
    /// An integer below `count`.
    pub(super) fn below(&mut self, count: usize) -> usize {
        self.0.below(count)
    }

    fn between(&mut self, least: f64, most: f64) -> f64 {
        self.0.between(least, most)
    }

    fn logarithmic(&mut self, least: f64, most: f64) -> f64 {
        self.between(least.ln(), most.ln()).exp()
    }

    fn one_of<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}

/// A request, and the kind that it is made for.
pub(in crate::loss::tests) struct Drawn {
    pub(super) request: Request,
    pub(super) kind: Kind,
}

/// Draws a batch from a seed.
pub(in crate::loss::tests) fn draw_batch(seed: u64) -> Drawn {
    let all = (0..).map(|further| draw(seed.wrapping_add(further << 32)));
    all.into_iter().find(|drawn| matches!(drawn.request, Request::Batch { .. })).expect("half of all are")
}

/// Draws a request from a seed.
pub(super) fn draw(seed: u64) -> Drawn {
    let r = &mut Random::new(seed);
    let kind = r.one_of(&ALL_KINDS);
    let temperature = if r.below(3) == 0 {
        r.one_of(&[1e-3, 0.005, 0.02, 0.1, 0.5, 10.0])
    } else {
        r.logarithmic(1e-3, 10.0)
    };
    let normalize = r.coin();
    // Rows that were rounded to 8 bits leave the sphere by as much.
    let settings = Settings { normalize, norm_tolerance: 0.01, ..Settings::new(temperature) };
    let loss = loss(r);
    let mut rows = Rows::new(r, kind, normalize);
    let request = if r.coin() {
        let data = batch(r, &mut rows);
        Request::Batch { loss, settings, data }
    } else {
        let data = tuples(r, &mut rows);
        Request::Tuples { loss, settings, data }
    };
    Drawn { request, kind }
}

fn estimator(r: &mut Random) -> Negatives {
    let tau_plus = match r.below(4) {
        // Ties of a few kernels with a few others.
        0 | 1 => r.one_of(&[0.5, 0.5, 0.25, 0.75, 1.0 / 3.0, 0.1]),
        2 => r.between(0.0, 0.99),
        _ => r.one_of(&[0.0, 0.99, 1e-3, 1e-25, 1e-300]),
    };
    let beta = match r.below(3) {
        0 => r.one_of(&[0.0, 1.0, 0.5, 8.0]),
        1 => r.between(0.0, 8.0),
        _ => r.one_of(&[1e-40, 1e-310, 50.0, 1e3, 1e8, 1e20, 1e37]),
    };
    match r.below(5) {
        0 => Negatives::G0,
        1 | 2 => Negatives::G1 { tau_plus },
        _ => Negatives::G2 { tau_plus, beta },
    }
}

fn loss(r: &mut Random) -> Loss {
    let (negatives, second) = (estimator(r), estimator(r));
    let negatives = if r.coin() { second } else { negatives };
    let alpha = match r.below(3) {
        0 => r.one_of(&[0.0, 1.0, 8.0]),
        1 => r.between(0.0, 8.0),
        _ => r.logarithmic(1e-30, 1e30),
    };
    let lambda = if r.coin() { r.one_of(&[0.0, 0.5, 1.0]) } else { r.between(0.0, 1.0) };
    let weight = r.one_of(&[Weight::One, Weight::Adversarial, Weight::AdversarialWithGradient]);
    let robust = RobustTerm { negatives: second, weight };
    let neighborhood = match r.below(4) {
        0 => Neighborhood::Nca,
        1 => Neighborhood::MixNca { lambda },
        2 => Neighborhood::Combined { lambda, joined: true },
        _ => Neighborhood::Combined { lambda, joined: false },
    };
    let (tau_plus, beta) = match estimator(r) {
        Negatives::G0 => (0.5, 1.0),
        Negatives::G1 { tau_plus } => (tau_plus, 0.0),
        Negatives::G2 { tau_plus, beta } => (tau_plus, beta),
    };
    match r.one_of(LossName::ALL) {
        LossName::SimClr => Loss::SimClr,
        LossName::Debiased => Loss::Debiased { tau_plus },
        LossName::HardNegative => Loss::HardNegative { tau_plus, beta },
        LossName::Adversarial => Loss::Adversarial { alpha },
        LossName::Nca => Loss::Nca { negatives },
        LossName::MixNca => Loss::MixNca { negatives, lambda },
        LossName::Robust => Loss::Robust { negatives: second, weight, weight_negatives: negatives },
        LossName::IntCl => Loss::IntCl { negatives, alpha, robust },
        LossName::IntNaCl => Loss::IntNaCl { negatives, alpha, robust, neighborhood },
    }
}

/// The properties that all rows of a request share.
struct Rows {
    geometry: Geometry,
    centre: Vec<f64>,
    kind: Kind,
    normalize: bool,
}

impl Rows {
    fn new(r: &mut Random, kind: Kind, normalize: bool) -> Self {
        let d = r.one_of(&[1, 1, 2, 3, 5, 16, 33]);
        let geometry = match r.below(8) {
            0 => Geometry::Random,
            1 | 2 => Geometry::Antipodal,
            3 => Geometry::Identical,
            4 => Geometry::Touching(r.one_of(&[1e-8, 1e-3])),
            5 => Geometry::Axes,
            _ => Geometry::Mixture,
        };
        let centre = if r.coin() { r.unit(d, 0.0) } else { axis(r, d) };
        Self { geometry, centre, kind, normalize }
    }

    fn row(&self, r: &mut Random) -> Vec<f64> {
        let d = self.centre.len();
        let mut geometry = self.geometry;
        while geometry == Geometry::Mixture {
            geometry = r.one_of(&[
                Geometry::Random,
                Geometry::Antipodal,
                Geometry::Antipodal,
                Geometry::Identical,
                Geometry::Touching(1e-8),
                Geometry::Axes,
            ]);
        }
        let sign = if r.coin() { 1.0 } else { -1.0 };
        let mut row = match geometry {
            Geometry::Random => r.unit(d, 0.0),
            Geometry::Antipodal => self.centre.iter().map(|x| sign * x).collect(),
            Geometry::Touching(distance) => {
                let near: Vec<f64> = self.centre.iter().map(|x| sign * x + distance * r.uniform()).collect();
                let norm = near.iter().map(|x| x * x).sum::<f64>().sqrt();
                near.iter().map(|x| x / norm).collect()
            }
            Geometry::Axes => axis(r, d),
            _ => self.centre.clone(),
        };
        if self.normalize {
            let norm = if r.coin() {
                1.0
            } else if self.kind == Kind::Half {
                r.logarithmic(1e-2, 1e2)
            } else {
                r.logarithmic(1e-6, 1e6)
            };
            row.iter_mut().for_each(|x| *x *= norm);
        }
        row.into_iter().map(|x| rounded(x, self.kind)).collect()
    }

    fn matrix(&self, r: &mut Random, rows: usize) -> DMatrix<f64> {
        let d = self.centre.len();
        let entries: Vec<f64> = (0..rows).flat_map(|_| self.row(r)).collect();
        DMatrix::from_row_slice(rows, d, &entries)
    }

    fn list(&self, r: &mut Random, count: usize, rows: usize) -> Vec<DMatrix<f64>> {
        (0..count).map(|_| self.matrix(r, rows)).collect()
    }
}

fn axis(r: &mut Random, d: usize) -> Vec<f64> {
    let (k, sign) = (r.below(d), if r.coin() { 1.0 } else { -1.0 });
    (0..d).map(|i| if i == k { sign } else { 0.0 }).collect()
}

/// The nearest number of a kind.
fn rounded(x: f64, kind: Kind) -> f64 {
    match kind {
        Kind::Double => x,
        Kind::Float => f64::from(x as f32),
        Kind::Half => half::f16::from_f64(x).to_f64(),
        _ => half::bf16::from_f64(x).to_f64(),
    }
}

/// Mostly a few, sometimes a prime or about a tile.
fn images(r: &mut Random) -> usize {
    if r.below(60) == 0 { r.one_of(&[7, 13, 31, 32, 33, 37, 64, 65]) } else { r.one_of(&[2, 2, 3, 4, 5]) }
}

fn batch(r: &mut Random, rows: &mut Rows) -> Batch {
    let (b, m) = (images(r), r.one_of(&[1, 2, 3, 5]));
    Batch {
        views: rows.list(r, m + 1, b),
        symmetric: r.coin(),
        mixed: (m > 1).then(|| rows.list(r, m - 1, b)),
        adversarial: Some(rows.matrix(r, b)),
    }
}

fn tuples(r: &mut Random, rows: &mut Rows) -> Tuples {
    let (b, m) = (r.one_of(&[1, 2, 3]), r.one_of(&[1, 2, 3, 5]));
    let n = if r.below(40) == 0 { r.one_of(&[31, 64, 65]) } else { r.one_of(&[1, 2, 2, 3, 4, 8]) };
    let v = r.one_of(&[1, 2, 3]);
    Tuples {
        anchor: rows.matrix(r, b),
        positives: rows.list(r, b, m),
        negatives: rows.list(r, b, n),
        debias_positives: r.coin().then(|| rows.list(r, b, v)),
        mixed: (m > 1).then(|| rows.list(r, b, m - 1)),
        mixed_negatives: (m > 1 && r.coin()).then(|| (0..b).map(|_| rows.list(r, m - 1, n)).collect()),
        adversarial: Some(rows.matrix(r, b)),
        adversarial_negatives: r.coin().then(|| rows.list(r, b, n + 1)),
    }
}

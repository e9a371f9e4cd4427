//! Supervised NCA requests.

use super::Case;
use super::geometry::{basis, matrix, on_sphere, scaled};
use super::rng::Rng;
use intnacl_reference::{Labelled, Objective, Request};
use nalgebra::DMatrix;

const OBJECTIVES: [Objective; 2] = [Objective::KullbackLeibler, Objective::TotalVariation];

/// The named cases, and `count` random ones.
pub fn cases(count: u64) -> Vec<Case> {
    type Make = fn() -> Labelled;
    const NAMED: [(&str, Make); 10] = [
        ("two points of one class: value and gradient are zero", || line(&[0.0, 1.0], &[0, 0])),
        ("all of one class: nothing to separate", || line(&[0.0, 1.0, 3.0, -2.0], &[7, 7, 7, 7])),
        ("all points equal: distances and gradient are zero", || line(&[1.5; 6], &[0, 1, 0, 1, 2, 2])),
        ("classmates far away: p tiny", || line(&[0.0, 24.0, 0.5, 24.5], &[0, 0, 1, 1])),
        ("classmates out of f64's range: p = e^-10000", || line(&[0.0, 100.0, 0.5, 100.5], &[0, 0, 1, 1])),
        ("classes far apart: the loss is e^-500", || line(&[0.0, 0.25, 22.5, 22.75], &[0, 0, 1, 1])),
        ("clusters: each point has classmates near and strangers far, at different scales", || {
            line(&[0.0, 1e-8, 3.0, 3.0 + 1e-8, -7.0, -7.0 - 1e-8, 12.0, 12.5], &[0, 0, 1, 1, 0, 0, 1, 1])
        }),
        ("equidistant classmate and stranger: p = 1/2", || line(&[0.0, 1.0, -1.0, 2.0], &[0, 0, 1, 1])),
        ("points far from the origin, close to each other: differences cancel", || {
            line(&[1e8, 1e8 + 1.0, 1e8 + 1.5, 1e8 - 0.25], &[0, 0, 1, 1])
        }),
        ("a transform of rank zero: the gradient by it is zero", || Labelled {
            transform: DMatrix::zeros(2, 3),
            points: DMatrix::from_fn(5, 3, |i, j| (i * 3 + j) as f64 / 7.0),
            labels: vec![0, 0, 1, 1, 1],
        }),
    ];
    let mut cases = Vec::new();
    for (name, make) in NAMED {
        for objective in OBJECTIVES {
            let name = format!("supervised {objective:?}: {name}");
            cases.push(Case::new(name, move || Request::Supervised { objective, data: make() }));
        }
    }
    for seed in 0..count {
        cases.push(Case::new(format!("supervised random #{seed}"), move || random(seed)));
    }
    cases
}

/// Points of one feature under a transform that keeps it.
fn line(points: &[f64], labels: &[i64]) -> Labelled {
    Labelled {
        transform: DMatrix::identity(1, 1),
        points: DMatrix::from_column_slice(points.len(), 1, points),
        labels: labels.to_vec(),
    }
}

fn random(seed: u64) -> Request {
    let rng = &mut Rng::new(seed ^ 0x5157);
    let n = rng.pick(&[2, 3, 5, 9, 24]);
    let features = rng.pick(&[1, 2, 5, 16]);
    let outputs = rng.pick(&[1, 2, 5]);
    let classes = 1 + rng.below(n / 2);
    let labels: Vec<_> = (0..n).map(|i| (i % classes) as i64 * 10 - 5).collect();
    let spread = rng.pick(&[1e-6, 0.1, 1.0, 3.0, 12.0]);
    let clustered = rng.chance(0.4);
    let point = |rng: &mut Rng, label: i64| {
        let center =
            if clustered { basis(features, label.unsigned_abs() as usize) } else { vec![0.0; features] };
        let offset = scaled(&on_sphere(rng, features), if clustered { 0.1 } else { 1.0 });
        scaled(&center.iter().zip(&offset).map(|(x, y)| x + y).collect::<Vec<_>>(), spread)
    };
    let points: Vec<_> = labels.iter().map(|&label| point(rng, label)).collect();
    let transform: Vec<_> = (0..outputs).map(|_| on_sphere(rng, features)).collect();
    let data = Labelled { transform: matrix(&transform), points: matrix(&points), labels };
    Request::Supervised { objective: rng.pick(&OBJECTIVES), data }
}

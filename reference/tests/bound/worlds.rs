//! Worlds for the laws: any, balanced, on a line, in antipodal pairs.

use intnacl_reference::bound::{Class, World};
use nalgebra::DMatrix;
use proptest::prelude::*;

/// Worlds a law, unless `PROPTEST_CASES` says otherwise.
pub fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(256);
    // Some laws leave out as many worlds as they try.
    let max_global_rejects = 1024 + 4 * cases;
    ProptestConfig { cases, max_global_rejects, failure_persistence: None, ..ProptestConfig::default() }
}

/// Which classes and points are how likely.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Balance {
    /// Classes are equally likely, points are not.
    Classes,
    /// Nothing is.
    Nothing,
}

/// A temperature from 0.1 to 10, spread over the orders of magnitude.
pub fn temperatures() -> impl Strategy<Value = f64> {
    (-1.0..1.0).prop_map(|exponent: f64| 10_f64.powf(exponent))
}

/// Worlds of 2 to 4 classes with 1 to 3 points each in 1 to 3 dimensions, some of them extreme: all points on a
/// line, so that every score is at an end of its range.
pub fn worlds(balance: Balance) -> impl Strategy<Value = World> {
    (2..=4_usize, 1..=3_usize, temperatures(), any::<bool>())
        .prop_flat_map(move |(classes, dimension, temperature, line)| {
            let point = (prop::collection::vec(-1.0..1.0_f64, 3), 0.05..1.0_f64);
            let class = (prop::collection::vec(point, 1..=3), 0.1..1.0_f64);
            prop::collection::vec(class, classes).prop_map(move |classes| {
                let dimension = if line { 1 } else { dimension };
                world(&classes, dimension, temperature, balance)
            })
        })
        .prop_filter_map("points off the origin", |world| world)
}

type Points = Vec<(Vec<f64>, f64)>;

fn world(classes: &[(Points, f64)], dimension: usize, temperature: f64, balance: Balance) -> Option<World> {
    let total: f64 = classes.iter().map(|class| class.1).sum();
    let class = |(points, weight): &(Points, f64)| {
        let sum: f64 = points.iter().map(|point| point.1).sum();
        let mut embeddings =
            DMatrix::from_fn(points.len(), dimension, |i, j| points[i].0.get(j).copied().unwrap_or(0.0));
        for mut row in embeddings.row_iter_mut() {
            let norm = row.norm();
            if norm < 1e-3 {
                return None;
            }
            row /= norm;
        }
        let probability = match balance {
            Balance::Classes => 1.0 / classes.len() as f64,
            Balance::Nothing => weight / total,
        };
        Some(Class { probability, points: points.iter().map(|point| point.1 / sum).collect(), embeddings })
    };
    let classes = classes.iter().map(class).collect::<Option<Vec<Class>>>()?;
    World::new(&classes, temperature).ok()
}

/// `K` classes, each an antipodal pair on an axis of its own with probability `p` at one end.
pub fn antipodal_pairs(classes: usize, p: f64, temperature: f64) -> World {
    let class = |c: usize| {
        let embeddings = DMatrix::from_fn(2, classes, |i, j| {
            let sign = if i == 0 { 1.0 } else { -1.0 };
            if j == c { sign } else { 0.0 }
        });
        Class { probability: 1.0 / classes as f64, points: vec![p, 1.0 - p], embeddings }
    };
    let classes: Vec<Class> = (0..classes).map(class).collect();
    World::new(&classes, temperature).expect("a valid world")
}

/// All points at one place.
pub fn collapsed(classes: usize, temperature: f64) -> World {
    let class = Class::uniform(1.0 / classes as f64, DMatrix::from_element(1, 1, 1.0));
    World::new(&vec![class; classes], temperature).expect("a valid world")
}

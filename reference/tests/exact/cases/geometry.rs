//! Where embeddings lie on the sphere.

use super::rng::Rng;
use nalgebra::DMatrix;

/// An arrangement of embeddings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Geometry {
    /// Uniform, all unrelated.
    Sphere,
    /// Embeddings as they are after training: positives close to the anchor, negatives anywhere.
    Trained,
    /// All within a distance of one point.
    Near(f64),
    /// All the same point, but for one last place of one coordinate.
    OneUlp,
    /// All one of two opposite points.
    Antipodal,
    /// All the same point.
    Identical,
    /// Vectors of the standard basis.
    Orthogonal,
    /// Like `Sphere`, but one negative lies by the anchor.
    OneHardNegative,
}

pub const GEOMETRIES: [Geometry; 9] = [
    Geometry::Sphere,
    Geometry::Trained,
    Geometry::Near(1e-3),
    Geometry::Near(1e-8),
    Geometry::OneUlp,
    Geometry::Antipodal,
    Geometry::Identical,
    Geometry::Orthogonal,
    Geometry::OneHardNegative,
];

/// The purpose of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A row of the anchor's own image: the anchor, its positives, its adversarial view.
    Own,
    /// A row of another image.
    Negative,
}

pub fn unit(mut row: Vec<f64>) -> Vec<f64> {
    let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
    row.iter_mut().for_each(|x| *x /= norm);
    row
}

pub fn on_sphere(rng: &mut Rng, d: usize) -> Vec<f64> {
    loop {
        let row: Vec<_> = (0..d).map(|_| rng.normal()).collect();
        if row.iter().any(|&x| x.abs() > 1e-3) {
            return unit(row);
        }
    }
}

pub fn basis(d: usize, axis: usize) -> Vec<f64> {
    (0..d).map(|k| if k == axis % d { 1.0 } else { 0.0 }).collect()
}

/// A row at about `distance` of `base`.
pub fn near(rng: &mut Rng, base: &[f64], distance: f64) -> Vec<f64> {
    let offset = on_sphere(rng, base.len());
    unit(base.iter().zip(offset).map(|(x, y)| x + distance * y).collect())
}

/// `base` with one coordinate moved by its last place, up or down.
pub fn one_ulp_off(rng: &mut Rng, base: &[f64]) -> Vec<f64> {
    let mut row = base.to_vec();
    let k = rng.below(row.len());
    row[k] = if rng.chance(0.5) { row[k].next_up() } else { row[k].next_down() };
    row
}

pub fn scaled(row: &[f64], factor: f64) -> Vec<f64> {
    row.iter().map(|x| x * factor).collect()
}

pub fn matrix(rows: &[Vec<f64>]) -> DMatrix<f64> {
    let columns = rows.first().map_or(0, Vec::len);
    DMatrix::from_fn(rows.len(), columns, |i, j| rows[i][j])
}

/// A source of rows around one anchor.
pub struct Cloud {
    geometry: Geometry,
    base: Vec<f64>,
    hard_negative_due: bool,
}

impl Cloud {
    pub fn new(rng: &mut Rng, geometry: Geometry, d: usize) -> Self {
        let base = match geometry {
            Geometry::Orthogonal => basis(d, 0),
            _ => on_sphere(rng, d),
        };
        Self { geometry, base, hard_negative_due: geometry == Geometry::OneHardNegative }
    }

    /// The anchor that the other rows are placed around.
    pub fn anchor(&self) -> Vec<f64> {
        self.base.clone()
    }

    pub fn row(&mut self, rng: &mut Rng, role: Role) -> Vec<f64> {
        let base = &self.base;
        match (self.geometry, role) {
            (Geometry::Trained, Role::Own) => near(rng, base, 1e-2),
            (Geometry::OneHardNegative, Role::Negative) if self.hard_negative_due => {
                self.hard_negative_due = false;
                near(rng, base, 1e-6)
            }
            (Geometry::Sphere | Geometry::Trained | Geometry::OneHardNegative, _) => {
                on_sphere(rng, base.len())
            }
            (Geometry::Near(distance), _) => near(rng, base, distance),
            (Geometry::OneUlp, _) => one_ulp_off(rng, base),
            (Geometry::Antipodal, _) => scaled(base, rng.pick(&[-1.0, 1.0])),
            (Geometry::Identical, _) => base.clone(),
            (Geometry::Orthogonal, _) => basis(base.len(), rng.below(base.len())),
        }
    }

    pub fn rows(&mut self, rng: &mut Rng, role: Role, count: usize) -> Vec<Vec<f64>> {
        (0..count).map(|_| self.row(rng, role)).collect()
    }
}

//! Worlds of axis points whose losses are logarithms of rationals, compared without rounding.
//!
//! A point is `±e_a` for an axis `a`, so scores between points are `1/t`, `0` or `-1/t`. With
//! `t = 1/(D ln q)`, `D` a common multiple of all classes' weights, every kernel is `q^D`, 1 or `q^{-D}`, and
//! every score against a class mean is a multiple of `ln q`.

use crate::budget::ROUNDING;
use crate::natural::Natural;
use intnacl_reference::bound::{Class, World};
use nalgebra::DMatrix;

/// A point: its axis, which end of it, and how often it counts within its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    pub axis: usize,
    pub positive: bool,
    pub weight: u64,
}

/// `+e_axis` or, for `!axis`-like `minus`, its antipode.
pub const fn plus(axis: usize, weight: u64) -> Point {
    Point { axis, positive: true, weight }
}

pub const fn minus(axis: usize, weight: u64) -> Point {
    Point { axis, positive: false, weight }
}

/// A world in integers: classes with a weight each and weighted axis points, and the base `q >= 2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AxisWorld {
    pub classes: Vec<(u64, Vec<Point>)>,
    pub base: u64,
}

/// The classes that the negatives' mean is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Negatives {
    OtherClasses,
    AllData,
}

/// One side of a comparison: `Σ exponent · log(numerator/denominator)`.
pub type Logs = Vec<(u64, u64, u64)>;

/// Whether the first sum of logarithms is the larger, exactly.
pub fn exceeds(first: &Logs, second: &Logs) -> bool {
    let (mut left, mut right) = (Natural::one(), Natural::one());
    for &(exponent, numerator, denominator) in first {
        left.times_power(numerator, exponent);
        right.times_power(denominator, exponent);
    }
    for &(exponent, numerator, denominator) in second {
        right.times_power(numerator, exponent);
        left.times_power(denominator, exponent);
    }
    left > right
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn lcm(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(1, |all, x| all / gcd(all, x) * x)
}

fn reduced(exponent: u64, numerator: u64, denominator: u64) -> (u64, u64, u64) {
    let common = gcd(numerator, denominator);
    (exponent, numerator / common, denominator / common)
}

impl AxisWorld {
    /// Balanced classes.
    pub fn balanced(classes: Vec<Vec<Point>>, base: u64) -> Self {
        Self { classes: classes.into_iter().map(|points| (1, points)).collect(), base }
    }

    fn total(&self, class: usize) -> u64 {
        self.classes[class].1.iter().map(|point| point.weight).sum()
    }

    /// `D`.
    pub fn unit(&self) -> u64 {
        lcm((0..self.classes.len()).map(|c| self.total(c)))
    }

    /// `t = 1/(D ln q)`.
    pub fn temperature(&self) -> f64 {
        1.0 / (self.unit() as f64 * (self.base as f64).ln())
    }

    pub fn points(&self) -> usize {
        self.classes.iter().map(|class| class.1.len()).sum()
    }

    /// The same world in floating point.
    pub fn world(&self) -> World {
        let all = self.classes.iter().flat_map(|class| &class.1);
        let dimension = 1 + all.map(|point| point.axis).max().unwrap_or(0);
        let weights: u64 = self.classes.iter().map(|class| class.0).sum();
        let class = |(weight, points): &(u64, Vec<Point>)| {
            let total: u64 = points.iter().map(|point| point.weight).sum();
            let entry = |i: usize, j: usize| {
                let sign = if points[i].positive { 1.0 } else { -1.0 };
                if points[i].axis == j { sign } else { 0.0 }
            };
            Class {
                probability: *weight as f64 / weights as f64,
                points: points.iter().map(|point| point.weight as f64 / total as f64).collect(),
                embeddings: DMatrix::from_fn(points.len(), dimension, entry),
            }
        };
        let classes: Vec<Class> = self.classes.iter().map(class).collect();
        World::new(&classes, self.temperature()).expect("a valid world")
    }

    fn power(&self, exponent: i64) -> u64 {
        self.base.pow(u32::try_from(exponent).expect("shifted to be at least 0"))
    }

    /// `q^D` times the kernel of two points.
    fn kernel(&self, x: Point, y: Point) -> u64 {
        let unit = self.unit() as i64;
        let score = if x.axis != y.axis {
            0
        } else if x.positive == y.positive {
            unit
        } else {
            -unit
        };
        self.power(unit + score)
    }

    /// The score of a point against a class mean, in units of `ln q`.
    fn mean_score(&self, x: Point, class: usize) -> i64 {
        let unit = (self.unit() / self.total(class)) as i64;
        let on_axis = self.classes[class].1.iter().filter(|y| y.axis == x.axis);
        on_axis.map(|y| unit * y.weight as i64 * if x.positive == y.positive { 1 } else { -1 }).sum()
    }

    /// The common denominator of all probabilities of an anchor with `positives` draws of its class, without
    /// that of the classes' weights, which both sides share.
    fn denominator(&self, positives: u32) -> u64 {
        lcm((0..self.classes.len()).map(|c| self.total(c).pow(positives + 1)))
    }

    fn anchors(&self) -> impl Iterator<Item = (usize, Point)> + '_ {
        let of = |(c, class): (usize, &(u64, Vec<Point>))| class.1.clone().into_iter().map(move |x| (c, x));
        self.classes.iter().enumerate().flat_map(of)
    }

    /// The mean classifier's loss, its exponents those of `positives` draws.
    pub fn mean_classifier(&self, positives: u32) -> Logs {
        let term = |(c, x): (usize, Point)| {
            let scores: Vec<i64> = (0..self.classes.len()).map(|c| self.mean_score(x, c)).collect();
            let least = *scores.iter().min().expect("classes");
            let total: u64 = scores.iter().map(|score| self.power(score - least)).sum();
            let exponent = self.classes[c].0 * x.weight * (self.denominator(positives) / self.total(c));
            reduced(exponent, total, self.power(scores[c] - least))
        };
        self.anchors().map(term).collect()
    }

    /// `log K` with the same exponents: the loss of the classifier that knows nothing, which on worlds of
    /// antipodal pairs is the best linear one.
    pub fn ignorance(&self, positives: u32) -> Logs {
        let weights: u64 = self.classes.iter().map(|class| class.0).sum();
        vec![(weights * self.denominator(positives), self.classes.len() as u64, 1)]
    }

    /// The unbiased loss `E log(1 + ν E h⁻ / ((1/M) Σ_j h⁺_j))` with `ν = ratio.0/ratio.1`, over sequences.
    pub fn unbiased(&self, positives: u32, ratio: (u64, u64), negatives: Negatives) -> Logs {
        let mut logs = Logs::new();
        for (class, x) in self.anchors() {
            // The negatives' mean as a fraction: a weight for each class, over the sum of these weights.
            let counted: Vec<usize> =
                (0..self.classes.len()).filter(|c| negatives == Negatives::AllData || *c != class).collect();
            let share = lcm(counted.iter().map(|c| self.total(*c)));
            let of = |c: &usize| {
                let kernels = self.classes[*c].1.iter().map(|y| y.weight * self.kernel(x, *y));
                self.classes[*c].0 * (share / self.total(*c)) * kernels.sum::<u64>()
            };
            let numerator: u64 = counted.iter().map(of).sum();
            let weights: u64 = counted.iter().map(|c| self.classes[*c].0).sum();
            let mut sequences = vec![(1_u64, 0_u64)];
            for _ in 0..positives {
                let longer = |(weight, sum): &(u64, u64)| {
                    let append = |y: &Point| (weight * y.weight, sum + self.kernel(x, *y));
                    self.classes[class].1.iter().map(append).collect::<Vec<_>>()
                };
                sequences = sequences.iter().flat_map(longer).collect();
            }
            let unit = self.denominator(positives) / self.total(class).pow(positives + 1);
            for (weight, sum) in sequences {
                // 1 + ν·(numerator/(weights·share))·M/sum
                let own = sum * weights * share * ratio.1;
                let other = ratio.0 * numerator * u64::from(positives);
                logs.push(reduced(self.classes[class].0 * x.weight * weight * unit, own + other, own));
            }
        }
        logs
    }
}

/// The sum of logarithms in floating point, over the sum of the exponents of one anchor's draws.
pub fn value(logs: &Logs, scale: u64) -> f64 {
    let term = |&(exponent, numerator, denominator): &(u64, u64, u64)| {
        exponent as f64 * (numerator as f64 / denominator as f64).ln()
    };
    logs.iter().map(term).sum::<f64>() / scale as f64
}

/// The integer losses are those of the library, on a world with everything in it.
#[test]
fn exact_losses_agree_with_the_library() {
    use intnacl_reference::bound::{Counts, Effort, Estimator};
    let world = AxisWorld {
        classes: vec![
            (2, vec![plus(0, 2), minus(0, 1)]),
            (1, vec![plus(1, 1), plus(0, 2)]),
            (1, vec![minus(1, 1)]),
        ],
        base: 2,
    };
    let scale = 4 * world.denominator(2);
    let float = world.world();
    let mean = float.mean_classifier_loss().expect("valid");
    approx::assert_relative_eq!(value(&world.mean_classifier(2), scale), mean, max_relative = ROUNDING);
    for (negatives, estimator) in
        [(Negatives::OtherClasses, Estimator::TrueNegatives), (Negatives::AllData, Estimator::Unlabelled)]
    {
        let exact = value(&world.unbiased(2, (3, 2), negatives), scale);
        let loss = float.limit(&estimator, &Counts::new(2, 3), &Effort::default()).expect("valid").value;
        approx::assert_relative_eq!(exact, loss, max_relative = ROUNDING);
    }
}

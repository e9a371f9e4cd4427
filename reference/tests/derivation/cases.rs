//! The data that the steps are compared on.

use intnacl_reference::Labelled;
use intnacl_reference::derivation::{Line, Split, split_index_set};
use nalgebra::{DMatrix, RowDVector};
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Debug, Clone)]
pub struct Case {
    pub embeddings: DMatrix<f64>,
    pub labels: Vec<i64>,
    pub temperature: f64,
}

impl Case {
    pub fn points(&self) -> usize {
        self.labels.len()
    }

    pub fn apply(
        &self,
        step: impl Fn(&DMatrix<f64>, &[i64], f64) -> intnacl_reference::Result<Line>,
    ) -> Line {
        step(&self.embeddings, &self.labels, self.temperature).expect("a case is valid")
    }

    pub fn split(&self) -> Split {
        Split::of_labels(&self.labels)
    }

    pub fn with_split(&self, split: &Split) -> Line {
        split_index_set(&self.embeddings, split, self.temperature).expect("a case is valid")
    }

    /// `f_i·f_k/t`.
    pub fn score(&self, i: usize, k: usize) -> f64 {
        self.embeddings.row(i).dot(&self.embeddings.row(k)) / self.temperature
    }

    /// A bound on the logarithms of kernels, of their sums and of quotients of sums, on the sphere.
    pub fn scale(&self) -> f64 {
        2.0 / self.temperature + (self.points() as f64).ln() + 1.0
    }

    pub fn identity(&self, factor: f64) -> Labelled {
        let d = self.embeddings.ncols();
        let transform = DMatrix::identity(d, d) * factor;
        Labelled { transform, points: self.embeddings.clone(), labels: self.labels.clone() }
    }
}

/// Four integers whose squares sum up to `rest` (Lagrange).
pub fn four_squares(rest: i64) -> [i64; 4] {
    let down_from_root = |x: i64| (0..=x.isqrt()).rev();
    for a in down_from_root(rest) {
        for b in down_from_root(rest - a * a) {
            for c in down_from_root(rest - a * a - b * b) {
                let d = (rest - a * a - b * b - c * c).isqrt();
                if a * a + b * b + c * c + d * d == rest {
                    return [a, b, c, d];
                }
            }
        }
    }
    unreachable!("every natural number is a sum of four squares")
}

/// A row whose norm is 1 in exact arithmetic, so that the assumption of step 3 holds exactly: multiples of
/// 1/128 whose squares sum up to 1. Every product of two such rows is exact in f64 too.
pub fn unit_row(d: usize) -> impl Strategy<Value = RowDVector<f64>> {
    const SCALE: i64 = 128;
    let row = move |(free, turn, signs): (Vec<i64>, usize, u8)| {
        let mut integers = four_squares(SCALE * SCALE - free.iter().map(|x| x * x).sum::<i64>()).to_vec();
        integers.extend(free);
        integers.rotate_left(turn);
        let signed = |(k, x): (usize, i64)| if signs >> k & 1 == 1 { -x } else { x };
        let entries = integers.into_iter().enumerate().map(signed).map(|x| x as f64 / SCALE as f64);
        RowDVector::from_iterator(d, entries)
    };
    (vec(-60..=60_i64, d - 4), 0..d, any::<u8>()).prop_map(row)
}

/// The origin of a row.
#[derive(Debug, Clone)]
pub enum Row {
    Fresh(RowDVector<f64>),
    Duplicate(usize),
    Antipode(usize),
    Axis(usize),
}

pub fn unit_rows(n: usize, d: usize) -> impl Strategy<Value = DMatrix<f64>> {
    let row = prop_oneof![
        6 => unit_row(d).prop_map(Row::Fresh),
        1 => any::<usize>().prop_map(Row::Duplicate),
        1 => any::<usize>().prop_map(Row::Antipode),
        1 => (0..d).prop_map(Row::Axis),
    ];
    vec(row, n).prop_map(move |rows| {
        let mut done: Vec<RowDVector<f64>> = Vec::with_capacity(n);
        for (i, row) in rows.into_iter().enumerate() {
            done.push(match row {
                Row::Fresh(row) => row,
                Row::Duplicate(of) if i > 0 => done[of % i].clone(),
                Row::Antipode(of) if i > 0 => -done[of % i].clone(),
                Row::Duplicate(axis) | Row::Antipode(axis) | Row::Axis(axis) => {
                    let mut row = RowDVector::zeros(d);
                    row[axis % d] = 1.0;
                    row
                }
            });
        }
        DMatrix::from_rows(&done)
    })
}

/// Two or three classes of two or three points each, in any order.
pub fn labels() -> impl Strategy<Value = Vec<i64>> {
    vec(2..=3_usize, 2..=3).prop_flat_map(|sizes| {
        let labels: Vec<i64> =
            sizes.iter().zip(0..).flat_map(|(size, label)| std::iter::repeat_n(label, *size)).collect();
        Just(labels).prop_shuffle()
    })
}

pub const COLDEST: f64 = 0.005;
pub const HOTTEST: f64 = 10.0;

pub fn temperature() -> impl Strategy<Value = f64> {
    let between = (COLDEST.ln()..HOTTEST.ln()).prop_map(f64::exp);
    prop_oneof![1 => Just(COLDEST), 1 => Just(HOTTEST), 4 => between]
}

/// Temperatures for which `√(2t)` is a power of two: from 1/128 to 8.
pub fn temperature_of_exact_root() -> impl Strategy<Value = f64> {
    (-4..=1_i32).prop_map(|k| 4.0_f64.powi(k) * 2.0)
}

pub fn at(
    temperature: impl Strategy<Value = f64>,
    rows: impl Fn(usize) -> BoxedStrategy<DMatrix<f64>>,
) -> impl Strategy<Value = Case> {
    (labels(), temperature).prop_flat_map(move |(labels, temperature)| {
        rows(labels.len()).prop_map(move |embeddings| Case {
            embeddings,
            labels: labels.clone(),
            temperature,
        })
    })
}

pub fn exact_rows(n: usize) -> BoxedStrategy<DMatrix<f64>> {
    (5..=8_usize).prop_flat_map(move |d| unit_rows(n, d)).boxed()
}

pub fn any_rows(n: usize) -> BoxedStrategy<DMatrix<f64>> {
    let rows = move |d| vec(-1.5..1.5, n * d).prop_map(move |entries| DMatrix::from_vec(n, d, entries));
    (1..=6_usize).prop_flat_map(rows).boxed()
}

/// Rows of norm exactly 1.
pub fn on_the_sphere() -> impl Strategy<Value = Case> {
    at(temperature(), exact_rows)
}

/// Rows of any norm.
pub fn anywhere() -> impl Strategy<Value = Case> {
    at(temperature(), any_rows)
}

/// A case with a point and one of its negatives.
pub fn with_a_negative() -> impl Strategy<Value = (Case, usize, usize)> {
    (on_the_sphere(), any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(case, i, k)| {
        let i = i.index(case.points());
        let strangers = case.split().negatives[i].clone();
        let k = strangers[k.index(strangers.len())];
        (case, i, k)
    })
}

/// `log(1 + e^kernel/e^log_sum)`: by how much a kernel raises the logarithm of a sum that lacks it.
pub fn added(kernel: f64, log_sum: f64) -> f64 {
    (kernel - log_sum).exp().ln_1p()
}

//! Supervised NCA: the softmax over squared distances, written as ratios of sums.

use crate::arrays::Arrays;
use crate::big::{Big, dot};
use crate::tape::{Derivative, Tape, Var};
use crate::truth::{ArrayTruth, Nudge, Precision, Truth};
use intnacl_reference::{Labelled, Objective};
use nalgebra::DMatrix;

/// The bits by which two of a point's kernels can differ, so far as precision has to make up for it.
///
/// Only sums of a gradient see the difference (no kernels are subtracted), and those sums are dominated by
/// near points; beyond the cap the far ones are too small to matter to an f64.
pub fn spread(data: &Labelled) -> f64 {
    let mapped = &data.points * data.transform.transpose();
    let mut farthest: f64 = 0.0;
    for a in mapped.row_iter() {
        for b in mapped.row_iter() {
            farthest = farthest.max((a - b).norm_squared());
        }
    }
    (farthest * std::f64::consts::LOG2_E).min(1100.0)
}

/// A matrix by rows.
fn rows(matrix: &DMatrix<f64>) -> Vec<Vec<Big>> {
    matrix.row_iter().map(|row| row.iter().map(|&entry| Big::from(entry)).collect()).collect()
}

/// `‖A(x_i - x_j)‖²` on the tape, with what its gradient needs.
struct Pair {
    i: usize,
    j: usize,
    /// `x_i - x_j`.
    apart: Vec<Big>,
    /// `A(x_i - x_j)`.
    mapped: Vec<Big>,
    distance: Var,
}

pub fn truth(objective: Objective, data: &Labelled, precision: Precision, nudge: Option<&Nudge>) -> Truth {
    let mut arrays: Vec<_> = data.arrays().into_iter().map(|(name, matrix)| (name, rows(matrix))).collect();
    if let Some(nudge) = nudge {
        let (_, rows) = arrays.iter_mut().find(|(name, _)| *name == nudge.array).expect("no such array");
        rows[nudge.row][nudge.column] += &nudge.by;
    }
    let (transform, points) = (&arrays[0].1, &arrays[1].1);

    let mut tape = Tape::default();
    let mut pairs = Vec::new();
    let mut terms = Vec::new();
    for i in 0..points.len() {
        let mut same = Vec::new();
        let mut other = Vec::new();
        for j in (0..points.len()).filter(|&j| j != i) {
            let apart: Vec<_> = points[i].iter().zip(&points[j]).map(|(a, b)| a - b).collect();
            let mapped: Vec<_> = transform.iter().map(|row| dot(row, &apart)).collect();
            let distance = tape.leaf(dot(&mapped, &mapped));
            pairs.push(Pair { i, j, apart, mapped, distance });
            let exponent = tape.scale(distance, &Big::from(-1.0));
            let kernel = tape.exp(exponent);
            if data.labels[i] == data.labels[j] { same.push(kernel) } else { other.push(kernel) }
        }
        let same = tape.sum(&same);
        let other = tape.sum(&other);
        // p_i = S/(S + O): -log p_i = log(1 + O/S), and 1 - p_i = O/(S + O).
        terms.push(match objective {
            Objective::KullbackLeibler => {
                let odds = tape.quotient(other, same);
                tape.ln_1p(odds)
            }
            Objective::TotalVariation => {
                let all = tape.sum(&[same, other]);
                tape.quotient(other, all)
            }
        });
    }
    let total = tape.sum(&terms);
    let gradient = gradient(&tape, total, &pairs, transform, points.len());
    Truth {
        value: tape.value(total).clone(),
        per_anchor: terms.iter().map(|&term| tape.value(term).clone()).collect(),
        gradient,
        precision,
    }
}

/// `∂D/∂A = 2 (A x)xᵀ` and `∂D/∂x = 2 Aᵀ(A x)`, for `D = ‖A x‖²` and `x = x_i - x_j`.
fn gradient(
    tape: &Tape,
    total: Var,
    pairs: &[Pair],
    transform: &[Vec<Big>],
    points: usize,
) -> Vec<ArrayTruth> {
    let features = transform.first().map_or(0, Vec::len);
    let mut by_transform = vec![vec![Derivative::default(); features]; transform.len()];
    let mut by_point = vec![vec![Derivative::default(); features]; points];
    let derivatives = tape.derivatives(total);
    for pair in pairs {
        let mut twice = Derivative::default();
        twice.accumulate(derivatives.by(pair.distance), &Big::from(2.0));
        for (d, mapped) in pair.mapped.iter().enumerate() {
            let mut by_mapped = Derivative::default();
            by_mapped.accumulate(&twice, mapped);
            for f in 0..features {
                by_transform[d][f].accumulate(&by_mapped, &pair.apart[f]);
                by_point[pair.i][f].accumulate(&by_mapped, &transform[d][f]);
                by_point[pair.j][f].accumulate(&by_mapped, &-&transform[d][f]);
            }
        }
    }
    vec![ArrayTruth::new("transform", &by_transform), ArrayTruth::new("points", &by_point)]
}

//! The losses in plain f64, for small scores: a check that the truth computes what is meant.

use intnacl_reference::{Loss, Negatives, Neighborhood, RobustTerm, Tuples, Weight};
use nalgebra::{DMatrix, RowDVector};

fn kernels(x: &RowDVector<f64>, rows: &DMatrix<f64>, t: f64) -> Vec<f64> {
    rows.row_iter().map(|row| (x.dot(&row) / t).exp()).collect()
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn estimate(negatives: Negatives, u: &[f64], v: &[f64], t: f64) -> f64 {
    let floor = (-1.0 / t).exp();
    match negatives {
        Negatives::G0 => mean(u),
        Negatives::G1 { tau_plus: tau } => ((mean(u) - tau * mean(v)) / (1.0 - tau)).max(floor),
        Negatives::G2 { tau_plus: tau, beta } => {
            let power = |exponent: f64| u.iter().map(|h| h.powf(exponent)).sum::<f64>();
            ((power(beta + 1.0) / power(beta) - tau * mean(v)) / (1.0 - tau)).max(floor)
        }
    }
}

/// The loss at anchor `b`.
pub fn at_anchor(loss: &Loss, data: &Tuples, t: f64, b: usize) -> f64 {
    let x: RowDVector<f64> = data.anchor.row(b).into_owned();
    let positives = kernels(&x, &data.positives[b], t);
    let u = kernels(&x, &data.negatives[b], t);
    let draws = data.debias_positives.as_ref().map(|draws| kernels(&x, &draws[b], t));
    let v = draws.unwrap_or_else(|| vec![positives[0]]);
    let n = u.len() as f64;
    let nca = |g: Negatives| {
        let p: f64 = positives.iter().sum();
        -(p / (p + n * estimate(g, &u, &v, t))).ln()
    };
    let single = |g: Negatives| -(positives[0] / (positives[0] + n * estimate(g, &u, &v, t))).ln();
    let mixed = |g: Negatives, lambda: f64| {
        let Some(mixed) = &data.mixed else { return 0.0 };
        let z = kernels(&x, &mixed[b], t);
        let omega = |(j, h): (usize, &f64)| {
            let own = data.mixed_negatives.as_ref().map(|negatives| kernels(&x, &negatives[b][j], t));
            let u = own.as_ref().unwrap_or(&u);
            h / (h + u.len() as f64 * estimate(g, u, &v, t))
        };
        let term = |omega: f64| -lambda * omega.ln() - (1.0 - lambda) * (1.0 - omega).ln();
        mean(&z.iter().enumerate().map(omega).map(term).collect::<Vec<_>>())
    };
    let robust = |g: Negatives, weight: Weight, weight_negatives: Negatives| {
        let Some(adversarial) = &data.adversarial else { return 0.0 };
        let h = (x.dot(&adversarial.row(b)) / t).exp();
        let own = data.adversarial_negatives.as_ref().map(|negatives| kernels(&x, &negatives[b], t));
        let u = own.as_ref().unwrap_or(&u);
        let term = -(h / (h + u.len() as f64 * estimate(g, u, &v, t))).ln();
        if weight == Weight::One { term } else { single(weight_negatives) * term }
    };
    let beside = |g: Negatives, alpha: f64, RobustTerm { negatives, weight }: RobustTerm| {
        if alpha == 0.0 { 0.0 } else { alpha * robust(negatives, weight, g) }
    };
    match *loss {
        Loss::SimClr => single(Negatives::G0),
        Loss::Debiased { tau_plus } => single(Negatives::G1 { tau_plus }),
        Loss::HardNegative { tau_plus, beta } => single(Negatives::G2 { tau_plus, beta }),
        Loss::Adversarial { alpha } => {
            single(Negatives::G0) + alpha * robust(Negatives::G0, Weight::One, Negatives::G0)
        }
        Loss::Nca { negatives } => nca(negatives),
        Loss::MixNca { negatives, lambda } => single(negatives) + mixed(negatives, lambda),
        Loss::Robust { negatives, weight, weight_negatives } => robust(negatives, weight, weight_negatives),
        Loss::IntCl { negatives, alpha, robust } => single(negatives) + beside(negatives, alpha, robust),
        Loss::IntNaCl { negatives: g, alpha, robust, neighborhood } => {
            let clean = match neighborhood {
                Neighborhood::Nca => nca(g),
                Neighborhood::MixNca { lambda } => single(g) + mixed(g, lambda),
                Neighborhood::Combined { lambda, joined: true } => nca(g) + mixed(g, lambda),
                Neighborhood::Combined { lambda, joined: false } => nca(g) + single(g) + mixed(g, lambda),
            };
            clean + beside(g, alpha, robust)
        }
    }
}

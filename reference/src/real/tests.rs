//! Double-double functions against many bits, over their whole ranges.

use super::*;
use crate::random::Rng;

const BITS: usize = 256;

fn big(x: Dd) -> Big {
    Big::lift(x.hi, BITS) + &Big::lift(x.lo, BITS)
}

/// `log2` of the relative error.
fn error(found: Dd, truth: &Big) -> f64 {
    (big(found) - truth).log2_abs() - truth.log2_abs()
}

/// Double-doubles from `-range` to `range`, all low parts different.
fn samples(range: f64) -> impl Iterator<Item = Dd> {
    (0..4001).map(move |i| {
        let hi = range * (f64::from(i) / 2000.0 - 1.0);
        Dd::new(hi, hi * 1e-17 * (f64::from(i) * 0.7).sin())
    })
}

fn worst(errors: impl Iterator<Item = f64>) -> f64 {
    errors.fold(f64::NEG_INFINITY, f64::max)
}

#[test]
fn exp_is_right_to_its_stated_bits() {
    for range in [1e-6, 0.01, 0.34, 1.0, 30.0, 400.0] {
        let xs: Vec<Dd> = samples(range).collect();
        for (context, bits) in [(DdContext::Quick, 65.0), (DdContext::Full, 97.0)] {
            let found = Dd::exp_all(&xs, &Dd::ZERO, context);
            let worst = worst(xs.iter().zip(found).map(|(x, found)| error(found, &big(*x).exp(BITS))));
            assert!(worst < -bits, "range {range}, {context:?}: 2^{worst}");
        }
    }
}

#[test]
fn ln_1p_keeps_its_relative_precision() {
    for range in [1e-300, 1e-20, 1e-6, 0.2, 0.999] {
        let worst = worst(
            samples(range)
                .filter(|x| x.hi != 0.0)
                .map(|x| error(x.ln_1p(DdContext::Full), &big(x).ln_1p(BITS))),
        );
        assert!(worst < -96.0, "range {range}: 2^{worst}");
    }
}

#[test]
fn ln_and_sqrt_and_division_are_right() {
    for x in samples(1e4).filter(|x| x.hi > 0.0 && (x.hi - 1.0).abs() > 0.1) {
        assert!(error(x.ln(DdContext::Full), &big(x).ln(BITS)) < -96.0, "ln {x:?}");
        assert!(error(x.sqrt(DdContext::Full), &big(x).sqrt(BITS)) < -100.0, "sqrt {x:?}");
        let quotient = Dd::new(3.0, 1e-17) / &x;
        assert!(error(quotient, &(big(Dd::new(3.0, 1e-17)) / &big(x))) < -100.0, "3/{x:?}");
    }
}

#[test]
fn exp_of_far_arguments_is_zero_and_not_nan() {
    let far = [Dd::new(-709.0, 0.0), Dd::new(-1e6, 0.0), Dd::new(-1e300, 0.0)];
    for context in [DdContext::Quick, DdContext::Full] {
        assert!(Dd::exp_all(&far, &Dd::ZERO, context).iter().all(|x| *x == Dd::ZERO));
    }
}

/// Rows on the sphere with all kinds of neighbours: equal, opposite, nearly equal, and with entries of very
/// different sizes.
fn rows(n: usize, d: usize) -> Vec<Dd> {
    let mut rng = Rng::new((n * 1000 + d) as u64);
    let mut uniform = || 2.0 * rng.uniform() - 1.0;
    let mut rows: Vec<Dd> = Vec::new();
    for i in 0..n {
        let mut row: Vec<Dd> = match i % 7 {
            2 => rows[rows.len() - d..].to_vec(),
            3 => rows[rows.len() - d..].iter().map(|x| x.negated()).collect(),
            4 => rows[rows.len() - d..].iter().map(|x| x.plus(Dd::new(1e-9 * uniform(), 0.0))).collect(),
            5 => (0..d).map(|_| Dd::new(uniform() * (60.0 * uniform() - 30.0).exp2(), 0.0)).collect(),
            _ => (0..d).map(|_| Dd::new(uniform(), 0.0)).collect(),
        };
        let square = Dd::dot(&row, &row, DdContext::Full);
        let inverse = Dd::new(1.0, 0.0) / &square.sqrt(DdContext::Full);
        Dd::scale_all(&mut row, &inverse);
        rows.extend(row);
    }
    rows
}

/// The sizes at which products are cut differently: below, at and above a tile, a block and a run.
const SIZES: [(usize, usize); 12] = [
    (2, 1),
    (3, 3),
    (8, 16),
    (17, 15),
    (63, 1),
    (64, 128),
    (65, 33),
    (128, 3),
    (129, 17),
    (192, 128),
    (300, 64),
    (70, 512),
];

#[test]
fn gram_is_right_to_its_stated_bits() {
    for (n, d) in SIZES {
        let rows = rows(n, d);
        let truths: Vec<Big> = rows.iter().map(|x| big(*x)).collect();
        for context in [DdContext::Quick, DdContext::Full] {
            let gram = Dd::gram(&rows, d, context);
            let mut errors = Vec::new();
            for i in (0..n).step_by(n.div_ceil(12)) {
                for j in 0..n {
                    let truth = Big::dot(&truths[i * d..][..d], &truths[j * d..][..d], BITS);
                    errors.push((big(gram[i * n + j]) - &truth).log2_abs());
                    errors.push((big(gram[j * n + i]) - &truth).log2_abs());
                }
            }
            let worst = worst(errors.into_iter());
            assert!(worst < -Dd::bits(context), "{n} rows of {d}, {context:?}: 2^{worst}");
        }
    }
}

#[test]
fn spread_is_right_to_its_stated_bits() {
    for (n, d) in SIZES {
        let rows = rows(n, d);
        // Weights of all sizes and both signs; every fifth row has none.
        let weight = |i: usize| {
            let x = (i as f64 * 12.9898).sin();
            let hi = if i / n % 5 == 4 { 0.0 } else { x * (40.0 * (i as f64 * 0.7).sin() - 40.0).exp2() };
            Dd::new(hi, hi * 1e-17 * (i as f64).cos())
        };
        let weights: Vec<Dd> = (0..n * n).map(weight).collect();
        for context in [DdContext::Quick, DdContext::Full] {
            let start = Dd::new(0.25, 1e-18);
            let mut found = vec![start; n * d];
            Dd::spread(&mut found, &weights, &rows, d, context);
            for i in (0..n).step_by(n.div_ceil(12)) {
                let mut truth = vec![big(start); d];
                let mut magnitude = 0.0;
                for j in 0..n {
                    let weight = big(weights[i * n + j]) + &big(weights[j * n + i]);
                    let row: Vec<Big> = rows[j * d..][..d].iter().map(|x| big(*x)).collect();
                    Big::add_scaled(&mut truth, &weight, &row);
                    magnitude += weight.to_f64().abs();
                }
                let off: Vec<Big> =
                    found[i * d..][..d].iter().zip(&truth).map(|(x, truth)| big(*x) - truth).collect();
                let error = 0.5 * Big::dot(&off, &off, BITS).log2_abs();
                // The numbers that were there before are right to their own last bits.
                let bound = (magnitude * (-Dd::bits(context)).exp2() + (d as f64).sqrt() * 1e-31).log2();
                assert!(error < bound, "row {i} of {n} rows of {d}, {context:?}: 2^{error}, 2^{bound}");
            }
        }
    }
}

#[test]
fn sums_are_right() {
    let numbers: Vec<Dd> = samples(1.0).map(|x| x.exponential::<true>()).collect();
    let exact = numbers.iter().fold(Big::lift(0.0, BITS), |sum, x| sum + &big(*x));
    for (context, bits) in [(DdContext::Quick, 85.0), (DdContext::Full, 96.0)] {
        let error = error(Dd::sum(&numbers, context), &exact);
        assert!(error < -bits, "{context:?}: 2^{error}");
    }
}

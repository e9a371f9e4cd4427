//! Double-double functions against many bits, over their whole ranges.

use super::*;

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
        for (context, bits) in [(DdContext::Quick, 69.0), (DdContext::Full, 97.0)] {
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

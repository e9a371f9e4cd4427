//! The truth is held to account too: its arithmetic here, its losses and gradients in the modules.

mod gradients;
mod measures;
mod values;

use crate::big::{Big, at_precision};
use crate::truth::{ArrayTruth, Precision};

/// Asserts that two numbers agree to about `bits` bits of the larger.
#[track_caller]
fn assert_agree(a: &Big, b: &Big, bits: i64, what: &str) {
    let difference = (a - b).abs();
    let size = a.exponent().max(b.exponent());
    if let (Some(difference), Some(size)) = (difference.exponent(), size) {
        assert!(difference < size - bits, "{what}: only {} bits agree", size - difference);
    }
}

/// Asserts that two gradients by an array agree to `bits` bits of the array's size, or are both residue.
#[track_caller]
fn assert_arrays_agree(a: &ArrayTruth, b: &ArrayTruth, bits: i64, precision: Precision, what: &str) {
    let pairs = || a.rows.iter().flatten().zip(b.rows.iter().flatten());
    let size = pairs().filter_map(|(_, entry)| entry.exponent()).max();
    let error = pairs().filter_map(|(a, b)| (a - b).exponent()).max();
    let close = size.zip(error).is_none_or(|(size, error)| error < size - bits);
    let name = &a.name;
    assert!(
        close || precision.is_residue(size, a.terms) == Some(true),
        "{name}: 2^{error:?} in 2^{size:?}: {what}"
    );
}

#[test]
fn functions_give_published_digits() {
    at_precision(384, || {
        let number = |x: f64| Big::from(x);
        let two = number(2.0);
        let cases = [
            (
                "e",
                Big::one().exp(),
                "2.71828182845904523536028747135266249775724709369995957496696762772407663035354759457138217852516\
                 6427427466391932003059922",
            ),
            (
                "log 2",
                two.ln(),
                "0.693147180559945309417232121458176568075500134360255254120680009493393621969694715605863326996418\
                 6875420014810205706857337",
            ),
            (
                "sqrt 2",
                two.sqrt(),
                "1.41421356237309504880168872420969807856967187537694807317667973799073247846210703885038753432764\
                 1572735013846230912297025",
            ),
            (
                "e^200",
                number(200.0).exp(),
                "722597376812574925817747704218930569735687442852731928403269789123221909361473891661561.926589062\
                 5705574684020431014294182",
            ),
            (
                "e^-1800",
                number(-1800.0).exp(),
                "1.86179806306522453445408740548298841120558383816437635526362048875251159110908659796646246213078\
                 218147615715273105411053e-782",
            ),
            (
                "log(1 + 1e-7)",
                Big::parse("1e-7").ln_1p(),
                "0.0000000999999950000003333333083333353333331666666809523797023810634920534920644011543178210755133\
                 74799089865756459506466344701",
            ),
        ];
        for (name, found, digits) in cases {
            assert_agree(&found, &Big::parse(digits), 375, name);
        }
    });
}

/// `e^x` by its series after the argument was halved often, with additions and products alone.
fn exp_by_series(x: &Big) -> Big {
    let halvings = 24;
    let reduced = x * &Big::power_of_two(-halvings);
    let (mut sum, mut term) = (Big::one(), Big::one());
    for k in 1..60 {
        term = &(&term * &reduced) / &Big::from(f64::from(k));
        sum += &term;
    }
    for _ in 0..halvings {
        sum = &sum * &sum;
    }
    sum
}

#[test]
fn functions_agree_with_series_and_with_their_inverses() {
    for bits in [256, 384, 896, 1472] {
        at_precision(bits, || {
            for x in [1800.0, 200.0, 17.3, 1.0, 0.1, 1e-5, 1e-20, -1e-9, -0.7, -200.0, -1800.0] {
                let x = Big::from(x);
                let found = x.exp();
                at_precision(bits + 128, || {
                    // 60 terms of arguments below 2^-13 give 60·13 bits and the bits of 60! more.
                    let series_bits = (bits as i64).min(1000) - 4;
                    assert_agree(&found, &exp_by_series(&x), series_bits, "exp against its series");
                });
                assert_agree(&found.ln(), &x, bits as i64 - 80, "log of exp");
                assert_agree(&(&found * &(-&x).exp()), &Big::one(), bits as i64 - 8, "exp(x)·exp(-x)");
            }
        });
    }
}

#[test]
fn the_two_ways_to_log_1p_agree_where_they_meet() {
    for exponent in [-200, -130, -70, -66, -65, -64, -63, -62, -40, -3] {
        let x = &Big::power_of_two(exponent) * &Big::from(1.37);
        let found = x.ln_1p();
        let direct = at_precision(700, || (&Big::one() + &x).ln());
        assert_agree(&found, &direct, 250, "log(1+x)");
    }
}

#[test]
fn conversions_from_f64_are_exact_and_back_are_close() {
    for x in [0.1, -3.75, 1e300, 1e-300, f64::MAX / 2.0, f64::MIN_POSITIVE, 2f64.powi(-60)] {
        assert_eq!(Big::from(x).to_f64(), x);
        // The difference of neighbours is exact in big floats.
        let step = &Big::from(x.next_up()) - &Big::from(x);
        assert_eq!(step, Big::from(x.next_up() - x), "{x}");
    }
    let smallest = f64::from_bits(1);
    assert_eq!(Big::from(smallest), Big::power_of_two(-1074));
    assert_eq!(Big::power_of_two(0), Big::one());
    assert_eq!(&Big::power_of_two(-2) * &Big::from(4.0), Big::one());
}

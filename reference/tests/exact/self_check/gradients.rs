//! Gradients against difference quotients of the values.

use super::assert_arrays_agree;
use super::values::small;
use crate::arrays::Arrays;
use crate::big::{Big, at_precision};
use crate::cases::random::KINDS;
use crate::cases::rng::Rng;
use crate::cases::supervised;
use crate::truth::{Nudge, Truth};
use intnacl_reference::{Loss, Negatives, Request, RobustTerm, Settings, Weight};

/// Central differences with steps of `2^-80` are right to about `2^-160`.
const STEP: i32 = -80;

/// Compares an entry of each array.
fn check_differences(request: &Request, rng: &mut Rng) {
    let truth = Truth::of(request);
    for (array, (name, matrix)) in truth.gradient.iter().zip(request.arrays()) {
        assert_eq!(array.name, name);
        let size = array.rows.iter().flatten().fold(Big::one(), |size, entry| &size + &entry.abs());
        let (row, column) = (rng.below(matrix.nrows()), rng.below(matrix.ncols()));
        let at = |sign: f64| {
            let by = &Big::from(sign) * &Big::power_of_two(STEP);
            Truth::nudged(request, Some(&Nudge { array: name.clone(), row, column, by })).value
        };
        let slope = &(&at(1.0) - &at(-1.0)) * &Big::power_of_two(-STEP - 1);
        let error = (&slope - &array.rows[row][column]).abs();
        let bits = error.exponent().map_or(1000, |error| size.exponent().unwrap_or(1) - error);
        assert!(bits > 120, "{name}[{row}][{column}]: {bits} bits agree in {request:?}");
    }
}

/// Whether a weight is held constant, so that the gradient is not the slope.
fn held_constant(loss: &Loss) -> bool {
    match *loss {
        Loss::Robust { weight, .. }
        | Loss::IntCl { robust: RobustTerm { weight, .. }, .. }
        | Loss::IntNaCl { robust: RobustTerm { weight, .. }, .. } => weight == Weight::Adversarial,
        _ => false,
    }
}

#[test]
fn gradients_are_slopes() {
    let rng = &mut Rng::new(5);
    for kind in 0..KINDS {
        for seed in 0..4 {
            let mut settings = Settings::new(rng.pick(&[0.3, 0.7, 2.0]));
            settings.normalize = seed % 2 == 0;
            let request = small(seed, kind, settings, seed % 3 == 0);
            let (Request::Tuples { loss, .. } | Request::Batch { loss, .. }) = &request else {
                unreachable!()
            };
            if !held_constant(loss) {
                at_precision(320, || check_differences(&request, rng));
            }
        }
    }
}

#[test]
fn supervised_gradients_are_slopes() {
    let rng = &mut Rng::new(6);
    for case in supervised::cases(40).iter().filter(|case| case.name.contains("random")) {
        check_differences(&(case.make)(), rng);
    }
}

#[test]
fn a_weight_held_constant_multiplies_the_gradient() {
    let negatives = Negatives::G2 { tau_plus: 0.1, beta: 0.5 };
    let weight_negatives = Negatives::G1 { tau_plus: 0.05 };
    let with = |request: &Request, weight| {
        let mut request = request.clone();
        let (Request::Tuples { loss, .. } | Request::Batch { loss, .. }) = &mut request else {
            unreachable!()
        };
        *loss = Loss::Robust { negatives, weight, weight_negatives };
        Truth::of(&request)
    };
    let mut seen = 0;
    for seed in 0..40 {
        // Kind 12 has all that a robust term reads; one anchor, so that there is one weight.
        let request = small(seed, 12, Settings::new(0.4), false);
        let Request::Tuples { data, .. } = &request else { unreachable!() };
        if data.anchor.nrows() != 1 {
            continue;
        }
        seen += 1;
        let [one, held] = [Weight::One, Weight::Adversarial].map(|weight| with(&request, weight));
        let precision = one.precision;
        let weight = &held.value / &one.value;
        for (mut one, held) in one.gradient.into_iter().zip(&held.gradient) {
            one.rows.iter_mut().flatten().for_each(|entry| *entry = &*entry * &weight);
            assert_arrays_agree(&one, held, 200, precision, "the weight as a factor");
        }
    }
    assert!(seen > 5);
}

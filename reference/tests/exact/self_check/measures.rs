//! The measures of error, on answers whose errors are known.

use crate::big::Big;
use crate::budget::Quantity;
use crate::cases::random::request;
use crate::compare::deviations;
use crate::truth::{Precision, Truth};
use intnacl_reference::{Answer, Evaluation, Request, Tuples};

/// The truth of a request in tuples, rounded to f64.
fn rounded(request: &Request, truth: &Truth) -> Evaluation<Tuples> {
    let Request::Tuples { data, .. } = request else { panic!("not in tuples") };
    let mut gradient = data.clone();
    let mut matrices = Vec::new();
    matrices.push(&mut gradient.anchor);
    matrices.extend(&mut gradient.positives);
    matrices.extend(&mut gradient.negatives);
    matrices.extend(gradient.debias_positives.iter_mut().flatten());
    matrices.extend(gradient.mixed.iter_mut().flatten());
    matrices.extend(gradient.mixed_negatives.iter_mut().flatten().flatten());
    matrices.extend(gradient.adversarial.as_mut());
    matrices.extend(gradient.adversarial_negatives.iter_mut().flatten());
    for (matrix, array) in matrices.into_iter().zip(&truth.gradient) {
        for (i, row) in array.rows.iter().enumerate() {
            for (j, entry) in row.iter().enumerate() {
                matrix[(i, j)] = entry.to_f64();
            }
        }
    }
    let per_anchor = truth.per_anchor.iter().map(Big::to_f64).collect();
    Evaluation { value: truth.value.to_f64(), per_anchor, gradient }
}

fn units(answer: Evaluation<Tuples>, truth: &Truth, place: &str) -> f64 {
    let all = deviations(&Answer::Tuples(answer), truth).expect("the truth has bits enough");
    all.into_iter().find(|deviation| deviation.place == place).expect("the place is there").units
}

/// A request in tuples at `t = 0.1` whose gradients are not zero.
fn ordinary() -> Request {
    (0..)
        .map(|k| request(5 + 11 * k))
        .find(|request| match request {
            Request::Tuples { data, .. } => data.anchor.ncols() > 2 && data.anchor.nrows() == 1,
            _ => false,
        })
        .expect("there is one")
}

#[test]
fn the_rounded_truth_has_at_most_half_a_unit_and_known_errors_are_measured() {
    let request = ordinary();
    let truth = Truth::of(&request);
    let best = rounded(&request, &truth);
    for deviation in deviations(&Answer::Tuples(best.clone()), &truth).expect("bits enough") {
        assert!(deviation.units <= 0.51, "{} is off by {} units", deviation.place, deviation.units);
    }

    let mut off = best.clone();
    off.value += 5.0 * (off.value.next_up() - off.value);
    let found = units(off, &truth, "value");
    assert!((4.5..=5.5).contains(&found), "five steps and the rounding: {found}");

    let mut off = best.clone();
    off.gradient.anchor *= 1.0 + 2f64.powi(-43);
    let found = units(off, &truth, "anchor");
    assert!((1020.0..1028.0).contains(&found), "2^-43 is 1024 units: {found}");

    let mut off = best.clone();
    off.gradient.anchor[(0, 1)] = f64::NAN;
    assert_eq!(units(off, &truth, "anchor"), f64::INFINITY);

    let mut off = best.clone();
    off.value = f64::INFINITY;
    assert_eq!(units(off, &truth, "value"), f64::INFINITY);

    let mut off = best;
    off.per_anchor.pop();
    let shape = deviations(&Answer::Tuples(off), &truth)
        .into_iter()
        .flatten()
        .any(|deviation| deviation.quantity == Quantity::PerAnchor && deviation.units.is_infinite());
    assert!(shape, "a missing anchor is an error");
}

#[test]
fn zero_must_be_met_exactly() {
    let request = ordinary();
    let mut truth = Truth::of(&request);
    let mut with_anchor = |entry: &Big, terms| {
        truth.gradient[0].rows.iter_mut().flatten().for_each(|old| *old = entry.clone());
        truth.gradient[0].terms = terms;
        let mut answer = rounded(&request, &truth);
        let right = units(answer.clone(), &truth, "anchor");
        answer.gradient.anchor.fill(0.0);
        let zero = units(answer.clone(), &truth, "anchor");
        answer.gradient.anchor[(0, 0)] = 1e-300;
        (right, zero, units(answer, &truth, "anchor"))
    };
    let nothing = f64::INFINITY;
    assert_eq!(with_anchor(&Big::zero(), Some(1)), (0.0, 0.0, nothing), "a sum that is zero");
    assert_eq!(with_anchor(&Big::zero(), None), (0.0, 0.0, nothing), "no terms");
    // Far below its terms, but known: itself or zero.
    let (right, zero, other) = with_anchor(&Big::power_of_two(-260), Some(50));
    assert!(right == 0.0 && zero == 0.0 && other > 1e10);
    let (right, zero, other) = with_anchor(&Big::power_of_two(-260), Some(-50));
    assert!(right == 0.0 && zero > 1e10 && other > 1e10);
}

#[test]
fn residue_is_told_from_small_sums() {
    let precision = Precision::for_temperature(1.0);
    assert_eq!(precision.is_residue(None, Some(3)), Some(true), "an exact zero");
    assert_eq!(precision.is_residue(Some(-370), Some(3)), Some(true), "what rounding leaves");
    assert_eq!(precision.is_residue(Some(-220), Some(3)), Some(false), "what inputs in f64 make");
    assert_eq!(precision.is_residue(Some(-320), Some(3)), None, "not clear");
}

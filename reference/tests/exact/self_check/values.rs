//! Values against plain f64 where that is good enough, and the two layouts against each other.

use super::{assert_agree, assert_arrays_agree};
use crate::big::{Big, at_precision};
use crate::cases::geometry::Geometry;
use crate::cases::random::{Draw, KINDS, loss};
use crate::cases::rng::Rng;
use crate::cases::{floor, hard, random};
use crate::naive;
use crate::truth::{Precision, Truth};
use intnacl_reference::{Batch, Labelled, Loss, Objective, Request, Settings, Tuples, Weight};
use nalgebra::DMatrix;

/// A small request of a kind of loss, unrelated rows.
pub fn small(seed: u64, kind: usize, settings: Settings, in_batch: bool) -> Request {
    let rng = &mut Rng::new(seed);
    let loss = loss(rng, kind);
    let rescale = settings.normalize;
    let draw = Draw { loss, geometry: Geometry::Sphere, rescale, most_negatives: 5, most_entries: 24 };
    draw.request(rng, settings, in_batch)
}

#[track_caller]
fn assert_close(truth: &Big, naive: f64, what: &str) {
    let difference = (truth.to_f64() - naive).abs();
    assert!(difference <= 1e-12 * (1.0 + naive.abs()), "{what}: {} against {naive}", truth.to_f64());
}

#[test]
fn values_agree_with_plain_f64_at_temperature_one() {
    for kind in 0..KINDS {
        for seed in 0..12 {
            let request = small(seed, kind, Settings::new(1.0), false);
            let Request::Tuples { loss, data, .. } = &request else { unreachable!() };
            let truth = Truth::of(&request);
            let count = data.anchor.nrows();
            for b in 0..count {
                let naive = naive::at_anchor(loss, data, 1.0, b);
                assert_close(&truth.per_anchor[b], naive, &format!("{loss:?}, seed {seed}"));
            }
            let sum = truth.per_anchor.iter().fold(Big::zero(), |sum, term| &sum + term);
            assert_agree(&(&sum / &Big::from(count as f64)), &truth.value, 240, "the mean");
        }
    }
}

/// Row `i` of each of the matrices.
fn rows_of(matrices: &[&DMatrix<f64>], i: usize) -> DMatrix<f64> {
    DMatrix::from_fn(matrices.len(), matrices[0].ncols(), |k, j| matrices[k][(i, j)])
}

/// Rows of both matrices, of every image but `i`.
fn others(a: &DMatrix<f64>, b: &DMatrix<f64>, i: usize) -> DMatrix<f64> {
    let rest: Vec<_> = (0..a.nrows()).filter(|&k| k != i).collect();
    let pick = |m: &DMatrix<f64>| m.select_rows(&rest);
    let (a, b) = (pick(a), pick(b));
    DMatrix::from_fn(2 * rest.len(), a.ncols(), |k, j| {
        if k < rest.len() { a[(k, j)] } else { b[(k - rest.len(), j)] }
    })
}

/// The clean or the robust part of a batch loss at image `i`, as one anchor in tuples.
fn anchor_of(
    anchor: &DMatrix<f64>,
    positives: &[&DMatrix<f64>],
    negatives: [&DMatrix<f64>; 2],
    i: usize,
) -> Tuples {
    let [a, b] = negatives;
    Tuples::new(rows_of(&[anchor], i), vec![rows_of(positives, i)], vec![others(a, b, i)])
}

/// `per_anchor[i]` of a batch, put together from plain evaluations of its anchors in tuples.
fn naive_image(loss: &Loss, data: &Batch, t: f64, i: usize) -> f64 {
    let views: Vec<_> = data.views.iter().collect();
    let swapped: Vec<_> = [views[1], views[0]].into_iter().chain(views[2..].iter().copied()).collect();
    let sides: Vec<_> = if data.symmetric { vec![views, swapped] } else { vec![views] };
    let clean: Vec<_> =
        sides.iter().map(|v| anchor_of(v[0], &v[1..], [&data.views[0], &data.views[1]], i)).collect();
    let mean = |of: &dyn Fn(&Tuples) -> f64, anchors: &[Tuples]| {
        anchors.iter().map(of).sum::<f64>() / anchors.len() as f64
    };
    let at = |loss: Loss| move |data: &Tuples| naive::at_anchor(&loss, data, t, 0);
    // Without mixed rows and with α = 0 what is left is the clean term.
    let bare = match *loss {
        Loss::Adversarial { .. } => Some(Loss::SimClr),
        Loss::IntCl { negatives, robust, .. } => Some(Loss::IntCl { negatives, alpha: 0.0, robust }),
        Loss::IntNaCl { negatives, robust, neighborhood, .. } => {
            Some(Loss::IntNaCl { negatives, alpha: 0.0, robust, neighborhood })
        }
        Loss::Robust { .. } => None,
        other => Some(other),
    };
    let mut sum = bare.map_or(0.0, |bare| mean(&at(bare), &clean));
    if let (true, Some(mixed), Some(bare)) = (loss.needs_mixed(), &data.mixed, bare) {
        let mut with = clean[0].clone();
        with.mixed = Some(vec![rows_of(&mixed.iter().collect::<Vec<_>>(), i)]);
        sum += at(bare)(&with) - at(bare)(&clean[0]);
    }
    if let (true, Some(adversarial)) = (loss.needs_adversarial(), &data.adversarial) {
        let view = &data.views[0];
        let pairs = if data.symmetric {
            vec![(view, adversarial), (adversarial, view)]
        } else {
            vec![(view, adversarial)]
        };
        let robust: Vec<_> =
            pairs.into_iter().map(|(x, y)| anchor_of(x, &[y], [view, adversarial], i)).collect();
        let (alpha, negatives, weight, weight_negatives) = match *loss {
            Loss::Adversarial { alpha } => {
                (alpha, intnacl_reference::Negatives::G0, Weight::One, intnacl_reference::Negatives::G0)
            }
            Loss::Robust { negatives, weight, weight_negatives } => {
                (1.0, negatives, weight, weight_negatives)
            }
            Loss::IntCl { negatives, alpha, robust } | Loss::IntNaCl { negatives, alpha, robust, .. } => {
                (alpha, robust.negatives, robust.weight, negatives)
            }
            _ => unreachable!("has no robust term"),
        };
        // One positive: NCA is the single-positive loss.
        let single = |negatives, anchors: &[Tuples]| {
            let first = |tuples: &Tuples| {
                let mut first = tuples.clone();
                first.positives[0] = first.positives[0].rows(0, 1).into_owned();
                at(Loss::Nca { negatives })(&first)
            };
            mean(&first, anchors)
        };
        let weight = if weight == Weight::One { 1.0 } else { single(weight_negatives, &clean) };
        sum += alpha * weight * single(negatives, &robust);
    }
    sum
}

#[test]
fn batches_agree_with_their_anchors_taken_one_by_one() {
    for kind in 0..KINDS {
        for seed in 0..12 {
            let request = small(seed, kind, Settings::new(1.0), true);
            let Request::Batch { loss, data, .. } = &request else { unreachable!() };
            let truth = Truth::of(&request);
            for (i, value) in truth.per_anchor.iter().enumerate() {
                let naive = naive_image(loss, data, 1.0, i);
                assert_close(value, naive, &format!("{loss:?}, symmetric {}, seed {seed}", data.symmetric));
            }
        }
    }
}

#[test]
fn supervised_values_agree_with_plain_f64() {
    let data = Labelled {
        transform: DMatrix::from_row_slice(2, 3, &[0.3, -0.2, 0.5, 0.9, 0.1, -0.4]),
        points: DMatrix::from_fn(6, 3, |i, j| ((i * 5 + j * 3) % 7) as f64 / 4.0),
        labels: vec![1, 2, 1, 2, 2, 1],
    };
    let mapped = &data.points * data.transform.transpose();
    let kernel = |i: usize, j: usize| (-(mapped.row(i) - mapped.row(j)).norm_squared()).exp();
    for objective in [Objective::KullbackLeibler, Objective::TotalVariation] {
        let truth = Truth::of(&Request::Supervised { objective, data: data.clone() });
        let mut total = 0.0;
        for i in 0..6 {
            let sum = |of: &dyn Fn(usize) -> bool| {
                (0..6).filter(|&j| j != i && of(j)).map(|j| kernel(i, j)).sum::<f64>()
            };
            let p = sum(&|j| data.labels[j] == data.labels[i]) / sum(&|_| true);
            let naive = if objective == Objective::KullbackLeibler { -p.ln() } else { 1.0 - p };
            assert_close(&truth.per_anchor[i], naive, "a point");
            total += naive;
        }
        assert_close(&truth.value, total, "the sum");
    }
}

#[test]
fn more_bits_change_nothing() {
    let mut requests: Vec<_> = (0..60).map(|k| random::request(1000 + 7 * k)).collect();
    let named = hard::cases().into_iter().chain(floor::cases());
    let cheap =
        |name: &str| !name.contains("4096") && !name.contains("last place, g2") && !name.contains("t=0.0");
    requests.extend(named.filter(|case| cheap(&case.name)).map(|case| (case.make)()));
    for request in requests {
        let truth = Truth::of(&request);
        let precision = Precision { bits: truth.precision.bits + 192, ..truth.precision };
        let finer = Truth::at(&request, None, precision);
        let bits = precision.bits;
        at_precision(bits, || {
            assert_agree(&truth.value, &finer.value, 180, "value");
            for (array, finer) in truth.gradient.iter().zip(&finer.gradient) {
                // Far more than an f64 shows, also after cancellation.
                assert_arrays_agree(array, finer, 100, truth.precision, &format!("{request:?}"));
            }
        });
    }
}

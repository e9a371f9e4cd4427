//! Tiles of the scores against all scores at once.

use super::by;
use crate::loss::{Engine, Outcome};
use crate::testing::{Random, losses};
use crate::{Batch, Layout, Loss, Settings};
use tch::{Kind, Tensor};

fn leaf(random: &mut Random, shape: &[i64], kind: Kind) -> Tensor {
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| random.uniform()).collect();
    Tensor::from_slice(&values).to_kind(kind).reshape(shape).set_requires_grad(true)
}

fn batch(images: i64, seed: u64, kind: Kind) -> Batch {
    let random = &mut Random::new(seed);
    let mut batch = Batch::new(leaf(random, &[3, images, 6], kind));
    batch.mixed = Some(leaf(random, &[1, images, 6], kind));
    batch.adversarial = Some(leaf(random, &[images, 6], kind));
    batch
}

/// The gradient by every embedding, of a scalar.
fn gradients(batch: &Batch, value: &Tensor) -> Vec<Tensor> {
    let leaves: Vec<&Tensor> = batch.tensors().into_iter().map(|(_, leaf)| leaf).collect();
    for leaf in &leaves {
        let _ = leaf.grad().defined().then(|| leaf.grad().zero_());
    }
    value.backward();
    let gradient = |leaf: &&Tensor| match leaf.grad() {
        gradient if gradient.defined() => gradient.copy(),
        _ => leaf.zeros_like(),
    };
    leaves.iter().map(gradient).collect()
}

fn distance(x: &Tensor, y: &Tensor) -> f64 {
    (x.detach() - y.detach()).to_kind(Kind::Double).norm().double_value(&[])
}

/// Compares what came of tiles with all scores at once.
fn agree(batch: &Batch, loss: &Loss, settings: &Settings, found: &Outcome, tolerance: f64, context: &str) {
    let per_anchor = batch.per_anchor(loss, settings).unwrap();
    let context = format!("{context} {loss:?} t = {}", settings.temperature);
    let size = |x: &Tensor| x.detach().to_kind(Kind::Double).norm().double_value(&[]);
    assert!(
        distance(&per_anchor, &found.per_anchor) <= tolerance * (1.0 + size(&per_anchor)),
        "{context}: {per_anchor} {}",
        found.per_anchor
    );
    // The gradient is linear in the derivative by the loss.
    let exact = gradients(batch, &(3.0 * per_anchor.mean(None)));
    let found = gradients(batch, &(3.0 * &found.value));
    for ((exact, found), (name, _)) in exact.iter().zip(&found).zip(batch.tensors()) {
        let allowed = tolerance * (1.0 + 1.0 / settings.temperature);
        assert!(distance(exact, found) <= allowed, "{context} {name}: {exact} {found}");
    }
}

/// Tiles of a width, by libtorch's operators.
fn operators_agree(batch: &Batch, loss: &Loss, settings: &Settings, width: Option<i64>, tolerance: f64) {
    let found = by(Engine::Tiles(width), batch, loss, settings).unwrap();
    agree(batch, loss, settings, &found, tolerance, &format!("operators, width {width:?}:"));
}

/// Tiles of a width, by the fused engine.
fn fused_agrees(batch: &Batch, loss: &Loss, settings: &Settings, width: usize, tolerance: f64) {
    let found = by(Engine::Fused(Some(width)), batch, loss, settings).unwrap();
    agree(batch, loss, settings, &found, tolerance, &format!("fused, width {width}:"));
}

#[test]
fn tiles_of_any_width_agree_with_all_scores() {
    for images in [2, 3, 4, 7] {
        for symmetric in [true, false] {
            let batch = Batch { symmetric, ..batch(images, 1, Kind::Double) };
            for loss in losses().iter().filter(|loss| !loss.needs_mixed()) {
                for width in [1, 2, 3, images, images + 1, 2 * images - 1, 2 * images, 100] {
                    operators_agree(&batch, loss, &Settings::new(0.3).normalizing(), Some(width), 1e-13);
                }
            }
        }
    }
}

#[test]
fn tiles_agree_with_all_scores_at_every_temperature() {
    for (kind, tolerance) in [(Kind::Double, 1e-12), (Kind::Float, 2e-4)] {
        let batch = batch(11, 2, kind);
        for t in [0.001, 0.005, 0.02, 0.05, 0.1, 0.5, 10.0] {
            // An error of the scores is one of the loss, so the tolerance is relative to their size.
            let tolerance = tolerance * (1.0 + 0.1 / t);
            for loss in losses() {
                let settings = Settings::new(t).normalizing();
                for width in [4, 22] {
                    operators_agree(&batch, &loss, &settings, Some(width), tolerance);
                }
                fused_agrees(&batch, &loss, &settings, 32, tolerance);
            }
        }
    }
}

#[test]
fn batches_around_the_width_of_a_tile_agree() {
    let loss = Loss::HardNegative { tau_plus: 0.1, beta: 1.0 };
    for images in [127, 128, 129, 131, 257] {
        for settings in [Settings::new(0.5).normalizing(), Settings::new(0.01).normalizing()] {
            operators_agree(&batch(images, 3, Kind::Double), &loss, &settings, None, 1e-12);
        }
    }
}

#[test]
fn fused_tiles_of_any_width_agree_with_all_scores() {
    for images in [2, 31, 32, 33, 65, 129] {
        for symmetric in [true, false] {
            let batch = Batch { symmetric, ..batch(images, 7, Kind::Double) };
            for width in [32, 64, 96, 128] {
                // All losses where there are few tiles to check them on.
                for loss in losses().into_iter().take(if images < 64 { usize::MAX } else { 4 }) {
                    fused_agrees(&batch, &loss, &Settings::new(0.3).normalizing(), width, 1e-12);
                }
                // No shift for all exponents.
                let loss = Loss::HardNegative { tau_plus: 0.1, beta: 0.7 };
                fused_agrees(&batch, &loss, &Settings::new(0.004).normalizing(), width, 1e-10);
            }
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    // Enough that each thread is worth waking.
    let batch = batch(700, 8, Kind::Float);
    let threads = tch::get_num_threads();
    for t in [0.5, 0.01] {
        let run = |threads| {
            tch::set_num_threads(threads);
            let loss = Loss::HardNegative { tau_plus: 0.1, beta: 1.0 };
            let value =
                by(Engine::Fused(Some(32)), &batch, &loss, &Settings::new(t).normalizing()).unwrap().value;
            (value.detach(), gradients(&batch, &value))
        };
        let one = run(1);
        for threads in [2, 3, 4] {
            for _ in 0..3 {
                assert_eq!(one, run(threads));
            }
        }
    }
    tch::set_num_threads(threads);
}

#[test]
fn memory_that_does_not_hold_the_rows_in_order_is_read_as_what_it_stands_for() {
    let batch = batch(40, 9, Kind::Float);
    let settings = Settings::new(0.5).normalizing();
    let straight = batch.value(&Loss::SimClr, &settings).unwrap();
    let turned = batch.views.detach().permute([2, 0, 1]).contiguous().permute([1, 2, 0]);
    assert!(!turned.is_contiguous());
    assert_eq!(straight.detach(), Batch::new(turned).value(&Loss::SimClr, &settings).unwrap());
}

#[test]
fn the_same_threads_give_the_same_bits() {
    let batch = batch(150, 4, Kind::Float);
    for t in [0.5, 0.01] {
        let run = || {
            let loss = Loss::HardNegative { tau_plus: 0.1, beta: 1.0 };
            let value = batch.value(&loss, &Settings::new(t).normalizing()).unwrap();
            (value.detach(), gradients(&batch, &value))
        };
        assert_eq!(run(), run());
    }
}

#[test]
fn no_gradient_is_computed_where_none_is_wanted() {
    let batch = batch(5, 5, Kind::Double);
    let settings = Settings::new(0.5).normalizing();
    let value = tch::no_grad(|| batch.value(&Loss::SimClr, &settings).unwrap());
    assert!(!value.requires_grad());
    let constant = Batch::new(batch.views.detach());
    assert!(!constant.value(&Loss::SimClr, &settings).unwrap().requires_grad());
    let per_anchor = constant.per_anchor(&Loss::SimClr, &settings).unwrap();
    assert!(distance(&per_anchor.mean(None), &value) < 1e-14);
}

#[test]
fn values_and_gradients_are_finite_on_and_off_the_sphere() {
    for (scale, t) in [(1.0, 1e-30), (1.0, 1e-3), (30.0, 0.1), (1e-3, 0.1)] {
        let random = &mut Random::new(6);
        let views = (leaf(random, &[2, 9, 6], Kind::Float).detach() * scale).set_requires_grad(true);
        let batch = Batch::new(views.shallow_clone());
        let settings = Settings { normalize: scale == 1.0, ..Settings::new(t) };
        for loss in losses().iter().filter(|loss| !loss.needs_mixed() && !loss.needs_adversarial()) {
            let streamed = by(Engine::Tiles(Some(5)), &batch, loss, &settings).unwrap().value;
            let fused = by(Engine::Fused(None), &batch, loss, &settings).unwrap().value;
            for value in [streamed, fused] {
                assert!(value.isfinite().int64_value(&[]) == 1, "{loss:?} {t}");
                assert!(gradients(&batch, &value)[0].isfinite().all().int64_value(&[]) == 1, "{loss:?} {t}");
            }
        }
    }
}

use super::by;
use crate::loss::Engine;
use crate::testing::{Random, losses};
use crate::{Batch, Layout, Loss, Neighborhood, RobustTerm, Settings, Tuples, Weight};
use tch::{Device, Kind, Tensor};

/// A leaf of random entries; the losses normalise them.
fn leaf(random: &mut Random, shape: &[i64]) -> Tensor {
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| random.uniform()).collect();
    Tensor::from_slice(&values).reshape(shape).set_requires_grad(true)
}

/// Compares libtorch's gradient with central differences along random directions in every leaf.
fn check(layout: &impl Layout, leaves: &[&Tensor], loss: &Loss) {
    let settings = Settings::new(0.4).normalizing();
    let value = || layout.value(loss, &settings).unwrap();
    for leaf in leaves {
        let _ = leaf.grad().defined().then(|| leaf.grad().zero_());
    }
    value().backward();
    let random = &mut Random::new(99);
    for leaf in leaves {
        let direction = self::leaf(random, &leaf.size()).detach();
        let at = leaf.detach().copy();
        let value_at = |step: f64| {
            leaf.detach().copy_(&(&at + step * &direction));
            value().double_value(&[])
        };
        let step = 2e-6;
        let slope = (value_at(step) - value_at(-step)) / (2.0 * step);
        value_at(0.0);
        let found = match leaf.grad() {
            gradient if gradient.defined() => (gradient * direction).sum(None).double_value(&[]),
            _ => 0.0,
        };
        assert!((found - slope).abs() < 1e-8 * slope.abs().max(1.0), "{loss:?} {found} {slope}");
    }
}

/// The losses whose gradient is that of their value: a weight that is held constant is not seen by
/// differences.
fn differentiable() -> impl Iterator<Item = Loss> {
    let constant = |loss: &Loss| match loss {
        Loss::Robust { weight, .. }
        | Loss::IntCl { robust: RobustTerm { weight, .. }, .. }
        | Loss::IntNaCl { robust: RobustTerm { weight, .. }, .. } => *weight == Weight::Adversarial,
        _ => false,
    };
    losses().into_iter().filter(move |loss| !constant(loss))
}

#[test]
fn tuples_have_the_gradient_of_their_value() {
    let random = &mut Random::new(1);
    let (b, m, n, d) = (2, 3, 4, 3);
    let mut tuples = Tuples::new(leaf(random, &[b, d]), leaf(random, &[b, m, d]), leaf(random, &[b, n, d]));
    tuples.mixed = Some(leaf(random, &[b, m - 1, d]));
    tuples.adversarial = Some(leaf(random, &[b, d]));
    for all in [false, true] {
        if all {
            tuples.debias_positives = Some(leaf(random, &[b, 2, d]));
            tuples.mixed_negatives = Some(leaf(random, &[b, m - 1, n - 1, d]));
            tuples.adversarial_negatives = Some(leaf(random, &[b, n + 1, d]));
        }
        let leaves: Vec<&Tensor> = tuples.tensors().into_iter().map(|(_, leaf)| leaf).collect();
        for loss in differentiable() {
            check(&tuples, &leaves, &loss);
        }
    }
}

#[test]
fn batches_have_the_gradient_of_their_value() {
    let random = &mut Random::new(2);
    let (b, m, d) = (3, 3, 3);
    let mut batch = Batch::new(leaf(random, &[m + 1, b, d]));
    batch.mixed = Some(leaf(random, &[m - 1, b, d]));
    batch.adversarial = Some(leaf(random, &[b, d]));
    for symmetric in [true, false] {
        batch.symmetric = symmetric;
        let leaves: Vec<&Tensor> = batch.tensors().into_iter().map(|(_, leaf)| leaf).collect();
        for loss in differentiable() {
            check(&batch, &leaves, &loss);
        }
    }
}

#[test]
fn a_constant_weight_multiplies_value_and_gradient() {
    let random = &mut Random::new(3);
    let settings = Settings::new(0.4).normalizing();
    let views = leaf(random, &[2, 3, 4]);
    let adversarial = leaf(random, &[3, 4]);
    let mut batch = Batch::new(views.shallow_clone());
    batch.adversarial = Some(adversarial.shallow_clone());
    let negatives = crate::Negatives::G1 { tau_plus: 0.1 };
    let robust = |weight| Loss::Robust { negatives, weight, weight_negatives: negatives };
    let of = |weight| batch.per_anchor(&robust(weight), &settings).unwrap();

    let weight = batch.per_anchor(&Loss::Debiased { tau_plus: 0.1 }, &settings).unwrap().detach();
    let by_hand = Tensor::run_backward(&[(of(Weight::One) * weight).sum(None)], &[&views], false, false);
    let weighted = Tensor::run_backward(&[of(Weight::Adversarial).sum(None)], &[&views], false, false);
    let flowing =
        Tensor::run_backward(&[of(Weight::AdversarialWithGradient).sum(None)], &[&views], false, false);
    assert!((&by_hand[0] - &weighted[0]).abs().max().double_value(&[]) < 1e-14);
    assert!((&by_hand[0] - &flowing[0]).abs().max().double_value(&[]) > 1e-3);
}

#[test]
fn a_second_call_gives_the_same() {
    let random = &mut Random::new(4);
    let batch = Batch::new(leaf(random, &[2, 5, 4]));
    let settings = Settings::new(0.1).normalizing();
    let loss = Loss::HardNegative { tau_plus: 0.1, beta: 1.0 };
    let first = batch.per_anchor(&loss, &settings).unwrap();
    assert_eq!(first, batch.per_anchor(&loss, &settings).unwrap());
}

#[test]
fn gradients_are_finite_at_every_temperature_in_f32() {
    let random = &mut Random::new(5);
    for t in [0.005, 0.01, 0.07, 0.5, 10.0] {
        for loss in losses() {
            let mut views = leaf(random, &[4, 4, 3]).detach().to_kind(Kind::Float);
            // Two images coincide in all views: their positives are negatives too.
            views.narrow(1, 0, 1).copy_(&views.narrow(1, 1, 1).copy());
            views = views.set_requires_grad(true);
            let mut batch = Batch::new(views.shallow_clone());
            batch.mixed = Some(views.detach().narrow(0, 0, 2));
            batch.adversarial = Some(Tensor::ones([4, 3], (Kind::Float, Device::Cpu)));
            let value = batch.value(&loss, &Settings::new(t).normalizing()).unwrap();
            value.backward();
            assert!(value.double_value(&[]).is_finite());
            assert!(views.grad().isfinite().all().int64_value(&[]) == 1, "{loss:?} at {t}");
        }
    }
}

#[test]
fn one_positive_and_no_mixed_embeddings_make_all_neighbourhoods_the_single_loss() {
    let random = &mut Random::new(6);
    let batch = Batch::new(leaf(random, &[2, 4, 3]));
    let settings = Settings::new(0.3).normalizing();
    let negatives = crate::Negatives::G2 { tau_plus: 0.1, beta: 0.5 };
    let robust = RobustTerm { negatives, weight: Weight::One };
    let single = batch.value(&Loss::HardNegative { tau_plus: 0.1, beta: 0.5 }, &settings).unwrap();
    let neighborhoods = [
        Neighborhood::Nca,
        Neighborhood::MixNca { lambda: 0.4 },
        Neighborhood::Combined { lambda: 0.4, joined: true },
    ];
    for neighborhood in neighborhoods {
        let loss = Loss::IntNaCl { negatives, alpha: 0.0, robust, neighborhood };
        let value = batch.value(&loss, &settings).unwrap();
        assert!((value - &single).abs().double_value(&[]) < 1e-15);
    }
}

#[test]
fn a_second_derivative_is_an_error_and_not_a_part_of_it() {
    let random = &mut Random::new(7);
    let batch = Batch::new(leaf(random, &[2, 5, 4]));
    let settings = Settings::new(0.3).normalizing();
    for loss in [Loss::SimClr, Loss::HardNegative { tau_plus: 0.1, beta: 1.0 }] {
        let fused = by(Engine::Fused(None), &batch, &loss, &settings).unwrap().value;
        let streamed = by(Engine::Tiles(None), &batch, &loss, &settings).unwrap().value;
        for value in [fused, streamed] {
            let gradient = Tensor::run_backward(&[value], &[&batch.views], true, true).remove(0);
            // A penalty on the gradient, and the like.
            let penalty = gradient.square().sum(None);
            let error = Tensor::f_run_backward(&[penalty], &[&batch.views], false, false).unwrap_err();
            assert!(error.to_string().contains("not implemented"), "{error}");
        }
    }
}

//! Cases that once broke a law, kept: each runs before the random cases of its law and loss.

use super::case::{Case, Combination, Estimator, Geometry, PLAIN};
use intnacl_reference::Weight;

/// Law, loss, case.
pub(super) const KEPT: &[(&str, &str, Case)] = &[
    // τ = 0, and an antipode whose norm is one rounding above 1: its kernel is below the floor.
    (
        "tau_0_beta_0_gives_simclr",
        "debiased",
        Case { geometry: Geometry::Antipodal, images: 3, dimension: 4, seed: 339_497, ..PLAIN },
    ),
    // Estimators at their floor counted as having lost all their bits.
    (
        "rotation_of_all_embeddings",
        "int_nacl",
        Case {
            geometry: Geometry::Digits,
            positives: 2,
            temperature: 0.02,
            estimators: (Estimator::G1, Estimator::G0),
            neighborhood: Combination::MixNca,
            seed: 20_160,
            ..PLAIN
        },
    ),
    // Near the floor of g1 every further derivative is larger than the last.
    (
        "the_gradient_is_the_derivative_of_the_value",
        "int_nacl",
        Case {
            geometry: Geometry::Digits,
            images: 4,
            positives: 2,
            temperature: 0.1,
            tau_plus: 0.5,
            estimators: (Estimator::G1, Estimator::G0),
            neighborhood: Combination::MixNca,
            seed: 662_847,
            ..PLAIN
        },
    ),
    // The numerator of g1 cancels to the floor: the gradient has terms of e^{2/t}, beyond f32.
    (
        "values_lie_in_their_range",
        "int_nacl",
        Case {
            positives: 2,
            negatives: 2,
            dimension: 1,
            temperature: 0.02,
            tau_plus: 0.5,
            estimators: (Estimator::G1, Estimator::G0),
            seed: 959_988,
            ..PLAIN
        },
    ),
    // A rounding of the inputs lifts an estimator off its floor, where its value has another slope.
    (
        "normalization_is_what_it_says",
        "robust",
        Case {
            geometry: Geometry::Digits,
            images: 6,
            dimension: 4,
            temperature: 0.1,
            estimators: (Estimator::G0, Estimator::G1),
            seed: 843_554,
            ..PLAIN
        },
    ),
    // An exact tie whose floor, e^{-2/t} of the kernels that cancel, is less than f32 can hold or divide by: NaN, by the
    // three ways in which production came to it.
    (
        "agrees_with_the_reference",
        "mix_nca",
        Case {
            geometry: Geometry::Antipodal,
            positives: 2,
            dimension: 3,
            temperature: 0.005,
            tau_plus: 0.5,
            estimators: (Estimator::G1, Estimator::G0),
            seed: 212_037,
            ..PLAIN
        },
    ),
    (
        "agrees_with_the_reference",
        "mix_nca",
        Case {
            images: 3,
            positives: 2,
            dimension: 1,
            temperature: 0.02,
            tau_plus: 0.5,
            beta: 0.0,
            lambda: 0.0,
            estimators: (Estimator::G1, Estimator::G0),
            seed: 862_787,
            ..PLAIN
        },
    ),
    (
        "beta_0_gives_debiased",
        "int_cl",
        Case {
            positives: 2,
            negatives: 4,
            debias: 2,
            dimension: 1,
            temperature: 0.02,
            tau_plus: 0.5,
            seed: 777_929,
            ..PLAIN
        },
    ),
    // Two means that cancel to the last digit, and beyond that to what no product of a capped ratio shows.
    (
        "agrees_with_the_reference",
        "hard_negative",
        Case {
            geometry: Geometry::Orthogonal,
            negatives: 6,
            debias: 3,
            dimension: 4,
            temperature: 0.005,
            tau_plus: 0.5,
            beta: 0.0,
            ..PLAIN
        },
    ),
    // A loss of few of the smallest numbers that there are.
    (
        "the_floor_holds",
        "hard_negative",
        Case { geometry: Geometry::Orthogonal, dimension: 1, temperature: 0.0028185942110290066, ..PLAIN },
    ),
    // A product of two small losses that no number of the type holds.
    (
        "a_stopped_weight_is_a_factor",
        "robust",
        Case {
            geometry: Geometry::Digits,
            dimension: 7,
            temperature: 0.001,
            images: 3,
            seed: 724_160,
            ..PLAIN
        },
    ),
    // All rows but one are the same: the gradient cancels, and no half of it does.
    (
        "agrees_with_the_reference",
        "mix_nca",
        Case { geometry: Geometry::Orthogonal, positives: 2, dimension: 3, temperature: 0.005, ..PLAIN },
    ),
    // A weight and a slope whose product is one of the smallest numbers that there are.
    (
        "agrees_with_the_reference",
        "int_nacl",
        Case {
            geometry: Geometry::Digits,
            images: 5,
            dimension: 9,
            temperature: 0.0011012692655649934,
            alpha: 8.0,
            weight: Weight::Adversarial,
            seed: 683_964,
            ..PLAIN
        },
    ),
    // Nothing is subtracted at τ = 0, however much nearer than the negatives the draws of positives are.
    (
        "large_beta_gives_the_maximum",
        "hard_negative",
        Case { positives: 2, temperature: 0.001, seed: 382_885, ..PLAIN },
    ),
    // A gradient of binary16 that underflows as it is given out.
    (
        "translation_of_all_points",
        "supervised_nca",
        Case { images: 4, dimension: 1, temperature: 0.1, seed: 475_285, ..PLAIN },
    ),
];

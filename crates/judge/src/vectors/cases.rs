//! The requests of the vectors.

use crate::{Case, Combination, Estimator, Float, Geometry, LOSSES};
use intnacl_reference::inside::Rng;
use intnacl_reference::{Batch, Labelled, Layout, Loss, Objective, Request, Settings, Tuples, Weight};
use nalgebra::DMatrix;

/// Layout, comment, request, and whether the vector is wanted whatever it shows.
type Candidate = (&'static str, String, Request, bool);

/// Cases that are wanted for themselves.
fn wanted() -> Vec<(&'static str, Case)> {
    let plain = Case { images: 3, positives: 2, negatives: 4, debias: 2, dimension: 3, ..Case::default() };
    let g2 = (Estimator::G2, Estimator::G1);
    vec![
        ("ordinary embeddings", Case { estimators: g2, ..plain.clone() }),
        ("two images, one positive, one negative", Case { dimension: 2, estimators: g2, ..Case::default() }),
        (
            "real images, one anchor an image",
            Case { geometry: Geometry::Digits, symmetric: false, dimension: 8, seed: 7, ..plain.clone() },
        ),
        ("a low temperature", Case { temperature: 0.01, seed: 1, ..plain.clone() }),
        ("a high temperature", Case { temperature: 10.0, seed: 2, ..plain.clone() }),
        (
            "rows of many norms, normalised inside",
            Case { normalize: true, decades: 3.0, estimators: g2, seed: 3, ..plain.clone() },
        ),
        ("all embeddings alike", Case { geometry: Geometry::Identical, estimators: g2, ..plain.clone() }),
        (
            "embeddings at the anchor or opposite to it",
            Case { geometry: Geometry::Antipodal, seed: 4, ..plain.clone() },
        ),
        ("one column", Case { dimension: 1, estimators: g2, seed: 5, ..plain.clone() }),
        ("the lowest temperature", Case { temperature: 0.001, estimators: g2, seed: 6, ..plain }),
    ]
}

/// Cases that are taken where they show a slip that the others do not.
fn further() -> Vec<(&'static str, Case)> {
    let mut rng = Rng::new(0x7665_6374_6f72);
    let mut cases = vec![
        (
            "six positives",
            Case { positives: 6, estimators: (Estimator::G2, Estimator::G1), ..Case::default() },
        ),
        ("eleven negatives", Case { images: 7, negatives: 11, ..Case::default() }),
        ("fourteen columns", Case { dimension: 14, ..Case::default() }),
        ("short rows, normalised inside", Case { normalize: true, decades: 5.0, seed: 8, ..Case::default() }),
    ];
    for seed in 0..60 {
        let mut pick = |choices: &[f64]| choices[rng.below(choices.len())];
        let estimator = |x: f64| [Estimator::G0, Estimator::G1, Estimator::G2][x as usize];
        cases.push((
            "drawn embeddings",
            Case {
                geometry: if seed % 6 == 5 { Geometry::Antipodal } else { Geometry::Random },
                images: pick(&[2.0, 3.0]) as usize,
                positives: pick(&[1.0, 2.0, 3.0]) as usize,
                negatives: pick(&[1.0, 2.0, 3.0]) as usize,
                debias: pick(&[1.0, 2.0]) as usize,
                dimension: pick(&[1.0, 2.0, 3.0]) as usize,
                temperature: pick(&[0.0012, 0.003, 0.01, 0.03, 0.1, 0.5, 1.5]),
                tau_plus: pick(&[0.1, 0.5]),
                beta: pick(&[0.5, 2.0]),
                alpha: pick(&[0.5, 2.0]),
                lambda: pick(&[0.25, 0.75]),
                estimators: (estimator(pick(&[0.0, 1.0, 2.0])), estimator(pick(&[0.0, 1.0, 2.0]))),
                weight: [Weight::Adversarial, Weight::AdversarialWithGradient][pick(&[0.0, 1.0]) as usize],
                neighborhood: [Combination::Nca, Combination::MixNca, Combination::Joined, Combination::Sum]
                    [pick(&[0.0, 1.0, 2.0, 3.0]) as usize],
                symmetric: pick(&[0.0, 1.0]) == 1.0,
                normalize: pick(&[0.0, 0.0, 1.0]) == 1.0,
                decades: 0.5,
                seed,
            },
        ));
    }
    cases
}

/// All candidates of a loss, in their order.
pub(super) fn cases(loss: &str) -> Vec<Candidate> {
    if loss == intnacl_reference::SUPERVISED_NCA.name {
        return supervised();
    }
    if !LOSSES.contains(&loss) {
        return Vec::new();
    }
    let mut candidates = Vec::new();
    for (needed, cases) in [(true, wanted()), (false, further())] {
        for (index, (comment, case)) in cases.into_iter().enumerate() {
            let Some(of_case) = case.loss(loss) else { continue };
            let settings = Settings { norm_tolerance: 0.01, ..case.settings() };
            let comment = |more: &str| format!("{comment}{more}");
            let data = lean_batch(&of_case, representable(&case.batch()));
            let request = Request::Batch { loss: of_case, settings, data };
            candidates.push(("batch", comment(""), request, needed));
            let full = representable(&case.tuples());
            let absent = index % 3 == 1;
            let data = lean_tuples(&of_case, full, absent);
            let more = if absent { ", optional arrays absent" } else { "" };
            candidates.push((
                "tuples",
                comment(more),
                Request::Tuples { loss: of_case, settings, data },
                needed,
            ));
        }
    }
    candidates
}

/// The nearest data whose numbers every floating type has.
fn representable<L: Layout>(data: &L) -> L {
    data.map_matrices(|matrix| matrix.map(|x| Float::Bf16.representable(x)))
}

fn lean_batch(loss: &Loss, mut data: Batch) -> Batch {
    data.mixed = data.mixed.filter(|_| loss.needs_mixed());
    data.adversarial = data.adversarial.filter(|_| loss.needs_adversarial());
    data
}

fn lean_tuples(loss: &Loss, mut data: Tuples, absent: bool) -> Tuples {
    data.mixed = data.mixed.filter(|_| loss.needs_mixed());
    data.adversarial = data.adversarial.filter(|_| loss.needs_adversarial());
    data.mixed_negatives = data.mixed_negatives.filter(|_| loss.needs_mixed() && !absent);
    data.adversarial_negatives = data.adversarial_negatives.filter(|_| loss.needs_adversarial() && !absent);
    data.debias_positives = data.debias_positives.filter(|_| !absent);
    data
}

fn supervised() -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (name, objective) in
        [("kl", Objective::KullbackLeibler), ("total variation", Objective::TotalVariation)]
    {
        for (seed, classes, features, rows) in [(1, 2, 2, 2), (2, 3, 4, 2), (3, 2, 1, 1), (4, 3, 3, 3)] {
            let mut rng = Rng::new(seed);
            let mut normal = |_, _| Float::Bf16.representable(rng.normal());
            let data = Labelled {
                transform: DMatrix::from_fn(rows, features, &mut normal),
                points: DMatrix::from_fn(3 * classes, features, &mut normal),
                labels: (0..3 * classes as i64).map(|i| i % classes as i64).collect(),
            };
            let comment = format!("{name}, {classes} classes of three points in {features} dimensions");
            candidates.push(("points", comment, Request::Supervised { objective, data }, true));
        }
    }
    candidates
}

//! What must not change a loss, and what must change it in a known way.

use super::trial::{Inputs, Stop, Trial};
use super::{LOSSES, Law};
use crate::vocabulary::{Batch, Loss, Negatives, Neighborhood, RobustTerm, Settings, Tuples, Weight};
use nalgebra::DMatrix;

pub(super) const LAWS: &[Law] = &[
    Law {
        name: "rotation_of_all_embeddings",
        statement: "losses depend on scores alone: a rotation leaves the value and rotates the gradient",
        losses: LOSSES,
        check: |trial, name| {
            let loss = trial.case.loss(name);
            let data = trial.case.batch();
            let rotation = rotation(trial, trial.case.dimension);
            let turn = |matrix: &DMatrix<f64>| matrix * &rotation;
            let before = trial.evaluate(loss, &data)?;
            let after = trial.evaluate(loss, &map_batch(&data, turn))?;
            trial.same_values(&after, &before.evaluation.per_anchor, &before, Inputs::Rounded);
            let expected = map_batch(&before.evaluation.gradient, turn);
            trial.same_gradients(&after, &expected, &before, Inputs::Rounded);
            Ok(())
        },
    },
    Law {
        name: "permutation_of_negatives",
        statement: "the order of the negatives does not matter",
        losses: LOSSES,
        check: |trial, name| {
            let loss = trial.case.loss(name);
            let data = trial.case.tuples();
            let turn = |data: &Tuples| {
                let mut data = data.clone();
                data.negatives = data.negatives.iter().map(reversed).collect();
                data.adversarial_negatives =
                    data.adversarial_negatives.map(|list| list.iter().map(reversed).collect());
                data
            };
            turned_alike(trial, loss, &data, turn)
        },
    },
    Law {
        name: "permutation_of_positives",
        statement: "the order of the positives does not matter to NCA, nor that of the draws of positives",
        losses: &["nca"],
        check: |trial, name| {
            let loss = trial.case.loss(name);
            let mut data = trial.case.tuples();
            // Their default is the first positive, whose place the permutation changes.
            data.debias_positives.get_or_insert_with(|| data.positives.clone());
            let turn = |data: &Tuples| {
                let mut data = data.clone();
                data.positives = data.positives.iter().map(reversed).collect();
                data.debias_positives = data.debias_positives.map(|list| list.iter().map(reversed).collect());
                data
            };
            turned_alike(trial, loss, &data, turn)
        },
    },
    Law {
        name: "permutation_of_images",
        statement: "the order of the images in a batch does not matter",
        losses: LOSSES,
        check: |trial, name| {
            let loss = trial.case.loss(name);
            let data = trial.case.batch();
            let (a, b) = (trial.evaluate(loss, &data)?, trial.evaluate(loss, &map_batch(&data, reversed))?);
            let values: Vec<f64> = a.evaluation.per_anchor.iter().rev().copied().collect();
            // Budgets are by image too, and the images have moved.
            let largest = (0..values.len())
                .map(|i| a.value_budget(i, trial.implementation.float(), Inputs::Same))
                .fold(0.0, f64::max);
            for (i, (found, expected)) in b.evaluation.per_anchor.iter().zip(&values).enumerate() {
                let error = (found - expected).abs();
                trial.measure(format!("per_anchor[{i}]"), error, 2.0 * largest, b.request());
            }
            trial.same_gradients(&b, &map_batch(&a.evaluation.gradient, reversed), &a, Inputs::Same);
            Ok(())
        },
    },
    Law {
        name: "temperature_scales_the_scores",
        statement: "with G = g0, the loss at temperature t is the loss of embeddings divided by √t at 1",
        losses: &["simclr", "nca", "mix_nca", "adversarial", "int_cl", "int_nacl"],
        check: |trial, name| {
            let case = super::Case { estimators: (0, 0), normalize: false, ..trial.case.clone() };
            let (loss, data) = (case.loss(name), case.batch());
            let scale = 1.0 / case.temperature.sqrt();
            let shrink = |matrix: &DMatrix<f64>| matrix * scale;
            let loose = Settings { norm_tolerance: 2.0 * scale + 1.0, ..Settings::new(1.0) };
            let before = trial.evaluate_with(loss, &data, case.settings())?;
            let after = trial.evaluate_with(loss, &map_batch(&data, shrink), loose)?;
            trial.same_values(&before, &after.evaluation.per_anchor, &after, Inputs::Rounded);
            let expected = map_batch(&after.evaluation.gradient, shrink);
            trial.same_gradients(&before, &expected, &before, Inputs::Rounded);
            Ok(())
        },
    },
    Law {
        name: "normalization_is_what_it_says",
        statement: "rows given off the sphere and normalised inside have the loss of the normalised rows",
        losses: LOSSES,
        check: |trial, name| {
            let case = super::Case { normalize: false, ..trial.case.clone() };
            let (loss, data) = (case.loss(name), case.batch());
            let settings = Settings::new(case.temperature);
            let stretched = map_batch(&data, |matrix| matrix * 3.0);
            let on_sphere = trial.evaluate_with(loss, &data, settings)?;
            let inside = trial.evaluate_with(loss, &stretched, settings.normalizing())?;
            trial.same_values(&inside, &on_sphere.evaluation.per_anchor, &on_sphere, Inputs::Rounded);
            // ∂/∂x = (∂/∂z - z (z·∂/∂z))/‖x‖, which is orthogonal to x.
            let mut rows = data.views.iter().chain(data.mixed.iter().flatten()).chain(&data.adversarial);
            let expected = map_batch(&on_sphere.evaluation.gradient, |gradient| match rows.next() {
                Some(z) => DMatrix::from_fn(gradient.nrows(), gradient.ncols(), |i, k| {
                    (gradient[(i, k)] - z[(i, k)] * z.row(i).dot(&gradient.row(i))) / 3.0
                }),
                None => gradient.clone(),
            });
            trial.same_gradients(&inside, &expected, &on_sphere, Inputs::Rounded);
            Ok(())
        },
    },
    Law {
        name: "batch_equals_tuples",
        statement: "the batch layout is the mean over its anchors, written as tuples",
        losses: LOSSES,
        check: batch_equals_tuples,
    },
];

/// Values stay when the data are turned, and gradients turn with them.
fn turned_alike(
    trial: &Trial<'_>,
    loss: Loss,
    data: &Tuples,
    turn: impl Fn(&Tuples) -> Tuples,
) -> Result<(), Stop> {
    let (a, b) = (trial.evaluate(loss, data)?, trial.evaluate(loss, &turn(data))?);
    trial.same_values(&b, &a.evaluation.per_anchor, &a, Inputs::Same);
    trial.same_gradients(&b, &turn(&a.evaluation.gradient), &a, Inputs::Same);
    Ok(())
}

/// The rows from last to first.
fn reversed(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    let last = matrix.nrows().saturating_sub(1);
    DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |i, k| matrix[(last - i, k)])
}

/// Every matrix of a batch, in the order views, mixed, adversarial.
pub(super) fn map_batch(batch: &Batch, mut map: impl FnMut(&DMatrix<f64>) -> DMatrix<f64>) -> Batch {
    Batch {
        views: batch.views.iter().map(&mut map).collect(),
        symmetric: batch.symmetric,
        mixed: batch.mixed.as_ref().map(|list| list.iter().map(&mut map).collect()),
        adversarial: batch.adversarial.as_ref().map(&mut map),
    }
}

/// A random rotation: the orthogonal factor of a random matrix.
fn rotation(trial: &Trial<'_>, d: usize) -> DMatrix<f64> {
    let mut rng = trial.case.rng(4);
    DMatrix::from_fn(d, d, |_, _| rng.normal()).qr().q()
}

/// The tuples of a batch in which `first` and `second` play views 0 and 1, for the anchors in `first`.
fn tuples_of_pair(first: &DMatrix<f64>, second: &DMatrix<f64>, more: &[DMatrix<f64>]) -> Tuples {
    let (b, d) = first.shape();
    let row = |matrix: &DMatrix<f64>, i: usize| matrix.row(i).iter().copied().collect::<Vec<f64>>();
    let stack = |rows: Vec<Vec<f64>>| DMatrix::from_fn(rows.len(), d, |i, k| rows[i][k]);
    let others = |i: usize| (0..b).filter(move |&k| k != i);
    let positives = |i| stack(std::iter::once(second).chain(more).map(|view| row(view, i)).collect());
    let negatives = |i| {
        let of = |view| others(i).map(move |k| row(view, k));
        stack(of(first).chain(of(second)).collect())
    };
    Tuples::new(first.clone(), (0..b).map(positives).collect(), (0..b).map(negatives).collect())
}

/// The tuples of a batch's view 0, with its mixed and adversarial embeddings.
pub(super) fn tuples_of_view_0(batch: &Batch) -> Tuples {
    let (views, b, d) = (&batch.views, batch.views[0].nrows(), batch.views[0].ncols());
    let mut tuples = tuples_of_pair(&views[0], &views[1], &views[2..]);
    let mixed = batch.mixed.as_deref().unwrap_or_default();
    let of_image = |i: usize| DMatrix::from_fn(mixed.len(), d, |j, k| mixed[j][(i, k)]);
    tuples.mixed = Some((0..b).map(of_image).collect());
    if let Some(adversarial) = &batch.adversarial {
        tuples.adversarial_negatives = Some(tuples_of_pair(&views[0], adversarial, &[]).negatives);
        tuples.adversarial = Some(adversarial.clone());
    }
    tuples
}

/// Term by term: the anchors of view 0 as tuples, those of the other side as tuples with the parts swapped.
fn batch_equals_tuples(trial: &Trial<'_>, name: &str) -> Result<(), Stop> {
    let loss = trial.case.loss(name);
    let batch = trial.case.batch();
    let whole = trial.evaluate(loss, &batch)?;
    let b = batch.views[0].nrows();
    let sides = if batch.symmetric { 2 } else { 1 };

    let clean = |loss: Loss| -> Result<Vec<f64>, Stop> {
        let mut sum = vec![0.0; b];
        for side in 0..sides {
            let tuples = tuples_of_pair(&batch.views[side], &batch.views[1 - side], &batch.views[2..]);
            let side = trial.evaluate(loss, &tuples)?;
            sum.iter_mut().zip(&side.evaluation.per_anchor).for_each(|(sum, x)| *sum += x / sides as f64);
        }
        Ok(sum)
    };
    let robust = |term: RobustTerm, weight_negatives: Negatives| -> Result<Vec<f64>, Stop> {
        let Some(adversarial) = &batch.adversarial else { return Ok(vec![0.0; b]) };
        let mut sum = vec![0.0; b];
        for side in 0..sides {
            let pair = [&batch.views[0], adversarial];
            let tuples = tuples_of_pair(pair[side], pair[1 - side], &[]);
            let side = trial.evaluate(super::reductions::single(term.negatives), &tuples)?;
            sum.iter_mut().zip(&side.evaluation.per_anchor).for_each(|(sum, x)| *sum += x / sides as f64);
        }
        if term.weight != Weight::One {
            let weights = clean(super::reductions::single(weight_negatives))?;
            sum.iter_mut().zip(weights).for_each(|(sum, weight)| *sum *= weight);
        }
        Ok(sum)
    };
    // MIXNCA on the tuples of view 0, less its single-positive term.
    let mixed = |negatives: Negatives, lambda: f64| -> Result<Vec<f64>, Stop> {
        let tuples = tuples_of_view_0(&batch);
        let mix = trial.evaluate(Loss::MixNca { negatives, lambda }, &tuples)?;
        let first = trial.evaluate(super::reductions::single(negatives), &tuples)?;
        let values = mix.evaluation.per_anchor.iter().zip(&first.evaluation.per_anchor);
        Ok(values.map(|(mix, first)| mix - first).collect())
    };
    let sum = |a: Vec<f64>, b: Vec<f64>, factor: f64| -> Vec<f64> {
        a.iter().zip(b).map(|(a, b)| a + factor * b).collect()
    };
    let mix_nca = |negatives, lambda| -> Result<Vec<f64>, Stop> {
        Ok(sum(clean(super::reductions::single(negatives))?, mixed(negatives, lambda)?, 1.0))
    };

    let expected = match loss {
        Loss::Adversarial { alpha } => {
            let term = RobustTerm { negatives: Negatives::G0, weight: Weight::One };
            sum(clean(Loss::SimClr)?, robust(term, Negatives::G0)?, alpha)
        }
        Loss::MixNca { negatives, lambda } => mix_nca(negatives, lambda)?,
        Loss::Robust { negatives, weight, weight_negatives } => {
            robust(RobustTerm { negatives, weight }, weight_negatives)?
        }
        Loss::IntCl { negatives, alpha, robust: term } => {
            sum(clean(super::reductions::single(negatives))?, robust(term, negatives)?, alpha)
        }
        Loss::IntNaCl { negatives, alpha, robust: term, neighborhood } => {
            let nca = || clean(Loss::Nca { negatives });
            let neighborhood = match neighborhood {
                Neighborhood::Nca => nca()?,
                Neighborhood::MixNca { lambda } => mix_nca(negatives, lambda)?,
                Neighborhood::Combined { lambda, joined: true } => {
                    sum(nca()?, mixed(negatives, lambda)?, 1.0)
                }
                Neighborhood::Combined { lambda, joined: false } => {
                    sum(nca()?, mix_nca(negatives, lambda)?, 1.0)
                }
            };
            sum(neighborhood, robust(term, negatives)?, alpha)
        }
        _ => clean(loss)?,
    };
    trial.same_values(&whole, &expected, &whole, Inputs::Rounded);
    Ok(())
}

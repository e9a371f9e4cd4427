//! What must not change a loss, and what must change it in a known way.

use super::budget::{Float, Inputs};
use super::case::sphere;
use super::closed_forms::Terms;
use super::layouts::tuples_of_pair;
use super::lists::WITH_TAU;
use super::number::{Number, one_less, reflected};
use super::outcome::Stop;
use super::reductions::single;
use super::trial::Trial;
use super::{Case, Estimator, LOSSES, Law};
use intnacl_reference::Layout;
use intnacl_reference::{Batch, Loss, Negatives, Settings, Tuples};
use nalgebra::DMatrix;

pub(super) const LAWS: &[Law] = &[
    Law {
        name: "rotation_of_all_embeddings",
        statement: "losses depend on scores alone: a rotation leaves the value and rotates the gradient",
        losses: LOSSES,
        check: |trial, name| {
            let (loss, data) = (trial.loss(name)?, trial.batch());
            let rotation = Rotation::new(trial, trial.case.dimension);
            let turn = |matrix: &DMatrix<f64>| rotation.of(matrix);
            let before = trial.evaluate(loss, &data)?;
            let after = trial.evaluate(loss, &trial.representable(&data.map_matrices(turn)))?;
            trial.same_values_as(&after, &before, Inputs::Rounded);
            trial.same_gradients(&after, &before.evaluation.gradient.map_matrices(turn), Inputs::Rounded);
            Ok(())
        },
    },
    Law {
        name: "permutation_of_negatives",
        statement: "the order of the negatives does not matter",
        losses: LOSSES,
        check: |trial, name| {
            let turn = |data: &Tuples| {
                let mut data = data.clone();
                data.negatives = data.negatives.iter().map(reversed).collect();
                data.adversarial_negatives =
                    data.adversarial_negatives.map(|list| list.iter().map(reversed).collect());
                data
            };
            let loss = trial.loss(name)?;
            let of_tuples = || turned_alike(trial, loss, &trial.tuples(), turn);
            trial.by_layout(of_tuples, || swapped_views(trial, loss))
        },
    },
    Law {
        name: "permutation_of_positives",
        statement: "the order of the positives does not matter to NCA",
        losses: &["nca"],
        check: |trial, name| {
            let mut data = trial.tuples();
            // Their default is the first positive, whose place the permutation changes.
            data.debias_positives.get_or_insert_with(|| data.positives.clone());
            let turn = |data: &Tuples| {
                let positives = data.positives.iter().map(reversed).collect();
                Tuples { positives, ..data.clone() }
            };
            turned_alike(trial, trial.loss(name)?, &data, turn)
        },
    },
    Law {
        name: "permutation_of_draws_of_positives",
        statement: "the order of the draws of positives does not matter to g1 and g2",
        losses: WITH_TAU,
        check: |trial, name| {
            let case = Case { debias: trial.case.debias.max(2), ..trial.case.clone() };
            let mut data = trial.tuples_of(&case);
            // Tuples of images come without such draws.
            data.debias_positives.get_or_insert_with(|| data.negatives.clone());
            let turn = |data: &Tuples| {
                let mut data = data.clone();
                data.debias_positives = data.debias_positives.map(|list| list.iter().map(reversed).collect());
                data
            };
            turned_alike(trial, trial.loss(name)?, &data, turn)
        },
    },
    Law {
        name: "permutation_of_images",
        statement: "the order of the images in a batch does not matter",
        losses: LOSSES,
        check: |trial, name| {
            let (loss, data) = (trial.loss(name)?, trial.batch());
            let (a, b) = (trial.evaluate(loss, &data)?, trial.evaluate(loss, &data.map_matrices(reversed))?);
            if a.is_a_mean() {
                trial.same_values_as(&b, &a, Inputs::Same);
            } else {
                let mut expected = a.numbers(Inputs::Same);
                expected.reverse();
                trial.same_values(&b, &expected, Inputs::Same);
            }
            trial.same_gradients(&b, &a.evaluation.gradient.map_matrices(reversed), Inputs::Same);
            Ok(())
        },
    },
    Law {
        name: "temperature_scales_the_scores",
        statement: "with G = g0, the loss at temperature t is the loss of embeddings divided by √t at 1",
        losses: &["simclr", "nca", "mix_nca", "adversarial", "int_cl", "int_nacl"],
        check: |trial, name| {
            let plain = (Estimator::G0, Estimator::G0);
            let case = Case { estimators: plain, normalize: false, ..trial.case.clone() };
            let loss = trial.loss_of(&case, name)?;
            let data = trial.batch_of(&case);
            let scale = 1.0 / case.temperature.sqrt();
            let shrink = |matrix: &DMatrix<f64>| matrix * scale;
            let loose = Settings { norm_tolerance: 2.0 * scale + 1.0, ..Settings::new(1.0) };
            let before = trial.evaluate_with(loss, &data, trial.loosened(case.settings()))?;
            let after = trial.evaluate_with(loss, &trial.representable(&data.map_matrices(shrink)), loose)?;
            trial.same_values_as(&before, &after, Inputs::Rounded);
            trial.same_gradients(&before, &after.evaluation.gradient.map_matrices(shrink), Inputs::Rounded);
            Ok(())
        },
    },
    Law {
        name: "normalization_is_what_it_says",
        statement: "rows normalised inside have the loss of rows on the sphere, whatever their norms",
        losses: LOSSES,
        check: normalization,
    },
    Law {
        name: "batch_equals_tuples",
        statement: "the batch layout is the mean over its anchors, written as tuples",
        losses: LOSSES,
        check: batch_equals_tuples,
    },
    Law {
        name: "absent_arrays_have_their_defaults",
        statement: "the draws of positives default to the first positive, the negatives of other terms to the negatives",
        losses: LOSSES,
        check: absent_arrays,
    },
    Law {
        name: "the_same_request_has_the_same_answer",
        statement: "an answer does not depend on what was asked before",
        losses: LOSSES,
        check: |trial, name| {
            let (loss, batch, tuples) = (trial.loss(name)?, trial.batch(), trial.tuples());
            let other = Case { seed: !trial.case.seed, ..trial.case.clone() };
            let of_batch = || {
                let first = trial.evaluate(loss, &batch)?;
                trial.evaluate(loss, &trial.batch_of(&other))?;
                let again = trial.evaluate(loss, &batch)?;
                trial.same(&again, &first, Inputs::Same);
                Ok(())
            };
            let of_tuples = || {
                let first = trial.evaluate(loss, &tuples)?;
                trial.evaluate(loss, &trial.tuples_of(&other))?;
                let again = trial.evaluate(loss, &tuples)?;
                trial.same(&again, &first, Inputs::Same);
                Ok(())
            };
            trial.each(&[&of_batch, &of_tuples])
        },
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
    trial.same_values_as(&b, &a, Inputs::Same);
    trial.same_gradients(&b, &turn(&a.evaluation.gradient), Inputs::Same);
    Ok(())
}

/// Where both views of an image are anchors, each keeps its positive when the views change places, and its negatives come in
/// another order.
fn swapped_views(trial: &Trial<'_>, loss: Loss) -> Result<(), Stop> {
    let data = trial.batch();
    let treats_them_alike = !loss.needs_mixed() && !loss.needs_adversarial();
    if !(data.symmetric && treats_them_alike) {
        return Err(Trial::not_supported("another layout"));
    }
    let swapped = |data: &Batch| {
        let mut data = data.clone();
        data.views.swap(0, 1);
        data
    };
    let (a, b) = (trial.evaluate(loss, &data)?, trial.evaluate(loss, &swapped(&data))?);
    trial.same_values_as(&b, &a, Inputs::Same);
    trial.same_gradients(&b, &swapped(&a.evaluation.gradient), Inputs::Same);
    Ok(())
}

/// The rows from last to first.
fn reversed(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    let last = matrix.nrows().saturating_sub(1);
    DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |i, k| matrix[(last - i, k)])
}

/// An orthogonal map: three reflections, computed so that each entry is rounded once. In narrow types, where even that
/// would move the rows far, one that exchanges and flips axes.
enum Rotation {
    Mirrors(Vec<Vec<f64>>),
    Axes(Vec<(usize, f64)>),
}

impl Rotation {
    fn new(trial: &Trial<'_>, d: usize) -> Self {
        let mut rng = trial.case.rng(4);
        if matches!(trial.float(), Float::Bf16 | Float::F16) {
            let mut axes: Vec<usize> = (0..d).collect();
            (0..d).for_each(|k| axes.swap(k, k + rng.below(d - k)));
            let sign = |axis| (axis, if rng.below(2) == 0 { 1.0 } else { -1.0 });
            return Self::Axes(axes.into_iter().map(sign).collect());
        }
        Self::Mirrors((0..3).map(|_| sphere(&mut rng, d)).collect())
    }

    fn of(&self, matrix: &DMatrix<f64>) -> DMatrix<f64> {
        let mut image = matrix.clone();
        for mut row in image.row_iter_mut() {
            let values: Vec<f64> = row.iter().copied().collect();
            let turned = match self {
                Self::Mirrors(mirrors) => reflected(&values, mirrors),
                Self::Axes(axes) => axes.iter().map(|(axis, sign)| sign * values[*axis]).collect(),
            };
            row.copy_from_slice(&turned);
        }
        image
    }
}

/// First rows on the sphere as given against the same rows normalised inside, then these against rows of other norms: powers
/// of 2, so that the law rounds nothing. A program that always normalises is held to the rest, and its gradient to have no
/// part along the rows.
fn normalization(trial: &Trial<'_>, name: &str) -> Result<(), Stop> {
    let case = Case { normalize: false, ..trial.case.clone() };
    let loss = trial.loss(name)?;
    let data = trial.batch_of(&case);
    let settings = trial.loosened(Settings::new(case.temperature));
    let inside = if trial.implementation.support().normalize == Some(true) {
        let inside = trial.evaluate_with(loss, &data, settings.normalizing())?;
        let across = tangential(&inside.evaluation.gradient, &data, |_| 1.0);
        trial.same_gradients(&inside, &across, Inputs::Rounded);
        inside
    } else {
        let given = trial.evaluate_with(loss, &data, settings)?;
        let inside = trial.evaluate_with(loss, &data, settings.normalizing())?;
        trial.same_values_as(&inside, &given, Inputs::Rounded);
        // ∂/∂x = (∂/∂z - z (z·∂/∂z))/‖x‖, which is orthogonal to x.
        let across = tangential(&given.evaluation.gradient, &data, |norm| norm);
        trial.same_gradients(&inside, &across, Inputs::Rounded);
        inside
    };

    let mut rng = trial.case.rng(7);
    let powers: Vec<Vec<f64>> = data
        .matrices()
        .iter()
        .map(|(_, matrix)| matrix.row_iter().map(|_| f64::from(rng.below(41) as i32 - 20).exp2()).collect())
        .collect();
    let float = trial.float();
    let mut lists = powers.iter();
    let stretched = data.map_matrices(|matrix| {
        let mut matrix = matrix.clone();
        for (mut row, power) in matrix.row_iter_mut().zip(lists.next().into_iter().flatten()) {
            // Where the type does not have the product, the row stays.
            if row.iter().all(|x| float.representable(x * power) == x * power && (x * power).abs() < 1e4) {
                row *= *power;
            }
        }
        matrix
    });
    let other = trial.evaluate_with(loss, &stretched, settings.normalizing())?;
    trial.same_values_as(&other, &inside, Inputs::Same);
    let (before, after) = (data.matrices(), stretched.matrices());
    let mut pairs = before.iter().zip(&after);
    let expected = inside.evaluation.gradient.map_matrices(|gradient| {
        let Some(((_, before), (_, after))) = pairs.next() else { return gradient.clone() };
        let mut gradient = gradient.clone();
        for (i, mut row) in gradient.row_iter_mut().enumerate() {
            row *= before.row(i).amax() / after.row(i).amax();
        }
        gradient
    });
    trial.same_gradients(&other, &expected, Inputs::Same);
    Ok(())
}

/// The part of a gradient across the rows, divided by a number that depends on their norms.
fn tangential(gradient: &Batch, data: &Batch, divisor: impl Fn(f64) -> f64) -> Batch {
    let mut matrices = data.matrices().into_iter();
    gradient.map_matrices(|gradient| {
        let Some((_, x)) = matrices.next() else { return gradient.clone() };
        let mut tangential = gradient.clone();
        for (mut row, x) in tangential.row_iter_mut().zip(x.row_iter()) {
            let norm = x.norm();
            let radial = row.dot(&x) / (norm * norm);
            row.zip_apply(&x, |g, x| *g = (*g - x * radial) / divisor(norm));
        }
        tangential
    })
}

/// Each row of a matrix as a matrix.
fn each_row(matrix: &DMatrix<f64>) -> Vec<DMatrix<f64>> {
    (0..matrix.nrows()).map(|i| matrix.rows(i, 1).into_owned()).collect()
}

/// Term by term: the anchors of view 0 as tuples, those of the other side as tuples with the parts swapped. All
/// terms are single-positive or NCA losses; a mixed one is `λ ℓ + (1-λ) ℓ'` with `e^{-ℓ} + e^{-ℓ'} = 1`.
fn batch_equals_tuples(trial: &Trial<'_>, name: &str) -> Result<(), Stop> {
    let (loss, batch) = (trial.loss(name)?, trial.batch());
    if !trial.implementation.support().tuples {
        return Err(Trial::not_supported("another layout"));
    }
    let whole = trial.evaluate(loss, &batch)?;
    let sides = if batch.symmetric { 2 } else { 1 };
    let zero = || vec![Number::new(0.0, [0.0; 3]); batch.views[0].nrows()];
    let sum = |a: Vec<Number>, b: Vec<Number>| a.into_iter().zip(b).map(|(a, b)| a + b).collect::<Vec<_>>();
    let values = |loss: Loss, tuples: &Tuples| -> Result<Vec<Number>, Stop> {
        Ok(trial.evaluate(loss, tuples)?.numbers(Inputs::Same))
    };
    // The mean over the sides.
    let both = |loss: Loss, pair: [&DMatrix<f64>; 2], more: &[DMatrix<f64>]| -> Result<Vec<Number>, Stop> {
        let mut total = zero();
        for side in 0..sides {
            total = sum(total, values(loss, &tuples_of_pair(pair[side], pair[1 - side], more))?);
        }
        Ok(total.into_iter().map(|x| x.over(sides as f64)).collect())
    };
    let clean = |loss: Loss| both(loss, [&batch.views[0], &batch.views[1]], &batch.views[2..]);
    let mixed = |negatives: Negatives, lambda: f64| -> Result<Vec<Number>, Stop> {
        let views = batch.mixed.as_deref().unwrap_or_default();
        let mut total = zero();
        for view in views {
            let mut tuples = tuples_of_pair(&batch.views[0], &batch.views[1], &[]);
            tuples.positives = each_row(view);
            tuples.debias_positives = Some(each_row(&batch.views[1]));
            let near = values(single(negatives), &tuples)?.into_iter();
            let term = near.map(|near| {
                if lambda == 1.0 {
                    near
                } else {
                    near.times(lambda) + near.complement().times_exactly(one_less(lambda))
                }
            });
            total = sum(total, term.map(|x| x.over(views.len() as f64)).collect());
        }
        Ok(total)
    };
    let robust = |negatives| match &batch.adversarial {
        Some(adversarial) => both(single(negatives), [&batch.views[0], adversarial], &[]),
        None => Ok(zero()),
    };
    let terms = Terms {
        single: &|negatives| clean(single(negatives)),
        nca: &|negatives| clean(Loss::Nca { negatives }),
        mixed: &mixed,
        robust: &robust,
    };
    trial.same_values(&whole, &terms.of(loss)?, Inputs::Same);
    Ok(())
}

/// The request without its optional arrays is the one that has what they default to; what a default reads gets the
/// gradient of both.
fn absent_arrays(trial: &Trial<'_>, name: &str) -> Result<(), Stop> {
    let loss = trial.loss(name)?;
    let full = trial.tuples();
    let firsts = |data: &Tuples| -> Vec<DMatrix<f64>> {
        data.positives.iter().map(|matrix| matrix.rows(0, 1).into_owned()).collect()
    };
    let given = Tuples {
        debias_positives: Some(firsts(&full)),
        mixed_negatives: full.mixed.as_ref().map(|mixed| {
            mixed.iter().zip(&full.negatives).map(|(z, own)| vec![own.clone(); z.nrows()]).collect()
        }),
        adversarial_negatives: Some(full.negatives.clone()),
        ..full.clone()
    };
    let mut absent =
        Tuples { debias_positives: None, mixed_negatives: None, adversarial_negatives: None, ..full.clone() };
    if !loss.needs_mixed() {
        absent.mixed = None;
    }
    if !loss.needs_adversarial() {
        absent.adversarial = None;
    }
    let (given, absent) = (trial.evaluate(loss, &given)?, trial.evaluate(loss, &absent)?);
    trial.same_values_as(&absent, &given, Inputs::Same);
    let from = &given.evaluation.gradient;
    let mut expected = Tuples {
        debias_positives: None,
        mixed_negatives: None,
        adversarial_negatives: None,
        mixed: from.mixed.clone().filter(|_| absent.data.mixed.is_some()),
        adversarial: from.adversarial.clone().filter(|_| absent.data.adversarial.is_some()),
        ..from.clone()
    };
    for (into, draw) in expected.positives.iter_mut().zip(from.debias_positives.iter().flatten()) {
        let mut first = into.row_mut(0);
        first += draw.row(0);
    }
    for (into, lists) in expected.negatives.iter_mut().zip(from.mixed_negatives.iter().flatten()) {
        lists.iter().for_each(|own| *into += own);
    }
    for (into, own) in expected.negatives.iter_mut().zip(from.adversarial_negatives.iter().flatten()) {
        *into += own;
    }
    // The law adds up gradients that are given in f64, so the last bits are its own.
    trial.same_gradients(&absent, &expected, Inputs::Rounded);
    Ok(())
}

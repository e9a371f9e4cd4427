//! Values and gradients that are known in closed form, or from other answers, without asking the reference.

use super::budget::Inputs;
use super::layouts::tuples_of_pair;
use super::number::{ExactScores, Number, exactly, one_less, one_more};
use super::outcome::Stop;
use super::reductions::single;
use super::trial::{Trial, largest};
use super::{LOSSES, Law};
use intnacl_reference::Layout;
use intnacl_reference::inside::Dd;
use intnacl_reference::{Batch, Loss, Negatives, Neighborhood, RobustTerm, Tuples, Weight};
use nalgebra::DMatrix;

pub(super) const LAWS: &[Law] = &[
    Law {
        name: "identical_embeddings_have_a_known_loss",
        statement: "where all embeddings are the same, G = h for every τ and β, so a term is log(1 + N/M)",
        losses: LOSSES,
        check: identical_embeddings,
    },
    Law {
        name: "hard_negative_is_its_formula",
        statement: "at τ = 0, ℓ = -log h⁺/(h⁺ + N Σ h^{β+1} / Σ h^β): the weights are divided by their mean",
        losses: &["hard_negative"],
        check: |trial, _| {
            let beta = trial.case.beta;
            let loss = Loss::HardNegative { tau_plus: 0.0, beta };
            let scores = ExactScores::new(trial.case.temperature, trial.case.normalize);
            let formula = |positive: Dd, negatives: &[Dd]| {
                let sum = |factor: Dd| {
                    scores.log_sum_exp(&negatives.iter().map(|s| *s * &factor).collect::<Vec<_>>())
                };
                // Rows that are a rounding off the sphere can have kernels below the floor.
                let log_g = scores.at_least_the_floor(sum(one_more(beta)) - &sum(exactly(beta)));
                Number::exact(scores.softplus(scores.ln(negatives.len() as f64) + &log_g - &positive))
            };
            let of_tuples = || {
                let data = trial.tuples();
                let side = trial.evaluate(loss, &data)?;
                trial.same_values(&side, &scores.of_tuples(&data, &formula), Inputs::Same);
                Ok(())
            };
            let of_batch = || {
                let data = trial.batch();
                let side = trial.evaluate(loss, &data)?;
                trial.same_values(&side, &scores.of_batch(&data, &formula), Inputs::Same);
                Ok(())
            };
            trial.by_layout(of_tuples, of_batch)
        },
    },
    Law {
        name: "positives_and_negatives_swapped",
        statement: "with g0, -log P/(P+Q) less -log Q/(P+Q) is log Q - log P, and their exponentials add up to 1",
        losses: &["simclr", "nca"],
        check: |trial, name| {
            let mut data = Tuples { mixed: None, mixed_negatives: None, ..trial.tuples() };
            let mut loss = Loss::Nca { negatives: Negatives::G0 };
            if trial.loss(name)? == Loss::SimClr {
                loss = Loss::SimClr;
                let first = |matrix: &DMatrix<f64>| matrix.rows(0, 1).into_owned();
                data.positives = data.positives.iter().map(first).collect();
                data.negatives = data.negatives.iter().map(first).collect();
            }
            let mut swapped = data.clone();
            std::mem::swap(&mut swapped.positives, &mut swapped.negatives);
            let (near, far) = (trial.evaluate(loss, &data)?, trial.evaluate(loss, &swapped)?);
            let scores = ExactScores::new(trial.case.temperature, trial.case.normalize);
            let request = near.request.clone();
            let (near, far) = (near.numbers(Inputs::Same), far.numbers(Inputs::Same));
            for (i, (near, far)) in near.into_iter().zip(far).enumerate() {
                let log = |data: &Tuples| scores.log_sum_exp(&scores.of_anchor(data, i).1);
                let expected = Number::exact(log(&data) - &log(&swapped));
                let error = (near - far - expected).to_f64().abs();
                let budgets = (near - far).off;
                trial.measure(|| format!("difference of per_anchor[{i}]"), error, budgets, &request);
                let rest = near.complement();
                let budgets = [0, 1, 2].map(|s| far.off[s] + rest.off[s]);
                let error = (far - rest).to_f64().abs();
                trial.measure(|| format!("complement of per_anchor[{i}]"), error, budgets, &request);
            }
            Ok(())
        },
    },
    Law {
        name: "the_floor_holds",
        statement: "g1 and g2 never fall below e^{-1/t}, and where they would, the negatives have no gradient",
        losses: &["debiased", "hard_negative"],
        check: |trial, name| trial.by_layout(|| the_floor(trial, name), || the_floor_of_a_batch(trial, name)),
    },
    Law {
        name: "a_stopped_weight_is_a_factor",
        statement: "where the gradient of the adversarial weight is stopped, it is that of the term times the weight",
        losses: &["robust"],
        check: stopped_weight,
    },
];

/// The values of a loss, from those of its terms.
pub(super) struct Terms<'a> {
    /// The single-positive loss of an estimator.
    pub(super) single: &'a dyn Fn(Negatives) -> Result<Vec<Number>, Stop>,
    /// The loss of all positives.
    pub(super) nca: &'a dyn Fn(Negatives) -> Result<Vec<Number>, Stop>,
    /// The mean over the mixed terms, with `λ`.
    pub(super) mixed: &'a dyn Fn(Negatives, f64) -> Result<Vec<Number>, Stop>,
    /// The robust term without its weight.
    pub(super) robust: &'a dyn Fn(Negatives) -> Result<Vec<Number>, Stop>,
}

impl Terms<'_> {
    pub(super) fn of(&self, loss: Loss) -> Result<Vec<Number>, Stop> {
        let sum =
            |a: Vec<Number>, b: Vec<Number>| a.into_iter().zip(b).map(|(a, b)| a + b).collect::<Vec<_>>();
        let mix_nca =
            |negatives, lambda| Ok(sum((self.single)(negatives)?, (self.mixed)(negatives, lambda)?));
        let with_robust = |clean: Vec<Number>, alpha: f64, term: RobustTerm, weight: Negatives| {
            if alpha == 0.0 {
                return Ok(clean);
            }
            let robust = self.weighted(term, weight)?;
            Ok(sum(clean, robust.into_iter().map(|x| x.times(alpha)).collect()))
        };
        match loss {
            Loss::SimClr => (self.single)(Negatives::G0),
            Loss::Debiased { tau_plus } => (self.single)(Negatives::G1 { tau_plus }),
            Loss::HardNegative { tau_plus, beta } => (self.single)(Negatives::G2 { tau_plus, beta }),
            Loss::Adversarial { alpha } => {
                let term = RobustTerm { negatives: Negatives::G0, weight: Weight::One };
                with_robust((self.single)(Negatives::G0)?, alpha, term, Negatives::G0)
            }
            Loss::Nca { negatives } => (self.nca)(negatives),
            Loss::MixNca { negatives, lambda } => mix_nca(negatives, lambda),
            Loss::Robust { negatives, weight, weight_negatives } => {
                self.weighted(RobustTerm { negatives, weight }, weight_negatives)
            }
            Loss::IntCl { negatives, alpha, robust } => {
                with_robust((self.single)(negatives)?, alpha, robust, negatives)
            }
            Loss::IntNaCl { negatives, alpha, robust, neighborhood } => {
                let clean = match neighborhood {
                    Neighborhood::Nca => (self.nca)(negatives)?,
                    Neighborhood::MixNca { lambda } => mix_nca(negatives, lambda)?,
                    Neighborhood::Combined { lambda, joined: true } => {
                        sum((self.nca)(negatives)?, (self.mixed)(negatives, lambda)?)
                    }
                    Neighborhood::Combined { lambda, joined: false } => {
                        sum((self.nca)(negatives)?, mix_nca(negatives, lambda)?)
                    }
                };
                with_robust(clean, alpha, robust, negatives)
            }
        }
    }

    fn weighted(&self, term: RobustTerm, weight_negatives: Negatives) -> Result<Vec<Number>, Stop> {
        let robust = (self.robust)(term.negatives)?;
        if term.weight == Weight::One {
            return Ok(robust);
        }
        let weights = (self.single)(weight_negatives)?;
        Ok(robust.into_iter().zip(weights).map(|(term, weight)| term * weight).collect())
    }
}

/// All rows become the first one; the sizes stay those of the case.
fn identical_embeddings(trial: &Trial<'_>, name: &str) -> Result<(), Stop> {
    let loss = trial.loss(name)?;
    let scores = ExactScores::new(trial.case.temperature, trial.case.normalize);
    let log_1_plus = |n: f64, m: f64| Number::exact(scores.softplus(scores.ln(n) - &scores.ln(m)));
    let batch = trial.batch();
    let row = batch.views[0].row(0).into_owned();
    let alike = |matrix: &DMatrix<f64>| DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |_, k| row[k]);
    let values = |images: usize, m: usize, n: f64, robust_n: f64, mixed: bool| {
        let all = |x: Number| Ok(vec![x; images]);
        Terms {
            single: &|_| all(log_1_plus(n, 1.0)),
            nca: &|_| all(log_1_plus(n, m as f64)),
            mixed: &|_, lambda| {
                let (near, far) =
                    (log_1_plus(n, 1.0).times(lambda), log_1_plus(1.0, n).times_exactly(one_less(lambda)));
                all(if mixed { near + far } else { Number::new(0.0, [0.0; 3]) })
            },
            robust: &|_| all(log_1_plus(robust_n, 1.0)),
        }
        .of(loss)
    };
    let of_batch = || {
        let (b, m) = (batch.views[0].nrows(), batch.views.len() - 1);
        let n = 2.0 * (b as f64 - 1.0);
        let side = trial.evaluate(loss, &batch.map_matrices(alike))?;
        trial.same_values(&side, &values(b, m, n, n, m > 1)?, Inputs::Same);
        Ok(())
    };
    let of_tuples = || {
        let tuples = trial.tuples();
        let n = tuples.negatives[0].nrows() as f64;
        let robust_n = tuples.adversarial_negatives.as_ref().map_or(n, |list| list[0].nrows() as f64);
        let m = tuples.positives[0].nrows();
        let side = trial.evaluate(loss, &tuples.map_matrices(alike))?;
        trial.same_values(&side, &values(tuples.anchor.nrows(), m, n, robust_n, m > 1)?, Inputs::Same);
        Ok(())
    };
    trial.each(&[&of_batch, &of_tuples])
}

/// Draws of positives at the anchor itself and negatives away from it: the difference is negative.
fn the_floor(trial: &Trial<'_>, name: &str) -> Result<(), Stop> {
    let mut data = trial.tuples();
    let anchor = data.anchor.clone();
    let count = trial.case.negatives;
    let rows = |count: usize, i: usize, sign: f64| {
        DMatrix::from_fn(count, anchor.ncols(), |_, k| sign * anchor[(i, k)])
    };
    data.debias_positives = Some((0..anchor.nrows()).map(|i| rows(1, i, 1.0)).collect());
    data.negatives = (0..anchor.nrows()).map(|i| rows(count, i, -1.0)).collect();
    let floored = trial.evaluate(trial.loss(name)?, &data)?;
    let scores = ExactScores::new(trial.case.temperature, trial.case.normalize);
    for i in 0..anchor.nrows() {
        let request = &floored.request;
        let value = floored.number(i, Inputs::Same);
        let (positive, _) = scores.of_anchor(&data, i);
        let least = Number::exact(scores.softplus(scores.ln(count as f64) + &scores.log_floor() - &positive));
        trial.at_most(|| format!("floor <= per_anchor[{i}]"), least, value, request);
        if floored.tolerance(Inputs::Same).images[i].floored {
            trial.at_most(|| format!("per_anchor[{i}] at the floor"), value, least, request);
            let moved = largest(&floored.evaluation.gradient.negatives[i]);
            trial.measure(|| "gradient of the negatives at the floor".into(), moved, [0.0; 3], request);
        }
    }
    Ok(())
}

/// Two images, opposite to each other, of views that are the same: every difference is negative, and every row has the
/// gradient of its positive pairs alone.
fn the_floor_of_a_batch(trial: &Trial<'_>, name: &str) -> Result<(), Stop> {
    let drawn = trial.batch();
    let row = drawn.views[0].row(0).into_owned();
    let view = DMatrix::from_fn(2, row.len(), |i, k| if i == 0 { row[k] } else { -row[k] });
    let data = Batch {
        views: vec![view.clone(); drawn.views.len()],
        mixed: drawn.mixed.map(|list| vec![view.clone(); list.len()]),
        adversarial: drawn.adversarial.map(|_| view.clone()),
        ..drawn
    };
    let floored = trial.evaluate(trial.loss(name)?, &data)?;
    let scores = ExactScores::new(trial.case.temperature, trial.case.normalize);
    let least = |positive: Dd, negatives: &[Dd]| {
        let count = scores.ln(negatives.len() as f64);
        Number::exact(scores.softplus(count + &scores.log_floor() - &positive))
    };
    let least = scores.of_batch(&data, &least);
    let whole = floored.is_a_mean().then(|| Number::mean(&least));
    for ((name, value), least) in
        floored.values(Inputs::Same).into_iter().zip(whole.map_or(least, |x| vec![x]))
    {
        trial.at_most(|| format!("floor <= {name}"), least, value, &floored.request);
        if floored.tolerance(Inputs::Same).images.iter().all(|image| image.floored) {
            trial.at_most(|| format!("{name} at the floor"), value, least, &floored.request);
        }
    }
    Ok(())
}

fn stopped_weight(trial: &Trial<'_>, name: &str) -> Result<(), Stop> {
    let Loss::Robust { negatives, weight_negatives, .. } = trial.loss(name)? else { return Ok(()) };
    let with = |weight| Loss::Robust { negatives, weight, weight_negatives };
    // With draws of positives of their own, the positives are read by the weight alone.
    let mut data = trial.tuples();
    data.debias_positives.get_or_insert_with(|| data.negatives.clone());
    data.adversarial_negatives.get_or_insert_with(|| data.negatives.clone());
    let weights = trial.evaluate(single(weight_negatives), &data)?.numbers(Inputs::Same);
    let plain = trial.evaluate(with(Weight::One), &data)?;
    let stopped = trial.evaluate(with(Weight::Adversarial), &data)?;
    let values: Vec<Number> =
        plain.numbers(Inputs::Same).into_iter().zip(&weights).map(|(term, weight)| term * *weight).collect();
    trial.same_values(&stopped, &values, Inputs::Same);
    let mut expected = plain.evaluation.gradient.clone();
    let by_row = |matrix: &mut DMatrix<f64>| {
        matrix.row_iter_mut().zip(&weights).for_each(|(mut row, weight)| row *= weight.to_f64());
    };
    let by_matrix = |list: &mut Vec<DMatrix<f64>>| {
        list.iter_mut().zip(&weights).for_each(|(matrix, weight)| *matrix *= weight.to_f64());
    };
    by_row(&mut expected.anchor);
    expected.adversarial.iter_mut().for_each(by_row);
    expected.debias_positives.iter_mut().for_each(by_matrix);
    expected.adversarial_negatives.iter_mut().for_each(by_matrix);
    // The law multiplies gradients that are given in f64, so the last bits are its own.
    trial.same_gradients(&stopped, &expected, Inputs::Rounded);

    let batch = trial.evaluate(with(Weight::Adversarial), &trial.batch())?;
    for (v, view) in batch.evaluation.gradient.views.iter().enumerate().skip(1) {
        trial.measure(|| format!("gradient.views[{v}]"), largest(view), [0.0; 3], &batch.request);
    }
    Ok(())
}

impl ExactScores {
    /// A number of each anchor, by the score of its first positive and those of its negatives.
    pub(super) fn of_tuples(&self, data: &Tuples, term: &dyn Fn(Dd, &[Dd]) -> Number) -> Vec<Number> {
        let scores = (0..data.anchor.nrows()).map(|i| self.of_anchor(data, i));
        scores.map(|(positive, negatives)| term(positive, &negatives)).collect()
    }

    /// The same of each image of a batch: the mean over its sides.
    pub(super) fn of_batch(&self, data: &Batch, term: &dyn Fn(Dd, &[Dd]) -> Number) -> Vec<Number> {
        let side = |first: usize, second: usize| {
            self.of_tuples(&tuples_of_pair(&data.views[first], &data.views[second], &[]), term)
        };
        let view_0 = side(0, 1);
        if !data.symmetric {
            return view_0;
        }
        view_0.into_iter().zip(side(1, 0)).map(|(a, b)| (a + b).over(2.0)).collect()
    }

    /// The score of an anchor's first positive, and those of its negatives.
    pub(super) fn of_anchor(&self, data: &Tuples, anchor: usize) -> (Dd, Vec<Dd>) {
        let row = |matrix: &DMatrix<f64>, i: usize| matrix.row(i).iter().copied().collect::<Vec<f64>>();
        let x = row(&data.anchor, anchor);
        let negatives = &data.negatives[anchor];
        let scores = (0..negatives.nrows()).map(|i| self.score(&x, &row(negatives, i))).collect();
        (self.score(&x, &row(&data.positives[anchor], 0)), scores)
    }
}

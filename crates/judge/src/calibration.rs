//! Budgets are neither too small nor too large: exact answers, displaced by multiples of what they may be off.

use crate::budget::{Inputs, OUTPUT_ROUNDINGS};
use crate::side::InRequest;
use crate::{Float, Implementation, Standard, cases, laws, try_case};
use intnacl_reference::EvaluateRequest;
use intnacl_reference::condition::tolerance;
use intnacl_reference::inside::Rng;
use intnacl_reference::{Answer, Evaluation, Request, Tuples};
use intnacl_reference::{Loss, Settings};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::cell::RefCell;

/// The exact answer, with one number or one row moved by a multiple of what it may be off.
struct Displaced {
    budgets: f64,
    standard: Standard,
    rng: RefCell<Rng>,
}

impl Implementation for Displaced {
    fn float(&self) -> Float {
        Float::F64
    }
    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        Ok(match request.evaluate().map_err(|error| error.to_string())? {
            Answer::Tuples(evaluation) => {
                let Request::Tuples { loss, settings, data } = request else { unreachable!() };
                Answer::Tuples(self.displaced(evaluation, loss, settings, data))
            }
            Answer::Batch(evaluation) => {
                let Request::Batch { loss, settings, data } = request else { unreachable!() };
                Answer::Batch(self.displaced(evaluation, loss, settings, data))
            }
            other => other,
        })
    }
}

impl Displaced {
    fn displaced<L: InRequest>(
        &self,
        mut evaluation: Evaluation<L>,
        loss: &Loss,
        settings: &Settings,
        data: &L,
    ) -> Evaluation<L> {
        let tolerance = tolerance(loss, data, settings, Float::F64.roundings(Inputs::Same));
        let mut rng = self.rng.borrow_mut();
        let s = self.standard as usize;
        let unit = OUTPUT_ROUNDINGS * Float::F64.row().output_unit;
        // Two sides are compared, and each may be off.
        if rng.below(2) == 0 {
            let image = rng.below(evaluation.per_anchor.len());
            let off = tolerance.images[image].value[s] + unit * evaluation.per_anchor[image];
            evaluation.per_anchor[image] += 2.0 * self.budgets * off;
            return evaluation;
        }
        let read: Vec<usize> =
            (0..tolerance.rows.len()).filter(|&row| tolerance.rows[row].size > 0.0).collect();
        if read.is_empty() {
            return evaluation;
        }
        let (wanted, mut row) = (read[rng.below(read.len())], 0);
        let mut matrices = data.matrices().into_iter();
        evaluation.gradient = evaluation.gradient.map_matrices(|gradient| {
            let (mut gradient, x) = (gradient.clone(), matrices.next().map(|(_, x)| x));
            for i in 0..gradient.nrows() {
                if row == wanted {
                    let scale = x.filter(|_| settings.normalize).map_or(1.0, |x| x.row(i).norm());
                    let off = tolerance.rows[row].error[s] / scale + unit * gradient.row(i).norm();
                    let column = rng.below(gradient.ncols());
                    gradient[(i, column)] += 2.0 * self.budgets * off;
                }
                row += 1;
            }
            gradient
        });
        evaluation
    }
}

/// How many of `count` drawn cases break agreement on a loss when one side is displaced.
fn broken(budgets: f64, standard: Standard, count: u32) -> u32 {
    let law = laws().into_iter().find(|law| law.name == "agrees_with_the_reference").unwrap();
    let implementation = Displaced { budgets, standard, rng: RefCell::new(Rng::new(7)) };
    let mut runner = TestRunner::deterministic();
    let mut broken = 0;
    for at in 0..count {
        let case = cases().new_tree(&mut runner).unwrap().current();
        let loss = law.losses[at as usize % law.losses.len()];
        let outcome = try_case(&law, loss, &implementation, &case);
        broken += u32::from(outcome.broken(standard).is_some());
    }
    broken
}

#[test]
fn nine_tenths_of_a_budget_always_pass_and_ten_budgets_fail() {
    for standard in [Standard::Right, Standard::Careful] {
        assert_eq!(broken(0.9, standard, 360), 0, "{standard}");
        let found = broken(10.0, standard, 360);
        assert!(found >= 357, "{standard}: only {found} of 360");
    }
}

/// One anchor's difference is at its floor up to a rounding, the other anchor's is far from it.
#[test]
fn an_anchor_near_its_floor_excuses_itself_and_no_other() {
    let row = |x: f64| nalgebra::DMatrix::from_row_slice(1, 2, &[x, (1.0 - x * x).sqrt()]);
    let anchor = nalgebra::dmatrix![1.0, 0.0; 1.0, 0.0];
    let t: f64 = 0.5;
    // h(u) = τ h(v) + (1-τ) e^{-1/t} for the first anchor.
    let tau = 0.1;
    let tie = t * (tau * (0.9 / t).exp() + (1.0 - tau) * (-1.0 / t).exp()).ln();
    let mut data = Tuples::new(anchor, vec![row(0.5), row(0.5)], vec![row(tie), row(0.8)]);
    data.debias_positives = Some(vec![row(0.9), row(0.9)]);
    let of = |data: &Tuples| {
        let loss = Loss::Debiased { tau_plus: tau };
        tolerance(&loss, data, &Settings::new(t), Float::F64.roundings(Inputs::Same))
    };
    let near = of(&data);
    data.negatives[0] = row(0.8);
    let far = of(&data);
    // Rows: anchors, positives, negatives, draws, two of each.
    assert!(near.rows[4].error[0] > 1e9 * far.rows[4].error[0]);
    assert_eq!(near.rows[5].error, far.rows[5].error);
    assert_eq!(near.images[1].value, far.images[1].value);
    assert!(near.images[0].reach < 1e-12 && far.images[0].reach > 1e-3);
}

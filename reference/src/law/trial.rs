//! One law on one case: evaluations, comparisons within budgets, and the worst of them.

use super::budget::{EXACT_GRADIENT_UNITS, EXACT_VALUE_ULP};
use super::{Case, Float, Implementation};
use crate::evaluate::{Condition, condition};
use crate::layout::Layout;
use crate::request::{Answer, Request};
use crate::vocabulary::{Batch, Evaluation, Loss, Settings, Tuples, Weight};
use std::cell::RefCell;
use std::fmt;

/// A measurement against its budget.
#[derive(Debug, Clone, Default)]
pub struct Finding {
    /// What was measured.
    pub what: String,
    /// How far it is from where it should be.
    pub error: f64,
    /// How far it may be.
    pub budget: f64,
}

impl Finding {
    /// The error in budgets; more than 1 breaks the law.
    pub fn ratio(&self) -> f64 {
        if self.error == 0.0 { 0.0 } else { self.error / self.budget }
    }

    /// Whether the budget is exceeded; a NaN exceeds every budget.
    pub fn breaks(&self) -> bool {
        self.ratio().is_nan() || self.ratio() > 1.0
    }

    pub(super) fn worse(self, other: Self) -> Self {
        if other.breaks() && !self.breaks() || other.ratio() > self.ratio() || self.what.is_empty() {
            other
        } else {
            self
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: error {:.3e}, budget {:.3e}", self.what, self.error, self.budget)
    }
}

/// Why a case ended early.
#[derive(Debug, Clone)]
pub struct Stop {
    /// What happened.
    pub message: String,
    /// The request that was being evaluated.
    pub request: Option<Box<Request>>,
    /// Whether the implementation had to refuse, so that the case says nothing.
    pub excused: bool,
}

impl Stop {
    pub(super) fn new(message: String, request: &Request) -> Self {
        Self { message, request: Some(Box::new(request.clone())), excused: false }
    }
}

/// Where a comparison's two sides come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inputs {
    /// The very same numbers, so that an exact implementation must agree to its last bits.
    Same,
    /// Inputs that were rounded differently on the way.
    Rounded,
}

/// An evaluation with what its error budget is made of.
pub(super) struct Side<L> {
    pub(super) loss: Loss,
    pub(super) settings: Settings,
    pub(super) data: L,
    pub(super) evaluation: Evaluation<L>,
    condition: Condition,
    request: Request,
}

/// One law on one case.
pub struct Trial<'a> {
    /// The case.
    pub case: &'a Case,
    pub(super) implementation: &'a dyn Implementation,
    worst: RefCell<(Finding, Option<Request>)>,
}

/// A layout that requests can carry.
pub(super) trait InRequest: Layout + Clone {
    fn request(loss: Loss, settings: Settings, data: Self) -> Request;
    fn from_answer(answer: Answer) -> Option<Evaluation<Self>>;
}

impl InRequest for Tuples {
    fn request(loss: Loss, settings: Settings, data: Self) -> Request {
        Request::Tuples { loss, settings, data }
    }
    fn from_answer(answer: Answer) -> Option<Evaluation<Self>> {
        if let Answer::Tuples(evaluation) = answer { Some(evaluation) } else { None }
    }
}

impl InRequest for Batch {
    fn request(loss: Loss, settings: Settings, data: Self) -> Request {
        Request::Batch { loss, settings, data }
    }
    fn from_answer(answer: Answer) -> Option<Evaluation<Self>> {
        if let Answer::Batch(evaluation) = answer { Some(evaluation) } else { None }
    }
}

impl<'a> Trial<'a> {
    pub(super) fn new(case: &'a Case, implementation: &'a dyn Implementation) -> Self {
        Self { case, implementation, worst: RefCell::default() }
    }

    pub(super) fn into_worst(self) -> (Finding, Option<Request>) {
        self.worst.into_inner()
    }

    /// What the implementation answers.
    pub(super) fn answer(&self, request: &Request) -> Result<Answer, Stop> {
        self.implementation
            .evaluate(request)
            .map_err(|message| Stop::new(format!("refused: {message}"), request))
    }

    /// Evaluates with the case's settings.
    pub(super) fn evaluate<L: InRequest>(&self, loss: Loss, data: &L) -> Result<Side<L>, Stop> {
        self.evaluate_with(loss, data, self.case.settings())
    }

    pub(super) fn evaluate_with<L: InRequest>(
        &self,
        loss: Loss,
        data: &L,
        settings: Settings,
    ) -> Result<Side<L>, Stop> {
        let request = L::request(loss, settings, data.clone());
        let answer = self
            .answer(&request)
            .map_err(|stop| Stop { excused: self.leaves_the_range(&loss, data, &settings), ..stop })?;
        let evaluation =
            L::from_answer(answer).ok_or_else(|| Stop::new("answered in another layout".into(), &request))?;
        self.side(loss, data, settings, evaluation, request)
    }

    /// Whether terms of the gradient leave the range of the implementation's type, so that an error is the
    /// only honest answer.
    fn leaves_the_range<L: InRequest>(&self, loss: &Loss, data: &L, settings: &Settings) -> bool {
        if data.validate(loss, settings).is_err() {
            return false;
        }
        let condition = condition(&flowing(*loss), data, settings);
        // Rounded inputs may be on the other side of a floor.
        let estimators = condition.gradient_amplification.max(condition.floor_amplification);
        let largest = condition.magnitudes.iter().fold(estimators, |a, &b| a.max(b));
        // Sums of such terms, and products on the way, leave it a little earlier.
        largest > self.implementation.float().budget().huge / 1024.0
    }

    /// The reference's evaluation of the same.
    pub(super) fn reference<L: InRequest>(&self, side: &Side<L>) -> Result<Side<L>, Stop> {
        let evaluation = side
            .loss
            .evaluate(&side.data, &side.settings)
            .map_err(|error| Stop::new(format!("the reference refused: {error}"), &side.request))?;
        self.side(side.loss, &side.data, side.settings, evaluation, side.request.clone())
    }

    fn side<L: InRequest>(
        &self,
        loss: Loss,
        data: &L,
        settings: Settings,
        evaluation: Evaluation<L>,
        request: Request,
    ) -> Result<Side<L>, Stop> {
        let refused = |message: String| Stop::new(message, &request);
        data.validate(&loss, &settings)
            .map_err(|error| refused(format!("the case is not valid: {error}")))?;
        // A stopped weight hides how the value depends on it, so the budget is that of a flowing one.
        let condition = condition(&flowing(loss), data, &settings);
        if evaluation.per_anchor.len() != condition.sensitivities.len() {
            let (found, expected) = (evaluation.per_anchor.len(), condition.sensitivities.len());
            return Err(refused(format!("per_anchor has {found} entries, expected {expected}")));
        }
        if evaluation.gradient.problem(&loss).rows.len() != data.problem(&loss).rows.len() {
            return Err(refused("the gradient has another shape than the data".into()));
        }
        Ok(Side { loss, settings, data: data.clone(), evaluation, condition, request })
    }

    /// Records a measurement.
    pub(super) fn measure(&self, what: impl Into<String>, error: f64, budget: f64, request: &Request) {
        let finding = Finding { what: what.into(), error, budget };
        let mut worst = self.worst.borrow_mut();
        if finding.breaks() && !worst.0.breaks()
            || finding.ratio() > worst.0.ratio()
            || worst.0.what.is_empty()
        {
            *worst = (finding, Some(request.clone()));
        }
    }

    /// `below <= above`, up to the budget.
    pub(super) fn at_most(&self, what: &str, below: f64, above: f64, budget: f64, request: &Request) {
        let excess = below - above;
        self.measure(what, if excess > 0.0 || excess.is_nan() { excess } else { 0.0 }, budget, request);
    }

    /// Values and gradients of two sides agree.
    pub(super) fn same<L: InRequest>(&self, a: &Side<L>, b: &Side<L>, inputs: Inputs) {
        self.same_values(a, &b.evaluation.per_anchor, b, inputs);
        self.same_gradients(a, &b.evaluation.gradient, b, inputs);
    }

    /// The values of `a` are `expected`, which came from `b`.
    pub(super) fn same_values<L: InRequest, K: InRequest>(
        &self,
        a: &Side<L>,
        expected: &[f64],
        b: &Side<K>,
        inputs: Inputs,
    ) {
        let float = self.implementation.float();
        for (i, (found, expected)) in a.evaluation.per_anchor.iter().zip(expected).enumerate() {
            let budget = a.value_budget(i, float, inputs) + b.value_budget(i, float, inputs);
            self.measure(format!("per_anchor[{i}]"), (found - expected).abs(), budget, &a.request);
        }
        let mean = expected.iter().sum::<f64>() / expected.len() as f64;
        let budget = a.mean_budget(float, inputs) + b.mean_budget(float, inputs);
        self.measure("value", (a.evaluation.value - mean).abs(), budget, &a.request);
    }

    /// The gradient of `a` is `expected`, which came from `b` and has the shape of `a`'s data.
    pub(super) fn same_gradients<L: InRequest, K: InRequest>(
        &self,
        a: &Side<L>,
        expected: &L,
        b: &Side<K>,
        inputs: Inputs,
    ) {
        let float = self.implementation.float();
        // On the other side of a maximum the gradient is another one, and rounding picks the side. So it does
        // at τ = 0 for an antipode whose norm is a rounding above 1: its kernel is below the floor.
        let inputs_of_branch = if a.floored() == b.floored() { inputs } else { Inputs::Rounded };
        if !(a.branch_is_clear(float, inputs_of_branch) && b.branch_is_clear(float, inputs_of_branch)) {
            return;
        }
        let (found, expected) = (a.evaluation.gradient.problem(&a.loss), expected.problem(&a.loss));
        let amplification = b.condition.gradient_amplification.max(a.condition.gradient_amplification);
        for (k, array) in found.arrays.iter().enumerate() {
            let span = array.start * found.d..array.end * found.d;
            let (found, expected) = (&found.rows[span.clone()], &expected.rows[span]);
            let error = found.iter().zip(expected).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
            let norm = expected.iter().map(|x| x * x).sum::<f64>().sqrt();
            let budget = a.gradient_budget(k, norm, amplification, float, inputs);
            self.measure(format!("gradient of array {k}"), error, 2.0 * budget, &a.request);
        }
    }
}

/// The loss with the gradient flowing through its weight.
fn flowing(loss: Loss) -> Loss {
    let flow = |weight| match weight {
        Weight::One => Weight::One,
        _ => Weight::AdversarialWithGradient,
    };
    match loss {
        Loss::Robust { negatives, weight, weight_negatives } => {
            Loss::Robust { negatives, weight: flow(weight), weight_negatives }
        }
        Loss::IntCl { negatives, alpha, mut robust } => {
            robust.weight = flow(robust.weight);
            Loss::IntCl { negatives, alpha, robust }
        }
        Loss::IntNaCl { negatives, alpha, mut robust, neighborhood } => {
            robust.weight = flow(robust.weight);
            Loss::IntNaCl { negatives, alpha, robust, neighborhood }
        }
        other => other,
    }
}

impl<L: InRequest> Side<L> {
    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    /// The budget of one image's value.
    pub(super) fn value_budget(&self, image: usize, float: Float, inputs: Inputs) -> f64 {
        let value = self.evaluation.per_anchor[image].abs();
        if float == Float::Exact && inputs == Inputs::Same {
            return EXACT_VALUE_ULP * ulp(value);
        }
        let row = float.budget();
        let inverse = self.inverse_temperature();
        let logarithm = (self.data.problem(&self.loss).rows.len() as f64).ln();
        let spread = self.condition.sensitivities[image] * (inverse + logarithm) + value;
        let amplification = if self.branch_is_clear(float, inputs) {
            self.condition.value_amplification
        } else {
            self.condition.value_amplification.max(self.condition.floor_amplification)
        };
        let condition = amplification * spread;
        row.value * row.unit * condition + row.tiny * (1.0 + self.condition.sensitivities[image])
    }

    fn mean_budget(&self, float: Float, inputs: Inputs) -> f64 {
        let count = self.evaluation.per_anchor.len();
        let sum: f64 = (0..count).map(|i| self.value_budget(i, float, inputs)).sum();
        // The mean of f64 values that the law computes has roundings of its own.
        sum / count as f64 + 2.0 * ulp(self.evaluation.value.abs())
    }

    fn gradient_budget(
        &self,
        array: usize,
        norm: f64,
        amplification: f64,
        float: Float,
        inputs: Inputs,
    ) -> f64 {
        let row = float.budget();
        let magnitude = self.condition.magnitudes[array];
        if float == Float::Exact && inputs == Inputs::Same {
            return EXACT_GRADIENT_UNITS * row.unit * norm + f64::MIN_POSITIVE;
        }
        let inverse = 1.0 + self.inverse_temperature();
        let tiny = if magnitude == 0.0 {
            0.0
        } else {
            row.tiny * inverse * self.data.problem(&self.loss).rows.len() as f64
        };
        row.gradient * row.unit * amplification * inverse * magnitude + tiny
    }

    /// The norm of the whole gradient if nothing cancelled.
    pub(super) fn total_magnitude(&self) -> f64 {
        self.condition.magnitudes.iter().map(|m| m * m).sum::<f64>().sqrt()
    }

    /// By how much cancellation inside the estimators magnifies, in the gradient.
    pub(super) fn amplification(&self) -> f64 {
        self.condition.gradient_amplification
    }

    /// Whether each anchor's estimators are at the floor, as far as differences care: a summary.
    pub(super) fn floored(&self) -> usize {
        self.condition.floored
    }

    /// The largest score.
    fn inverse_temperature(&self) -> f64 {
        let radius = self.data.problem(&self.loss).radius(self.settings.normalize);
        radius * radius / self.settings.temperature
    }

    /// Whether rounding cannot change the branch of a maximum.
    pub(super) fn branch_is_clear(&self, float: Float, inputs: Inputs) -> bool {
        if float == Float::Exact && inputs == Inputs::Same {
            return true;
        }
        let row = float.budget();
        let spread = 1.0 + self.inverse_temperature();
        self.condition.margin > (4.0 * row.gradient * row.unit * spread).log2()
    }
}

/// The distance from `x >= 0` to the next f64 above.
pub(super) fn ulp(x: f64) -> f64 {
    x.next_up() - x
}

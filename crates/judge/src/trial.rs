//! One law on one case: evaluations, comparisons within budgets, and the worst of them.

use super::budget::{EXACT_GRADIENT_UNITS, Inputs, OUTPUT_ROUNDINGS, Standard};
use super::number::{Bounds, Number};
use super::outcome::{Excuse, Finding, Outcome, Stop, exceeds, ratio};
use super::side::{InRequest, Side};
use super::{Case, Float, Implementation};
use intnacl_reference::Error;
use intnacl_reference::Evaluate;
use intnacl_reference::condition::tolerance;
use intnacl_reference::inside::norm;
use intnacl_reference::{Answer, Layout, Reply, Request};
use intnacl_reference::{Batch, Evaluation, Loss, RobustTerm, Settings, Tuples, Weight};
use nalgebra::DMatrix;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// One law on one case.
pub struct Trial<'a> {
    /// The case.
    pub case: &'a Case,
    pub(super) implementation: &'a dyn Implementation,
    worst: RefCell<[(Finding, Option<Rc<Request>>); 3]>,
    answers: RefCell<Vec<(Rc<Request>, Reply)>>,
    comparisons: Cell<u32>,
    /// Whether an answer had something absent, which is NaN.
    partial: Cell<bool>,
    /// Every measurement, where they are wanted.
    all: Option<RefCell<Vec<[Finding; 3]>>>,
}

impl<'a> Trial<'a> {
    pub(super) fn new(case: &'a Case, implementation: &'a dyn Implementation) -> Self {
        Self {
            case,
            implementation,
            worst: RefCell::default(),
            answers: RefCell::default(),
            comparisons: Cell::new(0),
            partial: Cell::new(false),
            all: None,
        }
    }

    /// A trial that remembers every measurement.
    pub(super) fn recording(case: &'a Case, implementation: &'a dyn Implementation) -> Self {
        Self { all: Some(RefCell::default()), ..Self::new(case, implementation) }
    }

    /// The measurements by a standard.
    pub(super) fn recorded(&self, standard: Standard) -> Vec<Finding> {
        let all = self.all.iter().flat_map(|all| all.borrow().clone());
        all.map(|findings| findings[standard as usize].clone()).collect()
    }

    pub(super) fn into_outcome(self, stop: Option<Stop>) -> Outcome {
        let [a, b, c] = self.worst.into_inner();
        let requests = [a.1, b.1, c.1];
        let stopped_at = stop.as_ref().and_then(|stop| stop.request.as_ref());
        let named: Vec<&Rc<Request>> = requests.iter().flatten().chain(stopped_at).collect();
        let mut answers = self.answers.into_inner();
        answers.retain(|(request, _)| named.iter().any(|named| Rc::ptr_eq(named, request)));
        let comparisons = self.comparisons.get();
        Outcome { worst: [a.0, b.0, c.0], requests, answers, comparisons, stop }
    }

    /// The loss of a name with the case's parameters, or with those that the implementation has fixed.
    pub(super) fn loss(&self, name: &str) -> Result<Loss, Stop> {
        match self.implementation.support().fixed {
            Some(fixed) if fixed.name() == name => Ok(fixed),
            _ => self.loss_of(self.case, name),
        }
    }

    pub(super) fn loss_of(&self, case: &Case, name: &str) -> Result<Loss, Stop> {
        let message = || format!("no loss has the name {name}");
        case.loss(name).ok_or_else(|| Stop { message: message(), request: None, excuse: None })
    }

    pub(super) fn float(&self) -> Float {
        self.implementation.float()
    }

    /// The case's batch, in numbers of the implementation's type, with the arrays that it takes.
    pub(super) fn batch(&self) -> Batch {
        self.batch_of(self.case)
    }

    pub(super) fn batch_of(&self, case: &Case) -> Batch {
        self.representable(&self.implementation.support().batch(case.batch()))
    }

    /// The case's tuples, in numbers of the implementation's type, with the arrays that it takes.
    pub(super) fn tuples(&self) -> Tuples {
        self.tuples_of(self.case)
    }

    pub(super) fn tuples_of(&self, case: &Case) -> Tuples {
        self.representable(&self.implementation.support().tuples(case.tuples()))
    }

    /// The nearest data that the implementation's type has.
    pub(super) fn representable<L: InRequest>(&self, data: &L) -> L {
        data.map_matrices(|matrix| matrix.map(|x| self.float().representable(x)))
    }

    /// Temperature and normalisation of the case; rows may leave the sphere as far as rounding takes them.
    pub(super) fn settings(&self) -> Settings {
        self.loosened(self.case.settings())
    }

    pub(super) fn loosened(&self, settings: Settings) -> Settings {
        let rounding = 2.0 * self.float().row().output_unit;
        Settings { norm_tolerance: settings.norm_tolerance.max(rounding), ..settings }
    }

    /// What the implementation answers.
    pub(super) fn answer(&self, request: &Rc<Request>) -> Result<Answer, Stop> {
        let stop = |message: String| Stop { message, request: Some(request.clone()), excuse: None };
        let reply = self.implementation.reply(request);
        let reply = reply.map_err(|message| stop(format!("refused: {message}")))?;
        // A program need not give the same answer again.
        self.answers.borrow_mut().push((request.clone(), reply.clone()));
        let Reply { answer, absent } = reply;
        if let Some(message) = not_finite(&answer, &absent) {
            return Err(stop(message));
        }
        if !absent.is_empty() {
            self.partial.set(true);
        }
        Ok(answer)
    }

    /// Runs the parts of a law. One that asks for what is not supported says nothing of the others.
    pub(super) fn each(&self, parts: &[&dyn Fn() -> Result<(), Stop>]) -> Result<(), Stop> {
        let mut unsupported = None;
        for part in parts {
            match part() {
                Err(stop) if stop.excuse == Some(Excuse::NotSupported) => unsupported = Some(stop),
                other => other?,
            }
        }
        match unsupported {
            Some(stop) if self.comparisons.get() == 0 => Err(stop),
            _ => Ok(()),
        }
    }

    /// A law of tuples, which are independent of each other: in its form for batches, where the implementation answers no
    /// tuples.
    pub(super) fn by_layout(
        &self,
        of_tuples: impl FnOnce() -> Result<(), Stop>,
        of_batch: impl FnOnce() -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        if self.implementation.support().tuples { of_tuples() } else { of_batch() }
    }

    /// Ends a part of a law that has nothing to say of what the implementation claims.
    pub(super) fn not_supported(what: &str) -> Stop {
        let message = format!("not supported: it asks for {what}");
        Stop { message, request: None, excuse: Some(Excuse::NotSupported) }
    }

    /// Evaluates with the case's settings.
    pub(super) fn evaluate<L: InRequest>(&self, loss: Loss, data: &L) -> Result<Side<L>, Stop> {
        self.evaluate_with(loss, data, self.settings())
    }

    pub(super) fn evaluate_with<L: InRequest>(
        &self,
        loss: Loss,
        data: &L,
        settings: Settings,
    ) -> Result<Side<L>, Stop> {
        let request = Rc::new(L::request(loss, settings, data.clone()));
        let stop = |message: String, excuse| Stop { message, request: Some(request.clone()), excuse };
        data.validate(&loss, &settings)
            .map_err(|error| stop(format!("the case is not valid: {error}"), None))?;
        if let Some(what) = self.implementation.support().lacks(&loss, data, &settings) {
            return Err(Stop { request: Some(request), ..Self::not_supported(what) });
        }
        let answer = self.answer(&request).map_err(|refusal| {
            let excuse = self.leaves_the_range(&loss, data, &settings).then_some(Excuse::BeyondTheType);
            stop(refusal.message, excuse)
        })?;
        let evaluation =
            L::from_answer(answer).ok_or_else(|| stop("answered in another layout".into(), None))?;
        self.side(loss, data, settings, evaluation, request)
    }

    /// Whether terms of the gradient leave the range of the implementation's type.
    fn leaves_the_range<L: InRequest>(&self, loss: &Loss, data: &L, settings: &Settings) -> bool {
        let float = self.float();
        // Rounded inputs may be on the other side of a floor.
        let roundings = float.roundings(Inputs::Rounded);
        let tolerance = tolerance(&with_flowing_weight(*loss), data, settings, roundings);
        let norms = row_norms(data, settings);
        let largest = tolerance.rows.iter().zip(norms).map(|(row, norm)| {
            let size = row.size.max(row.error[Standard::Careful as usize] / roundings.scores);
            size / norm.min(1.0)
        });
        // Sums of such terms, and products on the way, leave it a little earlier.
        largest.fold(0.0, f64::max) > float.row().huge / 1024.0
    }

    /// The reference's evaluation of the same.
    pub(super) fn reference<L: InRequest>(&self, side: &Side<L>) -> Result<Side<L>, Stop> {
        let evaluation = side.loss.evaluate(&side.data, &side.settings).map_err(|error| {
            // A tie whose gradient no f64 holds is no fault of the implementation.
            let excuse = matches!(error, Error::Overflow { .. }).then_some(Excuse::BeyondTheType);
            Stop { excuse, ..Stop::new(format!("the reference refused: {error}"), &side.request) }
        })?;
        self.side(side.loss, &side.data, side.settings, evaluation, side.request.clone())
    }

    fn side<L: InRequest>(
        &self,
        loss: Loss,
        data: &L,
        settings: Settings,
        evaluation: Evaluation<L>,
        request: Rc<Request>,
    ) -> Result<Side<L>, Stop> {
        let refused = |message: String| Stop::new(message, &request);
        let expected = data.problem(&loss).images.len();
        if evaluation.per_anchor.len() != expected {
            let found = evaluation.per_anchor.len();
            return Err(refused(format!("per_anchor has {found} entries, expected {expected}")));
        }
        let shapes =
            |data: &L| data.matrices().into_iter().map(|(_, matrix)| matrix.shape()).collect::<Vec<_>>();
        if shapes(&evaluation.gradient) != shapes(data) {
            return Err(refused("the gradient has another shape than the data".into()));
        }
        Ok(Side::new((loss, settings, data.clone()), evaluation, request, self.float()))
    }

    /// Records a measurement.
    pub(super) fn measure(
        &self,
        what: impl Fn() -> String,
        error: f64,
        budgets: Bounds,
        request: &Rc<Request>,
    ) {
        // Answers are finite, but for what is absent.
        if error.is_nan() && self.partial.get() {
            return;
        }
        if budgets.iter().any(|budget| budget.is_finite()) {
            self.comparisons.set(self.comparisons.get() + 1);
        }
        if let Some(all) = &self.all {
            all.borrow_mut().push(budgets.map(|budget| Finding { what: what(), error, budget }));
        }
        for (worst, budget) in self.worst.borrow_mut().iter_mut().zip(budgets) {
            if worst.0.what.is_empty() || exceeds(ratio(error, budget), worst.0.ratio()) {
                *worst = (Finding { what: what(), error, budget }, Some(request.clone()));
            }
        }
    }

    /// `below <= above`, up to how far both may be off.
    pub(super) fn at_most(
        &self,
        what: impl Fn() -> String,
        below: Number,
        above: Number,
        request: &Rc<Request>,
    ) {
        let excess = below - above;
        let error = excess.to_f64();
        self.measure(what, if error > 0.0 || error.is_nan() { error } else { 0.0 }, excess.off, request);
    }

    /// Values and gradients of two sides with the same data agree.
    pub(super) fn same<L: InRequest>(&self, a: &Side<L>, b: &Side<L>, inputs: Inputs) {
        self.same_values_as(a, b, inputs);
        self.gradients(a, &b.evaluation.gradient, Some(b), inputs);
    }

    /// The values of both sides agree, where they are those of the same images in the same order.
    pub(super) fn same_values_as<L: InRequest>(&self, a: &Side<L>, b: &Side<impl InRequest>, inputs: Inputs) {
        let expected = b.numbers(inputs);
        self.same_values_of_images(a, &expected, inputs);
        self.same_mean(a, if b.is_a_mean() { b.mean(inputs) } else { Number::mean(&expected) }, inputs);
    }

    /// The values of `a` are `expected`.
    pub(super) fn same_values<L: InRequest>(&self, a: &Side<L>, expected: &[Number], inputs: Inputs) {
        self.same_values_of_images(a, expected, inputs);
        self.same_mean(a, Number::mean(expected), inputs);
    }

    fn same_values_of_images<L: InRequest>(&self, a: &Side<L>, expected: &[Number], inputs: Inputs) {
        for (i, expected) in expected.iter().enumerate() {
            let found = a.number(i, inputs);
            let budgets = [0, 1, 2].map(|s| found.off[s] + expected.off[s]);
            let error = expected.distance(a.evaluation.per_anchor[i]);
            self.measure(|| format!("per_anchor[{i}]"), error, budgets, &a.request);
        }
    }

    fn same_mean<L: InRequest>(&self, a: &Side<L>, mean: Number, inputs: Inputs) {
        let found = a.mean(inputs);
        let budgets = [0, 1, 2].map(|s| found.off[s] + mean.off[s]);
        self.measure(|| "value".into(), mean.distance(a.evaluation.value), budgets, &a.request);
    }

    /// The gradient of `a` is `expected`, which was made of a gradient that may be as far off.
    pub(super) fn same_gradients<L: InRequest>(&self, a: &Side<L>, expected: &L, inputs: Inputs) {
        self.gradients(a, expected, None, inputs);
    }

    fn gradients<L: InRequest>(&self, a: &Side<L>, expected: &L, other: Option<&Side<L>>, inputs: Inputs) {
        let row_of_type = self.float().row();
        let tolerance = a.tolerance(inputs);
        let others = other.map(|side| side.tolerance(inputs));
        let norms = row_norms(&a.data, &a.settings);
        let mut row = 0;
        for ((name, found), (_, expected)) in
            a.evaluation.gradient.matrices().into_iter().zip(expected.matrices())
        {
            let (mut array_error, mut array_norm) = (0.0_f64, 0.0_f64);
            for i in 0..found.nrows() {
                let (found, expected) = (found.row(i), expected.row(i));
                let error = size(found.iter().zip(&expected).map(|(x, y)| x - y), norm);
                let norm = norm(expected.iter().copied());
                (array_error, array_norm) = (array_error.hypot(error), array_norm.hypot(norm));
                let scale = norms[row];
                let mine = &tolerance.rows[row];
                let theirs = others.map_or(mine, |others| &others.rows[row]);
                // Nothing is rounded where there is nothing.
                let underflow = if mine.size + theirs.size + mine.error[0] + theirs.error[0] == 0.0 {
                    0.0
                } else {
                    // Where rows of other norms are compared, the other side has underflowed by itself.
                    row_of_type.tiny_output * (found.len() as f64).sqrt() * scale.max(1.0)
                };
                let output = 2.0 * (OUTPUT_ROUNDINGS * row_of_type.output_unit * norm * scale + underflow);
                let budget = |s: usize| mine.error[s] + theirs.error[s] + output;
                let exact = if inputs == Inputs::Same { f64::INFINITY } else { budget(1) };
                let budgets = [budget(0), budget(1), exact];
                self.measure(|| format!("gradient.{name}[{i}]"), error * scale, budgets, &a.request);
                row += 1;
            }
            if inputs == Inputs::Same {
                let budget =
                    2.0 * EXACT_GRADIENT_UNITS * row_of_type.unit * array_norm + 2.0 * row_of_type.tiny;
                let budgets = [f64::INFINITY, f64::INFINITY, budget];
                self.measure(|| format!("gradient.{name}"), array_error, budgets, &a.request);
            }
        }
    }
}

/// The size of numbers by some measure, which passes over NaN; NaN where one is, being absent.
fn size<I: Iterator<Item = f64> + Clone>(numbers: I, measure: impl Fn(I) -> f64) -> f64 {
    if numbers.clone().any(f64::is_nan) { f64::NAN } else { measure(numbers) }
}

/// The size of the largest number of a matrix; NaN where one is absent.
pub(super) fn largest(matrix: &DMatrix<f64>) -> f64 {
    size(matrix.iter().map(|x| x.abs()), |sizes| sizes.fold(0.0, f64::max))
}

/// Which number of an answer is not finite, in words; what is absent is none.
fn not_finite(answer: &Answer, absent: &[&str]) -> Option<String> {
    let (value, per_anchor, matrices) = match answer {
        Answer::Tuples(of) => (of.value, &of.per_anchor, of.gradient.matrices()),
        Answer::Batch(of) => (of.value, &of.per_anchor, of.gradient.matrices()),
        Answer::Supervised(of) => {
            let gradient = [("transform", &of.gradient.transform), ("points", &of.gradient.points)];
            let named = gradient.map(|(name, matrix)| (name.to_owned(), matrix));
            (of.value, &of.per_anchor, named.into())
        }
    };
    let says = |name: String, x: f64| (!x.is_finite()).then(|| format!("{name} is {x}"));
    let is_claimed = |name: &str| !absent.contains(&name.split('[').next().unwrap_or(name));
    let values = per_anchor.iter().enumerate().filter(|_| is_claimed("per_anchor"));
    says("value".into(), value)
        .or_else(|| values.map(|(i, x)| says(format!("per_anchor[{i}]"), *x)).find_map(|found| found))
        .or_else(|| {
            matrices.into_iter().filter(|(name, _)| is_claimed(name)).find_map(|(name, matrix)| {
                let (rows, columns) = matrix.shape();
                (0..rows * columns)
                    .map(|at| (at / columns, at % columns))
                    .find_map(|(i, k)| says(format!("gradient.{name}[{i}][{k}]"), matrix[(i, k)]))
            })
        })
}

/// The norm of each row under normalisation, and 1 without.
pub(crate) fn row_norms<L: InRequest>(data: &L, settings: &Settings) -> Vec<f64> {
    let matrices = data.matrices();
    let rows = matrices.iter().flat_map(|(_, matrix)| matrix.row_iter());
    rows.map(|row| if settings.normalize { row.norm() } else { 1.0 }).collect()
}

/// The loss with the gradient flowing through its weight.
pub(super) fn with_flowing_weight(loss: Loss) -> Loss {
    let flow = |weight| if weight == Weight::One { weight } else { Weight::AdversarialWithGradient };
    let term = |robust: RobustTerm| RobustTerm { weight: flow(robust.weight), ..robust };
    match loss {
        Loss::Robust { negatives, weight, weight_negatives } => {
            Loss::Robust { negatives, weight: flow(weight), weight_negatives }
        }
        Loss::IntCl { negatives, alpha, robust } => Loss::IntCl { negatives, alpha, robust: term(robust) },
        Loss::IntNaCl { negatives, alpha, robust, neighborhood } => {
            Loss::IntNaCl { negatives, alpha, robust: term(robust), neighborhood }
        }
        Loss::SimClr
        | Loss::Debiased { .. }
        | Loss::HardNegative { .. }
        | Loss::Adversarial { .. }
        | Loss::Nca { .. }
        | Loss::MixNca { .. } => loss,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::PLAIN;
    use crate::laws;
    use intnacl_reference::EvaluateRequest;

    /// The exact values, and no gradient.
    struct Values;

    impl Implementation for Values {
        fn float(&self) -> Float {
            Float::F64
        }
        fn evaluate(&self, request: &Request) -> Result<Answer, String> {
            self.reply(request).map(|reply| reply.answer)
        }
        fn reply(&self, request: &Request) -> Result<Reply, String> {
            fn without<L: Layout>(of: Evaluation<L>) -> Evaluation<L> {
                let gradient = of.gradient.map_matrices(|matrix| matrix.map(|_| f64::NAN));
                Evaluation { gradient, ..of }
            }
            let answer = match request.evaluate().map_err(|error| error.to_string())? {
                Answer::Tuples(of) => Answer::Tuples(without(of)),
                Answer::Batch(of) => Answer::Batch(without(of)),
                Answer::Supervised(of) => {
                    let Evaluation { mut gradient, .. } = of;
                    gradient.transform.fill(f64::NAN);
                    gradient.points.fill(f64::NAN);
                    Answer::Supervised(Evaluation { gradient, ..of })
                }
            };
            let absent = vec![
                "anchor",
                "positives",
                "negatives",
                "debias_positives",
                "mixed",
                "mixed_negatives",
                "adversarial",
                "adversarial_negatives",
                "views",
                "transform",
                "points",
            ];
            Ok(Reply { answer, absent })
        }
    }

    #[test]
    fn a_gradient_that_is_absent_is_compared_with_nothing() {
        let case = Case { images: 3, positives: 2, ..PLAIN };
        for law in laws() {
            for loss in law.losses {
                let trial = Trial::recording(&case, &Values);
                let _ = (law.check)(&trial, loss);
                for finding in trial.recorded(Standard::Right) {
                    assert!(!finding.what.contains("gradient"), "{} {loss}: {}", law.name, finding.what);
                    assert!(!finding.error.is_nan(), "{} {loss}: {}", law.name, finding.what);
                }
            }
        }
    }
}

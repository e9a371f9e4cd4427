//! The errors of a program from the lowest to the highest temperature, whether or not a law breaks on the way.

use crate::budget::Inputs;
use crate::check::stream;
use crate::outcome::exceeds;
use crate::side::InRequest;
use crate::trial::Trial;
use crate::{Case, Excuse, Finding, Float, Geometry, Implementation, Standard, Stop, cases, supervised};
use intnacl_reference::{EvaluateSupervised, Objective, SUPERVISED_NCA};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};

/// How many requests of a loss are measured.
pub const REQUESTS: usize = 96;

/// What was measured on the answer to one request: of its values, or of its gradients, the measurement that is farthest
/// from the exact one in budgets.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The temperature of the request; of supervised NCA, the spread of the points.
    pub temperature: f64,
    /// The exact loss: of the anchor whose value was measured, or of the request whose gradient was.
    pub size: f64,
    /// What was measured.
    pub what: String,
    /// How far it is from the exact one.
    pub error: f64,
    /// How far it may be by the standard *right*.
    pub right: f64,
    /// How far it may be by the standard *careful*.
    pub careful: f64,
}

/// A request without an answer, or with one that is not finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Unanswered {
    /// The temperature of the request.
    pub temperature: f64,
    /// The exact loss.
    pub size: f64,
}

/// The measurements of a loss.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// The loss.
    pub loss: String,
    /// The type whose budgets are drawn.
    pub float: Float,
    /// Of the values: a point a request.
    pub values: Vec<Point>,
    /// Of the gradients: a point a request, where gradients are claimed.
    pub gradients: Vec<Point>,
    /// The requests that had no answer.
    pub unanswered: Vec<Unanswered>,
    /// How many requests are not claimed, or have a gradient that leaves the type's range.
    pub excused: usize,
}

/// Asks a program [`REQUESTS`] requests about a loss, their temperatures evenly spread over those that it claims.
///
/// `standard` decides which measurement of a request is the farthest; `adapted` makes a drawn case one that the program takes.
pub fn sweep(
    implementation: &dyn Implementation,
    loss: &str,
    seed: u64,
    standard: Standard,
    adapted: &dyn Fn(Case) -> Case,
) -> Sweep {
    let claimed = implementation.support().temperatures;
    let (low, high) = (claimed.start().clamp(1e-3, 10.0), claimed.end().clamp(1e-3, 10.0));
    let float = implementation.float();
    let mut sweep = Sweep {
        loss: loss.into(),
        float,
        values: Vec::new(),
        gradients: Vec::new(),
        unanswered: Vec::new(),
        excused: 0,
    };
    let mut runner = TestRunner::new_with_rng(Config::default(), stream("sweep", loss, seed));
    for index in 0..REQUESTS {
        let Ok(drawn) = cases().new_tree(&mut runner) else { continue };
        let share = index as f64 / (REQUESTS - 1) as f64;
        let temperature = (low * (high / low).powf(share)).clamp(low, high);
        let mut case = Case { temperature, ..drawn.current() };
        if index % 3 == 2 {
            case = of_small_loss(case);
        }
        let case = adapted(case).within(float);
        let trial = Trial::recording(&case, implementation);
        let support = implementation.support();
        let is_batch = support.batches && (index.is_multiple_of(2) || !support.tuples);
        match exact_values(&trial, loss, is_batch) {
            Ok(exact) => sweep.add(&trial, &exact, standard),
            Err((stop, _)) if stop.excuse.is_some() => sweep.excused += 1,
            Err((_, size)) => sweep.unanswered.push(Unanswered { temperature: case.temperature, size }),
        }
    }
    sweep
}

/// A case whose positives are the anchor and whose negatives are at right angles to it: drawn ones rarely have losses of
/// every size, and these have about `N e^{-1/t}`.
fn of_small_loss(case: Case) -> Case {
    let dimension = case.dimension.max(case.images).max(case.negatives + 2);
    Case { geometry: Geometry::Orthogonal, dimension, ..case }
}

/// The exact values of a request that was answered.
struct Exact {
    value: f64,
    per_anchor: Vec<f64>,
    /// How the measurements begin of gradients that the program does not give.
    absent: Vec<String>,
}

/// Measures agreement on one request; where there is no answer, the exact value stands beside the reason.
fn exact_values(trial: &Trial<'_>, loss: &str, is_batch: bool) -> Result<Exact, (Stop, f64)> {
    if loss == SUPERVISED_NCA.name {
        let data = supervised::points(trial, 3);
        let objective = Objective::KullbackLeibler;
        let exact = objective.evaluate(&data).ok();
        let size = exact.as_ref().map_or(f64::NAN, |exact| exact.value);
        supervised::agrees(trial, objective, &data).map_err(|stop| (stop, size))?;
        let per_anchor = exact.map_or_else(Vec::new, |exact| exact.per_anchor);
        return Ok(Exact { value: size, per_anchor, absent: Vec::new() });
    }
    if is_batch { of_layout(trial, loss, &trial.batch()) } else { of_layout(trial, loss, &trial.tuples()) }
}

fn of_layout<L: InRequest>(trial: &Trial<'_>, name: &str, data: &L) -> Result<Exact, (Stop, f64)> {
    let loss = trial.loss(name).map_err(|stop| (stop, f64::NAN))?;
    let side = trial.evaluate(loss, data).map_err(|stop| {
        let excused = matches!(stop.excuse, Some(Excuse::NotSupported));
        let exact = || intnacl_reference::Evaluate::evaluate(&loss, data, &trial.settings());
        let size = if excused { f64::NAN } else { exact().map_or(f64::NAN, |exact| exact.value) };
        (stop, size)
    })?;
    let reference = trial.reference(&side).map_err(|stop| (stop, f64::NAN))?;
    trial.same(&side, &reference, Inputs::Same);
    let given = side.evaluation.gradient.matrices().into_iter();
    let absent = given.filter(|(_, matrix)| matrix.iter().any(|x| x.is_nan()));
    let absent = absent.map(|(name, _)| format!("gradient.{name}[")).collect();
    let evaluation = reference.evaluation;
    Ok(Exact { value: evaluation.value, per_anchor: evaluation.per_anchor, absent })
}

impl Sweep {
    fn add(&mut self, trial: &Trial<'_>, exact: &Exact, standard: Standard) {
        let [right, careful] = [Standard::Right, Standard::Careful].map(|standard| trial.recorded(standard));
        let judged = if standard == Standard::Right { &right } else { &careful };
        let farthest = |of_gradients: bool| -> Option<Point> {
            let wanted = |finding: &Finding| {
                let is_given = !exact.absent.iter().any(|start| finding.what.starts_with(start));
                finding.what.starts_with("gradient.") == of_gradients
                    && finding.budget.is_finite()
                    && is_given
            };
            let mut farthest: Option<usize> = None;
            for (at, finding) in judged.iter().enumerate().filter(|(_, finding)| wanted(finding)) {
                if farthest.is_none_or(|before| exceeds(finding.ratio(), judged[before].ratio())) {
                    farthest = Some(at);
                }
            }
            let (right, careful) = (&right[farthest?], &careful[farthest?]);
            let image = right.what.strip_prefix("per_anchor[").and_then(|rest| rest.strip_suffix(']'));
            let of_image = image.and_then(|image| exact.per_anchor.get(image.parse::<usize>().ok()?));
            Some(Point {
                temperature: trial.case.temperature,
                size: *of_image.unwrap_or(&exact.value),
                what: right.what.clone(),
                error: right.error,
                right: right.budget,
                careful: careful.budget,
            })
        };
        self.values.extend(farthest(false));
        self.gradients.extend(farthest(true));
    }
}

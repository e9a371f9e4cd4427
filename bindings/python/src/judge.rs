//! The judge: laws tried on a function, under the conventions that were found for it.

use std::cell::{Cell, RefCell};
use std::ops::RangeInclusive;

use intnacl_judge::{Case, Combination, Estimator, Excuse, Finding, Float, Law, Outcome, Standard, cases};
use intnacl_reference::{Layout, Loss, Negatives, Neighborhood, Request, Settings, Weight};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde_json::Value;

use crate::implementation::Function;
use crate::laws::{AGREEMENT, Offer, of_loss};
use crate::{arrays, refused};

/// How many times a counterexample is made smaller.
const SHRINKING: u32 = 400;

/// What is asked of a function, read from JSON.
struct Plan {
    loss: String,
    float: Float,
    standard: Standard,
    cases: u32,
    seed: u64,
    /// Only these laws.
    laws: Option<Vec<String>>,
    layout: String,
    /// The arrays that the function takes.
    arrays: Vec<String>,
    per_anchor: bool,
    normalize: Option<bool>,
    symmetric: Option<bool>,
    temperatures: RangeInclusive<f64>,
    /// `M`, where the function takes no other number of positives.
    positives: Option<usize>,
    /// Whether every new shape costs the function much, as it does where shapes are compiled.
    few_shapes: bool,
    /// The loss with its parameters, where the function has them fixed.
    fixed: Option<Loss>,
}

fn float_of(name: &str) -> PyResult<Float> {
    Ok(match name {
        "f64" => Float::F64,
        "f32" => Float::F32,
        "bf16" => Float::Bf16,
        "f16" => Float::F16,
        _ => return Err(refused(format!("dtype = {name:?}: expected f64, f32, bf16 or f16"))),
    })
}

fn standard_of(name: &str) -> PyResult<Standard> {
    let found = Standard::ALL.into_iter().find(|standard| standard.to_string() == name);
    found.ok_or_else(|| refused(format!("standard = {name:?}: expected right, careful or exact")))
}

impl Plan {
    fn read(text: &str) -> PyResult<Self> {
        let plan: Value = serde_json::from_str(text).map_err(refused)?;
        let text = |name: &str| plan[name].as_str().unwrap_or_default().to_owned();
        let names = |name: &str| {
            let list = plan[name].as_array()?;
            Some(list.iter().filter_map(|item| item.as_str().map(String::from)).collect::<Vec<_>>())
        };
        let end = |index: usize| plan["temperatures"][index].as_f64().unwrap_or(f64::NAN);
        let layout = text("layout");
        let fixed = match &plan["fixed"] {
            Value::Null => None,
            head => match arrays::read_head(&head.to_string(), &layout)? {
                Request::Tuples { loss, .. } | Request::Batch { loss, .. } => Some(loss),
                Request::Supervised { .. } => None,
            },
        };
        Ok(Self {
            loss: text("loss"),
            float: float_of(&text("dtype"))?,
            standard: standard_of(&text("standard"))?,
            cases: plan["cases"].as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
            seed: plan["seed"].as_u64().unwrap_or(0),
            laws: names("laws"),
            layout,
            arrays: names("arrays").unwrap_or_default(),
            per_anchor: plan["per_anchor"].as_bool().unwrap_or(false),
            normalize: plan["normalize"].as_bool(),
            symmetric: plan["symmetric"].as_bool(),
            temperatures: end(0)..=end(1),
            positives: plan["positives"].as_u64().map(|count| count as usize),
            few_shapes: plan["few_shapes"].as_bool().unwrap_or(false),
            fixed,
        })
    }

    fn takes(&self, array: &str) -> bool {
        self.arrays.iter().any(|taken| taken == array)
    }

    fn offer(&self) -> Offer<'_> {
        let optional = ["debias_positives", "mixed_negatives", "adversarial_negatives"];
        let (low, high) = (*self.temperatures.start(), *self.temperatures.end());
        Offer {
            layout: &self.layout,
            all_arrays: optional.into_iter().all(|array| self.takes(array)) || self.loss == "simclr",
            per_anchor: self.per_anchor,
            off_the_sphere: self.normalize == Some(false) && high / low > 4.0,
        }
    }

    /// A drawn case, made one that the function answers.
    fn adapted(&self, mut case: Case) -> Case {
        case.normalize = self.normalize.unwrap_or(case.normalize);
        case.symmetric = self.symmetric.unwrap_or(case.symmetric);
        case.positives = self.positives.unwrap_or(case.positives);
        case.decades = case.decades.min(if self.float == Float::F16 { 2.0 } else { 6.0 });
        let (low, high) = (*self.temperatures.start(), *self.temperatures.end());
        if !self.temperatures.contains(&case.temperature) {
            // Anywhere in the range, by the seed.
            let share = (case.seed % 1000) as f64 / 999.0;
            case.temperature = (low * (high / low).powf(share)).clamp(low, high);
        }
        if self.few_shapes {
            case.images = one_of(&[2, 3, 8], case.images);
            case.dimension = one_of(&[1, 2, 5, 16], case.dimension);
            case.negatives = one_of(&[1, 4, 12], case.negatives);
            case.positives = one_of(&[1, 2, 3], case.positives);
            case.debias = one_of(&[1, 2], case.debias);
        }
        if let Some(loss) = self.fixed {
            fix(&mut case, loss);
        }
        case
    }

    /// The request that a case is, with nothing but what the function takes.
    fn request(&self, case: &Case) -> Option<Request> {
        let loss = self.fixed.or_else(|| case.loss(&self.loss))?;
        let rounding = 2.0 * self.float.row().output_unit;
        let settings = case.settings();
        let settings = Settings { norm_tolerance: settings.norm_tolerance.max(rounding), ..settings };
        if self.layout == "tuples" {
            let mut data = case.tuples();
            let drop = |array: &str| !self.takes(array);
            data.debias_positives = data.debias_positives.filter(|_| !drop("debias_positives"));
            data.mixed = data.mixed.filter(|_| !drop("mixed"));
            data.mixed_negatives = data.mixed_negatives.filter(|_| !drop("mixed_negatives"));
            data.adversarial = data.adversarial.filter(|_| !drop("adversarial"));
            data.adversarial_negatives =
                data.adversarial_negatives.filter(|_| !drop("adversarial_negatives"));
            let data = data.map_matrices(|matrix| matrix.map(|x| self.float.representable(x)));
            return Some(Request::Tuples { loss, settings, data });
        }
        let mut data = case.batch();
        data.mixed = data.mixed.filter(|_| self.takes("mixed"));
        data.adversarial = data.adversarial.filter(|_| self.takes("adversarial"));
        let data = data.map_matrices(|matrix| matrix.map(|x| self.float.representable(x)));
        Some(Request::Batch { loss, settings, data })
    }
}

/// The largest of some sizes that is not above a size; the first is the smallest there is.
fn one_of(sizes: &[usize], size: usize) -> usize {
    sizes.iter().copied().rfind(|allowed| *allowed <= size).unwrap_or(size)
}

/// Gives a case the parameters of a loss, as far as cases have them.
fn fix(case: &mut Case, loss: Loss) {
    let mut estimator = |negatives: Negatives| match negatives {
        Negatives::G0 => Estimator::G0,
        Negatives::G1 { tau_plus } => {
            case.tau_plus = tau_plus;
            Estimator::G1
        }
        Negatives::G2 { tau_plus, beta } => {
            (case.tau_plus, case.beta) = (tau_plus, beta);
            Estimator::G2
        }
    };
    let (mut estimators, mut weight, mut alpha, mut mixing) = (case.estimators, None::<Weight>, None, None);
    match loss {
        Loss::SimClr => {}
        Loss::Debiased { tau_plus } => _ = estimator(Negatives::G1 { tau_plus }),
        Loss::HardNegative { tau_plus, beta } => _ = estimator(Negatives::G2 { tau_plus, beta }),
        Loss::Adversarial { alpha: share } => alpha = Some(share),
        Loss::Nca { negatives } => estimators.0 = estimator(negatives),
        Loss::MixNca { negatives, lambda } => {
            estimators.0 = estimator(negatives);
            mixing = Some(lambda);
        }
        Loss::Robust { negatives, weight: given, weight_negatives } => {
            estimators = (estimator(weight_negatives), estimator(negatives));
            weight = Some(given);
        }
        Loss::IntCl { negatives, alpha: share, robust } => {
            estimators = (estimator(negatives), estimator(robust.negatives));
            (weight, alpha) = (Some(robust.weight), Some(share));
        }
        Loss::IntNaCl { negatives, alpha: share, robust, neighborhood } => {
            estimators = (estimator(negatives), estimator(robust.negatives));
            (weight, alpha) = (Some(robust.weight), Some(share));
            case.neighborhood = match neighborhood {
                Neighborhood::Nca => Combination::Nca,
                Neighborhood::MixNca { .. } => Combination::MixNca,
                Neighborhood::Combined { joined: true, .. } => Combination::Joined,
                Neighborhood::Combined { joined: false, .. } => Combination::Sum,
            };
            mixing = match neighborhood {
                Neighborhood::Nca => None,
                Neighborhood::MixNca { lambda } | Neighborhood::Combined { lambda, .. } => Some(lambda),
            };
        }
    }
    case.estimators = estimators;
    case.weight = weight.unwrap_or(case.weight);
    case.alpha = alpha.unwrap_or(case.alpha);
    case.lambda = mixing.unwrap_or(case.lambda);
}

/// What became of a law.
struct Report {
    law: Law,
    cases: u32,
    comparisons: u64,
    not_supported: u32,
    beyond_the_type: u32,
    worst: [Finding; 3],
    examples: [Option<Example>; 3],
    counterexample: Option<Example>,
    /// Why it was not tried.
    lacks: Option<&'static str>,
}

/// A broken law.
#[derive(Clone)]
struct Example {
    case: Case,
    message: String,
    request: Option<Request>,
}

impl Example {
    fn of(case: &Case, outcome: &Outcome, standard: Standard) -> Option<Self> {
        let (message, request) = outcome.broken(standard)?;
        let request = request.map(|request| request.as_ref().clone());
        Some(Self { case: case.clone(), message, request })
    }
}

impl Report {
    fn new(law: Law, lacks: Option<&'static str>) -> Self {
        Self {
            law,
            cases: 0,
            comparisons: 0,
            not_supported: 0,
            beyond_the_type: 0,
            worst: Default::default(),
            examples: Default::default(),
            counterexample: None,
            lacks,
        }
    }

    fn add(&mut self, case: &Case, outcome: &Outcome) {
        self.cases += 1;
        self.comparisons += u64::from(outcome.comparisons);
        match outcome.stop.as_ref().and_then(|stop| stop.excuse) {
            Some(Excuse::NotSupported) => self.not_supported += 1,
            Some(Excuse::BeyondTheType) => self.beyond_the_type += 1,
            None => {}
        }
        for standard in Standard::ALL {
            let s = standard as usize;
            let (old, new) = (self.worst[s].ratio(), outcome.worst[s].ratio());
            if self.worst[s].what.is_empty() || (!old.is_nan() && (new.is_nan() || new > old)) {
                self.worst[s] = outcome.worst[s].clone();
            }
            let farthest =
                self.examples[s].as_ref().is_none_or(|found| found.case.temperature < case.temperature);
            if farthest && let Some(example) = Example::of(case, outcome, standard) {
                self.examples[s] = Some(example);
            }
        }
    }
}

/// Tries a law on drawn cases; a failure is made smaller.
fn check(law: Law, plan: &Plan, function: &Function, progress: &dyn Fn(u32)) -> Report {
    let report = RefCell::new(Report::new(law, None));
    let tried = Cell::new(0);
    let attempt = |case: &Case, count: bool| {
        let outcome = if law.name == AGREEMENT {
            match plan.request(case) {
                Some(request) => intnacl_judge::agreement(&request, function),
                None => return None,
            }
        } else {
            intnacl_judge::try_case(&law, &plan.loss, function, case)
        };
        if function.stopped() {
            return None;
        }
        if count {
            report.borrow_mut().add(case, &outcome);
            tried.set(tried.get() + 1);
            progress(tried.get());
        }
        Example::of(case, &outcome, plan.standard)
    };
    let config = Config {
        cases: plan.cases,
        failure_persistence: None,
        max_shrink_iters: SHRINKING,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, stream(law.name, &plan.loss, plan.seed));
    let shrinking = Cell::new(false);
    let drawn = cases().prop_map(|case| plan.adapted(case));
    let result = runner.run(&drawn, |case| match attempt(&case, !shrinking.get()) {
        None => Ok(()),
        Some(example) => {
            shrinking.set(true);
            Err(TestCaseError::fail(example.message))
        }
    });
    let counterexample = match result {
        Ok(()) => None,
        Err(TestError::Fail(reason, case)) => Some(attempt(&case, false).unwrap_or_else(|| Example {
            case,
            message: format!("{} (once only)", reason.message()),
            request: None,
        })),
        Err(TestError::Abort(reason)) => Some(Example {
            case: Case::default(),
            message: format!("no cases could be drawn: {}", reason.message()),
            request: None,
        }),
    };
    Report { counterexample, ..report.into_inner() }
}

/// Every law draws from a stream of its own, so that leaving one out changes no other.
fn stream(law: &str, loss: &str, seed: u64) -> TestRng {
    let stream = law.bytes().chain(loss.bytes()).fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&stream.to_le_bytes());
    bytes[8..16].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}

/// Judges a function: a list of reports, one a law.
///
/// `answer` is called with a request and gives `{"value", "per_anchor", "gradient"}`; `progress` is called with the
/// law, its place, the number of laws and the number of cases so far.
#[pyfunction]
pub fn judge<'py>(
    py: Python<'py>,
    plan: &str,
    answer: Py<PyAny>,
    progress: Py<PyAny>,
) -> PyResult<Bound<'py, PyList>> {
    let plan = Plan::read(plan)?;
    let laws = of_loss(&plan.loss);
    if let Some(unknown) =
        plan.laws.iter().flatten().find(|name| !laws.iter().any(|law| law.name == name.as_str()))
    {
        let known = laws.iter().map(|law| law.name).collect::<Vec<_>>().join(", ");
        return Err(PyValueError::new_err(format!(
            "laws: {unknown:?} is none of {}: expected {known}",
            plan.loss
        )));
    }
    let reports = py.detach(move || -> PyResult<Vec<Report>> {
        let wanted =
            |law: &Law| plan.laws.as_ref().is_none_or(|names| names.iter().any(|name| name == law.name));
        let laws: Vec<Law> = laws.into_iter().filter(wanted).collect();
        let function = Function::new(answer, plan.float, plan.temperatures.clone());
        let mut reports = Vec::with_capacity(laws.len());
        for (place, law) in laws.iter().enumerate() {
            if let Some(lacks) = plan.offer().lacks(law.name) {
                reports.push(Report::new(*law, Some(lacks)));
                continue;
            }
            let tell = |cases: u32| {
                let told =
                    Python::attach(|py| progress.call1(py, (law.name, place, laws.len(), cases)).map(drop));
                if let Err(error) = told {
                    function.stop(error);
                }
            };
            reports.push(check(*law, &plan, &function, &tell));
            if function.stopped() {
                break;
            }
        }
        match function.into_stop() {
            Some(error) => Err(error),
            None => Ok(reports),
        }
    })?;
    let written: Vec<_> = reports.iter().map(|report| write(py, report)).collect::<PyResult<_>>()?;
    PyList::new(py, written)
}

fn write<'py>(py: Python<'py>, report: &Report) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("law", report.law.name)?;
    dict.set_item("statement", report.law.statement)?;
    dict.set_item("cases", report.cases)?;
    dict.set_item("comparisons", report.comparisons)?;
    dict.set_item("not_supported", report.not_supported)?;
    dict.set_item("beyond_the_type", report.beyond_the_type)?;
    dict.set_item("lacks", report.lacks)?;
    let worst: Vec<_> =
        report.worst.iter().map(|finding| of_finding(py, finding)).collect::<PyResult<_>>()?;
    dict.set_item("worst", worst)?;
    let examples: Vec<_> =
        report.examples.iter().map(|example| of_example(py, example.as_ref())).collect::<PyResult<_>>()?;
    dict.set_item("examples", examples)?;
    dict.set_item("counterexample", of_example(py, report.counterexample.as_ref())?)?;
    Ok(dict)
}

fn of_finding<'py>(py: Python<'py>, finding: &Finding) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("what", &finding.what)?;
    dict.set_item("error", finding.error)?;
    dict.set_item("budget", finding.budget)?;
    dict.set_item("ratio", finding.ratio())?;
    Ok(dict)
}

fn of_example<'py>(py: Python<'py>, example: Option<&Example>) -> PyResult<Option<Bound<'py, PyDict>>> {
    let Some(example) = example else { return Ok(None) };
    let dict = PyDict::new(py);
    dict.set_item("message", &example.message)?;
    dict.set_item("temperature", example.case.temperature)?;
    dict.set_item("geometry", format!("{:?}", example.case.geometry))?;
    let request = example.request.as_ref().map(|request| arrays::written(py, request)).transpose()?;
    dict.set_item("request", request)?;
    Ok(Some(dict))
}

/// Agreement with the exact reference on one request: for each standard the worst measurement, and what breaks it.
#[pyfunction]
pub fn agreement<'py>(
    py: Python<'py>,
    head: &str,
    data: &Bound<'py, PyDict>,
    dtype: &str,
    answer: Py<PyAny>,
) -> PyResult<Bound<'py, PyDict>> {
    let (request, float) = (arrays::request(head, data)?, float_of(dtype)?);
    type Outcomes = ([Finding; 3], [Option<String>; 3], u32);
    let judged = py.detach(move || -> PyResult<Outcomes> {
        let function = Function::new(answer, float, f64::MIN_POSITIVE..=f64::MAX);
        let outcome = intnacl_judge::agreement(&request, &function);
        let broken = Standard::ALL.map(|standard| outcome.broken(standard).map(|(message, _)| message));
        match function.into_stop() {
            Some(error) => Err(error),
            None => Ok((outcome.worst, broken, outcome.comparisons)),
        }
    });
    let (worst, broken, comparisons) = judged?;
    let dict = PyDict::new(py);
    let worst: Vec<_> = worst.iter().map(|finding| of_finding(py, finding)).collect::<PyResult<_>>()?;
    dict.set_item("worst", worst)?;
    dict.set_item("broken", broken)?;
    dict.set_item("comparisons", comparisons)?;
    Ok(dict)
}

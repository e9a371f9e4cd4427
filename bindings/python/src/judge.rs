//! The judge: laws tried on a function, under the conventions that were found for it.

use std::cell::{Cell, RefCell};

use intnacl_judge::{Case, Excuse, Finding, Law, Outcome, Standard, cases};
use intnacl_reference::Request;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::arrays;
use crate::implementation::Function;
use crate::laws::{AGREEMENT, of_loss};
use crate::plan::{Plan, float_of};

/// How many times a counterexample is made smaller.
const SHRINKING: u32 = 400;

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

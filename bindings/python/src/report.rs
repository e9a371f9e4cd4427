//! The page of HTML about a function.

use intnacl_judge::report::{Check, Page, Sweep, sweep as of_loss};
use intnacl_judge::{Float, Report};
use pyo3::prelude::*;
use serde_json::Value;

use crate::implementation::Function;
use crate::plan::{Plan, standard_of};
use crate::refused;

/// What became of a law, kept for a page.
#[pyclass(frozen, module = "intnacl._intnacl")]
pub struct Kept {
    pub report: Report,
    pub float: Float,
}

// Neither changes, so a copy of a verdict may share them.
#[pymethods]
impl Kept {
    fn __deepcopy__(slf: Py<Self>, _memo: Py<PyAny>) -> Py<Self> {
        slf
    }
}

#[pymethods]
impl Errors {
    fn __deepcopy__(slf: Py<Self>, _memo: Py<PyAny>) -> Py<Self> {
        slf
    }
}

/// The errors of a function from the lowest to the highest temperature, kept for a page.
#[pyclass(frozen, module = "intnacl._intnacl")]
pub struct Errors(Sweep);

/// Asks a function some dozens of requests, and keeps how far its answers are off.
#[pyfunction]
pub fn sweep(py: Python<'_>, plan: &str, answer: Py<PyAny>) -> PyResult<Errors> {
    let plan = Plan::read(plan)?;
    py.detach(move || {
        let function = Function::new(answer, plan.float, plan.support());
        let adapted = |case| plan.adapted(case);
        let found = of_loss(&function, &plan.loss, plan.seed, plan.standard, &adapted);
        function.into_stop().map_or(Ok(Errors(found)), Err)
    })
}

/// The page: `told` is what Python knows, as JSON; a check has its law, why it may fail, and code that shows its failure.
#[pyfunction]
pub fn page(
    told: &str,
    checks: Vec<(PyRef<'_, Kept>, Option<String>, Option<String>)>,
    sweeps: Vec<PyRef<'_, Errors>>,
) -> PyResult<String> {
    let told: Value = serde_json::from_str(told).map_err(refused)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |name: &str| told[name].as_array().cloned().unwrap_or_default();
    let pair = |pair: &Value| (text(&pair[0]), text(&pair[1]));
    let facts: Vec<(String, String)> = list("facts").iter().map(pair).collect();
    let sweeps: Vec<Sweep> = sweeps.iter().map(|errors| errors.0.clone()).collect();
    let checks = checks.iter().map(|(kept, known, code)| Check {
        known: known.clone(),
        code: code.clone(),
        ..Check::new(&kept.report, kept.float)
    });
    let page = Page {
        name: &text(&told["name"]),
        verdict: &text(&told["verdict"]),
        reached: told["reached"].as_str().map(standard_of).transpose()?,
        standard: standard_of(&text(&told["standard"]))?,
        facts: facts.iter().map(|(name, value)| (name.as_str(), value.clone())).collect(),
        checks: checks.collect(),
        diagnoses: list("diagnoses").iter().map(pair).collect(),
        sweeps: &sweeps,
        remarks: list("remarks").iter().map(text).collect(),
    };
    page.html().map_err(refused)
}

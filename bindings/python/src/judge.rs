//! The judge: laws tried on a function, under the conventions that were found for it.

use std::cell::Cell;

use intnacl_judge::{
    Case, Counterexample, Drawn, Finding, Float, Law, Outcome, Report, Standard, Support, check_by,
};
use intnacl_reference::{Request, SUPERVISED_NCA};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::arrays;
use crate::implementation::Function;
use crate::laws::of_loss;
use crate::plan::{Plan, float_of, standard_of};
use crate::report::Kept;

/// How many times a counterexample is made smaller.
const SHRINKING: u32 = 400;

/// Tries a law on drawn cases; a failure is made smaller.
fn check(law: &Law, plan: &Plan, function: &Function, progress: &dyn Fn(u32)) -> Report {
    let tried = Cell::new(0);
    let attempt = |case: &Case| {
        if function.stopped() {
            return Outcome::not_asked();
        }
        let outcome = intnacl_judge::try_case(law, &plan.loss, function, case);
        tried.set(tried.get() + 1);
        progress(tried.get().min(plan.cases));
        // What was cut short says nothing.
        if function.stopped() { Outcome::not_asked() } else { outcome }
    };
    let Plan { cases, seed, standard, .. } = *plan;
    let drawn = Drawn { cases, seed, standard, shrinking: SHRINKING };
    check_by(law, &plan.loss, drawn, &|case| plan.adapted(case), &attempt)
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
    let float = plan.float;
    let reports = py.detach(move || -> PyResult<Vec<(Law, Report)>> {
        let wanted =
            |law: &Law| plan.laws.as_ref().is_none_or(|names| names.iter().any(|name| name == law.name));
        let laws: Vec<Law> = laws.into_iter().filter(wanted).collect();
        let function = Function::new(answer, plan.float, plan.support());
        let mut reports = Vec::with_capacity(laws.len());
        for (place, law) in laws.iter().enumerate() {
            let tell = |cases: u32| {
                let told =
                    Python::attach(|py| progress.call1(py, (law.name, place, laws.len(), cases)).map(drop));
                if let Err(error) = told {
                    function.stop(error);
                }
            };
            reports.push((*law, check(law, &plan, &function, &tell)));
            if function.stopped() {
                break;
            }
        }
        match function.into_stop() {
            Some(error) => Err(error),
            None => Ok(reports),
        }
    })?;
    let written = reports.into_iter().map(|(law, report)| write(py, &law, report, float));
    PyList::new(py, written.collect::<PyResult<Vec<_>>>()?)
}

fn write<'py>(py: Python<'py>, law: &Law, report: Report, float: Float) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("law", law.name)?;
    dict.set_item("statement", law.statement)?;
    dict.set_item("cases", report.cases)?;
    dict.set_item("comparisons", report.comparisons)?;
    dict.set_item("not_supported", report.not_supported)?;
    dict.set_item("beyond_the_type", report.beyond_the_type)?;
    dict.set_item("lacks", report.why_not_judged("the function"))?;
    let worst: Vec<_> =
        report.worst.iter().map(|finding| of_finding(py, finding)).collect::<PyResult<_>>()?;
    dict.set_item("worst", worst)?;
    let examples: Vec<_> =
        report.examples.iter().map(|example| of_example(py, example.as_ref())).collect::<PyResult<_>>()?;
    dict.set_item("examples", examples)?;
    dict.set_item("counterexample", of_example(py, report.counterexample.as_ref())?)?;
    dict.set_item("kept", Bound::new(py, Kept { report, float })?)?;
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

fn of_example<'py>(
    py: Python<'py>,
    example: Option<&Counterexample>,
) -> PyResult<Option<Bound<'py, PyDict>>> {
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
///
/// `standard` is the one that what is kept for a page is held to.
#[pyfunction]
#[pyo3(signature = (head, data, dtype, answer, standard = "right"))]
pub fn agreement<'py>(
    py: Python<'py>,
    head: &str,
    data: &Bound<'py, PyDict>,
    dtype: &str,
    answer: Py<PyAny>,
    standard: &str,
) -> PyResult<Bound<'py, PyDict>> {
    let (request, float, standard) = (arrays::request(head, data)?, float_of(dtype)?, standard_of(standard)?);
    let anything = Support { temperatures: f64::MIN_POSITIVE..=f64::MAX, ..Support::default() };
    let report = py.detach(move || -> PyResult<Report> {
        let function = Function::new(answer, float, anything);
        let outcome = intnacl_judge::agreement(&request, &function);
        match function.into_stop() {
            Some(error) => Err(error),
            None => of_one_request(&request, &outcome, standard),
        }
    })?;
    let dict = PyDict::new(py);
    let worst: Vec<_> =
        report.worst.iter().map(|finding| of_finding(py, finding)).collect::<PyResult<_>>()?;
    dict.set_item("worst", worst)?;
    let broken = report.examples.each_ref().map(|found| found.as_ref().map(|found| found.message.clone()));
    dict.set_item("broken", broken)?;
    dict.set_item("comparisons", report.comparisons)?;
    dict.set_item("kept", Bound::new(py, Kept { report, float })?)?;
    Ok(dict)
}

/// What became of agreement on one request.
fn of_one_request(request: &Request, outcome: &Outcome, standard: Standard) -> PyResult<Report> {
    let (loss, temperature) = match request {
        Request::Tuples { loss, settings, .. } | Request::Batch { loss, settings, .. } => {
            (loss.name(), settings.temperature)
        }
        Request::Supervised { .. } => (SUPERVISED_NCA.name, 1.0),
    };
    let law = of_loss(loss).into_iter().find(|law| law.name.ends_with("agrees_with_the_reference"));
    let law =
        law.ok_or_else(|| PyValueError::new_err(format!("no law compares {loss} with the reference")))?;
    let case = Case { temperature, ..Case::default() };
    Ok(Report::of_case(&law, loss, standard, &case, outcome))
}

//! The judge: laws tried on a function, under the conventions that were found for it.

use std::cell::Cell;

use intnacl_judge::{
    Case, Counterexample, Drawn, Finding, Law, Outcome, Report, Standard, Support, check_by,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::arrays;
use crate::implementation::Function;
use crate::laws::of_loss;
use crate::plan::{Plan, float_of};

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
    let written = reports.iter().map(|(law, report)| write(py, law, report));
    PyList::new(py, written.collect::<PyResult<Vec<_>>>()?)
}

/// Why nothing was compared, where nothing was.
fn lacks(report: &Report) -> Option<String> {
    let excused = report.not_supported + report.beyond_the_type;
    match &report.lacks {
        _ if report.judged() => None,
        Some(lacks) => Some(lacks.trim_start_matches("not supported: ").to_owned()),
        None if excused < report.cases => {
            Some("it compares what the function does not give, such as the value of each anchor".into())
        }
        None => Some("no case could be judged".into()),
    }
}

fn write<'py>(py: Python<'py>, law: &Law, report: &Report) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("law", law.name)?;
    dict.set_item("statement", law.statement)?;
    dict.set_item("cases", report.cases)?;
    dict.set_item("comparisons", report.comparisons)?;
    dict.set_item("not_supported", report.not_supported)?;
    dict.set_item("beyond_the_type", report.beyond_the_type)?;
    dict.set_item("lacks", lacks(report))?;
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
#[pyfunction]
pub fn agreement<'py>(
    py: Python<'py>,
    head: &str,
    data: &Bound<'py, PyDict>,
    dtype: &str,
    answer: Py<PyAny>,
) -> PyResult<Bound<'py, PyDict>> {
    let (request, float) = (arrays::request(head, data)?, float_of(dtype)?);
    let anything = Support { temperatures: f64::MIN_POSITIVE..=f64::MAX, ..Support::default() };
    type Outcomes = ([Finding; 3], [Option<String>; 3], u32);
    let judged = py.detach(move || -> PyResult<Outcomes> {
        let function = Function::new(answer, float, anything);
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

//! What is wrong with a function, in the judge's words.

use intnacl_judge::diagnosis::{Diagnosis, Part, diagnose_by, explained_values};
use intnacl_reference::EvaluateRequest;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::implementation::Function;
use crate::plan::Plan;
use crate::{arrays, refused};

/// Asks a function some dozens of requests and says what is wrong with its answers; nothing where all are right.
#[pyfunction]
pub fn diagnose<'py>(py: Python<'py>, plan: &str, answer: Py<PyAny>) -> PyResult<Option<Bound<'py, PyDict>>> {
    let plan = Plan::read(plan)?;
    let found = py.detach(move || {
        let function = Function::new(answer, plan.float, plan.support());
        let found = diagnose_by(&function, &plan.loss, plan.seed, &|case| plan.adapted(case));
        function.into_stop().map_or(Ok(found), Err)
    })?;
    found.map(|diagnosis| write(py, &diagnosis)).transpose()
}

/// The fields that `intnacl verify --json` has, and what its text says beside them.
fn write<'py>(py: Python<'py>, diagnosis: &Diagnosis) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("text", diagnosis.to_string())?;
    dict.set_item("asked", diagnosis.asked)?;
    dict.set_item("wrong", diagnosis.wrong)?;
    dict.set_item("values_are_right", diagnosis.values_are_right)?;
    dict.set_item("factor", diagnosis.factor.as_ref().map(|factor| factor.name))?;
    dict.set_item("ratio", diagnosis.ratio.map(|ratio| ratio.value))?;
    dict.set_item("narrower", diagnosis.narrower.map(|float| float.row().name))?;
    dict.set_item("convention", diagnosis.convention)?;
    dict.set_item("bug", diagnosis.bug.map(|bug| bug.name()))?;
    dict.set_item("source", diagnosis.bug.map(|bug| bug.source()))?;
    dict.set_item("failure", &diagnosis.failure)?;
    let part = |part: Part| match part {
        Part::Radial => "along the rows",
        Part::Tangential => "across the rows",
        Part::Both => "along and across the rows",
        Part::Missing => "missing",
    };
    let wrong = diagnosis.arrays.iter().map(|wrong| (wrong.name.as_str(), part(wrong.part)));
    dict.set_item("arrays", wrong.collect::<Vec<_>>())?;
    dict.set_item("regimes", &diagnosis.regimes)?;
    Ok(dict)
}

/// The values of a request by every convention and slip that a diagnosis tries, always in the same order.
#[pyfunction]
pub fn explained<'py>(py: Python<'py>, head: &str, data: &Bound<'py, PyDict>) -> PyResult<Vec<f64>> {
    let request = arrays::request(head, data)?;
    // What is not valid has no value to be explained.
    request.evaluate().map_err(refused)?;
    Ok(py.detach(move || explained_values(&request)))
}

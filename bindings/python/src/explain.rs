//! The intermediate quantities of a loss, in the form of `intnacl explain --json`.

use intnacl_reference::explain::explain as explained;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::evaluate::interruptible;
use crate::{arrays, refused};

/// The quantities of a request as JSON, `largest` derivatives of each term.
#[pyfunction]
pub fn explain(py: Python<'_>, head: &str, data: &Bound<'_, PyDict>, largest: usize) -> PyResult<String> {
    let request = arrays::request(head, data)?;
    let explanation = interruptible(py, move || explained(&request))?.map_err(refused)?;
    let all: Vec<usize> = (0..explanation.anchors.len()).collect();
    Ok(explanation.to_json(&all, largest))
}

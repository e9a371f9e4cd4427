//! The module `intnacl._intnacl`: the exact reference and the judge, for Python.
//!
//! Python's part of the package decides names, defaults and conventions; this part converts arrays, evaluates and
//! judges. A request comes as a head, which is the JSON of a request without its data, and as a dictionary of arrays.

mod arrays;
mod diagnosis;
mod evaluate;
mod explain;
mod implementation;
mod judge;
mod laws;
mod plan;
mod report;

use pyo3::prelude::*;

/// Exact values and the judge, in Rust.
#[pymodule]
mod _intnacl {
    #[pymodule_export]
    use crate::diagnosis::{diagnose, explained};
    #[pymodule_export]
    use crate::evaluate::{evaluate, losses};
    #[pymodule_export]
    use crate::explain::explain;
    #[pymodule_export]
    use crate::judge::{agreement, judge};
    #[pymodule_export]
    use crate::laws::{fresh_seed, laws};
    #[pymodule_export]
    use crate::report::{Errors, Kept, page, sweep};
}

/// A `ValueError` in the words of the reference.
fn refused(error: impl std::fmt::Display) -> PyErr {
    let message = error.to_string();
    // A keyword of a function stands for itself: it is in no object of a request.
    let named = ["parameters.", "data."].iter().find_map(|parent| message.strip_prefix(parent));
    pyo3::exceptions::PyValueError::new_err(named.unwrap_or(&message).to_owned())
}

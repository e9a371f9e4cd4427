//! A function in Python as the judge sees it.

use std::cell::{Cell, RefCell};
use std::ops::RangeInclusive;

use intnacl_judge::{Float, Implementation, Support};
use intnacl_reference::{Answer, EvaluateRequest, Request};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{self, Claim};

/// A function that answers requests: arrays in, `{"value", "per_anchor", "gradient"}` out.
pub struct Function {
    answer: Py<PyAny>,
    float: Float,
    temperatures: RangeInclusive<f64>,
    /// What ends the whole check, such as Ctrl-C.
    stop: RefCell<Option<PyErr>>,
    stopped: Cell<bool>,
}

impl Function {
    pub fn new(answer: Py<PyAny>, float: Float, temperatures: RangeInclusive<f64>) -> Self {
        Self { answer, float, temperatures, stop: RefCell::new(None), stopped: Cell::new(false) }
    }

    /// Whether the check is to end.
    pub fn stopped(&self) -> bool {
        self.stopped.get()
    }

    /// Ends the check.
    pub fn stop(&self, error: PyErr) {
        self.stopped.set(true);
        self.stop.borrow_mut().get_or_insert(error);
    }

    /// What ended the check.
    pub fn into_stop(self) -> Option<PyErr> {
        self.stop.into_inner()
    }

    fn ask(&self, py: Python<'_>, request: &Request) -> PyResult<Claim> {
        py.check_signals()?;
        let answer = self.answer.bind(py).call1((arrays::written(py, request)?,))?;
        Claim::read(&answer.cast_into::<PyDict>()?)
    }
}

impl Implementation for Function {
    fn float(&self) -> Float {
        self.float
    }

    fn support(&self) -> Support {
        Support { temperatures: self.temperatures.clone(), ..Support::default() }
    }

    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        if self.stopped() {
            return Err("the check was ended".into());
        }
        let claim = Python::attach(|py| {
            self.ask(py, request).map_err(|error| {
                let message = error.to_string();
                if !error.is_instance_of::<PyException>(py) {
                    self.stop(error);
                }
                message
            })
        })?;
        // What a function does not give, such as the value of each anchor, is not claimed and so not judged: the
        // exact numbers stand in its place.
        let exact = request.evaluate().map_err(|error| format!("the reference refused: {error}"))?;
        Python::attach(|py| claim.filled(py, exact)).map_err(|error| error.to_string())
    }
}

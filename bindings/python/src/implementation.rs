//! A function in Python as the judge sees it.

use intnacl_judge::{Float, Implementation, Support};
use intnacl_reference::{Answer, Reply, Request};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::cell::{Cell, RefCell};

use crate::arrays::{self, Claim};

/// A function that answers requests: arrays in, `{"value", "per_anchor", "gradient"}` out.
pub struct Function {
    answer: Py<PyAny>,
    float: Float,
    support: Support,
    /// What ends the whole check, such as Ctrl-C.
    stop: RefCell<Option<PyErr>>,
    stopped: Cell<bool>,
}

impl Function {
    pub fn new(answer: Py<PyAny>, float: Float, support: Support) -> Self {
        Self { answer, float, support, stop: RefCell::new(None), stopped: Cell::new(false) }
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
        self.support.clone()
    }

    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        self.reply(request).map(|reply| reply.answer)
    }

    fn reply(&self, request: &Request) -> Result<Reply, String> {
        if self.stopped() {
            return Err("the check was ended".into());
        }
        Python::attach(|py| {
            let reply = self.ask(py, request).and_then(|claim| claim.reply(py, request));
            reply.map_err(|error| {
                let message = error.to_string();
                if !error.is_instance_of::<PyException>(py) {
                    self.stop(error);
                }
                message
            })
        })
    }
}

//! Exact values and gradients.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use intnacl_reference::{EvaluateRequest, declarations};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::{arrays, refused};

/// How often signals are looked for.
const BETWEEN_SIGNALS: Duration = Duration::from_millis(50);

/// Runs `work` on a thread of its own, other threads of Python going on meanwhile.
///
/// A signal such as Ctrl-C ends the wait, not the work, which nothing can stop: it goes on to its end in the
/// background, and its result is dropped.
pub fn interruptible<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let (sender, receiver) = mpsc::channel();
    let worker = thread::Builder::new().name("intnacl".into()).spawn(move || {
        // Nobody waits any more after a signal.
        let _ = sender.send(work());
    });
    worker.map_err(|error| PyRuntimeError::new_err(format!("no thread could be started: {error}")))?;
    let mut receiver = Some(receiver);
    loop {
        let Some(waiting) = receiver.take() else { break };
        let (answer, waiting) = py.detach(move || (waiting.recv_timeout(BETWEEN_SIGNALS), waiting));
        match answer {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => break,
        }
        receiver = Some(waiting);
    }
    Err(PyRuntimeError::new_err("the evaluation ended without a result"))
}

/// The value, the value of each anchor, and the gradient by every array.
#[pyfunction]
pub fn evaluate<'py>(py: Python<'py>, head: &str, data: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    let request = arrays::request(head, data)?;
    let answer = interruptible(py, move || request.evaluate())?.map_err(refused)?;
    arrays::answer(py, &answer)
}

/// The losses: name, title, equation, source and the names of the parameters.
#[pyfunction]
pub fn losses() -> Vec<(&'static str, &'static str, &'static str, &'static str, Vec<&'static str>)> {
    declarations()
        .map(|declaration| {
            let parameters = declaration.parameters.iter().map(|parameter| parameter.name()).collect();
            (declaration.name, declaration.title, declaration.equation, declaration.source, parameters)
        })
        .collect()
}

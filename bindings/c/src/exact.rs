//! A request as JSON, evaluated by the exact reference.

use std::ffi::c_char;

use intnacl_reference::EvaluateRequest;
use intnacl_vocabulary::json;

use crate::border::{guarded, handed_out, text};
use crate::failure::{Failure, Status};

/// Evaluates a request exactly: values are right within 4 units in the last place of a double, gradients within 8
/// units of the norm of their array.
///
/// request: JSON, an object with a loss, its parameters, a temperature, and data as tuples, as a batch, or for
/// supervised_nca. Rows have norm 1 within 1e-6, unless it says "normalize": true.
///
/// answer: on INTNACL_STATUS_OK a string, {"value": ..., "per_anchor": [...], "gradient": {...}}, which the caller
/// frees by intnacl_string_free; otherwise NULL.
///
/// Errors: REFUSED, with the path of the field; OVERFLOW; NULL_POINTER; ABI_VERSION.
///
/// # Safety
/// request ends with 0; answer leads to a pointer that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn intnacl_evaluate_json(
    abi: u32,
    request: *const c_char,
    answer: *mut *mut c_char,
) -> Status {
    guarded(abi, || {
        // SAFETY: the caller promises that it may be written, unless it is NULL.
        let answer = unsafe { answer.as_mut() };
        let answer =
            answer.ok_or(Failure::NullPointer { argument: "answer", expected: "where to put it" })?;
        *answer = std::ptr::null_mut();
        // SAFETY: the caller promises the 0 at its end.
        let request = json::read_request(unsafe { text("request", request) }?)?;
        *answer = handed_out(json::write_answer(&request.evaluate().map_err(json::Error::from)?));
        Ok(Status::Ok)
    })
}

//! A batch where it lies, evaluated by the fast engine.

use std::num::NonZero;

use intnacl_engine::{Element, Error as EngineError, Plan, Settings, Started, evaluate};

use crate::border::{guarded, text};
use crate::failure::{Failure, Status};
use crate::parameters::{loss, named};
use crate::strided::{Strided, aligned};
use crate::structs::{Answer, Dtype, Request};

/// Evaluates a loss of a batch by the engine that production trains with: in the arrays' type, accurate and finite at
/// temperatures from 0.001 to 10.
///
/// The arrays are read where they lie, by their strides, a few rows at a time; they are not copied first. What the
/// engine works on is memory of its own, of the order images * columns. Rows are taken as they are, of whatever norm,
/// unless normalize is true.
///
/// threads: how many to compute on; 0: one a core. The results have the same bits for any number.
///
/// answer: the caller sets its pointers before. per_image: memory for so many doubles as there are images, or NULL.
/// views, mixed, adversarial: contiguous memory for a gradient, in the shape and type of the request's array, or NULL
/// where it is not wanted; of an array that is absent it is left alone. After an error the content says nothing.
///
/// Errors: REFUSED: a parameter out of range, an array that is missing, too large or not aligned, an entry that is not
/// finite, a row of zeros that is to be normalised. OVERFLOW: a result that the type cannot hold. OUT_OF_MEMORY,
/// NULL_POINTER, ABI_VERSION.
///
/// # Safety
/// The arrays of the request hold what their shapes and strides reach, and nobody writes to them meanwhile. The
/// answer's pointers lead to as much memory as was said, which overlaps neither these arrays nor itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn intnacl_evaluate_batch(
    abi: u32,
    request: *const Request,
    threads: u32,
    answer: *mut Answer,
) -> Status {
    guarded(abi, || {
        // SAFETY: the caller promises a request and an answer, unless they are NULL.
        let (request, answer) = unsafe { (request.as_ref(), answer.as_mut()) };
        let request = request.ok_or(Failure::NullPointer { argument: "request", expected: "a request" })?;
        let answer = answer.ok_or(Failure::NullPointer { argument: "answer", expected: "an answer" })?;
        // SAFETY: the caller promises arrays and memory as they are described.
        match request.dtype {
            dtype if dtype == Dtype::F32 as u32 => unsafe { evaluated::<f32>(request, threads, answer) },
            dtype if dtype == Dtype::F64 as u32 => unsafe { evaluated::<f64>(request, threads, answer) },
            other => Err(Failure::value("dtype", other, "INTNACL_DTYPE_F32 (0) or INTNACL_DTYPE_F64 (1)")),
        }?;
        Ok(Status::Ok)
    })
}

/// Evaluates a request about arrays of `T`.
///
/// # Safety
/// As of [`intnacl_evaluate_batch`].
unsafe fn evaluated<T: Element>(request: &Request, threads: u32, answer: &mut Answer) -> Result<(), Failure> {
    // SAFETY: the caller promises the 0 at its end.
    let loss = loss(named(unsafe { text("loss", request.loss) }?)?, &request.parameters)?;
    let settings = Settings { normalize: request.normalize, ..Settings::new(request.temperature) };
    let plan = Plan::new(&loss, &settings, T::PRECISION, T::PRECISION.largest())?;
    aligned("answer.per_image", answer.per_image)?;
    // SAFETY: the caller promises arrays and memory as they are described.
    let mut arrays = unsafe { Strided::<T>::new(request, answer) }?;
    let threads = match usize::try_from(threads).unwrap_or(usize::MAX) {
        0 => std::thread::available_parallelism().map_or(1, NonZero::get),
        given => given,
    };
    let outcome = evaluate(&plan, arrays.form(), &mut arrays, &Started(threads), None)?;
    let overflow =
        |argument: String, value| EngineError::Overflow { argument, value, precision: T::PRECISION };
    if let Some(image) = outcome.per_image.iter().position(|loss| !loss.is_finite()) {
        return Err(overflow(format!("per_image[{image}]"), outcome.per_image[image]).into());
    }
    if !outcome.value.is_finite() {
        return Err(overflow("value".into(), outcome.value).into());
    }
    arrays.require_finite()?;
    answer.value = outcome.value;
    if !answer.per_image.is_null() {
        // SAFETY: the caller promises memory for a double of each image, and what was just computed lies elsewhere.
        unsafe {
            answer.per_image.copy_from_nonoverlapping(outcome.per_image.as_ptr(), outcome.per_image.len())
        };
    }
    Ok(())
}

//! A function in C as the judge sees it.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::null_mut;

use intnacl_engine::Element;
use intnacl_judge::{Float, Implementation, Support};
use intnacl_vocabulary::Request as ExactRequest;
use intnacl_vocabulary::{Answer as ExactAnswer, Batch, Evaluation, Loss, Reply, Settings};
use nalgebra::DMatrix;

use crate::structs::{Answer, Array, Dtype, MESSAGE, Request};

/// What the caller gave as a callback.
pub type Function = unsafe extern "C" fn(*const Request, *mut Answer, *mut c_void) -> c_int;

/// A function of the caller's that answers requests about batches.
pub struct Program {
    function: Function,
    user: *mut c_void,
    float: Float,
    support: Support,
    calls: Cell<u64>,
}

impl Program {
    /// # Safety
    /// `function` may be called with `user` and any request, from this thread, and keeps what is asked of a callback.
    pub unsafe fn new(function: Function, user: *mut c_void, float: Float, support: Support) -> Self {
        Self { function, user, float, support, calls: Cell::new(0) }
    }

    /// How often the function was called.
    pub fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// Asks the function, with arrays of `T`.
    fn ask<T: Element>(
        &self,
        dtype: Dtype,
        loss: &Loss,
        settings: &Settings,
        data: &Batch,
    ) -> Result<Reply, String> {
        let (images, columns) = data.views.first().map_or((0, 0), |view| view.shape());
        let name = CString::new(loss.name()).map_err(|error| error.to_string())?;
        let mut views = Side::<T>::new(&data.views);
        let mut mixed = data.mixed.as_deref().map(Side::<T>::new);
        let mut adversarial = data.adversarial.as_ref().map(|one| Side::<T>::new(std::slice::from_ref(one)));
        let mut per_image = vec![f64::NAN; images];
        let strides = [images * columns, columns, 1].map(|stride| stride as isize);
        let array = |side: Option<&Side<T>>| Array {
            entries: side.map_or(std::ptr::null(), |side| side.entries.as_ptr().cast()),
            strides,
        };
        let request = Request {
            loss: name.as_ptr(),
            parameters: (*loss).into(),
            temperature: settings.temperature,
            normalize: settings.normalize,
            symmetric: data.symmetric,
            dtype: dtype as u32,
            positives: data.views.len() - 1,
            mixtures: data.mixed.as_ref().map_or(0, Vec::len),
            images,
            columns,
            views: array(Some(&views)),
            mixed: array(mixed.as_ref()),
            adversarial: array(adversarial.as_ref()),
        };
        let gradient = |side: &mut Side<T>| side.gradient.as_mut_ptr().cast::<c_void>();
        let mut answer = Answer {
            value: f64::NAN,
            per_image: per_image.as_mut_ptr(),
            views: gradient(&mut views),
            mixed: mixed.as_mut().map_or(null_mut(), gradient),
            adversarial: adversarial.as_mut().map_or(null_mut(), gradient),
            message: [0; MESSAGE],
        };
        self.calls.set(self.calls.get() + 1);
        // SAFETY: who made this program promised that the function may be called so. All pointers lead to memory of this
        // function, as large as a callback is told.
        let code = unsafe { (self.function)(&request, &mut answer, self.user) };
        if code != 0 {
            let said = message(&answer.message);
            return Err(format!(
                "the callback returned {code}{}{said}",
                if said.is_empty() { "" } else { ": " }
            ));
        }
        let mut absent = Vec::new();
        let mut claimed = |name, pointer: *const c_void, side: Side<T>| {
            if pointer.is_null() {
                absent.push(name);
            }
            side.matrices(images, columns, pointer.is_null())
        };
        let gradient = Batch {
            views: claimed("views", answer.views, views),
            mixed: mixed.map(|side| claimed("mixed", answer.mixed, side)),
            adversarial: adversarial.and_then(|side| claimed("adversarial", answer.adversarial, side).pop()),
            symmetric: data.symmetric,
        };
        if answer.per_image.is_null() {
            absent.push("per_anchor");
            per_image.fill(f64::NAN);
        }
        let evaluation = Evaluation { value: answer.value, per_anchor: per_image, gradient };
        Ok(Reply { answer: ExactAnswer::Batch(evaluation), absent })
    }
}

/// What a callback wrote, up to the first 0.
fn message(message: &[c_char; MESSAGE]) -> String {
    let bytes = message.map(|letter| letter as u8);
    CStr::from_bytes_until_nul(&bytes).map_or_else(
        |_| String::from_utf8_lossy(&bytes).into_owned(),
        |text| text.to_string_lossy().into_owned(),
    )
}

/// The entries of an array, row by row, and memory for the gradient by them.
struct Side<T> {
    entries: Vec<T>,
    gradient: Vec<T>,
}

impl<T: Element> Side<T> {
    fn new(views: &[DMatrix<f64>]) -> Self {
        // nalgebra keeps a matrix column by column.
        let rows = views.iter().flat_map(|view| view.row_iter());
        let entries: Vec<T> =
            rows.flat_map(|row| row.iter().map(|x| T::from_f64(*x)).collect::<Vec<_>>()).collect();
        Self { gradient: vec![T::from_f64(0.0); entries.len()], entries }
    }

    /// The gradient, a matrix a view; NaN where it is absent.
    fn matrices(self, images: usize, columns: usize, absent: bool) -> Vec<DMatrix<f64>> {
        let of = |entry: &T| if absent { f64::NAN } else { entry.to_f64() };
        let views = self.gradient.chunks_exact(images * columns);
        views.map(|view| DMatrix::from_row_iterator(images, columns, view.iter().map(of))).collect()
    }
}

impl Implementation for Program {
    fn float(&self) -> Float {
        self.float
    }

    fn support(&self) -> Support {
        self.support.clone()
    }

    fn evaluate(&self, request: &ExactRequest) -> Result<ExactAnswer, String> {
        self.reply(request).map(|reply| reply.answer)
    }

    fn reply(&self, request: &ExactRequest) -> Result<Reply, String> {
        let ExactRequest::Batch { loss, settings, data } = request else {
            return Err("the callback takes batches alone".into());
        };
        match self.float {
            Float::F64 => self.ask::<f64>(Dtype::F64, loss, settings, data),
            _ => self.ask::<f32>(Dtype::F32, loss, settings, data),
        }
    }
}

//! The fused engine on tensors: a batch on a processor, handed to `intnacl_engine`, and its gradient back.

use super::batch::Batch;
use super::check::wrong_kind;
use super::operators::known::once_differentiable;
use super::operators::score::compute_kind;
use super::outcome::Outcome;
use super::threads::Torch;
use crate::device::is_on_processor;
use crate::error::{Error, Result};
use intnacl_engine::{Array, Arrays, Element, Form, Plan, evaluate as evaluate_arrays};
use tch::{Kind, Tensor, kind};

/// The outcome of a batch of that form, in blocks of `width` rows or of a size that suits.
///
/// # Errors
/// [`NotFinite`](intnacl_reference::Error::NotFinite) and, where rows are to be normalised,
/// [`ZeroVector`](intnacl_reference::Error::ZeroVector), naming the entry or row;
/// [`Overflow`](crate::Error::Overflow); [`OutOfMemory`](crate::Error::OutOfMemory).
pub(crate) fn evaluate(batch: &Batch, form: Form, plan: &Plan, width: Option<usize>) -> Result<Outcome> {
    match compute_kind(batch.views.f_kind()?) {
        Kind::Double => evaluate_in::<f64>(batch, form, plan, width),
        _ => evaluate_in::<f32>(batch, form, plan, width),
    }
}

fn evaluate_in<T: Element + kind::Element>(
    batch: &Batch,
    form: Form,
    plan: &Plan,
    width: Option<usize>,
) -> Result<Outcome> {
    let mut tensors = Tensors::new::<T>(batch)?;
    let outcome = evaluate_arrays::<T, _>(plan, form, &mut tensors, &Torch, width)?;
    let value = Tensor::f_from_slice(&[T::from_f64(outcome.value)])?.f_squeeze()?;
    let losses: Vec<T> = outcome.per_image.iter().map(|loss| T::from_f64(*loss)).collect();
    let per_anchor = Tensor::f_from_slice(&losses)?;
    if tensors.gradients.is_empty() {
        return Ok(Outcome { value, per_anchor });
    }
    let gradients = tensors.gradients.into_iter().filter_map(|(array, gradient)| {
        let name = match array {
            Array::Views => "gradient.views",
            Array::Mixed => "gradient.mixed",
            Array::Adversarial => "gradient.adversarial",
        };
        Some((name, tensor(batch, array)?, gradient))
    });
    Ok(Outcome { value: once_differentiable(value, gradients)?, per_anchor })
}

/// The tensor that is an array of the batch.
fn tensor(batch: &Batch, array: Array) -> Option<&Tensor> {
    match array {
        Array::Views => Some(&batch.views),
        Array::Mixed => batch.mixed.as_ref(),
        Array::Adversarial => batch.adversarial.as_ref(),
    }
}

/// The tensors of a batch as the engine reads them, with the gradients by them.
struct Tensors {
    given: Vec<(Array, Given)>,
    gradients: Vec<(Array, Tensor)>,
}

impl Tensors {
    fn new<T: kind::Element>(batch: &Batch) -> Result<Self> {
        let arrays = [Array::Views, Array::Mixed, Array::Adversarial];
        let given = arrays.into_iter().filter_map(|array| Some((array, tensor(batch, array)?)));
        let given = given.map(|(array, tensor)| Ok((array, Given::new::<T>(tensor)?)));
        Ok(Self { given: given.collect::<Result<_>>()?, gradients: Vec::new() })
    }

    fn given(&self, array: Array) -> Option<&Given> {
        self.given.iter().find(|(known, _)| *known == array).map(|(_, given)| given)
    }
}

impl<T: Element + kind::Element> Arrays<T> for Tensors {
    type Error = Error;

    fn copy(&self, array: Array, view: usize, first: usize, rows: &mut [T]) -> Result<()> {
        self.given(array).map_or(Ok(()), |given| given.copy(view, first, rows))
    }

    fn wants(&self, array: Array) -> bool {
        self.given(array).is_some_and(|given| given.wanted)
    }

    fn gradients(&mut self, wanted: &[Array]) -> Result<Vec<(Array, &mut [T])>> {
        for array in wanted {
            if let Some(given) = self.given(*array) {
                let len = given.tensor.numel() as i64;
                let gradient = Tensor::f_zeros([len], (T::KIND, given.tensor.device()))?;
                self.gradients.push((*array, gradient));
            }
        }
        self.gradients.iter_mut().map(|(array, gradient)| Ok((*array, entries_mut(gradient)?))).collect()
    }
}

/// The entries of a tensor that was just made.
fn entries_mut<T: kind::Element>(tensor: &mut Tensor) -> Result<&mut [T]> {
    let len = tensor.numel();
    let fits = tensor.f_kind()? == T::KIND && is_on_processor(tensor) && tensor.is_contiguous();
    if !fits {
        return Err(wrong_kind(
            "gradient",
            tensor.f_kind()?,
            "what was asked for, entries in order on the processor",
        ));
    }
    // SAFETY: so many entries of this type lie there, one behind the other. The tensor is borrowed, and as it was just
    // made, nobody else has it.
    Ok(unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), len) })
}

/// A tensor `[V, B, d]` of views, or `[B, d]` of one.
#[derive(Debug)]
struct Given {
    tensor: Tensor,
    /// All entries one behind the other, if they lie so and need not be widened.
    flat: Option<Tensor>,
    /// Whether a gradient by it is wanted.
    wanted: bool,
}

impl Given {
    fn new<T: kind::Element>(tensor: &Tensor) -> Result<Self> {
        // A tensor that is made of another needs a gradient if that one does and gradients are enabled at all.
        let wanted = tensor.f_alias()?.requires_grad();
        let tensor = tensor.f_detach()?;
        let plain = tensor.f_kind()? == T::KIND && tensor.is_contiguous();
        let flat = if plain { Some(tensor.f_view([-1])?) } else { None };
        Ok(Self { tensor, flat, wanted })
    }

    fn view(&self, index: usize) -> Result<Tensor> {
        match self.tensor.dim() {
            2 => Ok(self.tensor.shallow_clone()),
            _ => Ok(self.tensor.f_select(0, index as i64)?),
        }
    }

    /// Copies rows of a view, from `first` on.
    fn copy<T: kind::Element>(&self, view: usize, first: usize, rows: &mut [T]) -> Result<()> {
        let (shape, len) = (self.tensor.size(), rows.len());
        let [.., images, columns] = shape[..] else { return Ok(()) };
        if let Some(flat) = &self.flat {
            let start = (view as i64 * images + first as i64) * columns;
            return Ok(flat.f_narrow(0, start, len as i64)?.f_copy_data(rows, len)?);
        }
        let part = self.view(view)?.f_narrow(0, first as i64, len as i64 / columns.max(1))?;
        Ok(part.f_to_kind(T::KIND)?.f_contiguous()?.f_copy_data(rows, len)?)
    }
}

//! Requests, which come as matrices, evaluated on tensors: how production is compared with the reference.

use crate::device::require;
use crate::error::Result;
use crate::loss::{self, Asked, Batch, Engine, Layout, Outcome, Tuples, floating, overflow};
use crate::supervised::Labelled;
use intnacl_reference::{
    self as reference, Answer, Evaluation, Layout as _, Loss, Objective, Request, Settings,
};
use std::ops::IndexMut;
use tch::{Device, Kind, Tensor};

/// The rows of the first of several matrices.
macro_rules! rows {
    ($matrices:expr) => {
        $matrices.first().map_or(0, |matrix| matrix.nrows())
    };
}

/// Evaluates a request on a device, in elements of a kind: the values and the gradients of all embeddings.
///
/// The embeddings are rounded to `kind`, and the gradient is one by these rounded embeddings.
///
/// # Errors
/// - [`Error::Input`](crate::Error::Input): what the reference refuses, in its words.
/// - [`Error::NoSuchDevice`](crate::Error::NoSuchDevice), [`Error::Kind`](crate::Error::Kind): a device that is absent, a kind that is not floating.
/// - [`Error::Overflow`](crate::Error::Overflow): a result that `kind` cannot hold.
/// - [`Error::Torch`](crate::Error::Torch): libtorch could not.
///
/// # Examples
/// ```
/// use intnacl::{Answer, evaluate};
/// use intnacl_reference::json;
/// use tch::{Device, Kind};
///
/// let request = json::read_request(
///     r#"{"loss": "simclr", "temperature": 0.5, "data": {"layout": "tuples",
///         "anchor": [[1, 0]], "positives": [[[0, 1]]], "negatives": [[[0, -1]]]}}"#,
/// )?;
/// let Answer::Tuples(evaluation) = evaluate(&request, Device::Cpu, Kind::Double)? else { unreachable!() };
/// // Positive and negative are equally near: -log(1/2).
/// assert!((evaluation.value - 2_f64.ln()).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn evaluate(request: &Request, device: Device, kind: Kind) -> Result<Answer> {
    evaluate_by(request, device, kind, None)
}

/// [`evaluate`] by an engine, if one is asked for.
pub(crate) fn evaluate_by(
    request: &Request,
    device: Device,
    kind: Kind,
    engine: Option<Engine>,
) -> Result<Answer> {
    require(device)?;
    floating("kind", kind)?;
    let place = Place { device, kind, engine };
    Ok(match request {
        Request::Tuples { loss, settings, data } => {
            data.validate(loss, settings)?;
            Answer::Tuples(place.tuples(loss, settings, data)?)
        }
        Request::Batch { loss, settings, data } => {
            data.validate(loss, settings)?;
            Answer::Batch(place.batch(loss, settings, data)?)
        }
        Request::Supervised { objective, data } => {
            data.validate()?;
            Answer::Supervised(place.supervised(*objective, data)?)
        }
    })
}

/// The operations on the reference's matrices that are used here, in the words of the standard library.
trait Matrix: Clone + IndexMut<(usize, usize), Output = f64> {}
impl<M: Clone + IndexMut<(usize, usize), Output = f64>> Matrix for M {}

/// Where tensors go, and in which elements.
#[derive(Clone, Copy)]
struct Place {
    device: Device,
    kind: Kind,
    engine: Option<Engine>,
}

impl Place {
    fn tuples(
        self,
        loss: &Loss,
        settings: &Settings,
        data: &reference::Tuples,
    ) -> Result<Evaluation<reference::Tuples>> {
        let (b, d) = data.anchor.shape();
        let list = |matrices, rows| self.leaf(matrices, &[b, rows, d]);
        let mut tuples = Tuples::new(
            self.leaf([&data.anchor], &[b, d])?,
            list(&data.positives, rows!(data.positives))?,
            list(&data.negatives, rows!(data.negatives))?,
        );
        if let Some(matrices) = &data.debias_positives {
            tuples.debias_positives = Some(list(matrices, rows!(matrices))?);
        }
        if let Some(matrices) = &data.mixed {
            tuples.mixed = Some(list(matrices, rows!(matrices))?);
        }
        if let Some(lists) = data.mixed_negatives.as_ref().filter(|lists| !lists[0].is_empty()) {
            let shape = [b, lists[0].len(), rows!(lists[0]), d];
            // The reference lets anchors differ here, a tensor does not.
            if let Some(i) = lists.iter().position(|list| rows!(list) != shape[2]) {
                let argument = format!("mixed_negatives[{i}][0]");
                let (found, expected) =
                    (format!("[{}][{d}]", rows!(lists[i])), format!("[{}][{d}]", shape[2]));
                return Err(reference::Error::Shape { argument, found, expected }.into());
            }
            tuples.mixed_negatives = Some(self.leaf(lists.iter().flatten(), &shape)?);
        }
        if let Some(matrix) = &data.adversarial {
            tuples.adversarial = Some(self.leaf([matrix], &[b, d])?);
        }
        if let Some(matrices) = &data.adversarial_negatives {
            tuples.adversarial_negatives = Some(list(matrices, rows!(matrices))?);
        }

        let (value, per_anchor) = self.run(&tuples, loss, settings)?;
        let mut gradient = data.clone();
        self.gradient("anchor", &tuples.anchor, [&mut gradient.anchor])?;
        self.gradient("positives", &tuples.positives, &mut gradient.positives)?;
        self.gradient("negatives", &tuples.negatives, &mut gradient.negatives)?;
        let debias = gradient.debias_positives.iter_mut().flatten();
        self.optional("debias_positives", &tuples.debias_positives, debias)?;
        self.optional("mixed", &tuples.mixed, gradient.mixed.iter_mut().flatten())?;
        let mixed_negatives = gradient.mixed_negatives.iter_mut().flatten().flatten();
        self.optional("mixed_negatives", &tuples.mixed_negatives, mixed_negatives)?;
        self.optional("adversarial", &tuples.adversarial, &mut gradient.adversarial)?;
        let negatives = gradient.adversarial_negatives.iter_mut().flatten();
        self.optional("adversarial_negatives", &tuples.adversarial_negatives, negatives)?;
        Ok(Evaluation { value, per_anchor, gradient })
    }

    fn batch(
        self,
        loss: &Loss,
        settings: &Settings,
        data: &reference::Batch,
    ) -> Result<Evaluation<reference::Batch>> {
        let (b, d) = (rows!(data.views), data.views.first().map_or(0, |view| view.ncols()));
        let mut batch = Batch::new(self.leaf(&data.views, &[data.views.len(), b, d])?);
        batch.symmetric = data.symmetric;
        if let Some(views) = &data.mixed {
            batch.mixed = Some(self.leaf(views, &[views.len(), b, d])?);
        }
        if let Some(matrix) = &data.adversarial {
            batch.adversarial = Some(self.leaf([matrix], &[b, d])?);
        }

        let (value, per_anchor) = self.run(&batch, loss, settings)?;
        let mut gradient = data.clone();
        self.gradient("views", &batch.views, &mut gradient.views)?;
        self.optional("mixed", &batch.mixed, gradient.mixed.iter_mut().flatten())?;
        self.optional("adversarial", &batch.adversarial, &mut gradient.adversarial)?;
        Ok(Evaluation { value, per_anchor, gradient })
    }

    fn supervised(
        self,
        objective: Objective,
        data: &reference::Labelled,
    ) -> Result<Evaluation<reference::Labelled>> {
        let (dimension, features) = data.transform.shape();
        let labelled = Labelled {
            transform: self.leaf([&data.transform], &[dimension, features])?,
            points: self.leaf([&data.points], &[data.points.nrows(), features])?,
            labels: Tensor::f_from_slice(&data.labels)?.f_to_device(self.device)?,
        };
        let per_point = labelled.per_point(objective)?;
        let (value, per_anchor) = self.backward(&per_point.f_sum(None)?, &per_point)?;
        let mut gradient = data.clone();
        self.gradient("transform", &labelled.transform, [&mut gradient.transform])?;
        self.gradient("points", &labelled.points, [&mut gradient.points])?;
        Ok(Evaluation { value, per_anchor, gradient })
    }

    /// Value and values per anchor; the leaves have their gradients afterwards.
    fn run(self, layout: &impl Layout, loss: &Loss, settings: &Settings) -> Result<(f64, Vec<f64>)> {
        let embeddings = layout.embeddings();
        let Outcome { value, per_anchor } = match self.engine {
            None => loss::evaluate(embeddings, loss, settings, Asked::Mean)?,
            Some(engine) => loss::evaluate_by(engine, embeddings, loss, settings)?,
        };
        // The data are known to be good in `f64`. What is left is what rounding them to the kind does.
        layout.check(settings)?;
        self.backward(&value, &per_anchor)
    }

    fn backward(self, value: &Tensor, per_anchor: &Tensor) -> Result<(f64, Vec<f64>)> {
        value.f_backward()?;
        let value = self.read("value", value)?;
        Ok((value.first().copied().unwrap_or(f64::NAN), self.read("per_anchor", per_anchor)?))
    }

    /// Matrices, row by row, as one tensor whose gradient is wanted.
    fn leaf<'a, M: Matrix + 'a>(
        self,
        matrices: impl IntoIterator<Item = &'a M>,
        shape: &[usize],
    ) -> Result<Tensor> {
        let (rows, columns) = matrix_shape(shape);
        let mut values = Vec::with_capacity(shape.iter().product());
        for matrix in matrices {
            values.extend((0..rows * columns).map(|i| matrix[(i / columns, i % columns)]));
        }
        let shape: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
        let tensor = Tensor::f_from_slice(&values)?.f_reshape(shape)?.f_to_kind(self.kind)?;
        Ok(tensor.f_to_device(self.device)?.f_set_requires_grad(true)?)
    }

    /// Overwrites copies of the matrices that a leaf was made of by its gradient.
    fn gradient<'a, M: Matrix + 'a>(
        self,
        argument: &str,
        leaf: &Tensor,
        matrices: impl IntoIterator<Item = &'a mut M>,
    ) -> Result<()> {
        let gradient = leaf.f_grad()?;
        // A tensor that the loss does not read has none.
        let gradient = if gradient.defined() { gradient } else { leaf.f_zeros_like()? };
        let values = self.read(&format!("gradient.{argument}"), &gradient)?;
        let shape: Vec<usize> = leaf.size().iter().map(|&size| size as usize).collect();
        let (rows, columns) = matrix_shape(&shape);
        for (matrix, values) in matrices.into_iter().zip(values.chunks((rows * columns).max(1))) {
            for (i, value) in values.iter().enumerate() {
                matrix[(i / columns, i % columns)] = *value;
            }
        }
        Ok(())
    }

    fn optional<'a, M: Matrix + 'a>(
        self,
        argument: &str,
        leaf: &Option<Tensor>,
        matrices: impl IntoIterator<Item = &'a mut M>,
    ) -> Result<()> {
        leaf.as_ref().map_or(Ok(()), |leaf| self.gradient(argument, leaf, matrices))
    }

    /// All entries, in order, which must be finite.
    fn read(self, argument: &str, tensor: &Tensor) -> Result<Vec<f64>> {
        // Not every device has f64, so it comes after the transfer.
        let flat = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?.f_reshape([-1])?;
        let values = Vec::<f64>::try_from(&flat)?;
        match values.iter().all(|value| value.is_finite()) {
            true => Ok(values),
            false => Err(overflow(argument, &tensor.f_detach()?)?),
        }
    }
}

/// The rows and columns of each matrix in a tensor of that shape.
fn matrix_shape(shape: &[usize]) -> (usize, usize) {
    match shape {
        [.., rows, columns] => (*rows, *columns),
        _ => (0, 0),
    }
}

#[cfg(test)]
mod tests;

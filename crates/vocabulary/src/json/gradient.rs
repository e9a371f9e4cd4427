//! The gradient in an answer: every array of the data, in the same shape, and nothing else.

use nalgebra::DMatrix;

use super::array::Matrix;
use super::error::{Error, Result};
use super::forms::{DataForm, Form};
use super::shape::{Shape, in_brackets, mismatch};
use crate::{Batch, Labelled, Tuples};

pub(super) fn tuples(mut form: DataForm, data: &Tuples) -> Result<Tuples> {
    let gradient = Tuples {
        anchor: required(&mut form.anchor, &data.anchor, "anchor")?,
        positives: required(&mut form.positives, &data.positives, "positives")?,
        negatives: required(&mut form.negatives, &data.negatives, "negatives")?,
        debias_positives: if_given(&mut form.debias_positives, &data.debias_positives, "debias_positives")?,
        mixed: if_given(&mut form.mixed, &data.mixed, "mixed")?,
        mixed_negatives: if_given(&mut form.mixed_negatives, &data.mixed_negatives, "mixed_negatives")?,
        adversarial: if_given(&mut form.adversarial, &data.adversarial, "adversarial")?,
        adversarial_negatives: if_given(
            &mut form.adversarial_negatives,
            &data.adversarial_negatives,
            "adversarial_negatives",
        )?,
    };
    none_left(&form)?;
    Ok(gradient)
}

pub(super) fn batch(mut form: DataForm, data: &Batch) -> Result<Batch> {
    let gradient = Batch {
        views: required(&mut form.views, &data.views, "views")?,
        symmetric: data.symmetric,
        mixed: if_given(&mut form.mixed, &data.mixed, "mixed")?,
        adversarial: if_given(&mut form.adversarial, &data.adversarial, "adversarial")?,
    };
    none_left(&form)?;
    Ok(gradient)
}

pub(super) fn labelled(mut form: DataForm, data: &Labelled) -> Result<Labelled> {
    let gradient = Labelled {
        transform: required(&mut form.transform, &data.transform, "transform")?,
        points: required(&mut form.points, &data.points, "points")?,
        labels: data.labels.clone(),
    };
    none_left(&form)?;
    Ok(gradient)
}

/// Fills the arrays that are absent with NaN, and names them.
pub(super) fn fill_tuples(form: &mut DataForm, data: &Tuples, absent: &mut Vec<&'static str>) {
    fill(&mut form.anchor, Some(&data.anchor), "anchor", absent);
    fill(&mut form.positives, Some(&data.positives), "positives", absent);
    fill(&mut form.negatives, Some(&data.negatives), "negatives", absent);
    fill(&mut form.debias_positives, data.debias_positives.as_ref(), "debias_positives", absent);
    fill(&mut form.mixed, data.mixed.as_ref(), "mixed", absent);
    fill(&mut form.mixed_negatives, data.mixed_negatives.as_ref(), "mixed_negatives", absent);
    fill(&mut form.adversarial, data.adversarial.as_ref(), "adversarial", absent);
    fill(
        &mut form.adversarial_negatives,
        data.adversarial_negatives.as_ref(),
        "adversarial_negatives",
        absent,
    );
}

/// Fills the arrays that are absent with NaN, and names them.
pub(super) fn fill_batch(form: &mut DataForm, data: &Batch, absent: &mut Vec<&'static str>) {
    fill(&mut form.views, Some(&data.views), "views", absent);
    fill(&mut form.mixed, data.mixed.as_ref(), "mixed", absent);
    fill(&mut form.adversarial, data.adversarial.as_ref(), "adversarial", absent);
}

/// Fills the arrays that are absent with NaN, and names them.
pub(super) fn fill_labelled(form: &mut DataForm, data: &Labelled, absent: &mut Vec<&'static str>) {
    fill(&mut form.transform, Some(&data.transform), "transform", absent);
    fill(&mut form.points, Some(&data.points), "points", absent);
}

fn fill<A: Array>(
    form: &mut Option<A::Written>,
    array: Option<&A>,
    name: &'static str,
    absent: &mut Vec<&'static str>,
) {
    if let (None, Some(array)) = (&form, array) {
        *form = Some(array.unknown());
        absent.push(name);
    }
}

fn none_left(form: &DataForm) -> Result<()> {
    match form.left() {
        None => Ok(()),
        Some(field) => Err(Error::form(format!("gradient.{field}"), "not an array of this request's data")),
    }
}

fn required<A: Array>(form: &mut Option<A::Written>, array: &A, field: &str) -> Result<A> {
    let path = format!("gradient.{field}");
    match form.take() {
        Some(written) => array.gradient(written, &path),
        None => {
            let shape = in_brackets(&array.shape_of());
            Err(Error::Missing { path, expected: format!("an array of shape {shape}") })
        }
    }
}

fn if_given<A: Array>(form: &mut Option<A::Written>, array: &Option<A>, field: &str) -> Result<Option<A>> {
    array.as_ref().map(|array| required(form, array, field)).transpose()
}

/// An array of the data.
trait Array: Shape + Sized {
    /// The form in which the gradient by it is read.
    type Written;

    /// An array of this shape, all NaN.
    fn unknown(&self) -> Self::Written;

    /// The gradient that was read, as an array of the same shape.
    fn gradient(&self, written: Self::Written, path: &str) -> Result<Self>;
}

impl Array for DMatrix<f64> {
    type Written = Matrix;

    fn unknown(&self) -> Matrix {
        Matrix(self.map(|_| f64::NAN))
    }

    fn gradient(&self, Matrix(written): Matrix, path: &str) -> Result<Self> {
        // The text of a matrix without rows does not say how many columns it has.
        if written.shape() == self.shape() || (written.is_empty() && self.is_empty()) {
            return Ok(written.resize(self.nrows(), self.ncols(), 0.0));
        }
        Err(mismatch(path, &written.shape_of(), &self.shape_of()))
    }
}

impl<A: Array> Array for Vec<A> {
    type Written = Vec<A::Written>;

    fn unknown(&self) -> Self::Written {
        self.iter().map(Array::unknown).collect()
    }

    fn gradient(&self, written: Self::Written, path: &str) -> Result<Self> {
        if written.len() != self.len() {
            return Err(mismatch(path, &[written.len()], &[self.len()]));
        }
        let pairs = self.iter().zip(written).enumerate();
        pairs.map(|(index, (array, written))| array.gradient(written, &format!("{path}[{index}]"))).collect()
    }
}

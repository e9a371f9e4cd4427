//! The gradient in an answer: every array of the data, in the same shape, and nothing else.

use nalgebra::DMatrix;

use super::array::Matrix;
use super::error::{Error, Result};
use super::forms::{DataForm, Form};
use super::shape::{Shape, in_brackets, mismatch};
use crate::vocabulary::{Batch, Labelled, Tuples};

pub(super) fn tuples(mut form: DataForm, data: &Tuples) -> Result<Tuples> {
    let gradient = Tuples {
        anchor: required(&mut form.anchor, &data.anchor, "anchor", matrix)?,
        positives: required(&mut form.positives, &data.positives, "positives", list)?,
        negatives: required(&mut form.negatives, &data.negatives, "negatives", list)?,
        debias_positives: if_given(
            &mut form.debias_positives,
            &data.debias_positives,
            "debias_positives",
            list,
        )?,
        mixed: if_given(&mut form.mixed, &data.mixed, "mixed", list)?,
        mixed_negatives: if_given(
            &mut form.mixed_negatives,
            &data.mixed_negatives,
            "mixed_negatives",
            nested,
        )?,
        adversarial: if_given(&mut form.adversarial, &data.adversarial, "adversarial", matrix)?,
        adversarial_negatives: if_given(
            &mut form.adversarial_negatives,
            &data.adversarial_negatives,
            "adversarial_negatives",
            list,
        )?,
    };
    none_left(&form)?;
    Ok(gradient)
}

pub(super) fn batch(mut form: DataForm, data: &Batch) -> Result<Batch> {
    let gradient = Batch {
        views: required(&mut form.views, &data.views, "views", list)?,
        symmetric: data.symmetric,
        mixed: if_given(&mut form.mixed, &data.mixed, "mixed", list)?,
        adversarial: if_given(&mut form.adversarial, &data.adversarial, "adversarial", matrix)?,
    };
    none_left(&form)?;
    Ok(gradient)
}

pub(super) fn labelled(mut form: DataForm, data: &Labelled) -> Result<Labelled> {
    let gradient = Labelled {
        transform: required(&mut form.transform, &data.transform, "transform", matrix)?,
        points: required(&mut form.points, &data.points, "points", matrix)?,
        labels: data.labels.clone(),
    };
    none_left(&form)?;
    Ok(gradient)
}

fn none_left(form: &DataForm) -> Result<()> {
    match form.left() {
        None => Ok(()),
        Some(field) => Err(Error::form(format!("gradient.{field}"), "not an array of this request's data")),
    }
}

/// Reads the gradient by an array from what was written, as the array has it.
type Read<T, U> = fn(T, &U, &str) -> Result<U>;

fn required<T, U: Shape>(form: &mut Option<T>, array: &U, field: &str, read: Read<T, U>) -> Result<U> {
    let path = format!("gradient.{field}");
    match form.take() {
        Some(written) => read(written, array, &path),
        None => Err(Error::Missing {
            path,
            expected: format!("an array of shape {}", in_brackets(&array.shape_of())),
        }),
    }
}

fn if_given<T, U: Shape>(
    form: &mut Option<T>,
    array: &Option<U>,
    field: &str,
    read: Read<T, U>,
) -> Result<Option<U>> {
    array.as_ref().map(|array| required(form, array, field, read)).transpose()
}

fn matrix(Matrix(written): Matrix, array: &DMatrix<f64>, path: &str) -> Result<DMatrix<f64>> {
    // The text of a matrix without rows does not say how many columns it has.
    if written.shape() == array.shape() || (written.is_empty() && array.is_empty()) {
        return Ok(written.resize(array.nrows(), array.ncols(), 0.0));
    }
    Err(mismatch(path, &written.shape_of(), &array.shape_of()))
}

fn list(written: Vec<Matrix>, array: &Vec<DMatrix<f64>>, path: &str) -> Result<Vec<DMatrix<f64>>> {
    each(written, array, path, matrix)
}

fn nested(
    written: Vec<Vec<Matrix>>,
    array: &Vec<Vec<DMatrix<f64>>>,
    path: &str,
) -> Result<Vec<Vec<DMatrix<f64>>>> {
    each(written, array, path, list)
}

fn each<T, U: Shape>(written: Vec<T>, array: &[U], path: &str, read: Read<T, U>) -> Result<Vec<U>> {
    if written.len() != array.len() {
        return Err(mismatch(path, &[written.len()], &[array.len()]));
    }
    let pairs = written.into_iter().zip(array).enumerate();
    pairs.map(|(index, (written, array))| read(written, array, &format!("{path}[{index}]"))).collect()
}

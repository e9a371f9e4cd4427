//! The arrays of a request, and of the gradient that answers it.

use nalgebra::DMatrix;

use super::array::{Label, Matrix};
use super::error::{Error, Result};
use super::forms::DataForm;
use crate::vocabulary::{Batch, Labelled, Tuples};

/// The names of all arrays, and of what describes them.
pub(super) const FIELDS: &[&str] = DataForm::FIELDS;

pub(super) fn tuples(mut form: DataForm) -> Result<Tuples> {
    let anchor = matrix(&mut form.anchor, "anchor", "B × d numbers")?;
    let d = anchor.ncols();
    let data = Tuples {
        positives: list(&mut form.positives, "positives", "B × M × d numbers")?,
        negatives: list(&mut form.negatives, "negatives", "B × N × d numbers")?,
        debias_positives: optional(&mut form.debias_positives, "debias_positives", list)?,
        mixed: form
            .mixed
            .take()
            .map(|mixed| mixed.into_iter().map(|of_anchor| with_columns(of_anchor, d)).collect()),
        mixed_negatives: optional(&mut form.mixed_negatives, "mixed_negatives", nested)?,
        adversarial: optional(&mut form.adversarial, "adversarial", matrix)?,
        adversarial_negatives: optional(&mut form.adversarial_negatives, "adversarial_negatives", list)?,
        anchor,
    };
    const TAKES: &str = "anchor, positives, negatives, debias_positives, mixed, mixed_negatives, adversarial, \
                         adversarial_negatives";
    none_left(&form, "the layout tuples", TAKES)?;
    Ok(data)
}

pub(super) fn batch(mut form: DataForm) -> Result<Batch> {
    let data = Batch {
        views: list(&mut form.views, "views", "(1+M) × B × d numbers")?,
        symmetric: form.symmetric.take().unwrap_or(true),
        // With one positive there is no mixed view: an empty array is right then.
        mixed: match &form.mixed {
            Some(mixed) if mixed.is_empty() => form.mixed.take().map(|_| Vec::new()),
            _ => optional(&mut form.mixed, "mixed", list)?,
        },
        adversarial: optional(&mut form.adversarial, "adversarial", matrix)?,
    };
    none_left(&form, "the layout batch", "views, symmetric, mixed, adversarial")?;
    Ok(data)
}

pub(super) fn labelled(mut form: DataForm) -> Result<Labelled> {
    let missing = || Error::Missing { path: "data.labels".into(), expected: "n integers".into() };
    let data = Labelled {
        transform: matrix(&mut form.transform, "transform", "D × F numbers")?,
        points: matrix(&mut form.points, "points", "n × F numbers")?,
        labels: form.labels.take().ok_or_else(missing)?.into_iter().map(|Label(label)| label).collect(),
    };
    none_left(&form, "supervised_nca", "transform, points, labels")?;
    Ok(data)
}

fn none_left(form: &DataForm, whose: &str, takes: &str) -> Result<()> {
    match form.left() {
        None => Ok(()),
        Some(field) => {
            Err(Error::form(format!("data.{field}"), format!("not a field of {whose}, expected {takes}")))
        }
    }
}

/// Reads a field if it is there.
fn optional<T, U>(
    form: &mut Option<T>,
    field: &str,
    read: impl FnOnce(&mut Option<T>, &str, &str) -> Result<U>,
) -> Result<Option<U>> {
    form.is_some().then(|| read(form, field, "an array")).transpose()
}

fn matrix(form: &mut Option<Matrix>, field: &str, expected: &str) -> Result<DMatrix<f64>> {
    filled(take(form, field, expected)?, || format!("data.{field}"))
}

fn list(form: &mut Option<Vec<Matrix>>, field: &str, expected: &str) -> Result<Vec<DMatrix<f64>>> {
    let matrices = take(form, field, expected)?;
    if matrices.is_empty() {
        return Err(empty(format!("data.{field}")));
    }
    let numbered = matrices.into_iter().enumerate();
    numbered.map(|(index, matrix)| filled(matrix, || format!("data.{field}[{index}]"))).collect()
}

/// Of the mixed negatives, a list an anchor; with one positive it is empty.
fn nested(
    form: &mut Option<Vec<Vec<Matrix>>>,
    field: &str,
    expected: &str,
) -> Result<Vec<Vec<DMatrix<f64>>>> {
    let lists = take(form, field, expected)?;
    let of_anchor = |(anchor, matrices): (usize, Vec<Matrix>)| {
        let numbered = matrices.into_iter().enumerate();
        numbered
            .map(|(index, matrix)| filled(matrix, || format!("data.{field}[{anchor}][{index}]")))
            .collect()
    };
    lists.into_iter().enumerate().map(of_anchor).collect()
}

/// A matrix that may have no rows: the text does not say how many columns it has then.
fn with_columns(Matrix(matrix): Matrix, columns: usize) -> DMatrix<f64> {
    if matrix.nrows() == 0 { DMatrix::zeros(0, columns) } else { matrix }
}

fn filled(Matrix(matrix): Matrix, path: impl Fn() -> String) -> Result<DMatrix<f64>> {
    if matrix.is_empty() { Err(empty(path())) } else { Ok(matrix) }
}

fn empty(path: String) -> Error {
    Error::form(path, "an empty array, expected at least one entry")
}

fn take<T>(form: &mut Option<T>, field: &str, expected: &str) -> Result<T> {
    let missing = || Error::Missing { path: format!("data.{field}"), expected: expected.into() };
    form.take().ok_or_else(missing)
}

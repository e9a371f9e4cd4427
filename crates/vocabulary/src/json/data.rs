//! The arrays of a request, and of the gradient that answers it.

use nalgebra::DMatrix;

use super::array::{Label, Matrix};
use super::error::{Error, Result};
use super::forms::{DataForm, Form};
use super::shape::even;
use crate::{Batch, Labelled, SUPERVISED_NCA, Tuples};

pub(super) fn tuples(mut form: DataForm) -> Result<Tuples> {
    let anchor = matrix(&mut form.anchor, "anchor", "an array of shape [B][d]")?;
    let d = anchor.ncols();
    let data = Tuples {
        positives: list(&mut form.positives, "positives", "an array of shape [B][M][d]")?,
        negatives: list(&mut form.negatives, "negatives", "an array of shape [B][N][d]")?,
        debias_positives: optional(&mut form.debias_positives, "debias_positives", list)?,
        mixed: form.mixed.take().map(|matrices| mixed_rows(matrices, d)).transpose()?,
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
        views: list(&mut form.views, "views", "an array of shape [1+M][B][d]")?,
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
    let missing = || Error::Missing { path: "data.labels".into(), expected: "an array of shape [n]".into() };
    let data = Labelled {
        transform: matrix(&mut form.transform, "transform", "an array of shape [D][F]")?,
        points: matrix(&mut form.points, "points", "an array of shape [n][F]")?,
        labels: form.labels.take().ok_or_else(missing)?.into_iter().map(|Label(label)| label).collect(),
    };
    none_left(&form, SUPERVISED_NCA.name, "transform, points, labels")?;
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
    let path = format!("data.{field}");
    if matrices.is_empty() { Err(empty(path)) } else { each_filled(matrices, &path) }
}

/// The mixed embeddings of tuples: with one positive an anchor has none.
fn mixed_rows(matrices: Vec<Matrix>, columns: usize) -> Result<Vec<DMatrix<f64>>> {
    // The text of a matrix without rows does not say how many columns it has.
    let with_columns =
        |Matrix(matrix): Matrix| if matrix.nrows() == 0 { DMatrix::zeros(0, columns) } else { matrix };
    even(matrices.into_iter().map(with_columns).collect(), "data.mixed")
}

/// The negatives of mixed embeddings: a list an anchor, which may be empty as those are.
fn nested(
    form: &mut Option<Vec<Vec<Matrix>>>,
    field: &str,
    expected: &str,
) -> Result<Vec<Vec<DMatrix<f64>>>> {
    let path = format!("data.{field}");
    let numbered = take(form, field, expected)?.into_iter().enumerate();
    let lists = numbered.map(|(anchor, matrices)| each_filled(matrices, &format!("{path}[{anchor}]")));
    even(lists.collect::<Result<_>>()?, &path)
}

fn each_filled(matrices: Vec<Matrix>, path: &str) -> Result<Vec<DMatrix<f64>>> {
    let numbered = matrices.into_iter().enumerate();
    let filled = numbered.map(|(index, matrix)| filled(matrix, || format!("{path}[{index}]")));
    even(filled.collect::<Result<_>>()?, path)
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

//! Requests and answers as Python has them: arrays of NumPy under their names.

use intnacl_reference::{
    Answer, Batch, Evaluation, Labelled, Layout, Reply, Request, Settings, Tuples, json,
};
use nalgebra::DMatrix;
use numpy::{PyArray1, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::{Value, json};

use crate::refused;

/// Reads a request: its head as JSON, its arrays by name.
pub fn request(head: &str, data: &Bound<'_, PyDict>) -> PyResult<Request> {
    let mut request = read_head(head, &layout(data)?)?;
    match &mut request {
        Request::Tuples { data: tuples, .. } => *tuples = read_tuples(data)?,
        Request::Batch { data: batch, .. } => *batch = read_batch(data)?,
        Request::Supervised { data: labelled, .. } => *labelled = read_labelled(data)?,
    }
    Ok(request)
}

/// The layout that the arrays are in.
fn layout(data: &Bound<'_, PyDict>) -> PyResult<String> {
    for (array, layout) in [("views", "batch"), ("anchor", "tuples"), ("transform", "supervised")] {
        if data.contains(array)? {
            return Ok(layout.to_owned());
        }
    }
    Err(PyValueError::new_err("views is missing: expected views, or anchor, positives and negatives"))
}

/// Reads loss, parameters and settings as the command line does, with arrays of one number in place of the data.
///
/// Python gives the settings as they are, since JSON has no NaN: `null` stands for one, and it is refused like one.
pub fn read_head(head: &str, layout: &str) -> PyResult<Request> {
    let mut head: Value = serde_json::from_str(head).map_err(refused)?;
    let setting = |head: &mut Value, name: &str, default: f64| match head.as_object_mut()?.remove(name) {
        None => Some(default),
        Some(value) => Some(value.as_f64().unwrap_or(f64::NAN)),
    };
    let temperature = setting(&mut head, "temperature", 1.0).unwrap_or(f64::NAN);
    let tolerance = setting(&mut head, "norm_tolerance", Settings::NORM_TOLERANCE).unwrap_or(f64::NAN);
    let one = [[1.0]];
    head["data"] = match layout {
        "batch" => json!({ "layout": "batch", "views": [one, one] }),
        "tuples" => json!({ "layout": "tuples", "anchor": one, "positives": [one], "negatives": [one] }),
        _ => json!({ "transform": one, "points": one, "labels": [0] }),
    };
    if layout != "supervised" {
        head["temperature"] = json!(1.0);
    }
    let mut request = json::read_request(&head.to_string()).map_err(refused)?;
    if let Request::Tuples { settings, .. } | Request::Batch { settings, .. } = &mut request {
        (settings.temperature, settings.norm_tolerance) = (temperature, tolerance);
    }
    Ok(request)
}

fn read_tuples(data: &Bound<'_, PyDict>) -> PyResult<Tuples> {
    Ok(Tuples {
        anchor: needed(matrix(data, "anchor")?, "anchor", "an array of shape [B][d]")?,
        positives: needed(matrices(data, "positives")?, "positives", "an array of shape [B][M][d]")?,
        negatives: needed(matrices(data, "negatives")?, "negatives", "an array of shape [B][N][d]")?,
        debias_positives: matrices(data, "debias_positives")?,
        mixed: matrices(data, "mixed")?,
        mixed_negatives: lists(data, "mixed_negatives")?,
        adversarial: matrix(data, "adversarial")?,
        adversarial_negatives: matrices(data, "adversarial_negatives")?,
    })
}

fn read_batch(data: &Bound<'_, PyDict>) -> PyResult<Batch> {
    let symmetric = data.get_item("symmetric")?.map_or(Ok(true), |flag| flag.extract())?;
    Ok(Batch {
        views: needed(matrices(data, "views")?, "views", "an array of shape [1+M][B][d]")?,
        symmetric,
        mixed: matrices(data, "mixed")?,
        adversarial: matrix(data, "adversarial")?,
    })
}

fn read_labelled(data: &Bound<'_, PyDict>) -> PyResult<Labelled> {
    let labels = data.get_item("labels")?;
    let labels = labels.map(|labels| labels.extract::<Vec<i64>>()).transpose()?;
    Ok(Labelled {
        transform: needed(matrix(data, "transform")?, "transform", "an array of shape [D][F]")?,
        points: needed(matrix(data, "points")?, "points", "an array of shape [n][F]")?,
        labels: needed(labels, "labels", "an array of shape [n]")?,
    })
}

fn needed<T>(array: Option<T>, name: &str, expected: &str) -> PyResult<T> {
    array.ok_or_else(|| PyValueError::new_err(format!("{name} is missing: expected {expected}")))
}

/// An array's numbers, row by row, and its shape.
fn numbers(data: &Bound<'_, PyDict>, name: &str, depth: usize) -> PyResult<Option<(Vec<f64>, Vec<usize>)>> {
    let Some(array) = data.get_item(name)? else { return Ok(None) };
    let array: PyReadonlyArrayDyn<'_, f64> = array.extract()?;
    let shape = array.shape().to_vec();
    if shape.len() != depth {
        let problem = format!("{name} has {} axes: expected {depth}", shape.len());
        return Err(PyValueError::new_err(problem));
    }
    // Row by row, whatever the strides are.
    Ok(Some((array.as_array().iter().copied().collect(), shape)))
}

fn cut(numbers: &[f64], rows: usize, columns: usize) -> Vec<DMatrix<f64>> {
    // Chunks of no numbers are none.
    numbers
        .chunks_exact((rows * columns).max(1))
        .map(|rest| DMatrix::from_row_slice(rows, columns, rest))
        .collect()
}

fn matrix(data: &Bound<'_, PyDict>, name: &str) -> PyResult<Option<DMatrix<f64>>> {
    let read = numbers(data, name, 2)?;
    Ok(read.map(|(numbers, shape)| DMatrix::from_row_slice(shape[0], shape[1], &numbers)))
}

fn matrices(data: &Bound<'_, PyDict>, name: &str) -> PyResult<Option<Vec<DMatrix<f64>>>> {
    let read = numbers(data, name, 3)?;
    Ok(read.map(|(numbers, shape)| match shape[1] * shape[2] {
        0 => vec![DMatrix::zeros(shape[1], shape[2]); shape[0]],
        _ => cut(&numbers, shape[1], shape[2]),
    }))
}

fn lists(data: &Bound<'_, PyDict>, name: &str) -> PyResult<Option<Vec<Vec<DMatrix<f64>>>>> {
    let read = numbers(data, name, 4)?;
    Ok(read.map(|(numbers, shape)| {
        let all = match shape[2] * shape[3] {
            0 => vec![DMatrix::zeros(shape[2], shape[3]); shape[0] * shape[1]],
            _ => cut(&numbers, shape[2], shape[3]),
        };
        match shape[1] {
            0 => vec![Vec::new(); shape[0]],
            count => all.chunks(count).map(<[_]>::to_vec).collect(),
        }
    }))
}

/// The array of some matrices of one shape, under leading axes of these lengths.
fn array<'py>(
    py: Python<'py>,
    lengths: &[usize],
    matrices: &[&DMatrix<f64>],
) -> PyResult<Bound<'py, PyArrayDyn<f64>>> {
    let (rows, columns) = matrices.first().map_or((0, 0), |matrix| matrix.shape());
    let mut numbers = Vec::with_capacity(matrices.len() * rows * columns);
    for matrix in matrices {
        // The matrices of nalgebra lie column by column.
        numbers.extend(matrix.transpose().iter());
    }
    let shape: Vec<usize> = lengths.iter().copied().chain([rows, columns]).collect();
    PyArray1::from_vec(py, numbers).reshape(shape)
}

fn put(dict: &Bound<'_, PyDict>, name: &str, matrix: &DMatrix<f64>) -> PyResult<()> {
    dict.set_item(name, array(dict.py(), &[], &[matrix])?)
}

fn put_list(dict: &Bound<'_, PyDict>, name: &str, list: &[DMatrix<f64>]) -> PyResult<()> {
    dict.set_item(name, array(dict.py(), &[list.len()], &list.iter().collect::<Vec<_>>())?)
}

/// The arrays of tuples, by name.
fn tuples<'py>(py: Python<'py>, data: &Tuples) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    put(&dict, "anchor", &data.anchor)?;
    put_list(&dict, "positives", &data.positives)?;
    put_list(&dict, "negatives", &data.negatives)?;
    for (name, list) in [
        ("debias_positives", &data.debias_positives),
        ("mixed", &data.mixed),
        ("adversarial_negatives", &data.adversarial_negatives),
    ] {
        if let Some(list) = list {
            put_list(&dict, name, list)?;
        }
    }
    if let Some(matrix) = &data.adversarial {
        put(&dict, "adversarial", matrix)?;
    }
    if let Some(lists) = &data.mixed_negatives {
        let lengths = [lists.len(), lists.first().map_or(0, Vec::len)];
        dict.set_item("mixed_negatives", array(py, &lengths, &lists.iter().flatten().collect::<Vec<_>>())?)?;
    }
    Ok(dict)
}

/// The arrays of a batch, by name.
fn batch<'py>(py: Python<'py>, data: &Batch) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    put_list(&dict, "views", &data.views)?;
    if let Some(mixed) = &data.mixed {
        put_list(&dict, "mixed", mixed)?;
    }
    if let Some(adversarial) = &data.adversarial {
        put(&dict, "adversarial", adversarial)?;
    }
    Ok(dict)
}

/// The arrays of labelled points, by name.
fn labelled<'py>(py: Python<'py>, data: &Labelled) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    put(&dict, "transform", &data.transform)?;
    put(&dict, "points", &data.points)?;
    Ok(dict)
}

/// An answer as `value`, `per_anchor` and `gradient`.
pub fn answer<'py>(py: Python<'py>, answer: &Answer) -> PyResult<Bound<'py, PyDict>> {
    let (value, per_anchor, gradient) = match answer {
        Answer::Tuples(all) => (all.value, &all.per_anchor, tuples(py, &all.gradient)?),
        Answer::Batch(all) => (all.value, &all.per_anchor, batch(py, &all.gradient)?),
        Answer::Supervised(all) => (all.value, &all.per_anchor, labelled(py, &all.gradient)?),
    };
    let dict = PyDict::new(py);
    dict.set_item("value", value)?;
    dict.set_item("per_anchor", PyArray1::from_slice(py, per_anchor))?;
    dict.set_item("gradient", gradient)?;
    Ok(dict)
}

/// A request: `head` without the data as JSON, `data` as arrays, and `json`, the whole as the command line reads it.
pub fn written<'py>(py: Python<'py>, request: &Request) -> PyResult<Bound<'py, PyDict>> {
    let data = match request {
        Request::Tuples { data, .. } => tuples(py, data)?,
        Request::Batch { data: given, .. } => {
            let data = batch(py, given)?;
            data.set_item("symmetric", given.symmetric)?;
            data
        }
        Request::Supervised { data: given, .. } => {
            let data = labelled(py, given)?;
            data.set_item("labels", PyArray1::from_slice(py, &given.labels))?;
            data
        }
    };
    let dict = PyDict::new(py);
    dict.set_item("head", head(request))?;
    dict.set_item("data", data)?;
    Ok(dict)
}

/// The JSON of a request without its data.
fn head(request: &Request) -> String {
    let one = || DMatrix::from_element(1, 1, 1.0);
    let small = match request {
        Request::Tuples { loss, settings, .. } => {
            let data = Tuples::new(one(), vec![one()], vec![one()]);
            Request::Tuples { loss: *loss, settings: *settings, data }
        }
        Request::Batch { loss, settings, .. } => {
            Request::Batch { loss: *loss, settings: *settings, data: Batch::new(vec![one(), one()]) }
        }
        Request::Supervised { objective, .. } => {
            let data = Labelled { transform: one(), points: one(), labels: vec![0] };
            Request::Supervised { objective: *objective, data }
        }
    };
    let mut head: Value = serde_json::from_str(&json::write_request(&small)).unwrap_or_default();
    if let Some(fields) = head.as_object_mut() {
        fields.remove("data");
    }
    head.to_string()
}

/// What a program claims of an answer.
pub struct Claim {
    value: f64,
    per_anchor: Option<Vec<f64>>,
    gradient: Py<PyDict>,
}

impl Claim {
    /// Reads what a program's answer is, in Python.
    pub fn read(answer: &Bound<'_, PyDict>) -> PyResult<Self> {
        let item = |name: &str| Ok::<_, PyErr>(answer.get_item(name)?.filter(|item| !item.is_none()));
        let value = needed(item("value")?, "value", "a number")?.extract()?;
        let per_anchor = item("per_anchor")?.map(|list| list.extract()).transpose()?;
        let gradient = needed(item("gradient")?, "gradient", "arrays")?;
        Ok(Self { value, per_anchor, gradient: gradient.cast_into::<PyDict>()?.unbind() })
    }

    /// The answer to a request; what is not claimed is absent.
    pub fn reply(self, py: Python<'_>, request: &Request) -> PyResult<Reply> {
        let gradient = self.gradient.bind(py);
        let mut absent = Vec::new();
        let unknown = |matrix: &DMatrix<f64>| matrix.map(|_| f64::NAN);
        // Arrays that the data do not have are not absent.
        macro_rules! claimed {
            ($read:ident, $name:ident, $unknown:expr) => {{
                let found = $read(gradient, stringify!($name))?;
                if found.is_none() {
                    absent.push(stringify!($name));
                }
                found.unwrap_or($unknown)
            }};
            ($read:ident, optional $name:ident, $unknown:expr) => {
                match $unknown {
                    Some(unknown) => Some(claimed!($read, $name, unknown)),
                    None => None,
                }
            };
        }
        let value = self.value;
        let count = match request {
            Request::Tuples { data, .. } => data.anchor.nrows(),
            Request::Batch { data, .. } => data.views.first().map_or(0, DMatrix::nrows),
            Request::Supervised { data, .. } => data.points.nrows(),
        };
        let each_is_absent = self.per_anchor.is_none();
        let per_anchor = self.per_anchor.unwrap_or_else(|| vec![f64::NAN; count]);
        let answer = match request {
            Request::Tuples { data, .. } => {
                let unknown = data.map_matrices(unknown);
                let gradient = Tuples {
                    anchor: claimed!(matrix, anchor, unknown.anchor),
                    positives: claimed!(matrices, positives, unknown.positives),
                    negatives: claimed!(matrices, negatives, unknown.negatives),
                    debias_positives: claimed!(matrices, optional debias_positives, unknown.debias_positives),
                    mixed: claimed!(matrices, optional mixed, unknown.mixed),
                    mixed_negatives: claimed!(lists, optional mixed_negatives, unknown.mixed_negatives),
                    adversarial: claimed!(matrix, optional adversarial, unknown.adversarial),
                    adversarial_negatives: claimed!(
                        matrices,
                        optional adversarial_negatives,
                        unknown.adversarial_negatives
                    ),
                };
                Answer::Tuples(Evaluation { value, per_anchor, gradient })
            }
            Request::Batch { data, .. } => {
                let unknown = data.map_matrices(unknown);
                let gradient = Batch {
                    views: claimed!(matrices, views, unknown.views),
                    mixed: claimed!(matrices, optional mixed, unknown.mixed),
                    adversarial: claimed!(matrix, optional adversarial, unknown.adversarial),
                    symmetric: data.symmetric,
                };
                Answer::Batch(Evaluation { value, per_anchor, gradient })
            }
            Request::Supervised { data, .. } => {
                let gradient = Labelled {
                    transform: claimed!(matrix, transform, unknown(&data.transform)),
                    points: claimed!(matrix, points, unknown(&data.points)),
                    labels: data.labels.clone(),
                };
                Answer::Supervised(Evaluation { value, per_anchor, gradient })
            }
        };
        if each_is_absent {
            absent.push("per_anchor");
        }
        Ok(Reply { answer, absent })
    }
}

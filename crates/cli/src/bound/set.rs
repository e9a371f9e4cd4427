//! Embeddings with labels, from a file.

use std::path::Path;

use intnacl_reference::bound::World;
use nalgebra::DMatrix;

use crate::arrays::{self, Array, Numbers, Wanted};
use crate::error::Error;

/// What a file of a labelled set has.
const WANTED: Wanted<2> = Wanted {
    arrays: [("embeddings", "floating numbers of 16 to 64 bits"), ("labels", "integers of 8 to 64 bits")],
    expected: "embeddings [n][d] and labels [n]",
};

/// A labelled set: a row of unit norm for each point.
#[derive(Debug, Clone)]
pub struct Set {
    /// A file, or which digits.
    pub name: String,
    /// `n × d`.
    pub embeddings: DMatrix<f64>,
    /// `n`.
    pub labels: Vec<i64>,
}

impl Set {
    /// The world in which each row is equally likely within its class.
    ///
    /// # Errors
    /// Those of [`World::empirical`].
    pub fn world(&self, temperature: f64) -> intnacl_reference::Result<World> {
        World::empirical(&self.embeddings, &self.labels, temperature)
    }
}

/// Reads `embeddings` `[n][d]` and `labels` `[n]` from an `.npz` or `.safetensors` file.
///
/// # Errors
/// [`Error::Read`] if the system refuses; [`Error::Input`] for everything that the file lacks.
pub fn read(file: &Path, normalize: bool) -> Result<Set, Error> {
    let [embeddings, labels] = arrays::read(file, &WANTED)?;
    let name = file.display().to_string();
    set(name.clone(), embeddings, labels, normalize).map_err(|problem| Error::Input { name, problem })
}

fn set(name: String, embeddings: Array, labels: Array, normalize: bool) -> Result<Set, String> {
    let &[n, d] = embeddings.shape.as_slice() else {
        return Err(format!("embeddings has shape {}: expected [n][d]", embeddings.shape_in_words()));
    };
    if n == 0 || d == 0 {
        return Err(format!("embeddings has shape [{n}][{d}]: expected at least one row and one column"));
    }
    if labels.shape != [n] {
        let found = labels.shape_in_words();
        return Err(format!("labels has shape {found}: expected [{n}], a label for each row of embeddings"));
    }
    let Numbers::Floats(numbers, tolerance) = embeddings.numbers else {
        return Err("embeddings has integers: expected floating numbers".into());
    };
    let Numbers::Integers(labels) = labels.numbers else {
        return Err("labels has floating numbers: expected integers".into());
    };
    let label = |(i, label): (usize, i128)| {
        i64::try_from(label).map_err(|_| format!("labels[{i}] = {label}: expected at most {}", i64::MAX))
    };
    let labels: Vec<i64> = labels.into_iter().enumerate().map(label).collect::<Result<_, _>>()?;
    if labels.iter().all(|label| *label == labels[0]) {
        return Err(format!("labels has one class, {}: expected at least 2 classes", labels[0]));
    }
    let rows = labels.len();
    let mut embeddings = DMatrix::from_row_slice(rows, numbers.len() / rows, &numbers);
    for i in 0..rows {
        let row = embeddings.row(i);
        if let Some((j, value)) = row.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(format!("embeddings[{i}][{j}] = {value}: expected a finite number"));
        }
        // Against the largest entry, so that no square leaves f64.
        let largest = row.amax();
        let norm = if largest == 0.0 { 0.0 } else { largest * (row / largest).norm() };
        if normalize && norm == 0.0 {
            return Err(format!("embeddings[{i}] has norm 0: expected a row that can be normalised"));
        }
        if !normalize && (norm - 1.0).abs() > tolerance {
            return Err(format!(
                "embeddings[{i}] has norm {norm}: expected 1 within {tolerance} (--normalize divides rows by their norm)"
            ));
        }
        let scaled = row / largest;
        let length = scaled.norm();
        embeddings.set_row(i, &(scaled / length));
    }
    Ok(Set { name, embeddings, labels })
}

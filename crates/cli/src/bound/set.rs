//! Embeddings with labels, from a file.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use half::{bf16, f16};
use intnacl_reference::bound::World;
use nalgebra::DMatrix;
use npyz::npz::NpzArchive;
use npyz::{Deserialize, NpyFile, Order};
use safetensors::{Dtype, SafeTensors};

use crate::error::Error;

/// The longest file and the longest array that are read, in bytes.
const LONGEST: u64 = 1 << 30;
/// The longest header of an array in an `.npz`: NumPy's own limit. It is a dictionary of three entries.
const LONGEST_HEADER: usize = 10_000;

/// The most brackets in such a header: types with fields have some, and are then refused by their name.
const MOST_BRACKETS: usize = 8;

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

/// What finds `embeddings` and `labels` in the bytes of a format.
type Reader = fn(&[u8]) -> Result<(Array, Array), String>;

/// Reads `embeddings` `[n][d]` and `labels` `[n]` from an `.npz` or `.safetensors` file.
///
/// # Errors
/// [`Error::Read`] if the system refuses; [`Error::Input`] for everything that the file lacks.
pub fn read(file: &Path, normalize: bool) -> Result<Set, Error> {
    let name = file.display().to_string();
    let refused = |problem: String| Error::Input { name: name.clone(), problem };
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let arrays: Reader = match extension {
        "npz" => npz,
        "safetensors" => safetensors,
        _ => {
            let found = if extension.is_empty() {
                "no extension".into()
            } else {
                format!("the extension .{extension}")
            };
            return Err(refused(format!("has {found}: expected .npz or .safetensors")));
        }
    };
    let bytes = contents(file, &name)?;
    let (embeddings, labels) = arrays(&bytes).map_err(refused)?;
    set(name.clone(), embeddings, labels, normalize).map_err(refused)
}

fn contents(file: &Path, name: &str) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::Read { name: name.into(), source };
    let opened = File::open(file).map_err(failed)?;
    if opened.metadata().map_err(failed)?.is_dir() {
        return Err(Error::Input { name: name.into(), problem: "is a folder: expected a file".into() });
    }
    let mut bytes = Vec::new();
    opened.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LONGEST {
        let problem = format!("is too long: expected at most {LONGEST} bytes");
        return Err(Error::Input { name: name.into(), problem });
    }
    Ok(bytes)
}

/// The numbers of an array in C order.
struct Array {
    shape: Vec<u64>,
    numbers: Numbers,
}

enum Numbers {
    /// With the tolerance of a norm that their type allows.
    Floats(Vec<f64>, f64),
    Integers(Vec<i128>),
}

/// Unit rows in `f64` or `f32` are as near to norm 1 as everywhere in this project; the narrow types round
/// each entry by up to 2⁻¹¹ and 2⁻⁸ of itself.
const TOLERANCE: f64 = 1e-6;
const TOLERANCE_F16: f64 = 1e-3;
const TOLERANCE_BF16: f64 = 8e-3;

fn set(name: String, embeddings: Array, labels: Array, normalize: bool) -> Result<Set, String> {
    let shape = |array: &Array| array.shape.iter().map(|length| format!("[{length}]")).collect::<String>();
    let &[n, d] = embeddings.shape.as_slice() else {
        return Err(format!("embeddings has shape {}: expected [n][d]", or_scalar(shape(&embeddings))));
    };
    if n == 0 || d == 0 {
        return Err(format!("embeddings has shape [{n}][{d}]: expected at least one row and one column"));
    }
    if labels.shape != [n] {
        let found = or_scalar(shape(&labels));
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

fn or_scalar(shape: String) -> String {
    if shape.is_empty() { "[] (a single number)".into() } else { shape }
}

fn npz(bytes: &[u8]) -> Result<(Array, Array), String> {
    let invalid =
        |error: std::io::Error| format!("is no .npz file ({error}): expected one that numpy.savez wrote");
    let mut archive = NpzArchive::new(Cursor::new(bytes)).map_err(invalid)?;
    Ok((npy(&mut archive, "embeddings")?, npy(&mut archive, "labels")?))
}

fn npy(archive: &mut NpzArchive<Cursor<&[u8]>>, name: &str) -> Result<Array, String> {
    let names: Vec<String> = archive.array_names().map(String::from).collect();
    if !names.iter().any(|known| known == name) {
        return Err(missing(name, &names));
    }
    let file_name = npyz::npz::file_name_from_array_name(name);
    let entry = archive.zip_archive().by_name(&file_name);
    let mut bytes = Vec::new();
    let read = entry.map_err(|error| unreadable(name, &error))?.take(LONGEST + 1).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(name, &error))?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!("{name} is too long: expected at most {LONGEST} bytes"));
    }
    plausible(name, &bytes)?;
    let array = NpyFile::new(&bytes[..]).map_err(|error| unreadable(name, &error))?;
    let shape = array.shape().to_vec();
    fits(name, &shape, bytes.len())?;
    let column_major = array.order() == Order::Fortran && shape.len() > 1;
    let kind = array.dtype().descr();
    let mut numbers =
        of_type(array).ok_or_else(|| wrong_type(name, &kind))?.map_err(|error| unreadable(name, &error))?;
    if let (true, Numbers::Floats(numbers, _), &[rows, columns]) =
        (column_major, &mut numbers, shape.as_slice())
    {
        *numbers = DMatrix::from_column_slice(rows as usize, columns as usize, numbers)
            .transpose()
            .as_slice()
            .to_vec();
    }
    Ok(Array { shape, numbers })
}

/// Refuses a header before it is parsed, which allocates what it announces and takes time that doubles with every
/// bracket inside another; an array of numbers has none.
fn plausible(name: &str, bytes: &[u8]) -> Result<(), String> {
    let (length, start) = match *bytes {
        [_, _, _, _, _, _, 1, _, a, b, ..] => (u16::from_le_bytes([a, b]).into(), 10),
        [_, _, _, _, _, _, _, _, a, b, c, d, ..] => (u32::from_le_bytes([a, b, c, d]) as usize, 12),
        _ => return Ok(()),
    };
    if length > LONGEST_HEADER {
        let found = format!("{name} has a header of {length} bytes");
        return Err(format!("{found}: expected at most {LONGEST_HEADER}, as NumPy does"));
    }
    let header = bytes.iter().skip(start).take(length);
    let brackets = header.filter(|byte| **byte == b'[').count();
    if brackets > MOST_BRACKETS {
        return Err(format!(
            "{name} has a header with {brackets} brackets: expected that of an array of numbers"
        ));
    }
    Ok(())
}

/// The elements, if they are of a type that is read.
fn of_type(mut array: NpyFile<&[u8]>) -> Option<std::io::Result<Numbers>> {
    macro_rules! attempt {
        ($type:ty, $of:expr) => {
            array = match elements::<$type>(array) {
                Ok(numbers) => return Some(numbers.map($of)),
                Err(array) => array,
            };
        };
    }
    let floats = |numbers| Numbers::Floats(numbers, TOLERANCE);
    attempt!(f64, floats);
    attempt!(f32, |numbers: Vec<f32>| floats(numbers.into_iter().map(f64::from).collect()));
    attempt!(f16, |numbers: Vec<f16>| Numbers::Floats(
        numbers.into_iter().map(f64::from).collect(),
        TOLERANCE_F16
    ));
    attempt!(i64, integers);
    attempt!(i32, integers);
    attempt!(i16, integers);
    attempt!(i8, integers);
    attempt!(u64, integers);
    attempt!(u32, integers);
    attempt!(u16, integers);
    attempt!(u8, integers);
    let _ = array;
    None
}

fn integers<T: Into<i128>>(numbers: Vec<T>) -> Numbers {
    Numbers::Integers(numbers.into_iter().map(Into::into).collect())
}

fn elements<T: Deserialize>(array: NpyFile<&[u8]>) -> Result<std::io::Result<Vec<T>>, NpyFile<&[u8]>> {
    Ok(array.try_data::<T>()?.collect())
}

fn safetensors(bytes: &[u8]) -> Result<(Array, Array), String> {
    let tensors = SafeTensors::deserialize(bytes)
        .map_err(|error| format!("is no .safetensors file ({error}): expected one that is whole"))?;
    Ok((tensor(&tensors, "embeddings")?, tensor(&tensors, "labels")?))
}

fn tensor(tensors: &SafeTensors, name: &str) -> Result<Array, String> {
    let names: Vec<String> = tensors.names().into_iter().map(String::from).collect();
    let view = tensors.tensor(name).map_err(|_| missing(name, &names))?;
    let data = view.data();
    let floats = |numbers: Vec<f64>, tolerance| Numbers::Floats(numbers, tolerance);
    let numbers = match view.dtype() {
        Dtype::F64 => floats(chunks(data, f64::from_le_bytes), TOLERANCE),
        Dtype::F32 => floats(chunks(data, |bytes| f32::from_le_bytes(bytes).into()), TOLERANCE),
        Dtype::F16 => floats(chunks(data, |bytes| f16::from_le_bytes(bytes).into()), TOLERANCE_F16),
        Dtype::BF16 => floats(chunks(data, |bytes| bf16::from_le_bytes(bytes).into()), TOLERANCE_BF16),
        Dtype::I64 => Numbers::Integers(chunks(data, |bytes| i64::from_le_bytes(bytes).into())),
        Dtype::I32 => Numbers::Integers(chunks(data, |bytes| i32::from_le_bytes(bytes).into())),
        Dtype::I16 => Numbers::Integers(chunks(data, |bytes| i16::from_le_bytes(bytes).into())),
        Dtype::I8 => Numbers::Integers(chunks(data, |bytes| i8::from_le_bytes(bytes).into())),
        Dtype::U64 => Numbers::Integers(chunks(data, |bytes| u64::from_le_bytes(bytes).into())),
        Dtype::U32 => Numbers::Integers(chunks(data, |bytes| u32::from_le_bytes(bytes).into())),
        Dtype::U16 => Numbers::Integers(chunks(data, |bytes| u16::from_le_bytes(bytes).into())),
        Dtype::U8 => Numbers::Integers(chunks(data, |bytes| u8::from_le_bytes(bytes).into())),
        other => return Err(wrong_type(name, &format!("{other:?}"))),
    };
    Ok(Array { shape: view.shape().iter().map(|length| *length as u64).collect(), numbers })
}

fn chunks<const SIZE: usize, T>(data: &[u8], of: impl Fn([u8; SIZE]) -> T) -> Vec<T> {
    data.as_chunks::<SIZE>().0.iter().map(|bytes| of(*bytes)).collect()
}

/// Refuses a shape with more elements than there are bytes, before anything is allocated for it.
fn fits(name: &str, shape: &[u64], bytes: usize) -> Result<(), String> {
    let count = shape.iter().try_fold(1_u64, |count, length| count.checked_mul(*length));
    if count.is_some_and(|count| count <= bytes as u64) {
        return Ok(());
    }
    let shape: String = shape.iter().map(|length| format!("[{length}]")).collect();
    Err(format!("{name} has shape {shape} but only {bytes} bytes: expected as many numbers as the shape has"))
}

fn missing(name: &str, names: &[String]) -> String {
    let mut names = names.to_vec();
    names.sort();
    let found = if names.is_empty() { "nothing".into() } else { names.join(", ") };
    format!("has no array {name} but {found}: expected embeddings [n][d] and labels [n]")
}

fn unreadable(name: &str, error: &dyn std::error::Error) -> String {
    // Parsers quote what they could not read, however long.
    let error: String = error.to_string().chars().take(120).collect();
    format!("{name} cannot be read ({error}): expected a whole array")
}

fn wrong_type(name: &str, found: &str) -> String {
    let expected =
        if name == "labels" { "integers of 8 to 64 bits" } else { "floating numbers of 16 to 64 bits" };
    format!("{name} has the type {found}: expected {expected}")
}

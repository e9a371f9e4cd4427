//! Named arrays of numbers from `.npz` and `.safetensors` files.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use half::{bf16, f16};
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

/// The arrays that a file is to have.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<const N: usize> {
    /// Each with the types that it may have, in words.
    pub arrays: [(&'static str, &'static str); N],
    /// All of them with their shapes, in words.
    pub expected: &'static str,
}

/// What finds an array of that name and type in the bytes of a format.
type Reader = fn(&[u8], (&str, &str), &str) -> Result<Array, String>;

/// Reads arrays from an `.npz` or `.safetensors` file.
///
/// # Errors
/// [`Error::Read`] if the system refuses; [`Error::Input`] for everything that the file lacks.
pub fn read<const N: usize>(file: &Path, wanted: &Wanted<N>) -> Result<[Array; N], Error> {
    let name = file.display().to_string();
    let refused = |problem: String| Error::Input { name: name.clone(), problem };
    let reader: Reader = match extension(file) {
        "npz" => npz,
        "safetensors" => safetensors,
        _ => return Err(refused(format!("has {}: expected .npz or .safetensors", extension_in_words(file)))),
    };
    let bytes = contents(file, &name)?;
    let mut arrays = Vec::with_capacity(N);
    for array in wanted.arrays {
        arrays.push(reader(&bytes, array, wanted.expected).map_err(refused)?);
    }
    arrays.try_into().map_err(|_| refused("has other arrays".into()))
}

/// The extension of a file's name; empty where there is none.
pub fn extension(file: &Path) -> &str {
    file.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

/// What a file has for an extension, for a message.
pub fn extension_in_words(file: &Path) -> String {
    match extension(file) {
        "" => "no extension".into(),
        extension => format!("the extension .{extension}"),
    }
}

/// The bytes of a file that is not too long.
///
/// # Errors
/// As [`read`].
pub fn contents(file: &Path, name: &str) -> Result<Vec<u8>, Error> {
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
pub struct Array {
    /// Its lengths.
    pub shape: Vec<u64>,
    /// All of them.
    pub numbers: Numbers,
}

/// Numbers of some type.
pub enum Numbers {
    /// Floating numbers, with the tolerance of a norm that their type allows.
    Floats(Vec<f64>, f64),
    /// Integers.
    Integers(Vec<i128>),
}

impl Array {
    /// The shape in brackets, for a message.
    pub fn shape_in_words(&self) -> String {
        let shape: String = self.shape.iter().map(|length| format!("[{length}]")).collect();
        if shape.is_empty() { "[] (a single number)".into() } else { shape }
    }
}

/// Unit rows in `f64` or `f32` are as near to norm 1 as everywhere in this project; the narrow types round
/// each entry by up to 2⁻¹¹ and 2⁻⁸ of itself.
const TOLERANCE: f64 = 1e-6;
const TOLERANCE_F16: f64 = 1e-3;
const TOLERANCE_BF16: f64 = 8e-3;

fn npz(bytes: &[u8], array: (&str, &str), expected: &str) -> Result<Array, String> {
    let invalid =
        |error: std::io::Error| format!("is no .npz file ({error}): expected one that numpy.savez wrote");
    let mut archive = NpzArchive::new(Cursor::new(bytes)).map_err(invalid)?;
    let (name, types) = array;
    let names: Vec<String> = archive.array_names().map(String::from).collect();
    if !names.iter().any(|known| known == name) {
        return Err(missing(name, &names, expected));
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
    let numbers = of_type(array)
        .ok_or_else(|| wrong_type(name, &kind, types))?
        .map_err(|error| unreadable(name, &error))?;
    let numbers = match numbers {
        numbers if !column_major => numbers,
        Numbers::Floats(numbers, tolerance) => Numbers::Floats(row_major(&shape, &numbers), tolerance),
        Numbers::Integers(numbers) => Numbers::Integers(row_major(&shape, &numbers)),
    };
    Ok(Array { shape, numbers })
}

/// Numbers of which the first index runs first, so that the last one does.
fn row_major<T: Copy>(shape: &[u64], numbers: &[T]) -> Vec<T> {
    let mut index = vec![0; shape.len()];
    let mut result = Vec::with_capacity(numbers.len());
    for _ in 0..numbers.len() {
        let place = index.iter().zip(shape).rev().fold(0, |place, (i, length)| place * length + i);
        result.push(numbers[place as usize]);
        for (i, length) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < *length {
                break;
            }
            *i = 0;
        }
    }
    result
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

fn safetensors(bytes: &[u8], (name, types): (&str, &str), expected: &str) -> Result<Array, String> {
    let tensors = SafeTensors::deserialize(bytes)
        .map_err(|error| format!("is no .safetensors file ({error}): expected one that is whole"))?;
    let names: Vec<String> = tensors.names().into_iter().map(String::from).collect();
    let view = tensors.tensor(name).map_err(|_| missing(name, &names, expected))?;
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
        other => return Err(wrong_type(name, &format!("{other:?}"), types)),
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

fn missing(name: &str, names: &[String], expected: &str) -> String {
    let mut names = names.to_vec();
    names.sort();
    let found = if names.is_empty() { "nothing".into() } else { names.join(", ") };
    format!("has no array {name} but {found}: expected {expected}")
}

fn unreadable(name: &str, error: &dyn std::error::Error) -> String {
    // Parsers quote what they could not read, however long.
    let error: String = error.to_string().chars().take(120).collect();
    format!("{name} cannot be read ({error}): expected a whole array")
}

fn wrong_type(name: &str, found: &str, expected: &str) -> String {
    format!("{name} has the type {found}: expected {expected}")
}

#[cfg(test)]
mod tests {
    use super::row_major;

    #[test]
    fn arrays_in_columns_are_turned() {
        // a[i][j][k] = 100i + 10j + k, of shape [2][3][2], the first index running first.
        let shape = [2, 3, 2];
        let columns: Vec<u64> =
            (0..12).map(|place| 100 * (place % 2) + 10 * (place / 2 % 3) + place / 6).collect();
        let rows: Vec<u64> =
            (0..12).map(|place| 100 * (place / 6) + 10 * (place / 2 % 3) + place % 2).collect();
        assert_eq!(row_major(&shape, &columns), rows);
        assert!(row_major::<u64>(&[0, 4], &[]).is_empty());
    }
}

//! Numbers and matrices, read straight into their place: the memory stays near that of the data.

use std::fmt;

use nalgebra::DMatrix;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, SeqAccess, Visitor};

/// A JSON number as the nearest `f64`.
#[derive(Clone, Copy)]
pub(super) struct Number(pub f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Number;
            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a number")
            }
            fn visit_f64<E>(self, value: f64) -> Result<Number, E> {
                Ok(Number(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }
        }
        deserializer.deserialize_f64(Reader)
    }
}

/// A class label.
#[derive(Clone, Copy)]
pub(super) struct Label(pub i64);

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Label;
            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an integer of 64 bits, with sign")
            }
            fn visit_i64<E>(self, value: i64) -> Result<Label, E> {
                Ok(Label(value))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Label, E> {
                let label = i64::try_from(value);
                label.map(Label).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(value), &self))
            }
        }
        deserializer.deserialize_i64(Reader)
    }
}

/// An array of rows of one length, at least 1. Of no rows at all it is `0 × 0`.
pub(super) struct Matrix(pub DMatrix<f64>);

impl<'de> Deserialize<'de> for Matrix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Matrix;
            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an array of rows")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Matrix, A::Error> {
                let mut entries = Vec::new();
                let (mut count, mut columns) = (0, None);
                while let Some(length) = rows.next_element_seed(Row { entries: &mut entries, columns })? {
                    columns = Some(length);
                    count += 1;
                }
                Ok(Matrix(DMatrix::from_row_slice(count, columns.unwrap_or(0), &entries)))
            }
        }
        deserializer.deserialize_seq(Reader)
    }
}

/// Appends a row to the entries; its value is the row's length, which must be `columns` if that is known.
struct Row<'a> {
    entries: &'a mut Vec<f64>,
    columns: Option<usize>,
}

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = usize;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = usize;
    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an array of numbers")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<usize, A::Error> {
        let before = self.entries.len();
        while let Some(Number(entry)) = row.next_element()? {
            self.entries.push(entry);
        }
        let length = self.entries.len() - before;
        match self.columns {
            Some(columns) if columns != length => Err(de::Error::custom(format_args!(
                "ragged, a row of {length} numbers: expected {columns}, as in the rows before"
            ))),
            None if length == 0 => Err(de::Error::custom("an empty row, expected at least one number")),
            _ => Ok(length),
        }
    }
}

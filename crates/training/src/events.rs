//! Metrics as TensorBoard reads them: records of TensorFlow, each with an `Event`.
//!
//! A record is `length (u64), check of it, bytes, check of these`; a check is CRC-32C, turned by 15 bits and moved. An
//! event is a protocol buffer: `wall_time = 1`, `step = 2`, `file_version = 3`, `summary = 5`, and a summary's values
//! have `tag = 1` and `simple_value = 2`.

use crate::error::{Error, Result};
use crate::metrics::Line;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// The file that a run has its events in: TensorBoard looks for `tfevents` in a name.
pub(crate) const EVENTS: &str = "events.out.tfevents.intnacl";

/// The file's contents for some lines of metrics.
pub(crate) fn file(lines: &[Line]) -> Vec<u8> {
    let start = lines.first().map_or(0.0, |line| line.time);
    let mut version = float64(1, start);
    version.extend(bytes(3, b"brain.Event:2"));
    let mut file = record(&version);
    file.extend(lines.iter().flat_map(event));
    file
}

/// Appends a line of metrics to a file of events, which is made if it is absent.
pub(crate) fn append(path: &Path, line: &Line) -> Result<()> {
    let contents = if path.exists() { event(line) } else { file(std::slice::from_ref(line)) };
    let write = || File::options().create(true).append(true).open(path)?.write_all(&contents);
    write().map_err(|error| Error::file(path, error))
}

/// A line as a record: its step, and a value for each of its numbers.
fn event(line: &Line) -> Vec<u8> {
    let mut values = vec![("loss", line.loss), ("images per second", line.images_per_second)];
    if let Some(contrast) = &line.contrast {
        values.push(("anchors at the floor", contrast.floored));
        values.push(("effective negatives", contrast.effective_negatives));
        values.push(("saturated anchors", contrast.saturated));
    }
    let mut event = float64(1, line.time);
    event.push(2 << 3);
    event.extend(varint(line.step));
    let value = |(tag, number): (&str, f64)| {
        let mut value = bytes(1, tag.as_bytes());
        value.push(2 << 3 | 5);
        value.extend((number as f32).to_le_bytes());
        bytes(1, &value)
    };
    event.extend(bytes(5, &values.into_iter().flat_map(value).collect::<Vec<_>>()));
    record(&event)
}

fn record(data: &[u8]) -> Vec<u8> {
    let check = |bytes: &[u8]| crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes();
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &check(&length), data, &check(data)].concat()
}

/// A field of a protocol buffer with a number of 64 bits.
fn float64(field: u8, value: f64) -> Vec<u8> {
    [&[field << 3 | 1][..], &value.to_le_bytes()].concat()
}

/// A field of a protocol buffer with bytes.
fn bytes(field: u8, value: &[u8]) -> Vec<u8> {
    [&[field << 3 | 2][..], &varint(value.len() as u64), value].concat()
}

/// A whole number, seven bits a byte, the lowest first.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Contrast;

    fn lines() -> Vec<Line> {
        let contrast = Contrast { floored: 0.25, effective_negatives: 61.5, saturated: 0.0 };
        let line = |epoch: u64, contrast| Line {
            epoch,
            step: 300 * (epoch + 1),
            time: 1.5e9 + epoch as f64,
            loss: 4.5 - epoch as f64,
            contrast,
            images_per_second: 1234.5,
        };
        vec![line(0, Some(contrast)), line(1, None)]
    }

    /// `tests/vectors/events.py` has TensorBoard read the same bytes.
    #[test]
    fn the_file_is_the_one_that_tensorboard_has_read() {
        let read = include_bytes!("../tests/vectors/events.out.tfevents.vector");
        assert_eq!(file(&lines()), read);
    }

    #[test]
    fn lines_that_are_appended_make_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(EVENTS);
        for line in &lines() {
            append(&path, line).unwrap();
        }
        assert_eq!(std::fs::read(&path).unwrap(), file(&lines()));
        assert!(append(&folder.path().join("no/where"), &lines()[0]).is_err());
    }
}

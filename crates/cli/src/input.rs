//! Reading a file, or standard input, as text.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use intnacl_reference::json;

use super::error::Error;

/// The text of a file; of standard input if it is called `-`.
///
/// # Errors
/// [`Error::Read`] if the system refuses; [`Error::Input`] if it is a folder, empty, not UTF-8, or longer
/// than [`json::LONGEST`], of which no more is read.
pub fn read(file: &Path) -> Result<String, Error> {
    if file == Path::new("-") {
        return text("standard input", io::stdin().lock(), json::LONGEST);
    }
    let name = file.display().to_string();
    let failed = |source| Error::Read { name: name.clone(), source };
    let opened = File::open(file).map_err(failed)?;
    if opened.metadata().map_err(failed)?.is_dir() {
        return Err(Error::Input { name, problem: "is a folder: expected a file".into() });
    }
    text(&name, opened, json::LONGEST)
}

fn text(name: &str, input: impl Read, longest: usize) -> Result<String, Error> {
    let refused = |problem: String| Error::Input { name: name.into(), problem };
    let mut bytes = Vec::new();
    let read = input.take(longest as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|source| Error::Read { name: name.into(), source })?;
    if bytes.len() > longest {
        return Err(refused(format!("is too long: expected at most {longest} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        refused(format!("has the byte {:#04x} at {at}: expected UTF-8", error.as_bytes()[at]))
    })?;
    if text.trim().is_empty() {
        return Err(refused("is empty: expected JSON".into()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_is_refused() {
        let error = text("zeros", io::repeat(b'0'), 1000).unwrap_err();
        assert_eq!(error.to_string(), "zeros is too long: expected at most 1000 bytes");
    }

    #[test]
    fn a_byte_that_is_not_utf8_is_named() {
        let error = text("file", &b"{\"loss\": \xff"[..], 1000).unwrap_err();
        assert_eq!(error.to_string(), "file has the byte 0xff at 9: expected UTF-8");
    }
}

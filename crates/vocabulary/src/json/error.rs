//! The errors of a text, each in one line.

use serde_path_to_error::{Path, Segment};

use super::forms::{DataForm, Form};

/// A text that was refused. The message is one line and starts with the path of the field.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not JSON, or a number in it is larger than any `f64`.
    #[error("{path}: {problem} at line {line} column {column}, near `{near}`: expected JSON")]
    Syntax {
        /// The field that was being read.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Column in bytes.
        column: usize,
        /// The word or number at that place.
        near: String,
        /// The problem there.
        problem: String,
    },
    /// A field has another type or shape than it must have, is not known here, or is given twice.
    #[error("{path}: {problem}")]
    Form {
        /// The field.
        path: String,
        /// The form that was found, and the one that was expected.
        problem: String,
    },
    /// A number is NaN or infinite, as some programs write it although JSON has no such numbers.
    #[error("{path} is {value}: expected a finite number")]
    NotFinite {
        /// The number.
        path: String,
        /// As it was written.
        value: String,
    },
    /// A field is needed and absent.
    #[error("{path} is missing: expected {expected}")]
    Missing {
        /// The field.
        path: String,
        /// The content that it would hold.
        expected: String,
    },
    /// A name that is not one of those a field may hold.
    #[error("{path} = {found:?}: expected {expected}")]
    Name {
        /// The field.
        path: String,
        /// The name that was given.
        found: String,
        /// The names that are known.
        expected: String,
    },
    /// The text is longer than what is read.
    #[error("{whole} has {length} bytes: expected at most {longest}", longest = super::LONGEST)]
    TooLong {
        /// Request or answer.
        whole: &'static str,
        /// Its length in bytes.
        length: usize,
    },
    /// The form is right, but the values are not.
    #[error("{parent}{source}")]
    Value {
        /// The object of the request that has the field: `"data."`, `"parameters."` or `""`.
        parent: &'static str,
        /// The error of the data.
        source: crate::Error,
    },
    /// The other program answered with `{"error": …}`.
    #[error("the implementation refused the request: {0}")]
    Refused(String),
}

/// The result of everything in this module that reads.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the evaluation names the argument; in a request it has a parent.
impl From<crate::Error> for Error {
    fn from(source: crate::Error) -> Self {
        const SETTINGS: [&str; 3] = ["temperature", "normalize", "norm_tolerance"];
        let message = source.to_string();
        let end = message.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(message.len());
        let (name, rest) = message.split_at(end);
        let parent = if SETTINGS.contains(&name) {
            ""
        } else if DataForm::FIELDS.contains(&name) && !rest.starts_with('.') {
            // `negatives.tau_plus` is a parameter, `negatives[3]` an array.
            "data."
        } else {
            "parameters."
        };
        Error::Value { parent, source }
    }
}

impl Error {
    pub(super) fn form(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Error::Form { path: path.into(), problem: problem.into() }
    }

    /// The error that serde reports while it reads `text` at `path`.
    pub(super) fn of_serde(path: String, error: &serde_json::Error, text: &str) -> Self {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let place = format!(" at line {line} column {column}");
        let problem = shorten(message.strip_suffix(&place).unwrap_or(&message));
        if error.is_data() {
            return Error::Form { path, problem };
        }
        Error::Syntax { path, line, column, near: near(text, line, column), problem }
    }
}

/// A path as it would be written in a program: `data.anchor[0][1]`; `whole` for the text itself.
pub(super) fn written(path: &Path, whole: &str) -> String {
    let mut written = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => written.push_str(&format!("[{index}]")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                if !written.is_empty() {
                    written.push('.');
                }
                written.push_str(&shorten(&key.escape_debug().to_string()));
            }
            Segment::Unknown => {}
        }
    }
    if written.is_empty() { whole.into() } else { written }
}

/// A message may quote the text, which may be of any length: its start and its end are enough.
pub(super) fn shorten(text: &str) -> String {
    const START: usize = 120;
    const END: usize = 240;
    let length = text.chars().count();
    if length <= START + END {
        return text.into();
    }
    text.chars().take(START).chain("…".chars()).chain(text.chars().skip(length - END)).collect()
}

/// The word or number around a place in the text.
fn near(text: &str, line: usize, column: usize) -> String {
    const REACH: usize = 40;
    let line = text.split('\n').nth(line.saturating_sub(1)).unwrap_or_default().as_bytes();
    let of_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-._".contains(byte);
    // The parser stops on the byte that it cannot take, or one before it.
    let at = [column.saturating_sub(1), column]
        .into_iter()
        .find(|&at| line.get(at).is_some_and(of_word))
        .unwrap_or(column.saturating_sub(1))
        .min(line.len());
    let start = at - line[..at].iter().rev().take(REACH).take_while(|byte| of_word(byte)).count();
    let end = at + line[at..].iter().take(REACH).take_while(|byte| of_word(byte)).count();
    if start < end {
        return String::from_utf8_lossy(&line[start..end]).into();
    }
    let rest = String::from_utf8_lossy(&line[at..(at + REACH).min(line.len())]);
    rest.chars().next().map_or_else(|| "the end".into(), |character| character.escape_debug().to_string())
}

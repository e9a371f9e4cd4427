//! What is refused, and what went wrong, each in one line that names the place.

use std::path::{Path, PathBuf};
use thiserror::Error;

/// An input that was refused, or work that could not be done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting out of its range, or one that does not fit the others.
    #[error("{argument} = {value}: expected {expected}")]
    Setting {
        /// The setting's name, as in the configuration file.
        argument: String,
        /// What it was.
        value: String,
        /// What fits.
        expected: String,
    },
    /// A file or folder that cannot be used.
    #[error("{}: {reason}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why not, and what to do.
        reason: String,
    },
    /// Training that left the numbers.
    #[error("step {step}: {what} is not finite{saved}")]
    NotFinite {
        /// The step, counted from 0 over all epochs.
        step: u64,
        /// The loss, or the gradient of a parameter.
        what: String,
        /// Where the batch was saved, in words.
        saved: String,
    },
    /// A loss that refused its parameters or embeddings, or a device that is absent.
    #[error(transparent)]
    Loss(#[from] intnacl::Error),
    /// libtorch refused an operation.
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
}

/// The result of everything in this crate that takes input.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A setting that was refused.
    pub(crate) fn setting(argument: &str, value: impl ToString, expected: impl Into<String>) -> Self {
        Error::Setting { argument: argument.into(), value: value.to_string(), expected: expected.into() }
    }

    /// A file that cannot be used.
    pub(crate) fn file(path: &Path, reason: impl ToString) -> Self {
        Error::File { path: path.into(), reason: reason.to_string() }
    }

    /// Whether the input was at fault, and not the run.
    pub fn is_refusal(&self) -> bool {
        match self {
            Error::Setting { .. } | Error::File { .. } => true,
            Error::Loss(error) => !matches!(error, intnacl::Error::Torch(_)),
            Error::NotFinite { .. } | Error::Torch(_) => false,
        }
    }
}

/// Refuses a setting for which `holds` is false.
pub(crate) fn in_range(
    argument: &str,
    value: impl ToString,
    holds: bool,
    expected: impl Into<String>,
) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::setting(argument, value, expected)) }
}

//! The errors of production, and their messages.

use intnacl_engine::Precision;
use tch::{Device, Kind, TchError};
use thiserror::Error;

/// An input that was refused, or a computation that libtorch could not do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter, a shape or a value that any implementation refuses.
    #[error(transparent)]
    Input(#[from] intnacl_reference::Error),
    /// A tensor's element type is not a floating type, or differs from the first tensor's.
    #[error("{argument} has elements of kind {found}: expected {expected}")]
    Kind {
        /// The tensor.
        argument: String,
        /// Its kind, in libtorch's word.
        found: String,
        /// The kinds that fit.
        expected: String,
    },
    /// A tensor lies on another device than the first tensor.
    #[error("{argument} is on {found:?}: expected {expected:?}, where the first tensor is")]
    Device {
        /// The tensor.
        argument: String,
        /// Where it is.
        found: Device,
        /// Where the first tensor is.
        expected: Device,
    },
    /// A device that this machine, or this build of libtorch, does not have.
    #[error("device = {name}: expected one of {available}")]
    NoSuchDevice {
        /// The name that was asked for.
        name: String,
        /// The devices that exist.
        available: String,
    },
    /// A name that is not an element type.
    #[error("dtype = {name}: expected one of f64, f32, bf16, f16")]
    NoSuchKind {
        /// The name that was asked for.
        name: String,
    },
    /// A parameter that the tensors' element type cannot hold.
    #[error("{argument} = {value:e}: expected a value that elements of kind {kind:?} can hold ({bound})")]
    Unrepresentable {
        /// The parameter.
        argument: &'static str,
        /// Its value.
        value: f64,
        /// The type that the loss is computed in.
        kind: Kind,
        /// The bound that it breaks.
        bound: String,
    },
    /// A result that left the range of its element type.
    #[error(
        "{argument} = {value} in elements of kind {kind:?}: expected a finite result (take a wider kind)"
    )]
    Overflow {
        /// The result and the indices of the entry.
        argument: String,
        /// The value that came out.
        value: f64,
        /// The element type.
        kind: Kind,
    },
    /// Memory that the system did not give.
    #[error("out of memory: {bytes} bytes more were needed (take a smaller batch, or a narrower kind)")]
    OutOfMemory {
        /// The bytes that were asked for.
        bytes: usize,
    },
    /// libtorch refused an operation: out of memory, an operator that the device lacks.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
}

impl From<intnacl_engine::Error> for Error {
    fn from(error: intnacl_engine::Error) -> Self {
        use intnacl_engine::Error as Engine;
        let kind = |precision| match precision {
            Precision::Single => Kind::Float,
            Precision::Double => Kind::Double,
        };
        match error {
            Engine::Input(error) => Error::Input(error),
            Engine::Unrepresentable { argument, value, precision, bound } => {
                Error::Unrepresentable { argument, value, kind: kind(precision), bound }
            }
            Engine::Overflow { argument, value, precision } => {
                Error::Overflow { argument, value, kind: kind(precision) }
            }
            Engine::OutOfMemory { bytes } => Error::OutOfMemory { bytes },
        }
    }
}

/// The result of everything in this crate that takes input.
pub type Result<T, E = Error> = std::result::Result<T, E>;

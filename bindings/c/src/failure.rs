//! What can go wrong on this side of the border, with a code for each kind.

use intnacl_engine::Error as EngineError;
use intnacl_vocabulary::{Error as InputError, json};

/// How a call ended.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Done; of a judgement: the standard that was asked for is reached.
    Ok = 0,
    /// The judged function breaks a law, or nothing could be compared; the verdict says which.
    Broken = 1,
    /// An argument is out of range, of another shape, not finite, or not JSON of a request.
    Refused = 2,
    /// A pointer that is needed is NULL.
    NullPointer = 3,
    /// The header is of another version than the library.
    AbiVersion = 4,
    /// A result exists and is beyond the range of its type.
    Overflow = 5,
    /// The system gave no memory.
    OutOfMemory = 6,
    /// A mistake in this library, which it survived. Please report the message.
    Internal = 7,
}

/// A call that failed. The message names the argument, what it is and what was expected.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{argument} is NULL: expected {expected}")]
    NullPointer { argument: &'static str, expected: &'static str },
    #[error(
        "the header has version {given}, the library {}: expected the same (compile again)",
        super::ABI_VERSION
    )]
    AbiVersion { given: u32 },
    #[error("{argument} is not UTF-8 from byte {index} on: expected text in UTF-8")]
    Encoding { argument: &'static str, index: usize },
    #[error("{argument} = {found}: expected {expected}")]
    Value { argument: String, found: String, expected: String },
    #[error("{argument} lies at address {address:#x}: expected a multiple of {alignment}")]
    Alignment { argument: &'static str, address: usize, alignment: usize },
    #[error(
        "{argument} has shape {shape:?} and strides {strides:?}: expected entries within the address space"
    )]
    Extent { argument: &'static str, shape: [usize; 3], strides: [isize; 3] },
    #[error(transparent)]
    Json(#[from] json::Error),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("a mistake in the library: {0}")]
    Panic(String),
}

impl Failure {
    /// A value that is not what an argument may be.
    pub fn value(argument: impl Into<String>, found: impl ToString, expected: impl Into<String>) -> Self {
        Failure::Value { argument: argument.into(), found: found.to_string(), expected: expected.into() }
    }

    /// Its code.
    pub fn status(&self) -> Status {
        match self {
            Failure::NullPointer { .. } => Status::NullPointer,
            Failure::AbiVersion { .. } => Status::AbiVersion,
            Failure::Json(json::Error::Value { source: InputError::Overflow { .. }, .. })
            | Failure::Engine(EngineError::Overflow { .. })
            | Failure::Engine(EngineError::Input(InputError::Overflow { .. })) => Status::Overflow,
            Failure::Engine(EngineError::OutOfMemory { .. }) => Status::OutOfMemory,
            Failure::Panic(_) => Status::Internal,
            Failure::Encoding { .. }
            | Failure::Value { .. }
            | Failure::Alignment { .. }
            | Failure::Extent { .. }
            | Failure::Json(_)
            | Failure::Engine(_) => Status::Refused,
        }
    }
}

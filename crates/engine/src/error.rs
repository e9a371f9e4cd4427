//! The errors of the engine, and their messages.

use crate::names::InputError;
use crate::precision::Precision;
use thiserror::Error;

/// An input that was refused, or a result that does not fit. Whoever hands these on has a word for each.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Error {
    /// A parameter, a shape or a value that any implementation refuses.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A parameter that the type cannot hold.
    #[error("{argument} = {value:e}: expected a value that {precision} can hold ({bound})")]
    Unrepresentable {
        /// The parameter.
        argument: &'static str,
        /// Its value.
        value: f64,
        /// The type that the loss is computed in.
        precision: Precision,
        /// The bound that it breaks.
        bound: String,
    },
    /// A result that left the range of its type.
    #[error("{argument} = {value} in {precision}: expected a finite result (take a wider type)")]
    Overflow {
        /// The result and the indices of the entry.
        argument: String,
        /// The value that came out.
        value: f64,
        /// The type.
        precision: Precision,
    },
    /// Memory that the system did not give.
    #[error("out of memory: {bytes} bytes more were needed (take a smaller batch, or a narrower type)")]
    OutOfMemory {
        /// The bytes that were asked for.
        bytes: usize,
    },
}

/// The result of everything in this crate that takes input.
pub type Result<T, E = Error> = std::result::Result<T, E>;

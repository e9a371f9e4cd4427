//! The losses by libtorch's operators, on any device: what libtorch differentiates, and tiles for the negatives of a batch.

pub(crate) mod engine;
pub(crate) mod known;
pub(crate) mod negatives;
pub(crate) mod score;
pub(crate) mod stream;

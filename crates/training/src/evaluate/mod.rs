//! How good frozen features are, and how they stand attacks.

pub mod attack;
pub mod probe;

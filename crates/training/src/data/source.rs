//! Where images come from, in one word.

use super::Dataset;
use crate::error::Result;
use std::path::PathBuf;

/// A dataset by its name: `digits`, `cifar10:PATH`, `cifar100:PATH`, `tiny-imagenet:DIR`, `fashion-mnist:DIR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The embedded digits.
    Digits,
}
impl Source { pub fn load(&self) -> Result<Dataset> { Dataset::digits() } }

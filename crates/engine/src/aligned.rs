//! Memory that begins where a cache line does.

use crate::error::{Error, Result};
use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the longest vector.
const LINE: usize = 64;

/// Numbers that vectors are read of without crossing a cache line.
#[derive(Debug)]
pub struct Aligned<T> {
    memory: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Copy + Default> Aligned<T> {
    /// Zeros.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub(super) fn zeros(len: usize) -> Result<Self> {
        let memory: Vec<T> = zeros(len + LINE / size_of::<T>())?;
        let start = memory.as_ptr().align_offset(LINE).min(memory.len() - len);
        Ok(Self { memory, start, len })
    }
}

impl<T> Aligned<T> {
    pub(super) fn empty() -> Self {
        Self { memory: Vec::new(), start: 0, len: 0 }
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.memory[self.start..][..self.len]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.start..][..self.len]
    }
}

/// A vector of zeros, or the error that says how large it was to be.
pub fn zeros<T: Copy + Default>(len: usize) -> Result<Vec<T>> {
    let mut memory = Vec::new();
    let bytes = len.saturating_mul(size_of::<T>());
    memory.try_reserve_exact(len).map_err(|_| Error::OutOfMemory { bytes })?;
    memory.resize(len, T::default());
    Ok(memory)
}

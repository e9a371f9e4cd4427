//! What libtorch does while something runs: the operators that it calls, how often the host waits for a device, and how
//! much of a device's memory is taken.
//!
//! It is for measurements alone. libtorch has no C interface for this, so that a page of C++ is compiled against its headers.
//!
//! # Examples
//! ```no_run
//! let (sum, operators) = intnacl_recorder::operators(|| tch::Tensor::from(2.0) + 1.0);
//! let operators = operators.expect("nobody else counts");
//! println!("{} kernels, {} waits", operators.kernels(), operators.waits);
//! # drop(sum);
//! ```

use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};

// So that libtorch is linked.
use torch_sys as _;

unsafe extern "C" {
    fn intnacl_recorder_begin() -> bool;
    fn intnacl_recorder_end(
        into: *mut c_void,
        each: extern "C" fn(*mut c_void, *const c_char, usize, u64),
    ) -> u64;
    fn intnacl_recorder_reset_peak(device: i8, held: *mut i64) -> bool;
    fn intnacl_recorder_peak(device: i8, bytes: *mut i64) -> bool;
}

/// How often libtorch's operators were called that do work, which is on a device a launch each, or a few. What such an
/// operator calls in turn is not counted, nor are views and memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operators {
    /// The calls of each operator, by its name in libtorch; a copy between devices says where it leads.
    pub calls: BTreeMap<String, u64>,
    /// The calls whose result the host reads, those within another operator too: where the numbers are on a device, it waits
    /// for all that was started there.
    pub waits: u64,
}

impl Operators {
    /// All calls.
    pub fn kernels(&self) -> u64 {
        self.calls.values().sum()
    }
}

/// Runs something, and counts the operators that any thread calls meanwhile; nothing, if somebody counts already.
pub fn operators<T>(run: impl FnOnce() -> T) -> (T, Option<Operators>) {
    /// Ends the counting, also where what runs panics.
    struct Counting(bool);
    impl Counting {
        fn end(&mut self) -> Option<Operators> {
            let mut operators = Operators::default();
            if std::mem::take(&mut self.0) {
                // SAFETY: `keep` gets the map alone, and nobody else has it until the call returns.
                operators.waits = unsafe { intnacl_recorder_end((&raw mut operators.calls).cast(), keep) };
                return Some(operators);
            }
            None
        }
    }
    impl Drop for Counting {
        fn drop(&mut self) {
            let _ = self.end();
        }
    }
    // SAFETY: the function has no condition; it says itself whether it has begun.
    let mut counting = Counting(unsafe { intnacl_recorder_begin() });
    let result = run();
    (result, counting.end())
}

extern "C" fn keep(into: *mut c_void, name: *const c_char, length: usize, calls: u64) {
    // SAFETY: `into` is the map that `end` gave, and `name` has as many bytes, for the time of this call.
    let (map, name) = unsafe {
        let map = &mut *into.cast::<BTreeMap<String, u64>>();
        (map, std::slice::from_raw_parts(name.cast::<u8>(), length))
    };
    map.insert(String::from_utf8_lossy(name).into_owned(), calls);
}

/// Runs something, and says how many bytes of a CUDA device it takes at most above those that were taken before;
/// nothing, if there is no such device.
///
/// Work has to be done when `run` returns.
pub fn peak_bytes<T>(device: usize, run: impl FnOnce() -> T) -> (T, Option<u64>) {
    let Ok(device) = i8::try_from(device) else { return (run(), None) };
    let mut held = 0;
    // SAFETY: the pointer is that of a number of its type.
    let begun = unsafe { intnacl_recorder_reset_peak(device, &raw mut held) };
    let result = run();
    let mut most = 0;
    // SAFETY: as above.
    let known = begun && unsafe { intnacl_recorder_peak(device, &raw mut most) };
    (result, known.then(|| u64::try_from(most - held).unwrap_or_default()))
}

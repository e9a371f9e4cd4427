//! What is asked of the judge, and what it says.

use std::ffi::c_char;

/// A setting that a function takes as an argument, or has fixed.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The usual value: rows as they are given, both directions.
    Usual = 0,
    /// Always false.
    Never = 1,
    /// Always true.
    Always = 2,
    /// It is an argument: the function reads it from each request.
    Argument = 3,
}

/// How good the answers of a function are.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standard {
    /// A law is broken at every standard, or nothing was compared.
    None = 0,
    /// Errors as of a program in ordinary style.
    Right = 1,
    /// The digits of a small loss survive.
    Careful = 2,
    /// Right to the last bits.
    Exact = 3,
}

/// What is asked of a function. All fields may be 0, which stands for what is usual.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct JudgeOptions {
    /// What the function computes in, one of intnacl_dtype. Its requests have arrays of INTNACL_DTYPE_F64 for that
    /// type, and of INTNACL_DTYPE_F32 for all others.
    pub dtype: u32,
    /// The standard that is asked for, one of intnacl_standard; 0: INTNACL_STANDARD_RIGHT.
    pub standard: u32,
    /// How many cases of each law are drawn; 0: 64.
    pub cases: u32,
    /// The seed of the cases: the same seed draws the same cases.
    pub seed: u64,
    /// The lowest temperature that the function is asked; 0: 0.001.
    pub lowest_temperature: f64,
    /// The highest one; 0: 10.
    pub highest_temperature: f64,
    /// Whether the function normalises rows inside, one of intnacl_choice; usual: never.
    pub normalize: u32,
    /// Whether view 1 is an anchor too, one of intnacl_choice; usual: always.
    pub symmetric: u32,
    /// The only number of positives that the function takes; 0: 1 where the loss reads no others, else any number.
    pub positives: usize,
}

/// What the judge found.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Verdict {
    /// The highest standard at which all laws hold, one of intnacl_standard.
    pub reached: u32,
    /// How many laws compared something.
    pub laws: u32,
    /// How many of them are broken at the standard that was asked for.
    pub broken: u32,
    /// The cases of these laws that were tried.
    pub cases: u64,
    /// The comparisons that were made.
    pub comparisons: u64,
    /// How often the function was called.
    pub calls: u64,
    /// The verdict in words: what is wrong, and by which law. Freed by intnacl_string_free.
    pub text: *mut c_char,
    /// All of it as JSON, with counterexamples as requests that intnacl_evaluate_json reads. Freed likewise.
    pub json: *mut c_char,
}

impl Default for Verdict {
    fn default() -> Self {
        Self {
            reached: Standard::None as u32,
            laws: 0,
            broken: 0,
            cases: 0,
            comparisons: 0,
            calls: 0,
            text: std::ptr::null_mut(),
            json: std::ptr::null_mut(),
        }
    }
}

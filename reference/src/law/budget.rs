//! The one table of allowed errors, each with its reason.
//!
//! Let `u` be the rounding unit of the type that an implementation computes in. A rounding of a score `s`
//! is `u·|s|`, up to `u/t`, and the loss moves by `Σ |∂ℓ/∂s|` times that; cancellation inside `g1` and `g2`
//! magnifies it by a factor that the reference measures. So a budget is
//!
//! - for a value: `C·u·A·(S·(1/t + log N) + |ℓ|)`, `S = Σ |∂ℓ/∂s|` and `A` the amplification;
//! - for the gradient of an array: `C·u·A·(1 + 1/t)·‖m‖`, `m` the row sums of `|∂ℓ/∂s|/t`, a norm of the
//!   gradient in which nothing cancels.
//!
//! `C` below is what an ordinary program needs. An implementation that claims to be exact is held to a
//! multiple of the last bit instead, whatever the condition, where both sides are given the same inputs.

use std::fmt;

/// The floating type that an implementation computes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Float {
    /// f64 in and out, right to the last bits whatever the condition of the problem.
    Exact,
    /// IEEE binary64.
    F64,
    /// IEEE binary32.
    F32,
    /// bfloat16 inputs, computed in binary32.
    Bf16,
    /// IEEE binary16 inputs, computed in binary32.
    F16,
}

/// What production promises of gradients in binary32 from `t = 0.05` up on embeddings of ordinary size, relative to their
/// norm: a score is known to about `u/t = 1.2e-6` there, and the errors of many scores average out.
pub const BINARY32_GRADIENT: f64 = 1e-6;

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// The type.
    pub float: Float,
    /// `u`.
    pub unit: f64,
    /// `C` of a value.
    pub value: f64,
    /// `C` of a gradient.
    pub gradient: f64,
    /// The smallest normal number: what underflow may lose, whatever the condition.
    pub tiny: f64,
    /// The largest number: a gradient that has terms beyond it cannot be asked for.
    pub huge: f64,
    /// Why this size.
    pub reason: &'static str,
}

/// Values of an exact implementation, in ulp.
pub const EXACT_VALUE_ULP: f64 = 4.0;
/// Gradients of an exact implementation, in `2⁻⁵³` of the array's norm.
pub const EXACT_GRADIENT_UNITS: f64 = 8.0;

/// The table.
pub const BUDGETS: [Budget; 5] = [
    Budget {
        float: Float::Exact,
        unit: TWO_TO_MINUS_53,
        value: 16.0,
        gradient: 16.0,
        tiny: f64::MIN_POSITIVE,
        huge: f64::MAX,
        reason: "for inputs that were rounded on the way (rotated, rescaled): one rounding an entry, summed over d",
    },
    Budget {
        float: Float::F64,
        unit: TWO_TO_MINUS_53,
        value: 16.0,
        gradient: 16.0,
        tiny: f64::MIN_POSITIVE,
        huge: f64::MAX,
        reason: "a dot product, an exponential, a sum and a division, in any order; at t = 0.5 about 1e-14",
    },
    Budget {
        float: Float::F32,
        unit: 5.960_464_477_539_063e-8,
        value: 16.0,
        gradient: 16.0,
        tiny: f32::MIN_POSITIVE as f64,
        huge: f32::MAX as f64,
        reason: "as f64; the embeddings themselves are rounded to f32 first, one more rounding an entry",
    },
    Budget {
        float: Float::Bf16,
        unit: 3.906_25e-3,
        value: 4.0,
        gradient: 4.0,
        tiny: f32::MIN_POSITIVE as f64,
        huge: f32::MAX as f64,
        reason: "the inputs and the gradient are rounded to 8 bits, the rest is f32",
    },
    Budget {
        float: Float::F16,
        unit: 4.882_812_5e-4,
        value: 4.0,
        gradient: 4.0,
        tiny: 6.103_515_625e-5,
        huge: 65_504.0,
        reason: "the inputs and the gradient are rounded to 11 bits, and gradients underflow at 6e-5",
    },
];

const TWO_TO_MINUS_53: f64 = 1.110_223_024_625_156_5e-16;

impl Float {
    /// The row of the table.
    pub fn budget(self) -> Budget {
        BUDGETS[match self {
            Float::Exact => 0,
            Float::F64 => 1,
            Float::F32 => 2,
            Float::Bf16 => 3,
            Float::F16 => 4,
        }]
    }
}

impl fmt::Display for Float {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Float::Exact => "f64 (exact)",
            Float::F64 => "f64",
            Float::F32 => "f32",
            Float::Bf16 => "bf16",
            Float::F16 => "f16",
        })
    }
}

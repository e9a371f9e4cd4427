//! The one table of allowed errors, each with its reason.
//!
//! A program is judged by three standards:
//!
//! | standard | a value may be off by | a gradient may be off by |
//! |---|---|---|
//! | *right* | `ε` and what `ε` moves the loss by: `logsumexp(all) - positive` is right | `ε` times the size that it would have if nothing cancelled and nothing had saturated |
//! | *careful* | what `ε` moves the loss by, and `C u` of the loss: the digits of a small loss survive | `ε` times the size that it would have if nothing cancelled |
//! | *exact* | [`EXACT_VALUE_ULP`] units in the last place | [`EXACT_GRADIENT_UNITS`] units of the norm of its array |
//!
//! `ε = C (u_s κ r²/t + u log n)` is what a program knows a score to: `u_s` the rounding unit of its scores, `u` that of
//! its sums, `r` the largest norm, `n` the kernels of a sum, `κ = max(1, √d/16)`. What `ε` moves a loss by is
//! worked out for each image and each row: cancellation inside `g1` and `g2`, the branch of the floor and
//! saturation are those of the image itself.
//!
//! Where the two sides of a comparison are given inputs that a law rounded on the way (rotated, rescaled), scores may differ by
//! [`INPUT_ROUNDINGS`] rounding units of an input more, and rows by half of these.

use intnacl_reference::condition::Roundings;
use std::fmt;

/// The floating type that an implementation computes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Float {
    /// IEEE binary64.
    F64,
    /// IEEE binary32.
    F32,
    /// bfloat16 inputs and gradients, computed in binary32.
    Bf16,
    /// IEEE binary16 inputs and gradients, computed in binary32.
    F16,
    /// binary32, its products of embeddings rounded to bfloat16, as under autocast.
    Bf16Scores,
    /// binary32, the entries of its products rounded to 11 bits, as tensor cores do in TF32.
    Tf32Scores,
}

/// How good a program's answers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standard {
    /// Errors as of a program in ordinary style.
    Right,
    /// The digits of a small loss survive.
    Careful,
    /// Right to the last bits.
    Exact,
}

impl Standard {
    /// From the lowest to the highest.
    pub const ALL: [Standard; 3] = [Standard::Right, Standard::Careful, Standard::Exact];
}

impl fmt::Display for Standard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Standard::Right => "right",
            Standard::Careful => "careful",
            Standard::Exact => "exact",
        })
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The type.
    pub float: Float,
    /// Its name.
    pub name: &'static str,
    /// `u`, the rounding unit of sums, exponentials and logarithms.
    pub unit: f64,
    /// `u_s`, the rounding unit of scores.
    pub score_unit: f64,
    /// The rounding unit of inputs, and of values and gradients as they are given out.
    pub output_unit: f64,
    /// The smallest normal number of the arithmetic: what underflow may lose, whatever the condition.
    pub tiny: f64,
    /// The smallest normal number of a gradient.
    pub tiny_output: f64,
    /// The largest number: a gradient that has terms beyond it cannot be asked for.
    pub huge: f64,
    /// Why these.
    pub reason: &'static str,
}

/// `C`: how many roundings an ordinary program makes where the model counts one. Right programs in six styles
/// (`crates/judge/tests/zoo.rs`) and production need less than half of it: the most is taken by a loss at the floor, whose
/// `-1/t - s` has twice the size of a score.
pub const ROUNDINGS: f64 = 12.0;
/// How many of the smallest numbers underflow may lose: a kernel that is lost may have been multiplied by the inverse of a sum
/// that is small itself.
pub const UNDERFLOWS: f64 = 256.0;
/// How many rounding units a law's own rounding of inputs moves a score by: one for each entry of both rows, on both sides,
/// and twice that, since with one column all of them may add up.
pub const INPUT_ROUNDINGS: f64 = 8.0;
/// How many roundings a result may have after it was computed: a gradient may be given out in parts, which are added.
pub const OUTPUT_ROUNDINGS: f64 = 2.0;
/// Values of an exact implementation, in ulp.
pub const EXACT_VALUE_ULP: f64 = 4.0;
/// Gradients of an exact implementation, in rounding units of the array's norm.
pub const EXACT_GRADIENT_UNITS: f64 = 8.0;
/// What production promises of gradients in binary32 from `t = 0.05` up on embeddings of ordinary size, relative to their
/// norm: a score is known to about `u/t = 1.2e-6` there. The errors of many scores average out on random embeddings; on those of
/// images, where positives lie close and a part of the gradient cancels, they reach that size.
pub const BINARY32_GRADIENT: f64 = 2e-6;

const BINARY64: f64 = 1.110_223_024_625_156_5e-16;
const BINARY32: f64 = 5.960_464_477_539_063e-8;
const BFLOAT16: f64 = 3.906_25e-3;
const BINARY16: f64 = 4.882_812_5e-4;

/// The table.
pub const TABLE: [Row; 6] = [
    Row {
        float: Float::F64,
        name: "f64",
        unit: BINARY64,
        score_unit: BINARY64,
        output_unit: BINARY64,
        tiny: f64::MIN_POSITIVE,
        tiny_output: f64::MIN_POSITIVE,
        huge: f64::MAX,
        reason: "everything in binary64",
    },
    Row {
        float: Float::F32,
        name: "f32",
        unit: BINARY32,
        score_unit: BINARY32,
        output_unit: BINARY32,
        tiny: f32::MIN_POSITIVE as f64,
        tiny_output: f32::MIN_POSITIVE as f64,
        huge: f32::MAX as f64,
        reason: "everything in binary32",
    },
    Row {
        float: Float::Bf16,
        name: "bf16",
        unit: BINARY32,
        score_unit: BINARY32,
        output_unit: BFLOAT16,
        tiny: f32::MIN_POSITIVE as f64,
        tiny_output: f32::MIN_POSITIVE as f64,
        huge: f32::MAX as f64,
        reason: "inputs are numbers of the type, so only results are rounded to its 8 bits; the rest is binary32",
    },
    Row {
        float: Float::F16,
        name: "f16",
        unit: BINARY32,
        score_unit: BINARY32,
        output_unit: BINARY16,
        tiny: f32::MIN_POSITIVE as f64,
        tiny_output: 6.103_515_625e-5,
        huge: 65_504.0,
        reason: "as bf16 with 11 bits, and results underflow at 6e-5",
    },
    Row {
        float: Float::Bf16Scores,
        name: "f32 with bf16 scores",
        unit: BINARY32,
        score_unit: 3.0 * BFLOAT16,
        output_unit: BFLOAT16,
        tiny: f32::MIN_POSITIVE as f64,
        tiny_output: f32::MIN_POSITIVE as f64,
        huge: f32::MAX as f64,
        reason: "both entries of a product and the product itself are rounded to 8 bits, gradients come back through the same",
    },
    Row {
        float: Float::Tf32Scores,
        name: "f32 with TF32 scores",
        unit: BINARY32,
        score_unit: 2.0 * BINARY16,
        output_unit: BINARY16,
        tiny: f32::MIN_POSITIVE as f64,
        tiny_output: f32::MIN_POSITIVE as f64,
        huge: f32::MAX as f64,
        reason: "both entries of a product are rounded to 11 bits, also in the products that carry gradients back",
    },
];

impl Float {
    /// The row of the table.
    pub fn row(self) -> Row {
        TABLE[match self {
            Float::F64 => 0,
            Float::F32 => 1,
            Float::Bf16 => 2,
            Float::F16 => 3,
            Float::Bf16Scores => 4,
            Float::Tf32Scores => 5,
        }]
    }

    /// The nearest number that an input can be.
    pub fn representable(self, x: f64) -> f64 {
        match self {
            Float::F64 => x,
            Float::F32 | Float::Bf16Scores | Float::Tf32Scores => f64::from(x as f32),
            Float::Bf16 => rounded(x, 8, -133),
            Float::F16 => rounded(x, 11, -24),
        }
    }
}

/// To `bits` bits and to multiples of `2^least`, ties to even.
fn rounded(x: f64, bits: i32, least: i32) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let exponent = ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    let step = f64::from((exponent - bits + 1).max(least)).exp2();
    (x / step).round_ties_even() * step
}

impl fmt::Display for Float {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.row().name)
    }
}

/// Where a comparison's two sides come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inputs {
    /// The very same numbers.
    Same,
    /// Inputs that the law rounded differently on the way.
    Rounded,
}

impl Float {
    /// The roundings of a program in this type, and of inputs that a law rounded.
    pub(crate) fn roundings(self, inputs: Inputs) -> Roundings {
        let row = self.row();
        let inputs = match inputs {
            Inputs::Same => 0.0,
            Inputs::Rounded => INPUT_ROUNDINGS * self.input_unit(),
        };
        Roundings {
            scores: ROUNDINGS * row.score_unit + inputs,
            kernels: ROUNDINGS * row.unit,
            rows: inputs / 2.0,
            tiny: UNDERFLOWS * row.tiny,
        }
    }

    /// The rounding unit of an input.
    fn input_unit(self) -> f64 {
        match self {
            Float::F64 => BINARY64,
            Float::F32 | Float::Bf16Scores | Float::Tf32Scores => BINARY32,
            Float::Bf16 => BFLOAT16,
            Float::F16 => BINARY16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_under_their_types() {
        for row in TABLE {
            assert_eq!(row.float.row().name, row.name);
            assert!(row.unit <= row.score_unit && row.tiny <= row.tiny_output);
        }
    }

    #[test]
    fn numbers_are_rounded_to_the_nearest_of_the_type() {
        assert_eq!(Float::Bf16.representable(1.0 + 3.0 / 256.0), 1.0 + 4.0 / 256.0);
        assert_eq!(Float::Bf16.representable(1.0 + 1.0 / 256.0), 1.0);
        assert_eq!(Float::Bf16.representable(-0.1), -0.100_097_656_25);
        assert_eq!(Float::F16.representable(0.1), 0.099_975_585_937_5);
        assert_eq!(Float::F16.representable(1e-9), 0.0);
        assert_eq!(Float::F16.representable(3e-8), 2.0_f64.powi(-24));
        for x in [0.3, -1e-30, 7.5e10, 1.999_999_9] {
            assert_eq!(Float::F32.representable(x), f64::from(x as f32));
            assert_eq!(rounded(x, 24, -149), f64::from(x as f32));
        }
    }
}

//! The distances from the truth that a result may have, with their reasons.

use intnacl_judge::budget::{EXACT_GRADIENT_UNITS, EXACT_VALUE_ULP};

/// A limit on one kind of error.
pub struct Budget {
    pub quantity: &'static str,
    pub unit: &'static str,
    pub limit: f64,
    pub reason: &'static str,
}

/// The limits, in the order of [`Quantity`].
pub const BUDGETS: [Budget; 4] = [
    Budget {
        quantity: "value",
        unit: "ulp",
        limit: EXACT_VALUE_ULP,
        reason: "work in more than f64, then one rounding per anchor, one of the mean, and room for two more",
    },
    Budget {
        quantity: "per_anchor",
        unit: "ulp",
        limit: EXACT_VALUE_ULP,
        reason: "a value like the mean: a caller may use either",
    },
    Budget {
        quantity: "gradient",
        unit: "2^-53 of the norm",
        limit: EXACT_GRADIENT_UNITS,
        reason: "each entry is a sum over scores, rounded a few times; measured in the norm of an array (a \
                 view of a batch; all anchors' matrices in tuples), since single entries cancel to sizes \
                 that only the whole gives a meaning to; where the loss does not reach, exactly zero",
    },
    Budget {
        quantity: "matrix",
        unit: "2^-53 of the norm",
        limit: f64::INFINITY,
        reason: "the same for each anchor's matrix by itself: shown, not promised, since an anchor's share may \
                 be a rounding error of another's",
    },
];

/// A gradient that cancels below `2^-300` of its terms may be given as zero, or within the budget.
///
/// Such are sums over rows that all lie on one line, whose leading terms cancel exactly, so that what is left
/// is another kernel, smaller by `e^{-2/t}` or a power of it. Anything else that is not zero is larger: `2^-53`
/// for rows that differ by a last place, once by their scores and once by their coordinates, and as much again
/// under normalisation.
pub const NEGLIGIBLE: i64 = 300;

/// Which number of an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    Value,
    PerAnchor,
    Gradient,
    Matrix,
}

impl Quantity {
    pub fn budget(self) -> &'static Budget {
        &BUDGETS[self as usize]
    }
}

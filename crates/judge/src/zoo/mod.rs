//! Programs for the judge to try itself on: right ones in the usual styles, and wrong ones, each a slip in a right one.
//!
//! ```
//! use intnacl_judge::zoo::{Bug, Program, Style};
//! use intnacl_judge::{Float, Standard, check, laws};
//!
//! let law = laws().into_iter().find(|law| law.name == "identical_embeddings_have_a_known_loss").unwrap();
//! let right = Program::new(Style::CrossEntropy, Float::F32);
//! assert!(check(&law, "debiased", &right, 8, 1, Standard::Right).holds());
//! let wrong = right.with(Bug::PriorForgotten);
//! assert!(!check(&law, "debiased", &wrong, 8, 1, Standard::Right).holds());
//! ```

mod program;
mod style;
mod tape;

pub use program::Program;
pub use style::Style;

use crate::Float;

/// Declares the slips, each once.
macro_rules! bugs {
    ($($variant:ident in $style:ident => $name:literal, $does:literal, $effect:literal, $source:literal;)*) => {
        /// A slip in a program.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Bug {
            $(#[doc = concat!("The program ", $does, ".")] $variant,)*
        }

        impl Bug {
            /// All of them.
            pub const ALL: &[Bug] = &[$(Bug::$variant),*];

            /// A short name in lower case.
            pub fn name(self) -> &'static str {
                match self { $(Bug::$variant => $name),* }
            }

            /// What the program does, as the rest of a sentence.
            pub fn does(self) -> &'static str {
                match self { $(Bug::$variant => $does),* }
            }

            /// What comes of it.
            pub fn effect(self) -> &'static str {
                match self { $(Bug::$variant => $effect),* }
            }

            /// Where it was reported, or who does it.
            pub fn source(self) -> &'static str {
                match self { $(Bug::$variant => $source),* }
            }

            /// The style whose code has the slip, and in which it shows.
            pub fn style(self) -> Style {
                match self { $(Bug::$variant => Style::$style),* }
            }
        }
    };
}

bugs! {
    NormClamped in CrossEntropy =>
        "norm-clamped",
        "divides a row by `max(‖x‖, 0.01)`",
        "rows shorter than 0.01 are not on the sphere: value and gradient are wrong there",
        "a slip that the laws once missed";
    NormInHalf in CrossEntropy =>
        "norm-in-half",
        "forms the squares of a norm in binary16",
        "short rows lose their norm: value and gradient are wrong",
        "lightly issue 1259";
    NoRangeDeclared in Naive =>
        "no-range-declared",
        "sums plain exponentials and does not say where they end",
        "NaN or infinity at low temperatures, as `e^{1/t}` overflows",
        "lightning-bolts issue 811";
    OneMaximumForAll in Maximum =>
        "one-maximum-for-all",
        "takes one maximum out for the whole batch, not one for each anchor",
        "anchors far below the maximum underflow: infinite values, or gradients of 0",
        "a slip that the laws once missed";
    MaximumInGradient in CrossEntropy =>
        "maximum-in-gradient",
        "lets the stabilising maximum take part in the gradient on one side",
        "the value is right, the gradient is not",
        "pytorch-metric-learning issue 282";
    EpsilonInLogarithm in CrossEntropy =>
        "epsilon-in-logarithm",
        "adds 1e-8 inside the logarithm",
        "losses above 18 stop growing, and their gradient vanishes",
        "common in published code";
    TenthNegativeLost in CrossEntropy =>
        "tenth-negative-lost",
        "leaves out the last of ten or more negatives",
        "wrong from N = 10 on",
        "a slip that the laws once missed";
    FifthPositiveLost in CrossEntropy =>
        "fifth-positive-lost",
        "leaves out positives from the fifth on",
        "wrong from M = 5 on",
        "a slip that the laws once missed";
    ThirteenthEntryLost in CrossEntropy =>
        "thirteenth-entry-lost",
        "leaves out entries of a row from the thirteenth on",
        "wrong from d = 13 on",
        "a slip that the laws once missed";
    WrongDefault in CrossEntropy =>
        "wrong-default",
        "lets absent draws of positives default to the negatives",
        "wrong where `debias_positives` is absent",
        "a slip that the laws once missed";
    GradientAccumulates in CrossEntropy =>
        "gradient-accumulates",
        "adds the gradient of the request before",
        "values are right, every second gradient is not",
        "a slip that the laws once missed";
    FloorWithoutCount in CrossEntropy =>
        "floor-without-count",
        "takes `e^{-1/t}/N` as the floor of the mean",
        "too small where the floor is reached",
        "Chuang et al. 2020 has the floor with its N";
    SumOfDraws in CrossEntropy =>
        "sum-of-draws",
        "subtracts `τ` times the sum over the draws of positives, not their mean",
        "wrong from two draws on",
        "a slip that the formula invites";
    PriorForgotten in CrossEntropy =>
        "prior-forgotten",
        "does not divide by `1-τ`",
        "wrong for τ above 0",
        "a slip that the formula invites";
    FirstDrawOnly in CrossEntropy =>
        "first-draw-only",
        "reads only the first draw of positives",
        "wrong from two draws on",
        "a slip that the formula invites";
    NoTermForOneLessLambda in CrossEntropy =>
        "no-term-for-one-less-lambda",
        "leaves out the `(1-λ)` term of MIXNCA",
        "wrong for λ below 1",
        "a slip that the formula invites";
    MixedOverM in CrossEntropy =>
        "mixed-over-m",
        "divides the mixed terms by `M`, not by `M-1`",
        "the mixed part is too small",
        "a slip that the formula invites";
    OneLessSigmoid in LogDomain =>
        "one-less-sigmoid",
        "forms `σ`, then `log(1 - σ)`",
        "infinite where `σ` rounds to 1",
        "common in published code";
    WeightNotStopped in CrossEntropy =>
        "weight-not-stopped",
        "lets the gradient flow through the adversarial weight where it is to be stopped",
        "the value is right, the gradient is not",
        "a slip that the formula invites";
    WeightStopped in CrossEntropy =>
        "weight-stopped",
        "stops the gradient of the adversarial weight where it is to flow",
        "the value is right, the gradient is not",
        "a slip that the formula invites";
    SoftplusWithThreshold in LogDomain =>
        "softplus-with-threshold",
        "takes `softplus` as linear from 20 on",
        "off by `e^{-20}`, which only binary64 tells",
        "PyTorch's default of softplus";
    OneNegativeTooMany in CrossEntropy =>
        "one-negative-too-many",
        "takes `N = 2B-1`, the number of columns without the diagonal",
        "`N·G` is too large by `1/N`",
        "a slip that the formula invites";
    TwoNegativesTooMany in CrossEntropy =>
        "two-negatives-too-many",
        "takes `N = 2B`, the number of columns",
        "`N·G` is too large by `2/N`",
        "a slip that the formula invites";
    AllPositivesRead in CrossEntropy =>
        "all-positives-read",
        "reads all positives in losses of one",
        "wrong from M = 2 on",
        "a slip that the formula invites";
    SumOutsideLogarithm in CrossEntropy =>
        "sum-outside-logarithm",
        "sums over the positives outside of the logarithm",
        "NCA becomes the supervised contrastive form: wrong from M = 2 on",
        "a slip that the formula invites";
    HardnessNormalisedBySum in CrossEntropy =>
        "hardness-normalised-by-sum",
        "divides the hardness weights by their sum where their mean is meant",
        "the negatives count too little by a factor N",
        "HCL issues 1 and 5";
    HardnessWithoutTemperature in CrossEntropy =>
        "hardness-without-temperature",
        "multiplies products by the hardness, not scores",
        "right at t = 1 only",
        "a slip that the formula invites";
    HardnessWithTemperatureTwice in CrossEntropy =>
        "hardness-with-temperature-twice",
        "divides the hardness by the temperature again",
        "right at t = 1 only",
        "a slip that the formula invites";
    HardnessOutsideExponent in CrossEntropy =>
        "hardness-outside-exponent",
        "multiplies kernels by β, instead of raising them to it",
        "β has no effect: right at β = 1 only",
        "HCL issues 1 and 5";
    PositiveAmongNegatives in CrossEntropy =>
        "positive-among-negatives",
        "leaves the positive among the negatives",
        "the denominator has the positive twice",
        "a slip that the formula invites";
    PositiveNotInDenominator in CrossEntropy =>
        "positive-not-in-denominator",
        "leaves the positive out of the denominator",
        "the loss goes below 0: that of decoupled contrastive learning",
        "Yeh et al. 2022 mean it so; elsewhere a slip";
    SelfPairKept in CrossEntropy =>
        "self-pair-kept",
        "leaves the anchor itself among its negatives",
        "the denominator has e^{1/t} too much; the gradient by the anchor has a radial part",
        "common in published code";
    SelfPairZeroed in CrossEntropy =>
        "self-pair-zeroed",
        "sets the logit of the anchor with itself to 0, where it is to be left out",
        "the denominator has 1 too much, which small losses do not bear",
        "common in published code: a diagonal that is filled with 0";
    SelfPairSubtracted in CrossEntropy =>
        "self-pair-subtracted",
        "removes the self pair by subtracting the constant e^{1/t}",
        "the value is right, the gradient keeps a radial part; in binary32 the difference cancels away at low temperatures",
        "lightning-bolts issue 695";
    ConstantForSelfPair in CrossEntropy =>
        "constant-for-self-pair",
        "subtracts e, not e^{1/t}, for the self pair",
        "right at t = 1 only",
        "lightning-bolts issue 609";
    SelfPairMasked in CrossEntropy =>
        "self-pair-masked",
        "adds log(1e-45), about -103, to the self pair's logit",
        "at t = 0.01 the self pair stays in",
        "Decoupled-Contrastive-Learning issue 14";
    SelfPairAsPositive in CrossEntropy =>
        "self-pair-as-positive",
        "counts the self pair as a positive",
        "the loss is too small, and saturates",
        "alinlab/CSI issue 49";
    TwoLogSumExps in CrossEntropy =>
        "two-log-sum-exps",
        "adds the log-sum-exps of the positives and of the negatives where one of both is meant",
        "the loss is too large",
        "lightly issue 1827";
    TemperatureForgotten in CrossEntropy =>
        "temperature-forgotten",
        "does not divide the positive by the temperature",
        "right at t = 1 only",
        "ContrastMask issue 4";
    OtherOrderOfViews in CrossEntropy =>
        "other-order-of-views",
        "takes rows 2i and 2i+1 as the views of an image, where they are rows i and B+i",
        "positives and negatives are other images",
        "Spijkervet/SimCLR pull 46";
    OneDirection in CrossEntropy =>
        "one-direction",
        "leaves out the second side of a symmetric batch",
        "another convention: the mean is over half of the anchors",
        "a convention, where it is said";
    SumForMean in CrossEntropy =>
        "sum-for-mean",
        "gives the sum over the anchors, not the mean",
        "another convention: value and gradient are B times as large",
        "a convention, where it is said";
    NormalizationNotDifferentiated in CrossEntropy =>
        "normalization-not-differentiated",
        "gives the gradient by the normalised row",
        "the value is right, the gradient is by other rows",
        "a slip that code which detaches invites";
}

impl Bug {
    /// Whether the slip shows where roundings do, so that the type decides the numbers.
    pub(crate) fn lives_by_roundings(self) -> bool {
        matches!(
            self,
            Bug::NoRangeDeclared | Bug::OneMaximumForAll | Bug::OneLessSigmoid | Bug::SelfPairSubtracted
        )
    }

    /// Why the slip cannot be told from a right program in a type, where it cannot.
    pub fn equivalent(self, float: Float) -> Option<&'static str> {
        match self {
            Bug::SoftplusWithThreshold if float != Float::F64 => Some(
                "a softplus that is linear from 20 on is off by e^{-20} = 2e-9, which no score in binary32 tells",
            ),
            _ => None,
        }
    }
}

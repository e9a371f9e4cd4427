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

/// A slip in a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// `x / max(‖x‖, 0.01)` as normalisation.
    NormClamped,
    /// The range of its exponentials is not declared.
    NoRangeDeclared,
    /// One maximum is taken out for the whole batch, not for each anchor.
    OneMaximumForAll,
    /// The last of ten or more negatives is left out.
    TenthNegativeLost,
    /// Positives from the fifth on are left out.
    FifthPositiveLost,
    /// Entries of a row from the thirteenth on are left out.
    ThirteenthEntryLost,
    /// Absent draws of positives default to the negatives.
    WrongDefault,
    /// Gradients accumulate from one request to the next.
    GradientAccumulates,
    /// The floor is `e^{-1/t}/N`.
    FloorWithoutCount,
    /// `τ` times the sum over the draws of positives, not their mean.
    SumOfDraws,
    /// The difference is not divided by `1-τ`.
    PriorForgotten,
    /// Only the first draw of positives is read.
    FirstDrawOnly,
    /// The `(1-λ)` term of MIXNCA is missing.
    NoTermForOneLessLambda,
    /// The mixed terms are divided by `M`, not by `M-1`.
    MixedOverM,
    /// `log(1 - σ)` with `σ` formed first.
    OneLessSigmoid,
    /// The adversarial weight's gradient flows where it is to be stopped.
    WeightNotStopped,
    /// The adversarial weight's gradient is stopped where it is to flow.
    WeightStopped,
    /// `softplus` is linear from 20 on.
    SoftplusWithThreshold,
    /// `N + 1` for `N`.
    OneNegativeTooMany,
    /// Single-positive losses read all positives.
    AllPositivesRead,
    /// The sum over the positives stands outside of the logarithm.
    SumOutsideLogarithm,
    /// The hardness weights are divided by their sum, not by their mean.
    HardnessNormalisedBySum,
    /// The hardness multiplies products, not scores.
    HardnessWithoutTemperature,
    /// The hardness is divided by the temperature again.
    HardnessWithTemperatureTwice,
    /// The positive is among the negatives.
    PositiveAmongNegatives,
    /// The second side of a symmetric batch is left out.
    OneDirection,
    /// The sum over the anchors, not the mean.
    SumForMean,
    /// The gradient is by the normalised row.
    NormalizationNotDifferentiated,
}

impl Bug {
    /// All of them.
    pub const ALL: [Bug; 28] = [
        Bug::NormClamped,
        Bug::NoRangeDeclared,
        Bug::OneMaximumForAll,
        Bug::TenthNegativeLost,
        Bug::FifthPositiveLost,
        Bug::ThirteenthEntryLost,
        Bug::WrongDefault,
        Bug::GradientAccumulates,
        Bug::FloorWithoutCount,
        Bug::SumOfDraws,
        Bug::PriorForgotten,
        Bug::FirstDrawOnly,
        Bug::NoTermForOneLessLambda,
        Bug::MixedOverM,
        Bug::OneLessSigmoid,
        Bug::WeightNotStopped,
        Bug::WeightStopped,
        Bug::SoftplusWithThreshold,
        Bug::OneNegativeTooMany,
        Bug::AllPositivesRead,
        Bug::SumOutsideLogarithm,
        Bug::HardnessNormalisedBySum,
        Bug::HardnessWithoutTemperature,
        Bug::HardnessWithTemperatureTwice,
        Bug::PositiveAmongNegatives,
        Bug::OneDirection,
        Bug::SumForMean,
        Bug::NormalizationNotDifferentiated,
    ];

    /// The style whose code has the slip, and in which it shows.
    pub fn style(self) -> Style {
        match self {
            Bug::NoRangeDeclared => Style::Naive,
            Bug::OneMaximumForAll => Style::Maximum,
            Bug::SoftplusWithThreshold | Bug::OneLessSigmoid => Style::LogDomain,
            _ => Style::CrossEntropy,
        }
    }
}

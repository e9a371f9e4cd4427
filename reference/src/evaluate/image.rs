//! One image, and what is done where one precision cannot decide it.

use super::most_bits;
use super::rows::lift_row;
use crate::layout::{Problem, Roles};
use crate::loss::OfScores;
use crate::loss::Total;
use crate::precision::{BITS_NEEDED, settle};
use crate::real::{Big, Dd, DdContext, Real};
use crate::score::{Arithmetic, Scores, Trust};
use crate::vocabulary::{Loss, Settings};

/// A loss of one image with the gradient by its scores.
pub(super) struct ImageLoss<R> {
    pub(super) value: R,
    pub(super) gradient: Scores<R>,
    pub(super) trust: Trust,
    /// `log2` of the relative error of value and gradient.
    pub(super) log2_error: f64,
}

impl<R: Real> ImageLoss<R> {
    pub(super) fn new(total: Total<R>, field: &Arithmetic<R>) -> Self {
        let lost = total.trust.gradient_bits_lost.max(total.trust.value_bits_lost);
        Self {
            value: total.value,
            gradient: total.gradient,
            trust: total.trust,
            log2_error: lost - field.bits,
        }
    }

    pub(super) fn is_certain(&self) -> bool {
        self.trust.decided && self.log2_error <= -BITS_NEEDED
    }
}

/// The way to go on with an image that one precision cannot decide.
pub(super) trait Repeat: Real {
    /// Whether exponents are unbounded in practice.
    const UNBOUNDED: bool;

    fn repeat(
        image: ImageLoss<Self>,
        problem: &Problem,
        roles: &Roles,
        loss: &Loss,
        settings: &Settings,
    ) -> ImageLoss<Self>;
}

impl Repeat for Big {
    const UNBOUNDED: bool = true;

    /// Nothing: the whole pass is repeated with more bits.
    fn repeat(image: ImageLoss<Self>, _: &Problem, _: &Roles, _: &Loss, _: &Settings) -> ImageLoss<Self> {
        image
    }
}

impl Repeat for Dd {
    const UNBOUNDED: bool = false;

    /// The image again with more bits, rounded to double-double.
    fn repeat(
        _: ImageLoss<Self>,
        problem: &Problem,
        roles: &Roles,
        loss: &Loss,
        settings: &Settings,
    ) -> ImageLoss<Self> {
        let in_big = |bits| repeat_at::<Big>(problem, roles, loss, settings, bits);
        settle(
            &[DdContext::Full],
            || most_bits(problem, loss, settings),
            |context| {
                Some(repeat_at::<Self>(problem, roles, loss, settings, context)).filter(ImageLoss::is_certain)
            },
            |bits| Some(in_big(bits)).filter(ImageLoss::is_certain).map(in_double_double),
            |bits| in_double_double(in_big(bits)),
        )
    }
}

/// What the last precision that is needed has settled.
fn in_double_double(more: ImageLoss<Big>) -> ImageLoss<Dd> {
    // The last precision settles the rest: a tie is a tie, and 0 is 0.
    ImageLoss {
        value: more.value.to_double_double(),
        gradient: more.gradient.map(Big::to_double_double),
        trust: Trust { decided: true, ..more.trust },
        log2_error: more.log2_error.clamp(-104.0, -BITS_NEEDED),
    }
}

/// One image by itself, at a precision of its own.
pub(super) fn repeat_at<R: Real>(
    problem: &Problem,
    roles: &Roles,
    loss: &Loss,
    settings: &Settings,
    context: R::Context,
) -> ImageLoss<R> {
    let field = Arithmetic::<R>::new(settings.temperature, problem.radius(settings.normalize), context);
    let inverse_temperature = -field.log_floor.clone();
    let lift = |row: usize| lift_row::<R>(problem.row(row), settings.normalize, context).0;
    let scores = roles.scores(|contrast, ranges| {
        let anchor = lift(contrast.anchor);
        let rows = ranges.iter().cloned().flatten();
        rows.map(|row| R::dot(&anchor, &lift(row), context) * &inverse_temperature).collect()
    });
    let total = loss.of_scores(&scores, &field);
    ImageLoss::new(total, &field)
}

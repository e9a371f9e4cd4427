//! Scores, and the few functions of scores that every loss is made of.
//!
//! A score is `s(x, y) = f(x)·f(y)/t`. All is in the log domain: no kernel `e^s` is formed without its
//! largest exponent taken out, so that nothing overflows at any temperature.

use crate::real::{Real, max_of};

/// The scores of one anchor against those that it is compared with, or derivatives by these scores.
#[derive(Debug, Clone, Default)]
pub struct Contrast<T> {
    /// The scores of the `M` positives.
    pub positives: Vec<T>,
    /// The scores of the `N` negatives, the `u` of the estimators.
    pub negatives: Vec<T>,
    /// The scores of the `m` draws of positives, the `v` of the estimators.
    pub debias: Vec<T>,
}

/// The scores of one image in every part that a loss can have, or derivatives by these scores.
#[derive(Debug, Clone)]
pub struct Scores<T> {
    /// The clean anchors: one, or two in a symmetric batch.
    pub clean: Vec<Contrast<T>>,
    /// The mixed terms, each with its mixed embedding as the only positive.
    pub mixed: Vec<Contrast<T>>,
    /// The robust anchors: none, one, or two in a symmetric batch.
    pub robust: Vec<Contrast<T>>,
}

impl<T> Scores<T> {
    /// All contrasts, in the order of [`Roles::all`](crate::layout::Roles::all).
    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut Contrast<T>> {
        self.clean.iter_mut().chain(&mut self.mixed).chain(&mut self.robust)
    }

    /// Every number replaced by another.
    pub fn map<U>(&self, number: impl Fn(&T) -> U) -> Scores<U> {
        let list = |list: &[T]| list.iter().map(&number).collect();
        let part = |part: &[Contrast<T>]| {
            let contrast = |contrast: &Contrast<T>| Contrast {
                positives: list(&contrast.positives),
                negatives: list(&contrast.negatives),
                debias: list(&contrast.debias),
            };
            part.iter().map(contrast).collect()
        };
        Scores { clean: part(&self.clean), mixed: part(&self.mixed), robust: part(&self.robust) }
    }
}

/// The numbers that the equations need beside the scores.
#[derive(Debug, Clone)]
pub struct Arithmetic<R: Real> {
    /// The precision.
    pub context: R::Context,
    /// `-1/t`, the logarithm of the floor of `g1` and `g2`.
    pub log_floor: R,
    /// The bits after the binary point to which a score is known, hence the relative bits of a kernel.
    pub bits: f64,
}

impl<R: Real> Arithmetic<R> {
    /// `radius` is the largest norm of an embedding.
    pub fn new(temperature: f64, radius: f64, context: R::Context) -> Self {
        let log_floor = R::lift(-1.0, context) / &R::lift(temperature, context);
        let largest_score = log_floor.log2_abs() + 2.0 * radius.max(1.0).log2();
        let bits = R::bits(context) - largest_score.max(0.0);
        Self { context, log_floor, bits }
    }

    /// An f64, exactly.
    pub fn number(&self, x: f64) -> R {
        R::lift(x, self.context)
    }
}

/// `log Σ_i e^{s_i}` and its gradient, the softmax of the scores.
pub fn log_sum_exp<R: Real>(scores: &[R], field: &Arithmetic<R>) -> (R, Vec<R>) {
    let context = field.context;
    let Some(first) = scores.first() else {
        return (field.log_floor.clone(), Vec::new());
    };
    if scores.len() == 1 {
        return (first.clone(), vec![field.number(1.0)]);
    }
    let largest = max_of(first, scores);
    let mut kernels = R::exp_all(scores, &largest, context);
    let sum = R::sum(&kernels, context);
    R::scale_all(&mut kernels, &(field.number(1.0) / &sum));
    (largest + &sum.ln(context), kernels)
}

/// `-log P/(P + Q)` for one anchor, and its gradient by the scores.
pub struct Term<R> {
    pub value: R,
    /// Lists that are shorter than the scores' stand for trailing zeros.
    pub gradient: Contrast<R>,
    pub trust: Trust,
}

/// The damage that cancellation did to a result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trust {
    /// The bits that the value lost.
    pub value_bits_lost: f64,
    /// The bits that the gradient by the scores lost.
    pub gradient_bits_lost: f64,
    /// Whether every maximum was decided.
    pub decided: bool,
}

impl Trust {
    /// Nothing was lost.
    pub const FULL: Self = Self { value_bits_lost: 0.0, gradient_bits_lost: 0.0, decided: true };

    /// The worse of two in every respect.
    pub fn and(self, other: Self) -> Self {
        Self {
            value_bits_lost: self.value_bits_lost.max(other.value_bits_lost),
            gradient_bits_lost: self.gradient_bits_lost.max(other.gradient_bits_lost),
            decided: self.decided && other.decided,
        }
    }
}

/// `softplus(x) = log(1 + e^x)` and its derivative, the logistic function; both keep their relative
/// precision where they are tiny.
pub fn softplus<R: Real>(x: &R, field: &Arithmetic<R>) -> (R, R) {
    let context = field.context;
    let (zero, one) = (field.number(0.0), field.number(1.0));
    let positive = *x > zero;
    let small = if positive { -x.clone() } else { x.clone() }.exp(context);
    let tail = small.ln_1p(context);
    let total = one.clone() + &small;
    if positive { (tail + x, one / &total) } else { (tail, small / &total) }
}

//! One side of a comparison: an evaluation, and how far it may be off.

use super::Float;
use super::budget::{EXACT_VALUE_ULP, Inputs, OUTPUT_ROUNDINGS};
use super::number::{Bounds, Number};
use intnacl_reference::condition::{Off, Tolerance, tolerance};
use intnacl_reference::inside::Problems;
use intnacl_reference::{Answer, Batch, Evaluation, Loss, Request, Settings, Tuples};
use std::cell::OnceCell;
use std::rc::Rc;

/// A layout that requests can carry.
pub(super) trait InRequest: Problems + Clone {
    fn request(loss: Loss, settings: Settings, data: Self) -> Request;
    fn from_answer(answer: Answer) -> Option<Evaluation<Self>>;
}

impl InRequest for Tuples {
    fn request(loss: Loss, settings: Settings, data: Self) -> Request {
        Request::Tuples { loss, settings, data }
    }
    fn from_answer(answer: Answer) -> Option<Evaluation<Self>> {
        if let Answer::Tuples(evaluation) = answer { Some(evaluation) } else { None }
    }
}

impl InRequest for Batch {
    fn request(loss: Loss, settings: Settings, data: Self) -> Request {
        Request::Batch { loss, settings, data }
    }
    fn from_answer(answer: Answer) -> Option<Evaluation<Self>> {
        if let Answer::Batch(evaluation) = answer { Some(evaluation) } else { None }
    }
}

/// An evaluation with how far it may be off.
pub(super) struct Side<L> {
    pub(super) loss: Loss,
    pub(super) settings: Settings,
    pub(super) data: L,
    pub(super) evaluation: Evaluation<L>,
    pub(super) request: Rc<Request>,
    float: Float,
    same: OnceCell<Tolerance>,
    rounded: OnceCell<Tolerance>,
}

impl<L: InRequest> Side<L> {
    /// An evaluation of what was asked for by a request.
    pub(super) fn new(
        (loss, settings, data): (Loss, Settings, L),
        evaluation: Evaluation<L>,
        request: Rc<Request>,
        float: Float,
    ) -> Self {
        let (same, rounded) = (OnceCell::new(), OnceCell::new());
        Self { loss, settings, data, evaluation, request, float, same, rounded }
    }

    pub(super) fn tolerance(&self, inputs: Inputs) -> &Tolerance {
        let cell = match inputs {
            Inputs::Same => &self.same,
            Inputs::Rounded => &self.rounded,
        };
        let roundings = self.float.roundings(inputs);
        cell.get_or_init(|| tolerance(&self.loss, &self.data, &self.settings, roundings))
    }

    /// The value of an image.
    pub(super) fn number(&self, image: usize, inputs: Inputs) -> Number {
        let value = self.evaluation.per_anchor[image];
        Number::new(value, self.bounds(value, self.tolerance(inputs).images[image].value, inputs))
    }

    pub(super) fn numbers(&self, inputs: Inputs) -> Vec<Number> {
        (0..self.evaluation.per_anchor.len()).map(|image| self.number(image, inputs)).collect()
    }

    /// Whether the value of each image is absent.
    pub(super) fn is_a_mean(&self) -> bool {
        self.evaluation.per_anchor.iter().any(|value| value.is_nan())
    }

    /// The value of each image under its name, or the value of the whole where these are absent.
    pub(super) fn values(&self, inputs: Inputs) -> Vec<(String, Number)> {
        if self.is_a_mean() {
            return vec![("value".into(), self.mean(inputs))];
        }
        let numbers = self.numbers(inputs).into_iter().enumerate();
        numbers.map(|(i, number)| (format!("per_anchor[{i}]"), number)).collect()
    }

    /// The value of the whole.
    pub(super) fn mean(&self, inputs: Inputs) -> Number {
        let (images, value) = (&self.tolerance(inputs).images, self.evaluation.value);
        let mean = |s: usize| images.iter().map(|image| image.value[s]).sum::<f64>() / images.len() as f64;
        // A mean has roundings of its own.
        let own = self.float.roundings(inputs).kernels * value.abs();
        Number::new(value, self.bounds(value, [mean(0) + own, mean(1) + own], inputs))
    }

    fn bounds(&self, value: f64, off: Off, inputs: Inputs) -> Bounds {
        let row = self.float.row();
        let output = OUTPUT_ROUNDINGS * row.output_unit * value.abs();
        let [right, careful] = off.map(|off| off + output);
        let exact = match inputs {
            Inputs::Same => EXACT_VALUE_ULP * ulp(value.abs(), row.unit),
            Inputs::Rounded => careful,
        };
        [right, careful, exact]
    }
}

/// The distance from `x >= 0` to the next number above, in a type of rounding unit `unit`.
fn ulp(x: f64, unit: f64) -> f64 {
    (x.next_up() - x) * (unit / Float::F64.row().unit)
}

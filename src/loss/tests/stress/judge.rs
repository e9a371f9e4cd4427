//! An answer of production beside the exact one.

use super::allowed::{allowed, norm};
use super::arrays::{Array, arrays, parts};
use crate::Error;
use intnacl_reference::{Answer, Request};
use tch::Kind;

/// What a kind can hold.
struct Range {
    /// The rounding unit of the type that losses are computed in, and its smallest normal number.
    unit: f64,
    tiny: f64,
    /// The same of gradients; and the largest number, and half the smallest.
    gradient_unit: f64,
    largest: f64,
    least: f64,
}

fn range(kind: Kind) -> Range {
    let single = Range {
        unit: f64::from(f32::EPSILON) / 2.0,
        tiny: f64::from(f32::MIN_POSITIVE),
        gradient_unit: f64::from(f32::EPSILON) / 2.0,
        largest: f64::from(f32::MAX),
        least: f64::from(f32::MIN_POSITIVE),
    };
    match kind {
        Kind::Double => Range {
            unit: f64::EPSILON / 2.0,
            tiny: f64::MIN_POSITIVE,
            gradient_unit: f64::EPSILON / 2.0,
            largest: f64::MAX,
            least: f64::MIN_POSITIVE,
        },
        Kind::Float => single,
        Kind::BFloat16 => Range { gradient_unit: 2_f64.powi(-8), largest: 3.38e38, ..single },
        _ => Range { gradient_unit: 2_f64.powi(-11), largest: 65504.0, least: 2_f64.powi(-25), ..single },
    }
}

/// What the exact answer asks of every program.
pub(super) struct Judge {
    range: Range,
    exact: Option<Answer>,
    allowed: super::allowed::Allowed,
    /// Of each row, what a gradient by it is multiplied by before it is compared.
    norms: Vec<Vec<f64>>,
}

impl Judge {
    pub(super) fn new(request: &Request, kind: Kind) -> Self {
        let range = range(kind);
        let (settings, given) = match request {
            Request::Tuples { settings, data, .. } => (settings, arrays(data)),
            Request::Batch { settings, data, .. } => (settings, arrays(data)),
            Request::Supervised { .. } => unreachable!("not drawn"),
        };
        let of_row = |row: &Vec<f64>| if settings.normalize { norm(row) } else { 1.0 };
        let norms = given.iter().map(|array| array.rows.iter().map(of_row).collect()).collect();
        let allowed = allowed(request, range.unit, range.tiny);
        let exact = match request.evaluate() {
            Ok(answer) => Some(answer),
            Err(intnacl_reference::Error::Overflow { .. }) => None,
            Err(error) => panic!("the reference refused: {error}"),
        };
        Self { range, exact, allowed, norms }
    }

    /// Whether all numbers of the exact answer fit the kind, with a little to spare.
    pub(super) fn fits(&self) -> bool {
        let Some(exact) = &self.exact else { return false };
        let (value, values, _) = parts(exact);
        let values = values.iter().chain([&value]).all(|value| value.abs() < 3e38);
        values && self.entries().all(|(entry, off)| entry + off < 0.99 * self.range.largest)
    }

    /// Whether a number of the exact answer, which is the only right one, is clearly too large for the kind.
    fn cannot_fit(&self) -> bool {
        !self.allowed.open && self.entries().any(|(entry, off)| entry - off > 1.01 * self.range.largest)
    }

    /// The sizes of the exact gradient's entries, and how far they may be off.
    fn entries(&self) -> impl Iterator<Item = (f64, f64)> {
        let gradient = self.exact.iter().flat_map(|exact| parts(exact).2);
        let rows = gradient.zip(&self.allowed.rows).zip(&self.norms).flat_map(|((array, off), norms)| {
            let off = off.iter().zip(norms).map(|(off, norm)| off / norm);
            array.rows.into_iter().zip(off.collect::<Vec<_>>())
        });
        rows.flat_map(|(row, off)| row.into_iter().map(move |entry| (entry.abs(), off)))
    }

    /// Whether there is one right gradient, which the kind can hold.
    pub(super) fn compares_gradients(&self) -> bool {
        !self.allowed.open && self.fits()
    }

    /// What is wrong with an answer, and how near the errors of one with one right gradient came to what is allowed.
    pub(super) fn judge(&self, found: &Result<Answer, Error>) -> Result<(f64, String), String> {
        let found = match found {
            Ok(found) => found,
            Err(Error::Overflow { value, argument, .. }) if value.is_nan() => {
                return Err(format!("{argument} = NaN (fits: {})", self.fits()));
            }
            Err(Error::Overflow { .. }) if !self.fits() => return Ok((0.0, String::new())),
            Err(error) => return Err(format!("refused: {error}")),
        };
        let (value, values, gradient) = parts(found);
        let all = values.iter().chain([&value]).chain(gradient.iter().flat_map(|a| a.rows.iter().flatten()));
        if all.into_iter().any(|number| !number.is_finite()) {
            return Err("a number that is not finite".into());
        }
        if self.cannot_fit() {
            return Err("a finite answer, where the exact one is out of range".into());
        }
        let Some(exact) = &self.exact else { return Ok((0.0, String::new())) };
        let (exact_value, exact_values, exact_gradient) = parts(exact);
        let mut worst = (0.0, String::new());
        let mut measure = |what: &str, error: f64, allowed: f64| {
            let ratio = if error == 0.0 { 0.0 } else { error / allowed };
            let message = format!("{what}: error {error:e}, allowed {allowed:e}");
            if ratio > worst.0 {
                worst = (ratio, message.clone());
            }
            if ratio <= 1.0 { Ok(()) } else { Err(message) }
        };
        let mut mean = 0.0;
        for (i, (found, exact)) in values.iter().zip(exact_values).enumerate() {
            let allowed = self.allowed.per_anchor[i] + 2.0 * self.range.unit * exact.abs() + self.range.tiny;
            mean += allowed / values.len() as f64;
            measure(&format!("per_anchor[{i}] = {found:e}, not {exact:e}"), (found - exact).abs(), allowed)?;
        }
        mean += 4.0 * self.range.unit * exact_value.abs();
        measure(&format!("value = {value:e}, not {exact_value:e}"), (value - exact_value).abs(), mean)?;
        if !self.compares_gradients() {
            // Whatever lies between two branches is right, so nearness says nothing.
            return Ok((0.0, String::new()));
        }
        for (k, (found, exact)) in gradient.iter().zip(&exact_gradient).enumerate() {
            let (error, allowed) = self.gradient(k, found, exact);
            measure(&format!("gradient.{}", found.name), error, allowed)?;
        }
        Ok(worst)
    }

    fn gradient(&self, k: usize, found: &Array, exact: &Array) -> (f64, f64) {
        let (mut error, mut rounding, mut arithmetic) = (0.0, 0.0, 0.0);
        for (i, (found, exact)) in found.rows.iter().zip(&exact.rows).enumerate() {
            let norm = self.norms[k][i];
            for (found, exact) in found.iter().zip(exact) {
                error += ((found - exact) * norm).powi(2);
                rounding += ((exact.abs() * self.range.gradient_unit + self.range.least) * norm).powi(2);
            }
            arithmetic += (self.allowed.rows[k][i] + 1e3 * self.range.tiny).powi(2);
        }
        (error.sqrt(), 1.5 * rounding.sqrt() + arithmetic.sqrt())
    }
}

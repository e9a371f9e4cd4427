//! The true value and gradient of a request.

use crate::arrays::Arrays;
use crate::big::{Big, at_precision};
use crate::formula::Formula;
use crate::tape::{Derivative, Var};
use crate::{batch, sheet::Sheet, supervised, tuples};
use intnacl_reference::{Request, Settings};

/// The truth about the result of one request.
pub struct Truth {
    pub value: Big,
    pub per_anchor: Vec<Big>,
    /// In the order of [`Arrays::arrays`].
    pub gradient: Vec<ArrayTruth>,
    pub precision: Precision,
}

/// The gradient by one array.
pub struct ArrayTruth {
    pub name: String,
    pub rows: Vec<Vec<Big>>,
    /// The binary exponent of the largest number that was added up anywhere on the way to an entry.
    pub terms: Option<i64>,
}

impl ArrayTruth {
    pub fn new(name: &str, rows: &[Vec<Derivative>]) -> Self {
        let values = |row: &Vec<Derivative>| row.iter().map(|entry| entry.value.clone()).collect();
        Self {
            name: name.to_owned(),
            rows: rows.iter().map(values).collect(),
            terms: rows.iter().flatten().filter_map(|entry| entry.terms).max(),
        }
    }

    pub fn name_and_shape(&self) -> (String, (usize, usize)) {
        (self.name.clone(), (self.rows.len(), self.rows.first().map_or(0, Vec::len)))
    }
}

/// The bits that a request is worked out with, and what can be told from rounding residue then.
#[derive(Debug, Clone, Copy)]
pub struct Precision {
    pub bits: usize,
    /// A sum whose terms cancel below `2^-resolved` of the largest of them is zero.
    pub resolved: i64,
}

impl Precision {
    /// Room for quantities that differ by a factor of up to `2^spread` to cancel, twice: once in the numbers
    /// (the floored difference of g1 and g2), and once more in the sums of a gradient. Beside that, rows a last
    /// place apart have derivatives by scores that cancel to `2^-106` and again as much in sums over rows.
    fn for_spread(spread: f64) -> Self {
        let spread = spread.ceil() as usize;
        Self { bits: 384 + 2 * spread, resolved: 340 + spread as i64 }
    }

    /// Kernels differ by up to `e^{2/t} < 2^{3/t}`.
    pub fn for_temperature(temperature: f64) -> Self {
        Self::for_spread(3.0 / temperature)
    }

    /// The weights `h^β` of g2 differ by more. What lies below `2^-1100` of another number is of no concern to
    /// an f64, but where kernels of up to `e^{1/t}` multiply it.
    fn for_hardness(temperature: f64, beta: f64) -> Self {
        let kernels = 3.0 / temperature;
        Self::for_spread((kernels * (beta + 1.0)).min(kernels + 1100.0))
    }

    /// Whether something of the binary exponent `size` is what rounding left of terms of the exponent `terms`;
    /// none where that is not clear.
    pub fn is_residue(&self, size: Option<i64>, terms: Option<i64>) -> Option<bool> {
        let (Some(size), Some(terms)) = (size, terms) else { return Some(true) };
        let lost = terms - size;
        let unclear = self.resolved - 40..self.resolved;
        (!unclear.contains(&lost)).then_some(lost >= self.resolved)
    }
}

/// A change of one entry of the data, for difference quotients.
#[derive(Debug, Clone)]
pub struct Nudge {
    pub array: String,
    pub row: usize,
    pub column: usize,
    pub by: Big,
}

impl Truth {
    pub fn of(request: &Request) -> Self {
        Self::nudged(request, None)
    }

    /// The truth about the request with one entry of its data changed.
    pub fn nudged(request: &Request, nudge: Option<&Nudge>) -> Self {
        let precision = match request {
            Request::Tuples { settings, .. } | Request::Batch { settings, .. } => {
                Precision::for_temperature(settings.temperature)
            }
            Request::Supervised { data, .. } => Precision::for_spread(supervised::spread(data)),
        };
        Self::at(request, nudge, precision)
    }

    /// The truth where even sums are known that cancel down to what the weights of g2 make tiny.
    pub fn finest(request: &Request) -> Self {
        let precision = match request {
            Request::Tuples { loss, settings, .. } | Request::Batch { loss, settings, .. } => {
                Precision::for_hardness(settings.temperature, Formula::of(loss).hardness())
            }
            Request::Supervised { data, .. } => Precision::for_spread(supervised::spread(data)),
        };
        Self::at(request, None, precision)
    }

    pub fn at(request: &Request, nudge: Option<&Nudge>, precision: Precision) -> Self {
        at_precision(precision.bits, || {
            let sheet = |settings: &Settings| Sheet::new(request.arrays(), settings, precision, nudge);
            match request {
                Request::Tuples { loss, settings, data } => {
                    let mut sheet = sheet(settings);
                    let anchors = tuples::anchors(&mut sheet, loss, data.anchor.nrows());
                    Self::mean(sheet, &anchors)
                }
                Request::Batch { loss, settings, data } => {
                    let mut sheet = sheet(settings);
                    let images = batch::images(&mut sheet, loss, data.symmetric);
                    Self::mean(sheet, &images)
                }
                Request::Supervised { objective, data } => {
                    supervised::truth(*objective, data, precision, nudge)
                }
            }
        })
    }

    fn mean(mut sheet: Sheet, terms: &[Var]) -> Self {
        let total = sheet.tape.mean(terms);
        Self {
            value: sheet.tape.value(total).clone(),
            per_anchor: terms.iter().map(|&term| sheet.tape.value(term).clone()).collect(),
            gradient: sheet.gradient(total),
            precision: sheet.precision,
        }
    }
}

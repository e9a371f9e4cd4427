//! Errors of an answer, in units in the last place and in units of a norm.

use crate::arrays::{Arrays, Named};
use crate::big::{Big, at_precision};
use crate::budget::{NEGLIGIBLE, Quantity};
use crate::truth::{ArrayTruth, Precision, Truth};
use intnacl_reference::Answer;
use nalgebra::DMatrix;

/// The smallest positive f64 is `2^-1074`.
const SMALLEST: i64 = -1074;

/// One error of one answer.
#[derive(Debug, Clone)]
pub struct Deviation {
    pub quantity: Quantity,
    /// Which anchor, or which array.
    pub place: String,
    /// In the unit of the budget; infinite where zero was due, or where the shape is wrong.
    pub units: f64,
    /// The number found and the true one: values, or norms.
    pub found: f64,
    pub truth: f64,
    /// Zero was found for a gradient that has cancelled to almost nothing.
    pub cancelled: bool,
}

/// Every error of `answer`; none if the truth has too few bits to tell.
pub fn deviations(answer: &Answer, truth: &Truth) -> Option<Vec<Deviation>> {
    let (value, per_anchor) = match answer {
        Answer::Tuples(evaluation) => (evaluation.value, &evaluation.per_anchor),
        Answer::Batch(evaluation) => (evaluation.value, &evaluation.per_anchor),
        Answer::Supervised(evaluation) => (evaluation.value, &evaluation.per_anchor),
    };
    // Differences of a result and the truth: 192 bits keep the part that f64 lacks.
    at_precision(192, || {
        let mut all = vec![of_number(Quantity::Value, "value".to_owned(), value, &truth.value)];
        if per_anchor.len() != truth.per_anchor.len() {
            all.push(misshapen(Quantity::PerAnchor, "length"));
        }
        for (index, (found, truth)) in per_anchor.iter().zip(&truth.per_anchor).enumerate() {
            all.push(of_number(Quantity::PerAnchor, format!("per_anchor[{index}]"), *found, truth));
        }
        let found = answer.arrays();
        let names = |(name, matrix): &Named<'_>| (name.clone(), matrix.shape());
        if found.iter().map(names).ne(truth.gradient.iter().map(ArrayTruth::name_and_shape)) {
            all.push(misshapen(Quantity::Gradient, "gradient"));
            return Some(all);
        }
        let sizes = found.iter().zip(&truth.gradient).map(|((_, matrix), array)| Sizes::of(matrix, array));
        // In tuples a list has a matrix for each anchor, parts of one array; in a batch each is a view.
        let whole = |name: &'_ str| match answer {
            Answer::Tuples(_) => name.split('[').next().unwrap_or_default().to_owned(),
            Answer::Batch(_) | Answer::Supervised(_) => name.to_owned(),
        };
        let mut wholes: Vec<(String, Sizes)> = Vec::new();
        for (array, sizes) in truth.gradient.iter().zip(sizes) {
            if !sizes.is_zero_where_untouched() {
                all.push(sizes.deviation(Quantity::Gradient, &array.name, f64::INFINITY));
            } else if sizes.lost() < NEGLIGIBLE {
                all.push(sizes.deviation(Quantity::Matrix, &array.name, sizes.units()));
            }
            let name = whole(&array.name);
            match wholes.last_mut() {
                Some((last, sum)) if *last == name => sum.add(&sizes),
                _ => wholes.push((name, sizes)),
            }
        }
        for (name, sizes) in wholes {
            all.push(sizes.judge(&name, truth.precision)?);
        }
        Some(all)
    })
}

fn misshapen(quantity: Quantity, place: &str) -> Deviation {
    let place = format!("{place} (shape)");
    Deviation { quantity, place, units: f64::INFINITY, found: f64::NAN, truth: f64::NAN, cancelled: false }
}

/// In units in the last place of the f64s around the truth.
fn of_number(quantity: Quantity, place: String, found: f64, truth: &Big) -> Deviation {
    let ulp = truth.exponent().map_or(SMALLEST, |exponent| (exponent - 53).max(SMALLEST));
    let units = if found.is_finite() {
        let error = (&Big::from(found) - truth).abs();
        (&error / &Big::power_of_two(ulp as i32)).to_f64()
    } else {
        f64::INFINITY
    };
    Deviation { quantity, place, units, found, truth: truth.to_f64(), cancelled: false }
}

/// Squared norms over a matrix, or over all that belong to an array.
struct Sizes {
    error: Big,
    truth: Big,
    /// None if an entry is not finite.
    found: Option<Big>,
    entries: f64,
    /// The number of terms, like [`ArrayTruth::terms`].
    terms: Option<i64>,
}

impl Sizes {
    fn of(found: &DMatrix<f64>, array: &ArrayTruth) -> Self {
        let mut sizes = Self {
            error: Big::zero(),
            truth: Big::zero(),
            found: found.iter().all(|entry| entry.is_finite()).then(Big::zero),
            entries: found.len() as f64,
            terms: array.terms,
        };
        for (i, row) in array.rows.iter().enumerate() {
            for (j, entry) in row.iter().enumerate() {
                sizes.truth += &(entry * entry);
                if let Some(square) = &mut sizes.found {
                    let found = Big::from(found[(i, j)]);
                    *square += &(&found * &found);
                    let difference = &found - entry;
                    sizes.error += &(&difference * &difference);
                }
            }
        }
        sizes
    }

    fn add(&mut self, other: &Self) {
        self.error += &other.error;
        self.truth += &other.truth;
        self.found = self.found.as_ref().zip(other.found.as_ref()).map(|(a, b)| a + b);
        self.entries += other.entries;
        self.terms = self.terms.max(other.terms);
    }

    fn found_nothing(&self) -> bool {
        self.found.as_ref().is_some_and(Big::is_zero)
    }

    /// Where no score with a derivative reaches, nothing may be found.
    fn is_zero_where_untouched(&self) -> bool {
        self.terms.is_some() || self.found_nothing()
    }

    /// The bits that cancellation took from the true norm.
    fn lost(&self) -> i64 {
        let size = self.truth.sqrt().exponent();
        size.zip(self.terms).map_or(i64::MAX, |(size, terms)| terms - size)
    }

    /// The error as it counts for the gradient; none if the truth has too few bits.
    fn judge(&self, name: &str, precision: Precision) -> Option<Deviation> {
        let deviation = |units| self.deviation(Quantity::Gradient, name, units);
        let residue = precision.is_residue(self.truth.sqrt().exponent(), self.terms);
        if self.found_nothing() && self.lost() >= NEGLIGIBLE {
            return Some(Deviation { cancelled: residue == Some(false), ..deviation(0.0) });
        }
        residue.map(|residue| deviation(if residue { f64::INFINITY } else { self.units() }))
    }

    /// The error in units of `2^-53` of the true norm.
    fn units(&self) -> f64 {
        if self.found.is_none() {
            return f64::INFINITY;
        }
        // Entries below 2^-1022 have fewer bits to be right in: half of their last place is allowed to each.
        let subnormal = &Big::power_of_two(SMALLEST as i32 - 1) * &Big::from(self.entries).sqrt();
        let excess = &self.error.sqrt() - &subnormal;
        if excess < Big::zero() {
            return 0.0;
        }
        (&excess / &(&self.truth.sqrt() * &Big::power_of_two(-53))).to_f64()
    }

    fn deviation(&self, quantity: Quantity, place: &str, units: f64) -> Deviation {
        let found = self.found.as_ref().map_or(f64::NAN, |square| square.sqrt().to_f64());
        let truth = self.truth.sqrt().to_f64();
        Deviation { quantity, place: place.to_owned(), units, found, truth, cancelled: false }
    }
}

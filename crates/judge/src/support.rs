//! What an implementation claims to answer.

use crate::Case;
use intnacl_reference::inside;
use intnacl_reference::inside::Problems;
use intnacl_reference::{Batch, Loss, Settings, Tuples};
use intnacl_vocabulary::Embeddings;
use std::ops::RangeInclusive;

/// What an implementation claims to answer.
///
/// A law whose requests are outside says nothing of the implementation. Arrays that it does not take are left out, and
/// where it answers batches alone, laws of tuples are put to it in their form for batches, as far as they have one.
#[derive(Debug, Clone, PartialEq)]
pub struct Support {
    /// The temperatures, of embeddings of norm 1; where both ends are the same, it takes no other at any norm.
    pub temperatures: RangeInclusive<f64>,
    /// The largest exponent that its kernels and their sums may have, `max(2, β+1)/t + log n`: sums of plain
    /// exponentials are right up to about 55 in binary32 and 460 in binary64, and up to 80 and 700 once the anchor's
    /// largest score is taken out.
    pub largest_exponent: f64,
    /// The names of the losses; without them, all.
    pub losses: Option<Vec<String>>,
    /// Whether it answers requests in the tuple layout.
    pub tuples: bool,
    /// Whether it answers requests in the batch layout.
    pub batches: bool,
    /// The only loss with its parameters, where these are fixed.
    pub fixed: Option<Loss>,
    /// The only value of `normalize`, where it is no argument.
    pub normalize: Option<bool>,
    /// Whether rows that are taken as they are given may leave the sphere.
    pub off_the_sphere: bool,
    /// The only value of a batch's `symmetric`, where it is no argument.
    pub symmetric: Option<bool>,
    /// The only `M` of batches: their views, less one.
    pub positives: Option<usize>,
    /// The names of the optional arrays that it takes; without them, all.
    pub arrays: Option<Vec<String>>,
    /// The names of those that it cannot do without.
    pub needs: Vec<String>,
}

impl Default for Support {
    /// Every loss in both layouts, at every temperature that the laws draw, and no limit on exponents.
    fn default() -> Self {
        Self {
            temperatures: 1e-3..=10.0,
            largest_exponent: f64::INFINITY,
            losses: None,
            tuples: true,
            batches: true,
            fixed: None,
            normalize: None,
            off_the_sphere: true,
            symmetric: None,
            positives: None,
            arrays: None,
            needs: Vec::new(),
        }
    }
}

/// Arrays that a request may leave out.
const OPTIONAL: [&str; 5] =
    ["debias_positives", "mixed", "mixed_negatives", "adversarial", "adversarial_negatives"];

impl Support {
    /// Whether a loss is among the claimed ones.
    pub fn has(&self, loss: &str) -> bool {
        self.losses.as_ref().is_none_or(|losses| losses.iter().any(|name| name == loss))
    }

    /// Whether it takes an array that a request may leave out.
    fn takes(&self, array: &str) -> bool {
        self.arrays.as_ref().is_none_or(|arrays| arrays.iter().any(|name| name == array))
    }

    /// A drawn case, made one that is claimed, as far as that is one of conventions, of the number of views or of the temperature;
    /// a temperature outside goes anywhere into the range, by the case's seed.
    pub fn adapted(&self, mut case: Case) -> Case {
        case.normalize = self.normalize.unwrap_or(case.normalize);
        case.symmetric = self.symmetric.unwrap_or(case.symmetric);
        case.positives = self.positives.unwrap_or(case.positives);
        let (low, high) = (*self.temperatures.start(), *self.temperatures.end());
        if !self.temperatures.contains(&case.temperature) {
            let share = (case.seed % 1000) as f64 / 999.0;
            case.temperature = (low * (high / low).powf(share)).clamp(low, high);
        }
        case
    }

    /// A batch without the arrays that it does not take.
    pub(crate) fn batch(&self, data: Batch) -> Batch {
        Batch {
            mixed: data.mixed.filter(|_| self.takes("mixed")),
            adversarial: data.adversarial.filter(|_| self.takes("adversarial")),
            ..data
        }
    }

    /// Tuples without the arrays that it does not take.
    pub(crate) fn tuples(&self, data: Tuples) -> Tuples {
        Tuples {
            debias_positives: data.debias_positives.filter(|_| self.takes("debias_positives")),
            mixed: data.mixed.filter(|_| self.takes("mixed")),
            mixed_negatives: data.mixed_negatives.filter(|_| self.takes("mixed_negatives")),
            adversarial: data.adversarial.filter(|_| self.takes("adversarial")),
            adversarial_negatives: data.adversarial_negatives.filter(|_| self.takes("adversarial_negatives")),
            ..data
        }
    }

    /// What an evaluation of validated data asks for beyond what is claimed, if anything.
    pub(crate) fn lacks<L: Problems>(
        &self,
        loss: &Loss,
        data: &L,
        settings: &Settings,
    ) -> Option<&'static str> {
        let (layout, symmetric, positives) = match data.embeddings() {
            Embeddings::Tuples(_) => (self.tuples, None, None),
            Embeddings::Batch(batch) => (self.batches, Some(batch.symmetric), Some(batch.views.len() - 1)),
        };
        let differs = |claimed: Option<bool>, asked: bool| claimed.is_some_and(|claimed| claimed != asked);
        if !self.has(loss.name()) {
            return Some("another loss");
        }
        if !layout {
            return Some("another layout");
        }
        if self.fixed.is_some_and(|fixed| fixed != *loss) {
            return Some("other parameters");
        }
        if differs(self.normalize, settings.normalize) {
            return Some(if settings.normalize { "rows of any norm" } else { "rows as they are given" });
        }
        // Laws that move or scale rows say so by their tolerance.
        if !self.off_the_sphere && !settings.normalize && settings.norm_tolerance >= 1.0 {
            return Some("rows off the sphere");
        }
        if symmetric.is_some_and(|asked| differs(self.symmetric, asked)) {
            return Some("other anchors");
        }
        if positives.is_some_and(|asked| self.positives.is_some_and(|claimed| claimed != asked)) {
            return Some("another number of views");
        }
        let arrays = data.matrices();
        let names = || arrays.iter().map(|(name, _)| name.split('[').next().unwrap_or(name));
        if self.needs.iter().any(|needed| !names().any(|name| name == needed)) {
            return Some("an array to be left out");
        }
        if names().any(|name| OPTIONAL.contains(&name) && !self.takes(name)) {
            return Some("arrays that are not taken");
        }
        let problem = data.problem(loss);
        // Scores reach radius²/t; a radius of nearly 1 is 1, rounded.
        let radius = problem.radius(settings.normalize);
        let radius = if radius < 1.01 { 1.0 } else { radius };
        let t = settings.temperature / (radius * radius);
        let (low, high) = (0.99 * self.temperatures.start(), 1.01 * self.temperatures.end());
        let is_one = self.temperatures.start() == self.temperatures.end();
        if !(low..=high).contains(&t) || is_one && !(low..=high).contains(&settings.temperature) {
            return Some("other temperatures");
        }
        let kernels = (problem.rows.len() / problem.d) as f64;
        let exponent = (inside::hardness(loss) + 1.0).max(2.0) / t + kernels.ln();
        (exponent > self.largest_exponent).then_some("larger exponents")
    }
}

//! The losses, a file an equation, as functions of one image's scores.

mod adversarial;
mod debiased;
mod hard_negative;
mod int_cl;
mod int_nacl;
mod mix_nca;
mod nca;
mod robust;
mod simclr;
mod single;

use crate::real::Real;
use crate::score::{Arithmetic, Contrast, Scores, Term, Trust};
use crate::vocabulary::Loss;

/// A part of an image's scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Clean,
    Mixed,
    Robust,
}

/// The mean of a term over the contrasts of one part.
pub(crate) struct PartTerm<R> {
    part: Part,
    value: R,
    gradient: Vec<Contrast<R>>,
    trust: Trust,
}

/// A loss of one image, summed up term by term, with its gradient by the image's scores.
pub(crate) struct Total<'a, R: Real> {
    scores: &'a Scores<R>,
    field: &'a Arithmetic<R>,
    coefficient: f64,
    pub(crate) value: R,
    /// Lists that are shorter than the scores' stand for trailing zeros.
    pub(crate) gradient: Scores<R>,
    pub(crate) trust: Trust,
}

impl<'a, R: Real> Total<'a, R> {
    fn new(scores: &'a Scores<R>, field: &'a Arithmetic<R>) -> Self {
        let nothing = |part: &[Contrast<R>]| {
            let none = Contrast { positives: Vec::new(), negatives: Vec::new(), debias: Vec::new() };
            vec![none; part.len()]
        };
        let gradient = Scores {
            clean: nothing(&scores.clean),
            mixed: nothing(&scores.mixed),
            robust: nothing(&scores.robust),
        };
        Self { scores, field, coefficient: 1.0, value: field.number(0.0), gradient, trust: Trust::FULL }
    }

    /// The mean of `term` over the contrasts of `part`; 0 where there are none.
    fn mean(&self, part: Part, term: impl Fn(&Contrast<R>, &Arithmetic<R>) -> Term<R>) -> PartTerm<R> {
        let contrasts = match part {
            Part::Clean => &self.scores.clean,
            Part::Mixed => &self.scores.mixed,
            Part::Robust => &self.scores.robust,
        };
        let mut mean =
            PartTerm { part, value: self.field.number(0.0), gradient: Vec::new(), trust: Trust::FULL };
        for contrast in contrasts {
            let term = term(contrast, self.field);
            mean.value = mean.value + &term.value;
            mean.trust = mean.trust.and(term.trust);
            mean.gradient.push(term.gradient);
        }
        if contrasts.len() > 1 {
            let share = self.field.number(1.0) / &self.field.number(contrasts.len() as f64);
            mean.scale(&share);
        }
        mean
    }

    /// Adds the mean of `term` over the contrasts of `part`.
    fn add_mean(&mut self, part: Part, term: impl Fn(&Contrast<R>, &Arithmetic<R>) -> Term<R>) {
        let mean = self.mean(part, term);
        self.add(mean);
    }

    /// Runs `terms` with every term that it adds multiplied by `coefficient`.
    fn times(&mut self, coefficient: f64, terms: impl FnOnce(&mut Self)) {
        if coefficient == 0.0 {
            return;
        }
        let before = std::mem::replace(&mut self.coefficient, coefficient);
        terms(self);
        self.coefficient = before;
    }

    fn add(&mut self, mut term: PartTerm<R>) {
        if self.coefficient != 1.0 {
            term.scale(&self.field.number(self.coefficient));
        }
        self.value = self.value.clone() + &term.value;
        self.trust = self.trust.and(term.trust);
        let parts = match term.part {
            Part::Clean => &mut self.gradient.clean,
            Part::Mixed => &mut self.gradient.mixed,
            Part::Robust => &mut self.gradient.robust,
        };
        for (into, from) in parts.iter_mut().zip(term.gradient) {
            add_list(&mut into.positives, from.positives);
            add_list(&mut into.negatives, from.negatives);
            add_list(&mut into.debias, from.debias);
        }
    }

    /// Adds `weight · term`; the gradient of `weight` only where it flows.
    fn add_product(&mut self, mut weight: PartTerm<R>, mut term: PartTerm<R>, weight_flows: bool) {
        let (weight_value, term_value) = (weight.value.clone(), term.value.clone());
        let trust = weight.trust.and(term.trust);
        term.scale(&weight_value);
        term.trust = trust;
        self.add(term);
        if weight_flows {
            weight.scale(&term_value);
            // The product's value is in the sum already.
            weight.value = self.field.number(0.0);
            self.add(weight);
        }
    }
}

impl<R: Real> PartTerm<R> {
    fn scale(&mut self, factor: &R) {
        self.value = self.value.clone() * factor;
        for contrast in &mut self.gradient {
            R::scale_all(&mut contrast.positives, factor);
            R::scale_all(&mut contrast.negatives, factor);
            R::scale_all(&mut contrast.debias, factor);
        }
    }
}

fn add_list<R: Real>(into: &mut Vec<R>, from: Vec<R>) {
    if into.is_empty() {
        *into = from;
        return;
    }
    let common = into.len().min(from.len());
    for (into, x) in into.iter_mut().zip(&from) {
        *into = into.clone() + x;
    }
    into.extend(from.into_iter().skip(common));
}

/// The losses, as functions of scores.
pub(crate) trait OfScores {
    /// The loss of one image and its gradient by the image's scores.
    fn of_scores<'a, R: Real>(&self, scores: &'a Scores<R>, field: &'a Arithmetic<R>) -> Total<'a, R>;
}

impl OfScores for Loss {
    fn of_scores<'a, R: Real>(&self, scores: &'a Scores<R>, field: &'a Arithmetic<R>) -> Total<'a, R> {
        let mut sum = Total::new(scores, field);
        let total = &mut sum;
        match *self {
            Loss::SimClr => total.add_mean(Part::Clean, simclr::simclr),
            Loss::Debiased { tau_plus } => {
                total.add_mean(Part::Clean, |contrast, field| debiased::debiased(contrast, tau_plus, field));
            }
            Loss::HardNegative { tau_plus, beta } => total.add_mean(Part::Clean, |contrast, field| {
                hard_negative::hard_negative(contrast, tau_plus, beta, field)
            }),
            Loss::Adversarial { alpha } => adversarial::adversarial(total, alpha),
            Loss::Nca { negatives } => {
                total.add_mean(Part::Clean, |contrast, field| nca::nca(contrast, negatives, field));
            }
            Loss::MixNca { negatives, lambda } => mix_nca::mix_nca(total, negatives, lambda),
            Loss::Robust { negatives, weight, weight_negatives } => {
                robust::robust(total, negatives, weight, weight_negatives);
            }
            Loss::IntCl { negatives, alpha, robust } => int_cl::int_cl(total, negatives, alpha, robust),
            Loss::IntNaCl { negatives, alpha, robust, neighborhood } => {
                int_nacl::int_nacl(total, negatives, alpha, robust, neighborhood);
            }
        }
        sum
    }
}

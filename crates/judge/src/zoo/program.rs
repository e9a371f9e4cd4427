//! A program: rows to scores, scores to a loss on a tape, and back.

use super::Bug;
use super::style::{Contrast, Style, Term};
use super::tape::{Element, Tape, Var};
use crate::side::InRequest;
use crate::{Float, Implementation, Support};
use intnacl_reference::Batch;
use intnacl_reference::EvaluateRequest;
use intnacl_reference::inside::Scores;
use intnacl_reference::inside::{ContrastRoles, Problem};
use intnacl_reference::{Answer, Request};
use intnacl_reference::{Evaluation, Loss, Negatives, Neighborhood, RobustTerm, Settings, Tuples, Weight};
use nalgebra::DMatrix;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A program in one style and one type, with a slip or without.
#[derive(Debug)]
pub struct Program {
    style: Style,
    float: Float,
    bug: Option<Bug>,
    /// The gradient of the last request of each size.
    last: Mutex<BTreeMap<usize, Vec<f64>>>,
}

impl Clone for Program {
    /// The same program, started anew.
    fn clone(&self) -> Self {
        Self { last: Mutex::default(), ..*self }
    }
}

impl Program {
    /// A right program.
    pub fn new(style: Style, float: Float) -> Self {
        Self { style, float, bug: None, last: Mutex::default() }
    }

    /// The same program with a slip.
    pub fn with(self, bug: Bug) -> Self {
        Self { bug: Some(bug), ..self }
    }
}

impl Implementation for Program {
    fn float(&self) -> Float {
        self.float
    }

    fn support(&self) -> Support {
        let declares = self.style.forms_kernels()
            && !matches!(self.bug, Some(Bug::NoRangeDeclared | Bug::OneMaximumForAll));
        // The derivative of P/(P+Q) by Q is P/(P+Q)², whose exponent is half as large again as that of the quotient.
        let largest_exponent = match (self.float, self.style) {
            _ if !declares => f64::INFINITY,
            (Float::F64, Style::Naive) => 460.0,
            (Float::F64, _) => 700.0,
            (_, Style::Naive) => 55.0,
            _ => 80.0,
        };
        Support { largest_exponent, ..Support::default() }
    }

    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        match request {
            Request::Tuples { loss, settings, data } => {
                let defaults = data.debias_positives.is_none() && self.bug == Some(Bug::WrongDefault);
                let wrong = Tuples { debias_positives: Some(data.negatives.clone()), ..data.clone() };
                let data = if defaults { &wrong } else { data };
                let mut evaluation = self.run(loss, settings, data);
                if defaults {
                    evaluation.gradient.debias_positives = None;
                }
                Ok(Answer::Tuples(evaluation))
            }
            Request::Batch { loss, settings, data } => {
                let mut evaluation = match self.bug {
                    Some(Bug::OneDirection) => {
                        self.run(loss, settings, &Batch { symmetric: false, ..data.clone() })
                    }
                    Some(Bug::OtherOrderOfViews) => {
                        let mut evaluation = self.run(loss, settings, &reordered(data, interleaved));
                        evaluation.gradient = reordered(&evaluation.gradient, stacked);
                        evaluation
                    }
                    _ => self.run(loss, settings, data),
                };
                evaluation.gradient.symmetric = data.symmetric;
                Ok(Answer::Batch(evaluation))
            }
            // Supervised NCA has no styles here: the right answer, in the type.
            Request::Supervised { .. } => request.evaluate().map_err(|error| error.to_string()),
        }
    }
}

/// The rows of both views, one below the other, read in another order.
fn reordered(batch: &Batch, source: impl Fn(usize, usize) -> usize) -> Batch {
    let (b, d) = batch.views[0].shape();
    let row = |k: usize| batch.views[k / b].row(k % b);
    let view = |v: usize| DMatrix::from_fn(b, d, |i, k| row(source(v * b + i, b))[k]);
    let views = [view(0), view(1)].into_iter().chain(batch.views[2..].iter().cloned()).collect();
    Batch { views, ..batch.clone() }
}

/// The row that stands at `k` where the views of an image are neighbours.
fn interleaved(k: usize, b: usize) -> usize {
    2 * (k % b) + k / b
}

/// The inverse.
fn stacked(k: usize, b: usize) -> usize {
    k / 2 + (k % 2) * b
}

impl Program {
    fn run<L: InRequest>(&self, loss: &Loss, settings: &Settings, data: &L) -> Evaluation<L> {
        match self.float {
            Float::F64 => self.compute::<f64, L>(loss, settings, data),
            _ => self.compute::<f32, L>(loss, settings, data),
        }
    }

    fn compute<F: Element, L: InRequest>(&self, loss: &Loss, settings: &Settings, data: &L) -> Evaluation<L> {
        let problem = data.problem(loss);
        let rows = Rows::<F>::new(&problem, settings.normalize, self.bug);
        let t = F::of(settings.temperature);
        let largest_of_all = problem
            .images
            .iter()
            .flat_map(|roles| roles.all())
            .flat_map(|contrast| {
                let lists = [&contrast.positives, &contrast.negatives, &contrast.debias];
                let rows = &rows;
                lists
                    .into_iter()
                    .flatten()
                    .cloned()
                    .flatten()
                    .map(move |row| rows.dot(contrast.anchor, row) / t)
            })
            .fold(f64::NEG_INFINITY, |largest, score| largest.max(score.to_f64()));

        let count = problem.images.len() as f64;
        let mean = if self.bug == Some(Bug::SumForMean) { 1.0 } else { count };
        let mut gradient = vec![F::of(0.0); problem.rows.len()];
        let mut per_anchor = Vec::with_capacity(problem.images.len());
        let mut sum = F::of(0.0);
        for roles in &problem.images {
            let tape = RefCell::new(Tape::<F>::new());
            let scores = roles.scores(|contrast, ranges| {
                let mut tape = tape.borrow_mut();
                let score = |row| tape.leaf(rows.dot(contrast.anchor, row) / t);
                ranges.iter().cloned().flatten().map(score).collect::<Vec<Var>>()
            });
            let mut tape = tape.into_inner();
            let own = |roles: &ContrastRoles| tape.leaf(rows.dot(roles.anchor, roles.anchor) / t);
            let own: Vec<Var> = roles.all().map(own).collect();
            let term = Term {
                tape: &mut tape,
                style: self.style,
                bug: self.bug,
                temperature: settings.temperature,
                largest_of_all,
            };
            let value = Image { term, scores: &scores, own: &own }.loss(loss);
            let slopes = tape.backward(value);
            per_anchor.push(tape.value(value).to_f64());
            sum = sum + tape.value(value);
            let factor = F::of(1.0) / (t * F::of(mean));
            let contrasts = scores.clean.iter().chain(&scores.mixed).chain(&scores.robust);
            for ((roles, contrast), own) in roles.all().zip(contrasts).zip(&own) {
                rows.spread(&mut gradient, Tape::slope(&slopes, *own) * factor, roles.anchor, roles.anchor);
                let lists = [
                    (&roles.positives, &contrast.positives),
                    (&roles.negatives, &contrast.negatives),
                    (&roles.debias, &contrast.debias),
                ];
                for (ranges, vars) in lists {
                    for (row, var) in ranges.iter().cloned().flatten().zip(vars) {
                        let weight = Tape::slope(&slopes, *var) * factor;
                        rows.spread(&mut gradient, weight, roles.anchor, row);
                    }
                }
            }
        }
        rows.through_normalization(&mut gradient, self.bug);
        let mut gradient: Vec<f64> =
            gradient.into_iter().map(|x| self.float.representable(x.to_f64())).collect();
        if self.bug == Some(Bug::GradientAccumulates) {
            let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let before = last.insert(gradient.len(), gradient.clone());
            gradient.iter_mut().zip(before.into_iter().flatten()).for_each(|(x, before)| *x += before);
        }
        Evaluation { value: (sum / F::of(mean)).to_f64(), per_anchor, gradient: data.filled(&gradient) }
    }
}

/// The rows of a problem in a type.
struct Rows<F> {
    d: usize,
    /// How many entries of a row are read.
    read: usize,
    rows: Vec<F>,
    /// The norm that each row was divided by, and whether it was its own.
    norms: Vec<(F, bool)>,
}

impl<F: Element> Rows<F> {
    fn new(problem: &Problem, normalize: bool, bug: Option<Bug>) -> Self {
        let d = problem.d;
        let read = if bug == Some(Bug::ThirteenthEntryLost) { d.min(12) } else { d };
        let mut rows: Vec<F> = problem.rows.iter().map(|&x| F::of(x)).collect();
        let mut norms = Vec::new();
        for row in rows.chunks_exact_mut(d).filter(|_| normalize) {
            let square = |x: F| match bug {
                Some(Bug::NormInHalf) => F::of(Float::F16.representable((x * x).to_f64())),
                _ => x * x,
            };
            let norm = row.iter().fold(F::of(0.0), |sum, x| sum + square(*x)).sqrt();
            let least = F::of(if bug == Some(Bug::NormClamped) { 1e-2 } else { 0.0 });
            let own = norm > least;
            let norm = if own { norm } else { least };
            row.iter_mut().for_each(|x| *x = *x / norm);
            norms.push((norm, own));
        }
        Self { d, read, rows, norms }
    }

    fn row(&self, row: usize) -> &[F] {
        &self.rows[row * self.d..][..self.read]
    }

    fn dot(&self, a: usize, b: usize) -> F {
        self.row(a).iter().zip(self.row(b)).fold(F::of(0.0), |sum, (x, y)| sum + *x * *y)
    }

    fn spread(&self, gradient: &mut [F], weight: F, a: usize, b: usize) {
        for (into, from) in [(a, b), (b, a)] {
            for (x, y) in gradient[into * self.d..].iter_mut().zip(self.row(from)) {
                *x = *x + weight * *y;
            }
        }
    }

    fn through_normalization(&self, gradient: &mut [F], bug: Option<Bug>) {
        if bug == Some(Bug::NormalizationNotDifferentiated) {
            return;
        }
        let rows = self.rows.chunks_exact(self.d).zip(gradient.chunks_exact_mut(self.d));
        for ((row, gradient), (norm, own)) in rows.zip(&self.norms) {
            let mut radial = row.iter().zip(&*gradient).fold(F::of(0.0), |sum, (z, g)| sum + *z * *g);
            if !own {
                radial = F::of(0.0);
            }
            gradient.iter_mut().zip(row).for_each(|(g, z)| *g = (*g - *z * radial) / *norm);
        }
    }
}

/// The loss of one image, put together from its terms.
struct Image<'a, F> {
    term: Term<'a, F>,
    scores: &'a Scores<Var>,
    /// The score of each contrast's anchor with itself, in the order of all contrasts.
    own: &'a [Var],
}

impl<F: Element> Image<'_, F> {
    fn loss(&mut self, loss: &Loss) -> Var {
        let robust_of = |negatives, weight| RobustTerm { negatives, weight };
        match *loss {
            Loss::SimClr => self.clean(Negatives::G0, false),
            Loss::Debiased { tau_plus } => self.clean(Negatives::G1 { tau_plus }, false),
            Loss::HardNegative { tau_plus, beta } => self.clean(Negatives::G2 { tau_plus, beta }, false),
            Loss::Adversarial { alpha } => {
                let clean = self.clean(Negatives::G0, false);
                self.with_robust(clean, alpha, robust_of(Negatives::G0, Weight::One), Negatives::G0)
            }
            Loss::Nca { negatives } => self.clean(negatives, true),
            Loss::MixNca { negatives, lambda } => {
                let clean = self.clean(negatives, false);
                self.with_mixed(clean, negatives, lambda)
            }
            Loss::Robust { negatives, weight, weight_negatives } => {
                self.robust(robust_of(negatives, weight), weight_negatives)
            }
            Loss::IntCl { negatives, alpha, robust } => {
                let clean = self.clean(negatives, false);
                self.with_robust(clean, alpha, robust, negatives)
            }
            Loss::IntNaCl { negatives, alpha, robust, neighborhood } => {
                let all = !matches!(neighborhood, Neighborhood::MixNca { .. });
                let mut clean = self.clean(negatives, all);
                match neighborhood {
                    Neighborhood::Nca => {}
                    Neighborhood::MixNca { lambda } | Neighborhood::Combined { lambda, joined: true } => {
                        clean = self.with_mixed(clean, negatives, lambda);
                    }
                    Neighborhood::Combined { lambda, joined: false } => {
                        let single = self.clean(negatives, false);
                        clean = self.term.tape.add(clean, single);
                        clean = self.with_mixed(clean, negatives, lambda);
                    }
                }
                self.with_robust(clean, alpha, robust, negatives)
            }
        }
    }

    fn has(&self, bug: Bug) -> bool {
        self.term.bug == Some(bug)
    }

    fn mean(&mut self, terms: &[Var], count: usize) -> Var {
        let sum = self.term.tape.sum(terms);
        self.term.tape.scale(sum, 1.0 / count as f64)
    }

    fn clean(&mut self, negatives: Negatives, all: bool) -> Var {
        let scores = self.scores;
        let all = all || self.has(Bug::AllPositivesRead);
        let contrasts = scores.clean.iter().zip(self.own);
        let terms: Vec<Var> =
            contrasts.map(|(contrast, own)| self.one(contrast, *own, negatives, all)).collect();
        self.mean(&terms, terms.len())
    }

    fn one(&mut self, contrast: &Contrast, own: Var, negatives: Negatives, all: bool) -> Var {
        let mut contrast = contrast.clone();
        if !all {
            contrast.positives.truncate(1);
        }
        if self.has(Bug::FifthPositiveLost) {
            contrast.positives.truncate(4);
        }
        if self.has(Bug::TenthNegativeLost) && contrast.negatives.len() >= 10 {
            contrast.negatives.pop();
        }
        if self.has(Bug::PositiveAmongNegatives) {
            contrast.negatives.push(contrast.positives[0]);
        }
        match self.term.bug {
            Some(Bug::SelfPairKept | Bug::SelfPairSubtracted | Bug::ConstantForSelfPair) => {
                contrast.negatives.push(own);
            }
            Some(Bug::SelfPairZeroed) => contrast.negatives.push(self.term.tape.constant(0.0)),
            Some(Bug::SelfPairMasked) => {
                let masked = self.term.tape.constant(1e-45_f64.ln());
                contrast.negatives.push(self.term.tape.add(own, masked));
            }
            Some(Bug::SelfPairAsPositive) => contrast.positives.push(own),
            Some(Bug::TemperatureForgotten) => {
                let t = self.term.temperature;
                for positive in &mut contrast.positives {
                    *positive = self.term.tape.scale(*positive, t);
                }
            }
            _ => {}
        }
        if self.has(Bug::SumOutsideLogarithm) {
            let each = contrast.positives.clone();
            let terms: Vec<Var> = each
                .into_iter()
                .map(|positive| {
                    let one = Contrast { positives: vec![positive], ..contrast.clone() };
                    self.term.loss(&one, negatives, None)
                })
                .collect();
            return self.mean(&terms, terms.len());
        }
        self.term.loss(&contrast, negatives, None)
    }

    fn with_mixed(&mut self, clean: Var, negatives: Negatives, lambda: f64) -> Var {
        let scores = self.scores;
        if scores.mixed.is_empty() {
            return clean;
        }
        let terms: Vec<Var> =
            scores.mixed.iter().map(|contrast| self.term.loss(contrast, negatives, Some(lambda))).collect();
        let count = terms.len() + usize::from(self.has(Bug::MixedOverM));
        let mixed = self.mean(&terms, count);
        self.term.tape.add(clean, mixed)
    }

    fn with_robust(
        &mut self,
        clean: Var,
        alpha: f64,
        robust: RobustTerm,
        weight_negatives: Negatives,
    ) -> Var {
        if alpha == 0.0 {
            return clean;
        }
        let robust = self.robust(robust, weight_negatives);
        let robust = self.term.tape.scale(robust, alpha);
        self.term.tape.add(clean, robust)
    }

    fn robust(&mut self, robust: RobustTerm, weight_negatives: Negatives) -> Var {
        let scores = self.scores;
        let own = &self.own[scores.clean.len() + scores.mixed.len()..];
        let contrasts = scores.robust.iter().zip(own);
        let terms: Vec<Var> =
            contrasts.map(|(contrast, own)| self.one(contrast, *own, robust.negatives, false)).collect();
        let term = self.mean(&terms, terms.len());
        let flows = match robust.weight {
            Weight::One => return term,
            Weight::Adversarial => self.has(Bug::WeightNotStopped),
            Weight::AdversarialWithGradient => !self.has(Bug::WeightStopped),
        };
        let weight = self.clean(weight_negatives, false);
        let weight = if flows { weight } else { self.term.tape.detached(weight) };
        self.term.tape.mul(weight, term)
    }
}

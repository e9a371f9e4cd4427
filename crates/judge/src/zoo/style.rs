//! How programs write one term: the styles that are right, and slips in them.

use super::Bug;
use super::tape::{Element, Tape, Var};
use intnacl_reference::Negatives;

/// A way to write `-log P/(P + N·G)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Everything as logarithms, the last step a softplus: careful.
    LogDomain,
    /// `logsumexp(all) - positive`, as cross entropy computes it.
    CrossEntropy,
    /// Cross entropy with the mixed terms as binary cross entropy of a logit.
    BinaryCrossEntropy,
    /// Plain exponentials and their sums: right while they stay in range.
    Naive,
    /// Exponentials with the anchor's largest score taken out: right while ratios of kernels stay in range.
    Maximum,
    /// The same, written as a loop that adds one kernel after another.
    StraightLoop,
}

impl Style {
    /// All of them.
    pub const ALL: [Style; 6] = [
        Style::LogDomain,
        Style::CrossEntropy,
        Style::BinaryCrossEntropy,
        Style::Naive,
        Style::Maximum,
        Style::StraightLoop,
    ];

    /// Whether kernels are formed, so that their exponents have to stay in range.
    pub(super) fn forms_kernels(self) -> bool {
        matches!(self, Style::Naive | Style::Maximum | Style::StraightLoop)
    }
}

/// The scores of one anchor on the tape.
pub(super) type Contrast = intnacl_reference::inside::Contrast<Var>;

/// A term that is being written.
pub(super) struct Term<'a, F> {
    pub(super) tape: &'a mut Tape<F>,
    pub(super) style: Style,
    pub(super) bug: Option<Bug>,
    pub(super) temperature: f64,
    /// The largest score of the whole batch, for who takes that out.
    pub(super) largest_of_all: f64,
}

const NO_THRESHOLD: f64 = f64::INFINITY;

impl<F: Element> Term<'_, F> {
    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// What stands for `N`.
    fn count(&self, contrast: &Contrast) -> f64 {
        let n = contrast.negatives.len() as f64;
        match self.bug {
            Some(Bug::OneNegativeTooMany) => n + 1.0,
            Some(Bug::TwoNegativesTooMany) => n + 2.0,
            _ => n,
        }
    }

    /// `-log Ω`, or `-λ log Ω - (1-λ) log(1-Ω)`.
    pub(super) fn loss(&mut self, contrast: &Contrast, negatives: Negatives, mix: Option<f64>) -> Var {
        if self.style.forms_kernels() {
            return self.by_kernels(contrast, negatives, mix);
        }
        let log_g = self.log_estimate(contrast, negatives);
        let n = self.count(contrast);
        let log_n = self.tape.constant(n.ln());
        let log_q = self.tape.add(log_n, log_g);
        let Some(lambda) = mix else {
            if self.style == Style::LogDomain {
                let log_p = self.log_positives(contrast);
                let x = self.tape.sub(log_q, log_p);
                let threshold = if self.has(Bug::SoftplusWithThreshold) { 20.0 } else { NO_THRESHOLD };
                return self.tape.softplus(x, threshold);
            }
            let log_p = self.log_positives(contrast);
            let total = self.log_total(contrast, log_q);
            let loss = self.tape.sub(total, log_p);
            return if self.has(Bug::EpsilonInLogarithm) { self.with_epsilon(loss) } else { loss };
        };
        let log_p = self.log_positives(contrast);
        let x = self.tape.sub(log_q, log_p);
        match self.style {
            Style::BinaryCrossEntropy => {
                let logit = self.tape.scale(x, -1.0);
                self.tape.cross_entropy_with_logit(logit, lambda)
            }
            _ if self.has(Bug::OneLessSigmoid) => {
                let near = self.tape.softplus(x, NO_THRESHOLD);
                let far = self.log_of_one_less_sigmoid(x);
                self.mixture(near, far, lambda)
            }
            _ => {
                let near = self.tape.softplus(x, NO_THRESHOLD);
                let minus = self.tape.scale(x, -1.0);
                let far = self.tape.softplus(minus, NO_THRESHOLD);
                self.mixture(near, far, lambda)
            }
        }
    }

    /// `log(P + N·G)`.
    fn log_total(&mut self, contrast: &Contrast, log_q: Var) -> Var {
        let mut all = contrast.positives.clone();
        match self.bug {
            Some(Bug::PositiveNotInDenominator) => return log_q,
            Some(Bug::TwoLogSumExps) => {
                let log_p = self.log_positives(contrast);
                return self.tape.add(log_p, log_q);
            }
            _ => all.push(log_q),
        }
        let total = self.tape.log_sum_exp(&all);
        match self.bug {
            Some(Bug::MaximumInGradient) => {
                // Taken out with its gradient, and put back as a constant.
                let largest = all
                    .iter()
                    .copied()
                    .max_by(|a, b| self.tape.value(*a).to_f64().total_cmp(&self.tape.value(*b).to_f64()));
                let Some(largest) = largest else { return total };
                let rest = self.tape.sub(total, largest);
                let constant = self.tape.detached(largest);
                self.tape.add(rest, constant)
            }
            Some(Bug::SelfPairSubtracted) => self.less(total, 1.0 / self.temperature),
            Some(Bug::ConstantForSelfPair) => self.less(total, 1.0),
            _ => total,
        }
    }

    /// `log(e^total - e^log)`.
    fn less(&mut self, total: Var, log: f64) -> Var {
        let log = self.tape.constant(log);
        let ratio = self.tape.sub(log, total);
        let ratio = self.tape.exp(ratio);
        let minus = self.tape.scale(ratio, -1.0);
        let rest = self.tape.ln_1p(minus);
        self.tape.add(total, rest)
    }

    /// `-log(e^{-loss} + 1e-8)`.
    fn with_epsilon(&mut self, loss: Var) -> Var {
        let minus = self.tape.scale(loss, -1.0);
        let epsilon = self.tape.constant(1e-8_f64.ln());
        let log = self.tape.log_sum_exp(&[minus, epsilon]);
        self.tape.scale(log, -1.0)
    }

    /// `-log(1 - Ω)` with `Ω = σ(-x)` formed first.
    fn log_of_one_less_sigmoid(&mut self, x: Var) -> Var {
        let (one, kernel) = (self.tape.constant(1.0), self.tape.exp(x));
        let below = self.tape.add(one, kernel);
        let omega = self.tape.div(one, below);
        let rest = self.tape.sub(one, omega);
        let log = self.tape.ln(rest);
        self.tape.scale(log, -1.0)
    }

    fn mixture(&mut self, near: Var, far: Var, lambda: f64) -> Var {
        let near = self.tape.scale(near, lambda);
        if self.has(Bug::NoTermForOneLessLambda) {
            return near;
        }
        let far = self.tape.scale(far, 1.0 - lambda);
        self.tape.add(near, far)
    }

    fn log_positives(&mut self, contrast: &Contrast) -> Var {
        match contrast.positives[..] {
            [only] => only,
            _ => self.tape.log_sum_exp(&contrast.positives),
        }
    }

    fn exponents(&mut self, scores: &[Var], factor: f64) -> Vec<Var> {
        scores.iter().map(|score| self.tape.scale(*score, factor)).collect()
    }

    /// What the hardness multiplies scores by.
    fn hardness(&self, beta: f64) -> f64 {
        match self.bug {
            Some(Bug::HardnessWithoutTemperature) => beta * self.temperature,
            Some(Bug::HardnessWithTemperatureTwice) => beta / self.temperature,
            Some(Bug::HardnessOutsideExponent) => 1.0,
            _ => beta,
        }
    }

    /// `log A`.
    fn log_mean(&mut self, contrast: &Contrast, beta: Option<f64>) -> Var {
        let n = contrast.negatives.len() as f64;
        let Some(beta) = beta else {
            let sum = self.tape.log_sum_exp(&contrast.negatives);
            let log_n = self.tape.constant(n.ln());
            return self.tape.sub(sum, log_n);
        };
        let beta = self.hardness(beta);
        let (sharp, blunt) =
            (self.exponents(&contrast.negatives, beta + 1.0), self.exponents(&contrast.negatives, beta));
        let (above, below) = (self.tape.log_sum_exp(&sharp), self.tape.log_sum_exp(&blunt));
        let log = self.tape.sub(above, below);
        if self.has(Bug::HardnessNormalisedBySum) {
            let log_n = self.tape.constant(n.ln());
            return self.tape.sub(log, log_n);
        }
        log
    }

    fn log_estimate(&mut self, contrast: &Contrast, negatives: Negatives) -> Var {
        let (tau, beta) = match negatives {
            Negatives::G0 => return self.log_mean(contrast, None),
            Negatives::G1 { tau_plus } => (tau_plus, None),
            Negatives::G2 { tau_plus, beta } => (tau_plus, Some(beta)),
        };
        let log_a = self.log_mean(contrast, beta);
        let floor = -1.0 / self.temperature
            - if self.has(Bug::FloorWithoutCount) { self.count(contrast).ln() } else { 0.0 };
        let floor = self.tape.constant(floor);
        if tau == 0.0 {
            return self.tape.clamp(log_a, floor);
        }
        let draws = self.draws(contrast);
        let sum = self.tape.log_sum_exp(&draws);
        let m = if self.has(Bug::SumOfDraws) { 1.0 } else { draws.len() as f64 };
        let share = self.tape.constant((tau / m).ln());
        let log_b = self.tape.add(sum, share);
        if self.tape.value(log_b) >= self.tape.value(log_a) {
            return floor;
        }
        let ratio = self.tape.sub(log_b, log_a);
        let ratio = self.tape.exp(ratio);
        let minus = self.tape.scale(ratio, -1.0);
        let rest = self.tape.ln_1p(minus);
        let mut log = self.tape.add(log_a, rest);
        if !self.has(Bug::PriorForgotten) {
            let share = self.tape.constant((1.0 - tau).ln());
            log = self.tape.sub(log, share);
        }
        self.tape.clamp(log, floor)
    }

    fn draws(&self, contrast: &Contrast) -> Vec<Var> {
        if self.has(Bug::FirstDrawOnly) { contrast.debias[..1].to_vec() } else { contrast.debias.clone() }
    }

    /// Kernels over a shift, sums, a quotient, a logarithm.
    fn by_kernels(&mut self, contrast: &Contrast, negatives: Negatives, mix: Option<f64>) -> Var {
        let all: Vec<Var> = [&contrast.positives[..], &contrast.negatives, &contrast.debias].concat();
        let shift = match self.style {
            Style::Naive => 0.0,
            _ if self.has(Bug::OneMaximumForAll) => self.largest_of_all,
            _ => self.tape.largest(&all).to_f64(),
        };
        let shift_var = self.tape.constant(shift);
        let kernels = |tape: &mut Tape<F>, scores: &[Var]| -> Vec<Var> {
            scores
                .iter()
                .map(|score| {
                    let above = tape.sub(*score, shift_var);
                    tape.exp(above)
                })
                .collect()
        };
        let positives = kernels(self.tape, &contrast.positives);
        let u = kernels(self.tape, &contrast.negatives);
        let draws = self.draws(contrast);
        let v = kernels(self.tape, &draws);
        let p = self.total(&positives);
        let (n, m) = (u.len() as f64, v.len() as f64);
        let (tau, beta) = match negatives {
            Negatives::G0 => (None, None),
            Negatives::G1 { tau_plus } => (Some(tau_plus), None),
            Negatives::G2 { tau_plus, beta } => (Some(tau_plus), Some(beta)),
        };
        let mean = match beta {
            None => {
                let sum = self.total(&u);
                self.tape.scale(sum, 1.0 / n)
            }
            Some(beta) => {
                let beta = self.hardness(beta);
                let powers = |term: &mut Self, factor: f64| {
                    let list: Vec<Var> = contrast
                        .negatives
                        .iter()
                        .map(|score| {
                            let above = term.tape.sub(*score, shift_var);
                            let exponent = term.tape.scale(above, factor);
                            term.tape.exp(exponent)
                        })
                        .collect();
                    term.total(&list)
                };
                let (above, below) = (powers(self, beta + 1.0), powers(self, beta));
                let mean = self.tape.div(above, below);
                if self.has(Bug::HardnessNormalisedBySum) { self.tape.scale(mean, 1.0 / n) } else { mean }
            }
        };
        let g = match tau {
            None => mean,
            Some(tau) => {
                let sum = self.total(&v);
                let m = if self.has(Bug::SumOfDraws) { 1.0 } else { m };
                let part = self.tape.scale(sum, tau / m);
                let mut g = self.tape.sub(mean, part);
                if !self.has(Bug::PriorForgotten) {
                    g = self.tape.scale(g, 1.0 / (1.0 - tau));
                }
                let share = if self.has(Bug::FloorWithoutCount) { n } else { 1.0 };
                let floor = self.tape.constant((-1.0 / self.temperature - shift).exp() / share);
                self.tape.clamp(g, floor)
            }
        };
        let count = self.count(contrast);
        let q = self.tape.scale(g, count);
        let total = self.tape.add(p, q);
        let mut minus_log = |part: Var| {
            let share = self.tape.div(part, total);
            let log = self.tape.ln(share);
            self.tape.scale(log, -1.0)
        };
        let near = minus_log(p);
        match mix {
            None => near,
            Some(lambda) => {
                let far = minus_log(q);
                self.mixture(near, far, lambda)
            }
        }
    }

    fn total(&mut self, list: &[Var]) -> Var {
        if self.style != Style::StraightLoop {
            return self.tape.sum(list);
        }
        let mut sum = list[0];
        for x in &list[1..] {
            sum = self.tape.add(sum, *x);
        }
        sum
    }
}

//! The losses as formulas on a tape: estimators, the two logarithms, and which of them make up a loss.

use crate::big::Big;
use crate::sheet::{Row, Sheet};
use crate::tape::Var;
use intnacl_reference::{Loss, Negatives, Neighborhood, RobustTerm, Weight};

/// The terms that a loss is the sum of, at one anchor.
pub struct Formula {
    /// `G` of the clean and the mixed terms.
    pub negatives: Negatives,
    /// Positives that each clean term takes.
    pub clean: Vec<Positives>,
    /// `λ`, if there are mixed terms.
    pub mixed: Option<f64>,
    pub robust: Option<Robust>,
}

/// The positives of a clean term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Positives {
    First,
    All,
}

/// The robust term with its factor.
pub struct Robust {
    pub alpha: f64,
    pub negatives: Negatives,
    pub weight: Weight,
    pub weight_negatives: Negatives,
}

impl Formula {
    pub fn of(loss: &Loss) -> Self {
        use Positives::{All, First};
        let plain = |negatives, clean| Self { negatives, clean, mixed: None, robust: None };
        match *loss {
            Loss::SimClr => plain(Negatives::G0, vec![First]),
            Loss::Debiased { tau_plus } => plain(Negatives::G1 { tau_plus }, vec![First]),
            Loss::HardNegative { tau_plus, beta } => plain(Negatives::G2 { tau_plus, beta }, vec![First]),
            Loss::Adversarial { alpha } => {
                let g0 = Negatives::G0;
                let robust = Robust { alpha, negatives: g0, weight: Weight::One, weight_negatives: g0 };
                Self { robust: robust.switched_on(), ..plain(g0, vec![First]) }
            }
            Loss::Nca { negatives } => plain(negatives, vec![All]),
            Loss::MixNca { negatives, lambda } => {
                Self { mixed: Some(lambda), ..plain(negatives, vec![First]) }
            }
            Loss::Robust { negatives, weight, weight_negatives } => {
                let robust = Robust { alpha: 1.0, negatives, weight, weight_negatives };
                Self { robust: Some(robust), ..plain(weight_negatives, vec![]) }
            }
            Loss::IntCl { negatives, alpha, robust } => {
                Self { robust: Robust::beside(negatives, alpha, robust), ..plain(negatives, vec![First]) }
            }
            Loss::IntNaCl { negatives, alpha, robust, neighborhood } => {
                let (clean, mixed) = match neighborhood {
                    Neighborhood::Nca => (vec![All], None),
                    Neighborhood::MixNca { lambda } => (vec![First], Some(lambda)),
                    Neighborhood::Combined { lambda, joined: true } => (vec![All], Some(lambda)),
                    Neighborhood::Combined { lambda, joined: false } => (vec![All, First], Some(lambda)),
                };
                Self { mixed, robust: Robust::beside(negatives, alpha, robust), ..plain(negatives, clean) }
            }
        }
    }
}

impl Formula {
    /// The largest `β`.
    pub fn hardness(&self) -> f64 {
        let beta = |negatives| if let Negatives::G2 { beta, .. } = negatives { beta } else { 0.0 };
        let robust = self.robust.iter().flat_map(|robust| [robust.negatives, robust.weight_negatives]);
        robust.chain([self.negatives]).map(beta).fold(0.0, f64::max)
    }
}

impl Robust {
    fn beside(clean: Negatives, alpha: f64, RobustTerm { negatives, weight }: RobustTerm) -> Option<Self> {
        Self { alpha, negatives, weight, weight_negatives: clean }.switched_on()
    }

    /// With `alpha = 0` the arrays of the term may be absent.
    fn switched_on(self) -> Option<Self> {
        (self.alpha != 0.0).then_some(self)
    }
}

/// An anchor with the rows around it.
#[derive(Debug, Clone)]
pub struct Site {
    pub anchor: Row,
    pub positives: Vec<Row>,
    pub negatives: Vec<Row>,
    /// The `v` of g1 and g2.
    pub draws: Vec<Row>,
}

impl Site {
    /// `N·G` with the chosen estimator.
    pub fn negative_term(&self, sheet: &mut Sheet, negatives: Negatives) -> Var {
        let u = sheet.scores(self.anchor, &self.negatives);
        let v = sheet.scores(self.anchor, &self.draws);
        let mean = estimate(sheet, negatives, &u, &v);
        sheet.tape.scale(mean, &Big::from(u.len() as f64))
    }

    /// `-log P/(P + N·G)`, `P` the sum over the chosen positives.
    pub fn attraction(&self, sheet: &mut Sheet, which: Positives, negative_term: Var) -> Var {
        let rows = match which {
            Positives::First => &self.positives[..1],
            Positives::All => &self.positives[..],
        };
        let scores = sheet.scores(self.anchor, rows);
        let positive = sum_exp(sheet, &scores, &Big::one());
        let odds = sheet.tape.quotient(negative_term, positive);
        sheet.tape.ln_1p(odds)
    }

    /// The mixed terms at this anchor, each with the mixed row and the `N·G` of its own.
    pub fn mixed_terms(&self, sheet: &mut Sheet, lambda: f64, mixed: &[(Row, Var)]) -> Vec<Var> {
        let lambda = Big::from(lambda);
        let share = &Big::one() / &Big::from(mixed.len().max(1) as f64);
        let mut terms = Vec::new();
        for &(row, negative_term) in mixed {
            let score = sheet.score(self.anchor, row);
            let kernel = sheet.tape.exp(score);
            // Ω = h/(h + N·G): -log Ω = log(1 + N·G/h), -log(1-Ω) = log(1 + h/(N·G)).
            for (over, under, factor) in
                [(negative_term, kernel, lambda.clone()), (kernel, negative_term, &Big::one() - &lambda)]
            {
                let odds = sheet.tape.quotient(over, under);
                let logarithm = sheet.tape.ln_1p(odds);
                terms.push(sheet.tape.scale(logarithm, &(&factor * &share)));
            }
        }
        terms
    }
}

/// `Σ exp(factor·s)`.
fn sum_exp(sheet: &mut Sheet, scores: &[Var], factor: &Big) -> Var {
    let mut kernels = Vec::with_capacity(scores.len());
    for &score in scores {
        let scaled = sheet.tape.scale(score, factor);
        kernels.push(sheet.tape.exp(scaled));
    }
    sheet.tape.sum(&kernels)
}

/// g0, g1 or g2 from the scores of negatives `u` and draws of positives `v`.
fn estimate(sheet: &mut Sheet, negatives: Negatives, u: &[Var], v: &[Var]) -> Var {
    let unfloored = unfloored(sheet, negatives, u, v);
    if negatives == Negatives::G0 {
        return unfloored;
    }
    // The larger one; a tie is unfloored. Two numbers that agree to more bits than any two different ones
    // could are the tie of exact arithmetic.
    let floor = sheet.floor();
    let gap = sheet.tape.value(unfloored) - &floor;
    let tied = sheet.precision.is_residue(gap.exponent(), floor.exponent());
    let tied = tied.expect("more bits are needed to tell a tie");
    if tied || gap > Big::zero() { unfloored } else { sheet.tape.leaf(floor) }
}

/// The estimate before the maximum with the floor is taken.
pub fn unfloored(sheet: &mut Sheet, negatives: Negatives, u: &[Var], v: &[Var]) -> Var {
    let one = Big::one();
    let mean = |sheet: &mut Sheet, scores: &[Var]| {
        let sum = sum_exp(sheet, scores, &one);
        sheet.tape.scale(sum, &(&one / &Big::from(scores.len() as f64)))
    };
    let (tau, of_negatives) = match negatives {
        Negatives::G0 => return mean(sheet, u),
        Negatives::G1 { tau_plus } => (Big::from(tau_plus), mean(sheet, u)),
        Negatives::G2 { tau_plus, beta } => {
            let beta = Big::from(beta);
            let upper = sum_exp(sheet, u, &(&beta + &one));
            let lower = sum_exp(sheet, u, &beta);
            (Big::from(tau_plus), sheet.tape.quotient(upper, lower))
        }
    };
    let of_draws = mean(sheet, v);
    let minus = sheet.tape.scale(of_draws, &-&tau);
    let difference = sheet.tape.sum(&[of_negatives, minus]);
    sheet.tape.scale(difference, &(&one / &(&one - &tau)))
}

//! Formulas written out, differentiated by walking them backwards.
//!
//! A loss is put down here as the paper prints it: exponentials, sums, products, quotients and one logarithm.
//! The tape keeps every intermediate number, and one backward pass gives the derivative by every leaf, so that
//! no derivative of a loss is worked out by hand.

use crate::big::Big;

/// A number on the tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Var(usize);

enum Operation {
    /// A number without inputs: a score, or a constant, whose derivative nobody reads.
    Leaf,
    Sum(Vec<Var>),
    Scale(Var, Big),
    Product(Var, Var),
    Quotient(Var, Var),
    Exp(Var),
    Ln1p(Var),
}

/// The numbers of a formula in the order in which they were computed.
#[derive(Default)]
pub struct Tape {
    nodes: Vec<(Operation, Big)>,
}

/// A derivative, and how large the terms were that it is the sum of.
///
/// A sum that should be zero comes out as rounding residue; the size of its terms tells the two apart.
#[derive(Debug, Clone)]
pub struct Derivative {
    pub value: Big,
    /// The binary exponent of the largest term, through all sums on the way; `None` if every term is zero.
    pub terms: Option<i64>,
}

impl Default for Derivative {
    fn default() -> Self {
        Self { value: Big::zero(), terms: None }
    }
}

impl Derivative {
    /// Adds `factor * other`.
    pub fn accumulate(&mut self, other: &Derivative, factor: &Big) {
        self.value += &(&other.value * factor);
        let size = other.terms.zip(factor.exponent()).map(|(terms, factor)| terms + factor);
        self.terms = self.terms.max(size);
    }
}

impl Tape {
    fn push(&mut self, operation: Operation, value: Big) -> Var {
        self.nodes.push((operation, value));
        Var(self.nodes.len() - 1)
    }

    pub fn value(&self, var: Var) -> &Big {
        &self.nodes[var.0].1
    }

    pub fn leaf(&mut self, value: Big) -> Var {
        self.push(Operation::Leaf, value)
    }

    /// The number as a constant: no derivative passes.
    pub fn detach(&mut self, var: Var) -> Var {
        self.leaf(self.value(var).clone())
    }

    pub fn sum(&mut self, terms: &[Var]) -> Var {
        let value = terms.iter().fold(Big::zero(), |sum, &term| &sum + self.value(term));
        self.push(Operation::Sum(terms.to_vec()), value)
    }

    pub fn mean(&mut self, terms: &[Var]) -> Var {
        let sum = self.sum(terms);
        let count = Big::from(terms.len() as f64);
        self.scale(sum, &(&Big::one() / &count))
    }

    pub fn scale(&mut self, a: Var, factor: &Big) -> Var {
        let value = self.value(a) * factor;
        self.push(Operation::Scale(a, factor.clone()), value)
    }

    pub fn product(&mut self, a: Var, b: Var) -> Var {
        let value = self.value(a) * self.value(b);
        self.push(Operation::Product(a, b), value)
    }

    pub fn quotient(&mut self, a: Var, b: Var) -> Var {
        let value = self.value(a) / self.value(b);
        self.push(Operation::Quotient(a, b), value)
    }

    pub fn exp(&mut self, a: Var) -> Var {
        let value = self.value(a).exp();
        self.push(Operation::Exp(a), value)
    }

    /// `log(1 + a)`.
    pub fn ln_1p(&mut self, a: Var) -> Var {
        let value = self.value(a).ln_1p();
        self.push(Operation::Ln1p(a), value)
    }

    /// The derivatives of `output` by every number on the tape.
    pub fn derivatives(&self, output: Var) -> Derivatives {
        let one = Big::one();
        let mut all = vec![Derivative::default(); self.nodes.len()];
        all[output.0] = Derivative { value: one.clone(), terms: Some(1) };
        for (index, (operation, value)) in self.nodes.iter().enumerate().rev() {
            let own = all[index].clone();
            if own.terms.is_none() {
                continue;
            }
            match operation {
                Operation::Leaf => {}
                Operation::Sum(terms) => terms.iter().for_each(|term| all[term.0].accumulate(&own, &one)),
                Operation::Scale(a, factor) => all[a.0].accumulate(&own, factor),
                Operation::Product(a, b) => {
                    all[a.0].accumulate(&own, self.value(*b));
                    all[b.0].accumulate(&own, self.value(*a));
                }
                Operation::Quotient(a, b) => {
                    let by_a = &one / self.value(*b);
                    all[b.0].accumulate(&own, &-&(value * &by_a));
                    all[a.0].accumulate(&own, &by_a);
                }
                Operation::Exp(a) => all[a.0].accumulate(&own, value),
                Operation::Ln1p(a) => all[a.0].accumulate(&own, &(&one / &(&one + self.value(*a)))),
            }
        }
        Derivatives(all)
    }
}

/// The derivatives that [`Tape::derivatives`] returns.
pub struct Derivatives(Vec<Derivative>);

impl Derivatives {
    pub fn by(&self, var: Var) -> &Derivative {
        &self.0[var.0]
    }
}

//! Draws with replacement, counted as multisets.
//!
//! `M` independent draws from `k` values have `k^M` sequences but only `C(M+k-1, k-1)` multisets, and every
//! statistic of the losses is symmetric. A multiset with counts `c_1..c_k` has the multinomial probability
//! `M!/(c_1!⋯c_k!) Π p_i^{c_i}`.

/// `C(draws + values - 1, values - 1)`, the number of multisets; infinite where f64 has no number for it.
///
/// # Examples
/// ```
/// use intnacl_reference::bound::multisets;
/// assert_eq!(multisets(2, 1000), 1001.0); // two values: a thousand draws cost no more than this
/// assert_eq!(multisets(180, 2), 16290.0);
/// ```
pub fn multisets(values: usize, draws: usize) -> f64 {
    if values == 0 {
        return 0.0;
    }
    let (draws, others) = (draws as f64, (values - 1) as f64);
    let smaller = draws.min(others);
    let mut count = 1.0;
    let mut step = 1.0;
    while step <= smaller && f64::is_finite(count) {
        // Multiplied first: the product so far times this factor is a multiple of `step`.
        count = (count * (draws + others - smaller + step) / step).round();
        step += 1.0;
    }
    count
}

/// Values with probabilities, equal values merged: what an anchor sees of a class.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Distribution {
    pub(crate) values: Vec<f64>,
    pub(crate) probabilities: Vec<f64>,
}

impl Distribution {
    /// From pairs of value and weight; weights are divided by their sum.
    pub(crate) fn new(pairs: impl Iterator<Item = (f64, f64)>) -> Self {
        let mut pairs: Vec<(f64, f64)> = pairs.collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total: f64 = pairs.iter().map(|pair| pair.1).sum();
        let mut distribution = Self::default();
        for (value, weight) in pairs {
            if distribution.values.last() == Some(&value) {
                if let Some(last) = distribution.probabilities.last_mut() {
                    *last += weight / total;
                }
            } else {
                distribution.values.push(value);
                distribution.probabilities.push(weight / total);
            }
        }
        distribution
    }

    /// `E v`.
    pub(crate) fn mean(&self) -> f64 {
        self.values.iter().zip(&self.probabilities).map(|(value, p)| value * p).sum()
    }

    /// `log E e^{factor·v}`.
    pub(crate) fn log_mean_exp(&self, factor: f64) -> f64 {
        let pairs = self.values.iter().zip(&self.probabilities);
        log_sum(pairs.map(|(value, p)| (factor * value, *p)))
    }

    pub(crate) fn multisets(&self, draws: usize) -> f64 {
        multisets(self.values.len(), draws)
    }

    /// Calls `visit(multiset, probability)` for every multiset of `draws` draws.
    pub(crate) fn each(&self, draws: usize, visit: &mut impl FnMut(&[Drawn], f64)) {
        let mut log_factorials = vec![0.0; draws + 1];
        for k in 1..=draws {
            log_factorials[k] = log_factorials[k - 1] + (k as f64).ln();
        }
        let logs: Vec<f64> = self.probabilities.iter().map(|p| p.ln()).collect();
        let start = log_factorials[draws];
        let walk = Walk { log_factorials, logs };
        walk.visit(0, draws, start, &mut Vec::with_capacity(draws), visit);
    }

    /// The distribution of a statistic of the multisets, as pairs of value and probability.
    pub(crate) fn statistic(&self, draws: usize, of: impl Fn(&[Drawn]) -> f64) -> Vec<(f64, f64)> {
        let mut result = Vec::new();
        self.each(draws, &mut |multiset, probability| result.push((of(multiset), probability)));
        result
    }

    /// The distribution of `log((1/draws) Σ_j e^{v_j})`.
    pub(crate) fn log_mean_kernels(&self, draws: usize) -> Vec<(f64, f64)> {
        self.statistic(draws, |multiset| self.log_mean_kernel(multiset, draws, 1.0))
    }

    /// `log((1/draws) Σ_j e^{factor·v_j})` of a multiset.
    pub(crate) fn log_mean_kernel(&self, multiset: &[Drawn], draws: usize, factor: f64) -> f64 {
        let share = |drawn: &Drawn| (factor * self.values[drawn.index], drawn.count as f64 / draws as f64);
        log_sum(multiset.iter().map(share))
    }
}

/// A value that was drawn, and how often.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drawn {
    pub(crate) index: usize,
    pub(crate) count: usize,
}

struct Walk {
    log_factorials: Vec<f64>,
    logs: Vec<f64>,
}

impl Walk {
    /// Chooses the next value that is drawn at all, so that work grows with the draws, not with the values.
    fn visit(
        &self,
        first: usize,
        left: usize,
        log_probability: f64,
        multiset: &mut Vec<Drawn>,
        visit: &mut impl FnMut(&[Drawn], f64),
    ) {
        if left == 0 {
            visit(multiset, log_probability.exp());
            return;
        }
        for index in first..self.logs.len() {
            let last = index + 1 == self.logs.len();
            for count in (if last { left } else { 1 })..=left {
                let weight = log_probability + count as f64 * self.logs[index] - self.log_factorials[count];
                multiset.push(Drawn { index, count });
                self.visit(index + 1, left - count, weight, multiset, visit);
                multiset.pop();
            }
        }
    }
}

/// `log Σ w e^{x}` of pairs `(x, w)` without overflow; equal to `x` to the last bit where there is but one pair
/// of weight 1.
pub(crate) fn log_sum(terms: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let largest = terms.clone().map(|term| term.0).fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + terms.map(|(x, weight)| weight * (x - largest).exp()).sum::<f64>().ln()
}

/// `log(1 + e^x)`.
pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

//! The contrastive losses of a world as expectations.

use super::constants::range;
use super::enumerate::{Over, Seen};
use super::estimator::{Counts, Estimator};
use super::expectation::{Effort, Expectation};
use super::multiset::softplus;
use super::world::World;
use crate::error::{Result, in_range};

impl World {
    /// The loss in the limit of infinitely many negatives at the same weight:
    /// `E softplus(log ν + log G∞(x) - log((1/M) Σ_j h(x,x⁺_j)))`, `G∞` the limit of the estimator and `ν`
    /// the [`ratio`](Counts::ratio) of the counts.
    ///
    /// With [`Estimator::TrueNegatives`] it is the unbiased loss `L_Unb^{M,N}` of the paper's Appendix B.1:
    /// the negative mean is `E[h(x,x⁻)]` over the other classes.
    ///
    /// Exact enumeration has `C(M+k-1, k-1)` terms for an anchor whose class shows `k` distinct scores, and
    /// `n·d` steps an anchor for the scores.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) for counts of 0, parameters of the estimator and of the
    /// effort.
    ///
    /// # Examples
    /// A world in which all points coincide: `L_Unb = log(1 + ν)`.
    /// ```
    /// use intnacl_reference::bound::{Class, Counts, Effort, Estimator, World};
    /// use nalgebra::dmatrix;
    ///
    /// let class = Class::uniform(0.5, dmatrix![1.0]);
    /// let world = World::new(&[class.clone(), class], 1.0)?;
    /// let loss = world.limit(&Estimator::TrueNegatives, &Counts::new(2, 1), &Effort::default())?;
    /// assert!((loss.value - 1.5_f64.ln()).abs() < 1e-15);
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn limit(&self, estimator: &Estimator, counts: &Counts, effort: &Effort) -> Result<Expectation> {
        let log_ratio = counts.ratio().ln();
        let of = move |seen: &Seen, log_p: f64, _: f64| softplus(log_ratio + seen.limit - log_p);
        let over = Over::Positives { low: 0.0, high: self.largest(estimator, counts)? };
        self.expectation(estimator, counts, effort, over, of)
    }

    /// The loss of finitely many negatives: `E softplus(log ν + log G - log((1/M) Σ_j h(x,x⁺_j)))`, where `G`
    /// is the estimator of `N` draws. It is the expectation over training tuples of the paper's `L_NCA(G, M)`.
    ///
    /// Exact enumeration has, for each anchor, as many terms as multisets of positives times multisets of
    /// negatives (times multisets of positive draws in `g1` and `g2`).
    ///
    /// # Errors
    /// As [`World::limit`].
    ///
    /// # Examples
    /// ```
    /// use intnacl_reference::bound::{Class, Counts, Effort, Estimator, World};
    /// use nalgebra::dmatrix;
    ///
    /// let pair = Class::uniform(0.5, dmatrix![1.0; -1.0]);
    /// let world = World::new(&[pair.clone(), pair], 1.0)?;
    /// let (counts, effort) = (Counts::new(2, 8), Effort::default());
    /// let estimator = Estimator::Debiased { tau_plus: 0.5, positive_draws: 1 };
    /// let loss = world.loss(&estimator, &counts, &effort)?;
    /// assert_eq!((loss.lower, loss.upper), (loss.value, loss.value)); // enumerated
    /// assert!(loss.value > 0.0);
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn loss(&self, estimator: &Estimator, counts: &Counts, effort: &Effort) -> Result<Expectation> {
        let log_ratio = counts.ratio().ln();
        let of = move |_: &Seen, log_p: f64, log_g: f64| softplus(log_ratio + log_g - log_p);
        let over = Over::Both { low: 0.0, high: self.largest(estimator, counts)? };
        self.expectation(estimator, counts, effort, over, of)
    }

    /// The loss with `g0` between certified ends, at any `N` for the cost of [`World::limit`]:
    /// `L∞ - E log(1 + σ²/(N (P + h_min)(P + μ))) <= L_NCA(g0) <= L∞`.
    ///
    /// `μ`, `σ²` and `h_min` are mean, variance and minimum of an anchor's negative kernels, and
    /// `P = (1/(νM)) Σ_j h(x,x⁺_j)`. The upper end is Jensen's inequality; for the lower one, with
    /// `Y = P + g0`, `E log(E Y/Y) <= log E[E Y/Y]` and `E[E Y/Y] - 1 = E[(Y - E Y)²/(Y·E Y)]`. The width falls
    /// with `1/N`, so that it is narrow where enumeration becomes impossible. `value` is the middle.
    ///
    /// # Errors
    /// As [`World::limit`], and [`Error::OutOfRange`](crate::Error::OutOfRange) for an estimator with `τ > 0`,
    /// named `tau_plus`, or with `β > 0`, since only the plain mean is without bias and without floor.
    ///
    /// # Examples
    /// ```
    /// use intnacl_reference::bound::{Class, Counts, Effort, Estimator, World};
    /// use nalgebra::dmatrix;
    ///
    /// let pair = Class::uniform(0.5, dmatrix![1.0; -1.0]);
    /// let world = World::new(&[pair.clone(), pair], 1.0)?;
    /// let (counts, effort) = (Counts::new(2, 500), Effort::default());
    /// let between = world.bracket(&Estimator::Unlabelled, &counts, &effort)?;
    /// let exact = world.loss(&Estimator::Unlabelled, &counts, &effort)?;
    /// assert!(between.lower <= exact.value && exact.value <= between.upper);
    /// assert!(between.upper - between.lower < 0.01);
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn bracket(&self, estimator: &Estimator, counts: &Counts, effort: &Effort) -> Result<Expectation> {
        if let Some((tau_plus, beta, _)) = estimator.debiasing() {
            in_range("tau_plus", tau_plus, tau_plus == 0.0, "0: only g0 has a bracket")?;
            in_range("beta", beta, beta == 0.0, "0: only g0 has a bracket")?;
        }
        let upper = self.limit(estimator, counts, effort)?;
        let (log_ratio, negatives) = (counts.ratio().ln(), counts.negatives as f64);
        let of = move |seen: &Seen, log_p: f64, _: f64| {
            let positive = (log_p - log_ratio - seen.unit).exp();
            let spread =
                seen.variance / (positive + seen.least) / (positive + (seen.limit - seen.unit).exp());
            (softplus(log_ratio + seen.limit - log_p) - (spread / negatives).ln_1p()).max(0.0)
        };
        let over = Over::Positives { low: 0.0, high: self.largest(estimator, counts)? };
        let lower = self.expectation(estimator, counts, effort, over, of)?;
        let value = 0.5 * (lower.lower + upper.upper);
        Ok(Expectation { value, lower: lower.lower, upper: upper.upper, method: upper.method })
    }

    /// `E|ℓ - ℓ∞|`: how far the loss of a tuple is from what infinitely many negatives would give it, on
    /// average. It is at least `|loss - limit|`, and is what the proof of Theorem B.1 bounds.
    ///
    /// # Errors
    /// As [`World::limit`].
    ///
    /// # Examples
    /// ```
    /// use intnacl_reference::bound::{Class, Counts, Effort, Estimator, World, variance_constant};
    /// use nalgebra::dmatrix;
    ///
    /// let pair = Class::uniform(0.5, dmatrix![1.0; -1.0]);
    /// let world = World::new(&[pair.clone(), pair], 1.0)?;
    /// let found = world.deviation(&Estimator::TrueNegatives, &Counts::new(1, 25), &Effort::default())?;
    /// assert!(found.value <= variance_constant(1.0)? / 5.0);
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn deviation(&self, estimator: &Estimator, counts: &Counts, effort: &Effort) -> Result<Expectation> {
        let log_ratio = counts.ratio().ln();
        let of = move |seen: &Seen, log_p: f64, log_g: f64| {
            (softplus(log_ratio + log_g - log_p) - softplus(log_ratio + seen.limit - log_p)).abs()
        };
        let over = Over::Both { low: 0.0, high: self.largest(estimator, counts)? };
        self.expectation(estimator, counts, effort, over, of)
    }

    /// `E[log((1/M) Σ_j h(x,x⁺_j)) - E s(x,x⁺)]`: how much Jensen's inequality loses on the positives of this
    /// world, the term that the repaired lemma needs. At most
    /// [`jensen_gap`](super::jensen_gap) whatever the world.
    ///
    /// # Errors
    /// As [`World::limit`].
    ///
    /// # Examples
    /// An antipodal pair attains the most:
    /// ```
    /// use intnacl_reference::bound::{Class, Effort, World, jensen_gap};
    /// use nalgebra::dmatrix;
    ///
    /// let pair = Class::uniform(0.5, dmatrix![1.0; -1.0]);
    /// let world = World::new(&[pair.clone(), pair], 0.5)?;
    /// let gap = world.positive_gap(3, &Effort::default())?;
    /// assert!((gap.value - jensen_gap(3, 0.5)?).abs() < 1e-14);
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn positive_gap(&self, positives: usize, effort: &Effort) -> Result<Expectation> {
        let width = 2.0 / self.temperature();
        let of = |seen: &Seen, log_p: f64, _: f64| log_p - seen.mean;
        let over = Over::Positives { low: -width, high: width };
        self.expectation(&Estimator::TrueNegatives, &Counts::new(positives, 1), effort, over, of)
    }

    /// The largest loss, and with it the counts and the estimator's parameters checked.
    fn largest(&self, estimator: &Estimator, counts: &Counts) -> Result<f64> {
        range(estimator, counts, self.temperature())
    }
}

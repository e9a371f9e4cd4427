//! Theorem 3.1 as a whole: as published, and corrected with explicit constants.

use super::constants::{limit_excess, published_constant, range};
use super::estimator::{Counts, Estimator, at_least_1, finite};
use super::jensen::chain_gap_of_classes;
use super::lipschitz::{Norm, ScoresOf, lipschitz, positives_constant};
use super::rademacher::massart;
use super::world::{World, validate_temperature};
use crate::error::{Result, in_range};

/// Everything that the bound depends on beside the class of encoders.
///
/// # Examples
/// The term that the paper's Lemma B.3 lacks, at two positives:
/// ```
/// use intnacl_reference::bound::{Counts, Theorem, Source};
///
/// let setting = Theorem::new(10, Counts::new(2, 18), 50_000, 0.05, 0.5);
/// let terms = setting.terms(&Source::FiniteClass { functions: 1 })?;
/// let gap = terms.iter().find(|term| term.name == "chain_gap").ok_or("no such term")?;
/// assert!((gap.value - 0.5 * 2_f64.cosh().ln()).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Theorem {
    /// `K`.
    pub classes: usize,
    /// `κ`: `K - 1` for balanced classes, [`World::imbalance`] in general.
    pub imbalance: f64,
    /// `1/min ρ_c`: `K` for balanced classes, [`World::rarity`] in general.
    pub rarity: f64,
    /// `M`, `N` and the reading.
    pub counts: Counts,
    /// What stands for the negatives.
    pub estimator: Estimator,
    /// `T`, the number of training tuples.
    pub samples: usize,
    /// `δ`, the probability that the bound may fail.
    pub delta: f64,
    /// `t`.
    pub temperature: f64,
}

/// Where the complexity of the class of encoders comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Source {
    /// Finitely many encoders, by Massart's bound; one encoder, fixed before the data were drawn, costs 0.
    FiniteClass {
        /// `|F|`.
        functions: usize,
    },
    /// The empirical complexity of the losses, `R̂_S(ℓ∘F)`, as [`rademacher`](super::rademacher()) gives it.
    Losses(f64),
    /// The paper's `R_S(F) = E_σ sup_f ⟨σ, f(S)⟩`, over all coordinates of all embeddings of all tuples (not
    /// divided by `T`), by contraction.
    Features(f64),
}

/// How steep a loss is in the embeddings of a tuple, by what they are: [`Theorem::feature_constants`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureConstants {
    /// In that of the anchor.
    pub anchor: f64,
    /// In those of the positives together.
    pub positives: f64,
    /// In those of the negatives and the draws `v` together.
    pub negatives: f64,
}

/// The additions to `L_NCA(G, M)(f)` on the right of the corrected theorem; their sum is [`Bound::total`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// From the supervised to the unbiased loss: [`chain_gap_of_classes`].
    pub chain: f64,
    /// From the unbiased loss to that of `N` negatives: [`limit_excess`].
    pub excess: f64,
    /// Twice the complexity of the losses.
    pub complexity: f64,
    /// `B(3√(log(4/δ)/2T) + √(log(2/δ)/2T))`.
    pub confidence: f64,
}

impl Bound {
    /// The sum.
    pub fn total(&self) -> f64 {
        self.chain + self.excess + self.complexity + self.confidence
    }
}

impl Theorem {
    /// A setting of `K` balanced classes with `g0` of true negatives; fields can be changed afterwards.
    pub fn new(classes: usize, counts: Counts, samples: usize, delta: f64, temperature: f64) -> Self {
        Self {
            classes,
            imbalance: classes as f64 - 1.0,
            rarity: classes as f64,
            counts,
            estimator: Estimator::TrueNegatives,
            samples,
            delta,
            temperature,
        }
    }

    /// The same with another estimator.
    pub fn with(self, estimator: Estimator) -> Self {
        Self { estimator, ..self }
    }

    /// The setting of a world.
    pub fn of(world: &World, counts: Counts, samples: usize, delta: f64) -> Self {
        let setting = Self::new(world.classes(), counts, samples, delta, world.temperature());
        Self { imbalance: world.imbalance(), rarity: world.rarity(), ..setting }
    }

    /// Refuses a setting out of range.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange), naming the field; `classes` below 2 shows as an
    /// imbalance below 1.
    pub fn validate(&self) -> Result<()> {
        let holds = self.imbalance >= 1.0 && self.imbalance.is_finite();
        in_range(
            "imbalance",
            self.imbalance,
            holds,
            "a finite number of at least 1 (K - 1, so K of at least 2)",
        )?;
        let holds = self.rarity >= 2.0 && self.rarity.is_finite();
        in_range("rarity", self.rarity, holds, "a finite number of at least 2 (K for balanced classes)")?;
        self.counts.validate()?;
        self.estimator.validate()?;
        at_least_1("samples", self.samples)?;
        let holds = self.delta > 0.0 && self.delta < 1.0;
        in_range("delta", self.delta, holds, "a number in (0, 1)")?;
        validate_temperature(self.temperature)
    }

    /// What `ν` has to be compared with, so that no other class counts less than 1.
    ///
    /// It is `κ` for true negatives. For draws from the data, with or without debiasing up to `τ <= min ρ_c`, it is
    /// `1/min ρ_c - 1`, `K - 1` for balanced classes: this bounds the best linear classifier, while the mean
    /// classifier itself is known to be bounded from `(1-τ)/min ρ_c` on (`notes/theorem.md`).
    pub fn threshold(&self) -> f64 {
        match self.estimator {
            Estimator::TrueNegatives => self.imbalance,
            _ => self.rarity - 1.0,
        }
    }

    /// `ν` over its threshold.
    pub(crate) fn ratio(&self) -> f64 {
        self.counts.ratio() / self.threshold()
    }

    /// Whether the corrected theorem speaks of the estimator: `τ` is at most every class's probability, so that
    /// the limit is a mean of kernels. Otherwise the estimator takes more away than the class has.
    pub fn covers_estimator(&self) -> bool {
        // A prior of 1/K times K may be off 1 by a rounding.
        self.estimator.debiasing().is_none_or(|(tau_plus, _, _)| tau_plus * self.rarity <= 1.0 + 1e-12)
    }

    /// The corrected theorem's additions: with probability at least `1 - δ` over `T` training tuples, for the
    /// minimiser `f̂` of the empirical loss and every `f ∈ F`,
    /// `L_Sup(f̂) <= L_NCA(G, M)(f) + total`. Proved in `notes/theorem.md`, for every `M`, `N`, `K` and `t`.
    ///
    /// `L_Sup` is that of the best linear classifier with rows of norm at most 1, or any better one.
    ///
    /// # Errors
    /// As [`Theorem::validate`]; [`Error::OutOfRange`](crate::Error::OutOfRange) for `tau_plus` above the
    /// smallest class probability, and for a complexity that is negative or not finite; [`Error::Overflow`](crate::Error::Overflow) at tiny temperatures.
    pub fn corrected(&self, source: &Source) -> Result<Bound> {
        self.validate()?;
        let tau_plus = self.estimator.debiasing().map_or(0.0, |(tau_plus, _, _)| tau_plus);
        in_range("tau_plus", tau_plus, self.covers_estimator(), "at most the smallest class probability")?;
        let t = self.temperature;
        let range = range(&self.estimator, &self.counts, t)?;
        let tail = |of: f64| (of.ln() / (2.0 * self.samples as f64)).sqrt();
        Ok(Bound {
            chain: chain_gap_of_classes(self.threshold(), self.counts.positives, self.ratio(), t)?,
            excess: limit_excess(&self.estimator, self.counts.negatives, t)?,
            complexity: finite(2.0 * self.complexity(source)?, t)?,
            confidence: range * (3.0 * tail(4.0 / self.delta) + tail(2.0 / self.delta)),
        })
    }

    /// The empirical complexity of the losses, or the bound on it.
    fn complexity(&self, source: &Source) -> Result<f64> {
        let check =
            |x: f64| in_range("complexity", x, x >= 0.0 && x.is_finite(), "a finite number of at least 0");
        match *source {
            Source::FiniteClass { functions } => {
                massart(range(&self.estimator, &self.counts, self.temperature)?, functions, self.samples)
            }
            Source::Losses(complexity) => check(complexity).map(|()| complexity),
            Source::Features(complexity) => {
                check(complexity)?;
                Ok(2_f64.sqrt() * self.feature_constant()? * complexity / self.samples as f64)
            }
        }
    }

    /// `Λ`, a Lipschitz constant of the loss in the stacked embeddings of a tuple, Euclidean: the norm of the
    /// [`Theorem::feature_constants`] by anchor, positives and negatives.
    ///
    /// At a fixed `N` in the sum reading it falls like the paper's `λ_M = 1/M`: with `g0` it is at most
    /// `√6 N e^{2/t}/((M + N e^{2/t}) t)`. At a fixed `ν` it does not fall to 0.
    ///
    /// # Errors
    /// As [`Theorem::validate`].
    pub fn feature_constant(&self) -> Result<f64> {
        let FeatureConstants { anchor, positives, negatives } = self.feature_constants()?;
        finite(anchor.hypot(positives).hypot(negatives), self.temperature)
    }

    /// How steep the loss is in the embedding of the anchor, in those of the positives, and in those of the negatives
    /// with the draws `v`: `Λ₀/t`, `Λ₊/t` and `Λ₋/t`.
    ///
    /// The anchor meets all scores, hence `Λ₀`, the sum of all score derivatives, with `g0` at most
    /// `2ν e^{2/t}/(1 + ν e^{2/t})`; there `Λ₊` and `Λ₋` are the Euclidean [`lipschitz`] constants.
    ///
    /// With `g1` and `g2` the negative mean reaches `G₊ = (e^{1/t} - τ e^{-1/t})/(1-τ)` instead of `e^{1/t}`, so
    /// `ω <= ω₊ = ν G₊/(e^{-1/t} + ν G₊)`, and `Λ₊` is that of `ν G₊ e^{-1/t}` in the place of `ν`. With
    /// `H = ν e^{2/t}/((1+ν)(1-τ))` and `Q = (2β+1)(ω₊ + τH)`, the sum of the derivatives by the data,
    /// `Λ₀ = ω₊ + Q + τH` and `Λ₋² = Q min{Q, H/N} + (τH)²/m` for `g1`, `Q² + (τH)²/m` for `g2`. The draws `v`
    /// count as embeddings of their own, also where they are positives.
    ///
    /// # Errors
    /// As [`Theorem::validate`].
    pub fn feature_constants(&self) -> Result<FeatureConstants> {
        self.validate()?;
        let (t, counts) = (self.temperature, &self.counts);
        let (m, ratio) = (counts.positives, counts.ratio());
        let over_t = |anchor: f64, positives: f64, negatives: f64| FeatureConstants {
            anchor: anchor / t,
            positives: positives / t,
            negatives: negatives / t,
        };
        let Some((tau_plus, beta, draws)) = self.estimator.debiasing() else {
            let of = |side, norm| Ok(lipschitz(counts, t, side, norm)?.constant);
            let omega = of(ScoresOf::Positives, Norm::Largest)?;
            let [positives, negatives] =
                [ScoresOf::Positives, ScoresOf::Negatives].map(|side| of(side, Norm::Euclidean));
            return Ok(over_t(2.0 * omega, positives?, negatives?));
        };
        let largest = (1.0 - tau_plus * (-2.0 / t).exp()) / (1.0 - tau_plus);
        let of = |norm| positives_constant(m, ratio, largest, t, norm);
        let omega = of(Norm::Largest);
        let steep = ratio / (1.0 + ratio) * (2.0 / t).exp() / (1.0 - tau_plus);
        let debiasing = tau_plus * steep;
        // The derivatives by the data sum up to this, and none of N with g1 is above `steep/N`.
        let data = (2.0 * beta + 1.0) * (omega + debiasing);
        let most = if beta == 0.0 { steep / counts.negatives as f64 } else { data };
        let squares = data * most.min(data) + debiasing * debiasing / draws as f64;
        Ok(over_t(omega + data + debiasing, of(Norm::Euclidean), squares.sqrt()))
    }

    /// Massart's bound on the paper's `R_S(F)` for finitely many encoders: the embeddings of a training set are a
    /// vector of norm `√(T(1+M+N))`, one for each encoder, so that it is `√(2T(1+M+N) log|F|)`; 0 for one.
    ///
    /// # Errors
    /// As [`Theorem::validate`]; [`Error::OutOfRange`](crate::Error::OutOfRange) for `functions = 0`.
    pub fn massart_of_features(&self, functions: usize) -> Result<f64> {
        self.validate()?;
        at_least_1("functions", functions)?;
        let rows = (1 + self.counts.positives + self.counts.negatives) as f64;
        Ok((2.0 * self.samples as f64 * rows * (functions as f64).ln()).sqrt())
    }

    /// The constants `C`, 1, 1 that [`Theorem::published`] is evaluated with in tables: the paper's own in the first
    /// term, and 1 where it states none.
    pub fn hidden_constants() -> [f64; 3] {
        [published_constant(), 1.0, 1.0]
    }

    /// The right side of the theorem as published beyond `L_NCA(f)`, the constants that its `O(·)` hides being
    /// given: `a/√N + b·λ_M·R_S(F)/T + d·B√(log(1/δ)/T)` with `λ_M = 1/M` and `B = log N`.
    ///
    /// # Errors
    /// As [`Theorem::validate`], and for constants or a complexity that are negative or not finite.
    pub fn published(&self, complexity: f64, hidden: [f64; 3]) -> Result<f64> {
        self.validate()?;
        let holds = |x: f64| x >= 0.0 && x.is_finite();
        in_range("complexity", complexity, holds(complexity), "a finite number of at least 0")?;
        for (i, &constant) in hidden.iter().enumerate() {
            in_range(&format!("hidden[{i}]"), constant, holds(constant), "a finite number of at least 0")?;
        }
        let (n, samples) = (self.counts.negatives as f64, self.samples as f64);
        let contraction = complexity / samples / self.counts.positives as f64;
        let tail = n.ln() * ((1.0 / self.delta).ln() / samples).sqrt();
        Ok(hidden[0] / n.sqrt() + hidden[1] * contraction + hidden[2] * tail)
    }
}

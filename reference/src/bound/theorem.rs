//! Theorem 3.1 term by term: as published, and corrected with explicit constants.

use super::constants::{
    concentration, hoeffding_constant, limit_excess, published_constant, range, variance_constant,
};
use super::estimator::{Counts, Estimator, Reading, at_least_1, finite};
use super::jensen::{chain_gap, chain_gap_of_classes, jensen_gap, jensen_gap_limit, jensen_peak};
use super::lipschitz::{Norm, Side, lipschitz};
use super::rademacher::massart;
use super::world::{World, validate_temperature};
use crate::error::{Result, in_range};

/// Everything that the bound depends on beside the class of encoders.
///
/// # Examples
/// The term that the paper's Lemma B.3 lacks, at two positives:
/// ```
/// use intnacl_reference::bound::{Counts, Setting, Source};
///
/// let setting = Setting::new(10, Counts::new(2, 18), 50_000, 0.05, 0.5);
/// let terms = setting.terms(&Source::FiniteClass { functions: 1 })?;
/// let gap = terms.iter().find(|term| term.name == "chain_gap").ok_or("no such term")?;
/// assert!((gap.value - 0.5 * 2_f64.cosh().ln()).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
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

/// One term of the bound.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// A short name.
    pub name: &'static str,
    /// Its formula, in the paper's letters.
    pub formula: &'static str,
    /// Its value.
    pub value: f64,
    /// Where it is from.
    pub source: &'static str,
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

impl Setting {
    /// A setting of `K` balanced classes with `g0` of true negatives; fields can be changed afterwards.
    pub fn new(classes: usize, counts: Counts, samples: usize, delta: f64, temperature: f64) -> Self {
        Self {
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
        let at_least_1_finite = |x: f64| x >= 1.0 && x.is_finite();
        let holds = at_least_1_finite(self.imbalance);
        in_range(
            "imbalance",
            self.imbalance,
            holds,
            "a finite number of at least 1 (K - 1, so K of at least 2)",
        )?;
        let holds = at_least_1_finite(self.rarity);
        in_range("rarity", self.rarity, holds, "a finite number of at least 1 (K for balanced classes)")?;
        self.counts.validate()?;
        self.estimator.validate()?;
        at_least_1("samples", self.samples)?;
        let holds = self.delta > 0.0 && self.delta < 1.0;
        in_range("delta", self.delta, holds, "a number in (0, 1)")?;
        validate_temperature(self.temperature)
    }

    /// What `ν` has to be compared with: the weight at which no other class counts less than 1.
    ///
    /// It is `κ` for true negatives and `(1-τ)/min ρ_c` for `g1` and `g2`, which is `K - 1` at `τ = 1/K`; `g2`
    /// is at least `g1` in the limit, so it needs no more. Unlabelled negatives are `τ = 0`, except that for
    /// balanced classes `K - 1` suffices for the best classifier all the same.
    pub fn threshold(&self) -> f64 {
        let balanced = self.rarity <= (self.imbalance + 1.0) * (1.0 + 1e-12);
        match self.estimator.debiasing() {
            Some((tau_plus, _, _)) => (1.0 - tau_plus) * self.rarity,
            None if self.estimator == Estimator::Unlabelled && !balanced => self.rarity,
            None => self.imbalance,
        }
    }

    /// `ν` over its threshold.
    fn ratio(&self) -> f64 {
        self.counts.ratio() / self.threshold()
    }

    /// The corrected theorem's additions: with probability at least `1 - δ` over `T` training tuples, for the
    /// minimiser `f̂` of the empirical loss and every `f ∈ F`,
    /// `L_Sup(f̂) <= L_NCA(G, M)(f) + total`. Proved in `notes/theorem.md`, for every `M`, `N`, `K` and `t`.
    ///
    /// `L_Sup` is that of the best linear classifier with rows of norm at most 1, or any better one.
    ///
    /// # Errors
    /// As [`Setting::validate`]; [`Error::OutOfRange`](crate::Error::OutOfRange) for `tau_plus` above the
    /// smallest class probability, where the estimator takes more away than the class has; [`Error::OutOfRange`](crate::Error::OutOfRange) for a complexity that is
    /// negative or not finite; [`Error::Overflow`](crate::Error::Overflow) at tiny temperatures.
    pub fn corrected(&self, source: &Source) -> Result<Bound> {
        self.validate()?;
        if let Some((tau_plus, _, _)) = self.estimator.debiasing() {
            let holds = tau_plus * self.rarity <= 1.0 + 1e-12;
            in_range("tau_plus", tau_plus, holds, "at most the smallest class probability")?;
        }
        let t = self.temperature;
        let range = range(&self.estimator, &self.counts, t)?;
        let tail = |of: f64| (of.ln() / (2.0 * self.samples as f64)).sqrt();
        Ok(Bound {
            chain: chain_gap_of_classes(self.imbalance, self.counts.positives, self.ratio(), t)?,
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

    /// `Λ`, a Lipschitz constant of the loss in the stacked embeddings of a tuple, Euclidean:
    /// `√(l² + L₊² + L₋²)/t`. The anchor meets all scores, hence the sum `l` of all score derivatives, at most
    /// `2ν e^{2/t}/(1 + ν e^{2/t})` with `g0`; `L₊` and `L₋` are the Euclidean [`lipschitz`] constants.
    /// With `g1`, `A = ν e^{2/t}/((1+ν)(1-τ))` bounds the derivatives by the draws: `l = 1 + A(1+τ)` and
    /// `L₋² = A²(1/N + τ²/m)`; with `g2`, `A` is multiplied by `2β+1` and the part of the data does not fall
    /// with `N`.
    ///
    /// It does not fall to 0 with `M`, unlike the paper's `λ_M = 1/M`.
    ///
    /// # Errors
    /// As [`Setting::validate`].
    pub fn feature_constant(&self) -> Result<f64> {
        self.validate()?;
        let (t, counts) = (self.temperature, &self.counts);
        let positives = lipschitz(counts, t, Side::Positives, Norm::Euclidean)?.constant;
        let steepest = lipschitz(counts, t, Side::Positives, Norm::Largest)?.constant;
        let (anchor, negatives) = match self.estimator.debiasing() {
            None => (2.0 * steepest, lipschitz(counts, t, Side::Negatives, Norm::Euclidean)?.constant),
            Some((tau_plus, beta, draws)) => {
                let ratio = counts.ratio();
                let base = ratio / (1.0 + ratio) * (2.0 / t).exp() / (1.0 - tau_plus);
                let data = base * (2.0 * beta + 1.0);
                let spread = if beta == 0.0 { counts.negatives as f64 } else { 1.0 };
                let squares = data * data / spread + (base * tau_plus).powi(2) / draws as f64;
                (1.0 + data + base * tau_plus, squares.sqrt())
            }
        };
        finite((anchor * anchor + positives * positives + negatives * negatives).sqrt() / t, t)
    }

    /// Every term and constant as a table: what is published, what replaces it, and what decides between them.
    ///
    /// # Errors
    /// As [`Setting::corrected`].
    pub fn terms(&self, source: &Source) -> Result<Vec<Term>> {
        let bound = self.corrected(source)?;
        let formulas = Formulas::of(&self.estimator);
        let (t, counts, samples) = (self.temperature, &self.counts, self.samples as f64);
        let m = counts.positives;
        let negatives = counts.negatives;
        let of = |constant: f64| concentration(&self.estimator, negatives, t, constant);
        let steep = |side, norm| Ok(lipschitz(counts, t, side, norm)?.constant);
        let ratio_needed = match counts.reading {
            Reading::Sum => self.threshold() * m as f64,
            Reading::Mean => self.threshold(),
        };
        let peak = jensen_peak(m, t)?;
        let enough = finite(ratio_needed * peak.exp(), t)?;
        let log_delta = (1.0 / self.delta).ln();
        let b_published = (negatives as f64).ln();
        let term = |name, formula, value, source| Term { name, formula, value, source };
        Ok(vec![
            term("negatives_published", "K - 1", self.imbalance, "Theorem 3.1, the condition on N"),
            term("negatives_for_ratio", "κ M (sum) or κ (mean)", ratio_needed, "corrected: ν = κ"),
            term(
                "negatives_without_gap",
                "the same times e^{D^max}",
                enough,
                "corrected: Lemma B.3 as published",
            ),
            term(
                "concentration_published",
                formulas.published,
                of(published_constant())?,
                "Theorem B.1, t = 1",
            ),
            term("concentration_hoeffding", formulas.hoeffding, of(hoeffding_constant(t)?)?, "any t"),
            term("concentration_variance", formulas.variance, of(variance_constant(t)?)?, "any t"),
            term("range_published", "log N", b_published, "Theorem 3.1, B"),
            term("range", formulas.range, range(&self.estimator, counts, t)?, "exact"),
            term("lipschitz_published", "1/M", 1.0 / m as f64, "Theorem 3.1, λ_M"),
            term("lipschitz_single", "sup |∂ℓ/∂s_j|", steep(Side::Positives, Norm::Sum)?, "exact, g0"),
            term(
                "lipschitz_positives",
                "sup ‖∂ℓ/∂s‖₂",
                steep(Side::Positives, Norm::Euclidean)?,
                "exact, g0",
            ),
            term(
                "lipschitz_negatives",
                "sup ‖∂ℓ/∂u‖₂",
                steep(Side::Negatives, Norm::Euclidean)?,
                "exact, g0",
            ),
            term("lipschitz_features", "Λ", self.feature_constant()?, "proved"),
            term(
                "confidence_published",
                "B √(log(1/δ)/T)",
                b_published * (log_delta / samples).sqrt(),
                "Theorem 3.1",
            ),
            term("jensen_gap", "D*_M(t)", jensen_gap(m, t)?, "best constant at ν = κ"),
            term("jensen_gap_limit", "log cosh(1/t)", jensen_gap_limit(t)?, "M → ∞"),
            term("jensen_peak", "D^max_M(t)", peak, "one anchor's worst"),
            term(
                "chain_gap",
                "γ = D* - log(ν/κ), or D*(1 - log(ν/κ)/D^max)⁺",
                chain_gap(m, self.ratio(), t)?,
                "corrected lemma B.3, any K",
            ),
            term(
                "chain",
                "softplus(α) - softplus(α - γ), α = log κ + 2/t",
                bound.chain,
                "corrected lemma B.3, this K",
            ),
            term("limit_excess", formulas.excess, bound.excess, "corrected theorem B.1"),
            term("complexity", "2 R̂_S(ℓ∘F)", bound.complexity, "corrected theorem B.4"),
            term(
                "confidence",
                "B (3√(log(4/δ)/2T) + √(log(2/δ)/2T))",
                bound.confidence,
                "corrected theorem B.4",
            ),
            term("total", "sum of the last four", bound.total(), "corrected theorem 3.1"),
        ])
    }

    /// The right side of the theorem as published beyond `L_NCA(f)`, the constants that its `O(·)` hides being
    /// given: `a/√N + b·λ_M·R_S(F)/T + d·B√(log(1/δ)/T)` with `λ_M = 1/M` and `B = log N`.
    ///
    /// # Errors
    /// As [`Setting::validate`], and for constants or a complexity that are negative or not finite.
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

/// The formulas that differ between estimators.
struct Formulas {
    published: &'static str,
    hoeffding: &'static str,
    variance: &'static str,
    range: &'static str,
    excess: &'static str,
}

impl Formulas {
    fn of(estimator: &Estimator) -> Self {
        let range = "log(1 + ν (e^{2/t} - τ)/(1-τ))";
        match estimator {
            Estimator::TrueNegatives | Estimator::Unlabelled => Self {
                published: "C/√N, C = e^{3/2} √(π/2)",
                hoeffding: "C/√N, C = (e^{2/t} - 1) √(π/2)",
                variance: "C/√N, C = (e^{2/t} - 1)/2",
                range: "log(1 + ν e^{2/t})",
                excess: "log(1 + (e^{1/t} - 1)²/N)",
            },
            Estimator::Debiased { .. } => Self {
                published: "C (1/√N + τ/√m)/(1-τ), C = e^{3/2} √(π/2)",
                hoeffding: "C (1/√N + τ/√m)/(1-τ), C = (e^{2/t} - 1) √(π/2)",
                variance: "C (1/√N + τ/√m)/(1-τ), C = (e^{2/t} - 1)/2",
                range,
                excess: "log(1 + (e^{2/t} - 1)² (1/N + τ²/m)/(4(1-τ)²))",
            },
            Estimator::HardNegative { .. } => Self {
                published: "C (e^{2β/t}/√N + τ/√m)/(1-τ), C = e^{3/2} √(π/2)",
                hoeffding: "C (e^{2β/t}/√N + τ/√m)/(1-τ), C = (e^{2/t} - 1) √(π/2)",
                variance: "C (e^{2β/t}/√N + τ/√m)/(1-τ), C = (e^{2/t} - 1)/2",
                range,
                excess: "C (e^{2β/t}/√N + τ/√m)/(1-τ), C = (e^{2/t} - 1)/2",
            },
        }
    }
}

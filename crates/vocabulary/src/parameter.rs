//! The parameters of the losses: names, ranges, defaults, and the types that hold them.

use crate::error::{Result, in_range};

/// The numbers that a parameter may be.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// The range, in words.
    pub expected: &'static str,
    holds: fn(f64) -> bool,
}

impl Range {
    /// Above 0, finite.
    pub const POSITIVE: Self =
        Self { expected: "a finite number above 0", holds: |x| x > 0.0 && x.is_finite() };
    /// At least 0, finite.
    pub const NOT_NEGATIVE: Self =
        Self { expected: "a finite number of at least 0", holds: |x| x >= 0.0 && x.is_finite() };
    /// From 0 up to 1, without 1.
    pub const BELOW_1: Self = Self { expected: "a number in [0, 1)", holds: |x| (0.0..1.0).contains(&x) };
    /// From 0 to 1.
    pub const UNIT: Self = Self { expected: "a number in [0, 1]", holds: |x| (0.0..=1.0).contains(&x) };

    /// Whether a number is in the range; NaN is in none.
    pub fn contains(&self, value: f64) -> bool {
        (self.holds)(value)
    }

    /// Refuses a number that is not in the range.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange), naming the argument.
    pub fn check(&self, argument: &str, value: f64) -> Result<()> {
        in_range(argument, value, self.contains(value), self.expected)
    }
}

/// The values that a parameter may have.
#[derive(Debug, Clone, Copy)]
pub enum Values {
    /// Numbers.
    Numbers(Range),
    /// Names or objects, described in words.
    Described(&'static str),
}

/// Declares the parameters: name in requests, symbol, meaning, values, and default.
macro_rules! parameters {
    ($($parameter:ident: $name:literal, $symbol:literal, $meaning:literal, $values:expr, $default:expr;)*) => {
        /// A parameter of a loss.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Parameter {
            $(
                #[doc = concat!("`", $name, "`: ", $symbol, ", ", $meaning, ".")]
                $parameter,
            )*
        }

        impl Parameter {
            /// Every parameter.
            pub const ALL: &'static [Self] = &[$(Self::$parameter),*];

            /// The name, in requests and everywhere else.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$parameter => $name,)*
                }
            }

            /// The symbol, in equations.
            pub const fn symbol(self) -> &'static str {
                match self {
                    $(Self::$parameter => $symbol,)*
                }
            }

            /// The meaning, in words.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$parameter => $meaning,)*
                }
            }

            /// The values that it may have.
            pub const fn values(self) -> Values {
                match self {
                    $(Self::$parameter => $values,)*
                }
            }

            /// The value that it has unless one is given, in words.
            pub const fn default(self) -> Option<&'static str> {
                match self {
                    $(Self::$parameter => $default,)*
                }
            }
        }
    };
}

const ESTIMATORS: &str = "g0, g1 (with tau_plus) or g2 (with tau_plus and beta)";
const WEIGHTS: &str = "one, adversarial or adversarial_with_gradient";
const NEIGHBORHOODS: &str =
    "nca, mix_nca (with lambda) or combined (with lambda, and joined: true unless given)";

parameters! {
    TauPlus: "tau_plus", "τ", "the class prior", Values::Numbers(Range::BELOW_1), None;
    Beta: "beta", "β", "the hardness", Values::Numbers(Range::NOT_NEGATIVE), None;
    Alpha: "alpha", "α", "the share of the robust term", Values::Numbers(Range::NOT_NEGATIVE), None;
    Lambda: "lambda", "λ", "the mixing weight", Values::Numbers(Range::UNIT), None;
    Negatives: "negatives", "G", "the negative estimator", Values::Described(ESTIMATORS), None;
    Weight: "weight", "w", "the weight of the robust term", Values::Described(WEIGHTS), None;
    WeightNegatives: "weight_negatives", "G of ŵ", "the estimator inside an adversarial weight",
        Values::Described(ESTIMATORS), Some("negatives");
    Robust: "robust", "G² and w", "the robust term", Values::Described("an object with negatives and weight"), None;
    Neighborhood: "neighborhood", "NaCl", "the neighbourhood loss", Values::Described(NEIGHBORHOODS), None;
    Objective: "objective", "objective", "the objective of supervised NCA",
        Values::Described("kl or total_variation"), None;
}

impl Parameter {
    /// Refuses a number out of this parameter's range, as `{prefix}{name}`.
    fn check(self, prefix: &str, value: f64) -> Result<()> {
        match self.values() {
            Values::Numbers(range) => range.check(&format!("{prefix}{}", self.name()), value),
            Values::Described(_) => Ok(()),
        }
    }
}

/// The value of a parameter, which knows what is out of range.
pub(crate) trait Value {
    /// Refuses a value out of the parameter's range.
    fn validate(&self, parameter: Parameter) -> Result<()>;
}

impl Value for f64 {
    fn validate(&self, parameter: Parameter) -> Result<()> {
        parameter.check("", *self)
    }
}

impl Value for Negatives {
    fn validate(&self, parameter: Parameter) -> Result<()> {
        self.validate_within(&format!("{}.", parameter.name()))
    }
}

impl Value for Weight {
    fn validate(&self, _: Parameter) -> Result<()> {
        Ok(())
    }
}

impl Value for RobustTerm {
    fn validate(&self, parameter: Parameter) -> Result<()> {
        let within = format!("{}.{}.", parameter.name(), Parameter::Negatives.name());
        self.negatives.validate_within(&within)
    }
}

impl Value for Neighborhood {
    fn validate(&self, _: Parameter) -> Result<()> {
        match *self {
            Neighborhood::Nca => Ok(()),
            Neighborhood::MixNca { lambda } | Neighborhood::Combined { lambda, .. } => {
                Parameter::Lambda.check("", lambda)
            }
        }
    }
}

/// Where the parameters of a loss come from: a request, a command line, the arguments of a function.
///
/// A method a parameter; [`LossName::read`](crate::LossName::read) calls those that the loss has, in the order
/// of its declaration.
pub trait ReadParameters {
    /// The error for a parameter that is missing, or is not what it must be.
    type Error;
    /// [`Parameter::TauPlus`].
    ///
    /// # Errors
    /// The source decides what it refuses; so for all methods.
    fn tau_plus(&mut self) -> Result<f64, Self::Error>;
    /// [`Parameter::Beta`].
    fn beta(&mut self) -> Result<f64, Self::Error>;
    /// [`Parameter::Alpha`].
    fn alpha(&mut self) -> Result<f64, Self::Error>;
    /// [`Parameter::Lambda`].
    fn lambda(&mut self) -> Result<f64, Self::Error>;
    /// [`Parameter::Negatives`].
    fn negatives(&mut self) -> Result<Negatives, Self::Error>;
    /// [`Parameter::Weight`].
    fn weight(&mut self) -> Result<Weight, Self::Error>;
    /// [`Parameter::WeightNegatives`]; where they are not given, the negatives that were read before.
    fn weight_negatives(&mut self) -> Result<Negatives, Self::Error>;
    /// [`Parameter::Robust`].
    fn robust(&mut self) -> Result<RobustTerm, Self::Error>;
    /// [`Parameter::Neighborhood`].
    fn neighborhood(&mut self) -> Result<Neighborhood, Self::Error>;
}

/// Where the parameters of a loss go: a request, a report.
///
/// A method a parameter; [`Loss::write`](crate::Loss::write) calls those that the loss has, in the order of its
/// declaration.
pub trait WriteParameters {
    /// [`Parameter::TauPlus`].
    fn tau_plus(&mut self, tau_plus: f64);
    /// [`Parameter::Beta`].
    fn beta(&mut self, beta: f64);
    /// [`Parameter::Alpha`].
    fn alpha(&mut self, alpha: f64);
    /// [`Parameter::Lambda`].
    fn lambda(&mut self, lambda: f64);
    /// [`Parameter::Negatives`].
    fn negatives(&mut self, negatives: Negatives);
    /// [`Parameter::Weight`].
    fn weight(&mut self, weight: Weight);
    /// [`Parameter::WeightNegatives`].
    fn weight_negatives(&mut self, negatives: Negatives);
    /// [`Parameter::Robust`].
    fn robust(&mut self, robust: RobustTerm);
    /// [`Parameter::Neighborhood`].
    fn neighborhood(&mut self, neighborhood: Neighborhood);
}

/// An estimator of the mean kernel of the true negatives, `G` in the equations.
///
/// With `h(x, y) = exp(f(x)·f(y)/t)`, negatives `$u_1, \ldots, u_n$` and draws of positives `$v_1, \ldots, v_m$`. `$G$` has no
/// unit, and the floor `$e^{-1/t}$` is the least kernel of unit embeddings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Negatives {
    /// `g0 = (1/n) Σ_i h(x, u_i)`: the plain mean (Chen et al. 2020, SimCLR).
    ///
    /// ```math
    /// g_0(x) = \frac{1}{n} \sum_{i=1}^n h(x,u_i)
    /// ```
    G0,
    /// `g1 = max{ [(1/n) Σ_i h(x, u_i) - τ (1/m) Σ_j h(x, v_j)] / (1-τ), e^{-1/t} }` (Chuang et al. 2020).
    ///
    /// ```math
    /// g_1(x; \tau) = \max\left\{ \frac{1}{1-\tau} \left( \frac{1}{n} \sum_{i=1}^n h(x,u_i)
    ///   - \frac{\tau}{m} \sum_{j=1}^m h(x,v_j) \right),\ e^{-1/t} \right\}
    /// ```
    G1 {
        /// The class prior `τ` in `[0, 1)`.
        tau_plus: f64,
    },
    /// `G1` with the mean replaced by `Σ_i h(x, u_i)^{β+1} / Σ_i h(x, u_i)^β` (Robinson et al. 2021).
    ///
    /// ```math
    /// g_2(x; \tau, \beta) = \max\left\{ \frac{1}{1-\tau} \left(
    ///   \frac{\sum_{i=1}^n h(x,u_i)^{\beta+1}}{\sum_{i=1}^n h(x,u_i)^\beta}
    ///   - \frac{\tau}{m} \sum_{j=1}^m h(x,v_j) \right),\ e^{-1/t} \right\}
    /// ```
    G2 {
        /// The class prior `τ` in `[0, 1)`.
        tau_plus: f64,
        /// The hardness `β >= 0`, finite.
        beta: f64,
    },
}

/// The weight `w(x)` of the robust term (Ko et al. 2022).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// `w(x) = 1`.
    One,
    /// `ŵ(x) = -log h(x,x⁺)/(h(x,x⁺) + N·G)`, held constant when the gradient is taken.
    ///
    /// ```math
    /// \hat w(x) = -\log \frac{h(x,x^+)}{h(x,x^+) + N G(x)}
    /// ```
    Adversarial,
    /// The same, its gradient flowing.
    AdversarialWithGradient,
}

/// The robust term inside IntCl and IntNaCl; the adversarial weight uses the loss's own `G¹`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RobustTerm {
    /// `G²`.
    pub negatives: Negatives,
    /// `w`.
    pub weight: Weight,
}

/// The neighbourhood loss `NaCl(G¹, M, λ)` of IntNaCl.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Neighborhood {
    /// NCA over all `M` positives.
    Nca,
    /// MIXNCA: one positive and `M-1` mixed ones.
    MixNca {
        /// The mixing weight `λ` in `[0, 1]`.
        lambda: f64,
    },
    /// Both (the paper's Table 5).
    Combined {
        /// The mixing weight `λ` in `[0, 1]`.
        lambda: f64,
        /// `true`: MIXNCA with its single-positive term replaced by the NCA term. `false`: the sum of both.
        joined: bool,
    },
}

/// The objective of supervised NCA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// (7) `Σ_i -log p_i`, `"kl"` in requests.
    ///
    /// ```math
    /// \sum_i -\log p_i, \qquad p_i = \sum_{j \ne i,\, c_j = c_i}
    ///   \frac{e^{-\lVert A x_i - A x_j \rVert^2}}{\sum_{k \ne i} e^{-\lVert A x_i - A x_k \rVert^2}}
    /// ```
    KullbackLeibler,
    /// `Σ_i (1 - p_i)`, `"total_variation"` in requests.
    ///
    /// ```math
    /// \sum_i (1 - p_i)
    /// ```
    TotalVariation,
}

impl Negatives {
    /// Whether the estimator subtracts draws of positives.
    pub fn debiases(&self) -> bool {
        match self {
            Negatives::G0 => false,
            Negatives::G1 { .. } | Negatives::G2 { .. } => true,
        }
    }

    /// Refuses parameters out of range, whose names begin with `prefix`.
    fn validate_within(&self, prefix: &str) -> Result<()> {
        match *self {
            Negatives::G0 => Ok(()),
            Negatives::G1 { tau_plus } => Parameter::TauPlus.check(prefix, tau_plus),
            Negatives::G2 { tau_plus, beta } => {
                Parameter::TauPlus.check(prefix, tau_plus)?;
                Parameter::Beta.check(prefix, beta)
            }
        }
    }
}

impl Neighborhood {
    /// Whether NCA over all positives is a part of it.
    pub fn has_nca(&self) -> bool {
        match self {
            Neighborhood::Nca | Neighborhood::Combined { .. } => true,
            Neighborhood::MixNca { .. } => false,
        }
    }

    /// Whether MIXNCA is a part of it.
    pub fn has_mix_nca(&self) -> bool {
        match self {
            Neighborhood::Nca => false,
            Neighborhood::MixNca { .. } | Neighborhood::Combined { .. } => true,
        }
    }
}

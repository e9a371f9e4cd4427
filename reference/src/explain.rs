//! The intermediate quantities of a loss, anchor by anchor: what an author compares with a program of their own
//! to find the line that is wrong.
//!
//! Every loss is made of terms, each of one anchor `x` with its positives `x⁺_j`, negatives `u_i` and draws `v_j`:
//!
//! | field | quantity |
//! |---|---|
//! | [`Term::log_positives`] | `log P`, `P = Σ_j h(x,x⁺_j)`, `h = e^s`, `s(x,y) = f(x)·f(y)/t` |
//! | [`Term::log_mean_negatives`] | `log A`, `A = Σ_i h(x,u_i)^{β+1} / Σ_i h(x,u_i)^β`; for `g0` and `g1`, `β = 0`: the plain mean |
//! | [`Term::log_mean_draws`] | `log B`, `B = (1/m) Σ_j h(x,v_j)`; none for `g0` |
//! | [`Term::log_estimate`] | `log G`, `G = max{(A - τB)/(1-τ), e^{-1/t}}`; for `g0`, `G = A` |
//! | [`Term::omega`] | `ω = N·G/(P + N·G)`, so that `-log(P/(P + N·G))` is `-log(1-ω)` |
//! | [`Term::effective_negatives`] | `(Σ_i w_i)² / Σ_i w_i²` |
//! | [`Term::bits_lost`] | what cancellation takes from a program that computes the quantities in this order |
//! | [`Term::gradient`] | the term's derivatives by its scores, the largest first |
//!
//! A term is evaluated with the reference's own estimators, in double-double and, where that leaves too few
//! bits, again with more. Supervised NCA is read as a term with `t = 1`: its scores are `-‖A x_i - A x_j‖²`, its
//! positives the points of the own class, its negatives the others, and `p_i = 1 - ω`.

#[cfg(feature = "json")]
mod json;
mod recipe;
mod term;

use crate::error::Result;
use crate::evaluate::{Evaluate, EvaluateSupervised};
use crate::layout::{Problem, Problems, Roles};
use crate::vocabulary::{
    Embeddings, Labelled, Loss, Negatives, Objective, Request, SUPERVISED_NCA, Settings,
};
use nalgebra::DMatrix;
use recipe::{Outcome, Positives, Stands, TermKind, recipes};
use std::fmt;
use term::{OfRows, OfSquares, settled};

/// A loss, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The loss, by name.
    pub loss: &'static str,
    /// `-1/t`, the logarithm of the floor of `g1` and `g2`; of supervised NCA, which has no temperature, -1.
    pub log_floor: f64,
    /// What an entry of `per_anchor` belongs to: `"anchor"`, `"image"` or `"point"`.
    pub anchors_are: &'static str,
    /// The value of the loss.
    pub value: f64,
    /// Each anchor; in the batch layout each image, for supervised NCA each point.
    pub anchors: Vec<Anchor>,
}

/// One entry of `per_anchor`, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Anchor {
    /// The value: the sum of the terms' values times their coefficients.
    pub value: f64,
    /// The terms, in the order of the equation.
    pub terms: Vec<Term>,
}

/// One term on one set of scores.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// `clean side 0`, `clean side 1` (the other view of a symmetric batch), `mixed 2`, `robust side 0`,
    /// `weight side 0` (the adversarial weight of the robust term), `point` (supervised NCA).
    pub name: String,
    /// The row that is the anchor, as `views[0][3]`.
    pub anchor: String,
    /// The estimator of the negative term.
    pub estimator: Negatives,
    /// By what the term's value is multiplied in the anchor's; 0 for a weight, which is inside the robust
    /// term's coefficient.
    pub coefficient: f64,
    /// By what its gradient is multiplied; for a weight not 0 where its gradient flows.
    pub gradient_coefficient: f64,
    /// The term's value.
    pub value: f64,
    /// `M`, `N` and `m`: how many positives, negatives and draws the term reads.
    pub counts: [usize; 3],
    /// `log P`.
    pub log_positives: f64,
    /// `log A`; `-inf` where there are no negatives.
    pub log_mean_negatives: f64,
    /// `log B`.
    pub log_mean_draws: Option<f64>,
    /// `log G`; `-inf` where there are no negatives.
    pub log_estimate: f64,
    /// Whether `G` is at its floor `e^{-1/t}`.
    pub floored: bool,
    /// `ω`.
    pub omega: f64,
    /// The number of negatives that count.
    pub effective_negatives: EffectiveNumber,
    /// The bits that cancellation takes.
    pub bits_lost: BitsLost,
    /// The derivatives of the term's value by its scores, the largest first.
    pub gradient: Vec<Derivative>,
}

/// `(Σ_i w_i)² / Σ_i w_i²` of the negatives: from 1, one of them has all the weight, to `N`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffectiveNumber {
    /// Under the hardness weights `w_i = h(x,u_i)^β`; `N` for `g0` and `g1`, whose `β` is 0.
    pub hardness: f64,
    /// Under `w_i = h(x,u_i)`, the weights of a softmax.
    pub softmax: f64,
}

/// The bits that a difference loses: `log2` of its larger side over its result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BitsLost {
    /// `A - τB` in the estimator; 0 at the floor, where the difference is not used.
    pub estimator: f64,
    /// `log(P + N·G) - log P`, as ordinary programs form the value, and `log(P + N·G) - log N·G` in a mixed
    /// term: the worse of the two that the term uses. For the total variation, `1 - p_i`. A `softplus` of
    /// `log N·G - log P` loses none of these.
    pub logarithms: f64,
    /// The two sides of a mixed term's slope, `λω - (1-λ)(1-ω)`; infinite where they are equal.
    pub slope: f64,
}

/// A derivative by one score.
#[derive(Debug, Clone, PartialEq)]
pub struct Derivative {
    /// The role that the row has for the anchor.
    pub role: Role,
    /// The row, as `negatives[0][17]`.
    pub row: String,
    /// The score.
    pub score: f64,
    /// The term's derivative by it.
    pub derivative: f64,
}

/// The role of a row for an anchor. One row can be a positive and a draw: it then has a derivative as each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `x⁺_j`.
    Positive,
    /// `u_i`.
    Negative,
    /// `v_j`.
    Draw,
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Role::Positive => "positive",
            Role::Negative => "negative",
            Role::Draw => "draw",
        })
    }
}

/// The quantities of a request, anchor by anchor.
///
/// # Errors
/// The errors of [`EvaluateRequest::evaluate`](crate::EvaluateRequest::evaluate).
///
/// # Examples
/// One positive at score 1.2, two negatives at scores 0 and -2:
/// ```
/// use intnacl_reference::{Loss, Request, Settings, Tuples, explain::explain};
/// use nalgebra::dmatrix;
///
/// let data = Tuples::new(
///     dmatrix![1.0, 0.0],
///     vec![dmatrix![0.6, 0.8]],
///     vec![dmatrix![0.0, 1.0; -1.0, 0.0]],
/// );
/// let request = Request::Tuples { loss: Loss::SimClr, settings: Settings::new(0.5), data };
/// let term = &explain(&request)?.anchors[0].terms[0];
///
/// let negatives = 1.0 + (-2.0_f64).exp();
/// assert!((term.log_positives - 1.2).abs() < 1e-15);
/// assert!((term.log_mean_negatives - (negatives / 2.0).ln()).abs() < 1e-15);
/// assert!((term.omega - negatives / (negatives + 1.2_f64.exp())).abs() < 1e-15);
/// assert_eq!(term.gradient[0].row, "positives[0][0]");
/// assert_eq!(term.gradient[0].derivative, -term.omega);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn explain(request: &Request) -> Result<Explanation> {
    match request {
        Request::Tuples { loss, settings, data } => of_layout(loss, settings, data),
        Request::Batch { loss, settings, data } => of_layout(loss, settings, data),
        Request::Supervised { objective, data } => of_points(*objective, data),
    }
}

/// The name of each row of a matrix.
fn row_names(name: &str, matrix: &DMatrix<f64>) -> Vec<String> {
    (0..matrix.nrows()).map(|row| format!("{name}[{row}]")).collect()
}

fn of_layout<L: Problems>(loss: &Loss, settings: &Settings, data: &L) -> Result<Explanation> {
    let evaluation = loss.evaluate(data, settings)?;
    let problem = data.problem(loss);
    let matrices = data.matrices();
    let names: Vec<String> = matrices.iter().flat_map(|(name, matrix)| row_names(name, matrix)).collect();
    let anchors = problem
        .images
        .iter()
        .zip(&evaluation.per_anchor)
        .map(|(roles, &value)| Anchor { value, terms: of_image(loss, settings, &problem, roles, &names) });
    Ok(Explanation {
        loss: loss.name(),
        log_floor: -1.0 / settings.temperature,
        anchors_are: match data.embeddings() {
            Embeddings::Tuples(_) => "anchor",
            Embeddings::Batch(_) => "image",
        },
        value: evaluation.value,
        anchors: anchors.collect(),
    })
}

/// The terms of one image, with their coefficients.
fn of_image(
    loss: &Loss,
    settings: &Settings,
    problem: &Problem,
    roles: &Roles,
    names: &[String],
) -> Vec<Term> {
    let of_recipe = |recipe: &TermKind| -> Vec<Term> {
        let contrasts = recipe.contrasts(roles).iter().enumerate();
        let terms = contrasts.map(|(index, contrast)| {
            let term = settled(recipe, &OfRows { problem, settings, contrast }, names);
            Term { name: recipe.name(index), ..term }
        });
        terms.collect()
    };
    let recipes = recipes(loss);
    let mut groups: Vec<Vec<Term>> = recipes.iter().map(of_recipe).collect();
    let mean = |terms: &[Term]| terms.iter().map(|term| term.value).sum::<f64>() / terms.len() as f64;
    let mean_of = |wanted: fn(&Stands) -> bool| {
        recipes.iter().position(|recipe| wanted(&recipe.stands)).map_or(1.0, |place| mean(&groups[place]))
    };
    let weight = mean_of(|stands| matches!(stands, Stands::AsWeight { .. }));
    let weighted = mean_of(|stands| matches!(stands, Stands::Weighted(_)));
    for (recipe, terms) in recipes.iter().zip(&mut groups) {
        let share = 1.0 / terms.len() as f64;
        let (by_value, by_gradient) = match recipe.stands {
            Stands::Times(alpha) => (alpha, alpha),
            Stands::Weighted(alpha) => (alpha * weight, alpha * weight),
            Stands::AsWeight { alpha, flows: true } => (0.0, alpha * weighted),
            Stands::AsWeight { flows: false, .. } => (0.0, 0.0),
        };
        for term in terms {
            (term.coefficient, term.gradient_coefficient) = (by_value * share, by_gradient * share);
        }
    }
    groups.into_iter().flatten().collect()
}

fn of_points(objective: Objective, data: &Labelled) -> Result<Explanation> {
    let evaluation = objective.evaluate(data)?;
    let names = row_names("points", &data.points);
    let outcome = match objective {
        Objective::KullbackLeibler => Outcome::Attraction,
        Objective::TotalVariation => Outcome::Miss,
    };
    let recipe = TermKind {
        label: "point",
        part: crate::loss::Part::Clean,
        positives: Positives::All,
        negatives: Negatives::G0,
        outcome,
        stands: Stands::Times(1.0),
    };
    let anchors = evaluation.per_anchor.iter().enumerate().map(|(point, &value)| {
        let term = settled(&recipe, &OfSquares { data, point }, &names);
        Anchor { value, terms: vec![term] }
    });
    Ok(Explanation {
        loss: SUPERVISED_NCA.name,
        log_floor: -1.0,
        anchors_are: "point",
        value: evaluation.value,
        anchors: anchors.collect(),
    })
}

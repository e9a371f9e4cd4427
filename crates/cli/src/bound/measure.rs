//! What an embedding's losses are, beside what the theorem says of them.

use indicatif::ProgressBar;
use intnacl_reference::Result;
use intnacl_reference::bound::{Counts, Effort, Estimator, Expectation, LinearFit, Method, Solver, World};
use serde::Serialize;

use super::subject::Subject;
use super::worlds::Worlds;

/// A number that is known to lie in an interval.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Interval {
    /// The best value.
    pub value: f64,
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
    /// The draws of which it is the mean; absent where it was computed without drawing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draws: Option<usize>,
}

impl From<Expectation> for Interval {
    fn from(expectation: Expectation) -> Self {
        let Expectation { value, lower, upper, method } = expectation;
        let draws = match method {
            Method::Enumerated { .. } => None,
            Method::Sampled { draws, .. } => Some(draws),
        };
        Self { value, lower, upper, draws }
    }
}

impl From<LinearFit> for Interval {
    fn from(fit: LinearFit) -> Self {
        Self { value: fit.upper, lower: fit.lower, upper: fit.upper, draws: None }
    }
}

/// The supervised losses of an embedding.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Supervised {
    /// The loss of the mean classifier.
    pub mean_classifier: f64,
    /// The share of points that the mean classifier gets right.
    pub mean_classifier_accuracy: f64,
    /// The loss of the best linear classifier whose rows have norm at most 1.
    pub best_linear: Interval,
}

/// A contrastive loss in both readings.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Contrastive {
    /// Its name.
    pub name: &'static str,
    /// In words.
    pub meaning: &'static str,
    /// In the sum reading.
    pub sum: Interval,
    /// In the mean reading.
    pub mean: Interval,
}

/// A claim at this embedding: a left side, and a right side of at least that.
#[derive(Debug, Clone, Serialize)]
pub struct Claim {
    /// The inequality.
    pub claim: &'static str,
    /// `sum` or `mean`; absent where there is but one.
    pub reading: Option<&'static str>,
    /// The left side.
    pub left: f64,
    /// The right side.
    pub right: f64,
    /// Whether it is true here, as far as the intervals tell: absent where they overlap.
    pub holds: Option<bool>,
}

/// Everything that is measured: the supervised losses of all encoders, and the rest at the last.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// Of each encoder, with a linear classifier on top.
    #[serde(skip)]
    pub of_encoders: Vec<Supervised>,
    /// With a linear classifier on top.
    pub supervised: Supervised,
    /// The supervised loss of the best linear classifier of any norm.
    pub unconstrained: Interval,
    /// Without labels of the anchor.
    pub contrastive: Vec<Contrastive>,
    /// The theorem's inequalities here.
    pub claims: Vec<Claim>,
}

/// An encoder's world with its supervised losses.
pub struct Encoder<'a> {
    /// Its embedding.
    pub world: &'a World,
    /// Of the mean classifier.
    pub mean_classifier: f64,
    /// Of the best linear classifier of norm 1, from above.
    pub best_linear: f64,
}

/// A gap of `1e-3` is far below what the bound and the loss differ by.
const SOLVER: Solver = Solver { tolerance: 1e-3, iterations: 1000 };
/// Without a bound on the norm the search goes through a dozen radii, and ever slower.
const SOLVER_OF_ANY_NORM: Solver = Solver { tolerance: 1e-2, iterations: 100 };

/// How an expectation is come by with `draws` of `counts` in one world, in about a second: enumeration where it
/// is that cheap.
pub fn effort(counts: &Counts, seed: u64) -> Effort {
    let draws = (4_000_000 / (counts.positives + counts.negatives)).clamp(500, 20_000);
    Effort { terms: 1e6, draws, seed, ..Effort::default() }
}

/// How many steps the contrastive losses and the last classifier take.
const STEPS: u64 = 9;

impl Measured {
    /// Measures the worlds; `bar` counts the steps.
    ///
    /// # Errors
    /// Those of the crate's losses and bounds.
    pub fn new(worlds: &Worlds, subject: &Subject, seed: u64, bar: &ProgressBar) -> Result<Self> {
        bar.set_message("supervised losses");
        bar.inc_length(worlds.worlds.len() as u64 + STEPS);
        let each = |world| supervised(world).inspect(|_| bar.inc(1));
        let of_encoders = worlds.worlds.iter().map(each).collect::<Result<Vec<_>>>()?;
        let supervised = of_encoders[of_encoders.len() - 1];
        bar.set_message("contrastive losses");
        let contrastive = contrastive(worlds.last(), subject, seed, || bar.inc(1))?;
        let claims = claims(subject, &supervised, &contrastive)?;
        let unconstrained = worlds.last().best_unconstrained(&SOLVER_OF_ANY_NORM)?.into();
        bar.inc(1);
        Ok(Self { of_encoders, supervised, unconstrained, contrastive, claims })
    }

    /// Each encoder's world with its supervised losses.
    pub fn encoders<'a>(&self, worlds: &'a Worlds) -> impl Iterator<Item = Encoder<'a>> {
        worlds.worlds.iter().zip(&self.of_encoders).map(|(world, supervised)| Encoder {
            world,
            mean_classifier: supervised.mean_classifier,
            best_linear: supervised.best_linear.upper,
        })
    }
}

fn supervised(world: &World) -> Result<Supervised> {
    Ok(Supervised {
        mean_classifier: world.mean_classifier_loss()?,
        mean_classifier_accuracy: accuracy(world),
        best_linear: world.best_linear(1.0, &SOLVER)?.into(),
    })
}

fn accuracy(world: &World) -> f64 {
    let logits = world.embeddings() * world.means().transpose();
    let right = (0..world.points()).filter(|&i| Some(logits.row(i).transpose().imax()) == world.class_of(i));
    right.count() as f64 / world.points() as f64
}

/// The contrastive losses of a world, in both readings.
fn contrastive(world: &World, subject: &Subject, seed: u64, progress: impl Fn()) -> Result<Vec<Contrastive>> {
    let counts = subject.setting.counts;
    let both = |name, meaning, of: &dyn Fn(&Counts) -> Result<Expectation>| -> Result<Contrastive> {
        let sum = of(&counts)?.into();
        progress();
        let mean = of(&counts.normalized())?.into();
        progress();
        Ok(Contrastive { name, meaning, sum, mean })
    };
    let effort = effort(&counts, seed);
    let limit = |estimator: Estimator| move |counts: &Counts| world.limit(&estimator, counts, &effort);
    let loss = |estimator: Estimator| move |counts: &Counts| world.loss(&estimator, counts, &effort);
    let (g0, g1) = (Estimator::TrueNegatives, subject.debiased());
    Ok(vec![
        both("unbiased", "L_Unb^{M,N}: infinitely many true negatives", &limit(g0))?,
        both("g0", "L_NCA(g0, M), N true negatives", &loss(g0))?,
        both("g0_unlabelled", "L_NCA(g0, M), N draws from all classes", &loss(Estimator::Unlabelled))?,
        both("g1", "L_NCA(g1, M), debiased", &loss(g1))?,
    ])
}

fn claims(subject: &Subject, supervised: &Supervised, contrastive: &[Contrastive]) -> Result<Vec<Claim>> {
    let exact = |value: f64| Interval { value, lower: value, upper: value, draws: None };
    let mean_classifier = exact(supervised.mean_classifier);
    let mut claims = vec![claim("L_Sup ≤ L^μ_Sup", None, &supervised.best_linear, &mean_classifier, 0.0)];
    let counts = subject.setting.counts;
    for (reading, counts) in [("sum", counts), ("mean", counts.normalized())] {
        let of = |name: &str| contrastive.iter().find(|loss| loss.name == name);
        let (Some(unbiased), Some(g0), Some(g1)) = (of("unbiased"), of("g0"), of("g1")) else { continue };
        let read = |loss: &Contrastive| if reading == "sum" { loss.sum } else { loss.mean };
        let setting = subject.setting(counts, Estimator::TrueNegatives);
        let corrected = setting.corrected(&subject.source())?;
        let published = subject.published(&setting)?;
        let (unbiased, g0, g1) = (read(unbiased), read(g0), read(g1));
        let reading = Some(reading);
        let best = &supervised.best_linear;
        claims.push(claim("L^μ_Sup ≤ L_Unb (published)", reading, &mean_classifier, &unbiased, 0.0));
        claims.push(claim(
            "L^μ_Sup ≤ L_Unb + chain (corrected)",
            reading,
            &mean_classifier,
            &unbiased,
            corrected.chain,
        ));
        claims.push(claim("L_Sup ≤ L_NCA(g0) + total_published", reading, best, &g0, published));
        claims.push(claim("L_Sup ≤ L_NCA(g0) + total", reading, best, &g0, corrected.total()));
        if subject.covers_debiased() {
            let debiased = subject.setting(counts, subject.debiased()).corrected(&subject.source())?;
            claims.push(claim("L_Sup ≤ L_NCA(g1) + total", reading, best, &g1, debiased.total()));
        }
    }
    Ok(claims)
}

fn claim(
    claim: &'static str,
    reading: Option<&'static str>,
    left: &Interval,
    right: &Interval,
    more: f64,
) -> Claim {
    // To the rounding of two sums of some thousand terms.
    let slack = 1e-12;
    let holds = match () {
        () if left.upper <= right.lower + more + slack => Some(true),
        () if left.lower > right.upper + more + slack => Some(false),
        () => None,
    };
    Claim { claim, reading, left: left.value, right: right.value + more, holds }
}

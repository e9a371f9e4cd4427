//! The engine: from scores to the loss of each image, as a recipe says.

use super::negatives::{Summary, log_estimate};
use super::score::{Scorer, mean_over, softplus};
use crate::error::Result;
use crate::loss::check::missing;
use intnacl_engine::{Recipe, Robust};
use intnacl_reference::{Negatives, Weight};
use tch::Tensor;

/// The scores of `A` anchors for each of `B` images, with what they are contrasted with.
#[derive(Debug)]
pub struct Contrasts {
    /// `[A, B, P]`.
    pub(crate) positives: Tensor,
    /// The negatives of each anchor.
    pub(crate) negatives: Contrasted,
    /// `[A, B, m]`: the `v` of `g1` and `g2`.
    pub(crate) debias: Tensor,
}

/// The negatives of each anchor.
#[derive(Debug)]
pub enum Contrasted {
    /// Their scores, `[.., N]`.
    Scores(Tensor),
    /// The summaries that the estimators of a recipe need.
    Summaries {
        /// `N`.
        count: f64,
        /// Each estimator with its summary.
        of: Vec<(Negatives, Summary)>,
    },
}

impl Contrasted {
    /// `log(N·G)`, `[..]`.
    fn log_negatives(&self, estimator: &Negatives, debias: &Tensor, scorer: &Scorer) -> Result<Tensor> {
        match self {
            Contrasted::Scores(scores) => {
                let count = scores.size().last().map_or(0.0, |&count| count as f64);
                let summary = Summary::of(estimator, scores, scorer)?;
                log_estimate(estimator, &summary, debias, scorer, count)
            }
            Contrasted::Summaries { count, of } => {
                let known = of.iter().find(|(known, _)| known == estimator);
                let (_, summary) = known.ok_or_else(|| missing("negatives", format!("{estimator:?}")))?;
                log_estimate(estimator, summary, debias, scorer, *count)
            }
        }
    }
}

/// The scores of the first anchor of each image with its mixed embeddings.
#[derive(Debug)]
pub struct MixedScores {
    /// `[B, M-1]`.
    pub(crate) positives: Tensor,
    /// `[B, M-1, N]`, where they are not the negatives of the clean contrast.
    pub(crate) negatives: Option<Contrasted>,
}

/// All that a loss reads; a part that the recipe does not need may be absent.
#[derive(Debug, Default)]
pub struct ScoreTensors {
    pub(crate) clean: Option<Contrasts>,
    pub(crate) mixed: Option<MixedScores>,
    pub(crate) robust: Option<Contrasts>,
}

impl Contrasts {
    /// `log(N·G)`, `[A, B]`.
    fn log_negatives(&self, estimator: &Negatives, scorer: &Scorer) -> Result<Tensor> {
        self.negatives.log_negatives(estimator, &self.debias, scorer)
    }

    /// `-log h/(h + N·G)` with `h` of the first positive, its mean over the anchors: `[B]`.
    fn single(&self, log_negatives: &Tensor) -> Result<Tensor> {
        mean_over(0, &softplus(&log_negatives.f_sub(&self.positives.f_select(-1, 0)?)?)?)
    }

    /// `-log P/(P + N·G)` with `P` the sum over all positives, its mean over the anchors: `[B]`.
    fn joint(&self, log_negatives: &Tensor) -> Result<Tensor> {
        mean_over(0, &softplus(&log_negatives.f_sub(&self.positives.f_logsumexp([-1], false)?)?)?)
    }
}

impl ScoreTensors {
    /// The loss of each image, `[B]`.
    pub(crate) fn per_image(&self, recipe: &Recipe, scorer: &Scorer) -> Result<Tensor> {
        let mut terms = Vec::new();
        let mut clean_log_negatives = None;
        if let Some(clean) = self.clean.as_ref().filter(|_| recipe.single || recipe.joint) {
            let log_negatives = clean.log_negatives(&recipe.negatives, scorer)?;
            if recipe.single {
                terms.push(clean.single(&log_negatives)?);
            }
            if recipe.joint {
                terms.push(clean.joint(&log_negatives)?);
            }
            if let (Some(mixed), Some(lambda)) = (&self.mixed, recipe.lambda) {
                terms.push(mixed.term(lambda, &log_negatives, clean, &recipe.negatives, scorer)?);
            }
            clean_log_negatives = Some(log_negatives);
        }
        if let (Some(contrasts), Some(robust)) = (&self.robust, &recipe.robust) {
            let log_negatives = contrasts.log_negatives(&robust.negatives, scorer)?;
            let term = contrasts.single(&log_negatives)?;
            let known = clean_log_negatives.as_ref().filter(|_| robust.weight_negatives == recipe.negatives);
            terms.push(match self.weight(robust, known, scorer)? {
                Some(weight) => {
                    // A tiny weight may keep the product in range where `α` times the loss is not.
                    let [first, second] = robust.alpha_in_two();
                    let weighted = term.f_mul_scalar(first)?.f_mul(&weight)?;
                    if second == 1.0 { weighted } else { weighted.f_mul_scalar(second)? }
                }
                None => term.f_mul_scalar(robust.alpha)?,
            });
        }
        let mut terms = terms.into_iter();
        let nothing = || missing("loss", "at least one term that the data allow");
        let first = terms.next().ok_or_else(nothing)?;
        terms.try_fold(first, |sum, term| Ok(sum.f_add(&term)?))
    }

    /// `w`, `[B]`: the clean single-positive loss of each image; nothing where it is 1.
    fn weight(&self, robust: &Robust, known: Option<&Tensor>, scorer: &Scorer) -> Result<Option<Tensor>> {
        let (Some(clean), true) = (&self.clean, robust.weight != Weight::One) else {
            return Ok(None);
        };
        let weight = match known {
            Some(log_negatives) => clean.single(log_negatives)?,
            None => clean.single(&clean.log_negatives(&robust.weight_negatives, scorer)?)?,
        };
        Ok(Some(if robust.weight == Weight::Adversarial { weight.f_detach()? } else { weight }))
    }
}

impl MixedScores {
    /// `-λ/(M-1) Σ_j log Ω_j - (1-λ)/(M-1) Σ_j log(1-Ω_j)`, `[B]`, with `Ω_j = h_j/(h_j + N·G_j)`.
    fn term(
        &self,
        lambda: f64,
        clean_log_negatives: &Tensor,
        clean: &Contrasts,
        estimator: &Negatives,
        scorer: &Scorer,
    ) -> Result<Tensor> {
        let log_negatives = match &self.negatives {
            Some(negatives) => {
                let debias = clean.debias.f_select(0, 0)?.f_unsqueeze(1)?;
                negatives.log_negatives(estimator, &debias, scorer)?
            }
            None => clean_log_negatives.f_select(0, 0)?.f_unsqueeze(-1)?,
        };
        let margin = log_negatives.f_sub(&self.positives)?;
        let towards = softplus(&margin)?.f_mul_scalar(lambda)?;
        let away = softplus(&margin.f_neg()?)?.f_mul_scalar(1.0 - lambda)?;
        mean_over(-1, &towards.f_add(&away)?)
    }
}

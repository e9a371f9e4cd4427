//! The tuple layout: each anchor brings its own positives and negatives.

use super::check::{self, Common};
use super::operators::engine::{Contrasted, Contrasts, MixedScores, ScoreTensors};
use super::operators::score::Scorer;
use crate::error::Result;
use intnacl_engine::Recipe;
use intnacl_reference::Loss;
use tch::Tensor;

/// Embeddings as tuples: each of `B` anchors with positives and negatives of its own.
///
/// All tensors have one floating kind and lie on one device. With `h(x,y) = exp(x·y/t)`, the loss of anchor
/// `b` is a function of `h(anchor[b], ·)` alone; see [`Layout`](crate::Layout) for the equations.
///
/// # Examples
/// ```
/// use intnacl::{Layout, Loss, Negatives, Settings, Tuples};
/// use tch::{Device, Kind, Tensor};
///
/// let random = |shape: &[i64]| Tensor::randn(shape, (Kind::Float, Device::Cpu));
/// let anchor = random(&[8, 16]).set_requires_grad(true);
/// let tuples = Tuples {
///     adversarial: Some(random(&[8, 16])),
///     ..Tuples::new(anchor.shallow_clone(), random(&[8, 3, 16]), random(&[8, 32, 16]))
/// };
/// let loss = Loss::Nca { negatives: Negatives::G1 { tau_plus: 0.1 } };
/// let value = tuples.value(&loss, &Settings::new(0.5).normalizing())?;
/// value.f_backward()?;
/// assert_eq!(anchor.grad().size(), [8, 16]);
/// # Ok::<(), intnacl::Error>(())
/// ```
#[derive(Debug)]
pub struct Tuples {
    /// `[B, d]`.
    pub anchor: Tensor,
    /// `[B, M, d]`. Where a loss has one positive, it is the first.
    pub positives: Tensor,
    /// `[B, N, d]`.
    pub negatives: Tensor,
    /// `[B, m, d]`: the `v` of `g1` and `g2`, in every term (default: the first positive).
    pub debias_positives: Option<Tensor>,
    /// `[B, M-1, d]`: embeddings of mixed inputs.
    pub mixed: Option<Tensor>,
    /// `[B, M-1, N, d]`: the negatives of each mixed term (default: `negatives`).
    pub mixed_negatives: Option<Tensor>,
    /// `[B, d]`.
    pub adversarial: Option<Tensor>,
    /// `[B, N', d]`: the negatives of the robust term (default: `negatives`).
    pub adversarial_negatives: Option<Tensor>,
}

impl Tuples {
    /// Tuples with the tensors that every loss needs.
    pub fn new(anchor: Tensor, positives: Tensor, negatives: Tensor) -> Self {
        Self {
            anchor,
            positives,
            negatives,
            debias_positives: None,
            mixed: None,
            mixed_negatives: None,
            adversarial: None,
            adversarial_negatives: None,
        }
    }

    /// Every tensor that is given, with its name.
    pub(crate) fn tensors(&self) -> Vec<(&'static str, &Tensor)> {
        let mut all =
            vec![("anchor", &self.anchor), ("positives", &self.positives), ("negatives", &self.negatives)];
        let optional = [
            ("debias_positives", &self.debias_positives),
            ("mixed", &self.mixed),
            ("mixed_negatives", &self.mixed_negatives),
            ("adversarial", &self.adversarial),
            ("adversarial_negatives", &self.adversarial_negatives),
        ];
        all.extend(optional.into_iter().filter_map(|(name, tensor)| Some((name, tensor.as_ref()?))));
        all
    }

    fn check_shapes(&self, loss: &Loss, common: &Common) -> Result<()> {
        check::has_shape("anchor", &self.anchor, &[None, None], "[B, d]")?;
        check::at_least("anchor", &self.anchor, 0, 1, "anchors")?;
        check::at_least("anchor", &self.anchor, 1, 1, "columns")?;
        let (b, d) = self.anchor.size2()?;
        let (b, d) = (Some(b), Some(d));
        let rows = |name: &str, tensor: &Tensor, names: &str| {
            common.fits(name, tensor, &[b, None, d], names)?;
            check::at_least(name, tensor, 1, 1, "rows an anchor")
        };
        rows("positives", &self.positives, "[B, M, d]")?;
        rows("negatives", &self.negatives, "[B, N, d]")?;
        if let Some(debias) = &self.debias_positives {
            rows("debias_positives", debias, "[B, m, d]")?;
        }
        if let Some(mixed) = &self.mixed {
            common.fits("mixed", mixed, &[b, None, d], "[B, M-1, d]")?;
        }
        if let Some(negatives) = &self.mixed_negatives {
            let terms = self.mixed.as_ref().map_or(0, |mixed| mixed.size()[1]);
            common.fits("mixed_negatives", negatives, &[b, Some(terms), None, d], "[B, M-1, N, d]")?;
            check::at_least("mixed_negatives", negatives, 2, 1, "rows a mixed term")?;
        }
        if let Some(adversarial) = &self.adversarial {
            common.fits("adversarial", adversarial, &[b, d], "[B, d]")?;
        } else if loss.needs_adversarial() {
            return Err(check::missing("adversarial", "[B, d], adversarial embeddings"));
        }
        if let Some(negatives) = &self.adversarial_negatives {
            rows("adversarial_negatives", negatives, "[B, N', d]")?;
        }
        if loss.needs_mixed() && self.mixed.is_none() && self.positives.size()[1] > 1 {
            return Err(check::missing("mixed", "[B, M-1, d], embeddings of mixed inputs"));
        }
        Ok(())
    }

    /// Refuses tensors that do not fit each other or the loss; what they have in common.
    pub(crate) fn common(&self, loss: &Loss) -> Result<Common> {
        let common = Common::of("anchor", &self.anchor)?;
        self.check_shapes(loss, &common)?;
        Ok(common)
    }

    /// The scores that a recipe reads.
    pub(crate) fn scores(&self, recipe: &Recipe, scorer: &Scorer) -> Result<ScoreTensors> {
        let anchor = scorer.prepare(&self.anchor)?;
        let own = |rows: &Tensor| scorer.own(&anchor, &scorer.prepare(rows)?);
        // Each tensor is widened once: derivatives by its parts are summed before they are rounded to its kind.
        let count = if recipe.joint { self.positives.size()[1] } else { 1 };
        let positives = own(&self.positives.f_narrow(1, 0, count)?)?;
        let debias = match &self.debias_positives {
            Some(debias) => own(debias)?,
            None => positives.f_narrow(1, 0, 1)?,
        };
        let debias = debias.f_unsqueeze(0)?;
        // One anchor an image: the first of the dimensions `[A, B, ..]` is 1.
        let contrasts = |positives: Tensor, negatives: &Tensor| -> Result<Contrasts> {
            let positives = positives.f_unsqueeze(0)?;
            let negatives = Contrasted::Scores(negatives.f_unsqueeze(0)?);
            Ok(Contrasts { positives, negatives, debias: debias.shallow_clone() })
        };

        let mut scores = ScoreTensors::default();
        let inherited = recipe.robust.is_some() && self.adversarial_negatives.is_none();
        let negatives = if recipe.reads_clean() || inherited { Some(own(&self.negatives)?) } else { None };
        if let (Some(negatives), true) = (&negatives, recipe.reads_clean()) {
            scores.clean = Some(contrasts(positives, negatives)?);
        }
        if let (Some(mixed), Some(_)) = (&self.mixed, recipe.lambda)
            && mixed.size()[1] > 0
        {
            let negatives = match &self.mixed_negatives {
                Some(negatives) => {
                    let shape = negatives.size();
                    let scored = own(&negatives.f_flatten(1, 2)?)?;
                    Some(Contrasted::Scores(scored.f_reshape(&shape[..3])?))
                }
                None => None,
            };
            scores.mixed = Some(MixedScores { positives: own(mixed)?, negatives });
        }
        if let (Some(adversarial), Some(_)) = (&self.adversarial, &recipe.robust) {
            let positives = own(&adversarial.f_unsqueeze(1)?)?;
            scores.robust = match (&self.adversarial_negatives, negatives) {
                (Some(given), _) => Some(contrasts(positives, &own(given)?)?),
                (None, Some(negatives)) => Some(contrasts(positives, &negatives)?),
                (None, None) => None,
            };
        }
        Ok(scores)
    }
}

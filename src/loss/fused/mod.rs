//! The engine of a batch on a processor: value and gradient together, tile by tile, in a core's cache.
//!
//! libtorch's operators write each intermediate result to memory and hand over between threads each time. Here a
//! thread takes a tile of scores through all that is done with it, twice: once for the sums that the estimators read
//! ([`contrast`]), from which the loss of each image and its derivatives follow ([`images`]), and once for the
//! gradient. `notes/performance.md` has what that gains.

mod aligned;
mod contrast;
mod images;
mod number;
mod products;
mod schedule;
mod team;
mod tile;
mod vectors;
mod view;

use super::batch::Batch;
use super::recipe::Recipe;
use super::score::{Scorer, compute_kind};
use super::{Outcome, once_differentiable};
use crate::error::Result;
use aligned::Aligned;
use contrast::Contrast;
use images::{Images, Positives};
use intnacl_reference::Negatives;
use number::Number;
use schedule::Blocks;
use std::sync::OnceLock;
use tch::{Device, Kind, Tensor};
use team::Team;
use view::{Cut, Name, View, add_scaled};

/// The outcome of a batch on a processor, in blocks of `width` rows or of a size that suits.
///
/// # Errors
/// [`NotFinite`](intnacl_reference::Error::NotFinite) and, where rows are to be normalised,
/// [`ZeroVector`](intnacl_reference::Error::ZeroVector), naming the entry or row;
/// [`OutOfMemory`](crate::Error::OutOfMemory).
pub fn evaluate(batch: &Batch, recipe: &Recipe, scorer: &Scorer, width: Option<usize>) -> Result<Outcome> {
    match compute_kind(batch.views.f_kind()?) {
        Kind::Double => Step::<f64>::new(batch, recipe, scorer, width)?.outcome(),
        _ => Step::<f32>::new(batch, recipe, scorer, width)?.outcome(),
    }
}

/// The tensors that a gradient may be wanted by.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Source {
    Views,
    Mixed,
    Adversarial,
}

/// Of a view and a block of images: the parts of the gradient, and where their sum goes.
type Piece<'a, T> = (Vec<Aligned<T>>, Option<&'a mut [T]>);

/// A batch on its way through the engine.
struct Step<'a, T> {
    batch: &'a Batch,
    recipe: &'a Recipe,
    scorer: &'a Scorer,
    team: Team,
    cut: Cut,
    anchors: usize,
    /// Every view that is read, with where it comes from.
    views: Vec<(Source, usize, View<T>)>,
    /// Whether a gradient by each of them is wanted.
    wanted: Vec<bool>,
}

impl<'a, T: Number> Step<'a, T> {
    fn new(batch: &'a Batch, recipe: &'a Recipe, scorer: &'a Scorer, width: Option<usize>) -> Result<Self> {
        let (count, images, columns) = batch.views.size3()?;
        let rows = 2 * images as usize;
        let team = Team::new(rows.saturating_mul(rows).saturating_mul(columns as usize));
        let cut = Cut::new(images as usize, columns as usize, width);
        let mut step = Self {
            batch,
            recipe,
            scorer,
            team,
            cut,
            anchors: if batch.symmetric { 2 } else { 1 },
            views: Vec::new(),
            wanted: Vec::new(),
        };
        step.read(Source::Views, 0, true)?;
        if recipe.reads_clean() {
            step.read(Source::Views, 1, true)?;
        }
        if recipe.joint {
            (2..count as usize).try_for_each(|view| step.read(Source::Views, view, false))?;
        }
        if let (Some(mixed), Some(_)) = (&batch.mixed, recipe.lambda) {
            (0..mixed.size()[0] as usize).try_for_each(|view| step.read(Source::Mixed, view, false))?;
        }
        if batch.adversarial.is_some() && recipe.robust.is_some() {
            step.read(Source::Adversarial, 0, true)?;
        }
        let is_wanted = |(source, _, _): &(Source, usize, View<T>)| {
            // What is made of a tensor needs a gradient if the tensor does and gradients are enabled at all.
            Ok(step.tensor(*source).map(Tensor::f_alias).transpose()?.is_some_and(|x| x.requires_grad()))
        };
        step.wanted = step.views.iter().map(is_wanted).collect::<Result<Vec<bool>>>()?;
        Ok(step)
    }

    fn tensor(&self, source: Source) -> Option<&'a Tensor> {
        match source {
            Source::Views => Some(&self.batch.views),
            Source::Mixed => self.batch.mixed.as_ref(),
            Source::Adversarial => self.batch.adversarial.as_ref(),
        }
    }

    fn read(&mut self, source: Source, index: usize, contrasted: bool) -> Result<()> {
        let Some(tensor) = self.tensor(source) else { return Ok(()) };
        let (name, rows) = match source {
            Source::Views => {
                (Name { argument: "views", view: Some(index) }, tensor.f_select(0, index as i64)?)
            }
            Source::Mixed => {
                (Name { argument: "mixed", view: Some(index) }, tensor.f_select(0, index as i64)?)
            }
            Source::Adversarial => (Name { argument: "adversarial", view: None }, tensor.shallow_clone()),
        };
        let view = View::new(&name, &rows, self.cut, contrasted, self.scorer.normalize, &self.team)?;
        self.views.push((source, index, view));
        Ok(())
    }

    /// The place of a view among those that are read.
    fn place(&self, source: Source, index: usize) -> Option<usize> {
        self.views.iter().position(|(known, at, _)| (*known, *at) == (source, index))
    }

    /// Which views' rows of the same image are positives.
    fn links(&self) -> Positives<(usize, usize)> {
        let (first, second) = (0, self.place(Source::Views, 1));
        let places = |source, from: usize| (from..).map_while(move |index| self.place(source, index));
        let anchors = [Some(first), second].into_iter().flatten().take(self.anchors);
        let further = |anchor| places(Source::Views, 2).map(|view| (anchor, view)).collect();
        Positives {
            pair: second.map(|second| (first, second)),
            further: anchors.map(further).collect(),
            mixed: places(Source::Mixed, 0).map(|view| (first, view)).collect(),
            adversarial: self.place(Source::Adversarial, 0).map(|view| (first, view)),
        }
    }

    /// The inner products of two views' rows of the same image.
    fn products(&self, x: usize, y: usize) -> Vec<f64> {
        let mut out = vec![0.0; self.cut.images];
        let parts = Blocks::new(out.chunks_mut(self.cut.width));
        // Threads share the views, and no tensors.
        let (x, y) = (&self.views[x].2, &self.views[y].2);
        self.team.each(
            self.cut.blocks(),
            || (),
            |(), block| {
                x.products_with(y, block, &mut parts.only(block));
            },
        );
        drop(parts);
        out
    }

    fn contrast(&self, pair: Option<(usize, usize)>, estimators: &[Negatives]) -> Option<Contrast<'_, T>> {
        let pair = pair.map(|(x, y)| [&self.views[x].2, &self.views[y].2]);
        let inverse_temperature = self.scorer.inverse_temperature;
        pair.map(|pair| Contrast::new(pair, self.anchors, estimators, inverse_temperature, &self.team))
    }

    fn outcome(mut self) -> Result<Outcome> {
        let links = self.links();
        let positives = links.map(|(x, y)| self.products(*x, *y));
        let mut clean = self.contrast(links.pair, &self.recipe.clean_estimators());
        let mut robust = match &self.recipe.robust {
            Some(robust) => self.contrast(links.adversarial, &[robust.negatives]),
            None => None,
        };
        let images = Images {
            recipe: self.recipe,
            inverse_temperature: self.scorer.inverse_temperature,
            anchors: self.anchors,
            images: self.cut.images,
            positives: &positives,
            clean: clean.as_ref(),
            robust: robust.as_ref(),
        };
        let losses = images.losses();
        let value = losses.per_image.iter().sum::<f64>() / self.cut.images as f64;
        let value = Tensor::f_from_slice(&[T::from_f64(value)])?.f_squeeze()?;
        let numbers: Vec<T> = losses.per_image.iter().map(|loss| T::from_f64(*loss)).collect();
        let per_anchor = Tensor::f_from_slice(&numbers)?;
        if !self.wanted.contains(&true) {
            return Ok(Outcome { value, per_anchor });
        }

        let share = (self.cut.images as f64).recip();
        let mut parts: Vec<Vec<Vec<Aligned<T>>>> = self.views.iter().map(|_| Vec::new()).collect();
        let contrasts = [(&mut clean, links.pair), (&mut robust, links.adversarial)];
        for ((contrast, places), derivatives) in contrasts.into_iter().zip(&losses.by_statistic) {
            let (Some(contrast), Some((x, y))) = (contrast, places) else { continue };
            contrast.derive(derivatives, share);
            let [first, second] = contrast.gradient()?;
            parts[x].push(first);
            parts[y].push(second);
        }
        drop((clean, robust));
        self.views.iter_mut().for_each(|(_, _, view)| view.forget_across());
        let links: Vec<_> = links.iter().copied().zip(losses.by_positives.iter()).collect();
        let gradients = self.collect(parts, &links, share)?;
        let gradients =
            gradients.into_iter().filter_map(|(source, gradient)| Some((self.tensor(source)?, gradient)));
        Ok(Outcome { value: once_differentiable(value, gradients)?, per_anchor })
    }

    /// The gradient by each source, as it was given; nothing where none is wanted.
    ///
    /// `parts`: of each view, its blocks by way of each contrast. `links`: two views, and the derivatives by the scores
    /// of their rows, to be multiplied by `share`.
    fn collect(
        &self,
        parts: Vec<Vec<Vec<Aligned<T>>>>,
        links: &[((usize, usize), &Vec<f64>)],
        share: f64,
    ) -> Result<Vec<(Source, Tensor)>> {
        let (cut, per_view) = (self.cut, self.cut.images * self.cut.columns);
        let mut gradients = Vec::new();
        for source in [Source::Views, Source::Mixed, Source::Adversarial] {
            let wanted =
                |((known, ..), wanted): (&(Source, usize, View<T>), &bool)| *known == source && *wanted;
            if let Some(tensor) =
                self.tensor(source).filter(|_| self.views.iter().zip(&self.wanted).any(wanted))
            {
                let options = (T::KIND, tensor.device());
                gradients.push((source, Tensor::f_zeros([tensor.numel() as i64], options)?));
            }
        }

        // What belongs to a block of images: of each view, its parts and where its gradient goes.
        let mut blocks: Vec<Vec<Piece<'_, T>>> = (0..cut.blocks()).map(|_| Vec::new()).collect();
        let mut targets: Vec<(Source, Vec<_>)> = Vec::new();
        for (source, gradient) in &mut gradients {
            targets.push((*source, entries_mut(gradient)?.chunks_mut(per_view).map(Some).collect()));
        }
        for ((source, index, _), parts) in self.views.iter().zip(parts) {
            let target = targets.iter_mut().find(|(known, _)| known == source);
            let target = target.and_then(|(_, views)| views.get_mut(*index)).and_then(Option::take);
            let mut target = target.map(|target| target.chunks_mut(cut.width * cut.columns));
            let mut parts: Vec<_> = parts.into_iter().map(Vec::into_iter).collect();
            for block in &mut blocks {
                let parts = parts.iter_mut().filter_map(Iterator::next).collect();
                block.push((parts, target.as_mut().and_then(Iterator::next)));
            }
        }

        let (views, scale) = (&self.views, self.scorer.inverse_temperature);
        let failure = OnceLock::new();
        let blocks = Blocks::new(blocks);
        self.team.each(
            cut.blocks(),
            || (),
            |(), index| {
                for (view, (parts, target)) in blocks.only(index).iter_mut().enumerate() {
                    let Some(target) = target else { continue };
                    match sum(views, view, index, parts, links, share) {
                        Ok(sum) => views[view].2.finish(index, &sum, scale, target),
                        Err(error) => _ = failure.set(error),
                    }
                }
            },
        );
        drop(blocks);
        match failure.into_inner() {
            Some(error) => Err(error),
            None => Ok(gradients),
        }
    }
}

/// The entries of a tensor that was just made.
fn entries_mut<T: Number>(tensor: &mut Tensor) -> Result<&mut [T]> {
    let len = tensor.numel();
    let fits = tensor.f_kind()? == T::KIND && tensor.device() == Device::Cpu && tensor.is_contiguous();
    assert!(fits, "a tensor of zeros is laid out as it was asked for");
    // SAFETY: so many entries of this type lie there, one behind the other. The tensor is borrowed, and as it was just
    // made, nobody else has it.
    Ok(unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), len) })
}

/// A block of the gradient by a view's prepared rows.
fn sum<T: Number>(
    views: &[(Source, usize, View<T>)],
    view: usize,
    block: usize,
    parts: &mut Vec<Aligned<T>>,
    links: &[((usize, usize), &Vec<f64>)],
    share: f64,
) -> Result<Aligned<T>> {
    let cut = views[view].2.cut;
    let mut sum = match parts.pop() {
        Some(part) => part,
        None => Aligned::zeros(cut.size())?,
    };
    // No longer than it is needed: all gradients twice would be the most memory that is ever held.
    for part in parts.drain(..) {
        sum.iter_mut().zip(part.iter()).for_each(|(sum, term)| *sum += *term);
    }
    for ((x, y), derivatives) in links {
        let other = if *x == view { *y } else { *x };
        if *x == view || *y == view {
            let factors: Vec<f64> = derivatives[cut.images_of(block)].iter().map(|by| by * share).collect();
            add_scaled(views[other].2.panels(block), &factors, cut.width, &mut sum);
        }
    }
    Ok(sum)
}

//! The engine of a batch on a processor: value and gradient together, tile by tile, in a core's cache.
//!
//! libtorch's operators write each intermediate result to memory and hand over between threads each time. Here a
//! thread takes a tile of scores through all that is done with it, twice: once for the sums that the estimators read
//! ([`contrast`]), from which the loss of each image and its derivatives follow ([`images`]), and once for the
//! gradient. `notes/performance.md` has what that gains.

mod aligned;
mod contrast;
mod gradient;
mod images;
mod number;
mod products;
mod schedule;
mod team;
mod tile;
pub(super) mod vectors;
mod view;

use super::batch::Batch;
use super::recipe::Recipe;
use super::score::{Scorer, compute_kind, largest as largest_of};
use super::{Outcome, once_differentiable};
use crate::error::{Error, Result};
use aligned::Aligned;
use contrast::Contrast;
use gradient::Link;
use images::{Images, Positives};
use intnacl_reference::Negatives;
use number::Number;
use schedule::Blocks;
use tch::{Kind, Tensor};
use team::Team;
use view::{Cut, Given, View};

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

impl Source {
    /// What an error calls the gradient by it.
    fn gradient(self) -> &'static str {
        match self {
            Source::Views => "gradient.views",
            Source::Mixed => "gradient.mixed",
            Source::Adversarial => "gradient.adversarial",
        }
    }
}

/// A view that the loss reads.
#[derive(Debug)]
struct Input<T> {
    source: Source,
    /// Its place in the source.
    index: usize,
    view: View<T>,
    /// Whether a gradient by it is wanted.
    wanted: bool,
}

/// A batch on its way through the engine.
struct Step<'a, T> {
    batch: &'a Batch,
    recipe: &'a Recipe,
    scorer: &'a Scorer,
    team: Team,
    cut: Cut,
    anchors: usize,
    inputs: Vec<Input<T>>,
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
            inputs: Vec::new(),
        };
        let views = Given::new::<T>("views", &batch.views)?;
        step.read(&views, Source::Views, 0, true)?;
        if recipe.reads_clean() {
            step.read(&views, Source::Views, 1, true)?;
        }
        if recipe.joint {
            (2..count as usize).try_for_each(|view| step.read(&views, Source::Views, view, false))?;
        }
        if let (Some(tensor), Some(_)) = (&batch.mixed, recipe.lambda) {
            let mixed = Given::new::<T>("mixed", tensor)?;
            let count = tensor.size()[0] as usize;
            (0..count).try_for_each(|view| step.read(&mixed, Source::Mixed, view, false))?;
        }
        if let (Some(tensor), Some(_)) = (&batch.adversarial, &recipe.robust) {
            step.read(&Given::new::<T>("adversarial", tensor)?, Source::Adversarial, 0, true)?;
        }
        Ok(step)
    }

    fn tensor(&self, source: Source) -> Option<&'a Tensor> {
        match source {
            Source::Views => Some(&self.batch.views),
            Source::Mixed => self.batch.mixed.as_ref(),
            Source::Adversarial => self.batch.adversarial.as_ref(),
        }
    }

    /// `contrasted`: whether its rows are negatives.
    fn read(&mut self, given: &Given, source: Source, index: usize, contrasted: bool) -> Result<()> {
        let view = View::new(given, index, self.cut, contrasted, self.scorer.normalize, &self.team)?;
        self.inputs.push(Input { source, index, view, wanted: given.wanted });
        Ok(())
    }

    /// The place of a view among those that are read.
    fn place(&self, source: Source, index: usize) -> Option<usize> {
        self.inputs.iter().position(|input| (input.source, input.index) == (source, index))
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

    /// The inner products of linked views' rows of the same image.
    fn products(&self, links: &Positives<(usize, usize)>) -> Positives<Vec<f64>> {
        let mut products = links.map(|_| vec![0.0; self.cut.images]);
        // What belongs to a block of images, of each link: threads share the inputs, and no tensors.
        let mut blocks: Vec<Vec<_>> = (0..self.cut.blocks()).map(|_| Vec::new()).collect();
        for (link, products) in links.iter().zip(products.iter_mut()) {
            for (block, products) in blocks.iter_mut().zip(products.chunks_mut(self.cut.width)) {
                block.push((link, products));
            }
        }
        let (inputs, blocks) = (&self.inputs, Blocks::new(blocks));
        self.team.each(
            self.cut.blocks(),
            || (),
            |(), index| {
                for ((x, y), products) in blocks.only(index).iter_mut() {
                    inputs[*x].view.products_with(&inputs[*y].view, index, products);
                }
            },
        );
        drop(blocks);
        products
    }

    fn contrast(&self, pair: Option<(usize, usize)>, estimators: &[Negatives]) -> Option<Contrast<'_, T>> {
        let pair = pair.map(|(x, y)| [&self.inputs[x].view, &self.inputs[y].view]);
        let inverse_temperature = self.scorer.inverse_temperature;
        pair.map(|pair| Contrast::new(pair, self.anchors, estimators, inverse_temperature, &self.team))
    }

    fn outcome(mut self) -> Result<Outcome> {
        let links = self.links();
        let positives = self.products(&links);
        let mut clean = self.contrast(links.pair, &self.recipe.clean_estimators());
        let mut robust = match &self.recipe.robust {
            Some(robust) => self.contrast(links.adversarial, &[robust.negatives]),
            None => None,
        };
        let images = Images {
            recipe: self.recipe,
            scorer: self.scorer,
            anchors: self.anchors,
            images: self.cut.images,
            positives: &positives,
            clean: clean.as_ref(),
            robust: robust.as_ref(),
        };
        let losses = images.losses(&self.team);
        let value = losses.per_image.iter().sum::<f64>() / self.cut.images as f64;
        let value = Tensor::f_from_slice(&[T::from_f64(value)])?.f_squeeze()?;
        let numbers: Vec<T> = losses.per_image.iter().map(|loss| T::from_f64(*loss)).collect();
        let per_anchor = Tensor::f_from_slice(&numbers)?;
        if !self.inputs.iter().any(|input| input.wanted) {
            return Ok(Outcome { value, per_anchor });
        }

        // Derivatives beyond the type's range may make a gradient within it. A power of two, by which the gradient is
        // multiplied in the end, brings them into range.
        let largest = losses.largest();
        if !largest.is_finite() {
            return Err(Error::Overflow { argument: "gradient".into(), value: largest, kind: T::KIND });
        }
        let within = largest_of(T::KIND).sqrt().sqrt();
        let power = if largest > within { (largest / within).log2().ceil().exp2() } else { 1.0 };
        let share = (self.cut.images as f64 * power).recip();
        let mut parts: Vec<Vec<Vec<Aligned<T>>>> = self.inputs.iter().map(|_| Vec::new()).collect();
        let contrasts = [(&mut clean, links.pair), (&mut robust, links.adversarial)];
        for ((contrast, places), derivatives) in contrasts.into_iter().zip(&losses.by_statistic) {
            let (Some(contrast), Some((x, y))) = (contrast, places) else { continue };
            contrast.derive(derivatives, share);
            let [first, second] = contrast.gradient()?;
            parts[x].push(first);
            parts[y].push(second);
        }
        drop((clean, robust));
        self.inputs.iter_mut().for_each(|input| input.view.forget_across());
        let links = links.iter().zip(losses.by_positives.iter());
        let links = links
            .map(|(places, derivatives)| Link { places: *places, derivatives, share })
            .collect::<Vec<_>>();
        let mut gradients = Vec::new();
        for source in [Source::Views, Source::Mixed, Source::Adversarial] {
            let wanted = self.inputs.iter().any(|input| input.source == source && input.wanted);
            if let Some(tensor) = self.tensor(source).filter(|_| wanted) {
                let gradient = Tensor::f_zeros([tensor.numel() as i64], (T::KIND, tensor.device()))?;
                gradients.push((source, gradient));
            }
        }
        gradient::collect(
            &self.inputs,
            parts,
            &links,
            self.scorer.inverse_temperature * power,
            &self.team,
            &mut gradients,
        )?;
        let gradients = gradients
            .into_iter()
            .filter_map(|(source, gradient)| Some((source.gradient(), self.tensor(source)?, gradient)));
        Ok(Outcome { value: once_differentiable(value, gradients)?, per_anchor })
    }
}

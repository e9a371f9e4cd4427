//! A batch on its way through the engine: value and gradient together, tile by tile, in a core's cache.
//!
//! A thread takes a tile of scores through all that is done with it, twice: once for the sums that the estimators read
//! ([`contrast`](super::contrast)), from which the loss of each image and its derivatives follow
//! ([`images`](super::images)), and once for the gradient ([`gradient`](super::gradient)).

use super::aligned::Aligned;
use super::contrast::Contrast;
use super::gradient::{self, Input, Link};
use super::images::{Images, Positives};
use super::number::{Element, Number};
use super::schedule::Blocks;
use super::team::{Team, Threads};
use super::view::{Cut, View};
use crate::arrays::{Array, Arrays, Form};
use crate::error::{Error, Result};
use crate::names::Negatives;
use crate::plan::Plan;

/// A loss evaluated.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// The mean over the images.
    pub value: f64,
    /// The loss of each image, the mean over its anchors, `[B]`.
    pub per_image: Vec<f64>,
}

/// Evaluates a loss on arrays that need not be slices, in blocks of `width` rows or of a size that suits.
///
/// The gradient is left in the arrays that want one. Unlike that of [`Batch::evaluate`](crate::Batch::evaluate), it may
/// have entries that are not finite, where the type cannot hold the true ones: who holds the arrays looks, if that is
/// cheap.
///
/// # Errors
/// The errors of the arrays, and the engine's own:
/// - [`InputError`](crate::InputError): an array that the loss reads and that is not there, memory of another length, an
///   entry that is not finite, with [`Plan::normalize`] a row of zeros.
/// - [`Error::Overflow`]: derivatives by scores that leave the range of `f64`.
/// - [`Error::OutOfMemory`].
pub fn evaluate<T: Element, A: Arrays<T>>(
    plan: &Plan,
    form: Form,
    arrays: &mut A,
    threads: &dyn Threads,
    width: Option<usize>,
) -> Result<Outcome, A::Error> {
    form.serves(&plan.recipe)?;
    Step::new(plan, form, arrays, threads, width)?.outcome(arrays)
}

/// A batch of which the views that the loss reads are prepared.
pub struct Step<'a, T> {
    plan: &'a Plan,
    form: Form,
    team: Team<'a>,
    cut: Cut,
    anchors: usize,
    inputs: Vec<Input<T>>,
}

impl<'a, T: Number> Step<'a, T> {
    /// Reads the views, which are cut into blocks of `width` rows or of a size that suits.
    pub(super) fn new<A: Arrays<T>>(
        plan: &'a Plan,
        form: Form,
        arrays: &A,
        threads: &'a dyn Threads,
        width: Option<usize>,
    ) -> Result<Self, A::Error> {
        let (images, columns) = (form.shape.images(), form.shape.columns());
        let rows = images.saturating_mul(2);
        let team = Team::new(threads, rows.saturating_mul(rows).saturating_mul(columns));
        let cut = Cut::new(images, columns, width);
        let anchors = if form.symmetric { 2 } else { 1 };
        let mut step = Self { plan, form, team, cut, anchors, inputs: Vec::new() };
        let recipe = &plan.recipe;
        step.read(arrays, Array::Views, 0, true)?;
        if recipe.reads_clean() {
            step.read(arrays, Array::Views, 1, true)?;
        }
        if recipe.joint {
            let views = form.shape.views();
            (2..views).try_for_each(|view| step.read(arrays, Array::Views, view, false))?;
        }
        if let (Some(count), Some(_)) = (form.mixed, recipe.lambda) {
            (0..count).try_for_each(|view| step.read(arrays, Array::Mixed, view, false))?;
        }
        if let (true, Some(_)) = (form.adversarial, &recipe.robust) {
            step.read(arrays, Array::Adversarial, 0, true)?;
        }
        Ok(step)
    }

    /// `contrasted`: whether its rows are negatives.
    fn read<A: Arrays<T>>(
        &mut self,
        arrays: &A,
        array: Array,
        index: usize,
        contrasted: bool,
    ) -> Result<(), A::Error> {
        let normalize = self.plan.normalize;
        let view = View::new(arrays, (array, index), self.cut, contrasted, normalize, &self.team)?;
        self.inputs.push(Input { array, index, view });
        Ok(())
    }

    /// The place of a view among those that are read.
    fn place(&self, array: Array, index: usize) -> Option<usize> {
        self.inputs.iter().position(|input| (input.array, input.index) == (array, index))
    }

    /// Which views' rows of the same image are positives.
    fn links(&self) -> Positives<(usize, usize)> {
        let (first, second) = (0, self.place(Array::Views, 1));
        let places = |array, from: usize| (from..).map_while(move |index| self.place(array, index));
        let anchors = [Some(first), second].into_iter().flatten().take(self.anchors);
        let further = |anchor| places(Array::Views, 2).map(|view| (anchor, view)).collect();
        Positives {
            pair: second.map(|second| (first, second)),
            further: anchors.map(further).collect(),
            mixed: places(Array::Mixed, 0).map(|view| (first, view)).collect(),
            adversarial: self.place(Array::Adversarial, 0).map(|view| (first, view)),
        }
    }

    /// The inner products of linked views' rows of the same image.
    fn products(&self, links: &Positives<(usize, usize)>) -> Positives<Vec<f64>> {
        let mut products = links.map(|_| vec![0.0; self.cut.images]);
        // Each block of images gets its pieces of every link: threads share the inputs, and no tensors.
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
        let inverse_temperature = self.plan.inverse_temperature;
        pair.map(|pair| Contrast::new(pair, self.anchors, estimators, inverse_temperature, &self.team))
    }

    /// The loss, whose gradient is left in the arrays that want one.
    pub(super) fn outcome<A: Arrays<T>>(mut self, arrays: &mut A) -> Result<Outcome, A::Error> {
        let links = self.links();
        let positives = self.products(&links);
        let mut clean = self.contrast(links.pair, &self.plan.recipe.clean_estimators());
        let mut robust = match &self.plan.recipe.robust {
            Some(robust) => self.contrast(links.adversarial, &[robust.negatives]),
            None => None,
        };
        let images = Images {
            plan: self.plan,
            anchors: self.anchors,
            images: self.cut.images,
            positives: &positives,
            clean: clean.as_ref(),
            robust: robust.as_ref(),
        };
        let mut losses = images.losses(&self.team);
        let per_image = std::mem::take(&mut losses.per_image);
        let value = per_image.iter().sum::<f64>() / self.cut.images as f64;
        let mut wanted = [Array::Views, Array::Mixed, Array::Adversarial].to_vec();
        wanted.retain(|array| self.inputs.iter().any(|input| input.array == *array) && arrays.wants(*array));
        if wanted.is_empty() {
            return Ok(Outcome { value, per_image });
        }

        // Derivatives beyond the type's range may make a gradient within it. A power of two, by which the gradient is
        // multiplied in the end, brings them into range.
        let largest = losses.largest();
        if !largest.is_finite() {
            let precision = T::PRECISION;
            return Err(Error::Overflow { argument: "gradient".into(), value: largest, precision }.into());
        }
        let within = T::PRECISION.largest().sqrt().sqrt();
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
        // Not before: until here memory was needed for other things.
        let gradients = arrays.gradients(&wanted)?;
        for (array, gradient) in &gradients {
            self.form.fits(*array, gradient.len())?;
        }
        let scale = self.plan.inverse_temperature * power;
        gradient::collect(&self.inputs, parts, &links, scale, &self.team, gradients)?;
        Ok(Outcome { value, per_image })
    }
}

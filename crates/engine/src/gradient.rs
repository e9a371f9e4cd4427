//! The gradient, from the parts that it comes in to the arrays that it is wanted by.

use super::aligned::Aligned;
use super::number::Number;
use super::schedule::Blocks;
use super::team::Team;
use super::view::{Cut, View, add_scaled};
use crate::arrays::Array;
use crate::error::Result;
use std::sync::OnceLock;

/// A view that the loss reads.
#[derive(Debug)]
pub struct Input<T> {
    pub(super) array: Array,
    /// Its place in the array.
    pub(super) index: usize,
    pub(super) view: View<T>,
}

/// Two inputs whose rows of the same image are positives.
#[derive(Debug)]
pub struct Link<'a> {
    pub(super) places: (usize, usize),
    /// By the score of each image's rows, before they are multiplied by `share`.
    pub(super) derivatives: &'a [f64],
    pub(super) share: f64,
}

/// The parts of the gradient by one input in a block of images, and the place where their sum goes.
type Piece<'a, T> = (Vec<Aligned<T>>, Option<&'a mut [T]>);

/// Overwrites the gradients by the arrays' rows as they were given; those by views that the loss does not read stay as they are.
///
/// `parts`: of each input, its blocks by way of each contrast. `scale`: of scores to inner products.
pub fn collect<'g, T: Number>(
    inputs: &[Input<T>],
    parts: Vec<Vec<Vec<Aligned<T>>>>,
    links: &[Link<'_>],
    scale: f64,
    team: &Team<'_>,
    gradients: Vec<(Array, &'g mut [T])>,
) -> Result<()> {
    let Some(Cut { images, columns, width }) = inputs.first().map(|input| input.view.cut) else {
        return Ok(());
    };
    let views = |gradient: &'g mut [T]| gradient.chunks_mut(images * columns).map(Some).collect();
    let mut targets: Vec<(Array, Vec<_>)> =
        gradients.into_iter().map(|(array, gradient)| (array, views(gradient))).collect();
    // All pieces of a block of images go to one thread.
    let count = images.div_ceil(width);
    let mut blocks: Vec<Vec<Piece<'_, T>>> = (0..count).map(|_| Vec::new()).collect();
    for (input, parts) in inputs.iter().zip(parts) {
        let target = targets.iter_mut().find(|(array, _)| *array == input.array);
        let target = target.and_then(|(_, views)| views.get_mut(input.index)).and_then(Option::take);
        let mut target = target.map(|target| target.chunks_mut(width * columns));
        let mut parts: Vec<_> = parts.into_iter().map(Vec::into_iter).collect();
        for block in &mut blocks {
            let parts = parts.iter_mut().filter_map(Iterator::next).collect();
            block.push((parts, target.as_mut().and_then(Iterator::next)));
        }
    }

    let failure = OnceLock::new();
    let blocks = Blocks::new(blocks);
    let work = |(): &mut (), index: usize| {
        for (place, (parts, target)) in blocks.only(index).iter_mut().enumerate() {
            let Some(target) = target else { continue };
            match sum(inputs, place, index, parts, links) {
                Ok(sum) => inputs[place].view.finish(index, &sum, scale, target),
                Err(error) => _ = failure.set(error),
            }
        }
    };
    team.each(count, || (), work);
    drop(blocks);
    failure.into_inner().map_or(Ok(()), Err)
}

/// A block of the gradient by an input's prepared rows.
fn sum<T: Number>(
    inputs: &[Input<T>],
    place: usize,
    block: usize,
    parts: &mut Vec<Aligned<T>>,
    links: &[Link<'_>],
) -> Result<Aligned<T>> {
    let cut = inputs[place].view.cut;
    let mut sum = match parts.pop() {
        Some(part) => part,
        None => Aligned::zeros(cut.size())?,
    };
    // No longer than it is needed: all gradients twice would be the most memory that is ever held.
    for part in parts.drain(..) {
        sum.iter_mut().zip(part.iter()).for_each(|(sum, term)| *sum += *term);
    }
    for Link { places: (x, y), derivatives, share } in links {
        let other = if *x == place { *y } else { *x };
        if *x == place || *y == place {
            let derivatives = &derivatives[cut.images_of(block)];
            let factors: Vec<f64> = derivatives.iter().map(|derivative| derivative * share).collect();
            add_scaled(inputs[other].view.panels(block), &factors, cut.width, &mut sum);
        }
    }
    Ok(sum)
}

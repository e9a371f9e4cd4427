//! The gradient, from the parts that it comes in to the tensors that it is wanted by.

use super::aligned::Aligned;
use super::number::Number;
use super::schedule::Blocks;
use super::team::Team;
use super::view::{Cut, add_scaled};
use super::{Input, Source};
use crate::device::is_on_processor;
use crate::error::Result;
use crate::loss::check::wrong_kind;
use std::sync::OnceLock;
use tch::Tensor;

/// Two inputs whose rows of the same image are positives.
#[derive(Debug)]
pub struct Link<'a> {
    pub(super) places: (usize, usize),
    /// By the score of each image's rows, before they are multiplied by `share`.
    pub(super) derivatives: &'a [f64],
    pub(super) share: f64,
}

/// Of an input and a block of images: the parts of the gradient, and where their sum goes.
type Piece<'a, T> = (Vec<Aligned<T>>, Option<&'a mut [T]>);

/// Fills the gradients by the sources' rows as they were given.
///
/// `parts`: of each input, its blocks by way of each contrast. `scale`: of scores to inner products.
pub fn collect<T: Number>(
    inputs: &[Input<T>],
    parts: Vec<Vec<Vec<Aligned<T>>>>,
    links: &[Link<'_>],
    scale: f64,
    team: &Team,
    gradients: &mut [(Source, Tensor)],
) -> Result<()> {
    let Some(Cut { images, columns, width }) = inputs.first().map(|input| input.view.cut) else {
        return Ok(());
    };
    let mut targets: Vec<(Source, Vec<_>)> = Vec::new();
    for (source, gradient) in gradients {
        targets.push((*source, entries_mut(gradient)?.chunks_mut(images * columns).map(Some).collect()));
    }
    // What belongs to a block of images goes to one thread.
    let count = images.div_ceil(width);
    let mut blocks: Vec<Vec<Piece<'_, T>>> = (0..count).map(|_| Vec::new()).collect();
    for (input, parts) in inputs.iter().zip(parts) {
        let target = targets.iter_mut().find(|(source, _)| *source == input.source);
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

/// The entries of a tensor that was just made.
fn entries_mut<T: Number>(tensor: &mut Tensor) -> Result<&mut [T]> {
    let len = tensor.numel();
    let fits = tensor.f_kind()? == T::KIND && is_on_processor(tensor) && tensor.is_contiguous();
    if !fits {
        return Err(wrong_kind(
            "gradient",
            tensor.f_kind()?,
            "what was asked for, entries in order on the processor",
        ));
    }
    // SAFETY: so many entries of this type lie there, one behind the other. The tensor is borrowed, and as it was just
    // made, nobody else has it.
    Ok(unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), len) })
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

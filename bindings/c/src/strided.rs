//! The arrays of a batch where the caller has them, as the engine reads them.

use std::marker::PhantomData;

use intnacl_engine::Array as Name;
use intnacl_engine::{Arrays, Element, Error as EngineError, Form, Shape};

use crate::failure::Failure;
use crate::structs::{Answer, Array, Request};

/// Arrays of `T` with any strides, of which the engine copies a few rows at a time, and contiguous memory for gradients.
pub struct Strided<'a, T> {
    request: &'a Request,
    /// For each array that is there: its name, where its gradient goes, and the number of entries there.
    gradients: Vec<(Name, *mut T, usize)>,
    shape: Shape,
    entries: PhantomData<T>,
}

/// The array of a name, and what it is called.
fn array(request: &Request, name: Name) -> &Array {
    match name {
        Name::Views => &request.views,
        Name::Mixed => &request.mixed,
        Name::Adversarial => &request.adversarial,
    }
}

impl<'a, T: Element> Strided<'a, T> {
    /// The arrays of a request; the memory that the answer has for gradients is made 0.
    ///
    /// # Safety
    /// All that the request's shapes and strides reach may be read, and the pointers of the answer that are not NULL lead to
    /// memory for so many entries, which overlaps nothing else.
    pub unsafe fn new(request: &'a Request, answer: &Answer) -> Result<Self, Failure> {
        let views = request.positives.saturating_add(1);
        let shape = Shape::new(views, request.images, request.columns)?;
        let mut strided = Self { request, gradients: Vec::new(), shape, entries: PhantomData };
        for (name, count, gradient) in [
            (Name::Views, views, answer.views),
            (Name::Mixed, request.mixtures, answer.mixed),
            (Name::Adversarial, 1, answer.adversarial),
        ] {
            let array = array(request, name);
            if array.entries.is_null() {
                continue;
            }
            let shape = [count, request.images, request.columns];
            within_reach::<T>(name.name(), array, shape)?;
            let extent = || Failure::Extent { argument: name.name(), shape, strides: contiguous(shape) };
            let entries = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
            let bytes = entries.and_then(|entries| entries.checked_mul(size_of::<T>()));
            let (Some(entries), Some(..=MOST)) = (entries, bytes) else { return Err(extent()) };
            let gradient: *mut T = gradient.cast();
            if !gradient.is_null() {
                aligned(gradient_name(name), gradient)?;
            }
            strided.gradients.push((name, gradient, entries));
        }
        if request.views.entries.is_null() {
            return Err(Failure::NullPointer {
                argument: "views.entries",
                expected: "the views of the batch",
            });
        }
        for (_, gradient, entries) in strided.wanted() {
            // SAFETY: the caller promises memory for so many entries, and all bits 0 are a number of `T`.
            unsafe { gradient.write_bytes(0, entries) };
        }
        Ok(strided)
    }

    /// The shapes of the arrays that are there.
    pub fn form(&self) -> Form {
        let is_there = |name| !array(self.request, name).entries.is_null();
        Form {
            shape: self.shape,
            symmetric: self.request.symmetric,
            mixed: is_there(Name::Mixed).then_some(self.request.mixtures),
            adversarial: is_there(Name::Adversarial),
        }
    }

    fn wanted(&self) -> impl Iterator<Item = (Name, *mut T, usize)> {
        self.gradients.iter().copied().filter(|(_, gradient, _)| !gradient.is_null())
    }

    /// Refuses a gradient with an entry that left the range of the type.
    ///
    /// # Errors
    /// [`EngineError::Overflow`], which names the first entry.
    pub fn require_finite(&self) -> Result<(), EngineError> {
        let (images, columns) = (self.shape.images(), self.shape.columns());
        for (name, gradient, entries) in self.wanted() {
            // SAFETY: the caller promises memory for so many entries, and `new` has written all of it.
            let entries = unsafe { std::slice::from_raw_parts(gradient, entries) };
            if let Some(place) = entries.iter().position(|entry| !entry.to_f64().is_finite()) {
                let (row, column) = (place / columns, place % columns);
                let (view, image) = (row / images, row % images);
                let argument = format!("gradient.{}[{view}][{image}][{column}]", name.name());
                let value = entries[place].to_f64();
                return Err(EngineError::Overflow { argument, value, precision: T::PRECISION });
            }
        }
        Ok(())
    }
}

/// The most bytes that an object may have.
const MOST: usize = isize::MAX as usize;

/// The strides of an array without gaps, as far as there are such.
fn contiguous(shape: [usize; 3]) -> [isize; 3] {
    let stride = |entries: usize| isize::try_from(entries).unwrap_or(isize::MAX);
    [stride(shape[1].saturating_mul(shape[2])), stride(shape[2]), 1]
}

fn gradient_name(name: Name) -> &'static str {
    match name {
        Name::Views => "answer.views",
        Name::Mixed => "answer.mixed",
        Name::Adversarial => "answer.adversarial",
    }
}

/// Refuses a pointer that no `T` can lie at.
pub fn aligned<T>(argument: &'static str, pointer: *const T) -> Result<(), Failure> {
    if pointer.is_aligned() {
        return Ok(());
    }
    Err(Failure::Alignment { argument, address: pointer.addr(), alignment: align_of::<T>() })
}

/// Refuses an array that is not aligned, or whose entries no memory can hold so far apart.
fn within_reach<T>(argument: &'static str, array: &Array, shape: [usize; 3]) -> Result<(), Failure> {
    aligned(argument, array.entries.cast::<T>())?;
    let steps = shape.iter().zip(array.strides);
    let extent = steps.into_iter().try_fold(1_usize, |extent, (size, stride)| {
        extent.checked_add(size.saturating_sub(1).checked_mul(stride.unsigned_abs())?)
    });
    let bytes = extent.and_then(|extent| extent.checked_mul(size_of::<T>()));
    match bytes {
        Some(..=MOST) => Ok(()),
        _ => Err(Failure::Extent { argument, shape, strides: array.strides }),
    }
}

impl<T: Element> Arrays<T> for Strided<'_, T> {
    type Error = EngineError;

    fn copy(&self, name: Name, view: usize, first: usize, rows: &mut [T]) -> Result<(), EngineError> {
        let array = array(self.request, name);
        let [by_view, by_image, by_column] = array.strides;
        // What these reach was found to be within the address space.
        let step = |index: usize, stride: isize| (index as isize).wrapping_mul(stride);
        for (row, entries) in rows.chunks_exact_mut(self.shape.columns()).enumerate() {
            let start = step(view, by_view).wrapping_add(step(first + row, by_image));
            // SAFETY: the caller of `new` promises that all entries that the strides reach may be read; the engine asks for
            // images and views of the form alone. So for all entries of the row.
            let source = unsafe { array.entries.cast::<T>().offset(start) };
            if by_column == 1 {
                // SAFETY: as above; the engine's memory is its own.
                unsafe { source.copy_to_nonoverlapping(entries.as_mut_ptr(), entries.len()) };
                continue;
            }
            for (column, entry) in entries.iter_mut().enumerate() {
                // SAFETY: as above.
                *entry = unsafe { source.offset(step(column, by_column)).read() };
            }
        }
        Ok(())
    }

    fn wants(&self, name: Name) -> bool {
        self.wanted().any(|(known, ..)| known == name)
    }

    fn gradients(&mut self, wanted: &[Name]) -> Result<Vec<(Name, &mut [T])>, EngineError> {
        let asked = self.wanted().filter(|(name, ..)| wanted.contains(name));
        // SAFETY: the caller of `new` promises memory for so many entries that overlaps nothing else, and `new` has written
        // all of it. The slices live as long as the borrow of `self`.
        Ok(asked
            .map(|(name, gradient, entries)| {
                (name, unsafe { std::slice::from_raw_parts_mut(gradient, entries) })
            })
            .collect())
    }
}

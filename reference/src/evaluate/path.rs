//! The way from rows to the products of an anchor with others, and from weights on the products back to the rows.

use super::rows::Rows;
use crate::layout::{ContrastRoles, Problem};
use crate::real::{DdContext, Real};
use std::ops::Range;

/// A way to products and back.
///
/// [`Plain`] is the equation: each product by itself. [`Quick`](super::quick::Quick) computes the same for all images at once.
pub(super) trait Path {
    /// What all images share.
    type Shared<R: Real>;
    /// What one image has of it, for one thread.
    type OfImage<'a, R: Real + 'a>: OfImage<R> + Send;

    /// The double-doubles that may do, the cheapest first. Scores reach `1/temperature`.
    fn doubles(problem: &Problem, temperature: f64) -> &'static [DdContext];
    /// The products that are computed beforehand.
    fn shared<R: Real>(problem: &Problem, rows: &Rows<R>, context: R::Context) -> Self::Shared<R>;
    /// Each image's part.
    fn of_images<'a, R: Real>(
        shared: &'a mut Self::Shared<R>,
        problem: &'a Problem,
        rows: &'a Rows<R>,
        context: R::Context,
    ) -> Vec<Self::OfImage<'a, R>>;
    /// Adds to the gradient by rows what the weights bring that images have left in the shared part.
    fn spread<R: Real>(
        shared: &Self::Shared<R>,
        problem: &Problem,
        rows: &Rows<R>,
        gradient: &mut [R],
        context: R::Context,
    );
    /// The elementary steps from rows to a product and back.
    fn steps(problem: &Problem) -> usize;
}

/// The products of one image, and the weights on them.
pub(super) trait OfImage<R> {
    /// Appends the products of the anchor with a run of rows.
    fn products(&self, contrast: &ContrastRoles, run: &Range<usize>, into: &mut Vec<R>);
    /// All products have been read.
    fn forget(&mut self);
    /// Adds `factor` times the weights to those on the products of the anchor with a run of rows.
    fn weigh(&mut self, contrast: &ContrastRoles, run: &Range<usize>, weights: &[R], factor: &R);
    /// The weights that are not left in the shared part.
    fn pairs(self) -> Vec<Pair<R>>;
}

/// Two rows and the weight on their product.
pub(super) struct Pair<R> {
    pub(super) rows: [usize; 2],
    pub(super) weight: R,
}

impl<R: Real> Pair<R> {
    /// `∂(x·y)/∂x = y` and `∂(x·y)/∂y = x`.
    pub(super) fn spread(&self, rows: &Rows<R>, d: usize, gradient: &mut [R]) {
        let [x, y] = self.rows;
        R::add_scaled(&mut gradient[x * d..][..d], &self.weight, rows.row(y));
        R::add_scaled(&mut gradient[y * d..][..d], &self.weight, rows.row(x));
    }
}

/// Each product by itself.
pub(super) struct Plain;

/// The weights of one image, pair by pair.
pub(super) struct PlainImage<'a, R: Real> {
    rows: &'a Rows<R>,
    pub(super) context: R::Context,
    pairs: Vec<Pair<R>>,
}

impl<'a, R: Real> PlainImage<'a, R> {
    pub(super) fn new(rows: &'a Rows<R>, context: R::Context) -> Self {
        Self { rows, context, pairs: Vec::new() }
    }
}

impl Path for Plain {
    type Shared<R: Real> = ();
    type OfImage<'a, R: Real + 'a> = PlainImage<'a, R>;

    fn doubles(_: &Problem, _: f64) -> &'static [DdContext] {
        &[DdContext::Full]
    }

    fn shared<R: Real>(_: &Problem, _: &Rows<R>, _: R::Context) {}

    fn of_images<'a, R: Real>(
        (): &'a mut (),
        problem: &'a Problem,
        rows: &'a Rows<R>,
        context: R::Context,
    ) -> Vec<PlainImage<'a, R>> {
        problem.images.iter().map(|_| PlainImage::new(rows, context)).collect()
    }

    fn spread<R: Real>((): &(), _: &Problem, _: &Rows<R>, _: &mut [R], _: R::Context) {}

    fn steps(problem: &Problem) -> usize {
        problem.d
    }
}

impl<R: Real> OfImage<R> for PlainImage<'_, R> {
    fn products(&self, contrast: &ContrastRoles, run: &Range<usize>, into: &mut Vec<R>) {
        let anchor = self.rows.row(contrast.anchor);
        into.extend(run.clone().map(|row| R::dot(anchor, self.rows.row(row), self.context)));
    }

    fn forget(&mut self) {}

    fn weigh(&mut self, contrast: &ContrastRoles, run: &Range<usize>, weights: &[R], factor: &R) {
        let pair = |(row, weight): (usize, &R)| Pair {
            rows: [contrast.anchor, row],
            weight: weight.clone() * factor,
        };
        self.pairs.extend(run.clone().zip(weights).map(pair));
    }

    fn pairs(self) -> Vec<Pair<R>> {
        self.pairs
    }
}

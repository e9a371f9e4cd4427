//! The losses on libtorch tensors: one recipe for each loss, which two engines follow.
//!
//! # Map
//! embeddings → scores → loss of each image → the mean, and the gradient back. The recipe of a loss says which terms it
//! has; it is a table of `intnacl_engine`, where both wings read it.
//!
//! | file | computes |
//! |---|---|
//! | [`layout`] | nothing: the trait that users call, with the equations |
//! | [`batch`], [`tuples`] | which rows are positives and negatives of which anchor, and their scores |
//! | [`check`] | refusals: shapes, kinds and devices before anything is computed, values on request |
//! | [`route`] | who computes: the one place that decides |
//! | `engines` | nothing: who computes by choice, for measurements |
//! | [`outcome`] | nothing: the mean and the losses of the images, as they come out |
//! | [`fused`] | a batch on a processor, by the crate `intnacl_engine`, which is two to three times as fast as operators |
//! | [`threads`] | libtorch's own threads, for that engine |
//! | [`operators::score`] | `s(x,y) = x·y/t` from rows, by libtorch's operators on any device |
//! | [`operators::negatives`] | `log(N·G)` with `g0`, `g1` and `g2`, from scores or from sums over them |
//! | [`operators::engine`] | `-log h/(h + N·G)` and the other terms, as the recipe says: the loss of each image |
//! | [`operators::stream`] | the sums over the negatives of a batch, tile by tile, and the gradient by way of them |
//! | [`operators::known`] | gradients that are known already, in libtorch's graph |
//!
//! In `intnacl_engine` the same equations are in `images` (terms and `log(N·G)`), `contrast` and `tile` (sums over the
//! negatives, and the gradient by way of them), `view` (normalisation) and `gradient`; `recipe` has the table of terms.
//!
//! [`operators`] and the engine are the two wings; neither knows of layouts, of the route or of each other.

mod batch;
mod check;
#[cfg(feature = "engines")]
pub mod engines;
mod fused;
mod layout;
mod operators;
mod outcome;
mod route;
mod threads;
mod tuples;

#[cfg(test)]
mod tests;

pub use batch::Batch;
pub(crate) use check::{Common, at_least, defined, floating, has_shape, overflow, wrong_kind};
pub use layout::Layout;
pub(crate) use operators::score::{compute_kind, largest, softplus, sum_last};
pub(crate) use outcome::Outcome;
pub(crate) use route::{Asked, Engine, evaluate, evaluate_by};
pub use tuples::Tuples;

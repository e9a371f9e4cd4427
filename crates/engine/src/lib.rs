//! Contrastive losses of a batch on a processor: slices in, value and gradient out.
//!
//! The losses are those of Ko et al., *Revisiting Contrastive Learning through the Lens of Neighborhood Component
//! Analysis: an Integrated Framework* (ICML 2022). This crate computes one of a training step's embeddings, `1+M` views of
//! `B` images in `d` columns, in `f32` or `f64`, by vector instructions and in memory of the order `B·d`. It needs no
//! library in C, and works on the threads that it is given.
//!
//! # Equation
//! With scores `s(x,y) = x·y/t`, the kernel `h = exp s`, positives `x⁺_j`, an estimate `G` of the mean of `h` over the
//! `N = 2(B-1)` negatives ([`Negatives`]), mixed embeddings `z_j`, `Ω_j = h(x,z_j)/(h(x,z_j) + N·G)` and
//! `ℓ(P) = -log P/(P + N·G)`, a [`Recipe`] says which of these terms the loss of an anchor `x` has:
//!
//! ```math
//! \ell(h(x,x^+)) + \ell\Big(\sum_j h(x,x^+_j)\Big) - \frac{\lambda}{M-1} \sum_j \log \Omega_j
//!   - \frac{1-\lambda}{M-1} \sum_j \log(1-\Omega_j) + \alpha\, w(x)\, \ell(h(x,x^{\mathrm{adv}}))
//! ```
//!
//! The loss of an image is the mean over its anchors, and the value the mean over the images. The gradient is that of
//! the value by the rows as they were given, before they were normalised.
//!
//! # Units
//! Scores have no unit. The temperature `t > 0` and the parameters of a loss are in the ranges that [`Loss`] and
//! [`Settings`] state. Results are finite and accurate at every temperature from `1e-3` to 10, and beyond, wherever the
//! type can hold the true one; where it cannot, that is [`Error::Overflow`].
//!
//! # Examples
//! Three images in two views and two columns:
//! ```
//! use intnacl_engine::{Batch, Loss, Settings, Shape, Started};
//!
//! let views: Vec<f32> = vec![
//!     1.0, 0.0, 0.0, 1.0, -1.0, 0.0, // view 0
//!     0.8, 0.6, -0.6, 0.8, -0.8, -0.6, // view 1
//! ];
//! let batch = Batch::new(Shape::new(2, 3, 2)?, &views);
//! let loss = Loss::HardNegative { tau_plus: 0.1, beta: 1.0 };
//! let evaluation = batch.evaluate(&loss, &Settings::new(0.5), &Started(1))?;
//!
//! let mean = evaluation.per_image.iter().sum::<f64>() / 3.0;
//! assert!((evaluation.value - mean).abs() < 1e-12);
//! assert_eq!(evaluation.gradient.views.len(), 12);
//!
//! // A step against the gradient makes the loss smaller.
//! let nearer: Vec<f32> = views.iter().zip(&evaluation.gradient.views).map(|(x, g)| x - 0.1 * g).collect();
//! let batch = Batch::new(batch.shape, &nearer);
//! assert!(batch.evaluate(&loss, &Settings::new(0.5).normalizing(), &Started(1))?.value < evaluation.value);
//! # Ok::<(), intnacl_engine::Error>(())
//! ```
//!
//! # How it is computed
//! Every loss reads the negatives of an anchor through a few sums over their scores. A thread forms the scores of a tile,
//! a block of rows with a block of columns, and takes them through all that is done with them while they are in its
//! core's cache, twice: once for the sums, and once for the gradient. Scores are symmetric, so each tile serves the
//! anchors on its rows and on its columns. The results have the same bits for any number of threads.
//!
//! | file | |
//! |---|---|
//! | `recipe`, `plan`, `estimator`, `precision` | which terms a loss has; its parameters as a type can follow them |
//! | `arrays`, `batch` | the shapes of a batch; a batch in slices |
//! | `step` | a batch on its way through the engine |
//! | `view` | embeddings, normalised and cut into blocks, and the gradient by what they were |
//! | `contrast` | sums over the negatives of each anchor, and the gradient by way of them |
//! | `images` | the loss of an image and its derivatives |
//! | `gradient` | the gradient by each array, from the parts that it comes in |
//! | `tile`, `products` | the work on one tile: exponentials and sums; matrix products |
//! | `number`, `vectors`, `aligned` | numbers alone and in vectors; loops compiled for each machine; memory for them |
//! | `schedule`, `team` | tiles over threads, and the threads |

#![warn(missing_docs)]

mod aligned;
mod arrays;
mod batch;
mod contrast;
mod error;
mod estimator;
mod gradient;
mod images;
mod names;
mod number;
mod plan;
mod precision;
mod products;
mod recipe;
mod schedule;
mod step;
mod team;
mod tile;
mod vectors;
mod view;

pub use arrays::{Array, Arrays, Form, Shape};
pub use batch::{Batch, Evaluation, Gradient};
pub use error::{Error, Result};
pub use estimator::{exponent, tau_plus, uncertainty};
pub use names::{InputError, Loss, Negatives, Neighborhood, RobustTerm, Settings, Weight};
pub use number::Element;
pub use plan::Plan;
pub use precision::Precision;
pub use recipe::{Recipe, Robust};
pub use step::{Outcome, evaluate};
pub use team::{Started, Threads};
#[cfg(feature = "instructions")]
pub use vectors::forced;

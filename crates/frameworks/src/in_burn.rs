//! SimCLR in burn.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Bool, DType, Device, Element, Int, Tensor, TensorData};
use intnacl_judge::{Float, Implementation, Support};
use intnacl_reference::{Answer, Evaluation, Layout, Request};
use nalgebra::DMatrix;
use std::marker::PhantomData;

/// SimCLR of two views `[B, d]` of the same images: the loss of each image, `[B]`, the mean over its anchors.
///
/// Both views have the anchors if it is `symmetric`, else the first one alone.
pub fn simclr(views: [Tensor<2>; 2], temperature: f64, symmetric: bool) -> Tensor<1> {
    let [images, _] = views[0].dims();
    let rows = Tensor::cat(views.to_vec(), 0);
    let (count, device) = (2 * images, rows.device());
    // burn 0.22.1 rounds the derivative of `div_scalar` to f32, in every type: the laws found it.
    let scores = rows.clone().matmul(rows.transpose()).mul_scalar(temperature.recip());
    let others = Tensor::<2, Bool>::diag_mask([count, count], 0, &device);
    let log_shares = log_softmax(scores.mask_fill(others.bool_not(), f64::NEG_INFINITY), 1);
    let partners = Tensor::<1, Int>::arange(0..count as i64, &device).add_scalar(images as i64);
    let partners = partners.remainder_scalar(count as i64).reshape([count, 1]);
    let losses = log_shares.gather(1, partners).neg().reshape([2, images]);
    let of_images = if symmetric { losses.mean_dim(0) } else { losses.narrow(0, 0, 1) };
    of_images.reshape([images])
}

/// The program that is judged, in the type `T`: `f32` or `f64`.
#[derive(Debug, Clone, Copy, Default)]
pub struct SimClr<T>(PhantomData<T>);

impl<T: Element> Implementation for SimClr<T> {
    fn float(&self) -> Float {
        if T::dtype() == DType::F64 { Float::F64 } else { Float::F32 }
    }
    fn support(&self) -> Support {
        Support { losses: Some(vec!["simclr".into()]), tuples: false, ..Support::default() }
    }
    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        answer::<T>(request, simclr)
    }
}

/// The answer of a loss of two views to a request about a batch.
///
/// # Errors
/// A message, for a request about anything else.
pub fn answer<T: Element>(
    request: &Request,
    loss: impl Fn([Tensor<2>; 2], f64, bool) -> Tensor<1>,
) -> Result<Answer, String> {
    let Request::Batch { settings, data, .. } = request else { return Err("not a batch".into()) };
    let device = Device::flex().autodiff();
    let leaves = [&data.views[0], &data.views[1]].map(|view| {
        // nalgebra keeps a matrix column by column.
        let entries: Vec<T> = view.transpose().iter().map(|x| T::from_elem(*x)).collect();
        let entries = TensorData::new(entries, [view.nrows(), view.ncols()]);
        Tensor::<2>::from_data(entries, (&device, T::dtype())).require_grad()
    });
    let normalized = |rows: Tensor<2>| rows.clone() / rows.square().sum_dim(1).sqrt();
    let rows = leaves.clone().map(|leaf| if settings.normalize { normalized(leaf) } else { leaf });
    let per_anchor = loss(rows, settings.temperature, data.symmetric);
    let value = per_anchor.clone().mean();
    let gradients = value.backward();
    // What a loss does not read has a gradient of 0.
    let mut gradient = data.map_matrices(|matrix| matrix * 0.0);
    for (leaf, into) in leaves.iter().zip(&mut gradient.views) {
        if let Some(found) = leaf.grad(&gradients) {
            *into = DMatrix::from_row_iterator(into.nrows(), into.ncols(), found.into_data().iter::<f64>());
        }
    }
    let per_anchor = per_anchor.into_data().iter::<f64>().collect();
    let value = value.into_data().iter::<f64>().sum();
    Ok(Answer::Batch(Evaluation { value, per_anchor, gradient }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use intnacl_judge::{Standard, check, laws, seed_from_environment};

    mod in_f32 {
        intnacl_judge::laws! { super::SimClr<f32>, "simclr", F32 }
    }

    mod in_f64 {
        intnacl_judge::laws! { super::SimClr<f64>, "simclr", F64 }
    }

    /// A program that is wrong: its type, and how it answers.
    struct Wrong(Float, fn(&Request) -> Result<Answer, String>);

    impl Implementation for Wrong {
        fn float(&self) -> Float {
            self.0
        }
        fn support(&self) -> Support {
            SimClr::<f32>::default().support()
        }
        fn evaluate(&self, request: &Request) -> Result<Answer, String> {
            (self.1)(request)
        }
    }

    fn message(program: &Wrong) -> String {
        let law = laws().into_iter().find(|law| law.name == "agrees_with_the_reference").expect("a law");
        let report = check(&law, "simclr", program, 64, seed_from_environment(), Standard::Right);
        report.counterexample.expect("the law is broken").message
    }

    #[test]
    fn a_lost_gradient_is_found_where_the_value_is_right() {
        let one_view = Wrong(Float::F32, |request| {
            answer::<f32>(request, |[first, second], t, both| simclr([first, second.detach()], t, both))
        });
        let message = message(&one_view);
        assert!(message.starts_with("gradient.views[1]"), "{message}");
    }

    #[test]
    fn burn_rounds_the_derivative_of_a_quotient_to_f32() {
        let divided = Wrong(Float::F64, |request| {
            answer::<f64>(request, |views, t, both| {
                simclr(views.map(|rows| rows.div_scalar(t.sqrt())), 1.0, both)
            })
        });
        let message = message(&divided);
        assert!(message.starts_with("gradient."), "{message}");
    }
}

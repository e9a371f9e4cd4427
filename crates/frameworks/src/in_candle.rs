//! SimCLR in candle.

use candle_core::{DType, Device, FloatDType, Result as Candle, Tensor, Var, WithDType};
use candle_nn::loss::cross_entropy;
use intnacl_judge::{Float, Implementation, Support};
use intnacl_reference::{Answer, Evaluation, Layout, Reply, Request};
use nalgebra::DMatrix;
use std::marker::PhantomData;

/// SimCLR of two views `[B, d]` of the same images: the mean over the anchors.
///
/// Both views have the anchors if it is `symmetric`, else the first one alone.
///
/// # Errors
/// Those of candle.
pub fn simclr(views: &[Tensor; 2], temperature: f64, symmetric: bool) -> Candle<Tensor> {
    let (images, device) = (views[0].dim(0)?, views[0].device());
    let count = 2 * images;
    let rows = Tensor::cat(views, 0)?;
    let scores = (rows.matmul(&rows.t()?)? / temperature)?;
    let itself = Tensor::eye(count, DType::U8, device)?;
    let nothing = Tensor::full(f64::NEG_INFINITY, (count, count), device)?.to_dtype(scores.dtype())?;
    let scores = itself.where_cond(&nothing, &scores)?;
    let partners = Tensor::from_iter((0..count).map(|row| ((row + images) % count) as u32), device)?;
    let anchors = if symmetric { count } else { images };
    cross_entropy(&scores.narrow(0, 0, anchors)?, &partners.narrow(0, 0, anchors)?)
}

/// The program that is judged, in the type `T`: `f32` or `f64`.
#[derive(Debug, Clone, Copy, Default)]
pub struct SimClr<T>(PhantomData<T>);

impl<T: FloatDType> Implementation for SimClr<T> {
    fn float(&self) -> Float {
        if T::DTYPE == DType::F64 { Float::F64 } else { Float::F32 }
    }
    fn support(&self) -> Support {
        Support { losses: Some(vec!["simclr".into()]), tuples: false, ..Support::default() }
    }
    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        answer::<T>(request, simclr).map_err(|error| error.to_string())
    }
    /// The loss gives the mean alone.
    fn reply(&self, request: &Request) -> Result<Reply, String> {
        Ok(Reply { answer: self.evaluate(request)?, absent: vec!["per_anchor"] })
    }
}

/// The answer of a loss of two views to a request about a batch, without the value of each image.
///
/// # Errors
/// Those of candle, and a message for a request about anything else.
pub fn answer<T: WithDType>(
    request: &Request,
    loss: impl Fn(&[Tensor; 2], f64, bool) -> Candle<Tensor>,
) -> Candle<Answer> {
    let Request::Batch { settings, data, .. } = request else { candle_core::bail!("not a batch") };
    let leaf = |view: &DMatrix<f64>| {
        // nalgebra keeps a matrix column by column.
        let entries: Vec<T> = view.transpose().iter().map(|x| T::from_f64(*x)).collect();
        Var::from_vec(entries, view.shape(), &Device::Cpu)
    };
    let leaves = [leaf(&data.views[0])?, leaf(&data.views[1])?];
    let rows = |leaf: &Var| match settings.normalize {
        true => leaf.broadcast_div(&leaf.sqr()?.sum_keepdim(1)?.sqrt()?),
        false => Ok(leaf.as_tensor().clone()),
    };
    let value = loss(&[rows(&leaves[0])?, rows(&leaves[1])?], settings.temperature, data.symmetric)?;
    let gradients = value.backward()?;
    // What a loss does not read has a gradient of 0.
    let mut gradient = data.map_matrices(|matrix| matrix * 0.0);
    for (leaf, into) in leaves.iter().zip(&mut gradient.views) {
        if let Some(found) = gradients.get(leaf) {
            let entries = found.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
            *into = DMatrix::from_row_slice(into.nrows(), into.ncols(), &entries);
        }
    }
    let value = value.to_dtype(DType::F64)?.to_scalar()?;
    let per_anchor = vec![f64::NAN; data.views[0].nrows()];
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

    /// The second view is held constant: the value stays, its gradient is lost.
    struct OneView;

    impl Implementation for OneView {
        fn float(&self) -> Float {
            Float::F32
        }
        fn support(&self) -> Support {
            SimClr::<f32>::default().support()
        }
        fn evaluate(&self, request: &Request) -> Result<Answer, String> {
            let loss = |[first, second]: &[Tensor; 2], t, symmetric| {
                simclr(&[first.clone(), second.detach()], t, symmetric)
            };
            answer::<f32>(request, loss).map_err(|error| error.to_string())
        }
        fn reply(&self, request: &Request) -> Result<Reply, String> {
            Ok(Reply { answer: self.evaluate(request)?, absent: vec!["per_anchor"] })
        }
    }

    #[test]
    fn a_lost_gradient_is_found_where_the_value_is_right() {
        let law = laws().into_iter().find(|law| law.name == "agrees_with_the_reference").expect("a law");
        let report = check(&law, "simclr", &OneView, 64, seed_from_environment(), Standard::Right);
        let message = report.counterexample.expect("the law is broken").message;
        assert!(message.starts_with("gradient.views[1]"), "{message}");
    }
}

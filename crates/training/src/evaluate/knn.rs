//! The weighted vote of the nearest training features (Wu et al. 2018).

use crate::error::{Result, in_range};
use tch::{Kind, Tensor, no_grad};

/// How close features count: a neighbour of cosine `s` votes with `e^{s/0.5}`.
const TEMPERATURE: f64 = 0.5;

/// The share of test features whose class is the one with most votes among the `k` nearest training features.
///
/// # Errors
/// `k` of 0; [`Error::Torch`](crate::Error::Torch).
pub fn accuracy(train: (&Tensor, &Tensor), test: (&Tensor, &Tensor), classes: i64, k: usize) -> Result<f64> {
    in_range("knn", k, k >= 1, "a whole number of at least 1")?;
    no_grad(|| {
        let unit = |x: &Tensor| -> Result<Tensor> {
            Ok(x.f_div(&x.f_norm_scalaropt_dim(2, [-1].as_slice(), true)?.f_clamp_min(1e-12)?)?)
        };
        let (memory, queries) = (unit(train.0)?, unit(test.0)?);
        let k = (k as i64).min(memory.size()[0]);
        let mut right = 0.0;
        let count = queries.size()[0];
        for start in (0..count).step_by(512) {
            let size = 512.min(count - start);
            let scores = queries.f_narrow(0, start, size)?.f_matmul(&memory.f_transpose(0, 1)?)?;
            let (scores, nearest) = scores.f_topk(k, -1, true, true)?;
            let voters =
                train.1.f_index_select(0, &nearest.f_flatten(0, -1)?)?.f_view([size, k].as_slice())?;
            let votes = Tensor::f_zeros([size, classes], (Kind::Float, scores.device()))?;
            let votes = votes.f_scatter_add(1, &voters, &scores.f_div_scalar(TEMPERATURE)?.f_exp()?)?;
            let hits = votes.f_argmax(-1, false)?.f_eq_tensor(&test.1.f_narrow(0, start, size)?)?;
            right += f64::try_from(hits.f_sum(Kind::Double)?)?;
        }
        Ok(right / count as f64)
    })
}

/// The indices `[n, k]` of the nearest training features of each test feature, the nearest first.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch).
pub fn nearest(train: &Tensor, test: &Tensor, k: i64) -> Result<Tensor> {
    let unit = |x: &Tensor| -> Result<Tensor> {
        Ok(x.f_div(&x.f_norm_scalaropt_dim(2, [-1].as_slice(), true)?.f_clamp_min(1e-12)?)?)
    };
    Ok(unit(test)?.f_matmul(&unit(train)?.f_transpose(0, 1)?)?.f_topk(k, -1, true, true)?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_by_angle_vote() {
        let train = Tensor::from_slice(&[1.0f32, 0.0, 2.0, 0.1, 0.0, 1.0, 0.0, 3.0]).view([4, 2]);
        let labels = Tensor::from_slice(&[0i64, 0, 1, 1]);
        let test = Tensor::from_slice(&[5.0f32, 1.0, 0.1, 0.2]).view([2, 2]);
        let score = |truth: [i64; 2], k| {
            accuracy((&train, &labels), (&test, &Tensor::from_slice(&truth)), 2, k).unwrap()
        };
        for k in [1, 2, 100] {
            assert_eq!((score([0, 1], k), score([1, 1], k), score([1, 0], k)), (1.0, 0.5, 0.0));
        }
        assert!(accuracy((&train, &labels), (&test, &labels), 2, 0).is_err());
        assert_eq!(Vec::<i64>::try_from(nearest(&train, &test, 1).unwrap().flatten(0, -1)).unwrap(), [1, 2]);
    }
}

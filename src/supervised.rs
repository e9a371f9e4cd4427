//! Supervised neighbourhood component analysis (Goldberger et al. 2004) on libtorch tensors.

use crate::error::Result;
use crate::loss::{
    Common, at_least, compute_kind, defined, has_shape, largest, softplus, sum_last, wrong_kind,
};
use intnacl_reference::{Error as Input, Objective};
use std::collections::HashMap;
use tch::{Kind, Tensor};

/// Labelled points and the transform that supervised NCA learns.
///
/// The objectives are `$\sum_i -\log p_i$` and `$\sum_i (1 - p_i)$` (Ko et al. 2022, equations 6 and 7), with
///
/// ```math
/// p_{ij} = \frac{e^{-\lVert A x_i - A x_j \rVert^2}}{\sum_{k \ne i} e^{-\lVert A x_i - A x_k \rVert^2}},
/// \qquad p_{ii} = 0, \qquad p_i = \sum_{j:\, c_j = c_i} p_{ij}.
/// ```
///
/// The differences of all pairs are held at once: `n²·D` numbers.
///
/// # Examples
/// ```
/// use intnacl::{Labelled, Objective};
/// use tch::{Device, Kind, Tensor};
///
/// let transform = Tensor::eye(2, (Kind::Double, Device::Cpu)).set_requires_grad(true);
/// let points = Tensor::randn([6, 2], (Kind::Double, Device::Cpu));
/// let labels = Tensor::from_slice(&[0_i64, 0, 0, 1, 1, 1]);
/// let data = Labelled { transform: transform.shallow_clone(), points, labels };
/// data.check()?;
/// data.value(Objective::KullbackLeibler)?.f_backward()?;
/// assert_eq!(transform.grad().size(), [2, 2]);
/// # Ok::<(), intnacl::Error>(())
/// ```
#[derive(Debug)]
pub struct Labelled {
    /// `A`, `[D, F]`.
    pub transform: Tensor,
    /// `[n, F]`.
    pub points: Tensor,
    /// `[n]`, of kind `Int64`.
    pub labels: Tensor,
}

impl Labelled {
    /// The objective's term of each point, `[n]`: `-log p_i` or `1 - p_i`.
    ///
    /// A point that is alone in its class has `p_i = 0`. Whether there is one cannot be seen without waiting
    /// for the device, so its term comes out enormous; [`check`](Labelled::check) refuses it.
    ///
    /// # Errors
    /// - [`Error::Input`](crate::Error::Input): a tensor of a shape that does not fit.
    /// - [`Error::Kind`](crate::Error::Kind), [`Error::Device`](crate::Error::Device): a transform or points
    ///   that are not floating, labels that are not `Int64`, tensors that differ.
    /// - [`Error::Torch`](crate::Error::Torch): libtorch could not.
    pub fn per_point(&self, objective: Objective) -> Result<Tensor> {
        let common = self.common()?;
        let kind = compute_kind(common.kind);
        let points = self.points.f_to_kind(kind)?;
        // Distances do not change when all points move, and their rounding errors are smallest around 0.
        let centred = points.f_sub(&points.f_detach()?.f_mean_dim([0].as_slice(), true, None)?)?;
        let images = centred.f_matmul(&self.transform.f_to_kind(kind)?.f_transpose(0, 1)?)?;
        let apart = images.f_unsqueeze(1)?.f_sub(&images.f_unsqueeze(0)?)?;
        let scores = sum_last(&apart.f_mul(&apart)?)?.f_neg()?;

        let n = self.points.size()[0];
        let index = Tensor::f_arange(n, (Kind::Int64, self.points.device()))?;
        let itself = pairwise_equal(&index)?;
        let same = pairwise_equal(&self.labels)?;
        // An empty set has a finite number that no score is below, and so a logarithm and a gradient of 0. In any other
        // set a score that overflows must stay the lowest.
        let never = -largest(kind);
        let log_sum = |leave_out: &Tensor| -> Result<Tensor> {
            let empty = leave_out.f_all_dim(-1, true)?;
            let scores = scores.f_masked_fill(leave_out, f64::NEG_INFINITY)?.f_masked_fill(&empty, never)?;
            Ok(scores.f_logsumexp([-1], false)?)
        };
        let own = log_sum(&same.f_logical_not()?.f_logical_or(&itself)?)?;
        let margin = log_sum(&same)?.f_sub(&own)?;
        // Neither p_i nor 1 - p_i is found by subtraction from 1.
        match objective {
            Objective::KullbackLeibler => softplus(&margin),
            Objective::TotalVariation => Ok(margin.f_log_sigmoid()?.f_exp()?),
        }
    }

    /// The objective: the sum over the points, a scalar tensor.
    ///
    /// # Errors
    /// The errors of [`per_point`](Labelled::per_point).
    pub fn value(&self, objective: Objective) -> Result<Tensor> {
        Ok(self.per_point(objective)?.f_sum(None)?)
    }

    /// Refuses a point that is alone in its class. This waits for the device.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) with the point's index, and the errors of
    /// [`per_point`](Labelled::per_point).
    pub fn check(&self) -> Result<()> {
        self.common()?;
        let labels = Vec::<i64>::try_from(&self.labels)?;
        let mut sizes = HashMap::new();
        for label in &labels {
            *sizes.entry(label).or_insert(0_usize) += 1;
        }
        match labels.iter().enumerate().find(|(_, label)| sizes.get(label) == Some(&1)) {
            Some((index, &label)) => Err(Input::LonelyPoint { index, label }.into()),
            None => Ok(()),
        }
    }

    fn common(&self) -> Result<Common> {
        let common = Common::of("transform", &self.transform)?;
        has_shape("transform", &self.transform, &[None, None], "[D, F]")?;
        at_least("transform", &self.transform, 0, 1, "rows")?;
        at_least("transform", &self.transform, 1, 1, "columns")?;
        common.fits("points", &self.points, &[None, Some(self.transform.size()[1])], "[n, F]")?;
        at_least("points", &self.points, 0, 2, "points")?;
        defined("labels", &self.labels)?;
        if self.labels.f_kind()? != Kind::Int64 {
            return Err(wrong_kind("labels", self.labels.f_kind()?, "Int64"));
        }
        common.on_device("labels", &self.labels)?;
        has_shape("labels", &self.labels, &[Some(self.points.size()[0])], "[n]")?;
        Ok(common)
    }
}

/// `[n, n]`: where the values of two entries are equal.
fn pairwise_equal(values: &Tensor) -> Result<Tensor> {
    Ok(values.f_unsqueeze(1)?.f_eq_tensor(&values.f_unsqueeze(0)?)?)
}

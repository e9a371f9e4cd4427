//! (6), (7) and their gradients: supervised neighbourhood component analysis (Goldberger et al. 2004).

use crate::error::{Error, Result};
use crate::precision::{BITS_NEEDED, settle};
use crate::real::{Big, Dd, DdContext, Real};
use crate::score::{Arithmetic, log_sum_exp, softplus};
use crate::vocabulary::{Evaluation, Labelled, Objective};
use nalgebra::DMatrix;

/// The last precision, reached only by gradients that vanish.
const BITS_MOST: usize = 1024;

/// The objective and its gradient by the transform and the points.
pub(crate) fn evaluate(objective: Objective, data: &Labelled) -> Result<Evaluation<Labelled>> {
    data.validate()?;
    let rounded = settle(
        &[DdContext::Full],
        || BITS_MOST,
        |context| SupervisedPass::<Dd>::run(objective, data, context).rounded(false).map(Some),
        |bits| SupervisedPass::<Big>::run(objective, data, bits).rounded(false).map(Some),
        |bits| SupervisedPass::<Big>::run(objective, data, bits).rounded(true),
    );
    let overflow = || Error::Overflow { argument: "transform".into(), value: data.transform.amax() };
    let (value, per_anchor, transform, points) = rounded.ok_or_else(overflow)?;
    let all = per_anchor.iter().chain(&transform).chain(&points).chain([&value]);
    if all.into_iter().any(|x| !x.is_finite()) {
        return Err(overflow());
    }
    let (dimension, features) = data.transform.shape();
    let gradient = Labelled {
        transform: DMatrix::from_row_slice(dimension, features, &transform),
        points: DMatrix::from_row_slice(data.points.nrows(), features, &points),
        labels: data.labels.clone(),
    };
    Ok(Evaluation { value, per_anchor, gradient })
}

/// One evaluation at one precision.
struct SupervisedPass<R: Real> {
    context: R::Context,
    per_point: Vec<R>,
    transform: Vec<R>,
    points: Vec<R>,
    /// `log2` of bounds on the errors of the two gradients, and of the exponents.
    transform_error: f64,
    points_error: f64,
    exponent_bits: f64,
}

type Rounded = (f64, Vec<f64>, Vec<f64>, Vec<f64>);

impl<R: Real> SupervisedPass<R> {
    fn run(objective: Objective, data: &Labelled, context: R::Context) -> Self {
        let (dimension, features) = data.transform.shape();
        let n = data.points.nrows();
        let number = |x: f64| R::lift(x, context);
        let zero = number(0.0);
        let transform: Vec<Vec<R>> =
            data.transform.row_iter().map(|row| row.iter().map(|&x| number(x)).collect()).collect();
        let points: Vec<Vec<R>> =
            data.points.row_iter().map(|row| row.iter().map(|&x| number(x)).collect()).collect();

        let mut pass = Self {
            context,
            per_point: Vec::with_capacity(n),
            transform: vec![zero.clone(); dimension * features],
            points: vec![zero.clone(); n * features],
            transform_error: f64::NEG_INFINITY,
            points_error: f64::NEG_INFINITY,
            exponent_bits: R::bits(context),
        };
        let (mut transform_size, mut points_size) = (0.0_f64, 0.0_f64);
        for i in 0..n {
            // x_ij, A x_ij and -‖A x_ij‖² for every other point.
            let others: Vec<usize> = (0..n).filter(|&j| j != i).collect();
            let apart: Vec<Vec<R>> = others
                .iter()
                .map(|&j| points[i].iter().zip(&points[j]).map(|(a, b)| a.clone() - b).collect())
                .collect();
            let image: Vec<Vec<R>> = apart
                .iter()
                .map(|apart| transform.iter().map(|row| R::dot(row, apart, context)).collect())
                .collect();
            let scores: Vec<R> = image.iter().map(|image| -R::dot(image, image, context)).collect();
            // Differences and products are right to the last bits, so only the size of an exponent costs.
            let largest = scores.iter().map(R::log2_abs).fold(0.0, f64::max);
            pass.exponent_bits = pass.exponent_bits.min(R::bits(context) - largest);

            let same: Vec<bool> = others.iter().map(|&j| data.labels[j] == data.labels[i]).collect();
            let (value, by_score) = of_scores(objective, &scores, &same, context);
            pass.per_point.push(value);

            // ∂(-‖A x_ij‖²)/∂A = -2 A x_ij x_ijᵀ and ∂/∂x_i = -2 Aᵀ A x_ij = -∂/∂x_j.
            for ((&j, weight), (apart, image)) in others.iter().zip(&by_score).zip(apart.iter().zip(&image)) {
                let mut pulled = vec![zero.clone(); features];
                for (row, component) in image.iter().enumerate() {
                    let factor = component.scale(-2.0, context) * weight;
                    R::add_scaled(&mut pass.transform[row * features..][..features], &factor, apart);
                    R::add_scaled(&mut pulled, &factor, &transform[row]);
                }
                let one = number(1.0);
                R::add_scaled(&mut pass.points[i * features..][..features], &one, &pulled);
                R::add_scaled(&mut pass.points[j * features..][..features], &-one, &pulled);
                let size = |row: &[R]| row.iter().map(|x| x.to_f64().abs()).sum::<f64>();
                let step = 2.0 * weight.to_f64().abs() * size(image);
                transform_size += step * size(apart);
                points_size += step * data.transform.iter().map(|x| x.abs()).sum::<f64>();
            }
        }
        pass.transform_error = transform_size.log2() - pass.exponent_bits + 1.0;
        pass.points_error = points_size.log2() - pass.exponent_bits + 2.0;
        pass
    }

    fn rounded(self, last: bool) -> Option<Rounded> {
        // Below this, double-double kernels underflow.
        let tiny = self.per_point.iter().any(|value| value.log2_abs() < -960.0);
        if (tiny || self.exponent_bits < BITS_NEEDED) && !last {
            return None;
        }
        let transform = gradient_in_f64(&self.transform, self.transform_error, last)?;
        let points = gradient_in_f64(&self.points, self.points_error, last)?;
        let value = R::sum(&self.per_point, self.context).to_f64();
        Some((value, self.per_point.iter().map(R::to_f64).collect(), transform, points))
    }
}

/// The gradient in f64 if its norm stands far enough above its error; at the last precision, 0 if it does not
/// stand above it at all.
fn gradient_in_f64<R: Real>(gradient: &[R], error: f64, last: bool) -> Option<Vec<f64>> {
    let norm = gradient.iter().map(R::log2_abs).fold(f64::NEG_INFINITY, f64::max);
    if norm - error >= 52.0 || error == f64::NEG_INFINITY {
        return Some(gradient.iter().map(R::to_f64).collect());
    }
    let settled = |x: &R| if norm > error { x.to_f64() } else { 0.0 };
    last.then(|| gradient.iter().map(settled).collect())
}

/// The objective at one point, its derivatives by that point's scores.
fn of_scores<R: Real>(objective: Objective, scores: &[R], same: &[bool], context: R::Context) -> (R, Vec<R>) {
    let number = |x: f64| R::lift(x, context);
    let of_class = |wanted: bool| -> Vec<R> {
        scores.iter().zip(same).filter(|(_, same)| **same == wanted).map(|(score, _)| score.clone()).collect()
    };
    let (own, other) = (of_class(true), of_class(false));
    if other.is_empty() {
        // One class only: p_i = 1, whatever the transform.
        return (number(0.0), vec![number(0.0); scores.len()]);
    }
    // The temperature of (6) is 1.
    let field = Arithmetic::<R>::new(1.0, 1.0, context);
    let (log_own, within) = log_sum_exp(&own, &field);
    let (log_other, without) = log_sum_exp(&other, &field);
    // p_i = logistic(log_own - log_other), 1 - p_i its mirror image: neither is found by subtraction.
    let (value, miss) = softplus(&(log_other.clone() - &log_own), &field);
    let (_, hit) = softplus(&(log_own - &log_other), &field);
    let (value, slope) = match objective {
        Objective::KullbackLeibler => (value, miss),
        Objective::TotalVariation => (miss.clone(), miss * &hit),
    };
    let (mut within, mut without) = (within.into_iter(), without.into_iter());
    let derivative = same.iter().map(|same| {
        if *same {
            -within.next().map_or_else(|| number(0.0), |p| p * &slope)
        } else {
            without.next().map_or_else(|| number(0.0), |p| p * &slope)
        }
    });
    (value, derivative.collect())
}

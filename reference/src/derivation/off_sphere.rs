//! The difference that the expanded square makes off the sphere.

use super::Line;
use super::evaluation::{
    BITS_EXACT, Embedded, Ratio, Step, check_matrix, classmates, lift_row, others, overflow,
};
use crate::error::Result;
use crate::real::{Big, Real};
use crate::vocabulary::Settings;
use nalgebra::DMatrix;

/// The difference that the expanded square makes off the sphere.
///
/// It is [`squared_distances`](super::squared_distances) minus [`expanded_squares`](super::expanded_squares).
///
/// The exponents `-‖f_i - f_k‖²/(2t)` and `(f_i·f_k - 1)/t` differ by `r_i + r_k` ([`exponent_gap`]), where
/// `r_k = (‖f_k‖² - 1)/(2t)`. The kernels of step 2 are those of step 3 times `e^{-r_i} e^{-r_k}`. The first
/// factor is common to all kernels of the anchor and cancels; the second stays:
///
/// ```math
/// \sum_i \log \sum_{k \ne i} w_{ik} e^{-r_k} - \log \sum_{j \ne i,\, c_j = c_i} v_{ij} e^{-r_j},
/// ```
///
/// `w_i` the softmax of `f_i·f_k/t` over `k ≠ i` and `v_i` the same over `i`'s class. It is 0 wherever all
/// norms are equal, 1 or not, and at no anchor outside `±(max r - min r)`. The sums are the line's
/// denominators and numerators. Arguments are as for [`squared_distances`](super::squared_distances).
///
/// # Errors
/// The errors of [`squared_distances`](super::squared_distances).
///
/// # Examples
/// ```
/// use intnacl_reference::derivation::off_sphere;
/// use nalgebra::dmatrix;
///
/// // All orthogonal to point 0, so its weights are even: (e^{-3/2} + 1 + 1)/3 against e^{-3/2}.
/// let embeddings = dmatrix![1.0, 0.0; 0.0, 2.0; 0.0, 1.0; 0.0, -1.0];
/// let line = off_sphere(&embeddings, &[0, 0, 1, 1], 1.0)?;
/// assert!((line.per_anchor[0] - ((1.0 + 2.0 * 1.5_f64.exp()) / 3.0).ln()).abs() < 1e-15);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn off_sphere(embeddings: &DMatrix<f64>, labels: &[i64], temperature: f64) -> Result<Line> {
    Embedded::check(embeddings, labels, temperature)?.line(OffSphere)
}

struct OffSphere<'a>(Embedded<'a>);

impl Step for OffSphere<'_> {
    fn ratio<R: Real>(&self, i: usize, context: R::Context) -> Ratio<R> {
        let Self(Embedded { embeddings, labels, temperature }) = self;
        let t = R::lift(*temperature, context);
        let two_t = t.scale(2.0, context);
        let one = R::lift(1.0, context);
        let anchor = lift_row::<R>(embeddings, i, context);
        let score = |k: usize| R::dot(&anchor, &lift_row(embeddings, k, context), context) / &t;
        // r_k, on which an even weight would change nothing.
        let excess = |k: usize| {
            let row = lift_row::<R>(embeddings, k, context);
            (R::dot(&row, &row, context) - &one) / &two_t
        };
        let mut neighbours = others(labels.len(), i);
        let first = neighbours.next().map(excess);
        if neighbours.all(|k| Some(excess(k)) == first) {
            // All r_k are one r, and both means e^{-r}.
            let log_mean = -first.unwrap_or(R::lift(0.0, context));
            return Ratio { log_numerator: log_mean.clone(), log_denominator: log_mean, equal: true };
        }
        let shifted = |k: usize| score(k) - &excess(k);
        let numerator = classmates(labels, i).map(shifted).collect();
        let denominator = others(labels.len(), i).map(shifted).collect();
        let means = Ratio::new(numerator, denominator, context);
        let numerator = classmates(labels, i).map(score).collect();
        let denominator = others(labels.len(), i).map(score).collect();
        let weights = Ratio::new(numerator, denominator, context);
        Ratio {
            log_numerator: means.log_numerator - &weights.log_numerator,
            log_denominator: means.log_denominator - &weights.log_denominator,
            equal: means.equal,
        }
    }
}

/// The gap between the two sides of the expansion, at row `i` and column `k`.
///
/// ```math
/// \frac{\lVert f_i - f_k \rVert^2}{2t} - \frac{1 - f_i \cdot f_k}{t} = \frac{\lVert f_i \rVert^2 + \lVert f_k \rVert^2 - 2}{2t}
/// ```
///
/// 0 on the sphere, where `‖f_i‖ = 1`. Of the two norms that of the anchor cancels in the quotients, that
/// of the neighbour does not: [`off_sphere`]. `embeddings` is `n × d`, the result `n × n`.
///
/// # Errors
/// [`Error::OutOfRange`](crate::Error::OutOfRange) for the temperature, [`Error::Shape`](crate::Error::Shape) for an empty array, [`Error::NotFinite`](crate::Error::NotFinite) and
/// [`Error::Overflow`](crate::Error::Overflow).
///
/// # Examples
/// ```
/// use intnacl_reference::derivation::exponent_gap;
/// use nalgebra::dmatrix;
///
/// let embeddings = dmatrix![1.0, 0.0; 0.0, 1.0; 0.0, 3.0];
/// let gap = exponent_gap(&embeddings, 0.5)?;
/// assert_eq!(gap, dmatrix![0.0, 0.0, 8.0; 0.0, 0.0, 8.0; 8.0, 8.0, 16.0]);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn exponent_gap(embeddings: &DMatrix<f64>, temperature: f64) -> Result<DMatrix<f64>> {
    Settings::new(temperature).validate()?;
    check_matrix("embeddings", embeddings, None)?;
    let number = |x: f64| Big::lift(x, BITS_EXACT);
    let two_t = number(temperature).scale(2.0, BITS_EXACT);
    let square = |i: usize| {
        let row = lift_row::<Big>(embeddings, i, BITS_EXACT);
        Big::dot(&row, &row, BITS_EXACT)
    };
    let n = embeddings.nrows();
    let squares: Vec<Big> = (0..n).map(square).collect();
    let gap = |i: usize, k: usize| (squares[i].clone() + &squares[k] - &number(2.0)) / &two_t;
    let gaps = DMatrix::from_fn(n, n, |i, k| gap(i, k).to_f64());
    if gaps.iter().any(|gap| !gap.is_finite()) {
        return Err(overflow(temperature));
    }
    Ok(gaps)
}

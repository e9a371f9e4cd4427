//! The empirical Rademacher complexity of finitely many functions.

use super::estimator::at_least_1;
use super::expectation::{Effort, Expectation};
use crate::error::{Error, Result, finite_rows, in_range};
use crate::random::Rng;
use nalgebra::DMatrix;

/// The largest sample whose signs are all counted out: `2^24` of them.
const MOST: usize = 24;

/// `R̂_S(G) = E_σ max_f (1/T) Σ_i σ_i g_f(z_i)`, of a class given by its values: a row for each function `f`,
/// a column for each of the `T` samples. Exact, over all `2^T` sign vectors in the order of a Gray code, so
/// that each takes one update of every function's sum: `2^T·|F|` steps, for `T` up to 24.
///
/// # Errors
/// [`Error::Shape`] for an empty class or sample, or more than 24 samples; [`Error::NotFinite`].
///
/// # Examples
/// One function has complexity 0; a function and its negative `E|(1/T) Σ σ_i g(z_i)|`:
/// ```
/// use intnacl_reference::bound::rademacher;
/// use nalgebra::dmatrix;
///
/// assert_eq!(rademacher(&dmatrix![1.0, 2.0])?, 0.0);
/// assert_eq!(rademacher(&dmatrix![1.0, 1.0; -1.0, -1.0])?, 0.5);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn rademacher(values: &DMatrix<f64>) -> Result<f64> {
    validate(values)?;
    let samples = values.ncols();
    if samples > MOST {
        return Err(Error::Shape {
            argument: "values".into(),
            found: format!("[{}][{samples}]", values.nrows()),
            expected: format!("at most {MOST} columns, since all sign vectors are visited"),
        });
    }
    let mut signs = vec![1.0; samples];
    let mut sums: Vec<f64> = values.row_iter().map(|row| row.sum()).collect();
    let mut total = 0.0;
    for step in 1..=(1_u32 << samples) {
        total += largest(&sums);
        let flip = step.trailing_zeros() as usize;
        if flip >= samples {
            break;
        }
        signs[flip] = -signs[flip];
        // Sums are refreshed now and then, since the errors of so many updates would add up.
        if step % 4096 == 0 {
            sums = values.row_iter().map(|row| row.iter().zip(&signs).map(|(x, s)| x * s).sum()).collect();
        } else {
            let column = values.column(flip);
            sums.iter_mut().zip(&column).for_each(|(sum, x)| *sum += 2.0 * signs[flip] * x);
        }
    }
    Ok(total / f64::from(1_u32 << samples) / samples as f64)
}

/// The same as a mean over drawn sign vectors, with a certified interval, for any number of samples.
/// A draw takes `T·|F|` steps.
///
/// # Errors
/// As [`rademacher`], and [`Error::OutOfRange`] for the effort.
///
/// # Examples
/// ```
/// use intnacl_reference::bound::{Effort, rademacher, sampled_rademacher};
/// use nalgebra::dmatrix;
///
/// let values = dmatrix![1.0, 0.2, 0.4; 0.0, 0.9, 0.3];
/// let sampled = sampled_rademacher(&values, &Effort { draws: 5000, ..Effort::default() })?;
/// let exact = rademacher(&values)?;
/// assert!(sampled.lower <= exact && exact <= sampled.upper);
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn sampled_rademacher(values: &DMatrix<f64>, effort: &Effort) -> Result<Expectation> {
    validate(values)?;
    effort.validate()?;
    let mut random = Rng::new(effort.seed);
    let samples = values.ncols();
    let draw = |_| {
        let signs: Vec<f64> = (0..samples).map(|_| random.sign()).collect();
        let sums = values.row_iter().map(|row| row.iter().zip(&signs).map(|(x, s)| x * s).sum::<f64>());
        sums.fold(f64::NEG_INFINITY, f64::max) / samples as f64
    };
    let draws: Vec<f64> = (0..effort.draws).map(draw).collect();
    let reach = values.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    Ok(Expectation::sampled(&draws, (-reach, reach), effort))
}

/// Massart's bound for `functions` functions with values in `[0, range]`: `range·√(log|F|/(2T))`. The values
/// are measured from the middle of their interval, which changes no complexity.
///
/// # Errors
/// [`Error::OutOfRange`] for counts of 0 and a range that is negative, NaN or infinite.
///
/// # Examples
/// ```
/// use intnacl_reference::bound::massart;
/// assert_eq!(massart(2.0, 1, 100)?, 0.0); // one function, fixed in advance
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
pub fn massart(range: f64, functions: usize, samples: usize) -> Result<f64> {
    at_least_1("functions", functions)?;
    at_least_1("samples", samples)?;
    in_range("range", range, range >= 0.0 && range.is_finite(), "a finite number of at least 0")?;
    Ok(range * ((functions as f64).ln() / (2.0 * samples as f64)).sqrt())
}

fn validate(values: &DMatrix<f64>) -> Result<()> {
    let (rows, columns) = values.shape();
    if rows == 0 || columns == 0 {
        return Err(Error::Shape {
            argument: "values".into(),
            found: format!("[{rows}][{columns}]"),
            expected: "at least one function and one sample".into(),
        });
    }
    finite_rows("values", values)
}

fn largest(sums: &[f64]) -> f64 {
    sums.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

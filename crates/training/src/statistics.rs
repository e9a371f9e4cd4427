//! Means over trials, and paired differences with their intervals.

use crate::error::{Result, in_range};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// The mean and the standard deviation (`n - 1`) of some numbers; the deviation of a single one is not a number.
pub fn mean_and_deviation(numbers: &[f64]) -> (f64, f64) {
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let squares: f64 = numbers.iter().map(|x| (x - mean) * (x - mean)).sum();
    (mean, (squares / (count - 1.0)).sqrt())
}

/// The mean of paired differences, and half the width of its interval at 95 % by Student's t.
///
/// # Errors
/// Fewer than two pairs, or another number of ones than of the others.
///
/// # Examples
/// ```
/// let (mean, half) = intnacl_training::statistics::paired(&[3.0, 4.0, 5.0], &[2.0, 2.0, 4.0])?;
/// assert!((mean - 4.0 / 3.0).abs() < 1e-12 && (half - 1.434).abs() < 1e-3);
/// # Ok::<(), intnacl_training::Error>(())
/// ```
pub fn paired(ones: &[f64], others: &[f64]) -> Result<(f64, f64)> {
    in_range("trials", ones.len(), ones.len() >= 2, "at least 2 for an interval")?;
    in_range("trials", others.len(), others.len() == ones.len(), format!("{}, as many as ones", ones.len()))?;
    let differences: Vec<f64> = ones.iter().zip(others).map(|(one, other)| one - other).collect();
    let (mean, deviation) = mean_and_deviation(&differences);
    let count = differences.len() as f64;
    // The distribution refuses nothing but a freedom of 0.
    let quantile = StudentsT::new(0.0, 1.0, count - 1.0).map_or(f64::INFINITY, |t| t.inverse_cdf(0.975));
    Ok((mean, quantile * deviation / count.sqrt()))
}

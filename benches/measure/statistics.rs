//! Medians, quartiles and slopes.

/// A middle and the half of the values around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub lower: f64,
    pub median: f64,
    pub upper: f64,
}

/// The quartiles of values in any order, between two values in proportion. `None` of no values.
pub fn spread(values: &[f64]) -> Option<Spread> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let at = |fraction: f64| {
        let position = fraction * last as f64;
        let (below, rest) = (position.floor() as usize, position.fract());
        sorted[below] + rest * (sorted[(below + 1).min(last)] - sorted[below])
    };
    Some(Spread { lower: at(0.25), median: at(0.5), upper: at(0.75) })
}

/// The spread of `a[i] / b[i]`: what took place in one round is compared, so that a slow moment of the machine
/// falls out.
pub fn ratios(a: &[f64], b: &[f64]) -> Option<Spread> {
    spread(&a.iter().zip(b).map(|(a, b)| a / b).collect::<Vec<_>>())
}

/// The exponent `k` of `y ≈ c·x^k`, fitted by least squares in logarithms to the points of the largest `x`, at
/// most three. `None` of fewer than two.
pub fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    let mut points: Vec<(f64, f64)> = points.iter().filter(|(x, y)| *x > 0.0 && *y > 0.0).copied().collect();
    points.sort_by(|a, b| b.0.total_cmp(&a.0));
    points.truncate(3);
    let logarithms: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logarithms.len() as f64;
    let (mean_x, mean_y) = logarithms.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (mean_x, mean_y) = (mean_x / count, mean_y / count);
    let across: f64 = logarithms.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let both: f64 = logarithms.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    (across > 0.0).then(|| both / across)
}

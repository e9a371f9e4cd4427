//! The axes and colours of the project's pictures: ticks where a reader wants them rather than where a library puts them.

use std::ops::Range;

use plotters::chart::ChartContext;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::{DrawingBackend, IntoFont, TRANSPARENT};
use plotters::style::RGBColor;

/// Text and axes.
pub const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
/// Lines behind the curves.
pub const GRID: RGBColor = RGBColor(0xe2, 0xe2, 0xe2);

// The colours of Okabe and Ito, which people with any kind of colour vision can tell apart.
/// Black.
pub const BLACK: RGBColor = RGBColor(0x00, 0x00, 0x00);
/// Blue.
pub const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xb2);
/// Vermilion.
pub const ORANGE: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
/// Bluish green.
pub const GREEN: RGBColor = RGBColor(0x00, 0x9e, 0x73);
/// Reddish purple.
pub const PURPLE: RGBColor = RGBColor(0xcc, 0x79, 0xa7);
/// Sky blue.
pub const SKY: RGBColor = RGBColor(0x56, 0xb4, 0xe9);
/// Orange.
pub const YELLOW: RGBColor = RGBColor(0xe6, 0x9f, 0x00);

/// The extent of an axis, and where its ticks are.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
    ticks: Vec<f64>,
}

impl Axis {
    /// A logarithmic axis from `low > 0` to `high`, with these ticks.
    pub fn logarithmic(low: f64, high: f64, ticks: Vec<f64>) -> Self {
        Self { low, high, logarithmic: true, ticks }
    }

    /// A logarithmic axis from `low > 0` to `high` with ticks at powers of ten, and between them where these are few.
    pub fn decades(low: f64, high: f64) -> Self {
        Self::logarithmic(low, high, decades(low, high))
    }

    /// An axis from 0 to `high` with five to ten ticks.
    pub fn from_zero(high: f64) -> Self {
        Self::between(0.0, high)
    }

    /// An axis from `low` to a larger `high` with five to ten ticks, at round numbers.
    pub fn between(low: f64, high: f64) -> Self {
        let width = high - low;
        let decade = 10_f64.powf((width / 5.0).log10().floor());
        let step = [5.0, 2.0, 1.0].map(|digit| digit * decade).into_iter().find(|step| width / step >= 5.0);
        let step = step.unwrap_or(decade);
        let first = (low / step).ceil();
        let ticks = (0..=(high / step - first) as usize).map(|k| (first + k as f64) * step).collect();
        Self { low, high, logarithmic: false, ticks }
    }

    /// Where its ticks are.
    pub fn ticks(&self) -> &[f64] {
        &self.ticks
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = if self.logarithmic {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        from + (share * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

/// Draws the axes, the lines behind the curves, and what the axes are called.
///
/// # Errors
/// What the drawing library says.
pub fn axes<DB: DrawingBackend>(
    chart: &mut ChartContext<DB, Cartesian2d<Axis, Axis>>,
    x: &str,
    y: &str,
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    let font = |size| ("sans-serif", size).into_font().color(&INK);
    let mut mesh = chart.configure_mesh();
    mesh.light_line_style(TRANSPARENT).bold_line_style(GRID).axis_style(INK);
    // An axis has the ticks that it was made with, however many are asked for.
    mesh.x_labels(20).y_labels(20).x_label_formatter(&|x| number(*x)).y_label_formatter(&|y| number(*y));
    mesh.x_desc(x).y_desc(y).label_style(font(13)).axis_desc_style(font(15)).draw()
}

/// Powers of ten between two numbers, and their multiples where they are few.
fn decades(low: f64, high: f64) -> Vec<f64> {
    let between: &[f64] = match (high / low).log10() {
        width if width > 5.0 => &[1.0],
        width if width > 3.0 => &[1.0, 3.0],
        _ => &[1.0, 2.0, 5.0],
    };
    let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let ticks = powers.flat_map(|power| between.iter().map(move |digit| digit * 10_f64.powi(power)));
    ticks.filter(|tick| (low..=high).contains(tick)).collect()
}

/// A tick's number: two digits after the first, powers of ten from 10 000 on as such.
pub fn number(x: f64) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let exponent = x.log10().round();
    if x >= 1e4 && (x.log10() - exponent).abs() < 1e-9 {
        let digits = format!("{exponent:.0}");
        let raised: String =
            digits.chars().filter_map(|c| c.to_digit(10)).map(|d| RAISED[d as usize]).collect();
        return format!("10{raised}");
    }
    // Multiples of a tenth come with roundings that nobody asked for.
    let places = (1.0 - x.log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{x:.places$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_written_plainly() {
        let cases =
            [(0.05, "0.05"), (0.2, "0.2"), (1.0, "1"), (2.0, "2"), (4096.0, "4096"), (20_000.0, "20000")];
        for (value, text) in cases.into_iter().chain([(1e4, "10⁴"), (1e6, "10⁶"), (1e12, "10¹²")]) {
            // The value comes back from a logarithm like this.
            assert_eq!(number(10_f64.powf(f64::log10(value))), text);
        }
        assert_eq!(number(0.0), "0");
        assert_eq!(number(3.0 * 0.1), "0.3");
    }

    #[test]
    fn ticks_of_decades_lie_within_the_axis() {
        for (low, high) in [(0.008, 1e4), (2.0, 6.3), (0.1, 316.0), (3e-5, 7e5)] {
            let axis = Axis::decades(low, high);
            assert!(axis.ticks().len() > 1, "{low} to {high}");
            assert!(axis.ticks().iter().all(|tick| (low..=high).contains(tick)));
        }
    }

    #[test]
    fn an_axis_from_zero_has_five_to_ten_steps() {
        for high in [0.0011, 0.3, 0.99, 1.0, 3.7, 5.0, 12.0, 49.9, 1234.0] {
            let axis = Axis::from_zero(high);
            assert!((6..=11).contains(&axis.ticks().len()), "{high}: {:?}", axis.ticks());
            assert!(axis.ticks().iter().all(|tick| *tick <= high * (1.0 + 1e-12)));
        }
    }

    #[test]
    fn an_axis_between_two_numbers_has_its_ticks_within() {
        for (low, high) in [(0.37, 0.52), (-3.0, 4.0), (51.2, 51.9), (0.5, 0.9), (1.0, 2000.0)] {
            let axis = Axis::between(low, high);
            assert!((5..=11).contains(&axis.ticks().len()), "{low} to {high}: {:?}", axis.ticks());
            assert!(axis.ticks().iter().all(|tick| (low..=high * (1.0 + 1e-12)).contains(tick)), "{axis:?}");
        }
    }

    #[test]
    fn the_middle_of_a_logarithmic_axis_is_the_geometric_mean() {
        assert_eq!(Axis::decades(1.0, 100.0).map(&10.0, (0, 200)), 100);
        assert_eq!(Axis::from_zero(100.0).map(&10.0, (200, 0)), 180);
    }
}

//! The curves as pictures.

use std::error::Error;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::curves::{Curve, Panel, Point};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const SIZE: (u32, u32) = (960, 520);
/// What the legend takes on the right, so that it covers no curve.
const LEGEND: u32 = 290;
const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
const GRID: RGBColor = RGBColor(0xe2, 0xe2, 0xe2);

/// A picture of one panel as SVG.
///
/// # Errors
/// What the drawing library says, for a panel without a finite point.
pub fn svg(panel: &Panel, title: &str, measured: bool) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        draw(&area, panel, title, measured)?;
        area.present()?;
    }
    Ok(text)
}

/// A curve's colour, one of those that Okabe and Ito chose for every kind of sight, and what it is called.
fn style(curve: Curve) -> (RGBColor, &'static [&'static str]) {
    match curve {
        Curve::Corrected => (RGBColor(0x00, 0x72, 0xb2), &["bound, corrected"]),
        Curve::Published => {
            (RGBColor(0xd5, 0x5e, 0x00), &["right side as published", "(hidden constants C, 1, 1)"])
        }
        Curve::Contrastive => (RGBColor(0x00, 0x9e, 0x73), &["contrastive loss L_NCA(g0, M)"]),
        Curve::MeanClassifier => (RGBColor(0x00, 0x00, 0x00), &["supervised loss,", "mean classifier"]),
        Curve::BestLinear => (RGBColor(0xcc, 0x79, 0xa7), &["supervised loss,", "best linear of norm ≤ 1"]),
    }
}

/// Dashed where it is a claim that does not hold.
fn is_dashed(curve: Curve) -> bool {
    curve == Curve::Published
}

fn is_measured(curve: Curve) -> bool {
    !matches!(curve, Curve::Corrected | Curve::Published)
}

fn draw(area: &Area, panel: &Panel, title: &str, measured: bool) -> Result<(), Box<dyn Error>> {
    area.fill(&WHITE)?;
    let (head, body) = area.split_vertically(58);
    let (symbol, meaning) = match panel.grows {
        "negatives" => ("N", "negatives"),
        "positives" => ("M", "positives"),
        _ => ("T", "training tuples"),
    };
    let what = if measured {
        "The bound and the measured losses"
    } else {
        "What the bound adds to the contrastive loss"
    };
    head.draw(&Text::new(format!("{what} as {symbol} grows"), (24, 14), (FONT, 19).into_font().color(&INK)))?;
    head.draw(&Text::new(title.to_owned(), (24, 39), (FONT, 13).into_font().color(&INK)))?;
    let (chart, legend) = body.split_horizontally(SIZE.0 - LEGEND);
    let x =
        Axis::log(panel.series.iter().flat_map(|series| &series.points).map(|point| point.x), panel.grows);
    let ends = |point: &Point| [point.lower, point.upper, point.y];
    let y = Axis::of(panel.series.iter().flat_map(|series| &series.points).flat_map(ends));
    let labels =
        (format!("{symbol}, {meaning}"), if measured { "loss in nats" } else { "added to L_NCA, in nats" });
    curves(&chart, panel, x, y, &labels)?;
    explain(&legend, panel)
}

fn curves(
    area: &Area,
    panel: &Panel,
    x: Axis,
    y: Axis,
    (x_label, y_label): &(String, &str),
) -> Result<(), Box<dyn Error>> {
    let ticks = x.ticks.len();
    let mut chart = ChartBuilder::on(area)
        .margin_left(16)
        .margin_right(12)
        .margin_top(6)
        .margin_bottom(10)
        .x_label_area_size(52)
        .y_label_area_size(64)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .x_labels(ticks)
        .y_labels(20)
        .x_label_formatter(&|x| number(*x))
        .y_label_formatter(&|y| number(*y))
        .x_desc(x_label.as_str())
        .y_desc(*y_label)
        .label_style((FONT, 13).into_font().color(&INK))
        .axis_desc_style((FONT, 15).into_font().color(&INK))
        .draw()?;
    for series in panel.series.iter().filter(|series| series.band.is_some()) {
        let (colour, _) = style(series.curve);
        let upper = series.points.iter().map(|point| (point.x, point.upper));
        let lower = series.points.iter().rev().map(|point| (point.x, point.lower));
        chart.draw_series([Polygon::new(upper.chain(lower).collect::<Vec<_>>(), colour.mix(0.18))])?;
    }
    for series in &panel.series {
        let (colour, _) = style(series.curve);
        let line = series.points.iter().map(|point| (point.x, point.y));
        if is_dashed(series.curve) {
            chart.draw_series(DashedLineSeries::new(line, 7, 5, colour.stroke_width(2)))?;
        } else {
            chart.draw_series(LineSeries::new(line, colour.stroke_width(2)))?;
        }
        if is_measured(series.curve) {
            let mark = |point: &Point| Circle::new((point.x, point.y), 3, colour.filled());
            chart.draw_series(series.points.iter().map(mark))?;
        }
    }
    Ok(())
}

fn explain(area: &Area, panel: &Panel) -> Result<(), Box<dyn Error>> {
    let words = (FONT, 14).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
    let small = (FONT, 12).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
    let mut y = 24;
    for series in &panel.series {
        let (colour, names) = style(series.curve);
        let stroke = colour.stroke_width(2);
        if is_dashed(series.curve) {
            for start in [8, 20, 32] {
                area.draw(&PathElement::new([(start, y), (start + 7, y)], stroke))?;
            }
        } else {
            if series.band.is_some() {
                area.draw(&Rectangle::new([(8, y - 6), (40, y + 6)], colour.mix(0.18).filled()))?;
            }
            area.draw(&PathElement::new([(8, y), (40, y)], stroke))?;
        }
        if is_measured(series.curve) {
            area.draw(&Circle::new((24, y), 3, colour.filled()))?;
        }
        for name in names {
            area.draw(&Text::new(*name, (50, y), words.clone()))?;
            y += 18;
        }
        y += 8;
    }
    let Some(band) = panel.series.iter().find_map(|series| series.band) else { return Ok(()) };
    area.draw(&Text::new("Bands:", (8, y + 12), small.clone()))?;
    for (line, part) in band.split(", ").enumerate() {
        area.draw(&Text::new(part, (50, y + 12 + 16 * line as i32), small.clone()))?;
    }
    Ok(())
}

/// The extent of an axis, and where its ticks are.
struct Axis {
    low: f64,
    high: f64,
    log: bool,
    ticks: Vec<f64>,
}

impl Axis {
    fn log(values: impl Iterator<Item = f64>, grows: &str) -> Self {
        let mut ticks: Vec<f64> = values.collect();
        ticks.sort_by(f64::total_cmp);
        ticks.dedup();
        let (low, high) = (ticks.first().copied().unwrap_or(1.0), ticks.last().copied().unwrap_or(10.0));
        if grows == "samples" {
            ticks.retain(|x| x.log10().fract().abs() < 1e-9);
        }
        Self { low, high, log: true, ticks }
    }

    /// Logarithmic where the values differ by more than a factor of 20, from 0 elsewhere.
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.filter(|y| y.is_finite()).collect();
        let high = values.iter().copied().fold(0.0, f64::max).max(1e-3);
        let low = values.iter().copied().filter(|y| *y > 0.0).fold(high, f64::min);
        let log = high > 20.0 * low && values.iter().all(|y| *y > 0.0);
        let decade = |x: f64| 10_f64.powi(x.log10().floor() as i32);
        if log {
            let (low, high) = (low / 1.15, high * 1.15);
            let decades = std::iter::successors(Some(decade(low)), |decade| Some(decade * 10.0));
            let decades = decades.take_while(|decade| *decade <= high);
            let ticks = decades.flat_map(|decade| [decade, 2.0 * decade, 5.0 * decade]);
            let ticks = ticks.filter(|tick| (low..=high).contains(tick)).collect();
            return Self { low, high, log, ticks };
        }
        let high = high * 1.06;
        // Between five and ten ticks.
        let step = decade(high / 5.0)
            * [5.0, 2.0, 1.0].into_iter().find(|k| high / (k * decade(high / 5.0)) >= 5.0).unwrap_or(1.0);
        let ticks = (0..=(high / step) as usize).map(|k| k as f64 * step).collect();
        Self { low: 0.0, high, log, ticks }
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        let part = match self.log {
            true => (value / self.low).ln() / (self.high / self.low).ln(),
            false => (value - self.low) / (self.high - self.low),
        };
        (f64::from(start) + f64::from(end - start) * part).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.low..self.high
    }
}

/// A tick's number: powers of ten from 10 000 on as such.
fn number(x: f64) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let exponent = x.log10().round();
    if x >= 1e4 && (x.log10() - exponent).abs() < 1e-9 {
        let digits = format!("{exponent:.0}");
        let raised: String =
            digits.chars().filter_map(|c| c.to_digit(10)).map(|d| RAISED[d as usize]).collect();
        return format!("10{raised}");
    }
    // Steps of a tenth come with roundings that nobody asked for.
    let text = format!("{:.4}", x);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

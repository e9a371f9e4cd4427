//! The curves as pictures.

use std::error::Error;

use intnacl_chart::{self as chart, Axis, INK};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::curves::{Curve, Panel, Point};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const SIZE: (u32, u32) = (960, 520);
/// What the legend takes on the right, so that it covers no curve.
const LEGEND: u32 = 290;
const FONT: &str = "sans-serif";

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

/// A curve's colour, and what it is called.
fn style(curve: Curve) -> (RGBColor, &'static [&'static str]) {
    match curve {
        Curve::Corrected => (chart::BLUE, &["bound, corrected"]),
        Curve::Published => (chart::ORANGE, &["right side as published", "(hidden constants C, 1, 1)"]),
        Curve::Contrastive => (chart::GREEN, &["contrastive loss L_NCA(g0, M)"]),
        Curve::MeanClassifier => (chart::BLACK, &["supervised loss,", "mean classifier"]),
        Curve::BestLinear => (chart::PURPLE, &["supervised loss,", "best linear of norm ≤ 1"]),
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
    let x = growing(panel.series.iter().flat_map(|series| &series.points).map(|point| point.x), panel.grows);
    let ends = |point: &Point| [point.lower, point.upper, point.y];
    let y = upright(panel.series.iter().flat_map(|series| &series.points).flat_map(ends));
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
    let mut chart = ChartBuilder::on(area)
        .margin_left(16)
        .margin_right(12)
        .margin_top(6)
        .margin_bottom(10)
        .x_label_area_size(52)
        .y_label_area_size(64)
        .build_cartesian_2d(x, y)?;
    chart::axes(&mut chart, x_label, y_label)?;
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

/// The numbers that grow, at which there are ticks; of samples only the powers of ten.
fn growing(values: impl Iterator<Item = f64>, grows: &str) -> Axis {
    let mut ticks: Vec<f64> = values.collect();
    ticks.sort_by(f64::total_cmp);
    ticks.dedup();
    let (low, high) = (ticks.first().copied().unwrap_or(1.0), ticks.last().copied().unwrap_or(10.0));
    if grows == "samples" {
        ticks.retain(|x| x.log10().fract().abs() < 1e-9);
    }
    Axis::logarithmic(low, high, ticks)
}

/// Logarithmic where the values differ by more than a factor of 20, from 0 elsewhere.
fn upright(values: impl Iterator<Item = f64>) -> Axis {
    let values: Vec<f64> = values.filter(|y| y.is_finite()).collect();
    let high = values.iter().copied().fold(0.0, f64::max).max(1e-3);
    let low = values.iter().copied().filter(|y| *y > 0.0).fold(high, f64::min);
    let logarithmic = high > 20.0 * low && values.iter().all(|y| *y > 0.0);
    if logarithmic { Axis::decades(low / 1.15, high * 1.15) } else { Axis::from_zero(high * 1.06) }
}

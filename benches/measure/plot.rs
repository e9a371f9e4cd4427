//! Pictures of time and memory against the batch, both axes logarithmic.

use super::statistics::exponent;
use intnacl_chart::{self as chart, Axis, axes};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::Path;

/// The style of a line: its colour, the shape of its points, whether it is dashed.
#[derive(Clone, Copy, Debug)]
pub struct Style(RGBColor, Shape, bool);

#[derive(Clone, Copy, Debug)]
enum Shape {
    Circle,
    Square,
    Triangle,
    Diamond,
}

pub const BLACK_DASHED: Style = Style(chart::BLACK, Shape::Diamond, true);
pub const BLUE: Style = Style(chart::BLUE, Shape::Circle, false);
pub const ORANGE: Style = Style(chart::ORANGE, Shape::Square, false);
pub const GREEN: Style = Style(chart::GREEN, Shape::Triangle, false);
pub const PURPLE: Style = Style(chart::PURPLE, Shape::Diamond, false);
pub const SKY: Style = Style(chart::SKY, Shape::Square, false);
pub const YELLOW: Style = Style(chart::YELLOW, Shape::Triangle, false);

/// A line: its name, its points (batch, value) in the order of batches.
pub struct Line {
    pub name: String,
    pub style: Style,
    pub points: Vec<(f64, f64)>,
}

/// A picture.
pub struct Picture<'a> {
    pub title: String,
    /// Below the title, smaller.
    pub subtitle: String,
    /// The quantity on the upright axis, with its unit.
    pub quantity: &'a str,
    pub lines: Vec<Line>,
}

type DrawingError = DrawingAreaErrorKind<std::io::Error>;

const SIZE: (u32, u32) = (860, 520);
const LEGEND: i32 = 230;
const FONT: &str = "sans-serif";
const GREY: RGBColor = RGBColor(90, 90, 90);

impl Picture<'_> {
    /// Draws it as SVG; says whether there were two batches or more, without which there is nothing to draw.
    pub fn draw(&self, path: &Path) -> Result<bool, DrawingError> {
        let all: Vec<(f64, f64)> = self.lines.iter().flat_map(|line| line.points.iter().copied()).collect();
        let range = |values: Vec<f64>| {
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            (least, most)
        };
        let (left, right) = range(all.iter().map(|point| point.0).collect());
        let (bottom, top) = range(all.iter().map(|point| point.1).collect());
        // Also where there is no point at all, or a value that has no logarithm.
        let drawable = left > 0.0 && right > left && bottom > 0.0 && top.is_finite();
        if !drawable {
            return Ok(false);
        }
        let powers = left.log2().ceil() as i32..=right.log2().floor() as i32;
        let across =
            Axis::logarithmic(left / 1.15, right * 1.15, powers.map(|power| 2_f64.powi(power)).collect());
        let up = Axis::decades(bottom / 1.25, top * 1.4);

        let root = SVGBackend::new(path, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let font = |size: i32| (FONT, size).into_font();
        root.draw(&Text::new(self.title.clone(), (78, 14), font(20).color(&BLACK)))?;
        root.draw(&Text::new(self.subtitle.clone(), (78, 42), font(13).color(&GREY)))?;
        let (chart, legend) = root.margin(64, 8, 8, 0).split_horizontally(SIZE.0 as i32 - LEGEND);
        let mut chart = ChartBuilder::on(&chart)
            .x_label_area_size(52)
            .y_label_area_size(74)
            .margin_right(8)
            .build_cartesian_2d(across, up)?;
        axes(&mut chart, "images in a batch, B", self.quantity)?;
        for line in &self.lines {
            let points = line.points.iter().copied();
            let Style(colour, shape, dashed) = line.style;
            let stroke = ShapeStyle::from(colour).stroke_width(2);
            if dashed {
                chart.draw_series(DashedLineSeries::new(points.clone(), 7, 4, stroke))?;
            } else {
                chart.draw_series(LineSeries::new(points.clone(), stroke))?;
            }
            for point in points {
                mark(&root, chart.backend_coord(&point), shape, colour)?;
            }
        }

        for (place, line) in self.lines.iter().filter(|line| !line.points.is_empty()).enumerate() {
            let y = 14 + 46 * place as i32;
            let Style(colour, shape, dashed) = line.style;
            let stroke = ShapeStyle::from(colour).stroke_width(2);
            let ends: &[(i32, i32)] = if dashed { &[(8, 15), (23, 30), (31, 38)] } else { &[(8, 38)] };
            for (from, to) in ends {
                legend.draw(&PathElement::new(vec![(*from, y), (*to, y)], stroke))?;
            }
            mark(&legend, (23, y), shape, colour)?;
            let middle = Pos::new(HPos::Left, VPos::Center);
            legend.draw(&Text::new(line.name.clone(), (48, y), font(15).color(&BLACK).pos(middle)))?;
            if let Some(slope) = exponent(&line.points) {
                let slope = format!("grows as B^{slope:.2}");
                legend.draw(&Text::new(slope, (48, y + 18), font(13).color(&GREY).pos(middle)))?;
            }
        }
        root.present()?;
        Ok(true)
    }
}

fn mark(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    (x, y): (i32, i32),
    shape: Shape,
    colour: RGBColor,
) -> Result<(), DrawingError> {
    let corners: &[(i32, i32)] = match shape {
        Shape::Circle => return area.draw(&Circle::new((x, y), 4, colour.filled())),
        Shape::Square => &[(-4, -4), (4, -4), (4, 4), (-4, 4)],
        Shape::Triangle => &[(-5, 4), (5, 4), (0, -5)],
        Shape::Diamond => &[(0, -6), (6, 0), (0, 6), (-6, 0)],
    };
    let corners = corners.iter().map(|(right, down)| (x + right, y + down)).collect::<Vec<_>>();
    area.draw(&Polygon::new(corners, colour.filled()))
}

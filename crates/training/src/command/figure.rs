//! Curves and points as a picture, with their names on the right.

use intnacl_chart::{self as chart, Axis, INK};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;

const SIZE: (u32, u32) = (960, 520);
const LEGEND: u32 = 220;
const FONT: &str = "sans-serif";
const COLOURS: [RGBColor; 7] =
    [chart::BLACK, chart::BLUE, chart::ORANGE, chart::GREEN, chart::PURPLE, chart::SKY, chart::YELLOW];

/// How far an axis goes.
pub enum Extent {
    /// A little beyond the points.
    Around,
    /// From 0 to a little beyond the points.
    FromZero,
    /// A logarithmic axis from the least point to the largest.
    Decades,
}

/// Points of one kind.
pub struct Series {
    pub name: String,
    pub points: Vec<(f64, f64)>,
    /// One standard deviation of a single point, across and upright.
    pub spread: Option<(f64, f64)>,
    /// Whether a line goes from each to the next.
    pub joined: bool,
}

/// A picture.
pub struct Figure {
    pub title: String,
    /// What stands below the title.
    pub below: String,
    pub x: (String, Extent),
    pub y: (String, Extent),
    pub series: Vec<Series>,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

impl Figure {
    /// As SVG.
    ///
    /// # Errors
    /// What the drawing library says.
    pub fn svg(&self) -> Result<String, Box<dyn Error>> {
        let mut text = String::new();
        {
            let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
            self.draw(&area)?;
            area.present()?;
        }
        Ok(text)
    }

    fn draw(&self, area: &Area) -> Result<(), Box<dyn Error>> {
        area.fill(&WHITE)?;
        let (head, body) = area.split_vertically(58);
        head.draw(&Text::new(self.title.clone(), (24, 14), (FONT, 19).into_font().color(&INK)))?;
        head.draw(&Text::new(self.below.clone(), (24, 39), (FONT, 13).into_font().color(&INK)))?;
        let (left, right) = body.split_horizontally(SIZE.0 - LEGEND);
        let points = || self.series.iter().flat_map(|series| &series.points);
        let across = self.series.iter().filter_map(|series| series.spread).map(|(across, _)| across);
        let along = self.series.iter().filter_map(|series| series.spread).map(|(_, along)| along);
        let x = axis(&self.x.1, points().map(|(x, _)| *x), across);
        let y = axis(&self.y.1, points().map(|(_, y)| *y), along);
        let mut chart = ChartBuilder::on(&left)
            .margin_left(16)
            .margin_right(12)
            .margin_top(6)
            .margin_bottom(10)
            .x_label_area_size(52)
            .y_label_area_size(64)
            .build_cartesian_2d(x, y)?;
        chart::axes(&mut chart, self.x.0.as_str(), self.y.0.as_str())?;
        let words = (FONT, 14).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
        for (place, series) in self.series.iter().enumerate() {
            let colour = COLOURS[place % COLOURS.len()];
            // Colours come round again with the next mark.
            let hollow = (place / COLOURS.len()) % 2 == 1;
            let style = if hollow { colour.stroke_width(2) } else { colour.filled() };
            let height = 24 + 22 * place as i32;
            if series.joined {
                chart.draw_series(LineSeries::new(series.points.iter().copied(), colour.stroke_width(2)))?;
                right.draw(&PathElement::new([(8, height), (40, height)], colour.stroke_width(2)))?;
            }
            if let (Some((across, along)), Some(&(x, y))) = (series.spread, series.points.first()) {
                for (from, to) in [((x - across, y), (x + across, y)), ((x, y - along), (x, y + along))] {
                    if from.0.is_finite() && from.1.is_finite() {
                        chart.draw_series([PathElement::new([from, to], colour.stroke_width(1))])?;
                    }
                }
            }
            chart.draw_series(series.points.iter().map(|point| Circle::new(*point, 4, style)))?;
            right.draw(&Circle::new((24, height), 4, style))?;
            right.draw(&Text::new(series.name.clone(), (50, height), words.clone()))?;
        }
        Ok(())
    }
}

fn axis(extent: &Extent, values: impl Iterator<Item = f64>, spreads: impl Iterator<Item = f64>) -> Axis {
    let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let spread = spreads.filter(|spread| spread.is_finite()).fold(0.0, f64::max);
    match extent {
        Extent::Decades => Axis::decades(low, high),
        Extent::FromZero => Axis::from_zero((high * 1.06).max(1e-3)),
        Extent::Around => {
            let room = (0.06 * (high - low)).max(spread).max(1e-3 * high.abs()).max(1e-6);
            Axis::between(low - room, high + room)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: &[(f64, f64)], spread: Option<(f64, f64)>) -> Series {
        Series { name: "nca".into(), points: points.to_vec(), spread, joined: spread.is_none() }
    }

    #[test]
    fn every_extent_draws_its_points_its_names_and_its_bars() {
        for (extent, points, spread) in [
            (Extent::Around, vec![(51.0, 22.0)], Some((0.3, f64::NAN))),
            (Extent::FromZero, vec![(0.0, 0.0), (1.0, 0.0)], None),
            (Extent::Decades, vec![(0.002, 40.0), (0.032, 3.0)], None),
        ] {
            let figure = Figure {
                title: "a title".into(),
                below: "below".into(),
                x: ("across".into(), extent),
                y: ("up".into(), Extent::FromZero),
                series: vec![series(&points, spread), series(&points, spread)],
            };
            let svg = figure.svg().unwrap();
            for words in ["a title", "below", "across", "up", "nca"] {
                assert!(svg.contains(words), "{words}");
            }
            // A mark for each point, and one for each name.
            assert_eq!(svg.matches("<circle").count(), 2 * points.len() + 2);
            assert!(!svg.contains("NaN"), "{svg}");
        }
    }
}

//! Errors against the temperature or the size of the loss, as a drawing.

use super::sweep::{Point, Sweep};
use super::written::{count, number, power_of_ten};
use askama::Template;
use std::fmt::Write;

/// The drawing's frame, in its own units.
const LEFT: f64 = 50.0;
const RIGHT: f64 = 390.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 236.0;
/// How far from the frame what lies beyond an axis is drawn.
const SHELF: f64 = 12.0;

/// What errors are drawn against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Against {
    Temperature,
    Size,
}

/// How an error stands to the two standards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Careful,
    Right,
    Wrong,
}

impl Standing {
    pub(super) fn of(point: &Point) -> Self {
        if point.error <= point.careful {
            Self::Careful
        } else if point.error <= point.right {
            Self::Right
        } else {
            Self::Wrong
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Careful => "careful",
            Self::Right => "right",
            Self::Wrong => "wrong",
        }
    }
}

/// A drawing.
#[derive(Template)]
#[template(path = "report/plot.svg", escape = "html")]
pub(super) struct Plot {
    pub(super) id: String,
    title: String,
    description: String,
    x_label: &'static str,
    across: Vec<Tick>,
    up: Vec<Tick>,
    /// The paths of budgets and of marks, each with its class.
    paths: Vec<(&'static str, String)>,
    /// Whether the upper shelf has requests without an answer.
    has_unanswered: bool,
}

struct Tick {
    at: String,
    label: String,
}

/// A logarithmic axis over decades.
struct Axis {
    low: i32,
    high: i32,
    start: f64,
    end: f64,
}

impl Axis {
    /// An axis for all positive numbers from `floor` up; the others lie on the shelf before it.
    fn new(numbers: impl Iterator<Item = f64>, floor: f64, (start, end): (f64, f64)) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for x in numbers.filter(|x| x.is_finite() && *x >= floor) {
            (low, high) = (low.min(x.log10()), high.max(x.log10()));
        }
        if low > high {
            (low, high) = (-1.0, 0.0);
        }
        // A number on a line between two decades may be a rounding below it.
        let low = (low + 1e-9).floor() as i32;
        let high = ((high - 1e-9).ceil() as i32).max(low + 1);
        Self { low, high, start, end }
    }

    /// Whether a number lies before the first decade: 0, or next to it.
    fn is_next_to_0(&self, x: f64) -> bool {
        x.is_nan() || x <= 0.0 || x.log10() < f64::from(self.low) - 1e-9
    }

    fn at(&self, x: f64) -> f64 {
        let toward_end = (self.end - self.start).signum();
        if self.is_next_to_0(x) {
            return self.start + SHELF * 0.5 * toward_end;
        }
        let (first, last) = (self.start + SHELF * toward_end, self.end - SHELF * toward_end);
        let share = (x.log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        first + share.min(1.0) * (last - first)
    }

    fn ticks(&self, most: i32, mut numbers: impl Iterator<Item = f64>) -> Vec<Tick> {
        let shelf = numbers.any(|x| self.is_next_to_0(x));
        let step = (self.high - self.low + most - 1) / most;
        let exponents = (self.low..=self.high).filter(|exponent| exponent.rem_euclid(step) == 0);
        let tick = |exponent: i32| Tick {
            at: format!("{:.1}", self.at(10f64.powi(exponent))),
            label: power_of_ten(exponent),
        };
        let zero = shelf.then(|| Tick { at: format!("{:.1}", self.at(0.0)), label: "≈ 0".into() });
        // The label of the shelf takes the place of one beside it.
        exponents.filter(|exponent| !shelf || *exponent > self.low).map(tick).chain(zero).collect()
    }
}

/// The drawing of the values or of the gradients of a sweep.
pub(super) fn plot(sweep: &Sweep, points: &[Point], against: Against, of: &str, id: String) -> Plot {
    let unit = sweep.float.row().unit;
    let place = |point: &Point| match against {
        Against::Temperature => point.temperature,
        Against::Size => point.size,
    };
    let lost = sweep.unanswered.iter().map(|request| match against {
        Against::Temperature => request.temperature,
        Against::Size => request.size,
    });
    let lost: Vec<f64> = lost.collect();
    // A loss below a rounding of 1 by so much, and an error below a rounding of a rounding, are small enough.
    let (x_floor, y_floor) = (if against == Against::Size { unit * 1e-4 } else { 0.0 }, unit * unit);
    let places = || points.iter().map(place).chain(lost.iter().copied());
    let heights = || points.iter().flat_map(|point| [point.error, point.right, point.careful]);
    let x = Axis::new(places(), x_floor, (LEFT, RIGHT));
    let y = Axis::new(heights(), y_floor, (BOTTOM, TOP));
    let mut paths =
        ["budget right", "budget careful", "mark careful", "mark right", "mark wrong", "mark none"]
            .map(|class| (class, String::new()));
    for point in points {
        let (x, error) = (x.at(place(point)), y.at(point.error));
        // Writing to a string cannot fail.
        for (path, budget) in [(0, point.right), (1, point.careful)] {
            if budget.is_finite() {
                let _ = write!(paths[path].1, "M{:.1} {:.1}h7", x - 3.5, y.at(budget));
            }
        }
        let _ = match Standing::of(point) {
            Standing::Careful => write!(paths[2].1, "M{x:.1} {error:.1}h0"),
            Standing::Right => write!(paths[3].1, "M{x:.1} {:.1}l3.6 6.2h-7.2z", error - 4.0),
            Standing::Wrong => {
                write!(paths[4].1, "M{:.1} {:.1}l6.4 6.4m0 -6.4l-6.4 6.4", x - 3.2, error - 3.2)
            }
        };
    }
    for place in &lost {
        let _ = write!(paths[5].1, "M{:.1} {:.1}l4 4l-4 4l-4 -4z", x.at(*place), TOP - 9.0);
    }
    let loss = &sweep.loss;
    let (axis, x_label) = match (against, loss == intnacl_reference::SUPERVISED_NCA.name) {
        (Against::Temperature, false) => ("temperature", "temperature t"),
        (Against::Temperature, true) => ("spread of the points", "spread of the points"),
        (Against::Size, _) => ("size of the loss", "exact loss"),
    };
    Plot {
        id,
        title: format!("Errors of the {of} of {loss} in {} against the {axis}", sweep.float),
        description: in_words(sweep, points),
        x_label,
        across: x.ticks(5, places()),
        up: y.ticks(7, heights()),
        paths: paths.into_iter().filter(|(_, path)| !path.is_empty()).collect(),
        has_unanswered: !lost.is_empty(),
    }
}

/// What a drawing shows, for who does not see it.
pub(super) fn in_words(sweep: &Sweep, points: &[Point]) -> String {
    let standing = |wanted: Standing| points.iter().filter(|point| Standing::of(point) == wanted).count();
    let (careful, right, wrong) =
        (standing(Standing::Careful), standing(Standing::Right), standing(Standing::Wrong));
    let mut text = format!("{}: {careful} careful", count(points.len(), "answer", "answers"));
    if right > 0 {
        let _ = write!(text, ", {right} right and not careful");
    }
    if wrong > 0 {
        let _ = write!(text, ", {wrong} wrong");
        let warmest = points.iter().filter(|point| Standing::of(point) == Standing::Wrong);
        let (low, high) = warmest.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), point| {
            (low.min(point.temperature), high.max(point.temperature))
        });
        let _ = write!(text, " at temperatures from {} to {}", number(low, 3), number(high, 3));
    }
    let unanswered = sweep.unanswered.len();
    if unanswered > 0 {
        let _ = write!(text, "; {} without a finite answer", count(unanswered, "request", "requests"));
    }
    if sweep.excused > 0 {
        let _ = write!(text, "; {} not judged", count(sweep.excused, "request", "requests"));
    }
    text + "."
}

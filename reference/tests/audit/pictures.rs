//! The two pictures of `notes/theorem.md`, drawn from computed values. The test holds the files to them;
//! `DRAW=1 cargo test -p intnacl-reference --test audit pictures` writes them.

use crate::budget::ROUNDING;
use intnacl_reference::bound::{
    Class, Counts, Effort, Estimator, World, jensen_gap, jensen_gap_limit, jensen_peak,
};
use nalgebra::{DMatrix, dmatrix};
use std::fmt::Write;

const INK: &str = "#333333";
const GRID: &str = "#e2e2e2";
/// Colours that Okabe and Ito chose for every kind of sight.
const BLUE: &str = "#0072b2";
const ORANGE: &str = "#d55e00";
const GREEN: &str = "#009e73";
const PURPLE: &str = "#cc79a7";
const SKY: &str = "#56b4e9";

/// A picture in lines of SVG.
struct Picture {
    text: String,
}

impl Picture {
    fn new(width: u32, height: u32) -> Self {
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
        );
        Self { text }
    }

    fn add(&mut self, line: std::fmt::Arguments) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{line}");
    }

    fn words(&mut self, (x, y): (f64, f64), size: u32, anchor: &str, colour: &str, words: &str) {
        let words = words.replace('&', "&amp;").replace('<', "&lt;");
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{words}</text>"
        ));
    }

    fn line(&mut self, points: &[(f64, f64)], colour: &str, width: f64, dashes: &str) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let points = points.join(" ");
        self.add(format_args!(
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" \
             stroke-dasharray=\"{dashes}\"/>"
        ));
    }

    fn dot(&mut self, (x, y): (f64, f64), radius: f64, colour: &str) {
        self.add(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{colour}\"/>"));
    }

    fn ring(&mut self, (x, y): (f64, f64), radius: f64, colour: &str) {
        self.add(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"none\" stroke=\"{colour}\"/>"
        ));
    }

    fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }
}

/// Holds the file to the picture, or writes it where `DRAW` is set.
fn held(name: &str, picture: &str) {
    let path = format!("{}/../notes/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("DRAW").is_some() {
        std::fs::write(&path, picture).expect("the picture is written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == picture, "{name} is not what is computed: DRAW=1 writes it");
}

/// Two classes at a single point.
fn single_point(picture: &mut Picture) {
    let class = Class::uniform(0.5, dmatrix![1.0, 0.0]);
    let world = World::new(&[class.clone(), class], 1.0).expect("valid");
    let counts = Counts::new(2, 1);
    let unbiased = world.limit(&Estimator::TrueNegatives, &counts, &Effort::default()).expect("valid").value;
    let best = world.best_unconstrained(&Default::default()).expect("valid").lower;
    assert!((unbiased - 1.5_f64.ln()).abs() < ROUNDING && (best - 2_f64.ln()).abs() < ROUNDING);
    let centre = (150.0, 190.0);
    picture.words((24.0, 34.0), 16, "start", INK, "Sum reading: one point");
    picture.words((24.0, 56.0), 13, "start", INK, "K = 2, M = 2, N = K - 1 = 1, any t");
    picture.ring(centre, 90.0, GRID);
    let (x, y) = (centre.0 + 90.0, centre.1);
    picture.add(format_args!("<path d=\"M {x:.1} {:.1} a 9 9 0 0 1 0 18 z\" fill=\"{ORANGE}\"/>", y - 9.0));
    picture.add(format_args!("<path d=\"M {x:.1} {:.1} a 9 9 0 0 0 0 18 z\" fill=\"{BLUE}\"/>", y - 9.0));
    picture.words((x - 16.0, y + 5.0), 13, "end", INK, "both classes");
    let lines = [
        format!("L_Unb = log(1 + N/M) = log 3/2 = {unbiased:.3}"),
        format!("L_Sup = log 2 = {best:.3}, for every classifier"),
        "3/2 < 2: the lemma fails".to_owned(),
    ];
    for (i, line) in lines.iter().enumerate() {
        picture.words((24.0, 322.0 + 21.0 * i as f64), 13, "start", INK, line);
    }
}

/// Two antipodal pairs, and the four draws of two positives.
fn two_pairs(picture: &mut Picture) {
    let first = Class::uniform(0.5, dmatrix![1.0, 0.0; -1.0, 0.0]);
    let second = Class::uniform(0.5, dmatrix![0.0, 1.0; 0.0, -1.0]);
    let world = World::new(&[first, second], 1.0 / 2_f64.ln()).expect("valid");
    let counts = Counts::new(2, 1).normalized();
    let unbiased = world.limit(&Estimator::TrueNegatives, &counts, &Effort::default()).expect("valid").value;
    let best = world.best_unconstrained(&Default::default()).expect("valid").lower;
    assert!((unbiased - 0.25 * (729.0_f64 / 50.0).ln()).abs() < ROUNDING);
    assert!((best - 2_f64.ln()).abs() < ROUNDING);
    picture.words((340.0, 34.0), 16, "start", INK, "Mean reading: two antipodal pairs");
    picture.words(
        (340.0, 56.0),
        13,
        "start",
        INK,
        "K = 2, M = 2, N = K - 1 = 1, t = 1/log 2: kernels 2, 1 and 1/2",
    );
    let (x, y) = (470.0, 190.0);
    picture.ring((x, y), 90.0, GRID);
    let anchor = (x + 90.0, y);
    for end in [(x, y - 90.0), (x, y + 90.0), (x - 90.0, y)] {
        picture.line(&[anchor, end], "#aaaaaa", 1.2, "4 4");
    }
    for (point, colour) in [(x + 90.0, BLUE), (x - 90.0, BLUE)] {
        picture.dot((point, y), 8.0, colour);
    }
    for point in [y - 90.0, y + 90.0] {
        picture.dot((x, point), 8.0, ORANGE);
    }
    picture.ring(anchor, 12.0, BLUE);
    picture.words((anchor.0 + 17.0, y - 10.0), 13, "start", INK, "anchor");
    picture.words((anchor.0 + 17.0, y + 12.0), 13, "start", BLUE, "2 to itself");
    picture.words((x - 12.0, y - 7.0), 13, "middle", BLUE, "1/2");
    picture.words((x + 58.0, y - 50.0), 13, "start", ORANGE, "1");
    picture.words((x + 58.0, y + 60.0), 13, "start", ORANGE, "1");
    picture.words((x, y - 106.0), 13, "middle", ORANGE, "class 2");
    picture.words((x - 82.0, y - 18.0), 13, "end", BLUE, "class 1");
    let lines = [
        format!("L_Unb = (1/4) log 729/50 = {unbiased:.3}"),
        format!("L_Sup = log 2 = (1/4) log 800/50 = {best:.3}, for every linear classifier"),
        "729 < 800: the lemma fails".to_owned(),
    ];
    for (i, line) in lines.iter().enumerate() {
        picture.words((340.0, 322.0 + 21.0 * i as f64), 13, "start", INK, line);
    }
    draws(picture, unbiased, best);
}

/// The loss of each draw of two positives as a bar.
fn draws(picture: &mut Picture, unbiased: f64, best: f64) {
    let (left, scale) = (742.0, 170.0);
    picture.words((680.0, 100.0), 13, "start", INK, "four draws of two positives,");
    picture.words((680.0, 117.0), 13, "start", INK, "their mean kernel z, the loss log(1 + 1/z)");
    let rows = [("2, 2", 2.0), ("2, 1/2", 1.25), ("1/2, 2", 1.25), ("1/2, 1/2", 0.5_f64)];
    for (i, (kernels, mean)) in rows.iter().enumerate() {
        let (loss, y) = ((1.0 / mean).ln_1p(), 136.0 + 27.0 * i as f64);
        picture.words((left - 8.0, y + 13.0), 13, "end", BLUE, kernels);
        picture.add(format_args!(
            "<rect x=\"{left:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"18\" fill=\"{SKY}\"/>",
            scale * loss
        ));
        let fraction = ["log 3/2", "log 9/5", "log 9/5", "log 3"][i];
        picture.words((left + 5.0, y + 13.5), 12, "start", INK, fraction);
    }
    for (value, colour, dashes, words, anchor, shift) in
        [(unbiased, INK, "", "their mean, L_Unb", "end", -2.0), (best, ORANGE, "5 4", "L_Sup", "start", 4.0)]
    {
        let x = left + scale * value;
        picture.line(&[(x, 130.0), (x, 252.0)], colour, 2.0, dashes);
        picture.words((x + shift, 268.0), 13, anchor, colour, words);
    }
}

#[test]
fn the_smallest_counterexamples_are_drawn_as_computed() {
    let mut picture = Picture::new(960, 384);
    single_point(&mut picture);
    picture.line(&[(316.0, 20.0), (316.0, 366.0)], GRID, 1.0, "");
    two_pairs(&mut picture);
    held("theorem-counterexamples.svg", &picture.finish());
}

/// The gap that `K` antipodal pairs on orthogonal axes leave at `ν = K - 1`.
fn pairs(classes: usize, positives: usize, t: f64) -> f64 {
    let class = |c: usize| {
        let entry = |i: usize, j: usize| if j == c { 1.0 - 2.0 * i as f64 } else { 0.0 };
        Class::uniform(1.0 / classes as f64, DMatrix::from_fn(2, classes, entry))
    };
    let world = World::new(&(0..classes).map(class).collect::<Vec<_>>(), t).expect("valid");
    let counts = Counts::new(positives, classes - 1).normalized();
    let limit = world.limit(&Estimator::TrueNegatives, &counts, &Effort::default()).expect("valid").value;
    world.mean_classifier_loss().expect("valid") - limit
}

const POSITIVES: [usize; 17] = [1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50, 70, 100];

#[test]
fn the_gap_against_m_is_drawn_as_computed() {
    let t = 0.5;
    let place = |m: usize, value: f64| (70.0 + 560.0 * (m as f64).ln() / 100_f64.ln(), 358.0 - 155.0 * value);
    let mut picture = Picture::new(960, 500);
    picture.words(
        (24.0, 32.0),
        17,
        "start",
        INK,
        "What Lemma B.3 lacks as M grows, at N = M(K-1) and t = 0.5",
    );
    picture.words(
        (24.0, 54.0),
        13,
        "start",
        INK,
        "L_Sup - L_Unb of antipodal pairs, and the constants that bound it in every world",
    );
    for tick in -2..=7 {
        let value = 0.25 * f64::from(tick);
        picture.line(&[place(1, value), place(100, value)], GRID, 1.0, "");
        picture.words((60.0, place(1, value).1 + 4.5), 13, "end", INK, &format!("{value:.2}"));
    }
    for m in [1, 2, 5, 10, 20, 50, 100] {
        picture.line(&[place(m, -0.5), place(m, 1.75)], GRID, 1.0, "");
        picture.words((place(m, 0.0).0, 456.0), 13, "middle", INK, &m.to_string());
    }
    picture.words((350.0, 480.0), 14, "middle", INK, "M, positives");
    picture.line(&[place(1, 0.0), place(100, 0.0)], INK, 1.0, "");
    let limit = jensen_gap_limit(t).expect("valid");
    let mut heights: Vec<f64> = Vec::new();
    type Curve<'a> = (&'a str, &'a str, &'a str, Box<dyn Fn(usize) -> f64>);
    let curves: [Curve; 6] = [
        ("D^max, of one anchor", INK, "7 4", Box::new(move |m| jensen_peak(m, t).expect("valid"))),
        ("log cosh(1/t), the limit of D*", INK, "2 4", Box::new(move |_| limit)),
        ("D*, the least constant for all K", BLUE, "", Box::new(move |m| jensen_gap(m, t).expect("valid"))),
        ("100 pairs", GREEN, "", Box::new(move |m| pairs(100, m, t))),
        ("10 pairs", ORANGE, "", Box::new(move |m| pairs(10, m, t))),
        ("2 pairs", PURPLE, "", Box::new(move |m| pairs(2, m, t))),
    ];
    for (name, colour, dashes, of) in curves {
        let points: Vec<(f64, f64)> = POSITIVES.iter().map(|&m| place(m, of(m))).collect();
        picture.line(&points, colour, 2.0, dashes);
        if dashes.is_empty() {
            points.iter().for_each(|point| picture.dot(*point, 3.0, colour));
        }
        // Beside the curve's end, a line below the last name where they would meet.
        let end = points.last().map_or(0.0, |point| point.1) + 4.5;
        let height = heights.last().map_or(end, |last: &f64| end.max(last + 18.0));
        heights.push(height);
        picture.words((650.0, height), 13, "start", colour, name);
    }
    picture.words((650.0, place(1, 0.0).1 + 4.5), 13, "start", INK, "above 0 the published lemma fails;");
    picture.words((650.0, place(1, 0.0).1 + 22.5), 13, "start", INK, "at M = 1 it holds: D* = D^max = 0");
    held("theorem-gap.svg", &picture.finish());
}

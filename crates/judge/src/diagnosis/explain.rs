//! Explanations, each of which says what a program should have answered, tried on all answers.

use super::flat::{Flat, NEAR, distance};
use super::probe::{Probe, State};
use super::{Factor, Ratio};
use crate::zoo::{Bug, Program};
use crate::{Float, Implementation};
use intnacl_reference::{Answer, Request};

/// Temperatures below which roundings of a wrong program may be larger than those of the right one.
const SHARP: f64 = 0.05;
/// How much nearer an explanation has to be than the right answer.
const NEARER: f64 = 0.05;

/// Temperatures below which roundings may decide the digits of a wrong program.
const COLD: f64 = 0.1;
/// How much larger or smaller an error of roundings may be that has the same cause.
const LIKE: f64 = 30.0;

fn is_finite(flat: &Flat) -> bool {
    let rows = flat.rows.iter().flat_map(|(_, row)| row);
    flat.per_anchor.iter().chain(rows).chain([&flat.value]).all(|x| x.is_finite())
}

/// Whether an explanation gives all the answers, and differs from the right ones often enough to mean something.
pub(super) fn explains(probes: &[Probe], answer: impl Fn(&Probe) -> Option<Flat>) -> bool {
    unexplained(probes, answer, false).is_some()
}

/// How many requests an explanation has an answer to and the program none, or the other way round; nothing where it does not
/// give the other answers.
///
/// Where roundings decide the digits, an explanation gives an error of the same size, but not the same numbers.
fn unexplained(
    probes: &[Probe],
    answer: impl Fn(&Probe) -> Option<Flat>,
    by_roundings: bool,
) -> Option<usize> {
    let (mut told, mut wrong, mut unexplained) = (0, 0, 0);
    for probe in probes {
        let expected = answer(probe).filter(is_finite);
        let is_right = probe.state == State::Right;
        wrong += usize::from(!is_right);
        match (&probe.found, expected) {
            (Some(found), Some(expected)) => {
                let here = distance(found, &expected, &probe.slack);
                let there = distance(&probe.exact, &expected, &probe.slack);
                let wrong_by = distance(found, &probe.exact, &probe.slack);
                let is_alike = by_roundings
                    && !is_right
                    && probe.case.temperature < COLD
                    && there <= LIKE * wrong_by
                    && wrong_by <= LIKE * there;
                let fits = here <= NEAR || is_alike || (is_right && there <= NEAR);
                if !fits && probe.case.temperature >= SHARP {
                    return None;
                }
                unexplained += usize::from(!fits);
                told += usize::from(!is_right && (here <= NEARER * there || is_alike));
            }
            (None, None) => told += 1,
            // One of both has no answer at an edge of the range.
            _ => unexplained += 1,
        }
    }
    (told >= 2 && 4 * told >= 3 * wrong).then_some(unexplained)
}

/// A number that depends on the request.
type Number = fn(&Probe) -> f64;

/// The numbers that answers are known to be off by.
const FACTORS: [(&str, Number); 15] = [
    ("2", |_| 2.0),
    ("1/2", |_| 0.5),
    ("-1", |_| -1.0),
    ("B", images),
    ("1/B", |probe| images(probe).recip()),
    ("2B", |probe| 2.0 * images(probe)),
    ("1/(2B)", |probe| 0.5 / images(probe)),
    ("t", |probe| probe.case.temperature),
    ("1/t", |probe| probe.case.temperature.recip()),
    ("t²", |probe| probe.case.temperature.powi(2)),
    ("1/t²", |probe| probe.case.temperature.powi(-2)),
    ("M", |probe| probe.case.positives as f64),
    ("1/M", |probe| (probe.case.positives as f64).recip()),
    ("the number of anchors", anchors),
    ("1/ln 2", |_| std::f64::consts::LOG2_E),
];

fn images(probe: &Probe) -> f64 {
    probe.exact.per_anchor.len() as f64
}

fn anchors(probe: &Probe) -> f64 {
    match &probe.request {
        Request::Batch { data, .. } if data.symmetric => 2.0 * images(probe),
        _ => images(probe),
    }
}

fn scaled(flat: &Flat, value: f64, per_anchor: f64, gradient: f64) -> Flat {
    let of_row =
        |(name, row): &(String, Vec<f64>)| (name.clone(), row.iter().map(|x| x * gradient).collect());
    Flat {
        value: flat.value * value,
        per_anchor: flat.per_anchor.iter().map(|x| x * per_anchor).collect(),
        rows: flat.rows.iter().map(of_row).collect(),
    }
}

/// The number that all answers are off by, where it is the same for all.
pub(super) fn ratio(probes: &[Probe]) -> Option<Ratio> {
    let first = probes.iter().find(|probe| probe.state != State::Right && probe.case.temperature >= SHARP)?;
    let found = first.found.as_ref()?;
    let of_values = found.value / first.exact.value;
    if explains(probes, |probe| Some(scaled(&probe.exact, of_values, of_values, of_values))) {
        return Some(Ratio { value: of_values, gradients_alone: false });
    }
    // The least squares over all rows that are given.
    let pairs = found.rows.iter().zip(&first.exact.rows).flat_map(|((_, a), (_, b))| a.iter().zip(b));
    let given = pairs.filter(|(a, _)| a.is_finite());
    let (product, square) =
        given.fold((0.0, 0.0), |(product, square), (a, b)| (product + a * b, square + b * b));
    let value = product / square;
    let explained = value != 0.0 && explains(probes, |probe| Some(scaled(&probe.exact, 1.0, 1.0, value)));
    explained.then_some(Ratio { value, gradients_alone: true })
}

/// The factor that all answers are off by.
pub(super) fn factor(probes: &[Probe]) -> Option<Factor> {
    FACTORS.into_iter().find_map(|(name, of)| {
        let by = |each: bool, values: bool| {
            explains(probes, |probe| {
                let factor = of(probe);
                let value = if values { factor } else { 1.0 };
                Some(scaled(&probe.exact, value, if each { value } else { 1.0 }, factor))
            })
        };
        if by(true, true) || by(false, true) {
            Some(Factor { name, gradients_alone: false })
        } else if by(false, false) {
            Some(Factor { name, gradients_alone: true })
        } else {
            None
        }
    })
}

/// The slip of the zoo that gives the same numbers.
pub(super) fn slip(probes: &[Probe], float: Float) -> Option<Bug> {
    let candidates = Bug::ALL.iter().filter_map(|&bug| {
        // Answers without roundings, but for slips that live by them.
        let float = if bug.lives_by_roundings() { float } else { Float::F64 };
        let program = Program::new(bug.style(), float).with(bug);
        let answer = |probe: &Probe| flat(&program.evaluate(&probe.request).ok()?);
        let left = unexplained(probes, answer, bug.lives_by_roundings())?;
        Some((left, bug))
    });
    candidates.min_by_key(|(left, _)| *left).map(|(_, bug)| bug)
}

/// The answers to a request by each slip.
pub(super) fn answers_of_slips(request: &Request) -> impl Iterator<Item = Option<Answer>> {
    Bug::ALL.iter().map(|&bug| Program::new(bug.style(), Float::F64).with(bug).evaluate(request).ok())
}

pub(super) fn flat(answer: &Answer) -> Option<Flat> {
    match answer {
        Answer::Tuples(of) => Some(Flat::of(of)),
        Answer::Batch(of) => Some(Flat::of(of)),
        Answer::Supervised(_) => None,
    }
}

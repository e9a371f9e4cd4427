//! Production at the edges of its domain: every loss, layout, kind and engine against the exact reference, which is given
//! the numbers that the kind holds.
//!
//! `INTNACL_STRESS_SEED` sets the seed, `INTNACL_STRESS_CASES` the number of requests.

mod draw;
mod judge;

use crate::bridge::evaluate_by;
use crate::loss::Engine;
pub(super) use draw::draw_batch;
use draw::{Drawn, draw};
use intnacl_judge::Standard;
use intnacl_reference::{Request, json};
use judge::judge;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use tch::{Device, Kind};

const ALL_KINDS: [Kind; 4] = [Kind::Double, Kind::Float, Kind::BFloat16, Kind::Half];

/// Every way to evaluate a batch.
const ENGINES: [(&str, Engine); 5] = [
    ("fused", Engine::Fused(None)),
    ("fused, blocks of 32", Engine::Fused(Some(32))),
    ("operators, tiles of 3", Engine::Tiles(Some(3))),
    ("operators", Engine::Tiles(None)),
    ("all scores", Engine::AllScores),
];

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The outcome of a number of requests.
#[derive(Default)]
pub(super) struct Tally {
    failures: Vec<String>,
    /// Answers, comparisons, and refusals because terms of the gradient leave the kind's range.
    counts: [usize; 3],
    /// The largest error, in units of its budget.
    worst: (f64, String),
}

impl Tally {
    /// Evaluates a request in every way that there is.
    fn add(&mut self, drawn: &Drawn, name: &str) {
        match drawn.request {
            Request::Batch { .. } => self.add_by(drawn, &ENGINES, name),
            _ => self.add_by(drawn, &[("tuples", Engine::AllScores)], name),
        }
    }

    /// Evaluates a request by some engines.
    pub(super) fn add_by(&mut self, drawn: &Drawn, engines: &[(&str, Engine)], name: &str) {
        for (engine, how) in engines {
            let found = evaluate_by(&drawn.request, Device::Cpu, drawn.kind, Some(*how));
            self.counts[0] += 1;
            let outcome = match judge(&drawn.request, drawn.kind, found) {
                Ok(outcome) => outcome,
                Err(wrong) => {
                    self.fail(drawn, engine, name, &wrong);
                    continue;
                }
            };
            self.counts[1] += outcome.comparisons as usize;
            self.counts[2] += usize::from(outcome.stop.as_ref().is_some_and(|stop| stop.excuse.is_some()));
            if let Some((wrong, _)) = outcome.broken(Standard::Careful) {
                self.fail(drawn, engine, name, &wrong);
            }
            let worst = &outcome.worst[Standard::Careful as usize];
            if worst.ratio() > self.worst.0 {
                self.worst = (worst.ratio(), format!("{:?}, {engine}, {name}: {worst}", drawn.kind));
            }
        }
    }

    fn fail(&mut self, drawn: &Drawn, engine: &str, name: &str, wrong: &str) {
        let request = json::write_request(&drawn.request);
        self.failures.push(format!("{:?}, {engine}, {name}: {wrong}\n{request}", drawn.kind));
    }

    pub(super) fn assert_right(&self, context: &str) {
        let failures = &self.failures;
        assert!(
            failures.is_empty(),
            "{context}: {} answers are wrong:\n{}",
            failures.len(),
            failures.join("\n")
        );
    }

    fn join(mut self, other: Self) -> Self {
        self.failures.extend(other.failures);
        self.counts.iter_mut().zip(other.counts).for_each(|(count, other)| *count += other);
        if other.worst.0 > self.worst.0 {
            self.worst = other.worst;
        }
        self
    }
}

#[test]
fn production_is_finite_and_right_wherever_the_true_result_fits() {
    let (seed, cases) = (variable("INTNACL_STRESS_SEED", 1), variable("INTNACL_STRESS_CASES", 2000) as usize);
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let tally = std::thread::scope(|scope| {
        let worker = || {
            let mut tally = Tally::default();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= cases {
                    return tally;
                }
                let drawn = draw(seed.wrapping_mul(1_000_003).wrapping_add(index as u64));
                tally.add(&drawn, &format!("case {index}"));
            }
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let tallies = handles.into_iter().map(|handle| handle.join().expect("a worker panicked"));
        tallies.fold(Tally::default(), Tally::join)
    });
    let [answers, comparisons, beyond] = tally.counts;
    say(&format!(
        "stress, seed {seed}: {cases} requests, {answers} answers, {comparisons} comparisons, {beyond} refusals beyond the \
         kind's range; the largest error is {:.2} of its budget ({})",
        tally.worst.0, tally.worst.1
    ));
    tally.assert_right(&format!("seed {seed}"));
}

/// Past the test runner, which keeps what passing tests print to itself.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

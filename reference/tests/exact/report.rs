//! Runs the cases, keeps the worst error of each loss, and lists what exceeds its budget.

use crate::budget::{BUDGETS, NEGLIGIBLE, Quantity};
use crate::cases::Case;
use crate::compare::{Deviation, deviations};
use crate::truth::Truth;
use intnacl_reference::{EvaluateRequest, Request};
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The largest error in one quantity, and where.
#[derive(Clone, Default)]
struct Worst {
    units: f64,
    place: String,
}

/// The outcome of all cases.
#[derive(Default)]
pub struct Report {
    cases: usize,
    /// By loss and layout: one for each budget.
    worst: BTreeMap<String, [Worst; BUDGETS.len()]>,
    /// Gradients that were given as zero since almost nothing is left of their terms.
    cancelled: Vec<String>,
    /// By case.
    failures: BTreeMap<String, Vec<String>>,
}

/// Evaluates every case, on every processor that there is.
pub fn run(cases: &[Case]) -> Report {
    let next = AtomicUsize::new(0);
    let report = Mutex::new(Report { cases: cases.len(), ..Report::default() });
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let request = (case.make)();
                    let outcome = compare(&request);
                    report.lock().expect("no other worker failed").add(case, &request, outcome);
                }
            });
        }
    });
    report.into_inner().expect("no worker failed")
}

fn compare(request: &Request) -> Result<Vec<Deviation>, String> {
    let answer =
        guarded("the reference", || request.evaluate())?.map_err(|error| format!("refused: {error}"))?;
    guarded("the truth", || {
        deviations(&answer, &Truth::of(request)).or_else(|| deviations(&answer, &Truth::finest(request)))
    })?
    .ok_or("the truth has too few bits to tell".to_owned())
}

/// A panic as a message, so that it is listed with its case.
fn guarded<T>(who: &str, work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let message = payload.downcast_ref::<String>().map(String::as_str);
        let message = message.or(payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
        format!("{who} panicked: {message}")
    })
}

/// The loss's name with the layout.
fn subject(request: &Request) -> String {
    match request {
        Request::Tuples { loss, .. } => format!("{} (tuples)", loss.name()),
        Request::Batch { loss, .. } => format!("{} (batch)", loss.name()),
        Request::Supervised { objective, .. } => format!("supervised {objective:?}"),
    }
}

/// Loss, settings and shapes in a line.
fn describe(request: &Request) -> String {
    use crate::arrays::Arrays;
    let shapes = request.arrays().into_iter().map(|(name, matrix)| format!("{name} {:?}", matrix.shape()));
    let shapes = shapes.take(6).collect::<Vec<_>>().join(", ");
    match request {
        Request::Tuples { loss, settings, .. } | Request::Batch { loss, settings, .. } => {
            format!("{loss:?}, t={}, normalize={}; {shapes}", settings.temperature, settings.normalize)
        }
        Request::Supervised { objective, .. } => format!("{objective:?}; {shapes}"),
    }
}

impl Report {
    fn add(&mut self, case: &Case, request: &Request, outcome: Result<Vec<Deviation>, String>) {
        let mut wrong = Vec::new();
        match outcome {
            Err(message) => wrong.push(message),
            Ok(deviations) => {
                let worst = self.worst.entry(subject(request)).or_default();
                for deviation in deviations {
                    if deviation.cancelled {
                        self.cancelled.push(format!("{} @ {}", case.name, deviation.place));
                    }
                    let worst = &mut worst[deviation.quantity as usize];
                    if deviation.units > worst.units || worst.place.is_empty() {
                        worst.units = deviation.units;
                        worst.place = format!("{} @ {}", case.name, deviation.place);
                    }
                    let budget = deviation.quantity.budget();
                    if deviation.units > budget.limit || deviation.units.is_nan() {
                        wrong.push(format!(
                            "{} {}: {:.3e} {} > {}; found {:e}, true {:e}",
                            budget.quantity,
                            deviation.place,
                            deviation.units,
                            budget.unit,
                            budget.limit,
                            deviation.found,
                            deviation.truth,
                        ));
                    }
                }
            }
        }
        if !wrong.is_empty() {
            wrong.insert(0, describe(request));
            self.failures.insert(case.name.clone(), wrong);
        }
    }

    /// The list of what exceeds its budget; none if nothing does.
    pub fn failures(&self) -> Option<String> {
        const SHOWN: usize = 60;
        if self.failures.is_empty() {
            return None;
        }
        let mut text = format!(
            "{} of {} cases exceed a budget; to run one: EXACT_ONLY='its name'\n",
            self.failures.len(),
            self.cases
        );
        for (case, lines) in self.failures.iter().take(SHOWN) {
            writeln!(text, "{case}").expect("strings can be written to");
            for line in lines {
                writeln!(text, "    {line}").expect("strings can be written to");
            }
        }
        if self.failures.len() > SHOWN {
            writeln!(text, "... and {} more", self.failures.len() - SHOWN)
                .expect("strings can be written to");
        }
        Some(text)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for budget in &BUDGETS {
            writeln!(
                f,
                "{:<10} at most {} {}: {}",
                budget.quantity, budget.limit, budget.unit, budget.reason
            )?;
        }
        writeln!(f, "\nworst errors over {} cases", self.cases)?;
        let width = self.worst.keys().map(String::len).max().unwrap_or(0);
        write!(f, "{:width$}", "loss")?;
        for budget in &BUDGETS {
            write!(f, "  {:>10}", budget.quantity)?;
        }
        writeln!(f, "  worst value; worst gradient")?;
        for (subject, worst) in &self.worst {
            write!(f, "{subject:width$}")?;
            for worst in worst {
                let units = if worst.units < 1e4 {
                    format!("{:.3}", worst.units)
                } else {
                    format!("{:.2e}", worst.units)
                };
                write!(f, "  {units:>10}")?;
            }
            let place = |quantity: Quantity| &worst[quantity as usize].place;
            writeln!(f, "  {}; {}", place(Quantity::PerAnchor), place(Quantity::Gradient))?;
        }
        if let Some(first) = self.cancelled.iter().min() {
            let count = self.cancelled.len();
            writeln!(
                f,
                "{count} gradients given as zero are below 2^-{NEGLIGIBLE} of their terms: {first}, ..."
            )?;
        }
        Ok(())
    }
}

//! Runs laws: the cases that once broke one, then drawn ones, a failure shrunk.

use super::agreement::agrees_on;
use super::{
    Case, Excuse, Finding, Float, Implementation, Law, Outcome, Standard, Stop, Support, Trial, cases, kept,
    laws,
};
use intnacl_reference::{Answer, Reply, Request};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// What became of one law on one loss.
#[derive(Debug, Clone)]
pub struct Report {
    /// The law's name.
    pub law: &'static str,
    /// The loss.
    pub loss: String,
    /// The standard that was asked for.
    pub standard: Standard,
    /// The cases that were tried.
    pub cases: u32,
    /// The comparisons that were made; where there are none, nothing was judged.
    pub comparisons: u64,
    /// The cases that the implementation does not claim.
    pub not_supported: u32,
    /// Why it does not claim the first of them.
    pub lacks: Option<String>,
    /// The cases whose gradient has terms beyond the type's range, and that were refused.
    pub beyond_the_type: u32,
    /// For each standard the measurement that came closest to its budget, or exceeded it most.
    pub worst: [Finding; 3],
    /// For each standard an example that breaks it: the one of the largest temperature, as it was drawn.
    pub examples: [Option<Counterexample>; 3],
    /// The smallest case that was found to break the law at the standard that was asked for.
    pub counterexample: Option<Counterexample>,
}

/// A broken law.
#[derive(Debug, Clone)]
pub struct Counterexample {
    /// The case.
    pub case: Case,
    /// What was measured, or why the evaluation stopped.
    pub message: String,
    /// The request whose answer breaks the law.
    pub request: Option<Request>,
    /// What was answered to it; nothing where it was refused.
    pub answer: Option<Reply>,
}

impl Report {
    /// Whether no case broke the law at the standard that was asked for, and some were judged.
    pub fn holds(&self) -> bool {
        self.judged() && self.counterexample.is_none()
    }

    /// Whether anything was compared.
    pub fn judged(&self) -> bool {
        self.comparisons > 0 || self.counterexample.is_some()
    }

    /// Why nothing was compared, where nothing was; `who` is what the program is called.
    pub fn why_not_judged(&self, who: &str) -> Option<String> {
        let excused = self.not_supported + self.beyond_the_type;
        match &self.lacks {
            _ if self.judged() => None,
            Some(lacks) => Some(lacks.trim_start_matches("not supported: ").to_owned()),
            None if excused < self.cases => {
                Some(format!("it compares what {who} does not give, such as the value of each anchor"))
            }
            None => Some("no case could be judged".into()),
        }
    }

    /// The highest standard that no case broke.
    pub fn reached(&self) -> Option<Standard> {
        Standard::ALL.into_iter().rev().find(|standard| self.examples[*standard as usize].is_none())
    }

    /// The worst measurement by the standard that was asked for.
    pub fn worst(&self) -> &Finding {
        &self.worst[self.standard as usize]
    }

    /// Nothing tried yet.
    pub fn new(law: &Law, loss: &str, standard: Standard) -> Self {
        Self {
            law: law.name,
            loss: loss.into(),
            standard,
            cases: 0,
            comparisons: 0,
            not_supported: 0,
            lacks: None,
            beyond_the_type: 0,
            worst: Default::default(),
            examples: Default::default(),
            counterexample: None,
        }
    }

    /// What became of a law that was tried on one case.
    pub fn of_case(law: &Law, loss: &str, standard: Standard, case: &Case, outcome: &Outcome) -> Self {
        let mut report = Self::new(law, loss, standard);
        report.add(case, outcome);
        report.counterexample = report.examples[standard as usize].clone();
        report
    }

    fn add(&mut self, case: &Case, outcome: &Outcome) {
        self.cases += 1;
        self.comparisons += u64::from(outcome.comparisons);
        match &outcome.stop {
            Some(Stop { excuse: Some(Excuse::NotSupported), message, .. }) => {
                self.not_supported += 1;
                self.lacks.get_or_insert_with(|| message.clone());
            }
            Some(Stop { excuse: Some(Excuse::BeyondTheType), .. }) => self.beyond_the_type += 1,
            _ => {}
        }
        for standard in Standard::ALL {
            let s = standard as usize;
            self.worst[s] = std::mem::take(&mut self.worst[s]).worse(outcome.worst[s].clone());
            let farthest =
                self.examples[s].as_ref().is_none_or(|found| found.case.temperature < case.temperature);
            if let (true, Some(found)) = (farthest, Counterexample::of(case, outcome, standard)) {
                self.examples[s] = Some(found);
            }
        }
    }
}

impl Counterexample {
    /// A case that broke a law at a standard, if it did.
    fn of(case: &Case, outcome: &Outcome, standard: Standard) -> Option<Self> {
        let (message, request) = outcome.broken(standard)?;
        let answer = request.as_ref().and_then(|request| outcome.answer_to(request)).cloned();
        let request = request.map(|request| request.as_ref().clone());
        Some(Self { case: case.clone(), message, request, answer })
    }

    /// A case of which nothing but a message is left.
    fn told(case: Case, message: String) -> Self {
        Self { case, message, request: None, answer: None }
    }
}

/// One law on one case.
pub fn try_case(law: &Law, loss: &str, implementation: &dyn Implementation, case: &Case) -> Outcome {
    let case = case.within(implementation.float());
    let trial = Trial::new(&case, implementation);
    let stop = (law.check)(&trial, loss).err();
    trial.into_outcome(stop)
}

/// Agreement with the exact reference on one request, whatever its temperature.
///
/// # Examples
/// ```
/// use intnacl_judge::{Reference, Standard, agreement};
/// use intnacl_reference::{Batch, Loss, Request, Settings};
/// use nalgebra::dmatrix;
///
/// let views = vec![dmatrix![1.0, 0.0; 0.0, 1.0], dmatrix![0.6, 0.8; -0.8, 0.6]];
/// let request = Request::Batch { loss: Loss::SimClr, settings: Settings::new(0.5), data: Batch::new(views) };
/// assert!(agreement(&request, &Reference).broken(Standard::Exact).is_none());
/// ```
pub fn agreement(request: &Request, implementation: &dyn Implementation) -> Outcome {
    let case = Case::default();
    let trial = Trial::new(&case, implementation);
    let stop = agrees_on(&trial, request).err();
    trial.into_outcome(stop)
}

/// How an answer that a program gave stands to the exact one, whatever its temperature.
pub fn agreement_of(request: &Request, reply: Result<Reply, String>, float: Float) -> Outcome {
    agreement(request, &Given { float, reply: Cell::new(Some(reply)) })
}

/// A program in another type than it says itself.
pub(crate) struct InType<'a> {
    pub(crate) program: &'a dyn Implementation,
    pub(crate) float: Float,
}

impl Implementation for InType<'_> {
    fn float(&self) -> Float {
        self.float
    }
    fn standard(&self) -> Standard {
        self.program.standard()
    }
    fn support(&self) -> Support {
        self.program.support()
    }
    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        self.program.evaluate(request)
    }
    fn reply(&self, request: &Request) -> Result<Reply, String> {
        self.program.reply(request)
    }
}

/// A program that gave one answer.
pub(crate) struct Given {
    pub(crate) float: Float,
    pub(crate) reply: Cell<Option<Result<Reply, String>>>,
}

impl Implementation for Given {
    fn float(&self) -> Float {
        self.float
    }
    fn support(&self) -> Support {
        Support { temperatures: 0.0..=f64::MAX, ..Support::default() }
    }
    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        self.reply(request).map(|reply| reply.answer)
    }
    fn reply(&self, _: &Request) -> Result<Reply, String> {
        self.reply.take().unwrap_or_else(|| Err("asked twice".into()))
    }
}

/// Checks one law on one loss: the cases that once broke it, then `cases_count` cases from `seed`, a failure
/// of `standard` shrunk.
pub fn check(
    law: &Law,
    loss: &str,
    implementation: &dyn Implementation,
    cases_count: u32,
    seed: u64,
    standard: Standard,
) -> Report {
    let drawn = Drawn { cases: cases_count, seed, standard, shrinking: 400 };
    check_by(law, loss, drawn, &|case| case, &|case| try_case(law, loss, implementation, case))
}

/// How [`check_by`] draws cases.
#[derive(Debug, Clone, Copy)]
pub struct Drawn {
    /// How many cases.
    pub cases: u32,
    /// Their seed.
    pub seed: u64,
    /// The standard that is asked for.
    pub standard: Standard,
    /// How many times a failure is made smaller.
    pub shrinking: u32,
}

/// As [`check`], on cases that were adapted to what a program takes, each tried by `attempt`.
pub fn check_by(
    law: &Law,
    loss: &str,
    drawn: Drawn,
    adapted: &dyn Fn(Case) -> Case,
    attempt: &dyn Fn(&Case) -> Outcome,
) -> Report {
    let Drawn { cases: count, seed, standard, shrinking } = drawn;
    let report = RefCell::new(Report::new(law, loss, standard));
    let attempt = |case: &Case, count: bool| {
        let outcome = attempt(case);
        if count {
            report.borrow_mut().add(case, &outcome);
        }
        Counterexample::of(case, &outcome, standard)
    };
    for (_, _, case) in kept::KEPT.iter().filter(|(name, of, _)| *name == law.name && *of == loss) {
        let case = adapted(case.clone());
        if let Some(found) = attempt(&case, true) {
            return Report { counterexample: Some(found), ..report.into_inner() };
        }
    }
    let config =
        Config { cases: count, failure_persistence: None, max_shrink_iters: shrinking, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, stream(law.name, loss, seed));
    let is_shrinking = Cell::new(false);
    let result = runner.run(&cases(), |case| match attempt(&adapted(case), !is_shrinking.get()) {
        None => Ok(()),
        Some(found) => {
            is_shrinking.set(true);
            Err(TestCaseError::fail(found.message))
        }
    });
    let counterexample = match result {
        Ok(()) => None,
        Err(TestError::Fail(reason, case)) => {
            let case = adapted(case);
            let once = || Counterexample::told(case.clone(), format!("{} (once only)", reason.message()));
            Some(attempt(&case, false).unwrap_or_else(once))
        }
        Err(TestError::Abort(reason)) => {
            let message = format!("no cases could be drawn: {}", reason.message());
            Some(Counterexample::told(Case::default(), message))
        }
    };
    Report { counterexample, ..report.into_inner() }
}

/// Whether a law is broken within some cases: [`check`] without the search for a small example.
pub fn breaks(
    law: &Law,
    loss: &str,
    implementation: &dyn Implementation,
    cases_count: u32,
    seed: u64,
    standard: Standard,
) -> bool {
    let drawn = Drawn { cases: cases_count, seed, standard, shrinking: 0 };
    let attempt = |case: &Case| try_case(law, loss, implementation, case);
    check_by(law, loss, drawn, &|case| case, &attempt).counterexample.is_some()
}

/// Every law and loss draws from a stream of its own, so that leaving one out changes no other.
pub(super) fn stream(law: &str, loss: &str, seed: u64) -> TestRng {
    let stream = law.bytes().chain(loss.bytes()).fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&stream.to_le_bytes());
    bytes[8..16].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}

/// The seed that the variable `LAW_SEED` asks for: a number, or `fresh` for another one each time; 1 without it.
pub fn seed_from_environment() -> u64 {
    match std::env::var("LAW_SEED").as_deref() {
        Ok("fresh") => fresh_seed(),
        Ok(text) => text.parse().unwrap_or(1),
        Err(_) => 1,
    }
}

/// A seed that was not drawn before, short enough to be typed.
pub fn fresh_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| {
        intnacl_reference::inside::Rng::new(since.as_nanos() as u64).below(1_000_000_000) as u64
    })
}

/// How many cases each loss of a law gets, for at least `cases` in all and at least 32 each.
pub fn share(law: &Law, cases_count: u32) -> u32 {
    cases_count.div_ceil(law.losses.len() as u32).max(32)
}

/// Every law with every loss that it speaks of, as far as they are wanted.
pub fn pairs(wanted: impl Fn(&Law, &str) -> bool) -> Vec<(Law, &'static str)> {
    let pairs = laws().into_iter().flat_map(|law| law.losses.iter().map(move |loss| (law, *loss)));
    pairs.filter(|(law, loss)| wanted(law, loss)).collect()
}

/// How [`check_all`] runs.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The seed of the cases: the same seed gives the same cases.
    pub seed: u64,
    /// The standard that is asked for.
    pub standard: Standard,
    /// How many threads check at once, each with an implementation of its own.
    pub threads: usize,
}

/// Checks pairs of a law and a loss over threads, and reports in the order of the pairs.
///
/// `cases` says how many cases a pair gets, `start` gives a thread its implementation, and `progress` is called
/// with each report.
///
/// # Errors
/// That of `start`.
pub fn check_all<I: Implementation, E: Send>(
    pairs: &[(Law, &'static str)],
    options: Options,
    cases_count: impl Fn(&Law) -> u32 + Sync,
    start: impl Fn() -> Result<I, E> + Sync,
    progress: impl Fn(&Report) + Sync,
) -> Result<Vec<Report>, E> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..options.threads.clamp(1, pairs.len().max(1)) {
            let (sender, next, start, cases_count, progress) =
                (sender.clone(), &next, &start, &cases_count, &progress);
            scope.spawn(move || {
                let implementation = match start() {
                    Ok(implementation) => implementation,
                    Err(error) => {
                        let _ = sender.send(Err(error));
                        return;
                    }
                };
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((law, loss)) = pairs.get(at) else { return };
                    let Options { seed, standard, .. } = options;
                    let report = check(law, loss, &implementation, cases_count(law), seed, standard);
                    progress(&report);
                    let _ = sender.send(Ok((at, report)));
                }
            });
        }
    });
    drop(sender);
    let mut reports = receiver.into_iter().collect::<Result<Vec<_>, _>>()?;
    reports.sort_by_key(|(at, _)| *at);
    Ok(reports.into_iter().map(|(_, report)| report).collect())
}

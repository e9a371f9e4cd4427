//! An implementation as the laws see it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use intnacl_judge::diagnosis::{Diagnosis, diagnose};
use intnacl_judge::report::{Sweep, sweep};
use intnacl_judge::{self as judge, Case, Counterexample, Float, Law, Options, Report, Standard, Support};
use intnacl_reference::{Answer, Reply, Request, json};

use super::description::{self, Description};
use super::error::Error;
use super::implementation::{Device, Dtype};
use super::one_line;
use super::patience::{Failures, LAWS, Patience};
use super::production::{self, Threads};
use super::program::{Program, Start};
use super::progress;

/// Who is judged.
#[derive(Debug, Clone)]
pub enum Judged {
    /// The reference.
    Reference,
    /// Production, on a device, in a type.
    Production(Device, Dtype),
    /// A program of somebody else.
    Program(Box<Foreign>),
}

/// A program that answers JSON lines, and what it says of itself.
#[derive(Debug, Clone)]
pub struct Foreign {
    start: Start,
    dtype: Dtype,
    description: Description,
    /// What was assumed, for want of a description.
    assumed: Vec<String>,
}

impl Foreign {
    /// Starts a program to ask what it is.
    ///
    /// # Errors
    /// [`Error::Command`]; [`Error::Program`] if it does not start; [`Error::Description`] if it claims what is not known.
    pub fn new(command: &str, dtype: Option<Dtype>, timeout: Duration) -> Result<Self, Error> {
        let refused = |problem: &str| Error::Command { command: command.into(), problem: problem.into() };
        let words = shell_words::split(command).map_err(|error| refused(&error.to_string()))?;
        let (program, arguments) = words.split_first().ok_or_else(|| refused("it is empty"))?;
        let start = Start {
            name: one_line(command),
            program: PathBuf::from(program),
            arguments: arguments.to_vec(),
            one_thread: true,
            timeout: Some(timeout),
        };
        let mut running = Program::new(start.clone());
        running.start()?;
        let mut assumed = Vec::new();
        let told = running.exchange(description::REQUEST);
        let problem =
            told.as_ref().err().map_or_else(|| "it does not describe itself".into(), ToString::to_string);
        let read = told.map_or(Ok(None), |line| description::read(&line));
        let read = read.map_err(|problem| Error::Description { name: start.name.clone(), problem })?;
        let description = read.unwrap_or_else(|| {
            assumed.push(format!("every loss, layout and temperature is assumed to be claimed: {problem}"));
            Description::default()
        });
        let dtype = dtype.or(description.dtype).unwrap_or_else(|| {
            assumed.push("f32 is assumed: the program names no dtype; --dtype does".into());
            Dtype::F32
        });
        Ok(Self { start, dtype, description, assumed })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        self.description.name.as_ref().unwrap_or(&self.start.name)
    }
}

/// What a run has found.
#[derive(Debug)]
pub struct Checked {
    /// What became of each law and loss.
    pub reports: Vec<Report>,
    /// How many requests were answered by a program.
    pub answers: u64,
    /// In how many answers a part was absent.
    pub absent: BTreeMap<&'static str, u64>,
    /// Where a program failed, rather than its answer: the report's index, and how.
    pub failures: BTreeMap<usize, Failures>,
    /// Whether a program was not asked any more, since it never answered.
    pub hopeless: bool,
}

impl Judged {
    /// The type that decides the budgets.
    pub fn float(&self) -> Float {
        match self {
            Self::Reference => Float::F64,
            Self::Production(_, dtype) => dtype.float(),
            Self::Program(program) => program.dtype.float(),
        }
    }

    /// The standard that is asked for by default.
    pub fn standard(&self) -> Standard {
        match self {
            Self::Reference => Standard::Exact,
            Self::Production(..) => Standard::Careful,
            Self::Program(_) => Standard::Right,
        }
    }

    /// What it claims to answer.
    pub fn support(&self) -> Support {
        match self {
            Self::Reference | Self::Production(..) => Support::default(),
            Self::Program(program) => program.description.support.clone(),
        }
    }

    /// What it claims less than everything, and what was assumed, in words.
    pub fn notes(&self) -> Vec<String> {
        let Self::Program(program) = self else { return Vec::new() };
        let claims = &program.description.claims;
        let claims = (!claims.is_empty()).then(|| format!("the program claims {}", claims.join("; ")));
        claims.into_iter().chain(program.assumed.iter().cloned()).collect()
    }

    /// The implementation in words, and its device.
    ///
    /// # Errors
    /// Production does not start.
    pub fn described(&self) -> Result<(String, String), Error> {
        match self {
            Self::Reference => Ok(("the reference".into(), "cpu".into())),
            Self::Production(device, dtype) => {
                let start = production::start(*device, *dtype, Threads::One, None)?;
                let description = production::describe(start)?;
                let version = description.libtorch.map_or_else(String::new, |version| format!(" {version}"));
                Ok((format!("production on libtorch{version}"), description.device))
            }
            Self::Program(program) => {
                let device = program.description.device.as_deref();
                Ok((
                    one_line(program.name()),
                    device.map_or_else(|| "a device it does not name".into(), one_line),
                ))
            }
        }
    }

    /// Checks pairs of a law and a loss, `cases` of each, with a bar on a terminal.
    ///
    /// `threads` is how many check at once, each with a program of its own; without it, as many as there are cores.
    /// `timeout` is for an answer of production; a program of somebody else has its own.
    ///
    /// # Errors
    /// Production does not start.
    pub fn check(
        &self,
        pairs: &[(Law, &'static str)],
        (cases, options): (u32, Options),
        temperatures: &RangeInclusive<f64>,
        timeout: Option<Duration>,
    ) -> Result<Checked, Error> {
        let bar = progress(pairs.len());
        let record = Record::default();
        let start = || self.start(temperatures, timeout, &record);
        let done = |report: &Report| {
            bar.set_message(format!("{} {}", report.law, report.loss));
            bar.inc(1);
            record.end_of_law(report);
        };
        let reports: Result<Vec<Report>, Error> = judge::check_all(pairs, options, |_| cases, start, done);
        bar.finish_and_clear();
        Ok(record.into_checked(reports?))
    }

    /// What is wrong with each of some losses, as far as that shows.
    ///
    /// # Errors
    /// Production does not start.
    pub fn diagnose<'a>(
        &self,
        losses: &[&'a str],
        seed: u64,
        temperatures: &RangeInclusive<f64>,
        timeout: Option<Duration>,
    ) -> Result<Vec<(&'a str, Diagnosis)>, Error> {
        let bar = progress(losses.len());
        let mut found = Vec::new();
        for &loss in losses {
            bar.set_message(format!("what is wrong with {loss}"));
            let record = Record::default();
            let program = self.start(temperatures, timeout, &record)?;
            found.extend(diagnose(&program, loss, seed).map(|diagnosis| (loss, diagnosis)));
            PATIENCE.take();
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(found)
    }

    /// The errors of each of some losses, from the lowest to the highest temperature.
    ///
    /// # Errors
    /// Production does not start.
    pub fn sweep(
        &self,
        losses: &[&str],
        (seed, standard): (u64, Standard),
        temperatures: &RangeInclusive<f64>,
        timeout: Option<Duration>,
    ) -> Result<Vec<Sweep>, Error> {
        let bar = progress(losses.len());
        let mut sweeps = Vec::new();
        for &loss in losses {
            bar.set_message(format!("the errors of {loss}"));
            let record = Record::default();
            let program = self.start(temperatures, timeout, &record)?;
            sweeps.push(sweep(&program, loss, seed, standard, &|case| case));
            PATIENCE.take();
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(sweeps)
    }

    fn start<'a>(
        &self,
        temperatures: &RangeInclusive<f64>,
        timeout: Option<Duration>,
        record: &'a Record,
    ) -> Result<Started<'a>, Error> {
        let start = match self {
            Self::Reference => None,
            Self::Production(device, dtype) => {
                Some(production::start(*device, *dtype, Threads::One, timeout)?)
            }
            Self::Program(program) => Some(program.start.clone()),
        };
        Ok(Started {
            float: self.float(),
            standard: self.standard(),
            program: start.map(|start| RefCell::new(Program::new(start))),
            support: Support { temperatures: temperatures.clone(), ..self.support() },
            record,
        })
    }
}

/// As many threads as there are cores.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

thread_local! {
    /// The failures at the law that this thread checks.
    static PATIENCE: RefCell<Patience> = RefCell::default();
}

/// What goes on beside the reports, in all threads.
#[derive(Default)]
struct Record {
    answers: Mutex<(u64, BTreeMap<&'static str, u64>)>,
    failures: Mutex<BTreeMap<(&'static str, String), Failures>>,
    /// How often the program failed.
    failed: AtomicU32,
    /// The laws in a row that were given up without an answer.
    given_up: AtomicU32,
}

impl Record {
    fn is_hopeless(&self) -> bool {
        self.given_up.load(Ordering::Relaxed) >= LAWS
    }

    fn answered(&self, absent: &[&'static str]) {
        let mut answers = locked(&self.answers);
        answers.0 += 1;
        for part in absent {
            *answers.1.entry(part).or_default() += 1;
        }
        drop(answers);
        if !self.is_hopeless() {
            self.given_up.store(0, Ordering::Relaxed);
        }
    }

    fn end_of_law(&self, report: &Report) {
        let Some(failures) = PATIENCE.take().into_failures() else { return };
        if failures.given_up.is_some() {
            self.given_up.fetch_add(1, Ordering::Relaxed);
        }
        locked(&self.failures).insert((report.law, report.loss.clone()), failures);
    }

    fn into_checked(self, mut reports: Vec<Report>) -> Checked {
        let hopeless = self.is_hopeless();
        let (answers, absent) = self.answers.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut by_law = self.failures.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut failures = BTreeMap::new();
        for (i, report) in reports.iter_mut().enumerate() {
            if let Some(of_law) = by_law.remove(&(report.law, report.loss.clone())) {
                blame(report, &of_law);
                failures.insert(i, of_law);
            }
        }
        Checked { reports, answers, absent, failures, hopeless }
    }
}

/// Makes the failures of a program those of the law.
fn blame(report: &mut Report, failures: &Failures) {
    let (message, request) = &failures.last;
    match &mut report.counterexample {
        // Given up while it was shrunk: the last failure is the smallest.
        Some(found) if found.request.is_none() && failures.given_up.is_some() => {
            found.message.clone_from(message);
            found.request = Some(request.clone());
        }
        // A failure that did not come again has left no request.
        Some(found) if found.request.is_none() && found.message.contains(message) => {
            found.request = Some(request.clone());
        }
        Some(_) => {}
        None => {
            // The judge excuses errors where a gradient leaves the range of the type. A program need not stop for that.
            let case = Case::default();
            let (message, request) = (message.clone(), Some(request.clone()));
            let found = Counterexample { case, message, request, answer: None };
            for example in &mut report.examples {
                example.get_or_insert_with(|| found.clone());
            }
            report.counterexample = Some(found);
        }
    }
}

/// A running implementation.
struct Started<'a> {
    float: Float,
    standard: Standard,
    /// None for the reference.
    program: Option<RefCell<Program>>,
    support: Support,
    record: &'a Record,
}

impl Started<'_> {
    fn ask(&self, program: &RefCell<Program>, request: &Request) -> Result<Reply, String> {
        let reply = program.borrow_mut().ask(request, json::read_reply);
        match &reply {
            Err(error) if error.is_of_the_program() => {
                let (message, slow) = (error.to_string(), error.is_slow());
                let before = self.record.failed.fetch_add(1, Ordering::Relaxed);
                PATIENCE.with_borrow_mut(|patience| patience.failed(message, request, slow, before));
            }
            _ => {
                PATIENCE.with_borrow_mut(Patience::answered);
                self.record.answered(reply.as_ref().map_or(&[], |reply| &reply.absent));
            }
        }
        reply.map_err(|error| error.to_string())
    }
}

impl judge::Implementation for Started<'_> {
    fn float(&self) -> Float {
        self.float
    }
    fn standard(&self) -> Standard {
        self.standard
    }
    fn support(&self) -> Support {
        if self.record.is_hopeless() || PATIENCE.with_borrow(Patience::is_over) {
            // Nothing more is asked for, so that the failure that was found last is the smallest one.
            return Support { losses: Some(Vec::new()), ..self.support.clone() };
        }
        self.support.clone()
    }
    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        self.reply(request).map(|reply| reply.answer)
    }
    fn reply(&self, request: &Request) -> Result<Reply, String> {
        match &self.program {
            Some(program) => self.ask(program, request),
            None => judge::Reference.reply(request),
        }
    }
}

/// A thread that panicked has left these counts as they are.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! An implementation as the laws see it.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::thread;

use intnacl_judge::{self as judge, Float, Law, Options, Report, Standard, Support};
use intnacl_reference::{Answer, Request};

use super::error::Error;
use super::implementation::{Device, Dtype};
use super::production::{Production, Threads};
use super::progress;

/// Who is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Judged {
    /// The reference.
    Reference,
    /// Production, on a device, in a type.
    Production(Device, Dtype),
}

impl Judged {
    /// The type that decides the budgets.
    pub fn float(self) -> Float {
        match self {
            Self::Reference | Self::Production(_, Dtype::F64) => Float::F64,
            Self::Production(_, Dtype::F32) => Float::F32,
            Self::Production(_, Dtype::Bf16) => Float::Bf16,
            Self::Production(_, Dtype::F16) => Float::F16,
        }
    }

    /// The standard that is asked for by default.
    pub fn standard(self) -> Standard {
        match self {
            Self::Reference => Standard::Exact,
            Self::Production(..) => Standard::Careful,
        }
    }

    /// The implementation in words, and its device.
    ///
    /// # Errors
    /// Production does not start.
    pub fn described(self) -> Result<(String, String), Error> {
        let Self::Production(device, dtype) = self else { return Ok(("the reference".into(), "cpu".into())) };
        let description = Production::start(device, dtype, Threads::One)?.describe()?;
        let version = description.libtorch.map_or_else(String::new, |version| format!(" {version}"));
        Ok((format!("production on libtorch{version}"), description.device))
    }

    /// Checks pairs of a law and a loss on every core, `cases` of each, with a bar on a terminal.
    ///
    /// # Errors
    /// Production does not start.
    pub fn check(
        self,
        pairs: &[(Law, &'static str)],
        cases: u32,
        seed: u64,
        standard: Standard,
        temperatures: &RangeInclusive<f64>,
    ) -> Result<Vec<Report>, Error> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let bar = progress(pairs.len());
        let done = |report: &Report| {
            bar.set_message(format!("{} {}", report.law, report.loss));
            bar.inc(1);
        };
        let options = Options { seed, standard, threads };
        let start = || self.start(temperatures);
        let reports = judge::check_all(pairs, options, |_| cases, start, done);
        bar.finish_and_clear();
        reports
    }

    fn start(self, temperatures: &RangeInclusive<f64>) -> Result<Started, Error> {
        let production = match self {
            Self::Reference => None,
            // Each thread has a program of its own.
            Self::Production(device, dtype) => {
                Some(RefCell::new(Production::start(device, dtype, Threads::One)?))
            }
        };
        Ok(Started { judged: self, production, temperatures: temperatures.clone() })
    }
}

/// A running implementation.
struct Started {
    judged: Judged,
    production: Option<RefCell<Production>>,
    temperatures: RangeInclusive<f64>,
}

impl judge::Implementation for Started {
    fn float(&self) -> Float {
        self.judged.float()
    }
    fn standard(&self) -> Standard {
        self.judged.standard()
    }
    fn support(&self) -> Support {
        Support { temperatures: self.temperatures.clone(), ..Support::default() }
    }
    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        match &self.production {
            Some(production) => production.borrow_mut().ask(request).map_err(|error| error.to_string()),
            None => judge::Reference.evaluate(request),
        }
    }
}

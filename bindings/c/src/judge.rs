//! The judge: laws tried on a function in C.

use std::ffi::{c_char, c_void};

use intnacl_judge::diagnosis::diagnose_by;
use intnacl_judge::{Drawn, Float, Law, Report, Standard as Asked, Support, check_by, laws, try_case};
use intnacl_vocabulary::{LossName, Read};

use crate::border::{guarded, handed_out, text};
use crate::callback::Program;
use crate::failure::{Failure, Status};
use crate::options::{Choice, JudgeOptions, Standard, Verdict};
use crate::parameters::{named, one_of};
use crate::structs::{Callback, Dtype};
use crate::verdict::Judgement;

/// How many times a counterexample is made smaller.
const SHRINKING: u32 = 400;

/// The cases of a law where no number is asked for.
const CASES: u32 = 64;

impl Dtype {
    const ALL: [Self; 6] = [Self::F32, Self::F64, Self::Bf16, Self::F16, Self::Bf16Scores, Self::Tf32];
}

impl Choice {
    const ALL: [Self; 4] = [Self::Usual, Self::Never, Self::Always, Self::Argument];

    /// The only value of a setting; nothing, where it is an argument.
    fn only(self, usual: bool) -> Option<bool> {
        match self {
            Choice::Usual => Some(usual),
            Choice::Never => Some(false),
            Choice::Always => Some(true),
            Choice::Argument => None,
        }
    }
}

/// What is asked of a function, in the judge's words.
struct Plan {
    loss: LossName,
    float: Float,
    support: Support,
    drawn: Drawn,
}

impl Plan {
    fn new(loss: LossName, options: &JudgeOptions) -> Result<Self, Failure> {
        let float = match one_of("options.dtype", options.dtype, &Dtype::ALL)? {
            Dtype::F32 => Float::F32,
            Dtype::F64 => Float::F64,
            Dtype::Bf16 => Float::Bf16,
            Dtype::F16 => Float::F16,
            Dtype::Bf16Scores => Float::Bf16Scores,
            Dtype::Tf32 => Float::Tf32Scores,
        };
        let standards = [Asked::Right, Asked::Right, Asked::Careful, Asked::Exact];
        let standard = one_of("options.standard", options.standard, &standards)?;
        let choice =
            |name: &str, number, usual| one_of(name, number, &Choice::ALL).map(|choice| choice.only(usual));
        let usual = Support::default().temperatures;
        let (low, high) = (
            temperature("options.lowest_temperature", options.lowest_temperature, *usual.start())?,
            temperature("options.highest_temperature", options.highest_temperature, *usual.end())?,
        );
        if low > high {
            let expected = format!("at least the lowest, {low}");
            return Err(Failure::value("options.highest_temperature", high, expected));
        }
        let reads = loss.declaration().reads;
        let takes = |read: Read| read != Read::Never;
        let arrays = reads.into_iter().flat_map(|reads| {
            let optional = [("mixed", reads.mixed), ("adversarial", reads.adversarial)];
            optional.into_iter().filter(move |(_, read)| takes(*read)).map(|(name, _)| name.to_owned())
        });
        let reads_more = reads.is_some_and(|reads| takes(reads.all_positives) || takes(reads.mixed));
        let positives = match options.positives {
            0 => (!reads_more).then_some(1),
            given if given <= MOST_POSITIVES => Some(given),
            given => {
                let expected = format!("at most {MOST_POSITIVES}");
                return Err(Failure::value("options.positives", given, expected));
            }
        };
        let support = Support {
            temperatures: low..=high,
            losses: Some(vec![loss.name().to_owned()]),
            tuples: false,
            normalize: choice("options.normalize", options.normalize, false)?,
            symmetric: choice("options.symmetric", options.symmetric, true)?,
            positives,
            arrays: Some(arrays.collect()),
            ..Support::default()
        };
        let cases = if options.cases == 0 { CASES } else { options.cases };
        let drawn = Drawn { cases, seed: options.seed, standard, shrinking: SHRINKING };
        Ok(Self { loss, float, support, drawn })
    }

    fn check(&self, law: &Law, program: &Program) -> Report {
        let attempt = |case: &_| try_case(law, self.loss.name(), program, case);
        check_by(law, self.loss.name(), self.drawn, &|case| self.support.adapted(case), &attempt)
    }

    fn judge(&self, program: &Program) -> Judgement {
        let spoken_of = laws().into_iter().filter(|law| law.losses.contains(&self.loss.name()));
        let reports: Vec<_> = spoken_of.map(|law| (law, self.check(&law, program))).collect();
        let judged: Vec<_> = reports.iter().filter(|(_, report)| report.judged()).collect();
        let reached = judged.iter().map(|(_, report)| report.reached()).min().unwrap_or(None);
        let diagnosis = match reached {
            Some(_) => None,
            None => {
                let adapted = |case| self.support.adapted(case);
                diagnose_by(program, self.loss.name(), self.drawn.seed, &adapted)
            }
        };
        Judgement {
            loss: self.loss.name(),
            float: self.float,
            drawn: self.drawn,
            reached,
            reports,
            diagnosis,
        }
    }
}

/// Cases of more views would fill the memory.
const MOST_POSITIVES: usize = 64;

/// A temperature that is given, or the usual one.
fn temperature(argument: &str, given: f64, usual: f64) -> Result<f64, Failure> {
    match given {
        0.0 => Ok(usual),
        given if given > 0.0 && given.is_finite() => Ok(given),
        given => Err(Failure::value(argument, given, "a finite number above 0, or 0")),
    }
}

/// Judges a function: tries every law that speaks of a loss of batches on it, at drawn cases, half of which are
/// embeddings of real images. Takes seconds, and as long as the calls take.
///
/// loss: a name, as in intnacl_request. options: what the function computes in and takes; NULL: all of it is usual.
/// callback: the function; user is handed to it.
///
/// verdict: filled on INTNACL_STATUS_OK, where the standard that was asked for is reached, and on
/// INTNACL_STATUS_BROKEN, where a law is broken or nothing could be compared. The caller frees its two strings by
/// intnacl_string_free. Otherwise they are NULL.
///
/// Errors: REFUSED: a loss or an option that is not known; NULL_POINTER, ABI_VERSION.
///
/// # Safety
/// loss ends with 0; options is NULL or leads to options; verdict may be written; callback keeps what intnacl_callback
/// says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn intnacl_judge(
    abi: u32,
    loss: *const c_char,
    options: *const JudgeOptions,
    callback: Callback,
    user: *mut c_void,
    verdict: *mut Verdict,
) -> Status {
    guarded(abi, || {
        // SAFETY: the caller promises options and a verdict, unless they are NULL.
        let (options, verdict) = unsafe { (options.as_ref(), verdict.as_mut()) };
        let missing = |argument, expected| Failure::NullPointer { argument, expected };
        let verdict = verdict.ok_or(missing("verdict", "where to put it"))?;
        *verdict = Verdict::default();
        let callback = callback.ok_or(missing("callback", "a function"))?;
        // SAFETY: the caller promises the 0 at its end.
        let loss = named(unsafe { text("loss", loss) }?)?;
        let plan = Plan::new(loss, options.unwrap_or(&JudgeOptions::default()))?;
        // SAFETY: the caller promises what is asked of a callback; this is the thread that called.
        let program = unsafe { Program::new(callback, user, plan.float, plan.support.clone()) };
        let judgement = plan.judge(&program);
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        *verdict = Verdict {
            reached: Standard::from(judgement.reached) as u32,
            laws: count(judgement.judged().count()),
            broken: count(judgement.broken().count()),
            cases: judgement.cases(),
            comparisons: judgement.comparisons(),
            calls: program.calls(),
            text: handed_out(judgement.to_string()),
            json: handed_out(judgement.to_json().to_string()),
        };
        Ok(if judgement.holds() { Status::Ok } else { Status::Broken })
    })
}

impl From<Option<Asked>> for Standard {
    fn from(standard: Option<Asked>) -> Self {
        match standard {
            None => Standard::None,
            Some(Asked::Right) => Standard::Right,
            Some(Asked::Careful) => Standard::Careful,
            Some(Asked::Exact) => Standard::Exact,
        }
    }
}

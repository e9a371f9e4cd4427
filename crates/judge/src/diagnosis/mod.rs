//! What is wrong with a program, in words that its author can use.
//!
//! A wrong loss breaks many laws at once, since budgets are those of the right loss. So a verdict begins with agreement:
//! [`diagnose`] asks a program a few dozen requests, puts its answers beside the exact ones, and tries what explains the
//! difference: a constant factor, another convention, one of the slips of the [zoo](crate::zoo), or the cases that are right.
//!
//! ```
//! use intnacl_judge::zoo::{Bug, Program, Style};
//! use intnacl_judge::{Float, diagnosis::diagnose};
//!
//! let right = Program::new(Style::CrossEntropy, Float::F32);
//! assert!(diagnose(&right, "simclr", 1).is_none());
//! let diagnosis = diagnose(&right.with(Bug::SelfPairKept), "simclr", 1).unwrap();
//! assert_eq!(diagnosis.bug, Some(Bug::SelfPairKept));
//! ```

mod conventions;
mod explain;
mod flat;
mod probe;
mod regimes;

use crate::check::InType;
use crate::zoo::Bug;
use crate::{Case, Float, Implementation};
use conventions::conventions;
use explain::{factor, ratio, slip};
use intnacl_reference::{Answer, Request};
use probe::{Probe, State, probes};
use std::fmt;

/// What is wrong with a program.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diagnosis {
    /// How many requests were asked, and how many answers were wrong.
    pub asked: usize,
    /// The wrong ones among them.
    pub wrong: usize,
    /// A refusal, a crash or a number that is not finite, in the program's words or with its place.
    pub failure: Option<String>,
    /// Whether values are right.
    pub values_are_right: bool,
    /// The arrays whose gradients are wrong, and what part of them is.
    pub arrays: Vec<WrongArray>,
    /// A factor that values and gradients, or gradients alone, are off by.
    pub factor: Option<Factor>,
    /// A number that they are off by, where it has no such name.
    pub ratio: Option<Ratio>,
    /// A type of fewer digits, by whose budgets all answers are right.
    pub narrower: Option<Float>,
    /// Another convention, by which all answers are right.
    pub convention: Option<&'static str>,
    /// The slip that gives the same numbers.
    pub bug: Option<Bug>,
    /// Whether the answer to a request depends on earlier ones.
    pub depends_on_earlier_requests: bool,
    /// Where the answers are right, such as `M = 1`.
    pub regimes: Vec<String>,
}

/// An array whose gradient is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct WrongArray {
    /// Its name, such as `views[1]`.
    pub name: String,
    /// The part of the gradient that is wrong.
    pub part: Part,
}

/// A part of the gradient by a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Along the row, which a normalisation removes.
    Radial,
    /// Across the row.
    Tangential,
    /// Both.
    Both,
    /// All of it: the gradient is 0.
    Missing,
}

/// A constant factor.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// The factor, such as `B` or `1/t`.
    pub name: &'static str,
    /// Whether only gradients are off by it, and values are right.
    pub gradients_alone: bool,
}

/// A constant number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The number.
    pub value: f64,
    /// Whether only gradients are off by it, and values are right.
    pub gradients_alone: bool,
}

/// Asks a program about a loss and says what is wrong with it; nothing, where all its answers are right.
///
/// `seed` is that of the requests.
pub fn diagnose(implementation: &dyn Implementation, loss: &str, seed: u64) -> Option<Diagnosis> {
    diagnose_by(implementation, loss, seed, &|case| case)
}

/// As [`diagnose`], by cases that were adapted to what a program takes.
pub fn diagnose_by(
    implementation: &dyn Implementation,
    loss: &str,
    seed: u64,
    adapted: &dyn Fn(Case) -> Case,
) -> Option<Diagnosis> {
    let (probes, unsupported) = probes(implementation, loss, seed, adapted);
    if probes.is_empty() && unsupported > 0 {
        return None;
    }
    let wrong: Vec<&Probe> = probes.iter().filter(|probe| probe.state != State::Right).collect();
    if wrong.is_empty() {
        return None;
    }
    let mut diagnosis = Diagnosis { asked: probes.len(), wrong: wrong.len(), ..Diagnosis::default() };
    diagnosis.failure = wrong.iter().find_map(|probe| probe.failure.clone());
    diagnosis.values_are_right = wrong.iter().all(|probe| probe.state == State::WrongGradient);
    diagnosis.depends_on_earlier_requests = probe::forgets_nothing(implementation, loss, seed, adapted);
    diagnosis.arrays = probe::wrong_arrays(&wrong);
    if !diagnosis.depends_on_earlier_requests {
        diagnosis.factor = factor(&probes);
        diagnosis.convention = if diagnosis.factor.is_none() { conventions(&probes) } else { None };
        let explained = diagnosis.factor.is_some() || diagnosis.convention.is_some();
        diagnosis.bug = if explained { None } else { slip(&probes, implementation.float()) };
        if !explained && diagnosis.bug.is_none() {
            diagnosis.ratio = ratio(&probes);
            diagnosis.narrower = narrower(implementation, loss, seed, adapted);
        }
    }
    diagnosis.regimes = regimes::regimes(&probes);
    Some(diagnosis)
}

/// A type of fewer digits that the program may compute in, or form its products in, unawares.
fn narrower(
    implementation: &dyn Implementation,
    loss: &str,
    seed: u64,
    adapted: &dyn Fn(Case) -> Case,
) -> Option<Float> {
    let types: &[Float] = match implementation.float() {
        Float::F64 => &[Float::F32, Float::Tf32Scores, Float::Bf16Scores],
        Float::F32 => &[Float::Tf32Scores, Float::Bf16Scores],
        _ => &[],
    };
    types.iter().copied().find(|&float| {
        let (probes, _) = probes(&InType { program: implementation, float }, loss, seed, adapted);
        probes.iter().all(|probe| probe.state == State::Right)
    })
}

/// The values of a request by each convention and each slip that [`diagnose`] tries, always in the same order, and NaN where
/// one has none.
///
/// Who does not know a program's reduction or temperature finds them by one of these, where the right value fits none.
pub fn explained_values(request: &Request) -> Vec<f64> {
    let value =
        |answer: Option<Answer>| answer.as_ref().and_then(explain::flat).map_or(f64::NAN, |of| of.value);
    conventions::answers(request).chain(explain::answers_of_slips(request)).map(value).collect()
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (wrong, asked) = (self.wrong, self.asked);
        match (self.values_are_right, &self.failure) {
            (true, _) => {
                writeln!(formatter, "Values are right, gradients are wrong ({wrong} of {asked} requests).")?
            }
            (false, None) => writeln!(formatter, "Values are wrong ({wrong} of {asked} requests).")?,
            (false, Some(failure)) => {
                writeln!(
                    formatter,
                    "Some answers are none ({wrong} of {asked} requests are wrong): {failure}."
                )?;
            }
        }
        if self.depends_on_earlier_requests {
            writeln!(formatter, "The answer to a request depends on those before it.")?;
        }
        if let Some(Factor { name, gradients_alone }) = &self.factor {
            let what = if *gradients_alone { "Gradients are" } else { "Values and gradients are" };
            writeln!(formatter, "{what} {name} times the right ones.")?;
        }
        if let Some(Ratio { value, gradients_alone }) = self.ratio {
            let what = if gradients_alone { "Gradients are" } else { "Values and gradients are" };
            let digits = format!("{value:.6}");
            let short = digits.trim_end_matches('0').trim_end_matches('.');
            writeln!(formatter, "{what} {short} times the right ones.")?;
        }
        if let Some(float) = self.narrower {
            writeln!(formatter, "All answers are right by the budgets of {float}, which has fewer digits.")?;
        }
        if let Some(convention) = self.convention {
            writeln!(formatter, "All answers are right by another convention: {convention}.")?;
        }
        if let Some(bug) = self.bug {
            writeln!(formatter, "A program that {} gives these numbers.", bug.does())?;
            writeln!(formatter, "  {}: {}. Source: {}.", bug.name(), bug.effect(), bug.source())?;
        }
        if self.values_are_right && self.factor.is_none() && self.ratio.is_none() {
            for WrongArray { name, part } in &self.arrays {
                let part = match part {
                    Part::Radial => "wrong, along the rows alone, which a normalisation removes",
                    Part::Tangential => "wrong, across the rows alone",
                    Part::Both => "wrong, along and across the rows",
                    Part::Missing => "missing: it is 0, as of an array that is detached",
                };
                writeln!(formatter, "gradient.{name} is {part}.")?;
            }
        }
        for regime in &self.regimes {
            writeln!(formatter, "Answers are right {regime}.")?;
        }
        Ok(())
    }
}

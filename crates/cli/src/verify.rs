//! `intnacl verify`: the laws, run on an implementation.

use std::fmt::Write;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use intnacl_judge::{self as judge, Law, Report, Standard, Support};

use super::error::Error;
use super::implementation::{Implementation, Target};
use super::judged::Judged;
use super::production::written;
use super::{print, write_whole};

/// Runs the laws on an implementation and prints a table; for a failure, the smallest counterexample.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct VerifyArgs {
    /// Who computes.
    #[arg(long, value_enum, default_value_t = Implementation::Production)]
    pub implementation: Implementation,
    #[command(flatten)]
    pub target: Target,
    /// How many cases of each law and loss.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub cases: u32,
    /// The seed of the cases: the same seed gives the same cases.
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
    /// Only this law; may be given several times.
    #[arg(long = "law", value_name = "NAME")]
    pub laws: Vec<String>,
    /// Only this loss; may be given several times.
    #[arg(long = "loss", value_name = "NAME")]
    pub losses: Vec<String>,
    /// The standard that is asked for [default: careful for production, exact for the reference].
    #[arg(long, value_enum, value_name = "STANDARD")]
    pub standard: Option<StandardName>,
    /// Only cases of these temperatures; the others are counted as not judged.
    #[arg(long, value_name = "LOW..HIGH", value_parser = temperatures)]
    pub temperatures: Option<RangeInclusive<f64>>,
    /// Also writes the results to this file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// How good answers have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StandardName {
    /// Errors as of a program in ordinary style.
    Right,
    /// The digits of a small loss survive.
    Careful,
    /// Right to the last bits.
    Exact,
}

impl From<StandardName> for Standard {
    fn from(name: StandardName) -> Self {
        match name {
            StandardName::Right => Standard::Right,
            StandardName::Careful => Standard::Careful,
            StandardName::Exact => Standard::Exact,
        }
    }
}

/// `LOW..HIGH`.
fn temperatures(text: &str) -> Result<RangeInclusive<f64>, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|t| *t > 0.0 && t.is_finite());
    let ends = text.split_once("..").and_then(|(low, high)| Some((number(low)?, number(high)?)));
    match ends {
        Some((low, high)) if low <= high => Ok(low..=high),
        _ => Err("expected LOW..HIGH, two finite numbers above 0 in order, such as 0.05..1".into()),
    }
}

const EXAMPLES: &str = "\
Right: errors as of a program in ordinary style. Careful: the digits of a small loss survive. Exact: right to
the last bits. The command says which of them holds; its exit status is 1 below the one that is asked for.

Half of the cases are embeddings of real images: 1797 optical digits, augmented, mixed and attacked as
images, then encoded. Counterexamples are saved in the folder `counterexamples`, as requests that
`intnacl loss` reads.

Examples:
  intnacl verify
  intnacl verify --implementation reference --cases 100 --seed 7
  intnacl verify --dtype f32 --standard right --temperatures 0.05..1
  intnacl verify --device cuda:0 --dtype bf16 --loss int_nacl --json verified.json";

/// Where counterexamples are saved.
const COUNTEREXAMPLES: &str = "counterexamples";

/// Runs the laws; whether the standard was reached.
///
/// # Errors
/// [`Error`]: options that do not fit each other, a law or loss that is not known, an implementation that
/// does not start, a file that cannot be written.
pub fn run(args: &VerifyArgs) -> Result<bool, Error> {
    args.target.check(args.implementation)?;
    let pairs = chosen(args)?;
    let judged = match args.implementation {
        Implementation::Reference => Judged::Reference,
        Implementation::Production => Judged::Production(args.target.device(), args.target.dtype()),
    };
    let (implementation, device) = judged.described()?;
    let standard = args.standard.map_or(judged.standard(), Standard::from);
    let subject = Subject { implementation, device, dtype: judged.float().to_string(), standard };
    let temperatures = args.temperatures.clone().unwrap_or(Support::default().temperatures);
    let start = Instant::now();
    let reports = judged.check(&pairs, args.cases, args.seed, standard, &temperatures)?;
    let took = start.elapsed();

    print(&table(&reports))?;
    for report in reports.iter().filter(|report| report.counterexample.is_some()) {
        print(&counterexample(report)?)?;
    }
    if let Some(path) = &args.json {
        write_whole(path, &format!("{:#}\n", as_json(&subject, args, &reports)))?;
    }
    print(&summary(&subject, &reports, took))?;
    Ok(reports.iter().all(|report| report.counterexample.is_none()))
}

/// The laws and losses that the options choose.
fn chosen(args: &VerifyArgs) -> Result<Vec<(Law, &'static str)>, Error> {
    let laws = judge::laws();
    let known_laws: Vec<&str> = laws.iter().map(|law| law.name).collect();
    let mut known_losses: Vec<&str> = laws.iter().flat_map(|law| law.losses).copied().collect();
    known_losses.sort_unstable();
    known_losses.dedup();
    known(&args.laws, &known_laws, "law")?;
    known(&args.losses, &known_losses, "loss")?;
    let wanted = |names: &[String], name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let pairs = judge::pairs(|law, loss| wanted(&args.laws, law.name) && wanted(&args.losses, loss));
    if pairs.is_empty() {
        let options = format!("--law {} with --loss {}", args.laws.join(", "), args.losses.join(", "));
        return Err(Error::NothingToVerify(options));
    }
    Ok(pairs)
}

fn known(names: &[String], known: &[&str], option: &'static str) -> Result<(), Error> {
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Error::Unknown { option, name: name.clone(), known: known.join(", ") }),
        None => Ok(()),
    }
}

/// What is verified, in words.
struct Subject {
    implementation: String,
    device: String,
    dtype: String,
    standard: Standard,
}

fn table(reports: &[Report]) -> String {
    let width = |head: &str, cells: &dyn Fn(&Report) -> usize| {
        reports.iter().map(cells).chain([head.len()]).max().unwrap_or(0)
    };
    let (law, loss) = (width("law", &|r| r.law.len()), width("loss", &|r| r.loss.len()));
    let mut text = format!(
        "{:law$}  {:loss$}  {:>6}  {:>11}  {:>12}  verdict\n",
        "law", "loss", "cases", "comparisons", "error/budget"
    );
    for report in reports {
        let verdict = match (report.judged(), report.counterexample.is_some()) {
            (false, _) => "not judged",
            (true, false) => "holds",
            (true, true) => "FAILS",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:law$}  {:loss$}  {:>6}  {:>11}  {:>12.3}  {verdict}",
            report.law,
            report.loss,
            report.cases,
            report.comparisons,
            report.worst().ratio()
        );
    }
    text
}

/// A failure in words, its request saved.
fn counterexample(report: &Report) -> Result<String, Error> {
    let Some(counterexample) = &report.counterexample else { return Ok(String::new()) };
    let statement =
        judge::laws().into_iter().find(|law| law.name == report.law).map_or("", |law| law.statement);
    let mut text =
        format!("{} fails for {}: {statement}\n  {}\n", report.law, report.loss, counterexample.message);
    let _ = writeln!(text, "  smallest case: {:?}", counterexample.case);
    if let Some(request) = &counterexample.request {
        let path = Path::new(COUNTEREXAMPLES).join(format!("{}-{}.json", report.law, report.loss));
        fs::create_dir_all(COUNTEREXAMPLES)
            .map_err(|source| Error::WriteFile { name: COUNTEREXAMPLES.into(), source })?;
        write_whole(&path, &written(request))?;
        let _ = writeln!(text, "  its request: intnacl loss {}", path.display());
    }
    Ok(text)
}

fn as_json(subject: &Subject, args: &VerifyArgs, reports: &[Report]) -> serde_json::Value {
    let rows: Vec<_> = reports
        .iter()
        .map(|report| {
            serde_json::json!({
                "law": report.law,
                "loss": report.loss,
                "cases": report.cases,
                "comparisons": report.comparisons,
                "not_supported": report.not_supported,
                "beyond_the_type": report.beyond_the_type,
                "worst": report.worst().what,
                "error": report.worst().error,
                "budget": report.worst().budget,
                "judged": report.judged(),
                "holds": report.holds(),
                "standard_reached": report.reached().filter(|_| report.judged()).map(|s| s.to_string()),
                "counterexample": report.counterexample.as_ref().map(|found| &found.message),
            })
        })
        .collect();
    serde_json::json!({
        "implementation": subject.implementation,
        "device": subject.device,
        "dtype": subject.dtype,
        "seed": args.seed,
        "standard": subject.standard.to_string(),
        "standard_reached": reached(reports).map(|standard| standard.to_string()),
        "reports": rows,
    })
}

/// The highest standard at which all laws hold.
fn reached(reports: &[Report]) -> Option<Standard> {
    let judged = reports.iter().filter(|report| report.judged());
    judged.map(Report::reached).min().unwrap_or(None)
}

/// The verdict in words: the standard that is reached, and what the next one would have asked.
fn verdict(reports: &[Report]) -> String {
    let reached = reached(reports);
    let next = match reached {
        Some(Standard::Exact) => return "exact: right to the last bits".into(),
        None if reports.iter().all(|report| !report.judged()) => {
            return "not judged: no comparison was made".into();
        }
        None => Standard::Right,
        Some(Standard::Right) => Standard::Careful,
        Some(Standard::Careful) => Standard::Exact,
    };
    let examples =
        reports.iter().filter_map(|report| Some((report, report.examples[next as usize].as_ref()?)));
    let warmest = examples.max_by(|a, b| a.1.case.temperature.total_cmp(&b.1.case.temperature));
    let Some((report, example)) = warmest else { return "not judged".into() };
    let where_ = format!(
        "from t = {} down, e.g. {} on {}: {}",
        example.case.temperature, report.law, report.loss, example.message
    );
    match next {
        Standard::Right => {
            let broken = reports.iter().filter(|report| report.reached().is_none()).count();
            format!("WRONG: {broken} of {} checks fail {where_}", reports.len())
        }
        Standard::Careful => format!("right, not careful: loses the digits of small losses {where_}"),
        Standard::Exact => format!("careful: the digits of small losses survive; not exact {where_}"),
    }
}

fn summary(subject: &Subject, reports: &[Report], took: Duration) -> String {
    let mut laws: Vec<&str> = reports.iter().map(|report| report.law).collect();
    laws.dedup();
    let cases: u64 = reports.iter().map(|report| u64::from(report.cases)).sum();
    let comparisons: u64 = reports.iter().map(|report| report.comparisons).sum();
    let mut text = format!("{}\n", verdict(reports));
    let skipped = |count: &dyn Fn(&Report) -> u32| reports.iter().map(count).map(u64::from).sum::<u64>();
    let (unsupported, beyond) = (skipped(&|r| r.not_supported), skipped(&|r| r.beyond_the_type));
    if unsupported + beyond > 0 {
        let _ = writeln!(
            text,
            "not judged: {unsupported} cases outside the range that was asked for, {beyond} whose gradient leaves the \
             range of {}",
            subject.dtype
        );
    }
    let idle = reports.iter().filter(|report| !report.judged());
    let idle: Vec<String> = idle.map(|report| format!("{} on {}", report.law, report.loss)).collect();
    if !idle.is_empty() {
        let _ = writeln!(text, "not judged: {}", idle.join(", "));
    }
    let broken = reports.iter().filter(|report| report.counterexample.is_some()).count();
    let outcome = match broken {
        0 => "all hold".to_owned(),
        _ => format!("{broken} of {} checks FAIL", reports.len()),
    };
    let _ = write!(
        text,
        "verified {} on {} in {} to the standard \"{}\": {} laws, {} checks, {cases} cases, half of them real images, \
         {comparisons} comparisons, {outcome} ({:.0} s)",
        subject.implementation,
        subject.device,
        subject.dtype,
        subject.standard,
        laws.len(),
        reports.len(),
        took.as_secs_f64()
    );
    text
}

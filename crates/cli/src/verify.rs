//! `intnacl verify`: the laws, run on an implementation.

use std::fmt::Write;
use std::fs;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use intnacl_judge::{self as judge, Case, Law, Options, Report, Standard};

use super::description::known_losses;
use super::error::Error;
use super::implementation::{Implementation, Target};
use super::judged::{self, Checked, Foreign, Judged};
use super::known::Known;
use super::program::written;
use super::results::{self, COUNTEREXAMPLES, Subject, reached, saved_as};
use super::{images, junit, print, report, write_whole};

/// Runs the laws on an implementation and prints a table; for a failure, the smallest counterexample.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct VerifyArgs {
    /// Who computes.
    #[arg(long, value_enum, default_value_t = Implementation::Production)]
    pub implementation: Implementation,
    /// A program that computes instead: it answers requests, a JSON line each. Quoted as for a shell; none is started.
    #[arg(long, value_name = "PROGRAM ARGS", conflicts_with = "implementation")]
    pub command: Option<String>,
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
    /// The standard that is asked for [default: right for --command, careful for production, exact for the reference].
    #[arg(long, value_enum, value_name = "STANDARD")]
    pub standard: Option<StandardName>,
    /// Real images that cases are made of, in place of the digits (see below).
    #[arg(long, value_name = "FILE")]
    pub images: Option<PathBuf>,
    /// Only cases of these temperatures; the others are counted as not judged.
    #[arg(long, value_name = "LOW..HIGH", value_parser = temperatures)]
    pub temperatures: Option<RangeInclusive<f64>>,
    /// How long an answer may take, the program's start included where it has to start [default: 10 for --command].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// How many programs run at once [default: one a core].
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
    /// Failures that are expected and do not count, with their reasons (see below).
    #[arg(long, value_name = "FILE.toml")]
    pub known: Option<PathBuf>,
    /// Also writes the results to this file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Also writes the results to this file as JUnit XML, a test suite a law, a test case a loss.
    #[arg(long, value_name = "FILE.xml")]
    pub junit: Option<PathBuf>,
    /// Also writes the results to this file as a page for people, with drawings of the errors.
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
}

/// How long an answer of a program may take that somebody else wrote.
const TIMEOUT: Duration = Duration::from_secs(10);

fn seconds(text: &str) -> Result<Duration, String> {
    let time = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.filter(|time| !time.is_zero()).ok_or_else(|| "expected a finite number of seconds above 0".into())
}

fn threads(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|threads| (1..=1024).contains(threads))
        .ok_or_else(|| "expected a number from 1 to 1024".into())
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
images, then encoded; or those of --images: an .npz or .safetensors file with an array images,
[n][height][width], [n][height][width][channels] or [n][channels][height][width], of bytes or of numbers in [0, 1];
or a .bin file with records of CIFAR-10. Counterexamples are saved in the folder `counterexamples`, as requests that
`intnacl loss` reads.

A program of yours (--command) reads requests as JSON lines from standard input and answers each with one line on
standard output, {\"value\": ..., \"per_anchor\": [...], \"gradient\": {...}} or {\"error\": \"...\"}; per_anchor and
arrays of the gradient may be absent, and are then not judged. `intnacl loss` shows requests and answers. The first
line is {\"describe\": true}. An answer says what is claimed, as far as that is not everything, and the rest is not
judged; an error claims everything:
  {\"name\": \"mine\", \"losses\": [\"simclr\"], \"layouts\": [\"batch\"], \"dtype\": \"f32\", \"device\": \"cpu\",
   \"temperatures\": [0.05, 1], \"largest_exponent\": 80}
Whatever it does instead of answering is a failure of the program, told with the end of its standard error; it is
started again. After 5 such failures without an answer, 25 in all, or one wait in vain, the next law has its turn.
Its environment has OMP_NUM_THREADS=1 unless that is set, since one program a core runs at once.

Known failures (--known) are a TOML file of such tables; without a loss, an entry is for all losses of its law. An entry
that no longer fails is reported.
  [[known]]
  law = \"normalization_is_what_it_says\"
  loss = \"simclr\"
  reason = \"normalisation has an epsilon, issue 7\"

Examples:
  intnacl verify
  intnacl verify --implementation reference --cases 100 --seed 7
  intnacl verify --dtype f32 --standard right --temperatures 0.05..1
  intnacl verify --device cuda:0 --dtype bf16 --loss int_nacl --json verified.json
  intnacl verify --command 'python3 my_loss.py --fast' --dtype f32 --loss simclr
  intnacl verify --loss simclr --images data_batch_1.bin
  intnacl verify --command ./my_loss --known known.toml --junit verified.xml --timeout 60
  intnacl verify --command ./my_loss --report verified.html";

/// Runs the laws; whether the standard was reached.
///
/// # Errors
/// [`Error`]: options that do not fit each other, a law or loss that is not known, an implementation that
/// does not start, a file that cannot be written.
pub fn run(args: &VerifyArgs) -> Result<bool, Error> {
    let pairs = chosen(args)?;
    let known = args.known.as_deref().map(Known::read).transpose()?.unwrap_or_default();
    let images = args.images.as_deref().map(images::feed).transpose()?;
    let judged = judged(args)?;
    let (implementation, device) = judged.described()?;
    let standard = args.standard.map_or(judged.standard(), Standard::from);
    let dtype = judged.float().to_string();
    let notes = judged.notes().into_iter().chain(images).collect();
    let subject = Subject { implementation, device, dtype, standard, notes, known };
    let temperatures = asked(args, &judged, &subject.implementation)?;
    let threads = args.threads.unwrap_or_else(judged::cores);
    let options = Options { seed: args.seed, standard, threads };
    let start = Instant::now();
    let checked = judged.check(&pairs, (args.cases, options), &temperatures, args.timeout)?;
    let (reports, took) = (&checked.reports, start.elapsed());

    print(&table(reports, &subject.known))?;
    let wrong = wrong_losses(&subject, &checked);
    let diagnoses = judged.diagnose(&wrong, args.seed, &temperatures, args.timeout)?;
    for (loss, diagnosis) in &diagnoses {
        print(&format!("What is wrong with {loss}:\n{}", indented(&diagnosis.to_string())))?;
    }
    for (i, report) in reports.iter().enumerate() {
        if report.counterexample.is_some() && subject.known.excuse(report).is_none() {
            print(&counterexample(report, &checked, i)?)?;
        }
    }
    if let Some(path) = &args.json {
        write_whole(path, &format!("{:#}\n", results::as_json(&subject, args.seed, &checked, &diagnoses)))?;
    }
    if let Some(path) = &args.junit {
        junit::write(path, &subject, args.seed, reports, took)?;
    }
    if let Some(path) = &args.report {
        let losses = judged_losses(reports);
        let sweeps = judged.sweep(&losses, (args.seed, standard), &temperatures, args.timeout)?;
        let verdict = verdict(&subject.counted(reports));
        let (command, seed, float) = (args.command.as_deref(), args.seed, judged.float());
        let run = report::Run { command, seed, float, took, verdict: &verdict };
        report::write(path, &subject, &checked, &diagnoses, &sweeps, &run)?;
    }
    print(&summary(&subject, &checked, took))?;
    let counted = subject.counted(reports);
    Ok(counted.iter().all(|report| report.counterexample.is_none()) && reports.iter().any(Report::judged))
}

/// The losses of which agreement fails with answers that are complete, in their order.
fn wrong_losses<'a>(subject: &Subject, checked: &'a Checked) -> Vec<&'a str> {
    let mut losses: Vec<&str> = Vec::new();
    for (i, report) in checked.reports.iter().enumerate() {
        let fails = report.examples[Standard::Right as usize].is_some() && !checked.failures.contains_key(&i);
        if fails && subject.known.excuse(report).is_none() && !losses.contains(&report.loss.as_str()) {
            losses.push(&report.loss);
        }
    }
    losses
}

/// The losses of which something was judged, in their order.
fn judged_losses(reports: &[Report]) -> Vec<&str> {
    let mut losses: Vec<&str> = Vec::new();
    for report in reports.iter().filter(|report| report.judged()) {
        if !losses.contains(&report.loss.as_str()) {
            losses.push(&report.loss);
        }
    }
    losses
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// Who is judged; a program of somebody else is asked what it is.
fn judged(args: &VerifyArgs) -> Result<Judged, Error> {
    if let Some(command) = &args.command {
        args.target.check_no_device()?;
        let program = Foreign::new(command, args.target.given_dtype(), args.timeout.unwrap_or(TIMEOUT))?;
        return Ok(Judged::Program(Box::new(program)));
    }
    args.target.check(args.implementation)?;
    Ok(match args.implementation {
        Implementation::Reference => Judged::Reference,
        Implementation::Production => Judged::Production(args.target.device(), args.target.dtype()),
    })
}

/// The temperatures that are asked for and claimed.
fn asked(args: &VerifyArgs, judged: &Judged, name: &str) -> Result<RangeInclusive<f64>, Error> {
    let claimed = judged.support().temperatures;
    let Some(wanted) = &args.temperatures else { return Ok(claimed) };
    let (low, high) = (wanted.start().max(*claimed.start()), wanted.end().min(*claimed.end()));
    if args.command.is_none() || low <= high {
        return Ok(if args.command.is_none() { wanted.clone() } else { low..=high });
    }
    let written = |range: &RangeInclusive<f64>| format!("{}..{}", range.start(), range.end());
    Err(Error::Temperatures { wanted: written(wanted), name: name.into(), claimed: written(&claimed) })
}

/// The laws and losses that the options choose.
fn chosen(args: &VerifyArgs) -> Result<Vec<(Law, &'static str)>, Error> {
    let laws = judge::laws();
    let known_laws: Vec<&str> = laws.iter().map(|law| law.name).collect();
    known(&args.laws, &known_laws, "law")?;
    known(&args.losses, &known_losses(), "loss")?;
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

/// A row a check, but for losses of which nothing was judged: these are listed below it.
fn table(reports: &[Report], known: &Known) -> String {
    let idle = results::idle_losses(reports);
    let reports: Vec<&Report> =
        reports.iter().filter(|report| !idle.contains(&report.loss.as_str())).collect();
    let width = |head: &str, cells: &dyn Fn(&Report) -> usize| {
        reports.iter().map(|report| cells(report)).chain([head.len()]).max().unwrap_or(0)
    };
    let (law, loss) = (width("law", &|r| r.law.len()), width("loss", &|r| r.loss.len()));
    let mut text = format!(
        "{:law$}  {:loss$}  {:>6}  {:>11}  {:>12}  verdict\n",
        "law", "loss", "cases", "comparisons", "error/budget"
    );
    for report in &reports {
        let verdict = match (report.judged(), report.counterexample.is_some()) {
            (false, _) => "not judged",
            (true, false) => "holds",
            (true, true) if known.excuse(report).is_some() => "fails, known",
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
fn counterexample(report: &Report, checked: &Checked, i: usize) -> Result<String, Error> {
    let Some(counterexample) = &report.counterexample else { return Ok(String::new()) };
    let statement =
        judge::laws().into_iter().find(|law| law.name == report.law).map_or("", |law| law.statement);
    let mut text =
        format!("{} fails for {}: {statement}\n  {}\n", report.law, report.loss, counterexample.message);
    let failures = checked.failures.get(&i);
    // Where the program failed on a case that the judge would have excused, the case is not known.
    if failures.is_none() || counterexample.case != Case::default() {
        let _ = writeln!(text, "  smallest case: {:?}", counterexample.case);
    }
    if let Some(why) = failures.and_then(|failures| failures.given_up.as_deref()) {
        let _ = writeln!(text, "  given up {why}: smaller cases may fail too");
    }
    if let Some(request) = &counterexample.request {
        let path = saved_as(report);
        fs::create_dir_all(COUNTEREXAMPLES)
            .map_err(|source| Error::WriteFile { name: COUNTEREXAMPLES.into(), source })?;
        write_whole(&path, &written(request))?;
        let _ = writeln!(text, "  its request: intnacl loss {}", path.display());
    }
    Ok(text)
}

/// The verdict in words: the standard that is reached, and what the next one would have asked.
fn verdict(reports: &[&Report]) -> String {
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
            let judged = reports.iter().filter(|report| report.judged()).count();
            format!("WRONG: {broken} of {judged} checks fail {where_}")
        }
        Standard::Careful => format!("right, not careful: loses the digits of small losses {where_}"),
        Standard::Exact => format!("careful: the digits of small losses survive; not exact {where_}"),
    }
}

fn summary(subject: &Subject, checked: &Checked, took: Duration) -> String {
    let reports = &checked.reports;
    let counted = subject.counted(reports);
    let mut laws: Vec<&str> = reports.iter().map(|report| report.law).collect();
    laws.dedup();
    let cases: u64 = reports.iter().map(|report| u64::from(report.cases)).sum();
    let comparisons: u64 = reports.iter().map(|report| report.comparisons).sum();
    let mut text = format!("{}\n", verdict(&counted));
    for line in results::remarks(subject, checked) {
        let _ = writeln!(text, "{line}");
    }
    let broken = counted.iter().filter(|report| report.counterexample.is_some()).count();
    let known = match reports.len() - counted.len() {
        0 => String::new(),
        known => format!(", {known} known failures"),
    };
    let judged = reports.iter().filter(|report| report.judged()).count();
    let of_which =
        if judged == reports.len() { String::new() } else { format!(", of which {judged} judged") };
    let outcome = match broken {
        0 if known.is_empty() => "all hold".to_owned(),
        0 => "all others hold".to_owned(),
        _ => format!("{broken} of {judged} checks FAIL"),
    };
    let _ = write!(
        text,
        "verified {} on {} in {} to the standard \"{}\": {} laws, {} checks{of_which}, {cases} cases, half of them real images, \
         {comparisons} comparisons{known}, {outcome} ({:.0} s)",
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

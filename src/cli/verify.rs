//! `intnacl verify`: the laws, run on an implementation.

use std::cell::RefCell;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{fs, thread};

use clap::Args;
use intnacl_reference::law::{self, Float, Law, Report};
use intnacl_reference::{Answer, Request, json};

use super::error::Error;
use super::implementation::{Dtype, Implementation, Target};
use super::production::{Production, Threads};
use super::{print, progress};

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
    /// Also writes the results to this file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Half of the cases are embeddings of real images: 1797 optical digits, augmented, mixed and attacked as
images, then encoded. Counterexamples are saved in the folder `counterexamples`, as requests that
`intnacl loss` reads.

Examples:
  intnacl verify
  intnacl verify --implementation reference --cases 100 --seed 7
  intnacl verify --device cuda:0 --dtype bf16 --loss int_nacl --json verified.json";

/// Where counterexamples are saved.
const COUNTEREXAMPLES: &str = "counterexamples";

/// Runs the laws; whether all held.
///
/// # Errors
/// [`Error`]: options that do not fit each other, a law or loss that is not known, an implementation that
/// does not start.
pub fn run(args: &VerifyArgs) -> Result<bool, Error> {
    args.target.check(args.implementation)?;
    let pairs = chosen(args)?;
    let subject = Subject::new(args)?;
    let start = Instant::now();
    let reports = check(args, &pairs)?;
    let took = start.elapsed();

    print(&table(&reports))?;
    for report in reports.iter().filter(|report| !report.holds()) {
        print(&counterexample(report)?)?;
    }
    if let Some(path) = &args.json {
        write_file(path, &format!("{:#}\n", as_json(&subject, args, &reports)))?;
    }
    print(&summary(&subject, &reports, took))?;
    Ok(reports.iter().all(Report::holds))
}

/// The laws and losses that the options choose.
fn chosen(args: &VerifyArgs) -> Result<Vec<(Law, &'static str)>, Error> {
    let laws = law::laws();
    let known_laws: Vec<&str> = laws.iter().map(|law| law.name).collect();
    let mut known_losses: Vec<&str> = laws.iter().flat_map(|law| law.losses).copied().collect();
    known_losses.sort_unstable();
    known_losses.dedup();
    known(&args.laws, &known_laws, "law")?;
    known(&args.losses, &known_losses, "loss")?;
    let wanted = |names: &[String], name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let pairs = laws.into_iter().flat_map(|law| law.losses.iter().map(move |loss| (law, *loss)));
    let pairs: Vec<_> =
        pairs.filter(|(law, loss)| wanted(&args.laws, law.name) && wanted(&args.losses, loss)).collect();
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
}

impl Subject {
    fn new(args: &VerifyArgs) -> Result<Self, Error> {
        if args.implementation == Implementation::Reference {
            let (implementation, device) = ("the reference".into(), "cpu".into());
            return Ok(Self { implementation, device, dtype: Float::Exact.to_string() });
        }
        let description =
            Production::start(args.target.device(), args.target.dtype(), Threads::One)?.describe()?;
        let version = description.libtorch.map_or_else(String::new, |version| format!(" {version}"));
        let implementation = format!("production on libtorch{version}");
        Ok(Self { implementation, device: description.device, dtype: description.dtype })
    }
}

/// Production as the laws see it; each thread has a program of its own.
struct Served {
    production: RefCell<Production>,
    float: Float,
}

impl law::Implementation for Served {
    fn float(&self) -> Float {
        self.float
    }
    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        self.production.borrow_mut().ask(request).map_err(|error| error.to_string())
    }
}

fn implementation(args: &VerifyArgs) -> Result<Box<dyn law::Implementation>, Error> {
    if args.implementation == Implementation::Reference {
        return Ok(Box::new(law::Reference));
    }
    let (device, dtype) = (args.target.device(), args.target.dtype());
    let float = match dtype {
        Dtype::F64 => Float::F64,
        Dtype::F32 => Float::F32,
        Dtype::Bf16 => Float::Bf16,
        Dtype::F16 => Float::F16,
    };
    let production = RefCell::new(Production::start(device, dtype, Threads::One)?);
    Ok(Box::new(Served { production, float }))
}

/// Every pair on every core. Each draws from a stream of its own, so the order does not matter.
fn check(args: &VerifyArgs, pairs: &[(Law, &'static str)]) -> Result<Vec<Report>, Error> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(pairs.len());
    let bar = progress(pairs.len());
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, bar, next) = (sender.clone(), &bar, &next);
            scope.spawn(move || {
                let implementation = match implementation(args) {
                    Ok(implementation) => implementation,
                    Err(error) => {
                        let _ = sender.send(Err(error));
                        return;
                    }
                };
                while let Some((law, loss)) = pairs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    bar.set_message(format!("{} {loss}", law.name));
                    let position = pairs.iter().position(|(other, of)| other.name == law.name && of == loss);
                    let report = law::check(law, loss, implementation.as_ref(), args.cases, args.seed);
                    bar.inc(1);
                    let _ = sender.send(Ok((position, report)));
                }
            });
        }
    });
    drop(sender);
    bar.finish_and_clear();
    let mut reports = receiver.into_iter().collect::<Result<Vec<_>, _>>()?;
    reports.sort_by_key(|(position, _)| *position);
    Ok(reports.into_iter().map(|(_, report)| report).collect())
}

fn table(reports: &[Report]) -> String {
    let width = |head: &str, cells: &dyn Fn(&Report) -> usize| {
        reports.iter().map(cells).chain([head.len()]).max().unwrap_or(0)
    };
    let (law, loss) = (width("law", &|r| r.law.len()), width("loss", &|r| r.loss.len()));
    let mut text = format!(
        "{:law$}  {:loss$}  {:>6}  {:>11}  {:>9}  verdict\n",
        "law", "loss", "cases", "worst error", "budget"
    );
    for report in reports {
        let verdict = if report.holds() { "holds" } else { "FAILS" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:law$}  {:loss$}  {:>6}  {:>11.2e}  {:>9.2e}  {verdict}",
            report.law, report.loss, report.cases, report.worst.error, report.worst.budget
        );
    }
    text
}

/// A failure in words, its request saved.
fn counterexample(report: &Report) -> Result<String, Error> {
    let Some(counterexample) = &report.counterexample else { return Ok(String::new()) };
    let statement =
        law::laws().into_iter().find(|law| law.name == report.law).map_or("", |law| law.statement);
    let mut text =
        format!("{} fails for {}: {statement}\n  {}\n", report.law, report.loss, counterexample.message);
    let _ = writeln!(text, "  smallest case: {:?}", counterexample.case);
    if let Some(request) = &counterexample.request {
        let path = Path::new(COUNTEREXAMPLES).join(format!("{}-{}.json", report.law, report.loss));
        fs::create_dir_all(COUNTEREXAMPLES)
            .map_err(|source| Error::WriteFile { name: COUNTEREXAMPLES.into(), source })?;
        write_file(&path, &json::write_request(request))?;
        let _ = writeln!(text, "  its request: intnacl loss {}", path.display());
    }
    Ok(text)
}

fn write_file(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(|source| Error::WriteFile { name: path.display().to_string(), source })
}

fn as_json(subject: &Subject, args: &VerifyArgs, reports: &[Report]) -> serde_json::Value {
    let rows: Vec<_> = reports
        .iter()
        .map(|report| {
            serde_json::json!({
                "law": report.law,
                "loss": report.loss,
                "cases": report.cases,
                "worst": report.worst.what,
                "error": report.worst.error,
                "budget": report.worst.budget,
                "holds": report.holds(),
                "counterexample": report.counterexample.as_ref().map(|found| &found.message),
            })
        })
        .collect();
    serde_json::json!({
        "implementation": subject.implementation,
        "device": subject.device,
        "dtype": subject.dtype,
        "seed": args.seed,
        "reports": rows,
    })
}

fn summary(subject: &Subject, reports: &[Report], took: Duration) -> String {
    let mut laws: Vec<&str> = reports.iter().map(|report| report.law).collect();
    laws.dedup();
    let cases: u64 = reports.iter().map(|report| u64::from(report.cases)).sum();
    let broken = reports.iter().filter(|report| !report.holds()).count();
    let verdict = match broken {
        0 => "all hold".to_owned(),
        _ => format!("{broken} of {} checks FAIL", reports.len()),
    };
    format!(
        "verified {} on {} in {}: {} laws, {} checks, {cases} cases, half of them real images, {verdict} ({:.0} s)",
        subject.implementation,
        subject.device,
        subject.dtype,
        laws.len(),
        reports.len(),
        took.as_secs_f64()
    )
}

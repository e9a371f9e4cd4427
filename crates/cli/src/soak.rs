//! `intnacl soak`: the laws at fresh seeds, until the time is up.

use std::time::{Duration, Instant};

use clap::Args;
use intnacl_judge::{self as judge, Options, Report, Support};

use super::error::Error;
use super::implementation::{Device, Dtype};
use super::judged::{self, Judged};
use super::print;

/// Runs the laws at fresh seeds until the time is up, a line a run; prints failures as cases to keep.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SoakArgs {
    /// For how many minutes; the run that has begun is ended.
    #[arg(long, value_name = "N", default_value_t = 10.0, value_parser = minutes)]
    pub minutes: f64,
    /// Only production in this type; may be given several times [default: the reference, f64, f32, bf16 and f16].
    #[arg(long = "dtype", value_enum, value_name = "DTYPE")]
    pub dtypes: Vec<Dtype>,
    /// Where production computes: cpu or cuda:N.
    #[arg(long, default_value_t = Device::Cpu)]
    pub device: Device,
    /// How many cases of each law and loss.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub cases: u32,
}

const EXAMPLES: &str = "\
Every implementation gets the same seeds, one after another. A failure is shrunk and printed as a line for the list
of kept cases. A measurement above half of its budget is printed too: it is the next failure.

Examples:
  intnacl soak --minutes 60
  intnacl soak --minutes 5 --dtype f32 --dtype bf16";

fn minutes(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|minutes| *minutes >= 0.0 && minutes.is_finite());
    number.ok_or_else(|| "expected a finite number of at least 0".into())
}

/// Soaks; whether all held.
///
/// # Errors
/// Production does not start, or has no such type.
pub fn run(args: &SoakArgs) -> Result<bool, Error> {
    args.dtypes.iter().try_for_each(|dtype| dtype.check_production())?;
    let mut rows: Vec<Judged> =
        args.dtypes.iter().map(|&dtype| Judged::Production(args.device, dtype)).collect();
    if rows.is_empty() {
        let dtypes = [Dtype::F64, Dtype::F32, Dtype::Bf16, Dtype::F16];
        rows.push(Judged::Reference);
        rows.extend(dtypes.map(|dtype| Judged::Production(args.device, dtype)));
    }
    let pairs = judge::pairs(|_, _| true);
    let (start, time) = (Instant::now(), Duration::from_secs_f64(args.minutes * 60.0));
    let mut tallies: Vec<Tally> = rows.iter().map(|_| Tally::default()).collect();
    while tallies.iter().all(|tally| tally.seeds == 0) || start.elapsed() < time {
        let seed = judge::fresh_seed();
        for (row, tally) in rows.iter().zip(&mut tallies) {
            let began = Instant::now();
            let options = Options { seed, standard: row.standard(), threads: judged::cores() };
            let temperatures = Support::default().temperatures;
            let reports = row.check(&pairs, (args.cases, options), &temperatures, None)?.reports;
            print(&tally.add(row, seed, &reports, began.elapsed()))?;
        }
    }
    for (row, tally) in rows.iter().zip(&tallies) {
        print(&tally.summary(row))?;
    }
    Ok(tallies.iter().all(|tally| tally.failures == 0))
}

/// What became of one implementation so far.
#[derive(Default)]
struct Tally {
    seeds: u32,
    failures: u32,
    comparisons: u64,
    worst: f64,
}

fn name(row: &Judged) -> String {
    match row {
        Judged::Reference => "reference".into(),
        Judged::Production(device, dtype) => format!("{device} {dtype}"),
        Judged::Program(program) => program.name().to_owned(),
    }
}

impl Tally {
    /// Counts a run, and says what it was.
    fn add(&mut self, row: &Judged, seed: u64, reports: &[Report], took: Duration) -> String {
        let comparisons: u64 = reports.iter().map(|report| report.comparisons).sum();
        let failures: Vec<&Report> =
            reports.iter().filter(|report| report.counterexample.is_some()).collect();
        let worst = reports.iter().max_by(|a, b| a.worst().ratio().total_cmp(&b.worst().ratio()));
        let ratio = worst.map_or(0.0, |report| report.worst().ratio());
        self.seeds += 1;
        self.failures += failures.len() as u32;
        self.comparisons += comparisons;
        self.worst = self.worst.max(ratio);
        let verdict = if failures.is_empty() { "holds" } else { "FAILS" };
        let (row, standard, took) = (name(row), row.standard(), took.as_secs_f64());
        let mut text = format!(
            "seed {seed:<9}  {row:<10}  {standard:<7}  {verdict}  {comparisons:>9} comparisons  worst {ratio:.3} of its budget  {took:.0} s"
        );
        if let Some(report) = worst.filter(|_| ratio > 0.5) {
            text += &format!("\n  {} on {}: {}", report.law, report.loss, report.worst());
        }
        for report in failures {
            let Some(found) = &report.counterexample else { continue };
            text += &format!(
                "\n  {}\n  (\"{}\", \"{}\", {}),",
                found.message,
                report.law,
                report.loss,
                found.case.code()
            );
        }
        text
    }

    fn summary(&self, row: &Judged) -> String {
        let Self { seeds, failures, comparisons, worst } = self;
        format!(
            "{:<10}  {seeds} seeds, {failures} failures, {comparisons} comparisons, worst {worst:.3} of its budget",
            name(row)
        )
    }
}

//! `intnacl bound`: Theorem 3.1, term by term, and beside what can be measured.
//!
//! Four stages, each built once from those before: [`Subject`], what the bound is evaluated at; [`Worlds`], the embeddings of a
//! labelled set; [`Measured`], their losses; and the [`Report`].

mod curves;
mod digits;
mod measure;
mod plot;
mod report;
mod set;
mod subject;
mod terms;
mod worlds;

use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::Args;

use super::error::Error;
use super::{print, progress, write_whole};
use curves::Curves;
use digits::Digits;
use measure::Measured;
use report::Report;
use set::Set;
use subject::Subject;
use worlds::Worlds;

/// Evaluates every term of the generalisation bound, as published and corrected, and measures the losses that it
/// is about.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct BoundArgs {
    /// Classes, equally likely; with data their labels decide [default: 10].
    #[arg(long, value_name = "K", conflicts_with_all = ["embeddings", "digits"], value_parser = whole::<1_000_000>)]
    classes: Option<usize>,
    /// Positives of an anchor.
    #[arg(long, value_name = "M", default_value_t = 5, value_parser = whole::<1_000_000>)]
    positives: usize,
    /// Negatives of an anchor.
    #[arg(long, value_name = "N", default_value_t = 510, value_parser = whole::<1_000_000>)]
    negatives: usize,
    /// Training tuples.
    #[arg(long, value_name = "T", default_value_t = 50_000, value_parser = whole::<1_000_000_000>)]
    samples: usize,
    /// The probability with which the bound may fail.
    #[arg(long, value_name = "D", default_value_t = 0.05, value_parser = number)]
    delta: f64,
    /// The temperature.
    #[arg(long, value_name = "t", default_value_t = 0.5, value_parser = number)]
    temperature: f64,
    /// The class prior of the debiased estimator g1 [default: that of the rarest class, 1/K without data].
    #[arg(long, value_name = "P", value_parser = number)]
    tau_plus: Option<f64>,
    /// Measures at these embeddings: embeddings [n][d] and labels [n] in an .npz or .safetensors file.
    #[arg(long, value_name = "FILE", conflicts_with = "digits")]
    embeddings: Option<PathBuf>,
    /// Divides the rows of the file by their norm.
    #[arg(long, requires = "embeddings")]
    normalize: bool,
    /// Measures at the embedded digits: their pixels, or a linear encoder trained on them.
    #[arg(long, value_enum)]
    digits: Option<Digits>,
    /// The loss that trains the encoder of --digits trained, by its name in requests.
    #[arg(long, value_name = "NAME", default_value = "nca")]
    loss: String,
    /// Training steps of --digits trained.
    #[arg(long, default_value_t = 300, value_parser = whole::<100_000>)]
    steps: usize,
    /// Dimensions of the encoder of --digits trained.
    #[arg(long, default_value_t = 16, value_parser = whole::<1024>)]
    dimension: usize,
    /// The seed of everything that is drawn: the same seed gives the same numbers.
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Also writes the results to this file, and the points of the plots.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draws the bound against the measured losses as N, M and T grow: three SVG files in this folder.
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
}

/// A count up to `MOST`: some terms are sums over all of them, and a typing error should not run for hours.
fn whole<const MOST: usize>(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=MOST).contains(count));
    count.ok_or_else(|| format!("expected a whole number from 1 to {MOST}"))
}

/// A number, whose range is the reference's to judge.
fn number(text: &str) -> Result<f64, &'static str> {
    text.parse().map_err(|_| "expected a number")
}

const EXAMPLES: &str = "\
Without data there is the table of terms alone. With data the set is a finite world, every row equally likely
within it, in which the losses are measured: exactly where they can be counted out, otherwise by draws, with a
certified interval. That takes time with the square of the number of rows, seconds for some thousand.

Examples:
  intnacl bound --classes 10 --positives 2 --negatives 64 --samples 50000 --temperature 0.5
  intnacl bound --embeddings embeddings.npz --json bound.json
  intnacl bound --digits trained --loss hard_negative --plots plots";

/// Prints the table of the bound.
///
/// # Errors
/// [`Error`]: arguments out of range, a file that is not what it should be, or that cannot be written.
pub fn run(args: &BoundArgs) -> Result<(), Error> {
    let set = data(args)?;
    let subject = Subject::new(args, set.as_ref())?;
    // Whatever the arguments are refused for, they are before the work begins.
    let terms = terms::rows(&subject)?;
    let bar = progress(0);
    let worlds = set.map(|set| Worlds::new(args, &subject, set, &bar)).transpose()?;
    let measured =
        worlds.as_ref().map(|worlds| Measured::new(worlds, &subject, args.seed, &bar)).transpose()?;
    let curves = if args.json.is_some() || args.plots.is_some() {
        let encoders = worlds.iter().zip(&measured).flat_map(|(worlds, measured)| measured.encoders(worlds));
        Some(curves::curves(&subject, &encoders.collect::<Vec<_>>(), args.seed, &bar)?)
    } else {
        None
    };
    bar.finish_and_clear();
    finish(args, &Report::new(&subject, terms, worlds, measured, curves))
}

/// The labelled set to measure at.
fn data(args: &BoundArgs) -> Result<Option<Set>, Error> {
    match &args.embeddings {
        Some(file) => set::read(file, args.normalize).map(Some),
        None => Ok(args.digits.map(digits::raw)),
    }
}

/// Prints the report, once the files that were asked for are written.
fn finish(args: &BoundArgs, report: &Report) -> Result<(), Error> {
    let mut text = report.table();
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(report)
            .map_err(|error| Error::WriteFile { name: path.display().to_string(), source: error.into() })?;
        write_whole(path, &(json + "\n"))?;
    }
    if let (Some(folder), Some(curves)) = (&args.plots, &report.curves) {
        text += "\n\nplots:";
        for path in draw(folder, curves, report)? {
            text += &format!(" {}", path.display());
        }
    }
    print(&text)
}

/// The plots as files, all drawn before the first is written.
fn draw(folder: &Path, curves: &Curves, report: &Report) -> Result<Vec<PathBuf>, Error> {
    let mut pictures = Vec::new();
    for panel in &curves.panels {
        let path = folder.join(format!("bound-{}.svg", panel.grows));
        let failed = |error: Box<dyn std::error::Error>| Error::WriteFile {
            name: path.display().to_string(),
            source: io::Error::other(error.to_string()),
        };
        let picture =
            plot::svg(panel, &report.caption(panel.grows), report.data.is_some()).map_err(failed)?;
        pictures.push((path, picture));
    }
    fs::create_dir_all(folder)
        .map_err(|source| Error::WriteFile { name: folder.display().to_string(), source })?;
    for (path, picture) in &pictures {
        write_whole(path, picture)?;
    }
    Ok(pictures.into_iter().map(|(path, _)| path).collect())
}

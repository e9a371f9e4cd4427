//! `intnacl bound`: Theorem 3.1, term by term, and beside what can be measured.

mod curves;
mod digits;
mod measure;
mod plot;
mod report;
mod set;
mod terms;

use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::Args;
use indicatif::ProgressBar;
use intnacl_reference::bound::{Counts, Theorem, World};
use intnacl_reference::{Loss, LossName};

use super::error::Error;
use super::{print, progress, write_whole};
use curves::{Curves, Encoder};
use digits::{Checkpoint, Digits, Trained, Training};
use measure::Supervised;
use report::{Data, Report, TrainingReport};
use set::Set;
use terms::Subject;

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
    let Some((name, set)) = data(args)? else {
        let subject = subject(args, None)?;
        let mut report = Report::new(&subject)?;
        if args.json.is_some() || args.plots.is_some() {
            report.curves = Some(curves::curves(&subject, &[], args.seed, || ())?);
        }
        return finish(args, &report);
    };
    let world = World::empirical(&set.embeddings, &set.labels, args.temperature)?;
    let mut subject = subject(args, Some(&world))?;
    // Whatever the arguments are refused for, they are before the work begins.
    subject.rows()?;
    loss(args, subject.tau_plus)?;
    let bar = progress(0);
    let trained = match args.digits {
        Some(Digits::Trained) => Some(train(args, &subject, &set, &bar)?),
        _ => None,
    };
    let worlds = match &trained {
        Some(trained) => {
            // Made as the first was: a world has its own order of points, the same for all embeddings of a set.
            let embed = |kept: &Checkpoint| World::empirical(&kept.embeddings, &set.labels, args.temperature);
            trained.checkpoints.iter().map(embed).collect::<Result<_, _>>()?
        }
        None => vec![world],
    };
    subject.encoders = worlds.len();
    bar.set_message("supervised losses");
    bar.inc_length(worlds.len() as u64 + measure::STEPS);
    let mut supervised = Vec::new();
    for world in &worlds {
        supervised.push(measure::supervised(world)?);
        bar.inc(1);
    }
    let mut report = Report::new(&subject)?;
    let (Some(last), Some(of_last)) = (worlds.last(), supervised.last()) else { return Ok(()) };
    report.data = Some(Data::new(name, last, &set.labels));
    report.training = trained.map(|trained| TrainingReport::new(&args.loss, args.seed, trained, &supervised));
    bar.set_message("contrastive losses");
    report.measured = Some(measure::measure(last, *of_last, &subject, args.seed, || bar.inc(1))?);
    if args.json.is_some() || args.plots.is_some() {
        bar.set_message("curves");
        bar.inc_length(curves::STEPS);
        let encoder = |(world, supervised): (_, &Supervised)| Encoder {
            world,
            mean_classifier: supervised.mean_classifier,
            best_linear: supervised.best_linear.upper,
        };
        let encoders: Vec<Encoder> = worlds.iter().zip(&supervised).map(encoder).collect();
        report.curves = Some(curves::curves(&subject, &encoders, args.seed, || bar.inc(1))?);
    }
    bar.finish_and_clear();
    finish(args, &report)
}

/// The labelled set to measure at, and what it is called.
fn data(args: &BoundArgs) -> Result<Option<(String, Set)>, Error> {
    if let Some(file) = &args.embeddings {
        return Ok(Some((file.display().to_string(), set::read(file, args.normalize)?)));
    }
    Ok(args.digits.map(|digits| match digits {
        Digits::Raw => ("digits, raw".into(), digits::raw()),
        Digits::Trained => ("digits, trained".into(), digits::raw()),
    }))
}

fn subject(args: &BoundArgs, world: Option<&World>) -> Result<Subject, Error> {
    let counts = Counts::new(args.positives, args.negatives);
    let setting = match world {
        Some(world) => Theorem::of(world, counts, args.samples, args.delta),
        None => {
            let classes = args.classes.unwrap_or(10);
            if classes < 2 {
                let (argument, value) = ("classes".into(), classes as f64);
                let expected = "a count of at least 2";
                return Err(intnacl_reference::Error::OutOfRange { argument, value, expected }.into());
            }
            Theorem::new(classes, counts, args.samples, args.delta, args.temperature)
        }
    };
    let tau_plus = args.tau_plus.unwrap_or(1.0 / setting.rarity);
    Ok(Subject { setting, tau_plus, encoders: 1 })
}

fn loss(args: &BoundArgs, tau_plus: f64) -> Result<Loss, Error> {
    let known = LossName::NAMES.join(", ");
    let unknown = || Error::Unknown { option: "loss", name: args.loss.clone(), known };
    digits::loss(&args.loss, tau_plus).ok_or_else(unknown)
}

fn train(args: &BoundArgs, subject: &Subject, set: &Set, bar: &ProgressBar) -> Result<Trained, Error> {
    let training = Training {
        loss: loss(args, subject.tau_plus)?,
        temperature: args.temperature,
        dimension: args.dimension,
        steps: args.steps,
        seed: args.seed,
    };
    bar.set_message(format!("training with {}", args.loss));
    bar.inc_length(args.steps as u64);
    Ok(digits::train(set, &training, || bar.inc(1))?)
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

//! The bound and the measured losses as `N`, `M` and `T` grow: the points of the plots.

use std::thread;

use indicatif::ProgressBar;
use intnacl_reference::Result;
use intnacl_reference::bound::{Counts, Estimator, Theorem};
use serde::Serialize;
use statrs::distribution::{Beta, ContinuousCDF};

use super::measure::{Encoder, Interval, effort};
use super::subject::Subject;

/// A point of a curve, with the band around it where it was measured by drawing.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Point {
    /// `N`, `M` or `T`.
    pub x: f64,
    /// The value.
    pub y: f64,
    /// The band's lower end; `y` where there is none.
    pub lower: f64,
    /// The band's upper end.
    pub upper: f64,
}

impl Point {
    fn sharp(x: usize, y: f64) -> Self {
        Self { x: x as f64, y, lower: y, upper: y }
    }

    fn banded(x: usize, interval: &Interval) -> Self {
        Self { x: x as f64, y: interval.value, lower: interval.lower, upper: interval.upper }
    }
}

/// What a curve is, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Curve {
    /// The corrected theorem's right side.
    Corrected,
    /// The published one, with its hidden constants as the table has them.
    Published,
    /// The contrastive loss.
    Contrastive,
    /// The supervised loss of the mean classifier.
    MeanClassifier,
    /// The supervised loss of the best linear classifier of norm 1.
    BestLinear,
}

/// A curve.
#[derive(Debug, Clone, Serialize)]
pub struct Series {
    /// What it shows.
    pub curve: Curve,
    /// What its band is; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub band: Option<&'static str>,
    /// From left to right.
    pub points: Vec<Point>,
}

/// One plot.
#[derive(Debug, Clone, Serialize)]
pub struct Panel {
    /// `negatives`, `positives` or `samples`.
    pub grows: &'static str,
    /// The curves.
    pub series: Vec<Series>,
}

/// How often a bound was broken by drawn training sets.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Violations {
    /// `T`.
    pub samples: usize,
    /// The training sets.
    pub draws: usize,
    /// Those with `L_Sup(f̂)` above the published right side.
    pub published: usize,
    /// The interval of Clopper and Pearson for their share, at confidence 0.95.
    pub published_interval: [f64; 2],
    /// Those with `L_Sup(f̂)` above the corrected right side.
    pub corrected: usize,
    /// The interval of Clopper and Pearson for their share, at confidence 0.95.
    pub corrected_interval: [f64; 2],
}

/// The plots, and what they rest on.
#[derive(Debug, Clone, Serialize)]
pub struct Curves {
    /// What the values are of: `sum`, the paper's reading.
    pub reading: &'static str,
    /// A plot for each of `N`, `M` and `T`.
    pub panels: Vec<Panel>,
    /// Of the last plot's training sets.
    pub violations: Vec<Violations>,
}

const NEGATIVES: [usize; 11] = [4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096];
const POSITIVES: [usize; 8] = [1, 2, 3, 5, 8, 16, 32, 64];
const SAMPLES: [usize; 11] = [10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000];
/// Training sets a point: where none breaks a bound, their share is below 0.05 at confidence 0.95.
const TRAINING_SETS: usize = 80;
/// The nanoseconds that all training sets together may take on one core, and what a tuple and a score of it do.
const TIME: usize = 12_000_000_000;
const TIME_A_TUPLE: usize = 200;
const TIME_A_SCORE: usize = 50;
/// The largest training set that is drawn.
const LARGEST: usize = 10_000;
/// The quantiles of a band over training sets.
const QUANTILES: (f64, f64) = (0.05, 0.95);
const CERTIFIED: &str = "the expectation's interval, at confidence 0.999";
const QUANTILE_BAND: &str = "5 % to 95 % of the drawn training sets";

/// How many steps [`curves`] takes where there are encoders.
const STEPS: u64 = (NEGATIVES.len() + POSITIVES.len() + TRAINING_SETS) as u64;

/// All plots. The encoders are a class `F`; the plots over `N` and `M` show the last of them alone. Without
/// encoders there is only what the bounds add to the contrastive loss.
///
/// # Errors
/// Those of the crate's losses and bounds.
pub fn curves(subject: &Subject, encoders: &[Encoder], seed: u64, bar: &ProgressBar) -> Result<Curves> {
    if !encoders.is_empty() {
        bar.set_message("curves");
        bar.inc_length(STEPS);
    }
    let progress = || bar.inc(1);
    let counts = subject.setting.counts;
    let over_negatives = NEGATIVES.map(|n| (n, Counts::new(counts.positives, n)));
    let over_positives = POSITIVES.map(|m| (m, Counts::new(m, counts.negatives)));
    let (samples, violations) = over_samples(subject, encoders, seed, &progress)?;
    let last = encoders.last();
    let panels = vec![
        Panel { grows: "negatives", series: over(subject, last, &over_negatives, seed, &progress)? },
        Panel { grows: "positives", series: over(subject, last, &over_positives, seed, &progress)? },
        Panel { grows: "samples", series: samples },
    ];
    Ok(Curves { reading: "sum", panels, violations })
}

/// What the corrected and the published theorem add to the contrastive loss.
fn additions(setting: &Theorem, subject: &Subject) -> Result<(f64, f64)> {
    Ok((setting.corrected(&subject.source())?.total(), subject.published(setting)?))
}

fn over(
    subject: &Subject,
    encoder: Option<&Encoder>,
    grid: &[(usize, Counts)],
    seed: u64,
    progress: &impl Fn(),
) -> Result<Vec<Series>> {
    // One encoder, so that nothing is added for choosing among several.
    let subject = Subject { encoders: 1, ..*subject };
    let (mut corrected, mut published, mut contrastive) = (Vec::new(), Vec::new(), Vec::new());
    for (x, counts) in grid {
        let setting = subject.setting(*counts, Estimator::TrueNegatives);
        let (more, more_published) = additions(&setting, &subject)?;
        let loss = match encoder {
            Some(Encoder { world, .. }) => {
                let loss = Interval::from(world.loss(&setting.estimator, counts, &effort(counts, seed))?);
                contrastive.push(Point::banded(*x, &loss));
                progress();
                loss.value
            }
            None => 0.0,
        };
        corrected.push(Point::sharp(*x, loss + more));
        published.push(Point::sharp(*x, loss + more_published));
    }
    let xs: Vec<usize> = grid.iter().map(|(x, _)| *x).collect();
    let mut series = vec![plain(Curve::Corrected, corrected), plain(Curve::Published, published)];
    if let Some(encoder) = encoder {
        series.push(Series { curve: Curve::Contrastive, band: Some(CERTIFIED), points: contrastive });
        let level = |y: f64| xs.iter().map(|x| Point::sharp(*x, y)).collect();
        series.push(plain(Curve::MeanClassifier, level(encoder.mean_classifier)));
        series.push(plain(Curve::BestLinear, level(encoder.best_linear)));
    }
    Ok(series)
}

fn plain(curve: Curve, points: Vec<Point>) -> Series {
    Series { curve, band: None, points }
}

/// Over `T`, each training set choosing the encoder `f̂` whose loss on it is least.
fn over_samples(
    subject: &Subject,
    encoders: &[Encoder],
    seed: u64,
    progress: &(impl Fn() + Sync),
) -> Result<(Vec<Series>, Vec<Violations>)> {
    let Theorem { counts, estimator, .. } = subject.setting;
    let mut least = f64::INFINITY;
    for encoder in encoders {
        least = least.min(encoder.world.loss(&estimator, &counts, &effort(&counts, seed))?.value);
    }
    let base = if encoders.is_empty() { 0.0 } else { least };
    let (mut corrected, mut published, mut rights) = (Vec::new(), Vec::new(), Vec::new());
    for samples in SAMPLES {
        let setting = Theorem { samples, ..subject.setting };
        let (more, more_published) = additions(&setting, subject)?;
        corrected.push(Point::sharp(samples, base + more));
        published.push(Point::sharp(samples, base + more_published));
        rights.push((samples, base + more_published, base + more));
    }
    let mut series = vec![plain(Curve::Corrected, corrected), plain(Curve::Published, published)];
    if encoders.is_empty() {
        return Ok((series, Vec::new()));
    }
    let score = |encoder: &Encoder| encoder.world.dimension() + TIME_A_SCORE;
    let scores = (counts.positives + counts.negatives) * encoders.iter().map(score).sum::<usize>();
    let most = (TIME / TRAINING_SETS / (TIME_A_TUPLE + scores)).clamp(SAMPLES[0], LARGEST);
    let drawn: Vec<usize> = SAMPLES.into_iter().filter(|samples| *samples <= most).collect();
    let chosen = training_sets(subject, encoders, &drawn, seed, progress)?;
    let curve = |curve, of: &dyn Fn(&Chosen) -> f64| Series {
        curve,
        band: Some(QUANTILE_BAND),
        points: drawn.iter().enumerate().map(|(k, samples)| quantiles(*samples, &chosen, k, of)).collect(),
    };
    series.push(curve(Curve::Contrastive, &|chosen| chosen.loss));
    series.push(curve(Curve::MeanClassifier, &|chosen| encoders[chosen.encoder].mean_classifier));
    series.push(curve(Curve::BestLinear, &|chosen| encoders[chosen.encoder].best_linear));
    let violations = rights.iter().take(drawn.len()).enumerate();
    let violations = violations.map(|(k, (samples, published, corrected))| {
        let above =
            |right: f64| chosen.iter().filter(|set| encoders[set[k].encoder].best_linear > right).count();
        let (published, corrected) = (above(*published), above(*corrected));
        Violations {
            samples: *samples,
            draws: TRAINING_SETS,
            published,
            published_interval: clopper_pearson(published, TRAINING_SETS),
            corrected,
            corrected_interval: clopper_pearson(corrected, TRAINING_SETS),
        }
    });
    let violations = violations.collect();
    Ok((series, violations))
}

/// What a training set decides on: the encoder of the least loss, and that loss.
#[derive(Debug, Clone, Copy)]
struct Chosen {
    encoder: usize,
    loss: f64,
}

/// For each training set and each number of its first tuples, what it decides on.
fn training_sets(
    subject: &Subject,
    encoders: &[Encoder],
    sizes: &[usize],
    seed: u64,
    progress: &(impl Fn() + Sync),
) -> Result<Vec<Vec<Chosen>>> {
    let Theorem { counts, estimator, .. } = subject.setting;
    let (first, largest) = (&encoders[0], sizes.last().copied().unwrap_or(1));
    let one = |set: usize| -> Result<Vec<Chosen>> {
        // Streams of neighbouring seeds are as good as any, but the counts of other parts begin at `seed`.
        let seed = seed.wrapping_add(1_000_000_007).wrapping_add(set as u64);
        let samples = first.world.training_set(&estimator, &counts, largest, seed)?;
        let losses = encoders.iter().map(|encoder| encoder.world.losses(&estimator, &counts, &samples));
        let losses = losses.collect::<Result<Vec<Vec<f64>>>>()?;
        progress();
        Ok(sizes.iter().map(|size| choose(&losses, *size)).collect())
    };
    let workers = thread::available_parallelism().map_or(1, usize::from).min(TRAINING_SETS);
    thread::scope(|scope| {
        let one = &one;
        let share = |worker: usize| move || (worker..TRAINING_SETS).step_by(workers).map(one).collect();
        let handles: Vec<_> = (0..workers).map(|worker| scope.spawn(share(worker))).collect();
        let mut sets = Vec::new();
        for handle in handles {
            let share: Result<Vec<Vec<Chosen>>> = match handle.join() {
                Ok(share) => share,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            sets.extend(share?);
        }
        Ok(sets)
    })
}

fn choose(losses: &[Vec<f64>], size: usize) -> Chosen {
    let means = losses.iter().map(|losses| losses[..size].iter().sum::<f64>() / size as f64);
    let chosen = means.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
    chosen.map_or(Chosen { encoder: 0, loss: f64::NAN }, |(encoder, loss)| Chosen { encoder, loss })
}

fn quantiles(x: usize, chosen: &[Vec<Chosen>], k: usize, of: &dyn Fn(&Chosen) -> f64) -> Point {
    let mut values: Vec<f64> = chosen.iter().map(|set| of(&set[k])).collect();
    values.sort_by(f64::total_cmp);
    let at = |quantile: f64| values[(quantile * (values.len() - 1) as f64).round() as usize];
    Point { x: x as f64, y: at(0.5), lower: at(QUANTILES.0), upper: at(QUANTILES.1) }
}

/// The interval for a probability of which `hits` of `draws` were seen, at confidence 0.95.
fn clopper_pearson(hits: usize, draws: usize) -> [f64; 2] {
    let (hits, misses) = (hits as f64, (draws - hits) as f64);
    let end = |a: f64, b: f64, p: f64| Beta::new(a, b).map_or(f64::NAN, |beta| beta.inverse_cdf(p));
    let lower = if hits == 0.0 { 0.0 } else { end(hits, misses + 1.0, 0.025) };
    let upper = if misses == 0.0 { 1.0 } else { end(hits + 1.0, misses, 0.975) };
    [lower, upper]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clopper_and_pearson_of_none_and_of_half() {
        let [lower, upper] = clopper_pearson(0, 40);
        assert_eq!(lower, 0.0);
        // (1 - p)^40 = 0.025.
        assert!(((1.0 - upper).powi(40) - 0.025).abs() < 1e-6);
        let [lower, upper] = clopper_pearson(20, 40);
        assert!((lower + upper - 1.0).abs() < 1e-6 && lower < 0.5);
        assert_eq!(clopper_pearson(40, 40)[1], 1.0);
    }
}

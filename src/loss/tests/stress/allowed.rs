//! How far a careful program may be off, in the words of Ko et al.'s losses.
//!
//! Let `u` be the rounding unit of the type that a loss is computed in. A score is known to about `u/t`, and a sum of `n`
//! kernels to `u log n` more: `ε = 8u(κ r²/t + log n)` with `r` the largest norm and `κ = max(1, √d/16)`. Cancellation
//! inside `g1` and `g2` magnifies that by `a = (A + τB)/F`, the exponent of the weights by `b = 2β+1`. Where `A - τB` is
//! not known to lie on one side of the floor, the loss may have any value in between, and either gradient.

use super::arrays::{Array, arrays};
use crate::loss::recipe::Recipe;
use intnacl_reference::{Batch, Loss, Negatives, Request, Settings, Tuples, Weight};

/// Array and row.
type Row = (usize, usize);

/// An anchor with what it is compared with.
#[derive(Clone)]
struct Contrast {
    anchor: Row,
    positives: Vec<Row>,
    negatives: Vec<Row>,
    debias: Vec<Row>,
}

#[derive(Default)]
struct Image {
    clean: Vec<Contrast>,
    mixed: Vec<Contrast>,
    robust: Vec<Contrast>,
}

/// What may be off.
pub(super) struct Allowed {
    pub(super) per_anchor: Vec<f64>,
    /// Of each array, for each row: of the gradient by it, times its norm where rows are normalised.
    pub(super) rows: Vec<Vec<f64>>,
    /// Of each array, for each row: the norm that the gradient would have if nothing cancelled, likewise.
    pub(super) sizes: Vec<Vec<f64>>,
    /// Whether rounding decides on which side of a floor an anchor is.
    pub(super) open: bool,
}

/// `log(N·G)` with its bounds and the sizes of its derivatives.
struct Estimate {
    log: f64,
    bounds: [f64; 2],
    /// `a b`.
    amplification: f64,
    negatives: Vec<f64>,
    debias: Vec<f64>,
    open: bool,
}

/// A term's value, what it may be off, and the sizes of its derivatives by positives, negatives and draws of positives.
struct Term {
    value: f64,
    error: f64,
    sizes: [Vec<f64>; 3],
}

struct Field {
    arrays: Vec<Vec<Vec<f64>>>,
    temperature: f64,
    unit: f64,
    epsilon: f64,
    tiny: f64,
}

pub(super) fn allowed(request: &Request, unit: f64, tiny: f64) -> Allowed {
    let (loss, settings, given, images) = match request {
        Request::Tuples { loss, settings, data } => (loss, settings, arrays(data), of_tuples(data)),
        Request::Batch { loss, settings, data } => (loss, settings, arrays(data), of_batch(data)),
        Request::Supervised { .. } => unreachable!("not drawn"),
    };
    allowed_of(loss, settings, &given, &images, unit, tiny)
}

fn allowed_of(
    loss: &Loss,
    settings: &Settings,
    given: &[Array],
    images: &[Image],
    unit: f64,
    tiny: f64,
) -> Allowed {
    let recipe = Recipe::new(loss);
    let prepared = |row: &Vec<f64>| {
        let norm = if settings.normalize { norm(row) } else { 1.0 };
        row.iter().map(|x| x / norm).collect::<Vec<f64>>()
    };
    let rows: Vec<Vec<Vec<f64>>> =
        given.iter().map(|array| array.rows.iter().map(prepared).collect()).collect();
    let d = rows[0][0].len() as f64;
    let radius = rows.iter().flatten().map(|row| norm(row)).fold(0.0, f64::max);
    let count = images[0].clean[0].negatives.len() + images[0].clean[0].positives.len() + 1;
    let spread = (d.sqrt() / 16.0).max(1.0) * radius * radius / settings.temperature + (count as f64).ln();
    let epsilon = 8.0 * unit * spread;
    let field = Field { arrays: rows, temperature: settings.temperature, unit, epsilon, tiny };
    let zeros = || given.iter().map(|array| vec![0.0; array.rows.len()]).collect::<Vec<_>>();
    let mut allowed = Allowed { per_anchor: Vec::new(), rows: zeros(), sizes: zeros(), open: false };
    for image in images {
        let error = field.image(&recipe, image, images.len() as f64, &mut allowed);
        allowed.per_anchor.push(error);
    }
    allowed.rows =
        allowed.sizes.iter().map(|sizes| sizes.iter().map(|size| epsilon * size).collect()).collect();
    allowed
}

impl Field {
    fn image(&self, recipe: &Recipe, image: &Image, count: f64, allowed: &mut Allowed) -> f64 {
        let mut error = 0.0;
        let share = |terms: usize| (count * terms as f64 * self.temperature).recip();
        if recipe.single || recipe.joint {
            for contrast in &image.clean {
                let estimate = self.estimate(&recipe.negatives, contrast);
                allowed.open |= estimate.open;
                for joint in [false, true] {
                    if if joint { recipe.joint } else { recipe.single } {
                        let term = self.term(&estimate, contrast, joint);
                        error += term.error / image.clean.len() as f64;
                        self.spread(contrast, &term.sizes, share(image.clean.len()), allowed);
                    }
                }
            }
            for contrast in image.mixed.iter().filter(|_| recipe.lambda.is_some()) {
                let lambda = recipe.lambda.unwrap_or(0.0);
                let estimate = self.estimate(&recipe.negatives, contrast);
                allowed.open |= estimate.open;
                let term = self.mixed(&estimate, contrast, lambda);
                error += term.error / image.mixed.len() as f64;
                self.spread(contrast, &term.sizes, share(image.mixed.len()), allowed);
            }
        }
        let Some(robust) = &recipe.robust else { return error };
        let mean = |contrasts: &[Contrast], estimator: &Negatives, open: &mut bool| {
            let (mut value, mut error, mut all) = (0.0, 0.0, Vec::new());
            for contrast in contrasts {
                let estimate = self.estimate(estimator, contrast);
                *open |= estimate.open;
                let term = self.term(&estimate, contrast, false);
                value += term.value / contrasts.len() as f64;
                error += term.error / contrasts.len() as f64;
                all.push(term.sizes);
            }
            (value, error, all)
        };
        let (value, off, sizes) = mean(&image.robust, &robust.negatives, &mut allowed.open);
        let (weight, weight_off, weight_sizes) = match robust.weight {
            Weight::One => (1.0, 0.0, Vec::new()),
            _ => mean(&image.clean, &robust.weight_negatives, &mut allowed.open),
        };
        let factor = robust.alpha * share(image.robust.len());
        for (contrast, sizes) in image.robust.iter().zip(&sizes) {
            self.spread(contrast, sizes, factor * (weight + weight_off / self.epsilon), allowed);
        }
        if robust.weight == Weight::AdversarialWithGradient {
            let factor = robust.alpha * share(image.clean.len());
            for (contrast, sizes) in image.clean.iter().zip(&weight_sizes) {
                self.spread(contrast, sizes, factor * (value + off / self.epsilon), allowed);
            }
        }
        let product = weight * off + value * weight_off + off * weight_off;
        error + robust.alpha * (product + 4.0 * self.unit * weight * value)
    }

    /// Adds the sizes of derivatives by scores to the rows that the scores are made of.
    fn spread(&self, contrast: &Contrast, sizes: &[Vec<f64>; 3], factor: f64, allowed: &mut Allowed) {
        let lists = [&contrast.positives, &contrast.negatives, &contrast.debias];
        let norm_of = |(array, row): Row| norm(&self.arrays[array][row]);
        // Derivatives underflow before they are multiplied.
        let underflow = 8.0 * self.tiny / self.epsilon;
        for (rows, sizes) in lists.into_iter().zip(sizes) {
            for (row, size) in rows.iter().zip(sizes) {
                let (anchor, size) = (contrast.anchor, (size + underflow) * factor);
                allowed.sizes[anchor.0][anchor.1] += size * norm_of(*row);
                allowed.sizes[row.0][row.1] += size * norm_of(anchor);
            }
        }
    }

    fn scores(&self, contrast: &Contrast, rows: &[Row]) -> Vec<f64> {
        let anchor = &self.arrays[contrast.anchor.0][contrast.anchor.1];
        let dot = |row: &Row| {
            anchor.iter().zip(&self.arrays[row.0][row.1]).map(|(x, y)| x * y).sum::<f64>() / self.temperature
        };
        rows.iter().map(dot).collect()
    }

    fn estimate(&self, estimator: &Negatives, contrast: &Contrast) -> Estimate {
        let scores = self.scores(contrast, &contrast.negatives);
        let count = (scores.len() as f64).ln();
        let (tau_plus, beta) = match *estimator {
            Negatives::G0 => {
                let (sum, softmax) = log_sum_exp(&scores);
                return Estimate {
                    log: sum,
                    bounds: [sum - self.epsilon, sum + self.epsilon],
                    amplification: 1.0,
                    negatives: softmax,
                    debias: Vec::new(),
                    open: false,
                };
            }
            Negatives::G1 { tau_plus } => (tau_plus, 0.0),
            Negatives::G2 { tau_plus, beta } => (tau_plus, beta.min(1e30)),
        };
        let (above, softmax_above) = softmax(&scores, beta + 1.0);
        let (below, softmax_below) = softmax(&scores, beta);
        let log_a = largest(&scores) + above - below;
        let draws = self.scores(contrast, &contrast.debias);
        let (log_b, softmax) = log_sum_exp(&draws);
        let log_tau_b = log_b - (draws.len() as f64).ln() + tau_plus.ln();
        let log_floor = -self.temperature.recip() + (-tau_plus).ln_1p();
        let shift = log_a.max(log_tau_b).max(log_floor);
        let (a, b, floor) = ((log_a - shift).exp(), (log_tau_b - shift).exp(), (log_floor - shift).exp());
        let exponent = 2.0 * beta + 1.0;
        let width = self.epsilon * exponent * (a + b);
        let log = |numerator: f64| {
            let value = numerator.max(floor);
            let log = if value > 0.0 { value.ln() + shift } else { log_floor };
            log - (-tau_plus).ln_1p() + count
        };
        let numerator = a - b;
        let open = (numerator - floor).abs() <= 2.0 * width;
        let floored = numerator < floor && !open;
        let value = numerator.max(floor);
        let amplification = if floored || value <= 0.0 { 0.0 } else { (a + b) / value * exponent };
        let size = |above: &f64, below: &f64| a / value * ((beta + 1.0) * above + beta * below);
        let live = |size: f64| if floored || value <= 0.0 { 0.0 } else { size };
        Estimate {
            log: log(numerator),
            bounds: [log(numerator - width), log(numerator + width)],
            amplification,
            negatives: softmax_above.iter().zip(&softmax_below).map(|(x, y)| live(size(x, y))).collect(),
            debias: softmax.iter().map(|softmax| live(b / value * softmax)).collect(),
            open,
        }
    }

    /// `-log P/(P + N·G)`.
    fn term(&self, estimate: &Estimate, contrast: &Contrast, joint: bool) -> Term {
        let count = if joint { contrast.positives.len() } else { 1 };
        let positives = self.scores(contrast, &contrast.positives[..count]);
        let (sum, softmax) = log_sum_exp(&positives);
        let (value, omega) = softplus(estimate.log - sum);
        let off = estimate.bounds.map(|bound| (softplus(bound - sum).0 - value).abs());
        let error = self.epsilon * omega + off[0].max(off[1]) + 8.0 * self.unit * value + self.tiny;
        let careful = 1.0 + estimate.amplification;
        Term {
            value,
            error,
            sizes: [
                softmax.iter().map(|softmax| omega * softmax * careful).collect(),
                estimate.negatives.iter().map(|size| omega * careful * size).collect(),
                estimate.debias.iter().map(|size| omega * careful * size).collect(),
            ],
        }
    }

    /// `-λ log Ω - (1-λ) log(1-Ω)`.
    fn mixed(&self, estimate: &Estimate, contrast: &Contrast, lambda: f64) -> Term {
        let positive = self.scores(contrast, &contrast.positives)[0];
        let value =
            |log: f64| lambda * softplus(log - positive).0 + (1.0 - lambda) * softplus(positive - log).0;
        let off = estimate.bounds.map(|bound| (value(bound) - value(estimate.log)).abs());
        let (_, omega) = softplus(estimate.log - positive);
        let slope = lambda * omega + (1.0 - lambda) * (1.0 - omega);
        let unit = 8.0 * self.unit * value(estimate.log);
        let careful = 1.0 + estimate.amplification;
        Term {
            value: value(estimate.log),
            error: self.epsilon * slope + off[0].max(off[1]) + unit + self.tiny,
            sizes: [
                vec![careful],
                estimate.negatives.iter().map(|size| careful * size).collect(),
                estimate.debias.iter().map(|size| careful * size).collect(),
            ],
        }
    }
}

fn largest(scores: &[f64]) -> f64 {
    scores.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b))
}

/// `log Σ e^{power (s - max s)}`, and the shares of its terms.
fn softmax(scores: &[f64], power: f64) -> (f64, Vec<f64>) {
    let largest = largest(scores);
    let kernels: Vec<f64> = scores.iter().map(|score| ((score - largest) * power).exp()).collect();
    let sum: f64 = kernels.iter().sum();
    (sum.ln(), kernels.iter().map(|kernel| kernel / sum).collect())
}

fn log_sum_exp(scores: &[f64]) -> (f64, Vec<f64>) {
    let (relative, shares) = softmax(scores, 1.0);
    (largest(scores) + relative, shares)
}

fn softplus(x: f64) -> (f64, f64) {
    let small = (-x.abs()).exp();
    (x.max(0.0) + small.ln_1p(), if x > 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) })
}

pub(super) fn norm(row: &[f64]) -> f64 {
    row.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn of_batch(batch: &Batch) -> Vec<Image> {
    let b = batch.views[0].nrows();
    let (mixed, adversarial) = (1, if batch.mixed.is_some() { 2 } else { 1 });
    let anchors = if batch.symmetric { 2 } else { 1 };
    (0..b)
        .map(|i| {
            let contrast = |pair: [&dyn Fn(usize) -> Row; 2], anchor: usize, more: Vec<Row>| Contrast {
                anchor: pair[anchor](i),
                positives: std::iter::once(pair[1 - anchor](i)).chain(more).collect(),
                negatives: (0..2)
                    .flat_map(|view| (0..b).filter(|k| *k != i).map(move |k| (view, k)))
                    .map(|(view, k)| pair[view](k))
                    .collect(),
                debias: vec![pair[1 - anchor](i)],
            };
            let view = |v: usize| move |k: usize| (0, v * b + k);
            let (first, second) = (view(0), view(1));
            let further = || (2..batch.views.len()).map(|v| (0, v * b + i)).collect();
            let clean: Vec<Contrast> =
                (0..anchors).map(|anchor| contrast([&first, &second], anchor, further())).collect();
            let terms = batch.mixed.as_ref().map_or(0, Vec::len);
            let mixed =
                (0..terms).map(|j| Contrast { positives: vec![(mixed, j * b + i)], ..clean[0].clone() });
            let adversarial = move |k: usize| (adversarial, k);
            let robust =
                (0..anchors).map(|anchor| contrast([&first, &adversarial], anchor, Vec::new())).collect();
            Image { mixed: mixed.collect(), clean: clean.clone(), robust }
        })
        .collect()
}

fn of_tuples(tuples: &Tuples) -> Vec<Image> {
    let place = |name: &str| arrays(tuples).iter().position(|array| array.name == name).unwrap_or(0);
    let rows = |name: &str, each: usize, i: usize| -> Vec<Row> {
        let array = place(name);
        (i * each..(i + 1) * each).map(|row| (array, row)).collect()
    };
    (0..tuples.anchor.nrows())
        .map(|i| {
            let positives = rows("positives", tuples.positives[0].nrows(), i);
            let negatives = rows("negatives", tuples.negatives[0].nrows(), i);
            let debias = match &tuples.debias_positives {
                Some(debias) => rows("debias_positives", debias[0].nrows(), i),
                None => positives[..1].to_vec(),
            };
            let anchor = (0, i);
            let clean = Contrast { anchor, positives, negatives, debias };
            let terms = tuples.mixed.as_ref().map_or(0, |mixed| mixed[0].nrows());
            let mixed = (0..terms).map(|j| {
                let negatives = match &tuples.mixed_negatives {
                    Some(lists) => rows("mixed_negatives", lists[0][0].nrows(), i * terms + j),
                    None => clean.negatives.clone(),
                };
                Contrast { positives: rows("mixed", terms, i)[j..=j].to_vec(), negatives, ..clean.clone() }
            });
            let negatives = match &tuples.adversarial_negatives {
                Some(lists) => rows("adversarial_negatives", lists[0].nrows(), i),
                None => clean.negatives.clone(),
            };
            let robust = Contrast { positives: rows("adversarial", 1, i), negatives, ..clean.clone() };
            Image { mixed: mixed.collect(), robust: vec![robust], clean: vec![clean.clone()] }
        })
        .collect()
}

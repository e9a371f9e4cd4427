//! What the laws are tried on: a few numbers that say how to make data, so that shrinking them shrinks the
//! data.

use super::Float;
use super::images::{Augmentation, Encoder, Rng, source, views};
use intnacl_reference::{
    Batch, Loss, LossName, Negatives, Neighborhood, RobustTerm, Settings, Tuples, Weight,
};
use nalgebra::DMatrix;
use proptest::prelude::*;
use proptest::sample::select;
use std::sync::OnceLock;

/// How the embeddings lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Geometry {
    /// Independent, uniform on the sphere.
    Random,
    /// Embeddings of the optical digits: augmented, mixed and attacked as images, then encoded.
    Digits,
    /// All within about `1e-3` of each other.
    Near,
    /// All within about `1e-8` of each other.
    Touching,
    /// Each at the anchor or opposite to it, up to rounding.
    Antipodal,
    /// All the same.
    Identical,
    /// Along the axes.
    Orthogonal,
    /// Positives and the first negative near the anchor, the others random.
    HardNegative,
}

/// An estimator without its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estimator {
    /// The plain mean.
    G0,
    /// The debiased mean.
    G1,
    /// The debiased and hardened mean.
    G2,
}

/// A neighbourhood loss without its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Combination {
    /// NCA.
    Nca,
    /// MIXNCA.
    MixNca,
    /// MIXNCA with its single-positive term replaced by NCA.
    Joined,
    /// NCA plus MIXNCA.
    Sum,
}

/// A case: sizes, parameters, and the seed of the embeddings.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// How the embeddings lie.
    pub geometry: Geometry,
    /// `B`, at least 2.
    pub images: usize,
    /// `M`, at least 1.
    pub positives: usize,
    /// `N`, at least 1, in the tuple layout.
    pub negatives: usize,
    /// `m`, at least 1, where draws of positives are given.
    pub debias: usize,
    /// `d`, at least 1.
    pub dimension: usize,
    /// `t`.
    pub temperature: f64,
    /// `τ`.
    pub tau_plus: f64,
    /// `β`.
    pub beta: f64,
    /// `α`.
    pub alpha: f64,
    /// `λ`.
    pub lambda: f64,
    /// Which estimators stand for `G¹` and `G²`.
    pub estimators: (Estimator, Estimator),
    /// `w`.
    pub weight: Weight,
    /// Which neighbourhood loss stands in IntNaCl.
    pub neighborhood: Combination,
    /// Whether view 1 is an anchor too.
    pub symmetric: bool,
    /// Whether rows are given off the sphere, to be normalised inside.
    pub normalize: bool,
    /// How many powers of 10 the norms of such rows go up and down from 1.
    pub decades: f64,
    /// The seed of the embeddings.
    pub seed: u64,
}

/// The smallest case, with the parameters that a reader expects.
pub(super) const PLAIN: Case = Case {
    geometry: Geometry::Random,
    images: 2,
    positives: 1,
    negatives: 1,
    debias: 1,
    dimension: 2,
    temperature: 0.5,
    tau_plus: 0.1,
    beta: 1.0,
    alpha: 1.0,
    lambda: 0.5,
    estimators: (Estimator::G0, Estimator::G0),
    weight: Weight::One,
    neighborhood: Combination::Nca,
    symmetric: true,
    normalize: false,
    decades: 0.6,
    seed: 0,
};

impl Default for Case {
    fn default() -> Self {
        PLAIN
    }
}

/// Draws cases. Half of them are embeddings of real images; every list begins with what a reader would
/// rather see in a counterexample. One in sixteen is larger than what a loop over small sizes would meet.
pub fn cases() -> impl Strategy<Value = Case> {
    use Geometry::*;
    let geometry = prop_oneof![
        4 => Just(Random),
        8 => Just(Digits),
        3 => select(vec![Orthogonal, Near, Touching, HardNegative]),
        1 => select(vec![Identical, Antipodal]),
    ];
    let sizes = prop_oneof![
        15 => (2..=6usize, 1..=4usize, 1..=9usize, 1..=3usize, 1..=12usize),
        1 => (7..=17usize, 5..=7usize, 10..=33usize, 4..=5usize, 13..=64usize),
    ];
    // Below 0.004 the reference needs many bits, so these temperatures are fewer.
    let temperature = prop_oneof![
        12 => select(vec![0.5, 1.0, 0.1, 0.07, 0.02, 0.005, 3.0, 10.0]),
        3 => (-2.4..1.0f64).prop_map(|exponent| 10f64.powf(exponent)),
        1 => prop_oneof![Just(0.001), (-3.0..-2.4f64).prop_map(|exponent| 10f64.powf(exponent))],
    ];
    let alpha = || prop_oneof![select(vec![1.0, 0.0, 8.0]), 0.0..8.0f64];
    let beta = prop_oneof![select(vec![1.0, 0.0, 8.0]), 0.0..8.0f64];
    let tau = prop_oneof![select(vec![0.1, 0.5, 0.01, 0.9]), 0.001..0.95f64];
    let lambda = prop_oneof![select(vec![0.5, 0.9, 1.0, 0.0]), 0.0..1.0f64];
    let weight = select(vec![Weight::One, Weight::Adversarial, Weight::AdversarialWithGradient]);
    let estimator = || select(vec![Estimator::G0, Estimator::G1, Estimator::G2]);
    let combination =
        select(vec![Combination::Nca, Combination::MixNca, Combination::Joined, Combination::Sum]);
    let norms = (prop::bool::weighted(0.2), select(vec![0.6, 6.0]));
    let choices = ((estimator(), estimator()), weight, combination, any::<bool>(), norms);
    let parameters = (temperature, tau, beta, alpha(), lambda);
    (geometry, sizes, parameters, choices, 0..1_000_000u64).prop_map(
        |(geometry, sizes, parameters, choices, seed)| {
            let (images, positives, negatives, debias, dimension) = sizes;
            let (temperature, tau_plus, beta, alpha, lambda) = parameters;
            let (estimators, weight, neighborhood, not_symmetric, (normalize, decades)) = choices;
            Case {
                geometry,
                images,
                positives,
                negatives,
                debias,
                dimension,
                temperature,
                tau_plus,
                beta,
                alpha,
                lambda,
                estimators,
                weight,
                neighborhood,
                symmetric: !not_symmetric,
                normalize,
                decades,
                seed,
            }
        },
    )
}

impl Case {
    /// Temperature and normalisation.
    pub fn settings(&self) -> Settings {
        Settings { normalize: self.normalize, ..Settings::new(self.temperature) }
    }

    /// The case with norms that a type can hold, and whose squares it can.
    pub(super) fn within(&self, float: Float) -> Self {
        let decades = if float == Float::F16 { 2.0 } else { 6.0 };
        Self { decades: self.decades.min(decades), ..self.clone() }
    }

    fn estimator(&self, which: Estimator) -> Negatives {
        match which {
            Estimator::G0 => Negatives::G0,
            Estimator::G1 => Negatives::G1 { tau_plus: self.tau_plus },
            Estimator::G2 => Negatives::G2 { tau_plus: self.tau_plus, beta: self.beta },
        }
    }

    /// `G¹`.
    pub fn first_estimator(&self) -> Negatives {
        self.estimator(self.estimators.0)
    }

    /// The robust term with `G²` and `w`.
    pub fn robust(&self) -> RobustTerm {
        RobustTerm { negatives: self.estimator(self.estimators.1), weight: self.weight }
    }

    /// NCA, MIXNCA or a combination.
    pub fn neighborhood(&self) -> Neighborhood {
        let lambda = self.lambda;
        match self.neighborhood {
            Combination::Nca => Neighborhood::Nca,
            Combination::MixNca => Neighborhood::MixNca { lambda },
            Combination::Joined => Neighborhood::Combined { lambda, joined: true },
            Combination::Sum => Neighborhood::Combined { lambda, joined: false },
        }
    }

    /// The loss of a name, one of [`LOSSES`](super::LOSSES), with the case's parameters.
    pub fn loss(&self, name: &str) -> Option<Loss> {
        let (negatives, alpha, robust, lambda) =
            (self.first_estimator(), self.alpha, self.robust(), self.lambda);
        Some(match LossName::of(name)? {
            LossName::SimClr => Loss::SimClr,
            LossName::Debiased => Loss::Debiased { tau_plus: self.tau_plus },
            LossName::HardNegative => Loss::HardNegative { tau_plus: self.tau_plus, beta: self.beta },
            LossName::Adversarial => Loss::Adversarial { alpha },
            LossName::Nca => Loss::Nca { negatives },
            LossName::MixNca => Loss::MixNca { negatives, lambda },
            LossName::Robust => Loss::Robust {
                negatives: robust.negatives,
                weight: robust.weight,
                weight_negatives: negatives,
            },
            LossName::IntCl => Loss::IntCl { negatives, alpha, robust },
            LossName::IntNaCl => {
                Loss::IntNaCl { negatives, alpha, robust, neighborhood: self.neighborhood() }
            }
        })
    }

    /// The case as it stands in the list of kept ones: what differs from the plain case.
    pub fn code(&self) -> String {
        let mut fields = Vec::new();
        let mut field = |name: &str, mine: String, plain: String, path: &str| {
            if mine != plain {
                fields.push(format!("{name}: {path}{mine}"));
            }
        };
        macro_rules! fields {
            ($($name:ident $path:literal),* $(,)?) => {
                $(field(
                    stringify!($name),
                    format!("{:?}", self.$name),
                    format!("{:?}", PLAIN.$name),
                    $path,
                );)*
            };
        }
        fields!(
            geometry "Geometry::", images "", positives "", negatives "", debias "", dimension "",
            temperature "", tau_plus "", beta "", alpha "", lambda "", weight "Weight::",
            neighborhood "Combination::", symmetric "", normalize "", decades "", seed "",
        );
        if self.estimators != PLAIN.estimators {
            let (first, second) = self.estimators;
            fields.push(format!("estimators: (Estimator::{first:?}, Estimator::{second:?})"));
        }
        fields.push("..PLAIN".to_owned());
        format!("Case {{ {} }}", fields.join(", "))
    }

    /// A stream of random numbers that depends on the seed and the purpose alone.
    pub fn rng(&self, purpose: u64) -> Rng {
        Rng::new(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ purpose)
    }

    /// A batch with `1+M` views, `M-1` mixed views and an adversarial view.
    pub fn batch(&self) -> Batch {
        if self.geometry == Geometry::Digits
            && let Some(batch) = self.digits()
        {
            return batch;
        }
        let mut rng = self.rng(1);
        let centre = sphere(&mut rng, self.dimension);
        let mut view = |k| self.rows(&mut rng, self.images, &centre, k);
        let views = (0..=self.positives).map(|k| view(k % 2)).collect();
        let mixed: Vec<_> = (1..self.positives).map(|_| view(1)).collect();
        Batch {
            views,
            symmetric: self.symmetric,
            mixed: (!mixed.is_empty()).then_some(mixed),
            adversarial: Some(view(1)),
        }
    }

    /// Tuples with everything that is optional: draws of positives, mixed and adversarial embeddings, and
    /// negatives of their own for these.
    pub fn tuples(&self) -> Tuples {
        if self.geometry == Geometry::Digits
            && let Some(batch) = self.digits()
        {
            return super::layouts::tuples_of_view_0(&batch);
        }
        let mut rng = self.rng(2);
        let (b, d, terms) = (self.images, self.dimension, self.positives - 1);
        let centres: Vec<Vec<f64>> = (0..b).map(|_| sphere(&mut rng, d)).collect();
        let mut each = |count: usize, kind: usize| -> Vec<DMatrix<f64>> {
            centres.iter().map(|centre| self.rows(&mut rng, count, centre, kind)).collect()
        };
        let anchors = each(1, 0);
        let positives = each(self.positives, 1);
        let negatives = each(self.negatives, 2);
        let debias = each(self.debias, 1);
        let mixed = each(terms, 1);
        let adversarial = each(1, 1);
        let adversarial_negatives = each(self.negatives + 1, 2);
        let mixed_negatives: Vec<Vec<_>> = (0..terms).map(|_| each(self.negatives, 2)).collect();
        let by_anchor = (0..b).map(|i| mixed_negatives.iter().map(|list| list[i].clone()).collect());
        Tuples {
            anchor: stack(&anchors, d),
            positives,
            negatives,
            debias_positives: Some(debias),
            mixed: Some(mixed),
            mixed_negatives: Some(by_anchor.collect()),
            adversarial: Some(stack(&adversarial, d)),
            adversarial_negatives: Some(adversarial_negatives),
        }
    }

    /// The batch of real images; nothing if the encoder cannot be made, which no dimension here causes.
    fn digits(&self) -> Option<Batch> {
        static ENCODERS: [OnceLock<Option<Encoder>>; 65] = [const { OnceLock::new() }; 65];
        let images = source();
        let encoder = ENCODERS.get(self.dimension)?.get_or_init(|| Encoder::new(images, self.dimension).ok());
        let mut rng = self.rng(3);
        let indices = images.sample(self.images, &mut rng).ok()?;
        // The attack's step does not depend on the temperature of the law.
        let recipe = Augmentation { lambda: self.lambda, ..Augmentation::new(self.positives, 0.5) };
        let mut batch = views(images, encoder.as_ref()?, &indices, &recipe, &mut rng).ok()?;
        batch.symmetric = self.symmetric;
        if self.normalize {
            let all =
                batch.views.iter_mut().chain(batch.mixed.iter_mut().flatten()).chain(&mut batch.adversarial);
            all.for_each(|matrix| stretch(&mut rng, matrix, self.decades));
        }
        Some(batch)
    }

    /// Rows of the case's geometry around a centre. `kind`: 0 anchors, 1 positives, 2 negatives.
    fn rows(&self, rng: &mut Rng, count: usize, centre: &[f64], kind: usize) -> DMatrix<f64> {
        let d = self.dimension;
        let mut matrix = DMatrix::zeros(count, d);
        for i in 0..count {
            let near = |rng: &mut Rng, distance: f64| {
                let step = sphere(rng, d);
                unit(centre.iter().zip(&step).map(|(c, s)| c + distance * s).collect())
            };
            let row = match self.geometry {
                Geometry::Random | Geometry::Digits => sphere(rng, d),
                Geometry::Near => near(rng, 1e-3),
                Geometry::Touching => near(rng, 1e-8),
                Geometry::Identical => centre.to_vec(),
                Geometry::Antipodal => {
                    let sign = if kind == 0 || rng.below(2) == 0 { 1.0 } else { -1.0 };
                    centre.iter().map(|x| sign * x).collect()
                }
                Geometry::Orthogonal => {
                    let axis = if kind == 2 { i + 1 } else { i } % d;
                    (0..d).map(|k| f64::from(u8::from(k == axis))).collect()
                }
                Geometry::HardNegative if kind < 2 || i == 0 => near(rng, 1e-2),
                Geometry::HardNegative => sphere(rng, d),
            };
            matrix.row_mut(i).copy_from_slice(&row);
        }
        if self.normalize {
            stretch(rng, &mut matrix, self.decades);
        }
        matrix
    }
}

/// Multiplies each row by a number between `10^-decades` and `10^decades`.
fn stretch(rng: &mut Rng, matrix: &mut DMatrix<f64>, decades: f64) {
    for mut row in matrix.row_iter_mut() {
        row *= 10f64.powf(rng.between(-decades, decades));
    }
}

fn stack(rows: &[DMatrix<f64>], d: usize) -> DMatrix<f64> {
    let mut matrix = DMatrix::zeros(rows.len(), d);
    for (i, row) in rows.iter().enumerate() {
        matrix.row_mut(i).copy_from(row);
    }
    matrix
}

fn unit(mut row: Vec<f64>) -> Vec<f64> {
    let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
    row.iter_mut().for_each(|x| *x /= norm);
    row
}

/// A point of the sphere.
pub(super) fn sphere(rng: &mut Rng, d: usize) -> Vec<f64> {
    loop {
        let row: Vec<f64> = (0..d).map(|_| rng.normal()).collect();
        if row.iter().any(|x| x.abs() > 1e-6) {
            return unit(row);
        }
    }
}

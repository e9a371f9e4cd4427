//! Requests chosen for the mistake that each of them catches.

use super::Case;
use super::geometry::{basis, matrix, near, on_sphere, one_ulp_off, scaled, unit};
use super::rng::Rng;
use intnacl_reference::{
    Batch, Loss, Negatives, Neighborhood, Request, RobustTerm, Settings, Tuples, Weight,
};

type Make = fn() -> Request;

const G0: Negatives = Negatives::G0;
const G1: Negatives = Negatives::G1 { tau_plus: 0.1 };
const G2: Negatives = Negatives::G2 { tau_plus: 0.1, beta: 1.0 };

pub fn cases() -> Vec<Case> {
    TABLE.iter().map(|&(name, make)| Case::new(format!("hard: {name}"), make)).collect()
}

/// The failures to look for, each with the request that shows it.
const TABLE: &[(&str, Make)] = &[
    // Ranges.
    ("exp overflows f64 at t=0.005 with beta=8 (h^9 = e^1800)", || {
        aligned(Loss::HardNegative { tau_plus: 0.05, beta: 8.0 }, 0.005)
    }),
    ("a loss of e^-400 is rounded to zero by log(1+x)", || opposite_negatives(Loss::SimClr, 0.005)),
    ("a loss of 400 at t=0.005", || opposite_positive(Loss::SimClr, 0.005)),
    ("NCA positives whose kernels span e^400", || spanning(0.005)),
    ("t=10: all kernels near 1, gradients from their differences", || {
        wide(Loss::Nca { negatives: G1 }, 10.0)
    }),
    ("t=1e-3, below any temperature in use: kernels up to e^1000", || {
        wide(Loss::Nca { negatives: G1 }, 1e-3)
    }),
    ("t=1e6, above any temperature in use", || wide(Loss::Nca { negatives: G2 }, 1e6)),
    // Sizes.
    ("4096 negatives in 8 dimensions: sums of many terms", || large(Loss::SimClr, 0.07, 4096, 8, 1)),
    ("4096 negatives, g2, t=0.5", || {
        large(Loss::HardNegative { tau_plus: 0.1, beta: 2.0 }, 0.5, 4096, 31, 2)
    }),
    ("4096 negatives in 512 dimensions", || large(Loss::Debiased { tau_plus: 0.1 }, 0.2, 4096, 512, 3)),
    ("257 negatives, 8 positives in 128 dimensions, t=0.01", || {
        large(Loss::Nca { negatives: G2 }, 0.01, 257, 128, 4)
    }),
    // Gradients that cancel.
    ("every row the same: the anchor's gradient is zero", || same_rows(0, 3)),
    ("a positive one last place from the negatives: the anchor's gradient is their difference", || {
        same_rows(1, 3)
    }),
    ("parallel rows, normalised: every gradient is zero", || parallel(0)),
    ("rows one last place from parallel, normalised: gradients of 1e-16", || parallel(1)),
    ("one opposite negative among equal ones: the anchor's gradient is e^-40", || one_opposite(0.05)),
    ("the same at t=0.005: e^-400", || one_opposite(0.005)),
    ("mixed row balanced by one negative at lambda=1/2: its gradient is zero", || balanced(0)),
    ("mixed row balanced up to a last place", || balanced(1)),
    ("a balanced mixed row beside terms with a gradient, of which the anchor's cancels", || {
        balanced_in_line()
    }),
    ("positive and negative with one score: log 2 from softplus(0)", || same_rows(0, 1)),
    ("scores that cancel to 1e-17: products of d terms", || cancelling_products()),
    // The floor away from the tie (floor.rs has the tie).
    ("floor active by far: negatives have no gradient", || floored(0.5, 0.5)),
    ("tau=0.99: the numerator is divided by 0.01", || floored(0.99, 1.0)),
    ("beta=8 over equal scores: both sums agree, R is their kernel", || {
        opposite_negatives(Loss::HardNegative { tau_plus: 0.0, beta: 8.0 }, 0.1)
    }),
    ("kernels below the floor: rows inside the sphere by the tolerance", || off_sphere(1.0 - 5e-7)),
    ("kernels above e^(1/t): rows outside the sphere by the tolerance", || off_sphere(1.0 + 5e-7)),
    // Normalisation.
    ("rows of norm 1e-150 and 1e150: their squares leave the range", || extreme_norms(150)),
    ("rows of norm 1e-300 and 1e300", || extreme_norms(300)),
    // Structure.
    ("robust weight of e^-40, its gradient flowing", || weighted(Weight::AdversarialWithGradient)),
    ("robust weight of e^-40, held constant", || weighted(Weight::Adversarial)),
    ("alpha=0 without adversarial arrays", || without_adversarial()),
    ("alpha=0 with adversarial arrays: their gradient is zero", || switched_off()),
    ("SimCLR given every optional array: their gradients are zero", || all_optional(Loss::SimClr)),
    ("combined, everything given, G1=g2 and G2=g1", || {
        let negatives = G1;
        all_optional(Loss::IntNaCl {
            negatives: G2,
            alpha: 0.7,
            robust: RobustTerm { negatives, weight: Weight::AdversarialWithGradient },
            neighborhood: Neighborhood::Combined { lambda: 0.3, joined: false },
        })
    }),
    ("batch of two images, one dimension", || batch(2, 1, 1)),
    ("batch, symmetric, 4 views, mixed and adversarial", || batch(5, 8, 4)),
];

fn rows(count: usize, row: &[f64]) -> Vec<Vec<f64>> {
    vec![row.to_vec(); count]
}

/// One anchor.
fn one(loss: Loss, t: f64, anchor: &[f64], positives: &[Vec<f64>], negatives: &[Vec<f64>]) -> Request {
    let data = Tuples::new(matrix(&[anchor.to_vec()]), vec![matrix(positives)], vec![matrix(negatives)]);
    Request::Tuples { loss, settings: Settings::new(t), data }
}

fn aligned(loss: Loss, t: f64) -> Request {
    let rng = &mut Rng::new(11);
    let x = on_sphere(rng, 4);
    let negatives = [near(rng, &x, 1e-3), near(rng, &x, 1e-2), x.clone(), on_sphere(rng, 4)];
    let positive = near(rng, &x, 0.3);
    one(loss, t, &x, &[positive], &negatives)
}

fn opposite_negatives(loss: Loss, t: f64) -> Request {
    let x = on_sphere(&mut Rng::new(12), 3);
    one(loss, t, &x, std::slice::from_ref(&x), &rows(3, &scaled(&x, -1.0)))
}

fn opposite_positive(loss: Loss, t: f64) -> Request {
    let x = on_sphere(&mut Rng::new(13), 3);
    one(loss, t, &x, &[scaled(&x, -1.0)], &rows(2, &x))
}

fn spanning(t: f64) -> Request {
    let x = basis(2, 0);
    let positives: Vec<_> = (0..8)
        .map(|k| (k as f64 / 3.5 - 1.0).clamp(-1.0, 1.0))
        .map(|c| vec![c, (1.0 - c * c).sqrt()])
        .collect();
    one(Loss::Nca { negatives: G0 }, t, &x, &positives, &[unit(vec![0.9, -0.4]), scaled(&x, -1.0)])
}

fn wide(loss: Loss, t: f64) -> Request {
    let rng = &mut Rng::new(14);
    let mut some = |count| (0..count).map(|_| on_sphere(rng, 6)).collect::<Vec<_>>();
    let (anchor, positives, negatives) = (some(1).remove(0), some(3), some(7));
    one(loss, t, &anchor, &positives, &negatives)
}

fn large(loss: Loss, t: f64, n: usize, d: usize, seed: u64) -> Request {
    let rng = &mut Rng::new(seed);
    let x = on_sphere(rng, d);
    let positives: Vec<_> = (0..8).map(|_| near(rng, &x, 0.5)).collect();
    let negatives: Vec<_> = (0..n).map(|_| on_sphere(rng, d)).collect();
    one(loss, t, &x, &positives, &negatives)
}

/// Equal rows, of which the positive may be off by a last place.
fn same_rows(ulps: usize, n: usize) -> Request {
    let rng = &mut Rng::new(15);
    let x = on_sphere(rng, 7);
    let positive = if ulps == 0 { x.clone() } else { one_ulp_off(rng, &x) };
    one(Loss::SimClr, 0.3, &x, &[positive], &rows(n, &x))
}

fn parallel(ulps: usize) -> Request {
    let rng = &mut Rng::new(16);
    let x = vec![1.0, 2.0, 3.0];
    let mut next = |factor: f64| {
        let row = scaled(&x, factor);
        if ulps == 0 { row } else { one_ulp_off(rng, &row) }
    };
    let (positive, negatives) = (next(5.0), [next(7.0), next(-0.75), next(13.0)]);
    normalizing(one(Loss::Debiased { tau_plus: 0.1 }, 0.5, &x, &[positive], &negatives))
}

fn normalizing(request: Request) -> Request {
    match request {
        Request::Tuples { loss, settings, data } => {
            Request::Tuples { loss, settings: settings.normalizing(), data }
        }
        other => other,
    }
}

fn one_opposite(t: f64) -> Request {
    let x = basis(3, 1);
    one(Loss::SimClr, t, &x, std::slice::from_ref(&x), &[x.clone(), x.clone(), scaled(&x, -1.0)])
}

/// `Ω = 1/2`: pull and push on the mixed row are equal.
fn balanced(ulps: usize) -> Request {
    let rng = &mut Rng::new(17);
    let (x, z) = (on_sphere(rng, 4), on_sphere(rng, 4));
    let negative = if ulps == 0 { z.clone() } else { one_ulp_off(rng, &z) };
    let mut data = Tuples::new(
        matrix(std::slice::from_ref(&x)),
        vec![matrix(&[near(rng, &x, 0.2), on_sphere(rng, 4)])],
        vec![matrix(&[negative])],
    );
    data.mixed = Some(vec![matrix(&[z])]);
    let loss = Loss::MixNca { negatives: G0, lambda: 0.5 };
    Request::Tuples { loss, settings: Settings::new(0.2), data }
}

/// On a line every row is the anchor or opposite to it, and each kind of term has a gradient of its own.
fn balanced_in_line() -> Request {
    let x = matrix(&[vec![1.0]]);
    let mut data = Tuples::new(x.clone(), vec![matrix(&rows(3, &[1.0]))], vec![x.clone()]);
    data.mixed = Some(vec![matrix(&rows(2, &[1.0]))]);
    data.adversarial = Some(x);
    let robust = RobustTerm { negatives: G2, weight: Weight::One };
    let neighborhood = Neighborhood::Combined { lambda: 0.5, joined: true };
    let loss = Loss::IntNaCl { negatives: G2, alpha: 2.0, robust, neighborhood };
    Request::Tuples { loss, settings: Settings::new(0.01), data }
}

fn cancelling_products() -> Request {
    let rng = &mut Rng::new(18);
    let x = on_sphere(rng, 512);
    // Swapping pairs with a sign gives a vector at a right angle, up to the rounding of its entries.
    let turned = |shift: usize| {
        (0..512)
            .map(|k| {
                let partner = x[k ^ shift] * (1.0 + 1e-16);
                if k & shift == 0 { partner } else { -partner }
            })
            .collect::<Vec<_>>()
    };
    let negatives: Vec<_> = [2, 4, 8, 16, 32].map(turned).to_vec();
    one(Loss::SimClr, 0.005, &x, &[turned(1)], &negatives)
}

fn floored(tau_plus: f64, t: f64) -> Request {
    let rng = &mut Rng::new(19);
    let x = on_sphere(rng, 5);
    let negatives: Vec<_> = (0..3).map(|_| near(rng, &scaled(&x, -1.0), 0.4)).collect();
    let positive = near(rng, &x, 0.1);
    one(Loss::HardNegative { tau_plus, beta: 0.5 }, t, &x, &[positive], &negatives)
}

fn off_sphere(norm: f64) -> Request {
    let x = scaled(&on_sphere(&mut Rng::new(20), 5), norm);
    let away = scaled(&x, -1.0);
    one(Loss::Debiased { tau_plus: 0.0 }, 0.1, &x, std::slice::from_ref(&x), &rows(2, &away))
}

fn extreme_norms(exponent: i32) -> Request {
    let rng = &mut Rng::new(21);
    let mut row = |factor: f64| scaled(&on_sphere(rng, 4), factor);
    let (small, large) = (10f64.powi(-exponent), 10f64.powi(exponent));
    let (anchor, positive, negatives) = (row(large), row(small), [row(small), row(small)]);
    normalizing(one(Loss::Debiased { tau_plus: 0.1 }, 0.2, &anchor, &[positive], &negatives))
}

fn weighted(weight: Weight) -> Request {
    let rng = &mut Rng::new(22);
    let x = on_sphere(rng, 3);
    let negatives: Vec<_> = (0..4).map(|_| near(rng, &scaled(&x, -1.0), 1e-2)).collect();
    let mut data = Tuples::new(
        matrix(std::slice::from_ref(&x)),
        vec![matrix(&[near(rng, &x, 1e-2)])],
        vec![matrix(&negatives)],
    );
    data.adversarial = Some(matrix(&[on_sphere(rng, 3)]));
    let loss = Loss::Robust { negatives: G2, weight, weight_negatives: G1 };
    Request::Tuples { loss, settings: Settings::new(0.05), data }
}

fn without_adversarial() -> Request {
    let robust = RobustTerm { negatives: G2, weight: Weight::Adversarial };
    wide(Loss::IntCl { negatives: G1, alpha: 0.0, robust }, 0.5)
}

fn switched_off() -> Request {
    let robust = RobustTerm { negatives: G0, weight: Weight::AdversarialWithGradient };
    all_optional(Loss::IntNaCl { negatives: G1, alpha: 0.0, robust, neighborhood: Neighborhood::Nca })
}

fn all_optional(loss: Loss) -> Request {
    let rng = &mut Rng::new(23);
    let mut some = |count: usize| matrix(&(0..count).map(|_| on_sphere(rng, 3)).collect::<Vec<_>>());
    let data = Tuples {
        anchor: some(2),
        positives: vec![some(3), some(3)],
        negatives: vec![some(4), some(4)],
        debias_positives: Some(vec![some(2), some(2)]),
        mixed: Some(vec![some(2), some(2)]),
        mixed_negatives: Some(vec![vec![some(4), some(4)], vec![some(4), some(4)]]),
        adversarial: Some(some(2)),
        adversarial_negatives: Some(vec![some(6), some(6)]),
    };
    Request::Tuples { loss, settings: Settings::new(0.2), data }
}

fn batch(images: usize, d: usize, m: usize) -> Request {
    let rng = &mut Rng::new(24);
    let mut view = || matrix(&(0..images).map(|_| on_sphere(rng, d)).collect::<Vec<_>>());
    let mut data = Batch::new((0..=m).map(|_| view()).collect());
    data.mixed = (m > 1).then(|| (1..m).map(|_| view()).collect());
    data.adversarial = Some(view());
    let loss = Loss::IntNaCl {
        negatives: G2,
        alpha: 1.0,
        robust: RobustTerm { negatives: G1, weight: Weight::Adversarial },
        neighborhood: Neighborhood::Combined { lambda: 0.4, joined: true },
    };
    Request::Batch { loss, settings: Settings::new(0.1), data }
}

//! Theorem B.1 with the published constant, `|L∞ - L_NCA(g0)| <= e^{3/2} √(π/2N)`, at small temperatures.

use crate::interval::Interval;
use astro_float::Consts;
use intnacl_reference::bound::{
    Class, Counts, Effort, Estimator, World, hoeffding_constant, limit_excess, published_constant,
    variance_constant,
};
use nalgebra::dmatrix;

/// Kernels are 128 and 1/128: `t = 1/ln 128 = 0.206`.
const BASE: u64 = 128;
const NEGATIVES: u64 = 4096;
/// One negative in so many is at the anchor, the others opposite.
const RARITY: u64 = 2048;
/// The anchors that see them have probability `1 - 1/100`.
const ANCHORS: u64 = 100;

/// The excess `L∞ - E L_NCA` of an anchor with its only positive at score `1/t`, enclosed:
/// `log(1 + N μ/q) - Σ_k C(N,k) p^k (1-p)^{N-k} log(1 + N g_k/q)`, with `g_k` the mean of `k` kernels `q` and
/// `N - k` kernels `1/q`.
fn excess() -> Interval {
    let mut constants = Consts::new().expect("memory");
    let natural = Interval::natural;
    let square = BASE * BASE;
    // 1 + (k q + (N-k)/q)/q = (q² + k q² + N - k)/q²
    let mut log = |k: &Interval, rest: &Interval| {
        let sum = natural(square).plus(&k.times(&natural(square))).plus(rest);
        sum.over(&natural(square)).ln(&mut constants)
    };
    let hits = natural(NEGATIVES).over(&natural(RARITY));
    let limit = log(&hits, &natural(NEGATIVES).minus(&hits));
    let miss = natural(RARITY - 1).over(&natural(RARITY));
    let mut weight = natural(1);
    for _ in 0..NEGATIVES {
        weight = weight.times(&miss);
    }
    let mut mean: Option<Interval> = None;
    for k in 0..=NEGATIVES {
        let term = weight.times(&log(&natural(k), &natural(NEGATIVES - k)));
        mean = Some(mean.map_or(term.clone(), |sum| sum.plus(&term)));
        if k < NEGATIVES {
            // C(N,k+1) p^{k+1} (1-p)^{N-k-1} from the one before.
            weight = weight.times(&natural(NEGATIVES - k)).over(&natural(k + 1)).over(&natural(RARITY - 1));
        }
    }
    limit.minus(&mean.expect("terms"))
}

/// The loss is concave in the negative mean, so that the excess of every anchor is at least 0; the anchors of
/// the first class alone exceed the published bound: `√N · 99/100 · excess > 6 > 5.617`.
#[test]
fn the_published_constant_fails_at_a_temperature_of_0_206() {
    let excess = excess();
    let root = 64; // √4096
    assert!(published_constant() < 5.617);
    assert!(excess.is_above(6 * ANCHORS, root * (ANCHORS - 1)), "{excess:?}");
}

/// The same world in floating point, where the proved constants hold.
#[test]
fn there_the_proved_constants_hold() {
    let share = 1.0 / ANCHORS as f64;
    let rare = 1.0 / RARITY as f64;
    let anchors = Class::uniform(1.0 - share, dmatrix![1.0]);
    let others =
        Class { probability: share, points: vec![rare, 1.0 - rare], embeddings: dmatrix![1.0; -1.0] };
    let t = 1.0 / (BASE as f64).ln();
    let world = World::new(&[anchors, others], t).expect("valid");
    let counts = Counts::new(1, NEGATIVES as usize);
    let effort = Effort::default();
    let limit = world.limit(&Estimator::TrueNegatives, &counts, &effort).expect("valid").value;
    let loss = world.loss(&Estimator::TrueNegatives, &counts, &effort).expect("valid").value;
    let scaled = (limit - loss) * (NEGATIVES as f64).sqrt();
    println!("√N·(L∞ - L_NCA) = {scaled} at t = {t}, published constant {}", published_constant());
    assert!(scaled > published_constant());
    assert!(scaled <= variance_constant(t).expect("valid"));
    assert!(scaled <= hoeffding_constant(t).expect("valid"));
    assert!(limit - loss <= limit_excess(&Estimator::TrueNegatives, NEGATIVES as usize, t).expect("valid"));
}

/// It fails at every smaller temperature too: the loss depends on differences of scores, so that the negatives that
/// were opposite at `t` are turned to the angle at which they score `2/t` less than the positive.
#[test]
fn it_fails_at_every_smaller_temperature() {
    let (share, rare) = (1.0 / ANCHORS as f64, 1.0 / RARITY as f64);
    let refuted = 1.0 / (BASE as f64).ln();
    let counts = Counts::new(1, NEGATIVES as usize);
    for t in [0.206, 0.2, 0.15, 0.1, 0.05, 0.02, 0.01, 0.003] {
        let cosine: f64 = 1.0 - 2.0 * t / refuted;
        let sine = (1.0 - cosine * cosine).sqrt();
        let anchors = Class::uniform(1.0 - share, dmatrix![1.0, 0.0]);
        let others = Class {
            probability: share,
            points: vec![rare, 1.0 - rare],
            embeddings: dmatrix![1.0, 0.0; cosine, sine],
        };
        let world = World::new(&[anchors, others], t).expect("valid");
        let [limit, loss] = [World::limit, World::loss].map(|of| {
            of(&world, &Estimator::TrueNegatives, &counts, &Effort::default()).expect("valid").value
        });
        let scaled = (limit - loss) * (NEGATIVES as f64).sqrt();
        assert!(scaled > 6.0, "{scaled} at t = {t}");
    }
}

use crate::loss::operators::negatives::{Summary, log_estimate};
use crate::loss::operators::score::{Scorer, plan};
use crate::{Loss, Settings};
use intnacl_reference::Negatives;
use tch::{Kind, Tensor};

const TEMPERATURES: [f64; 7] = [0.005, 0.02, 0.07, 0.1, 0.5, 1.0, 10.0];
const ESTIMATORS: [Negatives; 3] = [
    Negatives::G1 { tau_plus: 0.1 },
    Negatives::G2 { tau_plus: 0.1, beta: 1.0 },
    Negatives::G2 { tau_plus: 0.3, beta: 50.0 },
];

/// `log G` with its gradients by the scores of the negatives and of the positives.
fn estimate(
    estimator: Negatives,
    negatives: &[f64],
    debias: &[f64],
    t: f64,
    kind: Kind,
) -> (f64, Vec<f64>, Vec<f64>) {
    let leaf = |scores: &[f64]| Tensor::from_slice(scores).to_kind(kind).set_requires_grad(true);
    let (u, v) = (leaf(negatives), leaf(debias));
    let scorer = Scorer::new(&plan(&Loss::SimClr, &Settings::new(t), kind).unwrap(), kind);
    let summary = Summary::of(&estimator, &u, &scorer).unwrap();
    let count = negatives.len() as f64;
    let log = log_estimate(&estimator, &summary, &v, &scorer, count).unwrap() - count.ln();
    log.backward();
    let gradient = |leaf: &Tensor| match leaf.grad() {
        gradient if gradient.defined() => Vec::try_from(gradient.to_kind(Kind::Double)).unwrap(),
        _ => Vec::new(),
    };
    (log.double_value(&[]), gradient(&u), gradient(&v))
}

fn assert_near(found: &[f64], exact: &[f64], tolerance: f64) {
    assert_eq!(found.len(), exact.len());
    for (x, y) in found.iter().zip(exact) {
        assert!((x - y).abs() <= tolerance * y.abs().max(1.0), "{found:?}, not {exact:?}");
    }
}

#[test]
fn g0_is_the_mean() {
    let (log, by_u, by_v) = estimate(Negatives::G0, &[0.3, -1.0, 2.0], &[0.7], 0.5, Kind::Double);
    let h = [0.3_f64.exp(), (-1.0_f64).exp(), 2.0_f64.exp()];
    let sum = h.iter().sum::<f64>();
    assert_near(&[log], &[(sum / 3.0).ln()], 1e-15);
    assert_near(&by_u, &h.map(|h| h / sum), 1e-15);
    assert!(by_v.is_empty());
}

#[test]
fn g1_and_g2_are_their_formulas() {
    let (u, v, tau_plus, beta) = ([0.3_f64, -1.0, 2.0], [0.7_f64, 0.1], 0.1, 0.5);
    let h = u.map(f64::exp);
    let positive = v.map(f64::exp);
    let mean = |h: &[f64]| h.iter().sum::<f64>() / h.len() as f64;
    let g1 = (mean(&h) - tau_plus * mean(&positive)) / (1.0 - tau_plus);
    let (log, by_u, by_v) = estimate(Negatives::G1 { tau_plus }, &u, &v, 0.5, Kind::Double);
    assert_near(&[log], &[g1.ln()], 1e-15);
    assert_near(&by_u, &h.map(|h| h / (3.0 * (1.0 - tau_plus) * g1)), 1e-15);
    assert_near(&by_v, &positive.map(|h| -tau_plus * h / (2.0 * (1.0 - tau_plus) * g1)), 1e-15);

    let weights = h.map(|h| h.powf(beta));
    let total = weights.iter().sum::<f64>();
    let ratio = h.map(|h| h.powf(beta + 1.0)).iter().sum::<f64>() / total;
    let g2 = (ratio - tau_plus * mean(&positive)) / (1.0 - tau_plus);
    let (log, by_u, _) = estimate(Negatives::G2 { tau_plus, beta }, &u, &v, 0.5, Kind::Double);
    assert_near(&[log], &[g2.ln()], 1e-15);
    let slope = |h: f64| ((beta + 1.0) * h.powf(beta + 1.0) - beta * ratio * h.powf(beta)) / total;
    assert_near(&by_u, &h.map(|h| slope(h) / ((1.0 - tau_plus) * g2)), 1e-14);
}

#[test]
fn at_a_tie_with_the_floor_the_unfloored_gradient_is_taken() {
    for kind in [Kind::Double, Kind::Float] {
        for t in TEMPERATURES {
            let floor = -1.0 / t;
            for estimator in ESTIMATORS {
                let (Negatives::G1 { tau_plus } | Negatives::G2 { tau_plus, .. }) = estimator else { return };
                let (log, by_u, by_v) = estimate(estimator, &[floor; 7], &[floor], t, kind);
                assert_near(&[log], &[floor], 1e-6);
                assert_near(&by_u, &[1.0 / (7.0 * (1.0 - tau_plus)); 7], 1e-5);
                assert_near(&by_v, &[-tau_plus / (1.0 - tau_plus)], 1e-5);
            }
            // Half of the negatives are positives, and the other half is as far as can be.
            let half = Negatives::G1 { tau_plus: 0.5 };
            let (log, by_u, by_v) = estimate(half, &[floor, 0.1], &[0.1], t, kind);
            assert_near(&[log], &[floor], 1e-6);
            // Beside these kernels the floor of the lowest temperature is 0 in f32, and so is the gradient,
            // which would overflow.
            let underflows = kind == Kind::Float && t == 0.005;
            assert!(underflows || by_u[0] > 0.0 && by_v[0] < 0.0, "{kind:?} {t} {by_u:?} {by_v:?}");
        }
    }
}

#[test]
fn below_the_floor_the_gradient_is_zero() {
    for kind in [Kind::Double, Kind::Float] {
        for t in TEMPERATURES {
            for estimator in ESTIMATORS {
                // The positive is near and the negatives are far: the numerator is far below zero.
                let (log, by_u, by_v) = estimate(estimator, &[-1.0 / t, -0.9 / t], &[1.0 / t], t, kind);
                assert_near(&[log], &[-1.0 / t], 1e-6);
                assert_eq!((by_u, by_v), (vec![0.0; 2], vec![0.0]), "{kind:?} {t} {estimator:?}");
            }
        }
    }
}

#[test]
fn tau_0_and_beta_0_give_the_simpler_estimator() {
    let (u, v) = ([0.3, -1.0, 1.9], [0.7]);
    for t in [0.5, 0.005] {
        let of = |estimator| estimate(estimator, &u, &v, t, Kind::Double);
        let tau_plus = 0.2;
        assert_eq!(of(Negatives::G2 { tau_plus, beta: 0.0 }).0, of(Negatives::G1 { tau_plus }).0);
        let g0 = of(Negatives::G0);
        for estimator in [Negatives::G1 { tau_plus: 0.0 }, Negatives::G1 { tau_plus: 1e-300 }] {
            let g1 = of(estimator);
            assert_near(&[g1.0], &[g0.0], 1e-15);
            assert_near(&g1.1, &g0.1, 1e-15);
        }
    }
}

#[test]
fn a_minute_prior_still_counts_against_a_kernel_as_large() {
    // τ h(v) = e^{-100+399}, far above the negatives.
    let g1 = Negatives::G1 { tau_plus: (-100.0_f64).exp() };
    let (log, by_u, by_v) = estimate(g1, &[-199.0, 0.0], &[200.0], 0.005, Kind::Float);
    assert_eq!((log, by_u, by_v), (-200.0, vec![0.0; 2], vec![0.0]));
    // τ h(v) = e^{-100+90}, well below.
    let (log, ..) = estimate(g1, &[0.0, 0.0], &[90.0], 0.005, Kind::Float);
    assert_near(&[log], &[(-(-10.0_f64).exp()).ln_1p()], 1e-6);
}

#[test]
fn an_immense_beta_gives_the_maximum() {
    for kind in [Kind::Double, Kind::Float] {
        for beta in [1e6, 1e30, 1e300] {
            let g2 = Negatives::G2 { tau_plus: 0.0, beta };
            let (log, by_u, _) = estimate(g2, &[0.5, 1.5, -2.0], &[0.0], 0.5, kind);
            assert_near(&[log], &[1.5], 1e-6);
            assert_eq!(by_u, [0.0, 1.0, 0.0]);
        }
    }
}

#[test]
fn scores_off_the_sphere_do_not_overflow() {
    // Rows of norm 1.9 under a tolerance that allows them: far below the floor and far above.
    let t = 0.005;
    for estimator in ESTIMATORS {
        let (log, by_u, by_v) = estimate(estimator, &[-700.0, -720.0], &[700.0], t, Kind::Float);
        assert_eq!((log, by_u, by_v), (-200.0, vec![0.0; 2], vec![0.0]));
        let (log, ..) = estimate(estimator, &[700.0, 0.0], &[-700.0], t, Kind::Float);
        assert!(log.is_finite());
    }
}

#[test]
fn nan_comes_through() {
    for estimator in ESTIMATORS.into_iter().chain([Negatives::G0]) {
        let (log, ..) = estimate(estimator, &[f64::NAN, 0.0], &[0.0], 0.5, Kind::Double);
        assert!(log.is_nan());
    }
    let (log, ..) = estimate(ESTIMATORS[0], &[0.0, 0.0], &[f64::NAN], 0.5, Kind::Double);
    assert!(log.is_nan());
}

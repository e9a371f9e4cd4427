use crate::loss::operators::score::{off_diagonal, softplus};
use crate::{Layout, Loss, Settings, Tuples};
use tch::{Device, Kind, Tensor};

fn values(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).reshape([-1])).unwrap()
}

#[test]
fn softplus_keeps_its_relative_accuracy() {
    for (kind, least, epsilon) in [(Kind::Double, -700.0, 1e-15), (Kind::Float, -85.0, 3e-7)] {
        let x: Vec<f64> = (0..=1000).map(|i| least + f64::from(i) * (100.0 - least) / 1000.0).collect();
        let x = Tensor::from_slice(&x).to_kind(kind).set_requires_grad(true);
        let y = softplus(&x).unwrap();
        y.sum(None).backward();
        for ((x, y), slope) in values(&x.detach()).into_iter().zip(values(&y)).zip(values(&x.grad())) {
            let exact = if x < 0.0 { x.exp().ln_1p() } else { x + (-x).exp().ln_1p() };
            assert!((y - exact).abs() <= epsilon * exact, "softplus({x}) = {y}, not {exact}");
            let exact = 1.0 / (1.0 + (-x).exp());
            assert!((slope - exact).abs() <= epsilon * exact, "its slope at {x}: {slope}, not {exact}");
        }
    }
}

#[test]
fn the_slope_of_softplus_at_0_is_one_half() {
    let x = Tensor::zeros([1], (Kind::Double, Device::Cpu)).set_requires_grad(true);
    softplus(&x).unwrap().sum(None).backward();
    assert_eq!(values(&x.grad()), [0.5]);
}

#[test]
fn off_diagonals_keep_their_order() {
    let square = Tensor::arange(18, (Kind::Float, Device::Cpu)).reshape([2, 3, 3]);
    let rest = off_diagonal(&square).unwrap();
    assert_eq!(rest.size(), [2, 3, 2]);
    assert_eq!(values(&rest), [1., 2., 3., 5., 6., 7., 10., 11., 12., 14., 15., 16.]);
    let smallest = Tensor::arange(4, (Kind::Float, Device::Cpu)).reshape([2, 2]);
    assert_eq!(values(&off_diagonal(&smallest).unwrap()), [1.0, 2.0]);
}

#[test]
fn a_tiny_loss_is_not_lost_in_f32() {
    // Positives at the anchor, two negatives across: the loss is log(1 + 2 e^{-1/t}), about 4e-22.
    let anchor = Tensor::from_slice(&[1.0_f32, 0.0]).reshape([1, 2]).set_requires_grad(true);
    let positives = Tensor::from_slice(&[1.0_f32, 0.0]).reshape([1, 1, 2]);
    let negatives = Tensor::from_slice(&[0.0_f32, 1.0, 0.0, -1.0]).reshape([1, 2, 2]);
    let tuples = Tuples::new(anchor.shallow_clone(), positives, negatives);
    let value = tuples.value(&Loss::SimClr, &Settings::new(0.02)).unwrap();
    value.backward();
    let exact = (2.0 * (-50.0_f64).exp()).ln_1p();
    assert!((value.double_value(&[]) / exact - 1.0).abs() < 1e-5);
    // Along the positive: -ω/t.
    assert!((anchor.grad().double_value(&[0, 0]) / (-50.0 * exact) - 1.0).abs() < 1e-5);
}

#[test]
fn normalisation_reaches_rows_whose_squares_leave_f32() {
    let settings = Settings::new(0.5).normalizing();
    let value = |scale: f64| {
        let anchor = Tensor::from_slice(&[3.0_f32, 4.0]).reshape([1, 2]) * scale;
        let others = Tensor::from_slice(&[1.0_f32, 0.0, 0.0, 1.0]).reshape([1, 2, 2]) * scale;
        let tuples = Tuples::new(anchor, others.narrow(1, 0, 1), others);
        tuples.value(&Loss::SimClr, &settings).unwrap().double_value(&[])
    };
    for scale in [1e-30, 1e-10, 1e10, 1e30] {
        assert!((value(scale) - value(1.0)).abs() < 1e-6);
    }
}

#[test]
fn half_precision_gets_its_gradient_in_its_own_kind() {
    for kind in [Kind::Half, Kind::BFloat16] {
        let anchor = Tensor::eye(2, (kind, Device::Cpu)).set_requires_grad(true);
        let others = Tensor::eye(2, (kind, Device::Cpu)).unsqueeze(0).repeat([2, 1, 1]);
        let tuples = Tuples::new(anchor.shallow_clone(), others.shallow_clone(), others);
        let per_anchor = tuples.per_anchor(&Loss::SimClr, &Settings::new(0.07)).unwrap();
        assert_eq!(per_anchor.kind(), Kind::Float);
        per_anchor.mean(None).backward();
        assert_eq!(anchor.grad().kind(), kind);
    }
}

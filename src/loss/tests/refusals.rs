use crate::{Batch, Error, Layout, Loss, Negatives, Settings, Tuples};
use tch::{Device, Kind, Tensor};

const DOUBLE: (Kind, Device) = (Kind::Double, Device::Cpu);

fn tuples() -> Tuples {
    Tuples::new(
        Tensor::ones([3, 2], DOUBLE),
        Tensor::ones([3, 1, 2], DOUBLE),
        Tensor::ones([3, 4, 2], DOUBLE),
    )
}

fn refusal(layout: &impl Layout, loss: &Loss, temperature: f64) -> Error {
    layout.value(loss, &Settings::new(temperature)).unwrap_err()
}

fn message(tuples: &Tuples) -> String {
    refusal(tuples, &Loss::SimClr, 0.5).to_string()
}

#[test]
fn a_shape_that_does_not_fit_is_named() {
    let wrong = Tuples { positives: Tensor::ones([2, 1, 2], DOUBLE), ..tuples() };
    assert_eq!(message(&wrong), "positives has shape [2, 1, 2]: expected [B, M, d] = [3, _, 2]");
    let wrong = Tuples { negatives: Tensor::ones([3, 0, 2], DOUBLE), ..tuples() };
    assert!(message(&wrong).starts_with("negatives has shape [3, 0, 2]: expected at least 1"));
    let wrong = Tuples { anchor: Tensor::ones([3, 0], DOUBLE), ..tuples() };
    assert!(message(&wrong).starts_with("anchor has shape [3, 0]: expected at least 1"));
    let wrong = Tuples { anchor: Tensor::ones([3], DOUBLE), ..tuples() };
    assert!(message(&wrong).starts_with("anchor has shape [3]: expected [B, d]"));
    let wrong = Tuples { mixed_negatives: Some(Tensor::ones([3, 2, 4, 2], DOUBLE)), ..tuples() };
    assert!(message(&wrong).starts_with("mixed_negatives has shape [3, 2, 4, 2]: expected [B, M-1, N, d]"));
    let wrong = Tuples { anchor: Tensor::new(), ..tuples() };
    assert!(message(&wrong).starts_with("anchor is missing"));
}

#[test]
fn one_image_has_no_negatives() {
    let batch = Batch::new(Tensor::ones([2, 1, 3], DOUBLE));
    let message = refusal(&batch, &Loss::SimClr, 0.5).to_string();
    assert!(message.starts_with("views has shape [2, 1, 3]: expected at least 2 in dimension 1"));
    let batch = Batch::new(Tensor::ones([1, 4, 3], DOUBLE));
    assert!(refusal(&batch, &Loss::SimClr, 0.5).to_string().starts_with("views has shape [1, 4, 3]"));
}

#[test]
fn kinds_that_differ_or_are_not_floating_are_refused() {
    let wrong = Tuples { negatives: Tensor::ones([3, 4, 2], (Kind::Float, Device::Cpu)), ..tuples() };
    assert_eq!(
        message(&wrong),
        "negatives has elements of kind Float: expected Double, as the first tensor has"
    );
    let batch = Batch::new(Tensor::ones([2, 4, 3], (Kind::Int64, Device::Cpu)));
    assert!(matches!(refusal(&batch, &Loss::SimClr, 0.5), Error::Kind { .. }));
}

#[test]
fn what_the_loss_needs_must_be_there() {
    let robust = Loss::Adversarial { alpha: 1.0 };
    assert!(refusal(&tuples(), &robust, 0.5).to_string().starts_with("adversarial is missing"));
    let mixed = Loss::MixNca { negatives: Negatives::G0, lambda: 0.5 };
    assert!(tuples().value(&mixed, &Settings::new(0.5)).is_ok());
    let more = Tuples { positives: Tensor::ones([3, 2, 2], DOUBLE), ..tuples() };
    assert!(refusal(&more, &mixed, 0.5).to_string().starts_with("mixed is missing"));
    let batch = Batch::new(Tensor::ones([3, 4, 3], DOUBLE));
    assert!(refusal(&batch, &mixed, 0.5).to_string().starts_with("mixed is missing"));
    assert!(refusal(&batch, &robust, 0.5).to_string().starts_with("adversarial is missing"));
}

#[test]
fn parameters_out_of_range_are_refused() {
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let message = refusal(&tuples(), &Loss::SimClr, temperature).to_string();
        assert!(message.starts_with("temperature = "), "{message}");
    }
    let error = refusal(&tuples(), &Loss::SimClr, 1e-310);
    assert!(matches!(error, Error::Unrepresentable { argument: "temperature", .. }));
    let error = refusal(&tuples(), &Loss::Debiased { tau_plus: 1.0 }, 0.5);
    assert!(error.to_string().starts_with("tau_plus = 1"));
    let single = Batch {
        adversarial: Some(Tensor::ones([4, 3], (Kind::Float, Device::Cpu))),
        ..Batch::new(Tensor::ones([2, 4, 3], (Kind::Float, Device::Cpu)))
    };
    let error = refusal(&single, &Loss::Adversarial { alpha: 1e100 }, 0.5);
    assert!(matches!(error, Error::Unrepresentable { argument: "alpha", .. }));
}

#[test]
fn values_are_checked_on_request() {
    let settings = Settings::new(0.5);
    let check = |tuples: &Tuples, settings: &Settings| tuples.check(settings).unwrap_err().to_string();
    assert!(check(&tuples(), &settings).starts_with("anchor[0] has norm 1.414"));
    assert!(tuples().check(&settings.normalizing()).is_ok());

    let wrong = tuples();
    let _ = wrong.negatives.get(2).get(1).get(0).fill_(f64::NAN);
    assert!(check(&wrong, &settings.normalizing()).starts_with("negatives[2][1][0] = NaN"));
    let wrong = tuples();
    let _ = wrong.negatives.get(1).get(3).zero_();
    assert!(check(&wrong, &settings.normalizing()).starts_with("negatives[1][3] has norm 0"));

    // Rounding alone takes a unit vector further from the sphere than the tolerance.
    let row = Tensor::from_slice(&[0.6, 0.8]).to_kind(Kind::BFloat16);
    let views = row.reshape([1, 1, 2]).repeat([2, 3, 1]);
    assert!(Batch::new(views).check(&settings).is_ok());
}

#[test]
fn memory_that_the_system_does_not_have_is_an_error_that_says_how_much() {
    // One number, seen as far more rows than any machine can hold.
    let views = Tensor::ones([1], (Kind::Float, Device::Cpu)).expand([2, 1 << 41, 64], false);
    let error = Batch::new(views).value(&Loss::SimClr, &Settings::new(0.5).normalizing()).unwrap_err();
    assert!(matches!(error, Error::OutOfMemory { bytes } if bytes > 1 << 48), "{error}");
    assert!(error.to_string().contains("bytes"), "{error}");
}

#[test]
fn rows_that_no_loss_is_defined_for_are_refused_by_name() {
    for (place, number, expected) in
        [([1, 70, 2], f64::NAN, "views[1][70][2]"), ([0, 3, 0], f64::INFINITY, "views[0][3][0]")]
    {
        for kind in [Kind::Double, Kind::Float, Kind::BFloat16] {
            let views = Tensor::randn([2, 80, 4], (Kind::Double, Device::Cpu)).to_kind(kind);
            let _ = views.get(place[0]).get(place[1]).get(place[2]).fill_(number);
            let error =
                Batch::new(views).value(&Loss::SimClr, &Settings::new(0.5).normalizing()).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }
    let mut batch = Batch::new(Tensor::randn([2, 40, 4], (Kind::Float, Device::Cpu)));
    let adversarial = Tensor::randn([40, 4], (Kind::Float, Device::Cpu));
    let _ = adversarial.get(35).fill_(0.0);
    batch.adversarial = Some(adversarial);
    let error =
        batch.value(&Loss::Adversarial { alpha: 1.0 }, &Settings::new(0.5).normalizing()).unwrap_err();
    assert!(error.to_string().starts_with("adversarial[35]"), "{error}");
}

/// A unit row is still one when its entries were rounded to a kind, and one that is off by a tenth is not.
#[test]
fn a_row_may_leave_the_sphere_by_the_spacing_of_its_kind() {
    for kind in [Kind::Double, Kind::Float, Kind::Half, Kind::BFloat16] {
        let checked = |norm: f64| {
            let row = Tensor::from_slice(&[0.36 * norm, -0.48 * norm, 0.8 * norm]).to_kind(kind);
            Batch::new(row.expand([2, 4, 3], false)).check(&Settings::new(0.5))
        };
        assert!(checked(1.0).is_ok(), "{kind:?}");
        for norm in [0.9, 1.1] {
            let message = checked(norm).expect_err("a norm that is not 1").to_string();
            assert!(message.starts_with("views[0][0] has norm "), "{kind:?}: {message}");
        }
    }
}

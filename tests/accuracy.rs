//! How near `f32` comes to the reference on batches of ordinary size, as a figure that users may rely on.

use intnacl::tch::{Device, Kind};
use intnacl::{Answer, evaluate};
use intnacl_judge::budget::BINARY32_GRADIENT;
use intnacl_judge::{Case, Combination, Estimator, Geometry, LOSSES};
use intnacl_reference::{EvaluateRequest, Request};

#[test]
fn f32_gradients_are_within_two_millionths_of_their_norm_from_a_temperature_of_a_twentieth_up() {
    for temperature in [0.05, 0.1, 0.5, 1.0, 10.0] {
        let mut worst: f64 = 0.0;
        for name in LOSSES {
            for (images, geometry) in
                [(32, Geometry::Random), (128, Geometry::Random), (64, Geometry::Digits)]
            {
                let (tau_plus, estimators, seed) = (0.05, (Estimator::G2, Estimator::G1), images as u64);
                let sizes = Case {
                    images,
                    positives: 2,
                    dimension: 64,
                    neighborhood: Combination::MixNca,
                    ..Case::default()
                };
                let case = Case { geometry, temperature, tau_plus, estimators, seed, ..sizes };
                let mut data = case.batch();
                // The question is what arithmetic costs, not what rounding the embeddings does.
                let views = data.views.iter_mut().chain(data.mixed.iter_mut().flatten());
                for view in views.chain(&mut data.adversarial) {
                    view.iter_mut().for_each(|entry| *entry = f64::from(*entry as f32));
                }
                let settings = case.settings().normalizing();
                let request =
                    Request::Batch { loss: case.loss(name).expect("a loss of the list"), settings, data };
                let exact = request.evaluate().unwrap();
                let found = evaluate(&request, Device::Cpu, Kind::Float).unwrap();
                let (Answer::Batch(exact), Answer::Batch(found)) = (exact, found) else { unreachable!() };
                let arrays = exact.gradient.views.iter().zip(&found.gradient.views);
                let adversarial = exact.gradient.adversarial.iter().zip(&found.gradient.adversarial);
                for (exact, found) in arrays.chain(adversarial) {
                    let error = (exact - found).norm();
                    let context = format!("{name}, t = {temperature}, {images} images, {geometry:?}");
                    assert!(
                        error <= BINARY32_GRADIENT * exact.norm(),
                        "{context}: {:e}",
                        error / exact.norm()
                    );
                    worst = worst.max(if error > 0.0 { error / exact.norm() } else { 0.0 });
                }
            }
        }
        println!("t = {temperature}: gradients within {worst:.1e} of their norm");
    }
}

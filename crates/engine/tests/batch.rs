//! Batches in slices: threads, refusals, and gradients of what the loss does not read.

use intnacl_engine::{Batch, Error, InputError, Loss, Negatives, Settings, Shape, Started, Threads, Weight};
use intnacl_judge::images::Rng;

/// Numbers without a pattern, in `[-1, 1)`.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut rng = Rng::new(seed);
    (0..count).map(|_| (2.0 * rng.uniform() - 1.0) as f32).collect()
}

fn settings(temperature: f64) -> Settings {
    Settings::new(temperature).normalizing()
}

/// Threads that begin nothing.
#[derive(Debug)]
struct Idle;

impl Threads for Idle {
    fn count(&self) -> usize {
        4
    }
    fn everywhere(&self, _: usize, _: &(dyn Fn() + Sync)) {}
}

#[test]
fn any_threads_give_the_same_bits() {
    // Enough that each thread is worth starting.
    let (images, columns) = (700, 6);
    let views = numbers(2 * images * columns, 1);
    let batch = Batch::new(Shape::new(2, images, columns).unwrap(), &views);
    let loss = Loss::HardNegative { tau_plus: 0.1, beta: 1.0 };
    // With one shift for all exponents, and with one for each anchor.
    for temperature in [0.5, 0.01] {
        let run = |threads: &dyn Threads| batch.evaluate(&loss, &settings(temperature), threads).unwrap();
        let one = run(&Started(1));
        for threads in [0, 2, 3, 7] {
            assert_eq!(one, run(&Started(threads)), "{threads} threads at {temperature}");
        }
        assert_eq!(one, run(&Idle), "threads that begin nothing, at {temperature}");
    }
}

#[test]
fn an_entry_that_is_not_finite_is_named_with_its_value() {
    let mut views = numbers(2 * 80 * 4, 2);
    views[(80 + 70) * 4 + 2] = f32::NEG_INFINITY;
    let batch = Batch::new(Shape::new(2, 80, 4).unwrap(), &views);
    let error = batch.evaluate(&Loss::SimClr, &settings(0.5), &Started(1)).unwrap_err();
    assert_eq!(error.to_string(), "views[1][70][2] = -inf: expected a finite number");
}

#[test]
fn a_row_of_zeros_is_named_where_rows_are_normalised() {
    let views = numbers(2 * 40 * 4, 3);
    let mut adversarial = numbers(40 * 4, 4);
    adversarial[35 * 4..36 * 4].fill(0.0);
    let batch =
        Batch { adversarial: Some(&adversarial), ..Batch::new(Shape::new(2, 40, 4).unwrap(), &views) };
    let loss = Loss::Adversarial { alpha: 1.0 };
    let error = batch.evaluate(&loss, &settings(0.5), &Started(1)).unwrap_err();
    assert!(
        matches!(&error, Error::Input(InputError::ZeroVector { argument }) if argument == "adversarial[35]")
    );
    assert!(batch.evaluate(&loss, &Settings::new(0.5), &Started(1)).is_ok());
}

#[test]
fn a_row_whose_norm_leaves_f64_is_named_and_is_not_called_zero() {
    let rows = [1.0, 0.0, 0.0, 1.0, 1e200, 0.0, 0.0, 1.0];
    let batch = Batch::new(Shape::new(2, 2, 2).unwrap(), &rows);
    let error = batch.evaluate(&Loss::SimClr, &Settings::new(0.5), &Started(1)).unwrap_err();
    assert!(
        matches!(&error, Error::Overflow { argument, .. } if argument == "norm of views[1][0]"),
        "{error}"
    );
    let normalized = batch.evaluate(&Loss::SimClr, &Settings::new(0.5).normalizing(), &Started(1));
    assert!(normalized.is_ok(), "a row of any norm can be normalised: {normalized:?}");
}

#[test]
fn arrays_of_another_length_are_refused_with_both_lengths() {
    let views = numbers(2 * 5 * 3, 5);
    let shape = Shape::new(2, 5, 3).unwrap();
    let refusal = |batch: Batch<'_, f32>| {
        batch.evaluate(&Loss::SimClr, &settings(0.5), &Started(1)).unwrap_err().to_string()
    };
    let message = refusal(Batch::new(shape, &views[1..]));
    assert_eq!(message, "views has shape [29]: expected the entries of [2, 5, 3] in order");
    let message = refusal(Batch { mixed: Some(&views[..16]), ..Batch::new(shape, &views) });
    assert_eq!(message, "mixed has shape [16]: expected the entries of [1, 5, 3] in order");
    let message = refusal(Batch { adversarial: Some(&[]), ..Batch::new(shape, &views) });
    assert_eq!(message, "adversarial has shape [0]: expected the entries of [5, 3] in order");
    let huge = Shape::new(usize::MAX, usize::MAX, usize::MAX).unwrap();
    assert!(refusal(Batch::new(huge, &views)).starts_with("views has shape [30]"));
}

#[test]
fn arrays_that_the_loss_reads_must_be_there() {
    let views = numbers(3 * 5 * 3, 6);
    let batch = Batch::new(Shape::new(3, 5, 3).unwrap(), &views);
    let refusal = |loss| batch.evaluate(&loss, &settings(0.5), &Started(1)).unwrap_err().to_string();
    assert!(refusal(Loss::Adversarial { alpha: 1.0 }).starts_with("adversarial is missing"));
    assert!(refusal(Loss::MixNca { negatives: Negatives::G0, lambda: 0.5 }).starts_with("mixed is missing"));
    assert!(batch.evaluate(&Loss::Adversarial { alpha: 0.0 }, &settings(0.5), &Started(1)).is_ok());
}

#[test]
fn parameters_that_f32_cannot_hold_are_refused_and_f64_takes_them() {
    let views = numbers(2 * 5 * 3, 7);
    let wide: Vec<f64> = views.iter().map(|x| f64::from(*x)).collect();
    let shape = Shape::new(2, 5, 3).unwrap();
    let small = settings(1e-40);
    let error = Batch::new(shape, &views).evaluate(&Loss::SimClr, &small, &Started(1)).unwrap_err();
    assert!(matches!(error, Error::Unrepresentable { argument: "temperature", .. }), "{error}");
    assert!(Batch::new(shape, &wide).evaluate(&Loss::SimClr, &small, &Started(1)).is_ok());
    let loss = Loss::Adversarial { alpha: 1e100 };
    let batch = Batch { adversarial: Some(&views[..15]), ..Batch::new(shape, &views) };
    let error = batch.evaluate(&loss, &settings(0.5), &Started(1)).unwrap_err();
    assert!(matches!(error, Error::Unrepresentable { argument: "alpha", .. }), "{error}");
}

#[test]
fn a_gradient_beyond_the_type_is_an_error_that_names_an_entry() {
    // Rows so short that the gradient by them, which grows with the inverse of their norm, leaves f32.
    let views: Vec<f32> = numbers(2 * 5 * 3, 8).into_iter().map(|x| x * 1e-38).collect();
    let batch = Batch::new(Shape::new(2, 5, 3).unwrap(), &views);
    let error = batch.evaluate(&Loss::SimClr, &settings(0.001), &Started(1)).unwrap_err();
    let Error::Overflow { argument, value, .. } = error else { panic!("{error}") };
    assert!(argument.starts_with("gradient.views[") && value.is_infinite(), "{argument} = {value}");
}

#[test]
fn the_row_whose_gradient_leaves_the_type_is_named() {
    // One short row among ordinary ones.
    let (view, image, columns) = (1, 3, 3);
    let mut views = numbers(2 * 5 * columns, 8);
    let start = (view * 5 + image) * columns;
    views[start..start + columns].iter_mut().for_each(|x| *x *= 1e-38);
    let batch = Batch::new(Shape::new(2, 5, columns).unwrap(), &views);
    let error = batch.evaluate(&Loss::SimClr, &settings(0.001), &Started(1)).unwrap_err();
    assert!(error.to_string().starts_with("gradient.views[1][3]["), "{error}");
}

#[test]
fn the_gradient_by_what_the_loss_does_not_read_is_zero() {
    let (views, rest) = (numbers(3 * 5 * 3, 9), numbers(5 * 3, 10));
    let batch = Batch {
        mixed: Some(&rest),
        adversarial: Some(&rest),
        ..Batch::new(Shape::new(3, 5, 3).unwrap(), &views)
    };
    let found = batch.evaluate(&Loss::SimClr, &settings(0.5), &Started(1)).unwrap().gradient;
    assert!(found.views[..30].iter().all(|entry| *entry != 0.0));
    assert!(found.views[30..].iter().all(|entry| *entry == 0.0));
    assert_eq!((found.mixed, found.adversarial), (Some(vec![0.0; 15]), Some(vec![0.0; 15])));
    // With a weight of 1 the robust term alone reads view 0 and the adversarial view.
    let negatives = Negatives::G0;
    let loss = Loss::Robust { negatives, weight: Weight::One, weight_negatives: negatives };
    let found = batch.evaluate(&loss, &settings(0.5), &Started(1)).unwrap().gradient;
    assert!(found.views[..15].iter().all(|entry| *entry != 0.0));
    assert!(found.views[15..].iter().all(|entry| *entry == 0.0));
}

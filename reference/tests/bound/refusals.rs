//! Refusals, each with its name, index, value and the range that was expected.

use intnacl_reference::bound::{
    Class, Counts, Effort, Estimator, Sample, Solver, Source, Theorem, World, chain_gap,
    chain_gap_of_classes, concentration, hoeffding_constant, integrated_range, jensen_gap, massart,
    rademacher,
};
use nalgebra::{DMatrix, dmatrix};

fn class(probability: f64) -> Class {
    Class::uniform(probability, dmatrix![1.0, 0.0; 0.0, 1.0])
}

fn world() -> World {
    World::new(&[class(0.5), class(0.5)], 1.0).expect("valid")
}

fn message<T>(result: intnacl_reference::Result<T>) -> String {
    result.err().map_or_else(|| "accepted".into(), |error| error.to_string())
}

#[test]
fn fewer_than_two_classes() {
    let found = message(World::new(&[class(1.0)], 1.0));
    assert_eq!(found, "classes has shape 1 classes: expected at least 2 classes");
    let found = message(World::empirical(&dmatrix![1.0; 1.0], &[4, 4], 1.0));
    assert_eq!(found, "labels has shape 1 classes: expected at least 2 classes");
    assert!(message(World::new(&[], 1.0)).contains("0 classes"));
}

#[test]
fn an_empty_class() {
    let empty = Class { probability: 0.5, points: vec![], embeddings: DMatrix::zeros(0, 2) };
    let found = message(World::new(&[class(0.5), empty], 1.0));
    assert!(found.starts_with("classes[1].embeddings has shape [0][2]"), "{found}");
}

#[test]
fn probabilities_that_are_none() {
    let found = message(World::new(&[class(0.5), class(0.6)], 1.0));
    assert_eq!(found, "sum of classes.probability = 1.1: expected 1, within 1e-6");
    for bad in [0.0, -0.5, f64::NAN, f64::INFINITY] {
        let found = message(World::new(&[class(0.5), class(bad)], 1.0));
        assert!(found.starts_with("classes[1].probability = "), "{found}");
    }
    let mut uneven = class(0.5);
    uneven.points = vec![0.5, 0.4];
    let found = message(World::new(&[uneven, class(0.5)], 1.0));
    assert_eq!(found, "sum of classes[0].points = 0.9: expected 1, within 1e-6");
}

#[test]
fn embeddings_off_the_sphere() {
    let mut off = class(0.5);
    off.embeddings[(1, 1)] = 1.1;
    let found = message(World::new(&[class(0.5), off], 1.0));
    assert!(found.starts_with("classes[1].embeddings[1] has norm 1.1: expected 1"), "{found}");
    for bad in [f64::NAN, f64::INFINITY] {
        let found = message(World::empirical(&dmatrix![1.0, 0.0; bad, 0.0], &[0, 1], 1.0));
        assert!(found.starts_with("embeddings[1][0] = "), "{found}");
    }
    let mut narrow = class(0.5);
    narrow.embeddings = dmatrix![1.0; 1.0];
    assert!(
        message(World::new(&[class(0.5), narrow], 1.0)).starts_with("classes[1].embeddings has shape [2][1]")
    );
}

#[test]
fn labels_that_do_not_fit() {
    let found = message(World::empirical(&dmatrix![1.0; 1.0], &[0, 1, 2], 1.0));
    assert_eq!(found, "labels has shape [3]: expected [2], a label for each row of embeddings");
    assert!(message(World::empirical(&DMatrix::zeros(2, 0), &[0, 1], 1.0)).contains("at least 1 column"));
    assert!(message(World::empirical(&DMatrix::zeros(0, 3), &[], 1.0)).contains("at least 2 classes"));
}

#[test]
fn temperatures_that_are_none() {
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(message(World::new(&[class(0.5), class(0.5)], bad)).starts_with("temperature = "));
        assert!(message(world().at_temperature(bad)).starts_with("temperature = "));
        assert!(message(hoeffding_constant(bad)).starts_with("temperature = "));
        assert!(message(jensen_gap(2, bad)).starts_with("temperature = "));
    }
    assert!(message(world().at_temperature(1e-310)).contains("overflows"));
    assert!(message(hoeffding_constant(1e-3)).contains("overflows"));
}

#[test]
fn counts_of_0() {
    let loss = |counts: Counts| world().loss(&Estimator::TrueNegatives, &counts, &Effort::default());
    assert_eq!(message(loss(Counts::new(0, 1))), "positives = 0: expected a count of at least 1");
    assert_eq!(message(loss(Counts::new(1, 0))), "negatives = 0: expected a count of at least 1");
    assert!(message(jensen_gap(0, 1.0)).starts_with("positives = 0"));
    assert!(message(massart(1.0, 0, 5)).starts_with("functions = 0"));
    assert!(message(massart(1.0, 5, 0)).starts_with("samples = 0"));
    let none = Estimator::Debiased { tau_plus: 0.1, positive_draws: 0 };
    let found = message(world().loss(&none, &Counts::new(1, 1), &Effort::default()));
    assert!(found.starts_with("positive_draws = 0"), "{found}");
    let found = message(world().training_set(&Estimator::TrueNegatives, &Counts::new(1, 1), 0, 0));
    assert!(found.starts_with("samples = 0"), "{found}");
}

#[test]
fn parameters_out_of_range() {
    for tau_plus in [1.0, -0.1, f64::NAN] {
        let estimator = Estimator::Debiased { tau_plus, positive_draws: 1 };
        assert!(message(concentration(&estimator, 1, 1.0, 1.0)).starts_with("tau_plus = "));
    }
    for beta in [-1.0, f64::NAN, f64::INFINITY] {
        let estimator = Estimator::HardNegative { tau_plus: 0.1, beta, positive_draws: 1 };
        assert!(message(concentration(&estimator, 1, 1.0, 1.0)).starts_with("beta = "));
    }
    let debiased = Estimator::Debiased { tau_plus: 0.1, positive_draws: 1 };
    let found = message(world().bracket(&debiased, &Counts::new(1, 1), &Effort::default()));
    assert_eq!(found, "tau_plus = 0.1: expected 0: only g0 has a bracket");
    assert!(message(chain_gap(2, 0.0, 1.0)).starts_with("ratio = 0"));
    assert!(message(chain_gap_of_classes(0.5, 2, 1.0, 1.0)).starts_with("imbalance = 0.5"));
    assert!(message(chain_gap(2, f64::NAN, 1.0)).starts_with("ratio = NaN"));
    for confidence in [0.0, 1.0, f64::NAN] {
        let effort = Effort { confidence, ..Effort::default() };
        let found = message(world().loss(&Estimator::Unlabelled, &Counts::new(1, 1), &effort));
        assert!(found.starts_with("confidence = "), "{found}");
    }
    assert!(message(world().best_linear(-1.0, &Solver::default())).starts_with("radius = -1"));
    // Logits reach 2·radius/t.
    let found = world().best_linear(1e308, &Solver::default());
    assert!(matches!(found, Err(intnacl_reference::Error::Overflow { .. })), "{}", message(found));
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let found = message(World::new(&[class(0.5), class(0.5)], temperature));
        assert_eq!(found, format!("temperature = {temperature}: expected a finite number above 0"));
    }
    let solver = Solver { tolerance: f64::NAN, iterations: 10 };
    assert!(message(world().best_unconstrained(&solver)).starts_with("tolerance = NaN"));
}

#[test]
fn settings_out_of_range() {
    let setting = |classes, delta| Theorem::new(classes, Counts::new(2, 4), 100, delta, 1.0);
    let source = Source::FiniteClass { functions: 1 };
    for delta in [0.0, 1.0, -0.1, f64::NAN] {
        assert!(message(setting(3, delta).corrected(&source)).starts_with("delta = "));
        assert!(message(setting(3, delta).terms(&source)).starts_with("delta = "));
    }
    assert!(message(setting(1, 0.1).corrected(&source)).starts_with("imbalance = 0"));
    assert!(message(setting(3, 0.1).corrected(&Source::Losses(-1.0))).starts_with("complexity = -1"));
    assert!(message(setting(3, 0.1).corrected(&Source::Features(f64::NAN))).starts_with("complexity = NaN"));
    assert!(message(setting(3, 0.1).published(0.0, [1.0, f64::NAN, 1.0])).starts_with("hidden[1] = NaN"));
    let greedy = Estimator::Debiased { tau_plus: 0.5, positive_draws: 1 };
    let found = message(setting(3, 0.1).with(greedy).corrected(&source));
    assert_eq!(found, "tau_plus = 0.5: expected at most the smallest class probability");
    let found = message(Theorem { rarity: 1.5, ..setting(3, 0.1) }.validate());
    assert_eq!(found, "rarity = 1.5: expected a finite number of at least 2 (K for balanced classes)");
    assert!(message(setting(3, 0.1).massart_of_features(0)).starts_with("functions = 0"));
    assert!(message(integrated_range(1.0, -1.0, 1.0, 1.0)).starts_with("alpha = -1"));
    assert!(message(integrated_range(1.0, 1.0, f64::NAN, 1.0)).starts_with("weight = NaN"));
    assert!(message(integrated_range(1.0, 1.0, 1.0, f64::INFINITY)).starts_with("robust = inf"));
    let none = Theorem { samples: 0, ..setting(3, 0.1) };
    assert!(message(none.corrected(&source)).starts_with("samples = 0"));
}

#[test]
fn matrices_that_do_not_fit() {
    assert!(message(world().supervised_loss(&dmatrix![1.0])).starts_with("weights has shape [1][1]"));
    let bad = dmatrix![1.0, 0.0; 0.0, f64::NAN];
    assert!(message(world().supervised_loss(&bad)).starts_with("weights[1][1] = NaN"));
    assert!(message(rademacher(&DMatrix::zeros(0, 3))).starts_with("values has shape [0][3]"));
    assert!(message(rademacher(&DMatrix::zeros(1, 25))).contains("at most 24 columns"));
    assert!(message(rademacher(&dmatrix![1.0, f64::NAN])).starts_with("values[0][1] = NaN"));
    assert!(message(world().with_embeddings(&dmatrix![1.0])).starts_with("embeddings has shape [1][1]"));
}

#[test]
fn tuples_that_do_not_fit() {
    let losses = |sample: Sample| world().losses(&Estimator::TrueNegatives, &Counts::new(1, 1), &[sample]);
    let good = Sample { anchor: 0, positives: vec![1], negatives: vec![2], positive_draws: vec![] };
    assert!(losses(good.clone()).is_ok());
    assert!(message(losses(Sample { anchor: 4, ..good.clone() })).starts_with("samples[0].anchor"));
    assert!(
        message(losses(Sample { positives: vec![], ..good.clone() })).starts_with("samples[0].positives")
    );
    assert!(
        message(losses(Sample { negatives: vec![9], ..good.clone() })).starts_with("samples[0].negatives")
    );
    let draws = Sample { positive_draws: vec![1], ..good };
    assert!(message(losses(draws)).starts_with("samples[0].positive_draws"));
}

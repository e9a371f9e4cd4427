//! `explain`: closed forms of its quantities, and what its terms add up to.

use approx::assert_relative_eq;
use intnacl_judge::budget::EXACT_VALUE_ULP;
use intnacl_judge::{LOSSES, cases};
use intnacl_reference::explain::{Anchor, Explanation, Role, Term, explain};
use intnacl_reference::{
    Batch, Error, EvaluateRequest, Labelled, Loss, Negatives, Neighborhood, Objective, Request, RobustTerm,
    Settings, Tuples, Weight,
};
use nalgebra::{DMatrix, dmatrix};
use proptest::prelude::*;

/// Two numbers, each within the budget of an exact value, and the roundings of a sum and of a formula.
const LAST_BITS: f64 = 4.0 * EXACT_VALUE_ULP * f64::EPSILON;

#[track_caller]
fn close(found: f64, expected: f64) {
    assert_relative_eq!(found, expected, max_relative = LAST_BITS, epsilon = LAST_BITS);
}

/// A point of the circle whose first coordinate is `x`: its score with (1, 0) is `x/t`.
fn on_circle(x: f64) -> DMatrix<f64> {
    dmatrix![x, (1.0 - x * x).sqrt()]
}

/// One anchor, (1, 0), with one positive at score 1.2 and two negatives at scores 0 and -2, at t = 0.5.
fn data() -> Tuples {
    Tuples::new(dmatrix![1.0, 0.0], vec![on_circle(0.6)], vec![dmatrix![0.0, 1.0; -1.0, 0.0]])
}

#[track_caller]
fn explained(loss: Loss, temperature: f64, data: Tuples) -> Explanation {
    explain(&Request::Tuples { loss, settings: Settings::new(temperature), data }).expect("an explanation")
}

/// The only term of the only anchor.
#[track_caller]
fn only(explanation: Explanation) -> Term {
    let [Anchor { terms, .. }] = &explanation.anchors[..] else { panic!("{explanation:?}") };
    let [term] = &terms[..] else { panic!("{terms:?}") };
    term.clone()
}

fn derivative(term: &Term, role: Role, row: &str) -> f64 {
    let found = term.gradient.iter().find(|entry| entry.role == role && entry.row == row);
    found.unwrap_or_else(|| panic!("no {role:?} {row} in {:?}", term.gradient)).derivative
}

#[test]
fn simclr_has_a_plain_mean_and_no_draws() {
    let term = only(explained(Loss::SimClr, 0.5, data()));
    let (p, sum) = (1.2_f64.exp(), 1.0 + (-2.0_f64).exp());
    assert_eq!((term.name.as_str(), term.anchor.as_str()), ("clean side 0", "anchor[0]"));
    assert_eq!((term.counts, term.coefficient, term.floored), ([1, 2, 0], 1.0, false));
    close(term.log_positives, 1.2);
    close(term.log_mean_negatives, (sum / 2.0).ln());
    assert_eq!((term.log_mean_draws, term.log_estimate), (None, term.log_mean_negatives));
    close(term.omega, sum / (p + sum));
    close(term.value, (sum / p).ln_1p());
    assert_eq!(term.effective_negatives.hardness, 2.0);
    close(term.effective_negatives.softmax, sum * sum / (1.0 + (-4.0_f64).exp()));
    assert_eq!((term.bits_lost.estimator, term.bits_lost.slope), (0.0, 0.0));
    close(term.bits_lost.logarithms, ((p + sum).ln() / term.value).log2());

    let rows: Vec<&str> = term.gradient.iter().map(|entry| entry.row.as_str()).collect();
    assert_eq!(rows, ["positives[0][0]", "negatives[0][0]", "negatives[0][1]"]);
    close(term.gradient[0].score, 1.2);
    close(term.gradient[0].derivative, -term.omega);
    close(term.gradient[1].derivative, term.omega / sum);
    close(term.gradient[2].derivative, term.omega * (-2.0_f64).exp() / sum);
}

#[test]
fn debiased_subtracts_the_draws_and_loses_bits_by_it() {
    let tau_plus = 0.1;
    let term = only(explained(Loss::Debiased { tau_plus }, 0.5, data()));
    let (a, b) = ((1.0 + (-2.0_f64).exp()) / 2.0, 1.2_f64.exp());
    let g = (a - tau_plus * b) / (1.0 - tau_plus);
    close(term.log_mean_negatives, a.ln());
    close(term.log_mean_draws.expect("draws"), 1.2);
    close(term.log_estimate, g.ln());
    close(term.omega, 2.0 * g / (b + 2.0 * g));
    close(term.bits_lost.estimator, (a / (a - tau_plus * b)).log2());
    assert_eq!((term.floored, term.counts), (false, [1, 2, 1]));
    // The row of the first positive is the draw, too.
    close(derivative(&term, Role::Draw, "positives[0][0]"), -term.omega * tau_plus * b / (a - tau_plus * b));
    close(derivative(&term, Role::Positive, "positives[0][0]"), -term.omega);
}

#[test]
fn at_the_floor_the_negatives_have_no_slope_and_nothing_cancels() {
    let term = only(explained(Loss::Debiased { tau_plus: 0.2 }, 0.5, data()));
    assert!(term.floored);
    assert_eq!((term.log_estimate, term.bits_lost.estimator), (-2.0, 0.0));
    close(term.omega, 2.0 / (2.0 + 3.2_f64.exp()));
    for entry in &term.gradient {
        assert_eq!(entry.derivative == 0.0, entry.role != Role::Positive, "{entry:?}");
    }
    close(term.value, (2.0 * (-3.2_f64).exp()).ln_1p());
}

#[test]
fn hardness_moves_the_mean_and_leaves_fewer_negatives() {
    let term = only(explained(Loss::HardNegative { tau_plus: 0.0, beta: 2.0 }, 0.5, data()));
    let power = |k: f64| 1.0 + (-2.0 * k).exp();
    close(term.log_mean_negatives, (power(3.0) / power(2.0)).ln());
    close(term.log_estimate, term.log_mean_negatives);
    close(term.effective_negatives.hardness, power(2.0).powi(2) / power(4.0));
    close(term.effective_negatives.softmax, power(1.0).powi(2) / power(2.0));
}

#[test]
fn equal_negatives_all_count_and_one_far_ahead_counts_alone() {
    let loss = Loss::HardNegative { tau_plus: 0.0, beta: 1.0 };
    let with = |negatives| Tuples { negatives: vec![negatives], ..data() };
    let equal = only(explained(loss, 0.5, with(dmatrix![0.0, 1.0; 0.0, -1.0; 0.0, 1.0])));
    close(equal.effective_negatives.hardness, 3.0);
    close(equal.effective_negatives.softmax, 3.0);
    let ahead = only(explained(loss, 0.01, with(dmatrix![1.0, 0.0; 0.0, -1.0; 0.0, 1.0])));
    close(ahead.effective_negatives.hardness, 1.0);
}

#[test]
fn a_small_loss_is_lost_to_a_difference_of_logarithms() {
    // Scores 20 and -20: the value is e^-40, of which log(P + N·G) - log P = 20 - 20 keeps nothing.
    let data = Tuples { positives: vec![dmatrix![1.0, 0.0]], negatives: vec![dmatrix![-1.0, 0.0]], ..data() };
    let term = only(explained(Loss::SimClr, 0.05, data));
    close(term.value, (-40.0_f64).exp());
    close(term.bits_lost.logarithms, 20.0_f64.log2() + 40.0 * std::f64::consts::LOG2_E);
    assert!(term.bits_lost.logarithms > f64::from(f64::MANTISSA_DIGITS));
}

#[test]
fn lost_bits_are_counted_to_all_digits_at_any_precision() {
    // At t = 1e-4 double-doubles do not reach; the negative at the place of the positive halves Ω.
    let data = Tuples { negatives: vec![on_circle(0.6)], ..data() };
    let term = only(explained(Loss::SimClr, 1e-4, data));
    close(term.value, 2.0_f64.ln());
    close(term.bits_lost.logarithms, ((6e3 + 2.0_f64.ln()) / 2.0_f64.ln()).log2());
    // Points so far apart that p = 0: nothing cancels in 1 - p = 1.
    let data = Labelled { labels: vec![0, 1, 0, 1], ..labelled() };
    let points = dmatrix![0.0, 0.0; 50.0, 0.0; 150.0, 0.0; 200.0, 0.0];
    let request =
        Request::Supervised { objective: Objective::TotalVariation, data: Labelled { points, ..data } };
    let explanation = explain(&request).expect("an explanation");
    let terms = explanation.anchors.iter().flat_map(|anchor| &anchor.terms);
    assert!(terms.into_iter().all(|term| (term.value, term.bits_lost.logarithms) == (1.0, 0.0)));
}

#[test]
fn a_hardness_beyond_all_measure_leaves_the_largest_negative() {
    let data = Tuples { negatives: vec![dmatrix![0.0, 1.0; -1.0, 0.0; 0.6, -0.8]], ..data() };
    for beta in [1e10, 1e50, 1e300] {
        let term = only(explained(Loss::HardNegative { tau_plus: 0.1, beta }, 0.5, data.clone()));
        close(term.log_mean_negatives, 1.2);
        close(term.log_estimate, 1.2);
        close(term.value, 4.0_f64.ln());
        close(term.effective_negatives.hardness, 1.0);
    }
}

#[test]
fn all_positives_are_summed_by_nca_and_the_first_by_others() {
    let data = Tuples { positives: vec![dmatrix![0.6, 0.8; 0.6, -0.8; 0.0, 1.0]], ..data() };
    let nca = only(explained(Loss::Nca { negatives: Negatives::G0 }, 0.5, data.clone()));
    assert_eq!(nca.counts, [3, 2, 0]);
    close(nca.log_positives, (2.0 * 1.2_f64.exp() + 1.0).ln());
    let single = only(explained(Loss::SimClr, 0.5, data));
    assert_eq!(single.counts, [1, 2, 0]);
    close(single.log_positives, 1.2);
}

#[test]
fn a_mixed_term_whose_sides_are_equal_loses_its_whole_slope() {
    // One negative at the place of the mixed row: Ω = 1/2 = λ.
    let data = Tuples {
        positives: vec![dmatrix![0.6, 0.8; 0.0, 1.0]],
        negatives: vec![on_circle(0.28)],
        mixed: Some(vec![on_circle(0.28)]),
        ..data()
    };
    for temperature in [0.5, 1e-3] {
        let loss = Loss::MixNca { negatives: Negatives::G0, lambda: 0.5 };
        let terms = explained(loss, temperature, data.clone()).anchors[0].terms.clone();
        let [clean, mixed] = &terms[..] else { panic!("{terms:?}") };
        assert_eq!((clean.name.as_str(), mixed.name.as_str()), ("clean side 0", "mixed 0"));
        close(mixed.value, 2.0_f64.ln());
        assert_eq!(mixed.bits_lost.slope, f64::INFINITY);
        assert!(mixed.gradient.iter().all(|entry| entry.derivative == 0.0), "{mixed:?}");
    }
    let loss = Loss::MixNca { negatives: Negatives::G0, lambda: 0.25 };
    let mixed = &explained(loss, 0.5, data).anchors[0].terms[1];
    close(derivative(mixed, Role::Positive, "mixed[0][0]"), 0.25);
    close(mixed.bits_lost.slope, (0.375_f64 / 0.25).log2());
}

#[test]
fn the_weight_stands_in_the_robust_terms_factor() {
    let data = Tuples { adversarial: Some(on_circle(0.5)), ..data() };
    let simclr = only(explained(Loss::SimClr, 0.5, data.clone())).value;
    let explained = |weight| {
        let robust = RobustTerm { negatives: Negatives::G0, weight };
        let loss = Loss::IntCl { negatives: Negatives::G0, alpha: 0.5, robust };
        explained(loss, 0.5, data.clone()).anchors[0].terms.clone()
    };
    let terms = explained(Weight::One);
    let names: Vec<&str> = terms.iter().map(|term| term.name.as_str()).collect();
    assert_eq!(names, ["clean side 0", "robust side 0"]);
    assert_eq!(terms[1].coefficient, 0.5);
    close(terms[1].log_positives, 1.0);

    let terms = explained(Weight::Adversarial);
    assert_eq!(terms[2].name, "weight side 0");
    assert_eq!((terms[2].value, terms[2].coefficient, terms[2].gradient_coefficient), (simclr, 0.0, 0.0));
    close(terms[1].coefficient, 0.5 * simclr);
    let terms = explained(Weight::AdversarialWithGradient);
    close(terms[2].gradient_coefficient, 0.5 * terms[1].value);
}

#[test]
fn a_batch_has_both_sides_by_the_names_of_their_rows() {
    let views = vec![dmatrix![1.0, 0.0; 0.0, 1.0], dmatrix![0.6, 0.8; -0.8, 0.6]];
    let settings = Settings::new(0.5);
    let of = |data| explain(&Request::Batch { loss: Loss::SimClr, settings, data }).expect("an explanation");
    let explanation = of(Batch::new(views.clone()));
    let [first, second] = &explanation.anchors[1].terms[..] else { panic!("{explanation:?}") };
    assert_eq!((first.name.as_str(), first.anchor.as_str()), ("clean side 0", "views[0][1]"));
    assert_eq!((second.name.as_str(), second.anchor.as_str()), ("clean side 1", "views[1][1]"));
    assert_eq!((first.coefficient, second.coefficient), (0.5, 0.5));
    close(first.log_positives, 1.2);
    let negative = |term: &Term, row: &str| {
        let found = term.gradient.iter().find(|entry| entry.row == row).expect("the row");
        (found.role, found.score)
    };
    assert_eq!(negative(first, "views[0][0]"), (Role::Negative, 0.0));
    assert_eq!(negative(first, "views[1][0]"), (Role::Negative, 1.6));
    assert_eq!(negative(second, "views[0][0]"), (Role::Negative, -1.6));
    let one_sided = of(Batch { symmetric: false, ..Batch::new(views) });
    assert_eq!(
        one_sided.anchors[1].terms,
        [Term { coefficient: 1.0, gradient_coefficient: 1.0, ..first.clone() }]
    );
}

#[test]
fn the_plain_sum_of_both_neighbourhoods_tells_its_clean_terms_apart() {
    let robust = RobustTerm { negatives: Negatives::G0, weight: Weight::One };
    let names = |joined| -> Vec<String> {
        let neighborhood = Neighborhood::Combined { lambda: 0.5, joined };
        let loss = Loss::IntNaCl { negatives: Negatives::G0, alpha: 0.0, robust, neighborhood };
        let data = Tuples {
            positives: vec![dmatrix![0.6, 0.8; 0.0, 1.0]],
            mixed: Some(vec![on_circle(0.2)]),
            ..data()
        };
        explained(loss, 0.5, data).anchors[0].terms.iter().map(|term| term.name.clone()).collect()
    };
    assert_eq!(names(true), ["clean side 0", "mixed 0"]);
    assert_eq!(names(false), ["clean side 0, all positives", "clean side 0, first positive", "mixed 0"]);
}

/// Each point has three neighbours at the same place, one of them of its own class.
fn labelled() -> Labelled {
    Labelled {
        transform: dmatrix![2.0, 0.0],
        points: dmatrix![1.0, 5.0; 1.0, 6.0; 1.0, 7.0; 1.0, 8.0],
        labels: vec![7, 7, -7, -7],
    }
}

#[test]
fn supervised_nca_is_a_term_of_temperature_1() {
    let of = |objective, data| {
        let explanation = explain(&Request::Supervised { objective, data }).expect("an explanation");
        (explanation.value, explanation.anchors[2].terms[0].clone())
    };
    let (value, term) = of(Objective::KullbackLeibler, labelled());
    close(value, 4.0 * 3.0_f64.ln());
    close(term.value, 3.0_f64.ln());
    close(term.omega, 2.0 / 3.0);
    assert_eq!((term.name.as_str(), term.anchor.as_str(), term.counts), ("point", "points[2]", [1, 2, 0]));
    assert_eq!(term.gradient[0].row, "points[3]");
    close(term.gradient[0].derivative, -2.0 / 3.0);
    let (_, term) = of(Objective::TotalVariation, labelled());
    close(term.value, 2.0 / 3.0);
    close(term.gradient[0].derivative, -2.0 / 9.0);
    close(term.bits_lost.logarithms, 1.5_f64.log2());

    let apart = Labelled { points: dmatrix![1.0, 0.0; 1.0, 0.0; 2.0, 0.0; 2.0, 0.0], ..labelled() };
    let (_, term) = of(Objective::KullbackLeibler, apart);
    close(term.log_positives, 0.0);
    close(term.log_mean_negatives, -4.0);
    close(term.value, (2.0 * (-4.0_f64).exp()).ln_1p());
}

#[test]
fn with_one_class_only_there_is_nothing_to_miss() {
    let data = Labelled { labels: vec![1; 4], ..labelled() };
    let explanation = explain(&Request::Supervised { objective: Objective::KullbackLeibler, data });
    let term = &explanation.expect("an explanation").anchors[0].terms[0];
    assert_eq!((term.value, term.omega, term.log_estimate), (0.0, 0.0, f64::NEG_INFINITY));
    assert!(term.gradient.len() == 3 && term.gradient.iter().all(|entry| entry.derivative == 0.0));
}

#[test]
fn what_evaluation_refuses_is_refused_here_in_the_same_words() {
    let refused = |data: Tuples, settings| {
        let request = Request::Tuples { loss: Loss::SimClr, settings, data };
        let error = explain(&request).expect_err("a refusal");
        // In words, since the value that is refused may be no number.
        assert_eq!(error.to_string(), request.evaluate().expect_err("a refusal").to_string());
        error
    };
    let error = refused(data(), Settings::new(0.0));
    assert!(matches!(error, Error::OutOfRange { argument, .. } if argument == "temperature"));
    let off = Tuples { negatives: vec![dmatrix![0.0, 1.0; -1.0, f64::NAN]], ..data() };
    let error = refused(off, Settings::new(0.5));
    assert!(matches!(error, Error::NotFinite { argument, .. } if argument == "negatives[0][1][1]"));
}

/// The terms of every anchor add up to its value, and no slope changes when all its scores move together.
fn check(request: &Request) -> Result<(), TestCaseError> {
    let explanation = explain(request).map_err(|error| TestCaseError::fail(error.to_string()))?;
    for Anchor { value, terms } in &explanation.anchors {
        let sum: f64 = terms.iter().map(|term| term.coefficient * term.value).sum();
        // Below the normal numbers there are no relative bits.
        let budget = LAST_BITS * value + f64::MIN_POSITIVE;
        prop_assert!((sum - value).abs() <= budget, "{sum:e} is not {value:e}: {terms:?}");
        for term in terms {
            let slopes = || {
                let free = |role| !term.floored || role == Role::Positive;
                term.gradient.iter().filter(move |entry| free(entry.role)).map(|entry| entry.derivative)
            };
            let size: f64 = slopes().map(f64::abs).sum();
            if !term.floored {
                let total: f64 = slopes().sum();
                prop_assert!(total.abs() <= LAST_BITS * size, "{total:e} of {size:e}: {term:?}");
            }
            let negatives = term.counts[1] as f64;
            for effective in [term.effective_negatives.hardness, term.effective_negatives.softmax] {
                let inside = (1.0 - LAST_BITS..=negatives * (1.0 + LAST_BITS)).contains(&effective);
                prop_assert!(inside, "{effective} of {negatives}");
            }
            let bits = term.bits_lost;
            prop_assert!(bits.estimator >= 0.0 && bits.logarithms >= 0.0 && bits.slope >= 0.0);
            prop_assert!((0.0..=1.0).contains(&term.omega));
        }
    }
    Ok(())
}

/// Each draw is tried with every loss in both layouts; `PROPTEST_CASES` asks for more of them.
fn draws() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(draws()))]

    #[test]
    fn the_terms_of_every_loss_add_up_to_its_value(case in cases()) {
        for name in LOSSES {
            let Some(loss) = case.loss(name) else { continue };
            let settings = case.settings();
            check(&Request::Tuples { loss, settings, data: case.tuples() })?;
            check(&Request::Batch { loss, settings, data: case.batch() })?;
        }
    }
}

/// Off the sphere, by the tolerance on norms, a negative can lie below the floor also where nothing is subtracted.
#[test]
fn a_floor_without_a_prior_is_said() {
    for (x, floored) in [(-1.0, false), (-1.0 - 1e-9, true)] {
        let data = Tuples::new(dmatrix![1.0, 0.0], vec![on_circle(0.6)], vec![dmatrix![x, 0.0]]);
        let loss = Loss::Debiased { tau_plus: 0.0 };
        let settings = Settings { norm_tolerance: 1e-6, ..Settings::new(0.5) };
        let explanation = explain(&Request::Tuples { loss, settings, data }).expect("an explanation");
        assert_eq!(only(explanation).floored, floored, "{x}");
    }
}

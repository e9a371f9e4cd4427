//! The table of terms: its verdicts are those of the audit.

use intnacl_reference::bound::{
    Counts, Estimator, Source, Term, Theorem, Verdict, World, chain_gap, published_constant, range,
    variance_constant,
};
use nalgebra::dmatrix;

const ONE: Source = Source::FiniteClass { functions: 1 };

fn terms(setting: &Theorem) -> Vec<Term> {
    setting.terms(&ONE).expect("valid")
}

#[track_caller]
fn term(setting: &Theorem, name: &str) -> Term {
    terms(setting).into_iter().find(|term| term.name == name).expect("a term of that name")
}

#[track_caller]
fn verdict(setting: &Theorem, name: &str) -> Verdict {
    term(setting, name).verdict
}

fn setting(m: usize, n: usize, t: f64) -> Theorem {
    Theorem::new(10, Counts::new(m, n), 50_000, 0.05, t)
}

/// Every term of every estimator has a reason, and its name once.
#[test]
fn each_term_has_a_name_of_its_own_and_a_reason() {
    for estimator in [
        Estimator::TrueNegatives,
        Estimator::Unlabelled,
        Estimator::Debiased { tau_plus: 0.1, positive_draws: 1 },
        Estimator::HardNegative { tau_plus: 0.1, beta: 1.0, positive_draws: 1 },
    ] {
        let terms = terms(&setting(5, 510, 0.5).with(estimator));
        let mut names: Vec<&str> = terms.iter().map(|term| term.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), terms.len());
        let filled =
            |term: &Term| !term.why.is_empty() && !term.formula.is_empty() && !term.source.is_empty();
        assert!(terms.iter().all(|term| term.value.is_finite() && filled(term)));
        let published = terms.iter().any(|term| term.name == "total_published");
        assert_eq!(published, matches!(estimator, Estimator::TrueNegatives | Estimator::Unlabelled));
    }
}

/// Whether a term says that it depends on the estimator is right: the others are the same with all.
#[test]
fn terms_that_do_not_depend_on_the_estimator_are_the_same_with_all() {
    let plain = terms(&setting(3, 40, 0.7));
    let debiased = Estimator::Debiased { tau_plus: 0.05, positive_draws: 2 };
    let other = terms(&setting(3, 40, 0.7).with(debiased));
    for term in &plain {
        let found = other.iter().find(|found| found.name == term.name);
        match found {
            Some(found) if !term.depends_on_estimator => assert_eq!(found, term),
            Some(found) => assert!(found.depends_on_estimator),
            None => assert_eq!(term.name, "total_published"),
        }
    }
    let differ = |name: &str| {
        let of = |terms: &[Term]| terms.iter().find(|term| term.name == name).map(|term| term.value);
        of(&plain) != of(&other)
    };
    assert!(
        ["concentration_published", "range", "lipschitz_features", "limit_excess", "total"].map(differ)
            == [true; 5]
    );
}

/// The published constant of Theorem B.1 with `g0`: proved down to 0.482, refuted from 0.206 on, open between.
#[test]
fn the_published_constant_is_judged_by_the_temperature() {
    let of = |t: f64| verdict(&setting(1, 9, t), "concentration_published");
    assert_eq!([1.0, 0.482].map(of), [Verdict::Holds; 2]);
    assert_eq!([0.481, 0.3, 0.2062].map(of), [Verdict::Open; 3]);
    assert_eq!([0.206, 0.1].map(of), [Verdict::Fails; 2]);
    let debiased = Estimator::Debiased { tau_plus: 0.1, positive_draws: 1 };
    let of = |t: f64| verdict(&setting(1, 9, t).with(debiased), "concentration_published");
    assert_eq!([1.0, 0.8, 0.79].map(of), [Verdict::Holds, Verdict::Holds, Verdict::Open]);
    assert!(variance_constant(0.8).expect("valid") <= published_constant());
}

/// `log(1 + y²) <= 0.8048 y`, which is how the excess of `g0` is set against `C/√N`.
#[test]
fn the_number_between_the_excess_and_the_published_constant_is_an_upper_bound() {
    let value = |step: u32| {
        let y = f64::from(step) * 1e-4;
        (y * y).ln_1p() / y
    };
    let most = (1..200_000).map(value).fold(0.0, f64::max);
    assert!((0.8047..0.8048).contains(&most), "{most}");
}

#[test]
fn conditions_and_claims_are_judged_by_the_counts() {
    let of = |m, n, name| verdict(&setting(m, n, 0.5), name);
    assert_eq!(of(1, 9, "negatives_published"), Verdict::Holds);
    assert_eq!(of(2, 510, "negatives_published"), Verdict::Fails);
    assert_eq!(
        [of(2, 17, "negatives_for_ratio"), of(2, 18, "negatives_for_ratio")],
        [Verdict::NotMet, Verdict::Met]
    );
    assert_eq!(
        [of(2, 34, "negatives_without_gap"), of(2, 35, "negatives_without_gap")],
        [Verdict::NotMet, Verdict::Met]
    );
    assert_eq!([of(2, 1, "range_published"), of(2, 2, "range_published")], [Verdict::Fails, Verdict::Part]);
    assert_eq!([of(1, 9, "total_published"), of(2, 9, "total_published")], [Verdict::Open, Verdict::Fails]);
    assert_eq!(
        [of(1, 9, "lipschitz_published"), of(2, 18, "lipschitz_published")],
        [Verdict::Holds, Verdict::Fails]
    );
    // CIFAR-100 in batches of 256 images: two positives need no extra term, five do.
    let hundred = |m| Theorem::new(100, Counts::new(m, 510), 50_000, 0.05, 0.5);
    assert_eq!(term(&hundred(2), "chain_gap").value, 0.0);
    assert!(term(&hundred(5), "chain_gap").value > 1.1);
    // Unbalanced classes are no case of the published lemma.
    let world = World::empirical(&dmatrix![1.0; 1.0; -1.0], &[0, 0, 1], 1.0).expect("valid");
    let unbalanced = Theorem::of(&world, Counts::new(1, 5), 10, 0.1);
    assert_eq!(verdict(&unbalanced, "negatives_published"), Verdict::Fails);
}

/// At one positive and fewer negatives than `ν = κ` the lemma still lacks `log(κ/ν)`.
#[test]
fn at_one_positive_and_too_few_negatives_the_gap_is_the_logarithm_of_what_is_missing() {
    assert!((chain_gap(1, 0.5, 0.5).expect("valid") - 2_f64.ln()).abs() < 1e-15);
    assert_eq!(chain_gap(1, 1.0, 0.5).expect("valid"), 0.0);
}

/// With priors ¼, ¼, ½ draws from the data are compared with `1/min ρ - 1 = 3`, for every `τ` up to ¼.
#[test]
fn the_threshold_of_draws_from_the_data_is_that_of_the_rarest_class() {
    let world = World::empirical(&dmatrix![1.0; -1.0; 1.0; -1.0], &[0, 1, 2, 2], 1.0).expect("valid");
    let setting = Theorem::of(&world, Counts::new(1, 5), 10, 0.1);
    assert_eq!(setting.threshold(), 3.0);
    assert_eq!(setting.with(Estimator::Unlabelled).threshold(), 3.0);
    for tau_plus in [0.0, 0.1, 0.25] {
        let debiased = setting.with(Estimator::Debiased { tau_plus, positive_draws: 1 });
        assert_eq!((debiased.threshold(), debiased.covers_estimator()), (3.0, true));
    }
    let greedy = setting.with(Estimator::Debiased { tau_plus: 0.26, positive_draws: 1 });
    assert!(!greedy.covers_estimator());
    // 1.0 of the largest loss of two positives, so that the table and the function agree.
    let most = range(&setting.estimator, &setting.counts, 1.0).expect("valid");
    assert_eq!(term(&setting, "range").value, most);
}

//! Every law on the exact reference itself, to its own budgets: multiples of the last bit.
//!
//! `PROPTEST_CASES` sets the cases a law, spread over its losses (256 by default), `LAW_SEED` their seed: a number, or
//! `fresh` for another one each time. Failures are shrunk.

use intnacl_judge::{Law, Reference, Standard, check, laws, seed_from_environment, share};

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(256)
}

fn holds(law: &Law) {
    let seed = seed_from_environment();
    for loss in law.losses {
        let report = check(law, loss, &Reference, share(law, cases()), seed, Standard::Exact);
        println!(
            "seed {seed} {:<46} {:<14} {:>6} comparisons, {:.2} of the budget",
            report.law,
            report.loss,
            report.comparisons,
            report.worst().ratio()
        );
        assert!(report.judged(), "{} on {loss}: nothing was compared", law.name);
        if let Some(found) = report.counterexample {
            panic!("seed {seed}, {} on {loss}: {}\n{}", law.name, found.message, found.case.code());
        }
    }
}

/// One test a law, named as the law is, and a test that none was forgotten.
macro_rules! laws_hold {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                let law = laws().into_iter().find(|law| law.name == stringify!($name));
                holds(&law.expect("a law of this name"));
            }
        )*

        #[test]
        fn every_law_has_its_test() {
            let tested = [$(stringify!($name)),*];
            for law in laws() {
                assert!(tested.contains(&law.name), "{} is not tested", law.name);
            }
        }
    };
}

laws_hold! {
    agrees_with_the_reference
    the_gradient_is_the_derivative_of_the_value
    values_lie_in_their_range
    g2_at_least_g1
    large_beta_gives_the_maximum
    hard_negative_is_its_formula
    the_floor_holds
    more_negatives_raise_the_loss
    rotation_of_all_embeddings
    permutation_of_negatives
    permutation_of_positives
    permutation_of_images
    temperature_scales_the_scores
    normalization_is_what_it_says
    batch_equals_tuples
    m_1_gives_simclr
    beta_0_gives_debiased
    tau_0_beta_0_gives_simclr
    tau_0_gives_hard_negative
    alpha_0_gives_nacl
    nca_and_mix_nca_meet_at_m_1
    int_nacl_at_m_1_gives_int_cl
    int_cl_with_g0_and_unit_weight_gives_adversarial
    mix_nca_at_lambda_1
    unread_arrays_do_not_matter
    absent_arrays_have_their_defaults
    the_same_request_has_the_same_answer
    permutation_of_draws_of_positives
    identical_embeddings_have_a_known_loss
    positives_and_negatives_swapped
    a_stopped_weight_is_a_factor
    rows_of_p_sum_to_1
    total_variation_is_at_most_kullback_leibler
    supervised_agrees_with_the_reference
    translation_of_all_points
    table_1_simclr
    table_1_debiased
    table_1_debiased_hard_negative
    table_1_adversarial
    table_1_int_cl
    table_1_int_nacl
    table_1_row_of_table_2
    table_1_row_of_table_4
    combined_is_made_of_its_parts
}

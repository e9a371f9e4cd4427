//! The laws by name, for macros that make tests of them. Written by `cargo run -p intnacl-judge --example names`.

/// Calls a macro with the names of all laws.
#[macro_export]
macro_rules! each_law {
    ($macro:ident) => {
        $macro! {
            agrees_with_the_reference
            the_gradient_is_the_derivative_of_the_value
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
            table_1_simclr
            table_1_debiased
            table_1_debiased_hard_negative
            table_1_adversarial
            table_1_int_cl
            table_1_int_nacl
            table_1_row_of_table_2
            table_1_row_of_table_4
            combined_is_made_of_its_parts
            values_lie_in_their_range
            g2_at_least_g1
            large_beta_gives_the_maximum
            more_negatives_raise_the_loss
            identical_embeddings_have_a_known_loss
            hard_negative_is_its_formula
            positives_and_negatives_swapped
            the_floor_holds
            a_stopped_weight_is_a_factor
            rotation_of_all_embeddings
            permutation_of_negatives
            permutation_of_positives
            permutation_of_draws_of_positives
            permutation_of_images
            temperature_scales_the_scores
            normalization_is_what_it_says
            batch_equals_tuples
            absent_arrays_have_their_defaults
            the_same_request_has_the_same_answer
            rows_of_p_sum_to_1
            total_variation_is_at_most_kullback_leibler
            supervised_agrees_with_the_reference
            translation_of_all_points
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __laws_of {
    ("adversarial" $macro:ident $arguments:tt) => {
        $crate::$macro! { $arguments "adversarial"
            agrees_with_the_reference
            the_gradient_is_the_derivative_of_the_value
            alpha_0_gives_nacl
            unread_arrays_do_not_matter
            values_lie_in_their_range
            identical_embeddings_have_a_known_loss
            rotation_of_all_embeddings
            permutation_of_negatives
            permutation_of_images
            temperature_scales_the_scores
            normalization_is_what_it_says
            batch_equals_tuples
            absent_arrays_have_their_defaults
            the_same_request_has_the_same_answer
        }
    };
    ("debiased" $macro:ident $arguments:tt) => {
        $crate::$macro! { $arguments "debiased"
            agrees_with_the_reference
            the_gradient_is_the_derivative_of_the_value
            tau_0_beta_0_gives_simclr
            unread_arrays_do_not_matter
            values_lie_in_their_range
            identical_embeddings_have_a_known_loss
            the_floor_holds
            rotation_of_all_embeddings
            permutation_of_negatives
            permutation_of_draws_of_positives
            permutation_of_images
            normalization_is_what_it_says
            batch_equals_tuples
            absent_arrays_have_their_defaults
            the_same_request_has_the_same_answer
        }
    };
    ("hard_negative" $macro:ident $arguments:tt) => {
        $crate::$macro! { $arguments "hard_negative"
            agrees_with_the_reference
            the_gradient_is_the_derivative_of_the_value
            beta_0_gives_debiased
            tau_0_beta_0_gives_simclr
            tau_0_gives_hard_negative
            unread_arrays_do_not_matter
            values_lie_in_their_range
            g2_at_least_g1
            large_beta_gives_the_maximum
            identical_embeddings_have_a_known_loss
            hard_negative_is_its_formula
            the_floor_holds
            rotation_of_all_embeddings
            permutation_of_negatives
            permutation_of_draws_of_positives
            permutation_of_images
            normalization_is_what_it_says
            batch_equals_tuples
            absent_arrays_have_their_defaults
            the_same_request_has_the_same_answer
        }
    };
    ("int_cl" $macro:ident $arguments:tt) => {
        $crate::$macro! { $arguments "int_cl"
            agrees_with_the_reference
            the_gradient_is_the_derivative_of_the_value
            beta_0_gives_debiased
            tau_0_beta_0_gives_simclr
            tau_0_gives_hard_negative
            alpha_0_gives_nacl
            int_cl_with_g0_and_unit_weight_gives_adversarial
            unread_arrays_do_not_matter
            values_lie_in_their_range
            identical_embeddings_have_a_known_loss
            rotation_of_all_embeddings
            permutation_of_negatives
            permutation_of_draws_of_positives
            permutation_of_images
            temperature_scales_the_scores
            normalization_is_what_it_says
            batch_equals_tuples
            absent_arrays_have_their_defaults
            the_same_request_has_the_same_answer
        }
    };
    ("int_nacl" $macro:ident $arguments:tt) => {
        $crate::$macro! { $arguments "int_nacl"
            agrees_with_the_reference
            the_gradient_is_the_derivative_of_the_value
            m_1_gives_simclr
            beta_0_gives_debiased
            tau_0_beta_0_gives_simclr
            tau_0_gives_hard_negative
            alpha_0_gives_nacl
            int_nacl_at_m_1_gives_int_cl
            unread_arrays_do_not_matter
            table_1_simclr
            table_1_debiased
            table_1_debiased_hard_negative
            table_1_adversarial
            table_1_int_cl
            table_1_int_nacl
            table_1_row_of_table_2
            table_1_row_of_table_4
            combined_is_made_of_its_parts
            values_lie_in_their_range
            identical_embeddings_have_a_known_loss
            rotation_of_all_embeddings
            permutation_of_negatives
            permutation_of_draws_of_positives
            permutation_of_images
            temperature_scales_the_scores
            normalization_is_what_it_says
            batch_equals_tuples
            absent_arrays_have_their_defaults
            the_same_request_has_the_same_answer
        }
    };
    ("mix_nca" $macro:ident $arguments:tt) => {
        $crate::$macro! { $arguments "mix_nca"
            agrees_with_the_reference
            the_gradient_is_the_derivative_of_the_value
            m_1_gives_simclr
            beta_0_gives_debiased
            tau_0_beta_0_gives_simclr
            tau_0_gives_hard_negative
            nca_and_mix_nca_meet_at_m_1
            mix_nca_at_lambda_1
            unread_arrays_do_not_matter
            values_lie_in_their_range
            identical_embeddings_have_a_known_loss
            rotation_of_all_embeddings
            permutation_of_negatives
            permutation_of_draws_of_positives
            permutation_of_images
            temperature_scales_the_scores
            normalization_is_what_it_says
            batch_equals_tuples
            absent_arrays_have_their_defaults
            the_same_request_has_the_same_answer
        }
    };
    ("nca" $macro:ident $arguments:tt) => {
        $crate::$macro! { $arguments "nca"
            agrees_with_the_reference
            the_gradient_is_the_derivative_of_the_value
            m_1_gives_simclr
            beta_0_gives_debiased
            tau_0_beta_0_gives_simclr
            tau_0_gives_hard_negative
            unread_arrays_do_not_matter
            values_lie_in_their_range
            more_negatives_raise_the_loss
            identical_embeddings_have_a_known_loss
            positives_and_negatives_swapped
            rotation_of_all_embeddings
            permutation_of_negatives
            permutation_of_positives
            permutation_of_draws_of_positives
            permutation_of_images
            temperature_scales_the_scores
            normalization_is_what_it_says
            batch_equals_tuples
            absent_arrays_have_their_defaults
            the_same_request_has_the_same_answer
        }
    };
    ("robust" $macro:ident $arguments:tt) => {
        $crate::$macro! { $arguments "robust"
            agrees_with_the_reference
            the_gradient_is_the_derivative_of_the_value
            beta_0_gives_debiased
            tau_0_beta_0_gives_simclr
            tau_0_gives_hard_negative
            unread_arrays_do_not_matter
            values_lie_in_their_range
            identical_embeddings_have_a_known_loss
            a_stopped_weight_is_a_factor
            rotation_of_all_embeddings
            permutation_of_negatives
            permutation_of_draws_of_positives
            permutation_of_images
            normalization_is_what_it_says
            batch_equals_tuples
            absent_arrays_have_their_defaults
            the_same_request_has_the_same_answer
        }
    };
    ("simclr" $macro:ident $arguments:tt) => {
        $crate::$macro! { $arguments "simclr"
            agrees_with_the_reference
            the_gradient_is_the_derivative_of_the_value
            unread_arrays_do_not_matter
            values_lie_in_their_range
            more_negatives_raise_the_loss
            identical_embeddings_have_a_known_loss
            positives_and_negatives_swapped
            rotation_of_all_embeddings
            permutation_of_negatives
            permutation_of_images
            temperature_scales_the_scores
            normalization_is_what_it_says
            batch_equals_tuples
            absent_arrays_have_their_defaults
            the_same_request_has_the_same_answer
        }
    };
    ("supervised_nca" $macro:ident $arguments:tt) => {
        $crate::$macro! { $arguments "supervised_nca"
            rows_of_p_sum_to_1
            total_variation_is_at_most_kullback_leibler
            supervised_agrees_with_the_reference
            translation_of_all_points
        }
    };
}

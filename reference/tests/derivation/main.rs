//! The six steps from (7) to (8): each equals the next under its assumption, and each breaks by a definite
//! amount without it.

mod allowance;
mod cases;

use allowance::*;
use cases::*;
use intnacl_reference::derivation::{
    Line, Split, cancelled_factor, contrastive, expanded_squares, exponent_gap, metric_learning, off_sphere,
    split_index_set, squared_distances,
};
use intnacl_reference::{
    Batch, Error, Evaluate, EvaluateSupervised, Labelled, Loss, Negatives, Objective, Settings, Tuples,
};
use nalgebra::{DMatrix, dmatrix};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

// ---------------------------------------------------------------------------------------------------------
// Step 1.

proptest! {
    #[test]
    fn step_1_is_supervised_nca(
        transform in vec(-2.0..2.0, 6),
        points in vec(-2.0..2.0, 27),
        labels in labels(),
    ) {
        let n = labels.len();
        let points = DMatrix::from_row_slice(9, 3, &points).rows(0, n).into_owned();
        let data = Labelled { transform: DMatrix::from_row_slice(2, 3, &transform), points, labels };
        let expected = Objective::KullbackLeibler.evaluate(&data).unwrap();
        let line = metric_learning(&data).unwrap();
        one(line.value, expected.value, LOSS)?;
        each(&line.per_anchor, &expected.per_anchor, LOSS)?;
    }
}

// ---------------------------------------------------------------------------------------------------------
// Steps 1 and 2: A x = f(x)/√(2t).

/// A transform and points in eighths, whose product is exact in f64.
fn linear_map() -> impl Strategy<Value = Labelled> {
    let eighths = |count| vec((-16..=16_i32).prop_map(|x| f64::from(x) / 8.0), count);
    (eighths(6), eighths(27), labels()).prop_map(|(transform, points, labels)| {
        let points = DMatrix::from_row_slice(9, 3, &points).rows(0, labels.len()).into_owned();
        Labelled { transform: DMatrix::from_row_slice(2, 3, &transform), points, labels }
    })
}

proptest! {
    #[test]
    fn step_1_equals_step_2_where_the_encoder_is_the_linear_map(
        data in linear_map(),
        temperature in temperature_of_exact_root(),
    ) {
        let embeddings = &data.points * data.transform.transpose() * (2.0 * temperature).sqrt();
        let encoded = squared_distances(&embeddings, &data.labels, temperature).unwrap();
        same_line(&metric_learning(&data).unwrap(), &encoded)?;
    }

    #[test]
    fn step_1_equals_step_2_but_for_the_rounding_of_the_root(case in on_the_sphere()) {
        let metric = metric_learning(&case.identity(1.0 / (2.0 * case.temperature).sqrt())).unwrap();
        let encoded = case.apply(squared_distances);
        for (metric, encoded) in metric.per_anchor.iter().zip(&encoded.per_anchor) {
            close(*metric, *encoded, 1.0 / case.temperature + encoded, ROOT)?;
        }
    }

    #[test]
    fn without_the_2_under_the_root_the_temperature_halves(
        case in at((-3..=1_i32).prop_map(|k| 4.0_f64.powi(k)), exact_rows),
    ) {
        let metric = metric_learning(&case.identity(1.0 / case.temperature.sqrt())).unwrap();
        let colder = Case { temperature: case.temperature / 2.0, ..case };
        same_line(&metric, &colder.apply(squared_distances))?;
    }

    #[test]
    fn all_six_steps_are_one_number(case in at(temperature_of_exact_root(), exact_rows)) {
        let metric = metric_learning(&case.identity(1.0 / (2.0 * case.temperature).sqrt())).unwrap();
        let tuples = case.split().tuples(&case.embeddings).unwrap();
        let contrast = contrastive(&tuples, case.temperature).unwrap();
        each(&metric.per_anchor, &contrast.per_anchor, ONE_NUMBER)?;
        one(metric.value / case.points() as f64, contrast.value, ONE_NUMBER_DIVIDED)?;
    }
}

// ---------------------------------------------------------------------------------------------------------
// Steps 2 and 3: the square.

proptest! {
    #[test]
    fn step_2_equals_step_3_on_the_sphere(case in on_the_sphere()) {
        let (squared, expanded) = (case.apply(squared_distances), case.apply(expanded_squares));
        same_line(&squared, &expanded)?;
        // There even the kernels are the same.
        for (squared, expanded) in squared.log_numerators.iter().zip(&expanded.log_numerators) {
            close(*squared, *expanded, case.scale(), DIFFERENCE)?;
        }
        prop_assert_eq!(case.apply(off_sphere).value, 0.0);
        let gap = exponent_gap(&case.embeddings, case.temperature).unwrap();
        prop_assert!(gap.iter().all(|gap| *gap == 0.0));
    }

    #[test]
    fn step_2_equals_step_3_on_any_sphere_about_the_origin(
        case in on_the_sphere(),
        log2_radius in -3..=2_i32,
    ) {
        let radius = 2.0_f64.powi(log2_radius);
        let scaled = Case { embeddings: &case.embeddings * radius, ..case.clone() };
        let expanded = scaled.apply(expanded_squares);
        same_line(&scaled.apply(squared_distances), &expanded)?;
        prop_assert_eq!(scaled.apply(off_sphere).value, 0.0);
        // Only the temperature is another then.
        let warmer = Case { temperature: case.temperature / (radius * radius), ..case };
        same_line(&expanded, &warmer.apply(cancelled_factor))?;
    }

    #[test]
    fn off_the_sphere_step_2_minus_step_3_is_what_off_sphere_says(case in anywhere()) {
        let (squared, expanded) = (case.apply(squared_distances), case.apply(expanded_squares));
        let difference = case.apply(off_sphere);
        let pairs = squared.per_anchor.iter().zip(&expanded.per_anchor);
        for ((squared, expanded), difference) in pairs.zip(&difference.per_anchor) {
            let scale = squared.abs().max(expanded.abs()).max(difference.abs());
            close(squared - expanded, *difference, scale, DIFFERENCE)?;
        }
        let scale = squared.value.max(expanded.value).max(difference.value.abs());
        close(squared.value - expanded.value, difference.value, scale, DIFFERENCE)?;
    }

    #[test]
    fn off_the_sphere_exponents_differ_by_the_gap_of_both_norms(
        embeddings in any_rows(6),
        temperature in temperature(),
    ) {
        // In classes of two a numerator is one kernel.
        let case = Case { embeddings, labels: vec![0, 0, 1, 1, 2, 2], temperature };
        let gap = exponent_gap(&case.embeddings, temperature).unwrap();
        let (squared, expanded) = (case.apply(squared_distances), case.apply(expanded_squares));
        for i in 0..case.points() {
            let (squared, expanded) = (squared.log_numerators[i], expanded.log_numerators[i]);
            let scale = squared.abs().max(expanded.abs());
            close(expanded - squared, gap[(i, i ^ 1)], scale, DIFFERENCE)?;
        }
    }

    #[test]
    fn the_norm_of_the_anchor_cancels_and_that_of_a_neighbour_does_not(
        case in on_the_sphere(),
        i in any::<prop::sample::Index>(),
    ) {
        let i = i.index(case.points());
        let mut case = case;
        case.embeddings.row_mut(i).scale_mut(2.0);
        let (squared, expanded) = (case.apply(squared_distances), case.apply(expanded_squares));
        one(squared.per_anchor[i], expanded.per_anchor[i], ONE_NUMBER)?;
        // The kernels of the anchor do differ, by e^{-(4 - 1)/(2t)}.
        let gap = expanded.log_numerators[i] - squared.log_numerators[i];
        close(gap, 1.5 / case.temperature, 4.0 * case.scale(), DIFFERENCE)?;
        let difference = case.apply(off_sphere);
        prop_assert_eq!(difference.per_anchor[i], 0.0);
        // Whoever has point i for a neighbour sees it too far away: a loss for its class, a gain for others.
        for k in (0..case.points()).filter(|&k| k != i) {
            let sign = if case.labels[k] == case.labels[i] { 1.0 } else { -1.0 };
            let found = sign * difference.per_anchor[k];
            // In the cold another neighbour can outweigh point i by more than f64 can say.
            prop_assert!(found > 0.0 || found == 0.0 && case.temperature < 0.1, "{found:e} at anchor {k}");
        }
    }

    #[test]
    fn off_sphere_is_bounded_by_the_spread_of_the_norms(case in anywhere()) {
        let gap = exponent_gap(&case.embeddings, case.temperature).unwrap();
        let difference = case.apply(off_sphere);
        for i in 0..case.points() {
            let excess = || (0..case.points()).filter(|&k| k != i).map(|k| gap[(k, k)] / 2.0);
            let (least, most) = (excess().fold(f64::MAX, f64::min), excess().fold(f64::MIN, f64::max));
            let found = difference.per_anchor[i];
            // The part of it that lies beyond the spread.
            let beyond = found.abs() - (most - least).min(found.abs());
            close(beyond, 0.0, least.abs().max(most.abs()), DIFFERENCE)?;
        }
    }

    #[test]
    fn rounding_rows_to_the_sphere_costs_an_epsilon_of_the_exponents(case in anywhere()) {
        let mut case = case;
        for mut row in case.embeddings.row_iter_mut() {
            // Away from 0, where rows cannot be normalised.
            row[0] += 2.0;
            row.normalize_mut();
        }
        let d = case.embeddings.ncols() as f64;
        // A squared norm sums d squares up, each with two roundings of half an epsilon, then its root and
        // each quotient round: (d + 6)/2 epsilons of a norm² of 1.
        let excess = (d + 6.0) / 2.0 * f64::EPSILON / (2.0 * case.temperature);
        for difference in case.apply(off_sphere).per_anchor {
            prop_assert!(difference.abs() <= 2.0 * excess);
        }
    }
}

#[test]
fn off_the_sphere_the_losses_visibly_differ() {
    // From point 0 the class is at distance² 1 + 4, the two others at 2: off by e^{-3/(2t)} in one kernel.
    let case = Case {
        embeddings: dmatrix![1.0, 0.0; 0.0, 2.0; 0.0, 1.0; 0.0, -1.0],
        labels: vec![0, 0, 1, 1],
        temperature: 1.0,
    };
    let difference = case.apply(squared_distances).per_anchor[0] - case.apply(expanded_squares).per_anchor[0];
    let expected = ((1.0 + 2.0 * 1.5_f64.exp()) / 3.0).ln();
    assert!(expected > 1.0);
    close(difference, expected, case.scale(), AMOUNT).unwrap();
}

// ---------------------------------------------------------------------------------------------------------
// Steps 3 and 4: the factor e^{-1/t}.

proptest! {
    #[test]
    fn step_3_equals_step_4_on_the_sphere_and_off_it(case in prop_oneof![on_the_sphere(), anywhere()]) {
        same_line(&case.apply(expanded_squares), &case.apply(cancelled_factor))?;
    }

    #[test]
    fn the_factor_is_in_every_numerator_and_every_denominator(case in on_the_sphere()) {
        let (before, after) = (case.apply(expanded_squares), case.apply(cancelled_factor));
        for (before, after) in [
            (before.log_numerators, after.log_numerators),
            (before.log_denominators, after.log_denominators),
        ] {
            for (before, after) in before.iter().zip(&after) {
                close(after - before, 1.0 / case.temperature, case.scale(), DIFFERENCE)?;
            }
        }
    }

    #[test]
    fn in_the_numerators_alone_the_factor_costs_1_over_t_a_point(case in on_the_sphere()) {
        let (before, after) = (case.apply(expanded_squares), case.apply(cancelled_factor));
        let quotients = after.log_denominators.iter().zip(&before.log_numerators);
        let broken: f64 = quotients.map(|(denominator, numerator)| denominator - numerator).sum();
        let n = case.points() as f64;
        close(broken - after.value, n / case.temperature, n * case.scale(), SUM)?;
    }
}

// ---------------------------------------------------------------------------------------------------------
// Steps 4 and 5: the index set.

/// A broken line against the right one: anchor `i` differs by `amount`, no other anchor does.
fn differs_at(case: &Case, broken: &Line, right: &Line, i: usize, amount: f64) -> TestCaseResult {
    for k in (0..case.points()).filter(|&k| k != i) {
        prop_assert_eq!(broken.per_anchor[k], right.per_anchor[k]);
    }
    let found = broken.per_anchor[i] - right.per_anchor[i];
    close(found, amount, case.scale(), AMOUNT)?;
    // At high temperatures a kernel is never less than this share of a sum, and the amount plain to see.
    if case.temperature >= 1.0 {
        let share = (-2.0 / case.temperature).exp() / case.points() as f64;
        prop_assert!(found.abs() > share * share / 4.0, "{found:e} could be missed");
    }
    Ok(())
}

proptest! {
    #[test]
    fn step_4_equals_step_5_where_the_split_is_the_classes(case in prop_oneof![on_the_sphere(), anywhere()]) {
        let (whole, split) = (case.apply(cancelled_factor), case.with_split(&case.split()));
        same_line(&whole, &split)?;
    }

    #[test]
    fn a_negative_moved_to_the_positives_lowers_the_loss_by_its_share((case, i, k) in with_a_negative()) {
        let right = case.apply(cancelled_factor);
        let mut split = case.split();
        split.negatives[i].retain(|&negative| negative != k);
        split.positives[i].push(k);
        let amount = -added(case.score(i, k), right.log_numerators[i]);
        differs_at(&case, &case.with_split(&split), &right, i, amount)?;
    }

    #[test]
    fn a_negative_in_both_lists_counts_twice((case, i, k) in with_a_negative()) {
        let right = case.apply(cancelled_factor);
        let mut split = case.split();
        split.positives[i].push(k);
        let score = case.score(i, k);
        let amount = added(score, right.log_denominators[i]) - added(score, right.log_numerators[i]);
        differs_at(&case, &case.with_split(&split), &right, i, amount)?;
    }

    #[test]
    fn a_negative_left_out_lowers_the_loss((case, i, k) in with_a_negative()) {
        let right = case.apply(cancelled_factor);
        let mut split = case.split();
        split.negatives[i].retain(|&negative| negative != k);
        let broken = case.with_split(&split);
        let amount = -added(case.score(i, k), broken.log_denominators[i]);
        differs_at(&case, &broken, &right, i, amount)?;
    }

    #[test]
    fn the_anchor_among_its_negatives_raises_the_loss((case, i, _) in with_a_negative()) {
        let right = case.apply(cancelled_factor);
        let mut split = case.split();
        split.negatives[i].push(i);
        // On the sphere its kernel is the largest there is, e^{1/t}.
        let amount = added(1.0 / case.temperature, right.log_denominators[i]);
        differs_at(&case, &case.with_split(&split), &right, i, amount)?;
    }

    #[test]
    fn the_anchor_among_its_positives_lowers_the_loss((case, i, _) in with_a_negative()) {
        let right = case.apply(cancelled_factor);
        let mut split = case.split();
        split.positives[i].push(i);
        // p_ii is no longer 0.
        let own = 1.0 / case.temperature;
        let amount = added(own, right.log_denominators[i]) - added(own, right.log_numerators[i]);
        differs_at(&case, &case.with_split(&split), &right, i, amount)?;
    }

    #[test]
    fn negatives_of_the_own_class_raise_the_loss_by_what_the_numerator_lacks(case in on_the_sphere()) {
        // Without labels only one positive is known, and the rest of the class is among the negatives.
        let right = case.apply(cancelled_factor);
        let mut split = case.split();
        for i in 0..case.points() {
            let unknown = split.positives[i].split_off(1);
            split.negatives[i].extend(unknown);
        }
        let broken = case.with_split(&split);
        for i in 0..case.points() {
            let amount = right.log_numerators[i] - case.score(i, split.positives[i][0]);
            close(broken.per_anchor[i] - right.per_anchor[i], amount, case.scale(), AMOUNT)?;
        }
    }
}

#[test]
fn where_there_is_one_class_alone_every_step_is_0() {
    let embeddings = dmatrix![1.0, 0.0; 0.0, 1.0; 0.6, 0.8];
    let case = Case { embeddings, labels: vec![3, 3, 3], temperature: 0.1 };
    assert_eq!(metric_learning(&case.identity(2.0)).unwrap().value, 0.0);
    for step in [squared_distances, expanded_squares, cancelled_factor, off_sphere] {
        assert_eq!(case.apply(step).value, 0.0);
    }
    assert_eq!(case.with_split(&case.split()).value, 0.0);
    let tuples = case.split().tuples(&case.embeddings).unwrap();
    assert_eq!(contrastive(&tuples, case.temperature).unwrap().value, 0.0);
}

// ---------------------------------------------------------------------------------------------------------
// Steps 5 and 6, and the losses of the crate.

/// Tuples on the sphere with as many positives as asked for and one to four negatives an anchor.
fn tuples(positives: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Tuples> {
    (1..=3_usize, positives, 1..=4_usize, 5..=8_usize).prop_flat_map(|(b, m, n, d)| {
        let lists = |rows| vec(unit_rows(rows, d), b);
        (unit_rows(b, d), lists(m), lists(n))
            .prop_map(|(anchor, positives, negatives)| Tuples::new(anchor, positives, negatives))
    })
}

fn equals_loss(tuples: &Tuples, temperature: f64, loss: Loss) -> TestCaseResult {
    let line = contrastive(tuples, temperature).unwrap();
    let expected = loss.evaluate(tuples, &Settings::new(temperature)).unwrap();
    one(line.value, expected.value, LOSS)?;
    each(&line.per_anchor, &expected.per_anchor, LOSS)
}

proptest! {
    #[test]
    fn step_6_is_the_mean_of_which_step_5_is_the_sum(case in prop_oneof![on_the_sphere(), anywhere()]) {
        let sum = case.with_split(&case.split());
        let mean = contrastive(&case.split().tuples(&case.embeddings).unwrap(), case.temperature).unwrap();
        each(&mean.per_anchor, &sum.per_anchor, ONE_NUMBER)?;
        one(sum.value / case.points() as f64, mean.value, ONE_NUMBER_DIVIDED)?;
    }

    #[test]
    fn m_1_gives_simclr(tuples in tuples(1..=1), temperature in temperature()) {
        equals_loss(&tuples, temperature, Loss::SimClr)?;
    }

    #[test]
    fn any_m_gives_nca_with_g0(tuples in tuples(1..=5), temperature in temperature()) {
        equals_loss(&tuples, temperature, Loss::Nca { negatives: Negatives::G0 })?;
    }

    #[test]
    fn each_anchor_has_the_nca_loss_of_its_own_class_size(case in on_the_sphere()) {
        let tuples = case.split().tuples(&case.embeddings).unwrap();
        let line = contrastive(&tuples, case.temperature).unwrap();
        for (i, found) in line.per_anchor.iter().enumerate() {
            let anchor = case.embeddings.rows(i, 1).into_owned();
            let own = |list: &[DMatrix<f64>]| vec![list[i].clone()];
            let alone = Tuples::new(anchor, own(&tuples.positives), own(&tuples.negatives));
            let nca = Loss::Nca { negatives: Negatives::G0 };
            one(*found, nca.evaluate(&alone, &Settings::new(case.temperature)).unwrap().value, LOSS)?;
        }
    }

    #[test]
    fn a_batch_in_two_views_is_supervised_nca_whose_classes_are_the_images(
        views in (2..=4_usize, 5..=8_usize).prop_flat_map(|(b, d)| vec(unit_rows(b, d), 2)),
        temperature in temperature(),
    ) {
        let b = views[0].nrows();
        let rows: Vec<_> = views.iter().flat_map(|view| view.row_iter()).collect();
        let labels = (0..b as i64).chain(0..b as i64).collect();
        let case = Case { embeddings: DMatrix::from_rows(&rows), labels, temperature };
        let simclr = Loss::SimClr.evaluate(&Batch::new(views.clone()), &Settings::new(temperature)).unwrap();
        one(case.apply(cancelled_factor).value / (2 * b) as f64, simclr.value, LOSS)?;
    }
}

// ---------------------------------------------------------------------------------------------------------
// Extremes.

/// The losses of each anchor by steps 2 to 6.
fn steps_2_to_6(case: &Case) -> [Vec<f64>; 5] {
    let tuples = case.split().tuples(&case.embeddings).unwrap();
    [
        case.apply(squared_distances),
        case.apply(expanded_squares),
        case.apply(cancelled_factor),
        case.with_split(&case.split()),
        contrastive(&tuples, case.temperature).unwrap(),
    ]
    .map(|line| line.per_anchor)
}

#[test]
fn duplicates_antipodes_and_right_angles_agree_at_extreme_temperatures() {
    let compass = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]];
    for place in 0..4_usize.pow(4) {
        let row = |i: u32| compass[place / 4_usize.pow(i) % 4];
        let entries: Vec<f64> = (0..4).flat_map(row).collect();
        for temperature in [COLDEST, HOTTEST] {
            let embeddings = DMatrix::from_row_slice(4, 2, &entries);
            let case = Case { embeddings, labels: vec![0, 0, 1, 1], temperature };
            let [first, rest @ ..] = steps_2_to_6(&case);
            for (step, found) in (3..).zip(rest) {
                each(&found, &first, ONE_NUMBER).unwrap_or_else(|error| {
                    panic!("step {step} is not step 2 at t = {temperature}, {entries:?}: {error}")
                });
            }
        }
    }
}

/// `M` positives at one angle and `N` negatives at another, all steps against `log(1 + N/M e^{(b - a)/t})`.
#[test]
fn even_neighbourhoods_have_the_loss_of_their_closed_form() {
    let (same, right, opposite) = ([1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]);
    // A power of two, so that the exponents are exact; the loss falls to e^-256.
    let temperature = 1.0 / 128.0;
    for ((positive, a), (negative, b)) in [
        ((same, 1.0), (same, 1.0)),
        ((same, 1.0), (right, 0.0)),
        ((same, 1.0), (opposite, -1.0)),
        ((right, 0.0), (same, 1.0)),
        ((right, 0.0), (opposite, -1.0)),
        ((opposite, -1.0), (same, 1.0)),
        ((opposite, -1.0), (right, 0.0)),
        ((opposite, -1.0), (opposite, -1.0)),
    ] {
        for (m, n) in [(1, 2), (2, 3), (3, 2)] {
            let rows = std::iter::once(same)
                .chain(std::iter::repeat_n(positive, m))
                .chain(std::iter::repeat_n(negative, n));
            let entries: Vec<f64> = rows.flatten().collect();
            let labels = (0..1 + m + n).map(|i| i64::from(i > m)).collect();
            let case =
                Case { embeddings: DMatrix::from_row_slice(1 + m + n, 2, &entries), labels, temperature };
            let expected = (n as f64 / m as f64 * f64::exp((b - a) / temperature)).ln_1p();
            for found in steps_2_to_6(&case) {
                close(found[0], expected, expected, CLOSED_FORM).unwrap();
            }
        }
    }
}

proptest! {
    #[test]
    fn rows_and_the_root_of_the_temperature_scale_together(
        case in anywhere(),
        // To where squares leave the range of f64.
        log2 in prop_oneof![Just(-505), Just(505), -505..=505_i32],
    ) {
        let factor = 2.0_f64.powi(log2);
        let scaled = Case {
            embeddings: &case.embeddings * factor,
            temperature: case.temperature * factor * factor,
            ..case.clone()
        };
        same_line(&scaled.apply(squared_distances), &case.apply(squared_distances))?;
        same_line(&scaled.apply(cancelled_factor), &case.apply(cancelled_factor))?;
        let (split, scaled_split) = (case.with_split(&case.split()), scaled.with_split(&scaled.split()));
        same_line(&scaled_split, &split)?;
    }
}

#[test]
fn a_loss_below_every_f64_is_0() {
    let embeddings = dmatrix![1.0, 0.0; 1.0, 0.0; -1.0, 0.0; -1.0, 0.0];
    let case = Case { embeddings, labels: vec![0, 0, 1, 1], temperature: 0.002 };
    for found in steps_2_to_6(&case) {
        assert_eq!(found, [0.0; 4]);
    }
}

#[test]
fn refusals_name_the_argument() {
    let good = dmatrix![1.0, 0.0; 0.0, 1.0; -1.0, 0.0; 0.0, -1.0];
    let bad = dmatrix![1.0, 0.0; f64::NAN, 1.0; -1.0, 0.0; 0.0, -1.0];
    let pairs = [0, 0, 1, 1];
    let empty = DMatrix::<f64>::zeros(0, 2);
    let temperature = "temperature = 0: expected a finite number above 0";
    for step in [squared_distances, expanded_squares, cancelled_factor, off_sphere] {
        let said = |embeddings, labels: &[i64], t| step(embeddings, labels, t).unwrap_err().to_string();
        assert_eq!(said(&good, &pairs, 0.0), temperature);
        assert_eq!(said(&bad, &pairs, 1.0), "embeddings[1][0] = NaN: expected a finite number");
        assert_eq!(said(&empty, &[], 1.0), "embeddings has shape [0][2]: expected at least [1][1]");
        assert_eq!(said(&good, &[0, 0], 1.0), "labels has shape [2]: expected [4], one a row of embeddings");
        assert_eq!(
            said(&good, &[0, 0, 0, 7], 1.0),
            "labels[3] = 7: expected a class with at least two points"
        );
        let far = dmatrix![1e200; -1e200; 1e200; -1e200];
        assert!(matches!(step(&far, &pairs, 1.0), Err(Error::Overflow { .. })));
    }
    assert_eq!(exponent_gap(&good, 0.0).unwrap_err().to_string(), temperature);
    assert!(matches!(exponent_gap(&(&good * 1e200), 1.0), Err(Error::Overflow { .. })));

    let said = |change: &dyn Fn(&mut Split)| {
        let mut split = Split::of_labels(&pairs);
        change(&mut split);
        let error = split_index_set(&good, &split, 1.0).unwrap_err();
        assert_eq!(split.tuples(&good).unwrap_err(), error);
        error.to_string()
    };
    assert_eq!(
        said(&|split| split.negatives[2][1] = 4),
        "split.negatives[2][1] = 4: expected the index of a row of embeddings"
    );
    assert_eq!(
        said(&|split| split.positives[3].clear()),
        "split.positives[3] has shape [0]: expected at least 1 index"
    );
    assert_eq!(
        said(&|split| split.negatives.truncate(3)),
        "split.negatives has shape [3]: expected [4], a list a row of embeddings"
    );
    let split = Split::of_labels(&pairs);
    assert_eq!(split_index_set(&good, &split, 0.0).unwrap_err().to_string(), temperature);

    let tuples = split.tuples(&good).unwrap();
    assert_eq!(contrastive(&tuples, 0.0).unwrap_err().to_string(), temperature);
    let said = |change: &dyn Fn(&mut Tuples)| {
        let mut tuples = tuples.clone();
        change(&mut tuples);
        contrastive(&tuples, 1.0).unwrap_err().to_string()
    };
    assert_eq!(
        said(&|tuples| tuples.anchor = empty.clone()),
        "anchor has shape [0][2]: expected at least [1][1]"
    );
    assert_eq!(
        said(&|tuples| tuples.positives.truncate(1)),
        "positives has shape [1]: expected [4], a matrix an anchor"
    );
    assert_eq!(
        said(&|tuples| tuples.positives[1] = empty.clone()),
        "positives[1] has shape [0][2]: expected [at least 1][2]"
    );
    assert_eq!(
        said(&|tuples| tuples.negatives[0] = dmatrix![1.0]),
        "negatives[0] has shape [1][1]: expected [at least 1][2]"
    );
    assert_eq!(
        said(&|tuples| tuples.negatives[3][(1, 0)] = f64::INFINITY),
        "negatives[3][1][0] = inf: expected a finite number"
    );
    let lonely = Labelled { transform: dmatrix![1.0, 0.0], points: good.clone(), labels: vec![0, 0, 0, 7] };
    assert_eq!(metric_learning(&lonely).unwrap_err(), Error::LonelyPoint { index: 3, label: 7 });
}

proptest! {
    #[test]
    fn no_input_panics_and_every_result_is_finite(
        entries in vec(prop_oneof![any::<f64>(), prop::num::f64::NORMAL, -2.0..2.0], 8),
        temperature in prop_oneof![any::<f64>(), prop::num::f64::POSITIVE, temperature()],
        labels in vec(0..2_i64, 4),
    ) {
        let embeddings = DMatrix::from_row_slice(4, 2, &entries);
        let data = Labelled {
            transform: DMatrix::from_row_slice(2, 2, &entries[2..6]),
            points: embeddings.clone(),
            labels: labels.clone(),
        };
        let split = Split::of_labels(&labels);
        let tuples = split.tuples(&embeddings);
        for line in [
            metric_learning(&data),
            squared_distances(&embeddings, &labels, temperature),
            expanded_squares(&embeddings, &labels, temperature),
            cancelled_factor(&embeddings, &labels, temperature),
            off_sphere(&embeddings, &labels, temperature),
            split_index_set(&embeddings, &split, temperature),
            tuples.and_then(|tuples| contrastive(&tuples, temperature)),
        ].into_iter().flatten() {
            let lists = [&line.per_anchor, &line.log_numerators, &line.log_denominators];
            prop_assert!(lists.into_iter().flatten().chain([&line.value]).all(|x| x.is_finite()));
        }
        if let Ok(gap) = exponent_gap(&embeddings, temperature) {
            prop_assert!(gap.iter().all(|gap| gap.is_finite()));
        }
    }
}

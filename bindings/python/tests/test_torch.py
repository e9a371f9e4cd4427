"""The judge on losses of PyTorch: right ones in the usual styles pass, well-known bugs fail under their names."""

import re

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import intnacl
import torch_losses as losses

RIGHT = [
    (losses.cross_entropy, ["takes one array a view", "normalises inside", "both directions", "mean"]),
    (losses.fixed_temperature, ["takes views concatenated", "normalises inside", "temperature 0.5, fixed inside"]),
    (losses.sum_of_anchors, ["sum over the anchors of both directions"]),
    (losses.by_image, ["takes the views of each image stacked"]),
    (losses.interleaved, ["takes images one after the other"]),
    (losses.one_direction, ["takes unit rows", "one direction"]),
    (losses.each_image, ["a value of each anchor"]),
    (losses.Module(), ["temperature 0.5, fixed inside"]),
]


def name_of(value):
    return getattr(value, "__name__", type(value).__name__)


@pytest.mark.parametrize("fn, words", RIGHT, ids=[name_of(fn) for fn, _ in RIGHT])
def test_a_right_loss_passes_and_its_conventions_are_said(fn, words, law_seed):
    for seed in (0, law_seed):
        verdict = intnacl.check(fn, "simclr", cases=12, seed=seed)
        assert verdict.framework == "torch" and verdict.diagnosis is None
        for word in words:
            assert any(word in sentence for sentence in verdict.conventions), verdict.conventions


def test_the_usual_loss_passes_at_many_fresh_seeds(law_seed):
    for seed in range(law_seed, law_seed + 20):
        intnacl.check(losses.cross_entropy, "simclr", cases=8, seed=seed)


@pytest.mark.parametrize("fn, loss", [(losses.debiased, "debiased"), (losses.hard_negative, "hard_negative")])
def test_right_losses_with_parameters_pass(fn, loss, law_seed):
    for seed in (0, law_seed):
        # Below, the exponentials of these two leave binary32.
        verdict = intnacl.check(fn, loss, cases=12, seed=seed, temperatures=(0.05, 10.0))
        assert verdict.ok and verdict.reached in ("right", "careful")


def test_parameters_may_be_fixed():
    def fixed(z_i, z_j, temperature):
        return losses.hard_negative(z_i, z_j, temperature, 0.1, 0.5)

    options = dict(framework="torch", cases=8, temperatures=(0.05, 10.0))
    intnacl.check(fixed, "hard_negative", parameters={"tau_plus": 0.1, "beta": 0.5}, **options)
    with pytest.raises(AssertionError):
        intnacl.check(fixed, "hard_negative", parameters={"tau_plus": 0.1, "beta": 1.0}, **options)
    with pytest.raises(ValueError, match="does not take tau_plus, beta: name its value"):
        intnacl.check(fixed, "hard_negative", **options)


def test_tuples_are_judged_with_a_value_for_each_anchor(law_seed):
    parameters = {"negatives": {"estimator": "g0"}}
    verdict = intnacl.check(losses.nca_tuples, "nca", parameters=parameters, cases=12, seed=law_seed)
    assert "mean, and a value of each anchor" in verdict.conventions

    def off(anchor, positives, negatives, temperature):
        return losses.nca_tuples(anchor, positives, negatives, temperature).roll(1, 0)

    # The mean is right, the order of the anchors is not.
    with pytest.raises(AssertionError, match=r"per_anchor\[\d\]: error"):
        intnacl.check(off, "nca", "torch", parameters=parameters, cases=12)


def test_an_array_without_a_default_is_always_given(law_seed):
    for seed in range(law_seed, law_seed + 5):
        verdict = intnacl.check(losses.debiased_tuples, "debiased", cases=16, dtype="f64", seed=seed, temperatures=(0.1, 10.0))
        judged = {report.law for report in verdict.reports if report.judged}
        assert {"agrees_with_the_reference", "the_floor_holds", "permutation_of_draws_of_positives"} <= judged


WRONG = [
    (losses.self_pair_left, "simclr", "self-pair-kept: "),
    (losses.positive_missing, "simclr", "positive-not-in-denominator: "),
    (losses.temperature_missing_on_positive, "simclr", "Answers are right at t = 1 only."),
    (losses.constant_self_pair, "simclr", "self-pair-subtracted: "),
    (losses.constant_self_pair_behind_normalisation, "simclr", "self-pair-subtracted: "),
    (losses.second_view_detached, "simclr", "gradient.views[1] is missing: "),
    (losses.twice_the_gradient, "simclr", "Gradients are 2 times the right ones."),
    (losses.hard_negative_normalised_by_sum, "hard_negative", "hardness-normalised-by-sum: "),
]


@pytest.mark.parametrize("fn, loss, words", WRONG, ids=[fn.__name__ for fn, _, _ in WRONG])
def test_a_well_known_bug_fails_under_its_name(fn, loss, words):
    with pytest.raises(AssertionError) as caught:
        intnacl.check(fn, loss, cases=16)
    text = str(caught.value)
    assert re.search(f"What is wrong in f(64|32):\n(  .*\n)*  +{re.escape(words)}", text), text
    assert "WRONG" in text and "smallest counterexample, without the judge" in text


def test_a_diagnosis_has_the_fields_of_the_command():
    diagnosis = intnacl.judge(losses.second_view_detached, "simclr", cases=4, dtype="f64").diagnosis
    assert diagnosis.values_are_right and diagnosis.arrays == [("views[1]", "missing")] and not diagnosis.has_a_name
    diagnosis = intnacl.judge(losses.constant_self_pair, "simclr", cases=4, dtype="f64").diagnosis
    assert diagnosis.bug == "self-pair-subtracted" and diagnosis.source == "lightning-bolts issue 695"
    assert {part for _, part in diagnosis.arrays} == {"along the rows"}
    written = intnacl.judge(losses.self_pair_left, "simclr", cases=4, dtype="f64").as_json()["diagnoses"]
    assert [set(row) for row in written] == [
        {"loss", "text", "asked", "wrong", "values_are_right", "factor", "convention", "bug"}
    ]


def test_a_function_of_two_views_is_held_to_ten_laws():
    for fn in (losses.cross_entropy, losses.each_image):
        verdict = intnacl.check(fn, "simclr", cases=12, dtype="f64")
        judged = [report.law for report in verdict.reports if report.judged]
        assert len(judged) >= 10, judged
        assert {"values_lie_in_their_range", "normalization_is_what_it_says", "more_negatives_raise_the_loss"} <= set(judged)
        assert all(report.lacks for report in verdict.reports if not report.judged)


def test_the_counterexample_shows_the_bug_without_the_judge():
    with pytest.raises(AssertionError) as caught:
        intnacl.check(losses.self_pair_left, "simclr", cases=16)
    report = caught.value.verdict.failed[0]
    lines = report.counterexample.code.splitlines()
    assert len(lines) <= 5
    printed = []
    exec("\n".join(lines), {"self_pair_left": losses.self_pair_left, "print": printed.append})
    claimed = float(re.search(r"# exactly ([-\d.e]+)", report.counterexample.code).group(1))
    exact = intnacl.simclr(report.counterexample.arrays["views"], temperature=report.counterexample.head["temperature"])
    assert claimed == pytest.approx(exact.value, rel=1e-8)
    assert abs(printed[0].item() - claimed) > 0.01 * claimed


def test_the_gradient_of_a_counterexample_is_shown():
    verdict = intnacl.judge(losses.second_view_detached, "simclr", cases=16, dtype="f64")
    code = verdict.failed[0].counterexample.code
    assert "backward()" in code and "views.grad" in code
    exec(code, {"second_view_detached": losses.second_view_detached, "print": lambda *_: None})


def test_an_overflow_is_found_at_the_temperatures_where_it_happens():
    with pytest.raises(AssertionError, match="no-range-declared: NaN or infinity at low temperatures"):
        intnacl.check(losses.overflowing, "simclr", dtype="f32")
    intnacl.check(losses.overflowing, "simclr", dtype="f32", temperatures=(0.1, 1.0))


def test_a_function_that_raises_is_no_failure_of_the_judge():
    def fragile(z_i, z_j, temperature):
        if len(z_i) == 5:
            raise RuntimeError("five images are too many")
        return losses.cross_entropy(z_i, z_j, temperature)

    with pytest.raises(AssertionError, match="RuntimeError: five images are too many"):
        intnacl.check(fragile, "simclr", "torch")


def test_the_same_seed_finds_the_same():
    rows = [intnacl.judge(losses.self_pair_left, cases=8, seed=5).as_json() for _ in range(2)]
    for row in rows:
        assert row.pop("verdict")
    assert rows[0] == rows[1]


def test_own_embeddings_are_judged():
    views = np.random.default_rng(3).normal(size=(2, 32, 16))
    verdict = intnacl.check(losses.cross_entropy, "simclr", views=views)
    assert [report.cases for report in verdict.reports] == [1, 1]
    with pytest.raises(AssertionError, match="on your own views"):
        intnacl.check(losses.positive_missing, "simclr", views=torch.tensor(views))


def test_narrow_types_are_judged_by_their_own_budgets():
    def in_float(z_i, z_j, temperature):
        return losses.cross_entropy(z_i.float(), z_j.float(), temperature)

    intnacl.check(in_float, "simclr", "torch", dtype=torch.bfloat16, cases=16, temperatures=(0.05, 1.0))
    with pytest.raises(ValueError, match="dtype = 'f8'"):
        intnacl.check(in_float, "simclr", dtype="f8")


def test_known_failures_are_expected_and_reported_when_they_are_gone():
    reason = "the second view is a target network"
    # Where view 1 has no gradient, the gradient is not the derivative, and does not change places with the views.
    laws = ("agrees_with_the_reference", "the_gradient_is_the_derivative_of_the_value", "permutation_of_negatives")
    known = dict.fromkeys(laws, reason)
    verdict = intnacl.check(losses.second_view_detached, "simclr", cases=8, known=known)
    assert f"as known: {reason}" in verdict.text()
    # They count nowhere, as in the command.
    assert verdict.ok and verdict.reached is not None and "WRONG" not in verdict.sentence()
    verdict = intnacl.check(losses.cross_entropy, "simclr", cases=8, known=known)
    assert "though it is known to fail" in verdict.text()
    with pytest.raises(ValueError, match="'no_such_law' is no law of simclr"):
        intnacl.check(losses.cross_entropy, known={"no_such_law": "?"})


def test_arguments_are_refused_by_name():
    for options, words in [
        (dict(standard="perfect"), "standard = 'perfect'"),
        (dict(temperatures=(1.0, 0.1)), "temperatures = "),
        (dict(loss="simclear"), "loss = 'simclear'"),
        (dict(framework="tensorflow"), "framework = 'tensorflow'"),
        (dict(laws=["no_such_law"]), "no_such_law"),
        (dict(form="sideways"), "form = 'sideways'"),
    ]:
        with pytest.raises(ValueError, match=re.escape(words)):
            intnacl.check(losses.cross_entropy, **options)


def test_what_answers_in_no_form_is_said():
    def strange(x, temperature):
        return x.reshape(-1).sort().values

    with pytest.raises(ValueError, match="answers in none of the forms"):
        intnacl.check(strange, "simclr", "torch")


def test_control_c_ends_a_check():
    def interrupted(z_i, z_j, temperature):
        interrupted.calls += 1
        if interrupted.calls > 60:
            raise KeyboardInterrupt
        return losses.cross_entropy(z_i, z_j, temperature)

    interrupted.calls = 0
    with pytest.raises(KeyboardInterrupt):
        intnacl.check(interrupted, "simclr", "torch")
    assert interrupted.calls == 61


def test_threads_of_torch_are_as_before():
    before = torch.get_num_threads()
    intnacl.judge(losses.cross_entropy, cases=1)
    assert torch.get_num_threads() == before

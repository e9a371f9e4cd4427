"""The judge on more styles of PyTorch: right ones at several seeds (`LAW_SEEDS`, 4), other conventions and slips by their words."""

import os

import pytest

torch = pytest.importorskip("torch")

import intnacl
import torch_styles as styles

RIGHT = [
    (styles.Learnable(), "temperature 0.2, fixed inside"),
    (styles.SupCon(), "takes the views of each image stacked"),
    (styles.without_diagonal, "both directions"),
    (styles.rolled, "both directions"),
    (styles.binary, "normalises inside"),
    (styles.by_cosine_similarity, "normalises inside"),
]


def name_of(value):
    return getattr(value, "__name__", type(value).__name__)


@pytest.mark.parametrize("fn, words", RIGHT, ids=[name_of(fn) for fn, _ in RIGHT])
def test_a_right_style_passes_at_several_seeds(fn, words, law_seed):
    for seed in range(law_seed, law_seed + int(os.environ.get("LAW_SEEDS", "4"))):
        verdict = intnacl.check(fn, "simclr", cases=4, seed=seed)
    assert any(words in sentence for sentence in verdict.conventions), verdict.conventions


def test_products_under_autocast_have_a_type_of_their_own(law_seed):
    options = dict(cases=8, seed=law_seed, temperatures=(0.05, 10.0))
    assert intnacl.check(styles.under_autocast, "simclr", dtype="bf16-scores", **options).ok
    # In binary32 they are wrong, since scores have three digits.
    assert not intnacl.judge(styles.under_autocast, "simclr", dtype="f32", **options).ok


def test_fewer_digits_are_named():
    found = intnacl.judge(styles.under_autocast, "simclr", dtype="f32", cases=8, temperatures=(0.05, 10.0)).diagnosis
    # A budget of TF32 has room for what bfloat16 does to few products.
    assert found.narrower in ("f32 with TF32 scores", "f32 with bf16 scores")
    found = intnacl.judge(styles.computed_in_binary32, "simclr", dtype="f64", cases=8).diagnosis
    assert found.narrower == "f32" and "right by the budgets of f32, which has fewer digits" in found.text


def test_a_random_loss_is_said_to_be_one():
    with pytest.raises(ValueError, match="another value each time: it is random"):
        intnacl.check(styles.Dropout(), "simclr")


WRONG = [
    (styles.diagonal_filled_with_0, "self-pair-zeroed: "),
    (styles.decoupled, "positive-not-in-denominator: "),
    (styles.labels_of_interleaved_views, "other-order-of-views: "),
    (styles.norms_detached, "gradient.views[1] is wrong, along the rows alone, which a normalisation removes"),
    (styles.across_views, "another convention: the negatives are those of the other view alone"),
    (styles.query_and_key, "another convention: the negatives are those of the other view alone"),
    (styles.within_views, "another convention: the negatives are those of the anchor's own view alone"),
    (styles.temperature_ignored, "another convention: the temperature has no effect"),
    (styles.temperature_multiplied, "another convention: scores are multiplied by the temperature"),
    (styles.divided_by_images_twice, "Values and gradients are 1/B times the right ones"),
    (styles.weighted, "Values and gradients are 0.3 times the right ones"),
]


def test_what_no_explanation_fits_has_no_name():
    for fn in (styles.normalised_along_the_batch, styles.normalised_with_epsilon):
        found = intnacl.judge(fn, "simclr", cases=4).diagnosis
        assert not found.has_a_name and not found.values_are_right, found.text


@pytest.mark.parametrize("fn, words", WRONG, ids=[fn.__name__ for fn, _ in WRONG])
def test_what_is_not_simclr_is_said_in_words(fn, words):
    verdict = intnacl.judge(fn, "simclr", cases=8)
    assert not verdict.ok and verdict.diagnosis is not None
    assert words in verdict.diagnosis.text, verdict.diagnosis.text


@pytest.mark.parametrize("fn, words", [
    (styles.hardness_ignored, "another convention: β has no effect"),
    (styles.prior_ignored, "another convention: τ has no effect"),
])
def test_a_parameter_without_effect_is_named(fn, words):
    verdict = intnacl.judge(fn, "hard_negative", cases=4, temperatures=(0.05, 10.0), dtype="f64")
    assert not verdict.ok and words in verdict.diagnosis.text, verdict.diagnosis.text

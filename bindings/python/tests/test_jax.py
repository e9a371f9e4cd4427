"""The judge on losses of JAX."""

import pytest

jax = pytest.importorskip("jax")

import intnacl
import jax_losses as losses


def test_a_right_loss_passes_in_both_types(law_seed):
    verdict = intnacl.check(losses.logsumexp, "simclr", cases=2, seed=law_seed)
    assert verdict.framework == "jax" and "normalises inside" in verdict.conventions
    assert {report.dtype for report in verdict.reports if report.judged} == {"f32", "f64"}
    # The numbers of 64 bits are there for the check alone.
    assert jax.numpy.ones(1).dtype == "float32"


def test_a_bug_fails_under_its_name():
    with pytest.raises(AssertionError, match="positive-not-in-denominator: "):
        intnacl.check(losses.positive_missing, "simclr", cases=1, dtype="f32")


def test_a_loss_mapped_over_anchors_passes(law_seed):
    for seed in range(law_seed, law_seed + 20):
        assert intnacl.check(losses.one_anchor_at_a_time, "simclr", cases=1, seed=seed, dtype="f64").ok


def test_a_stopped_view_is_named():
    with pytest.raises(AssertionError, match=r"gradient\.views\[1\] is missing"):
        intnacl.check(losses.second_view_stopped, "simclr", cases=1, dtype="f32")

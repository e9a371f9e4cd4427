"""The judge on losses of NumPy, which give value and gradient."""

import numpy as np
import pytest

import intnacl
import numpy_losses as losses


def test_a_right_loss_passes_at_fresh_seeds(law_seed):
    for seed in range(law_seed, law_seed + 10):
        verdict = intnacl.check(losses.simclr, "simclr", cases=16, seed=seed)
        assert verdict.framework == "numpy" and "takes unit rows" in verdict.conventions


def test_a_wrong_gradient_fails():
    with pytest.raises(AssertionError, match=r"gradient.views\[1\] is missing"):
        intnacl.check(losses.wrong_gradient, "simclr", cases=16)


@pytest.mark.parametrize("loss, parameters, arrays", [
    ("adversarial", {"alpha": 0.5}, ["adversarial"]),
    ("nca", {"estimator": {"estimator": "g1", "tau_plus": 0.1}}, []),
    ("mix_nca", {"lambda_": 0.3, "estimator": "g0"}, ["mixed"]),
    ("robust", {"weight": "adversarial", "estimator": "g0"}, ["adversarial"]),
    ("int_nacl", {"alpha": 0.5, "robust": {"negatives": "g0", "weight": "one"}, "neighborhood": "mix_nca", "lambda_": 0.5,
                  "estimator": {"estimator": "g2", "tau_plus": 0.1, "beta": 1.0}}, ["mixed", "adversarial"]),
])
def test_the_exact_losses_are_right_by_the_judge(loss, parameters, arrays):
    def exact(views, temperature, normalize, symmetric, **extra):
        given = dict(temperature=temperature, normalize=normalize, symmetric=symmetric, norm_tolerance=1e-5)
        result = intnacl.evaluate(loss, views, **given, **parameters, **extra)
        return result.value, result.gradient

    import inspect

    names = ["views", "temperature", "normalize", "symmetric", *arrays]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    exact.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])
    verdict = intnacl.check(exact, loss, "numpy", parameters=parameters, cases=12, dtype="f64", standard="exact")
    assert verdict.reached == "exact"


def test_supervised_nca_is_judged():
    def right(transform, points, labels, objective):
        result = intnacl.supervised_nca(transform=transform, points=points, labels=labels, objective=objective)
        return result.per_anchor, result.gradient

    def of_sum(transform, points, labels, objective):
        per_point, gradient = right(transform, points, labels, objective)
        return per_point.sum(), gradient

    def wrong(transform, points, labels, objective):
        value, gradient = of_sum(transform, points, labels, objective)
        return 1.1 * value, gradient

    assert intnacl.check(of_sum, "supervised_nca", "numpy", cases=12, dtype="f64").ok
    with pytest.raises(AssertionError):
        intnacl.check(wrong, "supervised_nca", "numpy", cases=12, dtype="f64")


def test_a_gradient_of_another_shape_is_a_verdict():
    def short(z_i, z_j, temperature):
        value, (first, second) = losses.simclr(z_i, z_j, temperature)
        return value, (first[:, :1], second[:, :1])

    with pytest.raises((AssertionError, ValueError), match="has shape"):
        intnacl.check(short, "simclr", cases=4)


def test_arrays_of_the_gradient_that_are_absent_are_not_claimed():
    def half(anchor, positives, negatives, temperature):
        result = intnacl.simclr(
            anchor=anchor, positives=positives, negatives=negatives, temperature=temperature, normalize=False, norm_tolerance=1e-5
        )
        return result.value, {"anchor": np.asarray(result.gradient.anchor)}

    assert intnacl.check(half, "simclr", "numpy", cases=8).ok


@pytest.mark.parametrize("fn, words", [
    (losses.gradient_by_scores, "Gradients are t times the right ones."),
    (losses.binary_logarithm, "Values and gradients are 1/ln 2 times the right ones."),
])
def test_a_constant_factor_is_named(fn, words):
    with pytest.raises(AssertionError, match=words):
        intnacl.check(fn, "simclr", cases=8)


def test_rows_off_the_sphere_are_not_asked_of_who_refuses_them():
    def strict(z_i, z_j, temperature):
        if abs(np.linalg.norm(np.float64([z_i, z_j]), axis=-1) - 1).max() > 1e-5:
            raise ValueError("not on the sphere")
        return losses.simclr(z_i, z_j, temperature)

    verdict = intnacl.check(strict, "simclr", cases=8)
    lacks = {report.law: report.lacks for report in verdict.reports}
    assert lacks["temperature_scales_the_scores"] == "it asks for rows off the sphere"
    assert lacks["rotation_of_all_embeddings"] is None

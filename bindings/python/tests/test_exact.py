"""Exact values: against plain NumPy, from every kind of array, with errors in the words of the reference."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import intnacl

RNG = np.random.default_rng(7)


def unit(*shape):
    rows = RNG.normal(size=shape)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def plain_simclr(views, temperature):
    z = np.concatenate(views)
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    n = len(z) // 2
    scores = z @ z.T / temperature
    np.fill_diagonal(scores, -np.inf)
    target = np.r_[n : 2 * n, :n]
    losses = np.log(np.exp(scores).sum(1)) - scores[np.arange(2 * n), target]
    return losses.reshape(2, n).mean(0)


def test_simclr_is_its_formula():
    for images in (2, 3, 17):
        views = RNG.normal(size=(2, images, 6))
        result = intnacl.simclr(views, temperature=0.3)
        expected = plain_simclr(views, 0.3)
        np.testing.assert_allclose(result.per_anchor, expected, rtol=1e-12)
        assert result.value == pytest.approx(expected.mean(), rel=1e-13)


def test_the_gradient_is_the_derivative():
    views = RNG.normal(size=(2, 4, 3))
    direction = RNG.normal(size=views.shape)
    found = (intnacl.simclr(views).gradient.views * direction).sum()
    step = 1e-5
    ahead, back = (plain_simclr(views + s * step * direction, 0.5).mean() for s in (1, -1))
    assert found == pytest.approx((ahead - back) / (2 * step), rel=1e-8)


def test_every_loss_answers_in_both_layouts():
    views, mixed, adversarial = unit(3, 4, 5), unit(1, 4, 5), unit(4, 5)
    tuples = dict(anchor=unit(4, 5), positives=unit(4, 2, 5), negatives=unit(4, 6, 5), normalize=False)
    extra = dict(mixed=unit(4, 1, 5), adversarial=unit(4, 5))
    g2 = {"estimator": "g2", "tau_plus": 0.1, "beta": 1.0}
    robust = {"negatives": "g0", "weight": "one"}
    cases = [
        (intnacl.simclr, {}, {}),
        (intnacl.debiased, {"tau_plus": 0.1}, {}),
        (intnacl.hard_negative, {"tau_plus": 0.1, "beta": 1.0}, {}),
        (intnacl.adversarial, {"alpha": 1.0}, {"adversarial"}),
        (intnacl.nca, {"estimator": g2}, {}),
        (intnacl.mix_nca, {"lambda_": 0.5, "estimator": "g0"}, {"mixed"}),
        (intnacl.robust, {"weight": "adversarial", "estimator": g2}, {"adversarial"}),
        (intnacl.int_cl, {"alpha": 0.5, "robust": robust, "estimator": g2}, {"adversarial"}),
        (
            intnacl.int_nacl,
            {"alpha": 0.5, "robust": robust, "estimator": "g0", "neighborhood": "combined", "lambda_": 0.3, "joined": False},
            {"mixed", "adversarial"},
        ),
    ]
    for function, parameters, arrays in cases:
        of_batch = {name: {"mixed": mixed, "adversarial": adversarial}[name] for name in arrays}
        result = function(views, **parameters, **of_batch)
        assert result.gradient.keys() == {"views", *arrays}, function.__name__
        assert result.gradient["views"].shape == views.shape and result["per_anchor"].shape == (4,)
        result = function(**tuples, **parameters, **{name: extra[name] for name in arrays})
        assert result.gradient.keys() == {"anchor", "positives", "negatives", *arrays}, function.__name__
        assert np.isfinite(result.value) and result.gradient.negatives.shape == (4, 6, 5)


def test_negatives_may_name_the_estimator_as_requests_do():
    views = unit(3, 4, 5)
    named = intnacl.nca(views, negatives={"estimator": "g0"})
    assert named.value == intnacl.nca(views, estimator="g0").value == intnacl.evaluate("nca", views, estimator="g0").value


def test_ragged_depths_of_four_axes_are_read_in_order():
    tuples = dict(anchor=unit(2, 3), positives=unit(2, 3, 3), negatives=unit(2, 4, 3), mixed=unit(2, 2, 3))
    own = unit(2, 2, 5, 3)
    result = intnacl.mix_nca(**tuples, mixed_negatives=own, lambda_=0.5, estimator="g0", normalize=False)
    # The first anchor alone has the same value: so its arrays were not taken from the second.
    alone = {name: array[:1] for name, array in tuples.items()}
    alone = intnacl.mix_nca(**alone, mixed_negatives=own[:1], lambda_=0.5, estimator="g0", normalize=False)
    assert alone.value == result.per_anchor[0]
    np.testing.assert_allclose(result.gradient.mixed_negatives[:1] * 2, alone.gradient.mixed_negatives, rtol=1e-14)


def test_tensors_of_torch_are_read():
    torch = pytest.importorskip("torch")
    views = RNG.normal(size=(2, 4, 5)).astype(np.float32)
    expected = intnacl.simclr(views).value
    assert intnacl.simclr(torch.tensor(views, requires_grad=True)).value == expected
    assert intnacl.simclr([torch.tensor(view) for view in views]).value == expected
    rough = torch.tensor(views, dtype=torch.bfloat16)
    assert intnacl.simclr(rough).value == intnacl.simclr(rough.double()).value
    turned = torch.tensor(views).transpose(1, 2).contiguous().transpose(1, 2)
    assert not turned.is_contiguous() and intnacl.simclr(turned).value == expected


def test_arrays_of_jax_are_read():
    numpy = pytest.importorskip("jax.numpy")
    views = RNG.normal(size=(2, 4, 5)).astype(np.float32)
    assert intnacl.simclr(numpy.asarray(views)).value == intnacl.simclr(views).value


def test_what_offers_only_dlpack_is_read():
    class Capsule:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **keywords):
            return self.array.__dlpack__(**keywords)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    views = RNG.normal(size=(2, 4, 5))
    assert intnacl.simclr(Capsule(views)).value == intnacl.simclr(views).value


REFUSED = [
    (lambda v: intnacl.simclr(v[0]), "views has shape [4, 5]: expected 3 axes"),
    (lambda v: intnacl.debiased(v, tau_plus=1.5), "tau_plus = 1.5: expected a number in [0, 1)"),
    (lambda v: intnacl.simclr(v, temperature=float("nan")), "temperature = NaN: expected a finite number above 0"),
    (lambda v: intnacl.simclr(v, temperature=-1), "temperature = -1: expected a finite number above 0"),
    (lambda v: intnacl.simclr(v, temperature="warm"), "temperature = 'warm': expected a number"),
    (lambda v: intnacl.nca(v), "negatives is missing: expected an object with estimator"),
    (lambda v: intnacl.nca(v, estimator="g3"), 'negatives.estimator = "g3": expected g0, g1 or g2'),
    (lambda v: intnacl.simclr(v, normalize=False), "views[0][0] has norm "),
    (lambda v: intnacl.simclr([v[0], v[1][:2]]), "views[1] has shape [2, 5]: expected [4, 5]"),
    (lambda v: intnacl.simclr(v * np.nan), "views[0][0][0] = NaN: expected a finite number"),
    (lambda v: intnacl.simclr(0 * v), "views[0][0] has norm 0: expected a vector that can be normalised"),
    (lambda v: intnacl.simclr(v[:, :1]), "expected at least 2 images"),
    (lambda v: intnacl.simclr(anchor=v[0]), "positives is missing: expected an array of shape [B][M][d]"),
    (lambda v: intnacl.simclr(), "views is missing: expected views, or anchor, positives and negatives"),
    (lambda v: intnacl.simclr(v, adversary=v[0]), "adversary"),
    (lambda v: intnacl.simclr(v, anchor=v[0]), "anchor is not expected here"),
    (lambda v: intnacl.simclr("views"), "views is not an array of numbers"),
    (lambda v: intnacl.simclr(v + 1j), "views is not an array of numbers"),
    (lambda v: intnacl.hard_negative(v, tau_plus=0.1, beta=float("inf")), "beta = inf: expected a finite number"),
    (lambda v: intnacl.evaluate("simclear", v), 'loss = "simclear": expected one of simclr, debiased'),
    (lambda v: intnacl.supervised_nca(transform=[[1.0]], points=[[1.0], [2.0]], labels=[0, 1]), "labels[0] = 0"),
]


@pytest.mark.parametrize("call, words", REFUSED, ids=[words[:30] for _, words in REFUSED])
def test_what_is_refused_is_named(call, words):
    with pytest.raises(ValueError) as caught:
        call(RNG.normal(size=(2, 4, 5)))
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_explanations_have_every_anchor():
    views = unit(2, 4, 5)
    found = intnacl.explain("hard_negative", views, tau_plus=0.1, beta=1.0, largest=2)
    assert found.value == intnacl.hard_negative(views, tau_plus=0.1, beta=1.0).value
    assert [anchor["index"] for anchor in found["anchors"]] == [0, 1, 2, 3]
    term = found["anchors"][0]["terms"][0]
    assert len(term["score_gradient"]) == 2 and term["counts"]["negatives"] == 6
    with pytest.raises(ValueError, match="tau_plus = 2"):
        intnacl.explain("debiased", views, tau_plus=2.0)


def test_other_threads_run_during_an_evaluation():
    views = RNG.normal(size=(2, 300, 64))
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.monotonic()
    intnacl.simclr(views, temperature=0.05)
    end = time.monotonic()
    done.set()
    thread.join()
    assert sum(start < at < end for at in ticks) >= 3, end - start


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_control_c_ends_a_long_evaluation():
    code = (
        "import numpy as np, intnacl\n"
        "views = np.random.default_rng(1).normal(size=(2, 3000, 64))\n"
        "print('ready', flush=True)\n"
        "try:\n    intnacl.simclr(views, temperature=0.002)\n"
        "except KeyboardInterrupt:\n    print('interrupted', flush=True)\n    import os; os._exit(7)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    assert process.poll() is None, "the evaluation was over before the signal"
    os.kill(process.pid, signal.SIGINT)
    start = time.monotonic()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 7 and "interrupted" in output
    assert time.monotonic() - start < 5

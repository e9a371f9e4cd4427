"""A loss that is judged while it trains."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import intnacl
import torch_losses as losses


def train(loss, steps=12):
    torch.manual_seed(1)
    encoder = torch.nn.Linear(10, 6)
    optimiser = torch.optim.SGD(encoder.parameters(), lr=0.1)
    for _ in range(steps):
        images = torch.randn(16, 10)
        views = [encoder(images + 0.1 * torch.randn_like(images)) for _ in range(2)]
        value = loss(*views, temperature=0.2)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    return [parameter.detach().clone() for parameter in encoder.parameters()]


def test_every_kth_batch_is_judged_and_nothing_else_changes(tmp_path):
    watch = intnacl.Watch(losses.cross_entropy, "simclr", every=5, folder=tmp_path / "failures")
    watched, plain = train(watch), train(losses.cross_entropy)
    assert watch.calls == 12 and watch.judged == 3 and not watch.failures
    assert all(torch.equal(a, b) for a, b in zip(watched, plain))
    assert not (tmp_path / "failures").exists()


def test_a_batch_that_fails_is_saved_and_can_be_asked_again(tmp_path):
    watch = intnacl.Watch(losses.positive_missing, "simclr", every=6, folder=tmp_path)
    with pytest.warns(intnacl.BatchFailed, match="positive_missing, call 1: .*error"):
        train(watch)
    assert len(watch.failures) == 2
    saved = np.load(watch.failures[0])
    request = json.loads(str(saved["request"]))
    assert request["temperature"] == 0.2 and saved["views"].shape == (2, 16, 6)
    exact = intnacl.simclr(saved["views"], temperature=request["temperature"])
    views = torch.tensor(saved["views"])
    assert abs(losses.positive_missing(*views, 0.2).item() - exact.value) > 1e-3


def test_one_tensor_of_all_views_is_taken_apart(tmp_path):
    watch = intnacl.Watch(losses.interleaved, "simclr", every=1, folder=tmp_path)
    watch(torch.randn(12, 5), temperature=0.3)
    assert watch.judged == 1 and not watch.failures
    watch = intnacl.Watch(losses.by_image, "simclr", every=1, folder=tmp_path)
    watch(torch.randn(6, 2, 5), 0.3)
    assert watch.judged == 1 and not watch.failures


def test_arguments_are_refused_by_name():
    with pytest.raises(ValueError, match="every = 0"):
        intnacl.Watch(losses.cross_entropy, every=0)
    with pytest.raises(ValueError, match="expected a function of views"):
        intnacl.Watch(losses.nca_tuples, "nca", parameters={"negatives": "g0"})

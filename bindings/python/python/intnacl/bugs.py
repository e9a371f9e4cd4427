"""Names for what is wrong: well-known bugs, written down, against the values of a function.

Each bug changes one place of the formula of one anchor. A function whose values are those of a bug on every case of the
probe, and not the right ones, is likely to have it. Where the values are right, the difference of the gradients tells.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from functools import partial
from typing import Any, Callable

import numpy as np

from . import _intnacl
from .conventions import FACTORS, SAME, USUAL_TEMPERATURES, Conventions, Probe, claim

OF_ANCHOR = Callable[["Scores"], float]


class Scores:
    """The cosines of one anchor, and the parameters."""

    def __init__(self, positive: float, draws: np.ndarray, negatives: np.ndarray, own: int, t: float, tau: float, beta: float) -> None:
        self.positive, self.draws, self.negatives = positive, draws, negatives
        # The negatives of the anchor's own view come first.
        self.own, self.t, self.tau, self.beta = own, t, tau, beta


def _ratio(x: Scores, estimate: float, count: float, extra: float = 0.0, t: float | None = None) -> float:
    t = x.t if t is None else t
    positive = math.exp(x.positive / t)
    return math.log((positive + count * estimate + extra) / positive)


def _mean(x: Scores, beta: float | None = None, t: float | None = None) -> float:
    """The mean of the kernels under the weights of their hardness."""
    scores = x.negatives / (x.t if t is None else t)
    weights = np.exp((x.beta if beta is None else beta) * scores)
    return float((weights * np.exp(scores)).sum() / weights.sum())


def _estimate(x: Scores, mean: float | None = None, *, draws: str = "mean", prior: bool = True, floor: float | None = 1.0) -> float:
    mean = _mean(x) if mean is None else mean
    kernels = np.exp(x.draws / x.t)
    subtracted = x.tau * float(kernels.sum() if draws == "sum" else kernels.mean())
    found = (mean - subtracted) / ((1.0 - x.tau) if prior else 1.0)
    return found if floor is None else max(found, floor * math.exp(-1.0 / x.t))


def _right(x: Scores) -> float:
    return _ratio(x, _estimate(x), len(x.negatives))


N = len
EVERY: dict[str, OF_ANCHOR] = {
    "the constant self pair e^{1/t} is left in the denominator": lambda x: _ratio(x, _estimate(x), N(x.negatives), math.exp(1.0 / x.t)),
    "e, not e^{1/t}, is subtracted for the self pair": lambda x: _ratio(
        x, _estimate(x), N(x.negatives), math.exp(1.0 / x.t) - math.e
    ),
    "the positive is missing from the denominator": lambda x: math.log(N(x.negatives) * _estimate(x)) - x.positive / x.t,
    "the positive stands in the denominator twice (it is left in the negatives)": lambda x: _ratio(
        x, _estimate(x), N(x.negatives), math.exp(x.positive / x.t)
    ),
    "the positive's score is not divided by the temperature": lambda x: math.log(
        math.exp(x.positive / x.t) + N(x.negatives) * _estimate(x)
    ) - x.positive,
    "the temperature is missing everywhere": lambda x: _right(_with(x, t=1.0)),
    "scores are multiplied by the temperature, not divided": lambda x: _right(_with(x, t=1.0 / x.t)),
    "scores are divided by the temperature twice": lambda x: _right(_with(x, t=x.t * x.t)),
    "only the negatives of the other view are counted": lambda x: _right(_with(x, negatives=x.negatives[x.own :])),
    "only the negatives of the anchor's own view are counted": lambda x: _right(_with(x, negatives=x.negatives[: x.own])),
    "the logarithm is missing: it is 1 - p": lambda x: 1.0 - math.exp(-_right(x)),
    "the self pair is left in, and counted as the positive": lambda x: math.log(
        (math.exp(1.0 / x.t) + math.exp(x.positive / x.t) + N(x.negatives) * _estimate(x)) / math.exp(1.0 / x.t)
    ),
}
ESTIMATED: dict[str, OF_ANCHOR] = {
    "N is 2B - 1, not 2B - 2": lambda x: _ratio(x, _estimate(x), N(x.negatives) + 1),
    "N is 2B, not 2B - 2": lambda x: _ratio(x, _estimate(x), N(x.negatives) + 2),
    "N is forgotten: the estimate is not multiplied by it": lambda x: _ratio(x, _estimate(x), 1),
    "the division by 1 - tau_plus is forgotten": lambda x: _ratio(x, _estimate(x, prior=False), N(x.negatives)),
    "tau_plus is not used": lambda x: _right(_with(x, tau=0.0)),
    "the estimate has no floor": lambda x: _ratio(x, max(_estimate(x, floor=None), 1e-300), N(x.negatives)),
    "the floor e^{-1/t} is divided by N": lambda x: _ratio(x, _estimate(x, floor=1.0 / N(x.negatives)), N(x.negatives)),
    "N stands before the negatives and before tau_plus times the positive, as their sum": lambda x: _ratio(
        x, _estimate(x, draws="sum"), N(x.negatives)
    ),
}
HARD: dict[str, OF_ANCHOR] = {
    "beta is not used": lambda x: _right(_with(x, beta=0.0)),
    "the hardness exponent lacks the temperature": lambda x: _ratio(x, _estimate(x, _mean(x, x.beta * x.t)), N(x.negatives)),
    "the hardness exponent has the temperature twice": lambda x: _ratio(x, _estimate(x, _mean(x, x.beta / x.t)), N(x.negatives)),
    "the hardness weights are divided by their sum, not by their mean": lambda x: _ratio(
        x, _estimate(x, _mean(x) / N(x.negatives)), N(x.negatives)
    ),
    "the weights have beta + 1 for beta": lambda x: _right(_with(x, beta=x.beta + 1.0)),
}
BUGS = {"simclr": EVERY, "debiased": {**EVERY, **ESTIMATED}, "hard_negative": {**EVERY, **ESTIMATED, **HARD}}


def _with(x: Scores, **changed: Any) -> Scores:
    found = Scores(x.positive, x.draws, x.negatives, x.own, x.t, x.tau, x.beta)
    for name, value in changed.items():
        setattr(found, name, value)
    return found


def _anchors(head: dict[str, Any], data: dict[str, Any], both: bool, t: float) -> list[Scores]:
    tau, beta = head["parameters"].get("tau_plus", 0.0), head["parameters"].get("beta", 0.0)

    def unit(rows: np.ndarray) -> np.ndarray:
        return rows / np.linalg.norm(rows, axis=-1, keepdims=True)

    if "anchor" in data:
        anchor, positives, negatives = unit(data["anchor"]), unit(data["positives"]), unit(data["negatives"])
        draws = unit(data["debias_positives"]) if "debias_positives" in data else positives[:, :1]
        return [
            Scores(float(x @ positives[i, 0]), draws[i] @ x, negatives[i] @ x, 0, t, tau, beta) for i, x in enumerate(anchor)
        ]
    views = unit(data["views"])
    found = []
    for side in (0, 1) if both else (0,):
        for i, x in enumerate(views[side]):
            others = np.arange(len(views[side])) != i
            own, other = views[side][others] @ x, views[1 - side][others] @ x
            positive = float(views[1 - side][i] @ x)
            found.append(Scores(positive, np.array([positive]), np.concatenate([own, other]), len(own), t, tau, beta))
    return found


def of_values(probe: Probe, conventions: Conventions) -> tuple[str, Conventions] | None:
    """The bug whose values are those of a function, with the factor and the temperature under which they are."""
    values = [probe.value(*case) for case in probe.cases]
    both = conventions.symmetric is not False
    fixed = conventions.temperature is not None
    # A temperature that is fixed inside was found by values that are wrong.
    temperatures = dict.fromkeys((conventions.temperature, *USUAL_TEMPERATURES)) if fixed else (None,)
    for factor in dict.fromkeys(("mean", conventions.factor, *FACTORS)):
        for t in temperatures:
            for words, of_anchor in BUGS.get(probe.loss, {}).items():
                if _distance(probe, values, of_anchor, factor, both, t) <= 10 * SAME[probe.dtype]:
                    return words, replace(conventions, factor=factor, temperature=t)
    if not fixed:
        ratios = [value / probe.exact(*case, symmetric=both) for case, value in zip(probe.cases, values)]
        if max(ratios) - min(ratios) <= 10 * SAME[probe.dtype] * abs(ratios[0]):
            return f"the value is {ratios[0]:.6g} times what it should be", replace(conventions, factor="mean")
    return None


def _distance(
    probe: Probe, values: list[float], of_anchor: OF_ANCHOR, factor: str, both: bool, fixed: float | None
) -> float:
    worst = 0.0
    for (head, data), value in zip(probe.cases, values):
        t = head["temperature"] if fixed is None else fixed
        images = (data["views"] if "views" in data else data["anchor"][None]).shape[1]
        try:
            anchors = [of_anchor(x) for x in _anchors(head, data, both, t)]
        except (OverflowError, ValueError, ZeroDivisionError):
            return math.inf
        expected = float(np.mean(anchors)) * FACTORS[factor][1](images, t)
        worst = max(worst, abs(value - expected) / max(abs(expected), 1e-3))
    return worst


def of_gradients(probe: Probe, conventions: Conventions) -> list[str]:
    """The bugs that show in a gradient whose value is right."""
    head, data = probe.cases[0]
    head = {**head, "normalize": conventions.normalize is not False}
    if conventions.temperature is not None:
        head["temperature"] = conventions.temperature
    data = {**data, "symmetric": conventions.symmetric is not False} if "views" in data else data
    text = json.dumps(head)
    found = claim(probe.call, conventions, {"head": text, "data": data}, probe.dtype)["gradient"]
    exact = _intnacl.evaluate(text, data)["gradient"]
    tolerance = 100 * SAME[probe.dtype]
    likely = []
    for array, gradient in found.items():
        right = exact[array]
        scale = float(np.linalg.norm(right))
        difference = gradient - right
        if np.linalg.norm(difference) <= tolerance * max(scale, 1e-3):
            continue
        ratio = float((gradient * right).sum() / max((right * right).sum(), 1e-300))
        rows = data[array]
        radial = (difference * rows).sum(axis=-1, keepdims=True) * rows / (rows * rows).sum(axis=-1, keepdims=True)
        if abs(ratio) > 1e-6 and np.linalg.norm(gradient - ratio * right) <= tolerance * scale:
            likely.append(f"the gradient by {array} is {ratio:.6g} times what it should be")
        elif np.linalg.norm(difference - radial) <= tolerance * scale and conventions.normalize is False:
            likely.append(
                f"the self pair is removed by subtracting the constant e^{{1/t}}: the value is right, the gradient by {array} "
                "keeps a radial part"
            )
        elif array == "views":
            for view in range(len(rows)):
                if not gradient[view].any() and right[view].any():
                    likely.append(f"view {view} has no gradient: it is detached, or is no part of the graph")
        elif not gradient.any():
            likely.append(f"{array} has no gradient: it is detached, or is no part of the graph")
    return likely


# The logarithm of the largest number of a type.
LARGEST = {"f64": 709.0, "f32": 88.0, "bf16": 88.0, "f16": 11.0}
# From warm to cold: digits are lost before numbers stop being finite.
SWEEP = (0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.015, 0.01, 0.005, 0.002, 0.001)


def of_type(probe: Probe, conventions: Conventions, dtype: str, standard: int, low: float, high: float) -> list[str]:
    """What a function that is right on ordinary cases lacks where it gets colder: digits of its type, or its range."""
    _, data = probe.cases[1]
    data = {name: probe.representable(array, dtype) if isinstance(array, np.ndarray) else array for name, array in data.items()}
    if "views" in data:
        data["symmetric"] = conventions.symmetric is not False
    for t in (t for t in SWEEP if low <= t <= high):
        head = {**probe.cases[1][0], "temperature": t, "normalize": conventions.normalize is not False}
        text = json.dumps(head)
        found = {
            kind: _intnacl.agreement(text, data, kind, partial(claim, probe.call, conventions, dtype=kind))
            for kind in dict.fromkeys((dtype, "f64"))
        }
        message = found[dtype]["broken"][standard]
        if message is None:
            continue
        # A quotient's derivative squares its denominator.
        if re.search(r" is (NaN|-?inf)$", message) or 2.0 / t > LARGEST[dtype]:
            return [
                f"numbers leave the range of {dtype} at t = {t:g}: exponentials such as e^{{1/t}} overflow, which a log-sum-exp "
                "of the scores does not"
            ]
        if dtype != "f64" and found["f64"]["worst"][0]["error"] < 1e-3 * found[dtype]["worst"][0]["error"]:
            return [
                f"digits cancel in {dtype} at t = {t:g}, where f64 still has them: large numbers are subtracted, as where the "
                "constant self pair e^{1/t} is taken from the sum over all pairs"
            ]
        return []
    return []

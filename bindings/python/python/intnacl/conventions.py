"""Which conventions a function follows: found on a few cases before it is judged.

Normalisation, direction and the order of the views show in what leaves the value as it is, whatever else is wrong with
the function. The factor (mean or sum) and a temperature that is fixed inside are those that bring the values nearest to
the exact ones.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Any, Callable

import numpy as np

from . import _intnacl
from .signature import FORMS, Call

# The factor by which the value is multiplied, by the number of images and the temperature.
FACTORS: dict[str, tuple[str, Callable[[int, float], float]]] = {
    "mean": ("mean", lambda images, t: 1.0),
    "sum": ("sum over the images", lambda images, t: float(images)),
    "sum_of_anchors": ("sum over the anchors of both directions", lambda images, t: 2.0 * images),
    "sum_of_directions": ("mean over the images, both directions added", lambda images, t: 2.0),
    "times_temperature": ("mean, times the temperature", lambda images, t: t),
    "times_twice_temperature": ("mean, times twice the temperature", lambda images, t: 2.0 * t),
    "times_temperature_over_0.07": ("mean, times temperature / 0.07", lambda images, t: t / 0.07),
}
OF_BOTH_DIRECTIONS = ("sum_of_anchors", "sum_of_directions")
USUAL_TEMPERATURES = (0.5, 0.1, 0.07, 0.2, 0.05, 1.0, 0.3, 0.25, 0.4, 0.15, 0.6, 0.7, 0.8, 0.9, 0.01, 0.02, 2.0)
# How near two values of a function are that are the same but for roundings.
SAME = {"f64": 1e-9, "f32": 2e-4, "bf16": 0.1, "f16": 0.02, "bf16-scores": 0.1, "tf32": 0.02}


class NoConvention(ValueError):
    """A function that answers in no form that is known."""


@dataclass
class Conventions:
    """What was found, or said by the user."""

    form: str = "stacked"
    # None: the function takes it as an argument.
    normalize: bool | None = True
    symmetric: bool | None = True
    # Whether rows that are taken as they are may leave the sphere; some functions refuse those.
    off_the_sphere: bool = True
    factor: str = "mean"
    # The temperature that is fixed in the function.
    temperature: float | None = None
    per_anchor: bool = False
    # The function gives both directions of each image, one after the other.
    both_directions: bool = False
    # How far the values are from the exact ones at best, relative to them.
    distance: float = math.inf

    def sentences(self, layout: str) -> list[str]:
        """The conventions in words."""
        words = []
        if layout == "batch":
            words.append(f"takes {FORMS[self.form][0]}")
        if layout != "supervised":
            words.append({True: "normalises inside", False: "takes unit rows", None: "normalises on demand"}[self.normalize])
        if layout == "batch":
            words.append({True: "both directions", False: "one direction", None: "directions on demand"}[self.symmetric])
        if layout != "supervised":
            words.append(FACTORS[self.factor][0] + (", and a value of each anchor" if self.per_anchor else ""))
        if self.temperature is not None:
            words.append(f"temperature {self.temperature:.6g}, fixed inside")
        return words


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def claim(call: Call, conventions: Conventions, request: dict[str, Any], dtype: str) -> dict[str, Any]:
    """The answer of a function to a request, in the form of the judge: by its conventions it is what is claimed."""
    head, data = json.loads(request["head"]), request["data"]
    output, gradient = call(head, data, dtype)
    if "transform" in data:
        per_point = output if output.ndim == 1 else None
        # Autodiff was asked for the gradient of the mean; a function that gives its own gives that of the sum.
        total = 1.0 if per_point is None or call.framework.name == "numpy" else float(len(output))
        gradient = {name: array * total for name, array in gradient.items()}
        return {"value": float(output.sum()), "per_anchor": per_point, "gradient": gradient}
    images = data["views"].shape[1] if "views" in data else data["anchor"].shape[0]
    factor = FACTORS[conventions.factor][1](images, head["temperature"])
    answer: dict[str, Any] = {
        "value": float(output.mean()) / factor,
        "per_anchor": None,
        "gradient": {name: np.ascontiguousarray(array / factor) for name, array in gradient.items()},
    }
    if conventions.per_anchor and output.ndim == 1:
        entries = output / factor
        if len(entries) == 2 * images:
            if call.form in ("interleaved", "by_image"):
                entries = entries.reshape(images, 2).mean(axis=1)
            else:
                entries = entries.reshape(2, images).mean(axis=0)
        answer["per_anchor"] = entries
    return answer


class Probe:
    """A few cases, on which a function is tried."""

    def __init__(self, call: Call, loss: str, dtype: str, parameters: dict[str, Any], low: float, high: float) -> None:
        self.call, self.loss, self.dtype = call, loss, dtype
        self.parameters = parameters
        self.rng = np.random.default_rng(20220717)
        warm = min(max(0.5, low), high)
        self.cases = [self._case(3, 5, warm), self._case(8, 5, warm), self._case(3, 16, min(max(0.2, low), high))]

    def _case(self, images: int, d: int, temperature: float) -> tuple[dict[str, Any], dict[str, Any]]:
        signature = self.call.signature
        count = max(len(signature.views), 2)
        centre = _unit(self.rng.normal(size=(images, d)))

        def near(*shape: int) -> np.ndarray:
            rows = centre + 0.4 * self.rng.normal(size=(*shape, images, d))
            return self._representable(_unit(rows))

        if signature.layout == "tuples":
            def tuples(inner: int) -> np.ndarray:
                return np.ascontiguousarray(near(inner).swapaxes(0, 1))

            data: dict[str, Any] = {"anchor": self._representable(centre), "positives": tuples(2)}
            data["negatives"] = self._representable(_unit(self.rng.normal(size=(images, 5, d))))
            shapes = {"debias_positives": 3, "mixed": 1, "adversarial_negatives": 4}
            data.update({name: tuples(inner) for name, inner in shapes.items() if name in signature.arrays})
            if "mixed_negatives" in signature.arrays:
                data["mixed_negatives"] = self._representable(_unit(self.rng.normal(size=(images, 1, 3, d))))
            if "adversarial" in signature.arrays:
                data["adversarial"] = near()
        else:
            data = {"views": near(count), "symmetric": True}
            if "mixed" in signature.arrays:
                data["mixed"] = near(count - 2) if count > 2 else near(1)
                if count == 2:
                    data["views"] = np.concatenate([data["views"], near(1)])
            if "adversarial" in signature.arrays:
                data["adversarial"] = near()
        head = {
            "loss": self.loss,
            "parameters": self.parameters,
            "temperature": temperature,
            "normalize": False,
            "norm_tolerance": 0.1,
        }
        return head, data

    def _representable(self, array: np.ndarray) -> np.ndarray:
        return self.representable(array, self.dtype)

    @staticmethod
    def representable(array: np.ndarray, dtype: str) -> np.ndarray:
        """The numbers of a floating type that are nearest to those of an array."""
        if dtype == "f64":
            return array
        if dtype == "bf16":
            # The upper half of a binary32.
            bits = array.astype(np.float32).view(np.uint32) + np.uint32(0x8000)
            return (bits & np.uint32(0xFFFF0000)).view(np.float32).astype(np.float64)
        return array.astype(np.float16 if dtype == "f16" else np.float32).astype(np.float64)

    def value(self, head: dict[str, Any], data: dict[str, Any]) -> float:
        """The function's value, the mean where it gives several."""
        return float(self.call(head, data, self.dtype)[0].mean())

    def exact(self, head: dict[str, Any], data: dict[str, Any], **changed: Any) -> float:
        head = {**head, "normalize": True}
        head.update({name: value for name, value in changed.items() if name == "temperature"})
        data = {**data, **{name: value for name, value in changed.items() if name == "symmetric"}}
        return float(_intnacl.evaluate(json.dumps(head), data)["value"])

    def mistaken(self, head: dict[str, Any], data: dict[str, Any], temperature: float | None, symmetric: bool) -> list[float]:
        """The values by each mistake that the judge knows."""
        head = {**head, "normalize": True, "temperature": head["temperature"] if temperature is None else temperature}
        return _intnacl.explained(json.dumps(head), {**data, "symmetric": symmetric})

    @staticmethod
    def times(factor: str, head: dict[str, Any], data: dict[str, Any], temperature: float) -> float:
        """The factor of a case by its number of images."""
        images = data["views"].shape[1] if "views" in data else data["anchor"].shape[0]
        return FACTORS[factor][1](images, temperature)

    def same(self, a: float, b: float) -> bool:
        return abs(a - b) <= SAME[self.dtype] * max(abs(a), abs(b), 1e-3)

    def stretched(self) -> float | None:
        """The value where rows have other norms; none where the function refuses these."""
        head, data = self.cases[0]
        scaled = {
            name: self._representable(array * self.rng.uniform(0.5, 2.0, size=(*array.shape[:-1], 1)))
            if isinstance(array, np.ndarray) else array
            for name, array in data.items()
        }
        try:
            return self.value(head, scaled)
        except Exception:  # whatever a function raises that wants unit rows
            return None

    def symmetric(self) -> bool:
        """Whether the value stays when views 0 and 1 change places."""
        # An even number of images: there, rows that are paired in another order are so after the exchange.
        head, data = self.cases[1]
        views = data["views"]
        swapped = np.ascontiguousarray(np.concatenate([views[1::-1], views[2:]]))
        return self.same(self.value(head, data), self.value(head, {**data, "views": swapped}))

    def keeps_images_together(self) -> bool:
        """Whether the value stays when the images are put into another order."""
        head, data = self.cases[1]
        order = np.roll(np.arange(data["views"].shape[1]), 2)
        order[[0, 1]] = order[[1, 0]]
        turned: dict[str, Any] = {name: np.ascontiguousarray(array[..., order, :]) for name, array in data.items() if name != "symmetric"}
        turned["symmetric"] = True
        return self.same(self.value(head, data), self.value(head, turned))


def _distance(probe: Probe, values: list[float], symmetric: bool, factor: str, temperature: float | None) -> float:
    """How far the values are from the exact ones times a factor: the largest logarithm of their ratio."""
    worst = 0.0
    for (head, data), value in zip(probe.cases, values):
        t = head["temperature"] if temperature is None else temperature
        expected = probe.exact(head, data, temperature=t, symmetric=symmetric) * probe.times(factor, head, data, t)
        ratio = value / expected if expected > 0.0 else math.inf
        worst = max(worst, abs(math.log(ratio)) if 0.0 < ratio < math.inf else 1e3)
    return worst


def _temperature(probe: Probe, values: list[float], symmetric: bool, factor: str) -> tuple[float, float]:
    """The temperature that brings the values nearest to the exact ones, and how near."""
    tried = sorted(USUAL_TEMPERATURES)
    distances = {t: _distance(probe, values, symmetric, factor, t) for t in tried}
    best = min(distances, key=distances.__getitem__)
    if distances[best] < 1e-3:
        polished = _polished(probe, values[0], symmetric, factor, best)
        distance = _distance(probe, values, symmetric, factor, polished)
        # A temperature that is kept in a narrower type, or as a logarithm, is off by a rounding.
        return (polished, distance) if distance < 1e-2 * distances[best] else (best, distances[best])
    place = tried.index(best)
    low, high = math.log(tried[max(place - 1, 0)]), math.log(tried[min(place + 1, len(tried) - 1)])
    for _ in range(40):
        third = (high - low) / 3.0
        nearer = [_distance(probe, values, symmetric, factor, math.exp(x)) for x in (low + third, high - third)]
        low, high = (low, high - third) if nearer[0] < nearer[1] else (low + third, high)
    found = math.exp(0.5 * (low + high))
    return found, _distance(probe, values, symmetric, factor, found)


def _polished(probe: Probe, value: float, symmetric: bool, factor: str, start: float) -> float:
    """The temperature near another one at which the first case has a value, by the secant method."""
    head, data = probe.cases[0]

    def excess(t: float) -> float:
        return probe.exact(head, data, temperature=t, symmetric=symmetric) * probe.times(factor, head, data, t) - value

    (a, of_a), (b, of_b) = ((t, excess(t)) for t in (start, start * (1.0 + 1e-6)))
    for _ in range(8):
        if of_a == of_b:
            break
        step = of_b * (b - a) / (of_b - of_a)
        if not abs(step) < 0.01 * start:
            return start
        (a, of_a), b = (b, of_b), b - step
        of_b = excess(b)
    return b


def find(probe: Probe, given: dict[str, Any]) -> Conventions:
    """The conventions of a function; those that are `given` are not looked for."""
    call, signature = probe.call, probe.call.signature
    forms = [given["form"]] if given.get("form") else signature.forms()
    failures: list[str] = []
    found: list[Conventions] = []
    original = call.form
    for place, form in enumerate(forms if signature.layout == "batch" else ["stacked"]):
        call.form = form
        try:
            one = _of_form(probe, given)
        except Exception as error:  # whatever a function raises when it is handed another form
            failures.append(f"{FORMS[form][0]}: {type(error).__name__}: {error}")
            continue
        # Where a function answers in several forms, the first one wins unless another is much nearer.
        one.distance += 1e-3 * place
        found.append(one)
    call.form = original
    if not found:
        raise NoConvention(f"{signature.name} answers in none of the forms that were tried:\n  " + "\n  ".join(failures))
    best = min(found, key=lambda one: one.distance)
    best.distance = max(0.0, best.distance - 1e-3 * forms.index(best.form)) if signature.layout == "batch" else best.distance
    call.form = best.form
    return best


def reconsidered(probe: Probe, found: Conventions, given: dict[str, Any]) -> Conventions | None:
    """The conventions by which the values are those of a known mistake, where by none they are the right ones."""
    values = [probe.value(*case) for case in probe.cases]
    both = found.symmetric is not False
    factors = [given["reduction"]] if given.get("reduction") else dict.fromkeys(("mean", found.factor, *FACTORS))
    fixed = found.temperature is not None
    # A temperature that is fixed inside was found by values that are wrong.
    temperatures = dict.fromkeys((found.temperature, *USUAL_TEMPERATURES)) if fixed else dict.fromkeys((None,))
    if given.get("temperature") is not None:
        temperatures = dict.fromkeys((given["temperature"],))
    mistaken = {t: np.array([probe.mistaken(*case, temperature=t, symmetric=both) for case in probe.cases]) for t in temperatures}
    for factor in factors:
        for t, wrong in mistaken.items():
            expected = np.array([
                probe.times(factor, head, data, head["temperature"] if t is None else t) for head, data in probe.cases
            ])[:, None] * wrong
            # A mistake that has no value on a case is NaN or infinite there, and at no distance.
            with np.errstate(invalid="ignore"):
                distance = np.abs(np.array(values)[:, None] - expected) / np.maximum(np.abs(expected), 1e-3)
            if (distance <= 10 * SAME[probe.dtype]).all(axis=0).any():
                return replace(found, factor=factor, temperature=t)
    return None


def _of_form(probe: Probe, given: dict[str, Any]) -> Conventions:
    call, signature = probe.call, probe.call.signature
    head, data = probe.cases[0]
    output = call(head, data, probe.dtype)[0]
    images = data["views"].shape[1] if "views" in data else data["anchor"].shape[0]
    if output.ndim > 1 or output.ndim == 1 and len(output) not in (1, images, 2 * images):
        raise NoConvention(f"the value has shape {list(output.shape)}: expected one number, or one for each image")
    values = [probe.value(*case) for case in probe.cases]
    if not all(math.isfinite(value) for value in values):
        raise NoConvention(f"the value of an ordinary case is {values}: expected finite numbers")
    if not probe.same(values[0], probe.value(*probe.cases[0])):
        raise NoConvention("the same embeddings have another value each time: it is random (`eval()` ends dropout)")
    batch = signature.layout == "batch"
    if batch and not probe.keeps_images_together():
        raise NoConvention("the order of the images changes the value")
    found = Conventions(form=call.form, per_anchor=output.ndim == 1 and len(output) > 1)
    found.normalize = None if "normalize" in signature.flags else given.get("normalize")
    stretched = probe.stretched()
    found.off_the_sphere = stretched is not None
    if found.normalize is None and "normalize" not in signature.flags:
        # Who divides by a norm plus something small means to normalise.
        found.normalize = stretched is not None and abs(stretched - values[0]) <= max(0.02, SAME[probe.dtype]) * abs(values[0])
    if not batch:
        found.symmetric = True
    elif "symmetric" in signature.flags:
        found.symmetric = None
    else:
        found.symmetric = probe.symmetric() if given.get("symmetric") is None else given["symmetric"]
    both = found.symmetric is not False
    factors = [given["reduction"]] if given.get("reduction") else [
        name for name in FACTORS if (batch and both or name not in OF_BOTH_DIRECTIONS)
    ]
    best: tuple[float, str, float | None] | None = None
    for place, factor in enumerate(factors):
        if given.get("temperature") is not None:
            t, distance = given["temperature"], _distance(probe, values, both, factor, given["temperature"])
        elif signature.temperature is None:
            # With a temperature to be found as well, a factor that depends on it says nothing.
            if "temperature" in factor:
                continue
            t, distance = _temperature(probe, values, both, factor)
        else:
            t, distance = None, _distance(probe, values, both, factor, None)
        # The plain mean, unless something else is much nearer.
        distance += 0.05 * (place > 0)
        if best is None or distance < best[0]:
            best = (distance, factor, t)
    assert best is not None
    return replace(found, distance=max(0.0, best[0] - 0.05 * (best[1] != "mean")), factor=best[1], temperature=best[2])

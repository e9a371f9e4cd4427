"""What a function takes, by the names in its signature, and how it is called."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Any, Callable

import numpy as np

from . import _intnacl
from .frameworks import Framework, signature_of

TEMPERATURES = ("temperature", "temp", "tau", "t", "T")
# Words of signatures for the parameters of requests.
PARAMETERS = {
    "tau_plus": "tau_plus",
    "beta": "beta",
    "alpha": "alpha",
    "lambda_": "lambda",
    "lam": "lambda",
    "estimator": "negatives",
    "weight": "weight",
    "weight_negatives": "weight_negatives",
    "robust": "robust",
    "neighborhood": "neighborhood",
    "joined": "joined",
    "objective": "objective",
}
TUPLES = ("anchor", "positives", "negatives", "debias_positives", "mixed", "mixed_negatives", "adversarial",
          "adversarial_negatives")
EXTRAS = ("mixed", "adversarial")
POINTS = ("transform", "points", "labels")

# How a batch of views `[V][B][d]` is handed to a function, and how such an array comes back.
FORMS: dict[str, tuple[str, Callable[[Any], Any], Callable[[Any, int], np.ndarray]]] = {
    "separate": (
        "one array a view",
        lambda views: views,
        lambda gradient, count: np.stack([np.asarray(part) for part in gradient]),
    ),
    "stacked": (
        "views stacked, [views, images, d]",
        lambda views: views,
        lambda gradient, count: np.asarray(gradient),
    ),
    "concatenated": (
        "views concatenated one after the other, [views * images, d]",
        lambda views: views.reshape((-1, views.shape[-1])),
        lambda gradient, count: np.asarray(gradient).reshape((count, -1, np.shape(gradient)[-1])),
    ),
    "interleaved": (
        "images one after the other, the views of an image side by side, [images * views, d]",
        lambda views: views.swapaxes(0, 1).reshape((-1, views.shape[-1])),
        lambda gradient, count: np.asarray(gradient).reshape((-1, count, np.shape(gradient)[-1])).swapaxes(0, 1),
    ),
    "by_image": (
        "the views of each image stacked, [images, views, d]",
        lambda views: views.swapaxes(0, 1),
        lambda gradient, count: np.asarray(gradient).swapaxes(0, 1),
    ),
}
CODE = {
    "separate": "views[{0}]",
    "stacked": "views",
    "concatenated": "views.reshape(-1, views.shape[-1])",
    "interleaved": "views.swapaxes(0, 1).reshape(-1, views.shape[-1])",
    "by_image": "views.swapaxes(0, 1)",
}


@dataclass
class Signature:
    """A function's parameters, sorted."""

    name: str
    layout: str
    # The parameters that take the views, in order.
    views: list[str]
    arrays: list[str]
    temperature: str | None
    flags: list[str]
    parameters: dict[str, str]
    sizes: dict[str, str] = field(default_factory=dict)
    # The arrays that have no default.
    needs: list[str] = field(default_factory=list)
    positional: bool = False

    @property
    def separate(self) -> bool:
        return len(self.views) > 1

    def forms(self) -> list[str]:
        return ["separate"] if self.separate else ["stacked", "concatenated", "interleaved", "by_image"]

    def takes(self, array: str) -> bool:
        return array in self.arrays or array == "views"


def read(fn: Callable[..., Any], loss: str) -> Signature:
    """Sorts the parameters of a function.

    `views`, `anchor`, `positives`, … and the parameters of the loss are known by their names; of a batch, the
    parameters without a default whose names say nothing take the views, one each, or all where there is only one.
    """
    try:
        parameters = list(signature_of(fn).parameters.values())
    except (TypeError, ValueError) as error:
        raise ValueError(f"the signature of {fn!r} cannot be read ({error}): wrap it in a function that names its arguments") from None
    known = next((row[4] for row in _intnacl.losses() if row[0] == loss), None)
    if known is None:
        names = ", ".join(row[0] for row in _intnacl.losses())
        raise ValueError(f"loss = {loss!r}: expected one of {names}")
    words = [parameter.name for parameter in parameters]
    layout = "supervised" if loss == "supervised_nca" else "tuples" if "anchor" in words else "batch"
    found = Signature(getattr(fn, "__name__", type(fn).__name__), layout, [], [], None, [], {})
    of_layout = {"batch": EXTRAS, "tuples": TUPLES, "supervised": POINTS}[layout]
    for parameter in parameters:
        word = parameter.name
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if word in of_layout:
            found.arrays.append(word)
            if parameter.default is inspect.Parameter.empty and layout != "supervised":
                found.needs.append(word)
        elif word == "negatives" and "negatives" in known:
            found.parameters[word] = "negatives"
        elif PARAMETERS.get(word) in known or word in ("lambda_", "lam", "joined") and "neighborhood" in known:
            found.parameters[word] = PARAMETERS[word]
        elif word in TEMPERATURES and found.temperature is None and layout != "supervised":
            found.temperature = word
        elif word in ("normalize", "symmetric"):
            found.flags.append(word)
        elif word in ("batch_size", "n_views", "device"):
            if parameter.default is inspect.Parameter.empty:
                found.sizes[word] = word
        elif layout == "batch" and (word == "views" or parameter.default is inspect.Parameter.empty):
            found.views.append(word)
            found.positional |= parameter.kind is parameter.POSITIONAL_ONLY
        elif parameter.default is inspect.Parameter.empty:
            raise ValueError(f"{found.name} takes {word}: expected {', '.join(of_layout)}, temperature or a parameter of {loss}")
    if layout == "batch" and not found.views:
        raise ValueError(f"{found.name} takes no embeddings: expected views, or one argument a view")
    missing = {"tuples": ("anchor", "positives", "negatives"), "supervised": ("transform", "points", "labels")}
    for array in missing.get(layout, ()):
        if array not in found.arrays:
            raise ValueError(f"{found.name} takes no {array}: expected {', '.join(missing[layout])}")
    return found


@dataclass
class Call:
    """A function with the form in which it takes the views."""

    fn: Callable[..., Any]
    signature: Signature
    framework: Framework
    form: str = "stacked"

    def arguments(self, head: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        """What is passed beside the arrays: only what the signature names."""
        signature = self.signature
        named: dict[str, Any] = {}
        if signature.temperature:
            named[signature.temperature] = head["temperature"]
        if "normalize" in signature.flags:
            named["normalize"] = head["normalize"]
        if "symmetric" in signature.flags:
            named["symmetric"] = bool(data.get("symmetric", True))
        for word, parameter in signature.parameters.items():
            if parameter in head["parameters"]:
                named[word] = head["parameters"][parameter]
        if signature.sizes:
            count, images = data["views"].shape[:2]
            values = {"batch_size": images, "n_views": count, "device": getattr(self.framework, "device", "cpu")}
            named.update({word: values[word] for word in signature.sizes})
        return named

    def arrays(self, data: dict[str, Any]) -> dict[str, np.ndarray]:
        return {name: array for name, array in data.items() if name != "symmetric" and self.signature.takes(name)}

    def __call__(self, head: dict[str, Any], data: dict[str, Any], dtype: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The function's output and its gradient by every array."""
        named = self.arguments(head, data)
        numbers = {name: value for name, value in named.items() if isinstance(value, float)}
        others = {name: value for name, value in named.items() if name not in numbers}
        form, signature = self.form, self.signature

        def call(arrays: dict[str, Any], numbers: dict[str, float]) -> Any:
            arrays = dict(arrays)
            positional = []
            if "views" in arrays:
                views = FORMS[form][1](arrays.pop("views"))
                positional = list(views) if form == "separate" else [views]
            if signature.positional:
                return self.fn(*positional, **arrays, **numbers, **others)
            return self.fn(**dict(zip(signature.views, positional)), **arrays, **numbers, **others)

        key = f"{form} {sorted(others.items(), key=str)}"
        output, gradient = self.framework.differentiate(call, self.arrays(data), numbers, dtype, key)
        if self.framework.name == "numpy":
            gradient = self._by_name(gradient, data)
        for name, array in gradient.items():
            if array.shape != data[name].shape:
                raise ValueError(f"the gradient by {name} has shape {list(array.shape)}: expected {list(data[name].shape)}")
        return output, gradient

    def _by_name(self, gradient: Any, data: dict[str, Any]) -> dict[str, np.ndarray]:
        """The gradient that a function of NumPy gives: an array or a tuple for the views, or a dictionary."""
        given = dict(gradient) if isinstance(gradient, dict) else None
        if "views" not in data:
            if given is None:
                words = [word for word in self.signature.arrays if word != "labels"]
                given = dict(zip(words, gradient if isinstance(gradient, tuple) else (gradient,)))
            return {name: np.asarray(array, dtype=np.float64) for name, array in given.items()}
        if given is None:
            given = {"views": gradient}
        elif self.signature.separate and all(word in given for word in self.signature.views):
            given["views"] = [given.pop(word) for word in self.signature.views]
        elif not self.signature.separate and self.signature.views[0] in given:
            given["views"] = given.pop(self.signature.views[0])
        if "views" in given:
            given["views"] = FORMS[self.form][2](given["views"], data["views"].shape[0])
        return {name: np.asarray(array, dtype=np.float64) for name, array in given.items()}

    def code(self, head: dict[str, Any], data: dict[str, Any]) -> str:
        """The call as Python writes it."""
        words = []
        if "views" in data:
            places = range(data["views"].shape[0]) if self.form == "separate" else [0]
            words += [CODE[self.form].format(place) for place in places]
        words += [f"{name}={name}" for name in self.arrays(data) if name != "views"]
        words += [f"{name}={value!r}" for name, value in self.arguments(head, data).items()]
        return f"{self.signature.name}({', '.join(words)})"

"""Exact values and gradients of contrastive losses.

Every function takes a batch (`views=`, of shape `[1+M][B][d]`, the first positional argument) or tuples (`anchor=`
`[B][d]`, `positives=` `[B][M][d]`, `negatives=` `[B][N][d]`). Values are right within 4 units in the last place of
float64, gradients within `8 * 2**-53` of the norm of their array.

The estimator of the negatives (`"g0"`, or `{"estimator": "g1", "tau_plus": 0.1}`, or `g2` with `beta` too) is the
keyword `estimator`; where no array of that name is given, `negatives` names it, as in a request.
"""

from __future__ import annotations

import json
import math
from typing import Any, Mapping, Union

import numpy as np

from . import _intnacl
from ._arrays import AXES, floats, integers

# The name of an estimator, or a dictionary with its parameters.
Estimator = Union[str, Mapping[str, Any]]

OPTIONAL_TUPLES = ("debias_positives", "mixed", "mixed_negatives", "adversarial", "adversarial_negatives")
OPTIONAL_BATCH = ("mixed", "adversarial")


class Gradient(dict):
    """Arrays under their names, as keys and as attributes."""

    def __getattr__(self, name: str) -> np.ndarray:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no gradient by {name}: there is one by {', '.join(self)}") from None


class Result:
    """A loss: `value`, `per_anchor`, and `gradient`, the gradient of `value` by every array under its name.

    The three are attributes and items: `result.value` is `result["value"]`.
    """

    __slots__ = ("value", "per_anchor", "gradient")
    value: float
    per_anchor: np.ndarray
    gradient: Gradient

    def __init__(self, value: float, per_anchor: np.ndarray, gradient: Mapping[str, np.ndarray]) -> None:
        self.value = value
        self.per_anchor = per_anchor
        self.gradient = Gradient(gradient)

    def __getitem__(self, name: str) -> Any:
        if name not in self.__slots__:
            raise KeyError(name)
        return getattr(self, name)

    def keys(self) -> tuple[str, ...]:
        return self.__slots__

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in self.gradient.items())
        return f"Result(value={self.value!r}, per_anchor {list(self.per_anchor.shape)}, gradient by {shapes})"


def _estimator(value: Any) -> Any:
    return {"estimator": value} if isinstance(value, str) else value


def _plain(value: Any, name: str) -> Any:
    """A parameter as JSON has it."""
    if isinstance(value, Mapping):
        return {key: _plain(item, f"{name}.{key}") for key, item in value.items()}
    if isinstance(value, (str, bool, np.bool_)):
        return bool(value) if isinstance(value, np.bool_) else value
    try:
        number = float(value)
    except (TypeError, ValueError):
        found = type(value).__name__
        raise ValueError(f"{name} is of type {found}: expected a number, a name or a dictionary of them") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} = {number}: expected a finite number")
    return number


def parameters_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as requests have them: `lambda_` is `lambda`, `estimator` is `negatives`."""
    parameters: dict[str, Any] = {}
    for name, value in given.items():
        name = {"lambda_": "lambda", "estimator": "negatives"}.get(name, name)
        if name in ("negatives", "weight_negatives"):
            value = _estimator(value)
        if name == "robust" and isinstance(value, Mapping):
            value = {key: _estimator(item) if key in ("negatives", "estimator") else item for key, item in value.items()}
            if "estimator" in value:
                value["negatives"] = value.pop("estimator")
        parameters[name] = _plain(value, name)
    return parameters


def _number(value: Any, name: str) -> float | None:
    """A setting; `None` stands for NaN, which is refused as one."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        shown = " ".join(repr(value).split())[:80]
        raise ValueError(f"{name} = {shown}: expected a number") from None
    return number if math.isfinite(number) else None


def request(
    loss: str,
    views: Any = None,
    *,
    temperature: Any = 0.5,
    normalize: bool = True,
    norm_tolerance: float | None = None,
    symmetric: bool = True,
    **given: Any,
) -> tuple[str, dict[str, Any]]:
    """The head of a request and its arrays."""
    given = {name: value for name, value in given.items() if value is not None}
    arrays = {name: given.pop(name) for name in list(given) if name in AXES and name != "negatives"}
    negatives = given.pop("negatives", None)
    if isinstance(negatives, (str, Mapping)):
        given.setdefault("estimator", negatives)
    elif negatives is not None:
        arrays["negatives"] = negatives
    labels = given.pop("labels", None)
    if views is not None:
        arrays["views"] = views
    head: dict[str, Any] = {"loss": loss, "parameters": parameters_of(given)}
    if loss == "supervised_nca":
        allowed: tuple[str, ...] = ("transform", "points")
    elif "views" in arrays:
        allowed = ("views", *OPTIONAL_BATCH)
    else:
        allowed = ("anchor", "positives", "negatives", *OPTIONAL_TUPLES)
    for name in arrays:
        if name not in allowed:
            raise ValueError(f"{name} is not expected here: expected {', '.join(allowed)}")
    data: dict[str, Any] = {name: floats(array, name) for name, array in arrays.items()}
    if loss == "supervised_nca":
        if "transform" not in data:
            raise ValueError("transform is missing: expected an array of shape [D][F]")
        if labels is not None:
            data["labels"] = integers(labels, "labels")
    else:
        head["temperature"] = _number(temperature, "temperature")
        head["normalize"] = bool(normalize)
        if norm_tolerance is not None:
            head["norm_tolerance"] = _number(norm_tolerance, "norm_tolerance")
        if "views" in data:
            data["symmetric"] = bool(symmetric)
        elif "anchor" not in data:
            raise ValueError("views is missing: expected views, or anchor, positives and negatives")
    return json.dumps(head), data


def evaluate(loss: str, views: Any = None, **keywords: Any) -> Result:
    """The loss of a name: `evaluate("nca", views, estimator="g0")` is `nca(views, estimator="g0")`."""
    head, data = request(loss, views, **keywords)
    answer = _intnacl.evaluate(head, data)
    return Result(answer["value"], answer["per_anchor"], answer["gradient"])


class Explanation(dict):
    """The intermediate quantities of a loss, in the form of `intnacl explain --json`."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def explain(loss: str, views: Any = None, *, largest: int = 3, **keywords: Any) -> Explanation:
    """Takes a loss apart, anchor by anchor: the logarithm of the positives' sum, the estimator's means, its floor,
    `omega`, how many negatives count, what cancellation takes, and the `largest` derivatives by scores.

    >>> import numpy as np
    >>> anchor, positives, negatives = [[1, 0]], [[[0.6, 0.8]]], [[[0, 1], [-1, 0]]]
    >>> found = explain("simclr", anchor=anchor, positives=positives, negatives=negatives)
    >>> round(found["anchors"][0]["terms"][0]["omega"], 6)
    0.254819
    """
    head, data = request(loss, views, **keywords)
    return Explanation(json.loads(_intnacl.explain(head, data, int(largest))))


def simclr(
    views: Any = None,
    *,
    temperature: float = 0.5,
    normalize: bool = True,
    **arrays: Any,
) -> Result:
    """SimCLR (Chen et al. 2020), equation (2): `-log h(x,x+) / (h(x,x+) + sum_i h(x,x-_i))`.

    >>> import numpy as np
    >>> views = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.6, 0.8], [-0.8, 0.6]]])
    >>> result = simclr(views, temperature=0.5)
    >>> round(result.value, 12), result.gradient.views.shape
    (0.668040201714, (2, 2, 2))
    """
    return evaluate("simclr", views, temperature=temperature, normalize=normalize, **arrays)


def debiased(
    views: Any = None,
    *,
    tau_plus: float,
    temperature: float = 0.5,
    normalize: bool = True,
    **arrays: Any,
) -> Result:
    """Debiased (Chuang et al. 2020), equation (3): `-log h(x,x+) / (h(x,x+) + N g1(x; tau_plus))`."""
    return evaluate("debiased", views, temperature=temperature, normalize=normalize, tau_plus=tau_plus, **arrays)


def hard_negative(
    views: Any = None,
    *,
    tau_plus: float,
    beta: float,
    temperature: float = 0.5,
    normalize: bool = True,
    **arrays: Any,
) -> Result:
    """HardNeg (Robinson et al. 2021), equation (4): `-log h(x,x+) / (h(x,x+) + N g2(x; tau_plus, beta))`."""
    return evaluate("hard_negative", views, temperature=temperature, normalize=normalize, tau_plus=tau_plus, beta=beta, **arrays)


def adversarial(
    views: Any = None,
    *,
    alpha: float,
    temperature: float = 0.5,
    normalize: bool = True,
    **arrays: Any,
) -> Result:
    """Adv (Ho and Vasconcelos 2020), equation (5): SimCLR plus `alpha` times SimCLR with `adversarial` as the positive."""
    return evaluate("adversarial", views, temperature=temperature, normalize=normalize, alpha=alpha, **arrays)


def nca(
    views: Any = None,
    *,
    estimator: Estimator | None = None,
    temperature: float = 0.5,
    normalize: bool = True,
    **arrays: Any,
) -> Result:
    """NCA (Ko et al. 2022), equation (8): `-log sum_j h(x,x+_j) / (sum_j h(x,x+_j) + N G(x))`, `G` being the `estimator`.

    >>> anchor, positives, negatives = [[1, 0]], [[[0, 1], [0.6, 0.8]]], [[[0, -1]]]
    >>> round(nca(anchor=anchor, positives=positives, negatives=negatives, estimator="g0").value, 12)
    0.208212813732
    """
    return evaluate("nca", views, temperature=temperature, normalize=normalize, estimator=estimator, **arrays)


def mix_nca(
    views: Any = None,
    *,
    lambda_: float,
    estimator: Estimator | None = None,
    temperature: float = 0.5,
    normalize: bool = True,
    **arrays: Any,
) -> Result:
    """MIXNCA (Ko et al. 2022): one positive, and the embeddings of mixed inputs in `mixed`, with the mixing weight `lambda_`."""
    return evaluate("mix_nca", views, temperature=temperature, normalize=normalize, lambda_=lambda_, estimator=estimator, **arrays)


def robust(
    views: Any = None,
    *,
    weight: str,
    estimator: Estimator | None = None,
    weight_negatives: Estimator | None = None,
    temperature: float = 0.5,
    normalize: bool = True,
    **arrays: Any,
) -> Result:
    """The robust term alone (Ko et al. 2022): `w(x)` times the loss with `adversarial` as the positive; `weight` is "one",
    "adversarial" or "adversarial_with_gradient"."""
    return evaluate("robust", views, temperature=temperature, normalize=normalize, weight=weight, estimator=estimator, weight_negatives=weight_negatives, **arrays)


def int_cl(
    views: Any = None,
    *,
    alpha: float,
    robust: Mapping[str, Any],
    estimator: Estimator | None = None,
    temperature: float = 0.5,
    normalize: bool = True,
    **arrays: Any,
) -> Result:
    """IntCl (Ko et al. 2022): the single-positive loss plus `alpha` times the robust term; `robust` has `negatives` and `weight`."""
    return evaluate("int_cl", views, temperature=temperature, normalize=normalize, alpha=alpha, robust=robust, estimator=estimator, **arrays)


def int_nacl(
    views: Any = None,
    *,
    alpha: float,
    robust: Mapping[str, Any],
    neighborhood: str,
    estimator: Estimator | None = None,
    lambda_: float | None = None,
    joined: bool | None = None,
    temperature: float = 0.5,
    normalize: bool = True,
    **arrays: Any,
) -> Result:
    """IntNaCl (Ko et al. 2022), equation (9): a neighbourhood loss plus `alpha` times the robust term; `neighborhood` is
    "nca", "mix_nca" (with `lambda_`) or "combined" (with `lambda_`; `joined=False` for the plain sum)."""
    return evaluate("int_nacl", views, temperature=temperature, normalize=normalize, alpha=alpha, robust=robust, neighborhood=neighborhood, estimator=estimator, lambda_=lambda_, joined=joined, **arrays)


def supervised_nca(*, transform: Any, points: Any, labels: Any, objective: str = "kl") -> Result:
    """Supervised NCA (Goldberger et al. 2004), equations (6) and (7); `objective` is "kl" or "total_variation".

    >>> points, labels = [[0, 0], [0.1, 1], [2, 0], [2.1, 1]], [0, 0, 1, 1]
    >>> supervised_nca(transform=[[1, 0]], points=points, labels=labels, objective="total_variation").value < 0.2
    True
    """
    return evaluate("supervised_nca", transform=transform, points=points, labels=labels, objective=objective)

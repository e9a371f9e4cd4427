"""A loss that is judged while it trains."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any, Callable

import numpy as np

from . import _intnacl
from ._arrays import to_numpy
from .checking import _fixed, _ordinary
from .conventions import Conventions, Probe, claim, find
from .frameworks import DTYPES, framework_of, signature_of
from .signature import FORMS, Call, read
from .verdict import STANDARDS


class BatchFailed(UserWarning):
    """A batch of a run on which the loss is not right."""


class Watch:
    """A loss in whose place it stands, and which it judges on every k-th batch.

        loss_fn = intnacl.Watch(nt_xent, "simclr", every=100)
        ...
        loss = loss_fn(z_i, z_j, temperature=0.5)

    A batch on which value or gradient are off is saved in `folder` as an `.npz` with its arrays, the request and the
    message; a warning says so, and `failures` lists the files. Nothing of the run is changed: the loss is called on copies.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        loss: str = "simclr",
        framework: str | None = None,
        *,
        every: int = 100,
        folder: str | Path = "intnacl-failures",
        standard: str = "right",
        dtype: str | None = None,
        device: str | None = None,
        parameters: dict[str, Any] | None = None,
        **given: Any,
    ) -> None:
        if every < 1:
            raise ValueError(f"every = {every}: expected at least 1")
        if standard not in STANDARDS:
            raise ValueError(f"standard = {standard!r}: expected right, careful or exact")
        self.fn, self.loss, self.every, self.folder = fn, loss, every, Path(folder)
        self.standard, self.dtype, self.given = standard, dtype, given
        self.signature = read(fn, loss)
        if self.signature.layout != "batch":
            raise ValueError(f"{self.signature.name} takes {self.signature.layout}: expected a function of views")
        self.call = Call(fn, self.signature, framework_of(fn, framework, device))
        self.fixed = _fixed(self.signature, loss, parameters or {})
        self.conventions: Conventions | None = None
        self.calls = self.judged = 0
        self.failures: list[Path] = []

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.calls += 1
        if (self.calls - 1) % self.every == 0:
            self.judge(*arguments, **named)
        return self.fn(*arguments, **named)

    def judge(self, *arguments: Any, **named: Any) -> str | None:
        """Judges a batch; gives the message where it fails."""
        bound = signature_of(self.fn).bind(*arguments, **named)
        bound.apply_defaults()
        given = bound.arguments
        first = given[self.signature.views[0]]
        dtype = self.dtype or _dtype(first)
        conventions = self._conventions(dtype)
        rows = [to_numpy(given[word]).astype(np.float64) for word in self.signature.views]
        count = len(rows) if self.signature.separate else len(first) if conventions.form == "stacked" else 2
        views = FORMS[conventions.form][2](rows if self.signature.separate else rows[0], count)
        temperature = given[self.signature.temperature] if self.signature.temperature else conventions.temperature or 1.0
        parameters = dict(_ordinary(self.signature, self.loss, self.fixed))
        for word, parameter in self.signature.parameters.items():
            parameters[parameter] = given[word]
        normalize = given.get("normalize", conventions.normalize is not False)
        head = json.dumps({
            "loss": self.loss, "parameters": parameters, "temperature": float(temperature), "normalize": bool(normalize),
            "norm_tolerance": 1e-5 if dtype in ("f64", "f32") else 2e-2,
        })
        data = {"views": np.ascontiguousarray(views), "symmetric": bool(given.get("symmetric", conventions.symmetric is not False))}
        for word in ("mixed", "adversarial"):
            if given.get(word) is not None and word in self.signature.arrays:
                data[word] = np.ascontiguousarray(to_numpy(given[word]).astype(np.float64))
        self.judged += 1
        try:
            found = _intnacl.agreement(head, data, dtype, lambda request: claim(self.call, conventions, request, dtype))
            message = found["broken"][STANDARDS.index(self.standard)]
        except ValueError as error:
            message = f"the batch is refused: {error}"
        if message is not None:
            self._save(message, head, data)
        return message

    def _conventions(self, dtype: str) -> Conventions:
        if self.conventions is None:
            probed = dtype if dtype in ("f64", "f32") else "f32"
            parameters = _ordinary(self.signature, self.loss, self.fixed)
            probe = Probe(self.call, self.loss, probed, parameters, 1e-3, 10.0)
            self.conventions = find(probe, self.given)
            if self.conventions.distance > 0.01:
                self.conventions.factor = "mean"
        return self.conventions

    def _save(self, message: str, head: str, data: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{self.loss}-call-{self.calls}.npz"
        arrays: dict[str, Any] = {name: array for name, array in data.items() if isinstance(array, np.ndarray)}
        np.savez_compressed(path, request=np.array(head), message=np.array(message), symmetric=np.array(data["symmetric"]), **arrays)
        self.failures.append(path)
        warnings.warn(BatchFailed(f"{self.signature.name}, call {self.calls}: {message}; saved as {path}"), stacklevel=4)


def _dtype(array: Any) -> str:
    word = str(getattr(array, "dtype", "float64")).rsplit(".", 1)[-1]
    return next((short for short, names in DTYPES.items() if word in names), "f64")

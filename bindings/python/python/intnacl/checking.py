"""The judge for functions: `check`."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, Callable, Iterable, Mapping, Sequence

import numpy as np

from . import _intnacl
from ._arrays import floats
from ._files import write_whole
from .conventions import FACTORS, SAME, Conventions, Probe, claim, find, reconsidered
from .exact import parameters_of
from .frameworks import DTYPES, Framework, Jax, dtype_name, framework_of
from .signature import FORMS, Call, Signature, read
from .verdict import STANDARDS, Counterexample, Diagnosis, Report, Verdict

# The parameters on which conventions are probed where the function takes them.
ORDINARY: dict[str, Any] = {
    "tau_plus": 0.1,
    "beta": 1.0,
    "alpha": 1.0,
    "lambda": 0.5,
    "negatives": {"estimator": "g0"},
    "weight": "one",
    "weight_negatives": {"estimator": "g0"},
    "robust": {"negatives": {"estimator": "g0"}, "weight": "one"},
    "neighborhood": "nca",
    "objective": "kl",
}
# Losses that read no positives after the first, and nothing that is mixed.
ONE_POSITIVE = ("simclr", "debiased", "hard_negative", "adversarial", "robust", "int_cl")
NEEDED = {"mix_nca": ("mixed",), "robust": ("adversarial",)}


class CheckFailed(AssertionError):
    """A function that is not what was asked for; `verdict` has all that was found."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__("\n" + verdict.text())
        self.verdict = verdict


class Bar:
    """One line on a terminal."""

    def __init__(self, wanted: bool | None) -> None:
        self.shown = sys.stderr.isatty() if wanted is None else wanted
        self.last = 0.0
        self.dtype = ""

    def __call__(self, law: str, place: int, laws: int, cases: int) -> None:
        now = time.monotonic()
        if self.shown and now - self.last > 0.1:
            self.last = now
            done = "#" * round(20 * place / max(laws, 1))
            print(f"\r[{done:20}] {place}/{laws} {self.dtype} {law} {cases}\x1b[K", end="", file=sys.stderr, flush=True)

    def say(self, words: str) -> None:
        if self.shown:
            print(f"\r{words}\x1b[K", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        if self.shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def judge(
    fn: Callable[..., Any],
    loss: str = "simclr",
    framework: str | None = None,
    *,
    dtype: Any = None,
    device: str | None = None,
    cases: int = 64,
    seed: int = 0,
    laws: Iterable[str] | None = None,
    standard: str = "right",
    temperatures: tuple[float, float] = (1e-3, 10.0),
    parameters: Mapping[str, Any] | None = None,
    known: Mapping[str, str] | None = None,
    views: Any = None,
    form: str | None = None,
    normalize: bool | None = None,
    symmetric: bool | None = None,
    reduction: str | None = None,
    temperature: float | None = None,
    progress: bool | None = None,
    report: str | os.PathLike[str] | None = None,
) -> Verdict:
    """As `check`, but gives the verdict whatever it is."""
    options = {name: value for name, value in locals().items() if name not in ("fn", "loss", "framework", "device")}
    backend = framework_of(fn, framework, device)
    with backend.small_work():
        return _judge(fn, loss, backend, device, **options)


def _judge(
    fn: Callable[..., Any], loss: str, backend: Framework, device: str | None, *, dtype: Any, cases: int, seed: int,
    laws: Iterable[str] | None, standard: str, temperatures: tuple[float, float], parameters: Mapping[str, Any] | None,
    known: Mapping[str, str] | None, views: Any, form: str | None, normalize: bool | None, symmetric: bool | None,
    reduction: str | None, temperature: float | None, progress: bool | None, report: str | os.PathLike[str] | None,
) -> Verdict:
    start = time.monotonic()
    signature = read(fn, loss)
    given = dict(form=form, normalize=normalize, symmetric=symmetric, reduction=reduction, temperature=temperature)
    _refuse(standard, temperatures, cases, form, reduction)
    fixed = _fixed(signature, loss, parameters or {})
    dtypes = [dtype_name(one) for one in _several(dtype)] if dtype is not None else ["f32", "f64"]
    for one in dtypes:
        if one not in backend.dtypes:
            raise ValueError(f"dtype = {one!r}: expected one of {', '.join(backend.dtypes)} with {backend.name}")
    call = Call(fn, signature, backend)
    probed = "f64" if "f64" in dtypes else "f32" if "f32" in dtypes else dtypes[0]
    probe = None
    if signature.layout == "supervised":
        conventions = Conventions(normalize=None, symmetric=None, distance=0.0)
        conventions.per_anchor = _vector(call, probed)
    else:
        low, high = (temperature, temperature) if temperature is not None else temperatures
        probe = Probe(call, loss, probed, _ordinary(signature, loss, fixed), low, high)
        conventions = find(probe, given)
    if probe is not None and conventions.distance > 10 * SAME[probed]:
        likely = reconsidered(probe, conventions, given)
        if likely is not None:
            conventions = likely
        elif reduction is None and conventions.distance > 0.01:
            # No factor explains the values: then the plain mean is meant.
            conventions.factor = "mean"
    if conventions.temperature is not None:
        temperatures = (conventions.temperature, conventions.temperature)
    verdict = Verdict(
        function=signature.name, loss=loss, framework=backend.name, device=str(device or "cpu"), standard=standard,
        seed=seed, conventions=conventions.sentences(signature.layout), distance=conventions.distance,
        own_views=views is not None,
    )
    known = dict(known or {})
    unknown = [law for law in known if law not in dict(_intnacl.laws(loss))]
    if unknown:
        raise ValueError(f"known: {unknown[0]!r} is no law of {loss}: expected {', '.join(dict(_intnacl.laws(loss)))}")
    bar = Bar(progress)
    plans: dict[str, dict[str, Any]] = {}
    answer_in = {one: lambda request, one=one: claim(call, conventions, request, one) for one in dtypes}
    try:
        for one in dtypes:
            plans[one] = _plan(signature, conventions, loss, fixed, one, standard, cases, seed, laws, temperatures, backend)
            if views is not None:
                verdict.reports.append(_own_views(call, conventions, loss, fixed, views, one, temperatures, standard))
                continue
            bar.dtype = one
            for row in _intnacl.judge(json.dumps(plans[one]), answer_in[one], bar):
                verdict.reports.append(_report(row, one, call, conventions, known))
        failed = dict.fromkeys(report.dtype for report in verdict.failed)
        verdict.diagnosis = _diagnosis({one: plans[one] for one in failed}, answer_in, bar)
        for one in dtypes if report is not None else []:
            bar.say(f"errors in {one}")
            verdict.sweeps.append(_intnacl.sweep(json.dumps(plans[one]), answer_in[one]))
    finally:
        bar.close()
    verdict.seconds = time.monotonic() - start
    if report is not None:
        write_whole(report, verdict.as_html())
    return verdict


def check(fn: Callable[..., Any], loss: str = "simclr", framework: str | None = None, **options: Any) -> Verdict:
    """Judges a loss by the laws that every right implementation satisfies, against the exact values.

    `fn(views, temperature, ...)` is a function of PyTorch or JAX, differentiated by autodiff, or of NumPy, giving value
    and gradient. Only the arguments that its signature names are passed: `temperature`, the parameters of the loss, the
    embeddings as `views`, as one argument a view, or as `anchor`, `positives` and `negatives`. How it takes them, whether
    it normalises inside, means or sums, and whether both directions count is found on a few cases and said.

    Options: `dtype` (f32 and f64; also bf16, f16, and bf16-scores and tf32 for products under autocast), `device`, `cases`
    (of each law and type), `seed`, `laws` (only these), `standard` ("right", "careful" or "exact"), `temperatures` (low,
    high), `parameters` (those fixed in the function), `known` (laws that are known to fail, with reasons), `views` (your own
    embeddings in place of drawn cases), `report` (a file for a page of HTML about the function, right or wrong), `progress`;
    and conventions that are not to be probed: `form` ("separate", "stacked", "concatenated", "interleaved", "by_image"),
    `normalize`, `symmetric`, `reduction` ("mean", "sum", ...), `temperature`.

    Raises `AssertionError` with the verdict if a law fails; gives the verdict otherwise.
    """
    verdict = judge(fn, loss, framework, **options)
    if not verdict.ok:
        raise CheckFailed(verdict)
    return verdict


def _several(dtype: Any) -> Sequence[Any]:
    return dtype if isinstance(dtype, (list, tuple)) else [dtype]


def _refuse(standard: str, temperatures: tuple[float, float], cases: int, form: str | None, reduction: str | None) -> None:
    if standard not in STANDARDS:
        raise ValueError(f"standard = {standard!r}: expected right, careful or exact")
    low, high = temperatures
    if not 0.0 < low <= high < float("inf"):
        raise ValueError(f"temperatures = {temperatures!r}: expected two finite numbers above 0, in order")
    if cases < 1:
        raise ValueError(f"cases = {cases}: expected at least 1")
    if form is not None and form not in FORMS:
        raise ValueError(f"form = {form!r}: expected one of {', '.join(FORMS)}")
    if reduction is not None and reduction not in FACTORS:
        raise ValueError(f"reduction = {reduction!r}: expected one of {', '.join(FACTORS)}")


def _fixed(signature: Signature, loss: str, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """All parameters of the loss, where the function has them fixed; none where it takes them as arguments."""
    names = next(row[4] for row in _intnacl.losses() if row[0] == loss)
    parameters = parameters_of(given)
    taken = set(signature.parameters.values())
    absent = [name for name in names if name not in taken and name not in parameters and name != "weight_negatives"]
    if absent:
        words = ", ".join(absent)
        raise ValueError(f"{signature.name} does not take {words}: name its value, as in parameters={{{absent[0]!r}: ...}}")
    if not parameters:
        return None
    return {**{name: ORDINARY[name] for name in names if name != "weight_negatives"}, **parameters}


def _ordinary(signature: Signature, loss: str, fixed: dict[str, Any] | None) -> dict[str, Any]:
    if fixed is not None:
        return fixed
    names = next(row[4] for row in _intnacl.losses() if row[0] == loss)
    for array in NEEDED.get(loss, ()):
        if array not in signature.arrays:
            raise ValueError(f"{signature.name} takes no {array}, which {loss} reads")
    return {name: ORDINARY[name] for name in names if name != "weight_negatives"}


def _vector(call: Call, dtype: str) -> bool:
    """Whether a function of labelled points gives the value of each point."""
    head = {"loss": "supervised_nca", "parameters": {"objective": "kl"}}
    points = np.array([[0.0, 0.0], [0.5, 1.0], [1.0, 0.0], [1.5, 1.0]])
    data = {"transform": np.eye(2), "points": points, "labels": np.array([0, 0, 1, 1])}
    return bool(call(head, data, dtype)[0].ndim == 1)


def _plan(
    signature: Signature, conventions: Conventions, loss: str, fixed: dict[str, Any] | None, dtype: str, standard: str,
    cases: int, seed: int, laws: Iterable[str] | None, temperatures: tuple[float, float], backend: Any,
) -> dict[str, Any]:
    reads_one = loss in ONE_POSITIVE
    positives = len(signature.views) - 1 if signature.separate else 1 if reads_one and signature.layout == "batch" else None
    return {
        "loss": loss, "dtype": dtype, "standard": standard, "cases": int(cases), "seed": int(seed),
        "laws": None if laws is None else list(laws), "layout": signature.layout, "arrays": signature.arrays,
        "needs": signature.needs,
        "normalize": conventions.normalize, "off_the_sphere": conventions.off_the_sphere, "symmetric": conventions.symmetric,
        "temperatures": list(temperatures), "positives": positives, "few_shapes": isinstance(backend, Jax),
        "fixed": None if fixed is None else {"loss": loss, "parameters": fixed},
    }


def _diagnosis(
    plans: dict[str, dict[str, Any]], answer_in: dict[str, Callable[..., Any]], bar: Bar
) -> Diagnosis | None:
    """What is wrong, in the type that tells most: the widest one in which the mistake has a name."""
    best = None
    for dtype in sorted(plans, key=list(DTYPES).index):
        bar.say(f"what is wrong in {dtype}")
        found = _intnacl.diagnose(json.dumps(plans[dtype]), answer_in[dtype])
        if found is None:
            continue
        diagnosis = Diagnosis(dtype=dtype, **found)
        if diagnosis.has_a_name:
            return diagnosis
        best = best or diagnosis
    return best


def _report(row: dict[str, Any], dtype: str, call: Call, conventions: Conventions, known: dict[str, str]) -> Report:
    report = Report(
        law=row["law"], statement=row["statement"], dtype=dtype, cases=row["cases"], comparisons=row["comparisons"],
        beyond_the_type=row["beyond_the_type"], worst=row["worst"], examples=row["examples"], lacks=row["lacks"],
        known=known.get(row["law"]), kept=row["kept"],
    )
    found = row["counterexample"]
    if found is not None:
        request = found["request"] or {"head": "{}", "data": {}}
        report.counterexample = _counterexample(found["message"], request, dtype, call, conventions)
    return report


def _counterexample(
    message: str, request: dict[str, Any], dtype: str, call: Call, conventions: Conventions
) -> Counterexample:
    head, data = json.loads(request["head"]), request["data"]
    if not data:
        return Counterexample(message, head, {}, "")
    arrays = call.arrays(data)
    lines = [call.framework.imports + f"  # and {call.signature.name}, yours"]
    if call.framework.name == "jax" and dtype == "f64":
        lines.append('jax.config.update("jax_enable_x64", True)')
    lines += [call.framework.code(name, array, dtype) for name, array in arrays.items()]
    written = call.code(head, data)
    try:
        exact = _intnacl.evaluate(request["head"], data)
        images = data["views"].shape[1] if "views" in data else data["anchor"].shape[0] if "anchor" in data else 1
        factor = FACTORS[conventions.factor][1](images, head.get("temperature", 1.0))
        exact_value = exact["value"] * factor
        of_value = f"exactly {exact_value:.9g}"
    except (ValueError, RuntimeError) as error:
        return Counterexample(message, head, dict(data), "\n".join([*lines, written + f"  # {error}"]))
    lines.append(f"loss = {written}")
    mean = "" if not conventions.per_anchor or call.framework.name == "numpy" else ".mean()"
    value = "loss[0]" if call.framework.name == "numpy" else f"loss{mean}"
    lines.append(f"print({value})  # {of_value}")
    place = next((name for name in arrays if f"gradient.{name}" in message), None)
    if place is not None:
        step, gradient = call.framework.code_of_gradient(place)
        gradient = gradient.replace("CALL", written)
        shown = np.array2string(exact["gradient"][place] * factor, precision=6, separator=", ", threshold=64).replace("\n", "")
        shown = " ".join(shown.split())
        lines.append(f"{step}; print({gradient})  # exactly {shown}" if step else f"print({gradient})  # exactly {shown}")
    return Counterexample(message, head, dict(data), "\n".join(lines))


def _own_views(
    call: Call, conventions: Conventions, loss: str, fixed: dict[str, Any] | None, views: Any, dtype: str,
    temperatures: tuple[float, float], standard: str,
) -> Report:
    """Agreement with the exact values on the user's own embeddings."""
    if call.signature.layout != "batch":
        raise ValueError(f"views: expected with a function of views, and {call.signature.name} takes {call.signature.layout}")
    rows = floats(views, "views")
    rows = Probe.representable(rows, dtype)
    low, high = temperatures
    normalize = conventions.normalize is not False
    head = {
        "loss": loss, "parameters": _ordinary(call.signature, loss, fixed), "temperature": min(max(0.5, low), high),
        "normalize": normalize, "norm_tolerance": 1e-2 if dtype in ("bf16", "f16") else 1e-5,
    }
    data = {"views": rows, "symmetric": conventions.symmetric is not False}
    text = json.dumps(head)
    found = _intnacl.agreement(text, data, dtype, lambda request: claim(call, conventions, request, dtype), standard)
    example = {"message": "", "temperature": head["temperature"], "request": {"head": text, "data": data}}
    report = Report(
        law="agrees_with_the_reference", statement="on your own views, value and gradient are those of the exact reference",
        dtype=dtype, cases=1, comparisons=found["comparisons"], beyond_the_type=0, worst=found["worst"],
        examples=[None if message is None else {**example, "message": message} for message in found["broken"]], lacks=None,
        kept=found["kept"],
    )
    message = found["broken"][STANDARDS.index(standard)]
    if message is not None:
        code = "" if rows.size > 200 else None
        report.counterexample = _counterexample(message, {"head": text, "data": data}, dtype, call, conventions)
        if code is not None:
            report.counterexample.code = code
    return report

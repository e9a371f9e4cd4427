"""What the judge found, in words, as JSON, as JUnit XML and as a page."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import numpy as np

from . import _intnacl

STANDARDS = ("right", "careful", "exact")


@dataclass
class Counterexample:
    """The smallest case that was found to break a law."""

    message: str
    # The request without its arrays: loss, parameters, temperature.
    head: dict[str, Any]
    arrays: dict[str, np.ndarray]
    # Python that shows it without the judge.
    code: str

    def as_request(self) -> str:
        """The request as `intnacl loss` reads it."""
        data: dict[str, Any] = {
            name: array.tolist() if isinstance(array, np.ndarray) else array for name, array in self.arrays.items()
        }
        if "transform" not in data:
            data = {"layout": "batch" if "views" in data else "tuples", **data}
        return json.dumps({**self.head, "data": data})


@dataclass
class Report:
    """What became of one law in one floating type."""

    law: str
    statement: str
    dtype: str
    cases: int
    comparisons: int
    beyond_the_type: int
    worst: list[dict[str, Any]]
    examples: list[dict[str, Any] | None]
    lacks: str | None
    counterexample: Counterexample | None = None
    known: str | None = None
    # The same as the judge has it, for a page.
    kept: Any = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        # What the judge keeps stays in its process.
        return {**self.__dict__, "kept": None}

    @property
    def judged(self) -> bool:
        return self.comparisons > 0 or self.counterexample is not None

    @property
    def holds(self) -> bool:
        return self.judged and self.counterexample is None

    @property
    def reached(self) -> int:
        """The number of standards that no case broke."""
        return next((s for s in (0, 1, 2) if self.examples[s] is not None), 3)

    @property
    def state(self) -> str:
        if not self.judged:
            return "not judged"
        if self.holds:
            return "holds" if self.known is None else "holds, though known to fail"
        return "FAILS" if self.known is None else "fails, as known"


@dataclass
class Diagnosis:
    """What is wrong, in the words of `intnacl verify`."""

    dtype: str
    text: str
    # How many requests were asked, and how many answers are wrong.
    asked: int
    wrong: int
    values_are_right: bool
    # A constant that values and gradients, or gradients alone, are off by.
    factor: str | None
    # A number that they are off by, where it has no such name.
    ratio: float | None
    # A type of fewer digits, by whose budgets all answers are right.
    narrower: str | None
    # Another convention, by which all answers are right.
    convention: str | None
    # The name of a known bug that gives these numbers, and where it was reported.
    bug: str | None
    source: str | None
    # The first answer that was none, in the words of its error.
    failure: str | None
    # The arrays whose gradients are wrong, and which part of them is.
    arrays: list[tuple[str, str]]
    # Where answers are right.
    regimes: list[str]

    @property
    def has_a_name(self) -> bool:
        return any(found is not None for found in (self.factor, self.ratio, self.narrower, self.convention, self.bug))

    def as_json(self, loss: str) -> dict[str, Any]:
        """The fields that `intnacl verify --json` has."""
        fields = ("text", "asked", "wrong", "values_are_right", "factor", "convention", "bug")
        return {"loss": loss, **{name: getattr(self, name) for name in fields}}


@dataclass
class Verdict:
    """All that was found of a function. It is true where the function is what was asked for."""

    function: str
    loss: str
    framework: str
    device: str
    standard: str
    seed: int
    conventions: list[str]
    distance: float
    reports: list[Report] = field(default_factory=list)
    diagnosis: Diagnosis | None = None
    seconds: float = 0.0
    own_views: bool = False
    # The errors in each type, where a page was asked for.
    sweeps: list[Any] = field(default_factory=list, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "sweeps": []}

    @property
    def failed(self) -> list[Report]:
        """Reports of laws that fail and are not known to."""
        return [report for report in self.reports if report.counterexample is not None and report.known is None]

    @property
    def ok(self) -> bool:
        return not self.failed and any(report.judged for report in self.reports)

    def __bool__(self) -> bool:
        return self.ok

    @property
    def _counted(self) -> list[Report]:
        """What was judged, known failures apart."""
        return [
            report
            for report in self.reports
            if report.judged and (report.counterexample is None or report.known is None)
        ]

    @property
    def reached(self) -> str | None:
        """The highest standard at which all laws hold; known failures do not count."""
        lowest = min((report.reached for report in self._counted), default=0)
        return STANDARDS[lowest - 1] if lowest > 0 else None

    def table(self) -> str:
        width = max([len(report.law) for report in self.reports] + [3])
        types = max([len(report.dtype) for report in self.reports] + [4])
        lines = [f"{'law':{width}}  {'type':{types}}  {'cases':>5}  {'comparisons':>11}  {'error/budget':>12}  verdict"]
        for report in self.reports:
            if not report.judged:
                continue
            ratio = report.worst[STANDARDS.index(self.standard)]["ratio"]
            shown = f"{ratio:12.3g}" if report.comparisons else f"{'-':>12}"
            lines.append(
                f"{report.law:{width}}  {report.dtype:{types}}  {report.cases:5}  {report.comparisons:11}  {shown}"
                f"  {report.state}"
            )
        return "\n".join(lines)

    def sentence(self) -> str:
        """The verdict in one sentence: the standard that is reached, and what the next one would have asked."""
        reached, counted = self.reached, self._counted
        if not counted:
            return "not judged: no comparison was made"
        if reached == "exact":
            return "exact: right to the last bits"
        following = 0 if reached is None else STANDARDS.index(reached) + 1
        broken_ones = ((report, report.examples[following]) for report in counted)
        examples = [(report, example) for report, example in broken_ones if example is not None]
        report, example = max(examples, key=lambda pair: pair[1]["temperature"])
        where = f"from t = {example['temperature']:.6g} down, e.g. {report.law} in {report.dtype}: {example['message']}"
        if reached is None:
            broken = sum(report.reached == 0 for report in counted)
            return f"WRONG: {broken} of {len(counted)} checks fail {where}"
        if reached == "right":
            return f"right, not careful: loses the digits of small losses {where}"
        return f"careful: the digits of small losses survive; not exact {where}"

    def text(self) -> str:
        """The whole verdict."""
        parts = [
            f"{self.function} as {self.loss}: {'; '.join(self.conventions)}",
            self.table(),
        ]
        if self.distance > 0.01:
            parts[0] += "\nno conventions make the values the exact ones; these are the likely ones"
        if self.diagnosis is not None:
            lines = self.diagnosis.text.splitlines()
            parts.append("\n".join([f"What is wrong in {self.diagnosis.dtype}:", *(f"  {line}" for line in lines)]))
        by_law: dict[str, list[Report]] = {}
        for report in self.failed:
            by_law.setdefault(report.law, []).append(report)
        for place, (law, reports) in enumerate(by_law.items()):
            types, found = ", ".join(report.dtype for report in reports), reports[0].counterexample
            assert found is not None
            lines = [f"{law} fails in {types}: {reports[0].statement}", f"  {found.message}"]
            # The others have theirs in the verdict.
            if place == 0 and found.code:
                lines += ["  smallest counterexample, without the judge:", ""]
                lines += [f"    {line}" for line in found.code.splitlines()]
            parts.append("\n".join(lines))
        for report in self.reports:
            if report.counterexample is not None and report.known is not None:
                parts.append(f"{report.law} fails in {report.dtype}, as known: {report.known}")
        for report in self.reports:
            if report.known is not None and report.holds:
                parts.append(f"{report.law} holds in {report.dtype}, though it is known to fail: {report.known}")
        idle: dict[str, set[str]] = {}
        for report in self.reports:
            if not report.judged:
                idle.setdefault(report.lacks or "no case could be judged", set()).add(report.law)
        if idle:
            parts.append(f"not judged: {'; '.join(_idle(laws, why) for why, laws in idle.items())}")
        cases = sum(report.cases for report in self.reports)
        comparisons = sum(report.comparisons for report in self.reports)
        outcome = "all hold" if not self.failed else f"{len(self.failed)} of {sum(r.judged for r in self.reports)} checks FAIL"
        drawn = ", half of them real images" if not self.own_views and self.loss != "supervised_nca" else ""
        dtypes = ", ".join(dict.fromkeys(report.dtype for report in self.reports))
        parts.append(
            f"{self.sentence()}\nchecked {self.function} by {self.framework} on {self.device} in {dtypes} to the standard "
            f'"{self.standard}": {cases} cases{drawn}, {comparisons} comparisons, {outcome} '
            f"(seed {self.seed}, {self.seconds:.1f} s)"
        )
        return "\n\n".join(parts)

    __str__ = text

    def as_json(self) -> dict[str, Any]:
        rows = []
        at = STANDARDS.index(self.standard)
        for report in self.reports:
            found = report.counterexample
            rows.append({
                "law": report.law, "loss": self.loss, "dtype": report.dtype, "cases": report.cases,
                "comparisons": report.comparisons, "beyond_the_type": report.beyond_the_type,
                "worst": report.worst[at]["what"], "error": _number(report.worst[at]["error"]),
                "budget": _number(report.worst[at]["budget"]), "judged": report.judged, "holds": report.holds,
                "known": report.known, "not_judged": report.lacks,
                "counterexample": None if found is None else found.message,
                "request": None if found is None or not found.arrays else json.loads(found.as_request()),
                "code": None if found is None else found.code,
            })
        return {
            "version": 1, "implementation": self.function, "framework": self.framework, "device": self.device,
            "loss": self.loss, "seed": self.seed, "standard": self.standard, "standard_reached": self.reached,
            "holds": self.ok, "conventions": self.conventions, "verdict": self.sentence(),
            "diagnoses": [] if self.diagnosis is None else [self.diagnosis.as_json(self.loss)], "reports": rows,
        }

    def as_html(self) -> str:
        """A page for people, in one file that needs no network; errors are drawn where `check` was given `report`.

        Raises `ValueError` if the verdict was pickled: what the judge keeps for the page stays in its process.
        """
        if any(report.kept is None for report in self.reports):
            raise ValueError("the verdict was pickled: expected one that `check` gave in this process")
        facts = [
            ("loss", self.loss), ("framework", self.framework), ("device", self.device),
            ("types", ", ".join(dict.fromkeys(report.dtype for report in self.reports))),
            ("cases", str(sum(report.cases for report in self.reports))),
            ("comparisons", str(sum(report.comparisons for report in self.reports))),
            ("seed", str(self.seed)), ("time", f"{self.seconds:.1f} s"), ("conventions", "; ".join(self.conventions)),
        ]
        remarks = ["No conventions make the values the exact ones; these are the likely ones."] if self.distance > 0.01 else []
        diagnosis = self.diagnosis
        told = {
            "name": self.function, "verdict": self.sentence(), "reached": self.reached, "standard": self.standard,
            "facts": facts, "remarks": remarks,
            "diagnoses": [] if diagnosis is None else [(f"{self.loss} in {diagnosis.dtype}", diagnosis.text)],
        }
        checks = []
        for report in self.reports:
            code = None if report.counterexample is None else report.counterexample.code or None
            checks.append((report.kept, report.known, code))
        return _intnacl.page(json.dumps(told), checks, self.sweeps)

    def as_junit(self) -> str:
        """JUnit XML: a test case a law and type."""
        failures = len(self.failed)
        skipped = sum(not report.judged or report.known is not None and not report.holds for report in self.reports)
        counts = {"tests": str(len(self.reports)), "failures": str(failures), "skipped": str(skipped), "errors": "0"}
        suites = ElementTree.Element("testsuites", counts)
        suite = ElementTree.SubElement(
            suites, "testsuite", {"name": f"intnacl.{self.loss}.{self.function}", "time": f"{self.seconds:.3f}", **counts}
        )
        for report in self.reports:
            case = ElementTree.SubElement(
                suite, "testcase", {"classname": f"{self.loss}.{report.dtype}", "name": report.law}
            )
            if not report.judged:
                ElementTree.SubElement(case, "skipped", {"message": report.lacks or "not judged"})
            elif report.counterexample is not None and report.known is not None:
                ElementTree.SubElement(case, "skipped", {"message": f"known: {report.known}"})
            elif report.counterexample is not None:
                failure = ElementTree.SubElement(case, "failure", {"message": report.counterexample.message})
                failure.text = f"{report.statement}\n{report.counterexample.code}"
        ElementTree.indent(suites)
        return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _idle(laws: set[str], why: str) -> str:
    if len(laws) == 1:
        return f"{next(iter(laws))} ({why})"
    return f"{len(laws)} laws ({why.replace('it asks', 'they ask').replace('it compares', 'they compare')})"


def _number(x: float) -> float | None:
    """JSON has no infinities."""
    return x if np.isfinite(x) else None

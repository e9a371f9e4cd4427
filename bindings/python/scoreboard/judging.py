"""Judges one entry, in a process of its own: `python judging.py NAME OUT`, or `FILE.py:NAME` for entries of another file."""

from __future__ import annotations

import importlib.util
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from adapters import entries
from entry import Entry
from intnacl.checking import judge
from intnacl.conventions import NoConvention
from intnacl.verdict import STANDARDS, Verdict

# The whole range of the judge, and what losses are trained with.
RANGES = {"whole": (1e-3, 10.0), "usual": (0.05, 1.0)}
CASES = 64


def find(name: str) -> Entry:
    """The entry of a name."""
    path, colon, short = name.rpartition(":")
    found = entries()
    if colon:
        spec = importlib.util.spec_from_file_location("entries_of_a_file", path)
        if spec is None or spec.loader is None:
            raise ValueError(f"{path}: no file of Python")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        found = module.ENTRIES
    one = next((entry for entry in found if entry.name == short), None)
    if one is None:
        raise ValueError(f"no entry {short}: expected one of {', '.join(entry.name for entry in found)}")
    return one


def judged(entry: Entry, cases: int = CASES) -> dict[str, Any]:
    """What the judge says of an entry, as JSON."""
    assert entry.make is not None
    try:
        function = entry.make()
    except Exception as error:  # whatever a package raises when it is imported
        return {"stopped": f"it cannot be imported: {type(error).__name__}: {error}"}
    found: dict[str, Any] = {"with": f"{entry.framework} {version(entry.framework)}"}
    for name, temperatures in RANGES.items():
        try:
            verdict = judge(
                function, entry.loss, entry.framework, temperatures=temperatures, cases=cases, progress=False, **entry.options
            )
        except NoConvention as error:
            return {**found, "stopped": str(error)}
        found[name] = summary(verdict)
        if verdict.ok:
            break
    return found


def summary(verdict: Verdict) -> dict[str, Any]:
    """What the board shows of a verdict."""
    types: dict[str, Any] = {}
    for dtype in dict.fromkeys(report.dtype for report in verdict.reports):
        reports = [report for report in verdict.reports if report.dtype == dtype and report.judged]
        reached = min((report.reached for report in reports), default=0)
        types[dtype] = {
            "reached": STANDARDS[reached - 1] if reached else None,
            "judged": len(reports),
            "failed": [report.law for report in reports if report.counterexample is not None],
        }
    counterexample = next(
        (report.counterexample for report in verdict.failed if report.counterexample is not None and report.counterexample.code),
        None,
    )
    return {
        "conventions": verdict.conventions,
        "types": types,
        "counterexample": None if counterexample is None else {"message": counterexample.message, "code": counterexample.code},
        "cases": sum(report.cases for report in verdict.reports),
        "comparisons": sum(report.comparisons for report in verdict.reports),
    }


def main(words: list[str]) -> int:
    name, out = words
    entry = find(name)
    Path(out).write_text(json.dumps(judged(entry), indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

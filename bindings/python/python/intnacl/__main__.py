"""`python -m intnacl check MODULE:FUNCTION --loss NAME`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from . import _intnacl
from .checking import judge
from .conventions import FACTORS, NoConvention
from .signature import FORMS
from .targets import load
from .verdict import STANDARDS

EXAMPLES = """\
examples:
  python -m intnacl check losses:nt_xent --loss simclr
  python -m intnacl check "losses:NTXentLoss(temperature)" --loss simclr --dtype f32
  python -m intnacl check losses:debiased --loss debiased --parameter tau_plus=0.1 --junit laws.xml

Exit status: 0, all laws hold; 1, one fails; 2, the arguments are refused.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m intnacl", description="Judges contrastive losses that are written in Python.")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser(
        "check", help="judge a loss by the laws", epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    check.add_argument("target", metavar="MODULE:FUNCTION", help="the loss, or MODULE:FACTORY(temperature) for a class")
    losses = [row[0] for row in _intnacl.losses()]
    check.add_argument("--loss", metavar="LOSS", default="simclr", choices=losses, help=f"which loss it is: {', '.join(losses)} [simclr]")
    check.add_argument("--framework", choices=["torch", "jax", "numpy"], help="by default that of its module")
    check.add_argument("--dtype", help="floating types, with commas: f64, f32, bf16, f16, bf16-scores, tf32 [f32,f64]")
    check.add_argument("--device", help="cpu, cuda:0, ... [cpu]")
    check.add_argument("--cases", type=int, default=64, help="cases of each law and type [64]")
    check.add_argument("--seed", type=int, default=0, help="the same seed gives the same cases [0]")
    check.add_argument("--law", action="append", help="only this law; may be given several times")
    check.add_argument("--standard", choices=STANDARDS, default="right", help="the standard that is asked for [right]")
    check.add_argument("--temperatures", metavar="LOW..HIGH", default="0.001..10", help="[0.001..10]")
    check.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE", help="a parameter that is fixed in the function")
    check.add_argument("--form", metavar="FORM", choices=list(FORMS), help=f"how it takes the views: {', '.join(FORMS)} [found by probing]")
    check.add_argument("--reduction", metavar="REDUCTION", choices=list(FACTORS), help=f"mean or sum: {', '.join(FACTORS)} [found by probing]")
    check.add_argument("--known", metavar="FILE", help="laws that are known to fail, as JSON: {\"law\": \"reason\"}")
    check.add_argument("--json", metavar="FILE", help="also write the results to this file; - for standard output alone")
    check.add_argument("--junit", metavar="FILE", help="also write JUnit XML to this file")
    check.add_argument("--report", metavar="FILE.html", help="also write a page for people to this file, with drawings of the errors")
    return parser


def _temperatures(text: str) -> tuple[float, float]:
    low, dots, high = text.partition("..")
    try:
        ends = float(low), float(high)
    except ValueError:
        dots = ""
    if not dots:
        raise ValueError(f"--temperatures {text}: expected LOW..HIGH, two finite numbers above 0 in order, such as 0.05..1")
    return ends


def _parameters(given: list[str]) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--parameter {text}: expected NAME=VALUE")
        try:
            parameters[name] = json.loads(value)
        except json.JSONDecodeError:
            parameters[name] = value
    return parameters


def _known(path: str | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        known = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"--known {path}: {error}") from None
    if not isinstance(known, dict) or not all(isinstance(reason, str) for reason in known.values()):
        raise ValueError(f"--known {path}: expected an object of laws and reasons")
    return known


def main(words: list[str] | None = None) -> int:
    """Runs the command; gives the exit status."""
    arguments = _parser().parse_args(words)
    try:
        verdict = judge(
            load(arguments.target), arguments.loss, arguments.framework,
            dtype=arguments.dtype.split(",") if arguments.dtype else None, device=arguments.device, cases=arguments.cases,
            seed=arguments.seed, laws=arguments.law, standard=arguments.standard,
            temperatures=_temperatures(arguments.temperatures), parameters=_parameters(arguments.parameter),
            known=_known(arguments.known), form=arguments.form, reduction=arguments.reduction,
            report=arguments.report,
        )
        if arguments.junit:
            Path(arguments.junit).write_text(verdict.as_junit(), encoding="utf-8")
        if arguments.json and arguments.json != "-":
            Path(arguments.json).write_text(json.dumps(verdict.as_json(), indent=2) + "\n", encoding="utf-8")
    except NoConvention as error:
        print(f"WRONG: {error}", file=sys.stderr)
        return 1
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    print(json.dumps(verdict.as_json()) if arguments.json == "-" else verdict.text())
    return 0 if verdict.ok else 1


if __name__ == "__main__":
    sys.exit(main())

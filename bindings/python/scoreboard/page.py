"""Writes what was found as a note and as a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterable

import jinja2
from markupsafe import Markup, escape

from entry import KINDS, Entry

HERE = Path(__file__).parent
# A row in a word or two, by what was found.
WORDS = {"fault": "a fault", "limit": "a limit", "convention": "a convention", "not judged": "not judged"}
RANGES = {"whole": "on the whole range", "usual": "at usual temperatures"}


def reached(found: dict[str, Any], which: str, dtype: str) -> str:
    """The standard that holds in a range of temperatures and a type, or what became of it."""
    if which == "usual" and "whole" in found and "usual" not in found and "stopped" not in found:
        # All held on the whole range, so that the usual one was not judged by itself.
        which = "whole"
    if which not in found:
        return "no answer"
    return found[which]["types"][dtype]["reached"] or "fails"


def state(found: dict[str, Any]) -> str:
    """A result in a few words."""
    if "stopped" in found:
        return str(found["stopped"]).splitlines()[0]
    types = found["whole"]["types"]
    return ", ".join(f"{dtype}: {reached(found, 'whole', dtype)}, usual {reached(found, 'usual', dtype)}" for dtype in types)


def rows(entries: Iterable[Entry], results: Path) -> list[dict[str, Any]]:
    """What the templates show of each entry."""
    shown = []
    told: set[str] = set()
    for entry in entries:
        path = results / f"{entry.name}.json"
        if entry.make and not path.exists():
            continue
        result = json.loads(path.read_text(encoding="utf-8")) if entry.make else {"found": {}, "lines": {}, "judged": None}
        found = result["found"]
        kinds = [kind for kind in KINDS if any(finding.kind == kind for finding in entry.findings)]
        letters = []
        for finding in entry.findings:
            if finding.letter and finding.letter not in told:
                told.add(finding.letter)
                letters.append(letter(finding.letter, result["lines"].get(finding.letter, "")))
        shown.append(
            {
                "entry": entry,
                "found": found,
                "judged": result["judged"],
                "state": " and ".join(WORDS[kind] for kind in kinds) or ("stopped" if "stopped" in found else "nothing"),
                "kind": kinds[0] if kinds else "none",
                "reached": {
                    which: {dtype: reached(found, which, dtype) for dtype in ("f32", "f64")} for which in ("whole", "usual")
                },
                "example": example(found),
                "failing": {
                    words: failing(found[which]) for which, words in RANGES.items() if which in found and failing(found[which])
                },
                "letters": letters,
                "command": f"cargo xtask scoreboard --only {entry.name} --fresh",
                "adapter": None
                if entry.make is None
                else f"bindings/python/scoreboard/adapters/{Path(entry.make.__code__.co_filename).name}",
            }
        )
    return shown


def example(found: dict[str, Any]) -> dict[str, Any] | None:
    """The counterexample to show: one at usual temperatures where there is one."""
    for which in ("usual", "whole"):
        one = found.get(which, {}).get("counterexample")
        if one is not None:
            where = " at usual temperatures" if which == "usual" else ""
            # In the judge's words the function is the reader's.
            return {"where": where, "message": one["message"], "code": one["code"].replace(", yours", " of the adapter", 1)}
    return None


def failing(part: dict[str, Any]) -> str:
    """Which laws fail, in which types."""
    words = []
    for dtype, one in part["types"].items():
        if one["failed"]:
            laws = "all" if len(one["failed"]) == one["judged"] else ", ".join(f"`{law}`" for law in one["failed"])
            words.append(f"{dtype}: {len(one['failed'])} of {one['judged']} laws ({laws})")
    return "; ".join(words)


def letter(name: str, output: str) -> dict[str, str]:
    """A text for maintainers, with the lines that go with it and what they print."""
    title, _, text = (HERE / "letters" / f"{name}.md").read_text(encoding="utf-8").partition("\n")
    code = (HERE / "letters" / f"{name}.py").read_text(encoding="utf-8")
    return {"name": name, "title": title.removeprefix("# "), "text": text.strip(), "code": code.strip(), "output": output.strip()}


def paragraphs(text: str) -> list[list[str]]:
    """Paragraphs; of a list, its items."""
    parts = []
    for part in text.strip().split("\n\n"):
        items = [" ".join(item.split()) for item in f"\n{part}".split("\n- ")]
        parts.append([item for item in items if item] if part.startswith("- ") else [" ".join(part.split())])
    return parts


def ticked(text: str) -> Markup:
    """Words between backticks as code, for HTML."""
    parts = str(text).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )


def pages(entries: Iterable[Entry], results: Path, newest: str) -> dict[str, str]:
    """The pages by their names. `newest` is the day on which the versions were the newest on PyPI."""
    loader = jinja2.FileSystemLoader(HERE)
    shown = rows(entries, results)
    judged = [row for row in shown if row["judged"]]
    facts = {
        "rows": shown,
        "judged": judged,
        "newest": newest,
        "packages": len({row["entry"].package.name for row in shown}),
        "dates": sorted({row["judged"] for row in judged}),
        "frameworks": sorted({row["found"]["with"] for row in judged if "with" in row["found"]}),
        "nothing": [row for row in judged if row["kind"] in ("none", "convention") and "stopped" not in row["found"]],
    }
    texts = {}
    for name, escaped in (("scoreboard.md", False), ("scoreboard.html", True)):
        environment = jinja2.Environment(
            loader=loader,
            autoescape=escaped,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            undefined=jinja2.StrictUndefined,
        )
        environment.filters.update(ticked=ticked, paragraphs=paragraphs)
        texts[name] = environment.get_template(f"{name}.jinja").render(facts)
    return texts

"""The scoreboard of published losses: installs the packages, judges each loss in a process of its own, writes the pages.

`cargo xtask scoreboard` builds what this needs and runs it. What was judged stays in the work folder and is not judged
again unless the judge or the entry has changed; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import adapters
import page
from entry import Entry, Package

HERE = Path(__file__).parent
RESULTS = HERE / "results"
TIME_LIMIT = 900


def install(package: Package, folder: Path) -> Path:
    """The folder from which a package is imported, filled by pip where it is not there yet.

    The package comes without its dependencies: it is judged with the PyTorch or JAX that is there, and most of what the
    packages ask for is not needed for a loss. Raises `RuntimeError` with pip's reason.
    """
    wanted = [f"{package.name}=={package.version}", *package.needs, *package.needs_with_theirs]
    # Wheels with compiled parts are made for one version of Python.
    asked = " ".join([*wanted, *map(str, sys.version_info[:2])])
    place = folder / f"{package.name}-{package.version}-{hashlib.sha256(asked.encode()).hexdigest()[:8]}"
    if place.exists():
        return place
    folder.mkdir(parents=True, exist_ok=True)
    staging = tempfile.mkdtemp(dir=folder)
    try:
        _pip(["--no-deps", *wanted[: 1 + len(package.needs)]], staging)
        if package.needs_with_theirs:
            _pip(list(package.needs_with_theirs), staging)
        # Another run may have been quicker.
        if not place.exists():
            os.rename(staging, place)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return place


def _pip(words: list[str], target: str) -> None:
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--only-binary",
        ":all:",
        "--upgrade",
        "--target",
        target,
    ]
    variables = {
        **os.environ,
        "PIP_REQUIRE_VIRTUALENV": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_USER": "0",
    }
    ended = subprocess.run([*pip, *words], capture_output=True, text=True, env=variables)
    if ended.returncode != 0:
        reasons = [line.removeprefix("ERROR: ") for line in ended.stderr.splitlines() if line.startswith("ERROR")]
        raise RuntimeError(reasons[0] if reasons else f"pip ended with {ended.returncode}")


def _run(words: list[str], places: list[Path]) -> tuple[int, str, str]:
    """Runs a file of this folder, with the packages of the folders; gives its exit status, output and errors."""
    path = os.pathsep.join([*map(str, places), *filter(None, [os.environ.get("PYTHONPATH")])])
    variables = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ended = subprocess.run(
            [sys.executable, *words], cwd=HERE, env=variables, capture_output=True, text=True, timeout=TIME_LIMIT
        )
    except subprocess.TimeoutExpired:
        return 124, "", f"no answer within {TIME_LIMIT} s"
    return ended.returncode, ended.stdout, ended.stderr


def judge(entry: Entry, packages: Path, source: str | None = None) -> dict[str, Any]:
    """What is written of an entry. `source` is the file that has it, where that is none of the adapters."""
    result: dict[str, Any] = {"name": entry.name, "package": entry.package.name, "version": entry.package.version}
    try:
        places = [install(entry.package, packages)] if source is None else []
    except RuntimeError as error:
        return {**result, "found": {"stopped": f"it cannot be installed: {error}"}, "lines": {}}
    name = entry.name if source is None else f"{source}:{entry.name}"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        status, _, errors = _run(["judging.py", name, str(out)], places)
        if status != 0 or not out.exists():
            last = errors.strip().splitlines()[-1:] or [f"the process ended with {status}"]
            return {**result, "found": {"stopped": f"it could not be judged: {last[0]}"}, "lines": {}}
        found = json.loads(out.read_text(encoding="utf-8"))
    lines = {}
    for letter in dict.fromkeys(finding.letter for finding in entry.findings if finding.letter):
        status, output, errors = _run(["reproducing.py", name, letter], places)
        lines[letter] = output if status == 0 else f"{output}{errors.strip().splitlines()[-1]}\n"
    return {**result, "found": found, "lines": lines}


def key(entry: Entry, source: str | None = None) -> str:
    """Changes when anything changes that a result depends on."""
    from intnacl import _intnacl

    files = [
        HERE / "judging.py",
        HERE / "published.py",
        Path(sys.modules[type(entry).__module__].__file__ or ""),
        Path(_intnacl.__file__),
    ]
    files += [HERE / "letters" / f"{finding.letter}.py" for finding in entry.findings if finding.letter]
    files.append(Path(source) if source else Path(entry.make.__code__.co_filename if entry.make else __file__))
    digest = hashlib.sha256(f"{entry.framework} {version(entry.framework)}".encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="cargo xtask scoreboard", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--packages", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--only", action="append", metavar="NAME", help="an entry or a package; may be given several times [all]")
    parser.add_argument("--fresh", action="store_true", help="judge anew what was judged before")
    parser.add_argument("--pages", action="store_true", help="judge nothing, write the pages of the results that are there")
    arguments = parser.parse_args(words)
    entries = adapters.entries()
    chosen = [
        entry for entry in entries if not arguments.only or entry.name in arguments.only or entry.package.name in arguments.only
    ]
    unknown = set(arguments.only or []) - {entry.name for entry in entries} - {entry.package.name for entry in entries}
    if unknown:
        names = ", ".join(entry.name for entry in entries)
        print(f"error: --only {min(unknown)}: expected a package or one of {names}", file=sys.stderr)
        return 2
    judged = [] if arguments.pages else [entry for entry in chosen if entry.make]
    arguments.work.mkdir(parents=True, exist_ok=True)
    for place, entry in enumerate(judged, 1):
        print(f"[{place}/{len(judged)}] {entry.name} ", end="", file=sys.stderr, flush=True)
        start, now = time.monotonic(), key(entry)
        kept = arguments.work / f"{entry.name}.json"
        old = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() and not arguments.fresh else {}
        if old.get("key") != now:
            date = datetime.date.today().isoformat()
            old = {"key": now, "judged": date, **judge(entry, arguments.packages)}
            # What could not be tried is tried again next time.
            if "stopped" not in old["found"]:
                partial = kept.with_suffix(".partial")
                partial.write_text(json.dumps(old), encoding="utf-8")
                partial.replace(kept)
        print(f"{page.state(old['found'])} ({time.monotonic() - start:.0f} s)", file=sys.stderr)
        text = json.dumps({name: value for name, value in old.items() if name != "key"}, indent=1) + "\n"
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{entry.name}.json").write_text(text, encoding="utf-8")
    notes = HERE.parents[2] / "notes"
    for name, text in page.pages(entries, RESULTS, adapters.NEWEST).items():
        (notes / name).write_text(text, encoding="utf-8")
        print(notes / name)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\ninterrupted: the same command goes on from here", file=sys.stderr)
        sys.exit(130)

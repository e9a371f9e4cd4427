"""Runs the few lines that go with a letter: `python reproducing.py ENTRY LETTER`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from judging import find

LETTERS = Path(__file__).parent / "letters"


def main(words: list[str]) -> int:
    name, letter = words
    entry = find(name)
    # The adapter knows how the package's file is imported alone; from then on the lines find it by its name.
    assert entry.make is not None
    entry.make()
    runpy.run_path(str(LETTERS / f"{letter}.py"), run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

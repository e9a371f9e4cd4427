"""Entries for the tests of the scoreboard: a right loss, a wrong one, and some that never answer."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy_losses  # noqa: E402
from entry import Entry, Finding, Package  # noqa: E402

PACKAGE = Package("of-the-tests", "1.0", "https://example.org")


def right():
    return numpy_losses.simclr


def wrong():
    return numpy_losses.wrong_gradient


def absent():
    import no_such_module  # noqa: F401


def dying():
    sys.exit("the process ends here")


ENTRIES = [
    Entry("right", PACKAGE, "numpy_losses.simclr", right, framework="numpy"),
    Entry(
        "wrong", PACKAGE, "wrong <gradient>", wrong, framework="numpy", findings=(Finding("fault", "Its gradient lacks a part."),)
    ),
    Entry("absent", PACKAGE, "absent", absent, framework="numpy"),
    Entry("dying", PACKAGE, "dying", dying, framework="numpy"),
    Entry("another", PACKAGE, "another", None, findings=(Finding("not judged", "Another loss."),)),
]

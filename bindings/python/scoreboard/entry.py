"""What stands on the scoreboard: packages, the losses in them, and what a person found about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

# What an entry can be said to have. A convention is a choice that its users may rely on. A limit is met outside of the usual
# temperatures only. A fault is within them, and nothing says that it is meant.
KINDS = ("fault", "limit", "convention", "not judged")


@dataclass(frozen=True)
class Package:
    """A distribution of PyPI. `needs` is what its losses import beside NumPy, PyTorch and JAX, taken without dependencies;
    `needs_with_theirs` with them."""

    name: str
    version: str
    home: str
    needs: tuple[str, ...] = ()
    needs_with_theirs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """What a person found, after trying it without the judge."""

    kind: str
    words: str
    # The text for the maintainers, `letters/LETTER.md`, and the few lines that go with it, `letters/LETTER.py`.
    letter: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind = {self.kind!r}: expected one of {', '.join(KINDS)}")


@dataclass(frozen=True)
class Entry:
    """A published loss. `make` imports it and gives the function that is judged; none where it is not judged."""

    name: str
    package: Package
    # As its users write it.
    where: str
    make: Callable[[], Callable[..., Any]] | None
    framework: str = "torch"
    loss: str = "simclr"
    findings: tuple[Finding, ...] = ()
    # Options of `intnacl.check`.
    options: dict[str, Any] = field(default_factory=dict)

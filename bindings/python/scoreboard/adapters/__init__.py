"""A file for each package: how its losses are called."""

from __future__ import annotations

import importlib
import pkgutil

from entry import Entry

# The day on which the versions that the adapters name were the newest on PyPI.
NEWEST = "2026-11-27"


def entries() -> list[Entry]:
    """All entries, by package."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [entry for name in names for entry in importlib.import_module(f"adapters.{name}").ENTRIES]

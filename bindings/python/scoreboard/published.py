"""Imports one file of a published package without what the rest of the package asks for.

A loss is often a file of fifty lines in a package whose `__init__` asks for trainers, vision models and loggers. The file
is taken as it was published, unchanged; the packages above it are entered without running their `__init__`.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Iterable, Mapping, Sequence


def alone(name: str, *, hollow: Iterable[str] = (), of: Mapping[str, str] = {}, absent: Iterable[str] = ()) -> ModuleType:
    """The module `name`.

    `hollow` names further packages whose `__init__` is not run; `of` those among them that take their names from one of their
    own modules. `absent` names packages and modules that the file imports and the loss never calls: nothings stand in for
    what it imports from them, as base classes and decorators too. Once the file is imported, a call of a nothing is an
    error, so that none can change what a loss computes.

    Raises `ImportError` where the file, or anything else that it imports, is not there.
    """
    _OfNothing.importing = True
    try:
        return _alone(name, hollow, of, absent)
    finally:
        _OfNothing.importing = False


def _alone(name: str, hollow: Iterable[str], of: Mapping[str, str], absent: Iterable[str]) -> ModuleType:
    parts = name.split(".")
    sys.meta_path.insert(0, _Absent(set(absent)))
    for package in [*(".".join(parts[:depth]) for depth in range(1, len(parts))), *hollow, *of]:
        _enter(package)
    for package, module in of.items():
        names = vars(importlib.import_module(module))
        vars(sys.modules[package]).update((word, thing) for word, thing in names.items() if not word.startswith("__"))
    return importlib.import_module(name)


def _enter(package: str) -> None:
    if package in sys.modules:
        return
    folder = package.replace(".", "/")
    places = [str(Path(entry) / folder) for entry in sys.path if (Path(entry) / folder).is_dir()]
    if not places:
        raise ImportError(f"no folder of {package} is on Python's path")
    module = ModuleType(package)
    module.__path__ = places
    sys.modules[package] = module


class Called(RuntimeError):
    """A nothing was called after the import."""


class _OfNothing(type):
    importing = False

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        if not _OfNothing.importing:
            raise Called("the loss calls what is not there: install it for the adapter, by `needs`")
        return super().__call__(*arguments, **named)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Nothing


class Nothing(metaclass=_OfNothing):
    """Stands for a class, a function or a decorator that is imported and never called for a loss."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if not _OfNothing.importing:
            raise Called("the loss calls what is not there: install it for the adapter, by `needs`")
        return arguments[0] if arguments else self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Nothing


class _OfAbsent(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Nothing


class _Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, names: set[str]) -> None:
        self.names = names

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> Any:
        parts = name.split(".")
        if not any(".".join(parts[:depth]) in self.names for depth in range(1, len(parts) + 1)):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: Any) -> ModuleType:
        return _OfAbsent(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass

"""A loss named on the command line: `module:function`, `module:Class(temperature)`."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import sys
from typing import Any, Callable

from .frameworks import signature_of

# What stands for the numbers of a request in `Class(temperature)`, and an ordinary value of each.
OF_REQUEST = {"temperature": 0.5, "tau_plus": 0.1, "beta": 1.0, "alpha": 1.0, "lambda_": 0.5, "batch_size": 4, "device": "cpu"}


def load(target: str) -> Callable[..., Any]:
    """The function of `module:function`; of `module:factory(temperature, ...)` one that makes an instance for each call.

    Raises `ValueError` that says which part is not there.
    """
    module_name, colon, expression = target.partition(":")
    if not colon or not module_name or not expression:
        raise ValueError(f"{target}: expected MODULE:FUNCTION or MODULE:FACTORY(temperature)")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ValueError(f"{module_name} cannot be imported: {error}") from None
    try:
        tree = ast.parse(expression, mode="eval").body
    except SyntaxError:
        raise ValueError(f"{expression}: expected a name, or a call such as Loss(temperature)") from None
    if not isinstance(tree, ast.Call):
        return _attribute(module, tree, target)
    return _of_factory(_attribute(module, tree.func, target), tree, target)


def _attribute(module: Any, tree: ast.expr, target: str) -> Any:
    words: list[str] = []
    while isinstance(tree, ast.Attribute):
        words.insert(0, tree.attr)
        tree = tree.value
    if not isinstance(tree, ast.Name):
        raise ValueError(f"{target}: expected a name, or a call such as Loss(temperature)")
    thing = module
    for word in [tree.id, *words]:
        if not hasattr(thing, word):
            raise ValueError(f"{target}: {getattr(thing, '__name__', thing)} has no {word}")
        thing = getattr(thing, word)
    return thing


def _of_factory(factory: Callable[..., Any], call: ast.Call, target: str) -> Callable[..., Any]:
    used: list[str] = []

    def value(tree: ast.expr) -> Callable[[dict[str, Any]], Any]:
        if isinstance(tree, ast.Name) and tree.id in OF_REQUEST:
            name = tree.id
            if name not in used:
                used.append(name)
            return lambda request: request[name]
        try:
            constant = ast.literal_eval(tree)
        except ValueError:
            known = ", ".join(OF_REQUEST)
            raise ValueError(f"{target}: {ast.unparse(tree)} is neither a constant nor one of {known}") from None
        return lambda request: constant

    positional = [value(argument) for argument in call.args]
    keywords = {keyword.arg: value(keyword.value) for keyword in call.keywords if keyword.arg}

    def instance(request: dict[str, Any]) -> Callable[..., Any]:
        return factory(*(make(request) for make in positional), **{name: make(request) for name, make in keywords.items()})

    inner = signature_of(instance(OF_REQUEST))
    own = [name for name in used if name not in inner.parameters]

    def function(*arguments: Any, **named: Any) -> Any:
        request = {name: named.pop(name) for name in own}
        return instance({**OF_REQUEST, **request})(*arguments, **named)

    kept = [
        parameter for parameter in inner.parameters.values()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    added = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in own]
    function.__signature__ = inspect.Signature([*kept, *added])  # type: ignore[attr-defined]
    function.__name__ = getattr(factory, "__name__", "factory")
    function.__inner__ = instance(OF_REQUEST)  # type: ignore[attr-defined]
    return function

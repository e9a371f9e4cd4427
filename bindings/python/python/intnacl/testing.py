"""Laws as tests of pytest."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Mapping

from . import _intnacl
from .checking import check
from .frameworks import signature_of
from .signature import read


def laws(
    loss: str,
    framework: str | None = None,
    *,
    known: Mapping[str, str] | None = None,
    only: Iterable[str] | None = None,
    **options: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a loss a test of pytest for each law, under the law's own name.

    What is decorated is the loss itself, or a function without arguments that gives it; its name begins with `test_`, as
    pytest asks. `known` names laws that are known to fail, with reasons: they are expected failures. `only` names the laws
    that are wanted. Further options are those of `check`.

        @intnacl.laws("simclr", known={"rotation_of_all_embeddings": "the embeddings are rounded to a grid"})
        def test_nt_xent():
            return nt_xent
    """
    import pytest

    reasons = dict(known or {})

    def decorate(fn: Callable[..., Any]) -> Callable[..., Any]:
        gives = not signature_of(fn).parameters
        layout = None if gives else read(fn, loss).layout
        wanted = None if only is None else set(only)
        every = [name for name, _ in _intnacl.laws(loss)]
        for name in [*reasons, *(wanted or ())]:
            if name not in every:
                raise ValueError(f"{name!r} is no law of {loss}: expected one of {', '.join(every)}")

        def parameter(name: str) -> Any:
            marks = [pytest.mark.xfail(reason=reasons[name], raises=AssertionError)] if name in reasons else []
            return pytest.param(name, id=name, marks=marks)

        names = [name for name, _ in _intnacl.laws(loss, layout) if wanted is None or name in wanted]

        @pytest.mark.parametrize("law", [parameter(name) for name in names])
        def test(law: str) -> None:
            __tracebackhide__ = True
            function = fn() if gives else fn
            try:
                check(function, loss, framework, laws=[law], progress=False, **options)
            except AssertionError as error:
                verdict = getattr(error, "verdict", None)
                if verdict is not None and not verdict.failed:
                    pytest.skip(verdict.reports[0].lacks or "no case could be judged")
                raise

        test.__name__, test.__qualname__, test.__module__ = fn.__name__, fn.__qualname__, fn.__module__
        test.__doc__ = fn.__doc__
        return test

    return decorate

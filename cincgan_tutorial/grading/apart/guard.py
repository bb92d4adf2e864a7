"""While an answer runs: the library's own function may not run, and nothing of the library may be imported."""

from __future__ import annotations

import builtins
import sys
import types
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

_LIBRARY = "cincgan_tutorial"


class Refusal(BaseException):
    """An answer is not looked at further, and why. Not an `Exception`: an answer's own ``except`` must not stop it."""


def library_object(dotted: str) -> Any:
    """Return what a dotted name stands for, or None where its module has not been imported."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        module = sys.modules.get(".".join(parts[:length]))
        if module is not None:
            found: Any = module
            for part in parts[length:]:
                found = getattr(found, part, None)
            return found
    return None


def codes(names: Iterable[str]) -> dict[types.CodeType, str]:
    """Return the code of library functions, and of the methods of library classes, each with its short name."""
    found: dict[types.CodeType, str] = {}
    for dotted in names:
        thing = library_object(dotted)
        short = dotted.rsplit(".", 1)[-1]
        members = vars(thing).values() if isinstance(thing, (type, types.ModuleType)) else [thing]
        for member in members:
            inner = getattr(member, "__wrapped__", member)
            code = getattr(inner, "__code__", None)
            if isinstance(code, types.CodeType):
                found[code] = short
    return found


@contextmanager
def guarded(names: Iterable[str]) -> Iterator[None]:
    """Refuse, while the block runs, calls of these library functions and every import of the library.

    Raises:
        Refusal: At the end of the block too, if the answer has caught the first one.
    """
    forbidden = codes(names)
    refused: list[Refusal] = []

    def watch(frame: types.FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code in forbidden:
            refused.append(Refusal(f"It calls the library's own {forbidden[frame.f_code]}: write it yourself."))
            raise refused[-1]

    def importing(name: str, *rest: Any, **more: Any) -> Any:
        caller = rest[0].get("__name__", "") if rest and isinstance(rest[0], dict) else ""
        # The library may import its own modules late; an answer may not.
        if name.split(".")[0] == _LIBRARY and not str(caller).startswith(_LIBRARY):
            refused.append(Refusal(f"It imports {name} while it runs: write the answer without the library."))
            raise refused[-1]
        return real_import(name, *rest, **more)

    real_import, before = builtins.__import__, sys.getprofile()
    builtins.__import__ = importing
    sys.setprofile(watch if forbidden else before)
    try:
        yield
    finally:
        sys.setprofile(before)
        builtins.__import__ = real_import
    if refused:
        raise refused[0]

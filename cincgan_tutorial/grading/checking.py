"""``check``: the laws of an exercise, tried on a function or class in the cell where it was written."""

from __future__ import annotations

import contextlib
import inspect
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from typing import Any

import torch

from .apart.guard import guarded
from .catalogue import exercise_named
from .exercise import Exercise
from .limits import SECONDS, limited
from .reading import from_cells
from .refusing import LIBRARY, library_thing, refusal
from .trying import Report, try_all


def check(name: str, answer: Callable[..., Any], device: str = "cpu", seconds: float = SECONDS) -> Report:
    """Try the laws of an exercise on an answer, print what came of it and return it.

    Args:
        name: The exercise.
        answer: The function or class, not a call of it.
        device: Where drawn tensors are put: "cpu" or "cuda".
        seconds: For each law; an answer that takes longer is stopped.

    Raises:
        ValueError: There is no such exercise.
        TypeError: The answer can't be called.
    """
    exercise = exercise_named(name)
    if not callable(answer):
        kind = type(answer).__name__
        raise TypeError(f"{name}: expected a function or a class, got {kind}. Pass it by its name, without brackets.")
    reason = _refused(exercise, answer)
    if reason:
        report = Report(name, (), len(exercise.laws), reason)
    else:
        if device != "cpu":
            # CUDA reserves more addresses than an answer may have; once it is there, memory is not limited.
            torch.cuda.init()
        # A warning is no failure, but nbgrader takes whatever a graded cell writes to stderr for one.
        with contextlib.redirect_stderr(sys.stdout):
            report = try_all(exercise, _watched(exercise, answer), device, lambda: limited(seconds))
    sys.stdout.write(f"{report}\n")
    return report


def _watched(exercise: Exercise, answer: Callable[..., Any]) -> Callable[..., Any]:
    def watched(*args: Any, **kwargs: Any) -> Any:
        with guarded(exercise.library):
            return answer(*args, **kwargs)

    return watched


def _refused(exercise: Exercise, answer: Callable[..., Any]) -> str:
    """Look at an answer and at the reader's own functions that it calls, without running them."""
    theirs = {id(library_thing(dotted)): dotted.rsplit(".", 1)[-1] for dotted in exercise.library}
    for thing in _reached(answer):
        for version in _versions(thing):
            if id(version) in theirs:
                return f"It is, or uses, the library's own {theirs[id(version)]}. Write it yourself."
        if isinstance(thing, (types.FunctionType, type)) and not _of_a_package(thing):
            reason = refusal(exercise, from_cells([_source(thing)]).statements, _known_names(thing))
            if reason:
                return reason
    return ""


def _reached(answer: object) -> Iterator[object]:
    """Yield an answer and all that its code names, through functions and classes that the reader wrote."""
    waiting, seen = [answer], set[int]()
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        yield thing
        if isinstance(thing, type) and not _of_a_package(thing):
            waiting.extend([*thing.__mro__[1:-1], *vars(thing).values()])
        waiting.extend(_versions(thing)[1:])
        if isinstance(thing, types.FunctionType) and not _of_a_package(thing):
            named = inspect.getclosurevars(thing)
            waiting.extend([*named.globals.values(), *named.nonlocals.values()])


def _versions(thing: Any) -> list[Any]:
    """A thing, and what it wraps by partial, wraps, staticmethod or method."""
    return [
        thing,
        *(getattr(thing, n) for n in ("func", "__wrapped__", "__func__") if hasattr(thing, n) and _wraps(thing)),
    ]


def _wraps(thing: Any) -> bool:
    return callable(thing) and not isinstance(thing, type)


def _of_a_package(thing: Any) -> bool:
    """Whether something is installed code: what a reader writes is in no package."""
    top = str(getattr(thing, "__module__", "")).split(".")[0]
    module = sys.modules.get(top)
    return top == LIBRARY or top in sys.stdlib_module_names - {"__main__"} or hasattr(module, "__path__")


def _source(thing: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(thing))
    except (OSError, TypeError):
        # Written by exec or at a bare prompt: the guard while it runs is all there is.
        return ""


def _known_names(thing: Any) -> dict[str, str]:
    """What an answer's module calls modules, and things of the library."""
    space = getattr(thing, "__globals__", None) or vars(sys.modules.get(thing.__module__, types.ModuleType("none")))
    return {
        name: value.__name__ if inspect.ismodule(value) else f"{value.__module__}.{name}"
        for name, value in list(space.items())
        if inspect.ismodule(value) or str(getattr(value, "__module__", "")).split(".")[0] == LIBRARY
    }

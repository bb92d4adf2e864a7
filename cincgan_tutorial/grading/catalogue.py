"""Every exercise by name."""

from __future__ import annotations

import importlib
import importlib.util

from ..settings import nearest
from .exercise import Exercise

_MODULES = ("degrade", "losses", "networks", "joint")


def _joined() -> dict[str, Exercise]:
    found: dict[str, Exercise] = {}
    for name in _MODULES:
        module = f"{__package__}.exercises.{name}"
        if importlib.util.find_spec(module) is None:
            continue
        for exercise in importlib.import_module(module).EXERCISES:
            if exercise.name in found:
                raise ValueError(f"two exercises are called {exercise.name!r}: rename one.")
            found[exercise.name] = exercise
    return found


EXERCISES: dict[str, Exercise] = _joined()


def exercise_named(name: str) -> Exercise:
    """Return an exercise.

    Raises:
        ValueError: There is none of that name; the nearest is suggested.
    """
    if name not in EXERCISES:
        raise ValueError(f"no exercise is called {name!r}.{nearest(name, EXERCISES)}")
    return EXERCISES[name]

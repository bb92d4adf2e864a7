"""``check``: the laws of an exercise, tried on a function or class in the cell where it was written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .catalogue import exercise_named
from .trying import Report, try_all


def check(name: str, answer: Callable[..., Any], device: str = "cpu") -> Report:
    """Try the laws of an exercise on an answer, print what came of it and return it.

    Args:
        name: The exercise.
        answer: The function or class, not a call of it.
        device: Where drawn tensors are put: "cpu" or "cuda".

    Raises:
        ValueError: There is no such exercise.
        TypeError: The answer can't be called.
    """
    exercise = exercise_named(name)
    if not callable(answer):
        kind = type(answer).__name__
        raise TypeError(f"{name}: expected a function or a class, got {kind}. Pass it by its name, without brackets.")
    report = try_all(exercise, answer, device)
    sys.stdout.write(f"{report}\n")
    return report

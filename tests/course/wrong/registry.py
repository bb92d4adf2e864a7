"""How a wrong answer is written down: its exercise, what is wrong with it, and what a message should name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

Answer = TypeVar("Answer", bound=Callable[..., Any])


@dataclass(frozen=True)
class Wrong:
    """A wrong answer to an exercise.

    Attributes:
        exercise: Name under which `check` knows the exercise.
        mistake: What is wrong, in one line.
        keyword: Plain words that a good message would use for it.
        answer: The function or class that a student would hand in.
    """

    exercise: str
    mistake: str
    keyword: str
    answer: Callable[..., Any]

    @property
    def name(self) -> str:
        """Exercise and answer, to call a test by."""
        return f"{self.exercise}-{self.answer.__name__}"


WRONG: list[Wrong] = []


def wrong(exercise: str, mistake: str, keyword: str) -> Callable[[Answer], Answer]:
    """Enter the function or class below into `WRONG` and leave it as it is."""

    def enter(answer: Answer) -> Answer:
        WRONG.append(Wrong(exercise, mistake, keyword, answer))
        return answer

    return enter

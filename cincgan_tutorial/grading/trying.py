"""Trying laws on an answer: draw inputs, keep the smallest that breaks the law, say what happened."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import HypothesisException
from torch import Tensor

from .apart.guard import Refusal
from .exercise import Exercise
from .laws import Broken, Law, shown

# After the first failure that many more inputs are tried to find a smaller one.
_SMALLER = 150


class _SmallEnough(BaseException):
    """No smaller counterexample is looked for."""


@dataclass(frozen=True)
class Outcome:
    """What came of one law.

    Attributes:
        law: Its name.
        words: Its sentence.
        section: Where the book teaches it.
        holds: Whether it holds on all inputs that were tried.
        example: The smallest input found that breaks it, by name.
        expected: What the law asks for.
        got: What the answer gave.
        note: A hint.
    """

    law: str
    words: str
    section: str
    holds: bool
    example: str = ""
    expected: str = ""
    got: str = ""
    note: str = ""

    @property
    def unwritten(self) -> bool:
        """Whether there is no answer yet."""
        return self.got == _UNWRITTEN


@dataclass(frozen=True)
class Report:
    """What came of all laws of one exercise.

    Attributes:
        exercise: Its name.
        outcomes: One per law that was tried.
        laws: How many there are.
        refused: Why the answer was not, or not to the end, looked at; empty if it was.
    """

    exercise: str
    outcomes: tuple[Outcome, ...]
    laws: int
    refused: str = ""

    @property
    def held(self) -> int:
        """How many laws hold."""
        return sum(outcome.holds for outcome in self.outcomes)

    @property
    def passed(self) -> bool:
        """Whether every law holds."""
        return not self.refused and self.held == self.laws

    @property
    def summary(self) -> str:
        """The report in a line."""
        if self.refused:
            return f"{self.exercise}: not accepted. {self.refused}"
        if self.passed:
            return f"{self.exercise}: all {self.laws} laws hold."
        return f"{self.exercise}: {self.held} of {self.laws} laws hold."

    def __str__(self) -> str:
        broken = [outcome for outcome in self.outcomes if not outcome.holds]
        return "\n\n".join([self.summary, *(_in_words(outcome) for outcome in broken)])

    def __repr__(self) -> str:
        return f"<{self.summary}>"

    def required(self) -> None:
        """Raise unless every law holds: the last line of a graded cell, for tools that mark a cell by whether it runs.

        Raises:
            LawsBroken: With the report, and without a stack trace in a notebook.
        """
        if not self.passed:
            raise LawsBroken(str(self))


class LawsBroken(AssertionError):  # noqa: N818 - laws are broken; nothing is in error
    """Not every law holds."""

    def _render_traceback_(self) -> list[str]:
        # What IPython shows of it: the stack is the grader's, and of no use to a student.
        return str(self).splitlines()


def _in_words(outcome: Outcome) -> str:
    lines = [f"Broken: {outcome.words}"]
    lines += [f"  with      {outcome.example}"] if outcome.example else []
    lines += [f"  expected  {outcome.expected}", f"  got       {outcome.got}"]
    lines += [f"  hint      {outcome.note}"] if outcome.note else []
    return "\n".join([*lines, f"  read      {outcome.section}"])


def try_all(
    exercise: Exercise,
    answer: Callable[..., Any],
    device: str = "cpu",
    limits: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Report:
    """Try every law of an exercise on an answer, each within limits.

    A refusal ends it: what was found up to there is kept.
    """
    outcomes: list[Outcome] = []
    refused = ""
    try:
        for law in exercise.laws:
            with limits():
                outcomes.append(try_law(law, answer, device))
            if outcomes[-1].unwritten:
                break
    except Refusal as refusal:
        refused = str(refusal)
    return Report(exercise.name, tuple(outcomes), len(exercise.laws), refused)


def try_law(law: Law, answer: Callable[..., Any], device: str = "cpu") -> Outcome:
    """Try one law: always the same inputs, nothing stored, no deadline for one input.

    Raises:
        Refusal: The answer was stopped, and no input had broken the law before.
    """
    failures: list[Outcome] = []
    after = 0

    def once(**drawn: Any) -> None:
        nonlocal after
        after += bool(failures)
        if after > _SMALLER:
            raise _SmallEnough
        example = ", ".join(f"{name} = {shown(value)}" for name, value in drawn.items())
        # A law's own draws and an answer's are the same on every run.
        torch.manual_seed(0)
        try:
            law.holds(answer, **{name: _moved(value, device) for name, value in drawn.items()})
        except Broken as broken:
            failures.append(_failed(law, example, broken.expected, broken.got, broken.note))
            raise
        except NotImplementedError as error:
            failures.append(_failed(law, "", "an answer", _UNWRITTEN, str(error)))
            raise
        except Exception as error:
            if _out_of_memory(error):
                raise Refusal(f"It asks for more memory than there is: {_error(error)}") from error
            failures.append(_failed(law, example, "a result", f"an error: {_error(error)}", ""))
            raise

    try:
        _on_drawn(law, once)
    except (Broken, HypothesisException, ExceptionGroup, _SmallEnough):
        pass
    except Refusal:
        if not failures:
            raise
    except Exception:
        # What the answer raised is in `failures`; anything else is the grader's own fault and must be seen.
        if not failures:
            raise
    return failures[-1] if failures else Outcome(law.name, law.words, law.section, True)


_UNWRITTEN = "nothing yet: it raises NotImplementedError"


def _failed(law: Law, example: str, expected: str, got: str, note: str) -> Outcome:
    return Outcome(law.name, law.words, law.section, False, example, expected, got, note)


def _on_drawn(law: Law, once: Callable[..., None]) -> None:
    if not law.given:
        once()
        return
    always_the_same = settings(
        max_examples=law.examples,
        derandomize=True,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    always_the_same(given(**law.given)(once))()


def _moved(value: Any, device: str) -> Any:
    if isinstance(value, (Tensor, torch.nn.Module)):
        return value.to(device)
    if isinstance(value, (tuple, list)) and type(value) in (tuple, list):
        return type(value)(_moved(item, device) for item in value)
    return value


def _out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out, in Python or in torch."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)


def _error(error: Exception) -> str:
    """An error in a line, with the line of the answer that raised it where that is known."""
    said = " ".join(f"{type(error).__name__}: {error}".split())
    # Its own process has noted it; in a notebook, cells are the frames whose file is none of an installed package.
    where = [f"line {f.lineno}: {f.line}" for f in traceback.extract_tb(error.__traceback__) if _is_cell(f.filename)]
    where += getattr(error, "__notes__", [])[:1]
    return (said if len(said) <= 300 else said[:297] + "...") + (f" ({where[-1]})" if where else "")


def _is_cell(file: str) -> bool:
    return file.startswith("<ipython") or "ipykernel_" in file

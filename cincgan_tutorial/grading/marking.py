"""Marks: each submission is read and judged here, and runs elsewhere.

Three processes for each: this one, which writes the marks and reads nothing but reports; a judge, which reads the
notebook, draws the inputs and judges the results; and the submission's own (see `isolation`), which knows no law.
Nothing that a submission prints or returns is a mark.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .apart.guard import Refusal
from .away import Away, Fault
from .exercise import Exercise
from .isolation import CALL_SECONDS, START_SECONDS, Apart
from .reading import NotANotebook, Notebook, Statement, pieces, read_notebook
from .refusing import refusal, remarks
from .trying import Report, try_all

CATALOGUE = "cincgan_tutorial.grading.catalogue"
# For a judge to end the process of its submission.
_LAST_SECONDS = 10.0


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes:
        seconds: For all of it, and for one call of an answer at most `CALL_SECONDS`.
        memory: Bytes beyond what torch itself takes.
        call_seconds: For one call.
    """

    seconds: float = 180.0
    memory: int = 2**30
    call_seconds: float = CALL_SECONDS


@dataclass(frozen=True)
class Marked:
    """What came of one submission.

    Attributes:
        submission: What it is called in the table.
        reports: One per exercise, with the exercise's marks.
        reason: What a person should know about it, in a line.
        assignment: 1 to 4; 0 where none could be told.
    """

    submission: str
    reports: tuple[tuple[Report, int], ...] = ()
    reason: str = ""
    assignment: int = 0

    @property
    def marks(self) -> int:
        """The marks it gets: an exercise's in full, or none."""
        return sum(marks for report, marks in self.reports if report.passed)

    @property
    def of(self) -> int:
        """The marks it could have got."""
        return sum(marks for _, marks in self.reports)


def mark_all(
    submissions: Mapping[str, Path],
    assignment: int = 0,
    limits: Limits | None = None,
    jobs: int = 1,
    catalogue: str = CATALOGUE,
    done: Callable[[Marked], None] = lambda marked: None,
) -> list[Marked]:
    """Mark submissions, so many at a time, and return what came of each, in order.

    Args:
        submissions: Files by what they are called in the table.
        assignment: The one that all are of; 0: the one whose names a notebook defines.
        limits: What each may use.
        jobs: How many are judged at the same time.
        catalogue: The module that holds ``EXERCISES``.
        done: Called after each.

    Raises:
        ValueError: There is no exercise for this assignment.
    """
    exercises = exercises_of(catalogue)
    if assignment and not any(exercise.assignment == assignment for exercise in exercises):
        raise ValueError(f"assignment {assignment} has no exercises: expected one of {_assignments(exercises)}.")
    limits = limits or Limits()

    def one(item: tuple[str, Path]) -> Marked:
        marked = _in_a_judge(*item, assignment, limits, catalogue)
        done(marked)
        return marked

    pool = ThreadPoolExecutor(max(jobs, 1))
    try:
        return list(pool.map(one, submissions.items()))
    finally:
        # After Ctrl-C those that have not begun do not begin any more.
        pool.shutdown(cancel_futures=True)


def exercises_of(catalogue: str) -> list[Exercise]:
    """Return the exercises of a catalogue."""
    return list(importlib.import_module(catalogue).EXERCISES.values())


def _assignments(exercises: Sequence[Exercise]) -> str:
    return ", ".join(map(str, sorted({exercise.assignment for exercise in exercises}))) or "none"


def _in_a_judge(name: str, path: Path, assignment: int, limits: Limits, catalogue: str) -> Marked:
    """Have one submission judged in a process of its own; whatever happens there, a row comes back."""
    # A server that has loaded torch once forks the judges; where there is none each judge loads it.
    context: Any = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
    if sys.platform != "win32":
        context.set_forkserver_preload([__name__])
    ours, theirs = context.Pipe(duplex=False)
    judge = context.Process(target=_judge, args=(theirs, name, path, assignment, limits, catalogue), daemon=True)
    judge.start()
    theirs.close()
    try:
        if ours.poll(limits.seconds + 2 * START_SECONDS):
            answer = ours.recv()
            return answer if isinstance(answer, Marked) else Marked(name, (), f"The grader failed: {answer}")
        return Marked(name, (), "The grader gave up: judging took too long.")
    except EOFError:
        judge.join()
        return Marked(name, (), f"The grader failed: the judge ended with exit status {judge.exitcode}.")
    finally:
        ours.close()
        # Asked first: a judge that is killed outright leaves the submission's process behind.
        judge.terminate()
        judge.join(_LAST_SECONDS)
        judge.kill()
        judge.join()


def _judge(pipe: Any, name: str, path: Path, assignment: int, limits: Limits, catalogue: str) -> None:
    import torch

    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda number, frame: sys.exit(1))
    torch.set_num_threads(1)
    try:
        pipe.send(mark(name, path, assignment, limits, catalogue))
    except (Exception, Fault) as error:
        # A fault of ours, not of the submission: the batch goes on, and the row says whose fault it was.
        pipe.send(f"{type(error).__name__}: {error}")


def mark(
    name: str, path: Path, assignment: int = 0, limits: Limits | None = None, catalogue: str = CATALOGUE
) -> Marked:
    """Read and judge one submission in this process; its code runs in another."""
    limits = limits or Limits()
    try:
        notebook = read_notebook(path)
    except NotANotebook as error:
        return Marked(name, (), str(error), assignment)
    everything = exercises_of(catalogue)
    number = assignment or _most_likely(notebook, everything)
    exercises = [exercise for exercise in everything if exercise.assignment == number]
    if not exercises:
        why = "It defines none of the names that any assignment asks for; say which one by --assignment."
        return Marked(name, (), _line([why, *remarks(notebook, ())]))
    needed = {exercise.name: notebook.needed(exercise.wanted) for exercise in exercises}
    judged = _judged(exercises, needed, limits)
    reports = tuple((judged[exercise.name], exercise.marks) for exercise in exercises)
    ran = [statement for exercise in exercises for statement in needed[exercise.name]]
    reasons = [_short(report) for report, _ in reports if not report.passed]
    return Marked(name, reports, _line([*reasons, *remarks(notebook, ran)]), number)


def _most_likely(notebook: Notebook, exercises: Sequence[Exercise]) -> int:
    """The assignment of whose names a notebook defines most; 0 if of none any."""
    bound = {name for statement in notebook.statements for name in statement.bound}
    counts = {exercise.assignment: 0 for exercise in exercises}
    for exercise in exercises:
        counts[exercise.assignment] += exercise.wanted in bound
    best = max(counts, key=lambda number: counts[number], default=0)
    return best if counts.get(best) else 0


def _short(report: Report) -> str:
    if report.refused:
        return f"{report.exercise}: {report.refused}"
    broken = [outcome for outcome in report.outcomes if not outcome.holds]
    unwritten = [outcome for outcome in broken if outcome.unwritten]
    if unwritten:
        return f"{report.exercise}: not written"
    return f"{report.exercise}: breaks {', '.join(outcome.law for outcome in broken)}"


def _line(reasons: Sequence[str]) -> str:
    return "; ".join(reason.rstrip(".") for reason in reasons)


def _judged(
    exercises: Sequence[Exercise], needed: Mapping[str, Sequence[Statement]], limits: Limits
) -> dict[str, Report]:
    """Judge every exercise; one that ends the submission's process costs the others nothing but a new one."""
    reports: dict[str, Report] = {}
    allowed = []
    for exercise in exercises:
        why = f"The notebook defines no {exercise.wanted}." if not needed[exercise.name] else ""
        why = why or refusal(exercise, needed[exercise.name])
        if why:
            reports[exercise.name] = _refused(exercise, why)
        else:
            allowed.append(exercise)
    if not allowed:
        return reports
    process = _Restarted(limits)
    with contextlib.closing(process):
        for exercise in allowed:
            reports[exercise.name] = _judge_one(process, exercise, needed[exercise.name])
    return reports


def _judge_one(process: _Restarted, exercise: Exercise, statements: Sequence[Statement]) -> Report:
    try:
        apart = process.running()
        errors, found = apart.load(pieces(process.new(statements)), [exercise.wanted])
    except Refusal as refused:
        return _refused(exercise, f"While its cells ran: {refused}")
    if not found:
        return _refused(exercise, f"Its cells end in an error: {'; '.join(errors) or 'no ' + exercise.wanted}")
    return try_all(exercise, Away(apart, exercise.wanted, exercise.name, exercise.library))


def _refused(exercise: Exercise, why: str) -> Report:
    return Report(exercise.name, (), len(exercise.laws), why)


class _Restarted:
    """The process of a submission, started anew where an answer has ended it, within one limit of time."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.left = limits, limits.seconds
        self.apart: Apart | None = None
        self.ran: set[int] = set()

    def running(self) -> Apart:
        """Return the process, alive.

        Raises:
            Refusal: The time of the whole submission is over.
        """
        if self.apart is None or not self.apart.alive:
            self.close()
            if self.left <= 0:
                raise Refusal("all the time there is was used by the answers before.")
            self.apart = Apart(self.limits.memory, self.left, self.limits.call_seconds)
            self.ran.clear()
        return self.apart

    def new(self, statements: Sequence[Statement]) -> list[Statement]:
        """Return those that have not run in this process."""
        fresh = [statement for statement in statements if id(statement) not in self.ran]
        self.ran |= {id(statement) for statement in fresh}
        return fresh

    def close(self) -> None:
        """End the process."""
        if self.apart is not None:
            self.left -= self.apart.used
            self.apart.close()
            self.apart = None

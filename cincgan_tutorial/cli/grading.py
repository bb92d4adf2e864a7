"""``grade``: the marks of submissions."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ..front_end import progress_bar
from .command import Command, one_line


def _grade_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("submissions", metavar="SUBMISSION.ipynb", nargs="+", type=Path, help="notebooks as handed in")
    p.add_argument("--out", metavar="CSV", type=Path, required=True, help="where the marks are written")
    p.add_argument(
        "--feedback", metavar="DIR", type=Path, help="where the pages go (default: feedback, beside the CSV)"
    )
    p.add_argument(
        "--assignment",
        metavar="N",
        type=int,
        default=0,
        help="1 to 4; left out: the one most of whose names a notebook defines",
    )
    p.add_argument(
        "--seconds",
        metavar="S",
        type=int,
        default=180,
        help="for one submission; then it is stopped (default: 180)",
    )
    p.add_argument(
        "--memory", metavar="MB", type=int, default=1024, help="for one submission, besides torch (default: 1024)"
    )
    p.add_argument("--jobs", metavar="N", type=int, default=0, help="at the same time (default: one per core)")


def _grade(options: argparse.Namespace) -> int:
    # Late: Hypothesis takes a second to load, and no other command needs it.
    from ..grading.feedback import names_of, table, write_pages, write_table
    from ..grading.isolation import without_network
    from ..grading.marking import Limits, Marked, mark_all

    _check(options)
    feedback = options.feedback or options.out.parent / "feedback"
    feedback.mkdir(parents=True, exist_ok=True)
    files = names_of(options.submissions)
    if not without_network():
        print("Note: no process without network on this system; a guard inside Python is all there is. See the guide.")
    limits = Limits(options.seconds, options.memory * 2**20)
    jobs = options.jobs or os.cpu_count() or 1
    with progress_bar(len(files), "grade", unit="submission") as bar:

        def done(marked: Marked) -> None:
            bar.set_postfix_str(one_line(marked.submission)[-40:], refresh=False)
            bar.update()

        all_marked = mark_all(files, options.assignment, limits, jobs, done=done)
    pages = write_pages(all_marked, feedback)
    write_table(table(all_marked, pages, options.out.parent), options.out)
    print(f"{len(all_marked)} submissions: marks in {options.out}, pages in {feedback}.")
    ungraded = [marked.submission for marked in all_marked if not marked.reports]
    if ungraded:
        print(f"Not graded, see their reasons: {', '.join(one_line(name) for name in ungraded)}.")
    return 1 if ungraded else 0


def _check(options: argparse.Namespace) -> None:
    """Find out before an hour of grading what would end it."""
    for name in ("seconds", "memory"):
        if not getattr(options, name) > 0:
            raise ValueError(f"--{name}: expected more than 0, got {getattr(options, name)}.")
    if options.jobs < 0:
        raise ValueError(f"--jobs: expected 1 or more, got {options.jobs}.")
    if options.out.is_dir() or options.out.suffix == ".ipynb":
        raise ValueError(f"--out: expected the name of a CSV file, got {options.out}.")
    if not options.out.parent.is_dir() or not os.access(options.out.parent, os.W_OK):
        raise ValueError(f"--out: {options.out.parent} is no folder that can be written to.")


GRADE = Command(
    "grade",
    "mark submitted assignments",
    "Try the laws of an assignment on each notebook, apart from the marks. Exit status 1 if one could not be graded.",
    "homework/*.ipynb --assignment 2 --out marks.csv",
    _grade_arguments,
    _grade,
)

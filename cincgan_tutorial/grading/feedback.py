"""A page of feedback for each submission, and the table of marks.

Whatever comes from a submission, its file name included, is escaped: a page holds no script and loads nothing.
"""

from __future__ import annotations

import csv
import io
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from .marking import Marked
from .trying import Outcome, Report

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem;color:#1c1c1c}"
    "h2{margin-top:2rem}dt{font-weight:600}dd{margin:0 0 .4rem 1.5rem;overflow-wrap:anywhere}"
    ".law{border-left:.3rem solid #b3261e;padding-left:1rem;margin:1rem 0}.good{color:#1b6e2f}.bad{color:#b3261e}"
)
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>Feedback: {name}</title>
<style>{style}</style>
</head>
<body>
<h1>Feedback: {name}</h1>
<p>{marks} of {of} marks.</p>
{body}
</body>
</html>
"""


def page(marked: Marked) -> str:
    """Return the page of one submission: each broken law in words with an input that breaks it; never a solution."""
    parts = [_exercise(report, marks) for report, marks in marked.reports]
    if not parts:
        parts = [f'<p class="bad">{escape(marked.reason)}.</p>']
    return _PAGE.format(
        name=escape(marked.submission), style=_STYLE, marks=marked.marks, of=marked.of, body="\n".join(parts)
    )


def _exercise(report: Report, marks: int) -> str:
    kind, given = ("good", marks) if report.passed else ("bad", 0)
    head = f'<h2>{escape(report.exercise)}: <span class="{kind}">{given} of {marks}</span></h2>'
    broken = [_law(outcome) for outcome in report.outcomes if not outcome.holds]
    return "\n".join([head, f"<p>{escape(report.summary)}</p>", *broken])


def _law(outcome: Outcome) -> str:
    rows = [("With", outcome.example), ("Expected", outcome.expected), ("Got", outcome.got)]
    rows += [("Hint", outcome.note), ("Read", outcome.section)]
    said = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in rows if text)
    return f'<div class="law"><p>{escape(outcome.words)}</p><dl>{said}</dl></div>'


def write_pages(all_marked: Sequence[Marked], folder: Path) -> list[Path]:
    """Write a page for each submission and return their paths, in order.

    Raises:
        OSError: The folder can't be made or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    taken: set[str] = set()
    for marked in all_marked:
        stem = re.sub(r"[^\w.-]+", "-", marked.submission.removesuffix(".ipynb"), flags=re.ASCII).strip("-.")[:80]
        name, number = stem or "submission", 2
        # Case as well: some systems don't tell Anna.html from anna.html.
        while name.casefold() in taken:
            name, number = f"{stem or 'submission'}-{number}", number + 1
        taken.add(name.casefold())
        paths.append(folder / f"{name}.html")
        _write(paths[-1], page(marked))
    return paths


def table(all_marked: Sequence[Marked], pages: Sequence[Path], beside: Path) -> str:
    """Return the marks as CSV: a row per submission, a column per exercise."""
    names = list(dict.fromkeys(report.exercise for marked in all_marked for report, _ in marked.reports))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["submission", "assignment", "marks", "of", *names, "reason", "feedback"])
    for marked, path in zip(all_marked, pages, strict=True):
        got = {report.exercise: marks if report.passed else 0 for report, marks in marked.reports}
        where = Path(os.path.relpath(path, beside)).as_posix()
        row = [marked.submission, marked.assignment or "", marked.marks, marked.of or ""]
        writer.writerow(
            [_cell(value) for value in [*row, *(got.get(name, "") for name in names), marked.reason, where]]
        )
    return text.getvalue()


def _cell(value: object) -> object:
    """A cell that a spreadsheet takes for text, and on one line."""
    if not isinstance(value, str):
        return value
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in value)
    return f"'{line}" if line.startswith(("=", "+", "-", "@")) else line


def write_table(text: str, path: Path) -> None:
    """Write the table whole, or leave what is there as it is.

    Raises:
        OSError: It can't be written.
    """
    _write(path, text)


def _write(path: Path, text: str) -> None:
    file, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        # A lone half of a surrogate pair, as a file name may hold, is no reason to lose the table.
        with os.fdopen(file, "w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            stream.write(text)
        # mkstemp keeps a file to its owner; a table of marks is to be as readable as any other file here.
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def names_of(paths: Iterable[Path]) -> dict[str, Path]:
    """Return what each file is called in the table: its path below the folder that all share.

    A file that is named twice is graded once.
    """
    files = list(dict.fromkeys(Path(os.path.abspath(path)) for path in paths))
    shared = os.path.commonpath([file.parent for file in files]) if files else ""
    return {file.relative_to(shared).as_posix(): file for file in files}

"""Make all editions of the assignments from their masters: ``python assignments/make.py`` (`make assignments`).

A master is a MyST notebook that holds tasks and solutions. From it come

* ``assignments/student/NAME.ipynb``, kept in git so that Colab can open it: stubs instead of solutions;
* ``book/course/NAME.md``, kept in git: the page that shows the task, with no solution;
* ``assignments/solution/NAME.ipynb``, kept out of git: the instructor's notebook, from which nbgrader can start too.

``--students ROSTER --course NAME`` makes one notebook per line of a roster instead, with numbers of its own for each.
``--nbgrader FOLDER`` makes the folder of a course for nbgrader.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from cincgan_tutorial.grading import EXERCISES
from cincgan_tutorial.grading.variants import constants, variant_of

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))

from public_address import Address, read_address  # noqa: E402 - the book's own folder is no package

_REGION = re.compile(
    r"^(?P<indent>[ ]*)### BEGIN SOLUTION\n(?P<body>.*?)^[ ]*### END SOLUTION$", re.MULTILINE | re.DOTALL
)
_HINT = re.compile(r"^\s*# Hint: (?P<hint>.+)$", re.MULTILINE)
# Characters to a line of code on a page of the book.
WIDTH = 80
_BLANK = re.compile(r"\{\{(\w+)\}\}")
_CHECK = re.compile(r'^check\("(?P<name>\w+)", (?P<answer>\w+)\)$')
_CHAPTER = re.compile(r"\]\(\.\./notebooks/(\w+)\.md\)")
_ROLE = re.compile(r"\s?\{(?P<role>eq|cite)\}`(?P<target>[\w-]+)`")
_SETTINGS = """\
# Settings of nbgrader for this course; `nbgrader --help-all` explains all that there are.
c = get_config()
c.CourseDirectory.course_id = "cincgan"
# In seconds, for one cell. Its own 30 are few: a check tries many inputs, and stops a law that takes too long itself.
c.Execute.timeout = 600
"""


def masters(root: Path = ROOT) -> list[Path]:
    """Return the masters in their order."""
    return sorted((root / "assignments").glob("[0-9]-*.md"))


def read_master(path: Path, variant: int = 0) -> NotebookNode:
    """Read a master and fill its blanks with the constants of a variant.

    Raises:
        ValueError: A blank has no constant.
    """
    known = constants(int(path.name[0]), variant)

    def fill(match: re.Match[str]) -> str:
        if match[1] not in known:
            raise ValueError(f"{path.name}: no constant is called {match[1]!r}. Known: {', '.join(known)}.")
        return str(known[match[1]])

    return jupytext.reads(_BLANK.sub(fill, path.read_text("utf-8")), fmt="md:myst")


def stub_line(indent: str, hint: str) -> str:
    """Return the line that raises `NotImplementedError` with the hint; no line of it is longer than `WIDTH`."""
    line = f"{indent}raise NotImplementedError({hint!r})"
    if len(line) <= WIDTH:
        return line
    *first, last = textwrap.wrap(hint, WIDTH - len(indent) - 8, break_on_hyphens=False, break_long_words=False)
    parts = [f"{indent}    {part!r}" for part in (*(f"{part} " for part in first), last)]
    return "\n".join([f"{indent}raise NotImplementedError(", *parts, f"{indent})"])


def without_solutions(code: str) -> str:
    """Return a cell with every solution replaced by a stub that raises `NotImplementedError` with the hint.

    Raises:
        ValueError: A solution has no hint, or its markers don't pair.
    """

    def stub(match: re.Match[str]) -> str:
        hint = _HINT.search(match["body"])
        if hint is None:
            raise ValueError(f"a solution without a line '# Hint: ...': {match['body']!r}")
        return stub_line(match["indent"], hint["hint"])

    stubbed = _REGION.sub(stub, code)
    if "### BEGIN" in stubbed or "### END" in stubbed:
        raise ValueError(f"### BEGIN SOLUTION and ### END SOLUTION don't pair in: {code!r}")
    return stubbed


def with_hints_outside(code: str) -> str:
    """Return a cell with each hint before its solution: nbgrader puts the same stub for all that stands within."""

    def outside(match: re.Match[str]) -> str:
        lines = match["body"].splitlines(keepends=True)
        hints = [line for line in lines if _HINT.match(line)]
        rest = [line for line in lines if line not in hints]
        begin, end = (f"{match['indent']}### {word} SOLUTION" for word in ("BEGIN", "END"))
        return "".join([*hints, f"{begin}\n", *rest, end])

    return _REGION.sub(outside, code)


def student_edition(master: NotebookNode, stem: str) -> NotebookNode:
    """Return the notebook that is handed out: no solution in it, and prose without Sphinx's roles."""
    notebook = _with_metadata(master, stem)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _for_notebooks(cell.source)
        elif _CHECK.match(cell.source):
            # The report is printed; the semicolon keeps it from being shown twice.
            cell.source += ";"
        else:
            cell.source = without_solutions(cell.source)
    return notebook


def solution_edition(master: NotebookNode, stem: str) -> NotebookNode:
    """Return the instructor's notebook. A broken law ends a check cell with an error, as nbgrader wants it."""
    notebook = _with_metadata(master, stem)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _for_notebooks(cell.source)
        elif _CHECK.match(cell.source):
            cell.source += ".required()"
        else:
            cell.source = with_hints_outside(cell.source)
    return notebook


def page(master: NotebookNode, stem: str, address: Address) -> str:
    """Return the book's page: prose, and code that is shown and not run, without solutions."""
    notebook = f"assignments/student/{stem}.ipynb"
    opened = f"{{download}}`the notebook <../../{notebook}>`"
    if not address.is_placeholder:
        opened += f", or open it [on Colab]({address.colab(notebook)})"
    parts = [f"% Made from assignments/{stem}.md by `make assignments`: edit that file.\n"]
    for cell in master.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source.replace("](../notebooks/", "](../../notebooks/") + "\n")
        elif "remove-cell" in cell.metadata.get("tags", []):
            parts.append(f"To work on it, download {opened}.\n")
        else:
            parts.append(f"```python\n{without_solutions(cell.source)}\n```\n")
    return "\n".join(parts)


def _with_metadata(master: NotebookNode, stem: str) -> NotebookNode:
    """Return the notebook with what nbgrader and our own grader read: one graded cell per exercise."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata.language_info = {"name": "python"}
    for number, cell in enumerate(master.cells):
        make = nbformat.v4.new_markdown_cell if cell.cell_type == "markdown" else nbformat.v4.new_code_cell
        # An id of its own for every cell, always the same: the files are kept in git.
        notebook.cells.append(make(cell.source, id=f"{stem}-{number}", metadata=_metadata(cell)))
    return notebook


def _metadata(cell: NotebookNode) -> dict[str, Any]:
    if name := cell.metadata.get("exercise"):
        return {"nbgrader": _nbgrader(name, solution=True)}
    if match := _CHECK.match(cell.source):
        marks = EXERCISES[match["name"]].marks
        graded = _nbgrader(f"check-{match['name']}", grade=True, locked=True, points=marks)
        return {"nbgrader": graded, "cincgan": {"exercise": match["name"], "marks": marks}}
    return {"tags": cell.metadata["tags"]} if "tags" in cell.metadata else {}


def _nbgrader(grade_id: str, **differing: Any) -> dict[str, Any]:
    plain = {
        "grade": False,
        "grade_id": grade_id,
        "locked": False,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }
    return plain | differing


def _for_notebooks(prose: str) -> str:
    """Return prose as Jupyter and Colab can show it: chapters as notebooks, equations by name, no citations."""

    def role(match: re.Match[str]) -> str:
        return f" (in the book: `{match['target']}`)" if match["role"] == "eq" else ""

    return _ROLE.sub(role, _CHAPTER.sub(r"](../../notebooks/\1.ipynb)", prose))


def editions(root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """Yield each file that is made from the masters, with the text it should have."""
    address = read_address(root)
    for path in masters(root):
        master, stem = read_master(path), path.stem
        yield root / "assignments" / "student" / f"{stem}.ipynb", written(student_edition(master, stem))
        yield root / "assignments" / "solution" / f"{stem}.ipynb", written(solution_edition(master, stem))
        yield root / "book" / "course" / f"{stem}.md", page(master, stem, address)


def per_student(students: Mapping[str, int], folder: Path, root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """Yield the notebooks of a class: one folder per student, with the numbers of the student's variant."""
    for student, variant in students.items():
        for path in masters(root):
            notebook = student_edition(read_master(path, variant), path.stem)
            yield folder / student / f"{path.stem}.ipynb", written(notebook)


def nbgrader_course(folder: Path, root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """Yield what nbgrader starts from: a source notebook for each assignment, and its settings where there are none."""
    for path in masters(root):
        notebook = solution_edition(read_master(path), path.stem)
        yield folder / "source" / path.stem / f"{path.stem}.ipynb", written(notebook)
    if not (folder / "nbgrader_config.py").exists():
        yield folder / "nbgrader_config.py", _SETTINGS


def written(notebook: NotebookNode) -> str:
    """Return a notebook as the text of its file."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def read_roster(path: Path, course: str) -> dict[str, int]:
    """Return every student of a roster, one name per line, with the variant that the course's name gives.

    Raises:
        ValueError: The file is empty, a name occurs twice, or can't be the name of a folder.
    """
    names = [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
    bad = [name for name in names if not re.fullmatch(r"[\w.@-]+", name) or name.startswith(".")]
    if not names or bad or len(set(names)) < len(names):
        raise ValueError(
            f"{path}: expected one name per line, each once, of letters, digits and . @ - _ ; got {len(names)} lines"
            + (f", among them {bad[0]!r}." if bad else ".")
        )
    return {name: variant_of(course, name) for name in names}


def main(arguments: list[str]) -> int:
    """Make the editions, or the notebooks of a class; the exit status is 1 for bad input."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--students", type=Path, metavar="ROSTER", help="a text file, one name per line")
    instead.add_argument("--nbgrader", type=Path, metavar="FOLDER", help="the folder of a course for nbgrader")
    parser.add_argument("--course", default="", help="name of the course and year: other names give other numbers")
    parser.add_argument("--out", type=Path, default=ROOT / "assignments" / "variants", help="folder for a class")
    given = parser.parse_args(arguments)
    try:
        if given.nbgrader is not None:
            files = list(nbgrader_course(given.nbgrader))
        elif given.students is None:
            files = list(editions())
        else:
            students = read_roster(given.students, given.course)
            files = list(per_student(students, given.out))
            variants = "".join(f"{name},{variant}\n" for name, variant in students.items())
            files.append((given.out / "variants.csv", "student,variant\n" + variants))
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    changed = 0
    for path, text in files:
        if not path.is_file() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            changed += 1
    print(f"{len(files)} files, {changed} of them written.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

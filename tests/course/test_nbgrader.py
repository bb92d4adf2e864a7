"""nbgrader takes the masters: it makes stubs from them, marks what comes back exercise by exercise, and exports it."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import make
import nbformat
import pytest
from handing_in import answered, solutions, student
from test_editions import MARKER, secrets

from cincgan_tutorial.grading import EXERCISES

pytest.importorskip("nbgrader", reason="nbgrader is not installed: pip install 'cincgan-tutorial[nbgrader]'")
# nbgrader starts it by its plain name.
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
if shutil.which("alembic", path=PATH) is None:
    pytest.skip("nbgrader can't run here: no program called alembic beside it", allow_module_level=True)

pytestmark = pytest.mark.slow
STEMS = [path.stem for path in make.masters()]
# A right answer that writes to stderr, which nbgrader takes for a failure unless it is kept from there.
LOUD = """

import warnings
_quiet = generator_loss

def generator_loss(scores):
    warnings.warn("slow, but right")
    return _quiet(scores)
"""


def nbgrader(folder, *arguments):
    own = {"PATH": PATH, "PYTHONPATH": str(make.ROOT), "JUPYTER_PREFER_ENV_PATH": "1"}
    own |= {name: str(folder / "home") for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder, env=os.environ | own, capture_output=True, text=True, timeout=1800, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]


def hand_in(course, name, stem, notebook):
    path = course / "submitted" / name / stem / f"{stem}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    assert make.main(["--nbgrader", str(folder)]) == 0
    for stem in STEMS:
        nbgrader(folder, "generate_assignment", stem)
    return folder


def released(course, stem):
    return nbformat.read(course / "release" / stem / f"{stem}.ipynb", 4)


@pytest.mark.parametrize("stem", STEMS)
def test_what_nbgrader_hands_out_has_stubs_and_hints_and_no_solution(course, stem):
    cells = [cell for cell in released(course, stem).cells if cell.metadata.get("nbgrader", {}).get("solution")]
    assert len(cells) == sum(exercise.assignment == int(stem[0]) for exercise in EXERCISES.values())
    for cell in cells:
        assert "# Hint: " in cell.source
        assert "raise NotImplementedError()" in cell.source
    text = "\n".join(cell.source for cell in released(course, stem).cells)
    assert MARKER not in text
    assert [line for line in secrets(stem) if line in text] == []


def test_marks_are_full_none_or_those_of_one_exercise(course):
    expected = {}
    for stem in STEMS:
        exercises = [exercise for exercise in EXERCISES.values() if exercise.assignment == int(stem[0])]
        answers = solutions(stem)
        first = next(iter(answers))
        handed_in = {
            "right": (released(course, stem), answers, sum(exercise.marks for exercise in exercises)),
            "empty": (released(course, stem), {}, 0),
            "one": (released(course, stem), {first: answers[first]}, EXERCISES[first].marks),
        }
        if stem == "2-losses":
            # The notebook of this repository, as Colab opens it; its numbers are those of variant 7.
            loud = {"generator_loss": answers["generator_loss"] + LOUD}
            handed_in["colab"] = (student(stem, 7), loud, EXERCISES["generator_loss"].marks)
        for name, (notebook, given, marks) in handed_in.items():
            hand_in(course, name, stem, answered(notebook, given))
            expected[name, stem] = marks
        nbgrader(course, "autograde", stem)
    nbgrader(course, "export", "--to", "marks.csv")
    with (course / "marks.csv").open(encoding="utf-8", newline="") as file:
        rows = {(row["student_id"], row["assignment"]): row for row in csv.DictReader(file)}
    assert {key: float(rows[key]["score"]) for key in expected} == expected
    of = {stem: sum(e.marks for e in EXERCISES.values() if e.assignment == int(stem[0])) for stem in STEMS}
    assert {stem: float(rows["right", stem]["max_score"]) for stem in STEMS} == of

"""A class hands in thirty notebooks over the four assignments, right, wrong, broken and hostile: the real command."""

import csv
import json

import make
import nbformat
import pytest
from handing_in import answered, solutions, student

from cincgan_tutorial.cli import main
from cincgan_tutorial.grading import EXERCISES

pytestmark = pytest.mark.slow
STEMS = [path.stem for path in make.masters()]
FULL = {stem: sum(e.marks for e in EXERCISES.values() if e.assignment == int(stem[0])) for stem in STEMS}

# Per assignment: an exercise, what stands in its solution, what a student wrote instead, and the law that is broken.
MISTAKES = {
    "1-degrade": ("degrade", "torch.round(x.clamp(0, 1) * 255) / 255", "x.clamp(0, 1)", "eight-bits"),
    "2-losses": ("judge_loss", ".detach()", "", "g1-is-not-moved"),
    "3-networks": ("Upsampler", "return features", "return F.relu(features)", "not-activated"),
    "4-joint": ("aligned_psnr", "-10", "-20", "decibels"),
}
JUDGE = "def judge_loss(D1, G1, x, y):\n    "
# What is handed in for `judge_loss` beside right answers to the other exercises: its name, the cell, the reason.
HOSTILE = {
    "spins": (JUDGE + "while True:\n        pass", "a loop that never ends"),
    "prints": (JUDGE + "while True:\n        print('all laws hold')", "a loop that never ends"),
    "hoards": (JUDGE + "return torch.zeros(10**13).sum()", "more memory than there is"),
    "deletes": (JUDGE + "import shutil\n    shutil.rmtree('.')\n    return 0", "imports shutil"),
    "calls": (JUDGE + "import socket\n    socket.create_connection(('localhost', 80))", "imports socket"),
    "walks": (JUDGE + "return x.grad_fn.f_back.f_locals", "walks the stack"),
    "wraps": (JUDGE + "from cincgan_tutorial.losses import discriminator_loss as d\n    return d(D1(y), D1(G1(x)))",
              "library's own discriminator_loss"),
    "evaluates": (JUDGE + "return eval('x.sum()')", "eval"),
    "exits": (JUDGE + "raise SystemExit(0)", "judge_loss: breaks"),
    "redefines": (JUDGE + "return 0.0\ndef check(*of):\n    print('judge_loss: all laws hold.')", "redefines check"),
    "patches": (JUDGE + "return 0.0\nimport cincgan_tutorial.grading as g\ng.check = print", "patches the library"),
    "forges": (JUDGE + "print('judge_loss: all 4 laws hold.')\n    return True", "judge_loss: breaks"),
}  # fmt: skip
BROKEN = {
    "text": ("Dear professor, my computer broke.", "not JSON"),
    "empty-file": ("", "not JSON"),
    "nameless": (json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), "none of the names"),
    "other": (json.dumps([1, 2, 3]), "no list of cells"),
    "half-a-file": (json.dumps({"cells": []})[:-3], "not JSON"),
}


def handed_in(folder):
    """Write thirty notebooks; return the marks that each should get, and a word of its reason."""
    expected = {}

    def write(name, notebook, marks, reason):
        nbformat.write(notebook, folder / f"{name}.ipynb")
        expected[name] = (marks, reason)

    for stem in STEMS:
        answers = solutions(stem)
        name, right, wrong, law = MISTAKES[stem]
        assert answers[name].count(right) == 1
        mistaken = answers | {name: answers[name].replace(right, wrong)}
        write(f"right-{stem}", answered(student(stem), answers), FULL[stem], "")
        write(f"stubs-{stem}", student(stem), 0, "not written")
        write(f"wrong-{stem}", answered(student(stem), mistaken), FULL[stem] - EXERCISES[name].marks, law)
    answers = solutions("2-losses")
    for name, (cell, reason) in HOSTILE.items():
        notebook = answered(student("2-losses"), answers | {"judge_loss": cell})
        write(name, notebook, FULL["2-losses"] - EXERCISES["judge_loss"].marks, reason)
    for name, (text, reason) in BROKEN.items():
        (folder / f"{name}.ipynb").write_text(text, "utf-8")
        expected[name] = (0, reason)
    with (folder / "huge.ipynb").open("wb") as file:
        file.truncate(200 * 2**20)
    expected["huge"] = (0, "200 MB: more than 20 MB")
    return expected


def test_thirty_notebooks_give_thirty_rows(tmp_path, capsys):
    folder = tmp_path / "handed-in"
    folder.mkdir()
    expected = handed_in(folder)
    assert len(expected) == 30
    before = {path.name: path.stat().st_size for path in folder.iterdir()}
    submissions = [str(folder / f"{name}.ipynb") for name in expected]
    # As long as it takes: whether it is fast enough is no matter of a test.
    patience = ["--seconds", "3600", "--jobs", "2"]
    assert main(["grade", *submissions, "--out", str(tmp_path / "marks.csv"), *patience]) == 1
    with (tmp_path / "marks.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["submission"].removesuffix(".ipynb"): row for row in csv.DictReader(file)}
    assert {name: int(row["marks"]) for name, row in rows.items()} == {name: m for name, (m, _) in expected.items()}
    assert [name for name, (_, reason) in expected.items() if reason not in rows[name]["reason"]] == []
    assert {name for name, row in rows.items() if not row["reason"]} == {f"right-{stem}" for stem in STEMS}
    assert {path.name: path.stat().st_size for path in folder.iterdir()} == before
    assert all((tmp_path / row["feedback"]).is_file() for row in rows.values())
    assert "submission" in capsys.readouterr().err, "a bar with its unit"

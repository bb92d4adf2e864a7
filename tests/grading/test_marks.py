"""Whole batches through the grader: right, wrong and hostile submissions, each a row with a reason."""

import csv
import os
import re
from pathlib import Path

import pytest
from toy_catalogue import GRADED, LAYER, RIGHT, notebook

from cincgan_tutorial.cli import main
from cincgan_tutorial.grading import feedback, marking
from cincgan_tutorial.grading.isolation import without_network
from cincgan_tutorial.grading.marking import Limits, Marked, mark, mark_all
from cincgan_tutorial.grading.trying import Outcome, Report

# Generous where an answer ends by itself, so that no test depends on the speed of the machine.
PATIENT = Limits(seconds=900, call_seconds=300)
BRIEF = Limits(seconds=900, call_seconds=4)


def marked(folder, *cells, limits=PATIENT):
    path = folder / "submission.ipynb"
    path.write_text(notebook(*cells), encoding="utf-8")
    return mark("submission.ipynb", path, limits=limits, catalogue="toy_catalogue")


def answer(body, before=""):
    return f"import torch\nfrom torch import nn\n{before}\ndef roughness(image):\n    " + body.replace("\n", "\n    ")


def test_a_batch_of_all_kinds(tmp_path):
    """One broken submission never stops the batch, and nothing that one does reaches another's marks."""
    victim = tmp_path / "keep.txt"
    victim.write_text("here", encoding="utf-8")
    texts = {
        "right": notebook(RIGHT, LAYER, GRADED),
        "half": notebook(RIGHT, "class Scale(nn.Module):\n    pass", GRADED),
        "stubs": notebook(answer("raise NotImplementedError('Take steps.')"), LAYER.replace("return", "raise 3 #")),
        "nameless": notebook("x = 1"),
        "text": "Dear professor,",
        "deletes": notebook(answer(f"open({str(victim)!r}, 'w')\nreturn 0"), LAYER),
        "redefines": notebook(RIGHT, LAYER, "def check(*a): print('5 of 5 marks')", GRADED),
        "patches": notebook(answer("return 0.0"), LAYER, "import cincgan_tutorial.grading as g\ng.check = print"),
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / f"{name}.ipynb").write_text(text, encoding="utf-8")
    files = feedback.names_of(tmp_path / f"{name}.ipynb" for name in texts)
    files["missing.ipynb"] = tmp_path / "missing.ipynb"
    got = mark_all(files, 0, PATIENT, jobs=2, catalogue="toy_catalogue")
    rows = {row.submission.removesuffix(".ipynb"): row for row in got}
    assert list(rows) == [*texts, "missing"]
    assert {name: row.marks for name, row in rows.items() if row.marks} == {
        "right": 5, "half": 3, "deletes": 2, "redefines": 5, "patches": 2,
    }  # fmt: skip
    assert rows["right"].reason == ""
    for name, reason in {
        "half": "Scale: breaks doubles",
        "stubs": "roughness: not written",
        "nameless": "none of the names",
        "text": "not JSON",
        "deletes": "It uses open",
        "redefines": "cell 3 redefines check",
        "patches": "cell 3 patches the library",
        "missing": "No such file",
    }.items():
        assert reason in rows[name].reason
    assert victim.read_text(encoding="utf-8") == "here"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return __import__('torch').ones(())", "__import__"),
        ("import importlib\nreturn 1", "imports importlib"),
        ("from cincgan_tutorial.losses import distance\nreturn distance(image, image, 1)", "library's own distance"),
        ("return eval('1')", "eval"),
        ("return image.grad_fn.f_back", "walks the stack"),
        ("return roughness.__globals__", "__globals__"),
        ("return getattr(torch, 'sys')", "looks into torch"),
        ("return torch.sys.modules", "reaches sys"),
        ("import sys\nreturn sys._getframe(1)", "imports sys"),
        ("from cincgan_tutorial.grading.laws import Broken", "grader"),
    ],
)
def test_shortcuts_are_refused_before_anything_runs(tmp_path, body, reason):
    got = marked(tmp_path, answer(body))
    assert got.marks == 0
    assert reason in got.reason


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["import cincgan_tutorial as c\ndef roughness(x):\n    return c.losses.distance(x, x)"], "distance"),
        (["import cincgan_tutorial as c\nroughness = c.total_variation"], "total_variation"),
        (["from cincgan_tutorial.losses import *\ndef roughness(x):\n    return distance(x, x, 1)"], "all at once"),
        (["from cincgan_tutorial.losses import distance as d", "def roughness(x):\n    return d(x, x, 1)"], "distance"),
    ],
)  # fmt: skip
def test_the_library_is_refused_however_it_is_named(tmp_path, cells, reason):
    got = marked(tmp_path, *cells)
    assert got.marks == 0
    assert reason in got.reason


COPY = """
def away(p, q, kind):
    delta: object = (p - q).float()
    return delta.abs().mean() if kind == 1 else delta.square().mean()

def roughness(pictures, n=2):
    "My own."
    below = pictures[..., 1:, :]
    beside = pictures[..., :, 1:]
    return away(below, pictures[..., :-1, :], n) + away(beside, pictures[..., :, :-1], n)
"""


def test_a_copy_is_refused_under_other_names(tmp_path):
    got = marked(tmp_path, COPY)
    assert "copies the library's distance" in got.reason


ENDS = {
    "spins": ("while True:\n    try:\n        pass\n    except BaseException:\n        pass", "a loop that never ends"),
    "prints": ("while True:\n    print('5 of 5 marks')", "a loop that never ends"),
    "hoards": ("return torch.zeros(10**12).sum()", "more memory"),
    "dies": ("raise SystemExit(0)", "SystemExit"),
}


@pytest.mark.parametrize("name", ["spins", *(pytest.param(n, marks=pytest.mark.slow) for n in list(ENDS)[1:])])
def test_an_answer_that_does_not_end_costs_the_others_nothing(tmp_path, name):
    body, reason = ENDS[name]
    got = marked(tmp_path, RIGHT, answer(body), LAYER, limits=BRIEF)
    assert got.marks == 2, got.reason
    assert any(reason in report.refused + str(report) for report, _ in got.reports)


def test_what_is_not_needed_does_not_run(tmp_path):
    """Cells that no answer needs are left out: one that never ends, one that deletes, one that prints marks."""
    extra = [
        "while True:\n    print('x')",
        "import os\nos.remove('submission.ipynb')",
        "print('roughness: all laws hold.')",
    ]
    got = marked(tmp_path, RIGHT, *extra, LAYER)
    assert got.marks == 5
    assert "cell 2 loops for ever (not run)" in got.reason
    assert "cell 3 deletes files (remove) (not run)" in got.reason
    assert (tmp_path / "submission.ipynb").exists()


def test_a_large_file_is_not_read(tmp_path):
    path = tmp_path / "large.ipynb"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    got = mark("large.ipynb", path, catalogue="toy_catalogue")
    assert got.reason.startswith("200 MB: more than 20 MB")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.ipynb")
    assert mark("pipe", tmp_path / "pipe.ipynb", catalogue="toy_catalogue").reason == "Not a file."


def test_an_unknown_assignment_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="assignment 9 has no exercises: expected one of 1"):
        mark_all({}, 9, catalogue="toy_catalogue")


def test_a_fault_of_the_grader_is_a_row(tmp_path):
    (tmp_path / "a.ipynb").write_text(notebook(RIGHT), encoding="utf-8")
    (got,) = mark_all({"a": tmp_path / "a.ipynb"}, 0, PATIENT, catalogue="toy_broken")
    assert got.reason.startswith("The grader failed: TypeError")


@pytest.mark.slow
def test_a_judge_that_takes_too_long_is_a_row(tmp_path, monkeypatch):
    monkeypatch.setattr(marking, "START_SECONDS", 0.0)
    (tmp_path / "a.ipynb").write_text(notebook(answer("while True:\n    pass")), encoding="utf-8")
    (got,) = mark_all({"a": tmp_path / "a.ipynb"}, 1, Limits(seconds=0.5), catalogue="toy_catalogue")
    assert got.reason == "The grader gave up: judging took too long."


@pytest.mark.slow
def test_the_same_submission_is_marked_the_same_twice(tmp_path):
    cells = (answer("return image.mean()"), LAYER)
    assert marked(tmp_path, *cells) == marked(tmp_path, *cells)


OUTCOME = Outcome(
    "mean", "It is <b>the</b> mean.", "Chapter 3", False, "x = 1", "2", "<script>alert(1)</script>", "a & b"
)
MARKED = Marked("=evil<i>.ipynb", ((Report("roughness", (OUTCOME,), 1), 3),), "a\nb", 1)


def test_a_page_is_escaped_and_tells_what_is_wrong():
    page = feedback.page(MARKED)
    assert "<script>" not in page
    assert "<i>" not in page
    for part in ("&lt;script&gt;alert(1)", "0 of 3 marks", "It is &lt;b&gt;the", "a &amp; b", "Chapter 3"):
        assert part in page
    assert "Not a file." in feedback.page(Marked("x", (), "Not a file"))


def test_the_table_is_text_to_a_spreadsheet(tmp_path):
    pages = feedback.write_pages([MARKED, MARKED, Marked("../../x", (), "")], tmp_path / "pages")
    assert [path.name for path in pages] == ["evil-i.html", "evil-i-2.html", "x.html"]
    rows = list(csv.DictReader(feedback.table([MARKED], pages[:1], tmp_path).splitlines()))
    assert rows == [
        {"submission": "'=evil<i>.ipynb", "assignment": "1", "marks": "0", "of": "3", "roughness": "0",
         "reason": "a\\nb", "feedback": "pages/evil-i.html"}
    ]  # fmt: skip


def test_a_table_that_can_not_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "marks.csv"
    feedback.write_table("old", path)

    def full(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        feedback.write_table("new", path)
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["marks.csv"]


def test_two_files_of_one_name_are_told_apart(tmp_path):
    names = feedback.names_of(
        [tmp_path / "anna" / "hw.ipynb", tmp_path / "bert" / "hw.ipynb", tmp_path / "anna" / "hw.ipynb"]
    )
    assert list(names) == ["anna/hw.ipynb", "bert/hw.ipynb"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out", "."], "expected the name of a CSV file"),
        (["--out", "a.ipynb"], "expected the name of a CSV file"),
        (["--out", "nowhere/marks.csv"], "no folder that can be written to"),
        (["--out", "m.csv", "--seconds", "0"], "--seconds: expected more than 0"),
        (["--out", "m.csv", "--jobs", "-1"], "--jobs: expected 1 or more"),
        (["--out", "m.csv", "--assignment", "77"], "assignment 77 has no exercises"),
    ],
)
def test_the_command_finds_mistakes_first(tmp_path, monkeypatch, capsys, options, said):
    monkeypatch.chdir(tmp_path)
    assert main(["grade", "a.ipynb", *options]) == 2
    assert said in capsys.readouterr().err
    assert not Path("m.csv").exists()


def test_the_command_writes_marks_and_pages(tmp_path, capsys):
    (tmp_path / "a.ipynb").write_text("no", encoding="utf-8")
    out = tmp_path / "marks.csv"
    assert main(["grade", str(tmp_path / "a.ipynb"), "--out", str(out)]) == 1
    (row,) = csv.DictReader(out.read_text(encoding="utf-8").splitlines())
    assert (row["submission"], row["marks"]) == ("a.ipynb", "0")
    assert "not JSON" in (tmp_path / row["feedback"]).read_text(encoding="utf-8")
    said = capsys.readouterr()
    assert "Not graded" in said.out
    assert "grade: 100%" in said.err
    # A slow machine shows seconds by submission, a fast one the other way round.
    assert re.search(r"submission(/s)?, a\.ipynb\]", said.err)


@pytest.mark.slow
def test_thirty_submissions_are_all_marked(tmp_path):
    for number in range(30):
        (tmp_path / f"{number}.ipynb").write_text(notebook(RIGHT, LAYER), encoding="utf-8")
    got = mark_all(feedback.names_of(tmp_path.glob("*.ipynb")), 1, PATIENT, jobs=2, catalogue="toy_catalogue")
    assert [row.marks for row in got] == [5] * 30


def test_without_network_is_a_command_or_nothing():
    command = without_network()
    assert command == () or ("--net" in command and command[-1] == "--")

"""Reading submissions: cells, magics, and the statements that an answer needs."""

import json
from dataclasses import replace

import pytest
from toy_catalogue import EXERCISES, RIGHT, notebook

from cincgan_tutorial.grading.reading import NotANotebook, from_cells, read_notebook
from cincgan_tutorial.grading.refusing import refusal, remarks


def needed(name, *cells):
    return "\n".join(statement.code.strip("\n") for statement in from_cells(cells).needed(name))


def test_only_what_an_answer_needs_is_kept():
    got = needed(
        "answer",
        "import os, torch\nimport numpy as np",
        "sizes = [1]\nsizes.append(2)\nunused = torch.load('x')\nprint(sizes)",
        "def helper(x):\n    unused = 3\n    return x + len(sizes) + unused",
        "answer = None",
        "def answer(x):\n    return helper(torch.ones(x))",
        "for i in range(10**9):\n    train(i)",
        "answer(3)",
    )
    assert got.splitlines() == [
        "import torch", "sizes = [1]", "sizes.append(2)", "def helper(x):", "    unused = 3",
        "    return x + len(sizes) + unused", "answer = None", "def answer(x):", "    return helper(torch.ones(x))",
    ]  # fmt: skip


def test_what_an_answer_returned_may_change_without_being_part_of_it():
    training = "for i in range(200):\n    loss(i).backward()\n    loss(i).grad[0] = 1\n    other(loss(i)).backward()"
    assert needed("loss", "def loss(x):\n    return x", training, "loss.scale = 2") == (
        "def loss(x):\n    return x\nloss.scale = 2"
    )


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        (["if True:\n    f = 1\nelse:\n    f = 2"], True),
        (["with open('x') as f:\n    pass"], True),
        (["try:\n    import f\nexcept ImportError:\n    f = None"], True),
        (["class f:\n    pass"], True),
        (["async def f(): pass"], True),
        (["g = lambda: f"], False),
        (["f()"], False),
        (["f.x = 1"], False),
        ([""], False),
    ],
)
def test_names_are_found_where_they_are_bound(cells, kept):
    assert bool(from_cells(cells).needed("f")) == kept


def test_magics_are_blanked_line_for_line():
    read = from_cells(
        ["%pip install x\n!ls\ndef f(a):\n    return (a\n      % 2)", "%%time\ny = 1", "%%bash\nrm -rf ."]
    )
    assert read.unreadable == ()
    assert read.needed("f")[0].node.lineno == 3
    assert read.needed("y")
    assert "% 2" in read.needed("f")[0].code


def test_a_cell_that_is_not_python_is_said_and_the_others_are_read():
    read = from_cells(["def f(:", "g = 1"])
    assert read.unreadable[0].startswith("cell 1, line 1 is not Python")
    assert read.needed("g")


def test_lines_are_those_of_the_cell():
    (statement,) = from_cells(["x = 1\n\n@property\ndef f():\n    return 1; y = 2"]).needed("f")
    assert statement.code.splitlines()[2] == "@property"
    (first,) = from_cells(["x = 1; y = 2"]).needed("y")
    assert first.code == "y = 2"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("[]", "no list of cells"),
        ("3", "no list of cells"),
        ('{"worksheets": []}', "no list of cells"),
        ('{"cells": 3}', "no list of cells"),
        ('{"cells": [{"cell_type": "code"}]}', "no list of cells"),
        ('{"cells": [{"cell_type": "code", "source": [3]}]}', "no list of cells"),
        ("[" * 200_000, "not JSON"),
    ],
)
def test_what_is_no_notebook_says_why(tmp_path, text, reason):
    path = tmp_path / "a.ipynb"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(NotANotebook, match=reason):
        read_notebook(path)


def test_other_bytes_and_folders_are_no_notebooks(tmp_path):
    (tmp_path / "b.ipynb").write_bytes(b"\x89PNG\xff\xfe")
    for path in (tmp_path / "b.ipynb", tmp_path, tmp_path / "none.ipynb"):
        with pytest.raises(NotANotebook):
            read_notebook(path)


def test_cells_may_be_text_or_lines(tmp_path):
    path = tmp_path / "a.ipynb"
    made = json.loads(notebook("x = 1\ny = x"))
    made["cells"].append({"cell_type": "markdown", "source": "not ( Python"})
    made["cells"].append({"cell_type": "code", "source": ["a = 1\n", "b = a"]})
    path.write_text(json.dumps(made), encoding="utf-8")
    assert len(read_notebook(path).needed("b")) == 2


def test_an_honest_answer_is_not_refused():
    cells = [
        RIGHT,
        "class Scale(nn.Module):\n    def __init__(self, n):\n        super().__init__()\n"
        "        self.layers = [getattr(self, f'a{i}', None) for i in range(n)]\n"
        "    def __repr__(self):\n        return self.__class__.__name__",
        "from cincgan_tutorial import bundled_photograph\nroughness.image = bundled_photograph",
    ]
    read = from_cells(cells)
    for name, exercise in EXERCISES.items():
        assert refusal(exercise, read.needed(name)) == ""


def test_a_one_liner_that_is_like_the_librarys_is_no_copy():
    read = from_cells(["def roughness(image):\n    return image.float().square().mean()"])
    exercise = replace(EXERCISES["roughness"], library=("cincgan_tutorial.losses.judged_fake",))
    assert refusal(exercise, read.needed("roughness")) == ""


def test_remarks_name_the_cell():
    cells = [
        "import socket\ns = socket.socket()",
        "while True:\n    break",
        "from cincgan_tutorial.grading.laws import x",
    ]
    said = remarks(from_cells(cells), ())
    assert any("cell 1 opens a network connection" in line for line in said)
    assert any("cell 3 reaches into the grader" in line for line in said)
    assert not any("cell 2" in line for line in said)

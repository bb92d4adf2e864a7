"""Each chapter is a MyST file and the same notebook without outputs, and the table of contents lists all in order."""

from pathlib import Path

import jupytext
import nbformat
import pytest
import yaml
from jupytext.compare import NotebookDifference, compare_notebooks
from public_address import Address, read_address

CHAPTERS = [
    "01_degradation_model",
    "02_unpaired_training",
    "03_cycle_one",
    "04_cycle_two",
    "05_architectures",
    "06_training",
    "07_experiments",
]

FIRST_CELL = """\
# On Colab this installs the library with what is missing there. Anywhere else it does nothing.
import importlib.util
import subprocess
import sys

if "google.colab" in sys.modules and importlib.util.find_spec("cincgan_tutorial") is None:
    address = "{install}"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", address], check=True)
    importlib.invalidate_caches()"""


def check_pair(source: Path) -> None:
    """Raise where a chapter and its notebook differ."""
    compare_notebooks(jupytext.read(source), jupytext.read(source.with_suffix(".ipynb")), fmt="md:myst")


def leftovers(notebook: Path) -> list[str]:
    """What a run left in a notebook."""
    content = nbformat.read(notebook, as_version=4)
    found = ["widgets"] if "widgets" in content.metadata else []
    for number, cell in enumerate(content.cells):
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None):
            found.append(f"cell {number}: output or execution count")
    return found


def first_code_cell(source: Path) -> nbformat.NotebookNode:
    return next(cell for cell in jupytext.read(source).cells if cell.cell_type == "code")


def test_folder_holds_the_seven_chapters_and_their_pairs(root):
    for suffix in (".md", ".ipynb"):
        assert sorted(p.stem for p in (root / "notebooks").glob(f"*{suffix}")) == CHAPTERS


def test_table_of_contents_lists_the_chapters_in_order(root):
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf-8"))
    listed = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    assert [f for f in listed if f.startswith("notebooks/")] == [f"notebooks/{c}.md" for c in CHAPTERS]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_pair_is_in_sync(root, chapter):
    check_pair(root / "notebooks" / f"{chapter}.md")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_notebook_is_stripped(root, chapter):
    assert leftovers(root / "notebooks" / f"{chapter}.ipynb") == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_first_code_cell_installs_from_the_public_address(root, chapter):
    cell = first_code_cell(root / "notebooks" / f"{chapter}.md")
    assert cell.source == FIRST_CELL.format(install=read_address(root).install)
    assert cell.metadata.get("tags") == ["remove-cell"]


def test_first_code_cell_does_nothing_outside_colab(monkeypatch):
    monkeypatch.setattr("subprocess.run", lambda *a, **k: pytest.fail("pip was called"))
    exec(FIRST_CELL.format(install=Address("https://github.com/a/b", "main").install), {})


def write_pair(folder: Path, prose: str, code: str) -> Path:
    """Write a chapter with one cell of each kind, and its pair."""
    cells = [nbformat.v4.new_markdown_cell(prose), nbformat.v4.new_code_cell(code)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    jupytext.write(notebook, folder / "a.md", fmt="md:myst")
    nbformat.write(notebook, folder / "a.ipynb")
    return folder / "a.md"


def test_stale_pairs_are_found(tmp_path):
    source = write_pair(tmp_path, "# Title", "1 + 1")
    check_pair(source)
    source.write_text(source.read_text("utf-8").replace("1 + 1", "1 + 2"), "utf-8")
    with pytest.raises(NotebookDifference):
        check_pair(source)
    source.write_text(source.read_text("utf-8").replace("1 + 2", "1 + 1").replace("Title", "Titel"), "utf-8")
    with pytest.raises(NotebookDifference):
        check_pair(source)


def test_outputs_are_found(tmp_path):
    pair = write_pair(tmp_path, "# Title", "1 + 1").with_suffix(".ipynb")
    assert leftovers(pair) == []
    notebook = nbformat.read(pair, as_version=4)
    notebook.cells[1].execution_count = 1
    nbformat.write(notebook, pair)
    assert leftovers(pair) == ["cell 1: output or execution count"]

"""Chapters import the library: they define none of it again, hide no failure, and leave widgets to the library.

Only a cell with the tag `solution` may define a public name of the library again: an exercise may ask for it.
"""

import ast
from pathlib import Path

import jupytext
import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

FORBIDDEN_TAGS = {"raises-exception", "skip-execution"}
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def public_names(library: Path) -> set[str]:
    """Names of all public classes and functions of the library, at the top level of any of its modules."""
    return {
        node.name
        for path in library.rglob("*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, DEFINITIONS) and not node.name.startswith("_")
    }


def defined_names(code: str) -> set[str]:
    """Names that a cell defines with def, class, or an assigned lambda, at any depth."""
    names = set()
    for node in ast.walk(ast.parse(TransformerManager().transform_cell(code))):
        if isinstance(node, DEFINITIONS):
            names.add(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def calls_interact(code: str) -> bool:
    """Whether a cell calls ipywidgets' interact, by name or as an attribute or decorator."""
    return any(
        (isinstance(node, ast.Name) and node.id == "interact")
        or (isinstance(node, ast.Attribute) and node.attr == "interact")
        for node in ast.walk(ast.parse(TransformerManager().transform_cell(code)))
    )


def summarises_wherever(code: str) -> bool:
    """Whether a cell calls torchinfo's summary without a device: where there is a GPU, the network would stay there."""
    return any(
        isinstance(node, ast.Call)
        and "summary" in (getattr(node.func, "id", ""), getattr(node.func, "attr", ""))
        and "device" not in {keyword.arg for keyword in node.keywords}
        for node in ast.walk(ast.parse(TransformerManager().transform_cell(code)))
    )


def faults(notebook: nbformat.NotebookNode, public: set[str]) -> list[str]:
    """What is wrong with the cells of a chapter."""
    found = []
    for number, cell in enumerate(notebook.cells):
        tags = set(cell.metadata.get("tags", []))
        found += [f"cell {number}: tag {tag}" for tag in sorted(tags & FORBIDDEN_TAGS)]
        if cell.cell_type != "code":
            continue
        if "solution" not in tags:
            again = sorted(defined_names(cell.source) & public)
            found += [f"cell {number}: defines {name}, which the library has" for name in again]
        if calls_interact(cell.source):
            found.append(f"cell {number}: calls interact")
        if summarises_wherever(cell.source):
            found.append(f"cell {number}: summary without a device")
    return found


def chapters() -> list[Path]:
    return sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.md"))


@pytest.mark.parametrize("chapter", chapters(), ids=lambda path: path.stem)
def test_cells_of_a_chapter(root, chapter):
    assert faults(jupytext.read(chapter), public_names(root / "cincgan_tutorial")) == []


def test_there_are_chapters():
    assert len(chapters()) == 7


def cell(code: str, *tags: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_code_cell(code, metadata={"tags": list(tags)})


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (cell("def psnr(a, b):\n    return 0"), "defines psnr"),
        (cell("class psnr:\n    pass"), "defines psnr"),
        (cell("psnr = lambda a, b: 0"), "defines psnr"),
        (cell("if True:\n    def psnr(a): return 0"), "defines psnr"),
        (cell("%matplotlib inline\ndef psnr(a): return 0"), "defines psnr"),
        (cell("1 / 0", "raises-exception"), "tag raises-exception"),
        (cell("1", "skip-execution"), "tag skip-execution"),
        (cell("from ipywidgets import interact\ninteract(print, x=1)"), "calls interact"),
        (cell("from torchinfo import summary\nsummary(net, (1, 3, 8, 8))"), "summary without a device"),
        (cell("import torchinfo\ntorchinfo.summary(net, (1, 3, 8, 8))"), "summary without a device"),
        (cell("import ipywidgets\n@ipywidgets.interact(x=1)\ndef f(x): pass"), "calls interact"),
    ],
)
def test_faults_are_found(bad, message):
    (found,) = faults(nbformat.v4.new_notebook(cells=[bad]), {"psnr"})
    assert message in found


def test_what_is_allowed():
    good = [cell("def psnr(a): return 0", "solution"), cell("def other(): pass\nvalue = psnr(1)")]
    assert faults(nbformat.v4.new_notebook(cells=good), {"psnr"}) == []

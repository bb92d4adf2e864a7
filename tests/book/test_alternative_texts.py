"""A cell that ends in a picture says in words what to see; in the built site the browser tests look at all images."""

import ast
import importlib
import inspect
from pathlib import Path

import jupytext
import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    path
    for path in sorted([*(ROOT / "notebooks").glob("*.md"), *(ROOT / "book").glob("*.md")])
    if "{code-cell}" in path.read_text(encoding="utf-8")
]
MODULES = ("figures", "score_figures", "comparison_figures", "drawings", "symptom_figures", "speed")


def returns_a_picture(function: str) -> bool:
    """Whether ``module.name`` is a function of the library that returns a figure."""
    module, _, name = function.partition(".")
    found = getattr(importlib.import_module(f"cincgan_tutorial.{module}"), name) if module in MODULES else None
    return found is not None and inspect.signature(found).return_annotation == "Figure"


def ends_in_a_picture(code: str) -> bool:
    """Whether the last line of a cell is a call that returns a figure, or an image from a file."""
    body = ast.parse(TransformerManager().transform_cell(code)).body
    if not body or not isinstance(body[-1], ast.Expr) or not isinstance(body[-1].value, ast.Call):
        return False
    called = ast.unparse(body[-1].value.func)
    return called == "Image" or returns_a_picture(called)


def without_words(notebook: nbformat.NotebookNode) -> list[str]:
    return [
        cell.source.splitlines()[-1]
        for cell in notebook.cells
        if cell.cell_type == "code"
        and ends_in_a_picture(cell.source)
        and len(cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "").split()) < 5
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_picture_has_words(page: Path) -> None:
    assert without_words(jupytext.read(page)) == []


def test_pictures_are_found() -> None:
    pictures = sum(
        ends_in_a_picture(cell.source)
        for page in PAGES
        for cell in jupytext.read(page).cells
        if cell.cell_type == "code"
    )
    assert pictures > 40


def test_a_picture_without_words_is_found_and_a_card_needs_none() -> None:
    said = {"mystnb": {"image": {"alt": "A face, and the same face again."}}}
    cells = [
        nbformat.v4.new_code_cell("x = 1\nfigures.show({'a': x})"),
        nbformat.v4.new_code_cell("Image(filename=str(path))", metadata={"mystnb": {"image": {"alt": "A face."}}}),
        nbformat.v4.new_code_cell("figures.show({'a': x})", metadata=said),
        nbformat.v4.new_code_cell("figures.card(result)"),
        nbformat.v4.new_code_cell("print(figures.show({}))"),
    ]
    assert without_words(nbformat.v4.new_notebook(cells=cells)) == [
        "figures.show({'a': x})",
        "Image(filename=str(path))",
    ]

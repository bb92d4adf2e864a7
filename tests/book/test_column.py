"""Code on a page fits the column of a laptop's browser: 80 characters, beyond which a reader has to scroll."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

from cincgan_tutorial import architectures

COLUMN = 80
ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.md"))
WITH_CODE = [*CHAPTERS, ROOT / "book" / "data.md", *sorted((ROOT / "book" / "course").glob("[1-4]*.md"))]

_BLOCK = re.compile(r"^```(?:\{code-cell\}[^\n]*|bash|python|)\n(.*?)^```$", re.S | re.M)
_SETTINGS = re.compile(r"\A---\n.*?^---\n", re.S | re.M)
_PRINTED = re.compile(r"inspect\.getsource\(([\w.]+)\)")


def printed_sources():
    """Return the names of what the chapters print the source of, as they call it."""
    return [name for chapter in CHAPTERS for name in _PRINTED.findall(chapter.read_text("utf-8"))]


def too_wide(text):
    """Return the lines that do not fit."""
    return [line for line in text.splitlines() if len(line) > COLUMN]


@pytest.mark.parametrize("name", printed_sources())
def test_a_printed_source_fits(name):
    head, *rest = name.split(".")
    if head[0].isupper():
        found = getattr(architectures, head)
    else:
        found, rest = importlib.import_module(f"cincgan_tutorial.{head}"), rest or [head]
    for part in rest:
        found = getattr(found, part)
    assert too_wide(inspect.getsource(found)) == []


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.stem)
def test_shown_code_fits(page):
    blocks = _BLOCK.findall(page.read_text("utf-8"))
    shown = [_SETTINGS.sub("", code) for code in blocks if "remove-" not in code]
    assert shown
    assert [line for code in shown for line in too_wide(code)] == []

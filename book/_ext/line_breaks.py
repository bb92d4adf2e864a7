"""Marks where a line of a page may break and where not; book.css acts on the marks.

Printed sentences are wrapped, while columns and code keep their lines. A comma stays with the formula before it, and
the dashes of an option with its name. A browser by itself does the opposite of all three.
"""

from __future__ import annotations

import html
import re
from typing import Any

from sphinx.application import Sphinx

_PRINTED = re.compile(r'<div class="output stream ([^"]*)">(<div class="highlight"><pre>(.*?)</pre>)', re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
# What stands in columns or is indented: two blanks in a row, anywhere but at the end of a line.
_COLUMNS = re.compile(r"  +\S")
_FORMULA_AND_STOP = re.compile(r'(<span class="math [^"]*">[^<]*</span>[.,;:)]+)')
# Longer options would not fit into the line of a phone.
_OPTION = re.compile(r'<span class="pre">(-[^<]{1,24})</span>')


def _marked_output(found: re.Match[str]) -> str:
    kind, block, printed = found.groups()
    text = html.unescape(_TAG.sub("", printed))
    return found[0] if _COLUMNS.search(text) else f'<div class="output stream sentences {kind}">{block}'


def marked(body: str) -> str:
    """Return the body of a page with its marks."""
    body = _PRINTED.sub(_marked_output, body)
    body = _FORMULA_AND_STOP.sub(r'<span class="unbroken">\1</span>', body)
    return _OPTION.sub(r'<span class="pre unbroken">\1</span>', body)


def mark_page(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    """Mark one page before it is written."""
    if "body" in context:
        context["body"] = marked(context["body"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the handler."""
    app.connect("html-page-context", mark_page, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

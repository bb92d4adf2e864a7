"""Mends what the tools write that a reading program stumbles over: each fix is a rule of WCAG that axe-core checks."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

# Old markup, and what it should be.
MENDED = (
    # ARIA 1.3 gave this role up: an entry of the bibliography is an item of a list.
    ('role="doc-biblioentry"', 'role="listitem"'),
    # The table of executions shows a coloured sign, and an empty box where no font has it.
    ("<td><p>✅</p></td>", "<td><p>ran to its end</p></td>"),
    ("<td><p>❌</p></td>", "<td><p>failed</p></td>"),
)


# The space before the name of an exercise is no part of the link: it would be underlined.
_SPACE_IN_LINK = re.compile(r"(Solution to)(<a [^>]*>) ")


def mended(body: str) -> str:
    """Return the body of a page with all known faults of its markup mended."""
    for old, new in MENDED:
        body = body.replace(old, new)
    return _SPACE_IN_LINK.sub(r"\1 \2", body)


def mend_page(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    """Mend one page before it is written."""
    if "body" in context:
        context["body"] = mended(context["body"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the handler."""
    app.connect("html-page-context", mend_page, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

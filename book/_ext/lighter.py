"""Makes the pages lighter: the theme loads its icons twice, as a font and as a script of 1.5 MB. The font is enough.

The font's preloading goes as well: a page that was opened from the disk may not ask for it that way, and says so on
the console. The style sheet finds the font by itself.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

_SECOND_ICONS = re.compile(
    r'\s*<script src="[^"]*/vendor/fontawesome/[^"]*\.js[^"]*"></script>'
    r'|\s*<link rel="preload"[^>]*href="[^"]*/vendor/fontawesome/[^"]*"[^>]*/?>'
)


def lighter(page: str) -> str:
    """Return a page without the second copy of the icons."""
    return _SECOND_ICONS.sub("", page)


def lighten(app: Sphinx, exception: Exception | None) -> None:
    """Lighten every page that was written, and take the script out of the site."""
    if exception is not None or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        page = path.read_text("utf-8")
        if (changed := lighter(page)) != page:
            path.write_text(changed, "utf-8")
    for scripts in Path(app.outdir, "_static", "vendor", "fontawesome").glob("*/js"):
        shutil.rmtree(scripts)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the handler."""
    app.connect("build-finished", lighten, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

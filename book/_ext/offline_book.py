"""Sphinx extension that makes the site self-contained, and shows public links only once there is a public place.

* MathJax is copied out of the installed package `sphinx-mathjax-offline`; no page asks a server for it.
* Thebe (live code through a remote server), which Jupyter Book always loads, is switched off.
* The notebook offered for download is the pair without outputs, as a reader would find it in the repository.
* While the address in `_config.yml` is a placeholder, no repository or Colab button is shown.
"""

from __future__ import annotations

import html
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from public_address import read_address
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

MATHJAX_PACKAGE = "sphinx-mathjax-offline"
MATHJAX_FOLDER = "sphinx-mathjax-offline/static/mathjax/"
# The script that reads TeX and writes HTML, its fonts, and what it loads on demand (for \cancel and the like).
MATHJAX_PARTS = ("tex-mml-chtml.js", "output/chtml/fonts/woff-v2/", "input/tex/extensions/")


def mathjax_files() -> dict[str, Path]:
    """Find the files of MathJax that the site needs: their path below `_static/mathjax`, and where they are."""
    try:
        installed = distribution(MATHJAX_PACKAGE).files or []
    except PackageNotFoundError:
        installed = []
    found = {}
    for file in installed:
        inside = file.as_posix().removeprefix(MATHJAX_FOLDER)
        if inside != file.as_posix() and inside.startswith(MATHJAX_PARTS):
            found[inside] = Path(str(file.locate()))
    for part in MATHJAX_PARTS:
        if not any(inside.startswith(part) and path.is_file() for inside, path in found.items()):
            raise ExtensionError(
                f"{part} of MathJax is not in this environment, so the book would need the network for its formulas. "
                f"Install the package {MATHJAX_PACKAGE} (it belongs to the extra 'book')."
            )
    return found


def copy_mathjax(app: Sphinx) -> None:
    """Copy MathJax into the site."""
    if app.builder.format != "html":
        return
    for inside, source in mathjax_files().items():
        target = Path(app.outdir, "_static", "mathjax", inside)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def hide_placeholder_links(app: Sphinx, config: Config) -> None:
    """Take the repository and the launch buttons out of the theme's options while there is no public address."""
    if read_address(Path(app.confdir)).is_placeholder:
        options = config.html_theme_options
        for name in ("repository_url", "repository_branch", "path_to_docs", "launch_buttons"):
            options.pop(name, None)
        for name in ("use_repository_button", "use_issues_button", "use_edit_page_button"):
            options[name] = False


def switch_off_thebe(app: Sphinx, config: Config) -> None:
    """Disconnect sphinx-thebe, which adds a remote script's address and Binder settings to each page.

    It also adds its constants twice, so that every page reports a script error.
    """
    ours = [
        listener.id
        for listeners in app.events.listeners.values()
        for listener in listeners
        if listener.handler.__module__ == "sphinx_thebe"
    ]
    for number in ours:
        app.disconnect(number)
    app.registry.css_files[:] = [
        entry for entry in app.registry.css_files if not str(entry[0]).endswith("sphinx-thebe.css")
    ]


def offer_notebook(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    """Let the download button of a chapter give the paired notebook."""
    if doctree is not None and _paired_notebook(app, pagename).is_file():
        context["ipynb_source"] = f"{pagename}.ipynb"


def copy_notebooks(app: Sphinx, exception: Exception | None) -> None:
    """Put the paired notebooks, which hold no outputs, where the download buttons point."""
    if exception is not None or app.builder.format != "html":
        return
    for pagename in app.env.found_docs:
        if (source := _paired_notebook(app, pagename)).is_file():
            target = Path(app.outdir, "_sources", f"{pagename}.ipynb")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """Replace the redirect page by one that keeps browsers from asking for an icon that is not there."""
    if exception is not None or app.builder.name != "html":
        return
    first = f"{app.config.root_doc}.html"
    Path(app.outdir, "index.html").write_text(
        f"""<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>{html.escape(app.config.html_title)}</title>
    <link rel="icon" href="data:,">
    <meta http-equiv="refresh" content="0; url={first}">
  </head>
  <body><p><a href="{first}">Open the book</a></p></body>
</html>
""",
        encoding="utf-8",
    )


def _paired_notebook(app: Sphinx, pagename: str) -> Path:
    return Path(app.srcdir, f"{pagename}.ipynb")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the handlers."""
    app.connect("config-inited", hide_placeholder_links, priority=100)
    app.connect("config-inited", switch_off_thebe)
    app.connect("builder-inited", copy_mathjax)
    app.connect("html-page-context", offer_notebook, priority=400)
    app.connect("build-finished", copy_notebooks)
    app.connect("build-finished", write_index, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

"""What the build mends in the pages that its tools write: markup for reading programs, icons that are loaded twice."""

from types import SimpleNamespace

import pytest
from accessible import mended
from lighter import lighten, lighter

ICONS = "../_static/vendor/fontawesome/6.5.2"


def test_entries_of_the_bibliography_are_items_of_a_list():
    assert mended('<div id="a" role="doc-biblioentry">A</div>') == '<div id="a" role="listitem">A</div>'


def test_the_space_before_a_link_is_not_underlined():
    assert (
        mended('Solution to<a class="x" href="#e"> Exercise 1</a>')
        == 'Solution to <a class="x" href="#e">Exercise 1</a>'
    )


def test_a_sign_becomes_words():
    assert mended("<td><p>✅</p></td><td><p>❌</p></td>") == "<td><p>ran to its end</p></td><td><p>failed</p></td>"


@pytest.mark.parametrize(
    "line",
    [
        f'<script src="{ICONS}/js/all.min.js?digest=1"></script>',
        f'<link rel="preload" as="font" type="font/woff2" crossorigin href="{ICONS}/webfonts/fa-solid-900.woff2" />',
    ],
)
def test_the_second_copy_of_the_icons_goes(line):
    assert lighter(f"<head>\n{line}\n</head>") == "<head>\n</head>"


@pytest.mark.parametrize(
    "line",
    [
        f'<link href="{ICONS}/css/all.min.css" rel="stylesheet" />',
        '<link rel="preload" as="script" href="../_static/scripts/bootstrap.js" />',
        '<script src="../_static/scripts/bootstrap.js"></script>',
    ],
)
def test_all_else_stays(line):
    assert lighter(f"<head>\n{line}\n</head>") == f"<head>\n{line}\n</head>"


@pytest.mark.parametrize(("failure", "stays"), [(None, False), (RuntimeError("the build broke"), True)])
def test_a_finished_site_loses_the_script(tmp_path, failure, stays):
    script = tmp_path / "_static" / "vendor" / "fontawesome" / "6.5.2" / "js" / "all.min.js"
    script.parent.mkdir(parents=True)
    script.write_text("x", "utf-8")
    page = tmp_path / "a.html"
    page.write_text(f'<p>é</p><script src="{ICONS}/js/all.min.js"></script>', "utf-8")
    lighten(SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(format="html")), failure)
    assert script.exists() is stays
    assert ("script" in page.read_text("utf-8")) is stays

"""The built site needs nothing from outside, describes each picture, and shows no network trained at smoke."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from public_address import read_address

from cincgan_tutorial.unpaired import bundled_photographs

pytestmark = pytest.mark.slow

# What a browser fetches by itself. A link that a reader may click is none of it.
FETCHED = {
    "script": "src",
    "img": "src",
    "source": "src",
    "iframe": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "track": "src",
    "object": "data",
    "image": "href",
    "use": "href",
}
NOT_FETCHED_RELATIONS = {"canonical", "next", "prev", "search", "index", "author", "license"}
BLOCKS = {"p", "div", "li", "td", "th", "figcaption", "pre", "section", "dd", "dt", "caption", "blockquote", "br"}
PUBLISHED_PRESETS = ("lesson", "mild", "general", "colab", "paper")
VOID = {"img", "br", "hr", "meta", "link", "input", "source", "track", "embed", "wbr", "col"}


class Page(HTMLParser):
    """What the tests need to know about one page."""

    def __init__(self, text: str):
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.images: list[dict[str, str]] = []
        self.blocks: list[str] = [""]
        self._hidden = 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.ids.add(given["id"])
        if tag == "link" and not set(given.get("rel", "").split()) & NOT_FETCHED_RELATIONS:
            self.fetched.append(given.get("href", ""))
        if FETCHED.get(tag) in given:
            self.fetched.append(given[FETCHED[tag]])
        self.fetched += [part.split()[0] for part in given.get("srcset", "").split(",") if part.strip()]
        self.fetched += re.findall(r"url\(['\"]?([^'\")]+)", given.get("style", ""))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "img":
            self.images.append(given)
        if tag in ("script", "style"):
            self._hidden += 1
        if tag in BLOCKS:
            self.blocks.append("")

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self._hidden -= 1
        if tag in BLOCKS:
            self.blocks.append("")

    def handle_data(self, data):
        if not self._hidden:
            self.blocks[-1] += data


def is_external(address: str) -> bool:
    return address.startswith("//") or urlsplit(address).scheme in ("http", "https", "ftp", "ws", "wss")


def undescribed(images: list[dict[str, str]]) -> list[str]:
    """Pictures without a text of their own: Sphinx puts the file's name where an author gave none."""
    return [
        image.get("src", "")[:80]
        for image in images
        if not image.get("alt", "").strip()
        or re.search(r"\.(png|jpe?g|svg|gif|webp)$", image["alt"].strip())
        or image["alt"].startswith(("_images", "../_images", "data:"))
    ]


def bad_provenance(blocks: list[str]) -> list[str]:
    """Provenance lines that name no preset, or one that may not be published."""
    lines = [" ".join(block.split()) for block in blocks if block.strip().startswith("Provenance:")]
    return [line for line in lines if not re.search(rf"\bpreset=({'|'.join(PUBLISHED_PRESETS)})\b", line)]


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, Page]:
    found = {path: Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    return {path: page for path, page in found.items() if "_static" not in path.relative_to(site).parts}


def test_pages_are_there(pages, site):
    names = {path.relative_to(site).as_posix() for path in pages}
    assert {"index.html", "book/preface.html", "notebooks/07_experiments.html"} <= names


def test_nothing_is_fetched_from_outside(pages):
    assert {
        p.name: [a for a in page.fetched if is_external(a)]
        for p, page in pages.items()
        if any(map(is_external, page.fetched))
    } == {}


def test_style_sheets_fetch_nothing_from_outside(site):
    for sheet in site.rglob("*.css"):
        text = sheet.read_text("utf-8", errors="replace")
        outside = re.findall(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")\s]+)", text)
        assert outside == [], sheet


def test_what_is_fetched_is_part_of_the_site(pages):
    missing = []
    for path, page in pages.items():
        for address in page.fetched:
            if address and not address.startswith(("data:", "#")) and not is_external(address):
                target = path.parent / unquote(urlsplit(address).path)
                if not target.is_file():
                    missing.append(f"{path.name}: {address}")
    assert missing == []


def test_links_inside_the_site_lead_somewhere(pages):
    by_path = {path.resolve(): page for path, page in pages.items()}
    missing = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or link.startswith("//"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            known = by_path.get(target)
            fragment = unquote(parts.fragment)
            if (known is None and not target.is_file()) or (known and fragment and fragment not in known.ids):
                missing.append(f"{path.name}: {link}")
    assert missing == []


def test_mathjax_is_part_of_the_site(site, pages):
    assert (site / "_static/mathjax/tex-mml-chtml.js").stat().st_size > 1_000_000
    assert len(list((site / "_static/mathjax/output/chtml/fonts/woff-v2").glob("*.woff"))) > 20
    page = pages[site / "notebooks" / "03_cycle_one.html"]
    assert any("mathjax/tex-mml-chtml.js" in address for address in page.fetched)


def test_every_picture_has_a_description(pages):
    assert {path.name: undescribed(page.images) for path, page in pages.items() if undescribed(page.images)} == {}


def test_every_chapter_credits_the_photographs_of_its_figures(pages, site):
    given = bundled_photographs()
    chapters = sorted(site.glob("notebooks/0*.html"))
    assert len(chapters) == 7
    for chapter in chapters:
        foot = next(block for block in pages[chapter].blocks if block.strip().startswith("Photographs, cut"))
        for photograph in (*given.x, *given.yz, *given.held_out):
            assert photograph.name in foot


def test_no_result_of_smoke_is_shown(site):
    suffixes = (".html", ".ipynb", ".js")
    texts = [path for path in site.rglob("*") if path.suffix in suffixes and "mathjax" not in path.parts]
    shown = [str(path.relative_to(site)) for path in texts if re.search(r"preset=smoke\b", path.read_text("utf-8"))]
    assert shown == []


def test_every_provenance_names_a_preset_that_may_be_published(pages):
    assert [line for page in pages.values() for line in bad_provenance(page.blocks)] == []


def test_results_of_trained_networks_have_a_provenance(pages, site):
    page = pages[site / "notebooks" / "07_experiments.html"]
    assert any(block.strip().startswith("Provenance:") for block in page.blocks)


def test_tables_are_tables(site):
    """A table in Markdown that a cell returned and nobody rendered shows its bars and colons."""
    raw = [page.name for page in site.rglob("*.html") if re.search(r"\|\s*:?[-\u2013]+:\s*\|", page.read_text("utf-8"))]
    assert raw == []


def test_no_widget_is_in_a_page(pages):
    assert [path.name for path in pages if "application/vnd.jupyter.widget" in path.read_text("utf-8")] == []


def test_public_links_are_shown_only_when_there_is_a_public_place(pages, root):
    address = read_address(root)
    links = [link for page in pages.values() for link in page.links]
    colab = [link for link in links if "colab.research.google.com/github" in link]
    if address.is_placeholder:
        assert colab == []
        assert [link for link in links if "github.com/OWNER" in link] == []
    else:
        assert {link for link in colab if "/blob/" in link} == {
            address.colab(f"notebooks/{path.stem}.ipynb") for path in pages if path.parent.name == "notebooks"
        }


def test_downloaded_notebooks_hold_no_outputs(site, root):
    offered = sorted((site / "_sources" / "notebooks").glob("*.ipynb"))
    assert len(offered) == 7
    for path in offered:
        assert path.read_bytes() == (root / "notebooks" / path.name).read_bytes()


def test_the_reader_sees_the_faults(tmp_path):
    page = Page(
        '<script src="https://a.b/c.js"></script><link rel="stylesheet" href="//a.b/c.css"><img src="x.png" alt="">'
        '<img src="y.png" alt="../_images/y.png"><img src="z.png" alt="A cat">'
        "<p>Provenance: <code>preset=smoke</code>, today</p><p>Provenance: preset=lesson, seed 0</p>"
        "<p>Provenance: none</p>"
    )
    assert [a for a in page.fetched if is_external(a)] == ["https://a.b/c.js", "//a.b/c.css"]
    assert undescribed(page.images) == ["x.png", "y.png"]
    assert bad_provenance(page.blocks) == ["Provenance: preset=smoke, today", "Provenance: none"]

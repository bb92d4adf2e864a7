"""What a reader does with the built site: searches it, prints it, loads it on a phone, looks a word up."""

import gzip
import re
from urllib.parse import unquote, urlsplit

import pytest
from first_uses import GLOSSARY, NOT_LINKED, entries
from serving_pages import page_names

pytestmark = [pytest.mark.slow, pytest.mark.browser]

HEAVIEST_PAGE, HEAVIEST_SITE = 3_000_000, 25_000_000  # bytes
LOADED = "['navigation', 'resource'].flatMap(kind => performance.getEntriesByType(kind)).map(entry => entry.name)"
# What a server sends compressed, as those of published pages do.
TEXT = {".html", ".css", ".js", ".json", ".svg"}


def sent(site, address, url):
    """Return how many bytes a published file takes on its way."""
    path = site / unquote(urlsplit(url).path.removeprefix(urlsplit(address).path))
    content = path.read_bytes()
    return len(gzip.compress(content) if path.suffix in TEXT else content)


def test_search_finds_what_the_book_is_about(browser, address):
    page = browser.new_page()
    page.goto(f"{address}search.html?q=cycle+consistency", wait_until="networkidle")
    page.wait_for_selector("#search-results li a")
    page.wait_for_function("/found|matching/.test(document.querySelector('#search-results').innerText)")
    found = page.evaluate("[...document.querySelectorAll('#search-results li > a')].map(a => a.href)")
    page.close()
    assert any("book/glossary.html" in link for link in found)
    assert any("notebooks/" in link for link in found)


def test_search_finds_nothing_where_nothing_is(browser, address):
    page = browser.new_page()
    page.goto(f"{address}search.html?q=hippopotamus", wait_until="networkidle")
    page.wait_for_function("/did not match/.test(document.querySelector('#search-results').innerText)")
    assert page.query_selector("#search-results li a") is None
    page.close()


def test_no_page_is_too_heavy(site, browser, address):
    """All that a first visit loads: the page, its pictures, scripts, fonts and formulas."""
    heavy = {}
    for name in page_names(site):
        context = browser.new_context(viewport={"width": 360, "height": 900})
        page = context.new_page()
        page.goto(address + name, wait_until="networkidle")
        for image in page.query_selector_all("img[loading=lazy]"):
            image.scroll_into_view_if_needed()
        page.wait_for_load_state("networkidle")
        size = sum(sent(site, address, url) for url in set(page.evaluate(LOADED)) if url.startswith(address))
        context.close()
        assert size > 10_000, "what was loaded is not counted"
        if size > HEAVIEST_PAGE:
            heavy[name] = size
    assert heavy == {}


def test_the_site_is_small_enough_to_carry(site):
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < HEAVIEST_SITE


@pytest.mark.parametrize(
    "name", ["notebooks/01_degradation_model.html", "notebooks/03_cycle_one.html", "book/faq.html"]
)
def test_a_page_prints_whole(browser, address, name):
    page = browser.new_page()
    page.goto(address + name, wait_until="networkidle")
    # What is to be touched has no place on paper; the same pictures stand beside it whole.
    pictures = page.evaluate(
        "[...document.querySelectorAll('.bd-article img')].filter(i => !i.closest('.touch')).length"
    )
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")  # printing through the protocol does not send it
    folded = page.evaluate("document.querySelectorAll('.bd-article details:not([open])').length")
    hidden = page.evaluate(
        "[...document.querySelectorAll('.bd-article img')].filter(i => !i.closest('.touch') && !i.offsetWidth).length"
    )
    pdf = page.pdf(format="A4")
    page.close()
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 3
    assert len(re.findall(rb"/Subtype\s*/Image", pdf)) >= pictures
    assert (folded, hidden) == (0, 0)


def test_the_first_use_of_a_word_leads_to_the_glossary(site):
    text = (site / "notebooks" / "02_unpaired_training.html").read_text("utf-8")
    links = re.findall(r'href="\.\./book/glossary\.html#(term-[\w-]+)"', text)
    assert len(links) == len(set(links))
    assert {"term-discriminator", "term-PatchGAN", "term-CycleGAN"} <= set(links)
    glossary = (site / "book" / "glossary.html").read_text("utf-8")
    assert [link for link in links if f'id="{link}"' not in glossary] == []


def test_the_index_lists_words_and_where_they_are_first_used(site, root):
    index = (site / "genindex.html").read_text("utf-8")
    known = entries((root / f"{GLOSSARY}.md").read_text("utf-8"))
    terms = [term for entry in known for term in entry.terms]
    assert [term for term in terms if term not in index] == []
    uses = re.findall(r'href="notebooks/(0\d)_\w+\.html#first-[\w-]+"', index)
    assert set(uses) == {f"0{number}" for number in range(1, 8)}
    linked = [entry for entry in known if set(entry.terms) - NOT_LINKED]
    assert len(uses) > len(linked)
    assert "genindex.html" in (site / "book" / "preface.html").read_text("utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_laid_on_a_picture_lies_on_it(browser, address, scheme):
    """A line or a frame is placed in shares of what holds the picture: the picture has to fill that."""
    for name, view in (("05_architectures", ".sights"), ("07_experiments", ".comparison")):
        page = browser.new_page(color_scheme=scheme)
        page.goto(f"{address}notebooks/{name}.html", wait_until="load")
        inner, outer = (page.locator(f"{view} .stage{part}").first.bounding_box() for part in (" img", ""))
        assert inner == pytest.approx(outer, abs=0.5)
        padding = f"getComputedStyle(document.querySelector('{view} .stage img')).padding"
        assert page.evaluate(padding) == "0px"
        page.close()

"""Every page in a real browser, at the width of a desk and of a phone, with no way to the outside."""

import pytest
from serving_pages import page_names, served

pytestmark = [pytest.mark.slow, pytest.mark.browser]

WIDTHS = (1300, 360)

# Words of the links to the neighbouring pages that do not fit into their line.
BROKEN_WORDS = """() => [...document.querySelectorAll('.prev-next-title')].flatMap((title) => {
  const texts = document.createTreeWalker(title, NodeFilter.SHOW_TEXT), broken = [];
  while (texts.nextNode()) {
    for (const word of texts.currentNode.data.matchAll(/[^\\s-]+/g)) {
      const range = document.createRange();
      range.setStart(texts.currentNode, word.index);
      range.setEnd(texts.currentNode, word.index + word[0].length);
      if (range.getClientRects().length > 1) broken.push(word[0]);
    }
  }
  return broken;
})"""


def visit(browser, address: str, name: str, width: int, scheme: str = "light") -> list[str]:
    """Open a page; return what is wrong with it."""
    found: list[str] = []
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    # Nothing outside may be asked for; what is asked for is refused and reported.
    context.route(
        lambda url: not url.startswith((address, "data:", "blob:")),
        lambda route: (found.append(f"external: {route.request.url}"), route.abort()),
    )
    page = context.new_page()
    page.on("console", lambda message: found.append(f"console: {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(f"script: {error}"))
    page.on("requestfailed", lambda request: found.append(f"failed: {request.url}"))
    page.on(
        "response",
        lambda response: found.append(f"{response.status}: {response.url}") if response.status >= 400 else None,
    )
    page.goto(address + name, wait_until="networkidle")
    if page.query_selector(".math, mjx-container"):
        page.wait_for_function("window.MathJax && MathJax.startup && MathJax.startup.promise")
        page.evaluate("MathJax.startup.promise")
        page.wait_for_load_state("networkidle")
        formulas = page.evaluate("document.querySelectorAll('.bd-article .math').length")
        rendered = page.evaluate("document.querySelectorAll('.bd-article .math mjx-container').length")
        if rendered < formulas:
            found.append(f"formulas: {rendered} of {formulas} rendered")
        if page.query_selector(".bd-article mjx-merror, .bd-article [data-mjx-error]"):
            found.append("formulas: one is wrong")
    # Folded parts may hide what is too wide.
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        found.append(f"{wide} pixels wider than the window")
    found += [f"broken word: {word}" for word in page.evaluate(BROKEN_WORDS)]
    context.close()
    return found


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page(site, browser, address, width):
    names = page_names(site)
    assert len(names) > 10
    faults = {name: faults for name in names if (faults := visit(browser, address, name, width))}
    assert faults == {}


def test_the_dark_mode(site, browser, address):
    names = [name for name in page_names(site) if name.startswith("notebooks/")]
    faults = {name: faults for name in names if (faults := visit(browser, address, name, 1300, "dark"))}
    assert faults == {}


def test_pages_open_from_the_disk_too(site, browser):
    """A reader may unpack the site and open a file: formulas are drawn there as well."""
    page = browser.new_page()
    page.goto((site / "notebooks" / "03_cycle_one.html").as_uri(), wait_until="load")
    page.wait_for_selector(".bd-article mjx-container", timeout=10_000)
    page.close()


def test_the_visitor_sees_the_faults(browser, tmp_path):
    (tmp_path / "bad.html").write_text(
        '<!doctype html><link rel="icon" href="data:,"><script src="https://example.invalid/x.js"></script>'
        '<img src="gone.png"><script>console.error("oops")</script><div style="width: 3000px">wide</div>'
        '<p class="prev-next-title" style="width: 50px; overflow-wrap: anywhere">5. Architectures</p>',
        "utf-8",
    )
    with served(tmp_path) as address:
        found = " | ".join(visit(browser, address, "bad.html", 360))
    for part in (
        "external: https://example.invalid/x.js",
        "404",
        "console: oops",
        "pixels wider",
        "broken word: Architectures",
    ):
        assert part in found

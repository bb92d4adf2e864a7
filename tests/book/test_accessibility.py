"""No page breaks a rule of WCAG 2 A or AA that a machine can check: axe-core in a real browser, light and dark."""

from importlib import resources

import pytest
from serving_pages import page_names, served

pytestmark = [pytest.mark.slow, pytest.mark.browser]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# What fades in is judged when it has arrived.
STILL = "*, *::before, *::after { transition: none !important; animation: none !important }"


@pytest.fixture(scope="module")
def axe() -> str:
    pytest.importorskip("axe_playwright_python", reason="axe-core is not installed: it belongs to the extra 'test'")
    return resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


def violations(context, axe: str, address: str) -> list[str]:
    """What axe-core finds on a page: rule, reason and the element's beginning."""
    page = context.new_page()
    page.goto(address, wait_until="networkidle")
    page.add_style_tag(content=STILL)
    if page.query_selector(".math"):
        page.wait_for_function("window.MathJax && MathJax.startup && MathJax.startup.promise")
        page.evaluate("MathJax.startup.promise")
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.wait_for_timeout(100)  # the event that tells of an opened part comes later
    page.evaluate(axe)
    found = page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES)
    page.close()
    return [
        f"{rule['id']}: {(node['any'] + node['all'] + node['none'])[0]['message']}: {node['html'][:160]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1300, 360])
def test_no_page_breaks_a_rule(site, browser, address, axe, scheme, width):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    names = page_names(site)
    assert len(names) > 10
    faults = {name: found for name in names if (found := violations(context, axe, address + name))}
    context.close()
    assert faults == {}


def test_broken_rules_are_found(browser, axe, tmp_path):
    (tmp_path / "bad.html").write_text(
        "<!doctype html><html><title>Bad</title><main><h1>Bad</h1><img src='data:,'><input>"
        "<p style='color: #999; background: #fff'>faint</p></main>",
        "utf-8",
    )
    context = browser.new_context()
    with served(tmp_path) as address:
        found = violations(context, axe, address + "bad.html")
    context.close()
    assert {line.split(":")[0] for line in found} >= {"html-has-lang", "image-alt", "label", "color-contrast"}

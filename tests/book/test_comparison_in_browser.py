"""The page of `upscale --compare` in a real browser: by hand, by keyboard, in the dark, without JavaScript."""

import numpy as np
import pytest
from helpers import picture
from PIL import Image

from cincgan_tutorial.comparison_page import comparison_page, most_detailed, pair
from cincgan_tutorial.pictures import Picture

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """Two pictures, before nearly black at the bottom and after nearly white: what is shown can be measured."""
    pairs = []
    for name, size in (("a wide one.jpg", (60, 90)), ("narrow.png", (50, 20))):
        original = Picture(picture(*size) // 8)
        box = most_detailed(original)
        after = np.full((size[0] * 4, size[1] * 4, 3), 240, np.uint8)
        pairs.append(pair(name, original, box, after, 4))
    path = tmp_path_factory.mktemp("page") / "comparison.html"
    path.write_text(comparison_page(pairs, "general"), encoding="utf-8")
    return path


def opened(browser, page_file, width=1300, **options):
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **options)
    page = context.new_page()
    faults = []
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: faults.append(request.url) if request.url.startswith("http") else None)
    page.goto(page_file.as_uri(), wait_until="load")
    return page, faults


def bright_share(page, tmp_path):
    """The share of the first stage's middle row that shows the picture after."""
    page.locator(".stage").first.screenshot(path=tmp_path / "stage.png")
    shown = np.asarray(Image.open(tmp_path / "stage.png").convert("L"))
    return (shown[3 * shown.shape[0] // 4] > 150).mean()


@pytest.mark.parametrize("width", [1300, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_window_and_asks_for_nothing(browser, page_file, width, scheme):
    page, faults = opened(browser, page_file, width, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert back == {"light": "rgb(252, 252, 250)", "dark": "rgb(21, 23, 26)"}[scheme]
    assert faults == []
    page.context.close()


def test_keyboard_and_pointer_move_the_slider(browser, page_file, tmp_path):
    page, _ = opened(browser, page_file)
    assert bright_share(page, tmp_path) == pytest.approx(0.5, abs=0.05)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === document.querySelector('input')")
    page.keyboard.press("End")
    assert bright_share(page, tmp_path) == pytest.approx(0, abs=0.05)
    page.keyboard.press("Home")
    assert bright_share(page, tmp_path) == pytest.approx(1, abs=0.05)
    for _ in range(25):
        page.keyboard.press("ArrowRight")
    assert bright_share(page, tmp_path) == pytest.approx(0.75, abs=0.05)
    place = page.locator(".stage").first.bounding_box()
    page.mouse.move(place["x"] + place["width"] * 0.5, place["y"] + 20)
    page.mouse.down()
    page.mouse.move(place["x"] + place["width"] * 0.2, place["y"] + 30)
    page.mouse.up()
    assert bright_share(page, tmp_path) == pytest.approx(0.8, abs=0.05)
    page.context.close()


def test_without_javascript_both_pictures_are_seen(browser, page_file):
    page, _ = opened(browser, page_file, java_script_enabled=False)
    boxes = [page.locator("img").nth(i).bounding_box() for i in (0, 1)]
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]
    assert not page.locator("input").first.is_visible()
    page.context.close()

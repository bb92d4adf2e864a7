"""Pictures to touch, in a real browser: by keyboard, by pointer, on a phone, on paper, and without JavaScript."""

import numpy as np
import pytest
import torch
from PIL import Image

from cincgan_tutorial.page_curve import Curve
from cincgan_tutorial.page_views import Comparison, Film, Judged, Sights, Steps

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def write_page(root, folder, views):
    """A page with these views, and the style and the script of the book."""
    style, script = ((root / "book" / "assets" / f"book.{kind}").read_text("utf-8") for kind in ("css", "js"))
    path = folder / "page.html"
    path.write_text(
        f'<!doctype html><html lang="en" data-theme="light"><meta name="viewport" content="width=device-width">'
        f"<title>Views</title><style>{style}</style><script>{script}</script>"
        f'<body><article class="bd-article">{views}</article></body></html>',
        "utf-8",
    )
    return path


@pytest.fixture(scope="module")
def page_file(root, tmp_path_factory):
    """Three even pictures, dark, grey and bright, in a comparison and as steps: what is shown can be measured."""
    images = {
        name: torch.full((1, 3, 16, 16), value) for name, value in (("dark", 0.0), ("grey", 0.5), ("bright", 1.0))
    }
    views = (
        Comparison(images, "A wall", left="dark", right="bright")._repr_html_() + Steps(images, "Dawn")._repr_html_()
    )
    return write_page(root, tmp_path_factory.mktemp("page"), views)


@pytest.fixture
def opened(browser, page_file):
    contexts = []

    def open_page(width=1300, file=page_file, **options):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, offline=True, **options))
        page = contexts[-1].new_page()
        page.goto(file.as_uri(), wait_until="load")
        return page

    yield open_page
    for context in contexts:
        context.close()


def bright_share(page, tmp_path) -> float:
    """The share of the stage that shows the bright picture."""
    page.locator(".stage").screenshot(path=tmp_path / "stage.png")
    return float((np.asarray(Image.open(tmp_path / "stage.png").convert("L")) > 200).mean())


def test_the_keyboard_moves_the_line_and_chooses_what_is_beside_it(opened, tmp_path):
    page = opened()
    assert bright_share(page, tmp_path) == pytest.approx(0.5, abs=0.06)
    page.get_by_label("Line", exact=True).focus()
    page.keyboard.press("Home")
    assert bright_share(page, tmp_path) > 0.9
    for _ in range(75):
        page.keyboard.press("ArrowRight")
    assert bright_share(page, tmp_path) == pytest.approx(0.25, abs=0.06)
    page.get_by_role("combobox", name="Right").focus()
    page.keyboard.press("ArrowUp")
    assert page.get_by_role("combobox", name="Right").input_value() == "grey"
    assert page.locator(".stage").get_attribute("aria-label") == "A wall: dark left of the line, grey right of it"
    assert bright_share(page, tmp_path) < 0.05


def test_the_pointer_draws_the_line_and_leads_the_loupe(opened, tmp_path):
    page = opened()
    page.get_by_text("Loupe").click()
    place = page.locator(".stage").bounding_box()
    page.mouse.move(place["x"] + 0.25 * place["width"], place["y"] + 0.75 * place["height"])
    assert bright_share(page, tmp_path) == pytest.approx(0.5, abs=0.06)
    lenses = page.evaluate("[...document.querySelectorAll('.lens')].map(lens => lens.style.backgroundPosition)")
    assert lenses == ["25% 75%"] * 3
    page.mouse.down()
    page.mouse.up()
    page.mouse.move(0, 0)
    page.mouse.move(place["x"] + 0.2 * place["width"], place["y"] + 5)
    page.mouse.down()
    page.mouse.up()
    assert bright_share(page, tmp_path) == pytest.approx(0.8, abs=0.06)


def test_the_loupe_is_moved_by_the_keyboard_too(opened):
    page = opened()
    page.get_by_text("Loupe").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Down", exact=True).focus()
    page.keyboard.press("End")
    assert page.evaluate("document.querySelector('.lens').style.backgroundPosition") == "50% 100%"


SIGHTS = {
    "D1": Judged(torch.full((1, 3, 32, 32), 0.5), 16, 1, -5, (27, 27)),
    "D2": Judged(torch.full((1, 3, 128, 128), 0.5), 70, 8, -23, (14, 14)),
}


@pytest.fixture(scope="module")
def sights_file(root, tmp_path_factory):
    return write_page(root, tmp_path_factory.mktemp("sights"), Sights(SIGHTS, "A wall")._repr_html_())


def frames(page) -> list[list[float]]:
    """Each frame and each marked score, as top, height, left and width in shares of what it lies in."""
    return page.evaluate(
        """[...document.querySelectorAll('.field, .cell')].map(part => {
            const [inner, outer] = [part, part.parentElement].map(box => box.getBoundingClientRect());
            const [x, y] = [outer.x + part.parentElement.clientLeft, outer.y + part.parentElement.clientTop];
            const [w, h] = [part.parentElement.clientWidth, part.parentElement.clientHeight];
            return [(inner.y - y) / h, inner.height / h, (inner.x - x) / w, inner.width / w];
        })"""
    )


def expected_frames(down: float, across: float) -> list[list[float]]:
    """The same by the sums of `page_views.Judged`."""
    found = []
    for judged in SIGHTS.values():
        cell = judged.cell_at(down, across)
        (top, _), (left, _) = judged.seen(cell)
        height, width = judged.image.shape[-2:]
        found.append([top / height, judged.size / height, left / width, judged.size / width])
        found.append(
            [value for place, cells in zip(cell, judged.cells, strict=True) for value in (place / cells, 1 / cells)]
        )
    return found


def close(found: list[list[float]], expected: list[list[float]]) -> bool:
    return bool(np.allclose(found, expected, atol=0.01))


@pytest.mark.parametrize("script", [True, False])
def test_frame_and_score_stand_in_the_middle_before_anybody_moves_them(opened, sights_file, script):
    page = opened(file=sights_file, java_script_enabled=script)
    said = page.locator(".said").all_inner_texts()
    assert said[1] == "score 7, 7 of 14 × 14 sees rows 33 to 102, columns 33 to 102"
    if script:
        assert close(frames(page), expected_frames(0.5, 0.5))
    else:
        assert page.locator("input").count() == 0
        assert all(page.locator(".field").nth(i).is_visible() for i in (0, 1))


def test_all_frames_follow_the_pointer_over_any_picture(opened, sights_file):
    page = opened(file=sights_file)
    for number, down, across in ((0, 0.25, 0.75), (1, 0.9, 0.1)):
        place = page.locator(".stage").nth(number).bounding_box()
        page.mouse.move(place["x"] + across * place["width"], place["y"] + down * place["height"])
        assert close(frames(page), expected_frames(down, across))


def test_frames_follow_the_keyboard_and_say_where_they_are(opened, sights_file):
    page = opened(file=sights_file)
    page.get_by_label("Down", exact=True).focus()
    page.keyboard.press("Home")
    page.get_by_label("Across", exact=True).focus()
    page.keyboard.press("End")
    assert close(frames(page), expected_frames(0, 1))
    said = page.locator(".said").first
    assert said.inner_text() == "score 0, 26 of 27 × 27 sees rows 0 to 10, columns 21 to 31"
    assert said.get_attribute("aria-live") == "polite"


def test_a_finger_moves_the_frames(opened, sights_file):
    page = opened(390, file=sights_file, has_touch=True)
    place = page.locator(".stage").first.bounding_box()
    page.touchscreen.tap(place["x"] + 0.25 * place["width"], place["y"] + 0.25 * place["height"])
    assert close(frames(page), expected_frames(0.25, 0.25))
    assert page.locator("body").bounding_box()["width"] <= 390


def test_on_paper_frames_stay_and_sliders_go(opened, sights_file):
    page = opened(file=sights_file)
    page.emulate_media(media="print")
    assert all(page.locator(part).nth(1).is_visible() for part in (".field", ".cell", ".said", "figure img"))
    assert not page.locator("input").first.is_visible()


def test_steps_go_on_and_back_and_say_where_they_are(opened):
    page = opened()
    said = page.locator(".steps .touch figcaption")
    assert said.inner_text() == "1 of 3: dark"
    page.get_by_text("On", exact=True).click()
    assert said.inner_text() == "2 of 3: grey"
    assert page.locator(".steps .touch img").get_attribute("alt") == "Dawn: grey"
    page.get_by_label("Step", exact=True).focus()
    page.keyboard.press("End")
    page.get_by_text("On", exact=True).click()
    assert said.inner_text() == "3 of 3: bright"
    page.get_by_text("Back", exact=True).click()
    assert said.inner_text() == "2 of 3: grey"


CURVE = Curve([(0, 0.0), (1, 2.0), (2, 1.0)], [0, 1, 2], {"one": 0, "two": 1}, "gain (dB)", lowest=-1.0)


@pytest.fixture(scope="module")
def film_file(root, tmp_path_factory):
    images = {name: torch.full((3, 8, 8), value) for name, value in (("dark", 0.0), ("grey", 0.5), ("bright", 1.0))}
    return write_page(root, tmp_path_factory.mktemp("film"), Film(images, "Dawn", CURVE)._repr_html_())


def test_the_mark_on_the_curve_goes_with_the_pictures(opened, film_file):
    page = opened(390, file=film_file)
    mark = page.locator(".curve .now")
    page.get_by_label("Step", exact=True).focus()
    for number, (x, y) in enumerate(CURVE.places()):
        assert float(mark.get_attribute("cx")) == pytest.approx(x, abs=0.06)
        assert float(mark.get_attribute("cy")) == pytest.approx(y, abs=0.06)
        assert page.locator(".touch figcaption").inner_text().startswith(f"{number + 1} of 3")
        page.keyboard.press("ArrowRight")
    assert page.locator("body").bounding_box()["width"] <= 390


def test_without_javascript_and_on_paper_the_curve_stands_below_all_pictures(opened, film_file):
    for page in (opened(file=film_file, java_script_enabled=False), opened(file=film_file)):
        page.emulate_media(media="print")
        figures = page.locator(".page-view > figure")
        assert figures.count() == 3
        assert all(figures.nth(i).is_visible() for i in range(3))
        assert page.locator(".curve").bounding_box()["y"] > figures.last.bounding_box()["y"]


@pytest.mark.parametrize("script", [True, False])
def test_a_phone_needs_no_sideways_scrolling(opened, script):
    page = opened(360, java_script_enabled=script)
    widths = [page.locator("body").bounding_box()["width"]]
    widths += [page.locator(".page-view").nth(i).bounding_box()["width"] for i in (0, 1)]
    assert max(widths) <= 360


def test_without_javascript_and_on_paper_all_pictures_stand_there(opened):
    for page in (opened(java_script_enabled=False), opened()):
        page.emulate_media(media="print")
        figures = page.locator(".page-view > figure")
        assert figures.count() == 6
        assert all(figures.nth(i).is_visible() for i in range(6))
        assert not page.locator("input").first.is_visible()


def test_with_javascript_each_picture_is_seen_once(opened):
    page = opened()
    assert not page.locator(".page-view > figure").first.is_visible()
    assert page.locator(".stage").is_visible()

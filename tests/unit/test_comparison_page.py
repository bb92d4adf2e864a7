"""The page of comparisons: the right part of the right picture, and a page that asks for nothing."""

import base64
import html.parser
import io
import re

import numpy as np
import pytest
from helpers import picture
from PIL import Image

from cincgan_tutorial.comparison_page import comparison_page, most_detailed, pair
from cincgan_tutorial.enlargement import Box
from cincgan_tutorial.pictures import Picture

RGB = picture(30, 40)
LARGE = np.asarray(Image.fromarray(RGB).resize((160, 120), Image.Resampling.LANCZOS))


class Page(html.parser.HTMLParser):
    """Collects the tags of a page with their attributes, and complains about what is not closed."""

    VOID = ("meta", "link", "img", "input")

    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def pixels(source):
    kind, data = re.fullmatch(r"data:image/(png|jpeg);base64,(.+)", source).groups()
    return kind, np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def page_of(original, name="a.jpg", after=LARGE, box=None):
    box = box or Box(0, 0, *original.size)
    return Page(comparison_page([pair(name, original, box, after, 4)], "general"))


def test_both_pictures_are_inside_the_page_in_their_order():
    before, after = page_of(Picture(RGB)).all("img")
    assert before["alt"].startswith("a.jpg, before")
    assert after["alt"].startswith("a.jpg, after")
    expected = np.asarray(Image.fromarray(RGB).resize((160, 120), Image.Resampling.BICUBIC))
    for image, levels in ((before, expected), (after, LARGE)):
        kind, shown = pixels(image["src"])
        assert kind == "jpeg"
        assert (int(image["height"]), int(image["width"])) == shown.shape[:2] == (120, 160)
        assert np.abs(shown.astype(int) - levels).mean() < 3


def test_the_part_that_is_shown_is_cut_from_the_original():
    box = Box(10, 20, 15, 12)
    before, _ = page_of(Picture(RGB), box=box, after=LARGE[:60, :48]).all("img")
    whole = np.asarray(Image.fromarray(RGB).resize((160, 120), Image.Resampling.BICUBIC))
    assert np.abs(pixels(before["src"])[1].astype(int) - whole[40:100, 80:128]).mean() < 3


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", [8, 16])
def test_every_kind_of_picture_can_be_shown(channels, depth):
    def of(levels):
        kind = np.dstack([levels, levels[..., 0]])[..., :channels]
        return kind.astype(f"uint{depth}") * (257 if depth == 16 else 1)

    before, after = page_of(Picture(of(RGB)), after=of(LARGE)).all("img")
    kind, shown = pixels(after["src"])
    assert kind == ("png" if channels in (2, 4) else "jpeg")
    expected = of(LARGE).astype(float) / (257 if depth == 16 else 1)
    assert np.abs(shown.reshape(expected.shape) - expected).mean() < 3
    assert pixels(before["src"])[1].shape == shown.shape


def test_the_page_asks_for_nothing_and_its_slider_has_a_name():
    page = page_of(Picture(RGB))
    addresses = [value for _, attributes in page.tags for key, value in attributes.items() if key in ("src", "href")]
    assert addresses
    assert all(address.startswith("data:") for address in addresses)
    (policy,) = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'; img-src data:;")
    (slider,) = page.all("input")
    assert (slider["type"], slider["min"], slider["max"]) == ("range", "0", "100")
    assert "a.jpg" in slider["aria-label"]


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>.png", 'it\'s "quoted" & co.png', "猫 😀.png", "bad\udcff.png"]
)
def test_any_file_name_is_shown_as_text(name):
    page = page_of(Picture(RGB), name)
    assert len(page.all("script")) == 1
    shown = name.replace("\udcff", "?")
    assert all(image["alt"].startswith(f"{shown}, ") for image in page.all("img"))
    assert set(page.all("input")[0]) == {"type", "min", "max", "value", "aria-label"}


def test_the_part_with_the_most_detail_is_chosen():
    levels = np.full((900, 1300, 3), 128, np.uint8)
    levels[600:, 900:] = np.random.default_rng(0).integers(0, 256, (300, 400, 3))
    box = most_detailed(Picture(levels))
    assert (box.height, box.width) == (240, 320)
    assert box.top >= 600
    assert box.left >= 900
    assert most_detailed(Picture(levels[..., :1])) == box


@pytest.mark.parametrize("size", [(1, 1), (1, 1000), (240, 320), (5, 400)])
def test_a_small_picture_is_shown_whole(size):
    box = most_detailed(Picture(picture(*size)))
    assert (box.height, box.width) == (min(size[0], 240), min(size[1], 320))
    assert box.left + box.width <= size[1]

"""Pictures to touch are plain figures with captions and descriptions; nothing else is in the notebook."""

import base64
import io
import re

import numpy as np
import pytest
from helpers import random_images
from PIL import Image

from cincgan_tutorial.images import to_pixels
from cincgan_tutorial.page_views import Comparison, Judged, Sights, Steps


@pytest.fixture
def images():
    return {
        "bicubic": random_images(1, 8, 12, 1),
        "a < b": random_images(1, 8, 12, 2)[0],
        "truth": random_images(1, 8, 12, 3),
    }


def test_every_image_is_a_figure_with_its_caption_and_description(images):
    text = Steps(images, "The face")._repr_html_()
    assert re.findall(r'alt="([^"]*)"', text) == ["The face: bicubic", "The face: a &lt; b", "The face: truth"]
    assert re.findall(r"<figcaption>(.*?)</figcaption>", text) == ["bicubic", "a &lt; b", "truth"]
    assert text.startswith('<div class="page-view steps" data-of="The face">')
    assert "script" not in text


def test_the_pixels_are_those_of_the_image(images):
    sources = re.findall(r'src="data:image/png;base64,([^"]+)"', Steps(images, "The face")._repr_html_())
    for source, image in zip(sources, images.values(), strict=True):
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(source))))
        assert np.array_equal(shown, to_pixels(image[0] if image.ndim == 4 else image))


def test_a_comparison_says_what_is_seen_first(images):
    view = Comparison(images, "The face", left="bicubic", right="truth")
    assert (
        'class="page-view comparison" data-of="The face" data-left="bicubic" data-right="truth"' in view._repr_html_()
    )
    assert repr(view) == "The face: bicubic, a < b, truth"


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_image_that_is_not_there_is_refused(images, side):
    with pytest.raises(ValueError, match="expected one of bicubic, a < b, truth beside the line, got 'gone'"):
        Comparison(images, "The face", **({"left": "bicubic", "right": "truth"} | {side: "gone"}))


def test_one_image_alone_is_refused(images):
    with pytest.raises(ValueError, match="two images or more to compare, got 1"):
        Steps({"bicubic": images["bicubic"]}, "The face")


@pytest.fixture
def judges():
    """Two judges on one scene: a score for every pixel, and a score for every eighth."""
    return {
        "D1": Judged(random_images(1, 32, 32, 1), 16, 1, -5, (27, 27)),
        "D2": Judged(random_images(1, 128, 64, 2), 70, 8, -23, (14, 6)),
    }


def test_the_score_in_the_middle_sees_the_middle_and_those_at_the_ends_see_padding(judges):
    one, two = judges.values()
    assert (one.cell_at(0.5, 0.5), one.cell_at(0, 1), two.cell_at(1, 0)) == ((13, 13), (0, 26), (13, 0))
    assert one.seen((13, 13)) == ((8, 23), (8, 23))
    assert one.seen((0, 26)) == ((-5, 10), (21, 36))
    assert two.seen((13, 0)) == ((81, 150), (-23, 46))


def test_the_nearest_score_is_the_one_whose_area_has_the_place_in_its_middle(judges):
    for judged in judges.values():
        for down in (0.2, 0.41, 0.5, 0.73):
            row, _ = judged.cell_at(down, 0.5)
            (top, bottom), _ = judged.seen((row, 0))
            assert abs((top + bottom + 1) / 2 - down * judged.image.shape[-2]) <= judged.stride / 2


def test_a_page_has_frame_score_and_words_before_any_script_runs(judges):
    text = Sights(judges, "The face")._repr_html_()
    assert re.findall(r'alt="([^"]*)"', text) == ["The face, as D1 sees it", "The face, as D2 sees it"]
    assert re.findall(r'class="field" style="([^"]*)"', text) == [
        "top: 25%; height: 50%; left: 25%; width: 50%",
        "top: 25.78%; height: 54.69%; left: 1.562%; width: 109.4%",
    ]
    assert (
        re.findall(r'class="cell" style="([^"]*)"', text)[0]
        == "top: 48.15%; height: 3.704%; left: 48.15%; width: 3.704%"
    )
    assert re.findall(r'class="said">(.*?)<', text) == [
        "Score 13, 13 of 27 × 27 sees rows 8 to 23 and columns 8 to 23.",
        "Score 7, 3 of 14 × 6 sees rows 33 to 102 and columns 1 to 63.",
    ]
    assert 'data-size="70" data-stride="8" data-first="-23" data-rows="14" data-columns="6"' in text
    assert "script" not in text

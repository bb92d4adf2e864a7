"""Pictures to touch are plain figures with captions and descriptions; nothing else is in the notebook."""

import base64
import io
import re

import numpy as np
import pytest
from helpers import random_images
from PIL import Image

from cincgan_tutorial.images import to_pixels
from cincgan_tutorial.page_curve import Curve
from cincgan_tutorial.page_views import Comparison, Film, Judged, Sights, Steps


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
        "score 13, 13 of 27 × 27 sees rows 8 to 23, columns 8 to 23",
        "score 7, 3 of 14 × 6 sees rows 33 to 102, columns 1 to 63",
    ]
    assert 'data-size="70" data-stride="8" data-first="-23" data-rows="14" data-columns="6"' in text
    assert "script" not in text


@pytest.fixture
def curve():
    """From far below to 1 dB, with three places that have a picture."""
    points = [(0, -9.0), (100, 0.5), (200, 0.25), (400, 1.0)]
    return Curve(points, [0, 1, 3], {"one": 0, "two & three": 200}, "gain (dB)", lowest=-1.0)


def numbers(path: str) -> list[tuple[float, float]]:
    return [tuple(float(value) for value in point.split(",")) for point in path.split()]


def test_a_curve_goes_from_edge_to_edge_and_what_is_too_low_lies_on_the_lower_one(curve):
    (path,) = re.findall(r'polyline points="([^"]*)"', curve.svg())
    found = numbers(path)
    assert [x for x, _ in found] == pytest.approx([34, 104, 174, 314])
    # From +1 at 22 to -1 at 116: half of a decibel is a quarter of that.
    assert [y for _, y in found] == pytest.approx([116, 45.5, 57.25, 22], abs=0.06)
    assert curve.places() == [pytest.approx(found[i], abs=0.06) for i in (0, 1, 3)]


def test_a_curve_says_what_it_is_where_its_parts_begin_and_how_high_it_goes(curve):
    text = curve.svg()
    assert 'role="img" aria-label="gain (dB), from one picture to the next"' in text
    assert re.findall(r"<text[^>]*>(.*?)</text>", text) == ["gain (dB)", "-1.0", "0", "+1.0", "one", "two &amp; three"]
    zero, *parts = re.findall(r'<path class="axis" d="([^"]*)"', text)
    assert (zero, parts) == ("M34.0 69.0H314.0", ["M34.0 22.0V116.0", "M174.0 22.0V116.0"])


def test_each_picture_of_a_film_knows_its_place_on_the_curve(images, curve):
    text = Film(images, "The face", curve)._repr_html_()
    assert text.startswith('<div class="page-view steps film" data-of="The face">')
    expected = [(f"{x:.1f}", f"{y:.1f}") for x, y in curve.places()]
    assert re.findall(r'<figure data-x="([^"]*)" data-y="([^"]*)">', text) == expected
    assert re.findall(r'class="dot" cx="([^"]*)" cy="([^"]*)"', text) == expected
    assert re.findall(r'class="now" cx="([^"]*)" cy="([^"]*)"', text) == expected[:1]
    assert text.endswith("</svg></div>")


def test_a_film_has_a_place_for_each_picture(images, curve):
    with pytest.raises(ValueError, match="expected a place on the curve for each of 3 images, got 2"):
        Film(images, "The face", curve._replace(frames=[0, 1]))

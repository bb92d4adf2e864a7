"""Pictures to touch are plain figures with captions and descriptions; nothing else is in the notebook."""

import base64
import io
import re

import numpy as np
import pytest
from helpers import random_images
from PIL import Image

from cincgan_tutorial.images import to_pixels
from cincgan_tutorial.page_views import Comparison, Steps


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

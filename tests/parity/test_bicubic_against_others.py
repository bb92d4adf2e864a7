"""Reduction and enlargement against files that MATLAB made, and against Pillow."""

import numpy as np
import pytest
import torch
from helpers import picture
from PIL import Image

from cincgan_tutorial.degradation import bicubic_downsample, bicubic_upsample, resize
from cincgan_tutorial.images import crop_to_multiple, read_image, to_pixels
from cincgan_tutorial.metrics import psnr

PUBLISHED = {"set5": 28.4, "set14": 26.1}


def pairs(data, name):
    for low in sorted((data / "test" / name / "LR_bicubic_x4").iterdir()):
        high = data / "test" / name / "HR" / low.name
        if not high.is_file():
            stem = low.stem.removesuffix("x4").rstrip("_")
            high = next(p for p in (data / "test" / name / "HR").iterdir() if p.stem in (low.stem, stem))
        yield low.stem, read_image(low)[None], crop_to_multiple(read_image(high)[None], 4)


@pytest.mark.data
def test_reduction_is_matlabs_on_set5(data):
    scores = {}
    for name, low, high in pairs(data, "set5"):
        ours = bicubic_downsample(high)
        assert ours.shape == low.shape, name
        levels = (torch.from_numpy(to_pixels(ours[0])).int() - torch.from_numpy(to_pixels(low[0])).int()).abs()
        assert levels.max() <= 2, name
        assert (levels > 1).sum() <= 1, name
        scores[name] = psnr(ours, low, border=0)
    assert len(scores) == 5
    assert min(scores.values()) > 57, scores


@pytest.mark.data
def test_reduction_is_matlabs_on_set14_away_from_the_border(data):
    scores = {name: psnr(bicubic_downsample(high), low, border=2) for name, low, high in pairs(data, "set14")}
    assert len(scores) == 14
    # The files come from several hands; some were cut before they were reduced, some were clipped.
    assert min(scores.values()) > 54, scores
    assert np.median(list(scores.values())) > 57, scores


@pytest.mark.data
@pytest.mark.parametrize("name", PUBLISHED)
def test_enlargement_gives_the_published_score(data, name):
    scores = [psnr(bicubic_upsample(low), high, border=4, luma_only=True) for _, low, high in pairs(data, name)]
    assert np.mean(scores) == pytest.approx(PUBLISHED[name], abs=0.1)


def by_pillow(pixels, height, width):
    """Pillow on floating-point channels, so that its own rounding does not blur the comparison."""
    channels = [
        Image.fromarray(pixels[..., c].astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
        for c in range(3)
    ]
    return torch.from_numpy(np.stack([np.asarray(channel) for channel in channels]))[None] / 255


@pytest.mark.parametrize(("height", "width"), [(64, 64), (48, 80), (100, 36)])
@pytest.mark.parametrize("scale", [2, 4])
def test_reduction_is_pillows_away_from_the_border(height, width, scale):
    pixels = picture(height, width, 7)
    z = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    theirs = by_pillow(pixels, height // scale, width // scale)
    # At the border Pillow cuts the kernel where MATLAB mirrors the picture.
    inner = (..., slice(2, -2), slice(2, -2))
    torch.testing.assert_close(bicubic_downsample(z, scale)[inner], theirs[inner], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(17, 40), (31, 50)])
def test_enlargement_is_pillows_away_from_the_border(height, width):
    pixels = picture(height, width, 8)
    y = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    inner = (..., slice(8, -8), slice(8, -8))
    theirs = by_pillow(pixels, 4 * height, 4 * width)
    torch.testing.assert_close(bicubic_upsample(y)[inner], theirs[inner], atol=1e-5, rtol=0)


def test_a_factor_that_is_no_whole_number_is_pillows_too():
    pixels = picture(60, 44, 9)
    z = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    inner = (..., slice(3, -3), slice(3, -3))
    torch.testing.assert_close(resize(z, 23, 17)[inner], by_pillow(pixels, 23, 17)[inner], atol=1e-5, rtol=0)

"""PSNR, SSIM and the search for a shift, on images with known answers."""

import math

import pytest
import torch
from helpers import soft_image

from cincgan_tutorial.metrics import best_shift, psnr, ssim


@pytest.mark.parametrize("levels", [1, 10, 100])
def test_psnr_of_a_constant_difference(levels):
    reference = torch.full((1, 3, 20, 20), 100 / 255)
    result = torch.full_like(reference, (100 + levels) / 255)
    assert psnr(result, reference) == pytest.approx(20 * math.log10(255 / levels), abs=1e-4)


def test_psnr_averages_over_pixels_and_channels_before_the_logarithm():
    reference, result = torch.zeros(1, 3, 10, 10), torch.zeros(1, 3, 10, 10)
    result[0, 0, :5] = 1
    assert psnr(result, reference, border=0) == pytest.approx(-10 * math.log10(1 / 6))


def test_identical_images_have_infinite_psnr_and_ssim_one():
    image = soft_image(24, 24)
    assert psnr(image, image) == math.inf
    assert ssim(image, image) == pytest.approx(1)


@pytest.mark.parametrize("border", [0, 1, 4])
def test_the_border_is_not_judged(border):
    reference = soft_image(32, 32)
    result = reference.clone()
    ring = torch.ones(32, 32, dtype=torch.bool)
    ring[border : 32 - border, border : 32 - border] = False
    result[..., ring] = 1 - result[..., ring]
    assert psnr(result, reference, border) == math.inf
    assert ssim(result, reference, border) == pytest.approx(1)
    if border:
        assert psnr(result, reference, border - 1) < 40


def test_images_are_compared_as_they_would_be_saved():
    reference = torch.full((1, 3, 16, 16), 0.0)
    assert psnr(reference + 0.4 / 255, reference) == math.inf
    assert psnr(reference - 7.0, reference) == math.inf


def test_luma_only_weighs_green_most():
    reference = torch.full((1, 3, 16, 16), 0.4)
    scores = []
    for channel in range(3):
        result = reference.clone()
        result[:, channel] += 20 / 255
        scores.append(psnr(result, reference, luma_only=True))
    assert scores[1] < scores[0] < scores[2]
    assert scores[1] == pytest.approx(-20 * math.log10(128.553 / 255 * 20 / 255), abs=1e-3)


def test_ssim_falls_with_noise():
    reference = soft_image(48, 48)
    noise = torch.randn(reference.shape, generator=torch.Generator().manual_seed(0))
    scores = [ssim((reference + level * noise).clamp(0, 1), reference) for level in (0.01, 0.05, 0.2)]
    assert 1 > scores[0] > scores[1] > scores[2] > 0


@pytest.mark.parametrize("metric", [psnr, ssim])
@pytest.mark.parametrize("shape", [(1, 3, 20, 21), (2, 3, 20, 20), (3, 20, 20)])
def test_shapes_must_agree(metric, shape):
    with pytest.raises(ValueError, match="shape"):
        metric(
            torch.zeros(shape), torch.zeros(1, 3, 20, 20) if len(shape) == 4 and shape[0] == 1 else torch.zeros(shape)
        )


@pytest.mark.parametrize("shift", [(0, 0), (2, -1), (-3, 3), (1, 0)])
def test_best_shift_recovers_a_known_shift(shift):
    reference = soft_image(48, 40)
    moved = reference.roll(shift, (-2, -1))
    score, found = best_shift(lambda a, b: psnr(a, b, border=0), moved, reference, max_shift=3)
    assert found == shift
    assert score == math.inf
    if shift != (0, 0):
        assert psnr(moved, reference) < 40


def test_best_shift_scores_every_candidate_on_the_same_pixels():
    shapes = set()
    best_shift(
        lambda a, b: float(shapes.add((a.shape, b.shape)) or 0), *[soft_image(40, 44)] * 2, max_shift=2, border=4
    )
    assert shapes == {((1, 3, 28, 32),) * 2}

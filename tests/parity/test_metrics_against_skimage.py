"""PSNR and SSIM against scikit-image, called directly on 8-bit pixels."""

import numpy as np
import pytest
from helpers import random_images, soft_image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from cincgan_tutorial.images import to_pixels
from cincgan_tutorial.metrics import psnr, ssim


def pair(seed, height=40, width=52):
    reference = soft_image(height, width, seed)
    return (reference + 0.2 * (random_images(1, height, width, seed) - 0.5)).clamp(0, 1), reference


def cut(image, border):
    pixels = to_pixels(image[0])
    return pixels[border : pixels.shape[0] - border, border : pixels.shape[1] - border]


def matlab_y(pixels):
    """rgb2ycbcr's first channel, by its coefficients for 8-bit levels, in [0, 1]."""
    return (16 + pixels.astype(np.float64) / 255 @ [65.481, 128.553, 24.966]) / 255


@pytest.mark.parametrize("border", [0, 4])
@pytest.mark.parametrize("seed", range(3))
def test_rgb(seed, border):
    result, reference = pair(seed)
    a, b = cut(result, border), cut(reference, border)
    assert psnr(result, reference, border) == pytest.approx(peak_signal_noise_ratio(b, a, data_range=255), abs=1e-4)
    expected = structural_similarity(
        b, a, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(result, reference, border) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seed", range(2))
def test_luma(seed):
    result, reference = pair(seed)
    a, b = matlab_y(cut(result, 4)), matlab_y(cut(reference, 4))
    expected = peak_signal_noise_ratio(b, a, data_range=1)
    assert psnr(result, reference, luma_only=True) == pytest.approx(expected, abs=1e-4)
    expected = structural_similarity(b, a, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    assert ssim(result, reference, luma_only=True) == pytest.approx(expected, abs=1e-5)


def test_ssim_is_the_mean_over_channels():
    result, reference = pair(5)
    a, b = cut(result, 4), cut(reference, 4)
    channels = [
        structural_similarity(b[..., c], a[..., c], data_range=255, gaussian_weights=True, use_sample_covariance=False)
        for c in range(3)
    ]
    assert ssim(result, reference) == pytest.approx(np.mean(channels), abs=1e-6)

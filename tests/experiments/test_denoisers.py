"""Denoisers without training, and the rows that they give."""

import sys
import types

import numpy as np
import pytest
import torch
from helpers import soft_image
from skimage.restoration import denoise_nl_means

from cincgan_tutorial.degradation import Degradation
from cincgan_tutorial.experiments import DENOISERS, denoised, evaluate, systems
from cincgan_tutorial.images import from_pixels
from cincgan_tutorial.metrics import psnr
from cincgan_tutorial.seeds import torch_generator


@pytest.fixture
def fake_bm3d(monkeypatch):
    """The optional package, replaced by one that writes down what it is given and halves the image."""
    calls = []

    def halve(pixels, sigma):
        calls.append((pixels.copy(), sigma))
        return pixels / 2

    monkeypatch.setitem(sys.modules, "bm3d", types.SimpleNamespace(bm3d_rgb=halve, bm3d=halve))
    return calls


def test_bm3d_gets_pixels_in_the_unit_range_and_the_noise_in_it_too(fake_bm3d):
    x = soft_image(12, 16)
    clean = DENOISERS["bm3d"](x, 51)
    torch.testing.assert_close(clean, x / 2)
    [(pixels, sigma)] = fake_bm3d
    assert pixels.shape == (12, 16, 3)
    np.testing.assert_allclose(pixels, x[0].permute(1, 2, 0).numpy())
    assert sigma == pytest.approx(0.2)


def test_bm3d_gets_a_grey_picture_as_one_channel_for_its_colours_have_no_range(fake_bm3d):
    x = soft_image(12, 16)[:, :1].expand(1, 3, 12, 16)
    torch.testing.assert_close(DENOISERS["bm3d"](x, 51), x / 2)
    [(pixels, sigma)] = fake_bm3d
    assert (pixels.shape, sigma) == ((12, 16), pytest.approx(0.2))


def test_without_the_package_bm3d_says_what_its_licence_allows(monkeypatch):
    monkeypatch.setitem(sys.modules, "bm3d", None)
    with pytest.raises(ValueError, match=r"non-commercial use only.*pip install bm3d"):
        DENOISERS["bm3d"](soft_image(12, 16), 5)


def test_the_installed_bm3d_removes_white_noise():
    pytest.importorskip("bm3d", reason="the package bm3d is not installed: it is free for non-commercial use only")
    y = soft_image(48, 48)
    x = (y + 10 / 255 * torch.randn(y.shape, generator=torch_generator(1))).clamp(0, 1)
    assert psnr(DENOISERS["bm3d"](x, 10), y) > psnr(x, y) + 3


def test_nonlocal_means_is_scikit_images_and_removes_white_noise():
    y = soft_image(48, 40)
    x = (y + 10 / 255 * torch.randn(y.shape, generator=torch_generator(1))).clamp(0, 1)
    clean = DENOISERS["nlm"](x, 10)
    assert psnr(clean, y) > psnr(x, y) + 2
    sigma = 10 / 255
    expected = denoise_nl_means(
        x[0].permute(1, 2, 0).double().numpy(), 5, 6, h=0.6 * sigma, sigma=sigma, fast_mode=False, channel_axis=-1
    )
    torch.testing.assert_close(clean[0], torch.from_numpy(expected).permute(2, 0, 1).float().clamp(0, 1))


def test_one_system_for_each_level_and_each_enlarges_what_its_denoiser_left(trained, fake_bm3d):
    chosen = denoised(trained, "bm3d", [5, 7.5])
    assert list(chosen) == ["bm3d(5) then SR", "bm3d(7.5) then SR"]
    x = soft_image(12, 16)
    with torch.no_grad():
        expected = trained.before_joint.SR(x / 2).clamp(0, 1)
    torch.testing.assert_close(chosen["bm3d(7.5) then SR"](x), expected)
    assert fake_bm3d[-1][1] == pytest.approx(7.5 / 255)


def test_the_rows_stand_below_the_others(trained, held_out):
    chosen = systems(trained) | denoised(trained, "nlm", [8])
    rows = evaluate(trained, held_out, Degradation("bicubic"), chosen=chosen)
    assert [row.system for row in rows] == [*systems(trained), "nlm(8) then SR"]
    assert rows[-1].psnr != rows[1].psnr


def test_the_denoised_image_has_the_axes_of_the_input():
    ramp = from_pixels(np.tile(np.arange(0, 160, 10, dtype=np.uint8)[None, :, None], (12, 1, 3)))[None]
    clean = DENOISERS["nlm"](ramp, 2)
    assert clean.shape == ramp.shape
    assert (clean - ramp).abs().max() < 0.05

"""Every protocol by its name: what it returns, what it refuses, which way is better."""

import importlib.abc
import math
import sys
import types
from urllib.error import URLError

import numpy as np
import pytest
import torch
from helpers import noise, random_images, soft_image

from cincgan_tutorial import perceptual
from cincgan_tutorial.degradation import blur, correlate, gaussian_kernel
from cincgan_tutorial.images import to_pixels
from cincgan_tutorial.metrics import psnr, ssim
from cincgan_tutorial.perceptual import blur_level, lpips, ms_ssim, noise_level, photo_noise_level, vif
from cincgan_tutorial.protocols import PROTOCOLS, protocol_named, scored

FREE = [name for name, protocol in PROTOCOLS.items() if not protocol.extra]


@pytest.fixture(scope="module")
def photograph():
    """Large enough for every protocol."""
    return soft_image(188, 196, 11)


def spoilt(image):
    kernel = gaussian_kernel((1.5, 1.5), size=7)
    return (blur(image, kernel) + 0.1 * (random_images(1, *image.shape[-2:], 4) - 0.5)).clamp(0, 1)


def test_each_protocol_says_in_a_line_what_it_does():
    assert [name for name in PROTOCOLS if name != "lpips"] == FREE
    assert {"rgb", "luma", "best-shift", "challenge", "ssim", "challenge-ssim", "vif", "ms-ssim"} <= set(FREE)
    for protocol in PROTOCOLS.values():
        assert protocol.line
        assert "\n" not in protocol.line
        assert protocol.unit in ("dB", "", "1/255")


def test_the_plain_protocols_are_the_metrics_of_the_book(photograph):
    result = spoilt(photograph)
    assert PROTOCOLS["rgb"](result, photograph) == psnr(result, photograph, border=4)
    assert PROTOCOLS["luma"](result, photograph) == psnr(result, photograph, border=4, luma_only=True)
    assert PROTOCOLS["ssim"](result, photograph) == ssim(result, photograph, border=4)


def test_the_best_shift_looks_ten_pixels_far(photograph):
    for shift, found in (((10, -10), True), ((0, 11), False)):
        assert (PROTOCOLS["best-shift"](photograph.roll(shift, (-2, -1)), photograph) == math.inf) == found


@pytest.mark.parametrize("name", FREE)
def test_a_spoilt_image_scores_worse_than_the_reference(name, photograph):
    protocol, result = PROTOCOLS[name], spoilt(photograph)
    if name == "blur":
        result = blur(photograph, gaussian_kernel((1.5, 1.5)))
    own, other = protocol(photograph, photograph), protocol(result, photograph)
    assert (own > other) == protocol.higher_is_better
    assert own != other


@pytest.mark.parametrize("name", FREE)
def test_smallest_is_the_smallest_that_is_scored(name):
    protocol = PROTOCOLS[name]
    for height, width in ((protocol.smallest, protocol.smallest + 3), (protocol.smallest + 2, protocol.smallest)):
        image = soft_image(height, width)
        assert math.isfinite(protocol(spoilt(image), image))
        cut = image[..., :-1, :] if height < width else image[..., :-1]
        with pytest.raises(ValueError, match=f"{protocol.smallest} pixels each way"):
            protocol(cut, cut)


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("shape", [(1, 1, 200, 200), (1, 4, 200, 200), (3, 200, 200), (2, 3, 200, 200)])
def test_what_is_no_single_rgb_image_is_refused(name, shape):
    with pytest.raises(ValueError, match=r"\(1, 3, h, w\)"):
        PROTOCOLS[name](torch.zeros(shape), torch.zeros(shape))


@pytest.mark.parametrize("name", [name for name in PROTOCOLS if name not in ("blur", "noise")])
def test_images_of_different_sizes_are_refused(name):
    with pytest.raises(ValueError, match="one shape"):
        PROTOCOLS[name](torch.zeros(1, 3, 200, 200), torch.zeros(1, 3, 200, 204))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_8_bit_numbers_are_refused(name):
    pixels = torch.full((1, 3, 200, 200), 200, dtype=torch.uint8)
    with pytest.raises(ValueError, match="floating point"):
        PROTOCOLS[name](pixels, pixels)


@pytest.mark.parametrize("name", FREE)
def test_images_are_scored_as_the_files_that_they_would_be(name, photograph):
    result = spoilt(photograph)
    saved = torch.from_numpy(to_pixels(result[0])).permute(2, 0, 1)[None] / 255
    assert PROTOCOLS[name](result, photograph) == PROTOCOLS[name](saved, photograph)


@pytest.mark.parametrize("name", sorted(set(FREE) - {"challenge", "challenge-ssim"}))
def test_the_border_is_not_judged(name, photograph):
    changed = photograph.clone()
    ring = torch.ones(changed.shape[-2:], dtype=torch.bool)
    ring[4:-4, 4:-4] = False
    changed[..., ring] = 1 - changed[..., ring]
    assert PROTOCOLS[name](changed, photograph) == PROTOCOLS[name](photograph, photograph)


def test_scored_gives_one_number_by_name(photograph):
    result = spoilt(photograph)
    assert scored(result, photograph, ["luma", "rgb"]) == {
        "luma": psnr(result, photograph, luma_only=True),
        "rgb": psnr(result, photograph),
    }
    everything = scored(result, photograph)
    assert list(everything) == FREE
    assert all(type(score) is float and math.isfinite(score) for score in everything.values())


def test_scored_names_the_protocol_that_cannot(photograph):
    with pytest.raises(ValueError, match=r"protocol challenge: .*160 pixels"):
        scored(photograph[..., :100, :], photograph[..., :100, :], ["rgb", "challenge"])
    with pytest.raises(ValueError, match=r"unknown protocol 'psnr'. Known: rgb, luma"):
        scored(photograph, photograph, ["psnr"])
    with pytest.raises(ValueError, match="Known"):
        protocol_named("ssmi")


def test_vif_counts_on_levels_of_255(photograph):
    """Its eye has a noise of variance 2 on that scale; on [0, 1] nearly everything would drown in it."""
    from torchmetrics.functional.image import visual_information_fidelity

    result = spoilt(photograph)
    a, b = (torch.from_numpy(to_pixels(image[0])[4:-4, 4:-4]).permute(2, 0, 1)[None] for image in (result, photograph))
    expected = visual_information_fidelity(a.double(), b.double())
    assert vif(result, photograph) == pytest.approx(float(expected), abs=1e-4)


def test_vif_rewards_contrast_and_is_not_symmetric(photograph):
    flatter = 0.5 + 0.6 * (photograph - 0.5)
    assert vif(photograph, flatter) > 1 > vif(flatter, photograph)


def test_vif_of_a_flat_reference_is_refused(photograph):
    flat = photograph.clone()
    flat[:, 1] = 0.5
    with pytest.raises(ValueError, match="flat"):
        vif(photograph, flat)
    assert vif(flat, photograph) < 1


def test_ms_ssim_forgives_fine_noise_more_than_ssim(photograph):
    noisy = (photograph + 0.15 * (random_images(1, 188, 196, 1) - 0.5)).clamp(0, 1)
    assert ssim(noisy, photograph) < ms_ssim(noisy, photograph) < 1


@pytest.mark.parametrize("std_8bit", [2, 5, 12, 25])
def test_the_noise_level_of_white_noise_is_found(std_8bit):
    noisy = 0.5 + noise(torch.zeros(1, 3, 200, 220), std_8bit / 255, std_8bit)
    assert noise_level(noisy) == pytest.approx(std_8bit, rel=0.05)
    ramp = torch.linspace(-0.2, 0.2, 220)
    assert noise_level(noisy + ramp) == pytest.approx(std_8bit, rel=0.05), "a slope is no noise"


def test_noise_that_neighbours_share_is_taken_for_less():
    """What the row of the table with an estimated level suffers from."""
    white = noise(torch.zeros(1, 3, 121, 99), 10 / 255, 1)
    assert noise_level(0.5 + correlate(white)) < 0.75 * noise_level(0.5 + white)


@pytest.mark.parametrize("shared", [False, True])
def test_the_noise_level_of_photographs_is_found_where_neighbours_share_it_too(shared):
    flat = torch.full((1, 3, 200, 200), 0.5)
    added = noise(flat, 0.03)
    added = correlate(added) if shared else added
    assert photo_noise_level(flat + added) == pytest.approx(255 * float(added.std()), rel=0.3)
    ramp = torch.linspace(0, 1, 64).expand(1, 3, 64, 64)
    assert photo_noise_level(ramp) == pytest.approx(0, abs=255e-6), "a slope is no noise"


def test_the_noise_level_of_nothing_is_zero():
    assert photo_noise_level(torch.full((1, 3, 40, 40), 0.3)) == 0
    assert noise_level(torch.full((1, 3, 40, 40), 0.3)) == 0


def test_the_noise_level_by_hand():
    """One checked window: the wavelet's four taps are orthonormal, blind to constants and to slopes."""
    root = math.sqrt(3)
    taps = np.array([1 - root, root - 3, 3 + root, -1 - root]) / (4 * math.sqrt(2))
    assert taps.sum() == pytest.approx(0, abs=1e-12)
    assert taps @ np.arange(4) == pytest.approx(0, abs=1e-12)
    assert taps @ taps == pytest.approx(1)
    image = soft_image(12, 12, 3)
    details = taps @ to_pixels(image[0])[4:8, 4:8, :].astype(float).transpose(2, 0, 1) @ taps
    assert noise_level(image) == pytest.approx(np.abs(details).mean() / 0.6744897501960817)


def test_the_noise_level_agrees_with_scikit_image(photograph):
    pytest.importorskip("pywt", reason="scikit-image's estimate_sigma needs PyWavelets")
    from skimage.restoration import estimate_sigma

    pixels = to_pixels(photograph[0])[4:-4, 4:-4].astype(float)
    expected = estimate_sigma(pixels, average_sigmas=True, channel_axis=-1)
    assert noise_level(photograph) == pytest.approx(expected, rel=0.03)


def test_blur_rises_with_blur_and_noise_hides_it(photograph):
    levels = [blur_level(blur(photograph, gaussian_kernel((s, s)))) for s in (0.5, 1.0, 2.0, 4.0)]
    assert 0 < levels[0] < levels[1] < levels[2] < levels[3] < 1
    soft = blur(photograph, gaussian_kernel((4.0, 4.0)))
    assert blur_level((soft + 0.1 * random_images(1, 188, 196)).clamp(0, 1)) < levels[3]


def test_without_torchvision_lpips_says_what_to_install(monkeypatch, photograph):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    perceptual._lpips_network.cache_clear()
    with pytest.raises(ValueError, match="pip install torchvision"):
        lpips(photograph, photograph)


def test_a_torchvision_of_another_torch_is_named(monkeypatch, photograph):
    class Broken(importlib.abc.MetaPathFinder):
        def find_spec(self, name, *_):
            if name == "torchvision":
                raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    perceptual._lpips_network.cache_clear()
    with pytest.raises(ValueError, match="can't be used with torch"):
        lpips(photograph, photograph)


def test_weights_that_cannot_be_fetched_are_named(monkeypatch, photograph):
    from torchmetrics.image import lpip

    def unreachable(**_):
        raise URLError("no network")

    monkeypatch.setitem(sys.modules, "torchvision", types.ModuleType("torchvision"))
    monkeypatch.setattr(lpip, "LearnedPerceptualImagePatchSimilarity", unreachable)
    perceptual._lpips_network.cache_clear()
    with pytest.raises(ValueError, match=r"no network.*checkpoints"):
        lpips(photograph, photograph)


def test_lpips_gets_the_rounded_images_without_their_border(monkeypatch, photograph):
    seen = []
    monkeypatch.setattr(perceptual, "_lpips_network", lambda: lambda a, b: seen.append((a, b)) or torch.tensor(0.25))
    assert lpips(photograph + 0.001, photograph) == 0.25
    for image in seen[0]:
        assert torch.equal(image, photograph[..., 4:-4, 4:-4])

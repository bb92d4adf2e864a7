"""Blur kernels, the direction of a shift, noise, and the named degradations."""

import math
from dataclasses import replace

import pytest
import torch
from helpers import soft_image

from cincgan_tutorial.degradation import (
    BICUBIC,
    DEGRADATIONS,
    SYNTHETIC_MILD,
    SYNTHETIC_MIXTURE,
    SYNTHETIC_WHITE,
    Degradation,
    Mixture,
    bicubic_downsample,
    blur,
    correlate,
    gaussian_kernel,
    white_noise,
)
from cincgan_tutorial.images import quantise, through_jpeg
from cincgan_tutorial.seeds import torch_generator

AXIS = torch.arange(21, dtype=torch.float32) - 10


def centre_of_mass(k):
    return (k.sum(1) @ AXIS).item(), (k.sum(0) @ AXIS).item()


@pytest.mark.parametrize("shift", [(0, 0), (1.5, -2), (-0.25, 0.75)])
@pytest.mark.parametrize("sigma", [(1.0, 1.0), (1.0, 2.0)])
def test_kernel_sums_to_one_and_its_centre_of_mass_is_the_shift(sigma, shift):
    k = gaussian_kernel(sigma, 0.7, shift)
    assert k.shape == (21, 21)
    assert k.min() >= 0
    assert k.sum().item() == pytest.approx(1, abs=1e-6)
    assert centre_of_mass(k) == pytest.approx(shift, abs=1e-3)


def test_kernel_has_the_variances_and_the_direction_it_is_given():
    down, right = AXIS[:, None], AXIS[None, :]
    k = gaussian_kernel((2.0, 1.0))
    assert (k * right**2).sum().item() == pytest.approx(4, rel=0.01)
    assert (k * down**2).sum().item() == pytest.approx(1, rel=0.01)
    turned = gaussian_kernel((2.0, 1.0), math.pi / 4)
    # Along the diagonal that falls to the right: both coordinates grow together.
    assert (turned * down * right).sum().item() == pytest.approx((4 - 1) / 2, rel=0.01)


@pytest.mark.parametrize("arguments", [{"sigma": (1, 1), "size": 20}, {"sigma": (0, 1)}, {"sigma": (1, -2)}])
def test_impossible_kernels_are_refused(arguments):
    with pytest.raises(ValueError, match="odd size and positive sigmas"):
        gaussian_kernel(**arguments)


def test_blur_moves_the_picture_towards_the_kernels_centre():
    spot = torch.zeros(1, 3, 41, 41)
    spot[..., 20, 20] = 1
    moved = blur(spot, gaussian_kernel((1, 1), shift=(3, -2)))[0, 1]
    where = moved.argmax().item()
    assert (where // 41 - 20, where % 41 - 20) == (3, -2)


def test_blur_is_a_convolution_that_keeps_channels_apart_and_flat_areas_flat():
    z = torch.rand(1, 3, 30, 30, generator=torch.Generator().manual_seed(0))
    k = torch.rand(5, 5, generator=torch.Generator().manual_seed(1))
    row, column, channel = 12, 17, 2
    by_hand = sum(k[i, j] * z[0, channel, row - (i - 2), column - (j - 2)] for i in range(5) for j in range(5))
    assert blur(z, k)[0, channel, row, column].item() == pytest.approx(by_hand.item(), rel=1e-5)
    flat = torch.full((1, 3, 30, 30), 0.3)
    torch.testing.assert_close(blur(flat, gaussian_kernel((2, 1), 0.4, (1, 1))), flat)


@pytest.mark.parametrize(("std", "peak", "level"), [(8, math.inf, 0.5), (0, 120, 0.5), (5, 120, 0.8), (8, 400, 0.0)])
def test_noise_has_the_stated_strength_and_no_bias(std, peak, level):
    clean = torch.full((1, 3, 200, 200), level)
    noise = white_noise(clean, std, peak, torch_generator(0))
    assert noise.std().item() == pytest.approx(math.sqrt((std / 255) ** 2 + level / peak), rel=0.03)
    assert abs(noise.mean().item()) < 0.02 * noise.std().item()


def test_white_noise_does_not_know_its_neighbours_and_correlated_noise_does():
    white = torch.randn(1, 3, 200, 200, generator=torch_generator(1))
    spread = correlate(white)

    def likeness(n, down, right):
        a, b = n[..., : 200 - down, : 200 - right], n[..., down:, right:]
        return (a * b).mean().item() / n.var().item()

    assert abs(likeness(white, 0, 1)) < 0.02
    assert spread[..., 1:-1, 1:-1].std().item() == pytest.approx(1, rel=0.03)
    # The autocorrelation of (1, 2, 1) is (1, 4, 6, 4, 1).
    assert likeness(spread, 0, 1) == pytest.approx(4 / 6, abs=0.03)
    assert likeness(spread, 1, 0) == pytest.approx(4 / 6, abs=0.03)
    assert abs(likeness(spread, 0, 3)) < 0.03


def test_the_parameters_of_the_named_degradations():
    mild, white = SYNTHETIC_MILD, SYNTHETIC_WHITE
    assert (mild.blur_sigma, mild.max_shift, mild.noise_std_8bit, mild.poisson_peak) == ((1.0, 2.8), 2.0, 8, 400)
    assert (white.blur_sigma, white.max_shift, white.noise_std_8bit, white.poisson_peak) == ((1.0, 2.8), 2.0, 5, 120)
    assert (mild.correlated, white.correlated) == (True, False)
    assert (BICUBIC.blur_sigma, BICUBIC.max_shift, BICUBIC.noise_std_8bit) == (None, 0, 0)
    assert list(DEGRADATIONS) == ["bicubic", "synthetic_mild", "synthetic_white", "bicubic_jpeg75", "synthetic_mixture"]
    assert all(name == degradation.name for name, degradation in DEGRADATIONS.items())


def test_draws_fill_their_ranges():
    draws = [SYNTHETIC_MILD.draw(torch_generator(0, i)) for i in range(300)]
    for values, low, high in (
        ([s for d in draws for s in d.sigma], 1.0, 2.8),
        ([s for d in draws for s in d.shift], -2.0, 2.0),
        ([d.angle for d in draws], 0.0, math.pi),
    ):
        margin = 0.03 * (high - low)
        assert low <= min(values) < low + margin
        assert high - margin < max(values) <= high


def test_a_draws_kernel_is_the_one_that_blurs():
    drawn = SYNTHETIC_MILD.draw(torch_generator(3))
    torch.testing.assert_close(drawn.kernel, gaussian_kernel(drawn.sigma, drawn.angle, drawn.shift))


def test_bicubic_degradation_is_reduction_and_rounding():
    z = soft_image(40, 48)
    assert BICUBIC.draw(torch_generator(0)) is None
    assert torch.equal(BICUBIC(z, torch_generator(0)), quantise(bicubic_downsample(z)))


@pytest.mark.parametrize("degradation", [SYNTHETIC_MILD, SYNTHETIC_WHITE])
def test_degradation_is_blur_then_reduction_then_noise_then_rounding(degradation):
    z, generator = soft_image(64, 48), torch_generator(5)
    x = degradation(z, torch_generator(5))
    reduced = bicubic_downsample(blur(z, degradation.draw(generator).kernel))
    noise = white_noise(reduced, degradation.noise_std_8bit, degradation.poisson_peak, generator)
    expected = reduced + (correlate(noise) if degradation.correlated else noise)
    torch.testing.assert_close(x, (expected.clamp(0, 1) * 255).round() / 255)


def test_every_photograph_meets_its_own_draw_and_the_same_one_again():
    z = soft_image(64, 48)
    first, again, other = (SYNTHETIC_MILD(z, torch_generator(0, i)) for i in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_without_shift_only_the_shift_is_gone():
    centred = SYNTHETIC_MILD.without_shift()
    drawn, shifted = centred.draw(torch_generator(0)), SYNTHETIC_MILD.draw(torch_generator(0))
    assert drawn.shift == (0, 0) != shifted.shift
    assert (drawn.sigma, drawn.angle) == (shifted.sigma, shifted.angle)
    assert (centred.noise_std_8bit, centred.poisson_peak, centred.correlated) == (8, 400, True)


def test_jpeg_comes_last_and_costs_more_the_lower_its_quality():
    z = soft_image(64, 48)
    x = SYNTHETIC_MILD(z, torch_generator(5))
    for quality in (95, 50):
        saved = replace(SYNTHETIC_MILD, jpeg_quality=quality)(z, torch_generator(5))
        assert torch.equal(saved, through_jpeg(x, quality))
    losses = [(through_jpeg(x, quality) - x).square().mean().item() for quality in (95, 75, 50)]
    assert 0 < losses[0] < losses[1] < losses[2] < 0.01


def test_a_mixture_gives_each_photograph_one_of_its_parts_and_reaches_all():
    z = soft_image(64, 48)
    dark, bright = (Degradation(name, noise_std_8bit=std) for name, std in (("light", 1), ("heavy", 30)))
    mixture = Mixture("both", parts=(dark, bright))
    differences = [(mixture(z, torch_generator(0, i)) - BICUBIC(z, torch_generator(0))).std().item() for i in range(40)]
    light = [d for d in differences if d < 3 / 255]
    heavy = [d for d in differences if d > 15 / 255]
    assert len(light) + len(heavy) == 40
    assert min(len(light), len(heavy)) > 10
    assert torch.equal(mixture(z, torch_generator(0, 1)), mixture(z, torch_generator(0, 1)))


def test_the_named_mixture_holds_every_combination_and_loses_its_shift_on_request():
    parts = SYNTHETIC_MIXTURE.parts
    assert len(set(parts)) == 3 * 5 * 2  # blurs, noises, qualities
    lossless = [part for part in parts if part.jpeg_quality is None]
    assert len(lossless) == 2 * len(parts) / 3
    assert {part.jpeg_quality for part in parts} == {None, 75}
    assert max(part.max_shift for part in parts) == SYNTHETIC_MIXTURE.max_shift == 2
    centred = SYNTHETIC_MIXTURE.without_shift()
    assert centred.max_shift == 0
    assert all(part.max_shift == 0 for part in centred.parts)

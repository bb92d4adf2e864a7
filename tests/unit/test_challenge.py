"""The challenge's scoring equals its plain loops to the last bit, and the search for a shift equals one by one."""

import math

import numpy as np
import pytest
import torch
from helpers import random_images, soft_image
from skimage.metrics import structural_similarity

from cincgan_tutorial import challenge
from cincgan_tutorial.challenge import best_alignment, challenge_psnr, challenge_ssim
from cincgan_tutorial.images import to_pixels
from cincgan_tutorial.metrics import best_shift, psnr


def pair(height, width, seed, shift=(0, 0), noise=0.08):
    """A reference, and it moved, darkened and with noise: (1, 3, h, w) each."""
    reference = soft_image(height, width, seed)
    moved = reference.roll(shift, (-2, -1)) * (0.7 + 0.05 * seed)
    return (moved + noise * (random_images(1, height, width, seed) - 0.5)).clamp(0, 1), reference


def opened(image):
    """The challenge's way to read a file: cut to multiples of 4, then 10 pixels on each side."""
    pixels = to_pixels(image[0])
    height, width = pixels.shape[:2]
    return pixels[: height - height % 4, : width - width % 4][10:-10, 10:-10]


def shifted_patches(result, reference, max_shift):
    """P_0, and every shift with its patch, as the loops of the programme meet them."""
    original, output = opened(reference), opened(result)
    row, column = original.shape[0] // 2, original.shape[1] // 2
    p_0 = original[row - 30 : row + 30, column - 30 : column + 30]
    patches = {
        (i, j): output[row - 30 + i : row + 30 + i, column - 30 + j : column + 30 + j]
        for i in range(-max_shift, max_shift + 1)
        for j in range(-max_shift, max_shift + 1)
    }
    return p_0, patches


def psnr_by_loop(result, reference, max_shift=40):
    p_0, patches = shifted_patches(result, reference, max_shift)
    scores = []
    for patch in patches.values():
        matched = patch / np.mean(patch) * np.mean(p_0)
        scores.append(10 * np.log10(1.0 / np.mean(np.square(matched / 255.0 - p_0 / 255.0))))
    return max(scores)


def ssim_by_loop(result, reference, max_shift):
    p_0, patches = shifted_patches(result, reference, max_shift)
    table = np.zeros((len(patches), 3))
    for number, ((i, j), patch) in enumerate(patches.items()):
        if i % 2 == 0 and j % 2 == 0:
            for c in range(3):
                table[number, c] = structural_similarity(
                    patch[:, :, c], p_0[:, :, c], gaussian_weights=True, use_sample_covariance=False
                )
    return max(np.mean(table, axis=1))


SIZES = [(160, 160), (163, 201), (208, 166), (176, 240)]


@pytest.mark.parametrize("seed", range(4))
def test_psnr_equals_the_loop_to_the_last_bit(seed):
    result, reference = pair(*SIZES[seed], seed, shift=(3 * seed - 5, 7 * seed - 11))
    assert challenge_psnr(result, reference) == psnr_by_loop(result, reference)


@pytest.mark.parametrize("max_shift", [0, 1, 6, 7])
@pytest.mark.parametrize("seed", range(3))
def test_psnr_equals_the_loop_with_a_smaller_search(seed, max_shift):
    result, reference = pair(101, 97 + seed, seed, shift=(2, -3))
    assert challenge_psnr(result, reference, max_shift) == psnr_by_loop(result, reference, max_shift)


@pytest.mark.parametrize("period", [1, 2, 5])
def test_psnr_equals_the_loop_where_many_shifts_tie(period):
    tile = random_images(1, period, period, 3)
    reference = tile.repeat(1, 1, -(-100 // period), -(-100 // period))
    result = (reference.roll((1, 0), (-2, -1)) * 0.9).clamp(0, 1)
    expected = psnr_by_loop(result, reference, 6)
    assert challenge_psnr(result, reference, 6) == expected
    if period == 1:
        assert expected > 40, "matched in brightness, two constants differ by rounding to levels alone"


def test_psnr_equals_the_loop_where_the_light_changes_across_the_picture():
    """Another gain for each shift: the darkest patch must not win by being multiplied most."""
    reference = 0.5 + 0.1 * (soft_image(100, 100, 2) - 0.5)
    result = reference * torch.linspace(1, 0.3, 100)
    assert challenge_psnr(result, reference, 6) == psnr_by_loop(result, reference, 6)


@pytest.mark.parametrize("seed", range(3))
def test_psnr_equals_the_loop_where_shifts_differ_by_rounding_alone(seed):
    """The same patch twice, once a third as bright: matched in brightness they differ by rounding at most."""
    dark = torch.randint(10, 60, (1, 3, 60, 60), generator=torch.Generator().manual_seed(seed)) / 255
    result, reference = torch.rand(2, 1, 3, 140, 140, generator=torch.Generator().manual_seed(seed))
    reference[..., 40:100, 40:100] = 3 * dark + 0.04 * reference[..., 40:100, 40:100]
    result[..., 40:100, 10:70], result[..., 40:100, 70:130] = dark, 3 * dark
    assert challenge_psnr(result, reference, 30) == psnr_by_loop(result, reference, 30)


@pytest.mark.parametrize("max_shift", [0, 1, 4, 7])
def test_ssim_equals_the_loop_to_the_last_bit(max_shift):
    result, reference = pair(98, 105, max_shift, shift=(2, -3))
    assert challenge_ssim(result, reference, max_shift) == ssim_by_loop(result, reference, max_shift)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_ssim_equals_the_loop_over_all_shifts(seed):
    result, reference = pair(*SIZES[seed], seed, shift=(12, -7))
    assert challenge_ssim(result, reference) == ssim_by_loop(result, reference, 40)


def test_ssim_of_opposites_is_not_negative():
    """As in the programme, whose table begins with zeros."""
    reference = random_images(1, 84, 84, 5)
    result = 1 - reference
    p_0, patches = shifted_patches(result, reference, 1)
    assert structural_similarity(patches[0, 0], p_0, channel_axis=2) < 0
    assert challenge_ssim(result, reference, 1) == ssim_by_loop(result, reference, 1) == 0


def test_ssim_tries_even_shifts_only():
    reference = soft_image(120, 120, 3)
    even, odd = (challenge_ssim(reference.roll(shift, (-2, -1)), reference, 10) for shift in ((4, -6), (5, -6)))
    assert even == pytest.approx(1)
    assert odd < 0.99


@pytest.mark.parametrize("shift", [(40, -40), (-40, 40), (40, 40), (0, -40), (13, 5)])
def test_a_shift_of_up_to_40_costs_nothing(shift):
    reference = soft_image(240, 250, 7)
    assert challenge_psnr(reference.roll(shift, (-2, -1)), reference) > 300


@pytest.mark.parametrize("shift", [(41, 0), (0, -41)])
def test_a_shift_beyond_40_is_not_found(shift):
    reference = soft_image(240, 250, 7)
    assert challenge_psnr(reference.roll(shift, (-2, -1)), reference) < 60


def test_only_the_centre_is_looked_at():
    result, reference = pair(201, 222, 1)
    changed = 1 - result
    top, left = 200 // 2 - 70, 220 // 2 - 70
    inside = (..., slice(top, top + 140), slice(left, left + 140))
    changed[inside] = result[inside]
    assert challenge_psnr(changed, reference) == challenge_psnr(result, reference)
    assert challenge_ssim(changed, reference) == challenge_ssim(result, reference)
    corner = result.clone()
    corner[..., top, left] = 1 - corner[..., top, left]
    assert challenge._area_and_patch(corner, reference, 40)[0][0, 0, 0] != opened(result)[top - 10, left - 10, 0]


def test_brightness_is_matched_and_colour_is_not():
    reference = 0.2 + 0.6 * soft_image(160, 160, 2)
    darker, redder = reference * 0.5, reference * torch.tensor([1.0, 0.8, 0.8]).view(1, 3, 1, 1)
    assert psnr(darker, reference) < 20 < 45 < challenge_psnr(darker, reference)
    assert challenge_psnr(redder, reference) < 30


def test_a_black_result_is_scored_and_a_black_reference_refused():
    black, grey = torch.zeros(1, 3, 160, 160), torch.full((1, 3, 160, 160), 51 / 255)
    assert challenge_psnr(black, grey) == pytest.approx(-20 * math.log10(0.2))
    half = grey.clone()
    half[..., :80, :] = 0
    assert challenge_psnr(half, grey) == challenge_psnr(grey, grey)
    with pytest.raises(ValueError, match="black"):
        challenge_psnr(grey, black)


@pytest.mark.parametrize("score", [challenge_psnr, challenge_ssim])
@pytest.mark.parametrize("shape", [(1, 3, 159, 300), (1, 3, 300, 159)])
def test_an_image_too_small_for_the_challenge_is_refused(score, shape):
    with pytest.raises(ValueError, match="160 pixels"):
        score(torch.zeros(shape), torch.zeros(shape))


@pytest.mark.parametrize("shift", [(0, 0), (2, -1), (-3, 3), (1, 0)])
@pytest.mark.parametrize("border", [0, 4])
def test_best_alignment_is_the_best_shift_one_by_one(shift, border):
    result, reference = pair(47, 52, 3, shift)
    by_one = best_shift(lambda a, b: psnr(a, b, border=0), result, reference, 3, border)
    score, found = best_alignment(result, reference, 3, border)
    assert score == pytest.approx(by_one[0], abs=1e-4)
    assert found == by_one[1] == shift


def test_of_equal_shifts_best_alignment_takes_the_last_as_best_shift_does():
    stripes = (torch.arange(40) % 2).float().expand(1, 3, 40, 40).contiguous()
    by_one = best_shift(lambda a, b: psnr(a, b, border=0), stripes, stripes, 3)
    assert best_alignment(stripes, stripes, 3) == by_one == (math.inf, (3, 2))


def test_best_alignment_needs_room_for_its_search():
    image = soft_image(29, 40)
    assert best_alignment(image, image) == (math.inf, (0, 0))
    with pytest.raises(ValueError, match="29 pixels"):
        best_alignment(image[..., :28, :], image[..., :28, :])


@pytest.mark.parametrize("score", [challenge_psnr, challenge_ssim, best_alignment])
def test_a_network_that_diverged_is_named(score):
    image = soft_image(160, 160)
    broken = image.clone()
    broken[..., 80, 80] = math.nan
    with pytest.raises(ValueError, match="diverged"):
        score(broken, image)


def test_rounded_transforms_are_exact_at_the_size_of_div2k():
    """White, where the sums are largest: no sum is off by one."""
    white = torch.full((3, 1356, 2040), 255.0, dtype=torch.float64)
    inner = white[:, 5:-5, 5:-5]
    assert (challenge.products(white, inner) == 255.0**2 * inner.numel()).all()
    assert (challenge.window_sums(white, 1346, 2030) == 255.0 * inner.numel()).all()


def test_products_equal_integer_sums():
    area, patch = (
        torch.randint(256, (3, *size), generator=torch.Generator().manual_seed(1)) for size in ((23, 31), (9, 14))
    )
    got = challenge.products(area.double(), patch.double())
    assert got.shape == (15, 18)
    for i, j in ((0, 0), (14, 17), (3, 11)):
        assert got[i, j] == (area[:, i : i + 9, j : j + 14] * patch).sum()

"""Laws of scoring: what must not change a score, what must, and what is best."""

import math

import pytest
import torch
from helpers import random_images, soft_image
from hypothesis import given, settings
from hypothesis import strategies as st

from cincgan_tutorial.challenge import best_alignment, challenge_psnr, challenge_ssim
from cincgan_tutorial.images import quantise
from cincgan_tutorial.metrics import best_shift, psnr, ssim
from cincgan_tutorial.perceptual import blur_level, ms_ssim, noise_level, vif
from cincgan_tutorial.protocols import PROTOCOLS

law = settings(deadline=None, max_examples=15, derandomize=True)
SEEDS = st.integers(0, 1000)
SHIFTS = st.tuples(st.integers(-4, 4), st.integers(-4, 4))
FREE = [name for name, protocol in PROTOCOLS.items() if not protocol.extra]


def pair(seed, height=104, width=108, noise=0.1):
    """A reference and a result that resembles it, on levels of 8 bits, with room to be made darker or brighter."""
    reference = quantise(0.1 + 0.35 * soft_image(height, width, seed))
    return quantise(reference + noise * (random_images(1, height, width, seed) - 0.5)), reference


def moved(image, shift):
    return image.roll(shift, (-2, -1))


@law
@given(SEEDS, SHIFTS)
def test_a_shift_of_the_result_does_not_change_its_best_alignment(seed, shift):
    """As long as it lies within the search: only the shift that is found moves along."""
    result, reference = pair(seed)
    score, found = best_alignment(result, reference, 6, border=0)
    again, (down, right) = best_alignment(moved(result, shift), reference, 6, border=0)
    assert (down - shift[0], right - shift[1]) == found
    assert again == score


@law
@given(SEEDS, SHIFTS, st.integers(0, 5), st.integers(0, 3))
def test_best_alignment_is_best_shift(seed, shift, max_shift, border):
    result, reference = pair(seed, 36, 31)
    result = moved(result, shift)
    by_one = best_shift(lambda a, b: psnr(a, b, border=0), result, reference, max_shift, border)
    score, found = best_alignment(result, reference, max_shift, border)
    assert (score, found) == (pytest.approx(by_one[0], abs=1e-4), by_one[1])


@law
@given(SEEDS, SHIFTS)
def test_a_shift_of_the_result_does_not_change_the_challenge(seed, shift):
    result, reference = pair(seed)
    score = challenge_psnr(result, reference, 1)
    assert challenge_psnr(moved(result, shift), reference, 6) == challenge_psnr(result, reference, 6) >= score
    even = tuple(2 * (s // 2) for s in shift)
    assert challenge_ssim(moved(result, even), reference, 6) == challenge_ssim(result, reference, 6)


@law
@given(SEEDS, st.sampled_from([0.5, 2.0, 1.0]))
def test_the_brightness_of_the_result_does_not_change_the_challenges_psnr(seed, gain):
    """Exactly where the gain keeps 8-bit levels whole, as half of even levels does."""
    result, reference = pair(seed)
    even = quantise((result * 255 // 2 * 2) / 255)
    assert challenge_psnr(quantise(even * gain), reference, 3) == challenge_psnr(even, reference, 3)


@law
@given(SEEDS, st.floats(0.6, 1.9))
def test_any_brightness_changes_the_challenges_psnr_by_rounding_alone(seed, gain):
    result, reference = pair(seed)
    assert challenge_psnr(result * gain, reference, 3) == pytest.approx(challenge_psnr(result, reference, 3), abs=0.1)


@law
@given(SEEDS)
def test_more_search_never_lowers_a_score(seed):
    result, reference = pair(seed)
    for score in (challenge_psnr, challenge_ssim):
        scores = [score(result, reference, max_shift) for max_shift in (0, 2, 6)]
        assert scores == sorted(scores)


@law
@given(SEEDS)
def test_where_no_side_is_the_truth_the_score_is_symmetric(seed):
    a, b = pair(seed, 200, 190)
    for score in (psnr, ssim, ms_ssim):
        assert score(a, b) == pytest.approx(score(b, a), abs=1e-6)


@law
@given(SEEDS, st.sampled_from(["horizontally", "vertically", "turned"]))
def test_a_mirror_changes_no_score_of_a_whole_image(seed, how):
    turn = {"horizontally": lambda i: i.flip(-1), "vertically": lambda i: i.flip(-2), "turned": lambda i: i.mT}[how]
    a, b = pair(seed, 60, 60)
    for score in (psnr, ssim):
        assert score(turn(a), turn(b)) == pytest.approx(score(a, b), abs=1e-5)
    assert best_alignment(turn(a), turn(b), 3)[0] == pytest.approx(best_alignment(a, b, 3)[0], abs=1e-5)
    # scikit-image's slices are not the same from either end, so a mirror moves its blur a little; a turn does not.
    if how == "turned":
        assert blur_level(turn(a)) == pytest.approx(blur_level(a), abs=1e-6)


@settings(law, max_examples=2)
@given(SEEDS)
def test_nothing_scores_higher_than_the_truth(seed):
    """Where the reference is looked at. VIF alone may exceed it, by contrast that the reference lacks."""
    result, reference = pair(seed, 192, 188)
    for name in set(FREE) - {"blur", "noise"}:
        own, other = (PROTOCOLS[name](image, reference) for image in (reference, result))
        assert own > other, name
        if PROTOCOLS[name].unit == "dB":
            assert own > 300, name
        else:
            assert own == pytest.approx(1, abs=1e-5), name
    assert PROTOCOLS["rgb"](reference, reference) == math.inf


@law
@given(SEEDS, st.floats(0.02, 0.2))
def test_more_noise_lowers_vif_and_raises_the_noise_level(seed, noise):
    quiet, reference = pair(seed, 64, 70, noise)
    loud, _ = pair(seed, 64, 70, 2 * noise)
    assert vif(loud, reference) < vif(quiet, reference)
    assert noise_level(loud) > noise_level(quiet)


@law
@given(SEEDS, st.floats(-0.05, 0.2))
def test_the_noise_level_does_not_depend_on_brightness(seed, lift):
    image, _ = pair(seed, 40, 44)
    whole = round(lift * 255) / 255
    assert noise_level(image + whole) == pytest.approx(noise_level(image), rel=1e-6)
    assert noise_level(torch.full_like(image, 0.2 + lift)) == 0

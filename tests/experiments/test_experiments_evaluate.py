"""Chapter 7: what the compared systems are, and how their scores come about."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from helpers import random_images
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from cincgan_tutorial.degradation import BICUBIC, SYNTHETIC_MILD, SYNTHETIC_WHITE, bicubic_downsample, bicubic_upsample
from cincgan_tutorial.experiments import Row, cleaning, evaluate, noisy, systems, table
from cincgan_tutorial.images import to_pixels
from cincgan_tutorial.unpaired import Photograph, degrade


def by_hand(result, z, border=4):
    """PSNR and SSIM of two batches of one as scikit-image computes them from the 8-bit files without their border."""
    a, b = (to_pixels(image[0])[border:-border, border:-border] for image in (result, z))
    similarity = structural_similarity(
        a, b, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    return peak_signal_noise_ratio(b, a, data_range=255), similarity


def test_systems_come_in_the_order_of_the_argument(trained):
    assert list(systems(trained)) == ["bicubic", "SR alone", "G1 then SR", "CinCGAN"]


def test_each_system_is_what_its_name_says(trained):
    x = random_images(1, 9, 13)
    results = {name: system(x) for name, system in systems(trained).items()}
    before, after = trained.before_joint, trained.nets
    with torch.no_grad():
        expected = {
            "bicubic": bicubic_upsample(x, 4),
            "SR alone": before.SR(x),
            "G1 then SR": before.SR(before.G1(x)),
            "CinCGAN": after.SR(after.G1(x)),
        }
    for name, result in results.items():
        assert result.shape == (1, 3, 36, 52)
        torch.testing.assert_close(result, expected[name].clamp(0, 1), atol=1e-6, rtol=0)
    different = [a for a in results for b in results if a < b and torch.allclose(results[a], results[b], atol=1e-3)]
    assert not different, "the test can't tell these systems apart"


def test_no_system_leaves_the_range_or_keeps_a_gradient(trained):
    x = torch.rand(1, 3, 8, 8).round()
    for system in systems(trained).values():
        result = system(x)
        assert not result.requires_grad
        assert 0 <= result.min() <= result.max() <= 1


def test_noisy_is_the_degraded_photograph_beside_itself(held_out):
    x, z = noisy(held_out[0], SYNTHETIC_MILD, seed=3)
    assert (x.shape, z.shape) == ((1, 3, 15, 19), (1, 3, 60, 76))
    assert torch.equal((x * 255).round().to(torch.uint8)[0], degrade(held_out[0], SYNTHETIC_MILD, 4, 3))
    assert np.array_equal(to_pixels(z[0]), held_out[0].pixels[:60, :76])
    assert torch.equal(x, noisy(held_out[0], SYNTHETIC_MILD, seed=3)[0])
    assert not torch.equal(x, noisy(held_out[0], SYNTHETIC_MILD, seed=4)[0])


def test_scores_and_means_are_those_of_a_computation_by_hand(trained, held_out):
    rows = evaluate(trained, held_out, seed=5)
    assert [row.system for row in rows] == list(systems(trained))
    for row in rows:
        scores = []
        for photograph in held_out:
            x, z = noisy(photograph, SYNTHETIC_MILD.without_shift(), 4, 5)
            scores.append(by_hand(systems(trained)[row.system](x), z))
            assert row.psnr[photograph.name] == pytest.approx(scores[-1][0], abs=1e-3)
            assert row.ssim[photograph.name] == pytest.approx(scores[-1][1], abs=1e-4)
        assert row.mean_psnr == pytest.approx((scores[0][0] + scores[1][0]) / 2, abs=1e-3)
        assert row.mean_ssim == pytest.approx((scores[0][1] + scores[1][1]) / 2, abs=1e-4)


def test_the_default_is_the_degradation_of_the_training_without_its_shift(trained, held_out):
    trained = dataclasses.replace(trained, preset=dataclasses.replace(trained.preset, degradation="synthetic_white"))
    seen = []
    evaluate(trained, held_out[:1], chosen={"look": lambda x: (seen.append(x), bicubic_upsample(x).clamp(0, 1))[1]})
    assert torch.equal(seen[0], noisy(held_out[0], SYNTHETIC_WHITE.without_shift())[0])


def test_every_system_is_given_the_same_x(trained, held_out):
    given = {"a": [], "b": []}

    def looking(name):
        return lambda x: (given[name].append(x), bicubic_upsample(x).clamp(0, 1))[1]

    evaluate(trained, held_out, chosen={name: looking(name) for name in given})
    assert all(torch.equal(a, b) for a, b in zip(*given.values(), strict=True))


def moved_truth(photograph, down, right):
    """A system that knows the photograph and returns it moved."""
    z = photograph.cropped(4).image
    return lambda _: torch.roll(z, (down, right), (2, 3))


@pytest.mark.parametrize("shift", [(0, 0), (2, -1), (-3, 3)])
def test_a_shifted_evaluation_scores_at_the_best_shift(trained, held_out, shift):
    (row,) = evaluate(trained, held_out[:1], SYNTHETIC_MILD, chosen={"moved": moved_truth(held_out[0], *shift)})
    assert row.psnr["one"] == math.inf
    assert row.ssim["one"] == pytest.approx(1)


@pytest.mark.parametrize(("degradation", "shift"), [(SYNTHETIC_MILD, (4, 0)), (SYNTHETIC_MILD.without_shift(), (1, 0))])
def test_a_shift_beyond_the_search_costs(trained, held_out, degradation, shift):
    """The search ends at 3 pixels; without a shifting degradation there is none."""
    (row,) = evaluate(trained, held_out[:1], degradation, chosen={"moved": moved_truth(held_out[0], *shift)})
    assert row.psnr["one"] < 40
    assert row.ssim["one"] < 0.99


@pytest.mark.parametrize("half", ["x_photographs", "yz_photographs"])
def test_a_photograph_of_either_half_is_refused(trained, held_out, half):
    trained.facts[half] = {"under another name": held_out[1].sha256}
    with pytest.raises(ValueError, match="two: the networks were trained on it"):
        evaluate(trained, held_out)


def test_the_table_has_gains_against_its_first_row():
    rows = [
        Row("bicubic", {"a": 20.0, "b": 22.0}, {"a": 0.5, "b": 0.6}),
        Row("worse", {"a": 19.0, "b": 21.5}, {"a": 0.4, "b": 0.4}),
        Row("CinCGAN", {"a": 23.456, "b": 24.0}, {"a": 0.61239, "b": 0.7}),
    ]
    assert table(rows).splitlines() == [
        "| System | PSNR (dB) | gain (dB) | SSIM |",
        "|:--|--:|--:|--:|",
        "| bicubic | 21.00 | +0.00 | 0.5500 |",
        "| worse | 20.25 | -0.75 | 0.4000 |",
        "| CinCGAN | 23.73 | +2.73 | 0.6562 |",
    ]


def test_cleaning_compares_x_and_g1_of_stage_one_with_the_clean_y(trained, held_out):
    scores = {"x": [], "G1(x)": []}
    for photograph in held_out:
        x, z = noisy(photograph, SYNTHETIC_MILD.without_shift(), seed=2)
        y = bicubic_downsample(z).clamp(0, 1)
        scores["x"].append(by_hand_lr(x, y))
        with torch.no_grad():
            scores["G1(x)"].append(by_hand_lr(trained.before_joint.G1(x), y))
    result = cleaning(trained, held_out, seed=2)
    assert list(result) == ["x", "G1(x)"]
    for name, values in scores.items():
        assert result[name] == pytest.approx(sum(values) / 2, abs=1e-3)


def by_hand_lr(result, y):
    a, b = (to_pixels(image[0])[1:-1, 1:-1] for image in (result, y))
    return peak_signal_noise_ratio(b, a, data_range=255)


def test_a_perfect_photograph_gives_a_perfect_score(trained):
    flat = Photograph("flat", np.full((64, 64, 3), 128, np.uint8))
    rows = evaluate(trained, [flat], BICUBIC, chosen={"bicubic": systems(trained)["bicubic"]})
    assert (rows[0].psnr["flat"], rows[0].ssim["flat"]) == (math.inf, pytest.approx(1))

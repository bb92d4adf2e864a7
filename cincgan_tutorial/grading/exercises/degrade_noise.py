"""Assignment 1, continued: noise."""

from __future__ import annotations

import math
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from ..exercise import Exercise
from ..laws import Law, expect, expect_close, expect_shape
from ..strategies import images, numbers, seeds
from .of_many import CHAPTER_1, CLOSE, Answer, keeps_the_dtype, unchanged

NOISE_SECTION = CHAPTER_1 + "Noise: not as white as it looks in textbooks"
_LIBRARY = "cincgan_tutorial.degradation."

# Noise. Pictures are large enough for tolerances of many standard errors.

_SIDE = 64


def _grey(level: float) -> Tensor:
    return torch.full((2, 3, _SIDE, _SIDE), level)


def generator(seed: int) -> torch.Generator:
    """Return a generator with a seed."""
    """Return a generator with a seed."""
    return torch.Generator().manual_seed(seed)


def _drawn(answer: Answer, clean: Tensor, std: float, photons: float, seed: int) -> Tensor:
    x = answer(clean, std, photons, generator(seed))
    expect_shape(x, tuple(clean.shape))
    return x.detach() - clean


def _std(answer: Answer, level: float, std: float, photons: float, seed: int, note: str) -> None:
    noise = _drawn(answer, _grey(level), std, photons, seed)
    expected = 255 * math.sqrt((std / 255) ** 2 + level / photons)
    what = "the standard deviation in 1/255"
    expect_close(255 * noise.std(), expected, 0.04 * expected / (1 + expected), what, note)


def _noise_read_out(answer: Answer, level: float, std: float, seed: int) -> None:
    _std(answer, level, std, math.inf, seed, "std_8bit is in units of 1/255, and is a deviation, not a variance.")


def _noise_photons(answer: Answer, level: float, photons: int, seed: int) -> None:
    _std(answer, level, 0.0, photons, seed, "The variance is v / P: brighter pixels fluctuate more, more photons less.")


def _noise_both(answer: Answer, level: float, std: float, photons: int, seed: int) -> None:
    _std(answer, level, std, photons, seed, "Variances add, deviations do not.")


def _noise_per_pixel(answer: Answer, seed: int) -> None:
    clean = _grey(0.1)
    clean[..., _SIDE // 2 :] = 0.9
    noise = _drawn(answer, clean, 0.0, 100, seed)
    ratio = noise[..., _SIDE // 2 :].std() / noise[..., : _SIDE // 2].std()
    expect_close(
        ratio, 3.0, 0.03, "deviation where v = 0.9 over that where v = 0.1", "Each pixel has its own variance."
    )


def _noise_mean(answer: Answer, level: float, seed: int) -> None:
    noise = _drawn(answer, _grey(level), 10.0, math.inf, seed)
    note = "Is the result clamped, or is the noise not centred? Is clean added?"
    expect_close(255 * noise.mean(), 0.0, 0.4, "the mean of x - clean in 1/255", note)


def _noise_normal(answer: Answer, seed: int) -> None:
    noise = _drawn(answer, _grey(0.5), 10.0, math.inf, seed)
    fourth = ((noise - noise.mean()) ** 4).mean() / noise.var() ** 2
    expect_close(fourth, 3.0, 0.08, "the fourth moment over the square of the second", "A normal distribution has 3.")


def _noise_independent(answer: Answer, seed: int) -> None:
    noise = _drawn(answer, _grey(0.5), 10.0, math.inf, seed)
    pairs = {
        "a pixel and the one to its right": (noise[..., :-1], noise[..., 1:]),
        "a pixel and the one below": (noise[..., :-1, :], noise[..., 1:, :]),
        "one channel and the next": (noise[:, :-1], noise[:, 1:]),
        "one image and the next": (noise[:1], noise[1:]),
    }
    for what, (one, other) in pairs.items():
        alike = float((one * other).mean() / noise.var())
        expect_close(alike, 0.0, 0.06, f"the correlation between the noise of {what}", "Draw a number for every value.")


def _noise_repeats(answer: Answer, seed: int) -> None:
    first = _drawn(answer, _grey(0.5), 10.0, 100, seed)
    torch.rand(7)
    note = "Does all chance come from the given generator?"
    again = _drawn(answer, _grey(0.5), 10.0, 100, seed)
    expect(torch.equal(first, again), "equal noise from generators with equal seeds", "other noise", note)
    other = _drawn(answer, _grey(0.5), 10.0, 100, seed + 1)
    expect(not torch.equal(first, other), "other noise from a generator with another seed", "the same noise", note)


def _noise_none(answer: Answer, z: Tensor) -> None:
    note = "No read-out noise and endlessly many photons: x = v."
    expect_close(answer(z, 0.0, math.inf, generator(0)), z, CLOSE, "without noise", note)


def _noise_below_zero(answer: Answer, seed: int) -> None:
    noise = _drawn(answer, _grey(-0.02), 5.0, 100, seed)
    note = "A root of a negative number is not a number: count values below 0 as 0."
    expect(bool(noise.isfinite().all()), "finite values where clean is -0.02", noise, note)
    expect_close(255 * noise.std(), 5.0, 0.04, "the standard deviation where clean is -0.02, in 1/255", note)


def _noise(answer: Answer, z: Tensor) -> Any:
    return answer(z, 5.0, 100, generator(0))


_LEVEL = numbers(0.1, 0.9)
_STD = numbers(3, 20)
_PHOTONS = st.sampled_from([50, 100, 400])
NOISY = Exercise(
    "noisy",
    1,
    4,
    (
        Law(
            "no-noise",
            "With no read-out noise and endlessly many photons nothing changes.",
            NOISE_SECTION,
            {"z": images()},
            holds=_noise_none,
            examples=5,
        ),
        Law(
            "read-out",
            "Read-out noise has the standard deviation std_8bit / 255.",
            NOISE_SECTION,
            {"level": _LEVEL, "std": _STD, "seed": seeds()},
            holds=_noise_read_out,
            examples=6,
        ),
        Law(
            "photons",
            "The noise of photons has the variance v / P.",
            NOISE_SECTION,
            {"level": _LEVEL, "photons": _PHOTONS, "seed": seeds()},
            holds=_noise_photons,
            examples=6,
        ),
        Law(
            "variances-add",
            "Both parts together: their variances add.",
            NOISE_SECTION,
            {"level": _LEVEL, "std": _STD, "photons": _PHOTONS, "seed": seeds()},
            holds=_noise_both,
            examples=6,
        ),
        Law(
            "each-pixel-its-own",
            "Each pixel's noise depends on its own brightness.",
            NOISE_SECTION,
            {"seed": seeds()},
            holds=_noise_per_pixel,
            examples=3,
        ),
        Law(
            "unbiased",
            "On average x is clean, also at black and white: noise is added and nothing is clamped.",
            NOISE_SECTION,
            {"level": st.sampled_from([0.0, 0.5, 1.0]), "seed": seeds()},
            holds=_noise_mean,
            examples=6,
        ),
        Law(
            "normal",
            "The noise is normally distributed.",
            NOISE_SECTION,
            {"seed": seeds()},
            holds=_noise_normal,
            examples=2,
        ),
        Law(
            "independent",
            "Pixels, channels and images have noise of their own.",
            NOISE_SECTION,
            {"seed": seeds()},
            holds=_noise_independent,
            examples=2,
        ),
        Law(
            "generator",
            "Equal seeds give equal noise, others other noise: chance comes from the generator.",
            NOISE_SECTION,
            {"seed": seeds()},
            holds=_noise_repeats,
            examples=3,
        ),
        Law(
            "below-zero",
            "Values a little below 0 count as 0 under the root.",
            NOISE_SECTION,
            {"seed": seeds()},
            holds=_noise_below_zero,
            examples=2,
        ),
        keeps_the_dtype(NOISE_SECTION, {"z": images()}, _noise),
        unchanged(NOISE_SECTION, {"z": images()}, _noise),
    ),
    NOISE_SECTION,
    (_LIBRARY + "white_noise", _LIBRARY + "Degradation"),
)

EXERCISES = (NOISY,)

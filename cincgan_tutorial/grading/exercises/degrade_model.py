"""Assignment 1, continued: the whole model, and a student's own numbers."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor

from ...degradation import bicubic_downsample, gaussian_kernel
from ...degradation import blur as right_blur
from ..exercise import Exercise
from ..laws import Law, expect, expect_close, expect_is_tensor, expect_shape
from ..strategies import images, seeds
from ..variants import Constants
from .degrade_blur import BLUR_SECTION, single_one
from .degrade_noise import NOISE_SECTION, generator
from .of_many import CHAPTER_1, Answer, expect_own, own_answer, own_number, unchanged

_MODEL = CHAPTER_1 + "One formula"
_LIBRARY = "cincgan_tutorial.degradation."

# The whole model.


def _without_noise(answer: Answer, z: Tensor, k: Tensor, scale: int) -> Tensor:
    x = answer(z, k, scale, 0.0, math.inf, generator(0))
    expect_shape(x, (*z.shape[:2], z.shape[2] // scale, z.shape[3] // scale))
    return x.detach()


def _scene(seed: int, side: int = 48) -> Tensor:
    """Return a picture with soft and fine detail, away from black and white."""
    coarse = torch.rand(1, 3, side // 8, side // 8, generator=generator(seed))
    soft = F.interpolate(coarse, size=(side, side), mode="bilinear")
    return 0.3 + 0.4 * soft + 0.05 * torch.rand(1, 3, side, side, generator=generator(seed + 1))


# A rounded value may lie one level beside another.
_ONE_LEVEL = 1.01 / 255


def _model_kernel_first(answer: Answer, seed: int, down: int, right: int) -> None:
    z, k = _scene(seed), single_one(down, right, 4)
    expected = bicubic_downsample(right_blur(z, k), 4)
    note = "The kernel is in HR pixels: blur before you reduce."
    expect_close(
        _without_noise(answer, z, k, 4), expected, _ONE_LEVEL, f"x for a shift by {(down, right)} HR pixels", note
    )


def _model_shift(answer: Answer, seed: int, down: int, right: int) -> None:
    z = _scene(seed)
    still = _without_noise(answer, z, single_one(0, 0, 4), 4)
    moved = _without_noise(answer, z, single_one(4 * down, 4 * right, 4), 4)
    expected = torch.roll(still, (down, right), (2, 3))[..., 3:-3, 3:-3]
    note = "At scale 4 four HR pixels are one LR pixel."
    got = moved[..., 3:-3, 3:-3]
    expect_close(got, expected, _ONE_LEVEL, f"away from the border, x moved by {(down, right)} LR pixels", note)


def _model_noise_last(answer: Answer, std: int, seed: int) -> None:
    z = torch.full((2, 3, 192, 192), 0.5)
    x = answer(z, single_one(0, 0), 4, float(std), math.inf, generator(seed))
    expect_shape(x, (2, 3, 48, 48))
    expected = math.sqrt(std**2 + 1 / 12)
    note = "Noise that is added before the reduction is averaged away by it."
    what = "the standard deviation of x in 1/255"
    expect_close(255 * x.detach().std(), expected, 0.05 * expected / (1 + expected), what, note)


def _model_photons(answer: Answer, seed: int) -> None:
    z = torch.full((2, 3, 192, 192), 0.6)
    x = answer(z, single_one(0, 0), 4, 0.0, 100, generator(seed))
    expect_shape(x, (2, 3, 48, 48))
    expect_close(x.detach().std(), math.sqrt(0.6 / 100), 0.004, "the standard deviation of x where v = 0.6, P = 100")


def _model_8bit(answer: Answer, seed: int) -> None:
    z = _scene(seed)
    levels = 255 * answer(z, single_one(0, 0), 4, 5.0, 100, generator(seed)).detach()
    note = "Round last, after the noise, to multiples of 1/255: not down."
    expect_close(levels, levels.round(), 1e-3, "255 x", note)
    flat = answer(torch.full((1, 3, 16, 16), 0.4975), single_one(0, 0), 4, 0.0, math.inf, generator(0))
    expect_close(255 * flat.mean(), 127.0, 1e-3, "255 x for a flat picture of 0.4975", note)


def _model_range(answer: Answer, level: float, seed: int) -> None:
    x = answer(torch.full((1, 3, 64, 64), level), single_one(0, 0), 4, 20.0, math.inf, generator(seed))
    expect_is_tensor(x)
    expect(bool(((x >= 0) & (x <= 1)).all()), "values in [0, 1]", x, "A file can't hold what lies below 0 or above 1.")


def _model_repeats(answer: Answer, seed: int) -> None:
    z = _scene(seed)
    first, again, other = (answer(z, single_one(0, 0), 4, 9.0, 100, generator(s)) for s in (seed, seed, seed + 1))
    expect_is_tensor(first)
    expect(torch.equal(first, again), "equal x from generators with equal seeds", "another x")
    expect(not torch.equal(first, other), "another x from a generator with another seed", "the same x")


def _model_scale(answer: Answer, seed: int, scale: int) -> None:
    z, k = _scene(seed), gaussian_kernel((1.5, 1.0), 0.5, size=7)
    expected = bicubic_downsample(right_blur(z, k), scale)
    expect_close(_without_noise(answer, z, k, scale), expected, _ONE_LEVEL, f"x without noise at scale {scale}")


def _model(answer: Answer, z: Tensor) -> Any:
    return answer(z, single_one(1, 0, 1).to(z), 4, 5.0, 100, generator(0))


_WHOLE = st.integers(-1, 1)
DEGRADE = Exercise(
    "degrade",
    1,
    4,
    (
        Law(
            "kernel-in-hr-pixels",
            "The kernel acts on HR pixels: blur comes before the reduction.",
            _MODEL,
            {"seed": seeds(), "down": st.integers(-3, 3), "right": st.integers(-3, 3)},
            holds=_model_kernel_first,
            examples=8,
        ),
        Law(
            "shift-divided-by-scale",
            "A kernel that sits four HR pixels off moves x by one LR pixel, the way it points.",
            _MODEL,
            {"seed": seeds(), "down": _WHOLE, "right": _WHOLE},
            holds=_model_shift,
            examples=8,
        ),
        Law(
            "noise-after-reduction",
            "Noise is added after the reduction: x has all of it.",
            _MODEL,
            {"std": st.integers(4, 20), "seed": seeds()},
            holds=_model_noise_last,
            examples=4,
        ),
        Law(
            "photons",
            "The noise of photons reaches x too.",
            _MODEL,
            {"seed": seeds()},
            holds=_model_photons,
            examples=2,
        ),
        Law(
            "eight-bits",
            "x holds multiples of 1/255, the nearest ones: rounding comes last.",
            _MODEL,
            {"seed": seeds()},
            holds=_model_8bit,
            examples=4,
        ),
        Law(
            "range",
            "x lies in [0, 1], however strong the noise.",
            _MODEL,
            {"level": st.sampled_from([0.0, 1.0]), "seed": seeds()},
            holds=_model_range,
            examples=4,
        ),
        Law(
            "values",
            "Without noise x is the blurred, reduced and rounded picture, at every scale.",
            _MODEL,
            {"seed": seeds(), "scale": st.sampled_from([2, 3, 4])},
            holds=_model_scale,
            examples=6,
        ),
        Law(
            "generator",
            "Equal seeds give equal x, others another.",
            _MODEL,
            {"seed": seeds()},
            holds=_model_repeats,
            examples=3,
        ),
        unchanged(_MODEL, {"z": images(16, 24)}, _model),
    ),
    _MODEL,
    (_LIBRARY + "Degradation", _LIBRARY + "Mixture"),
)


def _shift_is_right(answer: Answer) -> None:
    shift, known = own_answer(answer, 1, "shift")
    expect(isinstance(shift, (tuple, list)) and len(shift) == 2, "shift: two numbers, (down, right)", shift)
    for number, name in zip(shift, ("shift_down", "shift_right"), strict=True):
        right = known[name] / known["scale"]
        expect_own(number, [right], 1e-3, "shift", known, "One LR pixel is as wide as `scale` HR pixels.")


def _noise_of(constants: Constants) -> list[float]:
    return [255 * math.sqrt((constants["std_8bit"] / 255) ** 2 + 0.5 / constants["photons"])]


OWN_DEGRADATION = Exercise(
    "own_degradation",
    1,
    2,
    (
        Law(
            "own-shift",
            "A shift in HR pixels is a shift by a scale-th of it in LR pixels.",
            BLUR_SECTION,
            holds=_shift_is_right,
        ),
        own_number(NOISE_SECTION, 1, "noise", _noise_of, "Add the variances of both parts, then take the root.", 0.02),
    ),
    _MODEL,
)

EXERCISES = (DEGRADE, OWN_DEGRADATION)

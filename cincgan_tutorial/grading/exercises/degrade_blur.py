"""Assignment 1, continued: blur kernel and blur."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor

from ...degradation import blur as right_blur
from ...degradation import gaussian_kernel
from ..exercise import Exercise
from ..laws import Law, expect, expect_close, expect_is_tensor, expect_shape
from ..strategies import images, numbers, tensors
from .of_many import CHAPTER_1, CLOSE, Answer, batch_order_of_images, keeps_the_dtype, unchanged

BLUR_SECTION = CHAPTER_1 + "Blur and shift: one kernel for both"
_LIBRARY = "cincgan_tutorial.degradation."

# The blur kernel.

_Pair = tuple[float, float]


def _kernel(answer: Answer, sigma: _Pair, angle: float, shift: _Pair, size: int) -> Tensor:
    k = answer(sigma, angle, shift, size)
    expect_is_tensor(k, "the kernel")
    expect_shape(k, (size, size), "the kernel")
    return k.detach().double().cpu()


def _moments(k: Tensor) -> tuple[float, float, float, float, float]:
    """Return a kernel's centre (down, right) and its spread: variance down, variance right, covariance."""
    steps = torch.arange(len(k), dtype=torch.float64) - len(k) // 2
    mass = k / k.sum()
    down, right = float((mass.sum(1) * steps).sum()), float((mass.sum(0) * steps).sum())
    d, r = (steps - down)[:, None], (steps - right)[None, :]
    return down, right, float((mass * d * d).sum()), float((mass * r * r).sum()), float((mass * d * r).sum())


def _kernel_size(answer: Answer, sigma: _Pair, angle: float, shift: _Pair, size: int) -> None:
    _kernel(answer, sigma, angle, shift, size)


def _kernel_sum(answer: Answer, sigma: _Pair, angle: float, shift: _Pair, size: int) -> None:
    k = _kernel(answer, sigma, angle, shift, size)
    expect_close(k.sum(), 1.0, CLOSE, "the sum of the kernel", "Is it divided by its own sum?")
    expect(bool((k >= 0).all()), "no element below 0", k)


def _kernel_centre(answer: Answer, shift: _Pair) -> None:
    down, right, *_ = _moments(_kernel(answer, (1.0, 1.0), 0.0, shift, 15))
    expect_close(torch.tensor([down, right]), torch.tensor(shift), 0.02, "the centre of mass as (down, right)")


def _kernel_widths(answer: Answer, sigma: _Pair) -> None:
    _, _, down, right, _ = _moments(_kernel(answer, sigma, 0.0, (0.0, 0.0), 21))
    expected = torch.tensor([sigma[1] ** 2, sigma[0] ** 2])
    note = "At angle 0 sigma_1 lies to the right. Is there the factor 1/2, and are the sigmas squared?"
    expect_close(torch.tensor([down, right]), expected, 0.02, "the variances (down, right) at angle 0", note)


def _kernel_angle(answer: Answer, angle: float) -> None:
    *_, down, right, both = _moments(_kernel(answer, (2.0, 1.0), angle, (0.0, 0.0), 21))
    cos, sin = math.cos(angle), math.sin(angle)
    expected = torch.tensor([4 * sin**2 + cos**2, 4 * cos**2 + sin**2, 3 * sin * cos])
    note = "A positive angle turns the long side from the right towards the bottom."
    expect_close(torch.tensor([down, right, both]), expected, 0.02, "variance down, right, and their covariance", note)


def _kernel_symmetry(answer: Answer, sigma: _Pair, angle: float, size: int) -> None:
    k = _kernel(answer, sigma, angle, (0.0, 0.0), size)
    expect_close(k.flip(0, 1), k, CLOSE / 10, "the kernel turned by 180 degrees", "Is the middle at element size // 2?")


def _kernel_values(answer: Answer, sigma: _Pair, angle: float, shift: _Pair, size: int) -> None:
    k = _kernel(answer, sigma, angle, shift, size)
    expect_close(k, gaussian_kernel(sigma, angle, shift, size), CLOSE / 10, "the kernel")


_SIGMA = st.tuples(numbers(1.0, 2.6), numbers(1.0, 2.6))
_SHIFT = st.tuples(numbers(-2, 2), numbers(-2, 2))
_ANGLE = numbers(0, 3)
_ODD = st.integers(1, 6).map(lambda half: 2 * half + 1)
_ANY_KERNEL = {"sigma": _SIGMA, "angle": _ANGLE, "shift": _SHIFT, "size": _ODD}
GAUSSIAN_KERNEL = Exercise(
    "gaussian_kernel",
    1,
    4,
    (
        Law(
            "size", "The kernel has the shape (size, size).", BLUR_SECTION, _ANY_KERNEL, holds=_kernel_size, examples=5
        ),
        Law(
            "sums-to-one",
            "The kernel's elements are not negative and add up to 1: it is normalised.",
            BLUR_SECTION,
            _ANY_KERNEL,
            holds=_kernel_sum,
            examples=15,
        ),
        Law(
            "centre",
            "The bell's centre lies `shift` = (down, right) from the middle element.",
            BLUR_SECTION,
            {"shift": _SHIFT},
            holds=_kernel_centre,
            examples=15,
        ),
        Law(
            "widths",
            "At angle 0 the variance is sigma_1^2 to the right and sigma_2^2 downwards.",
            BLUR_SECTION,
            {"sigma": _SIGMA},
            holds=_kernel_widths,
            examples=15,
        ),
        Law(
            "angle",
            "The angle turns the bell from the right towards the bottom, in radians.",
            BLUR_SECTION,
            {"angle": _ANGLE},
            holds=_kernel_angle,
            examples=15,
        ),
        Law(
            "symmetric",
            "Without a shift the kernel is the same when turned by 180 degrees.",
            BLUR_SECTION,
            {"sigma": _SIGMA, "angle": _ANGLE, "size": _ODD},
            holds=_kernel_symmetry,
            examples=10,
        ),
        Law(
            "values",
            "The values are those of the bell, divided by their sum.",
            BLUR_SECTION,
            _ANY_KERNEL,
            holds=_kernel_values,
            examples=15,
        ),
    ),
    BLUR_SECTION,
    (_LIBRARY + "gaussian_kernel", _LIBRARY + "Draw"),
)


# Blur.


def single_one(down: int, right: int, half: int = 2) -> Tensor:
    """Return a kernel of zeros with a one that lies so far from its middle."""
    k = torch.zeros(2 * half + 1, 2 * half + 1)
    k[half + down, half + right] = 1
    return k


def _blur_size(answer: Answer, z: Tensor, k: Tensor) -> None:
    expect_shape(answer(z, k), tuple(z.shape))


def _blur_nothing(answer: Answer, z: Tensor) -> None:
    expect_close(
        answer(z, single_one(0, 0).to(z)), z, CLOSE, "a picture blurred with a single one in the kernel's middle"
    )


def _blur_moves(answer: Answer, z: Tensor, down: int, right: int) -> None:
    moved = answer(z, single_one(down, right).to(z))
    expect_shape(moved, tuple(z.shape))
    inner = moved[..., 2:-2, 2:-2]
    expected = torch.roll(z, (down, right), (2, 3))[..., 2:-2, 2:-2]
    note = "conv2d correlates: it moves the picture the other way. Or are down and right swapped?"
    expect_close(inner, expected, CLOSE, f"away from the border, the picture moved by {(down, right)}", note)


def _blur_border(answer: Answer, z: Tensor, down: int, right: int) -> None:
    expected = F.pad(z, (2, 2, 2, 2), mode="reflect")[..., 2 - down :, 2 - right :][..., : z.shape[2], : z.shape[3]]
    note = "Reflected, the last pixel not repeated: z2 z1 | z0 z1 z2. Not zeros."
    expect_close(
        answer(z, single_one(down, right).to(z)), expected, CLOSE, f"the picture moved by {(down, right)}", note
    )


def _blur_channels(answer: Answer, z: Tensor, k: Tensor, channel: int) -> None:
    only = torch.zeros_like(z)
    only[:, channel] = z[:, channel]
    together, alone = answer(z, k), answer(only, k)
    expect_shape(together, tuple(z.shape))
    expected = torch.zeros_like(z)
    expected[:, channel] = together[:, channel]
    expect_close(alone, expected, CLOSE, "a picture in which one channel is not 0, blurred")


def _blur_kernel_linear(answer: Answer, z: Tensor, k: Tensor) -> None:
    once = answer(z, k)
    expect_is_tensor(once)
    note = "Is the kernel normalised again, or the result clamped?"
    expect_close(answer(z, -3 * k), -3 * once, CLOSE, "the picture blurred with -3 times the kernel", note)


def _blur_values(answer: Answer, z: Tensor, k: Tensor) -> None:
    expect_close(answer(z, k), right_blur(z, k), CLOSE, "the blurred picture")


def _blur(answer: Answer, z: Tensor, **drawn: Any) -> Any:
    return answer(z, (drawn["k"] if "k" in drawn else single_one(1, -1)).to(z))


_PICTURE = images((5, 8), (5, 8), channels=(1, 3))
_KERNEL = st.sampled_from([3, 5]).flatmap(lambda side: tensors(side, side))
_STEP = st.integers(-2, 2)
BLUR = Exercise(
    "blur",
    1,
    4,
    (
        Law(
            "size",
            "The picture keeps its size.",
            BLUR_SECTION,
            {"z": _PICTURE, "k": _KERNEL},
            holds=_blur_size,
            examples=10,
        ),
        Law(
            "middle-does-nothing",
            "A kernel with a single 1 in its middle leaves the picture as it is.",
            BLUR_SECTION,
            {"z": _PICTURE},
            holds=_blur_nothing,
            examples=8,
        ),
        Law(
            "moves-where-the-kernel-points",
            "A kernel whose 1 lies to the lower right moves the picture to the lower right:"
            " a convolution, not a correlation.",
            BLUR_SECTION,
            {"z": _PICTURE, "down": _STEP, "right": _STEP},
            holds=_blur_moves,
        ),
        Law(
            "border-is-reflected",
            "Beyond the border the picture is reflected, its last pixel not repeated.",
            BLUR_SECTION,
            {"z": _PICTURE, "down": _STEP, "right": _STEP},
            holds=_blur_border,
        ),
        Law(
            "channels-apart",
            "Each channel is blurred by itself: none leaks into another.",
            BLUR_SECTION,
            {"z": images(5, 6), "k": _KERNEL, "channel": st.integers(0, 2)},
            holds=_blur_channels,
            examples=10,
        ),
        Law(
            "kernel-as-given",
            "The kernel is used as it is given: -3 times the kernel gives -3 times the result.",
            BLUR_SECTION,
            {"z": _PICTURE, "k": _KERNEL},
            holds=_blur_kernel_linear,
            examples=10,
        ),
        Law(
            "values",
            "The values are those of the convolution.",
            BLUR_SECTION,
            {"z": _PICTURE, "k": _KERNEL},
            holds=_blur_values,
            examples=15,
        ),
        batch_order_of_images(BLUR_SECTION, {"z": _PICTURE, "k": _KERNEL}, _blur),
        keeps_the_dtype(BLUR_SECTION, {"z": _PICTURE, "k": _KERNEL}, _blur),
        unchanged(BLUR_SECTION, {"z": _PICTURE, "k": _KERNEL}),
    ),
    BLUR_SECTION,
    (_LIBRARY + "blur",),
)

EXERCISES = (GAUSSIAN_KERNEL, BLUR)

"""Assignment 1: cubic kernel and reduction. The rest is in `degrade_blur`, `degrade_noise` and `degrade_model`."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from ...degradation import bicubic_downsample as right_reduction
from ..exercise import Exercise
from ..laws import Law, expect_close, expect_is_tensor, expect_like, expect_shape
from ..strategies import images, numbers, tensors
from .degrade_blur import EXERCISES as BLURRING
from .degrade_model import EXERCISES as MODEL
from .degrade_noise import EXERCISES as NOISE
from .of_many import CHAPTER_1, CLOSE, Answer, batch_order_of_images, keeps_the_dtype, unchanged

_REDUCTION = CHAPTER_1 + "Reduction: the part everyone agrees on"
_LIBRARY = "cincgan_tutorial.degradation."


# The cubic kernel.


def _at(answer: Answer, *places: float) -> Any:
    return answer(torch.tensor(places))


def _interpolates(answer: Answer) -> None:
    expect_close(_at(answer, 0.0, 1.0, -1.0, 2.0, -2.0), torch.tensor([1.0, 0, 0, 0, 0]), CLOSE, "w at 0, 1, -1, 2, -2")


def _is_keys(answer: Answer) -> None:
    note = "With a = -3/4, as PyTorch has it by default, other values come out."
    expect_close(_at(answer, 0.5, 1.5), torch.tensor([9 / 16, -1 / 16]), CLOSE, "w at 1/2 and 3/2", note)


def _ends_at_two(answer: Answer, t: Tensor) -> None:
    expect_close(answer(t), torch.zeros_like(t), CLOSE, "w beyond 2")


def _is_even(answer: Answer, t: Tensor) -> None:
    right = answer(t)
    expect_is_tensor(right)
    expect_close(answer(-t), right, CLOSE, "w(-t)", "The kernel depends on |t| alone.")


def _adds_up(answer: Answer, t: Tensor) -> None:
    around = torch.arange(-3.0, 4.0).to(t)
    values = answer(t[:, None] + around)
    expect_is_tensor(values)
    expect_shape(values, (len(t), 7))
    expect_close(values.sum(1), torch.ones_like(t), CLOSE, "the sum of w at t-3, t-2, ..., t+3")


def _cubic_value(t: Tensor) -> Tensor:
    far = ((-0.5 * t.abs() + 2.5) * t.abs() - 4) * t.abs() + 2
    near = (1.5 * t.abs() - 2.5) * t.abs() ** 2 + 1
    return torch.where(t.abs() <= 1, near, torch.where(t.abs() < 2, far, 0 * t))


def _follows_the_formula(answer: Answer, t: Tensor) -> None:
    expect_close(answer(t), _cubic_value(t), CLOSE, "w(t)")


def _keeps_shape(answer: Answer, t: Tensor) -> None:
    for kind in (torch.float32, torch.float64):
        for places in (t.to(kind), t[0, 0].to(kind)):
            values = answer(places)
            expect_shape(values, tuple(places.shape))
            expect_like(values, places)


_ANY = {"t": tensors((1, 6), low=-3, high=3)}
CUBIC = Exercise(
    "cubic",
    1,
    2,
    (
        Law(
            "one-at-zero",
            "w is 1 at 0 and 0 at 1, -1, 2 and -2: it leaves given pixels alone.",
            _REDUCTION,
            holds=_interpolates,
        ),
        Law(
            "a-is-minus-half",
            "w(1/2) = 9/16 and w(3/2) = -1/16: Keys' kernel with a = -1/2.",
            _REDUCTION,
            holds=_is_keys,
        ),
        Law(
            "zero-beyond-two",
            "w is 0 wherever |t| is 2 or more.",
            _REDUCTION,
            {"t": tensors((1, 6), low=2, high=9)},
            holds=_ends_at_two,
        ),
        Law("even", "w(-t) = w(t), for negative t too.", _REDUCTION, _ANY, holds=_is_even),
        Law(
            "adds-up-to-one",
            "At whole-number steps the values of w add up to 1: a flat picture stays flat.",
            _REDUCTION,
            {"t": tensors((1, 6))},
            holds=_adds_up,
        ),
        Law(
            "values",
            "w(t) follows the two polynomials, each on its interval of |t|.",
            _REDUCTION,
            _ANY,
            holds=_follows_the_formula,
        ),
        Law(
            "shape-and-dtype",
            "The result has the shape and the dtype of t, also where t has two axes or none.",
            _REDUCTION,
            {"t": tensors((1, 3), (1, 3), low=-3, high=3)},
            holds=_keeps_shape,
            examples=5,
        ),
        unchanged(_REDUCTION, _ANY),
    ),
    _REDUCTION,
    (_LIBRARY + "cubic",),
)


# Reduction.


def _has_the_size(answer: Answer, z: Tensor, scale: int) -> None:
    n, c, h, w = z.shape
    large = z.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    expect_shape(answer(large, scale), (n, c, h, w))


def _keeps_flat(answer: Answer, level: float, scale: int) -> None:
    z = torch.full((1, 3, 3 * scale, 4 * scale), level)
    note = "Do the weights of each new pixel add up to 1, at the border too?"
    expect_close(answer(z, scale), torch.full((1, 3, 3, 4), level), CLOSE, "a flat picture, reduced", note)


def _sits_in_the_middle(answer: Answer, scale: int, down: bool) -> None:
    side = 9 * scale
    line = torch.arange(float(side)) / side
    z = (line[:, None] if down else line[None, :]).expand(1, 3, side, side)
    small = answer(z, scale)
    expect_shape(small, (1, 3, 9, 9))
    middle = small[0, 0, 2:7, 4] if down else small[0, 0, 4, 2:7]
    expected = ((torch.arange(2, 7) + 0.5) * scale - 0.5) / side
    note = "New pixel i sits at (i + 1/2) s - 1/2: half a new pixel from the edge, not at the edge."
    expect_close(middle, expected, CLOSE, f"{'rows' if down else 'columns'} 2 to 6 of a slope", note)


def _counts_every_pixel(answer: Answer, scale: int, place: tuple[int, int]) -> None:
    side = 9 * scale
    z = torch.zeros(1, 3, side, side)
    z[..., 4 * scale + place[0] % scale, 4 * scale + place[1] % scale] = 1
    small = answer(z, scale)
    expect_is_tensor(small)
    note = "Without antialiasing most pixels are skipped and a few count too much. Is the kernel stretched by s?"
    expect_close(small.sum() / 3, 1 / scale**2, CLOSE, "the sum over the reduced picture of one bright pixel", note)


def _mirrors(answer: Answer, z: Tensor, axis: int) -> None:
    z, scale = z.repeat_interleave(2, 2), 2
    small = answer(z, scale)
    expect_is_tensor(small)
    wide = answer(torch.cat([z.flip(axis), z, z.flip(axis)], axis), scale)
    expect_is_tensor(wide)
    size = z.shape[axis] // scale
    note = (
        "The last pixel is included: z1 z0 | z0 z1. Not zeros, not the last pixel over and over, not weights cut off."
    )
    expect_close(small, wide.narrow(axis, size, size), CLOSE, "a picture reduced, and its mirrored extension", note)


def _axes_alike(answer: Answer, z: Tensor, scale: int) -> None:
    z = z.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    small = answer(z, scale)
    expect_is_tensor(small)
    expect_close(answer(z.mT.contiguous(), scale), small.mT, CLOSE, "the transposed picture, reduced")


def _flips(answer: Answer, z: Tensor, scale: int) -> None:
    z = z.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    small = answer(z, scale)
    expect_is_tensor(small)
    turned = answer(z.flip(2, 3), scale)
    expect_close(turned, small.flip(2, 3), CLOSE, "the picture turned by 180 degrees, reduced")


def _is_linear(answer: Answer, z: Tensor, scale: int) -> None:
    z = z.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    small = answer(z, scale)
    expect_is_tensor(small)
    note = "Is the result clamped or rounded?"
    expect_close(answer(-3 * z, scale), -3 * small, CLOSE, "-3 times the picture, reduced", note)


def _reduces_right(answer: Answer, z: Tensor) -> None:
    scale = 4 if z.shape[2] % 4 == 0 and z.shape[3] % 4 == 0 else 2
    z = z.repeat_interleave(2, 2).repeat(1, 1, 1, 2)
    expect_close(answer(z, scale), right_reduction(z, scale), CLOSE, f"the picture reduced by {scale}")


def _reduce(answer: Answer, z: Tensor) -> Any:
    return answer(z, 2)


_SCALES = st.integers(2, 4)
_SMALL = {"z": images((2, 5), (2, 5), channels=(1, 3)), "scale": _SCALES}
BICUBIC_DOWNSAMPLE = Exercise(
    "bicubic_downsample",
    1,
    5,
    (
        Law(
            "size",
            "(n, c, h, w) becomes (n, c, h/scale, w/scale).",
            _REDUCTION,
            _SMALL,
            holds=_has_the_size,
            examples=10,
        ),
        Law(
            "flat-stays-flat",
            "A flat picture stays flat up to the border: the weights of a new pixel add up to 1.",
            _REDUCTION,
            {"level": numbers(0, 1), "scale": _SCALES},
            holds=_keeps_flat,
            examples=8,
        ),
        Law(
            "antialiasing",
            "Every pixel of z counts equally, wherever it lies: none is skipped (antialiasing).",
            _REDUCTION,
            {"scale": _SCALES, "place": st.tuples(st.integers(0, 3), st.integers(0, 3))},
            holds=_counts_every_pixel,
        ),
        Law(
            "centres",
            "New pixel i sits at (i + 1/2) s - 1/2 of the old ones.",
            _REDUCTION,
            {"scale": _SCALES, "down": st.booleans()},
            holds=_sits_in_the_middle,
            examples=8,
        ),
        Law(
            "border-is-mirrored",
            "Beyond the border the picture goes on mirrored, its last pixel included.",
            _REDUCTION,
            {"z": images((2, 5), 8), "axis": st.sampled_from([2, 3])},
            holds=_mirrors,
            examples=10,
        ),
        Law(
            "rows-and-columns-alike",
            "Rows and columns are treated alike: a transposed picture comes out transposed.",
            _REDUCTION,
            _SMALL,
            holds=_axes_alike,
            examples=10,
        ),
        Law(
            "both-ends-alike",
            "A picture turned by 180 degrees comes out turned: both ends are treated alike.",
            _REDUCTION,
            _SMALL,
            holds=_flips,
            examples=10,
        ),
        Law(
            "not-clamped",
            "-3 times the picture gives -3 times the result: nothing is clamped or rounded.",
            _REDUCTION,
            _SMALL,
            holds=_is_linear,
            examples=10,
        ),
        Law(
            "values",
            "The values are those of the stretched cubic kernel.",
            _REDUCTION,
            {"z": images((4, 8), (4, 8)).map(lambda z: z[:, :, : z.shape[2] // 2 * 2, : z.shape[3] // 2 * 2])},
            holds=_reduces_right,
            examples=15,
        ),
        batch_order_of_images(_REDUCTION, {"z": images(4, 6)}, _reduce),
        keeps_the_dtype(_REDUCTION, {"z": images(4, 6)}, _reduce),
        unchanged(_REDUCTION, {"z": images(4, 6)}, _reduce),
    ),
    _REDUCTION,
    (_LIBRARY + "bicubic_downsample", _LIBRARY + "resize", _LIBRARY + "resize_matrix", _LIBRARY + "cubic"),
)

EXERCISES = (CUBIC, BICUBIC_DOWNSAMPLE, *BLURRING, *NOISE, *MODEL)

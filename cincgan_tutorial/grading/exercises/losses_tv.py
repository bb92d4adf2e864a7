"""Assignment 2, continued: total variation, in either of the readings that the task allows."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor

from ..exercise import Exercise
from ..laws import Law, expect_close, expect_number
from ..strategies import images, numbers
from .of_many import (
    CHAPTER_3,
    CLOSE,
    Answer,
    batch_order_of_a_loss,
    finite_differences,
    mean_not_sum,
    one_number,
    unchanged,
)

_TV = CHAPTER_3 + "The total variation term"
_EITHER = "The sum of two means, or the mean of a sum over the pixels that have both neighbours."


def readings(z: Tensor) -> tuple[Tensor, Tensor]:
    """Return the total variation as the sum of two means, and as the mean of a sum."""
    down, right = z.diff(dim=2).square(), z.diff(dim=3).square()
    return down.mean() + right.mean(), (down[..., :-1] + right[..., :-1, :]).mean()


def expect_variation(got: object, z: Tensor, weight: float = 1.0, what: str = "the total variation") -> None:
    """Raise `Broken` unless a number is ``weight`` times the total variation of z, in either reading."""
    number = expect_number(got, what)
    one, other = (weight * float(value) for value in readings(z))
    nearer = one if abs(number - one) <= abs(number - other) else other
    expect_close(number, nearer, CLOSE, what)


def _flat(answer: Answer, level: float) -> None:
    note = "Neighbours that are equal do not differ. Is there a difference across the border, to zeros?"
    expect_close(answer(torch.full((2, 3, 3, 4), level)), 0.0, CLOSE, f"a flat picture of {level}", note)


def _slope(answer: Answer, step: float, down: bool) -> None:
    line = step * torch.arange(5.0)
    z = (line[:, None] if down else line[None, :]).expand(2, 3, 5, 5).contiguous()
    way = "downwards" if down else "to the right"
    note = "Both directions count, each with its own mean. No difference across the border, back to the first pixel."
    expect_close(answer(z), step * step, CLOSE, f"a picture that rises by {step} a pixel {way}", note)


def _channels(answer: Answer, a: float, b: float) -> None:
    z = torch.tensor([0.0, a, b]).view(1, 3, 1, 1).expand(2, 3, 3, 4).contiguous()
    z = z + torch.tensor([0.0, 0.5]).view(2, 1, 1, 1)
    note = "Differences between channels, or between images, do not count: mind the axes."
    expect_close(answer(z), 0.0, CLOSE, "pictures that are flat in each channel", note)


def _square(answer: Answer, z: Tensor, gain: float) -> None:
    once = expect_number(answer(z), "the total variation")
    note = "Differences are squared, so twice the contrast costs four times as much. No absolute value, no root."
    expect_close(answer(gain * z), gain * gain * once, CLOSE, f"{gain} times the picture", note)


def _brightness(answer: Answer, z: Tensor, level: float) -> None:
    once = expect_number(answer(z), "the total variation")
    expect_close(answer(z + level), once, CLOSE, f"the picture, {level} brighter")


def _transposed(answer: Answer, z: Tensor) -> None:
    once = expect_number(answer(z), "the total variation")
    note = "Both directions weigh the same. One mean over all differences would count a wide picture's rows more."
    expect_close(answer(z.mT.contiguous()), once, CLOSE, "the picture with rows and columns exchanged", note)


def _stripes(answer: Answer, rows: int, columns: int) -> None:
    z = (torch.arange(columns) % 2).float().expand(1, 3, rows, columns).contiguous()
    note = "A mean for each direction: not one mean over the differences of both, and not half of it."
    expect_close(answer(z), 1.0, CLOSE, "upright stripes of 0 and 1", note)


def _value(answer: Answer, z: Tensor) -> None:
    expect_variation(answer(z), z)


_Z = {"z": images((2, 6), (2, 6))}
_SIZE = st.integers(2, 7)
TOTAL_VARIATION = Exercise(
    "total_variation",
    2,
    4,
    (
        Law(
            "flat-is-zero",
            "A flat picture has none, at its border either.",
            _TV,
            {"level": numbers(0, 1)},
            holds=_flat,
            examples=5,
        ),
        Law(
            "both-directions",
            "An even slope of d a pixel has the total variation d^2, whether it rises downwards or to the right.",
            _TV,
            {"step": numbers(-1, 1), "down": st.booleans()},
            holds=_slope,
        ),
        Law(
            "not-across-channels",
            "Only neighbours in the picture count: no difference between channels or images.",
            _TV,
            {"a": numbers(0, 1), "b": numbers(0, 1)},
            holds=_channels,
            examples=5,
        ),
        Law(
            "square",
            "Twice the contrast costs four times as much: differences are squared.",
            _TV,
            {**_Z, "gain": numbers(-2, 3)},
            holds=_square,
            examples=15,
        ),
        Law(
            "one-mean-each",
            "Stripes of 0 and 1 have the total variation 1, whatever the size: each direction has its own mean.",
            _TV,
            {"rows": _SIZE, "columns": _SIZE},
            holds=_stripes,
            examples=15,
            allowed=_EITHER,
        ),
        Law(
            "rows-and-columns-alike",
            "Exchanging rows and columns changes nothing.",
            _TV,
            _Z,
            holds=_transposed,
            examples=15,
        ),
        Law(
            "ignores-brightness",
            "A brighter picture has the same total variation.",
            _TV,
            {**_Z, "level": numbers(-1, 1)},
            holds=_brightness,
            examples=10,
        ),
        mean_not_sum(_TV, _Z),
        Law("values", "The value is that of the formula.", _TV, _Z, holds=_value, allowed=_EITHER),
        batch_order_of_a_loss(_TV, _Z),
        finite_differences(_TV, _Z),
        one_number(_TV, _Z),
        unchanged(_TV, _Z),
    ),
    _TV,
    ("cincgan_tutorial.losses.total_variation",),
)

EXERCISES = (TOTAL_VARIATION,)

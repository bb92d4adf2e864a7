"""Assignment 2: the game, the cycle and the identity. The rest is in `losses_tv`, `losses_total` and `losses_judge`."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor

from ..exercise import Exercise
from ..laws import Law, expect, expect_close, expect_is_tensor, expect_like, expect_shape
from ..strategies import images, numbers, scores
from ..toys import Affine
from .losses_judge import EXERCISES as JUDGE
from .losses_total import EXERCISES as TOTAL
from .losses_tv import EXERCISES as VARIATION
from .of_many import (
    CHAPTER_2,
    CHAPTER_3,
    CLOSE,
    Answer,
    batch_order_of_a_loss,
    finite_differences,
    mean_not_sum,
    one_number,
    unchanged,
)

_GAME = CHAPTER_2 + "A judge instead of a target"
_CYCLE = CHAPTER_3 + "The cycle term"
_IDENTITY = CHAPTER_3 + "The identity term"
_LIBRARY = "cincgan_tutorial.losses."


# The generator's loss.


def _full(level: float) -> Tensor:
    return torch.full((2, 1, 2, 3), level)


def _pleased(answer: Answer) -> None:
    note = "The generator wants its fakes to be called real, and real is 1."
    expect_close(answer(_full(1.0)), 0.0, CLOSE, "the loss where D says 1", note)
    expect_close(answer(_full(0.0)), 1.0, CLOSE, "the loss where D says 0", note)


def _both_sides_of_one(answer: Answer, d: float) -> None:
    above = answer(_full(1 + d))
    expect_is_tensor(above, "the loss")
    expect_close(answer(_full(1 - d)), above, CLOSE, f"the loss where D says 1 - {d}, and where it says 1 + {d}")


def _squares(answer: Answer, d: float) -> None:
    note = "Twice as far from 1 costs four times as much: there is a square, and no root around it."
    expect_close(answer(_full(1 + 2 * d)), 4 * d * d, CLOSE, f"the loss where D says {1 + 2 * d}", note)


def _generator_value(answer: Answer, scores: Tensor) -> None:
    expect_close(answer(scores), (scores - 1).square().mean(), CLOSE, "the loss")


_SCORES = {"scores": scores()}
GENERATOR_LOSS = Exercise(
    "generator_loss",
    2,
    1,
    (
        Law("real-is-one", "The loss is 0 where D says 1, real, and 1 where it says 0.", _GAME, holds=_pleased),
        Law(
            "square", "Scores twice as far from 1 cost four times as much.", _GAME, {"d": numbers(0, 2)}, holds=_squares
        ),
        Law(
            "both-sides",
            "Scores above 1 cost as much as scores equally far below 1.",
            _GAME,
            {"d": numbers(0, 2)},
            holds=_both_sides_of_one,
        ),
        mean_not_sum(_GAME, _SCORES),
        Law("values", "The loss is the mean of (D - 1)^2.", _GAME, _SCORES, holds=_generator_value),
        batch_order_of_a_loss(_GAME, _SCORES),
        finite_differences(_GAME, _SCORES),
        one_number(_GAME, _SCORES),
        unchanged(_GAME, _SCORES),
    ),
    _GAME,
    (_LIBRARY + "judged_real",),
)


# The discriminator's loss.


def _judge_right(answer: Answer) -> None:
    note = "D should say 1 for real and 0 for fake. Are the two swapped?"
    expect_close(answer(_full(1.0), _full(0.0)), 0.0, CLOSE, "the loss of a judge that is always right", note)
    expect_close(answer(_full(0.0), _full(1.0)), 2.0, CLOSE, "the loss of a judge that is always wrong", note)


def _judge_chance(answer: Answer) -> None:
    note = "A quarter for the real ones and a quarter for the fakes, added; no factor one half."
    expect_close(answer(_full(0.5), _full(0.5)), 0.5, CLOSE, "the loss of a judge that says 1/2 to everything", note)


def _judge_squares(answer: Answer, d: float) -> None:
    note = "There is a square in each of the two parts, and no root around it."
    expect_close(
        answer(_full(1 - 2 * d), _full(0.0)), 4 * d * d, CLOSE, f"the loss where D calls real {1 - 2 * d}", note
    )
    expect_close(answer(_full(1.0), _full(2 * d)), 4 * d * d, CLOSE, f"the loss where D calls fake {2 * d}", note)


def _judge_two_means(answer: Answer, real: Tensor, fake: Tensor, more: int) -> None:
    once = answer(real, fake)
    expect_is_tensor(once, "the loss")
    note = "Each batch has a mean of its own: a larger batch of fakes does not weigh more."
    expect_close(
        answer(real, fake.repeat(more, 1, 1, 1)), once, CLOSE, f"the loss when every fake comes {more} times", note
    )


def _judge_value(answer: Answer, real: Tensor, fake: Tensor) -> None:
    expect_close(answer(real, fake), (real - 1).square().mean() + fake.square().mean(), CLOSE, "the loss")


def _judge_slopes(answer: Answer, real: Tensor, fake: Tensor) -> None:
    real, fake = real.requires_grad_(), fake.requires_grad_()
    loss = answer(real, fake)
    expect_is_tensor(loss, "the loss")
    note = "Is one of the two cut off, by detach, item or no_grad?"
    expect(loss.requires_grad, "a loss through which a gradient can flow back", "a loss without a gradient", note)
    of_real, of_fake = torch.autograd.grad(loss, [real, fake], allow_unused=True)
    for name, got, right in (
        ("the real scores", of_real, 2 * (real - 1) / real.numel()),
        ("the fake scores", of_fake, 2 * fake / fake.numel()),
    ):
        expect(got is not None, f"a gradient in {name}", "none", note)
        expect_close(got, right, CLOSE, f"the gradient in {name}", note)


_BOTH = {"real": scores(), "fake": scores()}
DISCRIMINATOR_LOSS = Exercise(
    "discriminator_loss",
    2,
    2,
    (
        Law(
            "real-is-one-fake-is-zero",
            "The loss is 0 for a judge that says 1 to real and 0 to fake, and 2 for one that says the opposite.",
            _GAME,
            holds=_judge_right,
        ),
        Law("chance-is-half", "The loss is 0.5 for a judge that says 1/2 to everything.", _GAME, holds=_judge_chance),
        Law(
            "square",
            "An error twice as large costs four times as much.",
            _GAME,
            {"d": numbers(0, 2)},
            holds=_judge_squares,
        ),
        Law(
            "two-means",
            "Real patches and fakes have a mean each, also where there are more of one kind.",
            _GAME,
            {**_BOTH, "more": st.integers(2, 4)},
            holds=_judge_two_means,
        ),
        mean_not_sum(_GAME, _BOTH),
        Law(
            "values", "The loss is the mean of (real - 1)^2 plus the mean of fake^2.", _GAME, _BOTH, holds=_judge_value
        ),
        Law(
            "gradient", "A gradient flows back to both kinds of scores.", _GAME, _BOTH, holds=_judge_slopes, examples=8
        ),
        batch_order_of_a_loss(_GAME, _BOTH),
        one_number(_GAME, _BOTH),
        unchanged(_GAME, _BOTH),
    ),
    _GAME,
    (_LIBRARY + "discriminator_loss", _LIBRARY + "judged_real", _LIBRARY + "judged_fake"),
)


# The cycle. G1 doubles and adds a, G2 halves and adds b: how far the cycle is from closed is then known.


def _cycle_closed(answer: Answer, x: Tensor, a: float) -> None:
    note = "G1 first, then G2, and the result compared with x itself."
    expect_close(answer(Affine(2.0, a), Affine(0.5, -a / 2), x), 0.0, CLOSE, "the loss where G2 undoes G1", note)


def _cycle_order(answer: Answer, x: Tensor, a: float, b: float) -> None:
    note = "G2(G1(x)), not G1(G2(x)), and compared with x, not with G1(x)."
    expect_close(answer(Affine(2.0, a), Affine(0.5, b), x), (a / 2 + b) ** 2, CLOSE, "the loss", note)


def _cycle_squares(answer: Answer, x: Tensor, d: float) -> None:
    note = "Squared, not absolute, and no root around the mean."
    expect_close(
        answer(Affine(1.0, 0.0), Affine(1.0, 2 * d), x), 4 * d * d, CLOSE, f"the loss where all is {2 * d} off", note
    )


def _cycle_mean(answer: Answer, x: Tensor, d: float) -> None:
    off = answer(Affine(1.0, 0.0), Affine(0.0, d), x)
    expect_close(
        off, (d - x).square().mean(), CLOSE, f"the loss where G2 makes everything {d}", "A mean over everything."
    )


def _cycle_moves_both(answer: Answer, x: Tensor, a: float, b: float) -> None:
    G1, G2 = Affine(2.0, a), Affine(0.5, b)
    loss = answer(G1, G2, x)
    expect_is_tensor(loss, "the loss")
    note = "Is something on the way detached, or inside no_grad?"
    expect(loss.requires_grad, "a loss through which a gradient can flow back", "a loss without a gradient", note)
    off = a / 2 + b
    of_G1, of_G2 = torch.autograd.grad(loss, [G1.offset, G2.offset], allow_unused=True)
    for name, got, right in (("G1", of_G1, off), ("G2", of_G2, 2 * off)):
        expect(got is not None, f"a gradient in {name}", "none", note)
        expect_close(got, right, CLOSE, f"the gradient in the number that {name} adds", note)


_IMAGES = images((1, 4), (1, 4))
_X = {"x": _IMAGES}
_PART = numbers(-1, 1)
CYCLE_LOSS = Exercise(
    "cycle_loss",
    2,
    2,
    (
        Law(
            "closed",
            "The loss is 0 where G2 undoes what G1 does.",
            _CYCLE,
            {"x": _IMAGES, "a": _PART},
            holds=_cycle_closed,
            examples=10,
        ),
        Law(
            "g1-then-g2",
            "x goes through G1, then through G2, and is compared with itself.",
            _CYCLE,
            {"x": _IMAGES, "a": _PART, "b": _PART},
            holds=_cycle_order,
            examples=15,
        ),
        Law(
            "square",
            "An error twice as large costs four times as much.",
            _CYCLE,
            {"x": _IMAGES, "d": numbers(0, 1)},
            holds=_cycle_squares,
            examples=10,
        ),
        Law(
            "mean-not-sum",
            "A mean, not a sum: over images, channels and pixels.",
            _CYCLE,
            {"x": _IMAGES, "d": _PART},
            holds=_cycle_mean,
            examples=10,
        ),
        Law(
            "moves-both",
            "G1 and G2 are both taught by it: a gradient reaches each.",
            _CYCLE,
            {"x": _IMAGES, "a": _PART, "b": _PART},
            holds=_cycle_moves_both,
            examples=10,
        ),
        unchanged(_CYCLE, _X, lambda answer, x: answer(Affine(1.0, 0.5), Affine(1.0, 0.0), x)),
    ),
    _CYCLE,
    (_LIBRARY + "distance", "cincgan_tutorial.cycle_one.cycle_one"),
)


# The identity.


def _identity_kept(answer: Answer, y: Tensor) -> None:
    expect_close(answer(Affine(1.0, 0.0), y), 0.0, CLOSE, "the loss where G1 leaves y alone")


def _identity_absolute(answer: Answer, y: Tensor, d: float) -> None:
    note = "Absolute, not squared: all that is 0.5 off costs 0.5. And no sign: too dark costs as much as too bright."
    expect_close(answer(Affine(1.0, d), y), abs(d), CLOSE, f"the loss where G1 adds {d} everywhere", note)


def _identity_no_cancelling(answer: Answer, y: Tensor, gain: float, offset: float) -> None:
    right = (gain * y + offset - y).abs().mean()
    note = "The absolute value comes before the mean: errors up and down must not cancel."
    expect_close(answer(Affine(gain, offset), y), right, CLOSE, "the loss", note)


def _identity_moves_G1(answer: Answer, y: Tensor, d: float) -> None:
    G1 = Affine(1.0, d)
    loss = answer(G1, y)
    expect_is_tensor(loss, "the loss")
    note = "Is G1(y) detached, or computed inside no_grad?"
    expect(loss.requires_grad, "a loss through which a gradient can flow back", "a loss without a gradient", note)
    (slope,) = torch.autograd.grad(loss, [G1.offset], allow_unused=True)
    expect(slope is not None, "a gradient in G1", "none", note)
    expect_close(slope, 1.0, CLOSE, "the gradient in the number that G1 adds", note)


def _identity_one_number(answer: Answer, y: Tensor) -> None:
    for kind in (torch.float32, torch.float64):
        loss = answer(Affine(1.0, 0.5).to(kind), y.to(kind))
        expect_is_tensor(loss, "the loss")
        expect_shape(loss, (), "the loss")
        expect_like(loss, y.to(kind), "the loss")


_Y = {"y": _IMAGES}
IDENTITY_LOSS = Exercise(
    "identity_loss",
    2,
    2,
    (
        Law(
            "nothing-to-do",
            "The loss is 0 where G1 leaves y as it is.",
            _IDENTITY,
            _Y,
            holds=_identity_kept,
            examples=8,
        ),
        Law(
            "absolute",
            "The loss is the absolute difference: d everywhere costs |d|.",
            _IDENTITY,
            {"y": _IMAGES, "d": _PART},
            holds=_identity_absolute,
        ),
        Law(
            "errors-do-not-cancel",
            "Errors up and errors down add: the absolute value comes before the mean.",
            _IDENTITY,
            {"y": _IMAGES, "gain": numbers(-1, 3), "offset": _PART},
            holds=_identity_no_cancelling,
        ),
        Law(
            "moves-g1",
            "G1 is taught by it: a gradient reaches it.",
            _IDENTITY,
            {"y": _IMAGES, "d": numbers(0.1, 1)},
            holds=_identity_moves_G1,
            examples=8,
        ),
        Law(
            "one-number",
            "The loss is one number: a tensor without axes, of its input's dtype.",
            _IDENTITY,
            _Y,
            holds=_identity_one_number,
            examples=4,
        ),
        unchanged(_IDENTITY, _Y, lambda answer, y: answer(Affine(1.0, 0.5), y)),
    ),
    _IDENTITY,
    (_LIBRARY + "distance", "cincgan_tutorial.cycle_one.cycle_one"),
)

EXERCISES = (GENERATOR_LOSS, DISCRIMINATOR_LOSS, CYCLE_LOSS, IDENTITY_LOSS, *VARIATION, *TOTAL, *JUDGE)

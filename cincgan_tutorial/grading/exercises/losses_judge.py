"""Assignment 2, continued: the judge's own loss, and a student's own numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from ..exercise import Exercise
from ..laws import Law, expect, expect_close, expect_equal, expect_is_tensor
from ..variants import Constants
from .losses_total import FROM_TOYS, Four, networks
from .losses_tv import readings
from .of_many import CHAPTER_2, CHAPTER_3, CHAPTER_6, CLOSE, Answer, own_number, unchanged

_JUDGE = CHAPTER_6 + "One step"
_LIBRARY = "cincgan_tutorial.losses."


# The judge's own loss.


def _judge_value(answer: Answer, numbers_of: Four, x: Tensor, y: Tensor) -> None:
    G1, _, D1 = networks(numbers_of)
    right = (D1(y) - 1).square().mean() + D1(G1(x)).square().mean()
    note = "Real is y, and should be called 1; fake is G1(x), not x, and should be called 0."
    expect_close(answer(D1, G1, x, y), right, CLOSE, "the loss", note)


def _judge_only(answer: Answer, numbers_of: Four, x: Tensor, y: Tensor) -> None:
    G1, _, D1 = networks(numbers_of)
    loss = answer(D1, G1, x, y)
    expect_is_tensor(loss, "the loss")
    expect(loss.requires_grad, "a loss that can teach D1", "a loss without a gradient", "Too much was cut off.")
    loss.backward()
    note = "The fake was not cut off from G1: detach it."
    for parameter in G1.parameters():
        reached = parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
        expect(not reached, "no gradient in G1", f"a gradient of {parameter.grad}", note)


def _judge_learns(answer: Answer, numbers_of: Four, x: Tensor, y: Tensor) -> None:
    G1, _, D1 = networks(numbers_of)
    right = (D1(y) - 1).square().mean() + D1(G1(x)).square().mean()
    expected = torch.autograd.grad(right, list(D1.parameters()))
    loss = answer(D1, G1, x, y)
    expect_is_tensor(loss, "the loss")
    note = "D1 learns from both: its scores must not be cut off, only the fake it is shown."
    expect(loss.requires_grad, "a loss that can teach D1", "a loss without a gradient", note)
    got = torch.autograd.grad(loss, list(D1.parameters()), allow_unused=True)
    for slope, wanted in zip(got, expected, strict=True):
        expect(slope is not None, "a gradient in D1", "none", note)
        expect_close(slope, wanted, 5 * CLOSE, "the gradient in a number of D1", note)


def _judge_thaws(answer: Answer, numbers_of: Four, x: Tensor, y: Tensor) -> None:
    G1, _, D1 = networks(numbers_of)
    # One weight is frozen already, and has to stay so.
    next(G1.parameters()).requires_grad_(False)
    before = {"G1": _learning(G1), "D1": _learning(D1)}
    answer(D1, G1, x, y)
    note = "What you freeze you must thaw, and nothing else."
    for name, network in (("G1", G1), ("D1", D1)):
        expect_equal(_learning(network), before[name], f"requires_grad of the weights of {name}", note)


def _learning(network: torch.nn.Module) -> list[bool]:
    return [parameter.requires_grad for parameter in network.parameters()]


def _call_judge(answer: Answer, x: Tensor, y: Tensor) -> None:
    G1, _, D1 = networks((0.1, 0.2, 0.3, 0.4))
    answer(D1, G1, x, y)


JUDGE_LOSS = Exercise(
    "judge_loss",
    2,
    2,
    (
        Law(
            "real-y-fake-g1-of-x",
            "y is real and should be 1; G1(x) is fake and should be 0.",
            _JUDGE,
            FROM_TOYS,
            holds=_judge_value,
            examples=12,
        ),
        Law(
            "g1-is-not-moved",
            "No gradient reaches G1: the fake is cut off.",
            _JUDGE,
            FROM_TOYS,
            holds=_judge_only,
            examples=8,
        ),
        Law(
            "d1-learns-from-both",
            "D1 learns from real patches and from fakes.",
            _JUDGE,
            FROM_TOYS,
            holds=_judge_learns,
            examples=8,
        ),
        Law(
            "nothing-stays-frozen",
            "requires_grad of every weight is what it was.",
            _JUDGE,
            FROM_TOYS,
            holds=_judge_thaws,
            examples=3,
        ),
        unchanged(_JUDGE, {"x": FROM_TOYS["x"], "y": FROM_TOYS["y"]}, _call_judge),
    ),
    _JUDGE,
    (
        _LIBRARY + "discriminator_loss",
        _LIBRARY + "judged_real",
        _LIBRARY + "judged_fake",
        "cincgan_tutorial.training.judge_step",
    ),
)


# A student's own numbers.


def _picture(known: Constants) -> Tensor:
    return torch.tensor(
        [[[[known[f"p{row}{column}"] for column in range(3)] for row in range(2)]]], dtype=torch.float64
    )


def _own_tv(known: Constants) -> list[float]:
    return [float(value) for value in readings(_picture(known))]


def _own_judge(known: Constants) -> list[float]:
    return [(known["real"] - 1) ** 2 + known["fake"] ** 2]


_BY_HAND = "Square each difference, take the mean of each direction, add."
OWN_LOSSES = Exercise(
    "own_losses",
    2,
    2,
    (
        own_number(CHAPTER_3 + "The total variation term", 2, "tv", _own_tv, _BY_HAND, 6e-4),
        own_number(
            CHAPTER_2 + "A judge instead of a target", 2, "judge", _own_judge, "(real - 1)^2 plus fake^2.", 6e-4
        ),
    ),
    CHAPTER_3 + "The total",
)

EXERCISES = (JUDGE_LOSS, OWN_LOSSES)

"""Laws that many exercises have: shapes, types of numbers, inputs left alone, order in a batch, slopes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from ..laws import (
    Law,
    expect,
    expect_close,
    expect_is_tensor,
    expect_like,
    expect_number,
    expect_shape,
    expect_unchanged,
)
from ..variants import VARIANTS, Constants, constants

Answer = Callable[..., Any]
Given = Mapping[str, SearchStrategy[Any]]

CHAPTER_1, CHAPTER_2, CHAPTER_3, CHAPTER_4, CHAPTER_5, CHAPTER_6, CHAPTER_7 = (
    f"notebooks/{name}.md, "
    for name in (
        "01_degradation_model",
        "02_unpaired_training",
        "03_cycle_one",
        "04_cycle_two",
        "05_architectures",
        "06_training",
        "07_experiments",
    )
)

# How float32 sums may differ between two ways to write them.
CLOSE = 1e-4


def one_number(section: str, given: Given) -> Law:
    """Return the law that a loss is a tensor with one element and no axes, of the type it is computed from."""

    def holds(answer: Answer, **drawn: Tensor) -> None:
        first = next(iter(drawn.values()))
        for kind in (torch.float32, torch.float64):
            loss = answer(*(value.to(kind) for value in drawn.values()))
            expect_is_tensor(loss, "the loss")
            expect_shape(loss, (), "the loss")
            expect_like(loss, first.to(kind), "the loss")

    words = "The loss is one number: a tensor without axes, of its input's dtype."
    return Law("one-number", words, section, given, holds=holds, examples=5)


def unchanged(section: str, given: Given, call: Callable[..., Any] | None = None) -> Law:
    """Return the law that no tensor among the drawn values is written into. ``call(answer, **drawn)`` calls it."""

    def holds(answer: Answer, **drawn: Any) -> None:
        before = {name: value.clone() for name, value in drawn.items() if isinstance(value, Tensor)}
        answer(*drawn.values()) if call is None else call(answer, **drawn)
        for name, value in before.items():
            expect_unchanged(drawn[name], value, name)

    words = "The input is the same after the call: nothing is changed in place."
    return Law("leaves-its-input", words, section, given, holds=holds, examples=5)


def batch_order_of_a_loss(section: str, given: Given) -> Law:
    """Return the law that a loss does not depend on the order of the images."""

    def holds(answer: Answer, **drawn: Tensor) -> None:
        expected = expect_number(answer(*drawn.values()))
        turned = answer(*(value.flip(0) for value in drawn.values()))
        expect_close(turned, expected, CLOSE, "the loss of the same images in another order")

    words = "The order of the images in the batch does not matter."
    return Law("batch-order", words, section, given, holds=holds, examples=10)


def mean_not_sum(section: str, given: Given) -> Law:
    """Return the law that a loss stays the same when every image comes twice."""

    def holds(answer: Answer, **drawn: Tensor) -> None:
        expected = expect_number(answer(*drawn.values()))
        twice = answer(*(torch.cat([value, value]) for value in drawn.values()))
        note = "A sum doubles. Is there a mean over everything, the batch included?"
        expect_close(twice, expected, CLOSE, "the loss when every image comes twice", note)

    words = "A mean, not a sum: a batch in which every image comes twice has the same loss."
    return Law("mean-not-sum", words, section, given, holds=holds, examples=10)


def finite_differences(section: str, given: Given) -> Law:
    """Return the law that a loss's gradient is its slope, in the first drawn tensor, along random directions."""
    step = 1e-5

    def holds(answer: Answer, **drawn: Tensor) -> None:
        first, *others = (value.double() for value in drawn.values())
        direction = torch.randn(first.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(first)
        moved = first.clone().requires_grad_()
        loss = answer(moved, *others)
        expect_is_tensor(loss, "the loss")
        note = "Is the loss cut off from its input, by detach, item, no_grad, or by a new tensor made of numbers?"
        expect(loss.requires_grad, "a loss through which a gradient can flow back", "a loss without a gradient", note)
        (slope,) = torch.autograd.grad(loss, [moved], allow_unused=True)
        expect(slope is not None, "a gradient in the input", "none", note)
        ahead = expect_number(answer(first + step * direction, *others))
        behind = expect_number(answer(first - step * direction, *others))
        expect_close(
            (slope * direction).sum(), (ahead - behind) / (2 * step), 1e-3, "the slope along a direction", note
        )

    words = "A gradient flows back, and it agrees with the slope by finite differences."
    return Law("slope", words, section, given, holds=holds, examples=5)


def batch_order_of_images(section: str, given: Given, call: Callable[..., Any]) -> Law:
    """Return the law that each image of a batch is treated alone; ``call(answer, images, **drawn)``."""

    def holds(answer: Answer, z: Tensor, **drawn: Any) -> None:
        together = call(answer, z, **drawn)
        expect_is_tensor(together)
        for number in range(len(z)):
            alone = call(answer, z[number : number + 1], **drawn)
            expect_close(alone, together[number : number + 1], CLOSE, f"image {number} by itself")

    words = "Each image of a batch comes out as it would by itself."
    return Law("each-image-alone", words, section, given, holds=holds, examples=8)


def keeps_the_dtype(section: str, given: Given, call: Callable[..., Any]) -> Law:
    """Return the law that float32 gives float32 and float64 gives float64; ``call(answer, images, **drawn)``."""

    def holds(answer: Answer, z: Tensor, **drawn: Any) -> None:
        for kind in (torch.float32, torch.float64):
            expect_like(call(answer, z.to(kind), **drawn), z.to(kind))

    words = "The result has the dtype of the input, float32 or float64."
    return Law("dtype", words, section, given, holds=holds, examples=4)


def own_answer(answer: Answer, assignment: int, key: str) -> tuple[Any, Constants]:
    """Return one entry of a student's own numbers, and the constants of the variant that the answer names."""
    given = answer()
    expect(isinstance(given, dict), "a dictionary", given)
    for name in ("variant", key):
        expect(name in given, f"a dictionary with the key {name!r}", f"the keys {', '.join(map(str, given))}")
    variant = given["variant"]
    fits = isinstance(variant, int) and 0 <= variant < VARIANTS
    expect(fits, f"the number of your variant, 0 to {VARIANTS - 1}", variant)
    return given[key], constants(assignment, variant)


def expect_own(number: object, right: Sequence[float], tolerance: float, key: str, known: Constants, hint: str) -> None:
    """Raise `Broken` unless a number is near one of those that are right; which these are is not said."""
    value = expect_number(number, key)
    near = any(abs(value - wanted) <= tolerance for wanted in right)
    expect(near, f"{key}: the right number for variant {known['variant']}", value, hint)


def own_number(
    section: str, assignment: int, key: str, right: Callable[[Constants], Sequence[float]], hint: str, tolerance: float
) -> Law:
    """Return the law of one of a student's own numbers: what is right follows from the variant that the answer names.

    Args:
        section: Where the book teaches it.
        assignment: 1 to 4.
        key: Of the number in the answer.
        right: All values that are accepted, from the variant's constants.
        hint: How to find it, in words.
        tolerance: Absolute.
    """

    def holds(answer: Answer) -> None:
        number, known = own_answer(answer, assignment, key)
        expect_own(number, right(known), tolerance, key, known, hint)

    return Law(f"own-{key}", hint, section, holds=holds)

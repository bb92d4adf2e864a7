"""Laws that every correct answer obeys, and what is said when one is broken.

A law is tried on inputs that Hypothesis draws; the smallest input that breaks it is shown. ``holds`` calls the answer
and raises `Broken` by one of the ``expect_`` functions, each of which says both sides in words.

When a submission is marked, the answer lives in another process and only calls and their results cross over. So a law

* passes to an answer: tensors, numbers, strings, ``None``, ``torch.Generator``, tuples, lists and dictionaries of them,
  modules and optimizers (whatever pickle knows by name: no lambda, no function within a function);
* may look at what comes back: tensors, numbers, strings, tuples, lists, dictionaries, functions, and modules with their
  parameters, buffers, submodules (those of ``torch.nn`` keep their type and settings) and training mode; no hooks;
* may differentiate once: back to tensors it passed, to the parameters of modules it passed, and of modules that came
  back. What the answer did to its inputs comes back too: changed values, ``.grad``, an optimizer's state;
* watches the order of calls by a `Log` that its own modules or optimizers append to: other attributes do not come back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from hypothesis.strategies import SearchStrategy
from torch import Tensor

# A tensor of at most this many values is shown in full.
_SHOWN = 24


class Broken(AssertionError):  # noqa: N818 - a law is broken; nothing is in error
    """A law does not hold: what it asked for and what the answer gave, in words.

    Attributes:
        expected: What the law asks for.
        got: What the answer gave.
        note: A hint at what such a difference often comes from; never the solution.
    """

    def __init__(self, expected: object, got: object, note: str = "") -> None:
        super().__init__(f"expected {shown(expected)}, got {shown(got)}")
        self.expected, self.got, self.note = shown(expected), shown(got), note


class Log(list[Any]):
    """A list of plain values that a law's own modules or optimizers append to; it comes back from every call."""


@dataclass(frozen=True)
class Law:
    """One law.

    Attributes:
        name: Short, unique in its exercise, with hyphens: "ignores-brightness".
        words: The law as a sentence that names what a wrong answer gets wrong.
        section: Where the book teaches it: "notebooks/03_cycle_one.md, The terms".
        given: What is drawn, by name.
        holds: ``holds(answer, **drawn)`` raises `Broken` if the law fails.
        examples: How many inputs are tried.
        allowed: What the law leaves open, in words, if anything.
    """

    name: str
    words: str
    section: str
    given: Mapping[str, SearchStrategy[Any]] = field(default_factory=dict)
    holds: Callable[..., None] = field(kw_only=True)
    examples: int = 25
    allowed: str = ""


def shown(value: object) -> str:
    """Return a value as a person would note it: small tensors in full, larger ones by shape and range."""
    if isinstance(value, str):
        return value
    if isinstance(value, Tensor):
        return _shown_tensor(value.detach())
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (tuple, list)):
        inner = ", ".join(shown(item) for item in value)
        return f"({inner})" if isinstance(value, tuple) else f"[{inner}]"
    text = " ".join(repr(value).split())
    return text if len(text) <= 200 else text[:197] + "..."


def _shown_tensor(tensor: Tensor) -> str:
    if tensor.dim() == 0:
        return f"{tensor.item():.6g}" if tensor.is_floating_point() else str(tensor.item())
    size = "x".join(map(str, tensor.shape))
    where = "" if tensor.device.type == "cpu" else f" on {tensor.device.type}"
    kind = "" if tensor.dtype == torch.float32 else f" {str(tensor.dtype).removeprefix('torch.')}"
    if 0 < tensor.numel() <= _SHOWN:
        return f"{size}{kind}{where} {_rounded(tensor.cpu().tolist())}"
    if tensor.numel() == 0:
        return f"{size}{kind}{where}, empty"
    low, high = tensor.min().item(), tensor.max().item()
    if low == high:
        return f"{size}{kind}{where}, {low:.6g} everywhere"
    return f"{size}{kind}{where}, values from {low:.6g} to {high:.6g}, mean {tensor.double().mean().item():.6g}"


def _rounded(values: Any) -> str:
    if isinstance(values, list):
        return f"[{', '.join(_rounded(value) for value in values)}]"
    return f"{values:.4g}" if isinstance(values, float) else str(values)


def expect(condition: bool, expected: object, got: object, note: str = "") -> None:
    """Raise `Broken` unless the condition holds."""
    if not condition:
        raise Broken(expected, got, note)


def expect_equal(got: object, expected: object, what: str = "the result", note: str = "") -> None:
    """Raise `Broken` unless two plain values are equal."""
    if got != expected:
        raise Broken(f"{what}: {shown(expected)}", shown(got), note)


def expect_shape(got: object, shape: tuple[int, ...], what: str = "the result", note: str = "") -> None:
    """Raise `Broken` unless ``got`` is a tensor of that shape."""
    wanted = f"{what}: {_shape_in_words(shape)}"
    if not isinstance(got, Tensor):
        raise Broken(wanted, _kind(got), note)
    if tuple(got.shape) != tuple(shape):
        raise Broken(wanted, _shape_in_words(tuple(got.shape)), note)


def expect_like(got: object, other: Tensor, what: str = "the result", note: str = "") -> None:
    """Raise `Broken` unless ``got`` is a tensor of the same type of number and on the same device as another."""
    wanted = f"{what}: {other.dtype} on {other.device.type}"
    if not isinstance(got, Tensor):
        raise Broken(wanted, _kind(got), note)
    if got.dtype != other.dtype or got.device.type != other.device.type:
        raise Broken(wanted, f"{got.dtype} on {got.device.type}", note)


def expect_is_tensor(got: object, what: str = "the result") -> None:
    """Raise `Broken` unless ``got`` is a tensor."""
    if not isinstance(got, Tensor):
        raise Broken(f"{what}: a tensor", _kind(got), "Is there a return statement?" if got is None else "")


def expect_close(
    got: object, expected: Tensor | float, tolerance: float, what: str = "the result", note: str = ""
) -> None:
    """Raise `Broken` unless ``got`` is within ``tolerance * (1 + |expected|)`` of what is expected, everywhere.

    A number is accepted where a tensor without axes is expected, and the other way round. Not-a-number is never close.
    """
    wanted = torch.as_tensor(expected).detach().cpu().double()
    if not isinstance(got, (Tensor, int, float)) or isinstance(got, bool):
        raise Broken(f"{what}: {shown(expected)}", _kind(got), note)
    given = torch.as_tensor(got).detach().cpu().double()
    if given.shape != wanted.shape:
        said = f"{_shape_in_words(tuple(given.shape))}: {shown(got)}"
        raise Broken(f"{what}: {_shape_in_words(tuple(wanted.shape))}: {shown(expected)}", said, note)
    off = (given - wanted).abs() > tolerance * (1 + wanted.abs())
    # A comparison with not-a-number is false, so it is asked for by name; infinity minus infinity is one too.
    wrong = off | given.isnan() | (given.isinf() & (given != wanted))
    if wrong.any():
        raise Broken(*_both_sides(what, given, wanted, wrong), note)


def _both_sides(what: str, given: Tensor, wanted: Tensor, wrong: Tensor) -> tuple[str, str]:
    """Both tensors in full where they are small, else the first place where they differ."""
    if wanted.numel() <= _SHOWN:
        return f"{what}: {shown(wanted.float())}", shown(given.float())
    place = tuple(int(i) for i in wrong.nonzero()[0])
    share = f" ({int(wrong.sum())} of {wrong.numel()} values are off)"
    return f"{what}: {shown(wanted[place].item())} at {place}", shown(given[place].item()) + share


def expect_number(got: object, what: str = "the result") -> float:
    """Return a number, or a tensor without axes, as a float; raise `Broken` for anything else or for not-a-number."""
    if isinstance(got, bool) or not isinstance(got, (Tensor, int, float)):
        raise Broken(f"{what}: one number", _kind(got))
    if isinstance(got, Tensor) and got.dim():
        raise Broken(f"{what}: one number (a tensor without axes)", _shape_in_words(tuple(got.shape)))
    number = float(got.detach()) if isinstance(got, Tensor) else float(got)
    if not math.isfinite(number):
        raise Broken(f"{what}: a finite number", shown(number))
    return number


def expect_unchanged(now: Tensor, before: Tensor, what: str = "the input") -> None:
    """Raise `Broken` if an answer has written into a tensor that it was given."""
    if now.shape != before.shape or not torch.equal(now.detach(), before.detach()):
        raise Broken(f"{what} as it was: {shown(before)}", shown(now), "Was it changed in place?")


def _shape_in_words(shape: tuple[int, ...]) -> str:
    return f"shape {'x'.join(map(str, shape))}" if shape else "one number (no axes)"


def _kind(value: object) -> str:
    return "nothing (None)" if value is None else f"{type(value).__name__}: {shown(value)}"

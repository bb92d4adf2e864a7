"""Assignment 4, continued: PSNR at the best shift, and a student's own numbers."""

from __future__ import annotations

import math

import torch
from hypothesis import strategies as st
from torch import Tensor

from ..exercise import Exercise
from ..laws import Law, expect, expect_close, expect_unchanged
from ..strategies import numbers, seeds
from ..variants import Constants
from .of_many import CHAPTER_4, CHAPTER_5, CHAPTER_7, Answer, own_number

_TRAPS = CHAPTER_7 + "Two scores, and four traps"
# Decibels.
_NEAR = 0.002


def _truth(seed: int, height: int = 20, width: int = 24) -> Tensor:
    return 0.2 + 0.6 * torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def _moved(truth: Tensor, down: int, right: int) -> Tensor:
    return torch.roll(truth, (down, right), (2, 3))


def _same(answer: Answer, seed: int, max_shift: int, border: int) -> None:
    truth = _truth(seed)
    got = answer(truth.clone(), truth, max_shift, border)
    expect(got == math.inf, "infinity for two equal pictures", got)


def _known_error(answer: Answer, seed: int, error: float) -> None:
    truth = _truth(seed)
    got = answer(truth + error, truth, 0, 2)
    note = "-10 log10 of the mean of squares: not of a root, not of absolute values, and no natural logarithm."
    expect_close(got, -20 * math.log10(error), _NEAR, f"the score where every value is {error:.4g} off", note)


def _one_mean(answer: Answer, seed: int) -> None:
    truth = _truth(seed)
    result = truth + torch.tensor([0.1, 0.02, 0.01]).view(1, 3, 1, 1)
    right = -10 * math.log10((0.1**2 + 0.02**2 + 0.01**2) / 3)
    note = "One mean over pixels and channels together, not the mean of three scores."
    expect_close(
        answer(result, truth, 0, 1),
        right,
        _NEAR,
        "the score where the channels are 0.1, 0.02 and 0.01 off",
        note,
    )


def _finds(answer: Answer, seed: int, down: int, right: int, border: int) -> None:
    truth = _truth(seed)
    got = answer(_moved(truth, down, right), truth, 2, border)
    note = "All whole-pixel shifts count, in both directions, the largest included, and the best score is kept."
    expect(got == math.inf, f"infinity for a result moved by {(down, right)}, within max_shift 2", got, note)


def _not_further(answer: Answer, seed: int, down: bool) -> None:
    truth = _truth(seed)
    moved = _moved(truth, 3, 0) if down else _moved(truth, 0, 3)
    got = answer(moved, truth, 2, 1)
    expect_close(got, _right(moved, truth, 2, 1), _NEAR, "the score of a result moved by 3, with max_shift 2")


def _border_is_cut(answer: Answer, seed: int, border: int, max_shift: int) -> None:
    truth = _truth(seed)
    result, damaged = truth + 0.05, truth.clone()
    cut = border + max_shift
    spoilt = torch.ones_like(truth, dtype=torch.bool)
    spoilt[..., cut : truth.shape[2] - cut, cut : truth.shape[3] - cut] = False
    damaged[spoilt] = 9.0
    note = "The truth loses border + max_shift pixels on every side; nothing there may count."
    expect_close(
        answer(result, damaged, max_shift, border),
        _right(result, truth, max_shift, border),
        _NEAR,
        "the score where the truth's rim is spoilt",
        note,
    )
    if border:
        rim = torch.ones_like(truth, dtype=torch.bool)
        rim[..., border:-border, border:-border] = False
        other = result.clone()
        other[rim] = 9.0
        expect_close(
            answer(other, truth, max_shift, border),
            _right(result, truth, max_shift, border),
            _NEAR,
            "the score where the result's border is spoilt",
            note,
        )


def _right(result: Tensor, truth: Tensor, max_shift: int, border: int) -> float:
    cut = border + max_shift
    inner = truth[..., cut : truth.shape[2] - cut, cut : truth.shape[3] - cut].double()
    windows = result[..., border : truth.shape[2] - border, border : truth.shape[3] - border].double()
    spread = windows.unfold(2, inner.shape[2], 1).unfold(3, inner.shape[3], 1)
    errors = (spread - inner[:, :, None, None]).square().mean((0, 1, 4, 5))
    return math.inf if float(errors.min()) == 0 else -10 * math.log10(float(errors.min()))


def _values(answer: Answer, seed: int, max_shift: int, border: int) -> None:
    truth, result = _truth(seed), _truth(seed + 1)
    expect_close(
        answer(result, truth, max_shift, border),
        _right(result, truth, max_shift, border),
        _NEAR,
        "the score of two unlike pictures",
    )


def _as_they_are(answer: Answer, seed: int) -> None:
    truth = _truth(seed)
    note = "Nothing is rounded to 8 bits, and nothing clamped to [0, 1]."
    expect_close(
        answer(truth + 5e-4, truth, 0, 0),
        -20 * math.log10(5e-4),
        0.05,
        "the score of a result that is 0.0005 off",
        note,
    )
    expect_close(
        answer(truth + 2, truth, 0, 0),
        -20 * math.log10(2),
        _NEAR,
        "the score of a result that is 2 off",
        note,
    )


def _is_a_number(answer: Answer, seed: int) -> None:
    truth, result = _truth(seed), _truth(seed + 1)
    before = result.clone(), truth.clone()
    got = answer(result, truth, 1, 1)
    expect(isinstance(got, float), "a float", f"{type(got).__name__}: {got}")
    expect_unchanged(result, before[0], "result")
    expect_unchanged(truth, before[1], "truth")


_SEED = {"seed": seeds()}
_ROOM = {**_SEED, "max_shift": st.integers(0, 3), "border": st.integers(0, 3)}
_STEP = st.integers(-2, 2)
ALIGNED_PSNR = Exercise(
    "aligned_psnr",
    4,
    4,
    (
        Law("infinite-for-equals", "Equal pictures score infinity.", _TRAPS, _ROOM, holds=_same, examples=5),
        Law(
            "decibels",
            "An error of e everywhere scores -20 log10 e.",
            _TRAPS,
            {**_SEED, "error": numbers(0.01, 0.4)},
            holds=_known_error,
            examples=6,
        ),
        Law("one-mean", "One mean runs over pixels and channels together.", _TRAPS, _SEED, holds=_one_mean, examples=2),
        Law(
            "finds-the-shift",
            "A result that is only moved scores infinity, whichever way it is moved.",
            _TRAPS,
            {**_SEED, "down": _STEP, "right": _STEP, "border": st.integers(0, 2)},
            holds=_finds,
            examples=20,
        ),
        Law(
            "no-further-than-max-shift",
            "Shifts beyond max_shift are not tried.",
            _TRAPS,
            {**_SEED, "down": st.booleans()},
            holds=_not_further,
            examples=4,
        ),
        Law(
            "border-is-cut",
            "The truth loses border + max_shift pixels on every side, and the result its border.",
            _TRAPS,
            _ROOM,
            holds=_border_is_cut,
            examples=10,
        ),
        Law("as-they-are", "Values are neither rounded nor clamped.", _TRAPS, _SEED, holds=_as_they_are, examples=2),
        Law("values", "The score of two unlike pictures is right.", _TRAPS, _ROOM, holds=_values, examples=10),
        Law(
            "a-float",
            "The score is a float, and both pictures are left alone.",
            _TRAPS,
            _SEED,
            holds=_is_a_number,
            examples=2,
        ),
    ),
    _TRAPS,
    (
        "cincgan_tutorial.metrics.psnr",
        "cincgan_tutorial.metrics.best_shift",
        "cincgan_tutorial.protocols.scored",
        "cincgan_tutorial.challenge.challenge_psnr",
    ),
)


def _identity_size(known: Constants) -> list[float]:
    return [known["batch"] * 3 * (4 * known["patch"]) ** 2]


def _scores_size(known: Constants) -> list[float]:
    return [known["batch"] * known["side"] ** 2]


def _decibels(known: Constants) -> list[float]:
    return [-10 * math.log10(known["mse"])]


OWN_STEP = Exercise(
    "own_step",
    4,
    2,
    (
        own_number(
            CHAPTER_4 + "The four terms again",
            4,
            "identity",
            _identity_size,
            "Patches, channels, and HR pixels.",
            0.5,
        ),
        own_number(
            CHAPTER_5 + "D1 and D2: how much does a judge see?",
            4,
            "gan",
            _scores_size,
            "One score per entry of the map.",
            0.5,
        ),
        own_number(_TRAPS, 4, "psnr", _decibels, "-10 log10 of the mean squared error.", 0.02),
    ),
    _TRAPS,
)

EXERCISES = (ALIGNED_PSNR, OWN_STEP)

"""Assignment 2, continued: the weighted total, and cycle one as a whole."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor

from ..exercise import Exercise
from ..laws import Law, expect, expect_close, expect_is_tensor, expect_number, expect_shape
from ..strategies import images, numbers
from ..toys import Affine, MeanJudge
from .losses_tv import expect_variation
from .of_many import CHAPTER_3, CLOSE, Answer, unchanged

_TOTAL = CHAPTER_3 + "The total"
_CYCLE_ONE = CHAPTER_3 + "Three networks, one loop"
_LIBRARY = "cincgan_tutorial.losses."
_TERMS = ("gan", "cycle", "identity", "tv")
_WEIGHTED = _TERMS[1:]


# The weighted total.


def _terms(*values: float) -> dict[str, Tensor]:
    return dict(zip(_TERMS, map(torch.tensor, values), strict=True))


def _weights(*values: float) -> dict[str, float]:
    return dict(zip(_WEIGHTED, values, strict=True))


def _adversarial_unweighted(answer: Answer, gan: float, weight: float) -> None:
    note = "The adversarial term counts as it is."
    expect_close(
        answer(_terms(gan, 0.0, 0.0, 0.0), _weights(weight, weight, weight)), gan, CLOSE, "the total of gan alone", note
    )


def _own_weight(answer: Answer, name: str, weight: float) -> None:
    terms = {other: torch.tensor(float(other == name)) for other in _TERMS}
    weights = {other: weight if other == name else 7.0 for other in _WEIGHTED}
    note = "Each term has the weight of its own name."
    expect_close(
        answer(terms, weights), weight, CLOSE, f"the total where {name} is 1 and has the weight {weight}", note
    )


def _order_of_names(answer: Answer, weights: tuple[float, float, float]) -> None:
    terms, named = _terms(0.1, 0.2, 0.3, 0.4), _weights(*weights)
    expected = 0.1 + 0.2 * weights[0] + 0.3 * weights[1] + 0.4 * weights[2]
    for turned in (False, True):
        given = (dict(reversed(terms.items())), dict(reversed(named.items()))) if turned else (terms, named)
        expect_close(
            answer(*given), expected, CLOSE, "the total", "Go by the names, not by the order in the dictionary."
        )


def _total_slopes(answer: Answer, weights: tuple[float, float, float]) -> None:
    terms = {name: value.requires_grad_() for name, value in _terms(0.1, 0.2, 0.3, 0.4).items()}
    loss = answer(terms, _weights(*weights))
    expect_is_tensor(loss, "the total")
    expect_shape(loss, (), "the total")
    note = "Are numbers taken out of the tensors, by item or float?"
    expect(loss.requires_grad, "a total through which a gradient can flow back", "one without a gradient", note)
    slopes = torch.autograd.grad(loss, list(terms.values()), allow_unused=True)
    for name, slope, right in zip(_TERMS, slopes, (1.0, *weights), strict=True):
        expect_close(0.0 if slope is None else slope, right, CLOSE, f"the gradient in {name}", note)


def _total_leaves(answer: Answer, weight: float) -> None:
    terms, weights = _terms(0.1, 0.2, 0.3, 0.4), _weights(weight, weight, weight)
    answer(terms, weights)
    same = {name: float(value) for name, value in terms.items()}
    expect(
        same == {name: float(value) for name, value in _terms(0.1, 0.2, 0.3, 0.4).items()}, "the terms as given", same
    )
    expect(weights == _weights(weight, weight, weight), "the weights as they were given", weights)


_WEIGHT = numbers(0, 10)
_THREE = {"weights": st.tuples(_WEIGHT, _WEIGHT, _WEIGHT)}
WEIGHTED_TOTAL = Exercise(
    "weighted_total",
    2,
    1,
    (
        Law(
            "gan-has-no-weight",
            "The adversarial term is added as it is, whatever the weights.",
            _TOTAL,
            {"gan": numbers(0, 2), "weight": _WEIGHT},
            holds=_adversarial_unweighted,
            examples=8,
        ),
        Law(
            "own-weight",
            "Each term is multiplied by the weight of its own name.",
            _TOTAL,
            {"name": st.sampled_from(_WEIGHTED), "weight": _WEIGHT},
            holds=_own_weight,
            examples=15,
        ),
        Law(
            "names-not-order",
            "The order in the dictionaries does not matter.",
            _TOTAL,
            _THREE,
            holds=_order_of_names,
            examples=8,
        ),
        Law("gradient", "The gradient in each term is its weight.", _TOTAL, _THREE, holds=_total_slopes, examples=8),
        Law(
            "leaves-its-input",
            "The dictionaries are the same after the call.",
            _TOTAL,
            {"weight": _WEIGHT},
            holds=_total_leaves,
            examples=3,
        ),
    ),
    _TOTAL,
    (_LIBRARY + "Terms",),
)


# Cycle one. Each term is seen alone: through its weight, or as the difference that its weight makes.

Four = tuple[float, float, float, float]


def networks(numbers_of: Four) -> tuple[Affine, Affine, MeanJudge]:
    """Return G1, G2 and D1 that are made of four numbers."""
    a, b, c, d = numbers_of
    return Affine(1 + a, b), Affine(1 - b, c), MeanJudge(1 + c, d)


def _one(answer: Answer, numbers_of: Four, x: Tensor, y: Tensor, **weights: float) -> float:
    every = dict.fromkeys(_WEIGHTED, 0.0) | weights
    return expect_number(answer(*networks(numbers_of), x, y, every), "the loss")


def _one_gan(answer: Answer, numbers_of: Four, x: Tensor, y: Tensor) -> None:
    G1, _, D1 = networks(numbers_of)
    got = _one(answer, numbers_of, x, y)
    note = "D1 judges G1(x), not x, not y, and G1 wants to hear 1."
    expect_close(got, (D1(G1(x)) - 1).square().mean(), CLOSE, "the loss where all weights are 0", note)


def _one_cycle(answer: Answer, numbers_of: Four, x: Tensor, y: Tensor) -> None:
    G1, G2, _ = networks(numbers_of)
    made = _one(answer, numbers_of, x, y, cycle=1.0) - _one(answer, numbers_of, x, y)
    note = "The cycle begins at x and ends there. Squared."
    expect_close(made, (G2(G1(x)) - x).square().mean(), CLOSE, "what a weight of 1 on cycle adds", note)


def _one_identity(answer: Answer, numbers_of: Four, x: Tensor, y: Tensor) -> None:
    G1, _, _ = networks(numbers_of)
    made = _one(answer, numbers_of, x, y, identity=1.0) - _one(answer, numbers_of, x, y)
    note = "The identity is asked on clean y: on x it would forbid G1 to clean. Absolute."
    expect_close(made, (G1(y) - y).abs().mean(), CLOSE, "what a weight of 1 on identity adds", note)


def _one_tv(answer: Answer, numbers_of: Four, x: Tensor, y: Tensor) -> None:
    G1, _, _ = networks(numbers_of)
    made = _one(answer, numbers_of, x, y, tv=1.0) - _one(answer, numbers_of, x, y)
    expect_variation(made, G1(x).detach(), what="what a weight of 1 on tv adds: the total variation of G1(x)")


def _one_weights(answer: Answer, numbers_of: Four, x: Tensor, y: Tensor, weights: tuple[float, float, float]) -> None:
    alone = [_one(answer, numbers_of, x, y, **{name: 1.0}) - _one(answer, numbers_of, x, y) for name in _WEIGHTED]
    expected = _one(answer, numbers_of, x, y) + sum(w * term for w, term in zip(weights, alone, strict=True))
    given = dict(zip(_WEIGHTED, weights, strict=True))
    expect_close(_one(answer, numbers_of, x, y, **given), expected, 5 * CLOSE, "the loss with all weights")


def _one_moves(answer: Answer, numbers_of: Four, x: Tensor, y: Tensor) -> None:
    ours, theirs = networks(numbers_of), networks(numbers_of)
    loss = answer(*theirs, x, y, {"cycle": 1.0, "identity": 1.0, "tv": 0.0})
    expect_is_tensor(loss, "the loss")
    note = "Is G1(x) detached, or computed inside no_grad? Then D1's opinion does not reach G1."
    expect(loss.requires_grad, "a loss through which a gradient can flow back", "a loss without a gradient", note)
    G1, G2, D1 = ours
    y_tilde = G1(x)
    right = (D1(y_tilde) - 1).square().mean() + (G2(y_tilde) - x).square().mean() + (G1(y) - y).abs().mean()
    expected = torch.autograd.grad(right, [*G1.parameters(), *G2.parameters()])
    got = torch.autograd.grad(loss, [*theirs[0].parameters(), *theirs[1].parameters()], allow_unused=True)
    for name, slope, wanted in zip(("G1", "G1", "G2", "G2"), got, expected, strict=True):
        expect(slope is not None, f"a gradient in {name}", "none", note)
        expect_close(slope, wanted, 5 * CLOSE, f"the gradient in a number of {name}", note)


def _one_sizes(answer: Answer, numbers_of: Four, x: Tensor, y: Tensor) -> None:
    weights = {"cycle": 5.0, "identity": 5.0, "tv": 1.0}
    once = _one(answer, numbers_of, x, y, **weights)
    twice = _one(answer, numbers_of, torch.cat([x, x]), torch.cat([y, y]), **weights)
    expect_close(twice, once, CLOSE, "the loss when every patch comes twice", "Every term is a mean.")


_FOUR = st.tuples(*[numbers(-0.5, 0.5)] * 4)
_X, _Y = images(3, 4, batch=2), images(3, 4, batch=2)
FROM_TOYS = {"numbers_of": _FOUR, "x": _X, "y": _Y}


def _call_one(answer: Answer, x: Tensor, y: Tensor) -> None:
    answer(*networks((0.1, 0.2, 0.3, 0.4)), x, y, {"cycle": 1.0, "identity": 1.0, "tv": 1.0})


CYCLE_ONE_LOSS = Exercise(
    "cycle_one_loss",
    2,
    4,
    (
        Law(
            "gan-of-g1-of-x",
            "The adversarial term asks D1 about G1(x).",
            _CYCLE_ONE,
            FROM_TOYS,
            holds=_one_gan,
            examples=12,
        ),
        Law(
            "cycle-of-x",
            "The cycle term compares G2(G1(x)) with x.",
            _CYCLE_ONE,
            FROM_TOYS,
            holds=_one_cycle,
            examples=12,
        ),
        Law(
            "identity-on-y",
            "The identity term compares G1(y) with y, not x.",
            _CYCLE_ONE,
            FROM_TOYS,
            holds=_one_identity,
            examples=12,
        ),
        Law(
            "tv-of-g1-of-x",
            "The total variation is that of G1(x), not of x or y.",
            _CYCLE_ONE,
            FROM_TOYS,
            holds=_one_tv,
            examples=12,
        ),
        Law(
            "weights",
            "The loss is the weighted sum of its terms.",
            _TOTAL,
            {**FROM_TOYS, "weights": st.tuples(_WEIGHT, _WEIGHT, _WEIGHT)},
            holds=_one_weights,
            examples=8,
        ),
        Law(
            "moves-g1-and-g2",
            "Every term's gradient reaches G1, and the cycle's reaches G2.",
            _CYCLE_ONE,
            FROM_TOYS,
            holds=_one_moves,
            examples=8,
        ),
        Law(
            "mean-not-sum",
            "A batch in which every patch comes twice has the same loss.",
            _CYCLE_ONE,
            FROM_TOYS,
            holds=_one_sizes,
            examples=5,
        ),
        unchanged(_CYCLE_ONE, {"x": _X, "y": _Y}, _call_one),
    ),
    _CYCLE_ONE,
    ("cincgan_tutorial.cycle_one.cycle_one", _LIBRARY + "Terms", _LIBRARY + "total_variation", _LIBRARY + "distance"),
)

EXERCISES = (WEIGHTED_TOTAL, CYCLE_ONE_LOSS)

"""Assignment 4: the terms of cycle two and the generators' step. The rest is in the modules `joint_...`.

Laws hand out six networks of one convolution each and plain gradient descent, and work out in the long way where every
weight has to be after a step.
"""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from ..exercise import Exercise
from ..laws import (
    Law,
    expect,
    expect_close,
    expect_equal,
    expect_is_tensor,
    expect_number,
    expect_shape,
    expect_unchanged,
)
from ..strategies import numbers, seeds
from ..toys import Six
from .joint_judges import EXERCISES as JUDGES
from .joint_numbers import EXERCISES as NUMBERS
from .joint_runs import EXERCISES as RUNS
from .of_joint import (
    GENERATORS,
    NEAR,
    TERMS,
    batch,
    both_totals,
    expect_detached,
    expect_six_learn,
    expect_where,
    optimizer_of,
    right_terms_two,
    weights_with,
)
from .of_many import CHAPTER_4, CHAPTER_6, Answer

_TERMS = CHAPTER_4 + "The four terms again"
_BOTH = CHAPTER_4 + "How both cycles move G1"
_STEP = CHAPTER_6 + "One step"
_LIBRARY = ("cincgan_tutorial.cycle_two.cycle_two", "cincgan_tutorial.losses.Terms", "cincgan_tutorial.losses.distance")
_STEPS = tuple(
    f"cincgan_tutorial.training.{name}" for name in ("joint_step", "cycle_one_step", "cycle_two_step", "judge_step")
)


# The terms.


def _terms(answer: Answer, nets: Six, x: Tensor, y: Tensor, z: Tensor) -> tuple[dict[str, Tensor], Any]:
    both = answer(nets, x, y, z)
    pair = isinstance(both, (tuple, list)) and len(both) == 2 and isinstance(both[0], dict)
    expect(pair, "a dictionary of the terms, and SR(G1(x))", type(both).__name__)
    expect_equal(sorted(both[0]), sorted(TERMS), "the names of the terms")
    return both[0], both[1]


def _one_term(name: str, words: str, note: str) -> Law:
    def holds(answer: Answer, seed: int) -> None:
        nets, (x, y, z) = Six(seed), batch(seed)
        terms, _ = _terms(answer, nets, x, y, z)
        right, _ = right_terms_two(nets, x, y, z)
        expect_shape(terms[name], (), f"the term {name}")
        expect_close(terms[name], right[name], NEAR, f"the term {name}", note)

    return Law(f"{name}-term", words, _TERMS, {"seed": seeds()}, holds=holds, examples=6)


def _z_tilde(answer: Answer, seed: int) -> None:
    nets, (x, y, z) = Six(seed), batch(seed)
    _, got = _terms(answer, nets, x, y, z)
    expect_shape(got, tuple(z.shape), "SR(G1(x))")
    expect_close(got, nets.SR(nets.G1(x)), NEAR, "SR(G1(x))")


def _who_is_moved(answer: Answer, seed: int, name: str) -> None:
    nets, (x, y, z) = Six(seed), batch(seed)
    terms, _ = _terms(answer, nets, x, y, z)
    right, _ = right_terms_two(nets, x, y, z)
    expect_is_tensor(terms[name], f"the term {name}")
    note = (
        "Something on the way is detached that must not be, or the other way round: G1 learns from cycle two as well."
    )
    expect(terms[name].requires_grad, f"a gradient in the term {name}", "none", note)
    parameters = list(nets.parameters())
    wanted = torch.autograd.grad(right[name], parameters, allow_unused=True)
    got = torch.autograd.grad(terms[name], parameters, allow_unused=True)
    owners = [letter for letter, net in nets.named_children() for _ in net.parameters()]
    for letter, weight, slope, should in zip(owners, parameters, got, wanted, strict=True):
        if letter == "D2" and slope is None:
            continue  # frozen meanwhile: allowed
        # None and zeros mean the same: one pass over two batches gives zeros.
        slope, should = (torch.zeros_like(weight) if one is None else one for one in (slope, should))
        expect_close(slope, should, NEAR, f"the gradient of the term {name} in {letter}", note)


def _terms_leave(answer: Answer, seed: int) -> None:
    nets, given = Six(seed), batch(seed)
    before = [value.clone() for value in given]
    answer(nets, *given)
    for name, now, then in zip("xyz", given, before, strict=True):
        expect_unchanged(now, then, name)
    expect_six_learn(nets)


CYCLE_TWO_TERMS = Exercise(
    "cycle_two_terms",
    4,
    4,
    (
        _one_term(
            "gan",
            "The adversarial term asks D2 how far SR(G1(x)) is from 1.",
            "D2 judges at HR, and what it judges is SR(G1(x)).",
        ),
        _one_term(
            "cycle",
            "The cycle term compares G3(SR(G1(x))) with x.",
            "G3 leads back down to x. Squared, a mean.",
        ),
        _one_term(
            "identity",
            "The identity term compares SR(y) with z: it is supervision on the pair.",
            "SR(y), not SR(x) and not G1(y), against z. Squared.",
        ),
        _one_term("tv", "The total variation is that of SR(G1(x)).", "Of the HR result, not of the LR one."),
        Law(
            "returns-z-tilde",
            "The second result is SR(G1(x)), through G1 and at HR.",
            _TERMS,
            {"seed": seeds()},
            holds=_z_tilde,
            examples=4,
        ),
        Law(
            "gradients",
            "Each term's gradient reaches the networks that its formula contains, and no others.",
            _TERMS,
            {"seed": seeds(), "name": st.sampled_from(TERMS)},
            holds=_who_is_moved,
            examples=8,
        ),
        Law(
            "leaves-its-input",
            "Patches and requires_grad of all weights are what they were.",
            _TERMS,
            {"seed": seeds()},
            holds=_terms_leave,
            examples=2,
        ),
    ),
    _TERMS,
    _LIBRARY,
)


# The generators' step.

_Weights = dict[str, float]


def _stepped(answer: Answer, nets: Six, optimizer: Any, given: tuple[Tensor, ...], one: _Weights, two: _Weights) -> Any:
    result = answer(nets, optimizer, *given, one, two)
    triple = isinstance(result, (tuple, list)) and len(result) == 3
    expect(triple, "three things: the loss, G1(x), SR(G1(x))", type(result).__name__)
    return result


def _moves(answer: Answer, seed: int, one: _Weights, two: _Weights, stale: bool = False) -> None:
    nets, twin, given = Six(seed), Six(seed), batch(seed)
    optimizer = optimizer_of(nets, GENERATORS)
    if stale:
        for parameter in nets.parameters():
            parameter.grad = torch.ones_like(parameter)
    _stepped(answer, nets, optimizer, given, one, two)
    loss, _, _ = both_totals(twin, *given, one, two)
    expect_where(nets, twin, loss, GENERATORS)


def _moves_by_one(answer: Answer, seed: int, name: str) -> None:
    _moves(answer, seed, weights_with(**{name: 0.5}), weights_with())


def _moves_by_two(answer: Answer, seed: int, name: str) -> None:
    _moves(answer, seed, weights_with(), weights_with(**{name: 0.5}))


def _moves_by_both(answer: Answer, seed: int, weights: tuple[float, ...]) -> None:
    _moves(answer, seed, dict(zip(TERMS, weights[:4], strict=True)), dict(zip(TERMS, weights[4:], strict=True)))


def _moves_anew(answer: Answer, seed: int) -> None:
    _moves(answer, seed, weights_with(gan=0.3, cycle=0.3), weights_with(gan=0.3, cycle=0.3), stale=True)


def _judges_stay(answer: Answer, seed: int) -> None:
    nets, given = Six(seed), batch(seed)
    before = {letter: [p.detach().clone() for p in getattr(nets, letter).parameters()] for letter in ("D1", "D2")}
    _stepped(answer, nets, optimizer_of(nets, GENERATORS), given, weights_with(gan=1.0), weights_with(gan=1.0))
    note = "The generators' loss goes through the judges without moving them: only what the optimiser holds may move."
    for letter, old in before.items():
        for parameter, then in zip(getattr(nets, letter).parameters(), old, strict=True):
            expect(torch.equal(parameter.detach(), then), f"{letter} where it was", "it has moved", note)


def _returns(answer: Answer, seed: int) -> None:
    nets, twin, given = Six(seed), Six(seed), batch(seed)
    one, two = weights_with(gan=0.3, cycle=0.2), weights_with(gan=0.3, identity=0.2)
    result = _stepped(answer, nets, optimizer_of(nets, GENERATORS), given, one, two)
    note = "As they were before the step. And cut off from the graph: kept results would keep all activations alive."
    for name, got, right in zip(
        ("the loss", "G1(x)", "SR(G1(x))"), result, both_totals(twin, *given, one, two), strict=True
    ):
        expect_is_tensor(got, name)
        expect_close(got, right, NEAR, f"{name}, as before the step", note)
        expect_detached(got, name, note)


def _step_leaves(answer: Answer, seed: int) -> None:
    nets, given = Six(seed), batch(seed)
    before = [value.clone() for value in given]
    _stepped(answer, nets, optimizer_of(nets, GENERATORS), given, weights_with(gan=0.1), weights_with(gan=0.1))
    for name, now, then in zip("xyz", given, before, strict=True):
        expect_unchanged(now, then, name)
    expect_six_learn(nets)


def _learns(answer: Answer, seed: int) -> None:
    nets, given = Six(seed), batch(seed)
    optimizer = optimizer_of(nets, GENERATORS, rate=0.01)
    one, two = weights_with(identity=1.0, cycle=1.0), weights_with(identity=1.0)
    losses = [expect_number(_stepped(answer, nets, optimizer, given, one, two)[0], "the loss") for _ in range(8)]
    expect(losses[-1] < losses[0], f"less than {losses[0]:.4g} after eight steps on the same batch", losses[-1])


_WEIGHTS = st.tuples(*[numbers(0, 1)] * 8)
_NAMED = {"seed": seeds(), "name": st.sampled_from(TERMS)}
GENERATORS_STEP = Exercise(
    "generators_step",
    4,
    4,
    (
        Law(
            "judges-stay",
            "D1 and D2 do not move in the generators' step.",
            _STEP,
            {"seed": seeds()},
            holds=_judges_stay,
            examples=4,
        ),
        Law(
            "moved-by-cycle-one",
            "Every term of cycle one moves the generators that it contains, with its own weight.",
            _BOTH,
            _NAMED,
            holds=_moves_by_one,
            examples=8,
        ),
        Law(
            "moved-by-cycle-two",
            "Every term of cycle two moves the generators that it contains, G1 among them.",
            _BOTH,
            _NAMED,
            holds=_moves_by_two,
            examples=8,
        ),
        Law(
            "old-gradients-cleared",
            "Gradients left from earlier do not count.",
            _STEP,
            {"seed": seeds()},
            holds=_moves_anew,
            examples=3,
        ),
        Law(
            "sum-of-both-totals",
            "One step goes down the sum of both totals.",
            _BOTH,
            {"seed": seeds(), "weights": _WEIGHTS},
            holds=_moves_by_both,
            examples=5,
        ),
        Law(
            "returns-what-was",
            "What comes back is from before the step, and detached.",
            _STEP,
            {"seed": seeds()},
            holds=_returns,
            examples=4,
        ),
        Law(
            "loss-falls",
            "Eight steps on the same batch lower the loss.",
            _STEP,
            {"seed": seeds()},
            holds=_learns,
            examples=2,
        ),
        Law(
            "leaves-its-input",
            "Patches and requires_grad of all weights are what they were.",
            _STEP,
            {"seed": seeds()},
            holds=_step_leaves,
            examples=2,
        ),
    ),
    _STEP,
    (*_LIBRARY, *_STEPS),
)

EXERCISES = (CYCLE_TWO_TERMS, GENERATORS_STEP, *JUDGES, *RUNS, *NUMBERS)

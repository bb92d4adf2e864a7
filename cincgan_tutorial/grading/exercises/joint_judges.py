"""Assignment 4, continued: a judge's step, and the joint step with its order."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..exercise import Exercise
from ..laws import Law, expect, expect_close, expect_equal, expect_is_tensor, expect_unchanged
from ..strategies import seeds
from ..toys import MeanJudge, Six
from .of_joint import (
    GENERATORS,
    NEAR,
    Weights,
    batch,
    both_totals,
    expect_detached,
    expect_six_learn,
    expect_where,
    optimizer_of,
    right_judge_loss,
    weights_with,
)
from .of_many import CHAPTER_4, CHAPTER_6, Answer

_STEP = CHAPTER_6 + "One step"
_BOTH = CHAPTER_4 + "How both cycles move G1"
_LIBRARY = tuple(
    f"cincgan_tutorial.{name}"
    for name in (
        "training.joint_step",
        "training.judge_step",
        "training.cycle_one_step",
        "training.cycle_two_step",
        "losses.discriminator_loss",
        "cycle_two.cycle_two",
    )
)


# A judge's step.


def _judged(answer: Answer, seed: int, stale: bool = False) -> None:
    nets, twin, (x, y, _) = Six(seed), Six(seed), batch(seed)
    fake = nets.G1(x).detach()
    if stale:
        for parameter in nets.D1.parameters():
            parameter.grad = torch.ones_like(parameter)
    answer(nets.D1, optimizer_of(nets, ("D1",)), y, fake)
    note = "Real should become 1 and fake 0; both count; old gradients do not."
    expect_where(nets, twin, right_judge_loss(twin.D1, y, fake), ("D1",), note=note)


def _judge_moves(answer: Answer, seed: int) -> None:
    _judged(answer, seed)


def _judge_forgets(answer: Answer, seed: int) -> None:
    _judged(answer, seed, stale=True)


def _judge_learns(answer: Answer) -> None:
    D, real, fake = MeanJudge(0.0, 0.5), torch.ones(2, 3, 4, 5), torch.zeros(2, 3, 4, 5)
    optimizer = torch.optim.SGD(D.parameters(), lr=0.2)
    for _ in range(40):
        answer(D, optimizer, real, fake)
    got = torch.stack([D(real).mean(), D(fake).mean()]).detach()
    note = "Are the targets swapped, or is the loss climbed?"
    expect_close(
        got, torch.tensor([1.0, 0.0]), 0.05, "D's scores of white real and black fake patches, 40 steps on", note
    )


def _nothing_behind(answer: Answer, seed: int) -> None:
    nets, (x, y, _) = Six(seed), batch(seed)
    answer(nets.D1, optimizer_of(nets, ("D1",)), y, nets.G1(x))
    note = "The fake must be cut off from the generator that made it: detach."
    for parameter in nets.G1.parameters():
        reached = parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
        expect(not reached, "no gradient in the generator behind the fake", "a gradient", note)


def _judge_returns(answer: Answer, seed: int) -> None:
    nets, twin, (x, y, _) = Six(seed), Six(seed), batch(seed)
    fake = nets.G1(x).detach()
    loss = answer(nets.D1, optimizer_of(nets, ("D1",)), y, fake)
    expect_is_tensor(loss, "the loss")
    expect_close(loss, right_judge_loss(twin.D1, y, fake), NEAR, "the loss, as before the step")
    expect_detached(loss, "the loss", "Kept losses would keep their graphs alive.")


def _judge_leaves(answer: Answer, seed: int) -> None:
    nets, (x, y, _) = Six(seed), batch(seed)
    before, fake = y.clone(), nets.G1(x)
    answer(nets.D1, optimizer_of(nets, ("D1",)), y, fake)
    expect_unchanged(y, before, "real")
    note = "detach_() cuts off the very tensor that was given; detach() cuts off a copy."
    expect(
        fake.requires_grad, "a fake from which the generator can still learn", "a fake that is cut off for good", note
    )
    expect_six_learn(nets)


_SEED = {"seed": seeds()}
JUDGE_STEP = Exercise(
    "judge_step",
    4,
    3,
    (
        Law(
            "fake-is-cut-off",
            "No gradient reaches the generator that made the fake.",
            _STEP,
            _SEED,
            holds=_nothing_behind,
            examples=4,
        ),
        Law(
            "real-is-one-fake-is-zero",
            "D moves towards 1 on real patches and towards 0 on fakes.",
            _STEP,
            holds=_judge_learns,
        ),
        Law(
            "one-step-down",
            "D takes exactly one step down its own loss.",
            _STEP,
            _SEED,
            holds=_judge_moves,
            examples=5,
        ),
        Law(
            "old-gradients-cleared",
            "Gradients left from the generators' step do not count.",
            _STEP,
            _SEED,
            holds=_judge_forgets,
            examples=3,
        ),
        Law(
            "returns-the-loss",
            "The loss from before the step comes back, detached.",
            _STEP,
            _SEED,
            holds=_judge_returns,
            examples=4,
        ),
        Law(
            "leaves-its-input",
            "Patches and requires_grad of all weights are what they were.",
            _STEP,
            _SEED,
            holds=_judge_leaves,
            examples=2,
        ),
    ),
    _STEP,
    _LIBRARY,
)


# The joint step.


def _optimizers(nets: Six) -> dict[str, torch.optim.SGD]:
    return {
        "generators": optimizer_of(nets, GENERATORS),
        "D1": optimizer_of(nets, ("D1",)),
        "D2": optimizer_of(nets, ("D2",)),
    }


_ONE, _TWO = (
    weights_with(gan=0.5, cycle=0.3, identity=0.2, tv=0.1),
    weights_with(
        gan=0.4,
        cycle=0.2,
        identity=0.3,
        tv=0.1,
    ),
)


def _joint(
    answer: Answer, seed: int, one: Weights = _ONE, two: Weights = _TWO
) -> tuple[Any, Six, Six, tuple[Tensor, Tensor, Tensor]]:
    """Do a step with the answer; return what came back, the networks after it, their twin from before, the batch."""
    nets, twin, given = Six(seed), Six(seed), batch(seed)
    result = answer(nets, _optimizers(nets), *given, one, two)
    return result, nets, twin, given


def _generators_move(answer: Answer, seed: int) -> None:
    _, nets, twin, given = _joint(answer, seed)
    loss, _, _ = both_totals(twin, *given, _ONE, _TWO)
    note = "Generators move first, judged by D1 and D2 as they stand, and nothing but this step moves them."
    expect_where(nets, twin, loss, GENERATORS, note=note)


def _judge_moves_by(letter: str, words: str, note: str) -> Law:
    def holds(answer: Answer, seed: int) -> None:
        _, nets, twin, (x, y, z) = _joint(answer, seed)
        _, y_tilde, z_tilde = both_totals(twin, x, y, z, _ONE, _TWO)
        D, real, fake = (twin.D1, y, y_tilde) if letter == "D1" else (twin.D2, z, z_tilde)
        expect_where(nets, twin, right_judge_loss(D, real, fake.detach()), (letter,), note=note)

    return Law(f"{letter.lower()}-learns", words, _STEP, _SEED, holds=holds, examples=6)


def _each_moves(answer: Answer, seed: int) -> None:
    _, nets, twin, _ = _joint(answer, seed)
    for letter, net in nets.named_children():
        then = dict(getattr(twin, letter).named_parameters())
        still = all(torch.equal(now.detach(), then[name].detach()) for name, now in net.named_parameters())
        expect(not still, f"{letter} in another place after a joint step", "it has not moved")


def _fakes_of_before(answer: Answer, seed: int) -> None:
    # The generators' step is made long, so that fakes made after it are quite other ones.
    nets, twin, (x, y, z) = Six(seed), Six(seed), batch(seed)
    optimizers = _optimizers(nets) | {"generators": optimizer_of(nets, GENERATORS, rate=0.5)}
    answer(nets, optimizers, x, y, z, _ONE, _TWO)
    _, y_tilde, z_tilde = both_totals(twin, x, y, z, _ONE, _TWO)
    note = "Judges learn from the fakes that were made before the generators moved."
    expect_where(nets, twin, right_judge_loss(twin.D1, y, y_tilde.detach()), ("D1",), note=note)
    expect_where(nets, twin, right_judge_loss(twin.D2, z, z_tilde.detach()), ("D2",), note=note)


def _judges_as_they_stood(answer: Answer, seed: int) -> None:
    nets, twin, given = Six(seed), Six(seed), batch(seed)
    optimizers = _optimizers(nets) | {name: optimizer_of(nets, (name,), rate=0.5) for name in ("D1", "D2")}
    one, two = weights_with(gan=1.0), weights_with(gan=1.0)
    answer(nets, optimizers, *given, one, two)
    loss, _, _ = both_totals(twin, *given, one, two)
    note = "The judges moved before the generators, or between."
    expect_where(nets, twin, loss, GENERATORS, note=note)


def _joint_returns(answer: Answer, seed: int) -> None:
    result, _, twin, (x, y, z) = _joint(answer, seed)
    expect(isinstance(result, dict), "a dictionary", type(result).__name__)
    expect_equal(sorted(result), ["D1", "D2", "generators"], "the names of the losses")
    loss, y_tilde, z_tilde = both_totals(twin, x, y, z, _ONE, _TWO)
    right = {
        "generators": loss,
        "D1": right_judge_loss(twin.D1, y, y_tilde),
        "D2": right_judge_loss(twin.D2, z, z_tilde),
    }
    for name, value in right.items():
        expect_is_tensor(result[name], name)
        expect_close(result[name], value, NEAR, f"the loss {name}, as before its step")
        expect_detached(result[name], f"the loss {name}", "Kept losses would keep their graphs alive.")


def _second_step(answer: Answer, seed: int) -> None:
    nets, given = Six(seed), batch(seed)
    optimizers = _optimizers(nets)
    answer(nets, optimizers, *given, _ONE, _TWO)
    twin = Six(seed)
    twin.load_state_dict({name: value.detach().clone() for name, value in nets.state_dict().items()})
    answer(nets, optimizers, *given, _ONE, _TWO)
    x, y, z = given
    loss, y_tilde, z_tilde = both_totals(twin, x, y, z, _ONE, _TWO)
    note = "In a second step gradients of the first still counted: clear them before each of the three lessons."
    expect_where(nets, twin, loss, GENERATORS, note=note)
    expect_where(nets, twin, right_judge_loss(twin.D1, y, y_tilde), ("D1",), note=note)
    expect_where(nets, twin, right_judge_loss(twin.D2, z, z_tilde), ("D2",), note=note)


def _joint_leaves(answer: Answer, seed: int) -> None:
    nets, given = Six(seed), batch(seed)
    before = [value.clone() for value in given]
    answer(nets, _optimizers(nets), *given, _ONE, _TWO)
    for name, now, then in zip("xyz", given, before, strict=True):
        expect_unchanged(now, then, name)
    expect_six_learn(nets)


JOINT_STEP = Exercise(
    "joint_step",
    4,
    5,
    (
        Law(
            "all-six-move",
            "After a joint step all six networks have moved.",
            _STEP,
            _SEED,
            holds=_each_moves,
            examples=2,
        ),
        Law(
            "generators-first",
            "The generators move by the judges as they stood before the step.",
            _STEP,
            _SEED,
            holds=_judges_as_they_stood,
            examples=4,
        ),
        Law(
            "fakes-of-before",
            "The judges learn from the fakes that were made before the generators moved.",
            _STEP,
            _SEED,
            holds=_fakes_of_before,
            examples=4,
        ),
        Law(
            "generators-once",
            "The generators take one step down both totals, and no judge's lesson moves them.",
            _BOTH,
            _SEED,
            holds=_generators_move,
            examples=5,
        ),
        _judge_moves_by("D1", "D1 learns that y is real and G1(x) fake.", "At LR: y against G1(x)."),
        _judge_moves_by("D2", "D2 learns that z is real and SR(G1(x)) fake.", "At HR: z against SR(G1(x))."),
        Law(
            "second-step",
            "A second step does not see the gradients of the first.",
            _STEP,
            _SEED,
            holds=_second_step,
            examples=3,
        ),
        Law(
            "returns-the-losses",
            "Three losses come back by name, each from before its step, detached.",
            _STEP,
            _SEED,
            holds=_joint_returns,
            examples=4,
        ),
        Law(
            "leaves-its-input",
            "Patches and requires_grad of all weights are what they were.",
            _STEP,
            _SEED,
            holds=_joint_leaves,
            examples=2,
        ),
    ),
    _STEP,
    _LIBRARY,
)

EXERCISES = (JUDGE_STEP, JOINT_STEP)

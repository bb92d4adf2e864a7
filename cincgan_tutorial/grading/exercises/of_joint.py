"""What the laws of assignment 4 share: small batches, plain gradient descent, and a step worked out in the long way."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..laws import expect, expect_close
from ..toys import Six

TERMS = ("gan", "cycle", "identity", "tv")
GENERATORS = ("G1", "G2", "SR", "G3")
RATE = 0.05
NEAR = 1e-3

Weights = dict[str, float]


def batch(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return x, y and z of two patches."""
    generator = torch.Generator().manual_seed(seed + 1)
    x, y = (torch.rand(2, 3, 4, 5, generator=generator) for _ in range(2))
    return x, y, torch.rand(2, 3, 16, 20, generator=generator)


def weights_with(**named: float) -> Weights:
    """Return the weights of a cycle, 0 where none is named."""
    return dict.fromkeys(TERMS, 0.0) | named


def optimizer_of(nets: Six, letters: Sequence[str], rate: float = RATE) -> torch.optim.SGD:
    """Return plain gradient descent on some networks: where it leads can be worked out."""
    return torch.optim.SGD([p for letter in letters for p in getattr(nets, letter).parameters()], lr=rate)


def mean_square(difference: Tensor) -> Tensor:
    """Return the mean of the squares."""
    return difference.square().mean()


def _variation(images: Tensor) -> Tensor:
    return mean_square(images.diff(dim=2)) + mean_square(images.diff(dim=3))


def _right_terms_one(nets: Six, x: Tensor, y: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    y_tilde = nets.G1(x)
    terms = {
        "gan": mean_square(nets.D1(y_tilde) - 1),
        "cycle": mean_square(nets.G2(y_tilde) - x),
        "identity": (nets.G1(y) - y).abs().mean(),
        "tv": _variation(y_tilde),
    }
    return terms, y_tilde


def right_terms_two(nets: Six, x: Tensor, y: Tensor, z: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """Return the terms of cycle two, and SR(G1(x))."""
    z_tilde = nets.SR(nets.G1(x))
    terms = {
        "gan": mean_square(nets.D2(z_tilde) - 1),
        "cycle": mean_square(nets.G3(z_tilde) - x),
        "identity": mean_square(nets.SR(y) - z),
        "tv": _variation(z_tilde),
    }
    return terms, z_tilde


def both_totals(
    nets: Six, x: Tensor, y: Tensor, z: Tensor, one: Weights, two: Weights
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the sum of both totals, G1(x) and SR(G1(x))."""
    terms_one, y_tilde = _right_terms_one(nets, x, y)
    terms_two, z_tilde = right_terms_two(nets, x, y, z)
    loss = torch.stack([one[name] * terms_one[name] + two[name] * terms_two[name] for name in TERMS]).sum()
    return loss, y_tilde, z_tilde


def right_judge_loss(D: torch.nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Return a judge's loss on real patches and fakes that are cut off."""
    return mean_square(D(real) - 1) + mean_square(D(fake.detach()))


def expect_where(
    nets: Six, twin: Six, loss: Tensor, letters: Sequence[str], rate: float = RATE, note: str = ""
) -> None:
    """Raise `Broken` unless some networks are where one step of gradient descent leads a twin of theirs."""
    for letter in letters:
        parameters = list(getattr(twin, letter).parameters())
        slopes = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        for now, then, slope in zip(getattr(nets, letter).parameters(), parameters, slopes, strict=True):
            step = torch.zeros_like(then) if slope is None else rate * slope
            # The step itself is compared, in units of its size: a weight hardly changes in one.
            size = max(float(step.abs().max()), 1e-3)
            moved = (then - now).detach() / size
            expect_close(moved, step / size, 5 * NEAR, f"how {letter} moved, in units of {size:.3g}", note)


def expect_detached(value: Tensor, what: str, note: str = "") -> None:
    """Raise `Broken` unless a tensor is cut off from the graph."""
    expect(not value.requires_grad, f"{what}, detached", f"{what} with a graph behind it", note)


def expect_six_learn(nets: Six) -> None:
    """Raise `Broken` unless every weight may still learn."""
    for letter, net in nets.named_children():
        learns = all(parameter.requires_grad for parameter in net.parameters())
        expect(learns, f"{letter} can learn as before", "requires_grad is false", "What you freeze you must thaw.")

"""What laws draw: small tensors that shrink to simple ones, so that a counterexample is short to read."""

from __future__ import annotations

import math

import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from torch import Tensor

Range = tuple[int, int]


def seeds() -> SearchStrategy[int]:
    """Draw a seed for a law's own generator; shrinks to 0."""
    return st.integers(0, 2**16 - 1)


def tensors(*shape: int | Range, low: float = 0.0, high: float = 1.0) -> SearchStrategy[Tensor]:
    """Draw float32 tensors with values in [low, high]; a pair instead of a size draws the size too.

    Seed 0, to which a counterexample shrinks where it can, is a single ``high`` among ``low``; seed 1 counts up evenly;
    all others are random.
    """
    sizes = st.tuples(*(st.just(size) if isinstance(size, int) else st.integers(*size) for size in shape))
    return st.builds(filled, sizes, seeds(), st.just(low), st.just(high))


def images(
    height: int | Range = (2, 7), width: int | Range = (2, 7), batch: int | Range = (1, 3), channels: int | Range = 3
) -> SearchStrategy[Tensor]:
    """Draw images, n c h w, in [0, 1]."""
    return tensors(batch, channels, height, width)


def scores(
    height: int | Range = (1, 5), width: int | Range = (1, 5), batch: int | Range = (1, 3)
) -> SearchStrategy[Tensor]:
    """Draw a discriminator's scores, n 1 h w, in [-2, 2]."""
    return tensors(batch, 1, height, width, low=-2.0, high=2.0)


def numbers(low: float, high: float) -> SearchStrategy[float]:
    """Draw plain floats, in steps that print short."""
    steps = 64
    return st.integers(0, steps).map(lambda k: low + (high - low) * k / steps)


def filled(shape: tuple[int, ...], seed: int, low: float, high: float) -> Tensor:
    """Return the tensor of a seed; see `tensors`."""
    count = math.prod(shape)
    if seed == 0:
        values = torch.full((count,), low)
        if count:
            # Not at a border where that can be avoided: many laws say nothing there.
            values[count // 2] = high
    elif seed == 1:
        values = torch.linspace(low, high, count)
    else:
        values = low + (high - low) * torch.rand(count, generator=torch.Generator().manual_seed(seed))
    return values.reshape(shape)

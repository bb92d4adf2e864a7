"""Measure a receptive field instead of declaring it: follow the gradient of one output back to the input."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn


def receptive_field(network: nn.Module, size: int = 160) -> tuple[int, int]:
    """Return height and width, in input pixels, of the area that one output pixel depends on.

    Args:
        network: Takes (1, 3, size, size) and returns a map.
        size: Side of the probe; must exceed the receptive field.

    Raises:
        ValueError: The area touches the probe's border, so it may be larger: give a larger ``size``.
    """
    rows, columns = _seen(network, size)
    return rows[1] - rows[0] + 1, columns[1] - columns[0] + 1


class Sight(NamedTuple):
    """Where the outputs of a judge look: output i sees ``size`` pixels, from ``first + stride * i`` on, each way.

    Those of the first and last outputs may lie outside the picture, where padding puts zeros.
    """

    size: int
    stride: int
    first: int


def sight(network: nn.Module, size: int = 112) -> Sight:
    """Measure where each output of a square network looks, by two neighbours in the middle; arguments as above."""
    with torch.no_grad():
        middle = copy.deepcopy(network).float().eval()(torch.zeros(1, 3, size, size)).shape[-1] // 2
    here, _ = _seen(network, size, middle)
    after, _ = _seen(network, size, middle + 1)
    stride = after[0] - here[0]
    return Sight(here[1] - here[0] + 1, stride, here[0] - stride * middle)


def _seen(network: nn.Module, size: int, cell: int | None = None) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return first and last row, and first and last column, that an output depends on."""
    seen = influence(network, size, cell) > 0
    rows, columns = (seen.any(axis).nonzero().flatten() for axis in (1, 0))
    for side in (rows, columns):
        if side.numel() == 0 or side[0] == 0 or side[-1] == size - 1:
            raise ValueError(f"the receptive field may exceed the probe of {size}x{size} pixels; give a larger size.")
    return (int(rows[0]), int(rows[-1])), (int(columns[0]), int(columns[-1]))


def declared_field(convolutions: Iterable[tuple[int, int]]) -> int:
    r"""Return the receptive field that kernels and strides promise, in input pixels. {eq}`eq-receptive`.

    $$ r = 1 + \sum_l (k_l - 1) \prod_{m<l} s_m $$

    Args:
        convolutions: Kernel and stride, (k, s), of each layer from the input on.

    >>> declared_field([(4, 2), (4, 2), (4, 2), (4, 1), (4, 1)])
    70
    """
    field, step = 1, 1
    for kernel, stride in convolutions:
        field += (kernel - 1) * step
        step *= stride
    return field


def influence(network: nn.Module, size: int = 160, cell: int | None = None) -> Tensor:
    """Return how strongly each input pixel moves one output pixel, (size, size), non-negative.

    That is the middle one, or the one in row and column ``cell``.

    Works on a copy with positive weights and without normalisation: no two paths cancel, no activation blocks one, and
    the statistics of BatchNorm, which depend on the whole picture, do not count as sight.
    """
    probe = copy.deepcopy(network).float().eval()
    _replace_normalisation(probe)
    with torch.no_grad():
        for parameter in probe.parameters():
            parameter.abs_().add_(1e-3)
    images = torch.ones(1, 3, size, size, requires_grad=True)
    output = probe(images)
    row, column = (side // 2 if cell is None else cell for side in output.shape[-2:])
    output[..., row, column].sum().backward()
    if images.grad is None:
        raise ValueError("the output does not depend on the input.")
    return images.grad.abs().sum((0, 1))


def _replace_normalisation(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, nn.Identity())
        else:
            _replace_normalisation(child)

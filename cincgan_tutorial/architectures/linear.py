"""EDSR's last layers as one: between them is nothing but sums and products, and two convolutions in a row are one."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .convolution import multiplying_is_dear

# Features from which on what is saved is more than the detour costs, if there are more than twice the pixels that go
# through the layers all the same, those of the impulses and of the border. Measured with AVX-512, in bf16.
_WIDE = 32
# Pixels from the centre of the one kernel to its edge: the tail sees enlarged pixels that belong to the next pixel, and
# for these the stage saw one pixel further.
_REACH = 2


def at_once_pays(maps: Tensor) -> bool:
    """Return whether `enlarge_at_once` takes less time than the layers, there and back again.

    So it does for many pixels of many features, on a CPU without AMX. Where no gradients are asked for, nothing is put
    together.
    """
    if maps.dim() != 4 or not maps.requires_grad or not multiplying_is_dear(maps.device):
        return False
    n, features, height, width = maps.shape
    impulses, border = (features + 1) * (2 * _REACH + 1) ** 2, 4 * n * (height + width)
    return features >= _WIDE and n * height * width > 2 * (impulses + border)


def enlarge_at_once(maps: Tensor, stage: nn.Module, tail: nn.Module) -> Tensor:
    """Return what EDSR's last stage of enlargement and its last layer make of maps: (n, c, h, w) -> (n, c', 2h, 2w).

    The results are those of ``tail(stage(maps))`` but for rounding, of which there is less under autocast. With 64
    features an eighth of the multiplications is left, and those of the border and of the impulses.

    Args:
        maps: Features.
        stage: A convolution of 3x3 with a border of zeros, and a pixel shuffle by 2.
        tail: A convolution of 3x3 with a border of zeros.
    """
    kernel, bias = as_one(stage, tail, maps.shape[1])
    inner = F.pixel_shuffle(F.conv2d(maps, kernel, bias, padding=_REACH), 2)

    # Beyond the border the tail sees zeros, and not what the stage would answer there. So the outermost pixels come
    # from the layers themselves; what these need lies in two rows, or two columns.
    top, bottom = tail(stage(torch.cat([maps[:, :, :2], maps[:, :, -2:]]))).chunk(2)
    left, right = tail(stage(torch.cat([maps[..., :2], maps[..., -2:]]))).chunk(2)
    rows = torch.cat([top[:, :, :1], inner[:, :, 1:-1], bottom[:, :, -1:]], 2)
    return torch.cat([left[..., :1], rows[..., 1:-1], right[..., -1:]], 3)


def as_one(
    stage: nn.Module,
    tail: nn.Module,
    features: int,
) -> tuple[Tensor, Tensor]:
    """Return the kernel and biases of both layers as one: {eq}`eq-impulses`.

    They are (4c', c, 5, 5) and (4c',). What the one convolution answers still
    has to be shuffled by 2. Gradients reach the layers through the impulses.

    Source: K. Bhardwaj et al., "Collapsible linear blocks for super-efficient
    super resolution", MLSys 2022: layers are put together in each step.
    """
    weights = next(stage.parameters())
    # A picture for each feature, with a 1 in its middle, and an empty one.
    middle = F.pad(weights.new_ones(1, 1), [_REACH] * 4)
    ones = torch.eye(features + 1, features).to(weights)[:, :, None, None]
    pictures = (ones * middle).contiguous(memory_format=torch.channels_last)
    with torch.autocast(weights.device.type, enabled=False):
        answers = F.pixel_unshuffle(tail(stage(pictures)), 2)
    to_impulses, to_nothing = answers[:-1], answers[-1]
    # An answer right of its impulse is a weight left of the kernel's middle.
    kernel = (to_impulses - to_nothing).flip(2, 3).transpose(0, 1)
    return kernel, to_nothing[:, _REACH, _REACH]

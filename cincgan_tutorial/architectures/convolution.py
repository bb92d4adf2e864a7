"""Convolution, as PyTorch has it, with fewer multiplications where a CPU has many to do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Channels in times channels out from which on the multiplications saved are worth the additions they cost.
_WIDE = 2**15


class Conv2d(nn.Conv2d):
    """`torch.nn.Conv2d` with the same results but for rounding: (n, c, h, w) -> (n, c', h', w').

    On a CPU, kernels of stride 1 are applied `in_halves` where they are even and join many channels, and `tap_by_tap`
    where each pixel has a single result; ``make bench`` measures both. With matrix instructions (AMX) multiplying
    costs so little that nothing is changed.
    """

    def forward(self, images: Tensor) -> Tensor:
        """Return the filtered images."""
        way = self._way_with_less(images)
        return super().forward(images) if way is None else way(images, self.weight, self.bias)

    def _way_with_less(self, images: Tensor) -> Callable[[Tensor, Tensor, Tensor | None], Tensor] | None:
        """Return what filters these images with fewer multiplications; ``None`` if nothing here does or it costs more.

        What can't be filtered at all is left to PyTorch, which says why.
        """
        usual = self.stride == self.dilation == (1, 1) and self.groups == 1 and self.padding_mode == "zeros"
        if not usual or isinstance(self.padding, str) or images.dim() != 4 or not _multiplying_is_dear(images.device):
            return None
        if min(_sizes(images, self.weight, self.padding)) < 1:
            return None
        if self.out_channels == 1:
            small = all(around < side for around, side in zip(self.padding, self.kernel_size, strict=True))
            return partial(tap_by_tap, padding=self.padding) if small else None
        pays = self.in_channels * self.out_channels >= _WIDE and not any(side % 2 for side in self.kernel_size)
        return partial(in_halves, padding=self.padding) if pays else None


def _multiplying_is_dear(device: torch.device) -> bool:
    """Return whether this is a CPU without AMX."""
    return device.type == "cpu" and not getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)()


def in_halves(images: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, ...]) -> Tensor:
    """Return the convolution by an even kernel with 9 multiplications for 16, by {eq}`eq-halves` down and to the right.

    (n, c, h, w) and (c', c, k, k') -> (n, c', h', w'). In half-width numbers it rounds about twice as much.

    Source: Z.-J. Mou and P. Duhamel, "Short-length FIR filters and their use in fast nonrecursive filtering", IEEE
    Transactions on Signal Processing 39(6), 1991.
    """
    sizes = _sizes(images, weight, padding)
    # What is computed is even in both directions, and so is what it is computed from.
    down, right = (
        out + out % 2 + kernel - side - before
        for out, kernel, side, before in zip(sizes, weight.shape[2:], images.shape[2:], padding, strict=True)
    )
    pixels = F.pad(images.permute(0, 2, 3, 1), (0, 0, padding[1], right, padding[0], down))
    filtered = _halved(pixels, weight.permute(0, 2, 3, 1), bias, (1, 2))
    return filtered[:, : sizes[0], : sizes[1]].contiguous().permute(0, 3, 1, 2)


def _halved(pixels: Tensor, weight: Tensor, bias: Tensor | None, directions: tuple[int, ...]) -> Tensor:
    """Filter in halves along each direction; channels come last, (n, h, w, c) and (c', k, k', c) -> (n, h', w', c')."""
    if not directions:
        return F.conv2d(pixels.permute(0, 3, 1, 2), weight.permute(0, 3, 1, 2), bias).permute(0, 2, 3, 1)
    along, others = directions[0], directions[1:]
    w_even, w_odd = weight.unflatten(along, (-1, 2)).unbind(along + 1)
    even, odd = pixels.unflatten(along, (-1, 2)).unbind(along + 1)
    count = odd.shape[along] - 1
    even, next_even, odd = even.narrow(along, 0, count), even.narrow(along, 1, count), odd.narrow(along, 0, count)
    shared = _halved(odd, w_even + w_odd, bias, others)
    first = shared + _halved(even - odd, w_even, None, others)
    second = shared + _halved(next_even - odd, w_odd, None, others)
    return torch.stack([first, second], along + 1).flatten(along, along + 1)


def tap_by_tap(images: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, ...]) -> Tensor:
    """Return the convolution as a sum over the kernel's places: one product of matrices for all, then a shift of each.

    (n, c, h, w) and (c', c, k, k') -> (n, c', h', w'), in the numbers of the weights. A processor computes 16 channels
    or more at once; where there is only one, most of it idles. With a channel for each place it does not.
    """
    height, width = weight.shape[2:]
    taps = weight.flip(2, 3).permute(0, 2, 3, 1).flatten(0, 2)[:, :, None, None]
    answers = F.conv2d(images, taps).flatten(2)
    beyond = (height - 1 - padding[0], width - 1 - padding[1])
    summed = F.fold(answers.to(weight.dtype), _sizes(images, weight, padding), (height, width), padding=beyond)
    return summed if bias is None else summed + bias[:, None, None]


def _sizes(images: Tensor, weight: Tensor, padding: tuple[int, ...]) -> tuple[int, int]:
    """Return height and width of the result."""
    height, width = (
        side + 2 * around - kernel + 1
        for side, around, kernel in zip(images.shape[2:], padding, weight.shape[2:], strict=True)
    )
    return height, width

"""Convolution, as PyTorch has it, in less time where a CPU has much to multiply."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Channels in times channels out from which on the multiplications saved are worth the additions they cost: measured
# with AVX-512, in bf16 and in 32 bits.
_WIDE = 2**15


class Conv2d(nn.Conv2d):
    """`torch.nn.Conv2d` with the same results but for rounding: (n, c, h, w) -> (n, c', h', w').

    On a CPU, kernels of stride 1 are applied `in_halves` where they are even and join many channels, and `tap_by_tap`
    where each pixel has a single result; ``make bench`` measures both, so far with AVX-512 only. With matrix
    instructions (AMX), by which multiplying costs little, neither is done. Wide layers answer in channels-last layout,
    a single result comes in the numbers of the weights, also under autocast.
    """

    def forward(self, images: Tensor) -> Tensor:
        """Return the filtered images."""
        way = self._faster_way(images)
        return super().forward(images) if way is None else way(images, self.weight, self.bias)

    def _faster_way(self, images: Tensor) -> Callable[[Tensor, Tensor, Tensor | None], Tensor] | None:
        """Return what filters these images in less time than PyTorch; ``None`` where nothing here does.

        What can't be filtered at all is left to PyTorch, which says why.
        """
        usual = self.stride == self.dilation == (1, 1) and self.groups == 1 and self.padding_mode == "zeros"
        if not usual or isinstance(self.padding, str) or images.dim() != 4 or not multiplying_is_dear(images.device):
            return None
        if min(_sizes(images, self.weight, self.padding)) < 1:
            return None
        if self.out_channels == 1:
            small = all(around < side for around, side in zip(self.padding, self.kernel_size, strict=True))
            return partial(tap_by_tap, padding=self.padding) if small else None
        pays = self.in_channels * self.out_channels >= _WIDE and not any(side % 2 for side in self.kernel_size)
        return partial(in_halves, padding=self.padding) if pays else None


def multiplying_is_dear(device: torch.device) -> bool:
    """Return whether this is a CPU without AMX, for which some layers are computed with fewer multiplications."""
    return device.type == "cpu" and not getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)()


def in_halves(images: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, ...]) -> Tensor:
    """Return the convolution by an even kernel with 9 multiplications instead of 16, see `filter_halves`.

    (n, c, h, w) and (c', c, k, k') -> (n, c', h', w'). In half-width numbers its rounding error is two to three
    times as large, and what the way back needs takes more than twice the memory.

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
    filtered = filter_halves(pixels, weight.permute(0, 2, 3, 1), bias, (1, 2))
    return filtered[:, : sizes[0], : sizes[1]].contiguous().permute(0, 3, 1, 2)


def filter_halves(
    x: Tensor,
    w: Tensor,
    bias: Tensor | None,
    directions: tuple[int, ...],
) -> Tensor:
    """Filter by {eq}`eq-halves`, down (direction 1) and to the right (2).

    Channels come last: (n, h, w, c) and (c', k, k', c) -> (n, h', w', c').
    """
    if not directions:
        x, w = x.permute(0, 3, 1, 2), w.permute(0, 3, 1, 2)
        return F.conv2d(x, w, bias).permute(0, 2, 3, 1)
    along, others = directions[0], directions[1:]
    w_0, w_1 = w.unflatten(along, (-1, 2)).unbind(along + 1)
    even, odd = x.unflatten(along, (-1, 2)).unbind(along + 1)
    places = odd.shape[along] - 1
    x_0, x_1 = even.narrow(along, 0, places), odd.narrow(along, 0, places)
    x_2 = even.narrow(along, 1, places)

    shared = filter_halves(x_1, w_0 + w_1, bias, others)
    y_0 = shared + filter_halves(x_0 - x_1, w_0, None, others)
    y_1 = shared + filter_halves(x_2 - x_1, w_1, None, others)
    return torch.stack([y_0, y_1], along + 1).flatten(along, along + 1)


def tap_by_tap(images: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, ...]) -> Tensor:
    """Return the convolution as a sum over the kernel's places: one product of matrices for all, then a shift of each.

    (n, c, h, w) and (c', c, k, k') -> (n, c', h', w'), in the numbers of the weights. With AVX-512 a processor computes
    16 numbers or more at once, here of as many channels. Where there is one channel, most of it would idle; here there
    is one for each place.
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

"""Pixel shuffle, as PyTorch has it, with a faster way back."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PixelShuffle(nn.PixelShuffle):
    """`torch.nn.PixelShuffle` with the same results: (n, r r c, h, w) -> (n, c, r h, r w).

    In channels-last layout PyTorch's gradient of it is slow on a CPU; ``make bench`` measures both.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Return the features, r x r channels of a pixel laid out as r x r pixels of one channel."""
        if features.device.type != "cpu" or features.dim() != 4:
            return super().forward(features)
        return _Shuffle.apply(features, self.upscale_factor)


class _Shuffle(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, r: int) -> Tensor:
        ctx.r = r
        return F.pixel_shuffle(features, r)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        r = ctx.r
        pixels = gradient.movedim(1, 3)
        # Channel c r r + i r + j holds the pixels i, j of every r x r, of channel c.
        parts = [pixels[:, i::r, j::r] for i in range(r) for j in range(r)]
        return torch.stack(parts, -1).flatten(3).movedim(3, 1), None

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
        r, pixels = ctx.r, gradient.movedim(1, 3)
        n, height, width, c = pixels.shape
        h, w = height // r, width // r
        # In two steps, each of which copies short rows that lie together; in one, every number would be fetched alone.
        rows = pixels.reshape(n, h, r, w, r * c).transpose(2, 3)
        channels = rows.reshape(-1, r * r, c).transpose(1, 2)
        return channels.reshape(n, h, w, c * r * r).movedim(3, 1), None

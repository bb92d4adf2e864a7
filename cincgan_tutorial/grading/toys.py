"""Networks of a few numbers, of which laws know what they do. Pickle finds them by name, so a law may pass them on."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Affine(nn.Module):
    """gain * images + offset, with two learned numbers: a generator."""

    def __init__(self, gain: float, offset: float) -> None:
        super().__init__()
        self.gain, self.offset = nn.Parameter(torch.tensor(gain)), nn.Parameter(torch.tensor(offset))

    def forward(self, images: Tensor) -> Tensor:
        """Return gain * images + offset."""
        return self.gain * images + self.offset


class MeanJudge(Affine):
    """gain * the mean over the channels + offset: a discriminator, (n, 3, h, w) -> (n, 1, h, w)."""

    def forward(self, images: Tensor) -> Tensor:
        """Return one score per pixel."""
        return self.gain * images.mean(1, keepdim=True) + self.offset


class Six(nn.Module):
    """The six networks under their letters, each one convolution that is drawn from a seed."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.G1, self.G2 = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
        self.SR = nn.Sequential(nn.Conv2d(3, 48, 3, padding=1), nn.PixelShuffle(4))
        self.G3 = nn.Conv2d(3, 3, 4, stride=4)
        self.D1, self.D2 = nn.Conv2d(3, 1, 3), nn.Conv2d(3, 1, 4, stride=4)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(0.4 * torch.randn(parameter.shape, generator=generator))

"""SR: EDSR (Lim et al., CVPRW 2017), the network that cycle two takes ready-made."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..presets import EDSRSize
from .linear import at_once_pays, enlarge_at_once
from .upsampler import Upsampler

# Mean colour of DIV2K's training photographs, as EDSR subtracts it.
MEAN = (0.4488, 0.4371, 0.4040)


class EDSRBlock(nn.Module):
    """Conv, ReLU, conv, scaled, added to the input; no normalisation. (n, c, h, w) -> the same."""

    def __init__(self, features: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.body = nn.Sequential(
            nn.Conv2d(features, features, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(features, features, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return x + scale * f(x)."""
        return x + self.scale * self.body(x)


class EDSR(nn.Module):
    """EDSR: images (n, 3, h, w) -> (n, 3, s h, s w).

    In training mode ``upsample`` is not called as a whole, so no hook on it runs. Where its last stage and ``tail`` are
    done as one (`linear`), these are called on impulses and on the border instead of on the images.

    Args:
        size: Features, blocks and residual scaling; the default is the large model of 43 million parameters.
        scale: Enlargement, a power of two: one pixel-shuffle stage for each factor 2.
    """

    mean: Tensor

    def __init__(self, size: EDSRSize = EDSRSize(), scale: int = 4) -> None:
        super().__init__()
        stages = int(math.log2(scale))
        if 2**stages != scale:
            raise ValueError(f"scale: expected a power of two, got {scale}.")
        features = size.features
        # A buffer moves with the network; not persistent, because it is a constant and no weight.
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.head = nn.Conv2d(3, features, 3, padding=1)
        self.body = nn.Sequential(
            *(EDSRBlock(features, size.residual_scale) for _ in range(size.blocks)),
            nn.Conv2d(features, features, 3, padding=1),
        )
        self.upsample = Upsampler(
            *(
                layer
                for _ in range(stages)
                for layer in (nn.Conv2d(features, 4 * features, 3, padding=1), nn.PixelShuffle(2))
            )
        )
        self.tail = nn.Conv2d(features, 3, 3, padding=1)
        # LR pixels on each side that can change an HR pixel: head, blocks, body's end, then ever finer stages.
        self.reach = 1 + 2 * size.blocks + 1 + math.ceil(sum(0.5**stage for stage in range(stages + 1))) + 1

    def forward(self, images: Tensor) -> Tensor:
        """Return the enlarged images."""
        features = self.head(images - self.mean)
        features = features + self.body(features)
        return self._enlarged(features) + self.mean

    def _enlarged(self, features: Tensor) -> Tensor:
        """Return the colours, less their mean: while SR learns by the last two layers as one, where that pays.

        Otherwise layer by layer: what a picture is enlarged to then depends on no size and on no other picture.
        """
        if not (self.training and len(self.upsample)):
            return self.tail(self.upsample(features))
        maps, stage = self.upsample[:-2](features), self.upsample[-2:]
        return enlarge_at_once(maps, stage, self.tail) if at_once_pays(maps) else self.tail(stage(maps))

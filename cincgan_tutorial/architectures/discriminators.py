"""D1 and D2 of the paper's Fig. 3b: PatchGAN, a verdict for every patch instead of one for the picture."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ..images import Scores
from ..presets import DiscriminatorSize
from .convolution import Conv2d
from .generators import leaky_relu

# Stride of each of the five convolutions. All have kernel 4, so D1 sees 16x16 LR pixels and D2 70x70 HR pixels.
D1_STRIDES = (1, 1, 1, 1, 1)
D2_STRIDES = (2, 2, 2, 1, 1)
# Strides of D1 by the LR pixels that it sees; the paper's is 16.
D1_STRIDES_SEEING = {10: (1, 1, 1), 16: D1_STRIDES, 28: (2, 1, 1, 1, 1)}


class PatchDiscriminator(nn.Module):
    """PatchGAN: images (n, 3, h, w) -> a map of scores (n, 1, i, j), 1 for real and 0 for fake, unbounded.

    Args:
        strides: `D1_STRIDES` or `D2_STRIDES`.
        size: Width of the first layer (doubled in each following one up to ``widest``) and normalisation.

    Padding 1, as in the PatchGAN code. BatchNorm in layers two to four, never in a generator; no sigmoid: the loss is
    least squares.
    """

    def __init__(self, strides: Sequence[int], size: DiscriminatorSize = DiscriminatorSize()) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for number, stride in enumerate(strides[:-1]):
            width = min(size.width * 2**number, size.widest)
            normalised = size.batch_norm and number > 0
            layers.append(Conv2d(channels, width, 4, stride=stride, padding=1))
            if normalised:
                layers.append(nn.BatchNorm2d(width))
            layers.append(leaky_relu())
            channels = width
        layers.append(Conv2d(channels, 1, 4, stride=strides[-1], padding=1))
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Scores:
        """Return one score per patch."""
        return self.layers(images)

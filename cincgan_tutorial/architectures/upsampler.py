"""Enlargement by convolution and pixel shuffle, as PyTorch has them, with less to move about on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call


class Upsampler(nn.Sequential):
    """Stages of a convolution and `torch.nn.PixelShuffle`: features (n, c, h, w) -> (n, c', s h, s w).

    The results are those of `torch.nn.Sequential`. On a CPU, in channels-last layout, a convolution and the shuffle
    behind it are done as one, see `convolve_and_shuffle`; ``make bench`` measures it. The shuffle is not called then,
    and no hook on it runs.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Return the enlarged features."""
        if features.device.type != "cpu" or not features.is_contiguous(memory_format=torch.channels_last):
            return super().forward(features)
        layers = list(self)
        while layers:
            layer = layers.pop(0)
            r = layers[0].upscale_factor if layers and isinstance(layers[0], nn.PixelShuffle) else 0
            # Where channels are left over, PyTorch says so.
            if r and isinstance(layer, nn.Conv2d) and layer.out_channels % r**2 == 0:
                features = convolve_and_shuffle(features, layer, r)
                layers.pop(0)
            else:
                features = layer(features)
        return features


def convolve_and_shuffle(features: Tensor, conv: nn.Conv2d, r: int) -> Tensor:
    """Return the shuffled answers of a convolution, (n, c, h, w) -> (n, c', r h, r w), in channels-last layout.

    The shuffle lays r x r channels of a pixel out as r x r pixels of one channel, and in memory these channels lie next
    to each other: number by number they go to other places. Here the kernels are put in another order first. Then all
    channels of a new pixel lie together and move as one, and so do their gradients.
    """
    ordered = {
        name: weights.unflatten(0, (-1, r * r)).transpose(0, 1).flatten(0, 1)
        for name, weights in conv.named_parameters()
    }
    answers = functional_call(conv, ordered, features)
    pixels = answers.permute(0, 2, 3, 1).unflatten(3, (r, r, -1))  # n, h, w, r, r, c'
    return pixels.transpose(2, 3).flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)

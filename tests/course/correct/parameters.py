"""Correct networks without a single layer object: parameters and functions, in odd orders and nested oddly."""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn


def _new(out, inside, kernel):
    return nn.ParameterDict({"b": torch.zeros(out), "w": torch.randn(out, inside, kernel, kernel) / kernel**2})


def _conv(x, p, stride=1, padding=None):
    padding = p["w"].shape[-1] // 2 if padding is None else padding
    return F.conv2d(x, p["w"], p["b"], stride, padding)


def _leaky(x):
    return torch.maximum(x, 0.2 * x)


class ResidualBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.second, self.first = _new(width, width, 3), _new(width, width, 3)

    def forward(self, x):
        return _leaky(_conv(_leaky(_conv(x, self.first)), self.second)) + x


class _Generator(nn.Module):
    def __init__(self, width, blocks, down):
        super().__init__()
        self.down = down
        self.outer = nn.ModuleDict({"last": _new(3, width, 7), "first": _new(width, 3, 7)})
        self.tail = nn.ModuleList([_new(width, width, 3) for _ in range(2)])
        self.head = nn.ModuleList([_new(width, width, 4 if down else 3) for _ in range(2)])
        self.middle = nn.ModuleList([ResidualBlock(width) for _ in range(blocks)])

    def forward(self, images):
        f = _leaky(_conv(images, self.outer["first"]))
        for p in self.head:
            f = _leaky(_conv(f, p, 2, 1) if self.down else _conv(f, p))
        for block in self.middle:
            f = block(f)
        for p in self.tail:
            f = _leaky(_conv(f, p))
        return _conv(f, self.outer["last"])


class G1(_Generator):
    def __init__(self, width, blocks):
        super().__init__(width, blocks, False)


class G3(_Generator):
    def __init__(self, width, blocks):
        super().__init__(width, blocks, True)


class PatchDiscriminator(nn.Module):
    def __init__(self, strides, width):
        super().__init__()
        self.strides = tuple(strides)
        sides = [3, width, 2 * width, 4 * width, 8 * width, 1]
        self.norms = nn.ModuleList([nn.BatchNorm2d(side) for side in sides[2:5]])
        self.convs = nn.ModuleList([_new(b, a, 4) for a, b in itertools.pairwise(sides)])

    def forward(self, images):
        for i, (p, stride) in enumerate(zip(self.convs, self.strides, strict=True)):
            images = _conv(images, p, stride, 1)
            if 1 <= i <= 3:
                images = self.norms[i - 1](images)
            if i < 4:
                images = _leaky(images)
        return images


class Upsampler(nn.Module):
    def __init__(self, features, scale):
        super().__init__()
        self.stages = nn.ModuleList([_new(4 * features, features, 3) for _ in range(int(math.log2(scale)))])

    def forward(self, features):
        for p in self.stages:
            n, c, h, w = features.shape
            parts = _conv(features, p).reshape(n, c, 2, 2, h, w)
            features = parts.permute(0, 1, 4, 2, 5, 3).reshape(n, c, 2 * h, 2 * w)
        return features

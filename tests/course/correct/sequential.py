"""Correct networks made of nothing but nn.Sequential and its kin."""

from torch import nn


class ResidualBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        parts = []
        for _ in range(2):
            parts += [
                nn.Conv2d(width, width, kernel_size=3, padding="same"),
                nn.LeakyReLU(negative_slope=0.2, inplace=True),
            ]
        self.f = nn.Sequential(*parts)

    def forward(self, x):
        return x.add(self.f(x))


class G1(nn.Sequential):
    def __init__(self, width, blocks):
        def conv(inside, kernel):
            return nn.Sequential(nn.Conv2d(inside, width, kernel, padding=kernel // 2), nn.LeakyReLU(0.2))

        super().__init__(
            conv(3, 7),
            *[conv(width, 3) for _ in range(2)],
            nn.Sequential(*[ResidualBlock(width) for _ in range(blocks)]),
            *[conv(width, 3) for _ in range(2)],
            nn.Conv2d(width, 3, 7, 1, 3),
        )


class G3(nn.Module):
    def __init__(self, width, blocks):
        super().__init__()
        inner = G1(width, blocks)
        for place in (1, 2):
            inner[place][0] = nn.Conv2d(width, width, 4, 2, 1)
        self.inner = inner

    def forward(self, images):
        return self.inner(images)


class PatchDiscriminator(nn.Sequential):
    def __init__(self, strides, width):
        a, b, c, d, e = strides
        act = nn.LeakyReLU(0.2)
        super().__init__(
            nn.Conv2d(3, width, 4, a, 1),
            act,
            nn.Sequential(nn.Conv2d(width, 2 * width, 4, b, 1), nn.BatchNorm2d(2 * width), act),
            nn.Sequential(nn.Conv2d(2 * width, 4 * width, 4, c, 1), nn.BatchNorm2d(4 * width), act),
            nn.Sequential(nn.Conv2d(4 * width, 8 * width, 4, d, 1), nn.BatchNorm2d(8 * width), act),
            nn.Conv2d(8 * width, 1, 4, e, 1),
        )


class Upsampler(nn.Sequential):
    def __init__(self, features, scale):
        super().__init__()
        while scale > 1:
            self.append(nn.Conv2d(features, features * 4, 3, 1, 1))
            self.append(nn.PixelShuffle(2))
            scale //= 2

"""Wrong answers to assignment 3: the networks."""

import itertools

import torch.nn.functional as F
from torch import nn

from .given import ResidualBlock, activated
from .registry import wrong

# ResidualBlock


class _Block(nn.Module):
    """Two convolutions for the wrong blocks below, which differ in what they do with them."""

    def __init__(self, width):
        super().__init__()
        self.one = nn.Conv2d(width, width, 3, padding=1)
        self.two = nn.Conv2d(width, width, 3, padding=1)


@wrong("ResidualBlock", "the second activation is missing", "activation")
class BlockLinearAtEnd(_Block):
    def forward(self, x):
        return x + self.two(F.leaky_relu(self.one(x), 0.2))


@wrong("ResidualBlock", "the first activation is missing", "activation")
class BlockLinearBetween(_Block):
    def forward(self, x):
        return x + F.leaky_relu(self.two(self.one(x)), 0.2)


@wrong("ResidualBlock", "activated after the sum, not before it", "sum")
class BlockActivatesSum(_Block):
    def forward(self, x):
        return F.leaky_relu(x + self.two(F.leaky_relu(self.one(x), 0.2)), 0.2)


@wrong("ResidualBlock", "the skip is missing", "skip")
class BlockWithoutSkip(_Block):
    def forward(self, x):
        return F.leaky_relu(self.two(F.leaky_relu(self.one(x), 0.2)), 0.2)


@wrong("ResidualBlock", "x is subtracted", "sign")
class BlockMinus(_Block):
    def forward(self, x):
        return F.leaky_relu(self.two(F.leaky_relu(self.one(x), 0.2)), 0.2) - x


@wrong("ResidualBlock", "LeakyReLU with PyTorch's slope of 0.01", "slope")
class BlockOfDefaultSlope(_Block):
    def forward(self, x):
        return x + F.leaky_relu(self.two(F.leaky_relu(self.one(x))))


@wrong("ResidualBlock", "ReLU instead of LeakyReLU", "slope")
class BlockOfReLU(_Block):
    def forward(self, x):
        return x + F.relu(self.two(F.relu(self.one(x))))


@wrong("ResidualBlock", "activated before the convolutions, not behind them", "before")
class BlockPreActivated(_Block):
    def forward(self, x):
        return x + self.two(F.leaky_relu(self.one(F.leaky_relu(x, 0.2)), 0.2))


@wrong("ResidualBlock", "the branch is scaled by 0.1, as in EDSR", "scale")
class BlockScaled(_Block):
    def forward(self, x):
        return x + 0.1 * F.leaky_relu(self.two(F.leaky_relu(self.one(x), 0.2)), 0.2)


@wrong("ResidualBlock", "the result is written into the input", "input")
class BlockInPlace(_Block):
    def forward(self, x):
        f = F.leaky_relu(self.two(F.leaky_relu(self.one(x), 0.2)), 0.2)
        x += f
        return x


@wrong("ResidualBlock", "one convolution is used twice", "two convolutions")
class BlockShared(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return x + F.leaky_relu(self.conv(F.leaky_relu(self.conv(x), 0.2)), 0.2)


@wrong("ResidualBlock", "the convolutions have no bias", "bias")
class BlockWithoutBias(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.one = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.two = nn.Conv2d(width, width, 3, padding=1, bias=False)

    def forward(self, x):
        return x + F.leaky_relu(self.two(F.leaky_relu(self.one(x), 0.2)), 0.2)


@wrong("ResidualBlock", "BatchNorm behind the convolutions", "normalisation")
class BlockNormalised(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.LeakyReLU(0.2),
        )

    def forward(self, x):
        return x + self.body(x)


@wrong("ResidualBlock", "kernel 5 instead of 3", "kernel")
class BlockOfFive(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(*activated(width, width, 5), *activated(width, width, 5))

    def forward(self, x):
        return x + self.body(x)


@wrong("ResidualBlock", "kernel 1 in the second convolution", "kernel")
class BlockOfThreeAndOne(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(*activated(width, width, 3), *activated(width, width, 1))

    def forward(self, x):
        return x + self.body(x)


@wrong("ResidualBlock", "reflection instead of zeros beyond the border", "zeros")
class BlockReflecting(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.one = nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect")
        self.two = nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect")

    def forward(self, x):
        return x + F.leaky_relu(self.two(F.leaky_relu(self.one(x), 0.2)), 0.2)


@wrong("ResidualBlock", "no padding: the sum does not fit", "padding")
class BlockWithoutPadding(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(*activated(width, width, 3, padding=0), *activated(width, width, 3, padding=0))

    def forward(self, x):
        return x + self.body(x)


# G1


def _blocks(width, blocks):
    return [ResidualBlock(width) for _ in range(blocks)]


class _Listed(nn.Module):
    """A network that is one layer after the other."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, images):
        return self.layers(images)


@wrong("G1", "LeakyReLU behind the last convolution too", "last")
class G1ActivatedAtEnd(_Listed):
    def __init__(self, width, blocks):
        head = [*activated(3, width, 7), *activated(width, width, 3), *activated(width, width, 3)]
        tail = [*activated(width, width, 3), *activated(width, width, 3), *activated(width, 3, 7)]
        super().__init__(*head, *_blocks(width, blocks), *tail)


class _G1(_Listed):
    """G1 as asked for; what is wrong is added by the classes below."""

    def __init__(self, width, blocks):
        head = [*activated(3, width, 7), *activated(width, width, 3), *activated(width, width, 3)]
        tail = [*activated(width, width, 3), *activated(width, width, 3), nn.Conv2d(width, 3, 7, padding=3)]
        super().__init__(*head, *_blocks(width, blocks), *tail)


@wrong("G1", "tanh at the end", "last")
class G1Tanh(_G1):
    def forward(self, images):
        return self.layers(images).tanh()


@wrong("G1", "sigmoid at the end", "last")
class G1Sigmoid(_G1):
    def forward(self, images):
        return self.layers(images).sigmoid()


@wrong("G1", "the result is clamped to [0, 1]", "last")
class G1Clamped(_G1):
    def forward(self, images):
        return self.layers(images).clamp(0, 1)


@wrong("G1", "a skip around the whole", "skip")
class G1Residual(_G1):
    def forward(self, images):
        return images + self.layers(images)


@wrong("G1", "images are moved from [0, 1] to [-1, 1] first", "as they are")
class G1Centred(_G1):
    def forward(self, images):
        return self.layers(2 * images - 1)


@wrong("G1", "six blocks, whatever is asked for", "blocks")
class G1OfSixBlocks(_G1):
    def __init__(self, width, blocks):
        super().__init__(width, 6)


@wrong("G1", "one block too few", "blocks")
class G1OfOneBlockLess(_G1):
    def __init__(self, width, blocks):
        super().__init__(width, blocks - 1)


@wrong("G1", "width 64, whatever is asked for", "width")
class G1OfWidth64(_G1):
    def __init__(self, width, blocks):
        super().__init__(64, blocks)


@wrong("G1", "one block is used several times", "blocks")
class G1SharedBlock(_Listed):
    def __init__(self, width, blocks):
        head = [*activated(3, width, 7), *activated(width, width, 3), *activated(width, width, 3)]
        tail = [*activated(width, width, 3), *activated(width, width, 3), nn.Conv2d(width, 3, 7, padding=3)]
        super().__init__(*head, *[ResidualBlock(width)] * blocks, *tail)


@wrong("G1", "the first and the last convolution have kernel 3", "kernel")
class G1OfThrees(_Listed):
    def __init__(self, width, blocks):
        head = [*activated(3, width, 3), *activated(width, width, 3), *activated(width, width, 3)]
        tail = [*activated(width, width, 3), *activated(width, width, 3), nn.Conv2d(width, 3, 3, padding=1)]
        super().__init__(*head, *_blocks(width, blocks), *tail)


@wrong("G1", "only one convolution of kernel 3 before the blocks", "convolutions")
class G1OfShortHead(_Listed):
    def __init__(self, width, blocks):
        head = [*activated(3, width, 7), *activated(width, width, 3)]
        tail = [*activated(width, width, 3), *activated(width, width, 3), nn.Conv2d(width, 3, 7, padding=3)]
        super().__init__(*head, *_blocks(width, blocks), *tail)


@wrong("G1", "the blocks stand at the end of the list of kernel 3, behind all four convolutions", "order")
class G1BlocksLate(_Listed):
    def __init__(self, width, blocks):
        middle = [layer for _ in range(4) for layer in activated(width, width, 3)]
        super().__init__(*activated(3, width, 7), *middle, *_blocks(width, blocks), nn.Conv2d(width, 3, 7, padding=3))


@wrong("G1", "no activation between the two convolutions behind the blocks", "activation")
class G1LinearTail(_Listed):
    def __init__(self, width, blocks):
        head = [*activated(3, width, 7), *activated(width, width, 3), *activated(width, width, 3)]
        tail = [
            nn.Conv2d(width, width, 3, padding=1),
            *activated(width, width, 3),
            nn.Conv2d(width, 3, 7, padding=3),
        ]
        super().__init__(*head, *_blocks(width, blocks), *tail)


@wrong("G1", "no activation behind the first convolution", "activation")
class G1LinearStart(_Listed):
    def __init__(self, width, blocks):
        head = [nn.Conv2d(3, width, 7, padding=3), *activated(width, width, 3), *activated(width, width, 3)]
        tail = [*activated(width, width, 3), *activated(width, width, 3), nn.Conv2d(width, 3, 7, padding=3)]
        super().__init__(*head, *_blocks(width, blocks), *tail)


@wrong("G1", "the last convolution has no bias", "bias")
class G1WithoutLastBias(_G1):
    def __init__(self, width, blocks):
        super().__init__(width, blocks)
        self.layers[-1] = nn.Conv2d(width, 3, 7, padding=3, bias=False)


@wrong("G1", "the kernels 7 have padding 1: the picture shrinks", "padding")
class G1Shrinking(_G1):
    def __init__(self, width, blocks):
        super().__init__(width, blocks)
        self.layers[0].padding = self.layers[-1].padding = (1, 1)


@wrong("G1", "the slope is 0.01 outside the blocks", "slope")
class G1OfDefaultSlope(_G1):
    def __init__(self, width, blocks):
        super().__init__(width, blocks)
        for layer in self.layers:
            if isinstance(layer, nn.LeakyReLU):
                layer.negative_slope = 0.01


@wrong("G1", "reflection in the first and last convolution", "zeros")
class G1Reflecting(_G1):
    def __init__(self, width, blocks):
        super().__init__(width, blocks)
        self.layers[0] = nn.Conv2d(3, width, 7, padding=3, padding_mode="reflect")
        self.layers[-1] = nn.Conv2d(width, 3, 7, padding=3, padding_mode="reflect")


@wrong("G1", "InstanceNorm behind the first convolution", "normalisation")
class G1Normalised(_G1):
    def __init__(self, width, blocks):
        super().__init__(width, blocks)
        self.layers[1] = nn.Sequential(nn.InstanceNorm2d(width), nn.LeakyReLU(0.2))


@wrong("G1", "dropout before the last convolution", "random")
class G1Dropout(_G1):
    def __init__(self, width, blocks):
        super().__init__(width, blocks)
        self.layers[-2] = nn.Sequential(nn.LeakyReLU(0.2), nn.Dropout(0.5))


# G3


class _G3(_Listed):
    """G3 from its second and third layer, and the two behind the blocks."""

    def __init__(self, width, blocks, second, third, tail=None):
        tail = [*activated(width, width, 3), *activated(width, width, 3)] if tail is None else tail
        last = nn.Conv2d(width, 3, 7, padding=3)
        super().__init__(*activated(3, width, 7), *second, *third, *_blocks(width, blocks), *tail, last)


def _halve(width, kernel=4, padding=1):
    return activated(width, width, kernel, stride=2, padding=padding)


@wrong("G3", "kernel 3 with stride 2", "kernel")
class G3OfThrees(_G3):
    def __init__(self, width, blocks):
        super().__init__(width, blocks, _halve(width, 3), _halve(width, 3))


@wrong("G3", "stride 1: it does not reduce", "stride")
class G3SameSize(_G3):
    def __init__(self, width, blocks):
        super().__init__(width, blocks, activated(width, width, 3), activated(width, width, 3))


@wrong("G3", "only the second convolution halves", "stride")
class G3Half(_G3):
    def __init__(self, width, blocks):
        super().__init__(width, blocks, _halve(width), activated(width, width, 3))


@wrong("G3", "stride 4 in the second convolution, none in the third", "stride")
class G3AtOnce(_G3):
    def __init__(self, width, blocks):
        super().__init__(width, blocks, activated(width, width, 4, stride=4, padding=0), activated(width, width, 3))


@wrong("G3", "the first two convolutions halve, not the second and third", "stride")
class G3HalvesFirst(_Listed):
    def __init__(self, width, blocks):
        head = [*activated(3, width, 7, stride=2), *_halve(width), *activated(width, width, 3)]
        tail = [*activated(width, width, 3), *activated(width, width, 3), nn.Conv2d(width, 3, 7, padding=3)]
        super().__init__(*head, *_blocks(width, blocks), *tail)


@wrong("G3", "the convolutions behind the blocks halve, not those before them", "blocks")
class G3HalvesLate(_G3):
    def __init__(self, width, blocks):
        super().__init__(
            width,
            blocks,
            activated(width, width, 3),
            activated(width, width, 3),
            [*_halve(width), *_halve(width)],
        )


@wrong("G3", "all four convolutions halve: it goes down by 16", "stride")
class G3Sixteenth(_G3):
    def __init__(self, width, blocks):
        super().__init__(width, blocks, _halve(width), _halve(width), [*_halve(width), *_halve(width)])


@wrong("G3", "padding 2: the border and the size are wrong", "padding")
class G3PaddedByTwo(_G3):
    def __init__(self, width, blocks):
        super().__init__(width, blocks, _halve(width, padding=2), _halve(width, padding=2))


@wrong("G3", "no padding in the halving convolutions", "padding")
class G3Unpadded(_G3):
    def __init__(self, width, blocks):
        super().__init__(width, blocks, _halve(width, padding=0), _halve(width, padding=0))


@wrong("G3", "halved by the mean of 2x2 pixels behind a convolution of kernel 3", "kernel")
class G3Pooling(_G3):
    def __init__(self, width, blocks):
        halve = [*activated(width, width, 3), nn.AvgPool2d(2)]
        super().__init__(width, blocks, halve, [*activated(width, width, 3), nn.AvgPool2d(2)])


@wrong("G3", "no activation behind the halving convolutions", "activation")
class G3LinearHalving(_G3):
    def __init__(self, width, blocks):
        second, third = (nn.Conv2d(width, width, 4, stride=2, padding=1) for _ in range(2))
        super().__init__(width, blocks, [second], [third])


@wrong("G3", "LeakyReLU behind the last convolution", "last")
class G3ActivatedAtEnd(_G3):
    def __init__(self, width, blocks):
        super().__init__(width, blocks, _halve(width), _halve(width))
        self.layers.append(nn.LeakyReLU(0.2))


@wrong("G3", "the blocks are left out", "blocks")
class G3WithoutBlocks(_G3):
    def __init__(self, width, blocks):
        super().__init__(width, 0, _halve(width), _halve(width))


# receptive_field


@wrong("receptive_field", "strides are ignored", "stride")
def field_without_strides(kernels, strides):
    return 1 + sum(k - 1 for k in kernels)


@wrong("receptive_field", "a layer's own stride counts for its own kernel", "stride")
def field_with_own_stride(kernels, strides):
    field, step = 1, 1
    for k, s in zip(kernels, strides, strict=True):
        step *= s
        field += (k - 1) * step
    return field


@wrong("receptive_field", "the layers are taken in reverse order", "order")
def field_backwards(kernels, strides):
    field, step = 1, 1
    for k, s in zip(reversed(kernels), reversed(strides), strict=True):
        field += (k - 1) * step
        step *= s
    return field


@wrong("receptive_field", "k instead of k - 1", "k - 1")
def field_of_whole_kernels(kernels, strides):
    field, step = 0, 1
    for k, s in zip(kernels, strides, strict=True):
        field += k * step
        step *= s
    return field


@wrong("receptive_field", "the one pixel to begin with is missing", "one pixel")
def field_from_zero(kernels, strides):
    field, step = 0, 1
    for k, s in zip(kernels, strides, strict=True):
        field += (k - 1) * step
        step *= s
    return field


@wrong("receptive_field", "strides are added up, not multiplied", "multipl")
def field_adds_strides(kernels, strides):
    field, step = 1, 1
    for k, s in zip(kernels, strides, strict=True):
        field += (k - 1) * step
        step += s - 1
    return field


@wrong("receptive_field", "only the stride of the layer before counts", "product")
def field_of_last_stride(kernels, strides):
    field, before = 1, 1
    for k, s in zip(kernels, strides, strict=True):
        field += (k - 1) * before
        before = s
    return field


@wrong("receptive_field", "a float comes back", "int")
def field_as_float(kernels, strides):
    field, step = 1.0, 1.0
    for k, s in zip(kernels, strides, strict=True):
        field += (k - 1) * step
        step *= s
    return field


@wrong("receptive_field", "the given lists are emptied", "input")
def field_empties(kernels, strides):
    field, step = 1, 1
    while kernels:
        field += (kernels.pop(0) - 1) * step
        step *= strides.pop(0)
    return field


@wrong("receptive_field", "fails where there are no layers", "no layers")
def field_needs_a_layer(kernels, strides):
    field, step = kernels[0], strides[0]
    for k, s in zip(kernels[1:], strides[1:], strict=True):
        field += (k - 1) * step
        step *= s
    return field


@wrong("receptive_field", "the radius, not the side", "side")
def field_as_radius(kernels, strides):
    radius, step = 0, 1
    for k, s in zip(kernels, strides, strict=True):
        radius += (k - 1) // 2 * step
        step *= s
    return 2 * radius + 1


# PatchDiscriminator


def _judge_layers(strides, width, *, padding=1, kernel=4, bias=True, normalised=(1, 2, 3), slope=0.2):
    """Layers of the judge as asked for, unless told otherwise."""
    channels = [3, width, 2 * width, 4 * width, 8 * width]
    layers = []
    for i in range(4):
        layers.append(
            nn.Conv2d(channels[i], channels[i + 1], kernel, stride=strides[i], padding=padding, bias=bias or i == 0)
        )
        if i in normalised:
            layers.append(nn.BatchNorm2d(channels[i + 1]))
        layers.append(nn.LeakyReLU(slope))
    return [*layers, nn.Conv2d(channels[-1], 1, kernel, stride=strides[4], padding=padding)]


class _Judge(_Listed):
    def __init__(self, strides, width):
        super().__init__(*_judge_layers(strides, width))


@wrong("PatchDiscriminator", "sigmoid at the end", "sigmoid")
class JudgeSigmoid(_Judge):
    def forward(self, images):
        return self.layers(images).sigmoid()


@wrong("PatchDiscriminator", "one score for the picture, not for every patch", "map")
class JudgeOfWholePicture(_Judge):
    def forward(self, images):
        return self.layers(images).mean((2, 3), keepdim=True)


@wrong("PatchDiscriminator", "the map of scores is flattened", "shape")
class JudgeFlat(_Judge):
    def forward(self, images):
        return self.layers(images).flatten(1)


@wrong("PatchDiscriminator", "LeakyReLU behind the last convolution", "last")
class JudgeActivatedAtEnd(_Judge):
    def forward(self, images):
        return F.leaky_relu(self.layers(images), 0.2)


@wrong("PatchDiscriminator", "BatchNorm behind the first convolution too", "BatchNorm")
class JudgeNormalisedAtStart(_Listed):
    def __init__(self, strides, width):
        super().__init__(*_judge_layers(strides, width, normalised=(0, 1, 2, 3)))


@wrong("PatchDiscriminator", "BatchNorm is missing behind the fourth convolution", "BatchNorm")
class JudgeNormalisedTwice(_Listed):
    def __init__(self, strides, width):
        super().__init__(*_judge_layers(strides, width, normalised=(1, 2)))


@wrong("PatchDiscriminator", "no BatchNorm at all", "BatchNorm")
class JudgeNotNormalised(_Listed):
    def __init__(self, strides, width):
        super().__init__(*_judge_layers(strides, width, normalised=()))


@wrong("PatchDiscriminator", "BatchNorm behind the activation, not before it", "BatchNorm")
class JudgeNormalisedLate(_Listed):
    def __init__(self, strides, width):
        layers = _judge_layers(strides, width)
        for i in (3, 6, 9):
            layers[i], layers[i + 1] = layers[i + 1], layers[i]
        super().__init__(*layers)


@wrong("PatchDiscriminator", "InstanceNorm instead of BatchNorm", "BatchNorm")
class JudgeOfInstanceNorm(_Listed):
    def __init__(self, strides, width):
        layers = _judge_layers(strides, width)
        for i in (3, 6, 9):
            layers[i] = nn.InstanceNorm2d(layers[i].num_features, affine=True)
        super().__init__(*layers)


@wrong("PatchDiscriminator", "convolutions before BatchNorm have no bias", "bias")
class JudgeWithoutBias(_Listed):
    def __init__(self, strides, width):
        super().__init__(*_judge_layers(strides, width, bias=False))


@wrong("PatchDiscriminator", "kernel 3", "kernel")
class JudgeOfThrees(_Listed):
    def __init__(self, strides, width):
        super().__init__(*_judge_layers(strides, width, kernel=3))


@wrong("PatchDiscriminator", "padding 2", "padding")
class JudgePaddedByTwo(_Listed):
    def __init__(self, strides, width):
        super().__init__(*_judge_layers(strides, width, padding=2))


@wrong("PatchDiscriminator", "no padding", "padding")
class JudgeUnpadded(_Listed):
    def __init__(self, strides, width):
        super().__init__(*_judge_layers(strides, width, padding=0))


@wrong("PatchDiscriminator", "LeakyReLU with PyTorch's slope of 0.01", "slope")
class JudgeOfDefaultSlope(_Listed):
    def __init__(self, strides, width):
        super().__init__(*_judge_layers(strides, width, slope=0.01))


@wrong("PatchDiscriminator", "the strides are always 2, 2, 2, 1, 1", "stride")
class JudgeOfFixedStrides(_Judge):
    def __init__(self, strides, width):
        super().__init__((2, 2, 2, 1, 1), width)


@wrong("PatchDiscriminator", "the last stride is not heeded", "stride")
class JudgeOfLastStrideOne(_Judge):
    def __init__(self, strides, width):
        super().__init__([*strides[:4], 1], width)


@wrong("PatchDiscriminator", "the strides are taken in reverse order", "stride")
class JudgeOfReversedStrides(_Judge):
    def __init__(self, strides, width):
        super().__init__(list(strides)[::-1], width)


@wrong("PatchDiscriminator", "the width does not grow beyond four times", "channels")
class JudgeCapped(_Listed):
    def __init__(self, strides, width):
        layers = _judge_layers(strides, width)
        layers[8] = nn.Conv2d(4 * width, 4 * width, 4, stride=strides[3], padding=1)
        layers[9] = nn.BatchNorm2d(4 * width)
        layers[11] = nn.Conv2d(4 * width, 1, 4, stride=strides[4], padding=1)
        super().__init__(*layers)


@wrong("PatchDiscriminator", "the fifth convolution gives as many channels as the fourth", "one channel")
class JudgeOfManyScores(_Listed):
    def __init__(self, strides, width):
        layers = _judge_layers(strides, width)
        layers[-1] = nn.Conv2d(8 * width, 8 * width, 4, stride=strides[4], padding=1)
        super().__init__(*layers)


@wrong("PatchDiscriminator", "one convolution too few", "five")
class JudgeOfFour(_Listed):
    def __init__(self, strides, width):
        layers = _judge_layers(strides, width)
        super().__init__(*layers[:8], nn.Conv2d(4 * width, 1, 4, stride=strides[4], padding=1))


# strides_seeing


def _field(strides, kernel=4):
    field, step = 1, 1
    for s in strides:
        field += (kernel - 1) * step
        step *= s
    return field


@wrong("strides_seeing", "D2's strides, whatever is asked for", "field")
def strides_of_d2(field):
    return 2, 2, 2, 1, 1


@wrong("strides_seeing", "all strides 1, whatever is asked for", "field")
def strides_of_d1(field):
    return 1, 1, 1, 1, 1


@wrong("strides_seeing", "the last stride is 2", "last")
def strides_ending_in_two(field):
    for strides in itertools.product((2, 1), repeat=5):
        if _field(strides) == field:
            return strides
    return None


@wrong("strides_seeing", "only four strides", "five")
def strides_without_last(field):
    for strides in itertools.product((1, 2), repeat=4):
        if _field((*strides, 1)) == field:
            return strides
    return None


@wrong("strides_seeing", "all answers at once", "tuple")
def strides_all(field):
    return tuple((*s, 1) for s in itertools.product((1, 2), repeat=4) if _field((*s, 1)) == field)


@wrong("strides_seeing", "the first that sees at least the field", "exactly")
def strides_at_least(field):
    for strides in itertools.product((1, 2), repeat=4):
        if _field((*strides, 1)) >= field:
            return (*strides, 1)
    return None


@wrong("strides_seeing", "the kernel is taken to be 3", "kernel")
def strides_of_kernel_three(field):
    return min(((*s, 1) for s in itertools.product((1, 2), repeat=4)), key=lambda s: abs(_field(s, 3) - field))


@wrong("strides_seeing", "the strides come in reverse order", "order")
def strides_reversed(field):
    for strides in itertools.product((1, 2), repeat=4):
        if _field((*strides, 1)) == field:
            return (1, *strides[::-1])
    return None


@wrong("strides_seeing", "as if strides had to fall: some fields are not found", "found")
def strides_falling_only(field):
    for twos in range(5):
        strides = (2,) * twos + (1,) * (5 - twos)
        if _field(strides) == field:
            return strides
    return None


@wrong("strides_seeing", "strides of 3 are tried too, and first", "1 or 2")
def strides_of_three(field):
    for strides in itertools.product((3, 2, 1), repeat=4):
        if _field((*strides, 1)) == field:
            return (*strides, 1)
    return None


# Upsampler


class _Stages(nn.Module):
    """The convolutions of all stages; the shuffle is left to the classes below."""

    def __init__(self, features, scale):
        super().__init__()
        self.stages = nn.ModuleList(nn.Conv2d(features, 4 * features, 3, padding=1) for _ in range({2: 1, 4: 2}[scale]))

    def forward(self, features):
        for stage in self.stages:
            features = self.shuffle(stage(features))
        return features

    def shuffle(self, features):
        return F.pixel_shuffle(features, 2)


@wrong("Upsampler", "rows and columns are swapped in the shuffle", "row")
class UpsamplerTransposed(_Stages):
    def shuffle(self, features):
        n, c, h, w = features.shape
        return features.view(n, c // 4, 2, 2, h, w).permute(0, 1, 4, 3, 5, 2).reshape(n, c // 4, 2 * h, 2 * w)


@wrong("Upsampler", "channels i, j come before c in the shuffle", "channel")
class UpsamplerPhasesFirst(_Stages):
    def shuffle(self, features):
        n, c, h, w = features.shape
        return features.view(n, 2, 2, c // 4, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // 4, 2 * h, 2 * w)


@wrong("Upsampler", "reshaped without a permutation", "shuffle")
class UpsamplerReshaped(_Stages):
    def shuffle(self, features):
        n, c, h, w = features.shape
        return features.reshape(n, c // 4, 2 * h, 2 * w)


@wrong("Upsampler", "LeakyReLU behind each stage", "activation")
class UpsamplerActivated(_Stages):
    def shuffle(self, features):
        return F.leaky_relu(F.pixel_shuffle(features, 2), 0.2)


@wrong("Upsampler", "the mean of the four channels, enlarged by repetition", "shuffle")
class UpsamplerRepeating(_Stages):
    def shuffle(self, features):
        n, c, h, w = features.shape
        return F.interpolate(features.view(n, c // 4, 4, h, w).mean(2), scale_factor=2)


@wrong("Upsampler", "one stage, whatever the scale", "stage")
class UpsamplerOfOneStage(_Stages):
    def __init__(self, features, scale):
        super().__init__(features, 2)


@wrong("Upsampler", "as many stages as the scale", "stage")
class UpsamplerOfTooManyStages(_Stages):
    def __init__(self, features, scale):
        super().__init__(features, 2)
        self.stages = nn.ModuleList(nn.Conv2d(features, 4 * features, 3, padding=1) for _ in range(scale))


@wrong("Upsampler", "one convolution is used for both stages", "own")
class UpsamplerShared(_Stages):
    def __init__(self, features, scale):
        super().__init__(features, scale)
        self.stages = nn.ModuleList([self.stages[0]] * len(self.stages))


@wrong("Upsampler", "a single shuffle by 4", "stage")
class UpsamplerAtOnce(_Listed):
    def __init__(self, features, scale):
        super().__init__(nn.Conv2d(features, scale**2 * features, 3, padding=1), nn.PixelShuffle(scale))


@wrong("Upsampler", "enlarged by repetition, then a convolution", "shuffle")
class UpsamplerByNearest(_Listed):
    def __init__(self, features, scale):
        super().__init__(nn.Upsample(scale_factor=scale), nn.Conv2d(features, features, 3, padding=1))


@wrong("Upsampler", "transposed convolutions", "shuffle")
class UpsamplerOfTransposed(_Listed):
    def __init__(self, features, scale):
        stages = {2: 1, 4: 2}[scale]
        super().__init__(*(nn.ConvTranspose2d(features, features, 4, stride=2, padding=1) for _ in range(stages)))


@wrong("Upsampler", "kernel 1", "kernel")
class UpsamplerOfKernelOne(_Stages):
    def __init__(self, features, scale):
        super().__init__(features, scale)
        self.stages = nn.ModuleList(nn.Conv2d(features, 4 * features, 1) for _ in self.stages)


@wrong("Upsampler", "the convolutions have no bias", "bias")
class UpsamplerWithoutBias(_Stages):
    def __init__(self, features, scale):
        super().__init__(features, scale)
        self.stages = nn.ModuleList(nn.Conv2d(features, 4 * features, 3, padding=1, bias=False) for _ in self.stages)


@wrong("Upsampler", "reflection instead of zeros beyond the border", "zeros")
class UpsamplerReflecting(_Stages):
    def __init__(self, features, scale):
        super().__init__(features, scale)
        self.stages = nn.ModuleList(
            nn.Conv2d(features, 4 * features, 3, padding=1, padding_mode="reflect") for _ in self.stages
        )


@wrong("Upsampler", "the stages are kept in a plain list: none of their weights is found", "parameter")
class UpsamplerOfPlainList(_Stages):
    def __init__(self, features, scale):
        super().__init__(features, scale)
        stages = list(self.stages)
        del self.stages
        self.stages = stages


# own_network


@wrong("own_network", "strides are ignored", "stride")
def own_network_without_strides():
    return {"variant": 0, "field": 14, "parameters": 18217}


@wrong("own_network", "a layer's own stride counts for its own kernel", "stride")
def own_network_with_own_stride():
    return {"variant": 0, "field": 31, "parameters": 18217}


@wrong("own_network", "the one pixel to begin with is missing", "pixel")
def own_network_from_zero():
    return {"variant": 0, "field": 20, "parameters": 18217}


@wrong("own_network", "the layers are taken in reverse order", "order")
def own_network_backwards():
    return {"variant": 0, "field": 25, "parameters": 18217}


@wrong("own_network", "the biases are left out", "bias")
def own_network_without_bias():
    return {"variant": 0, "field": 21, "parameters": 18144}


@wrong("own_network", "the last convolution gives 24 channels", "channel")
def own_network_of_24():
    return {"variant": 0, "field": 21, "parameters": 18000 + 24 * 9 * 24 + 24}


@wrong("own_network", "grey: one channel goes in", "channel")
def own_network_of_grey():
    return {"variant": 0, "field": 21, "parameters": 18217 - 49 * 2 * 24}

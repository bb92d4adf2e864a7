"""G1, G2 and G3 of the paper's Fig. 3a: convolutions, six residual blocks, convolutions, no normalisation."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..presets import GeneratorSize

SLOPE = 0.2  # of every LeakyReLU; the figure draws no activation, most re-implementations have this one


def leaky_relu() -> nn.Module:
    """Return the activation of all five networks of Fig. 3. It overwrites what a convolution hands it.

    No gradient needs what stood there before, and the activations of a step take half the memory.
    """
    return nn.LeakyReLU(SLOPE, inplace=True)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a skip: x + f(x), (n, c, h, w) -> the same. Activated before the sum too."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            leaky_relu(),
            nn.Conv2d(width, width, 3, padding=1),
            leaky_relu(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return x + f(x)."""
        return x + self.body(x)


class Generator(nn.Module):
    """A generator of Fig. 3a: images (n, 3, h, w) -> (n, 3, h/reduce, w/reduce).

    Args:
        size: Width and number of blocks.
        reduce: 1 for G1 and G2. 4 for G3: convolutions two and three have kernel 4 and stride 2; 2: only the second.

    Zero padding everywhere, and a linear last layer: the figure shows neither. Reflection would need patches larger
    than the padding and is not drawn; a squashing output would bend the colours that the identity term holds straight.
    """

    def __init__(self, size: GeneratorSize = GeneratorSize(), reduce: int = 1) -> None:
        super().__init__()
        self.residual = size.residual and reduce == 1
        self.residual_scale = size.residual_scale
        self.local_mean = size.local_mean if reduce == 1 else 0
        self.held_in_training = size.held_in_training
        width = size.width

        def conv(channels: int, kernel: int) -> list[nn.Module]:
            return [nn.Conv2d(channels, width, kernel, padding=kernel // 2), leaky_relu()]

        def halve() -> list[nn.Module]:
            return [nn.Conv2d(width, width, 4, stride=2, padding=1), leaky_relu()]

        self.head = nn.Sequential(
            *conv(3, 7),
            *(halve() if reduce >= 2 else conv(width, 3)),
            *(halve() if reduce >= 4 else conv(width, 3)),
        )
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(size.blocks)))
        self.tail = nn.Sequential(*conv(width, 3), *conv(width, 3), nn.Conv2d(width, 3, 7, padding=3))

    @property
    def reach(self) -> int:
        """How many pixels away an input pixel can change the result (for reduce=1): the overlap that tiles need."""
        return 3 + 1 + 1 + 2 * len(self.body) + 1 + 1 + 3 + self.local_mean // 2

    def forward(self, images: Tensor) -> Tensor:
        """Return the translated images.

        Where colours are kept, by {eq}`eq-local-mean`.
        """
        f = self.tail(self.body(self.head(images)))
        translated = images + self.residual_scale * f if self.residual else f
        if self.local_mean and (self.held_in_training or not self.training):
            return translated + local_mean(images - translated, self.local_mean)
        return translated


def local_mean(images: Tensor, side: int) -> Tensor:
    """Return the mean of the ``side`` x ``side`` pixels around each.

    At the edges it is the mean of those there are. (n, c, h, w) -> the same.
    """
    # Mean of the columns' means: 2 x side additions a pixel, not side x side.
    images = _mean_along(images, (side, 1))
    return _mean_along(images, (1, side))


def _mean_along(images: Tensor, window: tuple[int, int]) -> Tensor:
    half = (window[0] // 2, window[1] // 2)
    return F.avg_pool2d(images, window, 1, half, count_include_pad=False)


def he_init(network: nn.Module) -> None:
    """Draw the weights of every convolution by He's rule for LeakyReLU and set the biases to zero, in place.

    The signal then keeps its size from layer to layer. Source: K. He et al., "Delving deep into rectifiers", ICCV 2015.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.bias is not None:
            nn.init.kaiming_normal_(module.weight, a=SLOPE)
            nn.init.zeros_(module.bias)


@torch.no_grad()
def start_by_he(generator: Generator) -> None:
    """Start a generator by He's rule, with residual blocks weak enough for their sum to keep its size too."""
    he_init(generator)
    for block in generator.body.children():
        second = block.body[2] if isinstance(block, ResidualBlock) else None
        if isinstance(second, nn.Conv2d):
            second.weight /= len(generator.body) ** 0.5


def start_as_identity(generator: Generator) -> None:
    """Set the last convolution of a residual generator to zero, so that it returns its input."""
    last = generator.tail[-1]
    if isinstance(last, nn.Conv2d) and last.bias is not None:
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)


@torch.no_grad()
def high_pass(conv: nn.Conv2d, gain: float = 1.0, share: float = 1.0) -> None:
    r"""Take brightness and slope out of the first ``share`` of a convolution's filters, in place.

    From each k x k filter (of each input channel) its least-squares fit $a + b\,i + c\,j$ is subtracted, so that its
    answer to any flat or evenly sloping area is 0. What remains sees noise, edges and texture.

    Photographs are mostly flat and sloping, so a random first layer answers mainly to brightness, and a discriminator
    stays at chance for hundreds of steps.
    """
    k = conv.kernel_size[0]
    line = torch.linspace(-1, 1, k)
    rows, columns = line[:, None].expand(k, k).flatten(), line[None, :].expand(k, k).flatten()
    planes = torch.stack([torch.ones(k * k), rows, columns], 1)
    keep = torch.eye(k * k) - planes @ torch.linalg.pinv(planes)
    count = round(share * conv.out_channels)
    filters = conv.weight[:count].flatten(2) @ keep
    conv.weight[:count] = gain * filters.view_as(conv.weight[:count])
    if conv.bias is not None:
        conv.bias[:count] = 0

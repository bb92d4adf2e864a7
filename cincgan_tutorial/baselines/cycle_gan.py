r"""Chapter 7, CycleGAN between up-sampled noisy images and photographs: both directions, two cycles, identity.

Its generators keep the size, so x is first enlarged by bicubic interpolation, noise and all. Source: Zhu et al.,
"Unpaired image-to-image translation using cycle-consistent adversarial networks", ICCV 2017, sections 3, 4 and 7.1.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from ..architectures import D2_STRIDES, Conv2d
from ..degradation import bicubic_upsample
from ..images import Images, Scores
from ..losses import distance, judged_fake, judged_real
from ..presets import Preset
from ..seeds import torch_generator
from .sizes import sizes_of
from .system import Batch, Losses, Phase, System, adam, initial_weights

SOURCE = "Zhu et al., ICCV 2017, 3, 4 and 7.1"
_POOL = 50


class TranslationGenerator(nn.Module):
    """c7s1-k, d2k, d4k, residual blocks, u2k, uk, c7s1-3: images (n, 3, h, w) -> the same, in [0, 1].

    Instance normalisation after every convolution but the last, reflected borders, tanh.

    Args:
        width: k, 64 in the paper.
        blocks: 6 for images of 128 pixels, 9 from 256 on.
    """

    def __init__(self, width: int = 64, blocks: int = 9) -> None:
        super().__init__()

        def normed(conv: nn.Module, features: int) -> list[nn.Module]:
            return [conv, nn.InstanceNorm2d(features), nn.ReLU()]

        def double(features: int) -> nn.Module:
            return nn.ConvTranspose2d(2 * features, features, 3, stride=2, padding=1, output_padding=1)

        self.layers = nn.Sequential(
            *normed(nn.Conv2d(3, width, 7, padding=3, padding_mode="reflect"), width),
            *normed(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), 2 * width),
            *normed(nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1), 4 * width),
            *(_Block(4 * width) for _ in range(blocks)),
            *normed(double(2 * width), 2 * width),
            *normed(double(width), width),
            nn.Conv2d(width, 3, 7, padding=3, padding_mode="reflect"),
            nn.Tanh(),
        )
        start_translator(self)

    def forward(self, images: Images) -> Images:
        """Return the translated images. Inside, white is 1 and black is -1."""
        height, width = images.shape[-2:]
        return (self.layers(2 * extended(images, 4) - 1)[..., :height, :width] + 1) / 2


class _Block(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(features, features, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(features),
            nn.ReLU(),
            nn.Conv2d(features, features, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(features),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def extended(images: Images, multiple: int) -> Images:
    """Repeat the last row and column until height and width are multiples of ``multiple``."""
    height, width = images.shape[-2:]
    return F.pad(images, (0, -width % multiple, 0, -height % multiple), mode="replicate")


def start_translator(network: nn.Module) -> None:
    """Draw all kernels from a normal distribution of standard deviation 0.02 and set biases to 0 (section 7.1)."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def patch_gan(width: int = 64) -> nn.Sequential:
    """Return the 70x70 PatchGAN C64-C128-C256-C512: (n, 3, h, w) -> one score for each patch, (n, 1, i, j).

    The strides are those of D2; the normalisation is by instance, not by batch.
    """
    layers: list[nn.Module] = []
    channels = 3
    for number, stride in enumerate(D2_STRIDES[:-1]):
        features = width * 2**number
        layers.append(Conv2d(channels, features, 4, stride=stride, padding=1))
        layers += [nn.InstanceNorm2d(features)] if number else []
        layers.append(nn.LeakyReLU(0.2))
        channels = features
    layers.append(Conv2d(channels, 1, 4, stride=D2_STRIDES[-1], padding=1))
    network = nn.Sequential(*layers)
    start_translator(network)
    return network


class ImagePool(nn.Module):
    """Fakes of earlier steps: with even chances the judge is shown the newest one, or an older one that it replaces.

    The pool and its counter are buffers, so that they are in a checkpoint; what is drawn depends on the counter alone.

    Args:
        size: Images that are kept, 50 in the paper.
        side: Side of an image.
        seed: Seed of the draws.
        stream: Tells the pools of one system apart.
    """

    kept: Tensor
    count: Tensor

    def __init__(self, size: int, side: int, seed: int, stream: int) -> None:
        super().__init__()
        self.seed, self.stream = seed, stream
        self.register_buffer("kept", torch.zeros(size, 3, side, side))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        # Buffers live on the device, and asking one of them is a wait: this counts on the host.
        self._shown = -1

    def exchange(self, fakes: Images) -> Images:
        """Return as many images as are given, of now or of earlier."""
        if self._shown < 0:
            self._shown = int(self.count)
        shown = []
        for fake in fakes.detach():
            shown.append(self._one(fake))
            self._shown += 1
        self.count.fill_(self._shown)
        return torch.stack(shown)

    def _one(self, fake: Tensor) -> Tensor:
        if self._shown < len(self.kept):
            self.kept[self._shown] = fake
            return fake
        generator = torch_generator(self.seed, self.stream, self._shown)
        old, place = torch.randint(2, (), generator=generator), torch.randint(len(self.kept), (), generator=generator)
        if not old:
            return fake
        earlier = self.kept[place].clone()
        self.kept[place] = fake
        return earlier


class CycleTerms(NamedTuple):
    r"""The terms of {math}`G: X \to Z` and {math}`F: Z \to X`, each a scalar, both directions added up."""

    gan: Tensor
    cycle: Tensor
    identity: Tensor

    def total(self, weight: float) -> Tensor:
        """Return gan + weight (cycle + identity / 2): section 7.1 has 10, and half of it for the identity."""
        return self.gan + weight * (self.cycle + 0.5 * self.identity)


class CycleGAN(System):
    """CycleGAN on bicubically enlarged input.

    Least-squares GAN, L1 cycles of weight 10, identity of weight 5, Adam at 2e-4 with beta1 = 0.5, batch 1, judges at
    half their loss and shown a pool of 50, learning rate constant in the first half and falling to 0 in the second.
    """

    weight = 10.0

    def __init__(self, preset: Preset) -> None:
        size, side = sizes_of(preset), preset.patch * preset.scale
        name = f"CycleGAN-{size.translator_blocks}x{size.translator}"
        super().__init__(name, SOURCE, (Phase("game", "unpaired", 1, fall="late"),))
        self.scale = preset.scale
        with initial_weights(preset.seed):
            self.G = TranslationGenerator(size.translator, size.translator_blocks)
            self.F = TranslationGenerator(size.translator, size.translator_blocks)
            self.D_Z, self.D_X = patch_gan(size.translator), patch_gan(size.translator)
        self.pool_Z, self.pool_X = (ImagePool(_POOL, side, preset.seed, stream) for stream in range(2))

    def make_optimizers(self, phase: Phase) -> dict[str, Optimizer]:
        """Return Adam for the generators together, and for the judges together."""
        return {"G": adam(2e-4, self.G, self.F, beta1=0.5), "D": adam(2e-4, self.D_Z, self.D_X, beta1=0.5)}

    def terms(self, x: Images, z: Images) -> tuple[CycleTerms, Images, Images]:
        """Return the generators' terms, G(x) and F(z).

        x is enlarged before: it is (n, 3, s h, s w), as z is.
        """
        to_z, to_x = self.G(x), self.F(z)
        terms = CycleTerms(
            gan=judged_real(self.D_Z(to_z)) + judged_real(self.D_X(to_x)),
            cycle=distance(self.F(to_z), x, 1) + distance(self.G(to_x), z, 1),
            identity=distance(self.G(z), z, 1) + distance(self.F(x), x, 1),
        )
        # The code measures between images in [-1, 1], twice as far apart.
        cycle, identity = 2 * terms.cycle, 2 * terms.identity
        return CycleTerms(terms.gan, cycle, identity), to_z, to_x

    def step(self, batch: Batch) -> Losses:
        """Move both generators, then both judges."""
        x, _, z = batch
        x = bicubic_upsample(x, self.scale)
        with self.arithmetic.forward():
            terms, to_z, to_x = self.terms(x, z)
        self.arithmetic.minimise(terms.total(self.weight), self.optimizers["G"])
        old_z, old_x = self.pool_Z.exchange(to_z), self.pool_X.exchange(to_x)
        with self.arithmetic.forward():
            judged = 0.5 * (_judged(self.D_Z, z, old_z) + _judged(self.D_X, x, old_x))
        self.arithmetic.minimise(judged, self.optimizers["D"])
        return {name: term.detach() for name, term in terms._asdict().items()} | {"D": judged.detach()}

    def upscaler(self) -> nn.Module:
        """Return G alone."""
        return self.G

    def forward(self, x: Images) -> Images:
        """Return G of the enlarged images."""
        return self.G(bicubic_upsample(x, self.scale))


def _judged(D: nn.Module, real: Images, fake: Images) -> Tensor:
    real_scores: Scores = D(real)
    return judged_real(real_scores) + judged_fake(D(fake))

"""The six networks of CinCGAN, together."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import reduce

import torch
from torch import nn

from ..images import Images
from ..presets import Preset, check_side
from .discriminators import D1_STRIDES_SEEING, D2_STRIDES, PatchDiscriminator
from .edsr import EDSR
from .generators import Generator, he_init, high_pass, start_as_identity, start_by_he


class Upscaler(nn.Module):
    """SR after G1, (n, 3, h, w) -> (n, 3, s h, s w): all that is used of CinCGAN once it is trained."""

    def __init__(self, G1: Generator, SR: EDSR) -> None:
        super().__init__()
        self.G1, self.SR = G1, SR

    @property
    def reach(self) -> int:
        """LR pixels on each side of a pixel that can change its enlargement: what tiles must overlap by."""
        return self.G1.reach + self.SR.reach

    def forward(self, x: Images) -> Images:
        r"""Return $\tilde z = SR(G_1(x))$."""
        return self.SR(self.G1(x))

    def keeping(self, local_mean: int) -> Upscaler:
        """Return the same, with G1 keeping the mean of windows ``local_mean`` pixels wide, or none for 0.

        It shares its weights with this one. Colours are kept in evaluation mode only, see
        `presets.GeneratorSize.local_mean`.

        Raises:
            ValueError: The number is even, or below zero.
        """
        check_side(local_mean)
        G1 = copy.copy(self.G1)
        G1.local_mean = local_mean
        return type(self)(G1, self.SR)


class SelfEnsemble(Upscaler):
    """An upscaler asked eight times about one image, turned and mirrored, and its mean answer.

    Source: the geometric self-ensemble of EDSR (Lim et al., CVPRW 2017, 4.3), "EDSR+" there.
    """

    @staticmethod
    def of(upscaler: Upscaler) -> SelfEnsemble:
        """Return the ensemble of one upscaler; it shares its weights."""
        return SelfEnsemble(upscaler.G1, upscaler.SR)

    def forward(self, x: Images) -> Images:
        r"""Return the mean over the eight symmetries $T$ of the square. {eq}`eq-self-ensemble`."""
        # A running sum: eight results at once would not fit into memory where one does.
        return reduce(torch.add, self.views(x)) / 8

    def views(self, x: Images) -> Iterator[Images]:
        """Yield the eight results, each turned back, (n, 3, s h, s w).

        Four are of x turned by quarters, four of x mirrored and turned. Each is
        computed when it is asked for: without gradients, if that is inside
        `torch.no_grad`.
        """
        plane = (-2, -1)
        for mirrored in (False, True):
            start = x.flip(-1) if mirrored else x
            for quarters in range(4):
                turned = torch.rot90(start, quarters, plane)
                back = torch.rot90(super().forward(turned), -quarters, plane)
                yield back.flip(-1) if mirrored else back


class Networks(nn.Module):
    """G1, G2, SR, G3, D1, D2 under the paper's letters.

    Used after training is only SR(G1(x)), see `upscaler`: the other four are there to teach these two.
    """

    def __init__(
        self,
        G1: Generator,
        G2: Generator,
        SR: EDSR,
        G3: Generator,
        D1: PatchDiscriminator,
        D2: PatchDiscriminator,
    ) -> None:
        super().__init__()
        self.G1, self.G2, self.SR, self.G3, self.D1, self.D2 = G1, G2, SR, G3, D1, D2

    def upscaler(self) -> Upscaler:
        """Return SR(G1(x)) as one network; it shares its weights with these."""
        return Upscaler(self.G1, self.SR)

    @staticmethod
    def of_sizes(preset: Preset) -> Networks:
        """Build networks of a preset's sizes, with weights as PyTorch draws them."""
        return Networks(
            G1=Generator(preset.generator),
            G2=Generator(preset.generator),
            SR=EDSR(preset.sr, preset.scale),
            G3=Generator(preset.generator, reduce=preset.scale),
            D1=PatchDiscriminator(D1_STRIDES_SEEING[preset.discriminator.D1_sees], preset.discriminator),
            D2=PatchDiscriminator(D2_STRIDES, preset.discriminator),
        )

    @staticmethod
    def from_preset(preset: Preset) -> Networks:
        """Build the networks of a preset; equal seeds give equal weights."""
        # Layers draw their weights from the CPU's global generator, which is put back as it was.
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(preset.seed)
            nets = Networks.of_sizes(preset)
            if preset.generator.he:
                for generator in (nets.G1, nets.G2, nets.G3):
                    start_by_he(generator)
            if preset.generator.residual:
                for generator in (nets.G1, nets.G2):
                    start_as_identity(generator)
                    high_pass(_first_conv(generator.head), share=0.5)
            if preset.discriminator.high_pass:
                for discriminator in (nets.D1, nets.D2):
                    _start_awake(discriminator)
        return nets


def _first_conv(layers: nn.Sequential) -> nn.Conv2d:
    first = layers[0]
    if not isinstance(first, nn.Conv2d):
        raise TypeError(f"expected the first layer to be a convolution, got {type(first).__name__}.")
    return first


def _start_awake(discriminator: PatchDiscriminator, gain: float = 8.0) -> None:
    """Give D a high-pass first layer, amplified since noise is small, and He's initialisation in the others."""
    he_init(discriminator)
    high_pass(_first_conv(discriminator.layers), gain=gain)


def parameter_count(network: nn.Module) -> int:
    """Return how many numbers training may change."""
    return sum(parameter.numel() for parameter in network.parameters())

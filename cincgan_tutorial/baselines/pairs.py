"""Chapter 7, what pairs of x and its own z would teach: EDSR+, SRGAN+ and the bound, none of which is unpaired.

The paper fine-tunes public models on the pairs of the challenge, which have to be registered first. Here the pairs are
registered because they are degraded without shift. Source: Yuan et al. 2018, Table 1; no schedule is stated there.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..architectures import EDSR, Networks
from ..degradation import DEGRADATIONS
from ..images import Images
from ..presets import Preset
from ..unpaired import Levels, Photograph, Photographs, aligned, as_levels, degrade
from .regression import Regression, clean_pairs, edsr_size
from .srgan import SRGAN
from .system import Phase, initial_weights

SOURCE = "Yuan et al., CVPRW 2018, Table 1"


class RegisteredPairs:
    """Patches x and z of the same place of the same photograph, (n, 3, p, p) and (n, 3, s p, s p).

    Args:
        photographs: All may serve: here no half has to be kept apart.
        preset: Its degradation, without shift, makes x.
    """

    def __init__(self, photographs: Sequence[Photograph], preset: Preset) -> None:
        degradation = DEGRADATIONS[preset.degradation].without_shift()
        self.preset = preset
        self.X = Levels([degrade(p, degradation, preset.scale, preset.seed) for p in photographs])
        self.Z = Levels([as_levels(p.cropped(preset.scale).image) for p in photographs])
        self.device = torch.device("cpu")

    def to(self, device: torch.device) -> RegisteredPairs:
        """Move the photographs to the memory of ``device``."""
        self.X, self.Z, self.device = self.X.to(device), self.Z.to(device), device
        return self

    def batch(self, step: int, size: int) -> tuple[Images, Images]:
        """Return x and z of the samples from ``step * size`` on."""
        preset = self.preset
        samples = torch.arange(step * size, (step + 1) * size, device=self.device)
        places = self.X.places(samples, preset.patch, preset.seed)
        return aligned(self.X, self.Z, places, preset.patch, preset.scale)


def check_truth(photographs: Photographs) -> None:
    """Raise `ValueError` where X are LR photographs as they came: nobody has the truth behind them."""
    if photographs.x_is_lr:
        raise ValueError(
            f"{photographs.source}: X are LR photographs as they came. A study compares with the truth behind x, which"
            " nobody has: give a folder of HR photographs."
        )


def registered_pairs(preset: Preset, name: str = "registered pairs", share: float = 1.0) -> Phase:
    """Return a phase on (x, z)."""
    return Phase(name, "registered pairs", preset.pretrain.batch, share)


def edsr_plus(preset: Preset) -> Regression:
    """Return EDSR+: EDSR on bicubic pairs, then on registered ones, for half of the time each."""
    # The "+" of the paper's table. EDSR's own paper means eight turned copies of the input by it.
    with initial_weights(preset.seed):
        network = EDSR(preset.sr, preset.scale)
    phases = (clean_pairs(preset, share=0.5), registered_pairs(preset, share=0.5))
    return Regression(f"{edsr_size(preset)}+", SOURCE, phases, network, 1, preset.pretrain.lr)


def srgan_plus(preset: Preset) -> SRGAN:
    """Return SRGAN+: SRGAN for two thirds of the time, then its game on registered pairs."""
    phases = (
        clean_pairs(preset, "mse", 0.4),
        clean_pairs(preset, "game", 0.25),
        registered_pairs(preset, share=0.35),
    )
    return SRGAN(preset, phases, plus="+")


def on_pairs(preset: Preset) -> Regression:
    """Return SR(G1(x)), trained on registered pairs from its first step on: the bound at CinCGAN's own size.

    G1 does not keep the local mean of x: no loss asks what it hands to SR to have the colours of x.
    """
    upscaler = Networks.from_preset(preset.with_free_colours()).upscaler()
    return Regression(
        f"G1+{edsr_size(preset)} on pairs", SOURCE, (registered_pairs(preset),), upscaler, 1, preset.pretrain.lr
    )

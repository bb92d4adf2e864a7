"""Chapter 7, systems that learn from pairs by one distance and have no adversary: EDSR, SRResNet and their kin."""

from __future__ import annotations

from torch import nn
from torch.optim import Optimizer

from ..architectures import EDSR
from ..images import Images
from ..losses import distance
from ..presets import Norm, Preset
from .system import Batch, Losses, Phase, System, adam, initial_weights


class Regression(System):
    """A network that is moved towards the HR image of each LR image: the mean of |f(low) - high|^p.

    Args:
        name: What tables call it.
        source: Paper and section.
        phases: Each with pairs as data.
        network: (n, 3, h, w) -> (n, 3, s h, s w).
        norm: p.
        lr: Adam's learning rate.
    """

    def __init__(
        self, name: str, source: str, phases: tuple[Phase, ...], network: nn.Module, norm: Norm, lr: float
    ) -> None:
        super().__init__(name, source, phases)
        self.network, self.norm, self.lr = network, norm, lr

    def make_optimizers(self, phase: Phase) -> dict[str, Optimizer]:
        """Return Adam for all weights."""
        return {"network": adam(self.lr, self.network)}

    def step(self, batch: Batch) -> Losses:
        """Move the network down the distance."""
        low, high = batch
        with self.arithmetic.forward():
            loss = distance(self.network(low), high, self.norm)
        self.arithmetic.minimise(loss, self.optimizers["network"])
        return {"distance": loss.detach()}

    def upscaler(self) -> nn.Module:
        """Return the network."""
        return self.network

    def forward(self, x: Images) -> Images:
        """Return the enlarged images."""
        return self.network(x)


def edsr_size(preset: Preset) -> str:
    """Return the name of a preset's EDSR, such as ``EDSR-8x32``: blocks and features."""
    return f"EDSR-{preset.sr.blocks}x{preset.sr.features}"


def clean_pairs(preset: Preset, name: str = "clean pairs", share: float = 1.0) -> Phase:
    """Return a phase on (y, z)."""
    return Phase(name, "clean pairs", preset.pretrain.batch, share)


def edsr(preset: Preset) -> Regression:
    """Return EDSR, trained on bicubic pairs: what a reader would plug in.

    Source: Lim et al., CVPRW 2017, sections 3 and 4: mean absolute error, Adam. Its learning rate is 1e-4 for 300,000
    steps and more.
    """
    # Departure: a preset's own learning rate, higher than 1e-4 where there are few steps.
    with initial_weights(preset.seed):
        network = EDSR(preset.sr, preset.scale)
    return Regression(
        edsr_size(preset), "Lim et al., CVPRW 2017, 3-4", (clean_pairs(preset),), network, 1, preset.pretrain.lr
    )

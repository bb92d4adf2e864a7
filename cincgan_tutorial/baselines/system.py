"""Chapter 7, what a system of the comparison is: networks, one step downhill, and a way from x to an HR image.

All are trained by one loop (`baselines.loop`), from the same photographs, patches and seconds. What differs is what the
modules beside this one say: a network and a loss.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from ..architectures import parameter_count
from ..images import Images, check_images
from ..presets import Stage
from ..training import Arithmetic, rate

Losses = dict[str, Tensor]
# (LR, HR) of one place, or x, y, z of the unpaired domains.
Batch = tuple[Images, ...]
Data = Literal["clean pairs", "registered pairs", "unpaired"]


@dataclass(frozen=True)
class Phase:
    """A part of a training that has its own data and loss.

    Attributes:
        name: What the log calls it.
        data: "clean pairs" are (y, z), the reduction by bicubic that unpaired data gives for free; "registered pairs"
            are (x, z) of one photograph, which no unpaired method may see; "unpaired" is (x, y, z).
        batch: Patches per step.
        share: Part of the training seconds; the shares of a system add up to 1.
        fall: How the learning rates fall: on a cosine to a twentieth, or "late", constant for the first half and on a
            line to 0 in the second, or not at all.
    """

    name: str
    data: Data
    batch: int
    share: float = 1.0
    fall: Literal["cosine", "late", "never"] = "cosine"

    def rate(self, step: int, steps: int) -> float:
        """Return the share of the learning rates at ``step`` of ``steps``."""
        if self.fall == "cosine":
            return rate(Stage(steps), step)
        return 1.0 if self.fall == "never" else min(1.0, 2 * (1 - step / steps))


class System(nn.Module, ABC):
    """A row of the table.

    Everything that training changes is in its ``state_dict`` or in its optimizers, so that a checkpoint holds all.

    Attributes:
        name: What tables call it, with its size.
        source: Paper and section that it follows.
        phases: The parts of its training, in their order.
    """

    name: str
    source: str
    phases: tuple[Phase, ...]

    def __init__(self, name: str, source: str, phases: tuple[Phase, ...]) -> None:
        super().__init__()
        self.name, self.source, self.phases = name, source, phases
        self.optimizers: dict[str, Optimizer] = {}
        self.arithmetic = Arithmetic("fp32", torch.device("cpu"))
        self.phase = phases[0]

    def begin(self, phase: Phase, arithmetic: Arithmetic) -> None:
        """Enter a phase with fresh optimizers, whose groups remember the learning rate that they begin with."""
        self.train()
        self.phase, self.arithmetic = phase, arithmetic
        self.optimizers = self.make_optimizers(phase)
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["initial_lr"] = group["lr"]

    def set_rates(self, step: int, steps: int) -> None:
        """Give every optimizer its learning rates for ``step`` of ``steps``."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * self.phase.rate(step, steps)

    @abstractmethod
    def make_optimizers(self, phase: Phase) -> dict[str, Optimizer]:
        """Return the optimizers of a phase, named after what they minimise."""

    @abstractmethod
    def step(self, batch: Batch) -> Losses:
        """Take one training step of the phase that was entered and return its losses, detached."""

    @abstractmethod
    def upscaler(self) -> nn.Module:
        """Return the network, or networks, that are used once training is over."""

    @abstractmethod
    def forward(self, x: Images) -> Images:
        """Return x, (n, 3, h, w), enlarged, (n, 3, s h, s w); not clamped."""

    @torch.no_grad()
    def upscale(self, x: Images) -> Images:
        """Return x enlarged, clamped to [0, 1], as a trained system does it: with the statistics that it has learnt."""
        check_images(x, "x")
        self.eval()
        return self(x).clamp(0, 1)

    @property
    def parameters_used(self) -> int:
        """How many weights are used once training is over."""
        return parameter_count(self.upscaler())

    @property
    def parameters_trained(self) -> int:
        """How many weights training changes: judges and helpers count too, what is fixed does not."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)

    @property
    def sees_pairs(self) -> bool:
        """Whether it is trained on pairs that the unpaired method may not see."""
        return any(phase.data == "registered pairs" for phase in self.phases)


def adam(lr: float, *networks: nn.Module, beta1: float = 0.9) -> Adam:
    """Return Adam for the weights of some networks."""
    return Adam([p for network in networks for p in network.parameters()], lr=lr, betas=(beta1, 0.999), fused=True)


@contextlib.contextmanager
def initial_weights(seed: int) -> Iterator[None]:
    """Let networks that are built inside draw their weights from ``seed``, and leave the global generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield

"""Chapter 7, the patches that all systems of a comparison share: degraded once, cut by one rule."""

from __future__ import annotations

from functools import cached_property

import torch

from ..degradation import degradation_named
from ..presets import Preset
from ..training import LAYOUT
from ..unpaired import Photographs, UnpairedPatches
from .pairs import RegisteredPairs, check_truth
from .system import Batch, Phase


class Material:
    """The patches of a preset and its seed; what no phase asks for is not made.

    Args:
        preset: Degradation, patch, scale and seed.
        photographs: The split photographs. Registered pairs are cut from both halves: who may see pairs may see all.
        device: Where patches are cut.
    """

    def __init__(self, preset: Preset, photographs: Photographs, device: torch.device) -> None:
        self.preset, self.photographs, self.device = preset, photographs, device

    @cached_property
    def unpaired(self) -> UnpairedPatches:
        """The unpaired domains."""
        preset = self.preset
        degradation = degradation_named(preset.degradation)
        patches = UnpairedPatches(self.photographs, degradation, preset.patch, preset.scale, preset.seed)
        return patches.to(self.device)

    @cached_property
    def registered(self) -> RegisteredPairs:
        """The registered pairs; `ValueError` where X has no truth."""
        check_truth(self.photographs)
        return RegisteredPairs(self.photographs.x + self.photographs.yz, self.preset).to(self.device)

    def batch(self, phase: Phase, step: int) -> Batch:
        """Return the patches of a step of a phase: (LR, HR) for pairs, (x, y, z) for unpaired ones."""
        if phase.data == "registered pairs":
            images: Batch = self.registered.batch(step, phase.batch)
        elif phase.data == "clean pairs":
            images = self.unpaired.pairs(step, phase.batch)
        else:
            images = self.unpaired.batch(step, phase.batch)
        return tuple(image.to(self.device, memory_format=LAYOUT) for image in images)

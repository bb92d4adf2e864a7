"""The sizes at which the benchmark measures, and batches of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from cincgan_tutorial.degradation import SYNTHETIC_MILD
from cincgan_tutorial.presets import PRESETS, EDSRSize, Preset
from cincgan_tutorial.training import settle, training_device
from cincgan_tutorial.unpaired import UnpairedPatches, bundled_photographs

STAGES = ("pretrain", "first", "joint")
# The paper's generators, discriminators and batch with EDSR's baseline, so that a CPU's joint step takes seconds.
PAPER, PAPER_FULL = "paper, EDSR 16x64", "paper, EDSR 32x256"


def sized(name: str) -> Preset:
    """Return the preset of a size, its precision settled for this device."""
    preset = PRESETS[name.partition(",")[0]]
    if name == PAPER:
        preset = replace(preset, sr=EDSRSize(features=64, blocks=16, residual_scale=1.0))
    return replace(preset, precision=settle(preset.precision, training_device()))


def batch_of(preset: Preset, stage: str) -> tuple[Tensor, ...]:
    """Return random x, y and z of the stage's batch, in the layout of the library's sampler."""
    n, generator = preset.stages()[stage].batch, torch.Generator().manual_seed(0)
    sides = (preset.patch, preset.patch, preset.patch * preset.scale)
    images = (torch.rand(n, 3, side, side, generator=generator) for side in sides)
    return tuple(image.to(training_device(), memory_format=torch.channels_last) for image in images)


def drawing(preset: Preset, stage: str) -> Callable[[], tuple[Tensor, ...]]:
    """Return what draws a stage's batches from the bundled photographs, one after the other."""
    photographs = bundled_photographs()
    patches = UnpairedPatches(photographs, SYNTHETIC_MILD, preset.patch, preset.scale, preset.seed)
    patches = patches.to(training_device())
    step = iter(range(sys.maxsize))
    return lambda: patches.batch(next(step), preset.stages()[stage].batch)

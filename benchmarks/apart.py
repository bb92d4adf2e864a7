"""What some of the library's optimisations bring by themselves on a CPU: kept memory, enlarging, convolutions.

``python apart.py SIZE STAGE`` does steps in a process of its own, before and after freed memory is kept.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from ours import OurLoop
from sizes import batch_of, sized
from torch import Tensor, nn

from cincgan_tutorial.architectures import D1_STRIDES, Conv2d, PatchDiscriminator, Upsampler
from cincgan_tutorial.architectures.linear import enlarge_at_once
from cincgan_tutorial.presets import Preset
from cincgan_tutorial.training import Arithmetic, training_device
from cincgan_tutorial.training.memory import keep_freed_memory
from cincgan_tutorial.training.state import LAYOUT

STEPS = 8


def freed_memory(size: str, stage: str, rounds: int) -> dict[str, Any] | None:
    """Return seconds and new pages of a step while freed memory is given back, and while it is kept.

    What is kept once is kept for good, so the order is always the same, each round is a process of its own, and the
    medians count. Nothing is returned where the C library can't be told to keep it.
    """
    command = [sys.executable, str(Path(__file__).resolve()), size, stage]
    found = []
    for _ in range(rounds):
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found.append(json.loads(printed.splitlines()[-1]))
    if None in found:
        return None
    return {"size": size, "stage": stage} | {name: statistics.median(each[name] for each in found) for name in found[0]}


def _steps(ours: OurLoop, stage: str, way: str) -> dict[str, float]:
    """Do some steps and return the median seconds and the mean of new pages of one."""
    batch = batch_of(ours.preset, stage)
    for _ in range(3):
        ours.step(*batch)
    pages, taken = _pages(), []
    for _ in range(STEPS):
        begun = time.perf_counter()
        ours.step(*batch)
        taken.append(time.perf_counter() - begun)
    return {f"{way}_seconds": statistics.median(taken), f"{way}_pages": (_pages() - pages) / STEPS}


def _pages() -> int:
    """Return how many pages of memory the system has handed to this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def upsampling(size: str) -> dict[str, Callable[[], Any]]:
    """Return work that takes a batch through the first stage of SR's enlargement, and the gradients back.

    As the library does it, and as PyTorch does the same layers.
    """
    preset = sized(size)
    features = preset.sr.features
    maps = torch.ones(preset.pretrain.batch, features, preset.patch, preset.patch)
    layers = _stage(features)
    kinds = {"ours": Upsampler(*layers), "plain": nn.Sequential(*layers)}
    return {name: _both_ways(network, maps, preset) for name, network in kinds.items()}


def _stage(features: int) -> tuple[nn.Module, nn.Module]:
    """Return the layers of a stage of SR's enlargement."""
    return nn.Conv2d(features, 4 * features, 3, padding=1), nn.PixelShuffle(2)


class AtOnce(nn.Sequential):
    """SR's last stage of enlargement and its last layer."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return the enlarged colours."""
        return enlarge_at_once(maps, self[0], self[1])


def end_of_SR(size: str) -> dict[str, Callable[[], Any]]:
    """Return work that takes a batch through SR's last stage and its last layer, and the gradients back.

    As one, and as PyTorch does them one by one.
    """
    preset = sized(size)
    features, side = preset.sr.features, preset.patch * preset.scale // 2
    maps = torch.ones(preset.pretrain.batch, features, side, side)
    layers = _stage(features)
    tail = nn.Conv2d(features, 3, 3, padding=1)
    kinds = {"ours": AtOnce(Upsampler(*layers), tail), "plain": nn.Sequential(*layers, tail)}
    return {name: _both_ways(network, maps, preset) for name, network in kinds.items()}


def convolutions(size: str) -> dict[str, dict[str, Callable[[], Any]]]:
    """Return work that takes a batch through each of D1's last three convolutions, and the gradients back.

    By the library's convolution, and by PyTorch's.
    """
    preset = sized(size)
    convs = [
        layer for layer in PatchDiscriminator(D1_STRIDES, preset.discriminator).layers if isinstance(layer, Conv2d)
    ]
    found = {}
    for number, ours in list(enumerate(convs))[-3:]:
        side = preset.patch - number  # each has kernel 4, stride 1 and padding 1
        maps = torch.ones(preset.first.batch, ours.in_channels, side, side)
        plain = nn.Conv2d(ours.in_channels, ours.out_channels, 4, padding=1)
        name = f"layer {number + 1}, {ours.in_channels} to {ours.out_channels} channels"
        found[name] = {"ours": _both_ways(ours, maps, preset), "plain": _both_ways(plain, maps, preset)}
    return found


def _both_ways(module: nn.Module, given: Tensor, preset: Preset) -> Callable[[], Any]:
    """Return work that calls a module and takes a gradient back, in the layout and the numbers of training."""
    arithmetic = Arithmetic(preset.precision, training_device())
    module = module.to(memory_format=LAYOUT)
    given = given.to(arithmetic.dtype).to(memory_format=LAYOUT).requires_grad_()

    def forward() -> Tensor:
        with arithmetic.forward():
            return module(given)

    gradient = torch.ones_like(forward())
    return lambda: torch.autograd.grad(forward(), [given, *module.parameters()], gradient)


def main(size: str, stage: str) -> None:
    """Print what was measured."""
    ours = OurLoop(sized(size), stage, training_device())
    found = _steps(ours, stage, "given_back")
    print(json.dumps(found | _steps(ours, stage, "kept") if keep_freed_memory() else None))


if __name__ == "__main__":
    main(*sys.argv[1:])

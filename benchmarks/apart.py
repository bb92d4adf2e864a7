"""What two of the library's devices bring by themselves on a CPU: memory that is kept, and the gradient of a shuffle.

``python apart.py STAGE`` does steps of ``lesson`` in a process of its own, before and after freed memory is kept.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from ours import OurLoop
from sizes import batch_of, device, sized
from torch import nn

from cincgan_tutorial.architectures import PixelShuffle
from cincgan_tutorial.training.memory import keep_freed_memory

SIZE = "lesson"
STEPS = 8


def freed_memory(stage: str, rounds: int) -> dict[str, Any]:
    """Return seconds and new pages of a step while freed memory is given back, and while it is kept.

    What is kept is not given back any more, so each round is a fresh process, and the medians count.
    """
    command = [sys.executable, str(Path(__file__).resolve()), stage]
    found = [
        json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(rounds)
    ]
    return {"stage": stage} | {name: statistics.median(round[name] for round in found) for name in found[0]}


def _measured(ours: OurLoop, stage: str, way: str) -> dict[str, float]:
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


def shuffles() -> dict[str, nn.Module]:
    """Return the library's pixel shuffle and PyTorch's."""
    return {"ours": PixelShuffle(2), "plain": nn.PixelShuffle(2)}


def enlarging(shuffle: nn.Module) -> None:
    """Shuffle what the last stage of `lesson`'s SR makes of a batch, and take a gradient back."""
    features = torch.ones(8, 128, 64, 64, dtype=torch.bfloat16).to(memory_format=torch.channels_last)
    shuffled = shuffle(features.requires_grad_())
    shuffled.backward(torch.ones_like(shuffled))


def main(stage: str) -> None:
    """Print what was measured."""
    ours = OurLoop(sized(SIZE), stage, device())
    found = _measured(ours, stage, "given_back")
    keep_freed_memory()
    print(json.dumps(found | _measured(ours, stage, "kept")))


if __name__ == "__main__":
    main(*sys.argv[1:])

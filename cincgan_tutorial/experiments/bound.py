"""The bound: the same networks trained on pairs of x and its own z, which the unpaired method never sees.

How much of what these networks could do does unpaired training reach? The paper answers with EDSR+, fine-tuned on the
registered pairs of the challenge. Here SR(G1(x)) is trained from its first step on pairs that are registered because
they are degraded without shift.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch.optim import Adam

from ..architectures import Networks
from ..degradation import DEGRADATIONS
from ..front_end import progress_bar
from ..images import Images
from ..losses import distance
from ..presets import Preset
from ..provenance import provenance
from ..training import LAYOUT, Arithmetic, rate, settle
from ..unpaired import Levels, Photograph, Photographs, aligned, as_levels, degrade
from ..weights import Trained, load_weights, save_weights
from .evaluate import cleaning, evaluate
from .results import evaluation_data, record
from .systems import systems

BOUND = "trained on pairs"


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

    def batch(self, step: int, size: int) -> tuple[Images, Images]:
        """Return x and z of the samples from ``step * size`` on."""
        preset = self.preset
        places = self.X.places(torch.arange(step * size, (step + 1) * size), preset.patch, preset.seed)
        return aligned(self.X, self.Z, places, preset.patch, preset.scale)


def train_on_pairs(preset: Preset, photographs: Photographs, path: Path) -> Trained:
    """Train SR(G1(x)) towards z for as many steps as the three stages of ``preset`` have together, on the CPU.

    Rate, batch and loss are those of SR's pre-training. The file at ``path`` is written at the end; where it is there
    already, it is loaded.
    """
    if path.is_file():
        return _checked(load_weights(path), preset, photographs, path)
    stage = replace(preset.pretrain, steps=sum(stage.steps for stage in preset.stages().values()))
    pairs = RegisteredPairs(photographs.x + photographs.yz, preset)
    nets = Networks.from_preset(preset).to(memory_format=LAYOUT)  # type: ignore[call-overload]
    upscaler = nets.upscaler()
    cpu = torch.device("cpu")
    arithmetic = Arithmetic(settle(preset.precision, cpu), cpu)
    optimizer = Adam(upscaler.parameters(), lr=stage.lr, betas=(0.9, 0.999), fused=True)
    begun = time.monotonic()
    with progress_bar(stage.steps, "on pairs") as bar:
        for step in range(stage.steps):
            for group in optimizer.param_groups:
                group["lr"] = stage.lr * rate(stage, step)
            x, z = pairs.batch(step, stage.batch)
            with arithmetic.forward():
                loss = distance(upscaler(x.to(memory_format=LAYOUT)), z, 1)
            arithmetic.minimise(loss, optimizer)
            arithmetic.end_step()
            bar.update()
    facts = provenance() | {
        "source": photographs.source,
        "seed": preset.seed,
        "seconds": {BOUND: time.monotonic() - begun},
        "x_photographs": {p.name: p.sha256 for p in photographs.x},
        "yz_photographs": {p.name: p.sha256 for p in photographs.yz},
    }
    trained = Trained(nets.eval(), copy.deepcopy(upscaler), preset, facts)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_weights(path, trained)
    return trained


def _checked(trained: Trained, preset: Preset, photographs: Photographs, path: Path) -> Trained:
    """Return weights that were found, if they are of this preset and these photographs."""
    halves = {"x_photographs": photographs.x, "yz_photographs": photographs.yz}
    same = all(trained.facts[half] == {p.name: p.sha256 for p in given} for half, given in halves.items())
    if trained.preset != preset or not same:
        raise ValueError(
            f"{path}: was trained with other settings or other photographs. Remove it, or give another --runs folder."
        )
    return trained


def bound(preset: Preset, photographs: Photographs, held_out: Sequence[Photograph], runs: Path, results: Path) -> Path:
    """Train on pairs, score beside bicubic, and record ``<preset>-bound``."""
    trained = train_on_pairs(preset, photographs, runs / f"bound-{preset.name}" / "weights.safetensors")
    every = systems(trained)
    chosen = {"bicubic": every["bicubic"], BOUND: every["CinCGAN"]}
    degradation = DEGRADATIONS[preset.degradation].without_shift()
    rows = evaluate(trained, held_out, degradation, chosen=chosen)
    data, facts = evaluation_data(trained, rows, cleaning(trained, held_out), degradation, seed=0)
    return record(f"{preset.name}-bound", data, facts, results)

"""The bound: the same networks trained on pairs of x and its own z, which the unpaired method never sees.

How much of what these networks could do does unpaired training reach? The paper answers with EDSR+, fine-tuned on the
registered pairs of the challenge. Here SR(G1(x)) is trained from its first step on pairs that are registered because
they are degraded without shift.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

from ..architectures import Networks
from ..baselines import Material, RegisteredPairs, check_truth, load_system, on_pairs, train_system
from ..degradation import DEGRADATIONS
from ..presets import Preset
from ..training import training_device
from ..unpaired import Photograph, Photographs
from ..weights import Trained, load_weights, save_weights
from .evaluate import cleaning, evaluate
from .results import evaluation_data, record
from .systems import systems

__all__ = ["BOUND", "RegisteredPairs", "bound", "train_on_pairs"]

BOUND = "trained on pairs"


def train_on_pairs(preset: Preset, photographs: Photographs, path: Path) -> Trained:
    """Train SR(G1(x)) towards z for as many steps as the three stages of ``preset`` have together.

    Rate, batch and loss are those of SR's pre-training. The file at ``path`` is written at the end; where it is there
    already, it is loaded. An interrupted training goes on from its checkpoint, in the folder ``training`` beside it.
    """
    check_truth(photographs)
    preset = preset.with_free_colours()  # as in `on_pairs`
    if path.is_file():
        return _checked(load_weights(path), preset, photographs, path)
    system, device = on_pairs(preset), training_device()
    material = Material(preset, photographs, device)
    steps = {system.phases[0].name: steps_on_pairs(preset)}
    run = train_system(system, material, steps, path.parent / "training")
    facts = load_system(system, run.weights_path)
    nets = Networks.from_preset(preset)
    nets.upscaler().load_state_dict(system.upscaler().state_dict())
    facts |= {"source": photographs.source, "seconds": {BOUND: sum(facts["seconds"].values())}}
    trained = Trained(nets.eval(), copy.deepcopy(nets.upscaler()), preset, facts)
    save_weights(path, trained)
    return trained


def steps_on_pairs(preset: Preset) -> int:
    """Return how many steps the three stages of a preset have together."""
    return sum(stage.steps for stage in preset.stages().values())


def _checked(trained: Trained, preset: Preset, photographs: Photographs, path: Path) -> Trained:
    """Return weights that were found, if they are of this preset and these photographs."""
    halves = {"x_photographs": photographs.x, "yz_photographs": photographs.yz}
    same = all(trained.facts[half] == {p.name: p.sha256 for p in given} for half, given in halves.items())
    if trained.preset != preset or not same:
        raise ValueError(
            f"{path}: was trained with other settings or other photographs. Remove it, or give another --runs folder."
        )
    return trained


def bound(
    preset: Preset,
    photographs: Photographs,
    held_out: Sequence[Photograph],
    runs: Path,
    results: Path,
    name: str | None = None,
) -> Path:
    """Train on pairs, score beside bicubic, and record ``<preset>-bound``, or under another ``name``."""
    trained = train_on_pairs(preset, photographs, runs / f"bound-{preset.name}" / "weights.safetensors")
    every = systems(trained)
    chosen = {"bicubic": every["bicubic"], BOUND: every["CinCGAN"]}
    degradation = DEGRADATIONS[preset.degradation].without_shift()
    rows = evaluate(trained, held_out, degradation, chosen=chosen)
    data, facts = evaluation_data(trained, rows, cleaning(trained, held_out), degradation, seed=0)
    data["training"]["steps"] = steps_on_pairs(trained.preset)
    return record(name or f"{preset.name}-bound", data, facts, results)

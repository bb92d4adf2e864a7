"""A study of symptoms: for each entry of the FAQ a run that has it, beside one that has not."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..baselines import check_truth
from ..degradation import DEGRADATIONS, bicubic_upsample
from ..images import Images, write_png
from ..inference import super_resolve
from ..presets import Preset, with_settings
from ..training import read_log
from ..training.alarms import ENTRIES
from ..unpaired import Photograph, Photographs
from ..weights import Trained, load_weights
from .evaluate import check_unseen, noisy
from .results import record
from .studies import COLOURS_FREE
from .study import Study, example_of, scores_of, slug, trained_in

# Without a step of stage one G1 is the identity; clean input, so that nothing but SR makes a pattern.
_YOUNG = {"degradation": "bicubic", "first.steps": 0, "pretrain.steps": 20}

SYMPTOMS = Study(
    "symptoms",
    "what each symptom looks like, and which number gives it away",
    # No G1 is chosen: what went wrong is to be seen as it ended.
    COLOURS_FREE | {"pretrain.steps": 0, "joint.steps": 0, "first.steps": 400, "validate_every": 0, "log_every": 10},
    {
        "healthy": {},
        "not finite": {"first.lr": 0.1, "clip": 0},
        "flat output": {"first.cycle_one.tv": 1000},
        "colour drift": {"first.cycle_one.identity": 0, "first.cycle_one.cycle": 0},
        "at chance": {"discriminator.high_pass": False},
        "saturated": {"first.lr": 1e-7, "first.lr_D": 1e-3, "first.steps": 900},
        "no adversary": {"first.cycle_one.gan": 0},
        "SR after 20 steps": _YOUNG,
        "SR after 400 steps": _YOUNG | {"pretrain.steps": 400},
    },
)


def run_symptoms(
    study: Study,
    preset: Preset,
    photographs: Photographs,
    held_out: Sequence[Photograph],
    runs: Path,
    results: Path,
) -> Path:
    """Train what is missing, keep each run's log, scores and picture, record it; arguments as `run_study`.

    A run that ended because a number was not finite is a result like the others: what it said is kept. It has no
    weights, so no score and no picture.
    """
    check_truth(photographs)
    variants: dict[str, dict[str, Any]] = {}
    pictures: dict[str, Path] = {}
    for label, settings in study.variants.items():
        folder = runs / f"{study.name}-{preset.name}" / slug(label)
        chosen = with_settings(preset, dict(study.common) | dict(settings))
        said = _trained_or_stopped(folder, chosen, photographs)
        log = [{key: line[key] for key in line if key != "seconds"} for line in read_log(folder / "log.jsonl")]
        variants[label] = {"settings": dict(settings), "stopped": said, "log": log}
        if said is None:
            trained = load_weights(folder)
            check_unseen(trained, held_out)
            measures = "lr" if chosen.first.steps else "hr"
            variants[label] |= scores_of(trained, held_out, measures)
            if measures == "hr":
                variants[label]["grid_8bit"] = _mean_grid(trained, held_out)
            pictures[f"{slug(label)}.png"] = write_png(folder / "example.png", example_of(trained, measures))
    data = {"question": study.question, "common": dict(study.common), "variants": variants}
    facts = {"preset": preset.name, "seed": preset.seed, "source": photographs.source}
    return record(study.name, data, facts, results, pictures)


def _trained_or_stopped(folder: Path, preset: Preset, photographs: Photographs) -> str | None:
    """Train, or go on; return what the run said if a number that is not finite ended it, else ``None``."""
    try:
        trained_in(folder, preset, photographs)
    except ValueError as error:
        if ENTRIES["not finite"] not in str(error):
            raise
        return str(error)
    return None


@torch.no_grad()
def _mean_grid(trained: Trained, photographs: Sequence[Photograph]) -> float:
    """Return the `grid` that SR adds to its input, mean over the photographs, in levels of 255."""
    degradation, scale = DEGRADATIONS[trained.preset.degradation].without_shift(), trained.preset.scale
    found = []
    for photograph in photographs:
        x, _ = noisy(photograph, degradation, scale)
        found.append(grid(super_resolve(trained.nets.upscaler(), x) - bicubic_upsample(x, scale), scale) * 255)
    return statistics.fmean(found)


def grid(images: Images, scale: int) -> float:
    """Return how strong a checkerboard of period ``scale`` is: the standard deviation of the means of its s x s phases.

    A phase is every s-th pixel of every s-th row. Where nothing repeats, all phases have the same mean.

    Args:
        images: (n, 3, h, w), h and w at least ``scale``.
        scale: s, pixels.
    """
    phases = [images[..., i::scale, j::scale].mean((0, 2, 3)) for i in range(scale) for j in range(scale)]
    return torch.stack(phases).std(0, correction=0).mean().item()

"""The same training from several seeds: one run may be lucky."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..baselines import check_truth
from ..degradation import DEGRADATIONS
from ..presets import Preset
from ..training import read_log
from ..unpaired import Photograph, Photographs
from ..weights import load_weights
from .evaluate import Row, cleaning, evaluate
from .results import Recorded, evaluation_data, record, rows_from
from .study import trained_in


def repeat(
    preset: Preset,
    seeds: Sequence[int],
    photographs: Photographs,
    held_out: Sequence[Photograph],
    runs: Path,
    results: Path,
    name: str | None = None,
) -> Path:
    """Train from every seed, score every run on the same noisy photographs, and record ``<preset>-seeds``.

    Args:
        preset: The settings; its own seed is replaced. The seed draws the degradation of X, the patches and the
            initial weights.
        seeds: At least one.
        photographs: What every run is trained on.
        held_out: What every run is scored on, degraded from seed 0 each time.
        runs: Run folders are made in ``runs/seeds-<preset>/<seed>``; finished ones are kept, interrupted ones resumed.
        results: Where the result is written.
        name: What to call the result instead.
    """
    check_truth(photographs)
    degradation = DEGRADATIONS[preset.degradation].without_shift()
    of_seed: list[dict[str, Any]] = []
    for seed in seeds:
        run = trained_in(runs / f"seeds-{preset.name}" / str(seed), replace(preset, seed=seed), photographs)
        trained = load_weights(run)
        rows = evaluate(trained, held_out, degradation)
        data, facts = evaluation_data(trained, rows, cleaning(trained, held_out), degradation, seed=0)
        alarms = [line["alarm"] for line in read_log(run / "log.jsonl") if "alarm" in line]
        of_seed.append({"seed": seed, "alarms": alarms} | data)
    return record(name or f"{preset.name}-seeds", {"runs": of_seed}, facts | {"seed": list(seeds)}, results)


def rows_of_seeds(result: Recorded) -> dict[int, list[Row]]:
    """Return the rows of every run of a recorded repetition, by seed."""
    return {run["seed"]: rows_from(run) for run in result.data["runs"]}


def mean_over_seeds(result: Recorded) -> list[Row]:
    """Return one row for each system: every photograph's score is its mean over the seeds."""
    runs = list(rows_of_seeds(result).values())

    def mean(scores: list[dict[str, float]]) -> dict[str, float]:
        return {name: sum(score[name] for score in scores) / len(scores) for name in scores[0]}

    return [
        Row(same[0].system, mean([row.psnr for row in same]), mean([row.ssim for row in same]))
        for same in zip(*runs, strict=True)
    ]

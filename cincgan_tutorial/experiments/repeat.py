"""The same training from several seeds, on several divisions of the photographs: one run may be lucky."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..baselines import check_truth
from ..degradation import Degradation, degradation_named
from ..images import write_png
from ..presets import Preset
from ..seeds import check_seeds
from ..training import read_log
from ..unpaired import Photograph, Photographs
from ..weights import load_weights
from .evaluate import Row, cleaning, evaluate, noisy
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
    degradation: str | None = None,
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
        degradation: Name of the one to score under, which need not be that of the training; left out: that one.

    Raises:
        ValueError: X are LR images as they came, there is no seed or one twice, or no degradation has that name.
    """
    check_truth(photographs)
    check_seeds(seeds)
    under = degradation_named(degradation or preset.degradation)
    of_seed = []
    for seed in seeds:
        folder = runs / f"seeds-{preset.name}" / str(seed)
        data, facts = _trained_and_scored(folder, replace(preset, seed=seed), photographs, held_out, under)
        of_seed.append({"seed": seed} | data)
    return record(name or f"{preset.name}-seeds", {"runs": of_seed}, facts | {"seed": list(seeds)}, results)


def leave_out(
    preset: Preset,
    seeds: Sequence[int],
    photographs: Photographs,
    held_out: Sequence[Photograph],
    runs: Path,
    results: Path,
    name: str | None = None,
) -> Path:
    """Train from every seed once for each of `turns`, score what each left out, and record ``<preset>-left-out``.

    Where photographs are few, the score depends on which of them are held out. Here they take turns, and a seed's score
    is that over all that were held out. The pictures show what G1 makes, from every seed, of the photograph on which
    cleaning first loses most, see `lost_most`.

    Args:
        preset: The settings; its own seed is replaced.
        seeds: At least one.
        photographs: What is divided anew in every turn, together with ``held_out``.
        held_out: The photographs that the first turn holds out; every turn holds out as many.
        runs: Run folders are made in ``runs/left-out-<preset>/<seed>-<turn>``; finished ones are kept, interrupted ones
            resumed.
        results: Where the result is written.
        name: What to call the result instead.

    Raises:
        ValueError: X are LR images as they came, nobody can take turns (see `turns`), or there is no seed or one twice.
    """
    check_truth(photographs)
    check_seeds(seeds)
    divisions = turns(photographs, held_out)
    folder = runs / f"left-out-{preset.name}"
    under = degradation_named(preset.degradation)
    of_seed = []
    for seed in seeds:
        parts = []
        for turn, divided in enumerate(divisions):
            run = folder / f"{seed}-{turn}"
            data, facts = _trained_and_scored(run, replace(preset, seed=seed), divided, divided.held_out, under)
            parts.append(data)
        of_seed.append({"seed": seed} | _joined(parts))
    lost = lost_most(_mean([rows_from(run) for run in of_seed]))
    turn, photograph = next(
        (turn, shown) for turn, divided in enumerate(divisions) for shown in divided.held_out if shown.name == lost
    )
    pictures = {}
    for seed in seeds:
        image = _cleaned(folder / f"{seed}-{turn}", photograph)
        pictures[f"cleaned-{seed}.png"] = write_png(folder / f"cleaned-{seed}.png", image)
    facts |= {"seed": list(seeds)}
    return record(name or f"{preset.name}-left-out", {"runs": of_seed, "lost_most": lost}, facts, results, pictures)


def lost_most(rows: Sequence[Row]) -> str:
    """Return the name of the photograph on which cleaning first gains least, or loses most, against SR alone."""
    psnr = {row.system: row.psnr for row in rows}
    return min(psnr["SR alone"], key=lambda name: psnr["G1 then SR"][name] - psnr["SR alone"][name])


@torch.no_grad()
def _cleaned(run: Path, photograph: Photograph) -> Tensor:
    """Return G1(x) after stage one, (3, h, w) in [0, 1], x being the photograph as it is degraded for the scores."""
    trained = load_weights(run)
    x, _ = noisy(photograph, degradation_named(trained.preset.degradation).without_shift(), trained.preset.scale)
    return trained.before_joint.G1(x).clamp(0, 1)[0]


def turns(photographs: Photographs, held_out: Sequence[Photograph]) -> list[Photographs]:
    """Divide photographs anew as often as others can be held out: the first turn is the division that was given.

    Every turn moves the row of X, Y/Z and ``held_out`` on by as many as are held out, so the parts keep their sizes and
    no photograph is held out twice. Where the row is no multiple of these, some of Y/Z never are.

    Raises:
        ValueError: Nothing is held out, or more than half, so that there is one turn at most; or two photographs have
            one name, and their scores could not be told apart.
    """
    row = (*photographs.x, *photographs.yz, *held_out)
    names = [photograph.name for photograph in row]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two photographs are called {', '.join(twice)}. Rename one of each.")
    if not 1 <= len(held_out) <= len(row) // 2:
        raise ValueError(
            f"{len(held_out)} of {len(row)} photographs are held out: expected one to half of them, to take turns."
        )
    step, x, yz = len(held_out), len(photographs.x), len(photographs.yz)
    moved = [row[i * step :] + row[: i * step] for i in range(len(row) // step)]
    return [replace(photographs, x=m[:x], yz=m[x : x + yz], held_out=m[x + yz :]) for m in moved]


def _trained_and_scored(
    folder: Path,
    preset: Preset,
    photographs: Photographs,
    held_out: Sequence[Photograph],
    under: Degradation,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return data and facts of one training, as `evaluation_data` does, with its alarms among the data."""
    run = trained_in(folder, preset, photographs)
    trained = load_weights(run)
    degradation = under.without_shift()
    rows = evaluate(trained, held_out, degradation)
    clean = cleaning(trained, held_out, degradation=degradation)
    data, facts = evaluation_data(trained, rows, clean, degradation, seed=0)
    return {"alarms": [line["alarm"] for line in read_log(run / "log.jsonl") if "alarm" in line]} | data, facts


def _joined(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what several trainings scored on different photographs, as if one had scored on all."""

    def union(score: str, same: Sequence[dict[str, Any]]) -> dict[str, float]:
        return {name: value for row in same for name, value in row[score].items()}

    return {
        "alarms": [alarm for part in parts for alarm in part["alarms"]],
        "degradation": parts[0]["degradation"],
        "shifted": parts[0]["shifted"],
        "photographs": [name for part in parts for name in part["photographs"]],
        "rows": [
            {"system": same[0]["system"], "psnr": union("psnr", same), "ssim": union("ssim", same)}
            for same in zip(*(part["rows"] for part in parts), strict=True)
        ],
        "trainings": [
            part["training"] | {"held_out": part["photographs"]} | {name: part[name] for name in ("alarms", "lr_psnr")}
            for part in parts
        ],
    }


def rows_of_seeds(result: Recorded) -> dict[int, list[Row]]:
    """Return the rows of every run of a recorded repetition, by seed."""
    return {run["seed"]: rows_from(run) for run in result.data["runs"]}


def mean_over_seeds(result: Recorded) -> list[Row]:
    """Return one row for each system: every photograph's score is its mean over the seeds."""
    return _mean([*rows_of_seeds(result).values()])


def _mean(runs: Sequence[Sequence[Row]]) -> list[Row]:
    def mean(scores: list[dict[str, float]]) -> dict[str, float]:
        return {name: sum(score[name] for score in scores) / len(scores) for name in scores[0]}

    return [
        Row(same[0].system, mean([row.psnr for row in same]), mean([row.ssim for row in same]))
        for same in zip(*runs, strict=True)
    ]
